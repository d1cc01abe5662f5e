"""From the text of a Lark grammar to :class:`LarkGrammar`, through Lark's own loader.

Templates, imports, %override, %extend, %declare, ranges, flags, ``~n..m``, ``[...]``, inline and conditional
rules mean what Lark means by them, because Lark works them out. What is added: places, and operators kept as
counts where Lark would multiply them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lark.exceptions import LarkError
from lark.grammar import NonTerminal, RuleOptions
from lark.lexer import PatternStr
from lark.load_grammar import Grammar, load_grammar
from lark.tree import Tree

from structgen.errors import InputError, SourceSyntaxError
from structgen.frontends.lark.errors import translated
from structgen.frontends.lark.extensions import Embedded, take_out
from structgen.frontends.lark.grammar import Count, LarkGrammar, LarkRule, LarkSymbol, LarkTerminal, Place
from structgen.frontends.lark.parametric import expand
from structgen.frontends.lark.scan import Index
from structgen.source import Lark, Special


def load(source: Lark, *, counted: bool = False) -> LarkGrammar:
    """The grammar of a source.

    Args:
        source: the constraint.
        counted: False: rules exactly as Lark has them, operators expanded to BNF. True: ``x?``, ``x*``, ``x+``,
            ``[x]``, ``x~n..m`` and alternatives in parentheses are rules of their own, and ``counts`` says how often
            their body comes; so ``a~0..40 b~0..40`` or twenty optional parts stay small.

    Raises:
        SourceSyntaxError: the grammar is malformed; the message shows the place.
        InputError: a file cannot be read.
    """
    original, file = read(source)
    text, embedded = take_out(original)
    index = Index(original)
    expanded = expand(text, index)
    index.moved = {line: index.place(at) for line, at in expanded.lines.items()}
    name = "<string>" if file is None else file
    try:
        grammar, _ = load_grammar(expanded.text, name, [str(path) for path in source.import_paths], False)
        declared = frozenset(n for n, (tree, _) in grammar.term_defs if tree is None)
        counts: dict[str, Count] = {}
        if counted:
            grammar, counts = _with_counts(grammar)
        terminals, rules, ignore = grammar.compile([source.start], set())
        for terminal in terminals:
            terminal.pattern.max_width  # noqa: B018  (Lark parses the pattern for it)
    except Exception as error:  # a malformed pattern is an error of whatever library measures its width
        raise translated(error, index, name) from None
    if not any(rule.origin.name == source.start for rule in rules):
        raise _no_start(source.start, index)
    places = _places(index)

    def named(rule: str) -> str:
        return expanded.shown(str(rule))

    return LarkGrammar(
        start=source.start,
        terminals=(*(_terminal(t, places, index) for t in terminals), *_special(embedded)),
        rules=tuple(
            LarkRule(
                named(rule.origin.name),
                tuple(LarkSymbol(str(s.name) if s.is_term else named(s.name), s.is_term) for s in rule.expansion),
                rule.order,
                rule.options.priority,
                _place_of_rule(named(rule.origin.name), places),
            )
            for rule in rules
        ),
        counts={named(r.origin.name): counts[base] for r in rules if (base := r.origin.name.split("{")[0]) in counts},
        ignore=tuple(dict.fromkeys(ignore)),
        declared=declared - embedded.keys(),
        embedded=embedded,
        text=original,
        expanded=expanded,
        file=file,
    )


def read(source: Lark) -> tuple[str, str | None]:
    """The text of a source and the path of its file (None if it was given as text)."""
    if isinstance(source.grammar, str) and not source.is_path:
        return source.grammar, None
    path = Path(source.grammar)
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the grammar cannot be read: {error}",
            where=str(path),
            hint="Give the grammar's text, or the path of a UTF-8 file",
        ) from None


def _terminal(definition: Any, places: dict[str, Place], index: Index) -> LarkTerminal:
    pattern = definition.pattern
    place = places.get(definition.name)
    if place is None and pattern.raw is not None and (at := index.literal(pattern.raw)) is not None:
        place = index.place(at)
    return LarkTerminal(
        name=str(definition.name),
        kind="str" if isinstance(pattern, PatternStr) else "regex",
        pattern=pattern.value,
        flags=pattern.flags,
        regexp=pattern.to_regexp(),
        priority=definition.priority,
        min_width=int(pattern.min_width),
        max_width=int(pattern.max_width),
        place=place,
        raw=pattern.raw,
    )


def _special(embedded: Mapping[str, Embedded]) -> Iterator[LarkTerminal]:
    for name, (constraint, place) in embedded.items():
        if isinstance(constraint, Special):
            yield LarkTerminal(name, "special", constraint.name, frozenset(), "", 0, 1, 1, place)


def _places(index: Index) -> dict[str, Place]:
    return {name: index.place(offsets[-1]) for name, offsets in index.definitions.items()}


def _place_of_rule(name: str, places: dict[str, Place]) -> Place | None:
    """The place of a rule; of a helper rule (``__start_plus_0``), that of the rule it was made for."""
    base = name.split("{")[0]
    if base in places:
        return places[base]
    if base.startswith("__"):
        parts = base[2:].split("_")
        for n in range(len(parts), 0, -1):
            if "_".join(parts[:n]) in places:
                return places["_".join(parts[:n])]
    return None


def _no_start(start: str, index: Index) -> SourceSyntaxError:
    rules = [name for name in index.definitions if name[:1].islower() or name[1:2].islower()]
    if start in rules:
        return SourceSyntaxError(f"the start rule {start!r} is a template, which has no text of its own")
    listed = ", ".join(rules[:8]) or "none"
    return SourceSyntaxError(
        f"the grammar has no rule {start!r} to start with",
        hint=f"Name one of its rules with start=...; it has: {listed}",
    )


# ---- operators as counts -----------------------------------------------------------------------------------


_OPERATORS = {"?": Count(0, 1), "*": Count(0, None), "+": Count(1, None)}


def _with_counts(grammar: Grammar) -> tuple[Grammar, dict[str, Count]]:
    """The grammar with every operator's operand as a rule of its own, before Lark compiles it."""
    hoisting = _Hoisting()
    rules = []
    for name, params, tree, options in grammar.rule_defs:
        rules.append((name, params, hoisting.run(tree, name, tuple(params)), options))
        rules.extend(hoisting.take())
    return Grammar(rules, grammar.term_defs, grammar.ignore), hoisting.counts


class _Hoisting:
    """Moves the operands of operators, and alternatives inside sequences, to rules of their own.

    In a template the new rule is a template with the same parameters.
    """

    def __init__(self) -> None:
        self.counts: dict[str, Count] = {}
        self._new: list[tuple[str, tuple[str, ...], Tree, RuleOptions]] = []
        self._known: dict[object, Tree] = {}
        self._number = 0

    def take(self) -> list[tuple[str, tuple[str, ...], Tree, RuleOptions]]:
        """The rules made since the last call."""
        new, self._new = self._new, []
        return new

    def run(self, tree: Any, rule: str, params: tuple[str, ...]) -> Any:
        """The tree of a rule's alternatives with everything below a sequence hoisted."""
        if not isinstance(tree, Tree):
            return tree
        if tree.data == "expr":
            operand, operator, *numbers = tree.children
            return self._hoist(operand, _count(str(operator), numbers), rule, params)
        if tree.data == "maybe":
            return self._hoist(tree.children[0], Count(0, 1), rule, params)
        if tree.data == "alias":  # names of trees, which are not built
            return self.run(tree.children[0], rule, params)
        children = []
        for child in tree.children:
            if tree.data == "expansion" and isinstance(child, Tree) and child.data == "expansions":
                children.append(self._hoist(child, Count(1, 1), rule, params))
            else:
                children.append(self.run(child, rule, params))
        return Tree(tree.data, children)

    def _hoist(self, operand: Any, count: Count, rule: str, params: tuple[str, ...]) -> Tree:
        body = self.run(operand, rule, params)
        if body.data != "expansions":
            body = Tree("expansions", [Tree("expansion", [body])])
        if count == (1, 1) and len(body.children) == 1 and body.children[0].data == "expansion":
            return body
        key = (body, count, params)
        if key not in self._known:
            self._number += 1
            name = f"__{rule}_group_{self._number}"
            if count != (1, 1):
                self.counts[name] = count
            self._new.append((name, params, body, RuleOptions()))
            symbol = NonTerminal(name)
            if params:
                usage = [symbol, *(Tree("value", [NonTerminal(p)]) for p in params)]
                self._known[key] = Tree("value", [Tree("template_usage", usage)])
            else:
                self._known[key] = Tree("value", [symbol])
        return self._known[key].__deepcopy__({})


def _count(operator: str, numbers: list[Any]) -> Count:
    if operator != "~":
        return _OPERATORS[operator]
    lo, hi = int(numbers[0]), int(numbers[-1])
    if lo < 0 or hi < lo:
        raise LarkError(f"Bad Range ({lo}..{hi} isn't allowed)")
    return Count(lo, hi)
