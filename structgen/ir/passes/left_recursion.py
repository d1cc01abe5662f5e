"""Removes left recursion, direct, indirect and hidden, by the left-corner transform.

Only the rules that take part in left recursion are rewritten; all others stay as they are, so that their last
symbols stay tail calls. For a set of rules that derive each other at the left, ``a/x`` derives what may follow a
text of ``x`` with which a text of ``a`` began::

    a    -> y rest a/b         for each  b -> y rest   where y is outside of the set
    a/x  -> rest a/b           for each  b -> x rest   where x is inside
    a/a  -> ()

Where ``rest`` can be empty, ``a/x`` would derive ``a/b`` at its left; those steps are followed beforehand, and
only what is not empty of ``rest`` is kept.
"""

from __future__ import annotations

from structgen.ir.grammar import Cfg, Sentence, nullable_rules
from structgen.ir.network import Terminal
from structgen.ir.passes.graph import cycles
from structgen.ir.passes.nonempty import Fronts, nonempty_fronts
from structgen.ir.passes.trim import trim
from structgen.ir.terminals import nullable


def left_recursive(cfg: Cfg) -> list[list[str]]:
    """The sets of rules that derive each other (or themselves) at the left, empty symbols passed over."""
    empty = nullable_rules(cfg)
    graph: dict[str, set[str]] = {}
    for name, alternatives in cfg.rules.items():
        graph[name] = set()
        for alternative in alternatives:
            for symbol in alternative:
                if isinstance(symbol, str):
                    if symbol in cfg.rules:
                        graph[name].add(symbol)
                    if symbol not in empty:
                        break
                elif not nullable(symbol):
                    break
    return cycles(graph)


def remove_left_recursion(cfg: Cfg) -> Cfg:
    """An equivalent grammar in which no rule derives itself at the left."""
    hidden = left_recursive(cfg)
    if not hidden:
        return cfg
    cfg = trim(nonempty_fronts(cfg, [name for component in hidden for name in component]))
    fronts = Fronts(cfg)
    for component in left_recursive(cfg):
        _transform(cfg, fronts, component)
    return trim(fronts.finish())


def _transform(cfg: Cfg, fronts: Fronts, component: list[str]) -> None:
    def empty(rest: Sentence) -> bool:
        return all(map(fronts.is_nullable, rest))

    inside = set(component)
    outer: list[tuple[str, Sentence]] = []  # b and "y rest"
    inner: dict[str, list[tuple[str, Sentence]]] = {x: [] for x in component}  # for each x: b and rest
    for b in component:
        for alternative in cfg.rules[b]:
            front = alternative[0]
            if isinstance(front, Terminal) or front not in inside:
                outer.append((b, alternative))
            else:
                inner[front].append((b, alternative[1:]))
    silent = {x: {b for b, rest in steps if empty(rest)} for x, steps in inner.items()}
    reach = {x: _closure(x, silent) for x in component}
    fronts.rules.update(dict.fromkeys(component, ()))
    for a in _entries(cfg, inside):
        slash: dict[str, str] = {}
        for x in component:
            slash[x] = fronts.fresh(f"{a}/{x}", like=a)
            fronts.rules[slash[x]] = ()
        fronts.rules[a] = tuple((*alternative, slash[b]) for b, alternative in outer)
        for x in component:
            alternatives: list[Sentence] = [
                (*part, slash[b])
                for y in component
                if y in reach[x]
                for b, rest in inner[y]
                for part in (fronts.split(rest) if empty(rest) else [rest])
            ]
            if a in reach[x]:
                alternatives.append(())
            fronts.rules[slash[x]] = tuple(dict.fromkeys(alternatives))


def _closure(x: str, silent: dict[str, set[str]]) -> set[str]:
    """What ``x`` is a text of, itself included, when nothing follows."""
    found, todo = {x}, [x]
    while todo:
        for b in silent[todo.pop()]:
            if b not in found:
                found.add(b)
                todo.append(b)
    return found


def _entries(cfg: Cfg, inside: set[str]) -> list[str]:
    """The rules of the set that are used otherwise than at the left of each other, in the grammar's order."""
    used = {cfg.start}
    for name, alternatives in cfg.rules.items():
        for alternative in alternatives:
            used.update(s for s in alternative[name in inside :] if isinstance(s, str))
    return [name for name in cfg.rules if name in inside and name in used]
