"""Fewest tokens that spell a byte string, for every suffix of it."""

from structgen.kernels.spelling.cpu import spell

__all__ = ["spell"]
