"""From what the user gave to a JSON document: text and files are parsed, the draft is recognised.

Receives the ``schema`` of a :class:`structgen.source.JsonSchema` (a dict, a bool, JSON text or a path) and
returns the document as Python values. Numbers with a fraction or an exponent in text become ``Decimal``, so
that nothing is rounded.
"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from structgen.errors import InputError, LimitError, SchemaError, SourceSyntaxError

#: Drafts by the year or number they are known by; they compare by age.
DRAFT3, DRAFT4, DRAFT6, DRAFT7, DRAFT2019, DRAFT2020 = 3, 4, 6, 7, 2019, 2020
LATEST = DRAFT2020

#: Numbers of more digits are refused: Python itself reads and prints no more.
MAX_DIGITS = 4_300
#: Texts in which more items, properties or characters must come are refused: nobody reads or writes them.
MAX_COUNT = 1_000_000

_NAMES = {
    "draft-03": DRAFT3,
    "draft-04": DRAFT4,
    "draft-05": DRAFT4,  # the same metaschema
    "draft-06": DRAFT6,
    "draft-07": DRAFT7,
    "draft/2019-09": DRAFT2019,
    "draft/2020-12": DRAFT2020,
}
#: What ``$schema`` may name, without the scheme. Hyper-schema and OpenAPI's dialect add annotations only.
_DRAFTS = {
    "json-schema.org/schema": LATEST,
    "spec.openapis.org/oas/3.1/dialect/base": DRAFT2020,
    **{f"json-schema.org/{name}": n for name, n in _NAMES.items()},
    **{f"json-schema.org/{name}/{kind}": n for name, n in _NAMES.items() for kind in ("schema", "hyper-schema")},
}
KNOWN_URIS = "https://json-schema.org/draft/2020-12/schema, .../draft/2019-09/schema, " + ", ".join(
    f"http://json-schema.org/draft-0{n}/schema#" for n in (7, 6, 4)
)


def draft_name(draft: int) -> str:
    """A draft as people call it."""
    return {DRAFT2019: "2019-09", DRAFT2020: "2020-12"}.get(draft, str(draft))


def document(schema: Any) -> Any:
    """The schema as Python values.

    Raises:
        SourceSyntaxError: broken JSON; the place is the line and the column.
        InputError: a file that cannot be read, or something that is no schema.
    """
    if isinstance(schema, dict | bool):
        return schema
    if isinstance(schema, Path):
        try:
            text = schema.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise InputError(f"cannot read the schema {schema}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise InputError(f"the schema {schema} is not UTF-8 text") from None
        return _parse(text, f"{schema.name}, ")
    if isinstance(schema, str):
        return _parse(schema, "")
    raise InputError(f"a JSON Schema is a dict, a bool, JSON text or a path, not {type(schema).__name__}")


def _parse(text: str, origin: str) -> Any:
    def constant(name: str) -> Any:
        raise SourceSyntaxError(f"{name} is not JSON", where=origin.rstrip(", ") or None)

    def integer(digits: str) -> int:
        if len(digits) > MAX_DIGITS:
            raise LimitError(
                f"a number has {len(digits)} digits, more than {MAX_DIGITS}",
                where=origin.rstrip(", ") or None,
                hint="Use numbers of fewer digits",
            )
        return int(digits)

    try:
        value = json.loads(text, parse_float=Decimal, parse_int=integer, parse_constant=constant)
    except json.JSONDecodeError as error:
        hint = None
        if not origin and "{" not in text and len(text) < 300:
            hint = "A str is JSON text; give a file as pathlib.Path"
        raise SourceSyntaxError(
            f"broken JSON: {error.msg}", where=f"{origin}line {error.lineno}, column {error.colno}", hint=hint
        ) from None
    except RecursionError:
        raise SourceSyntaxError("JSON nested too deeply", where=origin or None) from None
    if not isinstance(value, dict | bool):
        raise SchemaError(f"a schema is an object or a boolean, not {kind(value)}", where="#")
    return value


def draft_named(uri: Any) -> int | None:
    """The draft that the value of a ``$schema`` names; None where it names none that is known."""
    if not isinstance(uri, str):
        return None
    bare = uri.strip().partition("#")[0].removeprefix("https://").removeprefix("http://").removeprefix("www.")
    return _DRAFTS.get(bare.rstrip("/").removesuffix(".json"))


def draft_of(schema: Any, default: int) -> int:
    """The draft that ``$schema`` names, else ``default``."""
    named = draft_named(schema.get("$schema")) if isinstance(schema, dict) else None
    return default if named is None else named


def too_long(count: int, what: str, where: str | None) -> LimitError:
    """The error that so many items, properties or characters have to come."""
    return LimitError(
        f"{count} {what} are more than the {MAX_COUNT:,} that are supported", where=where, hint="Lower the least number"
    )


def kind(value: Any) -> str:
    """What JSON calls a value, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float | Decimal | Fraction):
        return "a number"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list | tuple):
        return "an array"
    return "an object" if isinstance(value, dict) else f"a Python {type(value).__name__}"


#: A JSON value in hashable form, equal exactly when JSON calls the values equal (but for the order of keys):
#: None, ("b", bool), ("n", Fraction), str, ("a", items), ("o", ((name, value), ...)).
Frozen = Any


def freeze(value: Any, where: str) -> Frozen:
    """A JSON value in hashable form.

    Raises:
        SchemaError: not a JSON value.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ("b", value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise SchemaError(f"{value!r} is not a JSON number", where=where)
        return ("n", Fraction(Decimal(repr(value))))
    if isinstance(value, int | Decimal):
        if isinstance(value, Decimal) and not value.is_finite():
            raise SchemaError(f"{value!r} is not a JSON number", where=where)
        return ("n", Fraction(value))
    if isinstance(value, list | tuple):
        return ("a", tuple(freeze(item, where) for item in value))
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str):
                raise SchemaError(f"the name {name!r} is not a string", where=where)
        return ("o", tuple((name, freeze(item, where)) for name, item in value.items()))
    raise SchemaError(f"{type(value).__name__} is not a JSON value", where=where)
