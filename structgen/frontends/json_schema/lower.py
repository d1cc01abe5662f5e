"""Lowering: from formulas to the lazy network.

Receives the formula of a schema; returns a :class:`JsonNetwork`. Keys of nodes:

- ``(START, v)``: a whole text that is one of the values numbered v;
- ``(INNER, v)``: an array or an object among the values numbered v, with the whitespace before it;
- ``(OBJECT, p, progress)``: inside an object of plan p, before a property or the closing bracket;
- ``(NAME, p, progress)``: after the opening quote of a name;
- ``(VALUE, p, progress, i)``: before the value of slot or cell i, after which the progress is this;
- ``(ARRAY, p, n, memory)``: inside an array, after n items; ``(ITEM, p, n, memory)``: after the comma that follows;
- those of ``treenodes``, ``itemnodes`` and ``hostnodes``.

Scalars stand in the edges themselves; arrays and objects are calls.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from structgen.frontends.json_schema.arrays import ArrayPlan, Memory
from structgen.frontends.json_schema.arraytrees import ArrayTreePlan
from structgen.frontends.json_schema.builder import Builder, Form
from structgen.frontends.json_schema.formula import INFINITE, Formula
from structgen.frontends.json_schema.hostnodes import HOST, HostNodes
from structgen.frontends.json_schema.itemnodes import FILLED, ItemNodes
from structgen.frontends.json_schema.names import NO_NAMES, Blurred, Written, read_name
from structgen.frontends.json_schema.objects import BEGIN, ObjectPlan, Progress
from structgen.frontends.json_schema.objecttrees import ObjectTreePlan
from structgen.frontends.json_schema.records import PlanRecord, Records, records
from structgen.frontends.json_schema.references import escape
from structgen.frontends.json_schema.seen import read_value
from structgen.frontends.json_schema.shortest import shortest_text
from structgen.frontends.json_schema.treenodes import NAME_TREE, OBJECT_TREE, TreeNodes
from structgen.frontends.json_schema.unique import UniquePlan
from structgen.ir.network import BETWEEN, END, Call, Edge, Family, Key, Member, Node, Terminal, unsure

START, INNER, OBJECT, NAME, VALUE, ARRAY, ITEM = range(7)
#: Label of the way from a quote to after it, and from a name to after its value.
_NEXT = 0
#: Label of the comma of an array.
_COMMA = -1


class JsonNetwork:
    """JSON texts of a formula, as a lazy network (see ``structgen.ir.network``).

    Args:
        builder: forms and plans.
        formula: what the text is; some value satisfies it.
    """

    def __init__(self, builder: Builder, formula: Formula) -> None:
        self.builder = builder
        self._trees = TreeNodes(builder.plans, builder.terminals, builder.cost, self._values)
        self._unique = ItemNodes(builder.plans, builder.terminals, self._live_plans, self._first_name)
        self._hosts = HostNodes(builder.terminals.gap)
        self._start = (START, builder.form(formula).index)
        self._records: dict[int, Records | None] = {}
        t = builder.terminals
        self._object_edges = Edge(t.first_quote, _NEXT, 0), Edge(t.next_quote, _NEXT, 0), Edge(t.close_object, END, 0)

    @property
    def start(self) -> Key:
        return self._start

    # the contract

    def expand(self, key: Any) -> Node:
        kind = key[0]
        if kind >= FILLED:
            return self._unique.expand(key)
        if kind >= OBJECT_TREE:
            return self._trees.expand(key)
        if kind <= HOST:
            return self._hosts.expand(key)
        return (
            self._start_node,
            self._inner_node,
            self._object_node,
            self._name_node,
            self._value_node,
            self._array_node,
            self._item_node,
        )[kind](*key[1:])

    def follow(self, key: Any, label: Any) -> Key:
        kind: int = key[0]
        if kind >= FILLED:
            return self._unique.follow(key, label)
        if kind >= OBJECT_TREE:
            return self._trees.follow(key, label)
        if kind <= HOST:
            return self._hosts.follow(key, label)
        plans: list[Any] = self.builder.plans
        if kind == OBJECT:
            return (NAME, key[1], key[2])
        if kind == NAME:
            return (VALUE, key[1], plans[key[1]].follow(key[2], label), label)
        if kind == VALUE:
            return (OBJECT, key[1], key[2])
        if kind in (START, INNER):
            plan = plans[label]
            if isinstance(plan, ObjectPlan):
                return (OBJECT, label, BEGIN)
            if isinstance(plan, (ObjectTreePlan, ArrayTreePlan)):
                return self._trees.opening(label, plan)
            return (ARRAY, label, 0, plan.start)
        _, p, i, memory = key
        if label == _COMMA:
            return (ITEM, p, i, memory)
        array: Any = plans[p]
        return (ARRAY, p, array.index(i + 1), array.ways(i, memory)[label].memory)

    def follow_text(self, key: Any, label: Any, text: bytes) -> Key:
        if key[0] <= HOST:
            return self._hosts.follow_text(key, text)
        plan: Any = self.builder.plans[key[1]]
        if key[0] in (ARRAY, ITEM):
            _, p, i, memory = key
            w = label[0] if isinstance(label, tuple) else label
            return (ARRAY, p, plan.index(i + 1), plan.follow(plan.ways(i, memory)[w], read_value(text)))
        if key[0] >= OBJECT_TREE:
            return self._trees.named(key, label, read_name(text))
        return (VALUE, key[1], plan.follow(key[2], label, read_name(text)), label)

    def outline(self, key: Any, label: Any) -> Key | None:
        """What is sure behind a captured edge.

        Of an object: what the value may be does not depend on the free name before it; what follows it costs most
        after this name. Of a unique array: a comma or the bracket, after whichever item; its key has the number of
        items in place of what is remembered of them.
        """
        if key[0] <= HOST:
            return None
        plan: Any = self.builder.plans[key[1]]
        if key[0] in (ARRAY, ITEM):
            _, p, i, memory = key
            written = len(memory.seen or ()) + 1
            if not isinstance(plan, UniquePlan) or plan.comma_rest(i + 1, written) is None:
                return None
            return (ARRAY, p, plan.index(i + 1), written)
        if key[0] != NAME:
            return None
        # where nothing is counted, one name is as good as another
        progress = key[2]._replace(names=NO_NAMES) if plan.simple else key[2]
        return (VALUE, key[1], plan.follow(progress, label, plan.dearest_name(progress, label)), label)

    def blurred(self, key: Any, label: Any) -> Key | None:
        """What is sure behind a code of a host name, or an item of a unique array that is an object: see ``hostnodes``
        and ``itemnodes``. And behind a free name where all that depends on it is which names are still free."""
        if key[0] <= HOST:
            return self._hosts.blurred(key)
        if key[0] == NAME:
            _, p, progress = key
            plan: Any = self.builder.plans[p]
            if not plan.blurs:
                return None
            return (VALUE, p, plan.follow(progress, label)._replace(names=Blurred(progress.names)), label)
        filled = key[0] in (ARRAY, ITEM) and not isinstance(label, tuple)
        return self._unique.behind(*key[1:]) if filled else None

    def least(self, key: Any) -> int:
        kind: int = key[0]
        if kind >= FILLED:
            return self._unique.least(key)
        if kind >= OBJECT_TREE:
            return self._trees.least(key)
        if kind <= HOST:
            return self._hosts.least(key)
        builder, t = self.builder, self.builder.terminals
        if kind in (START, INNER):
            form = builder.forms[key[1]]
            if kind == START:
                return self._least_of(form)
            return t.gap_cost + min(builder.plans[p].least(builder.cost) for p in builder.settled(form))
        plan: Any = builder.plans[key[1]]
        if kind == OBJECT:
            return plan.left(key[2])
        if kind == NAME:
            return plan.after_quote(key[2])
        if kind == VALUE:
            after: int = plan.left(key[2])
            return t.gap_cost + builder.cost(plan.formula(key[3])) + after
        _, _, i, memory = key
        if kind == ARRAY:
            if isinstance(memory, int):
                return t.close_cost if plan.may_close(i, plan.start) else t.comma_cost + plan.comma_rest(i, memory)
            return plan.left(i, memory)
        return min(edge_cost for _, edge_cost in self._items(plan, i, memory))

    def _least_of(self, form: Form) -> int:
        builder, t = self.builder, self.builder.terminals
        best = min((cost for _, cost in form.scalars(t, True)), default=INFINITE)
        if form.values.strings.a_labels:
            best = min(best, builder.host_cost)
        return min([best, *(builder.plans[p].least(builder.cost) for p in builder.settled(form))])

    def describe(self, key: Any, label: Any) -> str | None:
        kind: int = key[0]
        if kind >= FILLED:
            return self._unique.describe(key, label)
        if kind >= OBJECT_TREE:
            return self._trees.describe(key, label)
        if kind <= HOST:
            return None
        builder = self.builder
        if kind in (START, INNER):
            if label is END:
                return None
            return builder.plans[label].shape.where
        plan = builder.plans[key[1]]
        where = plan.shape.where
        if where is None:
            return None
        i = label if kind == NAME else key[3] if kind == VALUE else None
        if isinstance(plan, ObjectPlan) and i is not None:
            if i < len(plan.names):
                return f"{where}/properties/{escape(plan.names[i])}"
            return f"{where}/additionalProperties"
        if kind in (ARRAY, ITEM) and label is not END and label != _COMMA:
            return f"{where}/items"
        return where

    # nodes

    def _start_node(self, v: int) -> Node:
        builder, t = self.builder, self.builder.terminals
        form = builder.forms[v]
        edges = [Edge(terminal, END, 0) for terminal, _ in form.scalars(t, True)]
        if form.values.strings.a_labels:
            edges.append(Edge(Call((HOST, True)), END, 0))
        return Node(False, tuple(edges + self._openings(form, t.top_object, t.top_array)))

    def _inner_node(self, v: int) -> Node:
        t = self.builder.terminals
        return Node(False, tuple(self._openings(self.builder.forms[v], t.open_object, t.open_array)))

    def _openings(self, form: Form, open_object: Terminal, open_array: Terminal) -> list[Edge]:
        builder = self.builder
        edges = []
        for p in builder.settled(form):
            plan = builder.plans[p]
            if isinstance(plan, ObjectPlan):
                edges.append(Edge(open_object, p, plan.left(BEGIN)))
            elif isinstance(plan, ObjectTreePlan):
                edges.append(Edge(open_object, p, plan.left(plan.begin)))
            elif isinstance(plan, ArrayTreePlan):
                edges.append(Edge(open_array, p, plan.left(plan.begin)))
            else:
                edges.append(Edge(open_array, p, plan.left(0, plan.start)))
        return edges

    def _values(self, formula: Formula, label: Any, rest: int, edges: list[Edge], capture: bool = False) -> None:
        """Edges for any value of a formula, with the whitespace before it."""
        builder = self.builder
        form = builder.form(formula)
        for terminal, _ in form.scalars(builder.terminals, False):
            edges.append(Edge(terminal, label, rest, capture))
        if form.values.strings.a_labels:
            edges.append(Edge(Call((HOST, False)), label, rest, capture))
        if builder.settled(form):
            edges.append(Edge(Call((INNER, form.index)), label, rest, capture))

    def _object_node(self, p: int, progress: Progress) -> Node:
        return Node(False, self._object_family(self.builder.plans[p], progress).edges)

    def _object_family(self, plan: Any, progress: Progress) -> Family:
        rest = plan.after_quote(progress)
        left_out = 0 if plan.may_close(progress) else 1 << 2
        if rest < INFINITE:
            return Family(self._object_edges, left_out | (1 << 0 if plan.started(progress) else 1 << 1), rest, ())
        return Family(self._object_edges, left_out | 1 << 0 | 1 << 1, 0, ())

    def _name_node(self, p: int, progress: Progress) -> Node:
        plan: Any = self.builder.plans[p]
        return Node(False, self._family(plan, progress).edges)

    def family(self, key: Any) -> Family | None:
        """See :class:`Family`: the names of an object's properties are one, and the values of a form."""
        if key[0] == NAME:
            return self._family(self.builder.plans[key[1]], key[2])
        plan: Any
        if key[0] == OBJECT:
            return self._object_family(self.builder.plans[key[1]], key[2])
        if key[0] == VALUE:
            plan = self.builder.plans[key[1]]
            return Family(self._value_edges(plan.formula(key[3])), 0, plan.left(key[2]), ())
        return None

    def _value_edges(self, formula: Formula) -> tuple[Edge, ...]:
        """The edges of a value after which nothing more comes."""
        form = self.builder.form(formula)
        if form.edges is None:
            edges: list[Edge] = []
            self._values(formula, _NEXT, 0, edges)
            form.edges = tuple(edges)
        return form.edges

    def member(self, key: Any) -> Member | None:
        """See :class:`Member`: objects in any order whose properties do not depend on one another."""
        kind = key[0]
        if kind not in (OBJECT, NAME, VALUE):
            return None
        p, progress = key[1], key[2]
        if p not in self._records:
            plan: Any = self.builder.plans[p]
            self._records[p] = records(p, plan, partial(self._name_edge, plan))
        known = self._records[p]
        if known is None or not (kind == NAME or progress.seen or progress.names):
            return None
        slot = key[3] if kind == VALUE else 0
        return Member(known.after(progress.names), progress.seen, kind - OBJECT + BETWEEN, slot)

    def member_key(self, member: Member) -> Key:
        """The key of a member of a record."""
        record: Any = member.record
        progress = BEGIN._replace(seen=member.filled, names=record.written)
        key = (OBJECT + member.place - BETWEEN, record.plan, progress)
        return (*key, member.slot) if key[0] == VALUE else key

    def blurred_record(self, record: PlanRecord) -> PlanRecord | None:
        """The record after one more free name, whichever."""
        known = self._records[record.plan]
        assert known is not None
        return known.blurred(record)

    def slot_edges(self, record: PlanRecord, slot: int) -> tuple[Edge, ...]:
        """The edges behind a name of a record."""
        plan: Any = self.builder.plans[record.plan]
        return self._value_edges(plan.formula(slot))

    def _name_edge(self, plan: Any, i: int, after: int, written: Written) -> Edge:
        """The edge of slot i, or of cell i - number of slots, behind whose value ``after`` bytes are least."""
        t = self.builder.terminals
        rest = t.gap_cost + self.builder.cost(plan.formula(i)) + after
        if i < len(plan.names):
            return Edge(t.name(plan.names[i]), i, rest)
        if isinstance(written, Blurred):
            rest += t.empty_name_cost - t.gap_cost - 1 + plan.name_size(written, i)
            return Edge(unsure(t.names(plan.free(written.known, i))), i, rest)
        return Edge(t.names(plan.free(written, i)), i, rest, plan.captures(BEGIN))

    def _family(self, plan: Any, progress: Progress) -> Family:
        def edge(i: int, after: int, written: Written) -> Edge:
            found = self._name_edge(plan, i, after, written)
            free = i >= len(plan.names) and not isinstance(written, Blurred)
            return found._replace(capture=plan.captures(progress)) if free else found

        if plan.edges is None:
            plan.edges = tuple(edge(i, after, NO_NAMES) for i, after in plan.slots)
        left_out, more, further = plan.choices(progress)
        return Family(plan.edges, left_out, more, tuple(edge(i, after, progress.names) for i, after in further))

    def _value_node(self, p: int, progress: Progress, i: int) -> Node:
        plan: Any = self.builder.plans[p]
        return Node(False, Family(self._value_edges(plan.formula(i)), 0, plan.left(progress), ()).edges)

    def _array_node(self, p: int, i: int, memory: Memory | int) -> Node:
        builder, t = self.builder, self.builder.terminals
        plan: Any = builder.plans[p]
        edges: list[Edge] = []
        if isinstance(memory, int):
            edges.append(Edge(t.comma, _COMMA, plan.comma_rest(i, memory)))
            memory = plan.start
            if plan.may_close(i, memory):
                edges.append(Edge(t.close_array, END, 0))
            return Node(False, tuple(edges))
        if i == 0:
            self._item_edges(plan, i, memory, edges)
        elif plan.hi is None or i < plan.hi:
            costs = [cost for _, cost in self._items(plan, i, memory)]
            if costs:
                edges.append(Edge(t.comma, _COMMA, min(costs)))
        if plan.may_close(i, memory):
            edges.append(Edge(t.close_array, END, 0))
        return Node(False, tuple(edges))

    def _item_node(self, p: int, i: int, memory: Memory) -> Node:
        edges: list[Edge] = []
        plan: Any = self.builder.plans[p]
        self._item_edges(plan, i, memory, edges)
        return Node(False, tuple(edges))

    def _items(self, plan: ArrayPlan, i: int, memory: Memory) -> list[tuple[int, int]]:
        """(number of a way to write item i, least bytes of it and of all that follows)."""
        if plan.hi is not None and i >= plan.hi:
            return []
        found = []
        for w, way in enumerate(plan.ways(i, memory)):
            cost = self.builder.cost(way.formula)
            if cost < INFINITE and way.after < INFINITE:
                found.append((w, self.builder.terminals.gap_cost + cost + way.after))
        return found

    def _item_edges(self, plan: ArrayPlan, i: int, memory: Memory, edges: list[Edge]) -> None:
        for w, _ in self._items(plan, i, memory):
            way = plan.ways(i, memory)[w]
            if way.captures and self._unique.splits(plan, i):
                form = self.builder.form(way.formula)
                edges += self._unique.edges(form.index, form.values.strings, w, way.after)
            else:
                self._values(way.formula, w, way.after, edges, way.captures)

    def _live_plans(self, v: int) -> list[int]:
        return self.builder.settled(self.builder.forms[v])

    def _first_name(self, p: int) -> tuple[Key, int]:
        """The key of an object after the opening quote of its first name, and the least bytes to its end."""
        plan: Any = self.builder.plans[p]
        key = (NAME, p, BEGIN) if isinstance(plan, ObjectPlan) else (NAME_TREE, p, plan.begin)
        return key, self.least(key)


def least_text(builder: Builder, formula: Formula) -> bytes:
    """A text of least length."""
    network = JsonNetwork(builder, formula)
    return shortest_text(network, network.start)
