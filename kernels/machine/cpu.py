"""All kernels of the machine, by one name. The code is in tables, states, rows, stacks, configs, closures, masks."""

from structgen.kernels.machine.closures import closure
from structgen.kernels.machine.configs import config_rehash
from structgen.kernels.machine.masks import ADVANCE, FORCED, WITNESS, mask, next_states, travel
from structgen.kernels.machine.rows import (
    UNLIKE,
    build_row,
    build_row_like,
    count_ticks,
    counted_rest,
    counted_row,
    like_state,
    stack_rows,
)
from structgen.kernels.machine.sharing import share, share_rehash
from structgen.kernels.machine.stacks import cell_rehash, intern_cell
from structgen.kernels.machine.states import counted_rehash, counted_state, delta, row_state
from structgen.kernels.machine.tables import pair_put, pair_rehash, table_put, table_rehash

__all__ = [
    "ADVANCE",
    "FORCED",
    "UNLIKE",
    "WITNESS",
    "build_row",
    "build_row_like",
    "cell_rehash",
    "closure",
    "count_ticks",
    "config_rehash",
    "counted_rehash",
    "counted_rest",
    "counted_row",
    "counted_state",
    "delta",
    "intern_cell",
    "like_state",
    "mask",
    "next_states",
    "pair_put",
    "pair_rehash",
    "row_state",
    "share",
    "share_rehash",
    "stack_rows",
    "table_put",
    "table_rehash",
    "travel",
]
