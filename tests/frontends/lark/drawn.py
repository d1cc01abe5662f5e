"""Random Lark grammars, as text."""

from __future__ import annotations

from hypothesis import strategies as st

#: Terminals without a preference among their matches but the longest, so that every engine means the same.
LITERALS = ('"a"', '"b"', '"ab"', '"é"', "/[ab]+/", "/a*b/", '"B"i', '"a".."b"', "A", "B")
DEFINITIONS = 'A: "a" "b"? \nB.2: ("b" | "é")~1..2\n'
RULES = ("start", "r", "s")


def _atoms(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["?", "*", "+", "~2", "~1..3", "~0..2", ""])
    group = st.lists(inner, min_size=1, max_size=2).map(lambda options: f"({' | '.join(options)})")
    pair = st.lists(inner, min_size=1, max_size=2).map(" ".join)
    return st.one_of(
        st.builds(lambda atom, op: atom + op, group, operators),
        pair.map(lambda text: f"[{text}]"),
        pair,
    )


def grammars() -> st.SearchStrategy[str]:
    """Grammars of three rules that may recur in any way, some with %ignore and a template."""
    leaf = st.sampled_from([*LITERALS, *LITERALS, *RULES, "t{r}", 't{"b"}'])
    sequence = st.lists(st.recursive(leaf, _atoms, max_leaves=4), max_size=3).map(" ".join)
    body = st.lists(sequence, min_size=1, max_size=3).map(" | ".join)
    ignored = st.sampled_from(["", "", '%ignore " "\n', '%ignore /[ \\n]+/\n%ignore /#[ab]*\\n/\n'])
    return st.builds(
        lambda start, r, s, t, ignore: (
            f'start: {start} | "a" r\nr: {r} | "b"\ns: {s}\nt{{x}}: x {t} | x "a"\n{DEFINITIONS}{ignore}'
        ),
        body,
        body,
        body,
        st.sampled_from(["", "x", "[x]", "t{x}", "r"]),
        ignored,
    )
