"""Triggers, reasoning windows, tool calls: what they accept, by definition and by brute force."""

import itertools
import json
import re
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import structgen as sg
from structgen.errors import InputError, OutputError, UnsatisfiableError, UnsupportedError
from structgen.frontends.values import value_of

BYTES = [bytes([i]) for i in range(256)]


@pytest.fixture(scope="module")
def vocab():
    """Tokens that straddle triggers."""
    return sg.Vocabulary([*BYTES, b"a<", b"<t", b"<t>", b"t>1", b">12", b"1<t>2", b"</", None], eos_token_ids=[263])


def accepts(grammar, text):
    state = grammar.advance_bytes(grammar.start, text.encode())
    return state >= 0 and grammar.accepts(state)


def by_definition(text, on, at_least, at_most, free, tail):
    """Read from the left: the first trigger to end, the longest of those that end there, then every text of its
    constraint."""

    def rest(at, n):
        ends = [(at + m.end(), -len(t), t) for t in on if (m := re.search(re.escape(t), text[at:]))]
        if not ends:
            return tail and n >= at_least and re.fullmatch(free, text[at:]) is not None
        end, _, trigger = min(ends)
        if at_most is not None and n == at_most:
            return False
        if not re.fullmatch(free, text[at : end - len(trigger)]):
            return False
        for stop in range(end, len(text) + 1):
            if re.fullmatch(on[trigger], text[end:stop]):
                if rest(stop, n + 1) or (stop == len(text) and not tail and n + 1 >= at_least):
                    return True
        return False

    return (text == "" and not tail and at_least == 0) or rest(0, 0)


CASES = [
    ({"b": "a?"}, 0, None, "(?s:.*)", True),
    ({"ab": "b"}, 1, None, "(?s:.*)", True),
    ({"ab": "b*"}, 0, 2, "a*", True),
    ({"ab": "a|b", "b": "bb"}, 0, None, "(?s:.*)", True),
    ({"aa": "b"}, 1, 1, "(?s:.*)", False),
    ({"a": "b", "b": "aa"}, 0, 0, "", True),
]


@pytest.mark.parametrize(("on", "at_least", "at_most", "free", "tail"), CASES)
def test_triggers_read_from_the_left(vocab, on, at_least, at_most, free, tail):
    source = sg.Trigger(
        {text: sg.Regex(pattern) for text, pattern in on.items()},
        at_least=at_least,
        at_most=at_most,
        free=None if free == "(?s:.*)" else sg.Regex(free),
        tail=tail,
    )
    grammar = sg.compile(source, vocab)
    for length in range(7):
        for letters in itertools.product("ab", repeat=length):
            text = "".join(letters)
            assert accepts(grammar, text) == by_definition(text, on, at_least, at_most, free, tail), text


def test_a_trigger_may_straddle_tokens(vocab):
    grammar = sg.compile(sg.Trigger({"<t>": sg.Regex("[0-9]+")}), vocab)
    for text in ("a< t>1 2", "a <t> 1", "a< t >12", "a 1<t>2", "<t> 1<t>2"):
        tokens = text.encode().split()
        state = grammar.start
        for token in tokens:
            mask = grammar.mask(state)
            index = vocab.tokens.index(token)
            assert mask[index >> 5] >> (index & 31) & 1
            state = grammar.advance(state, index)
        assert grammar.accepts(state)
    after = grammar.advance_bytes(grammar.start, b"a<t>")
    assert not grammar.accepts(after)
    assert set(grammar.next_bytes(after)) == set(b"0123456789")


def test_reasoning_comes_before_the_answer(vocab):
    grammar = sg.compile(sg.reasoning(sg.JsonSchema({"type": "boolean"}), start="<t>", end="</t>"), vocab)
    assert accepts(grammar, "<t>it is\nso < 3</t>true")
    assert not accepts(grammar, "<t>it is</t>maybe")
    assert not accepts(grammar, "true")
    assert not accepts(grammar, "<t>no end true")
    assert accepts(sg.compile(sg.reasoning(sg.Choice(["x"]), start="", end="!"), vocab), "so?!x")


def test_bad_triggers_are_refused(vocab):
    for make in (
        lambda: sg.Trigger({}),
        lambda: sg.Trigger({"": sg.Regex("a")}),
        lambda: sg.Trigger({"a": "b"}),
        lambda: sg.Trigger({"a": sg.Regex("b")}, at_least=2, at_most=1),
        lambda: sg.Trigger({"xay": sg.Regex("b"), "a": sg.Regex("c")}),
        lambda: sg.ToolCall([]),
        lambda: sg.ToolCall([int], style="unknown"),
        lambda: sg.ToolCall("f"),
    ):
        with pytest.raises(InputError):
            make()
    with pytest.raises(UnsupportedError, match="regular"):
        sg.compile(sg.Trigger({"a": sg.Regex("b")}, free=sg.JsonSchema(True)), vocab)
    with pytest.raises(UnsatisfiableError):
        sg.compile(sg.Trigger({"a": sg.Regex("b")}, free=sg.Regex("a+")), vocab)


class Weather(BaseModel):
    city: Literal["Paris", "Rome"]
    days: int = 1


def add(a: int, b: int = 2) -> int:
    """Add."""
    return a + b


NOTHING = {"type": "object", "properties": {}, "additionalProperties": False}
TIME = {"type": "function", "function": {"name": "time", "parameters": NOTHING}}
TOOLS = [Weather, add, TIME]
CALLS = [
    {"name": "Weather", "arguments": {"city": "Rome", "days": 3}},
    {"name": "add", "arguments": {"a": 1, "b": 5}},
    {"name": "time", "arguments": {}},
]


def written(style, calls):
    if style == "hermes":
        return "I look it up.\n" + "\n".join(f"<tool_call>\n{json.dumps(call)}\n</tool_call>" for call in calls)
    if style == "function_tag":
        return "".join(f"<function={call['name']}>{json.dumps(call['arguments'])}</function>" for call in calls)
    if style == "llama3":
        return json.dumps({"name": calls[0]["name"], "parameters": calls[0]["arguments"]})
    opening = {"mistral": "[TOOL_CALLS] ", "granite": "Sure.<|tool_call|>", "json": ""}[style]
    return opening + json.dumps(calls)


@pytest.mark.parametrize("style", ["hermes", "llama3", "mistral", "granite", "function_tag", "json"])
def test_calls_are_written_as_models_write_them(vocab, style):
    source = sg.ToolCall(TOOLS, style)
    grammar = sg.compile(source, vocab)
    for calls in ([CALLS[0]], [CALLS[1]], [CALLS[2]], CALLS):
        if style == "llama3":
            calls = calls[:1]
        text = written(style, calls)
        assert accepts(grammar, text), text
        assert value_of(source, text) == calls
        wrong = text.replace('"Rome"', '"Oslo"').replace('"a": 1', '"a": "x"').replace("{}", '{"z":1}')
        assert not accepts(grammar, wrong)
        assert not accepts(grammar, text.replace("Weather", "weather").replace("add", "sub").replace("time", "clock"))
    assert not accepts(grammar, "No call.")


@pytest.mark.parametrize("style", ["hermes", "mistral", "granite", "function_tag"])
def test_calls_may_be_optional_or_limited(vocab, style):
    optional = sg.ToolCall(TOOLS, style, at_least=0, at_most=1)
    grammar = sg.compile(optional, vocab)
    assert accepts(grammar, "No call.")
    assert value_of(optional, "No call.") == []
    assert accepts(grammar, written(style, CALLS[:1]))
    assert not accepts(grammar, written(style, CALLS[:2]))
    alone = sg.compile(sg.ToolCall(TOOLS, style, free=False), vocab)
    assert accepts(alone, written(style, CALLS[:1]).removeprefix("I look it up.\n").removeprefix("Sure."))
    assert not accepts(alone, "Well: " + written(style, CALLS[:1]))


def test_functions_are_read(vocab):
    def no_names(*args):
        pass

    for bad in (no_names, {"parameters": {}}, 5, {"name": "with space"}):
        with pytest.raises(InputError):
            sg.compile(sg.ToolCall([bad]), vocab)
    with pytest.raises(InputError, match="two functions"):
        sg.compile(sg.ToolCall([add, add]), vocab)
    grammar = sg.compile(sg.ToolCall([add], "llama3"), vocab)
    assert accepts(grammar, '{"name": "add", "parameters": {"a": 1}}')
    assert not accepts(grammar, '{"name": "add", "parameters": {"b": 1}}')


def test_validators_have_the_last_word():
    class Even(BaseModel):
        n: int

        def model_post_init(self, context):
            if self.n % 2:
                raise ValueError("odd")

    source = sg.ToolCall([Even], "json")
    assert value_of(source, '[{"name": "Even", "arguments": {"n": 2}}]')
    with pytest.raises(OutputError, match="odd"):
        value_of(source, '[{"name": "Even", "arguments": {"n": 3}}]')
    with pytest.raises(OutputError, match="no tool call"):
        value_of(source, "hello")


@given(st.lists(st.sampled_from(CALLS), min_size=1, max_size=3), st.text("ab <tol_c>\n", max_size=12))
def test_free_text_around_calls(calls, text):
    grammar = _hermes()
    whole = text + written("hermes", calls)
    assert accepts(grammar, whole) == ("<tool_call>" not in text)


def _hermes(found=[]):  # noqa: B006  (compiled once)
    if not found:
        found.append(sg.compile(sg.ToolCall(TOOLS), sg.Vocabulary([*BYTES, None], eos_token_ids=[256])))
    return found[0]
