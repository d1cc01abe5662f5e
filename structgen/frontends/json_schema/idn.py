"""Internationalised host names (RFC 5890 to 5893), taken from below.

Receives the character databases of Python and of the regex package; returns an automaton over code points. Two
rules of IDNA2008 are not regular: the length of a label in Punycode, and normalisation form C as a whole. Labels are
therefore kept short (each character counted with the most digits it can cost), and characters that take part in
compositions are left out. Everything accepted is a valid name; characters beyond the Basic Multilingual Plane are left
out too.
Names with A-labels are not in the automaton but in ``hostnodes``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import regex as regex_module

from structgen.automata import CODE_POINTS, Dfa, Ranges, concat, intersect, repeat, symbols, union
from structgen.automata.symbols import normalize
from structgen.frontends import regex
from structgen.frontends.json_schema.ulabels import CONTEXT, is_valid

#: A character costs at most 7 digits of Punycode, and a label has 63 with ``xn--`` and a hyphen.
_LONGEST = 8


#: One of up to three labels of ASCII may be as long as labels get; more of them must be short.
_EDGE, _LDH = "[A-Za-z0-9]", "[A-Za-z0-9-]"
_ASCII = rf"{_EDGE}(?:{_LDH}{{0,2}}{_EDGE})?|{_EDGE}{_LDH}(?:{_EDGE}{_LDH}|-{_EDGE}){_LDH}{{0,58}}{_EDGE}"
_SHORT = _ASCII.replace("58", "18")


@lru_cache(maxsize=1)
def hostname() -> Dfa:
    """Names of up to three labels, ASCII or U-labels, with the separators of RFC 3490; or of ten short ASCII ones."""
    return _Tables().hostname()


class _Tables:
    """Sets of characters by the properties that the rules need."""

    def __init__(self) -> None:
        composing = _composing()
        self.valid: list[int] = [ord("-"), *range(0x30, 0x3A), *range(0x61, 0x7B)]
        for code in range(0x80, 0x10000):
            if code in CONTEXT or (code not in composing and is_valid(code)):
                self.valid.append(code)
        self.bidi = {code: unicodedata.bidirectional(chr(code)) for code in self.valid}
        self.marks = [c for c in self.valid if unicodedata.category(chr(c)) in ("Mn", "Mc", "Me")]
        self.stacking = [c for c in self.valid if unicodedata.combining(chr(c))]
        self.viramas = [c for c in self.valid if unicodedata.combining(chr(c)) == 9]

    def of(self, *classes: str) -> str:
        """The valid characters of some bidirectional classes, for a character class of a pattern."""
        return _chars(c for c in self.valid if self.bidi[c] in classes)

    def joining(self, *types: str) -> str:
        """The valid characters of some joining types."""
        pattern = regex_module.compile("|".join(rf"\p{{Joining_Type={kind}}}" for kind in types))
        return _chars(c for c in self.valid if c not in self.viramas and pattern.match(chr(c)))

    def hostname(self) -> Dfa:
        valid = _chars(self.valid)
        # RFC 5891 4.2.3: hyphens and leading marks; RFC 5892 appendix A: what must stand around some characters
        label = _language(rf"(?![{_chars(self.marks)}-])(?!..--)[{valid}]{{1,{_LONGEST}}}(?<!-)")
        greek, hebrew = _script("GREEK"), _script("HEBREW")
        japanese = _script("HIRAGANA", "KATAKANA LETTER", "CJK UNIFIED")
        # a non-joiner stands after a virama, or between letters that would join (appendix A.1)
        viramas, passing = _chars(self.viramas), self.joining("T")
        left, right = self.joining("L", "D"), self.joining("R", "D")
        for bad in (
            rf"[{_chars(self.stacking)}]{{2}}",
            r"(?:^|[^l])\u00B7|\u00B7(?:[^l]|$)",
            rf"\u0375(?:[^{greek}]|$)",
            rf"(?:^|[^{hebrew}])[\u05F3\u05F4]",
            rf"^[^{japanese}]*\u30FB[^{japanese}]*$",
            r"[\u0660-\u0669].*[\u06F0-\u06F9]|[\u06F0-\u06F9].*[\u0660-\u0669]",
            rf"(?:^|[^{viramas}])\u200D",
            rf"(?:^|[^{left}{viramas}{passing}])(?:[{viramas}{passing}]*[{passing}])?\u200C",
            rf"(?:^|[^{viramas}])\u200C[{viramas}{passing}]*(?:[^{right}{viramas}{passing}]|$)",
        ):
            label = label - regex.to_dfa(bad, dialect="ecma", search=True)
        # RFC 5893: without right-to-left characters nothing is asked; with them, of every label
        rtl = self.of("R", "AL", "AN")
        plain = label - _language(rf".*[{rtl}].*")
        neutral = self.of("ES", "CS", "ET", "ON", "BN", "NSM")
        left, right = self.of("L"), self.of("R", "AL")
        nsm = self.of("NSM")
        digits, arabic = self.of("EN"), self.of("AN")
        leftward = _language(rf"[{left}](?:[{left}{digits}{neutral}]*[{left}{digits}])?[{nsm}]*")
        rightward = union(
            *(
                _language(rf"[{right}](?:[{right}{number}{neutral}]*[{right}{number}])?[{nsm}]*")
                for number in (digits, arabic)
            )
        )
        mixed = intersect(label, union(leftward, rightward))
        many = _language(rf"(?:{_SHORT})(?:\.(?:{_SHORT})){{3,9}}")
        return union(_joined(union(plain, _language(_ASCII)), 3), _joined(mixed, 2), many)


def _joined(label: Dfa, most: int) -> Dfa:
    """One to ``most`` labels: three at the most keep the whole name under 253 octets."""
    dot = symbols([(0x2E, 0x2E), (0x3002, 0x3002), (0xFF0E, 0xFF0E), (0xFF61, 0xFF61)], CODE_POINTS)
    return concat(label, repeat(concat(dot, label), 0, most - 1))


@lru_cache(maxsize=1)
def _composing() -> frozenset[int]:
    """Characters that may join the one before them when text is composed."""
    found: set[int] = set()
    for code in range(0xA0, 0x10000):
        parts = unicodedata.decomposition(chr(code)).split()
        if parts and not parts[0].startswith("<"):
            found.update(int(part, 16) for part in parts[1:])
    return frozenset(found)


def _language(pattern: str) -> Dfa:
    return regex.to_dfa(pattern, dialect="ecma")


def _script(*names: str) -> str:
    """Characters of the Basic Multilingual Plane whose name begins so."""
    return _chars(c for c in range(0x370, 0x10000) if unicodedata.name(chr(c), "").startswith(names))


def _chars(codes: Iterable[int]) -> str:
    """The inside of a character class."""
    ranges: Ranges = normalize(((c, c) for c in codes), CODE_POINTS)
    return "".join(f"\\u{lo:04X}" if lo == hi else f"\\u{lo:04X}-\\u{hi:04X}" for lo, hi in ranges)
