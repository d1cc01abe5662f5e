"""Special tokens in grammars: the token itself and never its spelling, with every lexer."""

from __future__ import annotations

import itertools
import pickle
from typing import Literal

import pytest

import structgen as sg
from structgen import bits
from structgen.errors import InputError, SourceSyntaxError, UnsupportedError, VocabularyError
from structgen.testing import laws
from tests.naive import member

Lexer = Literal["contextual", "basic", "dynamic", "dynamic_complete"]
LEXERS: list[Lexer] = ["contextual", "basic", "dynamic", "dynamic_complete"]

WORDS = [b"<|eot|>", b"hello", b" <", b"\xff<", b"|>\xff"]
TOKENS = [*(bytes([i]) for i in range(256)), *WORDS, None, None, None]
EOT, TOOL, END = len(TOKENS) - 3, len(TOKENS) - 2, len(TOKENS) - 1
VOCAB = sg.Vocabulary(TOKENS, [END], special={"<|eot|>": EOT, "<|tool|>": TOOL, "<|end|>": END})

CHAT = """
    start: turn+
    turn: TEXT<|eot|> | <|tool|> NAME "(" ")"
    TEXT: /[a-z<>|]+/
    NAME: /[A-Z]+/
    %ignore / +/
"""


def takes(grammar: sg.CompiledGrammar, *parts: str | int) -> bool:
    """Does the grammar take texts and tokens (by id) as a whole?"""
    matcher = sg.Matcher(grammar)
    taken = all(matcher.accept_token(p) if isinstance(p, int) else matcher.accept_string(p) for p in parts)
    return taken and matcher.is_accepting()


@pytest.mark.parametrize("lexer", LEXERS)
def test_the_token_and_not_its_spelling(lexer: Lexer) -> None:
    grammar = sg.compile(sg.Lark(CHAT, lexer=lexer), VOCAB)
    assert takes(grammar, "hello", EOT)
    assert takes(grammar, "a<|eot|>b", EOT, TOOL, " CALL ( )", "ok", EOT)
    assert takes(grammar, " a ", EOT, " ", TOOL, "F()")
    assert not takes(grammar, "hello<|eot|>")
    assert not takes(grammar, "<|tool|>F()")
    assert not takes(grammar, TOOL, TOOL) and not takes(grammar, EOT)
    assert grammar.special == {"<|eot|>", "<|tool|>"}


@pytest.mark.parametrize("lexer", LEXERS)
def test_masks_keep_the_laws(lexer: Lexer) -> None:
    grammar = sg.compile(sg.Lark(CHAT, lexer=lexer), VOCAB)
    seen, todo = {grammar.start}, [grammar.start]
    for state in todo:
        laws.check_state(grammar, state)
        allowed = set(bits.ids(grammar.mask(state)).tolist())
        assert not allowed & {255, *(TOKENS.index(word) for word in WORDS if 0xFF in word)}
        assert not grammar.forced_bytes(state).count(b"\xff")
        for token in (ord("a"), ord(" "), ord("<"), ord("("), ord(")"), EOT, TOOL, TOKENS.index(b" <")):
            after = grammar.advance(state, token)
            if after >= 0 and after not in seen and len(todo) < 20:
                seen.add(after)
                todo.append(after)
    for spare in range(4):
        laws.check_budget(grammar, [3, 1, 0, 7], spare)
    assert grammar.min_tokens_left(grammar.start) == 2  # a letter and the token


@pytest.mark.parametrize("lexer", LEXERS)
def test_all_short_sequences(lexer: Lexer) -> None:
    """Against texts in which the tokens are characters that no terminal has."""
    text = "start: (A | <x> A | <y>)*\nA: /a+b?/\n%ignore / +/"
    plain = text.replace("<x>", '"\\u0001"').replace("<y>", '"\\u0002"')
    network = sg.compile(sg.Lark(plain, lexer=lexer), VOCAB).network
    vocab = sg.Vocabulary([b"a", b"b", b" ", None, None, None], [5], special={"<x>": 3, "<y>": 4})
    grammar = sg.compile(sg.Lark(text, lexer=lexer), vocab)
    for n in range(6):
        for tokens in itertools.product(range(5), repeat=n):
            state = grammar.start
            for token in tokens:
                state = grammar.advance(state, token) if state >= 0 else -1
            mine = state >= 0 and grammar.accepts(state)
            assert mine == member(network, bytes(b"ab \1\2"[t] for t in tokens)), tokens


@pytest.mark.parametrize("lexer", LEXERS[:3])
def test_terminals_end_before_a_special_token(lexer: Lexer) -> None:
    """A lexer's longest match: keywords, lookaheads and greedy patterns meet a token as they meet the end."""
    text = 'start: "if" <x> NAME <x> /a+/ <y> /b(?!c)/ <x>\nNAME: /[i-z][f-z]*/'
    vocab = sg.Vocabulary([*TOKENS[:256], None, None, None], [258], special={"<x>": 256, "<y>": 257})
    grammar = sg.compile(sg.Lark(text, lexer=lexer), vocab)
    assert takes(grammar, "if", 256, "xyz", 256, "aa", 257, "b", 256)
    assert not takes(grammar, "if", 257, "xyz", 256, "aa", 257, "b", 256)
    assert takes(grammar, "if", 256, "if", 256, "aa", 257, "b", 256) is (lexer != "basic")


def test_tokens_around_characters_of_the_same_lead_byte() -> None:
    """Special tokens are surrogates to a lexer, which share their first byte with Korean."""
    text = "start: (K | <x>)+ E <y>\nK: /[\\ud000-\\ud7a3\\ucfc0-\\ucfff]/\nE: /[^<]/"
    vocab = sg.Vocabulary([*TOKENS[:256], None, None, None], [258], special={"<x>": 256, "<y>": 257})
    grammar = sg.compile(sg.Lark(text, lexer="basic"), vocab)
    assert takes(grammar, "\ud100", 256, "\ucfc0\ud7a3", 256, "e", 257)
    assert not takes(grammar, "\ud100", 257) and not takes(grammar, "\ud100", 256, 257)
    after = grammar.advance_bytes(grammar.start, b"\xed")
    assert grammar.next_bytes(after) == list(range(0x80, 0x9F))


def test_special_tokens_outside_of_grammars() -> None:
    call = sg.Special("<|tool|>") + sg.JsonSchema({"const": 1}) + (sg.Special("<|eot|>") | sg.Choice([";"]))
    grammar = sg.compile(sg.repeat(call, 1, 2), VOCAB)
    assert takes(grammar, TOOL, "1", EOT, TOOL, "1;") and not takes(grammar, TOOL, "1", EOT, TOOL)
    answer = sg.is_empty(call)
    assert not answer and answer.witness == "<|tool|>1;"
    assert grammar.texts[EOT] == b"<|eot|>" and grammar.texts[END] is None
    again = pickle.loads(pickle.dumps(grammar))
    assert again.special == grammar.special and again.vocab == VOCAB
    assert sg.Vocabulary.from_tokenizer(VOCAB).special == VOCAB.special
    with pytest.raises(UnsupportedError, match="names special tokens"):
        sg.infill.Canvas(grammar, [sg.Gap(3)])
    meet = sg.compile((sg.Special("<|tool|>") | sg.Choice(["a"])) & (sg.Special("<|tool|>") + sg.Regex("b*")), VOCAB)
    assert takes(meet, TOOL) and not takes(meet, "a") and not takes(meet, TOOL, "b")


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("<|eo|>", "no special token <|eo|>", "<|eot|>"),
        ("hello", "no special token hello", "ordinary token"),
        ("<|end|>", "<|end|> ends texts", "other eos_token_ids"),
    ],
)
def test_vocabularies_that_lack_it(name: str, message: str, hint: str) -> None:
    with pytest.raises(VocabularyError) as caught:
        sg.compile(sg.Special(name), VOCAB)
    assert message in str(caught.value) and hint in str(caught.value.hint)
    with pytest.raises(VocabularyError, match="no special token"):
        sg.compile(sg.Lark("start: <a> <|eot|>"), VOCAB)
    with pytest.raises(VocabularyError, match="no special token"):
        sg.compile(sg.Special("<a>"), sg.Vocabulary([b"a", None], [1]))


def test_malformed() -> None:
    with pytest.raises(SourceSyntaxError, match="special token <x> inside the terminal 'A'") as caught:
        sg.compile(sg.Lark('start: A\nA: "a" <x>'), VOCAB)
    assert caught.value.where == "line 2, column 8"
    with pytest.raises(InputError, match="named by a string"):
        sg.Special("")
    for special in ({"a": 97}, {"<a>": 999}, {"": EOT}, {"<a>": EOT, "<b>": EOT}):
        with pytest.raises(VocabularyError):
            sg.Vocabulary(TOKENS, [END], special=special)
