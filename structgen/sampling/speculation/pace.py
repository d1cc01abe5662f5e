"""How much to draft: as much as pays, by what has been measured.

Drafting n tokens makes one forward pass longer and may save up to n passes. What it costs depends on the machine (on
one, 8 tokens go through a model in the time of 1, on another the second token doubles it), what it saves on who guesses
and how well. Both are learnt while texts are written: the time of a pass by its width, the acceptance of each kind of
guess, the time that guessing takes.

Where guesses do not help, finding that out is what costs. It is paid from an account that a small share of the time
of every pass goes into, so drafting can never take more than about that share, whatever the estimates say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import pairwise
from statistics import median

#: Share of the time that trying out may cost.
TRIAL_SHARE = 0.015
#: The account holds at most this many passes' time, and begins with one.
_MOST_SAVED = 4.0
#: A draft of which nothing is accepted counts as this much of a pass at least: measured times are never so exact.
_LEAST_LOSS = 0.1
#: Weight of an older observation against the next.
_FADE = 0.97
#: What is believed of a kind of guess that was never tried: accepted so often, as if seen so many times.
_PRIOR, _PRIOR_WEIGHT = 0.6, 2.0
_KEPT = 9
#: A guess, by drafter and strength.
Source = tuple[int, int]


class PassTimes:
    """Seconds of a forward pass by its width: medians of the last few, straight lines between."""

    def __init__(self) -> None:
        self._seen: dict[int, deque[float]] = {}
        self._points: list[tuple[int, float]] = []

    def add(self, width: int, seconds: float) -> None:
        """A pass over ``width`` positions took this long."""
        self._seen.setdefault(width, deque(maxlen=_KEPT)).append(seconds)
        points, least = [], 0.0
        for known in sorted(self._seen):
            least = max(least, median(self._seen[known]))  # a wider pass never takes less time
            points.append((known, least))
        self._points = points

    @property
    def known(self) -> bool:
        """Has a narrow pass been measured?"""
        return bool(self._points) and self._points[0][0] <= 2

    def __call__(self, width: int) -> float:
        """Seconds of a pass over ``width`` positions; 0 while nothing is known."""
        points = self._points
        if not points:
            return 0.0
        if width <= points[0][0]:
            return points[0][1]
        for (low, before), (high, after) in pairwise(points):
            if width <= high:
                return before + (after - before) * (width - low) / (high - low)
        return points[-1][1] * max(1.0, width / points[-1][0]) ** 0.5


class Pace:
    """Decides how many tokens to draft, and keeps the records for it.

    Args:
        padded: the width that a pass over some positions really has.
        adapt: False: always as much as there is room for.
    """

    def __init__(self, padded: Callable[[int], int], *, adapt: bool = True) -> None:
        self._padded = padded
        self._adapt = adapt
        self._times: dict[int, PassTimes] = {}
        self._accepted: dict[Source, tuple[float, float]] = {}
        self._guessing: dict[int, deque[float]] = {}
        self._account: float | None = None

    def time(self, rows: int, width: int) -> float:
        """Expected seconds of a pass over so many rows and positions, for one row."""
        return self._times.setdefault(rows, PassTimes())(self._padded(width)) / rows

    def acceptance(self, source: Source) -> float:
        """The chance that a guess is accepted where the ones before it were."""
        hits, tries = self._accepted.get(source, (0.0, 0.0))
        return (hits + _PRIOR * _PRIOR_WEIGHT) / (tries + _PRIOR_WEIGHT)

    def length(self, source: Source, rows: int, pending: int, room: int) -> int:
        """How many guesses of this kind to make where ``pending`` positions go through the model anyway."""
        if not self._adapt:
            return room
        times = self._times.setdefault(rows, PassTimes())
        if not times.known and self._padded(1) <= 2:
            return 0  # the first narrow pass is the yardstick
        plain = self.time(rows, pending)
        if self._account is None:
            self._account = plain
        guesses = self._guessing.get(source[0])
        chance, guess = self.acceptance(source), sum(guesses) / len(guesses) if guesses else 0.0
        best, best_rate, settled, reach = 0, 1.0 / plain if plain else 0.0, 1.0, 1.0
        for n in range(1, room + 1):
            reach *= chance
            settled += reach
            rate = settled / max(self.time(rows, pending + n) + n * guess, 1e-9)
            if rate > best_rate:
                best, best_rate = n, rate
        if best and self._account > -plain:
            return best
        trial = min(2, room)
        loss = self.time(rows, pending + trial) + trial * guess - plain
        if self._account >= max(loss, _LEAST_LOSS * plain):
            return trial
        return 0

    def passed(self, rows: int, width: int, seconds: float) -> None:
        """A pass over ``rows`` rows and ``width`` positions took so long."""
        self._times.setdefault(rows, PassTimes()).add(self._padded(width), seconds)

    def guessed(self, drafter: int, n: int, seconds: float) -> None:
        """A drafter took so long for ``n`` guesses."""
        self._guessing.setdefault(drafter, deque(maxlen=4 * _KEPT)).append(seconds / max(n, 1))

    def settled(self, rows: int, pending: int, drafted: int, chosen: int, guessing: float) -> None:
        """A row's pass with a draft of ``drafted`` tokens settled ``chosen`` tokens; guessing took so long."""
        plain = self.time(rows, pending)
        gain = plain + (chosen - 1) * self.time(rows, 1) - self.time(rows, pending + drafted) - guessing
        if drafted and chosen == 1:
            gain = min(gain, -_LEAST_LOSS * plain)
        account = plain if self._account is None else self._account
        self._account = min(account + gain + TRIAL_SHARE * plain, _MOST_SAVED * plain)

    def tested(self, source: Source, accepted: bool) -> None:
        """A guess was tested."""
        hits, tries = self._accepted.get(source, (0.0, 0.0))
        self._accepted[source] = (_FADE * hits + accepted, _FADE * tries + 1.0)
