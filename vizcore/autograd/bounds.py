"""What may come into a program: kinds of values, their sizes, what is gone through."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.datasets import DataLoader, Dataset
from vizcore.autograd.explanations import explain
from vizcore.autograd.faults import FaultError
from vizcore.autograd.limits import LimitError
from vizcore.autograd.machine import Machine, kind_of
from vizcore.autograd.operations import check_list, check_text_length
from vizcore.autograd.optimizers import Optimizer
from vizcore.autograd.schedulers import Scheduler
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    MISSING,
    NO_VALUE,
    Cursor,
    Device,
    Instance,
    Progress,
    Scope,
)
from vizcore.autograd.words import Namespace, Word

_ADMITTED = (
    bool,
    float,
    torch.dtype,
    torch.Size,
    range,
    slice,
    Word,
    Namespace,
    type(None),
    type(Ellipsis),
    Optimizer,
    Scheduler,
    DataLoader,
    Dataset,
    *NO_VALUE,
)
_NEVER_REFUSED = frozenset([Tensor, nn.Parameter, float])
_NO_ARGUMENT = (Word, Namespace, Optimizer, Scheduler, *(kind for kind in NO_VALUE if kind is not Device))


class Bounds(Machine):
    """The part of the interpreter that lets values in."""

    def _admit(self, value: Any, node: ast.AST) -> Any:
        """Lets a value into the program if it is of a known kind and within the bounds."""
        if isinstance(value, Tensor):
            if value.numel() > limits.MAX_ELEMENTS or value.dim() > 4 or not value.numel():
                with self._limits(node):
                    limits.check_elements(value.shape)
            if not value.is_cpu:
                self._check_device(node, value)
            return value
        if isinstance(value, _ADMITTED) or type(value).__module__ == "torch.return_types":
            return value
        with self._limits(node):
            if isinstance(value, int):
                if value.bit_length() > limits.MAX_BITS:
                    raise LimitError("A whole number may have at most {limit} bits.", limit=limits.MAX_BITS)
            elif isinstance(value, str):
                check_text_length(len(value))
            elif isinstance(value, (list, tuple, dict, set)):
                check_list(value)
                self._mark_inner(value)
            elif isinstance(value, nn.Module):
                limits.check_modules(value)
                self._check_device(node, *value.parameters(), *value.buffers())
            elif isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biuf":
                limits.check_elements(value.shape)
            else:
                construct = "complex" if isinstance(value, complex) else kind_of(value)
                raise self._unsupported(construct, node)
        return value

    def _unsupported(self, construct: str, node: ast.AST) -> FaultError:
        return self._fault(
            "unsupported",
            Message("{construct} is not part of the lab's Python.", {"construct": construct}),
            node,
        )

    def _check_device(self, node: ast.AST, *tensors: Tensor) -> None:
        if any(tensor.device.type != "cpu" for tensor in tensors):
            raise self._fault("unsupported", Message("There is only one device here, the processor."), node)

    def _mark_inner(self, value: Any) -> None:
        """Notes the lists that lie in others: when they grow, the others grow too."""
        for element in value.values() if isinstance(value, dict) else value:
            if isinstance(element, (list, tuple, dict, set)):
                self._inner_lists.add(id(element))

    def _check_lists(self, node: ast.AST, changed: Any, added: Any = MISSING) -> None:
        """After a list was changed in place: every list that holds it has changed too."""
        with self._limits(node):
            if len(changed) > limits.MAX_LIST:
                raise limits.too_long_a_list()
        is_plain = added is not MISSING and not isinstance(added, (list, tuple, dict, set))
        if is_plain and id(changed) not in self._inner_lists:
            return
        if not is_plain:
            self._mark_inner(changed)
        for value in self._containers():
            self._guard_time(node)
            with self._limits(node):
                check_list(value)

    def _containers(self) -> Iterator[Any]:
        for scope in (self.scope, *self.frames, Scope(self.variables)):
            for value in scope.variables.values():
                if isinstance(value, (list, tuple, dict, set)):
                    yield value
                elif isinstance(value, Instance):
                    yield value.fields

    def _check_arguments(
        self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any], *, small: bool = False
    ) -> None:
        """Lets only plain values through to torch, and where they are sizes only small ones."""
        if not kwargs and all(type(value) in _NEVER_REFUSED for value in args):
            return
        for value in (*args, *kwargs.values()):
            if isinstance(value, (list, tuple, range)):
                with self._limits(node):
                    limits.count_leaves(value)
        stack: list[Any] = [*args, *kwargs.values()]
        while stack:
            value = stack.pop()
            if isinstance(value, (list, tuple)):
                stack.extend(value)
            elif isinstance(value, range):
                stack.extend(self._bounded(value, node))
            elif isinstance(value, (set, dict, _NO_ARGUMENT)):
                raise self._fault(
                    "unsupported",
                    Message("{value} cannot be an argument here.", {"value": self._name_of(value)}),
                    node,
                    cause=TypeError(f"unexpected {kind_of(value)}"),
                )
            elif small and isinstance(value, int) and abs(value) > limits.MAX_OPTION:
                raise self._fault(
                    "limit",
                    Message(
                        "A size may be at most {limit}; this one is {num}.",
                        {"limit": f"{limits.MAX_OPTION:,}", "num": f"{value:,}"},
                    ),
                    node,
                )

    @staticmethod
    def _name_of(value: Any) -> str:
        """A value that is no number, as it was written."""
        for attribute in ("path", "name"):
            word = getattr(value, attribute, None) if isinstance(value, (Word, Namespace, *NO_VALUE)) else None
            if isinstance(word, str):
                return word
        return kind_of(value)

    def _iterate(self, value: Any, node: ast.AST) -> Iterator[Any]:
        while isinstance(value, Progress):
            value = value.values
        if isinstance(value, Tensor):
            value = self._call_torch(node, list, (value,))
        if isinstance(value, np.ndarray):
            value = self._call_python(node, lambda: list(value)) if value.ndim else value
        if isinstance(value, (list, tuple, set, dict, nn.Sequential, nn.ModuleList, nn.ParameterList, nn.ModuleDict)):
            return iter(list(value))
        if isinstance(value, (str, range)):
            return iter(value)
        if isinstance(value, DataLoader):
            return iter(self._batches(value, node))
        if isinstance(value, Dataset):
            with self._limits(node):
                value.check_pass()
            return iter([value.item(index) for index in range(len(value))])
        if isinstance(value, Cursor):
            rest, value.place = value.values[value.place :], len(value.values)
            return iter(rest)
        if isinstance(value, Instance):
            length = self._special(node, value, "__len__")
            if length is not MISSING and isinstance(length, int) and 0 <= length <= limits.MAX_LIST:
                return iter(self._items_of(value, length, node))
        text = f"'{kind_of(value)}' object is not iterable"
        raise self._fault(
            "value", Message("{text}", {"text": text}), node, explanation=explain(text), cause=TypeError(text)
        )

    def _items_of(self, owner: Instance, length: int, node: ast.AST) -> list[Any]:
        """Every item of an object with ``__getitem__``: of all of them together no more than one pass may hold."""
        items: list[Any] = []
        num = 0
        for index in range(length):
            item = self._special(node, owner, "__getitem__", index)
            parts = item if isinstance(item, (list, tuple)) else (item,)
            num += sum(part.numel() if isinstance(part, Tensor) else 1 for part in parts)
            with self._limits(node):
                limits.check_batched(num)
            items.append(item)
        return items

    def _batches(self, loader: DataLoader, node: ast.AST) -> list[Any]:
        if isinstance(loader.dataset, (Instance, list, tuple)):
            dataset = loader.dataset
            items = list(self._iterate(dataset, node)) if isinstance(dataset, Instance) else list(dataset)
            loader = DataLoader(Dataset.of_items(items), loader.batch_size, loader.shuffle, loader.drop_last)
        result = self._call_torch(node, loader.batches, (self._guard,), is_random=False)
        return list(result)

    def _bounded(self, value: Any, node: ast.AST) -> list[Any]:
        while isinstance(value, Progress):
            value = value.values
        if isinstance(value, range) and limits.range_length(value) > limits.MAX_LIST:
            raise self._fault("limit", limits.too_long_a_list().reason, node)
        return list(self._iterate(value, node))
