"""What stands between brackets: reading and writing items and slices of every kind of value."""

from __future__ import annotations

import ast
import operator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.arrays import check_array_index
from vizcore.autograd.datasets import Dataset
from vizcore.autograd.formatting import Formatting
from vizcore.autograd.machine import kind_of
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    MISSING,
    Silent,
)

_MODULE_LISTS = (nn.Sequential, nn.ModuleList, nn.ParameterList)


class Items(Formatting):
    """The part of the interpreter that reads and writes items."""

    def _evaluate_subscript(self, node: ast.Subscript) -> Any:
        return self._get_item(node, self._evaluate(node.value), self._evaluate(node.slice))

    def _evaluate_slice(self, node: ast.Slice) -> slice:
        parts = (None if part is None else self._evaluate(part) for part in (node.lower, node.upper, node.step))
        return slice(*(int(part) if isinstance(part, np.integer) else part for part in parts))

    def _get_item(self, node: ast.AST, owner: Any, index: Any) -> Any:
        if isinstance(index, np.integer):
            index = int(index)
        if isinstance(owner, (Tensor, *_MODULE_LISTS)):
            if isinstance(owner, _MODULE_LISTS) and not isinstance(index, (int, slice)):
                raise self._fault("value", Message("A module is chosen by a whole number."), node)
            index = self._plain_index(node, index)
            return self._call_torch(
                node, operator.getitem, (owner, index), grows=self._selects_more(node, owner, index)
            )
        if isinstance(owner, dict):
            num = len(owner)
            value = self._call_python(node, lambda: owner[self._key(index, node)])
            if len(owner) > num:  # a defaultdict has made it
                self._check_lists(node, owner, value)
            return value
        if isinstance(owner, nn.ModuleDict):
            name = self._key(index, node)
            return self._call_python(node, lambda: owner[name])
        if isinstance(index, Tensor) and isinstance(owner, (list, tuple, range, str)):
            index = self._call_torch(node, operator.index, (index,))
        if isinstance(owner, (list, tuple, range, str)) and isinstance(index, (int, slice)):
            return self._admit(self._call_python(node, lambda: owner[index]), node)
        if isinstance(owner, np.ndarray):
            self._call_python(node, lambda: check_array_index(owner, index))
            return self._admit(self._call_python(node, lambda: owner[index]), node)
        if isinstance(owner, Dataset) and isinstance(index, int):
            if not -len(owner) <= index < len(owner):
                raise self._raised(node, IndexError("index out of range"))
            return self._call_python(node, lambda: owner.item(index))
        if isinstance(owner, Silent):
            return owner
        found = self._special(node, owner, "__getitem__", index)
        if found is not MISSING:
            return found
        raise self._raised(node, TypeError(f"'{kind_of(owner)}' object is not subscriptable"))

    def _plain_index(self, node: ast.AST, index: Any) -> Any:
        if isinstance(index, np.ndarray):
            return self._call_torch(node, torch.from_numpy, (index,))
        parts = index if isinstance(index, tuple) else (index,)
        for part in parts:
            if isinstance(part, (dict, set)) or kind_of(part) in ("Function", "Word", "Method", "Instance"):
                raise self._raised(
                    node, TypeError(f"only integers, slices, tensors can be an index, not {kind_of(part)}")
                )
        return index

    def _key(self, key: Any, node: ast.AST) -> Any:
        """A key of a dictionary or an element of a set: numbers, texts, tuples of them, and named things."""
        stack, count = [key], 0
        while stack:
            part = stack.pop()
            count += 1
            if isinstance(part, tuple) and count < 64:
                stack.extend(part)
            elif isinstance(part, (list, dict, set, np.ndarray)):
                raise self._raised(node, TypeError(f"unhashable type: '{kind_of(part)}'"))
        if count >= 64:
            raise self._fault("limit", limits.too_long_a_list().reason, node)
        return key

    def _set_item(self, node: ast.AST, owner: Any, index: Any, value: Any) -> None:
        if isinstance(index, np.integer):
            index = int(index)
        if isinstance(owner, Tensor):
            index = self._plain_index(node, index)
            self._check_arguments(node, (value,), {})
            if self._selects_more(node, owner, index):
                with self._limits(node), self._collect_warnings():
                    self._guard.rehearse(operator.getitem, (owner, index), {})
            self._call_torch(node, operator.setitem, (owner, index, value))
            self._recorder.add_result(owner)
        elif isinstance(owner, list) and isinstance(index, int):
            self._call_python(node, lambda: operator.setitem(owner, index, value))
            self._check_lists(node, owner, value)
        elif isinstance(owner, dict):
            self._call_python(node, lambda: operator.setitem(owner, self._key(index, node), value))
            self._check_lists(node, owner, value)
        elif isinstance(owner, np.ndarray):
            self._call_python(node, lambda: check_array_index(owner, index))
            if not isinstance(value, (bool, int, float, np.ndarray, np.generic, list, tuple)):
                raise self._raised(node, TypeError(f"an array cannot hold a {kind_of(value)}"))
            array: Any = owner
            self._call_python(node, lambda: operator.setitem(array, index, value))
        elif isinstance(owner, Silent):
            return
        else:
            text = f"'{kind_of(owner)}' object does not support item assignment"
            raise self._raised(node, TypeError(text))

    def _selects_more(self, node: ast.AST, owner: Any, index: Any) -> bool:
        """Whether an index could select more elements than a tensor may have."""
        if not isinstance(owner, Tensor):
            return False
        with self._limits(node):
            return limits.largest_selection(owner, index) > limits.MAX_ELEMENTS
