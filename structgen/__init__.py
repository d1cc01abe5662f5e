"""structgen: a constraint state is an integer.

The public names, each imported from its module when it is first used, so that ``import structgen`` loads no kernel,
no model library and no front end.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from structgen.source.report import made_by

__version__ = "0.1.0"

if TYPE_CHECKING:
    from structgen import errors as errors
    from structgen import infill as infill
    from structgen import sampling as sampling
    from structgen import testing as testing
    from structgen.algebra import equivalent as equivalent
    from structgen.algebra import includes as includes
    from structgen.algebra import is_empty as is_empty
    from structgen.compile import compile as compile
    from structgen.compiler import Compiler as Compiler
    from structgen.infill.gap import Gap as Gap
    from structgen.integrations.generator import Generator as Generator
    from structgen.limits import Limits as Limits
    from structgen.masks.vocabulary import Vocabulary as Vocabulary
    from structgen.runtime import CompiledGrammar as CompiledGrammar
    from structgen.runtime import Matcher as Matcher
    from structgen.sampling.predicate import Predicate as Predicate
    from structgen.source import Choice as Choice
    from structgen.source import Constraint as Constraint
    from structgen.source import Gbnf as Gbnf
    from structgen.source import JsonSchema as JsonSchema
    from structgen.source import Lark as Lark
    from structgen.source import Regex as Regex
    from structgen.source import Special as Special
    from structgen.source import ToolCall as ToolCall
    from structgen.source import Trigger as Trigger
    from structgen.source import reasoning as reasoning
    from structgen.source import repeat as repeat
    from structgen.source.library import list_grammars as list_grammars
    from structgen.source.library import load_grammar as load_grammar

_HOME = {
    "Choice": "structgen.source",
    "CompiledGrammar": "structgen.runtime",
    "Compiler": "structgen.compiler",
    "Constraint": "structgen.source",
    "Gap": "structgen.infill.gap",
    "Gbnf": "structgen.source",
    "Generator": "structgen.integrations.generator",
    "JsonSchema": "structgen.source",
    "Lark": "structgen.source",
    "Limits": "structgen.limits",
    "Matcher": "structgen.runtime",
    "Predicate": "structgen.sampling.predicate",
    "Regex": "structgen.source",
    "Special": "structgen.source",
    "ToolCall": "structgen.source",
    "Trigger": "structgen.source",
    "reasoning": "structgen.source",
    "Vocabulary": "structgen.masks.vocabulary",
    "compile": "structgen.compile",
    "equivalent": "structgen.algebra",
    "includes": "structgen.algebra",
    "is_empty": "structgen.algebra",
    "list_grammars": "structgen.source.library",
    "load_grammar": "structgen.source.library",
    "repeat": "structgen.source",
}
_MODULES = ("errors", "infill", "integrations", "sampling", "testing")

__all__ = [*_HOME, *_MODULES, "__version__"]  # noqa: PLE0604  (all are strings)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"structgen.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'structgen' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _report(schema: Any) -> Any:
    from structgen.frontends.json_schema.report import report

    return report(schema)


made_by(_report)


class _Package(ModuleType):
    """Keeps ``structgen.compile`` the function: importing the module of that name would bind the module over it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "compile" and isinstance(value, ModuleType):
            value = value.compile
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
