"""Indentation, with Lark's own Indenter as judge: every short text."""

from __future__ import annotations

import functools
import itertools
from typing import ClassVar

import lark
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark.indenter import Indenter

import structgen as sg
from structgen import bits
from structgen.errors import InputError, UnsupportedError
from structgen.frontends.lark import build
from structgen.frontends.lark.indentation import WIDEST
from structgen.ir.network import Network, check_node
from structgen.source import Lark
from tests.naive import Naive
from tests.strategies import pick


class Tabs(Indenter):
    """A tab is two columns, so that short texts can have them."""

    NL_type = "_NL"
    OPEN_PAREN_types: ClassVar[list[str]] = ["LPAR"]
    CLOSE_PAREN_types: ClassVar[list[str]] = ["RPAR"]
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    tab_len = 2


TREE = r"""
    start: (_NL | tree)*
    tree: "a" ["(" "a" ")"] _NL [_INDENT tree+ _DEDENT]
    LPAR: "("
    RPAR: ")"
    _NL: /(\r?\n[\t ]*)+/
    %ignore / +/
    %declare _INDENT _DEDENT
"""
BLOCKS = r"""
    start: statement*
    statement: "a" _NL | "b" block ["c" block]
    block: "a" _NL | _NL _INDENT statement+ _DEDENT
    _NL: /(\r?\n[\t ]*|#[^\n]*)+/
    %ignore /[ \f]+/
    %ignore /#[^\n]*/
    %ignore /\\\n/
    %declare _INDENT _DEDENT
"""
LAST = r"""
    start: (_NL | statement)* "a"?
    statement: "a" _NL | "b" block
    block: "a" _NL | _NL _INDENT (statement+ | statement* "a") _DEDENT
    _NL: /(\r?\n[\t ]*)+/
    %ignore / +/
    %ignore ";"
    %declare _INDENT _DEDENT
"""
DEEPER = r"""
    start: statement*
    statement: "a" _NL | "b" _NL _INDENT statement+ _DEDENT
    _NL: /(\r?\n[\t ]*)+/
    %ignore / +/
    %declare _INDENT _DEDENT
"""


def network(text: str, lexer: str) -> Network:
    source = Lark(text, lexer=lexer, postlex=Tabs)  # type: ignore[arg-type]
    return build(source, lambda inner: pytest.fail("no constraints inside"))


def agree(text: str, lexer: str, alphabet: str, longest: int) -> None:
    judge = lark.Lark(text, parser="lalr", lexer=lexer, postlex=Tabs())  # type: ignore[arg-type]
    naive = Naive(network(text, lexer))
    accepted = 0
    for size in range(longest + 1):
        for chars in itertools.product(alphabet, repeat=size):
            written = "".join(chars)
            try:
                judge.parse(written)
                expected = True
            except (lark.exceptions.LarkError, AssertionError):
                expected = False
            assert naive.accepts(written.encode()) == expected, (lexer, written)
            accepted += expected
    assert accepted > 20


@pytest.mark.parametrize("lexer", ["basic", "contextual"])
@pytest.mark.parametrize(("alphabet", "longest"), [("a\n \t", 6), ("a()\n ", 5)])
def test_trees(lexer: str, alphabet: str, longest: int) -> None:
    agree(TREE, lexer, alphabet, longest)


@pytest.mark.parametrize("lexer", ["basic", "contextual"])
def test_statements_with_blocks(lexer: str) -> None:
    agree(BLOCKS, lexer, "abc\n ", 5)


@pytest.mark.parametrize(("alphabet", "longest"), [("ab\n ", 7), ("ab\n ;", 5)])
def test_last_lines_without_a_line_break(alphabet: str, longest: int) -> None:
    agree(LAST, "contextual", alphabet, longest)


@pytest.mark.parametrize("lexer", ["basic", "contextual"])
def test_comments_form_feeds_and_continued_lines(lexer: str) -> None:
    naive = Naive(network(BLOCKS, lexer))
    judge = lark.Lark(BLOCKS, parser="lalr", lexer=lexer, postlex=Tabs())  # type: ignore[arg-type]
    for text in [
        "b # x\n  # y\n\n  a # z\n\n# w\na\n",
        "b\n  a\n    # deeper\n  a\nc a\n",
        "b\n  a\n \fa\n",
        "b\n  \fa\n  a\n",
        "a\n\f\na\n",
        "b\n \\\n a\n a\n",
        "b\n a\n  a\n",
        "b\n  a\n a\n",
        "# only\na\n",
        "b\n b\n  a\n c\n  a\na\n",
        "b\r\n a\r\n a\r\n",
    ]:
        try:
            judge.parse(text)
            expected = True
        except lark.exceptions.LarkError:
            expected = False
        assert naive.accepts(text.encode()) == expected, text


def test_nodes_keep_the_contract() -> None:
    text = b"b\n  b\n    a\n  c\n    a\nc a\n"
    found = network(BLOCKS, "basic")
    naive = Naive(found)
    assert naive.accepts(text)
    for key in list(naive.nodes):
        check_node(found, key)


def test_masks_count_columns() -> None:
    tokens = [bytes([b]) for b in range(256)] + [b"  ", b"    ", b"\n  ", b"\n    a"]
    g = sg.compile(Lark(BLOCKS, lexer="basic", postlex=Tabs), sg.Vocabulary([*tokens, None], eos_token_ids=[260]))
    naive = Naive(network(BLOCKS, "basic"))
    for text in [b"", b"b", b"b\n", b"b\n  a\n", b"b\n  b\n    a\n", b"b\n  b\n    a\n  ", b"b\n  a\nc", b"b\n  a # "]:
        state = g.advance_bytes(g.start, text)
        config = naive.run(naive.start_config, text)
        assert config is not None
        row = g.mask(state)
        mask = {t for t in range(261) if row[t // 32] >> (t % 32) & 1}
        assert mask == naive.mask(config, [*tokens, None], [260]), text


#: Line breaks, blanks of several widths and what may follow them: tokens that end before, in and behind margins.
BLANKS = ["", " ", "  ", "\t", "   ", " \t "]
BEHIND = ["", "a", "b", "a\n", "c a\n", "# a\n", "b\n", "a\n a", "a\n  a", "b\n  a", "a\n  b\n   a", "b\n   a\n a"]
WIDE = [
    "\n" + " " * (WIDEST + more) + end for more in (-1, 0, 1) for end in ("a", "b", "a\n", "a\n  a", "b\na", "a\nc")
]
LINES = sorted(
    {
        (before + after).encode()
        for before in ("", "\n", "a\n", "b\n", "\r\n \n")
        for after in [blanks + behind for blanks in BLANKS for behind in BEHIND]
        if len(before + after) > 1
    }
    | {(start + wide).encode() for start in ("", "b") for wide in WIDE}
)
LETTERS = [letter.encode() for letter in "abc\n\r \t#;()\\\f"]


@functools.cache
def compiled(text: str, lexer: str) -> sg.CompiledGrammar:
    return sg.compile(
        Lark(text, lexer=lexer, postlex=Tabs),  # type: ignore[arg-type]
        sg.Vocabulary([*LETTERS, *LINES, None], eos_token_ids=[len(LETTERS) + len(LINES)]),
    )


@functools.cache
def step(grammar: sg.CompiledGrammar, state: int, byte: int) -> int:
    return grammar.advance_bytes(state, bytes([byte]))


def stepped(grammar: sg.CompiledGrammar, state: int) -> set[bytes]:
    """The tokens whose bytes can be read one after the other."""
    found = set()
    for token in [*LETTERS, *LINES]:
        after = state
        for byte in token:
            after = step(grammar, after, byte)
            if after < 0:
                break
        else:
            found.add(token)
    return found


def masked(grammar: sg.CompiledGrammar, state: int) -> set[bytes]:
    tokens = grammar.texts
    return {text for t in bits.ids(grammar.mask(state)).tolist() if (text := tokens[t]) is not None}


@settings(max_examples=40)
@given(
    st.sampled_from([TREE, BLOCKS, LAST, DEEPER]),
    st.sampled_from(["basic", "contextual"]),
    st.lists(st.integers(0, 1 << 30), max_size=6),
)
def test_masks_beyond_margins_are_those_of_single_bytes(text: str, lexer: str, choices: list[int]) -> None:
    """Along random tokens: what is known of all margins at once, and what is decided by the columns of one."""
    grammar = compiled(text, lexer)
    state = grammar.start
    for choice in [*choices, 0]:
        expected = stepped(grammar, state)
        assert masked(grammar, state) == expected
        if not expected:
            break
        state = grammar.advance_bytes(state, pick(choice, sorted(expected)))


def test_tokens_of_several_lines() -> None:
    grammar = compiled(BLOCKS, "contextual")
    allowed = masked(grammar, grammar.advance_bytes(grammar.start, b"b\n b"))
    assert {b"\n  a\n a", b"\n  a\n  a", b"\n  b\n   a\n a", b"\n   b"} <= allowed
    assert not {b"\n a", b"\n  a\n   a", b"\n  b\n  a", b"\n   a\n  a"} & allowed


def test_the_widest_margin_has_no_block_inside() -> None:
    grammar = compiled(DEEPER, "contextual")
    wide = b"\n" + b" " * WIDEST
    for text in (b"b", b"b\n b"):
        state = grammar.advance_bytes(grammar.start, text)
        assert masked(grammar, state) == stepped(grammar, state)
        assert {wide + b"a", wide[:-1] + b"b"} <= masked(grammar, state)
        assert not {wide + b"b", wide + b" a"} & masked(grammar, state)


def test_brackets_close_where_they_open() -> None:
    text = TREE.replace('["(" "a" ")"]', 'left "a" ")"') + 'left: "("'
    with pytest.raises(UnsupportedError, match="brackets and indentation must begin and end in the same alternative"):
        network(text, "basic")


def test_line_breaks_end_with_blanks() -> None:
    with pytest.raises(UnsupportedError, match="not a newline and then any number of blanks"):
        network(TREE.replace(r"(\r?\n[\t ]*)+", r"\n *x"), "basic")


@pytest.mark.parametrize("postlex", ["python", 3, Indenter.process])
def test_what_is_no_indenter(postlex: object) -> None:
    with pytest.raises(InputError, match="postlex"):
        Lark(TREE, postlex=postlex)
