"""Gaps that may hold any text, under grammars that nest without bound and under indentation."""

from __future__ import annotations

from functools import cache
from itertools import combinations_with_replacement, pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

import structgen as sg
from structgen.infill import Gap
from structgen.infill.anylength import AnyLength, recogniser_of
from structgen.infill.gap import ANY, TEXT, TOKEN, Element, lay_out
from structgen.infill.nested import NestedSteps
from structgen.infill.recogniser import Hole, Long, tidy
from structgen.ir.network import Network
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.compiled import CompiledGrammar
from tests.infill.toys import compiled, nested_networks, networks
from tests.strategies import examples

LETTERS = Vocabulary([b"a", b"b", None], eos_token_ids=[2])
#: Blocks in blocks; lines that go on inside brackets; a line that must be followed by a block; ends without newline.
BLOCKS = r"""
start: (_NEWLINE | line)* last?
line: "a" _NEWLINE | "b" ":" block ("c" ":" block)?
last: "a"
block: "a" _NEWLINE | _NEWLINE _INDENT line+ _DEDENT
_NEWLINE: /(\n[ \t]*)+/
%declare _INDENT _DEDENT
"""
BRACKETS = r"""
start: line+
line: item _NEWLINE | "b" _NEWLINE _INDENT line+ _DEDENT
item: "a" | LPAR item* RPAR
LPAR: "("
RPAR: ")"
_NEWLINE: /(\n[ ]*)+/
%ignore / /
%declare _INDENT _DEDENT
"""
NESTED = r"""
start: "b" _NEWLINE _INDENT "c" _NEWLINE _INDENT one+ _DEDENT _DEDENT ("a" _NEWLINE)*
one: "a" _NEWLINE
_NEWLINE: /(\n[ ]*)+/
%declare _INDENT _DEDENT
"""
TOYS = {"blocks": (BLOCKS, "ab:c \n"), "brackets": (BRACKETS, "ab() \n"), "nested": (NESTED, "abc \n")}


@cache
def toy(name: str) -> CompiledGrammar:
    return sg.compile(sg.Lark(TOYS[name][0], lexer="contextual", postlex="indent"), sg.testing.byte_vocabulary())


def in_language(grammar: CompiledGrammar, text: bytes) -> bool:
    state = grammar.advance_bytes(grammar.start, text)
    return state >= 0 and grammar.accepts(state)


def gaps(most: int) -> st.SearchStrategy[Gap]:
    """Mostly without bound."""
    bounded = st.tuples(st.integers(0, 1), st.none() | st.integers(1, most)).map(lambda found: Gap(*found))
    return st.one_of(st.just(Gap()), st.just(Gap()), bounded)


@st.composite
def canvases(draw: st.DrawFn, alphabet: str) -> list[Element]:
    parts = draw(st.lists(st.text(alphabet, max_size=7), min_size=2, max_size=3))
    result: list[Element] = []
    for part in parts:
        result += [part.encode(), draw(gaps(2))]
    return result[: None if draw(st.booleans()) else -1]


@st.composite
def cut_texts(draw: st.DrawFn, grammar: CompiledGrammar, alphabet: str) -> list[Element]:
    """A text of the language, or nearly one, with one or two spans taken out."""
    state, text = grammar.start, b""
    for _ in range(draw(st.integers(4, 24))):
        allowed = [byte for byte in grammar.next_bytes(state) if byte in alphabet.encode()]
        if not allowed:
            break
        text += bytes([draw(st.sampled_from(allowed))])
        state = grammar.advance_bytes(state, text[-1:])
    text += grammar.witness(state)
    at = sorted(draw(st.lists(st.integers(0, len(text)), min_size=4, max_size=4)))
    tail = text[at[3] :]
    if draw(st.booleans()) and tail:
        i = draw(st.integers(0, len(tail) - 1))
        tail = tail[:i] + draw(st.sampled_from(alphabet)).encode() + tail[i + draw(st.integers(0, 1)) :]
    return [text[: at[0]], draw(gaps(3)), text[at[1] : at[2]], draw(gaps(3)), tail]


def fits(tokens: list[int], canvas: list[Element], vocab: Vocabulary, padding: bool = False) -> bool:
    """Are the tokens those of a canvas, its texts in whatever tokens? EOS only at the end, as padding."""
    texts = [b"" if t in vocab.eos_token_ids else vocab.tokens[t] or b"" for t in tokens]
    if not all(texts):
        end = texts.index(b"")
        if not padding or any(texts[end:]):
            return False

    @cache
    def behind(i: int, at: int) -> bool:
        if i == len(canvas):
            return at == len(tokens)
        part = canvas[i]
        if isinstance(part, Gap):
            most = len(tokens) - at if part.most is None else part.most
            return any(behind(i + 1, at + n) for n in range(part.least, most + 1) if at + n <= len(tokens))
        if isinstance(part, bytes):
            return any(behind(i + 1, end) for end in range(at, len(tokens) + 1) if b"".join(texts[at:end]) == part)
        return at < len(tokens) and tokens[at] == part and behind(i + 1, at + 1)

    return behind(0, 0)


def text_of(tokens: list[int], vocab: Vocabulary) -> bytes:
    return b"".join(vocab.tokens[t] or b"" for t in tokens)


def check(grammar: CompiledGrammar, canvas: list[Element], alphabet: str, longest: int) -> None:
    """A yes has a text, and a no has none that is short. Tokens are bytes here."""
    tokens = sg.infill.witness(grammar, canvas)
    assert (tokens is not None) == sg.infill.completable(grammar, canvas)
    if tokens is not None:
        assert in_language(grammar, text_of(tokens, grammar.vocab))
        assert fits(tokens, canvas, grammar.vocab)
        return
    open_ = [part for part in canvas if isinstance(part, Gap)]
    for n in range(longest + 1):
        for cuts in combinations_with_replacement(range(n + 1), len(open_) - 1):
            sizes = [j - i for i, j in pairwise((0, *cuts, n))]
            if not all(g.least <= k and (g.most is None or k <= g.most) for g, k in zip(open_, sizes, strict=True)):
                continue
            for letters in product(alphabet.encode(), repeat=n):
                fills = (bytes(letters[i:j]) for i, j in pairwise((0, *cuts, n)))
                parts = [next(fills) if isinstance(p, Gap) else p for p in canvas]
                assert not in_language(grammar, b"".join(p for p in parts if isinstance(p, bytes)))


@examples(60)
@given(st.data(), st.sampled_from(sorted(TOYS)))
def test_indentation_beside_all_short_fillings(data: st.DataObject, name: str) -> None:
    grammar, alphabet = toy(name), TOYS[name][1]
    canvas = data.draw(st.one_of(canvases(alphabet), cut_texts(grammar, alphabet)))
    check(grammar, canvas, alphabet, 3)


def check_beside_the_machine(data: st.DataObject, grammar: CompiledGrammar, canvas: list[Element]) -> None:
    """All questions, gaps of so many tokens answered for like those under indentation, and by united states."""
    vocab, padding = grammar.vocab, data.draw(st.booleans())
    steps = lay_out(canvas, vocab).steps
    engine = NestedSteps(grammar, steps, padding)
    assert recogniser_of(grammar) is not None
    wanted = engine.possible(0, engine.front(0))
    assert engine.completable() == wanted
    asked = AnyLength(grammar, padding)
    asked.blocks = True
    answer = asked.completable(steps)
    assert answer in (None, wanted)
    small = all(not isinstance(part, Gap) or max(part.least, part.most or 0) <= 2 for part in canvas)
    some = any(isinstance(part, Gap) and part != Gap(0) for part in canvas)
    assert answer is not None or vocab.max_token_bytes > 1 or not small or not some
    for tokens in [*([asked.witness(steps)[1]] if answer else []), engine.witness()]:
        assert (tokens is not None) == wanted
        if tokens is not None:
            assert in_language(grammar, text_of(tokens, vocab)) and fits(tokens, canvas, vocab, padding)
    opened = [p for p, step in enumerate(steps) if step.kind not in (TEXT, TOKEN)]
    if opened and any(step.kind == ANY for step in steps):
        position = data.draw(st.sampled_from(opened))
        for token in data.draw(st.lists(st.integers(0, vocab.size - 1), max_size=4)):
            answer = asked.allows(steps, position, token)
            assert answer is None or answer == engine.allows(position, token)


PIECES = Vocabulary([b"a", b"b", b"ab", b"bba", b"", None], eos_token_ids=[5], size=8)
LONG_GAPS = st.builds(
    lambda least, more: Gap(least, None if more is None else least + more),
    st.integers(0, 7),
    st.none() | st.integers(0, 7),
)


@examples(40)
@given(
    networks(True) | nested_networks(), st.lists(gaps(2) | LONG_GAPS | st.text("ab", max_size=4), max_size=6), st.data()
)
def test_nested_grammars_beside_the_machine(network: Network, parts: list[Gap | str], data: st.DataObject) -> None:
    grammar = compiled(network, data.draw(st.sampled_from([LETTERS, PIECES])))
    canvas: list[Element] = [part.encode() if isinstance(part, str) else part for part in parts]
    check_beside_the_machine(data, grammar, [Gap(), *canvas] if data.draw(st.booleans()) else canvas)


KEYWORDS = r"""
start: item*
item: "if" NAME | NAME "=" value | "(" item* ")"
value: NAME | "in" | STRING
NAME: /(?!(if|in)\b)[a-n]+/
STRING: /'[^']*'(?!')/
%ignore " "
"""


@examples(50)
@given(st.lists(gaps(2) | LONG_GAPS | st.text("afin='() ", max_size=6), max_size=5), st.booleans(), st.data())
def test_what_lexers_forbid_beside_the_machine(parts: list[Gap | str], contextual: bool, data: st.DataObject) -> None:
    grammar = keywords("contextual" if contextual else "basic")
    canvas: list[Element] = [part.encode() if isinstance(part, str) else part for part in parts]
    check_beside_the_machine(data, grammar, [*canvas, Gap(), *canvas[:1]])


@cache
def keywords(lexer: str) -> CompiledGrammar:
    return sg.compile(sg.Lark(KEYWORDS, lexer=lexer), sg.testing.byte_vocabulary())


DEEP = b"".join(b" " * i + b"b:\n" for i in range(200))


@pytest.mark.parametrize(
    ("canvas", "wanted"),
    [
        ([b"b:\n  a\n", Gap(), b"\n   a\n"], True),
        ([b"b:\n  a\n   a\n", Gap()], False),
        ([Gap(), b"\n  a\n a\na\n"], True),
        ([Gap(), b"\n a\n  a\na\n"], False),  # deeper only behind a colon
        ([Gap(), b"\n a\na\n a\na"], False),
        ([b"b:\n", Gap(), b"  a\n a\n", Gap()], True),  # the gap writes more blanks
        ([b"b:\n ", Gap(), b"a\nc:\n", Gap()], True),
        ([b"b:\n   a\n", Gap(), b"\n  c:\n"], False),  # no block of two columns can begin inside
        ([b"b:\n   a\n", Gap(), b"\n   c:\n"], False),  # nor end without a text behind the colon
        ([b"b:\n   a\n", Gap(), b"\n   c:\n", Gap()], True),
        # blocks as wide as they can be
        ([DEEP, Gap()], True),
        ([DEEP + b" " * 200 + b"b:\n", Gap()], False),
        ([DEEP + b" " * 200 + b"b:", Gap()], True),
        ([DEEP, Gap(), b"\n" + b" " * 200 + b"a\na"], True),
        ([b"b:\n" + b" " * 199, Gap(), b"b:\n", Gap(), b"b:\n", Gap(), b"\n", b" " * 199 + b"a\n"], True),
    ],
)
def test_blocks(canvas: list[bytes | Gap], wanted: bool) -> None:
    assert sg.infill.completable(toy("blocks"), canvas) == wanted
    if wanted and DEEP not in canvas:
        check(toy("blocks"), canvas, "", 0)


@pytest.mark.parametrize("width", [197, 198, 199])
def test_rules_that_need_more_blocks_than_there_is_width_for(width: int) -> None:
    canvas = [b"b\n" + b" " * width + b"c\n", Gap(), b"a\n"]
    assert sg.infill.completable(toy("nested"), canvas)
    canvas = [b"b\n" + b" " * (width + 1) + b"c\n", Gap(), b"a\n"]
    assert sg.infill.completable(toy("nested"), canvas) == (width < 199)


@pytest.mark.parametrize(
    ("gap", "wanted"),
    [(Gap(5, None), True), (Gap(5, 7), True), (Gap(5), False), (Gap(7, 7), False), (Gap(8), True), (Gap(9), None)],
)
def test_long_gaps_without_a_byte_to_repeat(gap: Gap, wanted: bool | None) -> None:
    grammar = sg.compile(sg.Lark('start: "a" start "b" |'), sg.testing.byte_vocabulary())
    asked = AnyLength(grammar, False)
    asked.blocks = True
    steps = lay_out([gap], grammar.vocab).steps
    assert asked.completable(steps) == wanted
    answer, tokens = asked.witness(steps)
    assert answer == wanted
    assert (tokens is not None) == bool(wanted)
    assert tokens is None or (
        in_language(grammar, text_of(tokens, grammar.vocab)) and fits(tokens, [gap], grammar.vocab)
    )


def test_parts() -> None:
    assert Hole(1) != Long(1)
    assert tidy([b"", b"a", b"b", Hole(), Hole(1, 2), b"", b"c"]) == [b"ab", Hole(1), b"c"]
    assert tidy([Hole(0, 2), Hole(0, 0), Hole(1, 1)]) == [Hole(1, 3)]
    assert tidy([]) == []


def test_tokens_without_all_bytes_are_left_to_the_machine() -> None:
    network = sg.compile(sg.Lark('start: "(" start ")" |'), sg.testing.byte_vocabulary()).network
    few = CompiledGrammar(network, Vocabulary([b"((", b"))", None], eos_token_ids=[2]))
    assert recogniser_of(few) is None
    assert not sg.infill.completable(few, [b"(", Gap()])
    assert sg.infill.completable(few, [b"((", Gap()])
    every = CompiledGrammar(network, Vocabulary([b"((", b"))", b"(", b")", None], eos_token_ids=[4]))
    assert recogniser_of(every) is not None
    assert sg.infill.witness(every, [b"(", Gap()]) == [2, 3]
