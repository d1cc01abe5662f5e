"""Networks crossed with automata: by enumeration, the contract at every node, and through the public operators."""

from __future__ import annotations

import itertools
import random
import re

import pytest
from hypothesis import given

import structgen as sg
from structgen.automata import bytedfa
from structgen.automata.bytedfa import ByteDfa
from structgen.errors import LimitError, UnsatisfiableError, UnsupportedError
from structgen.ir.cfg import Cfg, CfgNetwork, Sentence
from structgen.ir.combine import concat
from structgen.ir.intersect import Intersection
from structgen.ir.network import Network, Terminal
from structgen.testing import byte_vocabulary, check_budget, check_spellings, check_state, check_text
from tests import contextual
from tests.ir.test_cfg import check_all
from tests.naive import Naive, TooManyError
from tests.strategies import SMALL_TERMINALS, byte_dfas, cfgs, counted_dfas, examples, terminals, within_reach

LENGTH = 5
ANYTHING = bytedfa.from_edges(1, [(0, 0, 255, 0)], [0])


def both(network: Network, dfa: ByteDfa) -> set[bytes]:
    """The short texts of a network that an automaton accepts, one by one."""
    return {word for word in Naive(network).language(LENGTH) if dfa.accepts(word)}


def crossed(network: Network, dfa: ByteDfa) -> set[bytes]:
    """The short texts of the network that crossing makes, its contract tested; none where it is refused as empty."""
    try:
        result = Intersection(network, dfa, 20_000)
    except UnsatisfiableError:
        return set()
    check_all(result)
    found = Naive(result).language(LENGTH)
    least = result.least(result.start)
    assert least == min(map(len, found)) if found else least > LENGTH
    return found


@examples(80)
@given(cfgs(), byte_dfas())
@within_reach
def test_random_grammars_and_automata(cfg: Cfg, dfa: ByteDfa) -> None:
    network = CfgNetwork(cfg)
    assert crossed(network, dfa) == both(network, dfa)


@examples(40)
@given(cfgs(symbols=terminals(), most_rules=3), byte_dfas(b"abc", 3))
@within_reach
def test_counted_terminals(cfg: Cfg, dfa: ByteDfa) -> None:
    network = CfgNetwork(cfg)
    assert crossed(network, dfa) == both(network, dfa)


@examples(15)
@given(counted_dfas(), counted_dfas(), byte_dfas(b"abc", 3))
@within_reach
def test_counts_one_after_the_other(first: ByteDfa, second: ByteDfa, dfa: ByteDfa) -> None:
    network = CfgNetwork(Cfg("s", {"s": ((Terminal(first, "t"), Terminal(second, "u")),)}))
    assert crossed(network, dfa) == both(network, dfa)


@pytest.mark.parametrize("seed", range(40))
@within_reach
def test_what_terminals_forbid_of_the_text_behind_them(seed: int) -> None:
    """Also where it makes texts impossible to finish: then the crossing leaves them out, and is live."""
    rng = random.Random(seed)
    symbols = contextual.random_symbols(rng, SMALL_TERMINALS)
    def sentence() -> Sentence:
        return tuple(rng.choice([*symbols, *symbols, "s", "r"]) for _ in range(rng.randint(0, 3)))

    rules = {name: tuple(sentence() for _ in range(rng.randint(1, 3))) for name in ("s", "r")}
    try:
        network = CfgNetwork(Cfg("s", rules))
    except UnsatisfiableError:
        return
    try:
        compare_with_bans(network)
    except TooManyError:
        return


def compare_with_bans(network: Network) -> None:
    every = Naive(network).language(LENGTH)
    for dfa in (ANYTHING, bytedfa.from_edges(2, [(0, 97, 98, 1), (1, 97, 99, 0)], [0])):
        expected = {word for word in every if dfa.accepts(word)}
        assert crossed(network, dfa) == expected
        try:
            naive = Naive(Intersection(network, dfa, 20_000))
        except UnsatisfiableError:
            continue
        for word in expected:
            assert all(naive.run(naive.start_config, word[:n]) is not None for n in range(len(word) + 1))


def test_networks_that_capture_are_refused() -> None:
    words = contextual.WordList([b"a", b"b"], 2)
    with pytest.raises(UnsupportedError, match="depends on text written before"):
        Intersection(words, ANYTHING, 1000)
    with pytest.raises(UnsupportedError, match="depends on text written before"):
        Intersection(concat(words, words), ANYTHING, 1000)


BRACKETS = sg.Lark('start: "(" start ")" start | "x"?', lexer="dynamic_complete")


def brackets(text: str) -> bool:
    if text.endswith("x"):
        text = text[:-1] + ""
    while (shorter := re.sub(r"\(x?\)", "", text)) != text:
        text = shorter
    return text in ("", "x")


def member(constraint: sg.Constraint) -> set[str]:
    grammar = sg.compile(constraint, byte_vocabulary())
    found = set()
    for text in map("".join, itertools.chain(*(itertools.product("()x", repeat=n) for n in range(8)))):
        state = grammar.advance_bytes(grammar.start, text.encode())
        if state >= 0 and grammar.accepts(state):
            found.add(text)
    return found


@pytest.mark.parametrize("pattern", ["[^x]*x[^x]*x[^x]*", r"(..)*", r"\(\(.*", r".{3,5}", r"(?!.*\(\)).*"])
def test_the_operators(pattern: str) -> None:
    every = member(BRACKETS)
    assert {"", "x", "(x)x", "(())"} <= every and ")(" not in every
    inside = {text for text in every if re.fullmatch(pattern, text)}
    assert inside and inside != every
    regex = sg.Regex(pattern)
    assert member(BRACKETS & regex) == member(regex & BRACKETS) == inside
    assert member(BRACKETS - regex) == member(BRACKETS & ~regex) == every - inside
    assert member((BRACKETS - regex) | (BRACKETS & regex)) == every
    assert member((BRACKETS & sg.Regex(".*")) & regex) == inside


def test_questions_about_grammars() -> None:
    assert sg.includes(sg.Regex("[()x]*"), BRACKETS)
    answer = sg.includes(sg.Regex("[()]*"), BRACKETS)
    assert not answer and answer.witness == "x"
    assert sg.is_empty(BRACKETS & sg.Regex("a*b"))
    assert sg.is_empty(BRACKETS & sg.Regex(r"\(*x")).witness == "x"


def test_ignored_text_and_lexers() -> None:
    """What %ignore allows is text as any other; keywords stay keywords."""
    grammar = 'start: "(" start ")" | "if" NAME | NAME\nNAME: /[a-z]+/\n%ignore " "'
    two = sg.Lark(grammar) & sg.Regex("[^ ]* [^ ]*")
    compiled = sg.compile(two, byte_vocabulary())

    def accepted(text: str) -> bool:
        state = compiled.advance_bytes(compiled.start, text.encode())
        return state >= 0 and compiled.accepts(state)

    assert accepted("if a") and accepted("( b)") and accepted("((iff) )")
    assert not accepted("a") and not accepted("(a)  ") and not accepted("a b") and not accepted("(if) ")
    # "ifa" is a name, whatever the regular language says: then nothing is left
    grammar = 'start: "if" NAME | "(" start ")"\nNAME: /[a-z]+/\n%ignore " "'
    assert sg.is_empty(sg.Lark(grammar, lexer="basic") & sg.Regex("ifa|a"))
    assert not sg.is_empty(sg.Lark(grammar, lexer="basic") & sg.Regex("ifa|if a"))


def test_masks_under_a_crossing_keep_the_laws() -> None:
    tokens: list[bytes | None] = [*(bytes([i]) for i in range(256)), b"()", b"((", b"x)", b")x", b"(x)", None]
    grammar = sg.compile(BRACKETS & sg.Regex("[^x]*x[^x]*x[^x]*"), sg.Vocabulary(tokens, [len(tokens) - 1]))
    for text in ("(x)x", "((x)x)", "(x)((x))"):
        check_text(grammar, text)
        check_spellings(grammar, text)
        for n in range(len(text)):
            check_state(grammar, grammar.advance_bytes(grammar.start, text[:n].encode()))
    for seed in range(20):
        choices = random.Random(seed).choices(range(50), k=30)
        text = check_budget(grammar, choices, spare=8).decode()
        assert brackets(text.replace("x", "", 1).replace("x", "", 1)) and text.count("x") == 2


def test_special_tokens_are_no_characters() -> None:
    vocabulary = sg.Vocabulary([*(bytes([i]) for i in range(256)), None, None], [256], special={"<|a|>": 257})
    grammar = sg.Lark('start: "(" start ")" | <|a|> | "x"')
    assert sg.compile(grammar & sg.Regex(".*"), vocabulary).advance(0, 257) == -1
    without = sg.compile(grammar - sg.Regex("x"), vocabulary)
    assert without.advance(without.start, 257) >= 0 and without.advance_bytes(without.start, b"x") == -1


def test_what_costs_too_much_is_refused() -> None:
    limits = sg.Limits(max_automaton_states=300)
    with pytest.raises(LimitError, match="more than 300 ") as caught:
        sg.compile(BRACKETS & sg.Regex("(....................)*"), byte_vocabulary(), limits=limits)
    assert "max_automaton_states" in str(caught.value)
    with pytest.raises(UnsupportedError, match="both sides nest"):
        sg.compile(BRACKETS & BRACKETS, byte_vocabulary())
    with pytest.raises(UnsupportedError, match="what is taken away"):
        sg.compile(sg.Regex(".*") - BRACKETS, byte_vocabulary())
