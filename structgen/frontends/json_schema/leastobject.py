"""The least bytes that finish an object under a tree of shapes.

Receives a residual, the slots that remain and the costs of values; returns the least bytes of further properties. The
order in which properties come does not matter for that, so one slot after the other is decided: left out, or written
in one of its ways. Alternatives are independent of each other, and so are parts of a conjunction that look at
different properties: these are added up instead of being multiplied.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator
from typing import TYPE_CHECKING

from structgen.errors import LimitError
from structgen.frontends.json_schema.formula import INFINITE, Costs, Formula
from structgen.frontends.json_schema.residuals import ANY, FALSE, TRUE

if TYPE_CHECKING:
    from structgen.frontends.json_schema.objecttrees import ObjectTreePlan

#: Combinations of a residual and remaining slots that one search may look at.
MAX_SEARCH = 60_000
#: (residual, slots that remain, number of properties written, free names written)
Place = tuple[int, int, int, frozenset[str]]
_NONE: frozenset[str] = frozenset()


class ObjectSearch:
    """Least bytes under one plan and one set of costs, each worked out once."""

    def __init__(self, plan: ObjectTreePlan, costs: Costs) -> None:
        self.plan = plan
        self.costs = costs
        self._known: dict[Place, int] = {}
        self._values: dict[Formula, int] = {}

    def least(self, residual: int, remaining: int, number: int, names: frozenset[str]) -> int:
        """Least bytes of further properties, each with a comma; INFINITE if there is no way.

        Raises:
            LimitError: too many combinations would have to be looked at.
        """
        root = self._place(residual, remaining, number, names)
        found = self._known.get(root)
        if found is not None:
            return found
        # recursion, with a stack of its own
        stack = [(root, self._solve(root))]
        answer: int | None = None
        while stack:
            place, work = stack[-1]
            try:
                wanted = work.send(answer)  # type: ignore[arg-type]
            except StopIteration as done:
                answer = self._known[place] = min(done.value, INFINITE)
                stack.pop()
                if len(self._known) > MAX_SEARCH:
                    raise self._too_many() from None
                continue
            answer = self._known.get(wanted)
            if answer is None:
                stack.append((wanted, self._solve(wanted)))
        assert answer is not None
        return answer

    def _place(self, r: int, remaining: int, number: int, names: frozenset[str]) -> Place:
        """What of a state makes a difference."""
        plan = self.plan
        r = plan.passed(r, 0, remaining)
        if plan.counted(r):
            return r, remaining, number, names
        support = plan.residuals.support[r]
        return r, remaining & support, 0, names if support & plan.cell_bits else _NONE

    def _solve(self, place: Place) -> Generator[Place, int, int]:
        r, remaining, number, names = place
        plan, res = self.plan, self.plan.residuals
        if r in (FALSE, TRUE):
            return 0 if r == TRUE else INFINITE
        best = INFINITE
        if res.parts[r].kind == ANY:
            for part in res.parts[r].args:
                cost = yield self._place(part, remaining, number, names)
                best = min(best, cost)
                if best == 0:
                    break
            return best
        counted = plan.counted(r)
        if not counted:
            constant = plan.constant(r)
            if constant is not None:
                return sum(self._property(x, f) for x, f in constant.items() if remaining >> x & 1)
            parts = res.components(r, remaining | plan.cell_bits)
            if len(parts) > 1:
                total = 0
                for part in parts:
                    total += yield self._place(part, remaining, number, names)
                    if total >= INFINITE:
                        return INFINITE
                return total
        slots = remaining & plan.slot_bits
        if not slots:
            return self._free(r, number, names)
        x = self._pivot(r, slots)
        after = remaining & ~(1 << x)
        best = yield self._place(plan.passed(r, 1 << x, after), after, number, names)
        if best == 0 or plan.name_cost(x) >= INFINITE:
            return best
        name = plan.name_cost(x)
        for f, following in plan.ways(r, x):
            cost = name + self._value(f)
            if cost < best:
                following, more = plan.grown(following, number)
                cost += yield self._place(following, after, more, names)
                best = min(best, cost)
        return best

    def _pivot(self, r: int, slots: int) -> int:
        """The slot that most leaves look at: what comes after it falls apart soonest."""
        res = self.plan.residuals
        masks = [res.support[leaf] & slots for leaf in res.leaves(r)]
        best, most = -1, 0
        left = slots
        while left:
            low = left & -left
            left ^= low
            number = sum(1 for mask in masks if mask & low)
            if number > most or best < 0:
                best, most = low.bit_length() - 1, number
        return best

    def _value(self, f: Formula) -> int:
        found = self._values.get(f)
        if found is None:
            found = self._values[f] = self.costs(f)
        return found

    def _property(self, x: int, f: Formula) -> int:
        return self.plan.name_cost(x) + self._value(f)

    def _free(self, r: int, number: int, used: frozenset[str]) -> int:
        """Least bytes of properties with free names: Dijkstra's algorithm over residuals and names taken."""
        plan = self.plan
        support, n = plan.residuals.support, plan.n_slots
        heap = [(0, r, number, (0,) * len(plan.cells))]
        done: set[tuple[int, int, tuple[int, ...]]] = set()
        while heap:
            cost, r, number, taken = heapq.heappop(heap)
            if (r, number, taken) in done:
                continue
            done.add((r, number, taken))
            if r == FALSE:
                continue
            if plan.ends(r, number):
                return cost
            if len(done) > MAX_SEARCH:
                raise self._too_many()
            for cell, before in enumerate(taken):
                if not (support[r] >> n + cell & 1 or plan.counted(r)):
                    continue
                name = plan.free_cost(n + cell, used, before)
                for f, following in plan.ways(r, n + cell) if name < INFINITE else ():
                    value, after = self._value(f), plan.grown(following, number)
                    if after != (r, number) and value < INFINITE:  # what changes nothing leads nowhere
                        now = (*taken[:cell], before + 1, *taken[cell + 1 :])
                        heapq.heappush(heap, (cost + name + value, *after, now))
        return INFINITE

    def _too_many(self) -> LimitError:
        return LimitError(
            f"the shortest object under combined schemas is looked for among more than {MAX_SEARCH} combinations",
            where=self.plan.shape.where,
            hint="This limit is fixed: let the branches of oneOf, anyOf, if and not differ in a required constant "
            "property, or combine fewer of them",
        )
