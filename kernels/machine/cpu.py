"""All kernels of the machine, by one name; the code is in the files beside this one."""

from structgen.kernels.machine.configs import config_rehash
from structgen.kernels.machine.entries import (
    add_node,
    add_word,
    closure,
    drop_word,
    make_row,
    mask,
    member,
    next_states,
    node_bytes,
    share,
    travel,
)
from structgen.kernels.machine.handles import handle, renewed
from structgen.kernels.machine.large import enter, load
from structgen.kernels.machine.masks import ADVANCE, FORCED, WITNESS
from structgen.kernels.machine.rows import (
    count_ticks,
    counted_rest,
    counted_row,
    stack_rows,
)
from structgen.kernels.machine.sharing import share_rehash
from structgen.kernels.machine.stacks import cell_rehash, intern_cell
from structgen.kernels.machine.states import counted_rehash, counted_state, delta, row_state
from structgen.kernels.machine.tables import pair_put, pair_rehash, table_put, table_rehash
from structgen.kernels.machine.words import FULL, NOT_PLAIN, NOTHING_LEFT

__all__ = [
    "ADVANCE",
    "FORCED",
    "FULL",
    "NOTHING_LEFT",
    "NOT_PLAIN",
    "WITNESS",
    "add_node",
    "add_word",
    "cell_rehash",
    "closure",
    "count_ticks",
    "config_rehash",
    "counted_rehash",
    "counted_rest",
    "counted_row",
    "counted_state",
    "delta",
    "drop_word",
    "enter",
    "handle",
    "intern_cell",
    "load",
    "make_row",
    "mask",
    "member",
    "next_states",
    "node_bytes",
    "pair_put",
    "pair_rehash",
    "renewed",
    "row_state",
    "share",
    "share_rehash",
    "stack_rows",
    "table_put",
    "table_rehash",
    "travel",
]
