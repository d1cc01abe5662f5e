"""Python types as constraints, and texts as Python objects. Receives any type that Pydantic's TypeAdapter takes;
returns a JSON Schema for it (:func:`as_schema`), and the object a generated text stands for (:func:`parse`).

The schema is Pydantic's own for validation, narrowed where Pydantic's validator refuses what its schema permits
(year 0, leap seconds, keys of ``dict[int, ...]``, integers such as 1e50), so that what is generated also validates.
Objects are closed: a model, dataclass or TypedDict has no properties but its own unless its configuration says
``extra="allow"``; Pydantic would drop the others, so generating them is waste.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic.errors import (
    PydanticInvalidForJsonSchema,
    PydanticSchemaGenerationError,
    PydanticUndefinedAnnotation,
)
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticUndefined

from structgen.errors import InputError, OutputError, SchemaError
from structgen.source import Choice, Constraint, JsonSchema, Regex

_YEAR = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"  # Python's calendar begins with year 1
_KEYS = {
    "int": "^(?:0|-?[1-9][0-9]{0,18})$",
    "float": "^-?(?:0|[1-9][0-9]{0,18})(?:\\.[0-9]{1,18})?$",
    "bool": "^(?:true|false)$",
}


class _Schema(GenerateJsonSchema):
    """Pydantic's generator, closed and narrowed as the module says."""

    def int_schema(self, schema: Any) -> dict[str, Any]:
        """Pydantic reads an exponent as a float, and takes no integer from a large one."""
        return super().int_schema(schema) | {"x-plain-integer": True}

    def model_schema(self, schema: Any) -> dict[str, Any]:
        return _closed(super().model_schema(schema))

    def dataclass_schema(self, schema: Any) -> dict[str, Any]:
        return _closed(super().dataclass_schema(schema))

    def typed_dict_schema(self, schema: Any) -> dict[str, Any]:
        return _closed(super().typed_dict_schema(schema))

    def tagged_union_schema(self, schema: Any) -> dict[str, Any]:
        """The tags make the branches disjoint, so ``anyOf`` says the same as ``oneOf`` and is easier to compile."""
        made = super().tagged_union_schema(schema)
        made.pop("discriminator", None)
        if "oneOf" in made:
            made["anyOf"] = made.pop("oneOf")
        return made

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        """JSON keys are strings: those that stand for other types need a pattern, and enumerated ones a name each."""
        made = super().dict_schema(schema)
        values = made.get("additionalProperties", True)
        names = made.get("propertyNames", {}).get("enum")
        pattern = _KEYS.get(schema.get("keys_schema", {}).get("type"))
        if names is not None and all(isinstance(name, str) for name in names):
            del made["propertyNames"]
            made["properties"] = dict.fromkeys(names, values)
            made["additionalProperties"] = False
        elif pattern is not None and "propertyNames" not in made:
            made["patternProperties"] = {pattern: values}
            made["additionalProperties"] = False
        elif "patternProperties" in made:  # keys that do not match are refused, not ignored
            made["additionalProperties"] = False
        return made

    def date_schema(self, schema: Any) -> dict[str, Any]:
        return super().date_schema(schema) | {"pattern": f"^{_YEAR}-"}

    def datetime_schema(self, schema: Any) -> dict[str, Any]:
        return super().datetime_schema(schema) | {"pattern": f"^{_YEAR}-.{{5}}.[0-9:]{{6}}[0-5]"}

    def time_schema(self, schema: Any) -> dict[str, Any]:
        return super().time_schema(schema) | {"pattern": "^[0-9:]{6}[0-5]"}

    def timedelta_schema(self, schema: Any) -> dict[str, Any]:
        made = super().timedelta_schema(schema)
        return made | {"pattern": "^(?:\\D+\\d{1,5})+\\D+$"} if made.get("format") == "duration" else made

    def decimal_schema(self, schema: Any) -> dict[str, Any]:
        """A number; the digits after the point become a multipleOf, the digits in all a bound."""
        made: dict[str, Any] = {"type": "number"}
        for ours, theirs in (
            ("minimum", "ge"),
            ("maximum", "le"),
            ("exclusiveMinimum", "gt"),
            ("exclusiveMaximum", "lt"),
            ("multipleOf", "multiple_of"),
        ):
            if theirs in schema:
                made[ours] = _number(schema[theirs])
        places, digits = schema.get("decimal_places"), schema.get("max_digits")
        if places is not None and "multipleOf" not in made:
            made["multipleOf"] = 10**-places if places else 1
        if digits is not None:
            bound = 10 ** (digits - (places or 0))
            if "maximum" not in made and "exclusiveMaximum" not in made:
                made["exclusiveMaximum"] = bound
            if "minimum" not in made and "exclusiveMinimum" not in made:
                made["exclusiveMinimum"] = -bound
        return made

    def complex_schema(self, schema: Any) -> dict[str, Any]:
        number = "(?:0|[1-9][0-9]{0,15})(?:\\.[0-9]{1,15})?"
        return {"type": "string", "pattern": f"^-?{number}[+-]{number}j$"}


def _closed(made: dict[str, Any]) -> dict[str, Any]:
    if made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


def _number(value: Any) -> int | float:
    return int(value) if value == int(value) else float(value)


@lru_cache(maxsize=512)
def _cached_adapter(tp: Any) -> TypeAdapter[Any]:
    return TypeAdapter(tp)


def adapter(tp: Any) -> TypeAdapter[Any]:
    """Pydantic's TypeAdapter for a type. Raises SchemaError when Pydantic cannot take it."""
    try:
        try:
            return _cached_adapter(tp)
        except TypeError:  # not hashable: Annotated with mutable metadata
            return TypeAdapter(tp)
    except (
        PydanticSchemaGenerationError,
        PydanticUndefinedAnnotation,
        PydanticUserError,
        TypeError,
    ) as error:
        raise SchemaError(
            f"{_name(tp)} is not a type Pydantic can take: {_first_line(error)}",
            hint="Use a Pydantic model, a dataclass, a TypedDict, an Enum, or a type made of these",
        ) from error


def as_schema(tp: Any) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a type.

    Raises:
        SchemaError: Pydantic cannot take the type, or has no JSON Schema for a part of it (a callable, say).
    """
    made = adapter(tp)
    try:
        return made.json_schema(mode="validation", schema_generator=_Schema)
    except (PydanticInvalidForJsonSchema, PydanticUserError) as error:
        raise SchemaError(
            f"{_name(tp)} has a part without a JSON form: {_first_line(error)}",
            hint="Give that field a type JSON can hold",
        ) from error


def parse(tp: Any, text: str) -> Any:
    """The object of type ``tp`` that a JSON text stands for.

    Raises OutputError when the text does not validate: a validator written by the user, as a rule.
    """
    try:
        return adapter(tp).validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "#" + "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in first["loc"])
        raise OutputError(
            f"the text does not validate as {_name(tp)}: {first['msg']}",
            where=where,
            hint="Ask in the type for what the validator wants (Field bounds, a pattern), or try another seed",
        ) from error


def is_type(value: object) -> bool:
    """Does ``value`` look like a type (rather than a schema, a text or a constraint)?"""
    if isinstance(value, type):
        return True
    plain = (Constraint, dict, bool, int, float, str, bytes, list, tuple, set, Path, re.Pattern)
    if value is None or isinstance(value, plain) or value is PydanticUndefined:
        return False
    return getattr(type(value), "__module__", "") in (
        "typing",
        "typing_extensions",
        "types",
        "annotated_types",
    )


def as_constraint(value: Any) -> Constraint:
    """What a user may give for a constraint, as a constraint.

    A :class:`~structgen.source.Constraint` is itself; a dict or a bool is a JSON Schema; a type is the JSON Schema
    of the type; a compiled ``re`` pattern is a Regex; a list or tuple of strings is a Choice.

    Raises InputError for anything else.
    """
    if isinstance(value, Constraint):
        return value
    if isinstance(value, (dict, bool)) or is_type(value):
        return JsonSchema(value)
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        return Regex(value.pattern, flags=value.flags)
    if isinstance(value, (list, tuple)) and value and all(isinstance(option, str) for option in value):
        return Choice(value)
    raise InputError(
        f"{_shown(value)} is not a constraint",
        hint="Give a type, a schema as a dict, or sg.JsonSchema, sg.Regex, sg.Choice",
    )


def _name(tp: Any) -> str:
    return tp.__qualname__ if isinstance(tp, type) else _shown(tp)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


__all__: Sequence[str] = [
    "adapter",
    "as_constraint",
    "as_schema",
    "is_type",
    "parse",
]
