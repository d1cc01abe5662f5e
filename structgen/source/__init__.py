"""Stage 1: what the user gave."""

from structgen.source.constraints import (
    Choice,
    Complement,
    Concatenation,
    Constraint,
    Difference,
    Gbnf,
    Intersection,
    JsonSchema,
    Lark,
    Regex,
    Repetition,
    Union,
    operands,
    repeat,
)
from structgen.source.special import Special
from structgen.source.windows import ToolCall, Trigger, reasoning

__all__ = [
    "Choice",
    "Complement",
    "Concatenation",
    "Constraint",
    "Difference",
    "Gbnf",
    "Intersection",
    "JsonSchema",
    "Lark",
    "Regex",
    "Repetition",
    "Special",
    "ToolCall",
    "Trigger",
    "Union",
    "operands",
    "reasoning",
    "repeat",
]
