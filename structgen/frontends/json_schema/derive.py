"""How a residual goes on when one more property or item is written.

Receives a residual and what each of its leaves asks of the new value; returns the *ways*: a formula for the value, and
the residual after it. Every value that can lead to the end satisfies the formula of some way. Alternatives stay
apart as ways of their own; "exactly one of" parts the values, so that each is followed by one residual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from structgen.errors import LimitError
from structgen.frontends.json_schema.formula import FALSE as NO_VALUE
from structgen.frontends.json_schema.formula import TRUE as ANY_VALUE
from structgen.frontends.json_schema.formula import Formula
from structgen.frontends.json_schema.normalise import Normaliser
from structgen.frontends.json_schema.residuals import ALL, ANY, FALSE, LEAF, NOT, Residuals

#: Ways to go on with one property or item.
MAX_WAYS = 3_000
#: How many levels of required properties are looked at before a way is kept.
_DEPTH = 3


class Way(NamedTuple):
    """One way to write a value: what it satisfies, and what is left to be shown after it."""

    formula: Formula
    residual: int


class Question(NamedTuple):
    """What a leaf asks of a value: the residuals it becomes if the formula holds, and if not."""

    formula: Formula
    yes: int
    no: int


class Derivation:
    """Ways, each worked out once.

    Args:
        ask: the question of a leaf (its residual, leaf number, count) about a property or item, by number.
        where: place in the schema, for messages.
    """

    def __init__(
        self,
        normaliser: Normaliser,
        residuals: Residuals,
        ask: Callable[[int, int, int, int], Question],
        where: str | None,
    ) -> None:
        self.n = normaliser
        self.residuals = residuals
        self.ask = ask
        self.where = where
        self._known: dict[tuple[int, int], tuple[Way, ...]] = {}

    def ways(self, r: int, x: int) -> tuple[Way, ...]:
        """The ways to write property or item ``x`` under a residual; some may have no value.

        Raises:
            LimitError: there are too many.
        """
        if not self.residuals.support[r] >> x & 1:
            return (Way(self.n.formulas.true, r),) if r != FALSE else ()
        found = self._known.get((r, x))
        if found is None:
            found = self._known[r, x] = self._ways(r, x)
        return found

    def _ways(self, r: int, x: int) -> tuple[Way, ...]:
        res = self.residuals
        kind, args = res.parts[r]
        if kind == LEAF or (kind == NOT and res.parts[args[0]].kind == LEAF):
            inner = args[0] if kind == NOT else r
            number, count = res.parts[inner].args
            f, yes, no = self.ask(inner, number, count, x)
            if kind == NOT:
                yes, no = res.negate(yes), res.negate(no)
            return self._merged([Way(f, yes), Way(self.n.formulas.neither(f), no)])
        if kind == ANY:
            return self._merged(way for part in args for way in self.ways(part, x))
        if kind == ALL:
            asleep = [part for part in args if not res.support[part] >> x & 1]
            ways = [Way(self.n.formulas.true, res.all(asleep))]
            for part in args:
                if res.support[part] >> x & 1:
                    following = self.ways(part, x)
                    ways = list(
                        self._merged(
                            Way(self._both(f, g), res.all((a, b))) for f, a in ways for g, b in following
                        )
                    )
            return tuple(ways)
        return self._parted(r, x)

    def _parted(self, r: int, x: int) -> tuple[Way, ...]:
        """Ways that no two values share."""
        res, formulas = self.residuals, self.n.formulas
        questions = [
            (leaf, self.ask(leaf, number, count, x)) for leaf, (number, count) in res.leaves(r, 1 << x).items()
        ]
        classes: list[tuple[Formula, frozenset[Formula]]] = [(formulas.true, frozenset())]
        for f in dict.fromkeys(question.formula for _, question in questions):
            other = formulas.neither(f)
            for half in (f, other):
                self._hollow(half)  # their normal forms first: those of the classes are made of them
            following = []
            for inside, holding in classes:
                for half, held in ((self._both(inside, f), holding | {f}), (self._both(inside, other), holding)):
                    if not self._hollow(half):
                        following.append((half, held))
            classes = following
            self._check(len(classes))
        ways = []
        for inside, holding in classes:
            into = {leaf: q.yes if q.formula in holding else q.no for leaf, q in questions}
            ways.append(Way(inside, res.replace(r, into)))
        return self._merged(ways)

    def _merged(self, ways: Iterable[Way]) -> tuple[Way, ...]:
        """The ways with a future, with equal formulas put together, and then equal residuals."""
        res, formulas = self.residuals, self.n.formulas
        by_formula: dict[Formula, list[int]] = {}
        for f, r in ways:
            if r != FALSE and f.kind != NO_VALUE and (f in by_formula or not self._hollow(f)):
                by_formula.setdefault(f, []).append(r)
                self._check(len(by_formula))
        by_residual: dict[int, list[Formula]] = {}
        for f, rs in by_formula.items():
            by_residual.setdefault(res.any(rs) if len(rs) > 1 else rs[0], []).append(f)
        return tuple(Way(formulas.either(*fs) if len(fs) > 1 else fs[0], r) for r, fs in by_residual.items())

    def _both(self, a: Formula, b: Formula) -> Formula:
        return self.n.conjunction(a, b)

    def _hollow(self, f: Formula) -> bool:
        return f.kind != ANY_VALUE and self.n.hollow(f, _DEPTH)

    def _check(self, number: int) -> None:
        if number > MAX_WAYS:
            raise LimitError(
                f"a value under the combined schemas may be of more than {MAX_WAYS} kinds",
                where=self.where,
                hint="This limit is fixed: let the branches of oneOf, anyOf, if and not differ in fewer properties",
            )
