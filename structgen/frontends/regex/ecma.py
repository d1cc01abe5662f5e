r"""The syntax of ECMA-262 regular expressions: the meaning of the ``u`` flag, with Annex B's leniency.

Receives a pattern and flags (of ``re``: IGNORECASE, MULTILINE, DOTALL stand for ``i``, ``m``, ``s``); returns
a tree. Patterns are over code points and ``\p{...}``, ``\u{...}`` are known, as under ``u``. What only the
stricter grammar of ``u`` forbids is accepted where it has one plausible meaning: escaped punctuation (``\-``,
``\_``), braces and brackets that stand for themselves, legacy octal escapes. What looks like another engine's
syntax (``\A``, ``(?P<n>)``, ``[[:alpha:]]``) is refused, not read as the odd thing ECMA would make of it.
"""

from __future__ import annotations

import re

from structgen.automata.symbols import CODE_POINTS, Ranges, every_symbol, invert
from structgen.frontends.regex import ast
from structgen.frontends.regex.parser import Parser
from structgen.frontends.regex.unicode import (
    ASCII_DIGIT,
    ASCII_WORD,
    ECMA_NEWLINE,
    ECMA_SPACE,
    UNKNOWN_TABLE,
    ecma_property,
)

_COUNTS = re.compile(r"([0-9]+)(?:(,)([0-9]*))?\}")
_CONTROL = {"f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_NAME = re.compile(r"<([\w$]+)>")
_POSIX = re.compile(r"\[:\^?[a-z]+:\]")
_HEX2 = re.compile(r"[0-9a-fA-F]{2}")
_HEX4 = re.compile(r"[0-9a-fA-F]{4}")
_CODE_POINT = re.compile(r"\{[0-9a-fA-F]+\}")
_LOW_SURROGATE = re.compile(r"\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_PROPERTY = re.compile(r"\{([A-Za-z0-9_]+)(?:=([A-Za-z0-9_]+))?\}")
_FLAGS = {"i": re.I, "m": re.M, "s": re.S}
_GROUP_NAME = re.compile(r"\(\?<(?![=!])")
_OPENING = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|(\((?!\?)|\(\?<(?![=!]))", re.DOTALL)

#: Escapes of other engines, by letter: what to write instead.
_FOREIGN = {
    "A": "ECMA-262 writes the start of the text as ^",
    "Z": "ECMA-262 writes the end of the text as $",
    "z": "ECMA-262 writes the end of the text as $",
    "G": "ECMA-262 has no such anchor",
    "Q": "Escape each special character by itself",
    "E": "Escape each special character by itself",
    "h": "Use [ \\t] or \\s",
    "R": "Use \\r?\\n",
    "X": "ECMA-262 has no grapheme clusters",
    "a": "Use \\x07",
    "e": "Use \\x1b",
    "x": "Two hex digits must follow, as in \\x1b",
    "u": "Four hex digits must follow, or braces: \\u00e9 or \\u{e9}",
    "c": "A letter must follow, as in \\cJ",
    "p": "Write a property in braces: \\p{L}",
    "P": "Write a property in braces: \\P{L}",
}


class EcmaParser(Parser):
    """See the module."""

    dialect = "ecma"

    def __init__(self, pattern: str, flags: int, where: str | None) -> None:
        super().__init__(pattern, flags, where)
        self.groups = sum(1 for m in _OPENING.finditer(pattern) if m[1])
        self.named = _GROUP_NAME.search(pattern) is not None

    # ---- sets and anchors ------------------------------------------------------------------------------

    def _word(self) -> Ranges:
        if self.flags & re.IGNORECASE:  # with u and i, letters that fold to word characters are ones too
            return self.folded(ASCII_WORD)
        return ASCII_WORD

    def _named_set(self, letter: str) -> Ranges:
        low = letter.lower()
        found = {"d": ASCII_DIGIT, "s": ECMA_SPACE}.get(low) or self._word()
        return found if letter == low else invert(found, CODE_POINTS)

    def dot(self) -> Ranges:
        return every_symbol(CODE_POINTS) if self.flags & re.DOTALL else invert(ECMA_NEWLINE, CODE_POINTS)

    def line_start(self) -> ast.Node:
        if self.flags & re.MULTILINE:
            return ast.alt([ast.Start(), ast.Look(ast.Chars(ECMA_NEWLINE), ahead=False, negative=False)])
        return ast.Start()

    def line_end(self) -> ast.Node:
        if self.flags & re.MULTILINE:
            return ast.alt([ast.End(), ast.Look(ast.Chars(ECMA_NEWLINE), ahead=True, negative=False)])
        return ast.End()

    # ---- quantifiers -----------------------------------------------------------------------------------

    def counts(self) -> tuple[int, int | None] | None:
        found = _COUNTS.match(self.pattern, self.at)
        if found is None:
            return None
        self.at = found.end()
        lo = int(found[1])
        if found[2] is None:
            return lo, lo
        return lo, int(found[3]) if found[3] else None

    def quantified(self, item: ast.Node, lo: int, hi: int | None, start: int) -> ast.Node:
        node = super().quantified(item, lo, hi, start)
        if self.peek() == "+":
            raise self.error(
                "multiple repeat (ECMA-262 has no possessive quantifiers)", self.at, "Leave out the second +"
            )
        return node

    def stray(self, char: str, start: int) -> ast.Node:
        return self.literal(ord(char))

    # ---- escapes ---------------------------------------------------------------------------------------

    def escape(self, start: int) -> tuple[ast.Node, str]:
        letter = self.peek()
        if letter in ("b", "B"):
            self.at += 1
            return self.boundary(self._word(), negated=letter == "B"), "anchor"
        if letter == "k" and self.named:
            self.at += 1
            name = self.scan(_NAME)
            if name is None:
                raise self.error("\\k needs a group name, as in \\k<name>", start)
            raise self._backreference(name[1:-1], start)
        if letter in "123456789" and letter:
            digits = re.compile(r"[0-9]+").match(self.pattern, self.at)
            assert digits is not None
            if int(digits[0]) <= self.groups:
                raise self._backreference(digits[0], start)
        found = self._common_escape(start)
        if isinstance(found, int):
            return self.literal(found), "atom"
        return ast.Chars(self.folded(found)), "atom"

    def _backreference(self, name: str, start: int) -> Exception:
        return self.unsupported(
            f"backreference to group {name}, which no finite automaton can check",
            start,
            "Write out the alternatives that the group may match",
        )

    def class_escape(self, start: int) -> int | Ranges:
        if self.take("b"):
            return 8
        if self.take("-"):
            return 0x2D
        return self._common_escape(start)

    def _common_escape(self, start: int) -> int | Ranges:
        letter = self.peek()
        if not letter:
            raise self.error("the pattern ends after a backslash", start)
        self.at += 1
        if letter in "dDwWsS":
            return self._named_set(letter)
        if letter in _CONTROL:
            return _CONTROL[letter]
        if letter == "c" and self.peek().isascii() and self.peek().isalpha():
            self.at += 1
            return ord(self.pattern[self.at - 1]) % 32
        if letter == "x" and (digits := self.scan(_HEX2)) is not None:
            return int(digits, 16)
        if letter == "u" and (code := self._code_point(start)) is not None:
            return code
        if letter in "pP" and self.peek() == "{":
            return self._property(start, negated=letter == "P")
        if letter in "01234567":
            digits = letter
            while len(digits) < 3 and self.peek() in tuple("01234567") and int(digits + self.peek(), 8) <= 0o377:
                digits += self.peek()
                self.at += 1
            return int(digits, 8)
        if letter in _FOREIGN or (letter.isascii() and letter.isalpha()):
            raise self.error(f"invalid escape \\{letter}", start, _FOREIGN.get(letter))
        return ord(letter)

    def _code_point(self, start: int) -> int | None:
        digits = self.scan(_CODE_POINT)
        if digits is not None:
            code = int(digits[1:-1], 16)
            if code >= CODE_POINTS:
                raise self.error("no such code point", start)
            return code
        digits = self.scan(_HEX4)
        if digits is None:
            return None
        code = int(digits, 16)
        if 0xD800 <= code <= 0xDBFF:
            low = self.scan(_LOW_SURROGATE)
            if low is not None:
                return 0x10000 + ((code - 0xD800) << 10) + (int(low[2:], 16) - 0xDC00)
        return code

    def _property(self, start: int, negated: bool) -> Ranges:
        found = _PROPERTY.match(self.pattern, self.at)
        if found is not None and found[1] in UNKNOWN_TABLE:
            raise self.unsupported(f"there is no table of the property {found[1]}", start, "Write out the characters")
        ranges = None if found is None else ecma_property(found[1], found[2])
        if found is None or ranges is None:
            raise self.error(
                "unknown Unicode property",
                start,
                "Names are exact: \\p{L}, \\p{Letter}, \\p{Script=Greek}, \\p{White_Space}",
            )
        self.at = found.end()
        return invert(ranges, CODE_POINTS) if negated else ranges

    # ---- classes ---------------------------------------------------------------------------------------

    def character_class(self, start: int) -> ast.Node:
        posix = _POSIX.match(self.pattern, self.at)
        if posix is not None and self.pattern[posix.end() : posix.end() + 1] in ("]", "["):
            raise self.unsupported(
                f"POSIX class {posix[0]}, which ECMA-262 does not have",
                self.at,
                "Use a property such as \\p{L}, or write out the characters",
            )
        codes: list[tuple[int, int]] = []
        sets: list[Ranges] = []
        negated = self.take("^")
        while not self.take("]"):
            here = self.at
            low = self._class_item(start)
            if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self._class_item(start)
                if isinstance(low, int) and isinstance(high, int):
                    if high < low:
                        raise self.error(f"bad character range {self.pattern[here : self.at]}", here)
                    codes.append((low, high))
                    continue
                codes.append((0x2D, 0x2D))  # a set at either end: the hyphen stands for itself
                for item in (low, high):
                    if isinstance(item, int):
                        codes.append((item, item))
                    else:
                        sets.append(item)
            elif isinstance(low, int):
                codes.append((low, low))
            else:
                sets.append(low)
        return self.set_of(codes, sets, negated)

    def _class_item(self, start: int) -> int | Ranges:
        char = self.peek()
        if not char:
            raise self.error("this character class is not closed", start)
        self.at += 1
        return self.class_escape(self.at - 1) if char == "\\" else ord(char)

    # ---- groups ----------------------------------------------------------------------------------------

    def group(self, start: int) -> tuple[ast.Node | None, str]:
        if not self.take("?"):
            return self._inside(start), "atom"
        if self.take(":"):
            return self._inside(start), "atom"
        for mark, ahead, negative in (("=", 1, 0), ("!", 1, 1), ("<=", 0, 0), ("<!", 0, 1)):
            if self.take(mark):
                node = ast.Look(self._inside(start), ahead=bool(ahead), negative=bool(negative))
                return node, "atom" if ahead else "anchor"
        if self.peek() == "<":
            if self.scan(_NAME) is None:
                raise self.error("bad group name", self.at)
            return self._inside(start), "atom"
        if self.peek() in tuple("ims-"):
            return self._flag_group(start), "atom"
        hints = {
            "P": "ECMA-262 writes a named group as (?<name>...)",
            ">": "ECMA-262 has no atomic groups",
            "#": "ECMA-262 has no comments",
            "(": "ECMA-262 has no conditional groups",
        }
        raise self.error(f"invalid group (?{self.peek()}", start, hints.get(self.peek()))

    def _inside(self, start: int) -> ast.Node:
        node = self.branches()
        self.close(start)
        return node

    def _flag_group(self, start: int) -> ast.Node:
        seen = ""
        flags = self.flags
        remove = False
        while not self.take(":"):
            letter = self.peek()
            if letter == "-" and not remove:
                remove = True
            elif letter in _FLAGS and letter not in seen:
                seen += letter
                flag = int(_FLAGS[letter])
                flags = flags & ~flag if remove else flags | flag
            else:
                hint = "ECMA-262 has no flags for a whole pattern; write (?i:...)" if letter == ")" else None
                raise self.error("invalid inline flags", start, hint)
            self.at += 1
        if not seen:
            raise self.error("invalid inline flags", start)
        outer, self.flags = self.flags, flags
        node = self._inside(start)
        self.flags = outer
        return node
