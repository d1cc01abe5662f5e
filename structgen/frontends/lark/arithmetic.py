"""What stands in the braces and behind the ``%if`` of a rule with numbers: whole numbers, as Python computes them.

Receives the text of an expression and where it stands; returns it ready to be evaluated.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from structgen.frontends.lark.errors import syntax_error
from structgen.frontends.lark.scan import Index

#: Greater numbers are refused.
LARGEST = 1 << 64

_BINARY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], Callable[[int], int]] = {
    ast.UAdd: operator.pos, ast.USub: operator.neg, ast.Invert: operator.invert, ast.Not: operator.not_,
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., int]] = {"min": min, "max": max, "bit_count": lambda n: bin(n).count("1")}


class Expression:
    """An expression over numbers.

    Args:
        text: as written.
        at: its offset in the user's text, which ``index`` knows.
        names: the numbers it may use.

    Raises:
        SourceSyntaxError: it is none, or uses something else.
    """

    def __init__(self, text: str, at: int, index: Index, names: Collection[str]) -> None:
        self._at = at
        self._index = index
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError):
            raise self._error(f"{text.strip() or 'nothing'!r} is no expression over whole numbers") from None
        for node in ast.walk(self._tree):
            self._check(node, names)

    def value(self, numbers: Mapping[str, int]) -> int:
        """Its value; of a condition 0 or 1 where Python has False or True.

        Raises:
            SourceSyntaxError: a number on the way is too large.
        """
        return self._value(self._tree, numbers)

    def _value(self, node: Any, numbers: Mapping[str, int]) -> int:
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, int)
            return node.value
        if isinstance(node, ast.Name):
            return numbers[node.id]
        if isinstance(node, ast.BoolOp):
            stop = isinstance(node.op, ast.Or)
            result = 0
            for part in node.values:
                result = self._value(part, numbers)
                if bool(result) == stop:
                    break
            return result
        if isinstance(node, ast.Compare):
            left = self._value(node.left, numbers)
            for sign, part in zip(node.ops, node.comparators, strict=True):
                right = self._value(part, numbers)
                if not _COMPARE[type(sign)](left, right):
                    return 0
                left = right
            return 1
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            return _FUNCTIONS[node.func.id](*(self._value(part, numbers) for part in node.args))
        if isinstance(node, ast.UnaryOp):
            return int(_UNARY[type(node.op)](self._value(node.operand, numbers)))
        left, right = self._value(node.left, numbers), self._value(node.right, numbers)
        if isinstance(node.op, (ast.LShift, ast.RShift)) and not 0 <= right <= 64:
            raise self._error(f"numbers are shifted by 0 to 64 bits, not by {right}")
        result = _BINARY[type(node.op)](left, right)
        if abs(result) > LARGEST:
            raise self._error(f"the number {result} is too large")
        return result

    def _check(self, node: ast.AST, names: Collection[str]) -> None:
        if isinstance(node, ast.Name):
            if node.id not in names and node.id not in _FUNCTIONS:
                known = ", ".join(names) or "no numbers here"
                raise self._error(f"{node.id!r} is no number of this rule (there is: {known})")
            return
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            fits = len(node.args) == 1 if name == "bit_count" else len(node.args) > 1
            if name in _FUNCTIONS and fits and not node.keywords:
                return
        elif isinstance(node, ast.Constant):
            if type(node.value) is int and node.value <= LARGEST:
                return
        elif isinstance(node, (ast.BinOp, ast.UnaryOp)):
            if type(node.op) in _BINARY or type(node.op) in _UNARY:
                return
        elif isinstance(node, ast.Compare):
            if all(type(sign) in _COMPARE for sign in node.ops):
                return
        elif isinstance(node, (ast.BoolOp, ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.expr_context)):
            return
        raise self._error("this cannot stand in an expression over whole numbers")

    def _error(self, message: str) -> Exception:
        hint = "Expressions have + - * & | ^ << >> ~, comparisons, and, or, not, min, max, bit_count, brackets"
        return syntax_error(message, self._index, self._at, hint)
