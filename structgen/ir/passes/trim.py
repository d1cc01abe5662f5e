"""Removes rules that derive no text, and rules that the start does not reach."""

from __future__ import annotations

from structgen.ir.grammar import Cfg, least_costs


def trim(cfg: Cfg) -> Cfg:
    """Every rule left, and every alternative, has a text and takes part in some text of the start.

    If the start itself has no text, the start rule is left, without alternatives.
    """
    productive = least_costs(cfg)
    alive = {
        name: tuple(a for a in alternatives if all(not isinstance(s, str) or s in productive for s in a))
        for name, alternatives in cfg.rules.items()
    }
    reached, todo = {cfg.start}, [cfg.start]
    while todo:
        for symbol in (s for alternative in alive[todo.pop()] for s in alternative):
            if isinstance(symbol, str) and symbol not in reached and symbol in alive:
                reached.add(symbol)
                todo.append(symbol)
    return cfg.with_rules({name: alternatives for name, alternatives in alive.items() if name in reached})
