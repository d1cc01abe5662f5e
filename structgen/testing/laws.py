"""Laws of compiled grammars, as checks to call from tests. Each raises AssertionError that says what is broken.

They hold for every constraint and every vocabulary, so a failure is a fault of structgen, or of a network that breaks
its contract. Whether a *grammar* says what its author means is for its corpus to tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from structgen import bits
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime import CompiledGrammar, Matcher


def check_text(grammar: CompiledGrammar, text: str | bytes) -> None:
    """``text`` is a member: every prefix can be gone on with, the whole may end, and bounds are kept on the way."""
    data = text.encode() if isinstance(text, str) else text
    state = grammar.start
    for i in range(len(data)):
        assert data[i] in grammar.next_bytes(state), f"byte {i} of {data!r} is not among those that may come next"
        state = grammar.advance_bytes(state, data[i : i + 1])
        assert state >= 0, f"{data[: i + 1]!r} is no prefix, but {data!r} is said to be a text"
    assert grammar.accepts(state), f"{data!r} is not accepted"
    assert state == grammar.advance_bytes(grammar.start, data), f"{data!r}: one byte at a time leads elsewhere"
    assert grammar.min_bytes_left(state) == 0, f"{data!r} may end, but bytes are said to be missing"


def check_state(grammar: CompiledGrammar, state: int, tokens: Sequence[int] | None = None) -> None:
    """The mask of a state holds what ``advance`` allows, EOS where the text may end, and leads nowhere into a dead end.

    ``tokens``: the ids looked at; None: all.
    """
    vocab = grammar.vocab
    allowed = set(bits.ids(grammar.mask(state)).tolist())
    eos = set(vocab.eos_token_ids)
    assert not eos or (eos <= allowed) == grammar.accepts(state), "EOS does not tell whether the text may end"
    assert eos <= allowed or not eos & allowed, "some EOS tokens are allowed and others not"
    for token in range(vocab.size) if tokens is None else tokens:
        after = grammar.advance(state, token)
        assert (after >= 0) == (token in allowed), f"token {token} {_shown(vocab, token)}: mask and advance differ"
    assert allowed or grammar.accepts(state), "a dead end"
    done = grammar.advance_bytes(state, grammar.witness(state))
    assert done >= 0 and grammar.accepts(done), "the shortest completion does not complete the text"
    forced = grammar.forced_bytes(state)
    for i in range(len(forced)):
        here = grammar.advance_bytes(state, forced[:i])
        assert grammar.next_bytes(here) == [forced[i]] and not grammar.accepts(here), "forced text is not forced"


def check_tokens(grammar: CompiledGrammar, tokens: Sequence[int]) -> None:
    """Tokens that the masks allow: a matcher takes them, and rolling back and going on again changes nothing."""
    matcher = Matcher(grammar)
    states = [matcher.state]
    for i, token in enumerate(tokens):
        assert bits.test(grammar.mask(matcher.state), token), f"token {i} ({token}) is not in the mask"
        assert matcher.accept_token(token), f"token {i} ({token}) is in the mask, but the matcher refuses it"
        states.append(matcher.state)
    for n in range(len(tokens) + 1):
        fork = matcher.fork()
        fork.rollback(n)
        assert fork.state == states[len(tokens) - n], f"{n} tokens back is another state"
        for token in tokens[len(tokens) - n :]:
            assert fork.accept_token(token)
        assert fork.state == matcher.state, f"{n} tokens back and forth is another state"


def check_spellings(grammar: CompiledGrammar, text: str | bytes) -> None:
    """However tokens cut a prefix of a text, the mask after it is the same."""
    data = text.encode() if isinstance(text, str) else text
    pieces = [(i, piece) for i, piece in enumerate(grammar.spelled.tokens) if piece]
    reached: dict[int, set[int]] = {0: {grammar.start}}
    for at in range(len(data) + 1):
        whole = grammar.advance_bytes(grammar.start, data[:at])
        assert whole >= 0, f"{data[:at]!r} is no prefix"
        for state in reached.get(at, ()):
            assert np.array_equal(grammar.mask(state), grammar.mask(whole)), f"masks after {data[:at]!r} differ"
            for token, piece in pieces:
                if data.startswith(piece, at):
                    after = grammar.advance(state, token)
                    assert after >= 0, f"{piece!r} is refused after {data[:at]!r}"
                    reached.setdefault(at + len(piece), set()).add(after)


def check_budget(grammar: CompiledGrammar, choices: Sequence[int], spare: int = 0) -> bytes:
    """A walk under ``budget_mask`` ends within its budget, with a member, whatever is chosen. Returns the text.

    ``choices``: which of the allowed tokens is taken at each step (modulo their number); ``spare``: tokens more than
    the least.
    """
    eos = set(grammar.vocab.eos_token_ids)
    state, text = grammar.start, b""
    left = grammar.min_tokens_left(state) + spare
    step = 0
    while left:
        allowed = bits.ids(grammar.budget_mask(state, left))
        if not len(allowed):
            break
        token = int(allowed[(choices[step % len(choices)] if choices else 0) % len(allowed)])
        if token in eos:
            break
        state = grammar.advance(state, token)
        text += grammar.spelled.tokens[token] or b""
        left -= 1
        step += 1
        assert grammar.min_tokens_left(state) <= left, f"after {text!r} the text cannot be completed in {left} tokens"
    assert grammar.accepts(state), f"{text!r} is cut off"
    return text


def _shown(vocab: Vocabulary, token: int) -> str:
    return repr(vocab.tokens[token]) if token < len(vocab.tokens) else "(past the tokens)"
