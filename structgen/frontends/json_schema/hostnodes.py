"""Host names with A-labels (``xn--``), as nodes of a lazy network.

Receives the whitespace before strings; returns nodes for :class:`~structgen.frontends.json_schema.lower.JsonNetwork`.
Whether the Punycode behind ``xn--`` stands for a valid label is arithmetic, which no automaton does. So the code is
captured and judged text by text (``ulabels``): only a valid one may be followed by a dot or a quote. Any code can be
gone on with, so that no text leads nowhere: all that has been written becomes its ASCII characters, which a hyphen
ends, and a few letters behind it put e with an acute accent in places where it makes any label valid. Which letters
these are depends on the number of characters alone, so that an automaton says how to go on and how short that is.

A name is an A-label, or a label of up to four characters and an A-label, and up to three labels more: first those that
are A-labels, then the others. (Longer ones before them would keep a second automaton alive in all host names.) Keys of
nodes:

- ``(HOST, top)``: a string that is such a name, with its quotes, and with the whitespace before it unless ``top``;
- ``(LABEL, left, bidi)``: after ``xn--``, where so many labels may follow this one;
- ``(LABELLED, left, bidi)``: after a valid A-label;
- ``(REFUSED,)``: after what is none; ``(JUDGED, left, bidi)``: after what may be one.

``bidi`` is RIGHT_TO_LEFT or UNRULED where the label before was so, and 0: the two do not come together. Labels without
``xn--`` begin with a letter, so that they obey the Bidi rule in any case.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from structgen.automata import ByteDfa, chain, to_bytedfa, utf8
from structgen.automata.bytedfa import from_edges, literal
from structgen.frontends import regex
from structgen.frontends.json_schema.ulabels import INVALID, LEFT_TO_RIGHT, RIGHT_TO_LEFT, UNRULED, a_label
from structgen.ir.network import END, NEVER, Edge, Key, Node, Terminal, unsure

HOST, LABEL, LABELLED, REFUSED, JUDGED = range(-1, -6, -1)

#: Characters of the codes that are judged. With what makes any of them valid a label has less than 63.
LONGEST = 40
#: The fewest and the most characters of a name with an A-label.
LEAST, MOST = 5, 253
#: Labels behind the first A-label: with these a name has no more than 253 characters.
_MORE = 3
#: A label without ``xn--``, and one that may stand before an A-label.
_PLAIN = r"(?!..--)[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SHORT = r"[A-Za-z](?:[A-Za-z0-9-]{0,2}[A-Za-z0-9])?"

#: Labels of edges: the code goes on to a valid label, the code is judged, the next label is an A-label.
_MADE, _CAPTURED, _NEXT = range(3)

_ACCENTED = "\u00e9"


def is_name(text: str) -> bool:
    """Is it one of these names? Also where its A-labels are of any number and length that host names have."""
    labels = text.split(".")
    if len(text) > MOST or not any(label.startswith("xn--") for label in labels):
        return False
    bidi = 0
    for label in labels:
        if label.startswith("xn--"):
            after = _after(bidi, a_label(label[4:]))
            if after is None:
                return False
            bidi = after
        elif re.fullmatch(_PLAIN, label) is None:
            return False
    return True


def _after(bidi: int, kind: int) -> int | None:
    """What is known of a name after one more A-label; None: it may not stand there."""
    if kind == INVALID or {bidi, kind} == {RIGHT_TO_LEFT, UNRULED}:
        return None
    return bidi if kind == LEFT_TO_RIGHT else kind


@lru_cache(maxsize=64)
def ending(n: int) -> str:
    """What makes the code of a valid label of any n characters: a hyphen, and codes for the accented letter.

    It comes first, so that no hyphen or digit does; again before the third character, so that the third and fourth are
    no hyphens; and last.
    """
    label = _ACCENTED + "a" * min(n, 2) + (_ACCENTED + "a" * (n - 2) if n > 2 else "") + _ACCENTED
    return label.encode("punycode").decode("ascii")[n:]


@lru_cache(maxsize=64)
def _bytes(pattern: str) -> ByteDfa:
    return to_bytedfa(utf8(regex.to_dfa(pattern, dialect="ecma")))


@lru_cache(maxsize=64)
def _terminal(pattern: str) -> Terminal:
    return Terminal(_bytes(pattern), "host name")


_CODE = f"[a-z0-9-]{{1,{LONGEST}}}"
_QUOTE = Terminal(literal(b'"'), '"')
#: What may follow a valid A-label: one that must be the last, and another.
_BEHIND = unsure(_QUOTE), unsure(Terminal(from_edges(2, [(0, b, b, 1) for b in b'".'], [1]), "end of a label"))


@lru_cache(maxsize=1)
def _made() -> Terminal:
    """Codes with such endings."""
    return _terminal("|".join(f"[a-z0-9-]{{{n}}}{ending(n)}" for n in range(1, LONGEST + 1)))


class HostNodes:
    """The nodes of such names.

    Args:
        gap: the whitespace before a string.
    """

    def __init__(self, gap: ByteDfa) -> None:
        self._gap = gap
        self._first: dict[bool, Terminal] = {}

    def expand(self, key: Any) -> Node:
        """As ``Network.expand``."""
        kind = key[0]
        if kind == HOST:
            return Node(False, (Edge(self._opening(key[1]), _NEXT, self.least((LABEL, _MORE, 0))),))
        if kind == REFUSED:
            return Node(False, ())
        _, left, bidi = key
        if kind == JUDGED:
            return Node(False, (Edge(_BEHIND[left > 0], _NEXT, NEVER),))
        if kind == LABEL:
            made = Edge(_made(), _MADE, self.least((LABELLED, left, bidi)))
            return Node(False, (made, Edge(_terminal(_CODE), _CAPTURED, NEVER, capture=True)))
        edges = [Edge(_QUOTE, END, 0)]
        if left:
            edges.append(Edge(_terminal(rf'(?:\.{_PLAIN}){{1,{left}}}"'), END, 0))
            edges.append(Edge(_terminal(r"\.xn--"), _NEXT, self.least((LABEL, left - 1, bidi))))
        return Node(False, tuple(edges))

    def follow(self, key: Any, label: Any) -> Key:
        """As ``Network.follow``."""
        kind = key[0]
        if kind == HOST:
            return (LABEL, _MORE, 0)
        return (LABELLED, *key[1:]) if kind == LABEL else (LABEL, key[1] - 1, key[2])

    def follow_text(self, key: Any, text: bytes) -> Key:
        """After a code: refused unless it is that of a valid label."""
        bidi = _after(key[2], a_label(text.decode("ascii")))
        return (REFUSED,) if bidi is None else (LABELLED, key[1], bidi)

    @staticmethod
    def blurred(key: Any) -> Key:
        """What may follow a code: what follows a valid label, or nothing."""
        return (JUDGED, *key[1:])

    def least(self, key: Any) -> int:
        """As ``Network.least``."""
        kind = key[0]
        if kind == HOST:
            return self._opening(key[1]).min_length() + self.least((LABEL, _MORE, 0))
        return NEVER if kind in (REFUSED, JUDGED) else 1 + (_made().min_length() if kind == LABEL else 0)

    def _opening(self, top: bool) -> Terminal:
        """The beginning of the name, as far as the code of the first A-label."""
        found = self._first.get(top)
        if found is None:
            dfa = _bytes(rf'"(?:{_SHORT}\.)?xn--')
            found = self._first[top] = Terminal(dfa if top else chain(self._gap, dfa), "host name")
        return found


__all__ = ["HOST", "LEAST", "MOST", "HostNodes", "is_name"]
