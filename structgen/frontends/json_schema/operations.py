"""Intersection, union and difference of normal forms, without what is plainly empty.

Receives and returns :class:`Values`. Arrays and objects are multiplied out, shape by shape, as long as few shapes come
of it: that is what keeps branches apart which a constant tells apart. Where it would be many, a :class:`Tree` of the
operands is kept instead, and the shapes are watched while the text is written (``objecttrees``, ``arraytrees``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from structgen.errors import LimitError
from structgen.frontends.json_schema.algebra import MAX_SHAPES, known, treeable
from structgen.frontends.json_schema.emptiness import DEPTH, Emptiness
from structgen.frontends.json_schema.formula import AND, EXACT, FALSE, TRUE, Formula
from structgen.frontends.json_schema.formula import NOT as NOT_FORMULA
from structgen.frontends.json_schema.shapes import ALL, ANY, NO, NOT, ONE, YES, ArrayShape, ObjectShape, Tree, Values

#: With more shapes than this, a combination is kept as a tree.
WIDE = 24
#: Pairs of shapes that are tried before a combination is kept as a tree.
_MAX_PAIRS = 5_000
#: Up to so many shapes are compared with each other.
_FEW = 48

Shapes = tuple[Any, ...]


class Kind:
    """What differs between arrays and objects."""

    def __init__(
        self,
        name: str,
        anything: ArrayShape | ObjectShape,
        meet: Callable[[Any, Any], Any],
        others: Callable[[Any], list[Any]],
        hollow: Callable[[Any, int], bool],
        apart: Callable[[Any, Any], bool],
    ) -> None:
        self.name, self.anything, self.meet = name, anything, meet
        self.others, self.hollow, self.apart = others, hollow, apart


class Operations(Emptiness):
    """The operations, over one store of formulas."""

    def __init__(self) -> None:
        super().__init__()
        a = self.algebra
        self.array_kind = Kind(
            "arrays", a.any_array, a.meet_arrays, a.other_arrays, self.hollow_array, self.arrays_apart
        )
        self.object_kind = Kind(
            "objects", a.any_object, a.meet_objects, a.other_objects, self.hollow_object, self.objects_apart
        )
        #: what shapes were multiplied out from
        self._origin: dict[Shapes, Tree] = {}
        self._expanded: dict[Tree, Shapes] = {}

    # values

    def intersect(self, a: Values, b: Values, where: str | None) -> Values:
        everything = self.algebra.everything
        if a is b or b is everything:
            return a
        if a is everything:
            return b
        return Values(
            a.null and b.null,
            a.bools & b.bools,
            a.numbers.intersect(b.numbers),
            a.strings.intersect(b.strings),
            self.product(self.array_kind, a.arrays, b.arrays, where),
            self.product(self.object_kind, a.objects, b.objects, where),
        )

    def union(self, parts: list[Values], where: str | None) -> Values:
        if len(parts) == 1:
            return parts[0]
        numbers, strings = parts[0].numbers, parts[0].strings
        for part in parts[1:]:
            numbers, strings = numbers.union(part.numbers), strings.union(part.strings)
        bools = 0
        for part in parts:
            bools |= part.bools
        return Values(
            any(part.null for part in parts),
            bools,
            numbers,
            strings,
            self.joined(self.array_kind, [part.arrays for part in parts], where),
            self.joined(self.object_kind, [part.objects for part in parts], where),
        )

    def complement(self, a: Values, where: str | None) -> Values:
        kinds = ((self.array_kind, a.arrays), (self.object_kind, a.objects))
        arrays, objects = (self.difference(kind, (kind.anything,), shapes, where) for kind, shapes in kinds)
        return Values(
            not a.null, (NO | YES) & ~a.bools, a.numbers.complement(), a.strings.complement(), arrays, objects
        )

    def subtract(self, a: Values, b: Values, where: str | None) -> Values:
        """``a`` without ``b``, shape by shape, so that what is apart from ``b`` stays whole."""
        return Values(
            a.null and not b.null,
            a.bools & ~b.bools,
            a.numbers.difference(b.numbers),
            a.strings.difference(b.strings),
            self.difference(self.array_kind, a.arrays, b.arrays, where),
            self.difference(self.object_kind, a.objects, b.objects, where),
        )

    def one_of(self, branches: list[Values], where: str | None) -> list[Values]:
        """Values whose union is what is in exactly one branch."""
        found = []
        arrays = self.exactly_one(self.array_kind, [b.arrays for b in branches], where)
        objects = self.exactly_one(self.object_kind, [b.objects for b in branches], where)
        for i, branch in enumerate(branches):
            null, bools, numbers, strings = branch.null, branch.bools, branch.numbers, branch.strings
            for j, other in enumerate(branches):
                if j != i:
                    null, bools = null and not other.null, bools & ~other.bools
                    numbers, strings = numbers.difference(other.numbers), strings.difference(other.strings)
            found.append(Values(null, bools, numbers, strings, arrays[i], objects[i]))
        return found

    def conjunction(self, a: Formula, b: Formula) -> Formula:
        """Both, as the simpler formula if that is plain."""
        f = self.formulas.both(a, b)
        if f.kind != AND:
            return f
        x, y = self._plain(a), self._plain(b)
        if x is None or y is None:
            return f
        for kind, these, those in ((self.array_kind, x.arrays, y.arrays), (self.object_kind, x.objects, y.objects)):
            if these and those and (kind.anything,) not in (these, those):
                return f  # the order of names is that of the formula's parts
        if f.values is None:
            f.values = self.interned(self.intersect(x, y, None))
        if f.values.is_empty():
            return self.formulas.false
        return a if f.values is x else b if f.values is y else f

    def _plain(self, f: Formula) -> Values | None:
        """The normal form if it is known, or of constants."""
        constant = f.kind == EXACT or (f.kind == NOT_FORMULA and f.args[0].kind == EXACT)
        return self.normal(f) if constant else f.values

    def interned(self, values: Values) -> Values:
        """The one object for equal values."""
        raise NotImplementedError

    # shapes of one type

    def product(self, kind: Kind, xs: Shapes, ys: Shapes, where: str | None) -> Shapes:
        """What is in both unions."""
        if xs == (kind.anything,):
            return ys
        if ys == (kind.anything,):
            return xs
        if not (xs and ys):
            return ()
        if not all(map(treeable, (*xs, *ys))):
            xs, ys = self.expanded(kind, xs, where), self.expanded(kind, ys, where)
            return self.unite(kind, (kind.meet(x, y) for x in xs for y in ys), where)
        origin = Tree(ALL, (*self._factors(xs), *self._factors(ys)), where)
        if len(xs) * len(ys) <= _MAX_PAIRS:
            met = (self.meet(kind, x, y) for x in xs for y in ys)
            found = self._narrow(kind, met, max(WIDE, len(xs), len(ys)))
            if found is not None:
                return self._remember(found, origin)
        return self._single(self.meet(kind, *map(self._tree, (xs, ys))))

    def joined(self, kind: Kind, unions: list[Shapes], where: str | None) -> Shapes:
        """What is in some of the unions."""
        found = self.unite(kind, (shape for shapes in unions for shape in shapes), where, known=True)
        if any(shapes in self._origin for shapes in unions):
            return self._remember(found, Tree(ANY, tuple(self._tree(shapes) for shapes in unions if shapes), where))
        return found

    def difference(self, kind: Kind, xs: Shapes, ys: Shapes, where: str | None) -> Shapes:
        """What is in the first union and not in the second."""
        if not all(map(treeable, (*xs, *ys))):
            for_all = [(x, self.expanded(kind, ys, where)) for x in self.expanded(kind, xs, where)]
            kept = [one for x, others in for_all for one in self._less(kind, x, others, where, MAX_SHAPES) or ()]
            return self.unite(kind, kept, where, known=True)
        result: list[Any] = []
        changed: list[Any] = []
        for x in xs:
            others = [y for y in ys if not kind.apart(x, y)]
            if not others:
                result.append(x)
                changed.append(x)
                continue
            tree = self.meet_all(kind, [x, *(_not(y, where) for y in others)])
            if tree is None:
                continue
            changed.append(tree)
            parts = None
            if not isinstance(x, Tree) and not any(isinstance(y, Tree) for y in others):
                parts = self._less(kind, x, others, where, WIDE)
            result.extend([tree] if parts is None else parts)
        found = self.unite(kind, result, where, known=True)
        if len(found) > max(WIDE, len(xs)):
            return self.unite(kind, changed, where, known=True)
        return self._remember(found, Tree(ANY, tuple(changed), where)) if changed else found

    def _less(
        self, kind: Kind, x: Any, others: Iterable[Any], where: str | None, most: int
    ) -> Shapes | None:
        """A shape without some others, multiplied out; None if more than ``most`` shapes come of it."""
        kept: Shapes = (x,)
        for other in others:
            if any(not kind.apart(y, other) for y in kept):
                ways = kind.others(other)
                if most == MAX_SHAPES:
                    kept = self.unite(kind, (kind.meet(y, way) for y in kept for way in ways), where)
                else:
                    narrow = self._narrow(kind, (kind.meet(y, way) for y in kept for way in ways), most)
                    if narrow is None:
                        return None
                    kept = narrow
        return kept

    def exactly_one(self, kind: Kind, branches: list[Shapes], where: str | None) -> list[Shapes]:
        """For each of several unions, what is in no other; where that is a tree, all together are in the first."""
        n = len(branches)
        if not all(treeable(shape) for shapes in branches for shape in shapes):
            return [self.difference(kind, shapes, _besides(branches, i), where) for i, shapes in enumerate(branches)]
        # branches that overlap, directly or through others
        group = list(range(n))
        for i in range(n):
            for j in range(i):
                if group[i] != group[j] and any(not kind.apart(x, y) for x in branches[i] for y in branches[j]):
                    old, new = group[i], group[j]
                    group = [new if g == old else g for g in group]
        result: list[Shapes] = [()] * n
        for g in dict.fromkeys(group):
            members = [i for i in range(n) if group[i] == g]
            parts = self._alone(kind, [branches[i] for i in members], where)
            for i, part in zip(members, parts, strict=True):
                result[i] = part
        return result

    def _alone(self, kind: Kind, branches: list[Shapes], where: str | None) -> list[Shapes]:
        if len(branches) == 1:
            return branches
        parts: list[Shapes] = []
        for i, shapes in enumerate(branches):
            others = _besides(branches, i)
            found: list[Any] = []
            for x in shapes:
                some = None
                if not isinstance(x, Tree) and not any(isinstance(y, Tree) for y in others):
                    some = self._less(kind, x, others, where, WIDE)
                if some is None:
                    break
                found += some
            else:
                parts.append(tuple(found))
                if sum(map(len, parts)) <= WIDE:
                    continue
            break
        else:
            return parts
        for shape in (shape for shapes in branches for shape in shapes):
            known(shape)
        tree = Tree(ONE, tuple(self._tree(shapes) for shapes in branches), where)
        return [(tree,), *([()] * (len(branches) - 1))]

    # shapes put together

    def meet(self, kind: Kind, x: Any, y: Any) -> Any:
        """What is in both, one shape or tree; None if there plainly is nothing."""
        met = kind.meet(x, y)
        return self._within(kind, met) if isinstance(met, Tree) else met

    def meet_all(self, kind: Kind, parts: list[Any]) -> Any:
        """What is in all parts, one shape or tree; None if there plainly is nothing."""
        met: Any = kind.anything
        for part in parts:
            met = kind.meet(met, part)
            if met is None:
                return None
        return self._within(kind, met) if isinstance(met, Tree) else met

    def _within(self, kind: Kind, tree: Tree) -> Any:
        """A conjunction without the alternatives that its plain shape excludes."""
        if tree.kind != ALL:
            return tree
        shape = next((part for part in tree.parts if not isinstance(part, Tree)), None)
        if shape is None:
            return tree
        parts: list[Any] = [shape]
        again = False
        for part in tree.parts:
            if part is shape:
                continue
            kept = [p for p in part.parts if not kind.apart(shape, p)] if part.kind != ALL else list(part.parts)
            if len(kept) == len(part.parts):
                parts.append(part)
            elif part.kind == NOT:
                continue
            elif not kept:
                return None
            else:
                again = again or len(kept) == 1
                parts.append(kept[0] if len(kept) == 1 else Tree(part.kind, tuple(kept), part.where))
        if again:
            return self.meet_all(kind, parts)
        return parts[0] if len(parts) == 1 else Tree(ALL, tuple(parts), tree.where)

    def _tree(self, shapes: Shapes) -> Any:
        """A union as one shape or tree."""
        if len(shapes) == 1:
            return shapes[0]
        return self._origin.get(shapes) or Tree(ANY, shapes, shapes[0].where)

    def _factors(self, shapes: Shapes) -> Shapes:
        tree = self._tree(shapes)
        return tuple(tree.parts) if isinstance(tree, Tree) and tree.kind == ALL else (tree,)

    def _remember(self, found: Shapes, origin: Tree) -> Shapes:
        if len(found) > 1 and found not in self._origin:
            self._origin[found] = origin
        return found

    @staticmethod
    def _single(shape: Any) -> Shapes:
        return () if shape is None else (shape,)

    def expanded(self, kind: Kind, shapes: Shapes, where: str | None) -> Shapes:
        """A union with its trees multiplied out."""
        if not any(isinstance(shape, Tree) for shape in shapes):
            return shapes
        return self.unite(kind, (s for shape in shapes for s in self._expand(kind, shape, where)), where)

    def _expand(self, kind: Kind, part: Any, where: str | None) -> Shapes:
        if not isinstance(part, Tree):
            return (part,)
        found = self._expanded.get(part)
        if found is not None:
            return found
        inner = [self._expand(kind, p, where) for p in part.parts]
        if part.kind == ANY:
            found = self.unite(kind, (s for shapes in inner for s in shapes), where)
        elif part.kind == ALL:
            found = inner[0]
            for shapes in inner[1:]:
                found = self.unite(kind, (kind.meet(x, y) for x in found for y in shapes), where)
        elif part.kind == NOT:
            found = self._less(kind, kind.anything, inner[0], where, MAX_SHAPES) or ()
        else:
            kept: list[Any] = []
            for i, shapes in enumerate(inner):
                others = _besides(inner, i)
                kept += [s for x in shapes for s in self._less(kind, x, others, where, MAX_SHAPES) or ()]
            found = self.unite(kind, kept, where)
        self._expanded[part] = found
        return found

    # unions

    def unite(self, kind: Kind, shapes: Iterable[Any], where: str | None, known: bool = False) -> Shapes:
        """Shapes without doubles, and unless ``known`` without those that are plainly empty."""
        found = self._gather(kind, shapes, known, MAX_SHAPES)
        if found is None:
            raise self.too_many(kind.name, where)
        return found

    def _narrow(self, kind: Kind, shapes: Iterable[Any], most: int) -> Shapes | None:
        return self._gather(kind, shapes, False, most)

    def _gather(self, kind: Kind, shapes: Iterable[Any], known: bool, most: int) -> Shapes | None:
        found: dict[Any, None] = {}
        for shape in shapes:
            if shape is not None and shape not in found and (known or not kind.hollow(shape, DEPTH)):
                found[shape] = None
                if len(found) > most:
                    return None
        if len(found) > 1 and kind.anything in found:
            return (kind.anything,)
        if kind is self.object_kind and 1 < len(found) <= _FEW:
            return tuple(self._maximal(list(found)))
        return tuple(found)

    def _maximal(self, shapes: list[Any]) -> list[Any]:
        """The shapes without those that plainly lie inside another."""
        kept = []
        for i, shape in enumerate(shapes):
            if isinstance(shape, Tree) or not any(
                self.inside(shape, other) and not (j > i and self.inside(other, shape))
                for j, other in enumerate(shapes)
                if j != i and not isinstance(other, Tree)
            ):
                kept.append(shape)
        return kept

    def inside(self, a: ObjectShape, b: ObjectShape) -> bool:
        """Is every object of ``a`` plainly in ``b``?"""
        if a.seen != b.seen or b.lo > max(a.lo, len(a.required)):
            return False
        if b.hi is not None and (a.hi is None or a.hi > b.hi):
            return False
        if not set(b.required) <= set(a.required) or not set(b.exists) <= set(a.exists):
            return False
        if not set(b.needs) <= set(a.needs) or not set(b.rest) <= set(a.rest):
            return False
        for name, f in b.named.items():
            if f.kind != TRUE and not _implies(self.algebra.property(a, name), f):
                return False
        # what b's rest says of names that only a speaks of
        return all(name in b.named or _implies(f, self.algebra.property(b, name)) for name, f in a.named.items())

    @staticmethod
    def too_many(what: str, where: str | None) -> LimitError:
        return LimitError(
            f"the combination of subschemas has more than {MAX_SHAPES} kinds of {what}",
            where=where,
            hint="This limit is fixed: let the branches of oneOf, anyOf, if and not differ in a required constant "
            "property",
        )


def _besides(unions: list[Shapes], i: int) -> Shapes:
    """The shapes of all unions but one."""
    return tuple(shape for j, shapes in enumerate(unions) if j != i for shape in shapes)


def _not(shape: Any, where: str | None) -> Any:
    if isinstance(shape, Tree) and shape.kind == NOT:
        return shape.parts[0]
    known(shape)
    return Tree(NOT, (shape,), where)


def _implies(a: Formula, b: Formula) -> bool:
    """Plainly: every value of ``a`` is one of ``b``."""
    if a is b or b.kind == TRUE or a.kind == FALSE:
        return True
    return a.kind == AND and (b in a.args or (b.kind == AND and set(b.args) <= set(a.args)))
