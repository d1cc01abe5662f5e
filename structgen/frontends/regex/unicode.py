"""Sets of code points by property, and case folding, as each dialect defines them.

Receives names of properties and sets of code points; returns sets (see :mod:`structgen.automata.symbols`).
The Python dialect follows the running interpreter's own tables, as ``re`` does. ECMA properties are listed by
the ``regex`` library, whose Unicode tables are newer.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache

import numpy as np
import regex

from structgen.automata.symbols import CODE_POINTS, Ranges, invert, join, normalize

ASCII_DIGIT: Ranges = ((0x30, 0x39),)
ASCII_WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
ASCII_SPACE: Ranges = ((0x09, 0x0D), (0x20, 0x20))
#: WhiteSpace and LineTerminator of ECMA-262.
ECMA_SPACE: Ranges = (
    (0x09, 0x0D),
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
)
ECMA_NEWLINE: Ranges = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))


@lru_cache(maxsize=1)
def _all_text() -> str:
    """Every code point in order, so that offsets are code points (surrogates included)."""
    raw = np.arange(CODE_POINTS, dtype="<u4").tobytes()
    return raw.decode("utf-32-le", "surrogatepass")


@lru_cache(maxsize=16)
def python_class(name: str) -> Ranges:
    r"""The sets of ``\d``, ``\w`` and ``\s`` in Python's Unicode patterns: name is ``"d"``, ``"w"`` or ``"s"``."""
    return normalize(((m.start(), m.end() - 1) for m in re.finditer(rf"\{name}+", _all_text())), CODE_POINTS)


@lru_cache(maxsize=256)
def _library_class(body: str) -> Ranges:
    found = regex.finditer(rf"{body}+", _all_text(), flags=regex.VERSION1)
    return normalize(((m.start(), m.end() - 1) for m in found), CODE_POINTS)


# ---- ECMA-262 properties -----------------------------------------------------------------------------------

_CATEGORY_GROUPS = {
    "LC": "Cased_Letter",
    "L": "Letter",
    "M": "Mark",
    "N": "Number",
    "P": "Punctuation",
    "S": "Symbol",
    "Z": "Separator",
    "C": "Other",
}
_CATEGORIES = {
    **_CATEGORY_GROUPS,
    "Lu": "Uppercase_Letter",
    "Ll": "Lowercase_Letter",
    "Lt": "Titlecase_Letter",
    "Lm": "Modifier_Letter",
    "Lo": "Other_Letter",
    "Mn": "Nonspacing_Mark",
    "Mc": "Spacing_Mark",
    "Me": "Enclosing_Mark",
    "Nd": "Decimal_Number",
    "Nl": "Letter_Number",
    "No": "Other_Number",
    "Pc": "Connector_Punctuation",
    "Pd": "Dash_Punctuation",
    "Ps": "Open_Punctuation",
    "Pe": "Close_Punctuation",
    "Pi": "Initial_Punctuation",
    "Pf": "Final_Punctuation",
    "Po": "Other_Punctuation",
    "Sm": "Math_Symbol",
    "Sc": "Currency_Symbol",
    "Sk": "Modifier_Symbol",
    "So": "Other_Symbol",
    "Zs": "Space_Separator",
    "Zl": "Line_Separator",
    "Zp": "Paragraph_Separator",
    "Cc": "Control",
    "Cf": "Format",
    "Cs": "Surrogate",
    "Co": "Private_Use",
    "Cn": "Unassigned",
}
_CATEGORY_NAMES = {long: short for short, long in _CATEGORIES.items()} | {
    "Combining_Mark": "M",
    "cntrl": "Cc",
    "digit": "Nd",
    "punct": "P",
}
# ECMA-262, table of binary Unicode properties: name -> aliases.
_BINARY = {
    "Alphabetic": "Alpha", "Bidi_Control": "Bidi_C", "Bidi_Mirrored": "Bidi_M", "Case_Ignorable": "CI",
    "Cased": "", "Changes_When_Casefolded": "CWCF", "Changes_When_Casemapped": "CWCM",
    "Changes_When_Lowercased": "CWL", "Changes_When_Titlecased": "CWT", "Changes_When_Uppercased": "CWU", "Dash": "",
    "Default_Ignorable_Code_Point": "DI", "Deprecated": "Dep", "Diacritic": "Dia", "Emoji": "",
    "Emoji_Component": "EComp", "Emoji_Modifier": "EMod", "Emoji_Modifier_Base": "EBase",
    "Emoji_Presentation": "EPres", "Extended_Pictographic": "ExtPict", "Extender": "Ext",
    "Grapheme_Base": "Gr_Base", "Grapheme_Extend": "Gr_Ext", "Hex_Digit": "Hex",
    "IDS_Binary_Operator": "IDSB", "IDS_Trinary_Operator": "IDST", "ID_Continue": "IDC", "ID_Start": "IDS",
    "Ideographic": "Ideo", "Join_Control": "Join_C", "Logical_Order_Exception": "LOE", "Lowercase": "Lower",
    "Math": "", "Noncharacter_Code_Point": "NChar", "Pattern_Syntax": "Pat_Syn",
    "Pattern_White_Space": "Pat_WS", "Quotation_Mark": "QMark", "Radical": "", "Regional_Indicator": "RI",
    "Sentence_Terminal": "STerm", "Soft_Dotted": "SD", "Terminal_Punctuation": "Term",
    "Unified_Ideograph": "UIdeo", "Uppercase": "Upper", "Variation_Selector": "VS", "White_Space": "space",
    "XID_Continue": "XIDC", "XID_Start": "XIDS",
}  # fmt: skip
#: A property of ECMA-262 for which there is no table here.
UNKNOWN_TABLE = ("Changes_When_NFKC_Casefolded", "CWKCF")
_BINARY_NAMES = {name: name for name in _BINARY} | {alias: name for name, alias in _BINARY.items() if alias}


def ecma_property(name: str, value: str | None) -> Ranges | None:
    r"""The set of ``\p{name}`` or ``\p{name=value}``; None if ECMA-262 knows no such property.

    Names are matched exactly, as the standard demands.
    """
    if value is not None:
        if name in ("General_Category", "gc"):
            return _category(value)
        if name in ("Script", "sc", "Script_Extensions", "scx"):
            short = "Script" if name in ("Script", "sc") else "Script_Extensions"
            if not re.fullmatch(r"[A-Z][A-Za-z_]*", value):
                return None
            try:
                return _library_class(rf"\p{{{short}={value}}}")
            except regex.error:
                return None
        return None
    if name == "Any":
        return invert((), CODE_POINTS)
    if name == "ASCII":
        return ((0, 0x7F),)
    if name == "Assigned":
        return invert(_library_class(r"\p{Cn}"), CODE_POINTS)
    if name in _BINARY_NAMES:
        try:
            return _library_class(rf"\p{{{_BINARY_NAMES[name]}}}")
        except regex.error:
            return None
    return _category(name)


def _category(name: str) -> Ranges | None:
    short = name if name in _CATEGORIES else _CATEGORY_NAMES.get(name)
    if short is None:
        return None
    if short == "LC":
        return _library_class(r"[\p{Lu}\p{Ll}\p{Lt}]")
    return _library_class(rf"\p{{{short}}}")


# ---- case folding ------------------------------------------------------------------------------------------


def _simple_lower(code: int) -> int:
    lower = chr(code).lower()
    return ord(lower) if len(lower) == 1 else ord(lower[0])


#: Simple foldings that came with Unicode 15.1, for interpreters with older tables.
_LATE_FOLDS = {0xFB05: 0xFB06, 0x1FD3: 0x390, 0x1FE3: 0x3B0}


def _simple_fold(code: int) -> int:
    """Simple case folding (statuses C and S of CaseFolding.txt)."""
    if code in _LATE_FOLDS:
        return _LATE_FOLDS[code]
    char = chr(code)
    for folded in (char.casefold(), char.lower()):
        if len(folded) == 1:
            return ord(folded)
    return code


@lru_cache(maxsize=4)
def _orbits(dialect: str) -> dict[int, tuple[int, ...]]:
    """For each code point with case: all code points that match it when case is ignored."""
    key = _simple_fold if dialect == "ecma" else _simple_lower
    cased = [
        code for code in range(CODE_POINTS) if (c := chr(code)).lower() != c or c.casefold() != c or c.upper() != c
    ]
    groups: dict[int, set[int]] = defaultdict(set)
    for code in cased:
        groups[key(code)].add(code)
        groups[key(code)].add(key(code))
    if dialect == "python":
        # ``re`` also takes as equal the lowercase letters that share one uppercase
        by_upper: dict[str, set[int]] = defaultdict(set)
        for code in cased:
            by_upper[chr(code).upper()].add(_simple_lower(code))
        partners: dict[int, set[int]] = {}
        for lowers in by_upper.values():
            if len(lowers) > 1:
                for low in lowers:
                    partners.setdefault(low, set()).update(lowers)
        merged = {low: set().union(*(groups[p] | {p} for p in others)) for low, others in partners.items()}
        groups.update(merged)
    return {code: tuple(sorted(groups[key(code)] | {code})) for code in cased if len(groups[key(code)] | {code}) > 1}


@lru_cache(maxsize=1024)
def ignore_case(ranges: Ranges, dialect: str, *, ascii_only: bool = False) -> Ranges:
    """The set with everything that matches one of its members when case is ignored.

    Args:
        ranges: the set as written.
        dialect: ``"python"`` or ``"ecma"`` (with the ``u`` flag).
        ascii_only: only ASCII letters have case (Python with re.ASCII).
    """
    if ascii_only:
        extra = [
            (code ^ 0x20, code ^ 0x20)
            for lo, hi in ranges
            for code in range(lo, min(hi, 0x7A) + 1)
            if 0x41 <= code & ~0x20 <= 0x5A
        ]
    else:
        orbits = _orbits(dialect)
        if sum(hi - lo for lo, hi in ranges) < len(orbits):
            members = [code for lo, hi in ranges for code in range(lo, hi + 1) if code in orbits]
        else:
            members = [code for code in orbits if any(lo <= code <= hi for lo, hi in ranges)]
        extra = [(other, other) for code in members for other in orbits[code]]
    return join(ranges, tuple(extra), alphabet=CODE_POINTS)
