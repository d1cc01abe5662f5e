"""Formulas: Boolean combinations of schemas, one object for each, not looked into until they are needed.

An object shape holds the schema of each property as a formula such as ``A and not B``. Formulas are interned,
so equal ones are one object, and recursion through references meets the same formulas again and ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from structgen.errors import LimitError

if TYPE_CHECKING:
    from structgen.frontends.json_schema.shapes import Values

SCHEMA, EXACT, AND, OR, NOT, TRUE, FALSE = range(7)


class Formula:
    """A set of JSON values.

    Attributes:
        kind: SCHEMA, EXACT, AND, OR, NOT, TRUE or FALSE.
        args: the Schema; the Values; or the formulas combined.
        index: number in the order of making; names the formula.
        values: its normal form once known.
    """

    __slots__ = ("args", "index", "kind", "values")

    def __init__(self, kind: int, args: tuple[Any, ...], index: int) -> None:
        self.kind = kind
        self.args = args
        self.index = index
        self.values: Values | None = None

    def __repr__(self) -> str:
        if self.kind in (TRUE, FALSE):
            return "true" if self.kind == TRUE else "false"
        if self.kind == NOT:
            return f"not {self.args[0]!r}"
        if self.kind in (AND, OR):
            return "(" + (" and " if self.kind == AND else " or ").join(map(repr, self.args)) + ")"
        return f"<{self.args[0]!r}>"


#: Conjunctions and disjunctions made while a schema is compiled. No real schema that is accepted needs a twentieth of
#: it, which is some seconds.
MAX_COMBINED = 250_000
TELL_APART = (
    "This limit is fixed: let the branches of oneOf, anyOf, if and not differ in a required constant property, or "
    "combine fewer of them"
)
#: Least bytes of a formula's values, without whitespace before them.
Costs = Callable[[Formula], int]
#: More bytes than any text has: no text.
INFINITE = 1 << 60


class Formulas:
    """Makes formulas; the simplifications here are those that need no look inside.

    Raises:
        LimitError: from what makes them: compiling takes too many.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, tuple[Any, ...]], Formula] = {}
        self._combined = 0
        self._most: int | None = MAX_COMBINED
        self.true = self._make(TRUE, ())
        self.false = self._make(FALSE, ())

    def __len__(self) -> int:
        return len(self._known)

    def _make(self, kind: int, args: tuple[Any, ...]) -> Formula:
        found = self._known.get((kind, args))
        if found is None:
            found = self._known[kind, args] = Formula(kind, args, len(self._known))
        return found

    def compiled(self) -> None:
        """From here on formulas are made while texts are written, a few for each: as many as it takes."""
        self._most = None

    def schema(self, schema: Any) -> Formula:
        """The formula of a Schema; references that stand alone are followed."""
        if schema.never:
            return self.false
        keywords = schema.keywords
        seen = None
        while len(keywords) == 1 and "$ref" in keywords:
            target = keywords["$ref"].schema
            seen = seen or set()
            if target in seen:
                break  # a circle of references: reported when its values are asked for
            seen.add(target)
            schema = target
            if schema.never:
                return self.false
            keywords = schema.keywords
        return self._make(SCHEMA, (schema,)) if keywords else self.true

    def exact(self, values: Values) -> Formula:
        """The formula of values in normal form."""
        found = self._make(EXACT, (values,))
        found.values = values
        return found

    def both(self, *formulas: Formula) -> Formula:
        """And."""
        if len(formulas) == 2:
            a, b = formulas
            if a is b or b.kind == TRUE:
                return a
            if a.kind == TRUE:
                return b
        return self._combine(AND, OR, self.true, self.false, formulas)

    def either(self, *formulas: Formula) -> Formula:
        """Or."""
        return self._combine(OR, AND, self.false, self.true, formulas)

    def _combine(
        self, kind: int, dual: int, neutral: Formula, absorbing: Formula, formulas: Iterable[Formula]
    ) -> Formula:
        self._combined += 1
        if self._most is not None and self._combined > self._most:
            raise LimitError(
                f"the combined schemas are taken apart in more than {self._most:,} steps",
                hint=TELL_APART,
            )
        parts: dict[Formula, None] = {}
        for formula in formulas:
            if formula is absorbing:
                return absorbing
            if formula.kind == kind:
                parts.update(dict.fromkeys(formula.args))
            elif formula is not neutral:
                parts[formula] = None
        for formula in parts:
            if formula.kind == NOT and formula.args[0] in parts:
                return absorbing
        if not parts:
            return neutral
        if len(parts) == 1:
            return next(iter(parts))
        return self._make(kind, tuple(sorted(parts, key=_by_index)))

    def neither(self, formula: Formula) -> Formula:
        """Not."""
        if formula.kind == NOT:
            return formula.args[0]
        if formula.kind == TRUE:
            return self.false
        if formula.kind == FALSE:
            return self.true
        return self._make(NOT, (formula,))


def _by_index(formula: Formula) -> int:
    return formula.index
