"""Free text with constrained parts in it: triggers, reasoning windows, tool calls. Plain records.

The strings that open a constrained part are ordinary text here; how a model's tokens cut them does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from structgen.errors import InputError
from structgen.source.constraints import Concatenation, Constraint, Regex


@dataclass(frozen=True, eq=False)
class Trigger(Constraint):
    """Free text in which certain strings begin something constrained.

    A text is: free text without a trigger, a trigger, a text of its constraint, and so on, and at the end again free
    text without a trigger. Where a trigger ends first, its constraint begins; of two that end at the same place the
    longer one counts.

    Attributes:
        on: for each trigger (not empty) the constraint of what follows it.
        at_least, at_most: how many triggers the text has; at_most None: any number.
        free: what may stand between, as a regular constraint (:class:`Regex`, :class:`Choice` and combinations);
            None: any text.
        tail: may free text follow the last constrained part?
    """

    on: Mapping[str, Constraint]
    at_least: int = field(default=0, kw_only=True)
    at_most: int | None = field(default=None, kw_only=True)
    free: Constraint | None = field(default=None, kw_only=True)
    tail: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.on, Mapping) or not self.on:
            raise InputError("Trigger takes a mapping from strings to constraints", hint='Trigger({"<sql>": grammar})')
        for text, inner in self.on.items():
            if not isinstance(text, str) or not text:
                raise InputError(f"a trigger is a string that is not empty, not {text!r}")
            if not isinstance(inner, Constraint):
                raise InputError(
                    f"what follows {text!r} is {type(inner).__name__}, not a constraint",
                    hint="Wrap a pattern in sg.Regex, a schema or type in sg.JsonSchema",
                )
            for other in self.on:
                at = text.find(other) if other != text else -1
                if at >= 0 and at + len(other) < len(text):
                    raise InputError(f"the trigger {text!r} never fires: {other!r} ends first in it")
        if self.free is not None and not isinstance(self.free, Constraint):
            raise InputError(f"free is {type(self.free).__name__}, not a constraint", hint='sg.Regex(r"\\s*"), say')
        _check_counts(self.at_least, self.at_most)


def reasoning(then: Constraint, *, start: str = "<think>", end: str = "</think>") -> Constraint:
    """A window for reasoning, then a constrained answer: ``start``, free text, the first ``end``, then ``then``.

    ``start=""`` where the prompt has opened the window already.

    Raises:
        InputError: ``end`` is empty, or ``then`` is not a constraint.
    """
    window = Trigger({end: then}, at_least=1, at_most=1, tail=False)
    if not isinstance(start, str):
        raise InputError(f"start={start!r}", hint="A string; empty where the prompt has opened the window")
    return Concatenation(Regex(_escaped(start)), window) if start else window


#: How models write tool calls.
Style = Literal["hermes", "llama3", "mistral", "granite", "function_tag", "json"]


@dataclass(frozen=True, eq=False)
class ToolCall(Constraint):
    """Calls of functions, written as a family of models has learnt to.

    - ``"hermes"`` (Hermes, Qwen 2.5 and 3, and many others): ``<tool_call>``, a JSON object with name and arguments,
      ``</tool_call>``, each on lines of their own; free text around, several calls.
    - ``"llama3"`` (Llama 3.1 and later): the whole text is one JSON object with name and parameters.
    - ``"mistral"``: ``[TOOL_CALLS]`` and a JSON array of objects with name and arguments, after free text.
    - ``"granite"``: ``<|tool_call|>`` and the same array.
    - ``"function_tag"``: ``<function=NAME>``, the arguments as JSON, ``</function>``; free text around.
    - ``"json"``: the whole text is a JSON array of objects with name and arguments.

    A text is returned as a list of calls, each a dict ``{"name": ..., "arguments": {...}}``; free text is left out.

    Attributes:
        functions: Python functions with annotated parameters, Pydantic models (the class is the name, the fields
            are the parameters), or tool definitions as dicts: ``{"name", "parameters"}``, with or without the
            wrapping ``{"type": "function", "function": {...}}``.
        style: how calls are written.
        at_least, at_most: how many calls; at_most None: any number. ``"llama3"`` is always one.
        free: may there be text around the calls, in the styles that have it?
    """

    functions: tuple[Any, ...]
    style: Style = "hermes"
    at_least: int = field(default=1, kw_only=True)
    at_most: int | None = field(default=None, kw_only=True)
    free: bool = field(default=True, kw_only=True)

    def __init__(
        self,
        functions: Iterable[Callable[..., Any] | type | Mapping[str, Any]],
        style: Style = "hermes",
        *,
        at_least: int = 1,
        at_most: int | None = None,
        free: bool = True,
    ) -> None:
        if isinstance(functions, (str, Mapping)) or not isinstance(functions, Iterable):
            raise InputError("ToolCall takes a list of functions", hint="ToolCall([f, g], style='hermes')")
        values = tuple(functions)
        if not values:
            raise InputError("ToolCall without a function", hint="Give at least one")
        if style not in get_args(Style):
            raise InputError(f"style={style!r}", hint=f"Use one of {', '.join(get_args(Style))}")
        _check_counts(at_least, at_most)
        if style == "llama3" and (at_least > 1 or at_most == 0):
            raise InputError("style 'llama3' writes one call", hint="Leave at_least and at_most as they are")
        for name, value in (
            ("functions", values),
            ("style", style),
            ("at_least", at_least),
            ("at_most", at_most),
            ("free", free),
        ):
            object.__setattr__(self, name, value)


def _check_counts(at_least: int, at_most: int | None) -> None:
    for value in (at_least, at_most):
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise InputError(
                f"at_least={at_least!r}, at_most={at_most!r}", hint="Integers from 0 up; at_most may be None"
            )
    if at_most is not None and at_most < at_least:
        raise InputError(f"at_least={at_least} is over at_most={at_most}")


def _escaped(text: str) -> str:
    """A pattern of Python's dialect for exactly this text."""
    return "".join(f"\\{c}" if not c.isalnum() and c.isascii() and c.isprintable() else c for c in text)
