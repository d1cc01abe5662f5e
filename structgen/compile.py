"""From a constraint to a compiled grammar: the one file that knows all stages.

``lower`` turns a constraint into a network (front ends, automata, ir); ``compile_network`` puts a network over a
vocabulary (masks, runtime); ``compile`` does both.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from structgen import automata
from structgen.automata import Dfa, bytedfa
from structgen.errors import InputError, LimitError, UnsatisfiableError, UnsupportedError
from structgen.frontends import json_schema, lark, regex, regular, tools, types, windows
from structgen.frontends.json_schema.load import document
from structgen.frontends.regex.network import TERMINAL_STATES, network_of
from structgen.ir import combine
from structgen.ir.intersect import Intersection as Crossed
from structgen.ir.network import Network, Terminal
from structgen.limits import Limits
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.compiled import CompiledGrammar, checked_limits
from structgen.runtime.explore import automaton
from structgen.runtime.warm import warm_up
from structgen.source import (
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
    Special,
    ToolCall,
    Trigger,
    Union,
    operands,
)
from structgen.source.special import marked

#: Constraints of different kinds are combined through automata of up to so many states.
MAX_EXPLORED = 20_000


def compile(  # noqa: A001  (the field's own word; always used as structgen.compile)
    constraint: Any, vocab: Vocabulary, *, limits: Limits | None = None
) -> CompiledGrammar:
    """Compile a constraint for a vocabulary.

    Args:
        constraint: a :class:`Constraint`; or what stands for one: a Pydantic model or another type, a JSON
            Schema as a dict or bool, a compiled ``re.Pattern``, a list of strings.
        vocab: the vocabulary of the model that will write the text.
        limits: what the compilation and the use of the result may cost.

    Returns:
        The compiled grammar; most of the work is left for when states are reached.

    Raises:
        SourceSyntaxError, SchemaError: the constraint is malformed.
        UnsupportedError: it cannot be honoured exactly.
        UnsatisfiableError: no text satisfies it.
        LimitError: it costs more than ``limits`` allows.
        VocabularyError: its shortest text cannot be written with this vocabulary, or it names a special token that
            the vocabulary has not.
    """
    if not isinstance(vocab, Vocabulary):
        raise _no_vocabulary(vocab)
    limits = checked_limits(limits)
    warm_up()
    special: set[str] = set()
    grammar = CompiledGrammar(lower(constraint, limits, special), vocab, limits, special)
    grammar.recipe = (compile, constraint)
    return grammar


def compile_network(network: Network, vocab: Vocabulary, *, limits: Limits | None = None) -> CompiledGrammar:
    """Put a network over a vocabulary. For front ends of your own; see :mod:`structgen.ir.network`."""
    if not isinstance(vocab, Vocabulary):
        raise _no_vocabulary(vocab)
    return CompiledGrammar(network, vocab, limits)


def _no_vocabulary(given: object) -> InputError:
    return InputError(
        f"a constraint is compiled for a Vocabulary, not for {type(given).__name__}",
        hint="Make one with sg.Vocabulary.from_tokenizer(tokenizer)",
    )


def lower(constraint: Any, limits: Limits | None = None, special: set[str] | None = None) -> Network:
    """The network of a constraint: its texts, vocabulary left out. Raises as ``compile`` does.

    ``special``: takes the names of the special tokens that are met.
    """
    limits = checked_limits(limits)
    try:
        with _uncollected():
            return _lower(types.as_constraint(constraint), limits, set() if special is None else special)
    except RecursionError:
        raise LimitError(
            "the constraint is nested too deeply", hint="Combine fewer constraints, or write them as one"
        ) from None


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles, of which a front end makes hardly any.

    It would search all that it makes, and all else in the process, time and again: a fifth of the time that a large
    grammar takes.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _lower(constraint: Constraint, limits: Limits, special: set[str]) -> Network:
    def inner(part: Constraint) -> Network:
        return lower(part, limits, special)

    if isinstance(constraint, JsonSchema):
        return json_schema.build(_plain(constraint), max_states=limits.max_automaton_states)
    if isinstance(constraint, Lark):
        return lark.build(constraint, inner, max_states=limits.max_automaton_states)
    if isinstance(constraint, Trigger):
        return windows.build(constraint, inner, max_states=limits.max_automaton_states)
    if isinstance(constraint, ToolCall):
        return _lower(tools.constraint(constraint), limits, special)
    if isinstance(constraint, Special):
        special.add(constraint.name)
        return combine.from_terminal(Terminal(bytedfa.literal(marked(constraint.name)), constraint.name))
    if isinstance(constraint, Gbnf):
        return lark.build_gbnf(constraint, max_states=limits.max_automaton_states)
    if isinstance(constraint, Choice):
        if not constraint.options:
            raise UnsatisfiableError("a choice of nothing has no text", hint="Give Choice at least one string")
        return combine.from_terminal(Terminal(regular.words(constraint), _choice_name(constraint)))
    try:
        dfa = regular.automaton(constraint, max_states=limits.max_automaton_states)
        if dfa is not None:
            return _of_bytes(constraint, automata.utf8(dfa))
    except LimitError:
        # too large as one automaton: counts are kept in the nodes of a network instead
        divided = _divided(constraint, limits)
        if divided is None:
            raise
        return divided
    if isinstance(constraint, (Union, Concatenation)):
        parts = [_lower(part, limits, special) for part in operands(constraint)]
        return combine.union(*parts) if isinstance(constraint, Union) else combine.concat(*parts)
    if isinstance(constraint, Repetition):
        return combine.repeat(_lower(constraint.inner, limits, special), constraint.lo, constraint.hi)
    both = _json_pair(constraint)
    if both is not None:
        return _lower(both, limits, special)
    try:
        found = _byte_language(constraint, limits, special)
    except LimitError:
        crossed = _crossed(constraint, limits, special)
        if crossed is not None:
            return crossed
        raise UnsupportedError(
            f"{_name(constraint)} cannot be honoured exactly: intersection, difference and complement are decidable "
            f"where one side has finitely many states (up to {MAX_EXPLORED}; in a difference, what is taken away), and "
            "between JSON Schemas with equal options, not where both sides nest without bound",
            hint="Say it in one language: add the condition to the schema or grammar, or use a regex for one side",
        ) from None
    return _of_bytes(constraint, found)


def _crossed(constraint: Constraint, limits: Limits, special: set[str]) -> Network | None:
    """``a & b`` and ``a - b`` of a network that may nest and a language of finitely many states; else None."""
    if not isinstance(constraint, (Intersection, Difference)):
        return None
    sides = [(constraint.left, constraint.right), (constraint.right, constraint.left)]
    for nesting, finite in sides[: 1 if isinstance(constraint, Difference) else 2]:
        try:
            dfa = _byte_language(finite, limits, special)
        except LimitError:
            continue
        if isinstance(constraint, Difference):
            dfa = automata.complement(dfa, max_states=limits.max_automaton_states)
        if dfa.is_empty():
            raise UnsatisfiableError("no text satisfies the constraint", where=_name(constraint))
        return Crossed(_lower(nesting, limits, special), automata.to_bytedfa(dfa), limits.max_automaton_states)
    return None


def _divided(constraint: Constraint, limits: Limits) -> Network | None:
    if not isinstance(constraint, Regex):
        return None
    tree = regex.parse(constraint.pattern, constraint.dialect, constraint.flags)
    return network_of(tree, min(limits.max_automaton_states, TERMINAL_STATES))


def _of_bytes(constraint: Constraint, dfa: Dfa) -> Network:
    if dfa.is_empty():
        raise UnsatisfiableError("no text satisfies the constraint", where=_name(constraint))
    return combine.from_terminal(Terminal(automata.to_bytedfa(dfa), _name(constraint), _name(constraint)))


def _byte_language(constraint: Constraint, limits: Limits, special: set[str]) -> Dfa:
    """The automaton over bytes of any constraint of finitely many states. Raises LimitError for others."""
    dfa = regular.automaton(constraint, max_states=limits.max_automaton_states)
    if dfa is not None:
        return automata.utf8(dfa)
    if not isinstance(constraint, regular.COMBINATIONS):
        try:
            return automaton(_lower(constraint, limits, special), limits, MAX_EXPLORED)
        except UnsatisfiableError:
            return automata.empty(automata.BYTES)
    every = automata.utf8(automata.everything(automata.CODE_POINTS))
    most = limits.max_automaton_states
    found = regular.combined(constraint, lambda part: _byte_language(part, limits, special), every, most)
    assert found is not None
    return found


def _plain(source: JsonSchema) -> JsonSchema:
    """A source whose schema is JSON, with the types of Python turned to schemas."""
    if types.is_type(source.schema):
        return replace(source, schema=types.as_schema(source.schema))
    return source


def _json_pair(constraint: Constraint) -> JsonSchema | None:
    """``a & b`` or ``a - b`` of two JSON Schemas with equal options, as one schema; else None."""
    if not isinstance(constraint, (Intersection, Difference)):
        return None
    sides = []
    for side in (constraint.left, constraint.right):
        json = side if isinstance(side, JsonSchema) else _json_pair(side)
        if json is None:
            return None
        sides.append(_plain(json))
    left, right = sides
    if _options(left) != _options(right):
        return None
    # each side keeps its own root for its references; nested pairs need names of their own
    names = [f"urn:structgen:{id(constraint)}:{side}" for side in ("left", "right")]
    second = {"$ref": names[1]}
    schema = {"allOf": [{"$ref": names[0]}, second if isinstance(constraint, Intersection) else {"not": second}]}
    registry = {**_documents(left), **_documents(right)}
    for name, side in zip(names, sides, strict=True):
        registry[name] = _parsed(side.schema)
    return replace(left, schema=schema, registry=registry)


def _options(source: JsonSchema) -> tuple[object, ...]:
    """Everything about a source but its schema and what that may refer to."""
    return tuple(getattr(source, f.name) for f in fields(source) if f.name not in ("schema", "registry"))


def _documents(source: JsonSchema) -> dict[str, Any]:
    """The documents a source may refer to, by URI."""
    registry = source.registry
    if registry is None:
        return {}
    if isinstance(registry, Mapping) and not hasattr(registry, "with_resources"):
        return dict(registry)
    return {uri: registry.contents(uri) for uri in registry}


def _parsed(schema: Any) -> Any:
    return document(schema) if isinstance(schema, (str, Path)) else schema


def _choice_name(constraint: Choice) -> str:
    shown = ", ".join(repr(option) for option in constraint.options[:3])
    return f"one of {shown}" + (", ..." if len(constraint.options) > 3 else "")


def _name(constraint: Constraint, depth: int = 4) -> str:
    """How to call a constraint in messages; deep inside there are dots."""
    if isinstance(constraint, Regex):
        return f"/{constraint.pattern}/"
    if isinstance(constraint, Choice):
        return _choice_name(constraint)
    if isinstance(constraint, Special):
        return constraint.name
    if depth == 0:
        return "..."
    if isinstance(constraint, Complement):
        return f"~{_name(constraint.inner, depth - 1)}"
    if isinstance(constraint, Repetition):
        most = "" if constraint.hi is None else constraint.hi
        return f"{_name(constraint.inner, depth - 1)}{{{constraint.lo},{most}}}"
    if isinstance(constraint, (Intersection, Union, Difference, Concatenation)):
        sign = {Intersection: "&", Union: "|", Difference: "-", Concatenation: "+"}[type(constraint)]
        return f"({_name(constraint.left, depth - 1)} {sign} {_name(constraint.right, depth - 1)})"
    return type(constraint).__name__


__all__ = ["compile", "compile_network", "lower"]
