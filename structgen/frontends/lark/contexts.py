"""A grammar whose terminals know where they stand: what Lark's LALR parser with its lexers accepts.

Receives a grammar, its LALR automaton and the terminals; returns a context-free grammar over terminals of the network.

The lexer reads a token with the terminals that the parser accepts in the state after the last shift, so the same
terminal is read differently in different places. Rules are therefore copied: an *instance* is a rule begun in a state
of the parser, with a *view* (what the terminals it may begin with look like to the lexer there) and the view that
must hold behind it. Views hold only what can matter, so most rules have one instance for each state, and equal
instances are merged in the end. Where the parser resolves a conflict, the terminals that the losing reduction may
not be followed by are missing from the view behind it.

An instance has the texts of its rule that are not empty: a rule that derives the empty text is left out where it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from structgen.frontends.lark.following import firsts, nullable
from structgen.frontends.lark.grammar import LarkGrammar, LarkRule
from structgen.frontends.lark.lalr import Lalr
from structgen.frontends.lark.lexing import Context
from structgen.frontends.lark.threads import Piece
from structgen.frontends.lark.tokens import Tokens
from structgen.ir.cfg import Builder, Cfg, Symbol

#: The rule of whole texts. No rule of Lark's has such a name.
WHOLE = "text"

#: What terminals look like to the lexer: their pieces by name. Terminals that it does not read there are missing.
View = frozenset[tuple[str, tuple[Piece, ...]]]


#: A rule and the state it is begun in.
_Start = tuple[str, int]
S = TypeVar("S")


class Place(NamedTuple):
    """A place in a text as the parser knows it: the terminals tried there, and those that conflicts rule out."""

    context: Context
    out: frozenset[str]


class Instance(NamedTuple):
    """A rule begun in a state of the parser; ``behind``: the view that must hold after it, None: any."""

    rule: str
    state: int
    view: View
    behind: View | None
    #: The terminals that ``behind`` is about.
    about: frozenset[str]


class Instances:
    """Builds the grammar.

    Args:
        grammar: the grammar with Lark's own rules.
        lalr: its automaton.
        tokens: makes terminals.
        always: names of terminals that the lexer tries everywhere.
        one_context: the lexer tries all terminals everywhere (it is the basic one).
    """

    def __init__(
        self,
        grammar: LarkGrammar,
        lalr: Lalr,
        tokens: Tokens,
        *,
        always: frozenset[str] = frozenset(),
        one_context: bool = False,
    ) -> None:
        self.grammar = grammar
        self.lalr = lalr
        self.tokens = tokens
        self.rules = grammar.alternatives
        plain = {name: [tuple(s.name for s in r.expansion) for r in found] for name, found in self.rules.items()}
        self.empty = nullable(plain)
        self.first = {name: frozenset(found) for name, found in firsts(plain, self.empty).items()}
        every = tokens.lexicon.everywhere
        extra = frozenset(grammar.ignore) | always
        self.contexts = [every if one_context else (names | extra) & every for names in lalr.accepts]
        self._follow: dict[str, set[str]] = {}
        for goto in lalr.goto:
            for name, state in goto.items():
                if name not in self.rules:
                    self._follow.setdefault(name, set()).update(lalr.accepts[state] & every)
        self._looks: dict[tuple[str, Context], tuple[Piece, ...]] = {}
        self._views: dict[tuple[Place, frozenset[str]], View] = {}
        self._empties: dict[_Start, frozenset[frozenset[str]]] = {}
        self._outs: dict[_Start, set[Place]] = {}
        self._find_outs()

    def build(self) -> Cfg:
        """The grammar over terminals; rules without texts may be in it."""
        builder = Builder()
        names: dict[Instance, str] = {}
        todo: list[Instance] = []

        def named(instance: Instance) -> str:
            if instance not in names:
                names[instance] = f"{instance.rule}@{len(names)}"
                todo.append(instance)
            return names[instance]

        state, start = self.lalr.start, self.grammar.start
        context = self.contexts[state]
        begin = self.view(Place(context, frozenset()), self.first[start])
        whole = named(Instance(start, state, begin, None, frozenset()))
        blank = self.tokens.blank(context, self.first[start] & self.tokens.lexicon.everywhere)
        for before in [[], [blank]] if blank is not None else [[]]:
            builder.rule(WHOLE, [*before, whole])
            if start in self.empty:
                builder.rule(WHOLE, before)
        while todo:
            instance = todo.pop()
            place = self.rules[instance.rule][0].place
            builder.rule(names[instance], where=str(place) if place else None)
            for rule in self.rules[instance.rule]:
                for symbols in self._alternatives(instance, rule, named):
                    builder.rule(names[instance], symbols)
        return builder.build(WHOLE)

    # ---- one alternative -------------------------------------------------------------------------------

    def _alternatives(
        self, instance: Instance, rule: LarkRule, named: Callable[[Instance], str]
    ) -> Iterator[list[Symbol]]:
        """The ways to write an alternative of a rule, over instances and terminals."""
        relevant = self._relevant(rule, instance.about)
        ways: list[tuple[list[Symbol], int, View]] = [([], instance.state, instance.view)]
        for i, symbol in enumerate(rule.expansion):
            about = relevant[i + 1]
            following: list[tuple[list[Symbol], int, View]] = []
            for symbols, state, view in ways:
                target = self.lalr.goto[state][symbol.name]
                if symbol.is_terminal:
                    terminal = self._terminal(symbol.name, view, target)
                    if terminal is not None:
                        behind = self.view(Place(self.contexts[target], frozenset()), about)
                        following.append(([*symbols, terminal], target, behind))
                    continue
                if symbol.name in self.empty:
                    for out in self._empties.get((symbol.name, state), ()):
                        following.append((symbols, target, _restricted(view, about, out)))
                begin = _restricted(view, self.first[symbol.name])
                views = {self.view(place, about) for place in self._outs[symbol.name, state]}
                for behind in sorted(views, key=len):
                    sole = len(views) == 1
                    called = Instance(
                        symbol.name, state, begin, None if sole else behind, frozenset() if sole else about
                    )
                    following.append(([*symbols, named(called)], target, behind))
            ways = following
        for symbols, state, view in ways:
            if symbols and (
                instance.behind is None
                or instance.behind == _restricted(view, instance.about, self.lalr.lost[state].get(rule, frozenset()))
            ):
                yield symbols

    def _relevant(self, rule: LarkRule, about: frozenset[str]) -> list[frozenset[str]]:
        """For each position the terminals that may come next, as far as it matters."""
        result = [about]
        for symbol in reversed(rule.expansion):
            mine = frozenset({symbol.name}) if symbol.is_terminal else self.first[symbol.name]
            result.append(mine | result[-1] if symbol.name in self.empty else mine)
        return result[::-1]

    def _terminal(self, name: str, view: View, target: int) -> Symbol | None:
        pieces = next((pieces for other, pieces in view if other == name), ())
        if not pieces:
            return None
        follow = self.lalr.accepts[target] & self.tokens.lexicon.everywhere
        return self.tokens.from_pieces(name, list(pieces), self.contexts[target], follow)

    # ---- views -----------------------------------------------------------------------------------------

    def view(self, place: Place, about: frozenset[str]) -> View:
        """What the lexer reads as some terminals at a place."""
        key = (place, about)
        if key not in self._views:
            found = []
            for name in about & place.context - place.out:
                pieces = self._look(name, place.context)
                if pieces:
                    found.append((name, pieces))
            self._views[key] = frozenset(found)
        return self._views[key]

    def _look(self, name: str, context: Context) -> tuple[Piece, ...]:
        """The pieces of a terminal, their conditions cut down to what may matter anywhere in the grammar."""
        key = (name, context)
        if key not in self._looks:
            follow = frozenset(self._follow.get(name, ())) | frozenset(self.grammar.ignore)
            self._looks[key] = self.tokens.simplified(name, context, follow)
        return self._looks[key]

    # ---- where rules end -------------------------------------------------------------------------------

    def _find_outs(self) -> None:
        """The places behind each rule begun in each state (a few too many do no harm), by iteration."""
        starts = [(name, state) for state, goto in enumerate(self.lalr.goto) for name in goto if name in self.rules]
        uses: dict[_Start, set[_Start]] = {}
        for start in starts:
            self._outs[start] = set()
            for rule in self.rules[start[0]]:
                state = start[1]
                for symbol in rule.expansion:
                    if not symbol.is_terminal:
                        uses.setdefault((symbol.name, state), set()).add(start)
                    state = self.lalr.goto[state][symbol.name]
        _settle(starts, uses, self._empties_of, self._empties)
        _settle(starts, uses, self._outs_of, self._outs)

    def _empties_of(self, name: str, state: int) -> frozenset[frozenset[str]]:
        """The terminals ruled out behind an empty text of a rule, for each way to derive it."""
        if name not in self.empty:
            return frozenset()
        result = set()
        for rule in self.rules[name]:
            if any(s.is_terminal or s.name not in self.empty for s in rule.expansion):
                continue
            ways, at = {frozenset[str]()}, state
            for symbol in rule.expansion:
                more = self._empties.get((symbol.name, at), frozenset())
                ways = {a | b for a in ways for b in more}
                at = self.lalr.goto[at][symbol.name]
            lost = self.lalr.lost[at].get(rule, frozenset())
            result |= {way | lost for way in ways}
        return frozenset(result)

    def _outs_of(self, name: str, state: int) -> set[Place]:
        result: set[Place] = set()
        for rule in self.rules[name]:
            states = [state]
            for symbol in rule.expansion:
                states.append(self.lalr.goto[states[-1]][symbol.name])
            ways = {self.lalr.lost[states[-1]].get(rule, frozenset())}
            for i in range(len(rule.expansion) - 1, -1, -1):
                symbol = rule.expansion[i]
                if symbol.is_terminal:
                    result |= {Place(self.contexts[states[i + 1]], way) for way in ways}
                    break
                start = (symbol.name, states[i])
                result |= {Place(p.context, p.out | way) for p in self._outs[start] for way in ways}
                ways = {way | more for way in ways for more in self._empties.get(start, ())}
                if not ways:
                    break
        return result


def _settle(
    starts: list[_Start], uses: Mapping[_Start, set[_Start]], find: Callable[..., S], found: dict[_Start, S]
) -> None:
    """Ask ``find`` about every start, again where the answer for something it uses has changed."""
    todo = set(starts)
    while todo:
        start = todo.pop()
        new = find(*start)
        if new != found.get(start):
            found[start] = new
            todo |= uses.get(start, set())


def _restricted(view: View, about: frozenset[str], out: frozenset[str] = frozenset()) -> View:
    return frozenset(pair for pair in view if pair[0] in about and pair[0] not in out)


def merged(cfg: Cfg) -> Cfg:
    """The grammar with rules of equal alternatives made one, as far as that goes (partition refinement)."""
    group: dict[str, int] = dict.fromkeys(cfg.rules, 0)
    count = 1
    while True:
        numbers: dict[object, int] = {}
        new: dict[str, int] = {}
        for name, alternatives in cfg.rules.items():
            content = frozenset(tuple(group[s] if isinstance(s, str) else s for s in a) for a in alternatives)
            new[name] = numbers.setdefault((group[name], content), len(numbers))
        group = new
        if len(numbers) == count:
            break
        count = len(numbers)
    leader: dict[int, str] = {}
    for name, number in group.items():
        if name == cfg.start:
            leader[number] = name
        leader.setdefault(number, name)
    rules: Mapping[str, list[tuple[Symbol, ...]]] = {
        name: [tuple(leader[group[s]] if isinstance(s, str) else s for s in a) for a in cfg.rules[name]]
        for name in leader.values()
    }
    return cfg.with_rules(rules)
