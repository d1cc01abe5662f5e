"""Grammars as text: ``name -> alternative | alternative ;``. What is printed can be read back.

Receives a :class:`structgen.ir.grammar.Cfg`, returns text; or the other way round, given the terminals by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from structgen.errors import SourceSyntaxError
from structgen.ir.grammar import Cfg, Sentence, Symbol, check_defined, fresh_name
from structgen.ir.network import Network, Terminal

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOKEN = re.compile(
    r'\s*(?:(?P<terminal>"(?:[^"\\]|\\.)*")|<(?P<quoted>"(?:[^"\\]|\\.)*")>'
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>->|\||;|\(\)))"
)


def terminal_names(cfg: Cfg) -> dict[Terminal, str]:
    """A name for each terminal of the grammar; different terminals of one name get numbers."""
    result: dict[Terminal, str] = {}
    taken: set[str] = set()
    for alternatives in cfg.rules.values():
        for symbol in (s for alternative in alternatives for s in alternative):
            if isinstance(symbol, Terminal) and symbol not in result:
                name = fresh_name(symbol.name, taken)
                taken.add(name)
                result[symbol] = name
    return result


def to_text(cfg: Cfg) -> str:
    """The grammar as text, start rule first: ``name -> alternative | alternative ;``.

    Terminals stand in quotes, by name; ``()`` is the empty alternative; a rule without alternatives has nothing
    after its arrow; names that are not plain words stand in ``<"...">``.
    """
    names = terminal_names(cfg)

    def show(symbol: Symbol) -> str:
        if isinstance(symbol, Terminal):
            return json.dumps(names[symbol])
        return symbol if _PLAIN_NAME.fullmatch(symbol) else f"<{json.dumps(symbol)}>"

    lines = []
    for name in sorted(cfg.rules, key=lambda n: n != cfg.start):
        shown = [" ".join(map(show, a)) if a else "()" for a in cfg.rules[name]]
        lines.append(f"{show(name)} -> " + "\n    | ".join(shown) + " ;")
    return "\n".join(lines) + "\n"


def from_text(text: str, terminals: Mapping[str, Terminal], parts: Mapping[str, Network] | None = None) -> Cfg:
    """Read what :func:`to_text` wrote. The first rule is the start; parts stand in the text by name.

    Raises:
        SourceSyntaxError: the text is not in that notation, or names an unknown terminal or rule.
    """
    rules: dict[str, list[Sentence]] = {}
    position = 0

    def take() -> tuple[str, str]:
        nonlocal position
        found = _TOKEN.match(text, position)
        if found is None:
            line = text.count("\n", 0, position) + 1
            raise SourceSyntaxError("a symbol, an arrow, '|' or ';' is missing", where=f"line {line}")
        position = found.end()
        kind = found.lastgroup
        value = found.group(kind or 0)
        if kind in ("terminal", "quoted"):
            value = json.loads(value)
        return ("name" if kind == "quoted" else str(kind)), value

    while text[position:].strip():
        kind, name = take()
        if kind != "name" or take() != ("sign", "->"):
            raise SourceSyntaxError("a rule begins with its name and an arrow")
        alternatives: list[Sentence] = []
        current: list[Symbol] | None = None
        while True:
            kind, value = take()
            if (kind, value) == ("sign", "->"):
                raise SourceSyntaxError(f"rule {name!r} lacks its final ';'")
            if kind == "sign" and value in ("|", ";"):
                if current is not None:
                    alternatives.append(tuple(current))
                current = []
                if value == ";":
                    break
                continue
            current = [] if current is None else current
            if kind == "terminal":
                if value not in terminals:
                    raise SourceSyntaxError(f"unknown terminal {value!r}")
                current.append(terminals[value])
            elif kind == "name":
                current.append(value)
        rules[name] = alternatives
    if not rules:
        raise SourceSyntaxError("a grammar has at least one rule")
    cfg = Cfg(next(iter(rules)), {}, parts=parts or {}).with_rules(rules)
    check_defined(cfg)
    return cfg
