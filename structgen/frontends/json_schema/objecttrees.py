"""Objects under a Boolean combination of shapes, written once while the shapes are watched.

Receives a :class:`Tree` of object shapes; returns :class:`ObjectTreePlan`. The shapes are the leaves of a residual (see
``residuals``): a property breaks a shape, or does not; what a shape requires is settled when the property is passed by,
or when the object ends. The object may end where the combination holds of the shapes left. So the work grows with what
can be told apart by the properties written, not with the number of conjuncts when everything is multiplied out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from structgen.errors import LimitError
from structgen.frontends.json_schema.derive import Derivation, Question
from structgen.frontends.json_schema.formula import INFINITE, Costs, Formula
from structgen.frontends.json_schema.formula import TRUE as ANY_VALUE
from structgen.frontends.json_schema.leastobject import ObjectSearch
from structgen.frontends.json_schema.names import NO_NAMES, FreeNames, Pool, Written
from structgen.frontends.json_schema.normalise import Normaliser
from structgen.frontends.json_schema.objects import name_has_text
from structgen.frontends.json_schema.residuals import ALL, FALSE, LEAF, TRUE, Residuals
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.shapes import ObjectShape, Tree
from structgen.frontends.json_schema.strings import StringSet
from structgen.frontends.json_schema.supply import Supply

#: Sets of at most this many free names are treated name by name.
_LISTED_NAMES = 16
#: Sets of free names that are told apart.
_MAX_CELLS = 256
#: Residuals looked at when everything a text may come to is made in advance.
_EXPLORED = 300
#: What a leaf says: of all properties; of some property; of their number.
EVERY, SOME, COUNT = range(3)


class TreeState(NamedTuple):
    """What matters of the properties written so far.

    Attributes:
        residual: what is left to be shown.
        remaining: bits of the slots that may still come.
        number: how many properties are written, as far as it matters.
        started: has one been written?
        names: the free names written: none may come twice.
    """

    residual: int
    remaining: int
    number: int
    started: bool
    names: Written


class Leaf(NamedTuple):
    """One obligation.

    Attributes:
        kind: EVERY (all properties satisfy their formula, and the required ones are there), SOME (some property
            satisfies its formula) or COUNT.
        formulas: by property; where it says nothing, a property is left out.
        required: bits of the slots that must be there.
        lo, hi: bounds on the number of properties.
    """

    kind: int
    formulas: dict[int, Formula]
    required: int = 0
    lo: int = 0
    hi: int | None = None


class ObjectTreePlan:
    """The writing of objects under a tree of shapes.

    Properties are numbered: first the *slots*, each with one name, then the *cells*, each a set of free names that no
    shape tells apart.

    Raises:
        LimitError: the shapes part the free names into too many sets.
    """

    def __init__(self, normaliser: Normaliser, tree: Tree, terminals: Terminals, any_order: bool) -> None:
        self.normaliser = normaliser
        self.shape = tree
        self.terminals = terminals
        shapes = tree.shapes()
        self.names, in_order = _names(shapes)
        self.any_order = any_order or not in_order
        self.index = {name: i for i, name in enumerate(self.names)}
        self.n_slots = n = len(self.names)
        self._sets = _cells(shapes, self.names, tree.where)
        self.cells = [Pool(names) for names in self._sets]
        self.slot_bits = (1 << n) - 1
        self.cell_bits = ((1 << len(self.cells)) - 1) << n
        self.count_bit = 1 << (n + len(self.cells))
        self.leaves: list[Leaf] = []
        self._support: list[int] = []
        self.residuals = Residuals(self._support.__getitem__)
        self._ways = Derivation(normaliser, self.residuals, self._ask, tree.where)
        self.root = self.residuals.of_tree(tree, self._obligations)
        self.cap = 1 + max((leaf.lo if leaf.hi is None else max(leaf.lo, leaf.hi) for leaf in self.leaves), default=0)
        self._settled: dict[tuple[int, int], int] = {}
        self._absent: dict[tuple[int, int], int] = {}
        self._grown: dict[tuple[int, int], int] = {}
        self._ends: dict[tuple[int, int], bool] = {}
        self._onward: dict[tuple[TreeState, int], list[tuple[Formula, TreeState, int]]] = {}
        self._search: ObjectSearch | None = None

    # leaves

    def _leaf(self, leaf: Leaf) -> int:
        support = leaf.required if leaf.kind != COUNT else self.count_bit
        for x in leaf.formulas:
            support |= 1 << x
        self.leaves.append(leaf)
        self._support.append(support)
        return self.residuals.leaf(len(self.leaves) - 1)

    def _obligations(self, shape: ObjectShape) -> Iterator[int]:
        algebra, formulas = self.normaliser.algebra, self.normaliser.formulas
        required = 0
        for name in shape.required:
            required |= 1 << self.index[name]
        said = {i: algebra.property(shape, name) for i, name in enumerate(self.names)}
        for x, names in enumerate(self._sets, self.n_slots):
            said[x] = formulas.both(*(f for inside, f in shape.rest if _within(names, inside)))
        said = {x: f for x, f in said.items() if f.kind != ANY_VALUE}
        if said or required:
            yield self._leaf(Leaf(EVERY, said, required))
        for name, others in shape.needs:
            wanted = 0
            for other in others:
                wanted |= 1 << self.index[other]
            absent = self._leaf(Leaf(EVERY, {self.index[name]: formulas.false}))
            yield self.residuals.any((absent, self._leaf(Leaf(EVERY, {}, wanted))))
        for inside, f in shape.exists:
            asked = {i: f for i, name in enumerate(self.names) if inside.contains(name)}
            asked.update({x: f for x, names in enumerate(self._sets, self.n_slots) if _within(names, inside)})
            yield self._leaf(Leaf(SOME, asked)) if asked else FALSE
        if shape.lo > 0 or shape.hi is not None:
            yield self._leaf(Leaf(COUNT, {}, lo=shape.lo, hi=shape.hi))

    def _ask(self, r: int, number: int, count: int, x: int) -> Question:
        leaf, formulas = self.leaves[number], self.normaliser.formulas
        if leaf.kind == EVERY:
            return Question(leaf.formulas.get(x, formulas.true), r, FALSE)
        return Question(leaf.formulas.get(x, formulas.false), TRUE, r)

    # residuals

    def ways(self, r: int, x: int) -> Iterator[tuple[Formula, int]]:
        """The ways to write property x."""
        return iter(self._ways.ways(r, x))

    def passed(self, r: int, absent: int, remaining: int) -> int:
        """The residual after slots have been passed by, when only some slots remain."""
        res = self.residuals
        absent &= res.support[r]
        if absent:
            key = (r, absent)
            found = self._absent.get(key)
            if found is None:
                into = {
                    leaf: FALSE for leaf, (j, _) in res.leaves(r, absent).items() if self.leaves[j].required & absent
                }
                found = self._absent[key] = res.replace(r, into)
            r = found
        open_bits = remaining | self.cell_bits | self.count_bit
        closed = res.support[r] & ~open_bits
        if closed:
            key = (r, closed)
            found = self._settled.get(key)
            if found is None:
                into = {
                    leaf: TRUE if self.leaves[j].kind == EVERY else FALSE
                    for leaf, (j, _) in res.leaves(r, closed).items()
                    if not self._support[j] & open_bits
                }
                found = self._settled[key] = res.replace(r, into)
            r = found
        return r

    def grown(self, r: int, number: int) -> tuple[int, int]:
        """The residual when there is one more property than ``number``, and their number as far as it matters."""
        if not self.counted(r):
            return r, 0
        number = min(number + 1, self.cap)
        found = self._grown.get((r, number))
        if found is None:
            into = {}
            for inner, (j, _) in self.residuals.leaves(r).items():
                leaf = self.leaves[j]
                if leaf.kind == COUNT and leaf.hi is not None and number > leaf.hi:
                    into[inner] = FALSE
                elif leaf.kind == COUNT and leaf.hi is None and number >= leaf.lo:
                    into[inner] = TRUE
            found = self._grown[r, number] = self.residuals.replace(r, into)
        return found, number if self.counted(found) else 0

    def ends(self, r: int, number: int) -> bool:
        """Does the combination hold if no further property comes, all that remains being passed by already?"""
        found = self._ends.get((r, number))
        if found is None:
            into = {}
            for inner, (j, _) in self.residuals.leaves(r).items():
                leaf = self.leaves[j]
                good = leaf.kind == EVERY
                if leaf.kind == COUNT:
                    good = number >= leaf.lo and (leaf.hi is None or number <= leaf.hi)
                into[inner] = TRUE if good else FALSE
            found = self._ends[r, number] = self.residuals.replace(r, into) == TRUE
        return found

    def counted(self, r: int) -> bool:
        """Does the number of properties matter?"""
        return bool(self.residuals.support[r] & self.count_bit)

    # costs

    def name_cost(self, x: int) -> int:
        """Least bytes of the name of a slot with its colon, a comma, and the whitespace before the value."""
        t, name = self.terminals, self.names[x]
        return t.name_cost(name) + t.gap_cost + t.comma_cost if name_has_text(name) else INFINITE

    def free_cost(self, x: int, used: frozenset[str], before: int) -> int:
        """The same of a name of a cell, so many being written before it besides those used; INFINITE: there is none."""
        t = self.terminals
        sizes = self.cells[x - self.n_slots].sizes(used, before + 1)
        return sizes[before] + t.empty_name_cost + t.gap_cost + t.comma_cost if len(sizes) > before else INFINITE

    def least(self, costs: Costs) -> int:
        """Least bytes of the object, its opening bracket included, the whitespace before it not."""
        search = self._search or ObjectSearch(self, costs)
        return min(1 + self._bytes(search, self.begin), INFINITE)

    def settle(self, costs: Costs, supply: Supply) -> None:
        """Fix the costs; afterwards the plan can be expanded."""
        if self._search is None:
            self._search = ObjectSearch(self, costs)

    @staticmethod
    def _bytes(search: ObjectSearch, state: TreeState) -> int:
        t = search.plan.terminals
        found = search.least(state.residual, state.remaining, state.number, state.names)
        if found and not state.started:
            found -= t.comma_cost
        return min(found + t.close_cost, INFINITE)

    # states

    @property
    def begin(self) -> TreeState:
        """Nothing is written."""
        return TreeState(self.passed(self.root, 0, self.slot_bits), self.slot_bits, 0, False, NO_NAMES)

    def left(self, state: TreeState) -> int:
        """Least bytes from here to the end of the object, the closing bracket included; INFINITE: no way."""
        assert self._search is not None
        return self._bytes(self._search, state)

    def may_close(self, state: TreeState) -> bool:
        return self.ends(self.passed(state.residual, state.remaining, 0), state.number)

    def may_be_empty(self) -> bool:
        """Is the object without properties one of these?"""
        return self.may_close(self.begin)

    def ahead(self, state: TreeState) -> Iterator[tuple[int, list[tuple[Formula, TreeState, int]]]]:
        """Properties that may come next, each with its ways: formula, state after it, least bytes from there."""
        x, remaining = 0, state.remaining
        while remaining >> x:
            if remaining >> x & 1:
                onward = self.onward(state, x)
                if onward:
                    yield x, onward
            x += 1
        for cell in range(self.n_slots, self.n_slots + len(self.cells)):
            # of the free names, the shortest is the one whose loss is felt most
            name = next((name for _, name in self.cells[cell - self.n_slots].unused(state.names)), None)
            onward = [] if name is None else self.onward(self.with_name(state, name), cell)
            if onward:
                yield cell, onward

    def free(self, state: TreeState, x: int) -> FreeNames:
        """The names that a property of a cell may have."""
        return self.cells[x - self.n_slots].free(state.names)

    @staticmethod
    def with_name(state: TreeState, name: str | None) -> TreeState:
        """The state with one more free name."""
        return state if name is None else state._replace(names=state.names.plus(name))

    def onward(self, state: TreeState, x: int) -> list[tuple[Formula, TreeState, int]]:
        """The live ways to write property x, whose name, if free, is in the state: formula, state after it, least
        bytes from there."""
        found = self._onward.get((state, x))
        if found is None:
            found = self._onward[state, x] = list(self._live(state, x))
        return found

    def _live(self, state: TreeState, x: int) -> Iterator[tuple[Formula, TreeState, int]]:
        assert self._search is not None
        costs = self._search.costs
        if x < self.n_slots and self.name_cost(x) >= INFINITE:
            return
        r, after = self._before(state, x)
        for f, following in self.ways(r, x):
            residual, number = self.grown(self.passed(following, 0, after), state.number)
            if residual == FALSE or costs(f) >= INFINITE:
                continue
            new = TreeState(residual, after, number, True, state.names)
            left = self.left(new)
            if left < INFINITE:
                yield f, new, left

    def _before(self, state: TreeState, x: int) -> tuple[int, int]:
        """The residual when property x comes next, and the slots that remain after it."""
        remaining = state.remaining
        if self.any_order:
            return state.residual, remaining & ~(1 << x)
        kept = remaining >> x << x if x < self.n_slots else 0
        return self.passed(state.residual, remaining & ~kept, kept), kept & ~(1 << x)

    def distinct(self, supply: Supply, n: int) -> list[int]:
        """As ``ArrayPlan.distinct``: what is not known without a search is left to it."""
        return []

    def formulas_inside(self) -> list[Formula]:
        """Formulas of the properties that may be written, as far as they can be made in advance."""
        found: dict[Formula, None] = {}
        assert self._search is not None
        costs = self._search.costs
        todo = [(self.begin.residual, 0)]
        seen = set(todo)
        while todo and len(seen) < _EXPLORED:
            r, x = todo.pop()
            if x == self.n_slots + len(self.cells):
                continue
            bit = 1 << x
            after = self.slot_bits >> (x + 1) << (x + 1)
            following = [self.passed(r, bit, after)]
            for f, way in self.ways(r, x):
                if costs(f) < INFINITE:
                    found[f] = None
                    following.append(self.passed(way, 0, after))
            for new in ((s, x + 1) for s in following):
                if new not in seen and new[0] != FALSE:
                    seen.add(new)
                    todo.append(new)
        return list(found)

    def property_of(self, x: int) -> str | None:
        """The name of a slot; None for a cell."""
        return self.names[x] if x < self.n_slots else None

    def constant(self, r: int) -> dict[int, Formula] | None:
        """Of a conjunction of EVERY leaves: what must be written, slot by slot. None for others."""
        res = self.residuals
        kind, args = res.parts[r]
        parts = args if kind == ALL else (r,)
        numbers = []
        for part in parts:
            inner_kind, inner = res.parts[part]
            if inner_kind != LEAF or self.leaves[inner[0]].kind != EVERY:
                return None
            numbers.append(inner[0])
        required = 0
        for j in numbers:
            required |= self.leaves[j].required
        wanted = {}
        for x in _bits(required):
            said = [self.leaves[j].formulas[x] for j in numbers if x in self.leaves[j].formulas]
            wanted[x] = self.normaliser.formulas.both(*said)
        return wanted


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _needed(shape: ObjectShape) -> Iterator[str]:
    for name, others in shape.needs:
        yield name
        yield from sorted(others)


def _names(shapes: list[ObjectShape]) -> tuple[list[str], bool]:
    """The names spoken of by themselves, in an order that is every shape's, if there is one; and is there?"""
    orders = [
        list(dict.fromkeys((*shape.named, *shape.required, *_needed(shape))))
        for shape in shapes
    ]
    listed = dict.fromkeys(name for order in orders for name in order)
    for names, _ in [pair for shape in shapes for pair in (*shape.rest, *shape.exists)]:
        listed.update(dict.fromkeys(names.values(_LISTED_NAMES) or ()))
    before: dict[str, dict[str, None]] = {name: {} for name in listed}
    for order in orders:
        for earlier, later in pairwise(order):
            before[later][earlier] = None
    placed: dict[str, None] = {}
    todo = list(listed)
    while todo:
        ready = next((name for name in todo if all(earlier in placed for earlier in before[name])), None)
        if ready is None:
            return list(listed), False
        placed[ready] = None
        todo.remove(ready)
    return list(placed), True


def _cells(shapes: list[ObjectShape], names: list[str], where: str | None) -> list[StringSet]:
    """The other names, parted by the sets that the shapes speak of."""
    cells = [StringSet.of(names).complement()]
    sets = dict.fromkeys(pair[0] for shape in shapes for pair in (*shape.rest, *shape.exists))
    for inside in sets:
        if inside.is_all():
            continue
        cells = [
            part
            for cell in cells
            for part in (cell.intersect(inside), cell.difference(inside))
            if not part.is_empty()
        ]
        if len(cells) > _MAX_CELLS:
            raise LimitError(
                f"the schemas part the names of properties into more than {_MAX_CELLS} sets",
                where=where,
                hint="This limit is fixed: use fewer patterns in patternProperties, or some that exclude each other",
            )
    return cells


def _within(cell: StringSet, names: StringSet) -> bool:
    """Does a cell lie in a set that it was parted by?"""
    return names.is_all() or not cell.disjoint(names)


__all__ = ["ObjectTreePlan", "TreeState"]
