"""Reading: a document becomes schemas in one vocabulary, whatever the draft, with every part checked.

Receives a document (see ``load``) and the documents its references lead to; returns :class:`Schema` records.
Everything reachable from the root is read at once, so that a malformed or unsupported keyword is reported when
the schema is compiled. Schemas of equal content are one record, which is what makes later stages fast: equal
parts of a schema are normalised and lowered once. Annotations are dropped here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from structgen.errors import InputError, LimitError, ReferenceError, SchemaError, StructgenError, UnsupportedError
from structgen.frontends import regex, regular
from structgen.frontends.json_schema.dialects import (
    ASSERTIONS,
    COMBINING,
    DRAFT3_HINT,
    HOLDING,
    left_out,
    misnamed,
    silence,
)
from structgen.frontends.json_schema.load import (
    DRAFT3,
    DRAFT4,
    DRAFT2020,
    LATEST,
    MAX_COUNT,
    document,
    freeze,
    kind,
    too_long,
)
from structgen.frontends.json_schema.numbers import exact
from structgen.frontends.json_schema.references import Documents, Place, escape
from structgen.frontends.json_schema.strings import StringSet
from structgen.source import Constraint, JsonSchema

if TYPE_CHECKING:
    from structgen.frontends.json_schema.report import Log

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
#: What is counted by the keywords that say how many must come.
_LEAST = {"minItems": "items", "minContains": "items", "minProperties": "properties", "minLength": "characters"}
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")

_MAX_DEPTH_HINT = "Move nested schemas into $defs and refer to them"


class Schema:
    """A schema in the one vocabulary: 2020-12, with these differences.

    ``$ref`` and the dynamic references are :class:`Target`; ``enum`` holds frozen values (``const`` is an enum of
    one); ``type`` is a frozenset; numbers are Fractions; bounds that draft 4 writes as booleans are numbers; arrays
    of ``items`` are ``prefixItems``; ``dependencies`` are dependentRequired and dependentSchemas;
    ``pattern`` and ``format`` are StringSets; ``patternProperties`` is ((StringSet, Schema), ...).

    Attributes:
        keywords: what the schema asserts, in the order of the text; empty: everything is valid.
        never: nothing is valid (the schema ``false``).
        where: the first place where it stands.
        written: what keywords are called there, where that differs (``const``, ``dependencies``).
    """

    __slots__ = ("keywords", "never", "where", "written")

    def __init__(
        self, keywords: dict[str, Any], never: bool, where: str, written: Mapping[str, str] | None = None
    ) -> None:
        self.written = written or {}
        self.keywords = keywords
        self.never = never
        self.where = where

    def __repr__(self) -> str:
        return f"<Schema {self.where}>"


class Target:
    """What a reference leads to: its schema is there once everything has been read."""

    __slots__ = ("schema", "where")

    def __init__(self, where: str) -> None:
        self.where = where
        self.schema: Schema | None = None


class Reader:
    """Reads the schemas of one document and of those it refers to.

    Args:
        source: the constraint with its options.
        log: takes down what becomes of each keyword, and its errors, which are raised without it.
    """

    def __init__(self, source: JsonSchema, log: Log | None = None) -> None:
        self.source = source
        self.log = log
        self.documents = Documents(document(source.schema), source.registry, LATEST)
        #: does a keyword occur whose cost or support shows only when schemas are combined?
        self.combines = False
        self.ignored = left_out(self.documents.vocabulary())
        self._own_formats: dict[str, StringSet] = {}
        self._interned: dict[Any, Schema] = {}
        self._targets: dict[tuple[int, str, tuple[str, ...]], Target] = {}
        self._unread: list[tuple[Target, Place]] = []

    def read(self) -> Schema:
        """The schema of the whole document.

        Raises:
            SchemaError, ReferenceError, UnsupportedError: with the JSON pointer of the keyword at fault.
        """
        try:
            root = self.schema(self.documents.start())
            while self._unread:
                target, place = self._unread.pop()
                target.schema = self.schema(place)
        except RecursionError:
            raise LimitError("the schema is nested too deeply", where="#", hint=_MAX_DEPTH_HINT) from None
        self.combines = self.combines or self._circles()
        return root

    def _circles(self) -> bool:
        """May references lead back to where they began, with nothing in between? Then that shows only later."""
        done: set[Schema] = set()
        for target in self._targets.values():
            schema, way = target.schema, set[Schema]()
            while schema is not None and schema not in done and schema not in way:
                way.add(schema)
                following = [schema.keywords[name].schema for name in _REFERENCES if name in schema.keywords]
                if len(following) > 1:
                    return True
                if not following:
                    break
                schema = following[0]
            else:
                if schema in way:
                    return True
            done |= way
        return False

    def own_format(self, name: str, language: Constraint | str) -> StringSet:
        """A format that the user defines.

        Raises:
            InputError: its constraint is not regular.
            SourceSyntaxError, UnsupportedError, LimitError: its pattern cannot be used.
        """
        found = self._own_formats.get(name)
        if found is None:
            where = f"format {name!r}"
            if isinstance(language, str):
                dfa = regex.to_dfa(language, dialect="ecma", where=where)
            else:
                made = regular.automaton(language)
                if made is None:
                    raise InputError("a format is made of regexes and choices", where=where)
                dfa = made
            found = self._own_formats[name] = StringSet.of_dfa(dfa)
        return found

    def schema(self, place: Place) -> Schema:
        """Read one schema (its base URI and draft are those of ``place``)."""
        value = place.value
        if isinstance(value, bool):
            if self.log is not None:
                self.log.booleans.add(place.where)
            return self._intern({}, not value, place.where)
        if not isinstance(value, dict):
            raise SchemaError(f"a schema is an object or a boolean, not {kind(value)}", where=place.where)
        return _Parts(self, place).read()

    def target(self, place: Place) -> Target:
        """The target at a place, to be read later if it is new."""
        key = (id(place.value) if isinstance(place.value, dict) else -int(place.value is True), place.base, place.scope)
        found = self._targets.get(key)
        if found is None:
            found = self._targets[key] = Target(place.where)
            self._unread.append((found, place))
        return found

    def _intern(
        self, keywords: dict[str, Any], never: bool, where: str, written: Mapping[str, str] | None = None
    ) -> Schema:
        key = (never, tuple((name, _content(value)) for name, value in keywords.items()))
        found = self._interned.get(key)
        if found is None:
            found = self._interned[key] = Schema(keywords, never, where, written)
        return found


def _content(value: Any) -> Any:
    """A keyword's value in hashable form; schemas and targets stand for themselves."""
    if isinstance(value, dict):
        return tuple(value.items())
    return value


class _Parts:
    """Reads the keywords of one schema object."""

    def __init__(self, reader: Reader, place: Place) -> None:
        self.reader = reader
        self.place = place
        self.value: dict[str, Any] = place.value
        self.out: dict[str, Any] = {}
        self.written: dict[str, str] = {}

    def read(self) -> Schema:
        log = self.reader.log
        if log is not None:
            log.enter(self.place)
        for name, content in self.value.items():
            if not isinstance(name, str):
                raise SchemaError(f"the keyword {name!r} is not a string", where=self.place.where)
            if log is not None:
                self.take_down(name, content, log)
            elif self.annotates(name) is None:
                self.take(name, content)
        return self.reader._intern(self.out, False, self.place.where, self.written)

    def annotates(self, name: str) -> str | None:
        """Why a keyword asserts nothing here; None if it asserts."""
        needed = misnamed(name, self.value[name], self.value, self.place.draft)
        if needed is not None:
            raise self.wrong(name, needed, self.value[name])
        if name in HOLDING:
            for key, item in self.value[name].items():
                if not isinstance(item, dict | bool):
                    raise SchemaError(f"a schema is an object or a boolean, not {kind(item)}", where=self.at(name, key))
        return silence(name, self.value, self.place.draft, self.reader.ignored, self.place.where)

    def take(self, name: str, content: Any) -> str | None:
        """Read a keyword; why it asserts nothing, where only its value shows that."""
        known = len(self.out)
        reason = _READERS[name](self, name, content)
        for keyword in list(self.out)[known:]:
            if keyword not in self.value:
                self.written[keyword] = name
        if name in COMBINING:
            self.reader.combines = True
        return reason

    def take_down(self, name: str, content: Any, log: Log) -> None:
        """Read a keyword for a report."""
        if (id(self.value), name) in log.skipped:
            return
        try:
            reason = self.annotates(name)
            if reason is None:
                reason = self.take(name, content)
        except StructgenError as error:
            log.refuse(self.place, name, error)
        else:
            log.note(self.place, name, "enforced" if reason is None else "annotation", reason or "")

    # places and errors

    def at(self, *names: str | int) -> str:
        return "/".join((self.place.where, *(escape(str(name)) for name in names)))

    def wrong(self, name: str, needed: str, value: Any) -> SchemaError:
        return SchemaError(f'"{name}" takes {needed}, not {kind(value)}', where=self.at(name))

    def child(self, value: Any, *names: str | int) -> Schema:
        """A subschema."""
        place = self.place._replace(value=value, where=self.at(*names))
        log = self.reader.log
        try:
            place = self.reader.documents.enter(place)
        except StructgenError as error:
            if log is None:
                raise
            log.refuse(place, "$schema", error)
        return self.reader.schema(place)

    # kinds of keyword

    def subschema(self, name: str, value: Any) -> None:
        self.out[name] = self.child(value, name)

    def subschemas(self, name: str, value: Any) -> None:
        self.out[name] = self.list_of(name, value)

    def list_of(self, name: str, value: Any) -> tuple[Schema, ...]:
        if not isinstance(value, list | tuple):
            raise self.wrong(name, "an array of schemas", value)
        if not value and name in ("allOf", "anyOf", "oneOf"):
            raise SchemaError(f'"{name}" is an empty array', where=self.at(name))
        return tuple(self.child(item, name, i) for i, item in enumerate(value))

    def named_subschemas(self, name: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise self.wrong(name, "an object of schemas", value)
        self.out[name] = {self.name(name, key): self.child(item, name, key) for key, item in value.items()}

    def name(self, keyword: str, key: Any) -> str:
        if not isinstance(key, str):
            raise SchemaError(f"the name {key!r} is not a string", where=self.at(keyword))
        return key

    def exact(self, name: str, value: Any) -> Fraction:
        try:
            return exact(value)
        except StructgenError as error:
            error.where = self.at(name)
            raise

    def whole(self, name: str, value: Any) -> None:
        number = value
        if isinstance(value, float | Decimal) and (whole := self.exact(name, value)).denominator == 1:
            number = whole.numerator
        if isinstance(number, bool) or not isinstance(number, int):
            raise self.wrong(name, "a whole number", value)
        if number < 0:
            raise SchemaError(f'"{name}" is negative', where=self.at(name))
        if number > MAX_COUNT and name in _LEAST:
            raise too_long(number, _LEAST[name], self.at(name))
        self.out[name] = number

    def number(self, name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise self.wrong(name, "a number", value)
        self.out[name] = self.exact(name, value)
        if name == "multipleOf" and self.out[name] <= 0:
            raise SchemaError('"multipleOf" is not positive', where=self.at(name))

    def bound(self, name: str, value: Any) -> None:
        """minimum, maximum and their exclusive forms, among them the booleans of draft 4."""
        if isinstance(value, bool) and name.startswith("exclusive"):
            return
        partner = "exclusive" + name[0].upper() + name[1:]
        if self.value.get(partner) is True:
            self.number(name, value)
            self.out[partner] = self.out.pop(name)
            return
        self.number(name, value)

    def names(self, name: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list | tuple):
            raise self.wrong(name, "an array of property names", value)
        for item in value:
            if not isinstance(item, str):
                raise self.wrong(name, "an array of property names", item)
        return tuple(dict.fromkeys(value))

    # keywords

    def reference(self, name: str, value: Any) -> None:
        if not isinstance(value, str):
            raise self.wrong(name, "a URI reference", value)
        documents = self.reader.documents
        try:
            if name == "$ref":
                found = documents.resolve(value, self.place)
            elif name == "$dynamicRef":
                found = documents.dynamic(value, self.place)
            else:
                found = documents.recursive(self.place)
        except ReferenceError as error:
            error.where = self.at(name)
            raise
        if not isinstance(found.value, dict | bool):
            raise SchemaError(
                f"the reference {value!r} leads to {kind(found.value)}, which is no schema", where=self.at(name)
            )
        self.out[name] = self.reader.target(found)

    def type(self, name: str, value: Any) -> None:
        given = value if isinstance(value, list | tuple) else [value]
        for item in given:
            if item not in TYPES:
                shown = repr(item) if isinstance(item, str) else kind(item)
                raise SchemaError(f'"type" takes {", ".join(TYPES)}, not {shown}', where=self.at(name))
        self.out[name] = frozenset(given)
        if "integer" in given and self.place.draft <= DRAFT4:
            # since draft 6 a number is an integer by its value, before by its text
            self.out["plainIntegers"] = True

    def enum(self, name: str, value: Any) -> None:
        if not isinstance(value, list | tuple):
            raise self.wrong(name, "an array of values", value)
        values = tuple(dict.fromkeys(freeze(item, self.at(name)) for item in value))
        self.out["enum"] = values if "enum" not in self.out else self.both(values)

    def const(self, name: str, value: Any) -> None:
        values = (freeze(value, self.at(name)),)
        self.out["enum"] = values if "enum" not in self.out else self.both(values)

    def both(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        present = {_unordered(value) for value in values}
        return tuple(value for value in self.out["enum"] if _unordered(value) in present)

    def pattern_properties(self, name: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise self.wrong(name, "an object of schemas", value)
        self.out[name] = tuple(
            (self.language(self.name(name, key), name, key), self.child(item, name, key)) for key, item in value.items()
        )

    def language(self, pattern: str, *names: str) -> StringSet:
        return StringSet.matching(pattern, where=self.at(*names))

    def pattern(self, name: str, value: Any) -> None:
        if not isinstance(value, str):
            raise self.wrong(name, "a regular expression", value)
        self.out[name] = self.language(value, name)

    def format(self, name: str, value: Any) -> str | None:
        if not isinstance(value, str):
            raise self.wrong(name, "a string", value)
        source = self.reader.source
        if source.formats == "annotation":
            return "formats are annotations, as asked"
        if isinstance(source.formats, Mapping) and value in source.formats:
            self.out[name] = self.reader.own_format(value, source.formats[value])
            return None
        known = StringSet.format(value, where=self.at(name), unknown=source.unknown_formats)
        if known is None:
            return f"no format {value!r} is known"
        self.out[name] = known
        return None

    def required(self, name: str, value: Any) -> None:
        if value is False and self.place.draft == DRAFT3:
            return
        if isinstance(value, bool):
            raise SchemaError(
                '"required" takes an array of property names, not a boolean',
                where=self.at(name),
                hint="Draft 3 wrote it in the property; since draft 4 the object lists its required names",
            )
        self.out[name] = self.names(name, value)

    def dependencies(self, name: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise self.wrong(name, "an object", value)
        for key, item in value.items():
            self.name(name, key)
            if isinstance(item, str):  # draft 3, unambiguous
                item = [item]
            if isinstance(item, list | tuple):
                self.out.setdefault("dependentRequired", {})[key] = self.names(name, item)
            elif name == "dependentRequired":
                raise self.wrong(name, "an object of arrays of property names", item)
            else:
                self.out.setdefault("dependentSchemas", {})[key] = self.child(item, name, key)

    def dependent_schemas(self, name: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise self.wrong(name, "an object of schemas", value)
        for key, item in value.items():
            self.out.setdefault("dependentSchemas", {})[self.name(name, key)] = self.child(item, name, key)

    def items(self, name: str, value: Any) -> None:
        if isinstance(value, list | tuple):
            self.out["prefixItems"] = self.list_of(name, value)
        else:
            self.out["items"] = self.child(value, name)

    def additional_items(self, name: str, value: Any) -> str | None:
        if not isinstance(self.value.get("items"), list | tuple):
            return 'means nothing without an array in "items"'
        self.out["items"] = self.child(value, name)
        return None

    def unique(self, name: str, value: Any) -> None:
        if not isinstance(value, bool):
            raise self.wrong(name, "a boolean", value)
        if value:
            self.out[name] = True

    def contains(self, name: str, value: Any) -> None:
        self.out[name] = self.child(value, name)
        if self.place.draft >= DRAFT2020:
            # since 2020-12 the items that it finds count as evaluated
            self.out["containsEvaluates"] = True

    def plain_integer(self, name: str, value: Any) -> str | None:
        if not isinstance(value, bool):
            raise self.wrong(name, "a boolean", value)
        types = self.value["type"]
        if not value or (types != "integer" and not (isinstance(types, list | tuple) and "integer" in types)):
            return "means nothing if false, or where integers are not a type asked for"
        self.out["plainIntegers"] = True
        return None

    def refused(self, name: str, value: Any) -> None:
        raise UnsupportedError(f'"{name}" of draft 3 is not supported', where=self.at(name), hint=DRAFT3_HINT)


def _unordered(value: Any) -> Any:
    """A frozen value, equal for objects whose keys come in another order."""
    if isinstance(value, tuple) and value[0] == "o":
        return ("o", frozenset((name, _unordered(item)) for name, item in value[1]))
    if isinstance(value, tuple) and value[0] == "a":
        return ("a", tuple(_unordered(item) for item in value[1]))
    return value


_READERS: dict[str, Callable[[_Parts, str, Any], str | None]] = {
    "$ref": _Parts.reference,
    "$dynamicRef": _Parts.reference,
    "$recursiveRef": _Parts.reference,
    "type": _Parts.type,
    "enum": _Parts.enum,
    "const": _Parts.const,
    "properties": _Parts.named_subschemas,
    "patternProperties": _Parts.pattern_properties,
    "additionalProperties": _Parts.subschema,
    "unevaluatedProperties": _Parts.subschema,
    "propertyNames": _Parts.subschema,
    "required": _Parts.required,
    "minProperties": _Parts.whole,
    "maxProperties": _Parts.whole,
    "dependencies": _Parts.dependencies,
    "dependentRequired": _Parts.dependencies,
    "dependentSchemas": _Parts.dependent_schemas,
    "items": _Parts.items,
    "prefixItems": _Parts.subschemas,
    "additionalItems": _Parts.additional_items,
    "unevaluatedItems": _Parts.subschema,
    "contains": _Parts.contains,
    "minContains": _Parts.whole,
    "maxContains": _Parts.whole,
    "minItems": _Parts.whole,
    "maxItems": _Parts.whole,
    "uniqueItems": _Parts.unique,
    "minLength": _Parts.whole,
    "maxLength": _Parts.whole,
    "pattern": _Parts.pattern,
    "format": _Parts.format,
    "minimum": _Parts.bound,
    "maximum": _Parts.bound,
    "exclusiveMinimum": _Parts.bound,
    "exclusiveMaximum": _Parts.bound,
    "multipleOf": _Parts.number,
    "allOf": _Parts.subschemas,
    "anyOf": _Parts.subschemas,
    "oneOf": _Parts.subschemas,
    "not": _Parts.subschema,
    "if": _Parts.subschema,
    "then": _Parts.subschema,
    "else": _Parts.subschema,
    "x-plain-integer": _Parts.plain_integer,
    "extends": _Parts.refused,
    "disallow": _Parts.refused,
    "divisibleBy": _Parts.refused,
}
assert _READERS.keys() == ASSERTIONS.keys()
