"""Engines under test, one a file, behind the protocol of :mod:`jsonschemabench.engines.base`."""

from __future__ import annotations

from importlib import import_module

from jsonschemabench.engines.base import BenchVocabulary, Engine

# name on the command line -> (module, class); imported only in the worker that runs it
ENGINES = {
    "structgen": ("jsonschemabench.engines.structgen_engine", "StructgenEngine"),
    "llguidance": ("jsonschemabench.engines.llguidance_engine", "LlguidanceEngine"),
}


def known(name: str) -> bool:
    """Is it one of ours, or written as ``module:Class``?"""
    return name in ENGINES or ":" in name


def load_engine(name: str, vocabulary: BenchVocabulary, order: str) -> Engine:
    """Set up an engine for a vocabulary: one of ``ENGINES``, or a class of your own as ``module:Class``.

    Raises ImportError where its package is missing.
    """
    module, attribute = ENGINES[name] if name in ENGINES else name.split(":", 1)
    engine: Engine = getattr(import_module(module), attribute)(vocabulary, order)
    return engine
