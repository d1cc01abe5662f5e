"""Questions about constraints: is there any text, does one hold all texts of another, are two the same?

Receives constraints of any kind; returns an :class:`Answer`, with a shortest text as a witness. ``includes(a, b)``
asks whether ``b - a`` is empty, so it is decided wherever that difference can be compiled: where ``a`` has finitely
many states, and between JSON Schemas with equal options.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from structgen.compile import compile_network, lower
from structgen.errors import UnsatisfiableError
from structgen.frontends.types import as_constraint
from structgen.limits import Limits
from structgen.runtime.explore import byte_vocabulary
from structgen.source.special import unmarked


@dataclass(frozen=True)
class Answer:
    """Yes or no, usable as a bool.

    Attributes:
        holds: the answer.
        witness: a shortest text that shows it where the answer is no; None where it is yes.
    """

    holds: bool
    witness: str | None = None

    def __bool__(self) -> bool:
        return self.holds


def is_empty(constraint: Any, *, limits: Limits | None = None) -> Answer:
    """Does no text satisfy the constraint? If not, the witness is a shortest text that does.

    Raises:
        ConstraintError: the constraint cannot be compiled.
    """
    try:
        grammar = compile_network(lower(constraint, limits), byte_vocabulary(), limits=limits)
    except UnsatisfiableError:
        return Answer(True)
    return Answer(False, unmarked(grammar.witness(grammar.start)).decode())


def includes(a: Any, b: Any, *, limits: Limits | None = None) -> Answer:
    """Does every text of ``b`` satisfy ``a``? If not, the witness is a shortest text of ``b`` that does not.

    Raises:
        UnsupportedError: not decidable, as for ``b - a``.
        ConstraintError: one of the two cannot be compiled.
    """
    return is_empty(as_constraint(b) - as_constraint(a), limits=limits)


def equivalent(a: Any, b: Any, *, limits: Limits | None = None) -> Answer:
    """Have the two the same texts? If not, the witness is a text that satisfies one of them only.

    Raises as :func:`includes` does.
    """
    missing = includes(a, b, limits=limits)
    return includes(b, a, limits=limits) if missing else missing
