"""Toy grammars and canvases, and the judge: every filling, one by one, by the oracle's recogniser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from structgen.errors import UnsatisfiableError, VocabularyError
from structgen.infill import Gap
from structgen.ir.cfg import CfgNetwork
from structgen.ir.combine import from_terminal
from structgen.ir.network import Network, Terminal
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.compiled import CompiledGrammar
from tests.naive import Config, Naive
from tests.strategies import SMALL_TERMINALS, byte_dfas, cfgs, counted_dfas

#: Tokens over a and b; not every vocabulary has both as tokens by themselves.
PIECES = (b"a", b"b", b"ab", b"ba", b"aa", b"bab", b"abb")
#: How many tokens the judge tries for a gap without bound.
LONGEST = 4


@st.composite
def vocabularies(draw: st.DrawFn, whole: bool = False) -> Vocabulary:
    """Three to five tokens, one of them perhaps twice, none to two EOS ids, a token without text."""
    pieces = draw(st.lists(st.sampled_from(PIECES), min_size=3, max_size=4, unique=True))
    if whole:
        pieces = [*dict.fromkeys([b"a", b"b", *pieces])]
    others = draw(st.lists(st.sampled_from([None, pieces[0]]), max_size=1))
    tokens: list[bytes | None] = [*draw(st.permutations(pieces)), *others]
    n_eos = draw(st.integers(0, 2))
    return Vocabulary([*tokens, *[None] * n_eos], eos_token_ids=range(len(tokens), len(tokens) + n_eos))


@st.composite
def networks(draw: st.DrawFn, recursive: bool | None = None) -> Network:
    if recursive is False or (recursive is None and draw(st.booleans())):
        dfa = draw(st.one_of(byte_dfas(b"ab"), byte_dfas(b"ab", 3), counted_dfas()))
        return from_terminal(Terminal(dfa, "t"))
    cfg = draw(cfgs())
    try:
        return CfgNetwork(cfg)
    except UnsatisfiableError:
        return CfgNetwork(cfg.with_rules({**cfg.rules, "s": (*cfg.rules["s"], (SMALL_TERMINALS[0],))}))


#: Nested pairs, palindromes, balanced brackets: networks that no finite automaton is equal to.
def nested_networks() -> st.SearchStrategy[Network]:
    a, b, ab = SMALL_TERMINALS[0], SMALL_TERMINALS[1], SMALL_TERMINALS[2]
    from structgen.ir.cfg import Cfg

    rules: list[dict[str, Any]] = [
        {"s": [(a, "s", b), ()]},
        {"s": [(a, "s", a), (b, "s", b), (ab,), ()]},
        {"s": [(a, "s", b, "s"), ()]},
        {"s": [("c",), (a, "s", "c")], "c": [(b, "s", b), (ab,)]},
        {"s": [(a, "s"), ("c", "s", ab), (b,)], "c": [(b, b), (a, "c", b)]},
    ]
    return st.sampled_from(rules).map(lambda r: CfgNetwork(Cfg("s", {}).with_rules(r)))


def compiled(network: Network, vocab: Vocabulary) -> CompiledGrammar:
    try:
        return CompiledGrammar(network, vocab)
    except VocabularyError:
        reject()
        raise


def gaps(most: int = 2, endless: bool = True) -> st.SearchStrategy[Gap]:
    bounded = st.tuples(st.integers(0, most), st.integers(0, 1)).map(lambda p: Gap(p[0], p[0] + p[1]))
    exact = st.integers(0, most).map(Gap)
    open_ended = st.sampled_from([Gap(), Gap(), Gap(1, None)])
    return st.one_of(exact, exact, bounded, open_ended) if endless else st.one_of(exact, bounded)


@st.composite
def canvases(draw: st.DrawFn, vocab: Vocabulary, endless: bool = True, most_gaps: int = 3) -> list[int | bytes | Gap]:
    """Up to three gaps of each kind, with tokens and texts between them. An EOS id may stand anywhere, mostly last."""
    texts = st.sampled_from([b"a", b"b", b"ab", b"ba", b""])
    tokens = st.integers(0, vocab.size - 1)
    result: list[int | bytes | Gap] = []
    for _ in range(draw(st.integers(1, most_gaps))):
        result += draw(st.lists(st.one_of(texts, texts, tokens), max_size=2))
        result.append(draw(gaps(endless=endless)))
    result += draw(st.lists(st.one_of(texts, tokens), max_size=1))
    return result


def fillings(
    naive: Naive, vocab: Vocabulary, canvas: list[int | bytes | Gap], padding: bool, longest: int = LONGEST
) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Every way to fill the canvas: for each element its tokens (of texts none). Endless gaps up to ``longest``."""
    eos = set(vocab.eos_token_ids)

    def token(config: Config | None, t: int) -> Config | str | None:
        if t in eos:
            return "ended" if config == "ended" or naive.is_accepting(config) else None
        text = vocab.tokens[t] if t < len(vocab.tokens) else None
        if config == "ended" or not text:
            return None
        after = naive.run(config, text)
        return after if naive.viable(after) else None

    def gap(config: Any, n: int) -> Iterator[tuple[tuple[int, ...], Any]]:
        if n == 0:
            yield (), config
            return
        for t in range(vocab.size):
            after = token(config, t) if padding or t not in eos else None
            if after is not None:
                for rest, last in gap(after, n - 1):
                    yield (t, *rest), last

    def fill(config: Any, index: int) -> Iterator[tuple[tuple[int, ...], ...]]:
        if index == len(canvas):
            if config == "ended" or naive.is_accepting(config):
                yield ()
            return
        element = canvas[index]
        ways: list[tuple[tuple[int, ...], Any]] = []
        if isinstance(element, Gap):
            for n in range(element.least, (longest if element.most is None else element.most) + 1):
                ways += gap(config, n)
        elif isinstance(element, int):
            after = token(config, element)
            ways = [] if after is None else [((element,), after)]
        else:
            after = config if not element else None if config == "ended" else naive.run(config, element)
            ways = [((), after)] if after == "ended" or naive.viable(after) else []
        for tokens, after in ways:
            for rest in fill(after, index + 1):
                yield (tokens, *rest)

    return fill(naive.start_config, 0)


def is_filling(
    naive: Naive, vocab: Vocabulary, canvas: list[int | bytes | Gap], tokens: list[int], padding: bool
) -> bool:
    """Is ``tokens`` the canvas filled in, texts in any spelling, and a text of the language (EOS ids at its end)?"""
    eos = set(vocab.eos_token_ids)
    ended = next((i for i, t in enumerate(tokens) if t in eos), len(tokens))
    if any(t not in eos for t in tokens[ended:]) or not naive.accepts(vocab.token_bytes(tokens)):
        return False

    def match(index: int, at: int) -> bool:
        if index == len(canvas):
            return at == len(tokens)
        element = canvas[index]
        if isinstance(element, int):
            return at < len(tokens) and tokens[at] == element and match(index + 1, at + 1)
        most = len(tokens)
        if isinstance(element, Gap):
            most = len(tokens) if element.most is None else at + element.most
            least = at + element.least
            for end in range(least, min(most, len(tokens)) + 1):
                part = tokens[at:end]
                if (padding or not eos & set(part)) and match(index + 1, end):
                    return True
            return False
        return any(
            not eos & set(tokens[at:end]) and vocab.token_bytes(tokens[at:end]) == element and match(index + 1, end)
            for end in range(at, len(tokens) + 1)
        )

    return match(0, 0)
