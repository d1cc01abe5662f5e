"""Stage 1: what the user gave."""

from structgen.source.constraints import (
    Choice,
    Complement,
    Concatenation,
    Constraint,
    Difference,
    Intersection,
    JsonSchema,
    Lark,
    Regex,
    Union,
)

__all__ = [
    "Choice",
    "Complement",
    "Concatenation",
    "Constraint",
    "Difference",
    "Intersection",
    "JsonSchema",
    "Lark",
    "Regex",
    "Union",
]
