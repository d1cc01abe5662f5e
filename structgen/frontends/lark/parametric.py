"""Rules with numbers, an extension of Lark's notation: ``list{n=0..5}: "a" list{n + 1} | ``.

Receives the text of a grammar; returns text for Lark's loader, in which each rule with numbers that is reached is a
rule of its own, and what to call these rules. A rule has no texts outside of the range of its numbers: alternatives
that would call it there are left out, and so are those whose condition (``%if``) does not hold. So a family of rules is
finite whatever its rules say, and the outcome is an ordinary grammar.

Other lines stay where they are; the new rules stand behind the last line, one a line.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from structgen.errors import LimitError
from structgen.frontends.lark.errors import syntax_error
from structgen.frontends.lark.parambody import Alternative, Bodies, Body, Call, Group, Word, alternatives
from structgen.frontends.lark.scan import GrammarToken, Index, tokens

#: Rules that a grammar's rules with numbers may become.
MAX_RULES = 20_000

#: A rule with its numbers.
Instance = tuple[str, tuple[int, ...]]


class Family(NamedTuple):
    """The definition of a rule with numbers.

    Attributes:
        name, at: its name, and the offset of that.
        ranges: the least and the greatest value of each number, by name.
        priority: ``.2`` where it has one.
        body: what it is defined as.
        end: the offset behind the definition.
    """

    name: str
    at: int
    ranges: Mapping[str, tuple[int, int]]
    priority: str
    body: Body
    end: int


@dataclass
class Expanded:
    """A grammar without rules with numbers.

    Attributes:
        text: for Lark's loader.
        names: what the rules behind the last line of the user's text are to be called: ``list{3}``.
        lines: the offset in the user's text that each of their lines stems from.
    """

    text: str
    names: dict[str, str] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)

    def shown(self, name: str) -> str:
        """How to call a rule of Lark's: one made here, or made by Lark out of it."""
        if name in self.names:
            return self.names[name]
        helper = re.match(r"__(_?[a-z][0-9]+)_", name)
        if helper and helper[1] in self.names:
            return f"__{self.names[helper[1]]}{name[len(helper[0]) - 1 :]}"
        return name


def expand(text: str, index: Index) -> Expanded:
    """The grammar with its rules with numbers written out.

    Args:
        text: without other extensions.
        index: the user's text, in which everything stands where it stands in ``text``.

    Raises:
        SourceSyntaxError: such a rule, or a use of one, is malformed.
        LimitError: there are more than ``MAX_RULES`` of them.
    """
    found = list(tokens(text))
    families = {family.name: family for family in _families(found, text, index)}
    plain = [t for t in found if not any(f.at <= t.at < f.end for f in families.values())]
    for token in plain:
        if token.text == "%if" and token.kind == "directive":
            raise syntax_error(
                "%if stands in a rule without numbers", index, token.at, "Give the rule numbers:  name{n=0..9}: ..."
            )
    if not families:
        return Expanded(text)
    writing = _Writing(families, index, _prefix(text))
    return writing.run(text, plain)


def _families(found: list[GrammarToken], text: str, index: Index) -> Iterator[Family]:
    begins = sorted(_begins(found))
    for begin, following in itertools.pairwise([*begins, len(found)]):
        statement = found[begin:following]
        name = next((t for t in statement if t.kind in ("rule", "terminal")), None)
        colon = next((i for i, t in enumerate(statement) if t.text == ":" and t.kind == "sign"), None)
        if name is None or colon is None or statement[0].kind == "directive":
            continue
        head = statement[statement.index(name) + 1 : colon]
        if not head or head[0].text != "{" or not any(t.text == "=" for t in head):
            continue
        if name.kind == "terminal":
            raise syntax_error("terminals have no numbers", index, name.at, "Make it a rule, in lower case")
        close = next(i for i, t in enumerate(head) if t.text == "}")
        end = statement[-1].at + len(statement[-1].text)
        ranges = _ranges(head[1:close], index)
        priority = "".join(t.text for t in head[close + 1 :])
        yield Family(name.text, statement[0].at, ranges, priority, Body(statement[colon + 1 :], end), end)


def _begins(found: list[GrammarToken]) -> Iterator[int]:
    """The numbers of the tokens at which statements begin."""
    for i, token in enumerate(found):
        if token.kind == "directive" and token.text not in ("%if", "%json"):
            yield i
        if token.kind != "sign" or token.text != ":":
            continue
        j = i - 1
        if j >= 1 and found[j].kind == "number" and found[j - 1].text == ".":
            j -= 2
        if j >= 0 and found[j].text == "}":
            while j > 0 and found[j].text != "{":
                j -= 1
            j -= 1
        while j > 0 and found[j - 1].text in ("?", "!") and found[j - 1].at + 1 == found[j].at:
            j -= 1
        if j >= 0 and not (j > 0 and found[j - 1].text in ("%override", "%extend")):
            yield j


def _ranges(inside: list[GrammarToken], index: Index) -> dict[str, tuple[int, int]]:
    ranges: dict[str, tuple[int, int]] = {}
    for at in range(0, len(inside), 6):
        part = inside[at : at + 6]
        kinds = [t.kind if t.kind in ("rule", "number") else t.text for t in part]
        if kinds[:5] != ["rule", "=", "number", "..", "number"] or kinds[5:] not in ([], [","]):
            raise syntax_error(
                "the numbers of a rule are given with their ranges", index, part[0].at, "Write  name{n=0..9, m=1..3}:"
            )
        lo, hi = int(part[2].text), int(part[4].text)
        if lo > hi or part[0].text in ranges:
            raise syntax_error("this range is empty, or its name stands here twice", index, part[0].at)
        ranges[part[0].text] = (lo, hi)
    return ranges


def _prefix(text: str) -> str:
    """A beginning of names that the text does not have."""
    for prefix in (*"pqrstuvwxyz", *(f"_{c}" for c in "abcdefghijklmnopqrstuvwxyz")):
        if not re.search(rf"(?<![_a-z0-9]){prefix}[0-9]", text):
            return prefix
    raise AssertionError("a grammar with rules p0, q0, ..., _z0")


class _Writing:
    """Instances, written out as they are asked for."""

    def __init__(self, families: Mapping[str, Family], index: Index, prefix: str) -> None:
        self._families = families
        self._index = index
        self._prefix = prefix
        self._bodies = Bodies({name: tuple(f.ranges) for name, f in families.items()}, index)
        self._parsed = {name: alternatives(f.body, self._bodies, tuple(f.ranges)) for name, f in families.items()}
        self._numbers: dict[Instance, str] = {}
        self._dead: set[Instance] = set()

    def run(self, text: str, plain: list[GrammarToken]) -> Expanded:
        """The text, its families blanked out, calls in other rules replaced, and the instances behind it."""
        calls = list(self._bodies.calls(plain))
        wanted = [(call, self._constant(call)) for call in calls]
        lines = self._all([instance for _, instance in wanted])
        for call, instance in wanted:
            if instance in self._dead:
                raise syntax_error(
                    f"{_shown(instance)} has no alternative: its conditions hold for none, or call rules without any",
                    self._index,
                    call.at,
                )
        edits = [(call.at, call.end, self._name(instance)) for call, instance in wanted]
        edits += [(f.at, f.end, "") for f in self._families.values()]
        parts, done = [], 0
        for at, end, new in sorted(edits):
            parts += [text[done:at], _padded(new, text[at:end])]
            done = end
        result = Expanded("".join([*parts, text[done:]]))
        number = result.text.count("\n") + 1
        for instance, line in lines.items():
            number += 1
            result.text += f"\n{line}"
            result.names[self._numbers[instance]] = _shown(instance)
            result.lines[number] = self._families[instance[0]].at
        result.text += "\n"
        return result

    def _all(self, wanted: list[Instance]) -> dict[Instance, str]:
        """The definitions of all instances that are reached, those without alternatives left out of the others."""
        while True:
            lines: dict[Instance, str] = {}
            todo, dead = list(wanted), len(self._dead)
            while todo:
                instance = todo.pop()
                if instance in lines or instance in self._dead:
                    continue
                if len(lines) >= MAX_RULES:
                    family = self._families[instance[0]]
                    raise LimitError(
                        f"the rules with numbers become more than {MAX_RULES} rules",
                        where=str(self._index.place(family.at)),
                        hint="Make the ranges smaller",
                    )
                written = self._body(instance, todo)
                if written is None:
                    self._dead.add(instance)
                else:
                    lines[instance] = f"{self._name(instance)}{self._families[instance[0]].priority}: {written}"
            if len(self._dead) == dead:
                return lines

    def _body(self, instance: Instance, todo: list[Instance]) -> str | None:
        name, values = instance
        numbers = dict(zip(self._families[name].ranges, values, strict=True))
        return self._alternatives(self._parsed[name], numbers, todo)

    def _alternatives(
        self, options: list[Alternative], numbers: dict[str, int], todo: list[Instance]
    ) -> str | None:
        """The alternatives that are left with these numbers; None: none is."""
        left = []
        for option in options:
            if option.condition is not None and not option.condition.value(numbers):
                continue
            called: list[Instance] = []
            words = [self._item(item, numbers, called) for item in option.items]
            if all(word is not None for word in words):
                left.append(" ".join(word for word in words if word))
                todo += called
        return " | ".join(left) if left else None

    def _item(self, item: Word | Call | Group, numbers: dict[str, int], todo: list[Instance]) -> str | None:
        """An item written out, ``""`` where it comes no times; None where it has no texts."""
        least, most = item.times(numbers) if item.repeat is not None else (1, 1)
        if not 0 <= least <= most:
            return None
        if most == 0:
            return ""
        inner: str | None
        if isinstance(item, Word):
            inner = item.text
        elif isinstance(item, Call):
            instance = (item.name, tuple(argument.value(numbers) for argument in item.arguments))
            inner = None if self._outside(instance) or instance in self._dead else self._name(instance)
            if inner is not None:
                todo.append(instance)
        else:
            body = self._alternatives(item.options, numbers, todo)
            inner = None if body is None else f"{item.opening}{body}{item.closing}"
        if inner is None:
            return "" if item.may_be_left_out or least == 0 else None
        return inner + (f"~{least}..{most}" if item.repeat is not None else item.operator)

    def _constant(self, call: Call) -> Instance:
        instance = (call.name, tuple(argument.value({}) for argument in call.arguments))
        if self._outside(instance):
            ranges = ", ".join(f"{n}={lo}..{hi}" for n, (lo, hi) in self._families[call.name].ranges.items())
            raise syntax_error(f"{_shown(instance)} is outside of {call.name}{{{ranges}}}", self._index, call.at)
        return instance

    def _outside(self, instance: Instance) -> bool:
        ranges = self._families[instance[0]].ranges.values()
        return any(not lo <= value <= hi for value, (lo, hi) in zip(instance[1], ranges, strict=True))

    def _name(self, instance: Instance) -> str:
        return self._numbers.setdefault(instance, f"{self._prefix}{len(self._numbers)}")


def _shown(instance: Instance) -> str:
    return f"{instance[0]}{{{', '.join(map(str, instance[1]))}}}"


def _padded(new: str, replaced: str) -> str:
    """The new text on as many lines as the old, ending in the same column where it is short enough."""
    lines = replaced.split("\n")
    if len(lines) == 1:
        return new.ljust(len(replaced))
    return new + "\n" * (len(lines) - 1) + " " * len(lines[-1])
