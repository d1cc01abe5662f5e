"""Engines under test, one a file, behind the protocol of :mod:`jsonschemabench.engines.base`."""
