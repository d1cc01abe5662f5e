"""Merges rules that derive each other by unit alternatives (``a -> b``, ``b -> a``): they are one language."""

from __future__ import annotations

from structgen.ir.grammar import Cfg, Sentence
from structgen.ir.passes.graph import cycles


def collapse_units(cfg: Cfg) -> Cfg:
    """No rule derives itself by unit alternatives alone (seen without the empty text of other symbols)."""
    graph = {
        name: {a[0] for a in alternatives if len(a) == 1 and isinstance(a[0], str) and a[0] in cfg.rules}
        for name, alternatives in cfg.rules.items()
    }
    leader: dict[str, str] = {}
    for component in cycles(graph):
        first = cfg.start if cfg.start in component else component[0]
        leader.update(dict.fromkeys(component, first))
    if not leader:
        return cfg
    rules: dict[str, list[Sentence]] = {}
    for name, alternatives in cfg.rules.items():
        target = leader.get(name, name)
        merged = rules.setdefault(target, [])
        for alternative in alternatives:
            renamed = tuple(leader.get(s, s) if isinstance(s, str) else s for s in alternative)
            if renamed != (target,):
                merged.append(renamed)
    return cfg.with_rules(rules)
