"""Drafts: what may come next, guessed ahead of the model, as a tree of tokens."""

from __future__ import annotations

from typing import NamedTuple

from structgen.sampling.choose import TokenLaw

#: The place before the first token of a draft.
ROOT = -1


class Branches(NamedTuple):
    """Guesses for one token, in the order in which they are tested.

    Attributes:
        tokens: the guesses.
        law: what they were drawn from, by the draws themselves: a mask or a temperature that took part is in it.
            None: they were not drawn, but chosen without chance.
        replaced: each was drawn from the whole law; otherwise from what the ones before it left.
    """

    tokens: tuple[int, ...]
    law: TokenLaw | None = None
    replaced: bool = True


class Draft:
    """A tree of guessed tokens. Nodes are numbered from 0; a parent comes before its children.

    Attributes:
        tokens: the token of each node.
        parents: the node before each, or ROOT.
        branches: for a place (a node or ROOT) the guesses after it. A guess need not have a node: the grammar
            refuses it, it ends the text, or there was no room.
        sources: for a place that has branches, who guessed, by a name that :mod:`.pace` keeps its records under.
    """

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.parents: list[int] = []
        self.branches: dict[int, Branches] = {}
        self.sources: dict[int, tuple[int, int]] = {}
        self._children: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return len(self.tokens)

    def add(self, parent: int, token: int) -> int:
        """The node of a token after a place; made if it is new."""
        node = self._children.get((parent, token))
        if node is None:
            node = self._children[parent, token] = len(self.tokens)
            self.tokens.append(token)
            self.parents.append(parent)
        return node

    def child(self, place: int, token: int) -> int | None:
        """The node of a token after a place, or None."""
        return self._children.get((place, token))

    def path(self, place: int) -> list[int]:
        """The tokens from the beginning up to a place, its own included."""
        found = []
        while place != ROOT:
            found.append(self.tokens[place])
            place = self.parents[place]
        return found[::-1]

    def depths(self) -> list[int]:
        """How many tokens lie before each node."""
        depths: list[int] = []
        for parent in self.parents:
            depths.append(0 if parent == ROOT else depths[parent] + 1)
        return depths

    @property
    def is_chain(self) -> bool:
        """Does each node follow the one before it?"""
        return self.parents == list(range(-1, len(self.parents) - 1))
