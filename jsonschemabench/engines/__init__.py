"""Engines under test, one a file, behind the protocol of :mod:`jsonschemabench.engines.base`."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from jsonschemabench.engines.base import BenchVocabulary, Engine

#: The orders of properties that an engine may be asked for.
ORDERS = ("any", "schema")

# name on the command line -> (module, class, package it needs, extra that installs it); imported only in the worker
# that runs it
ENGINES = {
    "structgen": ("structgen_engine", "StructgenEngine", "structgen", ""),
    "llguidance": ("llguidance_engine", "LlguidanceEngine", "llguidance", "bench"),
    "xgrammar": ("xgrammar_engine", "XgrammarEngine", "xgrammar", "peers"),
    "outlines-core": ("outlines_engine", "OutlinesEngine", "outlines_core", "peers"),
    "lm-format-enforcer": ("enforcer_engine", "EnforcerEngine", "lmformatenforcer", "peers"),
}


def known(name: str) -> bool:
    """Is it one of ours, or written as ``module:Class``; with ``@any`` or ``@schema`` behind it, or nothing?"""
    plain, at, order = name.partition("@")
    return (plain in ENGINES or ":" in plain) and (not at or order in ORDERS)


def absent(name: str) -> str | None:
    """Why an engine cannot be had here and how to get it; None where its package is there, or it is not of ours."""
    plain = name.partition("@")[0]
    if plain not in ENGINES or find_spec(ENGINES[plain][2]) is not None:
        return None
    return f"{plain} is not installed: pip install 'structgen[{ENGINES[plain][3]}]'"


def load_engine(name: str, vocabulary: BenchVocabulary, order: str) -> Engine:
    """Set up an engine for a vocabulary: one of ``ENGINES``, or a class of your own as ``module:Class``.

    An order of properties behind the name (``structgen@schema``) goes before ``order``.

    Raises ImportError where its package is missing; the message says how to install it.
    """
    missing = absent(name)
    if missing is not None:
        raise ImportError(missing)
    name, _, own_order = name.partition("@")
    if name in ENGINES:
        module, attribute = f"jsonschemabench.engines.{ENGINES[name][0]}", ENGINES[name][1]
    else:
        module, attribute = name.split(":", 1)
    engine: Engine = getattr(import_module(module), attribute)(vocabulary, own_order or order)
    return engine
