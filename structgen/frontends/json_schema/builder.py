"""Forms and plans: what the nodes of the network are made from.

Receives formulas; returns for each its :class:`Form` (terminals of the scalars, numbers of the plans of arrays and
objects) and the least number of bytes of a value. Each formula, each set of values and each shape is made once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from structgen.errors import LimitError
from structgen.frontends.json_schema.algebra import treeable
from structgen.frontends.json_schema.arrays import ArrayPlan
from structgen.frontends.json_schema.arraytrees import ArrayTreePlan
from structgen.frontends.json_schema.cells import object_plans, splits
from structgen.frontends.json_schema.equal import EqualPlan
from structgen.frontends.json_schema.formula import INFINITE, TELL_APART, Formula
from structgen.frontends.json_schema.hostnodes import HOST, HostNodes
from structgen.frontends.json_schema.load import MAX_COUNT, too_long
from structgen.frontends.json_schema.normalise import Normaliser, place_of
from structgen.frontends.json_schema.objects import ObjectPlan
from structgen.frontends.json_schema.objecttrees import ObjectTreePlan
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.shapes import ALL, ArrayShape, ObjectShape, Tree, Values
from structgen.frontends.json_schema.supply import Supply
from structgen.frontends.json_schema.unique import UniquePlan
from structgen.ir.network import Edge, Terminal

#: A shape that would be split into more plans is watched while it is written.
_MAX_SPLIT = 32
#: Combinations that are watched while they are written. Real schemas have fewer than ten of objects.
_MAX_TREES = 500


class Form:
    """Values as the network needs them: scalar terminals and plans."""

    __slots__ = ("_inner", "_top", "edges", "index", "least", "plans", "scalar_cost", "values", "where")

    def __init__(self, values: Values, index: int, where: str | None) -> None:
        self.values = values
        self.index = index
        self.where = where
        self.plans: tuple[int, ...] | None = None
        self.least: int | None = None
        #: the edges of such a value, made by the network
        self.edges: tuple[Edge, ...] | None = None
        self.scalar_cost = INFINITE
        self._inner: tuple[tuple[Terminal, int], ...] | None = None
        self._top: tuple[tuple[Terminal, int], ...] | None = None

    def scalars(self, terminals: Terminals, top: bool) -> tuple[tuple[Terminal, int], ...]:
        """Terminals of the scalar values, with their least bytes."""
        found = self._top if top else self._inner
        if found is None:
            try:
                parts = list(self._parts(terminals, top))
            except LimitError as error:
                error.where = error.where or self.where
                raise
            found = tuple((t, t.dfa.min_length()) for t in parts)
            if top:
                self._top = found
            else:
                self._inner = found
        return found

    def _parts(self, terminals: Terminals, top: bool) -> Iterator[Terminal]:
        v = self.values
        if v.null or v.bools:
            yield terminals.words(v.null, v.bools, top)
        if not v.numbers.is_empty():
            yield terminals.numbers(v.numbers, top)
        if v.strings.has_texts():
            yield terminals.strings(v.strings, top)


class Builder:
    """Forms, plans and least texts of the formulas that have been reached.

    ``shortest`` writes a text of least length of a formula.
    """

    def __init__(
        self,
        normaliser: Normaliser,
        terminals: Terminals,
        any_order: bool,
        shortest: Callable[[Builder, Formula], bytes],
    ) -> None:
        self.normaliser = normaliser
        self.terminals = terminals
        self.any_order = any_order
        self.forms: list[Form] = []
        self.plans: list[ObjectPlan | ArrayPlan | ObjectTreePlan | ArrayTreePlan] = []
        self._of_formula: dict[Formula, Form] = {}
        self._of_values: dict[Values, Form] = {}
        self._plans: dict[Any, tuple[int, ...]] = {}
        self._trees = 0
        #: false while texts are written: what has been seen in them makes trees without end, a few at a time
        self._exploring = True
        self.supply = Supply(self, partial(shortest, self))
        #: least bytes of a host name with an A-label
        self.host_cost = HostNodes(terminals.gap).least((HOST, True))

    def form(self, formula: Formula) -> Form:
        found = self._of_formula.get(formula)
        if found is None:
            values = self.normaliser.values(formula)
            found = self._of_values.get(values)
            if found is None:
                found = self._of_values[values] = Form(values, len(self.forms), place_of(formula))
                self.forms.append(found)
            self._of_formula[formula] = found
        return found

    def form_plans(self, form: Form) -> tuple[int, ...]:
        """Numbers of the plans of a form."""
        if form.plans is None:
            found: list[int] = []
            shapes: list[tuple[ArrayShape | ObjectShape | Tree, bool]] = [
                *((shape, True) for shape in form.values.arrays),
                *((shape, False) for shape in form.values.objects),
            ]
            for shape, is_array in shapes:
                numbers = self._plans.get((shape, is_array))
                if numbers is None:
                    made = self._made(shape, is_array, form.where)
                    numbers = tuple(range(len(self.plans), len(self.plans) + len(made)))
                    self.plans += made
                    self._plans[shape, is_array] = numbers
                found += numbers
            form.plans = tuple(found)
        return form.plans

    def _made(self, shape: ArrayShape | ObjectShape | Tree, is_array: bool, where: str | None) -> list[Any]:
        for part in shape.shapes() if isinstance(shape, Tree) else [shape]:
            if part.lo > MAX_COUNT:
                raise too_long(part.lo, "items" if is_array else "properties", part.where or where)
        if isinstance(shape, ArrayShape):
            return [self._array_plan(shape)]
        if isinstance(shape, ObjectShape) and treeable(shape) and splits(shape) > _MAX_SPLIT:
            shape = Tree(ALL, (shape,), where)
        if isinstance(shape, ObjectShape):
            return list(object_plans(self.normaliser, shape, self.terminals, self.any_order))
        self._trees += self._exploring
        if self._trees > _MAX_TREES:
            raise LimitError(
                f"the combined schemas give more than {_MAX_TREES:,} different combinations of arrays and objects",
                where=shape.where or where,
                hint=TELL_APART,
            )
        if is_array:
            return [ArrayTreePlan(self.normaliser, shape, self.terminals)]
        return [ObjectTreePlan(self.normaliser, shape, self.terminals, self.any_order)]

    def _array_plan(self, shape: ArrayShape) -> ArrayPlan:
        if shape.unique is None:
            return ArrayPlan(self.normaliser, shape, self.terminals)
        kind = UniquePlan if shape.unique else EqualPlan
        return kind(self.normaliser, shape, self.terminals, self.supply)

    def cost(self, formula: Formula) -> int:
        """Least bytes of a value, without whitespace before it; INFINITE: there is none."""
        form = self.form(formula)
        return form.least if form.least is not None else self._solve(form)

    def _solve(self, root: Form) -> int:
        """Least texts of a form and of all that they rest on: relaxation downwards from infinity."""
        estimates: dict[Form, int] = {root: INFINITE}
        users: dict[Form, set[Form]] = {}
        todo = deque([root])
        current = root

        def costs(formula: Formula) -> int:
            form = self.form(formula)
            if form.least is not None:
                return form.least
            users.setdefault(form, set()).add(current)
            known = estimates.get(form)
            if known is None:
                estimates[form] = INFINITE
                todo.append(form)
                return INFINITE
            return known

        while todo:
            current = todo.pop()
            new = self._estimate(current, costs)
            if new < estimates[current]:
                estimates[current] = new
                # what rests on it waits until all that it rests on has been looked at
                todo.extendleft(form for form in users.get(current, ()) if form not in todo)
        for form, value in estimates.items():
            form.least = value
        return estimates[root]

    def _estimate(self, form: Form, costs: Any) -> int:
        gap = self.terminals.gap_cost
        best = min((cost - gap for _, cost in form.scalars(self.terminals, False)), default=INFINITE)
        if form.values.strings.a_labels:
            best = min(best, self.host_cost)
        for p in self.form_plans(form):
            best = min(best, self.plans[p].least(costs))
        return best

    def explore(self, root: Formula) -> None:
        """Make the plans of everything that a text may come to, so that what is refused is refused now."""
        todo = [self.form(root)]
        seen = set(todo)
        while todo:
            form = todo.pop()
            form.scalars(self.terminals, False)
            for p in self.settled(form):
                for formula in self.plans[p].formulas_inside():
                    inner = self.form(formula)
                    if inner not in seen:
                        seen.add(inner)
                        todo.append(inner)
        self._exploring = False

    def settled(self, form: Form) -> list[int]:
        """Numbers of the live plans of a form, ready to be expanded."""
        live = []
        for p in self.form_plans(form):
            plan = self.plans[p]
            plan.settle(self.cost, self.supply)
            if plan.least(self.cost) < INFINITE:
                live.append(p)
        return live
