"""The normal form: sets of JSON values as unions of typed conjuncts.

:class:`Values` holds, for each JSON type, the values of that type: null, booleans, a NumberSet, a StringSet, and
unions of :class:`ArrayShape` and :class:`ObjectShape`. Inside the shapes the schemas of items and properties are
formulas, not yet looked into. Equal normal forms are equal objects with equal hashes.
"""

from __future__ import annotations

from typing import Any

from structgen.frontends.json_schema.formula import Formula
from structgen.frontends.json_schema.numbers import NumberSet
from structgen.frontends.json_schema.strings import StringSet

#: Booleans as bits.
NO, YES = 1, 2


class _Record:
    """Equality and hash by the fields in ``_key``, computed once."""

    __slots__ = ("_hash", "_key")
    _key: tuple[Any, ...]
    _hash: int

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and self._hash == other._hash and self._key == other._key)

    def __hash__(self) -> int:
        return self._hash


class Contains(_Record):
    """Between ``lo`` and ``hi`` (None: any number) of the items from index ``start`` on satisfy ``formula``."""

    __slots__ = ("formula", "hi", "lo", "start")

    def __init__(self, start: int, formula: Formula, lo: int, hi: int | None) -> None:
        self.start, self.formula, self.lo, self.hi = start, formula, lo, hi
        self._key = (start, formula, lo, hi)
        self._hash = hash(self._key)


class ArrayShape(_Record):
    """Arrays that satisfy all of this.

    Attributes:
        prefix: formulas of the first items.
        rest: formula of all further items.
        lo, hi: bounds on the number of items; hi None: none.
        contains: obligations on how many items satisfy something.
        unique: True: no two items are equal; False: some two are; None: either.
        seen: how many first items are evaluated (for unevaluatedItems); -1: all; None: not of interest.
        seen_by: formulas whose items are evaluated, too.
        where: place in the schema, for messages; not part of the value.
    """

    __slots__ = ("contains", "hi", "lo", "prefix", "rest", "seen", "seen_by", "unique", "where")

    def __init__(
        self,
        prefix: tuple[Formula, ...],
        rest: Formula,
        lo: int = 0,
        hi: int | None = None,
        contains: tuple[Contains, ...] = (),
        unique: bool | None = None,
        seen: int | None = None,
        seen_by: tuple[Formula, ...] = (),
        where: str | None = None,
    ) -> None:
        self.prefix, self.rest, self.lo, self.hi = prefix, rest, lo, hi
        self.contains, self.unique = contains, unique
        self.seen, self.seen_by, self.where = seen, seen_by, where
        self._key = (prefix, rest, lo, hi, contains, unique, seen, seen_by)
        self._hash = hash(self._key)

    def item(self, index: int) -> Formula:
        """The formula of the item at an index."""
        return self.prefix[index] if index < len(self.prefix) else self.rest

    def replace(self, **changes: Any) -> ArrayShape:
        fields = {name: getattr(self, name) for name in ArrayShape.__slots__}
        return ArrayShape(**(fields | changes))


#: Property names and the formula of the values under them.
Names = tuple[StringSet, Formula]


class ObjectShape(_Record):
    """Objects that satisfy all of this.

    Attributes:
        named: formula for each name that is spoken of by itself, in order; it is all that holds for that name.
        rest: for names not in ``named``: for each set that has the name, the formula holds.
        required: names that must be there, in order.
        lo, hi: bounds on the number of properties; hi None: none.
        needs: (name, names): if the first is there, so are the others.
        exists: (names, formula): some property with a name in the set has a value that satisfies the formula.
        seen: names that are evaluated (for unevaluatedProperties); None: not of interest.
        where: place in the schema, for messages; not part of the value.
        vague: not all such objects are here, since ``propertyNames`` at this place has a format taken from below: see
            ``algebra.known``; None: all are.
    """

    __slots__ = ("exists", "hi", "lo", "named", "needs", "required", "rest", "seen", "vague", "where")

    def __init__(
        self,
        named: dict[str, Formula],
        rest: tuple[Names, ...] = (),
        required: tuple[str, ...] = (),
        lo: int = 0,
        hi: int | None = None,
        needs: tuple[tuple[str, frozenset[str]], ...] = (),
        exists: tuple[Names, ...] = (),
        seen: StringSet | None = None,
        where: str | None = None,
        vague: str | None = None,
    ) -> None:
        self.named, self.rest, self.required, self.lo, self.hi = named, rest, required, lo, hi
        self.needs, self.exists, self.seen, self.where, self.vague = needs, exists, seen, where, vague
        self._key = (tuple(named.items()), rest, required, lo, hi, needs, exists, seen, vague)
        self._hash = hash(self._key)

    def replace(self, **changes: Any) -> ObjectShape:
        fields = {name: getattr(self, name) for name in ObjectShape.__slots__}
        return ObjectShape(**(fields | changes))


#: How the parts of a Tree are combined: all hold, some hold, the only one does not, exactly one holds.
ALL, ANY, NOT, ONE = "all", "any", "not", "one"


class Tree(_Record):
    """A Boolean combination of shapes of one type that has not been multiplied out.

    Attributes:
        kind: ALL, ANY, NOT or ONE.
        parts: shapes, and trees of other kinds.
        where: place in the schema, for messages; not part of the value.
    """

    __slots__ = ("kind", "parts", "where")

    def __init__(self, kind: str, parts: tuple[Any, ...], where: str | None = None) -> None:
        self.kind, self.parts, self.where = kind, parts, where
        self._key = (kind, parts)
        self._hash = hash(self._key)

    def shapes(self) -> list[Any]:
        """Its shapes, each once, in order."""
        found: dict[Any, None] = {}
        for part in self.parts:
            found.update(dict.fromkeys(part.shapes() if isinstance(part, Tree) else (part,)))
        return list(found)


class Values(_Record):
    """A set of JSON values, by type. Of arrays and objects: the union of the shapes and trees."""

    __slots__ = ("arrays", "bools", "null", "numbers", "objects", "strings")

    def __init__(
        self,
        null: bool,
        bools: int,
        numbers: NumberSet,
        strings: StringSet,
        arrays: tuple[ArrayShape | Tree, ...],
        objects: tuple[ObjectShape | Tree, ...],
    ) -> None:
        self.null, self.bools, self.numbers, self.strings = null, bools, numbers, strings
        self.arrays, self.objects = arrays, objects
        self._key = (null, bools, numbers, strings, arrays, objects)
        self._hash = hash(self._key)

    def has_scalars(self) -> bool:
        return self.null or bool(self.bools) or not self.numbers.is_empty() or not self.strings.is_empty()

    def is_empty(self) -> bool:
        """Surely nothing: no conjunct is left. (A conjunct that is left may still be unsatisfiable.)"""
        return not (self.arrays or self.objects or self.has_scalars())

    def __repr__(self) -> str:
        return (
            f"<Values null={self.null} bools={self.bools} {self.numbers} {self.strings}"
            f" {len(self.arrays)} arrays, {len(self.objects)} objects>"
        )
