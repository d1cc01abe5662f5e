"""Rules and terminals to a network as Lark's Earley parser reads a text: ``lexer="dynamic"``.

Receives a :class:`LarkGrammar` loaded with counts; returns a network. At every place each terminal that the grammar
allows there is the one match that Python's ``re`` finds for its pattern by itself; no other terminal is a rival. So
a terminal carries bans: what must not follow it, for then it would have matched further. Ignored text is read in
the same way.
"""

from __future__ import annotations

from structgen.frontends.lark.contexts import WHOLE
from structgen.frontends.lark.following import firsts, nullable, successors
from structgen.frontends.lark.grammar import LarkGrammar
from structgen.frontends.lark.lexing import Context, Lexicon
from structgen.frontends.lark.network import finished
from structgen.frontends.lark.rules import add_rules
from structgen.frontends.lark.threads import Piece
from structgen.frontends.lark.tokens import Tokens
from structgen.ir import Builder, Network, Terminal


class _Alone(Lexicon):
    """The terminals, each read as if there were no others."""

    def tokens(self, name: str, context: Context) -> list[Piece]:
        return self._race(name, frozenset([name]))

    def ignored(self, context: Context) -> list[Piece]:
        return [piece for name in self.ignore for piece in self._race(name, frozenset([name]))]


def network(grammar: LarkGrammar, max_states: int) -> Network:
    """The network of the texts that Lark's Earley parser accepts with its lexer "dynamic".

    Args:
        grammar: loaded with ``counted=True``.
        max_states: limit on the states of any one automaton.

    Raises:
        UnsupportedError: a terminal's pattern, or two terminals next to each other, cannot be honoured exactly.
        UnsatisfiableError: there is no text.
    """
    tokens = Tokens(_Alone(grammar, max_states))
    everywhere = tokens.lexicon.everywhere
    rules = _adjacency(grammar)
    behind = successors(rules)
    known: dict[str, Terminal | None] = {}

    def terminal(name: str, where: str | None) -> Terminal | None:
        if name not in known:
            follow = frozenset(behind.get(name, ())) & everywhere
            known[name] = tokens.token(name, everywhere, everywhere, follow)
        return known[name]

    builder = Builder()
    add_rules(builder, grammar, terminal)
    begin = frozenset(firsts(rules, nullable(rules))[grammar.start]) & everywhere
    blank = tokens.blank(tokens.lexicon.ignored(everywhere), begin)
    builder.rule(WHOLE, [grammar.start])
    if blank is not None:
        builder.rule(WHOLE, [blank, grammar.start])
    return finished(builder.build(WHOLE))


def _adjacency(grammar: LarkGrammar) -> dict[str, list[tuple[str, ...]]]:
    """Rules in which the same symbols stand next to each other as in the grammar, counts worked in."""
    result = {}
    for name, alternatives in grammar.alternatives.items():
        sentences = [tuple(s.name for s in rule.expansion) for rule in alternatives]
        count = grammar.counts.get(name)
        if count is not None and count.lo == 0:
            sentences.append(())
        if count is not None and count.hi != 1:
            sentences.append((name, name))
        result[name] = sentences
    return result
