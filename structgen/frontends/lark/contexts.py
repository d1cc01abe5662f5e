"""A grammar whose terminals know where they stand: what Lark's LALR parser with its lexers accepts.

Receives a grammar, the automaton of its parser and the terminals; returns a context-free grammar over terminals of
the network.

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
from functools import lru_cache
from typing import NamedTuple, TypeVar

from structgen.errors import UnsupportedError
from structgen.frontends.lark.following import firsts, nullable, successors
from structgen.frontends.lark.grammar import LarkGrammar, LarkRule, LarkSymbol
from structgen.frontends.lark.indentation import Lines, Margin
from structgen.frontends.lark.lalr import Lalr, quotient
from structgen.frontends.lark.lexing import Context
from structgen.frontends.lark.threads import Piece
from structgen.frontends.lark.tokens import Tokens
from structgen.ir.cfg import Builder, Cfg, Symbol
from structgen.ir.network import Terminal

#: The rule of whole texts. No rule of Lark's has such a name.
WHOLE = "text"

#: Lines of places where a line has just ended.
_MARGIN = ("newline", "dedent")

#: A rule and the state it is begun in.
_Start = tuple[str, int]
S = TypeVar("S")


class Place(NamedTuple):
    """A place in a text as the parser knows it.

    Attributes:
        sight: number of what the lexer sees there.
        out: the terminals that conflicts rule out.
        line: ``"newline"``, ``"dedent"``: a line has just ended, the margin of the next has not been written yet;
            after "dedent" blocks have ended too. ``"end"``: nothing can follow but ends of blocks. Else empty.
    """

    sight: int
    out: frozenset[str] = frozenset()
    line: str = ""


class View(NamedTuple):
    """What terminals look like to the lexer at a place.

    Attributes:
        looks: numbers of their pieces, by name. Terminals that it does not read there are missing.
        line: as in :class:`Place`; ``sight`` matters only then.
    """

    looks: frozenset[tuple[str, int]]
    line: str
    sight: int

    def look(self, name: str) -> int | None:
        """The number of the pieces of a terminal; None: it is not read here."""
        return next((number for other, number in self.looks if other == name), None)

    def only(self, about: frozenset[str], out: frozenset[str] = frozenset()) -> View:
        """The view of some terminals, without those in ``out``."""
        return self._replace(looks=frozenset(p for p in self.looks if p[0] in about and p[0] not in out))


class Instance(NamedTuple):
    """A rule begun in a state of the parser.

    Attributes:
        behind: the view that must hold after it, of the terminals in ``about``; None: any.
        inside: is it between brackets, where line breaks are ignored?
    """

    rule: str
    state: int
    view: View
    behind: View | None
    about: frozenset[str]
    inside: bool


class _Way(NamedTuple):
    """An alternative written up to some symbol; ``outer``: what stood before the blocks that are open."""

    symbols: tuple[Symbol, ...]
    state: int
    view: View
    depth: int = 0
    outer: tuple[tuple[Symbol, ...], ...] = ()

    def add(self, *symbols: Symbol) -> _Way:
        return _Way((*self.symbols, *symbols), self.state, self.view, self.depth, self.outer)

    def then(self, state: int, view: View, *symbols: Symbol) -> _Way:
        """With these symbols, which lead to a state and what is seen there."""
        return _Way((*self.symbols, *symbols), state, view, self.depth, self.outer)


class Instances:
    """Builds the grammar.

    Args:
        grammar: the grammar with Lark's own rules.
        lalr: the automaton of its parser.
        tokens: makes terminals.
        one_context: the lexer tries all terminals everywhere (it is the basic one).
        lines: makes line breaks and margins, where the grammar is one with indentation.
    """

    def __init__(
        self, grammar: LarkGrammar, lalr: Lalr, tokens: Tokens, *, one_context: bool, lines: Lines | None = None
    ) -> None:
        self.grammar = grammar
        self.tokens = tokens
        self.lines = lines
        self.builder = Builder()
        self.rules = grammar.alternatives
        plain = {name: [tuple(s.name for s in r.expansion) for r in found] for name, found in self.rules.items()}
        self.empty = nullable(plain)
        self.first = {name: frozenset(found) for name, found in firsts(plain, self.empty).items()}
        self.every = tokens.lexicon.everywhere
        self._follow = {name: frozenset(found) & self.every for name, found in successors(plain).items()}
        #: Terminals that are about lines; and the two of them that write nothing.
        self._marks = frozenset({lines.rules.indent, lines.rules.dedent}) if lines else frozenset()
        self._breaks = self._marks | {lines.rules.newline} if lines else frozenset()
        self._extra = frozenset(grammar.ignore) | (self._breaks - self._marks)
        self._pieces: list[tuple[Piece, ...]] = []
        self._numbers: dict[tuple[Piece, ...], int] = {}
        self._looks: dict[tuple[str, Context], int] = {}
        self._views: dict[tuple[Place, frozenset[str]], View] = {}
        self._terminals: dict[tuple[str, int, int, bool], Terminal | None] = {}
        self._behind: dict[tuple[str, int, frozenset[str]], frozenset[View]] = {}
        self._only = lru_cache(maxsize=None)(View.only)
        self._relevant = lru_cache(maxsize=None)(self._find_relevant)
        self._blocks: dict[tuple[Symbol, ...], str] = {}
        self._names: dict[Instance, str] = {}
        self._todo: list[Instance] = []
        self._see(lalr, one_context)
        self._empties: dict[_Start, frozenset[frozenset[str]]] = {}
        self._outs: dict[_Start, set[Place]] = {}
        self._find_outs()

    def build(self) -> Cfg:
        """The grammar over terminals; rules without texts may be in it."""
        builder, state, start = self.builder, self.lalr.start, self.grammar.start
        place = Place(self.sights[state])
        blank = self.tokens.blank(self._skipped[place.sight][0], self.first[start] & self.every)
        begin = self.view(place, self.first[start])
        behind = {self.view(p, frozenset()) for p in self._outs[start, state]}
        for before in [[], [blank]] if blank is not None else [[]]:
            if start in self.empty:
                builder.rule(WHOLE, before)
            for view in behind:
                sole = len(behind) == 1
                whole = self._named(Instance(start, state, begin, None if sole else view, frozenset(), False))
                builder.rule(WHOLE, [*before, whole])
                if self.lines is not None and view.line in _MARGIN:
                    last = Margin(False, True, self._skipped[view.sight][0], frozenset())
                    builder.rule(WHOLE, [*before, whole, self.lines.margin(last)])
        while self._todo:
            instance = self._todo.pop()
            where = self.rules[instance.rule][0].place
            builder.rule(self._names[instance], where=str(where) if where else None)
            for rule in self.rules[instance.rule]:
                for symbols in self._alternatives(instance, rule):
                    builder.rule(self._names[instance], symbols)
        return builder.build(WHOLE)

    def _named(self, instance: Instance) -> str:
        if instance not in self._names:
            self._names[instance] = f"{instance.rule}@{len(self._names)}"
            self._todo.append(instance)
        return self._names[instance]

    # ---- one alternative -------------------------------------------------------------------------------

    def _alternatives(self, instance: Instance, rule: LarkRule) -> Iterator[tuple[Symbol, ...]]:
        """The ways to write an alternative of a rule, over instances and terminals."""
        relevant = self._relevant(rule, instance.about)
        ways = [_Way((), instance.state, instance.view)]
        for i, symbol in enumerate(rule.expansion):
            step = self._shifted if symbol.is_terminal else self._called
            ways = [after for way in ways for after in step(way, symbol, relevant[i + 1], rule, instance.inside)]
        for way in ways:
            if way.depth or way.outer:
                raise self._unbalanced(rule)
            lost = self.lalr.lost[way.state].get(rule, frozenset())
            behind = instance.behind
            if way.symbols and (behind is None or behind == self._only(way.view, instance.about, lost)):
                yield way.symbols

    def _find_relevant(self, rule: LarkRule, about: frozenset[str]) -> list[frozenset[str]]:
        """For each position the terminals that may come next, as far as it matters."""
        result = [about]
        for symbol in reversed(rule.expansion):
            mine = frozenset({symbol.name}) if symbol.is_terminal else self.first[symbol.name]
            result.append(mine | result[-1] if symbol.name in self.empty else mine)
        return result[::-1]

    def _called(
        self, way: _Way, symbol: LarkSymbol, about: frozenset[str], rule: LarkRule, inside: bool
    ) -> Iterator[_Way]:
        """A rule inside an alternative: left out where it is empty, else an instance for each view behind it."""
        name, state = symbol.name, way.state
        target = self.lalr.goto[state][name]
        for out in self._empties.get((name, state), ()):
            yield way.then(target, self._only(way.view, about, out))
        views = self._views_behind(name, state, about)
        for before, begin in self._begun(way.view, self.first[name]):
            for behind in views:
                sole = len(views) == 1
                instance = Instance(
                    name,
                    state,
                    begin,
                    None if sole else behind,
                    frozenset() if sole else about,
                    inside or way.depth > 0,
                )
                yield way.then(target, behind, *before, self._named(instance))

    def _begun(self, view: View, first: frozenset[str]) -> Iterator[tuple[list[Symbol], View]]:
        """How a rule may begin: at the beginning of a line its margin is written first."""
        if not view.line:
            yield [], self._only(view, first)
            return
        tokens = self._only(view, first - self._breaks)
        if tokens.looks:
            follow = frozenset(name for name, _ in tokens.looks)
            yield [self._margin(view, follow)], View(tokens.looks, "", -1)
        breaks = self._only(view, first & self._breaks)
        if breaks.looks:
            yield [], breaks

    def _shifted(
        self, way: _Way, symbol: LarkSymbol, about: frozenset[str], rule: LarkRule, inside: bool
    ) -> Iterator[_Way]:
        """A terminal inside an alternative."""
        name, target = symbol.name, self.lalr.goto[way.state][symbol.name]
        look = way.view.look(name)
        if look is None:
            return
        sight, depth = self.sights[target], way.depth
        if self.lines is None:
            yield from self._written(way, name, look, target, about, False)
            return
        rules = self.lines.rules
        if name in rules.opening:
            depth += 1
        elif name in rules.closing:
            depth -= 1
            if depth < 0:
                raise self._unbalanced(rule)
        if name not in self._breaks:
            if way.view.line:
                way = way.add(self._margin(way.view, frozenset({name})))
            yield from self._written(way._replace(depth=depth), name, look, target, about, inside or depth > 0)
        elif inside or depth > 0:  # line breaks between brackets do not reach the parser
            return
        elif name == rules.newline:
            if way.view.line:  # not the same line break: something ignored stands between
                gap = Margin(False, True, self._skipped[way.view.sight][0], frozenset({name}))
                if self.lines.terminal(gap, 0, 0) is None:
                    return
                way = way.add(self.lines.margin(gap))
            behind = self.view(Place(sight, line="newline"), about)
            yield way.then(target, behind, self.lines.cut(self._pieces[look]))
        elif name == rules.indent:
            behind = self.view(Place(sight), about)
            follow = frozenset(other for other, _ in behind.looks)
            block: list[Symbol] = [self.lines.margin(Margin(True, False, (), follow))]
            blank = self.lines.behind(self._skipped[sight][0], follow)
            if blank is not None:
                block.append(blank)
            yield _Way(tuple(block), target, behind, 0, (*way.outer, way.symbols))
        elif not way.outer:
            raise self._unbalanced(rule)
        else:
            # without a line break before it, and behind a last margin, blocks end only because the text does
            ends = [(way.symbols, "end")]
            if way.view.line in _MARGIN:
                last = Margin(False, False, self._skipped[way.view.sight][0], frozenset())
                ends = [(way.symbols, "dedent"), ((*way.symbols, self.lines.margin(last)), "end")]
            for symbols, line in ends:
                behind = self.view(Place(sight, line=line), about)
                yield _Way((*way.outer[-1], self._block(symbols)), target, behind, 0, way.outer[:-1])

    def _written(
        self, way: _Way, name: str, look: int, target: int, about: frozenset[str], inside: bool
    ) -> Iterator[_Way]:
        sight = self.sights[target]
        key = (name, look, sight, inside)
        if key not in self._terminals:
            follow = self._follow.get(name, frozenset())
            if inside:
                follow -= self._breaks
            made = self.tokens.from_pieces(name, self._pieces[look], self._skipped[sight][inside], follow)
            self._terminals[key] = made
        terminal = self._terminals[key]
        if terminal is not None:
            yield way.then(target, self.view(Place(sight), about), terminal)

    def _margin(self, view: View, follow: frozenset[str]) -> Symbol:
        assert self.lines is not None
        return self.lines.margin(Margin(False, False, self._skipped[view.sight][0], follow))

    def _block(self, symbols: tuple[Symbol, ...]) -> str:
        if symbols not in self._blocks:
            self._blocks[symbols] = self.builder.fresh("block")
            self.builder.rule(self._blocks[symbols], symbols)
        return self._blocks[symbols]

    def _unbalanced(self, rule: LarkRule) -> UnsupportedError:
        return UnsupportedError(
            f"rule {rule.origin}: brackets and indentation must begin and end in the same alternative",
            where=None if rule.place is None else str(rule.place),
            hint="Write opening and closing terminals into one rule",
        )

    # ---- views -----------------------------------------------------------------------------------------

    def _see(self, lalr: Lalr, one_context: bool) -> None:
        """What the lexer sees in each state; then states are merged that see the same, now and later."""
        extra = self._extra
        contexts = [self.every if one_context else (names | extra) & self.every for names in lalr.accepts]
        seen: dict[str, set[int]] = {}
        for context, accepts in {(c, a & self.every) for c, a in zip(contexts, lalr.accepts, strict=True)}:
            for name in accepts:
                seen.setdefault(name, set()).add(self._look(name, context))
        #: The pieces of terminals that look the same wherever they are accepted.
        self._common = {name: next(iter(looks)) for name, looks in seen.items() if len(looks) == 1}
        sights: dict[tuple[frozenset[tuple[str, int]], tuple[int, int]], int] = {}
        numbers = []
        for context, accepts in zip(contexts, lalr.accepts, strict=True):
            special = (accepts & self.every) - self._common.keys()
            looks = frozenset((name, self._look(name, context)) for name in special)
            numbers.append(sights.setdefault((looks, self._ignored(context)), len(sights)))
        #: For each sight: what looks different elsewhere; what is ignored there, outside and inside brackets.
        self._special = [dict(looks) for looks, _ in sights]
        self._skipped = [(self._pieces[a], self._pieces[b]) for _, (a, b) in sights]
        outputs = [
            (number, frozenset((rule, out) for rule, out in lost.items() if out))
            for number, lost in zip(numbers, lalr.lost, strict=True)
        ]
        self.lalr, samples = quotient(lalr, outputs)
        self.sights = [numbers[state] for state in samples]

    def view(self, place: Place, about: frozenset[str]) -> View:
        """What the lexer reads as some terminals at a place."""
        key = (place, about)
        if key not in self._views:
            found: list[tuple[str, int]] = []
            special = self._special[place.sight]
            for name in about - place.out if place.line != "end" else ():
                look = special.get(name, self._common.get(name))
                if look is not None and self._pieces[look]:
                    found.append((name, look))
            if self.lines is not None:
                marks = {self.lines.rules.dedent}
                if place.line == "newline":
                    marks.add(self.lines.rules.indent)
                found.extend((name, -1) for name in (marks & about) - place.out)
            self._views[key] = View(frozenset(found), place.line, place.sight if place.line else -1)
        return self._views[key]

    def _number(self, pieces: tuple[Piece, ...]) -> int:
        if pieces not in self._numbers:
            self._numbers[pieces] = len(self._pieces)
            self._pieces.append(pieces)
        return self._numbers[pieces]

    def _look(self, name: str, context: Context) -> int:
        """The pieces of a terminal, their conditions cut down to what may matter anywhere in the grammar."""
        key = (name, context)
        if key not in self._looks:
            if self.lines is not None and name == self.lines.rules.newline:
                pieces = tuple(self.tokens.lexicon.tokens(name, context))
            else:
                follow = self._follow.get(name, frozenset()) | self._extra
                pieces = self.tokens.simplified(name, context, follow)
            self._looks[key] = self._number(pieces)
        return self._looks[key]

    def _ignored(self, context: Context) -> tuple[int, int]:
        outside = tuple(self.tokens.lexicon.ignored(context))
        inside = outside
        if self.lines is not None:
            inside = (*outside, *self.tokens.lexicon.tokens(self.lines.rules.newline, context))
        return self._number(outside), self._number(inside)

    def _views_behind(self, name: str, state: int, about: frozenset[str]) -> frozenset[View]:
        """What the lexer may see behind a rule begun in a state."""
        key = (name, state, about)
        if key not in self._behind:
            self._behind[key] = frozenset(self.view(place, about) for place in self._outs[name, state])
        return self._behind[key]

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
                    sight = self.sights[states[i + 1]]
                    result |= {Place(sight, way, line) for way in ways for line in self._lines_behind(symbol.name)}
                    break
                start = (symbol.name, states[i])
                result |= {p._replace(out=p.out | way) for p in self._outs[start] for way in ways}
                ways = {way | more for way in ways for more in self._empties.get(start, ())}
                if not ways:
                    break
        return result

    def _lines_behind(self, name: str) -> tuple[str, ...]:
        if self.lines is None:
            return ("",)
        return {self.lines.rules.newline: ("newline",), self.lines.rules.dedent: ("dedent", "end")}.get(name, ("",))


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


def merged(cfg: Cfg) -> Cfg:
    """The grammar with rules of equal alternatives made one, as far as that goes (partition refinement)."""
    # rules and then terminals by number; a terminal is a group of its own, below those of the rules
    numbers: dict[Symbol, int] = {name: i for i, name in enumerate(cfg.rules)}
    coded = [
        [tuple(numbers.setdefault(s, len(numbers)) for s in a) for a in alternatives]
        for alternatives in cfg.rules.values()
    ]
    others = [-1 - i for i in range(len(numbers) - len(coded))]
    groups = [0] * len(coded) + others
    count = 1
    while True:
        contents: dict[object, int] = {}
        of = groups.__getitem__
        new = [
            contents.setdefault((group, frozenset([tuple(map(of, a)) for a in alternatives])), len(contents))
            for group, alternatives in zip(groups, coded, strict=False)
        ]
        groups = new + others
        if len(contents) == count:
            break
        count = len(contents)
    group = dict(zip(cfg.rules, groups, strict=False))
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
