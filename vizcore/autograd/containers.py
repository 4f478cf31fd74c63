"""Methods of texts, lists, tuples, dictionaries and sets: which there are, and what they may weigh."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from vizcore.autograd import limits
from vizcore.autograd.limits import LimitError
from vizcore.autograd.operations import check_text_length

TEXT_METHODS = frozenset(
    [
        "format",
        "join",
        "split",
        "strip",
        "lstrip",
        "rstrip",
        "upper",
        "lower",
        "title",
        "capitalize",
        "replace",
        "startswith",
        "endswith",
        "center",
        "ljust",
        "rjust",
        "zfill",
        "count",
        "find",
        "index",
        "isdigit",
        "splitlines",
    ]
)
LIST_METHODS = frozenset(
    ["append", "extend", "insert", "pop", "remove", "reverse", "index", "count", "clear", "copy", "sort"]
)
TUPLE_METHODS = frozenset(["index", "count"])
DICT_METHODS = frozenset(["items", "keys", "values", "get", "update", "pop", "setdefault", "copy", "clear"])
SET_METHODS = frozenset(["add", "remove", "discard", "update", "union", "intersection", "difference", "copy", "clear"])

METHODS: Mapping[type, frozenset[str]] = MappingProxyType(
    {str: TEXT_METHODS, list: LIST_METHODS, tuple: TUPLE_METHODS, dict: DICT_METHODS, set: SET_METHODS}
)

CHANGING = frozenset(["append", "extend", "insert", "update", "setdefault", "add"])
"""Methods by which a list can grow."""


def methods_of(value: Any) -> frozenset[str] | None:
    """The methods that a value of plain Python has here, None if it is something else."""
    for kind, words in METHODS.items():
        if isinstance(value, kind):
            return words
    return None


def check_method(owner: Any, name: str, args: tuple[Any, ...]) -> None:
    """Raises LimitError for a call whose result would be too long, before it exists."""
    if isinstance(owner, str):
        _check_text_method(owner, name, args)
    elif name == "extend" and args:
        values = args[0]
        num = (
            limits.range_length(values)
            if isinstance(values, range)
            else len(values)
            if hasattr(values, "__len__")
            else 0
        )
        if len(owner) + num > limits.MAX_LIST:
            raise limits.too_long_a_list()


def _check_text_method(text: str, name: str, args: tuple[Any, ...]) -> None:
    if name in ("center", "ljust", "rjust", "zfill"):
        if args and isinstance(args[0], int):
            check_text_length(args[0])
    elif name == "replace" and len(args) >= 2 and all(isinstance(value, str) for value in args[:2]):
        check_text_length(len(text) + (len(text) + 1) * len(args[1]))
    elif name == "join" and args and isinstance(args[0], (list, tuple)):
        parts = args[0]
        check_text_length(len(text) * len(parts) + sum(len(part) for part in parts if isinstance(part, str)))
    elif name == "split" and len(text) > limits.MAX_STRING:
        raise LimitError("A text may have at most {limit} characters.", limit=limits.MAX_STRING)
