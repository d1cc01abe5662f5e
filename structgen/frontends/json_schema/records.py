"""Objects as records: what the machine needs to make the nodes of an object in any order by itself.

Receives object plans whose properties do not depend on one another; returns :class:`PlanRecord` (see ``Record`` in
``structgen.ir.network``): one for each set of free names that has been written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from structgen.frontends.json_schema.names import Blurred, Written
from structgen.frontends.json_schema.objects import BEGIN, ObjectPlan
from structgen.ir.network import END, Edge, Record, Slots


@dataclass(frozen=True, eq=False)
class PlanRecord(Record):
    """The record of a plan, by its number, after some free names."""

    plan: int
    written: Written


def records(number: int, plan: ObjectPlan, name_edge: Callable[[int, int, Written], Edge]) -> Records | None:
    """The records of a plan that is settled; None where its properties depend on one another or on their order.

    Args:
        number: of the plan.
        name_edge: the edge of slot or cell i, after whose value so many bytes are least, after some free names.
    """
    if not (plan.simple and plan.any_order and plan.all_in_place):
        return None
    return Records(number, plan, name_edge)


class Records:
    """The records of one plan by the free names written, made when they are met."""

    def __init__(self, number: int, plan: ObjectPlan, name_edge: Callable[[int, int, Written], Edge]) -> None:
        t, n = plan.terminals, len(plan.names)
        self._number, self._plan, self._name_edge = number, plan, name_edge
        self._known: dict[Written, PlanRecord] = {}
        self._slots = Slots(
            tuple(name_edge(i, after, BEGIN.names) for i, after in plan.slots[:n]),
            tuple(plan.slot_costs),
            tuple(plan.required),
            len(plan.cells),
            Edge(t.next_quote, 0, 0),
            Edge(t.close_object, END, 0),
        )

    def after(self, written: Written) -> PlanRecord:
        """The record after some free names."""
        found = self._known.get(written)
        if found is None:
            plan, t = self._plan, self._plan.terminals
            state = BEGIN._replace(names=written)
            cells = list(plan.cell_ways(state))
            own = tuple(self._name_edge(i, t.close_cost, written) for i in cells)
            spare = min((plan.cell_cost(state, i) for i in cells), default=None)
            if spare is not None:
                spare += t.close_cost - t.comma_cost - t.quote_cost
            found = self._known[written] = PlanRecord(self._slots, own, spare, self._number, written)
        return found

    def blurred(self, record: PlanRecord) -> PlanRecord | None:
        """The record after one more free name, whichever; None where it is not known what is sure then."""
        return self.after(Blurred(record.written)) if self._plan.blurs else None
