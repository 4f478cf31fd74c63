"""Functions of Python's libraries: collections, functools, itertools; and options of printing."""

from __future__ import annotations

import ast
import collections
import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import torch

from vizcore.autograd import limits
from vizcore.autograd.engine import Engine
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    Function,
    Partial,
)
from vizcore.autograd.words import Word


class LibraryCalls(Engine):
    """The part of the interpreter that calls the small faces of Python's libraries."""

    def _set_print_options(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """``torch.set_printoptions``: for this program alone, while it writes a tensor."""
        given = {**dict(zip(("precision", "threshold", "edgeitems", "linewidth"), args, strict=False)), **kwargs}
        self.tensor_options = print_options(given)

    def _set_default_dtype(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if args != (torch.float32,):
            message = "Write dtype=torch.float64 where the tensor is made; the default stays torch.float32 here."
            raise self._fault("unsupported", Message(message), node)

    def _make_default_dict(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) > 1 or kwargs:
            raise self._raised(node, TypeError("defaultdict takes one function here"))
        if not args or args[0] is None:
            return collections.defaultdict()
        call = self._callable(args[0], node)
        return collections.defaultdict(_Factory(call, self._text(args[0], quoted=True, node=node)))

    def _make_partial(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not args:
            raise self._raised(node, TypeError("type 'partial' takes at least one argument"))
        self._callable(args[0], node)
        return Partial(args[0], args[1:], kwargs)

    def _wrap(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``functools.wraps(f)``: the function below it takes the name of ``f``."""
        if len(args) != 1:
            raise self._raised(node, TypeError("wraps() takes one function"))
        return Partial(Word("functools.renamed", dict), args, {})

    def _rename(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        wrapped, function = args
        if isinstance(wrapped, Function) and isinstance(function, Function):
            function.name = wrapped.name
        return function

    def _reduce(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) not in (2, 3):
            raise self._raised(node, TypeError("reduce() takes a function, values, and perhaps a first one"))
        values = [*args[2:], *self._bounded(args[1], node)]
        if not values:
            raise self._raised(node, TypeError("reduce() of empty iterable with no initial value"))
        total = values[0]
        for value in values[1:]:
            self._guard_time(node)
            total = self._call_value(node, args[0], (total, value), {})
        return total

    def _call_itertools(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Everything at once, as a list; no longer than a list may be."""
        name = word.path.rpartition(".")[2]
        numbers = name in ("combinations", "permutations")
        columns: list[Any] = [self._bounded(value, node) for value in (args[:1] if numbers else args)]
        if name == "accumulate":
            totals: list[Any] = []
            for value in columns[0] if columns else []:
                total = value if not totals else self._operate(node, ast.Add(), operator.add, totals[-1], value)
                totals.append(total)
            return self._admit(totals, node)
        if numbers:
            columns.extend(args[1:])
        kept = {key: value for key, value in kwargs.items() if key in ("repeat", "fillvalue")}
        if not isinstance(kept.get("repeat", 1), int) or not 0 <= kept.get("repeat", 1) <= 16:
            raise self._fault("limit", limits.too_long_a_list().reason, node)
        if name == "product" and math.prod(map(len, columns)) ** kept.get("repeat", 1) > limits.MAX_LIST:
            raise self._fault("limit", limits.too_long_a_list().reason, node)
        take = itertools.islice
        rows = self._call_python(node, lambda: list(take(word.function(*columns, **kept), limits.MAX_LIST + 1)))
        return self._admit(rows, node)


class _Factory:
    """What a ``defaultdict`` makes its values with.

    Attributes:
        text: how the dictionary names it.
    """

    def __init__(self, call: Callable[..., Any], text: str) -> None:
        """Keeps the function."""
        self._call = call
        self.text = text

    def __call__(self) -> Any:
        """Makes a value."""
        return self._call()


_PRINT_OPTIONS = frozenset(["precision", "threshold", "edgeitems", "linewidth", "sci_mode", "suppress"])


def print_options(given: dict[str, Any]) -> dict[str, Any]:
    """Whole numbers and switches within what can be printed; anything else is not heeded."""
    return {
        word: min(max(value, 1 if word != "precision" else 0), 2_000 if word != "precision" else 16)
        if type(value) is int
        else value
        for word, value in given.items()
        if word in _PRINT_OPTIONS and isinstance(value, (bool, int))
    }
