"""What a text of a constraint stands for: an object of a type, JSON data, tool calls, or the text itself."""

from __future__ import annotations

import json
from typing import Any

from structgen.errors import OutputError
from structgen.frontends import tools
from structgen.frontends.types import is_type, parse
from structgen.source import Constraint, Difference, Intersection, JsonSchema, ToolCall


def json_source(constraint: Constraint | None) -> JsonSchema | None:
    """The schema that texts of a constraint are JSON under, or None where they need not be JSON."""
    if isinstance(constraint, JsonSchema):
        return constraint
    if isinstance(constraint, Intersection):
        return json_source(constraint.left) or json_source(constraint.right)
    if isinstance(constraint, Difference):
        return json_source(constraint.left)
    return None


def value_of(constraint: Constraint | None, text: str) -> Any:
    """What a text of a constraint is returned as: the object for a type, JSON data for a schema,
    a list of calls for tool calls, else the text.

    Raises OutputError when the type's own validators refuse the object.
    """
    if isinstance(constraint, ToolCall):
        return tools.calls(constraint, text)
    source = json_source(constraint)
    if source is None:
        return text
    if is_type(source.schema):
        return parse(source.schema, text)
    try:
        return json.loads(text)
    except ValueError as error:  # a number with more digits than Python converts
        raise OutputError(f"the text cannot be read as JSON: {error}") from error
