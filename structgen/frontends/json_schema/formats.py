"""The languages of JSON Schema's ``format`` keyword.

Receives a name; returns a :class:`~structgen.automata.dfa.Dfa` over code points. Grammars are those of the RFCs,
written as ECMA-262 patterns over named parts; see docs/json-schema.md for what each format takes, and for the
three that are taken from below because they are not regular (hostname, idn-hostname, regex; names with ``xn--`` labels
are in ``hostnodes``).
Of those a superset is known as well, for their negation. A language is built when it is first asked for, and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from functools import lru_cache, partial

import numpy as np

from structgen.automata import CODE_POINTS, Dfa, complement, concat, difference, intersect, lengths, make, union
from structgen.errors import InputError
from structgen.frontends import regex
from structgen.frontends.json_schema import clock, idn

_PARTS: dict[str, str] = {}


def _part(name: str, pattern: str) -> None:
    """Define ``{name}`` for later patterns; braces around anything else stand for themselves."""
    _PARTS[name] = "(?:" + _expand(pattern) + ")"


def _expand(pattern: str) -> str:
    for name, text in _PARTS.items():
        pattern = pattern.replace("{" + name + "}", text)
    return pattern


# RFC 3339, appendix A
_part("duration-time", r"T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)")
_part("duration-date", r"\d+D|\d+M(?:\d+D)?|\d+Y(?:\d+M(?:\d+D)?)?")

# RFC 2673 and 4291; RFC 3986 has the same
_part("octet", r"25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d")
_part("ipv4", r"{octet}(?:\.{octet}){3}")
_part("h16", r"[0-9A-Fa-f]{1,4}")
_part("ls32", r"{h16}:{h16}|{ipv4}")
_part(
    "ipv6",
    r"(?:{h16}:){6}{ls32}"
    r"|::(?:{h16}:){5}{ls32}"
    r"|{h16}?::(?:{h16}:){4}{ls32}"
    r"|(?:(?:{h16}:){0,1}{h16})?::(?:{h16}:){3}{ls32}"
    r"|(?:(?:{h16}:){0,2}{h16})?::(?:{h16}:){2}{ls32}"
    r"|(?:(?:{h16}:){0,3}{h16})?::{h16}:{ls32}"
    r"|(?:(?:{h16}:){0,4}{h16})?::{ls32}"
    r"|(?:(?:{h16}:){0,5}{h16})?::{h16}"
    r"|(?:(?:{h16}:){0,6}{h16})?::",
)

# RFC 1123 labels; hyphens in the third and fourth place are reserved (RFC 5890)
_part("alnum", "[A-Za-z0-9]")
_part("ldh", "[A-Za-z0-9-]")
_part("label", "{alnum}(?:{ldh}{0,2}{alnum})?|{alnum}{ldh}(?:{alnum}{ldh}|-{alnum}){ldh}{0,58}{alnum}")

# RFC 5321, with RFC 6531 for the international ones
_part("sub-domain", "{alnum}(?:{ldh}{0,61}{alnum})?")
_part("domain", r"{sub-domain}(?:\.{sub-domain})*")
_part("address", r"\[(?:{ipv4}|IPv6:{ipv6})\]")
_part("atom", r"[A-Za-z0-9!#$%&'*+\/=?^_`\x7b-\x7e-]+")
_part("local", r'{atom}(?:\.{atom})*|"(?:[ !#-\[\]-~]|\\[ -~])*"')
_WIDE = r"\u0080-\uD7FF\uE000-\u{10FFFF}"
_part("iatom", rf"[A-Za-z0-9!#$%&'*+\/=?^_`\x7b-\x7e{_WIDE}-]+")
_part("ilocal", rf'{{iatom}}(?:\.{{iatom}})*|"(?:[ !#-\[\]-~{_WIDE}]|\\[ -~])*"')
# U-labels in mail are not checked further: RFC 6531 leaves that to IDNA; separators and symbols of ASCII are out
_part("ilabel", rf"[A-Za-z0-9{_WIDE}](?:[A-Za-z0-9{_WIDE}-]{{0,61}}[A-Za-z0-9{_WIDE}])?")
_part("idomain", r"{ilabel}(?:\.{ilabel})*")

# RFC 3986
_part("pct", "%[0-9A-Fa-f]{2}")
_part("scheme", r"[A-Za-z][A-Za-z0-9+.-]*")
_part("ipvfuture", r"[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+")
_part("literal-host", r"\[(?:{ipv6}|{ipvfuture})\]")
_UCS = (
    r"\u00A0-\uD7FF\uF900-\uFDCF\uFDF0-\uFFEF"
    + "".join(rf"\u{{{plane:X}0000}}-\u{{{plane:X}FFFD}}" for plane in range(1, 14))
    + r"\u{E1000}-\u{EFFFD}"
)
_PRIVATE = r"\uE000-\uF8FF\u{F0000}-\u{FFFFD}\u{100000}-\u{10FFFD}"
# plane 14 begins with tags, which RFC 3987 leaves out
for _name, _more, _query in (("", "", ""), ("i", _UCS, _PRIVATE)):
    _chars = rf"[A-Za-z0-9._~!$&'()*+,;={_more}-]"
    _part(_name + "pchar", rf"[A-Za-z0-9._~!$&'()*+,;=:@{_more}-]|{{pct}}")
    _part(_name + "pchar-nc", rf"[A-Za-z0-9._~!$&'()*+,;=@{_more}-]|{{pct}}")
    _part(_name + "userinfo", rf"(?:[A-Za-z0-9._~!$&'()*+,;=:{_more}-]|{{pct}})*")
    _part(_name + "host", rf"{{literal-host}}|(?:{_chars}|{{pct}})*")
    _part(_name + "authority", rf"(?:{{{_name}userinfo}}@)?{{{_name}host}}(?::\d*)?")
    _part(_name + "abempty", rf"(?:\/{{{_name}pchar}}*)*")
    _part(_name + "absolute", rf"\/(?:{{{_name}pchar}}+{{{_name}abempty}})?")
    _part(_name + "rootless", rf"{{{_name}pchar}}+{{{_name}abempty}}")
    _part(_name + "noscheme", rf"{{{_name}pchar-nc}}+{{{_name}abempty}}")
    _part(
        _name + "tail",
        rf"(?:\?(?:{{{_name}pchar}}|[\/?{_query}])*)?(?:#(?:{{{_name}pchar}}|[\/?])*)?"
        if _query
        else rf"(?:\?(?:{{{_name}pchar}}|[\/?])*)?(?:#(?:{{{_name}pchar}}|[\/?])*)?",
    )
    _part(
        _name + "uri",
        rf"{{scheme}}:(?:\/\/{{{_name}authority}}{{{_name}abempty}}|{{{_name}absolute}}|{{{_name}rootless}}|)"
        rf"{{{_name}tail}}",
    )
    _part(
        _name + "relative",
        rf"(?:\/\/{{{_name}authority}}{{{_name}abempty}}|{{{_name}absolute}}|{{{_name}noscheme}}|){{{_name}tail}}",
    )

# RFC 6570, with its errata (the apostrophe is a literal)
_part("varchar", "[A-Za-z0-9_]|{pct}")
_part("varspec", r"{varchar}(?:\.?{varchar})*(?::[1-9]\d{0,3}|\*)?")
_part("expression", r"\{[+#.\/;?&=,!@|]?{varspec}(?:,{varspec})*\}")

# RFC 6901
_part("pointer", r"(?:\/(?:[^\/~]|~[01])*)*")

# A part of ECMA-262 patterns in which nothing depends on what stands elsewhere
_part("re-escape", r"\\(?:[dDsSwWbB]|[fnrtv]|0|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|c[A-Za-z]|[$()*+.\/?\[\\\]^{|}])")
_part("re-class-escape", r"\\(?:[fnrtv]|0|c[A-Za-z]|x[0-9A-Fa-f]{2}|[$()*+.\/?\[\\\]^{|}-])")
_part("re-class-char", r"[^\\\]\[^-]")
_part("re-range", "a-z|A-Z|0-9|a-f|A-F|a-zA-Z|1-9")
_part("re-class", r"\[\^?(?:{re-range}|{re-class-char}|{re-class-escape}|\\[dDsSwW])*-?\]")
_part("re-char", r"[^\\^$.*+?()\[\]\{\}|]|\.|{re-escape}|{re-class}")
# counts in order: the second has more digits, or a greater first one, or both have one
_part(
    "re-ordered",
    r"\d,[1-9]\d{1,3}|[1-9]\d,[1-9]\d{2,3}"
    + "".join(f"|{m},[{m}-9]" for m in range(10))
    + "".join(rf"|{m}\d,[{m + 1}-9]\d" for m in range(1, 9)),
)
_part("re-count", r"(?:[*+?]|\{(?:\d{1,4}|\d{1,4},|{re-ordered})\})\??")


def _group(level: int) -> None:
    inner = f"{{re-{level - 1}}}"
    atom = "{re-char}" if level == 0 else rf"{{re-char}}|\((?:\?:|\?<[A-Za-z_$][\w$]*>)?{inner}\)"
    _part(f"re-term-{level}", rf"[$^]|(?:{atom}){{re-count}}?" + ("" if level == 0 else rf"|\(\?<?[=!]{inner}\)"))
    _part(f"re-{level}", rf"{{re-term-{level}}}*(?:\|{{re-term-{level}}}*)*")


# a back reference could refer to what is not there, so it is not taken
for _level in range(3):
    _group(_level)

_PATTERNS = {
    "duration": r"P(?:(?:{duration-date})(?:{duration-time})?|{duration-time}|\d+W)",
    "ipv4": "{ipv4}",
    "ipv6": "{ipv6}",
    "uri": "{uri}",
    "uri-reference": "{uri}|{relative}",
    "iri": "{iuri}",
    "iri-reference": "{iuri}|{irelative}",
    "uri-template": rf"(?:[!#$&'()*+,\-.\/0-9:;=?@A-Z\[\]_a-z~{_UCS}{_PRIVATE}]|{{pct}}|{{expression}})*",
    "uuid": "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "json-pointer": "{pointer}",
    "relative-json-pointer": r"(?:0|[1-9]\d*)(?:#|{pointer})",
}


def _pattern(text: str) -> Dfa:
    return regex.to_dfa(_expand(text), dialect="ecma")


def _regex() -> Dfa:
    """At most one named group: two could have the same name."""
    return difference(_pattern("{re-2}"), regex.to_dfa(r"\(\?<[^=!][^]*\(\?<[^=!]", dialect="ecma", search=True))


def _hostname() -> Dfa:
    """Labels of 1 to 63 characters, 253 in all."""
    return intersect(_pattern(r"{label}(?:\.{label})*"), lengths(1, 253, CODE_POINTS))


def _mailbox(local: str, domain: str) -> Callable[[], Dfa]:
    """A local part of at most 64 octets, and a domain or an address."""

    def build() -> Dfa:
        return concat(intersect(_pattern(local), _octets(64)), _pattern(f"@(?:{domain}|{{address}})"))

    return build


def _octets(most: int) -> Dfa:
    """Strings of at most so many octets in UTF-8."""
    delta = np.full((most + 1, 5), -1, dtype=np.int32)
    for c, size in enumerate((1, 2, 3, None, 4)):
        if size is not None:
            delta[: most + 1 - size, c] = np.arange(size, most + 1)
    starts = np.array([0, 0x80, 0x800, 0xD800, 0xE000, 0x10000], dtype=np.int32)
    classes = np.array([0, 1, 2, 3, 2, 4], dtype=np.int32)
    return make(CODE_POINTS, starts, classes, delta, np.ones(most + 1, dtype=np.bool_))


_MAKERS: dict[str, Callable[[], Dfa]] = {
    "date": clock.date,
    "time": clock.time,
    "date-time": clock.date_time,
    "hostname": _hostname,
    "idn-hostname": idn.hostname,
    "email": _mailbox("{local}", "{domain}"),
    "idn-email": _mailbox("{ilocal}", "{idomain}"),
    "regex": _regex,
    **{name: partial(_pattern, text) for name, text in _PATTERNS.items()},
}

#: What is surely no pattern: a quantifier before anything else, a backslash before nothing, brackets without a partner.
_NO_REGEX = (r"^[*+?]", r"^(?:[^\\]|\\[^])*\\$", r"^[^\\\[(]*\)", r"^[^\\\[)]*\([^)]*$", r"^[^\\\[]*\[[^\]]*$")


def _perhaps_regex() -> Dfa:
    return complement(union(*(regex.to_dfa(bad, dialect="ecma", search=True) for bad in _NO_REGEX)))


def _perhaps_hostname() -> Dfa:
    """With anything that looks like an A-label."""
    label = r"(?:{label}|[Xx][Nn]--{ldh}{0,58}{alnum})"
    return intersect(_pattern(rf"{label}(?:\.{label})*"), lengths(1, 253, CODE_POINTS))


def _perhaps_idn_hostname() -> Dfa:
    """Any text without other characters of ASCII than letters, digits, hyphens and dots."""
    return _pattern(f"[A-Za-z0-9.{_WIDE}-]+")


#: The formats that are taken from below, with supersets.
FROM_BELOW: dict[str, Callable[[], Dfa]] = {
    "hostname": _perhaps_hostname,
    "idn-hostname": _perhaps_idn_hostname,
    "regex": _perhaps_regex,
}

#: Those of which names with A-labels are members that their automata do not hold: see ``hostnodes``.
WITH_A_LABELS = ("hostname", "idn-hostname")

#: The names that are enforced. See also ``JsonSchema(formats={name: ...})``.
KNOWN: Set[str] = _MAKERS.keys()


@lru_cache(maxsize=256)
def language(name: str) -> Dfa:
    """The language of a format, over code points.

    Raises:
        KeyError: the name is not in ``KNOWN``.
    """
    return _MAKERS[name]()


@lru_cache(maxsize=16)
def superset(name: str) -> Dfa:
    """A language with all the words of a format that is taken from below (see ``FROM_BELOW``), over code points."""
    return FROM_BELOW[name]()


def register(name: str, definition: str | Dfa) -> None:
    """Define a format, or define one anew: an ECMA-262 pattern that must match the whole string, or an automaton.

    Schemas compiled before keep the old meaning.

    Raises:
        InputError: the automaton is over bytes, or the definition is neither.
        SourceSyntaxError, UnsupportedError, LimitError: the pattern cannot be used.
    """
    if isinstance(definition, str):
        dfa = regex.to_dfa(definition, dialect="ecma", where=f"format {name}")
    elif isinstance(definition, Dfa):
        dfa = definition
    else:
        raise InputError(f"a format is defined by a pattern or an automaton, not by {type(definition).__name__}")
    if dfa.alphabet != CODE_POINTS:
        raise InputError("a format is a language over code points", hint="Build the automaton over CODE_POINTS")
    _MAKERS[name] = lambda: dfa
    FROM_BELOW.pop(name, None)
    language.cache_clear()
