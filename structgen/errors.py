"""Every error structgen raises on purpose. Imports nothing of ours.

An error says *what* is wrong (``message``), *where* in the user's source (``where``: a JSON pointer
such as ``#/properties/age``, or ``line 3, column 7``, or a file name), and *what to do* (``hint``).
``str(error)`` joins the three; where the message has more lines than one, an excerpt of the source with a caret
under the place, those come last. Two errors are equal when type and fields are.
"""

from __future__ import annotations


class StructgenError(Exception):
    """Base of all errors of this package.

    Attributes:
        message: what is wrong, one sentence; behind it may come lines with an excerpt of the source.
        where: the place in the user's source, or None.
        hint: what to do about it, or None.
        samples: what a sampler had drawn before the error ended its run (``structgen.sampling.Samples``), or None.
    """

    samples: object = None

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.message = message
        self.where = where
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        text, _, excerpt = self.message.partition("\n")
        if self.where is not None:
            text += f" (at {self.where})"
        if self.hint is not None:
            text += f". {self.hint}"
        return f"{text}\n{excerpt.rstrip()}" if excerpt.strip() else text

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((type(self), *self._fields()))

    def _fields(self) -> tuple[str | None, ...]:
        return (self.message, self.where, self.hint)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.where, self.hint), self.__dict__)


def _rebuild(
    kind: type[StructgenError], message: str, where: str | None, hint: str | None
) -> StructgenError:
    return kind(message, where=where, hint=hint)


class ConstraintError(StructgenError):
    """The constraint as written cannot be compiled."""


class SourceSyntaxError(ConstraintError):
    """The source text does not parse: broken JSON, a bad regex, a bad grammar."""


class SchemaError(ConstraintError):
    """A JSON Schema is malformed: a keyword has a value it may not have."""


class ReferenceError(SchemaError):  # noqa: A001  (the field's own word for $ref failures)
    """A ``$ref`` points to nothing that is known."""


class UnsupportedError(ConstraintError):
    """The constraint is well-formed, but structgen cannot honour it exactly, so it is refused."""


class UnsatisfiableError(ConstraintError):
    """No text at all satisfies the constraint."""


class LimitError(ConstraintError):
    """A limit of :class:`structgen.Limits` was reached. The hint says which one and how to raise it."""


class VocabularyError(StructgenError):
    """The vocabulary is malformed, or lacks a byte that the constraint needs."""


class TokenRefusedError(StructgenError):
    """A token or a byte was fed that the constraint does not allow at this point."""


class BudgetError(StructgenError):
    """The constraint cannot be completed within the token budget given."""


class ModelError(StructgenError):
    """A model and a vocabulary do not fit together, a model cannot be loaded or obtained, or it failed when asked."""


class InputError(StructgenError):
    """A file, option or argument cannot be used as given."""


class OutputError(StructgenError):
    """Generated text is in the language, but a validator of the user's type refused the object."""


class PredicateError(StructgenError):
    """A predicate of the user raised, was late, or gave no usable answer.

    Attributes:
        text: the text it was asked about.
    """

    def __init__(
        self, message: str, *, text: object = None, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.text = text
