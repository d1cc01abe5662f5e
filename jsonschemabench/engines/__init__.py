"""Engines under test, one a file, behind the protocol of :mod:`jsonschemabench.engines.base`."""

from __future__ import annotations

from importlib import import_module

from jsonschemabench.engines.base import BenchVocabulary, Engine

# name on the command line -> (module, class); imported only in the worker that runs it
ENGINES = {
    "structgen": ("jsonschemabench.engines.structgen_engine", "StructgenEngine"),
    "llguidance": ("jsonschemabench.engines.llguidance_engine", "LlguidanceEngine"),
}


def load_engine(name: str, vocabulary: BenchVocabulary, order: str) -> Engine:
    """Set up the engine ``name`` for a vocabulary. Raises ImportError where its package is missing."""
    module, attribute = ENGINES[name]
    engine: Engine = getattr(import_module(module), attribute)(vocabulary, order)
    return engine
