"""Rewrites rules so that their alternatives begin with symbols that are never empty.

The empty text is moved out of the way instead of being eliminated everywhere: ``a`` becomes ``a+ | ()``, and
``a+`` derives the texts of ``a`` that are not empty. A sequence is not empty if one of its symbols is the first
that is not, so ``x y z`` becomes ``x+ y z | y+ z | z+``: quadratic at worst, and no alternative is doubled for
each subset of its symbols. Only the rules in scope (and the ``+`` rules they need) are touched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from structgen.errors import UnsatisfiableError
from structgen.ir.combine import without_empty
from structgen.ir.grammar import Cfg, Sentence, Symbol, fresh_name, nullable_rules
from structgen.ir.network import Terminal
from structgen.ir.terminals import nonempty, nullable


class Fronts:
    """A grammar in the making, to which ``+`` rules are added when asked for.

    Attributes:
        rules, where, parts: as in :class:`Cfg`; complete after :meth:`finish`.
    """

    def __init__(self, cfg: Cfg) -> None:
        self.rules: dict[str, tuple[Sentence, ...]] = dict(cfg.rules)
        self.where = dict(cfg.where)
        self.parts = dict(cfg.parts)
        self._original = cfg
        self._nullable = nullable_rules(cfg)
        self._plus: dict[str, str] = {}
        self._parts_plus: dict[str, str | None] = {}
        self._unfilled: list[str] = []

    def is_nullable(self, symbol: Symbol) -> bool:
        return nullable(symbol) if isinstance(symbol, Terminal) else symbol in self._nullable

    def plus(self, symbol: Symbol) -> Symbol | None:
        """A symbol for the texts that are not empty; None if a terminal has no others."""
        if isinstance(symbol, Terminal):
            return nonempty(symbol)
        if symbol not in self._nullable:
            return symbol
        if symbol in self.parts:
            return self._part(symbol)
        if symbol not in self._plus and (inner := self._split_before(symbol)) is not None:
            return inner
        if symbol not in self._plus:
            name = self._plus[symbol] = self.fresh(f"{symbol}+", like=symbol)
            self.rules[name] = ()
            self._unfilled.append(symbol)
        return self._plus[symbol]

    def _part(self, name: str) -> str | None:
        """The part without its empty text."""
        if name not in self._parts_plus:
            try:
                rest = without_empty(self.parts[name])
            except UnsatisfiableError:
                self._parts_plus[name] = None
            else:
                fresh = fresh_name(f"{name}+", {**self.rules, **self.parts})
                self.parts[fresh] = rest
                self._parts_plus[name] = fresh
        return self._parts_plus[name]

    def _split_before(self, name: str) -> str | None:
        """The ``+`` rule of a rule that has been split already."""
        alternatives = [a for a in self._original.rules[name] if a]
        if len(alternatives) == 1 and len(alternatives[0]) == 1:
            symbol = alternatives[0][0]
            if isinstance(symbol, str) and symbol not in self._nullable:
                return symbol
        return None

    def fresh(self, hint: str, like: str) -> str:
        """A new name for a rule that stems from the same place as ``like``."""
        name = fresh_name(hint, {**self.rules, **self.parts})
        if like in self.where:
            self.where[name] = self.where[like]
        return name

    def split(self, sentence: Sentence) -> Iterator[Sentence]:
        """Sequences that begin with a symbol never empty; together: the texts of ``sentence``, without ()."""
        for i, symbol in enumerate(sentence):
            front = self.plus(symbol)
            if front is not None:
                yield (front, *sentence[i + 1 :])
            if not self.is_nullable(symbol):
                return

    def split_rule(self, name: str) -> None:
        """Split the alternatives of a rule; one that may be empty becomes ``name+ | ()``."""
        if name in self._nullable:
            plus = self.plus(name)
            assert isinstance(plus, str)
            self.rules[name] = ((plus,), ())
        else:
            self.rules[name] = self._split_all(name)

    def finish(self) -> Cfg:
        """Fill in the ``+`` rules asked for. The grammar may hold rules without texts, or not reached."""
        while self._unfilled:
            name = self._unfilled.pop()
            self.rules[self._plus[name]] = self._split_all(name)
        return Cfg(self._original.start, dict(self.rules), dict(self.where), dict(self.parts))

    def _split_all(self, name: str) -> tuple[Sentence, ...]:
        found = (part for alternative in self._original.rules[name] for part in self.split(alternative))
        return tuple(dict.fromkeys(found))


def nonempty_fronts(cfg: Cfg, scope: Collection[str] | None = None) -> Cfg:
    """Split the alternatives of the rules in ``scope`` (default: all), as the module says."""
    fronts = Fronts(cfg)
    for name in cfg.rules if scope is None else scope:
        fronts.split_rule(name)
    return fronts.finish()
