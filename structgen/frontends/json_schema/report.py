"""What becomes of every keyword: enforced, an annotation, or refused with a reason.

Receives a :class:`~structgen.source.JsonSchema`; returns a :class:`~structgen.source.report.Report`. The schema is
read with a :class:`Log` that takes errors down instead of letting them out, and built. What the build refuses is
taken down as well, and the schema built once more without it, so that one report names everything that is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from structgen.errors import LimitError, StructgenError, UnsatisfiableError
from structgen.frontends import types
from structgen.frontends.json_schema import network_of
from structgen.frontends.json_schema.load import DRAFT4, DRAFT2019, document, draft_name
from structgen.frontends.json_schema.references import Documents, Place, escape, identifier
from structgen.frontends.json_schema.schema import Reader
from structgen.source import JsonSchema
from structgen.source.report import Entry, Report, Status

#: A keyword that several references lead to may be read in several ways: the strongest is reported.
_STRENGTH: dict[Status, int] = {"annotation": 0, "enforced": 1, "refused": 2}
#: How often the schema is built once more after something was refused.
_MAX_BUILDS = 20

# where schemas stand directly in a keyword's value
_ONE = frozenset(
    ("additionalProperties", "unevaluatedProperties", "unevaluatedItems", "additionalItems", "items", "contains")
) | frozenset(("propertyNames", "not", "if", "then", "else"))
_MANY = frozenset(("allOf", "anyOf", "oneOf", "prefixItems", "items"))
_NAMED = frozenset(("properties", "patternProperties", "dependentSchemas", "dependencies"))
_HOLDERS = frozenset(("$defs", "definitions"))


class Log:
    """What reading found out, by schema object and keyword."""

    def __init__(self) -> None:
        self.notes: dict[tuple[int, str], tuple[Status, str]] = {}
        #: schema objects that were read, with the place where each was first met
        self.read: dict[int, Place] = {}
        #: places of the schemas true and false that were read
        self.booleans: set[str] = set()
        #: keywords that the build refused: they are passed over from then on
        self.skipped: dict[tuple[int, str], str] = {}
        self._keys: dict[str, tuple[int, str]] = {}

    def enter(self, place: Place) -> None:
        """A schema object is read."""
        self.read.setdefault(id(place.value), place)

    def note(self, place: Place, name: str, status: Status, reason: str = "") -> None:
        """What becomes of a keyword."""
        key = (id(place.value), name)
        self._keys[f"{place.where}/{escape(name)}"] = key
        known = self.notes.get(key)
        if known is None or _STRENGTH[status] > _STRENGTH[known[0]]:
            self.notes[key] = (status, reason)

    def refuse(self, place: Place, name: str, error: StructgenError) -> None:
        """A keyword is malformed or cannot be honoured."""
        self.note(place, name, "refused", _reason(error, f"{place.where}/{escape(name)}"))

    def skip(self, error: StructgenError) -> bool:
        """Pass over the keyword at fault from now on; False where none is, or it was passed over before."""
        key = self._keys.get(error.where or "")
        if key is None or key in self.skipped:
            return False
        self.skipped[key] = _reason(error, error.where)
        return True

    def again(self) -> None:
        """Forget everything but what is passed over."""
        self.notes.clear()
        self.read.clear()
        self.booleans.clear()


def report(source: JsonSchema) -> Report:
    """What becomes of every keyword of a schema and of the parts of other documents that it refers to.

    Raises:
        SourceSyntaxError, InputError: the schema is not JSON, or cannot be read.
        SchemaError, UnsupportedError: "$schema" is malformed, or names a draft that is not known.
        LimitError: it is nested too deeply, or holds itself.
    """
    try:
        return _report(source)
    except RecursionError:
        raise LimitError("the schema is nested too deeply", where="#") from None


def _report(source: JsonSchema) -> Report:
    schema = types.as_schema(source.schema) if types.is_type(source.schema) else document(source.schema)
    source = replace(source, schema=_unshared(schema))
    log = Log()
    refusal: str | None = None
    for _ in range(_MAX_BUILDS):
        log.again()
        reader = Reader(source, log)
        refusal = _build(source, reader, log)
        if refusal != "":
            break
    return Report(draft_name(reader.documents.root_draft), tuple(_Listing(reader.documents, log)), refusal or None)


def _unshared(value: Any) -> Any:
    """A copy in which no two places hold the same object: keywords are told apart by the object they are in."""
    if isinstance(value, dict):
        return {name: _unshared(inner) for name, inner in value.items()}
    return [_unshared(inner) for inner in value] if isinstance(value, list | tuple) else value


def _build(source: JsonSchema, reader: Reader, log: Log) -> str | None:
    """Read and build; the refusal, "" where a keyword to blame is passed over next time, None where it builds."""
    try:
        schema = reader.read()
    except StructgenError as error:  # the document as a whole is no schema
        return str(error)
    try:
        network_of(source, reader, schema)
    except UnsatisfiableError as error:
        return str(error)
    except StructgenError as error:
        return "" if log.skip(error) else str(error)
    return None


def _reason(error: StructgenError, here: str | None) -> str:
    """An error on one line, without the place that the entry names anyway."""
    text = error.message.splitlines()[0]
    if error.where is not None and error.where != here:
        text += f" (at {error.where})"
    return text if error.hint is None else f"{text}. {error.hint}"


class _Listing:
    """The entries, in the order of the user's document, then those of other places that were read."""

    def __init__(self, documents: Documents, log: Log) -> None:
        self.documents = documents
        self.log = log
        self.listed: set[int] = set()

    def __iter__(self) -> Iterator[Entry]:
        start = self.documents.start()
        if isinstance(start.value, dict):
            yield from self.schema(start)
        for place in list(self.log.read.values()):
            if id(place.value) not in self.listed:
                yield from self.schema(place)

    def schema(self, place: Place) -> Iterator[Entry]:
        value: dict[str, Any] = place.value
        self.listed.add(id(value))
        read = id(value) in self.log.read
        if read:
            place = self.log.read[id(value)]._replace(where=place.where)
        for name, content in value.items():
            status, reason = self.status(place, name, content, read)
            yield Entry(f"{place.where}/{escape(str(name))}", str(name), status, reason)
            if status != "annotation" or name in _HOLDERS or not read:
                for inner in self.inside(place, name, content):
                    yield from self.schema(inner)

    def status(self, place: Place, name: str, content: Any, read: bool) -> tuple[Status, str]:
        key = (id(place.value), name)
        if key in self.log.skipped:
            return "refused", self.log.skipped[key]
        status, reason = self.log.notes.get(key, ("annotation", "nothing refers to it"))
        if status == "refused":
            return status, reason
        if name in _identifiers(place):
            return "enforced", ""
        inside = f"{place.where}/{escape(str(name))}/"
        if status == "annotation" and (self.leads_into(content) or self.booleans_in(inside)):
            return "enforced", "" if name in _HOLDERS else "a reference leads into it"
        return status, "nothing refers to it" if name in _HOLDERS else reason

    def leads_into(self, content: Any) -> bool:
        """Is a schema in this value read?"""
        if isinstance(content, dict):
            return id(content) in self.log.read or any(map(self.leads_into, content.values()))
        return isinstance(content, list) and any(map(self.leads_into, content))

    def booleans_in(self, prefix: str) -> bool:
        """The same for true and false. (Those of an annotation are read for a reference only.)"""
        return any(where.startswith(prefix) for where in self.log.booleans)

    def inside(self, place: Place, name: str, content: Any) -> Iterator[Place]:
        """The schemas that a keyword holds directly."""
        where = f"{place.where}/{escape(str(name))}"
        found: list[tuple[str, Any]] = []
        if name in _ONE and isinstance(content, dict):
            found = [("", content)]
        elif name in _MANY and isinstance(content, list):
            found = [(f"/{i}", item) for i, item in enumerate(content)]
        elif name in _NAMED | _HOLDERS and isinstance(content, dict):
            found = [(f"/{escape(str(key))}", item) for key, item in content.items()]
        for suffix, value in found:
            if isinstance(value, dict) and id(value) not in self.listed:
                yield place._replace(value=value, where=where + suffix)


def _identifiers(place: Place) -> frozenset[str]:
    """Keywords of a schema object that name it: references and the draft depend on them."""
    value, draft = place.value, place.draft
    names = set()
    if place.where == "#" or identifier(value, draft) is not None:
        names.add("$schema")
    if draft > DRAFT4 or identifier(value, draft) is not None:
        names.add("id" if draft <= DRAFT4 else "$id")
    if draft >= DRAFT2019:
        names |= {"$anchor", "$recursiveAnchor" if draft == DRAFT2019 else "$dynamicAnchor"}
    if draft < DRAFT2019 and isinstance(value.get("$ref"), str):
        names -= {"id", "$id"}
    return frozenset(names)
