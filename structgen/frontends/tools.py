"""Tool calls: functions to schemas, a style to a constraint, a text back to calls.

Receives a :class:`~structgen.source.windows.ToolCall`; :func:`constraint` gives the constraint it stands for, out of
JSON Schemas, triggers and literals; :func:`calls` reads a text of it.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from structgen.errors import InputError, OutputError
from structgen.frontends import types
from structgen.source import Choice, Constraint, JsonSchema, Regex, ToolCall, Trigger

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")


class Tool(NamedTuple):
    """A function: its name, the JSON Schema of its arguments, and what validates them (None: the schema alone)."""

    name: str
    schema: Any
    validate: Callable[[dict[str, Any]], Any] | None


def tool(function: Any) -> Tool:
    """What may be given as a function, read.

    Raises:
        InputError: neither a function, nor a model, nor a definition; or a name that models cannot write.
    """
    if isinstance(function, Mapping):
        inner = function.get("function", function)
        if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
            raise InputError("a tool definition without a name", hint='{"name": ..., "parameters": {...}}')
        found = Tool(inner["name"], inner.get("parameters", {"type": "object"}), None)
    elif isinstance(function, type) and issubclass(function, BaseModel):
        found = Tool(function.__name__, types.as_schema(function), function.model_validate)
    elif callable(function):
        model = _parameters(function)
        found = Tool(model.__name__, types.as_schema(model), model.model_validate)
    else:
        raise InputError(
            f"{function!r} is no function", hint="Give a Python function, a Pydantic model or a tool definition"
        )
    if not _NAME.fullmatch(found.name):
        raise InputError(f"{found.name!r} is no name for a tool", hint="Letters, digits, '_', '.' and '-'")
    return found


def _parameters(function: Callable[..., Any]) -> type[BaseModel]:
    """The parameters of a function as a model."""
    name = getattr(function, "__name__", "")
    fields: dict[str, Any] = {}
    hints = inspect.get_annotations(function, eval_str=True)
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise InputError(
                f"{name}: the parameter {parameter.name!r} cannot be given by name",
                hint="Calls name their arguments: no *args, **kwargs or positional-only parameters",
            )
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints.get(parameter.name, Any), default)
    made: type[BaseModel] = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    return made


def constraint(source: ToolCall) -> Constraint:
    """The constraint that a tool call stands for. Raises InputError for functions that cannot be read."""
    tools = [tool(function) for function in source.functions]
    names = [tool.name for tool in tools]
    if len(set(names)) < len(names):
        raise InputError(f"two functions are called {next(n for n in names if names.count(n) > 1)!r}")
    registry = {f"urn:structgen:tool:{tool.name}": _plain(tool.schema) for tool in tools}
    space = Regex(r"[ \n]?")
    free = None if source.free else Regex(r"[ \n]*")
    lo, hi = source.at_least, source.at_most
    if source.style == "function_tag":
        closing = Choice(["</function>"])
        on = {f"<function={t.name}>": space + JsonSchema(_plain(t.schema)) + space + closing for t in tools}
        return Trigger(on, at_least=lo, at_most=hi, free=free)
    arguments = "parameters" if source.style == "llama3" else "arguments"
    one: dict[str, Any] = {"anyOf": [_call(tool.name, arguments) for tool in tools]}
    if source.style == "llama3":
        return JsonSchema(one, registry=registry)
    if source.style == "hermes":
        inside = Regex(r"\n?") + JsonSchema(one, registry=registry) + Regex(r"\n?</tool_call>")
        return Trigger({"<tool_call>": inside}, at_least=lo, at_most=hi, free=free)
    many: dict[str, Any] = {"type": "array", "items": one, "minItems": max(lo, 1)}
    if hi is not None:
        many["maxItems"] = hi
    if source.style == "json":
        return JsonSchema(many | {"minItems": lo}, registry=registry)
    opening = "[TOOL_CALLS]" if source.style == "mistral" else "<|tool_call|>"
    listed = Regex(" ?") + JsonSchema(many, registry=registry)
    called = Trigger({opening: listed}, at_least=1, at_most=1, free=free, tail=False)
    silent = Trigger({opening: Choice([""])}, at_most=0, free=free)
    return called if lo else silent if hi == 0 else silent | called


def _call(name: str, arguments: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"name": {"const": name}, arguments: {"$ref": f"urn:structgen:tool:{name}"}},
        "required": ["name", arguments],
        "additionalProperties": False,
    }


def _plain(schema: Any) -> Any:
    return types.as_schema(schema) if types.is_type(schema) else schema


def calls(source: ToolCall, text: str) -> list[dict[str, Any]]:
    """The calls in a text of the constraint: ``{"name", "arguments"}`` each, arguments as JSON data.

    Raises:
        OutputError: the text holds no calls of this style, or a model's own validator refuses arguments.
    """
    found: list[dict[str, Any]] = []
    try:
        for name, arguments in _read(source, text):
            found.append({"name": name, "arguments": arguments})
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(f"the text holds no tool call of style {source.style!r}: {error}") from None
    by_name = {tool.name: tool for tool in map(tool, source.functions)}
    for call in found:
        validate = by_name[call["name"]].validate if call["name"] in by_name else None
        if validate is not None:
            try:
                validate(call["arguments"])
            except ValidationError as error:
                raise OutputError(f"the arguments of {call['name']} were refused: {error}") from error
    return found


def _read(source: ToolCall, text: str) -> list[tuple[str, Any]]:
    decoder = json.JSONDecoder()
    if source.style == "function_tag":
        names = "|".join(re.escape(tool(function).name) for function in source.functions)
        pairs, at = [], 0
        while match := re.compile(f"<function=({names})>[ \n]?").search(text, at):
            arguments, at = decoder.raw_decode(text, match.end())
            pairs.append((match[1], arguments))
        return pairs
    if source.style == "hermes":
        found, at = [], 0
        while match := re.compile("<tool_call>\n?").search(text, at):
            call, at = decoder.raw_decode(text, match.end())
            found.append((call["name"], call["arguments"]))
        return found
    if source.style == "llama3":
        call = json.loads(text)
        return [(call["name"], call["parameters"])]
    if source.style != "json":
        opening = "[TOOL_CALLS]" if source.style == "mistral" else "<|tool_call|>"
        if opening not in text:
            return []
        text = text.split(opening, 1)[1]
    return [(call["name"], call["arguments"]) for call in json.loads(text)]
