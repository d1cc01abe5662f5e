"""Rules and terminals to a network, without a lexer: ``lexer="dynamic_complete"``.

Receives a :class:`LarkGrammar` loaded with counts; returns a network. Terminals simply follow each other, and what
``%ignore`` names may stand before each of them and at the end. Short ignored texts (blanks, line ends) are
folded into the terminals: ``blank* NAME`` is one automaton, so that a token such as `` name`` stays inside a
terminal. Long ones (comments) are alternatives of their own in front of it, so that what a comment may hold is one
set of states for the whole grammar.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from structgen import automata
from structgen.automata import ByteDfa, Dfa, bytedfa, to_bytedfa, utf8
from structgen.errors import LimitError, UnsatisfiableError, UnsupportedError
from structgen.frontends.lark.grammar import Count, LarkGrammar, LarkTerminal
from structgen.frontends.lark.terminals import language
from structgen.ir import Builder, Cfg, CfgNetwork, Network, Terminal
from structgen.ir.combine import repeat
from structgen.ir.grammar import Sentence, Symbol

#: Ignored terminals are folded into the others while they have no more states and different characters than this.
MAX_FOLDED_STATES = 16
MAX_FOLDED_CHARACTERS = 64
#: Repetitions are written out as a chain of rules, one for each count, up to this many.
MAX_COUNT = 100_000
#: Longer ones are networks that count, unless their body recurs to the rule that they stand in.
MAX_CHAIN = 64
MAX_LAZY_COUNT = 100_000_000

_START = "%start"
_END = "%end"


def network(grammar: LarkGrammar, parts: Mapping[str, Network], max_states: int) -> CfgNetwork:
    """The network of a grammar.

    Args:
        grammar: loaded with ``counted=True``.
        parts: networks of declared terminals, by name. %ignore does not apply inside them.
        max_states: limit on every automaton.

    Raises:
        SourceSyntaxError, UnsupportedError, LimitError: a terminal cannot be used.
        UnsatisfiableError: the start rule has no text.
    """
    return CfgNetwork(to_cfg(grammar, parts, max_states))


def to_cfg(grammar: LarkGrammar, parts: Mapping[str, Network], max_states: int) -> Cfg:
    """The context-free grammar over byte automata. Parameters and errors as for :func:`network`."""
    return _Lowering(grammar, parts, max_states).run()


def add_rules(
    builder: Builder,
    grammar: LarkGrammar,
    terminal: Callable[[str, str | None], Symbol | None],
    lazy: Mapping[str, str] | None = None,
) -> None:
    """The rules of a grammar, loaded with counts, in a builder.

    Args:
        terminal: what stands for a terminal, by its name and the place of its use; None: it has no text at all.
        lazy: names of rules whose counts are left out, and the names that their bodies get.

    Raises:
        LimitError: a repetition is too long.
    """
    for name, alternatives in grammar.alternatives.items():
        place = alternatives[0].place
        where = None if place is None else str(place)
        sentences = (
            tuple(terminal(s.name, where) if s.is_terminal else s.name for s in rule.expansion)
            for rule in alternatives
        )
        # an alternative with a terminal that has no text has none either
        bodies = [cast(Sentence, sentence) for sentence in sentences if None not in sentence]
        count = grammar.counts.get(name)
        if count is None:
            builder.rule(name, *bodies, where=where)
            continue
        if lazy is not None and name in lazy:
            builder.rule(lazy[name], *bodies, where=where)
            builder.rule(name, where=where)
            continue
        if max(count.lo, count.hi or 0) > MAX_COUNT:
            raise LimitError(
                f"a repetition of more than {MAX_COUNT} is too long for a rule",
                where=where,
                hint="Repeat inside a terminal (upper case) instead, or use * or +",
            )
        if not bodies:
            builder.rule(name, *([()] if count.lo == 0 else []), where=where)
            continue
        body: Sentence = bodies[0] if len(bodies) == 1 else (builder.rule(f"{name}#", *bodies, where=where),)
        builder.rule(name, (builder.repeat(body, count.lo, count.hi, where),), where=where)


class _Lowering:
    def __init__(self, grammar: LarkGrammar, parts: Mapping[str, Network], max_states: int) -> None:
        self.grammar = grammar
        self.parts = parts
        self.max_states = max_states
        self.builder = Builder()
        self._symbols: dict[str, Symbol | None] = {}
        short: list[Dfa] = []
        long: list[tuple[LarkTerminal, Dfa]] = []
        for name in grammar.ignore:
            if name in parts:
                raise UnsupportedError(
                    f"%ignore {name}: what is ignored is a pattern, not another constraint",
                    hint="Define the terminal in the grammar",
                )
            terminal = grammar.by_name[name]
            texts = language(terminal, max_states)
            if texts.is_empty():
                continue
            if _is_short(texts):
                short.append(texts)
            else:
                long.append((terminal, texts))
        #: Any number of short ignored texts; None: there are none.
        self.blank = automata.repeat(automata.union(*short), 0, None) if short else None
        self.comments = [self._folded(terminal, texts) for terminal, texts in long]

    def run(self) -> Cfg:
        lazy = {name: f"{name}#" for name in _countable(self.grammar)}
        add_rules(self.builder, self.grammar, self._symbol, lazy)
        self.builder.rule(_START, (self.grammar.start, *self._end()))
        cfg = self.builder.build(_START)
        # a body may hold other repetitions: those that do not come first
        for name in sorted(lazy, key=lambda name: len(_reached(self.grammar, name))):
            cfg = _counted(cfg, name, lazy[name], self.grammar.counts[name])
        return cfg

    def _symbol(self, name: str, where: str | None) -> Symbol | None:
        if name not in self._symbols:
            self._symbols[name] = self._terminal(name, where)
        return self._symbols[name]

    def _terminal(self, name: str, where: str | None) -> Symbol | None:
        if name in self.parts:
            inner = self.builder.part(f"{name}%", self.parts[name])
            lead = self._end()
            return self.builder.rule(name, (*lead, inner), where=where) if lead else inner
        terminal = self.grammar.by_name[name]
        texts = language(terminal, self.max_states)
        if texts.is_empty():
            return None
        sentence = self._folded(terminal, texts)
        if not self.comments and len(sentence) == 1:
            return sentence[0]
        # a comment, and then the same again: a tail call
        place = None if terminal.place is None else str(terminal.place)
        return self.builder.rule(name, sentence, *((*comment, name) for comment in self.comments), where=place)

    def _folded(self, terminal: LarkTerminal, texts: Dfa) -> Sentence:
        """A terminal with the blanks that may stand before it: one symbol if that is cheap, else two."""
        where = None if terminal.place is None else str(terminal.place)
        if self.blank is None:
            return (Terminal(_bytes(terminal, texts), terminal.shown, where),)
        try:
            both = automata.concat(self.blank, texts, max_states=4 * (self.blank.n_states + texts.n_states))
        except LimitError:
            return (*self._blanks(), Terminal(_bytes(terminal, texts), terminal.shown, where))
        return (Terminal(to_bytedfa(utf8(both)), terminal.shown, where),)

    def _blanks(self) -> Sentence:
        return () if self.blank is None else (Terminal(to_bytedfa(utf8(self.blank)), "ignored text"),)

    def _end(self) -> Sentence:
        """What may stand where no terminal follows that has it folded in."""
        if not self.comments:
            return self._blanks()
        if _END not in self._symbols:
            self._symbols[_END] = self.builder.rule(
                _END, self._blanks(), *((*comment, _END) for comment in self.comments)
            )
        return (_END,)


def _reached(grammar: LarkGrammar, name: str) -> set[str]:
    """The rules that a rule uses, at any depth."""
    reached: set[str] = set()
    todo = [name]
    while todo:
        for rule in grammar.alternatives.get(todo.pop(), ()):
            new = {s.name for s in rule.expansion if not s.is_terminal} - reached
            reached |= new
            todo.extend(new)
    return reached


def _countable(grammar: LarkGrammar) -> list[str]:
    """The long repetitions whose body does not lead back to them.

    Raises:
        LimitError: one is too long even so.
    """
    result = []
    for name, count in grammar.counts.items():
        most = max(count.lo, count.hi or 0)
        if most > MAX_CHAIN and name not in _reached(grammar, name):
            if most > MAX_LAZY_COUNT:
                place = grammar.alternatives[name][0].place
                raise LimitError(
                    f"a repetition of more than {MAX_LAZY_COUNT} is too long",
                    where=None if place is None else str(place),
                    hint="Use * or +",
                )
            result.append(name)
    return result


def _counted(cfg: Cfg, name: str, body: str, count: Count) -> Cfg:
    """The grammar with a rule made a part: so many texts of its body, counted while they are written."""
    try:
        part = repeat(CfgNetwork(cfg, body), count.lo, count.hi)
    except UnsatisfiableError:
        return cfg.with_rules({**cfg.rules, name: [()] if count.lo == 0 else []})
    rules = {other: alternatives for other, alternatives in cfg.rules.items() if other != name}
    return Cfg(cfg.start, rules, cfg.where, {**cfg.parts, name: part})


def _bytes(terminal: LarkTerminal, texts: Dfa) -> ByteDfa:
    if terminal.kind == "str" and not terminal.flags:
        return bytedfa.literal(terminal.pattern.encode())
    return to_bytedfa(utf8(texts))


def _is_short(texts: Dfa) -> bool:
    """Is it cheap to have this in front of every terminal?"""
    return texts.n_states <= MAX_FOLDED_STATES and _characters(texts) <= MAX_FOLDED_CHARACTERS


def _characters(texts: Dfa) -> int:
    """How many code points occur in the texts."""
    return sum(size for c, size in enumerate(texts.class_sizes) if (texts.delta[:, c] >= 0).any())
