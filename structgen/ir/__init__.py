"""The IR: lazy networks, context-free grammars as networks, and combinations of networks.

Receives what front ends build; returns :class:`Network` objects, which the machine runs.
"""

from structgen.ir.cfg import CfgNetwork
from structgen.ir.grammar import Builder, Cfg
from structgen.ir.network import END, Call, Edge, Network, Node, Terminal, check_node

__all__ = ["END", "Builder", "Call", "Cfg", "CfgNetwork", "Edge", "Network", "Node", "Terminal", "check_node"]
