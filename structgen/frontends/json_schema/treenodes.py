"""Nodes of objects and arrays under trees of shapes.

Receives keys; returns nodes, as ``lower`` does for plain shapes. Keys:

- ``(OBJECT_TREE, p, state)``: inside an object of plan p, before a property or the closing bracket;
- ``(NAME_TREE, p, state)``: after the opening quote of a name;
- ``(VALUE_TREE, p, state, x)``: after the name of property x, before its value; the name is in the state already;
- ``(ARRAY_TREE, p, state)``: inside an array, after an item; ``(ITEM_TREE, p, state)``: after the comma that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from structgen.frontends.json_schema.arraytrees import ArrayTreePlan, ArrayTreeState
from structgen.frontends.json_schema.formula import INFINITE, Formula
from structgen.frontends.json_schema.objecttrees import ObjectTreePlan, TreeState
from structgen.frontends.json_schema.references import escape
from structgen.frontends.json_schema.separators import Terminals
from structgen.ir.network import END, Edge, Key, Node

OBJECT_TREE, NAME_TREE, VALUE_TREE, ARRAY_TREE, ITEM_TREE = range(100, 105)
#: Label of the way from a quote to after it.
_NEXT = 0
_COMMA = -1

#: Adds edges for any value of a formula: (formula, label, rest, edges).
Values = Callable[[Formula, Any, int, list[Edge]], None]


class TreeNodes:
    """The part of a network that writes trees.

    Args:
        plans: all plans, by number.
        terminals: the terminals of JSON text.
        cost: least bytes of a formula's values.
        values: adds the edges of a value to a list.
    """

    def __init__(
        self, plans: list[Any], terminals: Terminals, cost: Callable[[Formula], int], values: Values
    ) -> None:
        self.plans = plans
        self.terminals = terminals
        self.cost = cost
        self.values = values

    @staticmethod
    def opening(p: int, plan: ObjectTreePlan | ArrayTreePlan) -> Key:
        """The key after the opening bracket."""
        return (OBJECT_TREE if isinstance(plan, ObjectTreePlan) else ARRAY_TREE, p, plan.begin)

    def expand(self, key: Any) -> Node:
        kind, plan = key[0], self.plans[key[1]]
        if kind == OBJECT_TREE:
            return self._object(plan, key[2])
        if kind == NAME_TREE:
            return Node(False, tuple(self._names(plan, key[2])))
        if kind == VALUE_TREE:
            return self._choices(plan.onward(key[2], key[3]))
        if kind == ITEM_TREE:
            return self._choices(plan.onward(key[2]))
        return self._array(plan, key[2])

    def follow(self, key: Any, label: Any) -> Key:
        """As ``Network.follow``."""
        kind, p, state = key[:3]
        plan = self.plans[p]
        if kind == OBJECT_TREE:
            return (NAME_TREE, p, state)
        if kind == NAME_TREE:
            return self.named(key, label, None)
        if kind == VALUE_TREE:
            return (OBJECT_TREE, p, plan.onward(state, key[3])[label][1])
        if label == _COMMA:
            return (ITEM_TREE, p, state)
        return (ARRAY_TREE, p, plan.onward(state)[label][1])

    def named(self, key: Any, x: int, name: str | None) -> Key:
        """The key before the value of property x; a free one has this name."""
        return (VALUE_TREE, key[1], self.plans[key[1]].with_name(key[2], name), x)

    def least(self, key: Any) -> int:
        kind, plan, state = key[0], self.plans[key[1]], key[2]
        if kind == VALUE_TREE:
            return self._least(plan.onward(state, key[3]))
        if kind == ITEM_TREE:
            return self._least(plan.onward(state))
        if kind == NAME_TREE:
            return self._after_quote(plan, state)
        found: int = plan.left(state)
        return found

    def describe(self, key: Any, label: Any) -> str | None:
        plan = self.plans[key[1]]
        where: str | None = plan.shape.where
        if where is None or not isinstance(plan, ObjectTreePlan):
            return where
        x = label if key[0] == NAME_TREE else key[3] if key[0] == VALUE_TREE else None
        name = None if x is None else plan.property_of(x)
        return where if name is None else f"{where}/properties/{escape(name)}"

    def _least(self, ways: list[tuple[Formula, Any, int]]) -> int:
        return self.terminals.gap_cost + min(self.cost(f) + left for f, _, left in ways)

    def _object(self, plan: ObjectTreePlan, state: TreeState) -> Node:
        t = self.terminals
        edges = []
        rest = self._after_quote(plan, state)
        if rest < INFINITE:
            edges.append(Edge(t.next_quote if state.started else t.first_quote, _NEXT, rest))
        if plan.may_close(state):
            edges.append(Edge(t.close_object, END, 0))
        return Node(False, tuple(edges))

    def _names(self, plan: ObjectTreePlan, state: TreeState) -> Iterator[Edge]:
        t = self.terminals
        for x, ways in plan.ahead(state):
            name = plan.property_of(x)
            terminal = t.names(plan.free(state, x)) if name is None else t.name(name)
            yield Edge(terminal, x, self._least(ways), name is None)

    def _after_quote(self, plan: ObjectTreePlan, state: TreeState) -> int:
        """Least bytes to the end of the object after the opening quote of a name; INFINITE: there is none."""
        t, best = self.terminals, INFINITE
        before = t.comma_cost + t.quote_cost
        for x, ways in plan.ahead(state):
            name = plan.free_cost(x, state.names, 0) if plan.property_of(x) is None else plan.name_cost(x)
            best = min(best, name - before + min(self.cost(f) + left for f, _, left in ways))
        return best

    def _choices(self, ways: list[tuple[Formula, Any, int]]) -> Node:
        edges: list[Edge] = []
        for w, (f, _, left) in enumerate(ways):
            self.values(f, w, left, edges)
        return Node(False, tuple(edges))

    def _array(self, plan: ArrayTreePlan, state: ArrayTreeState) -> Node:
        t = self.terminals
        edges: list[Edge] = []
        if state.number == 0:
            edges += self._choices(plan.onward(state)).edges
        else:
            ways = plan.onward(state)
            if ways:
                edges.append(Edge(t.comma, _COMMA, self._least(ways)))
        if plan.may_close(state):
            edges.append(Edge(t.close_array, END, 0))
        return Node(False, tuple(edges))
