"""The texts of a set of numbers, as a byte automaton.

Receives a :class:`~structgen.frontends.json_schema.numbers.NumberSet`; returns a
:class:`~structgen.automata.bytedfa.ByteDfa`. Every text accepted denotes a member. Which forms of a member are
accepted is said in docs/json-schema.md; in short: every plain decimal, and exponent forms as far as they can be
decided with finitely many states.

One machine reads the magnitude digit by digit and keeps just enough to decide at the end:

* which cuts of the set still agree with the digits read (*alive*), and on which side of the others the number
  lies. Digits are compared as sequences ("lexical" rank), which serves both the plain reading and the reading
  with an exponent; the numeric rank follows from the number of integer digits;
* for each step of a multipleOf, the state of a :class:`_Digits` reader, which tells how often the digits read must
  be multiplied by ten to become a multiple.

What an exponent may be then is a union of intervals of integers, and those are decided by a small automaton.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from structgen.automata import ByteDfa, Dfa, intersect, to_bytedfa, utf8
from structgen.errors import LimitError
from structgen.frontends.json_schema.conditions import Condition, dense
from structgen.frontends.json_schema.numberrows import MAX_STATES, Interval, Row, Rows
from structgen.frontends.json_schema.numbers import Forms, NumberSet
from structgen.frontends.regex import to_dfa

#: Residues of one multipleOf above which a schema is refused.
MAX_RESIDUES = 20_000
#: Fraction digits of a mantissa with an exponent, where multiples matter: what a float prints.
_MANTISSA = 17
#: States spent on mantissas of multiples.
_MANTISSA_STATES = 1_500


class _Cut(NamedTuple):
    """A positive number d1.d2d3... * 10**exponent, without trailing zeros."""

    digits: str
    exponent: int


def _scientific(value: Fraction) -> _Cut:
    places = 0
    while value.denominator != 1:
        value *= 10
        places += 1
    text = str(value.numerator)
    return _Cut(text.rstrip("0"), len(text) - 1 - places)


@dataclass(frozen=True)
class _Magnitudes:
    """The members of one sign: zero, and cuts and conditions above it as in NumberSet."""

    zero: bool
    cuts: tuple[Fraction, ...]
    at: tuple[bool, ...]
    between: tuple[Condition, ...]

    def is_empty(self) -> bool:
        return not (self.zero or any(self.at) or any(self.between))


def _magnitudes(numbers: NumberSet) -> tuple[_Magnitudes, _Magnitudes]:
    """The members from 0 up, and those from 0 down with their signs dropped."""
    zero = numbers.contains(0)
    i, j = bisect_left(numbers.cuts, 0), bisect_right(numbers.cuts, 0)
    up = _Magnitudes(zero, numbers.cuts[j:], numbers.at[j:], numbers.between[j:])
    down = _Magnitudes(
        zero,
        tuple(-c for c in reversed(numbers.cuts[:i])),
        numbers.at[:i][::-1],
        numbers.between[: i + 1][::-1],
    )
    return up, down


class _Digits:
    """Reads the digits of an integer D and tells the least k for which D * 10**k is a multiple of ``modulus``.

    With modulus = 10**tens * rest, the last ``tens`` zeros are counted instead of being part of the residue. The
    state is (residue of what stands before the counted zeros) * (tens + 1) + (zeros counted).
    """

    def __init__(self, step: Fraction) -> None:
        self.places = 0  # x is a multiple of step iff x * 10**places is one of modulus
        while step.denominator != 1:
            step *= 10
            self.places += 1
        modulus = step.numerator
        self.tens = 0
        while modulus % 10 == 0:
            modulus //= 10
            self.tens += 1
        self.rest = modulus
        self.size = modulus * (self.tens + 1)
        if self.size > MAX_RESIDUES:
            raise LimitError(
                f"multipleOf needs {self.size} residues, more than {MAX_RESIDUES}",
                hint="Use a smaller multipleOf or one with fewer significant digits",
            )
        self.start = self.tens  # 0 ends with as many zeros as one likes
        self._powers = [pow(10, zeros + 1, self.rest) for zeros in range(self.tens + 1)]
        #: for each state the least k >= 0 with D * 10**k a multiple, or None
        self.shortfall = [self._shortfall(state) for state in range(self.size)]

    def step(self, state: int, digit: int) -> int:
        residue, zeros = divmod(state, self.tens + 1)
        if digit == 0:
            if zeros < self.tens:
                return state + 1
            return residue * 10 % self.rest * (self.tens + 1) + zeros
        return (residue * self._powers[zeros] + digit) % self.rest * (self.tens + 1)

    def _shortfall(self, state: int) -> int | None:
        residue, zeros = divmod(state, self.tens + 1)
        k = self.tens - zeros
        for _ in range(self.rest.bit_length() + 1):  # factors 2 and 5 of the modulus fall out one by one
            if residue == 0:
                return k
            residue = residue * 10 % self.rest
            k += 1
        return None


class _Stretch(NamedTuple):
    """A condition over the numbers of digit readers.

    Attributes:
        always: coefficient of every number.
        steps: (number of the reader, coefficient) of the multiples.
        needed: numbers of the readers.
    """

    always: int
    steps: tuple[tuple[int, int], ...]
    needed: frozenset[int]

    @classmethod
    def of(cls, condition: Condition, index: dict[Fraction, int]) -> _Stretch:
        steps = tuple((index[step], coefficient) for step, coefficient in condition if step)
        always = sum(coefficient for step, coefficient in condition if not step)
        return cls(always, steps, frozenset(i for i, _ in steps))


class _Reader(NamedTuple):
    """What has been read of a mantissa.

    Attributes:
        length: integer digits read, up to the machine's ``long``; 0 where it no longer matters.
        places: fraction digits read, as far as they matter; -1 before the point.
        position: significant digits read; 0 where no cut is alive.
        rank: (low, high): numeric ranks of the cuts alive in the plain reading (fraction only).
        lexical: (low, high): lexical ranks of the cuts alive in the reading with an exponent; None: no such reading.
        steps: for each step, the state of its digit reader, plus its size times one of OPEN, YES, NO: whether the
            plain reading is a multiple, once the fraction has more places than the step has decimals. Where
            there is no reading with an exponent the state is dropped: -YES, -NO.
        zero: was the last digit 0? Kept where a step counts against membership, see ``_multiples``.
    """

    length: int
    places: int
    position: int
    rank: tuple[int, int]
    lexical: tuple[int, int] | None
    steps: tuple[int, ...]
    zero: bool = False


_YES, _NO = 1, 2
_FREE = (0, 0)
_EACH = [(digit, digit) for digit in range(10)]


class _Machine:
    """Builds the automaton of one sign into shared rows. States are interned keys; rows are filled breadth first."""

    def __init__(self, members: _Magnitudes, rows: Rows) -> None:
        self.members = members
        self.rows = rows
        self.cuts = [_scientific(c) for c in members.cuts]
        order = sorted(range(len(self.cuts)), key=lambda i: self.cuts[i].digits)
        self.lexical = [self.cuts[i].digits for i in order]
        self.exponents = sorted({c.exponent for c in self.cuts})
        # cuts of one exponent are neighbours both in numeric and, among themselves, in lexical order
        self.group = {
            e: (
                bisect_left(self.cuts, e, key=lambda c: c.exponent),
                bisect_right(self.cuts, e, key=lambda c: c.exponent),
            )
            for e in self.exponents
        }
        place = {index: r for r, index in enumerate(order)}
        self.lexical_rank = [place[i] for i in range(len(self.cuts))]
        self.longest = max([len(c.digits) for c in self.cuts], default=0)
        self.free = not self.cuts
        self.points_only = not any(members.between)
        steps = sorted({s for c in members.between for s, _ in c if s})
        self.steps = [_Digits(s) for s in steps]
        index = {s: i for i, s in enumerate(steps)}
        self.stretches = [_Stretch.of(condition, index) for condition in members.between]
        self.signed = any(c < 0 for condition in members.between for _, c in condition)
        self.decimals = max([d.places for d in self.steps], default=0)
        #: from this many integer digits on, a number is above all cuts
        self.long = 1 if self.free else max(2, max(self.exponents) + 2)
        size = 1
        for reader in self.steps:
            size *= reader.size
        self.mantissa = min(_MANTISSA, _MANTISSA_STATES // size)
        if not (self.free or members.between[-1] or self.signed or any(map(dense, members.between))):
            # bounded multiples: a longer mantissa would need an exponent that makes the number too large
            self.mantissa = min(self.mantissa, max(self.exponents[-1] + self.decimals, self.longest))
        #: from this many zeros after "0." on, what follows is under all cuts and no multiple of any step
        self.small = max([self.decimals, *(-e for e in self.exponents)]) + 1
        if self.free and self.steps:
            self.small = max(self.small, self.mantissa + 1)

    # what is decided when the text ends

    def plain(self, r: _Reader) -> bool:
        """Is the number read so far, taken without an exponent, a member?"""
        if r.places < 0:
            low, high, position = *self._integer_rank(r), r.position
        else:
            (low, high), position = r.rank, r.position
        if low < high and len(self.cuts[low].digits) <= position:
            return self.members.at[low]
        stretch = self.stretches[low]
        total = stretch.always
        for i, coefficient in stretch.steps:
            decided, state = self._split(i, r.steps[i])
            if decided:
                total += coefficient * (decided == _YES)
            else:
                total += coefficient * self._whole(self.steps[i], state, max(r.places, 0))
        return total == 1

    def _integer_rank(self, r: _Reader) -> tuple[int, int]:
        if self.free:
            return _FREE
        if r.length >= self.long:
            return (len(self.cuts),) * 2
        assert r.lexical is not None
        return self._rank(r.length - 1, *r.lexical)

    def _rank(self, exponent: int, low: int, high: int) -> tuple[int, int]:
        """Numeric ranks of the cuts alive, for a number of this exponent with these lexical ranks."""
        if exponent not in self.group:
            at = bisect_left(self.cuts, exponent, key=lambda c: c.exponent)
            return at, at
        a, b = self.group[exponent]
        return (
            bisect_left(self.lexical_rank, low, a, b),
            bisect_left(self.lexical_rank, high, a, b),
        )

    def exponents_allowed(self, r: _Reader) -> tuple[Interval, ...]:
        """The exponents with which the mantissa read denotes a member: disjoint ascending intervals."""
        if r.lexical is None or r.places == 0:
            return ()
        places = max(r.places, 0)
        if self.free:
            return _joined(self._multiples(0, r, places, None, None))
        if r.length >= self.long:
            return _joined(self._multiples(-1, r, places, 0, None))
        shift = r.length - 1
        found: list[Interval] = []
        previous: int | None = None
        for exponent in self.exponents:
            a, _ = self.group[exponent]
            if previous is None or exponent > previous + 1:
                lo = None if previous is None else previous + 1 - shift
                found += self._multiples(a, r, places, lo, exponent - 1 - shift)
            low, high = self._rank(exponent, *r.lexical)
            e = exponent - shift
            if low < high and len(self.cuts[low].digits) <= r.position:
                if self.members.at[low]:
                    found.append((e, e))
            else:
                found += self._multiples(low, r, places, e, e)
            previous = exponent
        assert previous is not None
        found += self._multiples(-1, r, places, previous + 1 - shift, None)
        return _joined(found)

    def _multiples(
        self, between: int, r: _Reader, places: int, lo: int | None, hi: int | None
    ) -> list[Interval]:
        """Exponents in lo..hi with which the condition of a stretch holds. Each step holds from one exponent on.

        For a mantissa that ends in zeros the least exponent is known only where the mantissa is multiplied, not
        where zeros are cut off it. To count it higher refuses some members, which is sound; but where a step
        counts against membership, such exponents are left out.
        """
        stretch = self.stretches[between]
        total = stretch.always
        if not total and not stretch.steps:
            return []
        from_on: dict[int, int] = {}
        for i, coefficient in stretch.steps:
            k = self.steps[i].shortfall[self._split(i, r.steps[i])[1]]
            if k is not None:
                start = k + places - self.steps[i].places
                from_on[start] = from_on.get(start, 0) + coefficient
        if r.zero and self.signed:
            least = max([places - self.steps[i].places for i, _ in stretch.steps], default=lo)
            lo = least if lo is None or (least is not None and least > lo) else lo
            if lo is not None and hi is not None and lo > hi:
                return []
        result: list[Interval] = []
        begin = lo
        for start in sorted(from_on):
            if hi is not None and start > hi:
                break
            if lo is None or start > lo:
                if total == 1:
                    result.append((begin, start - 1))
                begin = start
            total += from_on[start]
        if total == 1:
            result.append((begin, hi))
        return result

    # reading

    def start(self) -> int:
        """The state before the first digit."""
        return self.rows.intern((self, "start"), self.start_row)

    def start_row(self) -> Row:
        first = [(ord("0"), ord("0"), self._zero())]
        begin = _Reader(0, -1, 0, _FREE, (0, len(self.cuts)), tuple(d.start for d in self.steps))
        rest = [(max(a, 1), b) for a, b in self._alike(begin) if b]
        return first + [(48 + a, 48 + b, self._mantissa(self._integer(begin, a))) for a, b in rest]

    def _zero(self) -> int:
        def row() -> Row:
            return [(ord("."), ord("."), self._zeros(0)), *self._zero_exponent()]

        return self.rows.intern((self, "zero"), row, self.members.zero)

    def _zero_exponent(self) -> Row:
        if not self.members.zero:
            return []
        tail = self.rows.exponent(((None, None),))
        return [(ord("E"), ord("E"), tail), (ord("e"), ord("e"), tail)]

    def _zeros(self, count: int) -> int:
        """After "0." and so many zeros."""

        def row() -> Row:
            out: Row = [(48, 48, self._zeros(min(count + 1, self.small)))]
            begin = tuple(d.start for d in self.steps)
            if self.free:
                zeros = _Reader(1, count, 0, _FREE, self._as_exponent(_FREE, count), begin)
                out += [(48 + d, 48 + d, self._mantissa(self._fraction(zeros, d))) for d in range(1, 10)]
            elif count < self.small:
                for digit in range(1, 10):
                    low, high = self._extend(0, len(self.cuts), 0, digit)
                    rank = self._rank(-count - 1, low, high)
                    steps = tuple(
                        d.step(d.start, digit) if count < d.places else -_NO for d in self.steps
                    )
                    reader = _Reader(0, count + 1, 1, rank, None, steps)
                    out.append((48 + digit, 48 + digit, self._mantissa(self._forget(reader))))
            else:
                reader = _Reader(0, self.small, 0, _FREE, None, (-_NO,) * len(self.steps))
                out.append((49, 57, self._mantissa(self._forget(reader))))
            if count:
                out += self._zero_exponent()
            return out

        return self.rows.intern((self, "zeros", count), row, self.members.zero and count > 0)

    def _as_exponent(self, lexical: tuple[int, int] | None, places: int) -> tuple[int, int] | None:
        """The reading with an exponent ends where multiples matter and the mantissa is too long."""
        return None if self.steps and places > self.mantissa else lexical

    def _split(self, index: int, state: int) -> tuple[int, int]:
        """(OPEN, YES or NO; state of the digit reader)."""
        size = self.steps[index].size
        return (-state, 0) if state < 0 else (0, state) if state < size else divmod(state, size)

    def _extend(self, low: int, high: int, position: int, digit: int) -> tuple[int, int]:
        """Lexical ranks of the cuts that agree with one more digit."""

        def at(text: str) -> int:
            return ord(text[position]) - 48 if position < len(text) else 0

        if low == high:
            return low, high
        return (
            bisect_left(self.lexical, digit, low, high, key=at),
            bisect_right(self.lexical, digit, low, high, key=at),
        )

    def _alike(self, r: _Reader) -> list[tuple[int, int]]:
        """The next digits in groups that surely lead to one state."""
        if any(state >= 0 and d.size > 1 for d, state in zip(self.steps, r.steps, strict=True)):
            return _EACH
        starts = {0, 1}
        alive = list(self.lexical[slice(*r.lexical)]) if r.lexical is not None else []
        alive += [self.cuts[i].digits for i in range(*r.rank)]
        for text in alive:
            digit = self._digit(text, r.position)
            starts |= {digit, digit + 1}
        ordered = sorted(starts - {10})
        return list(zip(ordered, [*(d - 1 for d in ordered[1:]), 9], strict=True))

    def _integer(self, r: _Reader, digit: int) -> _Reader:
        steps = tuple(d.step(s, digit) for d, s in zip(self.steps, r.steps, strict=True))
        length = min(r.length + 1, self.long)
        if length >= self.long and not self.free:
            return _Reader(length, -1, 0, _FREE, _FREE, steps, self.signed and digit == 0)
        assert r.lexical is not None
        low, high = self._extend(*r.lexical, r.position, digit)
        position = length if low < high else 0
        return _Reader(length, -1, position, _FREE, (low, high), steps, self.signed and digit == 0)

    def _point(self, r: _Reader) -> _Reader:
        """After the decimal point: the plain reading goes on, and that with an exponent if one digit stands before."""
        rank = self._integer_rank(r)
        lexical = r.lexical if r.length == 1 else None
        position = r.position
        return self._forget(_Reader(r.length, 0, position, rank, lexical, r.steps))

    def _fraction(self, r: _Reader, digit: int) -> _Reader:
        places = r.places + 1
        position = min(r.position + 1, self.longest) if r.position else 0
        low, high = r.rank
        if low < high:
            key = [self.cuts[i].digits for i in range(low, high)]
            a = bisect_left(key, digit, key=lambda t: self._digit(t, r.position))
            b = bisect_right(key, digit, key=lambda t: self._digit(t, r.position))
            low, high = low + a, low + b
        lexical = r.lexical
        if lexical is not None and not self.free:
            lexical = self._extend(*lexical, r.position, digit)
        lexical = self._as_exponent(lexical, places)
        steps = []
        for i, (reader, code) in enumerate(zip(self.steps, r.steps, strict=True)):
            decided, state = self._split(i, code)
            if decided:
                decided = decided if digit == 0 else _NO
            elif places > reader.places:
                decided = _YES if digit == 0 and self._whole(reader, state, r.places) else _NO
            if lexical is None and decided:
                steps.append(-decided)
            else:
                steps.append(decided * reader.size + reader.step(state, digit))
        zero = self.signed and digit == 0
        return self._forget(_Reader(r.length, places, position, (low, high), lexical, tuple(steps), zero))

    @staticmethod
    def _whole(reader: _Digits, state: int, places: int) -> bool:
        k = reader.shortfall[state]
        return k is not None and k <= reader.places - places

    @staticmethod
    def _digit(text: str, position: int) -> int:
        return ord(text[position]) - 48 if position < len(text) else 0

    def _forget(self, r: _Reader) -> _Reader:
        """Drop what no longer matters, so that equal futures get equal keys."""
        alive = r.rank[0] < r.rank[1] or (r.lexical is not None and r.lexical[0] < r.lexical[1])
        length = r.length if r.lexical is not None else 0
        position = r.position if alive else 0
        steps, places = r.steps, r.places
        if r.lexical is None:
            if not alive:
                needed = self.stretches[r.rank[0]].needed
                steps = tuple(state if i in needed else -_NO for i, state in enumerate(steps))
            # places matter up to the decimals of the steps still open
            limit = max([d.places for d, s in zip(self.steps, steps, strict=True) if s >= 0], default=0)
            places = min(places, limit + 1)
        elif not self.steps:
            places = min(places, 1)
        return _Reader(length, places, position, r.rank, r.lexical, steps, r.zero and r.lexical is not None)

    def _hopeless(self, r: _Reader) -> bool:
        """In a set of points: no point agrees with the digits read."""
        if not self.points_only:
            return False
        if r.lexical is not None and r.lexical[0] < r.lexical[1]:
            return False
        return r.places < 0 or r.rank[0] == r.rank[1]

    def _mantissa(self, r: _Reader) -> int:
        known = self.rows.ids.get((self, r))
        if known is not None:
            return known
        if self._hopeless(r):
            return -1

        def row() -> Row:
            out: Row = []
            for first, last in self._alike(r):
                following = self._integer(r, first) if r.places < 0 else self._fraction(r, first)
                out.append((48 + first, 48 + last, self._mantissa(following)))
            if r.places < 0:
                out.append((ord("."), ord("."), self._mantissa(self._point(r))))
            allowed = self.exponents_allowed(r)
            if allowed:
                tail = self.rows.exponent(allowed)
                out += [(ord("E"), ord("E"), tail), (ord("e"), ord("e"), tail)]
            return out

        return self.rows.intern((self, r), row, r.places != 0 and self.plain(r))


def _joined(intervals: list[Interval]) -> tuple[Interval, ...]:
    """Ascending disjoint intervals, with neighbours joined."""
    result: list[Interval] = []
    for lo, hi in intervals:
        if result and lo is not None and result[-1][1] == lo - 1:
            result[-1] = (result[-1][0], hi)
        else:
            result.append((lo, hi))
    return tuple(result)


#: Exponents a double has room for, by the integer part before: one digit up to 307, or 308 up to the
#: greatest double; several digits up to 288. Down to the least number above 0 (5e-324).
_UP = "[eE][+]?0*(?:[0-9]{{1,2}}|{})"
_TO_307, _TO_308, _TO_288 = (
    _UP.format(last)
    for last in ("[12][0-9]{2}|30[0-7]", "[12][0-9]{2}|30[0-8]", "1[0-9]{2}|2[0-7][0-9]|28[0-8]")
)
_DOWN = "[eE]-0*(?:[0-9]{1,2}|[12][0-9]{2}|3[01][0-9]|32[0-3])"
_PLAIN = r"-?[0-9]+(?:\.[0-9]+)?"


def _at_most(digits: str) -> str:
    """Fraction digits of a number that is no greater than the one with these."""
    head, rest = digits[0], digits[1:]
    more = f"{_at_most(rest)}?" if rest else "0*"
    return f"(?:[0-{int(head) - 1}][0-9]*|{head}{more})" if head != "0" else f"0{more}"


_DOUBLE = (
    rf"{_PLAIN}|-?0(?:\.[0-9]+)?(?:{_TO_308}|{_DOWN})|-?1(?:\.{_at_most('7976931348623157')})?{_TO_308}|-?5[eE]-0*324"
    rf"|-?[1-9](?:\.[0-9]+)?(?:{_TO_307}|{_DOWN})|-?[1-9][0-9]+(?:\.[0-9]+)?(?:{_TO_288}|{_DOWN})"
)


@lru_cache(maxsize=2)
def _lexical(forms: Forms) -> Dfa:
    """The texts of all numbers in these forms, and more that are none."""
    return utf8(to_dfa(_PLAIN if forms == "plain" else _DOUBLE))


@lru_cache(maxsize=1024)
def texts(numbers: NumberSet, forms: Forms = "any") -> ByteDfa:
    """The texts that denote members, minimal.

    Raises:
        ValueError: the set is empty.
        LimitError: too many residues or states.
    """
    up, down = _magnitudes(numbers)
    rows = Rows()
    positive = _Machine(up, rows) if not up.is_empty() else None
    negative = positive if down == up else _Machine(down, rows) if not down.is_empty() else None

    def start_row() -> Row:
        row: Row = []
        if positive is not None:
            row += positive.start_row()
        if negative is not None:
            row.append((ord("-"), ord("-"), negative.start()))
        return row

    found = rows.language(rows.intern("start", start_row))
    return to_bytedfa(found if forms == "any" else intersect(found, _lexical(forms), max_states=MAX_STATES))
