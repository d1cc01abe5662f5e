"""Grammars: builder, printed notation, passes one by one, and the network."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, given

from structgen.automata import bytedfa
from structgen.errors import SourceSyntaxError, UnsatisfiableError
from structgen.ir import grammar_text
from structgen.ir.cfg import Builder, Cfg, CfgNetwork
from structgen.ir.grammar import least_costs, nullable_rules
from structgen.ir.network import END, Call, Key, Network, Terminal, check_node
from structgen.ir.passes import (
    PASSES,
    collapse_units,
    left_recursive,
    nonempty_fronts,
    prepare,
    remove_left_recursion,
    trim,
)
from structgen.ir.terminals import nonempty, nullable
from tests.naive import Naive, TooManyError, cfg_language, cfg_least, dfa_words
from tests.strategies import SMALL_TERMINALS, byte_dfas, cfgs, examples

A, B, AB, MAYBE_A, B_OR_AB, ABS, BS = SMALL_TERMINALS


def grammar(text: str) -> Cfg:
    return grammar_text.from_text(text, {t.name: t for t in SMALL_TERMINALS})


def check_all(network: Network) -> set[Key]:
    """Check the contract at every node; returns the keys. For networks with finitely many nodes."""
    seen: set[Key] = set()
    todo = [network.start]
    while todo:
        key = todo.pop()
        if key not in seen:
            seen.add(key)
            check_node(network, key)
            for edge in network.expand(key).edges:
                if isinstance(edge.symbol, Call):
                    todo.append(edge.symbol.key)
                if edge.label is not END:
                    todo.append(network.follow(key, edge.label))
    return seen


def test_printed_form() -> None:
    cfg = Cfg("s", {"a b": ((), (A,)), "s": (("a b", B, "s"), ("e",)), "e": ()})
    assert grammar_text.to_text(cfg) == ('s -> <"a b"> "b" s\n    | e ;\n<"a b"> -> ()\n    | "a" ;\ne ->  ;\n')


def test_terminals_of_one_name_are_told_apart() -> None:
    other = Terminal(bytedfa.literal(b"x"), "a")
    cfg = Cfg("s", {"s": ((A, other, A),)})
    assert grammar_text.to_text(cfg) == 's -> "a" "a2" "a" ;\n'
    assert grammar_text.from_text(grammar_text.to_text(cfg), {"a": A, "a2": other}).rules == cfg.rules


@examples(60)
@given(cfgs())
def test_what_is_printed_reads_back(cfg: Cfg) -> None:
    names = grammar_text.terminal_names(cfg)
    again = grammar_text.from_text(grammar_text.to_text(cfg), {name: t for t, name in names.items()})
    assert (again.start, again.rules) == (cfg.start, cfg.rules)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('s -> "a"', "a symbol, an arrow, '|' or ';' is missing (at line 1)"),
        ('s -> "zz" ;', "unknown terminal 'zz'"),
        ("s -> t ;", "rule 's' uses 't', which is not defined"),
        ('s "a" ;', "a rule begins with its name and an arrow"),
        ('s -> "a"\nt -> "b" ;', "rule 's' lacks its final ';'"),
        ("", "a grammar has at least one rule"),
    ],
)
def test_malformed_notation(text: str, message: str) -> None:
    with pytest.raises(SourceSyntaxError) as caught:
        grammar(text)
    assert str(caught.value) == message


def test_builder_names_an_undefined_rule_and_its_place() -> None:
    builder = Builder()
    builder.rule("s", [A, "t"], where="line 3")
    with pytest.raises(SourceSyntaxError, match="rule 's' uses 't', which is not defined") as caught:
        builder.build("s")
    assert caught.value.where == "line 3"
    with pytest.raises(SourceSyntaxError, match="start rule 'q' is not defined"):
        builder.build("q")


def test_helper_rules_are_shared_and_never_clash() -> None:
    builder = Builder()
    assert builder.star(A) == builder.star(A)
    assert builder.star(A) != builder.star(B)
    builder.rule("star#3", [B])
    assert builder.star(AB) not in ("star#1", "star#2", "star#3")


@pytest.mark.parametrize(
    ("lo", "hi", "counts"),
    [(0, 0, [0]), (0, 1, [0, 1]), (2, 2, [2]), (1, 3, [1, 2, 3]), (0, None, range(8)), (2, None, range(2, 8))],
)
def test_repeat(lo: int, hi: int | None, counts: list[int]) -> None:
    builder = Builder()
    builder.rule("s", [builder.repeat([A], lo, hi)])
    rules = builder.build("s").rules
    assert cfg_language(rules, "s", 7) == {b"a" * n for n in counts}


def test_optional_either_plus() -> None:
    builder = Builder()
    builder.rule("s", [builder.optional(A, B), builder.either([B], [A, A]), builder.plus(B)])
    language = cfg_language(builder.build("s").rules, "s", 4)
    assert language == {b"bb", b"bbb", b"bbbb", b"abbb", b"aab", b"aabb"}


# Terminals


@examples(60)
@given(byte_dfas())
def test_nonempty_terminal(dfa: bytedfa.ByteDfa) -> None:
    terminal = Terminal(dfa, "t")
    rest = nonempty(terminal)
    words = dfa_words(dfa, 5)
    assert nullable(terminal) == (b"" in words)
    assert (set() if rest is None else dfa_words(rest.dfa, 5)) == words - {b""}


# Passes


@pytest.mark.parametrize("run", [trim, collapse_units, nonempty_fronts, remove_left_recursion, prepare])
@examples(80)
@given(cfgs())
def test_passes_keep_the_language(run: Callable[[Cfg], Cfg], cfg: Cfg) -> None:
    before = cfg_language(cfg.rules, cfg.start, 5)
    try:
        after = run(cfg)
    except UnsatisfiableError:
        assert cfg_least(cfg.rules, cfg.start) is None
        return
    assert cfg_language(after.rules, after.start, 5) == before


@examples(80)
@given(cfgs())
def test_what_passes_promise(cfg: Cfg) -> None:
    assert not left_recursive(remove_left_recursion(cfg))
    trimmed = trim(cfg)
    if trimmed.rules[trimmed.start]:
        assert set(least_costs(trimmed)) == set(trimmed.rules)
    fronts = nonempty_fronts(cfg)
    empty = nullable_rules(fronts)
    for name, alternatives in fronts.rules.items():
        for front in (alternative[0] for alternative in alternatives if alternative):
            assert not nullable(front) if isinstance(front, Terminal) else front not in empty
        assert (() in alternatives) == (name in empty)


@examples(80)
@given(cfgs())
def test_least_costs(cfg: Cfg) -> None:
    costs = least_costs(cfg)
    for name in cfg.rules:
        assert costs.get(name) == cfg_least(cfg.rules, name)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # direct
        ('e -> e "b" "a" | "a" ;', 'e -> "a" <"e/e"> ;\n<"e/e"> -> "b" "a" <"e/e">\n    | () ;\n'),
        # hidden behind a symbol that may be empty
        (
            's -> "a?" s "b" | "a" ;',
            's -> "a?" s "b" <"s/s">\n    | "a" <"s/s"> ;\n<"s/s"> -> "b" <"s/s">\n    | () ;\n',
        ),
        # a rule that takes no part stays as it is
        (
            's -> s t | t ;\nt -> "a" t | "b" ;',
            's -> t <"s/s"> ;\nt -> "a" t\n    | "b" ;\n<"s/s"> -> t <"s/s">\n    | () ;\n',
        ),
    ],
)
def test_left_recursion_removed(before: str, after: str) -> None:
    assert grammar_text.to_text(remove_left_recursion(grammar(before))) == after


def test_unit_cycles_become_one_rule() -> None:
    cfg = grammar('s -> t | "a" s ;\nt -> s | "b" ;')
    assert grammar_text.to_text(collapse_units(cfg)) == 's -> "a" s\n    | "b" ;\n'


def test_grammars_without_left_recursion_are_not_touched() -> None:
    cfg = grammar('s -> "a" s | m s "b" | () ;\nm -> "a?" "b" ;')
    assert remove_left_recursion(cfg) is cfg


def test_long_optional_sequences_stay_small() -> None:
    rules = {"s": (("s", B), tuple(f"o{i}" for i in range(60)))}
    rules |= {f"o{i}": ((A,), ()) for i in range(60)}
    after = prepare(Cfg("s", rules))
    assert sum(len(a) for alternatives in after.rules.values() for a in alternatives) < 10_000


def test_trace_shows_each_pass() -> None:
    shown: list[str] = []
    prepare(grammar('s -> s "b" | "a" ;'), lambda name, cfg: shown.append(f"{name}: {len(cfg.rules)}"))
    assert shown == ["trim: 1", "collapse_units: 1", "remove_left_recursion: 2", "trim: 2"]
    assert len(PASSES) == 4


# The network


@examples(120)
@given(cfgs())
def test_network_has_the_language_of_the_grammar(cfg: Cfg) -> None:
    before = cfg_language(cfg.rules, cfg.start, 5)
    try:
        network = CfgNetwork(cfg)
    except UnsatisfiableError:
        assert cfg_least(cfg.rules, cfg.start) is None
        return
    check_all(network)
    assert network.least(network.start) == cfg_least(cfg.rules, cfg.start)
    try:
        assert Naive(network).language(5) == before
    except TooManyError:
        assume(False)


def test_common_prefixes_and_equal_rests_are_shared() -> None:
    network = CfgNetwork(grammar('s -> "a" "b" "ab" | "a" "b" t | "b" t ;\nt -> "b" "ab" | "b" "b+" ;'))
    assert len(network.expand(network.start).edges) == 2
    assert len(check_all(network)) == 5


def test_unsatisfiable_start_is_named_with_its_place() -> None:
    builder = Builder()
    builder.rule("s", [A, "t"], where="line 1")
    builder.rule("t", ["t", B])
    with pytest.raises(UnsatisfiableError) as caught:
        CfgNetwork(builder.build("s"))
    assert "rule 's' has no text" in caught.value.message
    assert caught.value.where == "line 1"
    assert caught.value.hint


def test_another_start() -> None:
    cfg = grammar('s -> "a" t ;\nt -> "b" ;')
    assert Naive(CfgNetwork(cfg, "t")).language(3) == {b"b"}


def test_edges_know_their_place() -> None:
    builder = Builder()
    builder.rule("s", [A, "t"], [A, A, B], where="line 1")
    builder.rule("t", ["t", B], [A], where="line 2")
    network = CfgNetwork(builder.build("s"))
    for key in check_all(network):
        for edge in network.expand(key).edges:
            assert network.describe(key, edge.label) in ("line 1", "line 2")


def test_long_chains_of_rules_need_no_deep_stack() -> None:
    rules = {f"r{i}": ((A, f"r{i + 1}"),) for i in range(3000)}
    rules["r3000"] = ((A,) * 3000, ("r2999", B))
    network = CfgNetwork(Cfg("r0", rules))
    assert network.least("r0") == 6000
