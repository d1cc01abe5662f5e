"""What Lark's loader says about a malformed grammar, with the place in the user's text and a guess at the mistake.

Receives Lark's exception; returns one of ours. The guesses are data: patterns of the line at fault, and what is
usually meant by them.
"""

from __future__ import annotations

import difflib
import pkgutil
import re
from collections.abc import Iterable
from functools import cache

from lark.exceptions import LarkError, UnexpectedInput, VisitError
from lark.load_grammar import eval_escaping

from structgen.errors import ConstraintError, InputError, SourceSyntaxError
from structgen.frontends import regex
from structgen.frontends.lark.grammar import Place
from structgen.frontends.lark.scan import Index
from structgen.frontends.regex.parser import caret

#: Patterns of the line at fault, and what to do.
_GUESSES: tuple[tuple[str, str], ...] = (
    (r"::=|:=", "Lark writes a rule as  name: alternatives"),
    (r"^\s*<?[\w-]+>?\s*(=|->|→)\s", "Lark puts a colon after a rule's name:  name: alternatives"),
    (r";\s*$", "A rule ends with its line; leave the semicolon out"),
    (r"'", "Literals stand in double quotes"),
    (r"^\s*<[\w-]+>", "Names stand without angle brackets"),
    (r"^\s*\w*[a-z]\w*[A-Z]|^\s*\w*[A-Z]\w*[a-z]", "Names of rules are lower case, names of terminals upper case"),
    (r"^\s*[\w]+-\w", "Names are made of letters, digits and underscores"),
    (r"(?:^|[\s(|])\[[^\]\s]*-[^\]\s]*\]", "A character class is a regex:  /[a-z]/; brackets alone mean optional"),
    (r"[a-z_]\w*\{\d+\}", "Repetition is written  x~3 ; the numbers of a rule have ranges:  x{n=0..9}: ..."),
    (r"\{\d*,?\d*\}", "Repetition is written  x~3  or  x~1..3"),
    (r"(?:^|\s)(ε|epsilon)(\s|$)", "An empty alternative is written as nothing:  a: b |"),
    (r"%(ignore|import)\s*$", "%ignore takes a terminal, %import a name:  %import common.WS"),
    (r'^(?:[^"]*"[^"]*")*[^"]*"[^"]*$', 'A closing " is missing'),
)


def shown(index: Index, place: Place) -> str:
    """The line of a place with a caret under it."""
    return caret(index.text, index.offset(place.line, place.column)) if place.file is None else ""


def syntax_error(message: str, index: Index, at: int | None, hint: str | None = None) -> SourceSyntaxError:
    """An error at an offset of the user's text (None: unknown)."""
    if at is None:
        return SourceSyntaxError(message, hint=hint)
    place = index.place(at)
    return SourceSyntaxError(message + shown(index, place), where=str(place), hint=hint)


def translated(error: Exception, index: Index, name: str) -> ConstraintError | InputError:
    """Ours for Lark's.

    Args:
        error: what ``load_grammar`` or ``Grammar.compile`` raised.
        index: the user's text.
        name: what Lark calls it: ``<string>``, or its path.
    """
    if isinstance(error, OSError):
        return _missing_import(error, index)
    if isinstance(error, VisitError):
        error = error.orig_exc
    if not isinstance(error, LarkError):
        known = _broken_pattern(index) or _backward_range(index) or _declared_in_terminal(index)
        return known or SourceSyntaxError(
            f"Lark's loader fails on this grammar: {type(error).__name__} {error}".strip(),
            hint="Halve the grammar until the error goes",
        )
    text = str(error)
    if isinstance(error, UnexpectedInput):
        return _parse_error("this cannot stand here", index, error.line, error.column, None)
    unexpected = re.match(r"Unexpected input at line (\d+) column (\d+) in ([^\n]*?): \n", text)
    if unexpected:
        line, column, file = unexpected.groups()
        return _parse_error("this cannot stand here", index, int(line), int(column), None if file == name else file)
    located = re.match(r"(.*), at line (\d+) column (\d+)\n", text)
    if located:
        message, line, column = located.groups()
        return _parse_error(_lowered(message), index, int(line), int(column), None)
    for pattern, explain in _ABOUT_NAMES:
        found = re.search(pattern, text)
        if found:
            return explain(index, *found.groups())
    return SourceSyntaxError(_lowered(text.strip().split("\n")[0]), where=_first_name(index, text))


def _broken_pattern(index: Index) -> ConstraintError | None:
    """What is wrong with the first malformed regex in the text."""
    for token in index.tokens:
        if token.kind == "regexp":
            try:
                regex.parse(eval_escaping(token.text[1 : token.text.rindex("/")]))
            except ConstraintError as error:
                return type(error)(error.message, where=str(index.place(token.at)), hint=error.hint)
            except LarkError:
                continue
    return None


def _declared_in_terminal(index: Index) -> ConstraintError | None:
    """A terminal that is made of one that is only declared."""
    for i, token in enumerate(index.tokens):
        if (token.text == "%json" or token.kind == "special") and (index.defining(token.at) or "").isupper():
            name = index.defining(token.at)
            what = "a JSON Schema" if token.text == "%json" else f"the special token {token.text}"
            hint = "Write it in a rule (lower case) instead"
            return syntax_error(f"{what} inside the terminal {name!r}", index, token.at, hint)
        if token.text != "%declare":
            continue
        for declared in index.tokens[i + 1 :]:
            if declared.kind != "terminal" or index.place(declared.at).line != index.place(token.at).line:
                break
            inside = [at for at in index.uses(declared.text) if (index.defining(at) or "").isupper()]
            if inside:
                return syntax_error(
                    f"the terminal {index.defining(inside[0])!r} uses {declared.text!r}, which is only declared",
                    index,
                    inside[0],
                    "Use it in a rule (lower case) instead",
                )
    return None


def _parse_error(message: str, index: Index, line: int, column: int, file: str | None) -> SourceSyntaxError:
    hint = None
    if line < 1 or column < 1:  # the end of the text
        place = index.place(len(index.text))
    else:
        place = index.moved.get(line, Place(line, column)) if file is None else Place(line, column, file)
    lines = index.text.split("\n")
    if file is None and index.offset(place.line, place.column) >= len(index.text.rstrip()):
        signs = [t.text for t in index.tokens if t.kind == "sign"]
        missing = [close for opening, close in ("()", "[]", "{}") if signs.count(opening) > signs.count(close)]
        hint = f"A closing {missing[0]} is missing" if missing else None
    if file is None and place.line <= len(lines):
        # the line before counts too: a rule's name may have been read as a part of the rule above it
        for text in (lines[place.line - 1], lines[place.line - 2] if place.line > 1 else ""):
            hint = hint or guess(text)
    return SourceSyntaxError(message + shown(index, place), where=str(place), hint=hint)


def guess(line: str, guesses: Iterable[tuple[str, str]] = _GUESSES) -> str | None:
    """What the author of a malformed line probably has to do."""
    plain = re.sub(r'"(?:\\.|[^"\\])*"|/(?:\\.|[^/\\])+/', '""', line)
    return next((hint for pattern, hint in guesses if re.search(pattern, plain)), None)


def similar_name(name: str, known: Iterable[str]) -> str | None:
    """A hint that names the known name most like an unknown one."""
    names = list(known)
    for other in names:
        if other.lower() == name.lower():
            return f"There is {other!r}: upper and lower case differ"
    close = difflib.get_close_matches(name, names, 1, 0.75)
    return f"Did you mean {close[0]!r}?" if close else None


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:] if message[1:2].islower() else message


def _missing_import(error: OSError, index: Index) -> InputError:
    file = str(error.filename or "")
    stem = file.replace("\\", "/").removesuffix(".lark").split("/")
    at = next((t.at for t in index.tokens if t.kind == "rule" and t.text == stem[-1]), None)
    place = None if at is None else index.place(at)
    known = "common, python, unicode and lark come with Lark" if stem[-1] not in _SHIPPED else ""
    return InputError(
        f"the grammar {file!r} to import from is not found" + ("" if place is None else shown(index, place)),
        where=None if place is None else str(place),
        hint=f"Give its folder in import_paths=[...]; {known}" if known else "Give its folder in import_paths=[...]",
    )


_SHIPPED = ("common", "python", "unicode", "lark")


def _undefined(index: Index, _: str, name: str, *__: str) -> SourceSyntaxError:
    uses = index.uses(name)
    kind = "terminal" if name.isupper() else "rule"
    if name in index.definitions:  # brought in by %import
        close = difflib.get_close_matches(name, _common(), 1, 0.6)
        return syntax_error(
            f"the {kind} {name!r} is imported, but the grammar it comes from does not define it",
            index,
            index.definitions[name][0],
            f"Did you mean {close[0]!r}?" if close else "Look the name up in that grammar",
        )
    word = next((w for w in re.finditer(r"\w+", index.text) if uses and w.start() <= uses[0] < w.end()), None)
    if word is not None and word.group() != name:
        return syntax_error(
            f"the name {word.group()!r} is in upper and lower case",
            index,
            word.start(),
            "Names of rules are lower case, names of terminals upper case",
        )
    return syntax_error(
        f"the {kind} {name!r} is used but not defined",
        index,
        uses[0] if uses else None,
        similar(name, index) or _how_to_define(name),
    )


def similar(name: str, index: Index) -> str | None:
    """A hint that names the defined name most like an unknown one."""
    for known in index.definitions:
        if known.lower() == name.lower() and known != name:
            return f"There is {known!r}: names of rules are lower case, of terminals upper case"
    return similar_name(name, (known for known in index.definitions if known != name))


@cache
def _common() -> frozenset[str]:
    """The terminals of Lark's library ``common``."""
    data = pkgutil.get_data("lark", "grammars/common.lark") or b""
    return frozenset(Index(data.decode()).definitions)


def _how_to_define(name: str) -> str:
    if name in _common():
        return f"Lark has it in a library: %import common.{name}"
    return f"Define it, or import it: %import file.{name}"


def _twice(index: Index, kind: str, name: str) -> SourceSyntaxError:
    offsets = index.definitions.get(name, [])
    first = f" (first in line {index.place(offsets[0]).line})" if len(offsets) > 1 else ""
    return syntax_error(
        f"the {kind.lower()} {name!r} is defined more than once{first}",
        index,
        offsets[-1] if offsets else None,
        f"Join the alternatives with |, or write %override or %extend before {name}",
    )


def _reserved(index: Index, name: str) -> SourceSyntaxError:
    offsets = index.definitions.get(name, [])
    hint = "Begin it with one underscore or none"
    return syntax_error(f"the name {name!r} begins with two underscores", index, offsets[0] if offsets else None, hint)


def _rule_in_terminal(index: Index, rule: str, terminal: str) -> SourceSyntaxError:
    name = re.sub(r"\W|NonTerminal", "", rule)
    inside = [at for at in index.uses(name) if index.defining(at) == terminal]
    return syntax_error(
        f"the terminal {terminal!r} uses the rule {name!r}; terminals are regular, and made of terminals only",
        index,
        inside[0] if inside else None,
        f"Write {name} as a terminal (upper case), or {terminal} as a rule (lower case)",
    )


def _recursive_terminal(index: Index, name: str) -> SourceSyntaxError:
    offsets = index.definitions.get(name, [])
    return syntax_error(
        f"the terminal {name!r} contains itself; only rules may recur",
        index,
        offsets[0] if offsets else None,
        f"Make it a rule: {name.lower()}: ...",
    )


def _nothing_to_override(index: Index, verb: str, name: str) -> SourceSyntaxError:
    offsets = index.definitions.get(name, [])
    return syntax_error(
        f"%{verb} {name}: there is no such definition to {verb}",
        index,
        offsets[-1] if offsets else None,
        "Import it first, or define it without %" + verb,
    )


def _empty_terminal(index: Index, literal: str) -> SourceSyntaxError:
    at = index.literal(literal)
    if at is None and literal in index.definitions:
        at = index.definitions[literal][0]
    return syntax_error(
        f"the terminal {literal} is empty", index, at, "To allow nothing, make the place where it is used optional: [x]"
    )


def _bad_range(index: Index, shown_range: str) -> SourceSyntaxError:
    at = next((t.at for t in index.tokens if t.text == "~"), None)
    lo = shown_range.partition("..")[0]
    for i, token in enumerate(index.tokens):
        if token.text == "~" and index.tokens[i + 1].text == lo:
            at = token.at
            break
    return syntax_error(
        f"the range {shown_range} is not possible",
        index,
        at,
        "The first number is at least 0, and not above the second",
    )


def _defined_twice_rules(index: Index, name: str) -> SourceSyntaxError:
    base = name if name in index.definitions else name.strip("_").split("_")[0]
    offsets = index.definitions.get(base, [])
    return syntax_error(
        f"two alternatives of {name!r} are the same once its optional parts are written out",
        index,
        offsets[0] if offsets else None,
        "Leave one of them out; often an optional part stands beside an alternative without it",
    )


def _nothing_imported(index: Index, name: str) -> SourceSyntaxError:
    at = index.definitions.get(name, [None])[0]
    return syntax_error("%import names a grammar, but nothing in it", index, at, f"Write  %import {name}.NAME")


def _template_arguments(index: Index, name: str, expected: str, given: str) -> SourceSyntaxError:
    uses = index.uses(name)
    return syntax_error(
        f"the template {name!r} takes {expected} arguments, not {given}",
        index,
        uses[0] if uses else None,
        f"It is defined with {expected} names in braces",
    )


def _alias_in_terminal(index: Index) -> SourceSyntaxError:
    arrows = (t.at for t in index.tokens if t.text == "->")
    at = next((at for at in arrows if (index.defining(at) or "").isupper()), None)
    return syntax_error("an alias in a terminal", index, at, "Only alternatives of rules have a name behind ->")


def _ignored_undefined(index: Index, name: str) -> SourceSyntaxError:
    offsets = index.uses(name)
    known = [other for other in index.definitions if other.isupper()]
    hint = similar_name(name, known) or f"Define it, or import it: %import common.{name}"
    return syntax_error(f"%ignore names {name!r}, which is not defined", index, offsets[0] if offsets else None, hint)


def _backward_range(index: Index) -> ConstraintError | None:
    """A range of characters that runs backwards."""
    for first, sign, last in zip(index.tokens, index.tokens[1:], index.tokens[2:]):  # noqa: B905
        if sign.text == ".." and first.kind == last.kind == "string" and first.text > last.text:
            message = f"the range {first.text}..{last.text} runs backwards"
            return syntax_error(message, index, first.at, f"Write  {last.text}..{first.text}")
    return None


def _line_break(index: Index) -> SourceSyntaxError:
    at = next((t.at for t in index.tokens if t.kind == "regexp" and "\n" in t.text), None)
    return syntax_error("a regex goes over the end of the line", index, at, "Write \\n, or use the flag x: /.../x")


_ABOUT_NAMES = (
    (r"^Nothing was imported from grammar `([^`]*)`", _nothing_imported),
    (r"^Wrong number of template arguments used for (\S+) \(expected (\d+), got (\d+)\)", _template_arguments),
    (r"^[Tt]erminals \{'([^']*)'.* were marked to ignore but were not defined", _ignored_undefined),
    (r"^Aliasing not allowed in terminals", _alias_in_terminal),
    (r"^You can only use newlines in regular expressions", _line_break),
    (r"^(Rule|Terminal) '([^']*)' used but not defined \(in (\w+) ([^)]*)\)", _undefined),
    (r"^(Template) '([^']*)' used but not defined", _undefined),
    (r"^(Terminal) used but not defined: (\S+)", _undefined),
    (r"^(Rule|Terminal) '([^']*)' defined more than once", _twice),
    (r"double-underscore are reserved \(Error at ([^)]*)\)", _reserved),
    (r"^Rules aren't allowed inside terminals \((.*) in (\w+)\)", _rule_in_terminal),
    (r"^Recursion in terminal '([^']*)'", _recursive_terminal),
    (r"^Cannot (override) a nonexisting \w+ (\w+)", _nothing_to_override),
    (r"^Can't (extend) \w+ (\w+) as it wasn't defined", _nothing_to_override),
    (r"^Empty terminals are not allowed \((.*)\)", _empty_terminal),
    (r"^Terminals cannot be empty \((.*)\)", _empty_terminal),
    (r"^Bad Range .*?\((-?\d+\.\.-?\d+) isn't allowed\)", _bad_range),
    (r"^Rules defined twice: \n  \* <(\S+) :", _defined_twice_rules),
)


def _first_name(index: Index, text: str) -> str | None:
    """The place of the definition that a message of Lark names, if it names one."""
    for name in re.findall(r"[\w]+", text):
        if name in index.definitions:
            return str(index.place(index.definitions[name][0]))
    return None
