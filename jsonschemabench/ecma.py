"""Patterns of schemas said so that engines of other dialects read them as ECMA-262 does.

Receives a schema; returns it with its patterns rewritten for the judges. Python and Rust let ``.`` match a carriage
return and the line separators, and know digits and words beyond ASCII; Python's ``$`` also holds before a last line
break, and both have blanks of their own.
"""

from __future__ import annotations

from typing import Any

_SPACE = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": _SPACE}
_OTHERS = {".": "[^\n\r\u2028\u2029]", "$": "(?![\\s\\S])"}


def told(schema: Any) -> Any:
    """A schema with every pattern rewritten; what the patterns of data say stays."""
    if isinstance(schema, list):
        return [told(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for name, inner in schema.items():
        if name == "pattern" and isinstance(inner, str):
            made[name] = pattern(inner)
        elif name == "patternProperties" and isinstance(inner, dict):
            made[name] = {pattern(key): told(value) for key, value in inner.items()}
        else:
            made[name] = inner if name in ("const", "enum") else told(inner)
    return made


def pattern(text: str) -> str:
    """A pattern of ECMA-262 for engines that take most of it otherwise."""
    out, i, inside = [], 0, False
    while i < len(text):
        c = text[i]
        if c == "\\":
            out.append(_escape(text[i : i + 2], inside))
            i += 2
            continue
        inside = c == "[" or (inside and c != "]")
        out.append(c if inside else _OTHERS.get(c, c))
        i += 1
    return "".join(out)


def _escape(escape: str, inside: bool) -> str:
    members = _CLASSES.get(escape[1:].lower())
    if members is None or (inside and escape[1].isupper()):
        return escape
    if inside:
        return members
    return f"[^{members}]" if escape[1].isupper() else f"[{members}]"
