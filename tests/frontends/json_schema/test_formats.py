"""Formats: the official suite, jsonschema's checkers on random words, and Python's own parsers as judges."""

from __future__ import annotations

import gzip
import ipaddress
import json
import os
import random
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from structgen import errors
from structgen.automata import BYTES, CODE_POINTS, Dfa, literal, literals
from structgen.errors import InputError
from structgen.frontends import regex
from structgen.frontends.json_schema import formats
from structgen.frontends.json_schema.strings import StringSet
from structgen.source import Choice, JsonSchema, Regex
from tests.frontends.json_schema.networks import Judge

SUITE = (
    Path(os.environ.get("STRUCTGEN_SHARED", Path(__file__).resolve().parents[4] / "shared"))
    / "data"
    / "json-schema-test-suite-2020-12.json.gz"
)

#: Valid strings of the suite that are refused, because the format is taken from below: see docs/json-schema.md.
REFUSED = {
    "hostname": "A-labels",
    "idn-hostname": "A-labels, long U-labels, joiners without a virama",
    "regex": "named groups, \\c escapes",
}


#: Words about which the checkers are mistaken, or stricter than the RFC.
NOT_JUDGED: dict[str, tuple[Callable[[str], object], ...]] = {
    "date": (lambda w: w.startswith("0000"),),  # Python's datetime begins with the year 1
    "date-time": (lambda w: w.startswith("0000"), lambda w: ":60" in w[10:19]),  # no leap seconds
    "time": (lambda w: ":60" in w[:8],),
    "duration": (lambda w: len(w) > 12,),  # numbers too large for it
    "iri": (lambda w: max(w) > "\uffff",),  # most planes are missing
    "iri-reference": (lambda w: max(w, default="") > "\uffff",),
    # digits after a 0, and an index name after two digits, are refused
    "relative-json-pointer": (lambda w: re.match("[1-9][0-9]*0", w), lambda w: re.match("[0-9]{2,}#", w)),
    # encoded characters in names, reserved operators
    "uri-template": (lambda w: re.search(r"\{[^}]*%|\{[=,!@|]", w),),
}


def suite() -> list[tuple[str, str, bool]]:
    if not SUITE.exists():
        return []
    with gzip.open(SUITE, "rt", encoding="utf-8") as file:
        groups: list[dict[str, Any]] = json.load(file)["groups"]
    return [
        (group["schema"]["format"], test["data"], test["valid"])
        for group in groups
        if group["keyword"].startswith("optional/format/") and group["schema"]["format"] in formats.KNOWN
        for test in group["tests"]
        if isinstance(test["data"], str)
    ]


def random_word(language: Dfa, rng: random.Random, turn: int = 20) -> str:
    """A random walk that takes the shortest way home after ``turn`` characters."""
    state, out = 0, ""
    ends = [*language.starts.tolist()[1:], language.alphabet]
    while not (language.accept[state] and (rng.random() < 0.2 or len(out) > turn)):
        row = language.table[state].tolist()
        ways = [i for i, to in enumerate(row) if to >= 0]
        if not ways:
            break
        if len(out) > turn:
            way = min(ways, key=lambda i: int(language.distance[row[i]]))
        else:
            way = rng.choice(ways)
        out += chr(rng.randrange(int(language.starts[way]), ends[way]))
        state = row[way]
    return out


@pytest.mark.skipif(not SUITE.exists(), reason="the shared data is not here")
@pytest.mark.parametrize("name", sorted(formats.KNOWN))
def test_official_suite(name: str) -> None:
    """Nothing invalid is accepted; what is valid is accepted, but for the formats taken from below."""
    cases = [(data, valid) for format_name, data, valid in suite() if format_name == name]
    assert cases
    language = formats.language(name)
    assert [data for data, valid in cases if not valid and language.accepts(data)] == []
    refused = [data for data, valid in cases if valid and not language.accepts(data)]
    if name not in REFUSED:
        assert refused == []
    elif name == "hostname":
        assert all(data.startswith("xn--") for data in refused)
    elif name == "regex":
        assert all("?<" in data or "\\c" in data for data in refused)
    else:
        assert len(refused) <= 6


@pytest.mark.parametrize("name", sorted(formats.KNOWN - {"regex", "idn-hostname"}))
def test_random_words_satisfy_the_validators(name: str) -> None:
    """Words drawn from the language pass jsonschema's checker, where it has one."""
    checker = Draft202012Validator.FORMAT_CHECKER
    rng = random.Random(7)
    language = formats.language(name)
    judged = 0
    for _ in range(200):
        word = random_word(language, rng)
        if not any(condition(word) for condition in NOT_JUDGED.get(name, ())):
            judged += 1
            assert checker.conforms(word, name), word
    assert judged > 30


def test_dates_are_those_of_the_calendar() -> None:
    """Every day of a few centuries, and the day after each month's last, against datetime."""
    language = formats.language("date")
    day = date(1896, 1, 1)
    while day.year < 1906:
        assert language.accepts(day.isoformat())
        day += timedelta(days=1)
    for year in (1, 4, 100, 400, 1600, 1700, 1999, 2000, 2001, 2004, 2100, 2400, 9999):
        for month in range(0, 14):
            for number in (0, 1, 28, 29, 30, 31, 32):
                text = f"{year:04}-{month:02}-{number:02}"
                try:
                    date(year, month, number)
                    valid = True
                except ValueError:
                    valid = False
                assert language.accepts(text) == valid, text


def test_leap_seconds_end_the_day_in_utc() -> None:
    """Second 60 exists once a day: at 23:59 in UTC, whatever the offset."""
    language = formats.language("date-time")
    rng = random.Random(3)
    for _ in range(500):
        offset = rng.randint(-1439, 1439)
        local = datetime(2016, 12, 31, 23, 59) + timedelta(minutes=offset)
        sign = "+" if offset > 0 else "-" if offset < 0 else rng.choice("+-")
        zone = f"{sign}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
        assert language.accepts(f"{local:%Y-%m-%dT%H:%M}:60{zone}")
        assert language.accepts(f"{local:%Y-%m-%dT%H:%M}:60.5{zone}")
        wrong = local + timedelta(minutes=rng.randint(1, 1439))
        assert not language.accepts(f"{wrong:%Y-%m-%dT%H:%M}:60{zone}")
        assert language.accepts(f"{wrong:%Y-%m-%dT%H:%M}:59{zone}")


def test_addresses_are_those_of_ipaddress() -> None:
    """Random strings over the alphabet of addresses, against the standard library."""
    rng = random.Random(11)
    for name, kind, letters in (
        ("ipv4", ipaddress.IPv4Address, "0125.."),
        ("ipv6", ipaddress.IPv6Address, "01af:::::::."),
    ):
        language = formats.language(name)
        words = ["".join(rng.choices(letters, k=rng.randint(1, 16))) for _ in range(1500)]
        words += [random_word(language, rng) for _ in range(300)]
        for word in words:
            mutated = list(word)
            mutated[rng.randrange(len(mutated))] = rng.choice(letters)
            for text in (word, "".join(mutated)):
                try:
                    kind(text)
                    valid = True
                except ValueError:
                    valid = False
                assert language.accepts(text) == valid, text


def test_accepted_regexes_are_valid() -> None:
    """Words of format regex are patterns of our own reader (the ones that need no more states than they may)."""
    rng = random.Random(5)
    language = formats.language("regex")
    for _ in range(200):
        word = random_word(language, rng)
        regex.parse(word, dialect="ecma")


@pytest.mark.parametrize(
    "text",
    ["^[a-z]+$", r"^\d{3}-\d{4}$", "a|b|(c(?:d|e)*)", r"[^\s@]+@[\w.-]+\.\w{2,}", "", r"^(?!x).*$", "[a-fA-F0-9_]"],
)
def test_common_regexes_are_accepted(text: str) -> None:
    """The subset is rich enough for what schemas hold."""
    assert formats.language("regex").accepts(text)


def test_long_names() -> None:
    """253 characters for a name, 63 for a label, 64 octets for a local part."""
    hostname, email, idn_email = map(formats.language, ("hostname", "email", "idn-email"))
    label = "a" * 63
    assert hostname.accepts(".".join([label] * 3 + ["a" * 61])) and not hostname.accepts(".".join([label] * 4))
    assert hostname.accepts("a" * 63) and not hostname.accepts("a" * 64)
    assert not hostname.accepts("ab--c.example")
    assert email.accepts("a" * 64 + "@b") and not email.accepts("a" * 65 + "@b")
    assert idn_email.accepts("\u00e9" * 32 + "@b") and not idn_email.accepts("\u00e9" * 33 + "@b")


def test_idn_labels_are_idna() -> None:
    """Random words are names to the idna package."""
    idna = pytest.importorskip("idna")
    rng = random.Random(13)
    language = formats.language("idn-hostname")
    for _ in range(200):
        word = re.sub("[\u3002\uff0e\uff61]", ".", random_word(language, rng))
        idna.encode(word.lower())


def test_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    """A format is registered by a pattern or an automaton, and seen by StringSet."""
    monkeypatch.setattr(formats, "_MAKERS", dict(formats._MAKERS))
    monkeypatch.setattr(formats, "KNOWN", formats._MAKERS.keys())
    formats.register("zip", "[0-9]{5}")
    formats.register("color", literals(["red", "blue"]))
    assert "zip" in formats.KNOWN and StringSet.format("color") == StringSet.of(["red", "blue"])
    zips = StringSet.format("zip")
    assert zips is not None and zips.contains("12345") and not zips.contains("123456")
    formats.register("zip", "[0-9]{6}")
    assert formats.language("zip").accepts("123456")
    with pytest.raises(InputError):
        formats.register("raw", literal(b"x"))
    with pytest.raises(InputError):
        formats.register("raw", 5)  # type: ignore[arg-type]
    assert literal(b"x").alphabet == BYTES and formats.language("zip").alphabet == CODE_POINTS
    formats.language.cache_clear()


def test_formats_of_the_user() -> None:
    """Beside the known ones, or in place of one; a regex, a choice, a combination, a pattern."""
    own: dict[str, Any] = {
        "sku": Regex("[A-Z]{2}-[0-9]{2}"),
        "size": Choice(["S", "M"]) | Regex("[0-9]+"),
        "date": "\\d\\d",
    }
    for name, good, bad in (
        ("sku", ("AB-12",), ("AB-1", "xAB-12", "")),
        ("size", ("S", "42"), ("L", "")),
        ("date", ("12",), ("2024-01-01",)),
        ("ipv4", ("1.2.3.4",), ("x",)),
    ):
        judge = Judge({"format": name}, formats=own)
        assert all(judge.takes(text) for text in good)
        assert not any(judge.takes(text) for text in bad)
        assert judge.takes(3)
    assert Judge({"format": "sku"}).takes("anything")


@pytest.mark.parametrize(
    ("own", "kind", "where"),
    [
        ({"a": 3}, errors.InputError, None),
        ("ignore", errors.InputError, None),
        ({"a": JsonSchema(True)}, errors.InputError, "format 'a'"),
        ({"a": "("}, errors.SourceSyntaxError, "format 'a'"),
    ],
)
def test_bad_formats_of_the_user(own: Any, kind: type[errors.StructgenError], where: str | None) -> None:
    with pytest.raises(kind) as caught:
        Judge({"format": "a"}, formats=own)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("pattern", "good"),
    [
        ("(?<name>x)", True), ("(?<n>a)|b", True), ("(?<n>a)(?<n>b)", False), ("\\cA", True), ("\\c1", False),
        ("a{2,1}", False), ("a{2,3}", True), ("a{9,10}", True), ("a{10,9}", False), ("a{30,40}", True),
        ("a{41,30}", False), ("a{99,100}", True), ("a{3,3}", True),
        ("\n", True), ("(?<n>a)\n(?<n>b)", False), ("[\r]", True),
    ],
)  # fmt: skip
def test_patterns_as_a_format(pattern: str, good: bool) -> None:
    assert formats.language("regex").accepts(pattern) == good


def test_joiners_against_idna() -> None:
    """Everything accepted is valid by the idna package; a non-joiner between letters that join is accepted."""
    idna = pytest.importorskip("idna")
    dfa = formats.language("idn-hostname")
    assert dfa.accepts("\u0628\u064a\u200c\u0628\u064a")
    for size in range(1, 5):
        for letters in product("\u0628\u0627\u064b\u0915\u094d\u200c\u200da", repeat=size):
            name = "".join(letters)
            if dfa.accepts(name):
                idna.encode(name, uts46=False)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        # the A-label is a valid name; what looks like one may not be taken as an invalid one either
        ({"not": {"format": "hostname"}}, ["a b", "-a", "a..b"], ["a.b", "xn--9n2bp8q", "XN--9N2BP8Q.com"]),
        ({"not": {"format": "idn-hostname"}}, ["a b", "a_b"], ["a", "xn--9n2bp8q", "\u03b1" * 20]),
        ({"not": {"format": "regex"}}, ["*", "(a", "a)", "[a", "a\\"],
         ["", "(a)", "(?<n>a)\\k<n>", "[(]", "\\)", "a\\\\"]),
        ({"not": {"not": {"format": "hostname"}}}, ["a.b"], ["a b", "xn--9n2bp8q"]),
        ({"not": {"format": "hostname", "maxLength": 3}}, ["a b", "abcd"], ["abc"]),
        ({"oneOf": [{"format": "hostname"}, {"format": "ipv4"}]}, ["a.b"], ["1.2.3.4", "a b"]),
        ({"if": {"format": "hostname"}, "else": {"maxLength": 3}}, ["a.bcd", "a b", "xn--9n2bp8q"], ["a bcd", "xn--X"]),
        ({"format": "hostname", "enum": ["a", "a b", "xn--9n2bp8q", "xn--X"]}, ["a", "xn--9n2bp8q"], ["a b", "xn--X"]),
    ],
)  # fmt: skip
def test_negation_of_what_is_taken_from_below(schema: Any, good: list[str], bad: list[str]) -> None:
    """Nothing that may be of the format passes for something that is not."""
    judge = Judge({"type": "string", **schema})
    assert [text for text in good if not judge.takes(text)] == []
    assert [text for text in bad if judge.takes(text)] == []


@pytest.mark.skipif(not SUITE.exists(), reason="the shared data is not here")
@pytest.mark.parametrize("name", sorted(formats.FROM_BELOW))
def test_supersets_have_everything_valid(name: str) -> None:
    superset = formats.superset(name)
    assert superset.contains(formats.language(name))
    assert [d for n, d, valid in suite() if n == name and valid and not superset.accepts(d)] == []


NAMES: dict[str, Any] = {"propertyNames": {"format": "hostname"}}


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        ({"not": NAMES}, "#/not/propertyNames"),
        ({"oneOf": [NAMES, {"minProperties": 3}]}, "#/oneOf/0/propertyNames"),
        ({"if": {"$ref": "#/$defs/n"}, "else": {"maxProperties": 1}, "$defs": {"n": NAMES}}, "#/$defs/n/propertyNames"),
        ({"contains": NAMES, "maxContains": 1}, "#/contains/propertyNames"),
        (
            {"not": {"properties": {"xn--a": {}}, "additionalProperties": False, **NAMES}},
            "#/not/propertyNames",
        ),
    ],
    ids=["not", "oneOf", "if", "contains", "closed"],
)
def test_other_names_than_those_of_a_format_taken_from_below(schema: Any, where: str) -> None:
    """Refused, for not all names of the format are known; and the report says so at the keyword."""
    with pytest.raises(errors.UnsupportedError) as caught:
        Judge(schema)
    assert caught.value.where == where
    assert [entry.pointer for entry in JsonSchema(schema).report().entries if entry.status == "refused"] == [where]


@pytest.mark.parametrize("schema", [NAMES, {"anyOf": [NAMES, {"type": "null"}]}, {"dependentSchemas": {"b": NAMES}}])
def test_such_names_by_themselves(schema: Any) -> None:
    judge = Judge(schema)
    assert judge.takes({"b": 1})
    assert not judge.takes({"b": 1, "-": 1})
