"""From a Lark grammar to the network of its texts, with Lark's lexer between text and grammar.

Receives a :class:`LarkGrammar` whose rules are those of Lark, and the name of the lexer; returns a network.
"""

from __future__ import annotations

from typing import Any, Literal

from structgen.frontends.lark.contexts import WHOLE, Instances, merged
from structgen.frontends.lark.following import firsts, nullable, successors
from structgen.frontends.lark.grammar import LarkGrammar
from structgen.frontends.lark.indentation import BLANKS, Lines, indentation
from structgen.frontends.lark.indented import IndentedNetwork
from structgen.frontends.lark.lalr import analyse
from structgen.frontends.lark.lexing import Lexicon
from structgen.frontends.lark.liveness import check
from structgen.frontends.lark.tokens import Tokens
from structgen.ir.cfg import Builder, Cfg, CfgNetwork
from structgen.ir.network import Network, Terminal
from structgen.ir.passes import trim


def build(grammar: LarkGrammar, lexer: Literal["basic", "contextual"], max_states: int, postlex: Any = None) -> Network:
    """The network of the texts that Lark's LALR parser accepts with one of its lexers.

    Args:
        grammar: the grammar, its rules as Lark has them.
        lexer: "basic": the lexer knows nothing of the grammar; "contextual": it tries only terminals that the parser
            accepts at the place.
        max_states: limit on the states of any one automaton.
        postlex: ``"indent"`` or an Indenter of Lark's, for grammars with indentation.

    Raises:
        UnsupportedError: Lark's LALR parser refuses the grammar; or a terminal's pattern, or two terminals next to
            each other, cannot be honoured exactly.
        UnsatisfiableError: there is no text.
    """
    lalr = analyse(grammar)
    tokens = Tokens(Lexicon(grammar, max_states, BLANKS if postlex else ()))
    if lexer == "basic" and not lalr.has_conflicts and not postlex:
        return finished(_plain(grammar, tokens))
    lines = Lines(indentation(postlex), tokens) if postlex else None
    instances = Instances(grammar, lalr, tokens, one_context=lexer == "basic", lines=lines)
    return finished(merged(trim(instances.build())), lines)


def _plain(grammar: LarkGrammar, tokens: Tokens) -> Cfg:
    """The grammar as it is, where each terminal looks the same everywhere."""
    lexicon = tokens.lexicon
    rules = {
        name: [tuple(s.name for s in rule.expansion) for rule in alternatives]
        for name, alternatives in grammar.alternatives.items()
    }
    behind = successors(rules)
    context = lexicon.everywhere
    terminals: dict[str, Terminal | None] = {}
    for name in lexicon.by_name:
        follow = frozenset(behind.get(name, ())) & context
        terminals[name] = tokens.token(name, context, context, follow)
    builder = Builder()
    for name, alternatives in grammar.alternatives.items():
        builder.rule(name, where=str(alternatives[0].place) if alternatives[0].place else None)
        for rule in alternatives:
            symbols = [terminals.get(s.name) if s.is_terminal else s.name for s in rule.expansion]
            if None not in symbols:
                builder.rule(name, [s for s in symbols if s is not None])
    start = grammar.start
    begin = frozenset(firsts(rules, nullable(rules))[start]) & context
    blank = tokens.blank(lexicon.ignored(context), begin)
    builder.rule(WHOLE, [start])
    if blank is not None:
        builder.rule(WHOLE, [blank, start])
    return builder.build(WHOLE)


def finished(cfg: Cfg, lines: Lines | None = None) -> Network:
    """The network of a grammar over terminals with bans, proved to have no dead ends."""
    network = CfgNetwork(cfg)
    check(network.cfg)
    return network if lines is None else IndentedNetwork(network, lines)
