"""Language-preserving rewrites of context-free grammars, one a file.

Receives a :class:`structgen.ir.grammar.Cfg` as a front end built it; returns one without useless rules, unit
cycles and left recursion. ``prepare(cfg, trace)`` shows the grammar after each pass.
"""

from __future__ import annotations

from collections.abc import Callable

from structgen.errors import UnsatisfiableError
from structgen.ir.grammar import Cfg
from structgen.ir.passes.left_recursion import left_recursive, remove_left_recursion
from structgen.ir.passes.nonempty import nonempty_fronts
from structgen.ir.passes.trim import trim
from structgen.ir.passes.units import collapse_units

__all__ = [
    "PASSES",
    "collapse_units",
    "left_recursive",
    "nonempty_fronts",
    "prepare",
    "remove_left_recursion",
    "trim",
]

Pass = Callable[[Cfg], Cfg]

#: What ``prepare`` runs, in order. (Removing left recursion calls ``nonempty_fronts`` where it needs it.)
PASSES: tuple[tuple[str, Pass], ...] = (
    ("trim", trim),
    ("collapse_units", collapse_units),
    ("remove_left_recursion", remove_left_recursion),
    ("trim", trim),
)


def prepare(cfg: Cfg, trace: Callable[[str, Cfg], None] | None = None) -> Cfg:
    """Run all passes. ``trace`` is called with the name of each pass and the grammar after it.

    Raises:
        UnsatisfiableError: the start rule has no text.
    """
    for name, run in PASSES:
        cfg = run(cfg)
        if trace is not None:
            trace(name, cfg)
        if not cfg.rules[cfg.start]:
            raise UnsatisfiableError(
                f"rule {cfg.start!r} has no text: each of its alternatives needs a rule that never ends",
                where=cfg.where.get(cfg.start),
                hint="Give the rules that only call themselves an alternative that does not",
            )
    return cfg
