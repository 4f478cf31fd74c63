"""Python's operators, and what their results may weigh."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

from torch import Tensor

from vizcore.autograd import limits
from vizcore.autograd.limits import LimitError

BINARY: MappingProxyType[type[ast.operator], Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.FloorDiv: operator.floordiv,
        ast.Mod: operator.mod,
        ast.Pow: operator.pow,
        ast.MatMult: operator.matmul,
        ast.BitAnd: operator.and_,
        ast.BitOr: operator.or_,
        ast.BitXor: operator.xor,
        ast.LShift: operator.lshift,
        ast.RShift: operator.rshift,
    }
)
IN_PLACE: MappingProxyType[type[ast.operator], Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ast.Add: operator.iadd,
        ast.Sub: operator.isub,
        ast.Mult: operator.imul,
        ast.Div: operator.itruediv,
        ast.FloorDiv: operator.ifloordiv,
        ast.Mod: operator.imod,
        ast.Pow: operator.ipow,
        ast.MatMult: operator.imatmul,
        ast.BitAnd: operator.iand,
        ast.BitOr: operator.ior,
        ast.BitXor: operator.ixor,
        ast.LShift: operator.ilshift,
        ast.RShift: operator.irshift,
    }
)
UNARY: MappingProxyType[type[ast.unaryop], Callable[[Any], Any]] = MappingProxyType(
    {ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert, ast.Not: operator.not_}
)
COMPARE: MappingProxyType[type[ast.cmpop], Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
        ast.Lt: operator.lt,
        ast.LtE: operator.le,
        ast.Gt: operator.gt,
        ast.GtE: operator.ge,
        ast.Is: operator.is_,
        ast.IsNot: operator.is_not,
        ast.In: lambda element, container: is_in(element, container),
        ast.NotIn: lambda element, container: not is_in(element, container),
    }
)
SPECIAL: MappingProxyType[type[ast.AST], tuple[str, str]] = MappingProxyType(
    {
        ast.Add: ("__add__", "__radd__"),
        ast.Sub: ("__sub__", "__rsub__"),
        ast.Mult: ("__mul__", "__rmul__"),
        ast.Div: ("__truediv__", "__rtruediv__"),
        ast.FloorDiv: ("__floordiv__", "__rfloordiv__"),
        ast.Mod: ("__mod__", "__rmod__"),
        ast.Pow: ("__pow__", "__rpow__"),
        ast.MatMult: ("__matmul__", "__rmatmul__"),
        ast.Eq: ("__eq__", "__eq__"),
        ast.NotEq: ("__ne__", "__ne__"),
        ast.Lt: ("__lt__", "__gt__"),
        ast.LtE: ("__le__", "__ge__"),
        ast.Gt: ("__gt__", "__lt__"),
        ast.GtE: ("__ge__", "__le__"),
    }
)
"""The methods by which a class of the learner's takes an operator, from the left and from the right."""

SPECIAL_METHODS = (
    frozenset(word for pair in SPECIAL.values() for word in pair)
    | frozenset(
        ["__init__", "__call__", "__len__", "__getitem__", "__repr__", "__str__", "__neg__", "__bool__", "__abs__"]
    )
    | frozenset(["__enter__", "__exit__"])
)
"""The methods with underscores that a class may define; of all other such names none exists."""

SILENT = frozenset(
    [
        "add",
        "sub",
        "mul",
        "truediv",
        "pow",
        "matmul",
        "neg",
        "iadd",
        "isub",
        "imul",
        "itruediv",
        "lt",
        "le",
        "gt",
        "ge",
        "eq",
        "ne",
        "item",
        "getitem",
    ]
)
"""Arithmetic does not warn, and collecting warnings costs time."""


def plain_count(value: Any) -> Any:
    """The number in a tensor that holds one whole number; everything else as it is."""
    is_count = isinstance(value, Tensor) and value.numel() == 1 and not value.is_floating_point()
    return value.item() if is_count else value


def round_number(number: Any, ndigits: Any = None) -> Any:
    """Python's own, without working out ten to a power that is larger than any number here."""
    if isinstance(number, int) and isinstance(ndigits, int) and ndigits < -limits.MAX_BITS:
        return 0
    return round(number) if ndigits is None else round(number, ndigits)


def is_in(element: Any, container: Any) -> bool:
    """Python's own, without walking through a range to find a number that is not whole."""
    if not isinstance(container, range) or type(element) in (int, bool):
        return element in container
    if isinstance(element, Tensor) and element.numel() == 1:
        element = element.item()
    if isinstance(element, float):
        return element.is_integer() and int(element) in container
    return element in container if type(element) in (int, bool) else False


def unpack(values: Iterator[Any], num_targets: int) -> list[Any]:
    """The parts of a tuple assignment, with Python's own words where the count is wrong."""
    parts = [part for part, _ in zip(values, range(num_targets + 1), strict=False)]
    if len(parts) > num_targets:
        raise ValueError(f"too many values to unpack (expected {num_targets})")
    if len(parts) < num_targets:
        raise ValueError(f"not enough values to unpack (expected {num_targets}, got {len(parts)})")
    return parts


def check_plain_operands(kind: ast.operator, left: Any, right: Any) -> None:
    """Works out how large a result of plain Python would be, before it exists."""
    texts = [isinstance(value, str) for value in (left, right)]
    if all(texts) and isinstance(kind, ast.Add):
        check_text_length(len(left) + len(right))
    elif any(texts):
        text, count = (left, right) if texts[0] else (right, left)
        if not isinstance(kind, ast.Mult):
            raise LimitError("Texts can only be joined with + here.")
        if isinstance(count, int):
            check_text_length(len(text) * max(count, 0))
    for values, count in ((left, right), (right, left)):
        if isinstance(values, (list, tuple)):
            size = len(values) * (count if isinstance(count, int) else 1)
            size += len(count) if isinstance(count, (list, tuple)) else 0
            size += limits.range_length(count) if isinstance(count, range) else 0
            if size > limits.MAX_LIST:
                raise limits.too_long_a_list()
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length()
        grows = isinstance(kind, ast.Pow) and abs(left) > 1 and right > 0 and (bits - 1) * right > limits.MAX_BITS
        if grows or (isinstance(kind, (ast.LShift,)) and right > limits.MAX_BITS):
            raise LimitError("A whole number may have at most {limit} bits.", limit=limits.MAX_BITS)


def check_text_length(length: int) -> None:
    """Raises LimitError for a text that would be too long."""
    if length > limits.MAX_STRING:
        raise LimitError("A text may have at most {limit} characters.", limit=limits.MAX_STRING)


def parts_of(value: Any) -> Any:
    """What a list, tuple, set or dictionary holds, keys among it; None for anything else."""
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, (list, tuple, set)) else None


def check_list(value: Any) -> None:
    """Raises LimitError if a list, with everything inside it, is too long or too deep."""
    count = 0
    stack: list[tuple[Any, int]] = [(value, 1)]
    while stack:
        current, depth = stack.pop()
        inner = parts_of(current)
        count += len(inner)
        if count > limits.MAX_LIST:
            raise limits.too_long_a_list()
        if depth > limits.MAX_LIST_DEPTH:
            raise LimitError("Lists may be nested at most {limit} deep.", limit=limits.MAX_LIST_DEPTH)
        stack.extend((element, depth + 1) for element in inner if isinstance(element, (list, tuple, set, dict)))
