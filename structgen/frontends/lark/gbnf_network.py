"""GBNF rules to a network.

Receives :class:`GbnfRules`; returns a network. Rules that need no stack are put in where they are used, and
everything between two references that do need one becomes a single terminal: of a JSON grammar, ``"{" ws`` and a
whole string are one automaton each.
"""

from __future__ import annotations

from collections.abc import Mapping

from structgen.automata import to_bytedfa, utf8
from structgen.errors import LimitError
from structgen.frontends.lark.gbnf import REGULAR, GbnfRules, Options, Reference, Sequence, Times, Tree, sequence, times
from structgen.frontends.lark.gbnf import options as either
from structgen.frontends.regex import ast, unparse
from structgen.frontends.regex.compile import plain
from structgen.ir import Builder, CfgNetwork, Terminal
from structgen.ir.grammar import Sentence

#: Rules are put in where they are used while what results has no more nodes than this.
MAX_INLINED = 300
#: What needs no stack becomes one terminal while that has no more states than this.
MAX_JOINED_STATES = 2_000


def network(rules: GbnfRules, max_states: int) -> CfgNetwork:
    """The network of a grammar.

    Raises:
        LimitError: a terminal has more than ``max_states`` states.
        UnsatisfiableError: ``root`` has no text.
    """
    return _Lowering(rules, max_states).run()


class _Lowering:
    def __init__(self, rules: GbnfRules, max_states: int) -> None:
        self.rules = rules
        self.max_states = max_states
        self.builder = Builder()
        self._terminals: dict[ast.Node, Sentence] = {}

    def run(self) -> CfgNetwork:
        trees = _inlined(dict(self.rules.trees))
        todo, done = ["root"], set()
        while todo:
            name = todo.pop()
            if name in done:
                continue
            done.add(name)
            where = str(self.rules.places[name])
            tree = trees[name]
            branches = tree.branches if isinstance(tree, Options) else (tree,)
            self.builder.rule(name, *(self.sentence(branch, where) for branch in branches), where=where)
            todo.extend(_references(tree))
        return CfgNetwork(self.builder.build("root"))

    def sentence(self, tree: Tree, where: str) -> Sentence:
        if isinstance(tree, Reference):
            return (tree.name,)
        if isinstance(tree, Sequence):
            return tuple(symbol for item in tree.items for symbol in self.sentence(item, where))
        if isinstance(tree, Options):
            return (self.builder.either(*(self.sentence(b, where) for b in tree.branches), where=where),)
        if isinstance(tree, Times):
            return (self.builder.repeat(self.sentence(tree.body, where), tree.lo, tree.hi, where),)
        return self.terminal(tree, where)

    def terminal(self, node: ast.Node, where: str) -> Sentence:
        """A regular part as one terminal, or cut into several where one would be too large."""
        if node not in self._terminals:
            self._terminals[node] = self._terminal(node, where)
        return self._terminals[node]

    def _terminal(self, node: ast.Node, where: str) -> Sentence:
        if node == ast.EMPTY:
            return ()
        simple = isinstance(node, ast.Chars) or (isinstance(node, ast.Repeat) and isinstance(node.body, ast.Chars))
        try:
            texts = plain(node, self.max_states if simple else min(self.max_states, MAX_JOINED_STATES))
        except LimitError:
            if isinstance(node, ast.Seq):
                return tuple(symbol for item in node.items for symbol in self.terminal(item, where))
            if isinstance(node, ast.Alt):
                return (self.builder.either(*(self.terminal(b, where) for b in node.branches), where=where),)
            if isinstance(node, ast.Repeat) and not simple:
                return (self.builder.repeat(self.terminal(node.body, where), node.lo, node.hi, where),)
            raise
        if texts.is_empty():
            return (self.builder.rule("%nothing"),)
        shown = unparse(node, "python")
        return (Terminal(to_bytedfa(utf8(texts)), shown if len(shown) < 60 else shown[:57] + "...", where),)


def _references(tree: Tree) -> list[str]:
    if isinstance(tree, Reference):
        return [tree.name]
    if isinstance(tree, Sequence):
        return [name for item in tree.items for name in _references(item)]
    if isinstance(tree, Options):
        return [name for branch in tree.branches for name in _references(branch)]
    return _references(tree.body) if isinstance(tree, Times) else []


def _size(node: ast.Node) -> int:
    return 1 + sum(map(_size, ast.children(node)))


def _inlined(trees: dict[str, Tree]) -> dict[str, Tree]:
    """References to rules without references replaced by what those stand for, until none is left."""
    regular = {name: tree for name, tree in trees.items() if isinstance(tree, REGULAR) and _size(tree) <= MAX_INLINED}
    waiting = {name: tree for name, tree in trees.items() if name not in regular}
    while True:
        found = {}
        for name, tree in waiting.items():
            if any(reference in regular for reference in _references(tree)):
                waiting[name] = tree = _replaced(tree, regular)
            if isinstance(tree, REGULAR) and _size(tree) <= MAX_INLINED and name != "root":
                found[name] = tree
        if not found.keys() - regular.keys():
            return {**regular, **waiting}
        regular.update(found)
        waiting = {name: tree for name, tree in waiting.items() if name not in found}


def _replaced(tree: Tree, regular: Mapping[str, ast.Node]) -> Tree:
    if isinstance(tree, Reference):
        return regular.get(tree.name, tree)
    if isinstance(tree, Sequence):
        return sequence([_replaced(item, regular) for item in tree.items])
    if isinstance(tree, Options):
        return either([_replaced(branch, regular) for branch in tree.branches])
    if isinstance(tree, Times):
        return times(_replaced(tree.body, regular), tree.lo, tree.hi)
    return tree
