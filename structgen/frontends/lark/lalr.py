"""The states of Lark's LALR parser for a grammar: what its contextual lexer goes by.

Receives a :class:`LarkGrammar`; returns :class:`Lalr`: which terminals each state accepts, where symbols lead, and
which reductions lose a conflict. Lark's own analysis does the work (DeRemer and Pennello 1982).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lark.common import ParserConf
from lark.exceptions import GrammarError
from lark.grammar import NonTerminal, Rule, RuleOptions, Symbol, Terminal
from lark.parsers.lalr_analysis import LALR_Analyzer

from structgen.errors import UnsupportedError
from structgen.frontends.lark.grammar import LarkGrammar, LarkRule, LarkSymbol


@dataclass(frozen=True)
class Lalr:
    """The automaton. States are numbers.

    Attributes:
        start: the state before the text.
        goto: for each state, where terminals and rules lead, by name.
        accepts: for each state, the terminals for which the parser has an action there.
        lost: for each state, by rule that may be reduced there, the terminals for which something else is done.
    """

    start: int
    goto: Sequence[Mapping[str, int]]
    accepts: Sequence[frozenset[str]]
    lost: Sequence[Mapping[LarkRule, frozenset[str]]]

    @property
    def has_conflicts(self) -> bool:
        """Does the parser refuse texts that the grammar would allow?"""
        return any(any(lost.values()) for lost in self.lost)


def analyse(grammar: LarkGrammar) -> Lalr:
    """The automaton of a grammar.

    Raises:
        UnsupportedError: Lark's LALR parser refuses the grammar (two rules could be reduced at one place).
    """
    known = {(rule.origin, rule.expansion): rule for rule in grammar.rules}
    rules = []
    for rule in grammar.rules:
        symbols: list[Symbol] = [Terminal(s.name) if s.is_terminal else NonTerminal(s.name) for s in rule.expansion]
        options = RuleOptions(priority=rule.priority)
        rules.append(Rule(NonTerminal(rule.origin), symbols, rule.order, None, options))
    analyzer: Any = LALR_Analyzer(ParserConf(rules, {}, [grammar.start]))
    try:
        analyzer.compute_lalr()
    except GrammarError as error:
        raise UnsupportedError(
            f"Lark's LALR parser cannot take this grammar: {' '.join(str(error).split())}",
            where=grammar.file,
            hint='Make it unambiguous with one token of lookahead, or use lexer="dynamic_complete"',
        ) from None
    itemsets = [analyzer.lr0_start_states[grammar.start]]
    numbers = {id(itemsets[0]): 0}
    for itemset in itemsets:
        for following in itemset.transitions.values():
            if id(following) not in numbers:
                numbers[id(following)] = len(itemsets)
                itemsets.append(following)
    goto = [{str(s.name): numbers[id(t)] for s, t in itemset.transitions.items()} for itemset in itemsets]
    accepts = []
    lost = []
    for itemset in itemsets:
        shifted = {str(s.name) for s in itemset.transitions if s.is_term}
        accepts.append(frozenset(shifted | {str(s.name) for s in itemset.lookaheads}))
        losing: dict[LarkRule, set[str]] = {}
        for symbol, reduced in itemset.lookaheads.items():
            best = max(reduced, key=lambda r: r.options.priority or 0)  # equal ones were refused above
            for rule in reduced:
                found = losing.setdefault(known[_content(rule)], set())
                if str(symbol.name) in shifted or rule is not best:
                    found.add(str(symbol.name))
        lost.append({rule: frozenset(names) for rule, names in losing.items()})
    return Lalr(0, goto, accepts, lost)


def _content(rule: Any) -> tuple[str, tuple[LarkSymbol, ...]]:
    return str(rule.origin.name), tuple(LarkSymbol(str(s.name), s.is_term) for s in rule.expansion)


def quotient(lalr: Lalr, outputs: Sequence[Hashable]) -> tuple[Lalr, list[int]]:
    """The automaton with states merged that cannot be told apart by their outputs, now or later.

    Symbols for which a state has no way are not held against it: no text takes such a way.

    Args:
        lalr: the automaton.
        outputs: what is seen of each state; equal ones must have equal ``lost``.

    Returns:
        The smaller automaton (``accepts`` united), and for each of its states one of those that it stands for.
    """
    numbers: dict[Hashable, int] = {}
    group = [numbers.setdefault(output, len(numbers)) for output in outputs]
    while True:
        # a group is split where its states go to different groups by one symbol
        ways: dict[tuple[int, str], set[int]] = {}
        for state, goto in enumerate(lalr.goto):
            for symbol, target in goto.items():
                ways.setdefault((group[state], symbol), set()).add(group[target])
        torn: dict[int, list[str]] = {}
        for (number, symbol), targets in ways.items():
            if len(targets) > 1:
                torn.setdefault(number, []).append(symbol)
        if not torn:
            break
        numbers = {}
        group = [
            numbers.setdefault(
                (number, *(group[goto[s]] if s in goto else -1 for s in torn.get(number, ()))), len(numbers)
            )
            for number, goto in zip(group, lalr.goto, strict=True)
        ]
    size = max(group) + 1
    goto_of: list[dict[str, int]] = [{} for _ in range(size)]
    accepts: list[frozenset[str]] = [frozenset()] * size
    lost: list[Mapping[LarkRule, frozenset[str]]] = [{}] * size
    sample = [0] * size
    for state, number in enumerate(group):
        sample[number] = state
        goto_of[number].update((symbol, group[target]) for symbol, target in lalr.goto[state].items())
        accepts[number] |= lalr.accepts[state]
        lost[number] = lalr.lost[state] if any(lalr.lost[state].values()) else {}
    return Lalr(group[lalr.start], goto_of, accepts, lost), sample
