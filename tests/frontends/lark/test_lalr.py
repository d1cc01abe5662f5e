"""The automaton of the parser: state by state what Lark's own analysis says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from lark.common import ParserConf
from lark.grammar import NonTerminal, Rule, RuleOptions, Terminal
from lark.parsers.lalr_analysis import LALR_Analyzer

from structgen.errors import UnsupportedError
from structgen.frontends.lark import load
from structgen.frontends.lark.grammar import LarkGrammar
from structgen.frontends.lark.lalr import Lalr, analyse
from structgen.source import Lark
from structgen.source.library import load_grammar

TEXTS = {
    "empty parts": 'start: a b? c*\na: b? "x"?\nb: "y" a\nc: "z" start | "w"',
    "left and right": 'start: start "+" t | t\nt: "(" start ")" | "-" t | "n" | t "!"',
    "dangling else": 'start: "if" start ("else" start)? | "s"',
    "only empty": 'start: a\na: b*\nb: "x"',
    "lalr, not slr": 'start: l "=" r | r\nl: "*" r | "id"\nr: l',
    "priorities of rules": 'start: a "x" | b "x" | b "y"\na.2: "n"\nb.1: "n"',
}

#: A state: where symbols lead, what is accepted, what is lost.
State = tuple[dict[str, int], frozenset[str], Mapping[Any, frozenset[str]]]


def judged(grammar: LarkGrammar) -> list[State]:
    """What Lark says, states in a canonical order."""
    known = {(r.origin, tuple(s.name for s in r.expansion)): r for r in grammar.rules}
    rules = []
    for r in grammar.rules:
        symbols: list[Any] = [Terminal(s.name) if s.is_terminal else NonTerminal(s.name) for s in r.expansion]
        rules.append(Rule(NonTerminal(r.origin), symbols, r.order, None, RuleOptions(priority=r.priority)))
    analyzer: Any = LALR_Analyzer(ParserConf(rules, {}, [grammar.start]))
    analyzer.compute_lalr()
    order = [analyzer.lr0_start_states[grammar.start]]
    found: list[State] = []
    for itemset in order:
        goto = {}
        for symbol, target in sorted(itemset.transitions.items(), key=lambda pair: str(pair[0].name)):
            if target not in order:
                order.append(target)
            goto[str(symbol.name)] = order.index(target)
        shifted = {str(s.name) for s in itemset.transitions if s.is_term}
        lost: dict[object, set[str]] = {}
        for symbol, several in itemset.lookaheads.items():
            best = max(rule.options.priority or 0 for rule in several)
            for rule in several:
                mine = lost.setdefault(known[str(rule.origin.name), tuple(str(s.name) for s in rule.expansion)], set())
                if symbol.name in shifted or (rule.options.priority or 0) < best:
                    mine.add(str(symbol.name))
        accepts = frozenset(shifted | {str(s.name) for s in itemset.lookaheads})
        found.append((goto, accepts, {rule: frozenset(names) for rule, names in lost.items()}))
    return found


def ours(lalr: Lalr) -> list[State]:
    """Our automaton, states in the same order."""
    order = [lalr.start]
    found: list[State] = []
    for state in order:
        goto = {}
        for symbol, target in sorted(lalr.goto[state].items()):
            if target not in order:
                order.append(target)
            goto[symbol] = order.index(target)
        found.append((goto, lalr.accepts[state], lalr.lost[state]))
    return found


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_small_grammars(text: str) -> None:
    grammar = load(Lark(text))
    assert ours(analyse(grammar)) == judged(grammar)


@pytest.mark.parametrize("name", ["arithmetic", "folio", "pddl", "sparql"])
def test_grammars_of_the_library(name: str) -> None:
    grammar = load(load_grammar(name))
    assert ours(analyse(grammar)) == judged(grammar)


def test_two_rules_that_end_alike_are_refused() -> None:
    grammar = load(Lark('start: a "x" | b "x"\na: "n"\nb: "n"'))
    with pytest.raises(UnsupportedError, match="X ends either of <a : N>, <b : N>"):
        analyse(grammar)
