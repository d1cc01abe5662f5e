"""NumberSet: the algebra against its definition, and the texts against arithmetic on fractions."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from structgen.automata.bytedfa import literal
from structgen.errors import InputError, LimitError, SchemaError
from structgen.frontends.json_schema.numbers import NumberSet, exact

JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
INTEGERS = NumberSet.integers()

Judge = Callable[[Fraction], bool]
Set = tuple[NumberSet, Judge]

decimals = st.one_of(
    st.integers(-12, 12).map(Fraction),
    st.integers(-3000, 3000).map(lambda n: Fraction(n, 100)),
    st.integers(-(10**20), 10**20).map(Fraction),
    st.tuples(st.integers(-99, 99), st.integers(-12, 12)).map(lambda p: p[0] * Fraction(10) ** p[1]),
)
steps = st.sampled_from([1, 2, 3, 5, 7, 10, 12, 100, "0.01", "0.1", "0.5", "2.5", "0.05", "1e-8", "0.3", "1e3"]).map(
    lambda s: Fraction(s)
)


def interval(lo: Fraction | None, hi: Fraction | None, lo_open: bool, hi_open: bool) -> Set:
    def judge(x: Fraction) -> bool:
        above = lo is None or (x > lo if lo_open else x >= lo)
        return above and (hi is None or (x < hi if hi_open else x <= hi))

    return NumberSet.interval(lo, hi, lo_open=lo_open, hi_open=hi_open), judge


bound = st.none() | decimals
atoms: st.SearchStrategy[Set] = st.one_of(
    st.builds(interval, bound, bound, st.booleans(), st.booleans()),
    steps.map(lambda s: (NumberSet.multiples(s), lambda x: (x / s).denominator == 1)),
    st.frozensets(decimals, max_size=4).map(lambda v: (NumberSet.of(v), lambda x: x in v)),
)


def _and(a: Set, b: Set) -> Set:
    return a[0] & b[0], lambda x: a[1](x) and b[1](x)


def _or(a: Set, b: Set) -> Set:
    return a[0] | b[0], lambda x: a[1](x) or b[1](x)


def _minus(a: Set, b: Set) -> Set:
    return a[0] - b[0], lambda x: a[1](x) and not b[1](x)


def _not(a: Set) -> Set:
    return ~a[0], lambda x: not a[1](x)


sets = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(_and, inner, inner), st.builds(_or, inner, inner), st.builds(_minus, inner, inner), inner.map(_not)
    ),
    max_leaves=4,
)


def interesting(numbers: NumberSet) -> list[Fraction]:
    """Cuts, their neighbours, and some numbers at large."""
    values = [Fraction(n) for n in (0, 1, -1, 7, 30, 1000, -84)] + [Fraction(1, 8), Fraction("-0.01")]
    for cut in numbers.cuts[:6]:
        values += [cut, cut + 1, cut - 1, cut * 10, cut / 10, cut + Fraction("0.001"), cut - Fraction("1e-9")]
        values += [Fraction(math.floor(cut)), Fraction(math.ceil(cut)), -cut]
    return values


# The algebra


@settings(max_examples=300, deadline=None)
@given(sets, decimals)
def test_membership_follows_the_operations(pair: Set, value: Fraction) -> None:
    """However a set was built, it holds what its definition says."""
    numbers, judge = pair
    for x in [value, *interesting(numbers)]:
        assert numbers.contains(x) == judge(x), x


@settings(max_examples=150, deadline=None)
@given(sets, sets)
def test_empty_means_no_member(a: Set, b: Set) -> None:
    """Emptiness, shortest and values agree; a set and its complement are disjoint and cover everything."""
    numbers = a[0] & b[0]
    values = numbers.values(50)
    if values is not None:
        assert list(values) == sorted(set(values)) and all(map(numbers.contains, values))
        assert numbers.is_empty() == (not values)
    assert (numbers & ~numbers).is_empty()
    assert (numbers | ~numbers).is_all()
    assert (numbers - ~~numbers).is_empty() and (~~numbers - numbers).is_empty()
    assert (numbers - b[0]).is_empty()
    for x in interesting(numbers):
        assert not (numbers.is_empty() and numbers.contains(x))


def test_equal_sets_have_one_form() -> None:
    """Integer bounds, open or closed, and lists of integers meet in one form."""
    assert INTEGERS & NumberSet.interval(0.5, 3) == NumberSet.of([1, 2, 3])
    closed = INTEGERS & NumberSet.interval(0, 65535)
    assert closed == INTEGERS & NumberSet.interval(-1, 65536, lo_open=True, hi_open=True)
    assert hash(closed) == hash(INTEGERS & NumberSet.interval(Fraction(-1, 2), 65535.5))
    assert (INTEGERS - NumberSet.of([0])) | NumberSet.of([0.0]) == INTEGERS
    assert NumberSet.multiples(0.01) & NumberSet.multiples(3) == NumberSet.multiples(3)
    assert NumberSet.multiples(4) & NumberSet.multiples(2.5) == NumberSet.multiples(20)
    assert INTEGERS & NumberSet.multiples(1e-8) == INTEGERS
    assert NumberSet.interval(0, 5) - NumberSet.interval(2, 3) != NumberSet.interval(0, 5)


@pytest.mark.parametrize(
    ("numbers", "empty"),
    [
        (INTEGERS & NumberSet.interval(0.1, 0.9), True),
        (INTEGERS & NumberSet.interval(0, 1, lo_open=True, hi_open=True), True),
        (NumberSet.interval(0, 1, lo_open=True, hi_open=True), False),
        (NumberSet.interval(2, 1), True),
        (NumberSet.interval(2, 2), False),
        (NumberSet.interval(2, 2, hi_open=True), True),
        (NumberSet.multiples(7) & NumberSet.interval(8, 13), True),
        (INTEGERS - NumberSet.multiples(0.5), True),
        (NumberSet.multiples(0.5) - INTEGERS, False),
        ((INTEGERS - NumberSet.multiples(2) - NumberSet.multiples(3)) & NumberSet.interval(2, 4), True),
        ((INTEGERS - NumberSet.multiples(2) - NumberSet.multiples(3)) & NumberSet.interval(2, 5), False),
    ],
)
def test_emptiness(numbers: NumberSet, empty: bool) -> None:
    """Discrete sets may have nothing between their bounds."""
    assert numbers.is_empty() is empty
    assert (numbers.shortest() is None) is empty


def test_what_a_number_is() -> None:
    """Floats stand for the decimal they print as; what JSON cannot write is no number."""
    assert exact(0.1) == Fraction(1, 10) == exact(Decimal("0.1"))
    assert NumberSet.all().contains(10**400)
    assert not NumberSet.all().contains(True)
    assert not NumberSet.all().contains(float("nan"))
    assert not NumberSet.all().contains("1")
    assert not NumberSet.all().contains(Fraction(1, 3))
    with pytest.raises(InputError):
        NumberSet.interval(Fraction(1, 3))
    with pytest.raises(InputError):
        NumberSet.of([float("inf")])
    with pytest.raises(LimitError):
        NumberSet.interval(Decimal("1e100000"))
    for step in (0, -1):
        with pytest.raises(SchemaError):
            NumberSet.multiples(step)


# Texts


def random_text(dfa: object, rng: random.Random, stop: float = 0.3) -> str:
    """A random walk through the automaton that turns home after a while."""
    state, out = 0, bytearray()
    while True:
        if dfa.accept[state] and (rng.random() < stop or dfa.first[state] == dfa.first[state + 1]):
            return out.decode()
        edges = range(int(dfa.first[state]), int(dfa.first[state + 1]))
        if len(out) > 25:
            edge = min(edges, key=lambda e: int(dfa.distance[dfa.to[e]]))
        else:
            edge = rng.choice(edges)
        out.append(rng.randint(int(dfa.lo[edge]), int(dfa.hi[edge])))
        state = int(dfa.to[edge])


def value_of(text: str) -> Fraction | None:
    """The number of a JSON text; None where the exponent is too large to write it out."""
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent)) > 3000:
        return None
    return Fraction(mantissa) * Fraction(10) ** int(exponent or 0)


def plain(x: Fraction) -> str:
    """The plain decimal of a fraction."""
    places = 0
    while (x * 10**places).denominator != 1:
        places += 1
    digits = str(abs(int(x * 10**places))).rjust(places + 1, "0")
    text = digits if not places else f"{digits[:-places]}.{digits[-places:]}"
    return "-" + text if x < 0 else text


def normalised(x: Fraction) -> str | None:
    """d.ddde+X with at most 17 fraction digits, or None."""
    digits = plain(abs(x)).replace(".", "").lstrip("0").rstrip("0") or "0"
    if len(digits) > 17:
        return None
    exponent = 0
    while x and abs(x) >= Fraction(10) ** (exponent + 1):
        exponent += 1
    while x and abs(x) < Fraction(10) ** exponent:
        exponent -= 1
    mantissa = digits[0] + ("." + digits[1:] if digits[1:] else "")
    return f"{'-' if x < 0 else ''}{mantissa}e{exponent:+03d}"


@settings(max_examples=150, deadline=None)
@given(sets, st.randoms(use_true_random=False))
@example(interval(Fraction("0.1"), Fraction("25.5"), True, False), random.Random(1))
@example(_and(interval(Fraction(-5), Fraction(65535), False, False), (INTEGERS, lambda x: x.denominator == 1)),
         random.Random(2))
def test_texts_denote_members_and_members_have_texts(pair: Set, rng: random.Random) -> None:
    """Soundness by random walks; completeness for the forms that are promised."""
    numbers, judge = pair
    if numbers.is_empty():
        with pytest.raises(ValueError):
            numbers.texts()
        return
    try:
        dfa = numbers.texts()
    except LimitError:
        return
    assert dfa.distance.max() < 1 << 30
    for _ in range(60):
        text = random_text(dfa, rng)
        assert JSON_NUMBER.fullmatch(text), text
        x = value_of(text)
        assert x is None or judge(x), text
    for x in interesting(numbers):
        inside = judge(x)
        for text in (plain(x), plain(x) + (".00" if "." not in plain(x) else "00"), normalised(x)):
            if text is None:
                continue
            small_steps = sum(len(str(s.numerator)) for c in numbers.between for s, _ in c) < 3
            if inside and ("e" not in text or small_steps):
                assert dfa.accepts(text.encode()), text
            if not inside:
                assert not dfa.accepts(text.encode()), text


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["all", "integer", "bounds", "step"]))
@example(1e16, "integer")
@example(1.5e-07, "bounds")
@example(1e22, "step")
def test_what_json_dumps_writes_is_accepted(value: float, kind: str) -> None:
    """A float that is a member is accepted as Python writes it."""
    numbers = {
        "all": NumberSet.all(),
        "integer": INTEGERS,
        "bounds": NumberSet.interval(Decimal("1e-9"), Decimal("1e25")),
        "step": NumberSet.multiples(0.5),
    }[kind]
    assert numbers.texts().accepts(json.dumps(value).encode()) == numbers.contains(value)


@pytest.mark.parametrize(
    ("numbers", "accepted", "refused"),
    [
        (
            NumberSet.all(),
            ["0", "-0", "-0.0", "1e400", "10.5E-3", "0e0"],
            ["01", "+1", ".5", "1.", "1e", "NaN", "-", ""],
        ),
        (INTEGERS, ["-0.0", "1.0", "1e3", "12E+5", "1.5e1", "-7", "1e0", "0e-5"], ["1.5", "1e-1", "1.25e1", "0.1"]),
        (NumberSet.interval(0), ["0", "-0", "-0.0e5", "0.001", "123e-5"], ["-1", "-0.1"]),
        (NumberSet.interval(0, lo_open=True), ["0.001", "5e-300"], ["0", "-0", "0.0", "0e5"]),
        (
            INTEGERS & NumberSet.interval(0, 65535),
            ["65535", "65535.0", "6.5535e4", "6e4", "655e2", "0", "65535e0"],
            ["65536", "65535.5", "6.5536e4", "7e4", "-1", "99999", "1e5"],
        ),
        (
            NumberSet.multiples(0.01) & NumberSet.interval(0),
            ["0.01", "1.10", "3", "3.000", "1e-02", "2.5e+20"],
            ["0.001", "1.111", "1e-3", "-0.01"],
        ),
        (INTEGERS & NumberSet.interval(2**53), [str(2**53), str(2**53 + 1)], [str(2**53 - 1)]),
        (NumberSet.of([1, 2.5, -300]), ["1", "1.0", "2.50", "-300", "-3e2", "-30e1"], ["3", "2.51", "300", "25"]),
        (NumberSet.all() - NumberSet.of([5]), ["4.999", "5.01", "50"], ["5", "5.0", "5e0", "0.5e1"]),
    ],
)
def test_forms(numbers: NumberSet, accepted: list[str], refused: list[str]) -> None:
    """The forms of the documentation, one by one."""
    dfa = numbers.texts()
    assert [t for t in accepted if not dfa.accepts(t.encode())] == []
    assert [t for t in refused if dfa.accepts(t.encode())] == []


def test_large_multiples() -> None:
    """Powers of ten need few states; other large steps are refused with the limit."""
    dfa = NumberSet.multiples(10**9).texts()
    assert dfa.accepts(b"3000000000") and not dfa.accepts(b"300000000")
    with pytest.raises(LimitError, match="residues") as caught:
        NumberSet.multiples(1_234_567).texts(where="#/properties/n")
    assert caught.value.where == "#/properties/n"


def test_terminal() -> None:
    """Prefix and suffix go around; zero has every exponent."""
    terminal = INTEGERS.to_terminal(literal(b" "), literal(b","), name="integer", where="#")
    assert terminal.dfa.accepts(b" 12,") and terminal.dfa.accepts(b" -0e7,") and not terminal.dfa.accepts(b" 1.5,")
    assert (terminal.name, terminal.where) == ("integer", "#")
    assert terminal.dfa.min_length() == 3


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        ({"type": "integer", "minimum": 5, "maximum": 40}, "{5, 6, ..., 40}"),
        ({"type": "integer", "minimum": 0}, "integers in [0, inf)"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 5.5}, "(0, 5.5]"),
        ({"type": "number", "not": {"const": 4}}, "(-inf, 4) or (4, inf)"),
        ({"type": "number", "multipleOf": 0.01, "minimum": 1}, "multiples of 0.01 in [1, inf)"),
        ({"anyOf": [{"type": "integer", "minimum": 3}, {"const": 2.5}]}, "{2.5} or integers in [3, inf)"),
    ],
)
def test_sets_are_shown_in_words(schema: dict[str, object], shown: str) -> None:
    import structgen as sg
    from structgen.testing import byte_vocabulary

    grammar = sg.compile(schema, byte_vocabulary())
    assert [name for name, _ in grammar.expected(grammar.start)] == [shown]


@given(sets)
@settings(max_examples=80)
def test_the_least_text_is_known_before_the_texts(some: Set) -> None:
    numbers = some[0]
    least = numbers.least_text()
    if least is not None:
        assert {least} == {numbers.texts(forms).min_length() for forms in ("any", "double", "plain")}


def test_the_least_text_of_common_sets() -> None:
    assert INTEGERS.least_text() == NumberSet.interval(0, 65535).least_text() == 1
    assert NumberSet.interval(-5, -1).least_text() == (INTEGERS & NumberSet.interval(10, 99)).least_text() == 2
    assert NumberSet.interval(100, None).least_text() is None  # 1e2, or 100, or more
    assert NumberSet.multiples(3).least_text() is NumberSet.nothing().least_text() is None
