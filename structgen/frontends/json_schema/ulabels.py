"""The rules of IDNA2008 for one label of a host name (RFC 5890 to 5893), decided text by text.

Receives labels; says whether they are valid. Unlike the automata of ``idn`` these are all the rules, Punycode and
normalisation form C included. The table of valid characters is derived from Python's ``unicodedata``, so it follows the
Unicode version of the interpreter.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import regex

#: How a label stands to the Bidi rule (RFC 5893, section 2), which all labels of a name obey where one is from right to
#: left: it is no valid label; it obeys; it obeys and is from right to left; it does not, and is from left to right.
INVALID, LEFT_TO_RIGHT, RIGHT_TO_LEFT, UNRULED = range(4)

_LETTERS_DIGITS = frozenset(["Ll", "Lu", "Lo", "Lm", "Mn", "Mc", "Nd"])
#: RFC 5892, 2.6: valid, whatever their properties say.
_VALID = frozenset([0xDF, 0x3C2, 0x6FD, 0x6FE, 0xF0B, 0x3007])
#: The same section: valid where something stands around them.
CONTEXT = frozenset([0xB7, 0x375, 0x5F3, 0x5F4, 0x30FB, *range(0x660, 0x66A), *range(0x6F0, 0x6FA), 0x200C, 0x200D])
_DISALLOWED = frozenset([0x640, 0x7FA, 0x302E, 0x302F, *range(0x3031, 0x3036), 0x303B])
#: Old Hangul jamo, variation selectors, and what else RFC 5892 (2.3, 2.4, 2.9) leaves out.
_BLOCKS = (
    (0x1100, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF), (0x20D0, 0x20FF), (0xFE00, 0xFE0F), (0x180B, 0x180F),
    (0x1D100, 0x1D24F), (0xE0000, 0xE0FFF),
)  # fmt: skip
_IGNORABLE = frozenset([0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0])

_GREEK, _HEBREW = regex.compile(r"\p{Script=Greek}"), regex.compile(r"\p{Script=Hebrew}")
_JAPANESE = regex.compile(r"[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]")
#: RFC 5892, appendix A.1: a non-joiner between letters that would join
_JOINS = regex.compile(
    r"[\p{Joining_Type=L}\p{Joining_Type=D}]\p{Joining_Type=T}*\u200C\p{Joining_Type=T}*"
    r"[\p{Joining_Type=R}\p{Joining_Type=D}]"
)
_ARABIC_DIGITS = regex.compile(r"[\u0660-\u0669]"), regex.compile(r"[\u06F0-\u06F9]")


@lru_cache(maxsize=1 << 14)
def is_valid(code: int) -> bool:
    """PVALID by RFC 5892, section 3, for a code point beyond ASCII."""
    if code in _VALID:
        return True
    letter = chr(code)
    if unicodedata.category(letter) not in _LETTERS_DIGITS or code in _DISALLOWED or code in _IGNORABLE:
        return False
    if any(lo <= code <= hi for lo, hi in _BLOCKS):
        return False
    folded = unicodedata.normalize("NFKC", letter).casefold()
    return unicodedata.normalize("NFKC", folded) == letter


def u_label(label: str) -> int:
    """INVALID, or how a U-label stands to the Bidi rule. Lower case only; its length is not looked at."""
    if label.isascii() or label[0] == "-" or label[-1] == "-" or label[2:4] == "--":
        return INVALID
    if unicodedata.category(label[0])[0] == "M" or unicodedata.normalize("NFC", label) != label:
        return INVALID
    for letter in label:
        if letter.isascii():
            if not (letter.islower() or letter.isdigit() or letter == "-"):
                return INVALID
        elif ord(letter) not in CONTEXT and not is_valid(ord(letter)):
            return INVALID
    return _order(label) if _in_context(label) else INVALID


def _in_context(label: str) -> bool:
    """Does around every character stand what it asks for (RFC 5892, appendix A)?"""
    for i, letter in enumerate(label):
        before, after = label[i - 1 : i], label[i + 1 : i + 2]
        match letter:
            case "\u00b7":
                good = before == after == "l"
            case "\u0375":
                good = _GREEK.match(after) is not None
            case "\u05f3" | "\u05f4":
                good = _HEBREW.match(before) is not None
            case "\u200d":
                good = before != "" and unicodedata.combining(before) == 9
            case "\u200c":
                good = before != "" and (unicodedata.combining(before) == 9 or _joins(label, i))
            case _:
                good = True
        if not good:
            return False
    if "\u30fb" in label and _JAPANESE.search(label) is None:
        return False
    return not all(digits.search(label) for digits in _ARABIC_DIGITS)


def _joins(label: str, i: int) -> bool:
    return any(found.start() < i < found.end() for found in _JOINS.finditer(label, overlapped=True))


def _order(label: str) -> int:
    kinds = [unicodedata.bidirectional(letter) for letter in label]
    tail = next((kind for kind in reversed(kinds) if kind != "NSM"), "")
    neutral = {"ES", "CS", "ET", "ON", "BN", "NSM", "EN"}
    if not {"R", "AL", "AN"}.isdisjoint(kinds):
        fits = kinds[0] in ("R", "AL") and tail in ("R", "AL", "EN", "AN") and not ("EN" in kinds and "AN" in kinds)
        return RIGHT_TO_LEFT if fits and neutral.union(["R", "AL", "AN"]).issuperset(kinds) else INVALID
    fits = kinds[0] == "L" and tail in ("L", "EN") and neutral.union(["L"]).issuperset(kinds)
    return LEFT_TO_RIGHT if fits else UNRULED


@lru_cache(maxsize=1 << 14)
def a_label(code: str) -> int:
    """The same of the label that ``xn--`` with this code behind it stands for; INVALID where it stands for none.

    Lower case only; at most 59 characters.
    """
    if not 0 < len(code) <= 59:
        return INVALID
    try:
        label = code.encode("ascii").decode("punycode")
        return u_label(label) if label.encode("punycode").decode("ascii") == code else INVALID
    except UnicodeError:
        return INVALID
