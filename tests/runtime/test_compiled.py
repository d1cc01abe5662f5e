"""The pinned interface of compiled grammars, by example."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import structgen
from structgen import bits
from structgen.automata.bytedfa import choices, from_edges
from structgen.compile import compile_network
from structgen.errors import InputError, LimitError, VocabularyError
from structgen.ir import cfg
from structgen.ir.combine import from_terminal
from structgen.ir.network import Network, Terminal
from structgen.limits import Limits
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime import CompiledGrammar, Matcher

TOKENS: list[bytes | None] = [*(bytes([b]) for b in range(256)), b"ye", b"es", b"yes", b"no", b"o!", None, None]
EOS = [261, 262]
VOCAB = Vocabulary(TOKENS, EOS, size=300)


def grammar(*words: bytes) -> CompiledGrammar:
    return compile_network(from_terminal(Terminal(choices(words), "word", "#/enum")), VOCAB)


def nested() -> Network:
    """Balanced brackets around x."""
    build = cfg.Builder()
    left, right, x = (Terminal(choices([w]), w.decode()) for w in (b"[", b"]", b"x"))
    build.rule("S", [x], [left, "S", right])
    return cfg.network(build.build("S"))


def allowed(g: CompiledGrammar, state: int) -> set[int]:
    return set(bits.ids(g.mask(state)).tolist())


def test_masks_of_a_choice() -> None:
    g = grammar(b"yes", b"no")
    assert allowed(g, g.start) == {ord("y"), ord("n"), 256, 258, 259}
    state = g.advance(g.start, 256)
    assert allowed(g, state) == {ord("s")}
    state = g.advance(state, ord("s"))
    assert g.accepts(state)
    assert allowed(g, state) == set(EOS)
    assert g.mask(g.start).shape == (10,)
    assert g.mask(g.start).dtype == np.int32


def test_eos_leads_to_the_final_state_where_the_text_may_end() -> None:
    g = grammar(b"no", b"no!")
    assert g.advance(g.start, EOS[0]) == -1
    state = g.advance_bytes(g.start, b"no")
    final = g.advance(state, EOS[1])
    assert final >= 0
    assert g.accepts(final)
    assert allowed(g, final) == set(EOS)
    assert g.advance(final, ord("!")) == -1
    assert g.advance(final, EOS[0]) == final
    assert g.forced_bytes(final) == b""
    assert g.min_tokens_left(final) == g.min_bytes_left(final) == 0
    assert allowed(g, state) == {ord("!"), *EOS}


def test_tokens_that_are_not_allowed_are_refused() -> None:
    g = grammar(b"yes")
    assert g.advance(g.start, ord("x")) == -1
    assert g.advance(g.start, 280) == -1  # past the tokens
    assert g.advance(g.start, -1) == -1
    assert g.advance(g.start, 300) == -1
    assert g.advance_bytes(g.start, b"yea") == -1


def test_a_state_that_is_none_is_an_error() -> None:
    g = grammar(b"yes")
    for ask in (g.mask, g.accepts, g.forced_bytes, g.min_bytes_left, g.min_tokens_left, g.witness):
        with pytest.raises(InputError, match="not a state"):
            ask(-1)
        with pytest.raises(InputError, match="not a state"):
            ask(10**6)


def test_forced_bytes_and_distances() -> None:
    g = grammar(b"yes sir", b"yes madam", b"no")
    assert g.forced_bytes(g.start) == b""
    state = g.advance(g.start, ord("y"))
    assert g.forced_bytes(state) == b"es "
    assert g.min_bytes_left(state) == 6
    assert g.min_bytes_left(g.start) == 2
    assert g.min_tokens_left(g.start) == 1
    assert g.witness(state) == b"es sir"
    assert g.min_tokens_left(state) == 1 + len(" sir")


def test_a_batch_with_free_rows() -> None:
    g = grammar(b"yes", b"no")
    out = np.zeros((3, g.width), dtype=np.int32)
    g.fill_masks(np.array([g.start, -1, g.advance(g.start, ord("n"))], dtype=np.int32), out)
    assert (out[0] == g.mask(g.start)).all()
    assert set(bits.ids(out[1]).tolist()) == set(range(300))
    assert set(bits.ids(out[2]).tolist()) == {ord("o")}
    with pytest.raises(InputError, match="batch"):
        g.fill_masks([g.start] * 4, out)


def test_deep_recursion_has_a_state_for_each_depth() -> None:
    g = compile_network(nested(), VOCAB)
    state = g.advance_bytes(g.start, b"[" * 5000)
    assert g.min_bytes_left(state) == 5001
    state = g.advance_bytes(state, b"x" + b"]" * 4999)
    assert not g.accepts(state)
    assert g.accepts(g.advance(state, ord("]")))


def test_a_limit_is_an_error_that_says_which() -> None:
    g = compile_network(nested(), VOCAB, limits=Limits(max_states=100))
    with pytest.raises(LimitError, match="100 states") as caught:
        g.advance_bytes(g.start, b"[" * 5000)
    assert "max_states" in str(caught.value)


def test_a_vocabulary_without_a_needed_byte_is_refused() -> None:
    with pytest.raises(VocabularyError, match="0x62"):
        compile_network(from_terminal(Terminal(choices([b"ab"]), "ab")), Vocabulary([b"a", b"c"]))


def test_a_vocabulary_is_asked_for() -> None:
    with pytest.raises(InputError, match="Vocabulary"):
        compile_network(nested(), ["a"])  # type: ignore[arg-type]


def test_expected_names_terminals_and_places() -> None:
    g = grammar(b"yes", b"no")
    assert g.expected(g.start) == [("word", "#/enum")]
    assert g.next_bytes(g.start) == [ord("n"), ord("y")]


def test_the_budget_cuts_what_cannot_be_completed() -> None:
    anything = from_edges(3, [(0, 34, 34, 1), (1, 97, 122, 1), (1, 34, 34, 2)], [2])
    g = compile_network(from_terminal(Terminal(anything, "string")), VOCAB)
    state = g.advance(g.start, ord('"'))
    assert set(bits.ids(g.budget_mask(state, 1)).tolist()) == {ord('"')}
    assert bits.ids(g.budget_mask(state, 2)).tolist() == bits.ids(g.mask(state)).tolist()
    assert bits.ids(g.budget_mask(g.start, 1)).tolist() == []
    end = g.advance(state, ord('"'))
    assert set(bits.ids(g.budget_mask(end, 0)).tolist()) == set(EOS)


def test_threads_share_a_grammar() -> None:
    g = compile_network(nested(), VOCAB)
    wrong = []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(30):
            depth = int(rng.integers(1, 60))
            state = g.advance_bytes(g.start, b"[" * depth + b"x")
            if allowed(g, state) != {ord("]")} or g.min_bytes_left(state) != depth:
                wrong.append(depth)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_matcher_is_a_cursor() -> None:
    m = Matcher(grammar(b"yes", b"no", b"no!"))
    bitmask = np.zeros((2, m.grammar.width), dtype=np.int32)
    m.fill_next_token_bitmask(bitmask, 1)
    assert (bitmask[1] == m.grammar.mask(m.grammar.start)).all()
    assert not m.accept_token(ord("x"))
    assert m.accept_token(256)
    assert m.find_jump_forward_string() == "s"
    fork = m.fork()
    assert m.accept_string("s")
    assert m.is_accepting()
    assert not m.is_terminated()
    assert m.accept_token(EOS[0])
    assert m.is_terminated()
    m.rollback(2)
    assert m.state == fork.state
    assert fork.accept_tokens([ord("s"), EOS[0]]) == 2
    with pytest.raises(InputError, match="roll back"):
        m.rollback(2)
    m.reset()
    assert m.accept_tokens([259, ord("!"), ord("!")]) == 2


def test_a_witness_is_made_of_bytes_that_are_tokens() -> None:
    """Without a token for ``a`` alone the shortest completion that can be written takes ``b``."""
    letters = from_edges(2, [(0, 97, 99, 1), (1, 97, 99, 1), (1, 46, 46, 1)], [1])
    g = compile_network(from_terminal(Terminal(letters, "letters")), Vocabulary([b"aa", b"b", b"c", b".", None], [4]))
    assert g.witness(g.start) == b"b"
    assert g.min_tokens_left(g.start) == 1
    assert allowed(g, g.start) == {0, 1, 2}
    assert set(bits.ids(g.budget_mask(g.start, 1)).tolist()) == {0, 1, 2}


def test_near_the_budget_every_step_stays_completable() -> None:
    """From every budget that is enough, greedy choices of the longest token never run into the end."""
    g = compile_network(nested(), VOCAB)
    for budget in (1, 3, 4, 9, 10):
        state = g.start
        for left in range(budget, 0, -1):
            ids = bits.ids(g.budget_mask(state, left)).tolist()
            if not ids or ids == EOS:
                break
            state = g.advance(state, max(i for i in ids if i not in EOS or len(ids) == len(EOS)))
        assert g.accepts(state), budget


def test_a_text_longer_than_any_model_writes_is_refused() -> None:
    longest = {"type": "array", "minItems": 10**6, "items": {"type": "string", "minLength": 10**4}}
    with pytest.raises(LimitError, match="bytes"):
        structgen.compile(longest, VOCAB)
    g = structgen.compile({"enum": [1]}, VOCAB)
    assert g.min_tokens_left(g.start) == 1
    huge = {"anyOf": [{"const": 1}, longest]}
    g = structgen.compile(huge, VOCAB)
    assert allowed(g, g.start) == {ord("1"), ord("[")}
    assert set(bits.ids(g.budget_mask(g.start, 1000)).tolist()) == {ord("1")}


def test_ids_outside_the_vocabulary_never_meet_a_known_transition() -> None:
    g = compile_network(nested(), VOCAB)
    state = g.advance(g.start, ord("["))
    assert g.advance(state, ord("[")) >= 0
    assert g.advance(g.start, ord("[") + state * VOCAB.size) == -1
    assert g.advance(state + 1, ord("[") - VOCAB.size) == -1


def test_numpy_integers_are_states_and_tokens() -> None:
    wide = Vocabulary([*(bytes([b]) for b in range(256)), None], [256], size=1 << 20)
    g = compile_network(nested(), wide)
    state = g.advance_bytes(g.start, b"[" * 3000)
    assert g.advance(np.int32(state), np.int32(ord("["))) == g.advance(state, ord("["))  # type: ignore[arg-type]


def test_an_array_that_cannot_hold_a_mask_is_refused() -> None:
    g = grammar(b"yes")
    for out in (np.zeros(g.width, dtype=np.uint8), np.zeros(g.width + 1, dtype=np.int32)):
        with pytest.raises(InputError, match="int32"):
            g.mask(g.start, out)  # type: ignore[arg-type]


def test_no_jump_forward_from_inside_a_character() -> None:
    m = Matcher(grammar("é!".encode(), b"x"))
    assert m.accept_bytes(b"\xc3")
    assert m.find_jump_forward_string() == ""
