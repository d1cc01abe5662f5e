"""All kernels of the machine, by one name. The code is in tables, states, rows, stacks, configs and masks."""

from structgen.kernels.machine.configs import closure, config_rehash
from structgen.kernels.machine.masks import ADVANCE, FORCED, WITNESS, mask, next_states, travel
from structgen.kernels.machine.rows import build_row, count_ticks, counted_rest, counted_row, stack_rows
from structgen.kernels.machine.stacks import cell_rehash, intern_cell
from structgen.kernels.machine.states import counted_rehash, counted_state, delta, fill_bytes, row_state
from structgen.kernels.machine.tables import table_put, table_rehash

__all__ = [
    "ADVANCE",
    "FORCED",
    "WITNESS",
    "build_row",
    "cell_rehash",
    "closure",
    "count_ticks",
    "config_rehash",
    "counted_rehash",
    "counted_rest",
    "counted_row",
    "counted_state",
    "delta",
    "fill_bytes",
    "intern_cell",
    "mask",
    "next_states",
    "row_state",
    "stack_rows",
    "table_put",
    "table_rehash",
    "travel",
]
