"""Networks with indentation, without the widths: what can be said once for blocks of all widths.

A network whose keys carry the width of a block has as many nodes as there are widths. An algorithm that keeps widths by
itself asks the network for its :class:`Margins` instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from structgen.automata.bytedfa import ByteDfa
from structgen.ir.network import Key, Node, Terminal


@dataclass(frozen=True)
class MarginRule:
    """What a line begins with: blanks of some width, then perhaps ignored text.

    Attributes:
        deeper: the blanks are wider than the block, and a block of their width begins; else they are exactly as wide.
        behind: the automaton of blanks without width and of what follows the blanks; its start is met by nothing else.
    """

    deeper: bool
    behind: ByteDfa


@dataclass(frozen=True)
class Margins:
    """A network whose terminals are real ones and stand-ins for margins.

    Attributes:
        start: where the text begins, in a block of width 0.
        nodes: all nodes, by key. The label of an edge is the key that it leads to.
        rules: what the stand-ins stand for; None: nothing can be written there.
        widths: of each byte that is a blank. A space has width 1.
        most: the greatest width.
        carrying: the nodes from which a margin of the block may be met, within the rule or in a call.
    """

    start: Key
    nodes: Mapping[Key, Node]
    rules: Mapping[Terminal, MarginRule | None]
    widths: Mapping[int, int]
    most: int
    carrying: frozenset[Key]
