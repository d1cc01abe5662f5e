"""What is known of the future of prefixes: a trie of over-estimates, shared by ASAp and CARS.

For a prefix u let c(u) be the probability that the model, going on by itself, ends in the language. A node holds
log theta(u) >= log c(u). Only visited prefixes have nodes: what has not been visited has theta 1 if the grammar
allows it and 0 if not, so a node costs a dictionary of its visited children and not a number for each token.

Source: Park et al., "Grammar-Aligned Decoding" (2024). A trie is good for one prompt, model, temperature, grammar and
budget; :func:`save` writes what it belongs to, :func:`load` refuses another.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structgen.errors import InputError
from structgen.sampling.problem import Law, Problem, log_sum

Float64Array = NDArray[np.float64]
_FORMAT = 1
_COLUMNS = ("parents", "tokens", "logps", "thetas", "rests", "outsides", "known")


class Node:
    """A visited prefix.

    Attributes:
        log_theta: over-estimate of the log-probability that the text ends well.
        children: for each visited token its log-probability and its node.
        log_rest: log of the mass of the allowed tokens without a node.
        log_outside: log of the mass of refused tokens that are not yet known to be refused.
        refused: refused tokens that are known, where they are learnt one by one.
    """

    __slots__ = ("children", "known", "log_outside", "log_rest", "log_theta", "refused")

    def __init__(self, log_theta: float = 0.0) -> None:
        self.log_theta = log_theta
        self.log_rest = self.log_outside = -np.inf
        self.children: dict[int, tuple[float, Node]] = {}
        self.refused: set[int] = set()
        self.known = False

    def learn(self, law: Law, log_outside: float = -np.inf) -> None:
        """Take in which tokens are allowed here. ``log_outside``: what is still thought possible of the others."""
        if not self.known:
            self.known = True
            self.log_rest = law.log_mass
        self.log_outside = log_outside

    def child(self, law: Law, index: int) -> Node:
        """The node after the token at an index of the law, made if it is new."""
        token = int(law.ids[index])
        found = self.children.get(token)
        if found is None:
            found = self.children[token] = (float(law.logp[index]), Node())
            without = np.ones(len(law.ids), dtype=np.bool_)
            without[np.searchsorted(law.ids, list(self.children))] = False
            self.log_rest = log_sum(law.logp[without])
        return found[1]

    def weigh(self, law: Law) -> Float64Array:
        """``log P(t|u) + log theta(ut)`` for each token of the law: ``float64[n]``."""
        weights = law.logp.copy()
        for token, (_, node) in self.children.items():
            weights[np.searchsorted(law.ids, token)] += node.log_theta
        return weights

    def settle(self) -> None:
        """theta from the children. It never grows."""
        parts = [self.log_rest, self.log_outside, *(logp + node.log_theta for logp, node in self.children.values())]
        self.log_theta = min(self.log_theta, log_sum(np.array(parts)))


class Theta:
    """A trie for one problem.

    Args:
        max_nodes: prefixes that are remembered. Beyond it nothing new is learnt, which costs samples, not truth.
    """

    def __init__(self, max_nodes: int = 1_000_000) -> None:
        self.root = Node()
        self.n_nodes = 1
        self.max_nodes = max_nodes
        self.belongs: dict[str, Any] | None = None

    def bind(self, problem: Problem, model_name: str | None) -> None:
        """Tie the trie to a problem, or check that it is the one it is tied to. Raises InputError if it is not."""
        mine = identity(problem, model_name)
        if self.belongs is None:
            self.belongs = mine
        elif self.belongs != mine:
            other = [name for name in mine if mine[name] != self.belongs.get(name)]
            raise InputError(
                f"what has been learnt belongs to another problem: {', '.join(other)} differ",
                hint="Use a new sampler object for each prompt, model, temperature and constraint",
            )

    def step(self, node: Node, law: Law, index: int) -> Node:
        """The child, counted; a node that is forgotten afterwards where there is no more room."""
        if int(law.ids[index]) in node.children:
            return node.children[int(law.ids[index])][1]
        if self.n_nodes >= self.max_nodes:
            return Node()
        self.n_nodes += 1
        return node.child(law, index)

    # files

    def save(self, path: str | Path) -> None:
        """Write the trie to an ``.npz`` file: plain arrays, no code."""
        parents, tokens, logps = [-1], [-1], [0.0]
        thetas, rests, outsides, known = [], [], [], []
        refused: list[tuple[int, int]] = []
        todo = [self.root]
        for number, node in enumerate(todo):
            thetas.append(node.log_theta)
            rests.append(node.log_rest)
            outsides.append(node.log_outside)
            refused += [(number, token) for token in sorted(node.refused)]
            known.append(node.known)
            for token, (logp, child) in node.children.items():
                parents.append(number)
                tokens.append(token)
                logps.append(logp)
                todo.append(child)
        header = json.dumps({"format": _FORMAT, "belongs": self.belongs, "max_nodes": self.max_nodes})
        np.savez_compressed(
            path,
            header=np.frombuffer(header.encode(), dtype=np.uint8),
            parents=np.array(parents, dtype=np.int64),
            tokens=np.array(tokens, dtype=np.int64),
            logps=np.array(logps),
            thetas=np.array(thetas),
            rests=np.array(rests),
            outsides=np.array(outsides),
            refused=np.array(refused, dtype=np.int64).reshape(-1, 2),
            known=np.array(known, dtype=np.bool_),
        )

    @classmethod
    def load(cls, path: str | Path) -> Theta:
        """Read a trie that :meth:`save` wrote. Raises InputError for any other file."""
        try:
            with np.load(path, allow_pickle=False) as file:
                header = json.loads(file["header"].tobytes())
                columns = [file[name].tolist() for name in _COLUMNS]
                refused = file["refused"].tolist()
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{path} holds no learnt trie: {error}", hint="Give a file that save() wrote") from None
        if header.get("format") != _FORMAT or len({len(column) for column in columns}) != 1:
            raise InputError(f"{path} was written by another version", hint="Learn it again")
        theta = cls(int(header["max_nodes"]))
        theta.belongs = header["belongs"]
        nodes: list[Node] = []
        for parent, token, logp, log_theta, log_rest, log_outside, known in zip(*columns, strict=True):
            node = theta.root if parent < 0 else Node()
            node.log_theta, node.log_rest, node.log_outside, node.known = log_theta, log_rest, log_outside, known
            if parent >= len(nodes):
                raise InputError(f"{path} is damaged", hint="Learn it again")
            if parent >= 0:
                nodes[parent].children[token] = (logp, node)
            nodes.append(node)
        for number, token in refused:
            nodes[number].refused.add(token)
        theta.n_nodes = len(nodes)
        return theta


def identity(problem: Problem, model_name: str | None) -> dict[str, Any]:
    """What a trie is good for, in values that JSON can hold."""
    return {
        "model": model_name,
        "prompt": list(problem.prompt),
        "temperature": problem.temperature,
        "token_bias": [list(pair) for pair in problem.token_bias.by_id.items()],
        "max_tokens": problem.max_tokens,
        "vocabulary": problem.grammar.vocab.digest.hex(),
    }
