r"""The syntax of Python's ``re`` for str patterns.

Receives a pattern and flags; returns a tree. Follows the library of Python 3.11 and later: possessive
quantifiers and atomic groups are read, global inline flags stand at the start, ``\Z`` is the end of the text.
"""

from __future__ import annotations

import re
import sys
import unicodedata

from structgen.automata.symbols import CODE_POINTS, Ranges, every_symbol, invert
from structgen.frontends.regex import ast
from structgen.frontends.regex.parser import Parser
from structgen.frontends.regex.unicode import ASCII_DIGIT, ASCII_SPACE, ASCII_WORD, python_class

_LETTERS = {"a": re.A, "i": re.I, "L": re.L, "m": re.M, "s": re.S, "u": re.U, "x": re.X}
_LOCAL = re.I | re.M | re.S | re.X | re.A | re.U
_CONTROL = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92}
_COUNTS = re.compile(r"(\d*)(?:(,)(\d*))?\}", re.ASCII)
_HEX = re.compile(r"[0-9a-fA-F]*")
_COMMENT = re.compile(r"#[^\n]*\n?")
_ASCII_SETS = {"d": ASCII_DIGIT, "w": ASCII_WORD, "s": ASCII_SPACE}
_NEWLINE = ast.Chars(((10, 10),))


class PythonParser(Parser):
    """See the module."""

    dialect = "python"

    def __init__(self, pattern: str, flags: int, where: str | None) -> None:
        super().__init__(pattern, flags, where)
        self.names: set[str] = set()
        self.groups = 0
        if flags & re.LOCALE:
            raise self.error("the flag LOCALE is for bytes patterns", 0)
        if flags & re.ASCII and flags & re.UNICODE:
            self.flags &= ~re.UNICODE

    def skip(self) -> bool:
        if not self.flags & re.VERBOSE:
            return False
        char = self.peek()
        if char in " \t\n\r\v\f":
            self.at += 1
            return True
        return char == "#" and self.scan(_COMMENT) is not None

    # ---- sets and anchors ------------------------------------------------------------------------------

    def _named_set(self, letter: str) -> Ranges:
        low = letter.lower()
        found = _ASCII_SETS[low] if self.flags & re.ASCII else python_class(low)
        return found if letter == low else invert(found, CODE_POINTS)

    def dot(self) -> Ranges:
        return every_symbol(CODE_POINTS) if self.flags & re.DOTALL else invert(((10, 10),), CODE_POINTS)

    def line_start(self) -> ast.Node:
        if self.flags & re.MULTILINE:
            return ast.alt([ast.Start(), ast.Look(_NEWLINE, ahead=False, negative=False)])
        return ast.Start()

    def line_end(self) -> ast.Node:
        if self.flags & re.MULTILINE:
            return ast.alt([ast.End(), ast.Look(_NEWLINE, ahead=True, negative=False)])
        last = ast.seq([_NEWLINE, ast.End()])
        return ast.alt([ast.End(), ast.Look(last, ahead=True, negative=False)])

    # ---- quantifiers -----------------------------------------------------------------------------------

    def counts(self) -> tuple[int, int | None] | None:
        found = _COUNTS.match(self.pattern, self.at)
        if found is None or found[0] == "}":
            return None
        self.at = found.end()
        lo = int(found[1] or 0)
        if found[2] is None:
            return lo, lo
        return lo, int(found[3]) if found[3] else None

    def quantified(self, item: ast.Node, lo: int, hi: int | None, start: int) -> ast.Node:
        if self.take("+"):
            return ast.Atomic(ast.repeat(item, lo, hi), isinstance(item, ast.Chars), start)
        return super().quantified(item, lo, hi, start)

    def stray(self, char: str, start: int) -> ast.Node:
        return self.literal(ord(char))

    # ---- escapes ---------------------------------------------------------------------------------------

    def escape(self, start: int) -> tuple[ast.Node, str]:
        letter = self.peek()
        if letter in ("A", "Z"):
            self.at += 1
            return (ast.Start() if letter == "A" else ast.End()), "anchor"
        if letter in ("b", "B"):
            self.at += 1
            node = self.boundary(self._named_set("w"), negated=letter == "B")
            if letter == "B" and sys.version_info < (3, 14):  # until then \\B never held in an empty text
                sides = [ast.Look(ast.ANY, ahead=ahead, negative=False) for ahead in (False, True)]
                node = ast.seq([node, ast.alt(sides)])
            return node, "anchor"
        if letter in "123456789" and letter:
            return self._number(start), "atom"
        found = self._common_escape(start)
        if isinstance(found, int):
            return self.literal(found), "atom"
        return ast.Chars(found), "atom"

    def _number(self, start: int) -> ast.Node:
        """``\\1`` refers to a group, ``\\123`` is octal."""
        digits = self.pattern[self.at : self.at + 3]
        if len(digits) == 3 and all(d in "01234567" for d in digits):
            code = int(digits, 8)
            if code > 0o377:
                raise self.error(f"octal escape \\{digits} is over \\377", start)
            self.at += 3
            return self.literal(code)
        number = int(digits[:2]) if digits[1:2].isdecimal() and digits[1:2].isascii() else int(digits[0])
        if number > self.groups:
            raise self.error(f"invalid group reference {number}", start)
        raise self._backreference(str(number), start)

    def _backreference(self, name: str, start: int) -> Exception:
        return self.unsupported(
            f"backreference to group {name}, which no finite automaton can check",
            start,
            "Write out the alternatives that the group may match",
        )

    def class_escape(self, start: int) -> int | Ranges:
        if self.take("b"):
            return 8
        letter = self.peek()
        if letter in "89" and letter:
            raise self.error(f"bad escape \\{letter}", start)
        return self._common_escape(start, in_class=True)

    def _common_escape(self, start: int, in_class: bool = False) -> int | Ranges:
        letter = self.peek()
        if not letter:
            raise self.error("bad escape: the pattern ends after a backslash", start)
        self.at += 1
        if letter in "dDwWsS":
            return self._named_set(letter)
        if letter in _CONTROL and not (letter == "b" and not in_class):
            return _CONTROL[letter]
        if letter in "xuU":
            size = {"x": 2, "u": 4, "U": 8}[letter]
            digits = (self.scan(_HEX) or "")[:size]
            self.at = start + 2 + len(digits)
            if len(digits) < size:
                raise self.error(f"incomplete escape \\{letter}: {size} hex digits are needed", start)
            code = int(digits, 16)
            if code >= CODE_POINTS:
                raise self.error("bad escape: no such code point", start)
            return code
        if letter == "N":
            return self._by_name(start)
        if letter in "01234567":
            digits = letter
            while len(digits) < 3 and self.peek() in tuple("01234567"):
                digits += self.peek()
                self.at += 1
            code = int(digits, 8)
            if code > 0o377:
                raise self.error(f"octal escape \\{digits} is over \\377", start)
            return code
        if letter.isascii() and letter.isalpha():
            hint = None
            if letter in "pP":
                hint = 'Python\'s re has no \\p{...}; use dialect="ecma"'
            elif letter == "z":
                hint = "The end of the text is \\Z in Python"
            raise self.error(f"bad escape \\{letter}", start, hint)
        return ord(letter)

    def _by_name(self, start: int) -> int:
        end = self.pattern.find("}", self.at)
        if not self.take("{") or end < 0:
            raise self.error("\\N needs a character name in braces", start)
        name = self.pattern[self.at : end]
        self.at = end + 1
        try:
            found = unicodedata.lookup(name)
        except KeyError:
            found = ""
        if len(found) != 1:
            raise self.error(f"undefined character name {name!r}", start)
        return ord(found)

    # ---- classes ---------------------------------------------------------------------------------------

    def character_class(self, start: int) -> ast.Node:
        codes: list[tuple[int, int]] = []
        sets: list[Ranges] = []
        negated = self.take("^")
        first = True
        while first or not self.take("]"):
            first = False
            here = self.at
            low = self._class_item(start)
            if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                high = self._class_item(start)
                if not isinstance(low, int) or not isinstance(high, int) or high < low:
                    raise self.error(f"bad character range {self.pattern[here : self.at]}", here)
                codes.append((low, high))
            elif isinstance(low, int):
                codes.append((low, low))
            else:
                sets.append(low)
        return self.set_of(codes, sets, negated)

    def _class_item(self, start: int) -> int | Ranges:
        char = self.peek()
        if not char:
            raise self.error("this character set is not closed", start)
        self.at += 1
        return self.class_escape(self.at - 1) if char == "\\" else ord(char)

    # ---- groups ----------------------------------------------------------------------------------------

    def group(self, start: int) -> tuple[ast.Node | None, str]:
        if not self.take("?"):
            self.groups += 1
            return self._inside(start), "atom"
        if self.take(":"):
            return self._inside(start), "atom"
        if self.take("#"):
            end = self.pattern.find(")", self.at)
            if end < 0:
                raise self.error("missing ), this comment is not closed", start)
            self.at = end + 1
            return None, ""
        if self.take("P"):
            return self._named(start), "atom"
        for mark, ahead, negative in (("=", 1, 0), ("!", 1, 1), ("<=", 0, 0), ("<!", 0, 1)):
            if self.take(mark):
                body = self._inside(start)
                if not ahead:
                    lo, hi = ast.width(body)
                    if lo != hi:
                        raise self.error(
                            "Python's lookbehind needs a pattern of one fixed length",
                            start,
                            'dialect="ecma" has no such rule',
                        )
                return ast.Look(body, ahead=bool(ahead), negative=bool(negative)), "atom"
        if self.take(">"):
            return ast.Atomic(self._inside(start), False, start), "atom"
        if self.take("("):
            raise self.unsupported(
                "conditional group (?(...)...), whose meaning depends on what another group matched",
                start,
                "Write out the two cases as alternatives",
            )
        if self.peek() in tuple("aiLmsux-"):
            return self._flag_group(start)
        hint = "A named group is written (?P<name>...) in Python" if self.peek() == "<" else None
        raise self.error(f"unknown extension ?{self.pattern[self.at : self.at + 1]}", start, hint)

    def _inside(self, start: int) -> ast.Node:
        flags = self.flags
        node = self.branches()
        self.close(start)
        self.flags = flags
        return node

    def _named(self, start: int) -> ast.Node:
        if self.take("="):
            end = self.pattern.find(")", self.at)
            name = self.pattern[self.at : end]
            if end < 0 or name not in self.names:
                raise self.error(f"unknown group name {name!r}", start)
            raise self._backreference(name, start)
        if not self.take("<"):
            raise self.error(f"unknown extension ?P{self.peek()}", start)
        end = self.pattern.find(">", self.at)
        name = self.pattern[self.at : end]
        if end < 0 or not name.isidentifier():
            raise self.error(f"bad group name {name!r}", self.at)
        if name in self.names:
            raise self.error(f"group name {name!r} is used twice", self.at)
        self.names.add(name)
        self.groups += 1
        self.at = end + 1
        return self._inside(start)

    def _flag_group(self, start: int) -> tuple[ast.Node | None, str]:
        added = self._flag_letters()
        if self.take(")"):
            if not added:
                raise self.error("missing flag", self.at - 1)
            if start > 0 and not self._only_flags_before(start):
                raise self.error(
                    "global flags are not at the start of the expression", start, "Write (?i:...) for a part of it"
                )
            self.flags |= added
            if added & re.ASCII:
                self.flags &= ~re.UNICODE
            return None, ""
        removed = 0
        if self.take("-"):
            removed = self._flag_letters()
            if not removed or removed & (re.ASCII | re.UNICODE | re.LOCALE) or added & removed:
                raise self.error("bad inline flags", start)
        if not self.take(":"):
            raise self.error("unknown flag, or missing : or )", self.at)
        outer = self.flags
        if added & re.ASCII:
            self.flags &= ~re.UNICODE
        if added & re.UNICODE:
            self.flags &= ~re.ASCII
        self.flags = (self.flags | added) & ~removed
        node = self.branches()
        self.close(start)
        self.flags = outer
        return node, "atom"

    def _flag_letters(self) -> int:
        found = 0
        while (letter := self.peek()) and letter in _LETTERS:
            flag = int(_LETTERS[letter])
            if not flag & _LOCAL:
                raise self.error("bad inline flags: L is for bytes patterns", self.at)
            found |= flag
            self.at += 1
        if found & re.ASCII and found & re.UNICODE:
            raise self.error("bad inline flags: a and u exclude each other", self.at)
        return found

    def _only_flags_before(self, start: int) -> bool:
        """Does nothing but other flag groups, comments and verbose blanks stand before ``start``?"""
        before = self.pattern[:start]
        if self.flags & re.VERBOSE:
            before = re.sub(r"\s+|#[^\n]*(?:\n|$)", "", before)
        return re.fullmatch(r"(?:\(\?[aimsux]+\)|\(\?#[^)]*\))*", before) is not None
