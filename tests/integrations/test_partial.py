"""Partial JSON, judged by the whole: what is shown is in the final value, and everything finished is shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from structgen.integrations.partial import JsonProgress

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(["\\", '"', "\\\\u12", "🙂é"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
TEXTS = st.builds(
    lambda value, indent, ascii_only: json.dumps(value, indent=indent, ensure_ascii=ascii_only),
    VALUES, st.none() | st.integers(0, 2), st.booleans(),
)  # fmt: skip


def within(part, whole, growing):
    """Is ``part`` what is certain of ``whole``?"""
    if isinstance(whole, dict):
        return isinstance(part, dict) and all(k in whole and within(part[k], whole[k], growing) for k in part)
    if isinstance(whole, list):
        return (
            isinstance(part, list)
            and len(part) <= len(whole)
            and all(within(p, w, growing) for p, w in zip(part, whole, strict=False))
        )
    if growing and isinstance(whole, str):
        return isinstance(part, str) and whole.startswith(part)
    return part == whole and type(part) is type(whole)


@given(TEXTS, st.booleans())
def test_every_prefix_shows_a_part_of_the_whole(text, growing):
    whole, progress = json.loads(text), JsonProgress(growing_strings=growing)
    for character in text:
        progress.feed(character)
        part = progress.data()
        assert part is None or within(part, whole, growing)
    progress.finish()
    assert progress.data() == whole


@given(TEXTS)
def test_pieces_of_any_size_say_the_same(text):
    one, many = JsonProgress(growing_strings=True), JsonProgress(growing_strings=True)
    one.feed(text)
    for character in text:
        many.feed(character)
    assert one.data() == many.data()


@pytest.mark.parametrize(
    ("text", "data", "growing"),
    [
        ("", None, None),
        ("12", None, None),  # it may become 123
        ("12 ", 12, 12),
        ("tru", None, None),
        ("true", True, True),
        ('"ab', None, "ab"),
        ("{", {}, {}),
        ('{"a', {}, {}),  # half a name is not a name
        ('{"a": ', {}, {}),
        ('{"a": 1', {}, {}),
        ('{"a": 1,', {"a": 1}, {"a": 1}),
        ('{"a": "x', {}, {"a": "x"}),
        ('{"a": "x"', {"a": "x"}, {"a": "x"}),
        ('[1, "x', [1], [1, "x"]),
        ("[[1], [2, 3", [[1], [2]], [[1], [2]]),
        ('["\\', [], [""]),
        ('["\\u00', [], [""]),
        ('["\\ud83d', [], [""]),  # half of a pair
        ('["\\ud83d\\ude', [], [""]),
        ('["\\ud83d\\ude00', [], ["\U0001f600"]),
        ('["\\\\u12', [], ["\\u12"]),  # an escaped backslash, then plain text
        ('{"a": 1, "a": "', {"a": 1}, {"a": ""}),
    ],
)
def test_what_is_certain(text, data, growing):
    for growing_strings, expected in ((False, data), (True, growing)):
        progress = JsonProgress(growing_strings=growing_strings)
        progress.feed(text)
        assert progress.data() == expected
        assert progress.data() == expected  # looking does not change it


def test_what_was_shown_does_not_change_later():
    progress = JsonProgress()
    progress.feed("[1,")
    early = progress.data()
    progress.feed("2,")
    assert early == [1] and progress.data() == [1, 2]
