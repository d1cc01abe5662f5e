"""Dates and times of RFC 3339, leap years and leap seconds included.

Receives nothing; returns automata over code points. A leap second is the last second of a day in UTC, so after
``:60`` the offset is determined by the hour and the minute: one chain of states for each minute of the day.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from structgen.automata import CODE_POINTS, Dfa, concat, make, symbols
from structgen.frontends import regex

_DAY = 24 * 60

_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DATE = (
    "[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP_YEAR}-02-29"
)


@lru_cache(maxsize=1)
def date() -> Dfa:
    """``full-date``: the days of the proleptic Gregorian calendar, years 0000 to 9999."""
    return regex.to_dfa(_DATE, dialect="ecma")


@lru_cache(maxsize=1)
def date_time() -> Dfa:
    """``date-time``: a date, T or t, and a time."""
    return concat(date(), symbols([(0x54, 0x54), (0x74, 0x74)], CODE_POINTS), time())


@lru_cache(maxsize=1)
def time() -> Dfa:
    """``full-time``: hours, minutes, seconds, any fraction, and an offset."""
    return _Time().build()


class _Time:
    """A table under construction: states are interned by name, rows map characters to states."""

    def __init__(self) -> None:
        self.ids: dict[object, int] = {}
        self.rows: list[dict[str, int]] = []

    def state(self, name: object) -> int:
        number = self.ids.get(name)
        if number is None:
            number = self.ids[name] = len(self.rows)
            self.rows.append({})
        return number

    def edge(self, source: object, letters: str, target: object) -> None:
        row, to = self.rows[self.state(source)], self.state(target)
        for letter in letters:
            row[letter] = to

    def text(self, rest: str) -> str:
        """The state from which exactly ``rest`` is left to read (its own name)."""
        if rest not in self.ids:
            self.state(rest)
            if rest:
                self.edge(rest, rest[0], self.text(rest[1:]))
        return rest

    def build(self) -> Dfa:
        self.state("start")
        self.edge("start", "2", "h2")
        for hour in range(24):
            self.edge("h2" if hour >= 20 else ("h", hour // 10), str(hour % 10), ("hour", hour))
        for tens in range(2):
            self.rows[self.state("start")][str(tens)] = self.state(("h", tens))
        for minute in range(_DAY):
            hour, rest = divmod(minute, 60)
            self.edge(("hour", hour), ":", ("hour:", hour))
            self.edge(("hour:", hour), str(rest // 10), ("m", minute // 10))
            self.edge(("m", minute // 10), str(rest % 10), ("minute", minute))
            self.edge(("minute", minute), ":", ("minute:", minute))
            self.edge(("minute:", minute), "012345", "second")
            self.edge(("minute:", minute), "6", ("leap", minute))
            self.edge(("leap", minute), "0", ("leap second", minute))
            self.edge(("leap second", minute), ".", ("leap.", minute))
            self.edge(("leap.", minute), "0123456789", ("leap fraction", minute))
            self.edge(("leap fraction", minute), "0123456789", ("leap fraction", minute))
            for name in ("leap second", "leap fraction"):
                # local time = 23:59 in UTC + offset
                self.edge((name, minute), "+", self.text(_clock((minute + 1) % _DAY)))
                self.edge((name, minute), "-", self.text(_clock(_DAY - 1 - minute)))
                if minute == _DAY - 1:
                    self.edge((name, minute), "Zz", self.text(""))
        self.edge("second", "0123456789", "whole")
        self.edge("whole", ".", "point")
        for name in ("point", "fraction"):
            self.edge(name, "0123456789", "fraction")
        for name in ("whole", "fraction"):
            self.edge(name, "Zz", self.text(""))
            self.edge(name, "+-", "offset")
        self.edge("offset", "01", "offset h01")
        self.edge("offset", "2", "offset h2")
        self.edge("offset h01", "0123456789", "offset hour")
        self.edge("offset h2", "0123", "offset hour")
        self.edge("offset hour", ":", "offset minute")
        self.edge("offset minute", "012345", "offset last")
        self.edge("offset last", "0123456789", self.text(""))
        letters = sorted({letter for row in self.rows for letter in row})
        starts, classes = [0], [0]
        for i, letter in enumerate(letters):
            if starts[-1] != ord(letter):
                starts.append(ord(letter))
                classes.append(i + 1)
            else:
                classes[-1] = i + 1
            starts.append(ord(letter) + 1)
            classes.append(0)
        column = {letter: i + 1 for i, letter in enumerate(letters)}
        delta = np.full((len(self.rows), len(letters) + 1), -1, dtype=np.int32)
        for source, row in enumerate(self.rows):
            for letter, target in row.items():
                delta[source, column[letter]] = target
        accept = np.zeros(len(self.rows), dtype=np.bool_)
        accept[self.state("")] = True
        return make(
            CODE_POINTS, np.array(starts, dtype=np.int32), np.array(classes, dtype=np.int32), delta, accept
        )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
