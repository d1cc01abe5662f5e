"""Context-free grammars over terminals: the data, a builder, and two facts about them.

Receives rules from a front end (:class:`Builder`). Returns :class:`Cfg`, which the passes in
:mod:`structgen.ir.passes` rewrite, :mod:`structgen.ir.grammar_text` prints, and :mod:`structgen.ir.cfg` runs.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from structgen.errors import SourceSyntaxError
from structgen.ir.network import Network, Terminal
from structgen.ir.terminals import least_bytes

#: A terminal, or the name of a rule.
Symbol = Terminal | str
Sentence = tuple[Symbol, ...]


@dataclass(frozen=True)
class Cfg:
    """A context-free grammar.

    Attributes:
        start: name of the rule of whole texts.
        rules: the alternatives of each rule; an alternative is a sequence of symbols, ``()`` the empty text.
        where: places in the user's source, by name of rule.
        parts: networks from elsewhere that stand under a name, as if it were a rule with their texts.
    """

    start: str
    rules: Mapping[str, tuple[Sentence, ...]]
    where: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, Network] = field(default_factory=dict)

    def with_rules(self, rules: Mapping[str, Iterable[Sentence]], start: str | None = None) -> Cfg:
        """The same grammar with other rules; alternatives said twice are kept once."""
        unique = {name: tuple(dict.fromkeys(alternatives)) for name, alternatives in rules.items()}
        kept = {name: place for name, place in self.where.items() if name in unique}
        return Cfg(self.start if start is None else start, unique, kept, self.parts)


class Builder:
    """Collects rules. Helper rules get fresh names."""

    def __init__(self) -> None:
        self._rules: dict[str, list[Sentence]] = {}
        self._where: dict[str, str] = {}
        self._known: dict[object, str] = {}
        self._count: dict[str, int] = {}
        self._parts: dict[str, Network] = {}

    def part(self, name: str, network: Network) -> str:
        """A symbol whose texts are those of a network. The name must not be that of a rule."""
        assert name not in self._rules and name not in self._parts
        self._parts[name] = network
        return name

    def rule(self, name: str, *alternatives: Sequence[Symbol], where: str | None = None) -> str:
        """Add alternatives to a rule (which begins to exist with its first mention here)."""
        self._rules.setdefault(name, []).extend(tuple(a) for a in alternatives)
        if where is not None:
            self._where.setdefault(name, where)
        return name

    def fresh(self, hint: str) -> str:
        """A name that no rule of a user has (``hint#1``), reserved for the caller."""
        self._count[hint] = self._count.get(hint, 0) + 1
        name = fresh_name(f"{hint}#{self._count[hint]}", self._rules)
        self._rules[name] = []
        return name

    def optional(self, *symbols: Symbol, where: str | None = None) -> str:
        """A rule for the symbols or nothing."""
        return self._helper(("optional", symbols), "optional", [symbols, ()], where)

    def either(self, *alternatives: Sequence[Symbol], where: str | None = None) -> str:
        """A rule for one of several sequences."""
        options = [tuple(a) for a in alternatives]
        return self._helper(("either", tuple(options)), "either", options, where)

    def star(self, *symbols: Symbol, where: str | None = None) -> str:
        """A rule for the symbols any number of times. Right recursive, so that no stack grows."""
        name = self._known.get(("star", symbols))
        if name is None:
            name = self._known["star", symbols] = self.fresh("star")
            self.rule(name, (*symbols, name), (), where=where)
        return name

    def plus(self, *symbols: Symbol, where: str | None = None) -> str:
        """A rule for the symbols once or more."""
        star = self.star(*symbols, where=where)
        return self._helper(("plus", symbols), "plus", [(*symbols, star)], where)

    def repeat(self, symbols: Sequence[Symbol], lo: int, hi: int | None, where: str | None = None) -> str:
        """A rule for the symbols ``lo`` to ``hi`` times (hi None: no bound). One helper rule for each count."""
        body = tuple(symbols)
        if hi is None:
            rest = self.star(*body, where=where)
            for _ in range(lo):
                rest = self._helper(("repeat", body, rest), "repeat", [(*body, rest)], where)
            return rest
        rest = self._helper("nothing", "nothing", [()], where)
        for n in range(1, hi + 1):
            # n times at most are left; to stop is allowed once `lo` times are done
            options: list[Sentence] = [(*body, rest) if n > 1 else body]
            if hi - n >= lo:
                options.append(())
            rest = self._helper(("repeat", body, rest, len(options)), "repeat", options, where)
        return rest

    def _helper(self, key: object, hint: str, alternatives: list[Sentence], where: str | None) -> str:
        name = self._known.get(key)
        if name is None:
            name = self._known[key] = self.fresh(hint)
            self.rule(name, *alternatives, where=where)
        return name

    def build(self, start: str) -> Cfg:
        """The grammar.

        Raises:
            SourceSyntaxError: a rule is used but not defined.
        """
        cfg = Cfg(start, {}, dict(self._where), dict(self._parts)).with_rules(self._rules)
        check_defined(cfg)
        return cfg


def check_defined(cfg: Cfg) -> None:
    """Raise SourceSyntaxError if a rule is used but not defined."""
    if cfg.start not in cfg.rules:
        raise SourceSyntaxError(f"the start rule {cfg.start!r} is not defined")
    for name, alternatives in cfg.rules.items():
        for symbol in (s for alternative in alternatives for s in alternative):
            if isinstance(symbol, str) and symbol not in cfg.rules and symbol not in cfg.parts:
                raise SourceSyntaxError(
                    f"rule {name!r} uses {symbol!r}, which is not defined", where=cfg.where.get(name)
                )


def fresh_name(hint: str, taken: Container[str]) -> str:
    """``hint``, or ``hint`` with the least number that makes it new."""
    if hint not in taken:
        return hint
    n = 2
    while f"{hint}{n}" in taken:
        n += 1
    return f"{hint}{n}"


def nullable_rules(cfg: Cfg) -> set[str]:
    """The rules that derive the empty text."""
    costs = least_costs(cfg)
    return {name for name, cost in costs.items() if cost == 0}


def least_costs(cfg: Cfg) -> dict[str, int]:
    """Least bytes of a text of each rule; rules without any text are left out.

    Knuth's generalisation of Dijkstra's algorithm: rules are settled in the order of their costs, and an
    alternative is settled when its last rule is.
    """
    missing: list[int] = []
    cost: list[int] = []
    owner: list[str] = []
    uses: dict[str, list[int]] = {name: [] for name in (*cfg.rules, *cfg.parts)}
    # the number keeps the order of equals deterministic
    heap = [(part.least(part.start), -1 - i, name) for i, (name, part) in enumerate(cfg.parts.items())]
    heapq.heapify(heap)
    for name, alternatives in cfg.rules.items():
        for alternative in alternatives:
            number = len(cost)
            owner.append(name)
            cost.append(sum(least_bytes(s) for s in alternative if isinstance(s, Terminal)))
            called = [s for s in alternative if isinstance(s, str)]
            missing.append(len(called))
            for s in called:
                uses[s].append(number)
            if not called:
                heapq.heappush(heap, (cost[number], number, name))
    settled: dict[str, int] = {}
    while heap:
        value, _, name = heapq.heappop(heap)
        if name in settled:
            continue
        settled[name] = value
        for number in uses[name]:
            cost[number] += value
            missing[number] -= 1
            if missing[number] == 0:
                heapq.heappush(heap, (cost[number], number, owner[number]))
    return settled
