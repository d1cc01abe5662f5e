"""What is left to be shown: Boolean combinations of obligations that are settled one by one.

While an object or an array is written under a combination such as "exactly one of these shapes", every shape is an
obligation that its properties or items meet or break. A *residual* is the combination of those still open. Residuals
are numbers; equal ones have one number, so that what is worked out for one is worked out once. It is the derivative
of Brzozowski (1964), with properties and items for letters.

Negations stand only in front of leaves, of conjunctions of leaves and of "exactly one": these are taken as a whole, so
that a value leads to one residual and not to one for each way to break them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from structgen.frontends.json_schema import shapes
from structgen.frontends.json_schema.shapes import Tree

FALSE, TRUE = 0, 1
#: Kinds of residuals.
CONSTANT, LEAF, NOT, ALL, ANY, ONE = range(6)


class Part(NamedTuple):
    """A residual as it is kept.

    Attributes:
        kind: one of the kinds above.
        args: (leaf, count) of a leaf; the parts of all others, ascending.
    """

    kind: int
    args: tuple[int, ...]


class Residuals:
    """Makes residuals over leaves that are numbered.

    Args:
        support: bits of the properties that a leaf looks at, by its number.
    """

    def __init__(self, support: Callable[[int], int]) -> None:
        self._of_leaf = support
        self._known: dict[Part, int] = {}
        self.parts: list[Part] = []
        #: bits of the properties that decide about a residual
        self.support: list[int] = []
        self._negated: dict[int, int] = {FALSE: TRUE, TRUE: FALSE}
        self._make(Part(CONSTANT, (0,)))
        self._make(Part(CONSTANT, (1,)))

    def __len__(self) -> int:
        return len(self.parts)

    def _make(self, part: Part) -> int:
        found = self._known.get(part)
        if found is None:
            found = self._known[part] = len(self.parts)
            self.parts.append(part)
            support = 0
            if part.kind == LEAF:
                support = self._of_leaf(part.args[0])
            elif part.kind != CONSTANT:
                for inner in part.args:
                    support |= self.support[inner]
            self.support.append(support)
        return found

    def of_tree(self, tree: Tree, obligations: Callable[[Any], Iterable[int]]) -> int:
        """The residual of a tree of shapes; ``obligations`` gives those of one shape, all of which are to be met."""
        known = {shape: self.all(obligations(shape)) for shape in tree.shapes()}

        def of(part: Any) -> int:
            if not isinstance(part, Tree):
                return known[part]
            inner = [of(p) for p in part.parts]
            if part.kind == shapes.NOT:
                return self.negate(inner[0])
            return {shapes.ALL: self.all, shapes.ANY: self.any, shapes.ONE: self.one}[part.kind](inner)

        return of(tree)

    def leaf(self, number: int, count: int = 0) -> int:
        """An obligation; ``count`` tells how often something in it has been met."""
        return self._make(Part(LEAF, (number, count)))

    def negate(self, r: int) -> int:
        """Not ``r``."""
        found = self._negated.get(r)
        if found is None:
            kind, args = self.parts[r]
            if kind == ALL and any(self.parts[a].kind != LEAF for a in args):
                found = self.any(map(self.negate, args))
            elif kind == ANY:
                found = self.all(map(self.negate, args))
            elif kind == NOT:
                found = args[0]
            else:
                found = self._make(Part(NOT, (r,)))
            self._negated[r] = found
            self._negated[found] = r
        return found

    def all(self, parts: Iterable[int]) -> int:
        """And."""
        return self._combine(ALL, TRUE, FALSE, parts)

    def any(self, parts: Iterable[int]) -> int:
        """Or."""
        return self._combine(ANY, FALSE, TRUE, parts)

    def _combine(self, kind: int, neutral: int, absorbing: int, parts: Iterable[int]) -> int:
        found: set[int] = set()
        for r in parts:
            if r == absorbing:
                return absorbing
            if self.parts[r].kind == kind:
                found.update(self.parts[r].args)
            elif r != neutral:
                found.add(r)
        for r in found:
            if self.parts[r].kind == NOT and self.parts[r].args[0] in found:
                return absorbing
        if not found:
            return neutral
        if len(found) == 1:
            return found.pop()
        return self._make(Part(kind, tuple(sorted(found))))

    def one(self, parts: Iterable[int]) -> int:
        """Exactly one."""
        counts: dict[int, int] = {}
        for r in parts:
            if r != FALSE:
                counts[r] = counts.get(r, 0) + 1
        if counts.get(TRUE, 0) > 1:
            return FALSE
        if TRUE in counts:
            del counts[TRUE]
            return self.all(map(self.negate, counts))
        twice = [r for r, n in counts.items() if n > 1]
        if twice:
            once = self.one(r for r, n in counts.items() if n == 1)
            return self.all([once, *map(self.negate, twice)])
        if not counts:
            return FALSE
        if len(counts) == 1:
            return next(iter(counts))
        return self._make(Part(ONE, tuple(sorted(counts))))

    def leaves(self, r: int, about: int = -1) -> dict[int, tuple[int, int]]:
        """The leaves of a residual that look at some of these properties: their residuals, with number and count."""
        found: dict[int, tuple[int, int]] = {}
        seen = {r}
        todo = [r]
        while todo:
            inner = todo.pop()
            kind, args = self.parts[inner]
            if kind == LEAF:
                if self.support[inner] & about:
                    found[inner] = (args[0], args[1])
            elif kind != CONSTANT:
                new = [a for a in args if a not in seen and self.support[a] & about]
                seen.update(new)
                todo += new
        return found

    def replace(self, r: int, into: dict[int, int]) -> int:
        """The residual with some leaves replaced, by their residuals."""
        if not into:
            return r
        memo: dict[int, int] = dict(into)
        touched = 0
        for leaf in into:
            touched |= self.support[leaf]

        def rebuilt(r: int) -> int:
            found = memo.get(r)
            if found is None:
                kind, args = self.parts[r]
                if kind in (CONSTANT, LEAF) or not self.support[r] & touched:
                    found = r
                elif kind == NOT:
                    found = self.negate(rebuilt(args[0]))
                else:
                    inner = [rebuilt(a) for a in args]
                    if inner == list(args):
                        found = r
                    else:
                        found = (self.all if kind == ALL else self.any if kind == ANY else self.one)(inner)
                memo[r] = found
            return found

        return rebuilt(r)

    def components(self, r: int, remaining: int) -> list[int]:
        """The parts of a conjunction, those together that look at the same remaining properties."""
        kind, args = self.parts[r]
        if kind != ALL:
            return [r]
        masks = [self.support[part] & remaining for part in args]
        if sum(masks) == self.support[r] & remaining:
            return list(args)  # no property is looked at twice
        groups: list[tuple[int, list[int]]] = []
        for part in args:
            mask, members = self.support[part] & remaining, [part]
            apart = []
            for other in groups:
                if other[0] & mask:
                    mask |= other[0]
                    members += other[1]
                else:
                    apart.append(other)
            groups = [*apart, (mask, members)]
        if len(groups) == 1:
            return [r]
        return [self.all(members) for _, members in groups]
