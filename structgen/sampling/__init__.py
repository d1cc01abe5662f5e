"""Stage 7: how tokens are drawn from what a grammar allows."""

from structgen.sampling.choose import GREEDY, Masked, choose, stream

__all__ = ["GREEDY", "Masked", "choose", "stream"]
