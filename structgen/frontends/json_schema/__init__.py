"""JSON Schema: from a schema to a lazy network of JSON texts.

In reading order: ``load`` (text to document), ``references`` (where ``$ref`` leads), ``dialects`` (what asserts in
which draft), ``schema`` (one vocabulary, every keyword checked), ``report`` (what becomes of each), ``numbers``,
``formats``, ``strings`` and ``wordtexts`` (scalar languages), ``formula`` (Boolean combinations), ``shapes`` (the
normal form), ``algebra``, ``emptiness``, ``operations``, ``normalise`` and ``keywords`` (how it is computed),
``finite`` (sets with few members), ``separators`` (terminals and whitespace), ``objects``, ``cells``, ``records`` and
``arrays`` (objects and arrays being written), ``seen``, ``holes``, ``supply``, ``unique`` and ``equal`` (arrays that
remember), ``residuals``, ``derive``, ``objecttrees``, ``leastobject``, ``arraytrees`` and ``treenodes`` (the same
under Boolean combinations that are not multiplied out), ``lower`` (the network), ``clash`` (why nothing is valid).
"""

from __future__ import annotations

from structgen.errors import LimitError, UnsatisfiableError
from structgen.frontends.json_schema.builder import Builder
from structgen.frontends.json_schema.clash import clash
from structgen.frontends.json_schema.formula import INFINITE
from structgen.frontends.json_schema.lower import JsonNetwork, least_text
from structgen.frontends.json_schema.normalise import Normaliser
from structgen.frontends.json_schema.schema import Reader, Schema
from structgen.frontends.json_schema.separators import terminals
from structgen.ir.network import Network
from structgen.source import JsonSchema

__all__ = ["build", "network_of"]


def build(source: JsonSchema, *, max_states: int = 100_000) -> Network:
    """The network of the JSON texts that are valid under a schema.

    Args:
        source: the constraint; its schema is a dict, a bool, JSON text or a path.
        max_states: how many combined subschemas may be made.

    Raises:
        SourceSyntaxError, SchemaError, ReferenceError: the schema is malformed.
        UnsupportedError: a part of it cannot be honoured exactly.
        UnsatisfiableError: nothing is valid under it.
        LimitError: it is too large.
    """
    reader = Reader(source)
    return network_of(source, reader, reader.read(), max_states=max_states)


def network_of(source: JsonSchema, reader: Reader, schema: Schema, *, max_states: int = 100_000) -> Network:
    """The network of a schema that has been read. Raises as :func:`build` does."""
    normaliser = Normaliser(max_states)
    words = terminals(source.whitespace, source.numbers, source.escapes)
    builder = Builder(normaliser, words, source.property_order == "any", least_text)
    formula = normaliser.formula(schema)
    try:
        if builder.cost(formula) >= INFINITE:
            where, reason = clash(builder, schema)
            raise UnsatisfiableError(f"no JSON value satisfies the schema: {reason}", where=where)
        network = JsonNetwork(builder, formula)
        if reader.combines:
            builder.explore(formula)
        normaliser.formulas.compiled()
    except LimitError as error:
        error.where = error.where or "#"
        raise
    except RecursionError:
        raise LimitError(
            "the schema is nested too deeply", where="#", hint="Combine fewer schemas by oneOf, not, if and allOf"
        ) from None
    return network
