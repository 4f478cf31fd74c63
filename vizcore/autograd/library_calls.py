"""Functions of Python's libraries: collections, functools, itertools; and options of printing."""

from __future__ import annotations

import ast
import collections
import math
import operator
from collections.abc import Callable
from typing import Any

import torch

from vizcore.autograd import limits
from vizcore.autograd.datasets import random_split
from vizcore.autograd.engine import Engine
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    Field,
    Function,
    Instance,
    Partial,
)
from vizcore.autograd.words import Word


class LibraryCalls(Engine):
    """The part of the interpreter that calls the small faces of Python's libraries."""

    def _set_print_options(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """``torch.set_printoptions``: for this program alone, while it writes a tensor."""
        given = {**dict(zip(("precision", "threshold", "edgeitems", "linewidth"), args, strict=False)), **kwargs}
        self.tensor_options = print_options(given, "torch")

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
        """Everything at once, as a list; no longer than a list may be, with what lies in it."""
        name = word.path.rpartition(".")[2]
        if name == "accumulate":
            return self._accumulate(node, args, kwargs)
        chosen = name in ("combinations", "permutations")
        columns: list[Any] = []
        for value in args[:1] if chosen else args:
            columns.append(self._bounded(value, node))
            self._check_length(node, sum(map(len, columns)))
        kept = {key: value for key, value in kwargs.items() if key in ("repeat", "fillvalue", "r")}
        width = max(len(columns), 1)
        if chosen:
            size = kept.pop("r", args[1] if len(args) > 1 else None)
            if size is not None and not isinstance(size, int):
                raise self._raised(node, TypeError("r must be a whole number"))
            width = len(columns[0]) if size is None and columns else size or 0
            self._check_length(node, width)
            columns.extend(() if size is None else (size,))
        repeat = kept.get("repeat", 1)
        if not isinstance(repeat, int) or not 0 <= repeat <= 16:
            raise self._fault("limit", limits.too_long_a_list().reason, node)
        if name == "product":
            width *= repeat
            self._check_length(node, math.prod(map(len, columns)) ** repeat)
        rows: list[Any] = []
        found = self._call_python(node, lambda: word.function(*columns, **kept))
        for row in found:
            rows.append(row)
            self._check_length(node, len(rows) if name == "chain" else len(rows) * max(width, 1))
        return self._admit(rows, node)

    def _check_length(self, node: ast.AST, num: int) -> None:
        if num > limits.MAX_LIST:
            raise self._fault("limit", limits.too_long_a_list().reason, node)

    def _split_data(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = {**dict(zip(("dataset", "lengths"), args, strict=False)), **kwargs}
        dataset = given.get("dataset")
        if isinstance(dataset, Instance):
            dataset = self._bounded(dataset, node)
        return self._call_python(node, lambda: random_split(dataset, given.get("lengths"), self._guard))

    def _make_data_class(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``dataclass(frozen=True)`` and the like, above a class: the options change nothing here."""
        if args or not all(isinstance(value, bool) for value in kwargs.values()):
            raise self._raised(node, TypeError("dataclass stands above a class here"))
        return word

    def _make_field(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args or not kwargs.keys() <= {"default", "default_factory", "repr", "init", "compare"}:
            raise self._raised(node, TypeError("field() takes default or default_factory here"))
        if "default_factory" in kwargs:
            self._callable(kwargs["default_factory"], node)
            return Field(kwargs["default_factory"])
        return kwargs.get("default")

    def _as_dictionary(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) != 1 or not isinstance(args[0], Instance):
            raise self._raised(node, TypeError("asdict() should be called on dataclass instances"))
        return self._admit(dict(args[0].fields), node)

    def _accumulate(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = {**dict(zip(("iterable", "func"), args, strict=False)), **kwargs}
        function, initial = given.get("func"), given.get("initial")
        totals: list[Any] = [] if initial is None else [initial]
        for value in self._bounded(given.get("iterable"), node):
            self._guard_time(node)
            if not totals:
                totals.append(value)
            elif function is None:
                totals.append(self._operate(node, ast.Add(), operator.add, totals[-1], value))
            else:
                totals.append(self._call_value(node, function, (totals[-1], value), {}))
        return self._admit(totals, node)


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


_LARGEST = {"precision": 16, "threshold": 2_000, "edgeitems": 20, "linewidth": 500}
_SWITCHES = {"torch": "sci_mode", "np": "suppress"}


def print_options(given: dict[str, Any], library: str) -> dict[str, Any]:
    """Whole numbers and switches within what can be printed; anything else is not heeded.

    Args:
        given: by name.
        library: ``torch`` or ``np``.
    """
    kept = {
        word: min(max(given[word], 0 if word == "precision" else 1), largest)
        for word, largest in _LARGEST.items()
        if type(given.get(word)) is int
    }
    switch = _SWITCHES[library]
    return {**kept, switch: given[switch]} if isinstance(given.get(switch), bool) else kept
