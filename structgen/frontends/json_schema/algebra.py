"""Intersection, union and complement of normal forms.

Receives and returns :class:`Values` and shapes. Intersection is memberwise; the complement of a shape is the
union of its single violations. Nothing here looks inside formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structgen.errors import UnsupportedError
from structgen.frontends.json_schema.formula import FALSE, TRUE, Formula, Formulas
from structgen.frontends.json_schema.numbers import NumberSet
from structgen.frontends.json_schema.shapes import ALL, NO, YES, ArrayShape, Contains, Names, ObjectShape, Tree, Values
from structgen.frontends.json_schema.strings import StringSet

NO_NUMBERS = NumberSet.nothing()
ALL_NUMBERS = NumberSet.all()
NO_STRINGS = StringSet.nothing()
ALL_STRINGS = StringSet.all()
NOTHING = Values(False, 0, NO_NUMBERS, NO_STRINGS, (), ())

#: Conjuncts of one type in one normal form.
MAX_SHAPES = 6_000
#: A set of names this small is written out name by name.
FEW_NAMES = 16


class Algebra:
    """The operations, over one store of formulas."""

    def __init__(self, formulas: Formulas) -> None:
        self.formulas = formulas
        self.any_array = ArrayShape((), formulas.true)
        self.any_object = ObjectShape({})
        self.everything = Values(True, NO | YES, ALL_NUMBERS, ALL_STRINGS, (self.any_array,), (self.any_object,))

    # objects

    def property(self, shape: ObjectShape, name: str) -> Formula:
        """All that holds for the value under a name."""
        found = shape.named.get(name)
        if found is not None:
            return found
        if not shape.rest:
            return self.formulas.true
        return self.formulas.both(*(f for names, f in shape.rest if names.contains(name)))

    def meet_objects(self, a: ObjectShape | Tree, b: ObjectShape | Tree) -> Any:
        """Objects of both, as a shape if both are shapes, else as a tree; None if there plainly are none."""
        if isinstance(a, Tree) or isinstance(b, Tree):
            return _meet_trees(a, b, self.any_object, self.meet_objects)
        if a is b or _unbound(b):
            return a
        if _unbound(a):
            return b
        both = self.formulas.both
        named = {name: both(f, self.property(b, name)) for name, f in a.named.items()}
        for name, f in b.named.items():
            if name not in named:
                named[name] = both(self.property(a, name), f)
        rest = tuple(dict.fromkeys(a.rest + b.rest))
        seen = a.seen
        if b.seen is not None:
            seen = b.seen if seen is None else seen.union(b.seen)
        hi = a.hi if b.hi is None else b.hi if a.hi is None else min(a.hi, b.hi)
        return self.tidy_object(
            ObjectShape(
                named,
                rest,
                tuple(dict.fromkeys(a.required + b.required)),
                max(a.lo, b.lo),
                hi,
                tuple(dict.fromkeys(a.needs + b.needs)),
                tuple(dict.fromkeys(a.exists + b.exists)),
                seen,
                a.where or b.where,
                a.vague or b.vague,
            )
        )

    def tidy_object(self, shape: ObjectShape) -> ObjectShape | None:
        """The shape with what is implied left out; None if it plainly holds nothing."""
        true, false = self.formulas.true, self.formulas.false
        required, named, rest = shape.required, shape.named, shape.rest
        for name in required:
            if self.property(shape, name) is false:
                return None
        if any(f is false and names.is_all() for names, f in rest):
            rest = ((ALL_STRINGS, false),)
        elif any(f is true or names.is_empty() for names, f in rest):
            rest = tuple((names, f) for names, f in rest if f is not true and not names.is_empty())
        closed = bool(rest) and rest[0] == (ALL_STRINGS, false)
        lo = shape.lo if shape.lo > len(required) else 0
        hi = shape.hi
        if closed:
            most = sum(f is not false for f in named.values())
            if hi is not None and hi >= most:
                hi = None
            if lo > most:
                return None
        if hi is not None and (hi < len(required) or hi < lo):
            return None
        needs = shape.needs
        if needs:
            present, wanted = set(required), list(required)
            kept = []
            for name, others in needs:
                if name in present:
                    for other in sorted(others - present):
                        present.add(other)
                        wanted.append(other)
                elif others - {name}:
                    kept.append((name, others - {name}))
            if len(wanted) > len(required):
                return self.tidy_object(shape.replace(required=tuple(wanted)))
            needs = tuple(kept)
        exists = []
        for names, f in shape.exists:
            if f is false or names.is_empty():
                return None
            if any(names.contains(name) and (f is true or self.property(shape, name) is f) for name in required):
                continue
            exists.append((names, f))
        return ObjectShape(named, rest, required, lo, hi, needs, tuple(exists), shape.seen, shape.where, shape.vague)

    def other_objects(self, shape: ObjectShape) -> list[ObjectShape]:
        """Objects not of the shape: one shape for each way to violate it."""
        known(shape)
        true, false, neither = self.formulas.true, self.formulas.false, self.formulas.neither
        found: list[ObjectShape] = []
        required = set(shape.required)
        for name in shape.required:
            # absent, or there with another value: in one shape
            found.append(ObjectShape({name: neither(self.property(shape, name))}))
        for name, f in shape.named.items():
            if f is not true and name not in required:
                found.append(ObjectShape({name: neither(f)}, required=(name,)))
        apart = StringSet.of(shape.named) if shape.named else NO_STRINGS
        for names, f in shape.rest:
            if f is true:
                continue
            left = names.difference(apart)
            few = left.values(FEW_NAMES) if not left.is_empty() else ()
            if few is not None:
                found.extend(ObjectShape({name: neither(f)}, required=(name,)) for name in few)
            else:
                found.append(ObjectShape({}, exists=((left, neither(f)),)))
        if shape.lo > 0:
            found.append(ObjectShape({}, hi=shape.lo - 1))
        if shape.hi is not None:
            found.append(ObjectShape({}, lo=shape.hi + 1))
        for name, others in shape.needs:
            found.extend(ObjectShape({other: false}, required=(name,)) for other in sorted(others))
        for names, f in shape.exists:
            found.append(ObjectShape({}, rest=((names, neither(f)),)))
        tidied = (self.tidy_object(other) for other in found)
        return [other for other in tidied if other is not None]

    # arrays

    def meet_arrays(self, a: ArrayShape | Tree, b: ArrayShape | Tree) -> Any:
        """Arrays of both, as a shape if both are shapes, else as a tree; None if there plainly are none."""
        if isinstance(a, Tree) or isinstance(b, Tree):
            return _meet_trees(a, b, self.any_array, self.meet_arrays)
        if a is b or _free(b):
            return a
        if _free(a):
            return b
        both = self.formulas.both
        length = max(len(a.prefix), len(b.prefix))
        if a.unique is not None and b.unique is not None and a.unique != b.unique:
            return None
        seen = a.seen
        if b.seen is not None:
            seen = b.seen if seen is None else -1 if -1 in (seen, b.seen) else max(seen, b.seen)
        return self.tidy_array(
            ArrayShape(
                tuple(both(a.item(i), b.item(i)) for i in range(length)),
                both(a.rest, b.rest),
                max(a.lo, b.lo),
                a.hi if b.hi is None else b.hi if a.hi is None else min(a.hi, b.hi),
                tuple(dict.fromkeys(a.contains + b.contains)),
                b.unique if a.unique is None else a.unique,
                seen,
                tuple(dict.fromkeys(a.seen_by + b.seen_by)),
                a.where or b.where,
            )
        )

    def tidy_array(self, shape: ArrayShape) -> ArrayShape | None:
        """The shape with what is implied left out; None if it plainly holds nothing."""
        false = self.formulas.false
        prefix, rest, lo, hi = shape.prefix, shape.rest, shape.lo, shape.hi
        if rest is false and (hi is None or hi > len(prefix)):
            hi = len(prefix)
        for i, f in enumerate(prefix):
            if f is false and (hi is None or hi > i):
                hi = i
                break
        if hi is not None:
            if hi < lo:
                return None
            prefix = prefix[:hi]
            if len(prefix) == hi:
                rest = false
        while prefix and prefix[-1] is rest:
            prefix = prefix[:-1]
        unique = shape.unique
        if hi is not None and hi < 2:
            if unique is False:
                return None
            unique = None
        elif unique is False and lo < 2:
            lo = 2
        contains = []
        for c in shape.contains:
            least, most = c.lo, c.hi
            if most is not None and (least > most or (hi is not None and most >= max(hi - c.start, 0))):
                if least > most:
                    return None
                most = None
            if least == 0 and most is None:
                continue
            if least > 0 and (c.formula is false or (hi is not None and hi - c.start < least)):
                return None
            if most == 0 and c.start == 0 and not prefix:
                continue_with = self.formulas.both(rest, self.formulas.neither(c.formula))
                return self.tidy_array(
                    shape.replace(
                        rest=continue_with,
                        contains=tuple(d for d in shape.contains if d is not c),
                    )
                )
            lo = max(lo, c.start + least)
            if c.formula is self.formulas.true:
                if most is not None:
                    bound = c.start + most
                    hi = bound if hi is None else min(hi, bound)
                    if hi < lo:
                        return None
                continue
            contains.append(Contains(c.start, c.formula, least, most))
        result = ArrayShape(prefix, rest, lo, hi, tuple(contains), unique, shape.seen, shape.seen_by, shape.where)
        return result if result == shape else self.tidy_array(result)

    def other_arrays(self, shape: ArrayShape) -> list[ArrayShape]:
        """Arrays not of the shape: one shape for each way to violate it."""
        true, neither = self.formulas.true, self.formulas.neither
        found: list[ArrayShape] = []
        if shape.lo > 0:
            found.append(ArrayShape((), true, hi=shape.lo - 1))
        if shape.hi is not None:
            found.append(ArrayShape((), true, lo=shape.hi + 1))
        for i, f in enumerate(shape.prefix):
            if f is not true:
                found.append(ArrayShape((true,) * i + (neither(f),), true, lo=i + 1))
        start = len(shape.prefix)
        if shape.rest is not true and not (shape.hi is not None and shape.hi <= start):
            found.append(ArrayShape((), true, contains=(Contains(start, neither(shape.rest), 1, None),)))
        for c in shape.contains:
            if c.lo > 0:
                found.append(ArrayShape((), true, contains=(Contains(c.start, c.formula, 0, c.lo - 1),)))
            if c.hi is not None:
                found.append(ArrayShape((), true, contains=(Contains(c.start, c.formula, c.hi + 1, None),)))
        if shape.unique is not None:
            found.append(ArrayShape((), true, unique=not shape.unique))
        tidied = (self.tidy_array(other) for other in found)
        return [other for other in tidied if other is not None]


def _meet_trees(a: Any, b: Any, anything: Any, meet: Callable[[Any, Any], Any]) -> Any:
    """The conjunction of shapes and trees: its plain shapes made one, in front."""
    shape, trees = None, dict[Tree, None]()
    for whole in (a, b):
        for part in whole.parts if isinstance(whole, Tree) and whole.kind == ALL else (whole,):
            if isinstance(part, Tree):
                trees[part] = None
            else:
                shape = part if shape is None else meet(shape, part)
                if shape is None:
                    return None
    parts = tuple(trees) if shape is None or shape == anything else (shape, *trees)
    return parts[0] if len(parts) == 1 else Tree(ALL, parts, a.where or b.where)


def treeable(shape: ArrayShape | ObjectShape | Tree) -> bool:
    """Can it be watched, beside others, while it is written?"""
    if isinstance(shape, Tree):
        return True
    if isinstance(shape, ArrayShape):
        return shape.unique is None and shape.seen is None and not shape.seen_by
    return shape.seen is None


def _unbound(shape: ObjectShape) -> bool:
    return not (
        shape.named
        or shape.rest
        or shape.required
        or shape.lo
        or shape.hi is not None
        or shape.needs
        or shape.exists
        or shape.seen is not None
    )


def _free(shape: ArrayShape) -> bool:
    return (
        not shape.prefix
        and shape.rest.kind == TRUE
        and not shape.lo
        and shape.hi is None
        and not shape.contains
        and shape.unique is None
        and shape.seen is None
    )


def known(shape: Any) -> None:
    """Refuse a shape, or a tree of some, of which the complement is not known.

    Raises:
        UnsupportedError: ``propertyNames`` has a format that is taken from below.
    """
    for part in shape.shapes() if isinstance(shape, Tree) else [shape]:
        if isinstance(part, ObjectShape) and part.vague is not None:
            raise UnsupportedError(
                "what has other names cannot be told, since not all strings of their format are known",
                where=part.vague,
                hint="Say the names with a pattern, or define the format: formats={name: sg.Regex(...)}",
            )


def closed(rest: tuple[Names, ...]) -> bool:
    """Are names other than the named ones forbidden?"""
    return any(f.kind == FALSE and names.is_all() for names, f in rest)
