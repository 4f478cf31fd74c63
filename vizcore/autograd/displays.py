"""Lists, tuples, sets and dictionaries as they are written, and comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from torch import nn

from vizcore.autograd.attributes import Attributes
from vizcore.autograd.limits import check_elements
from vizcore.autograd.machine import kind_of
from vizcore.autograd.values import (
    NO_VALUE,
    Device,
    Instance,
    Scope,
    TypeOf,
)
from vizcore.autograd.words import Namespace, Word

_NO_OPERAND = (Word, Namespace, nn.Module, *(kind for kind in NO_VALUE if kind not in (Instance, Device, TypeOf)))


class Displays(Attributes):
    """The part of the interpreter that makes containers."""

    def _truth(self, node: ast.expr) -> bool:
        raise NotImplementedError

    def _evaluate_list(self, node: ast.List) -> list[Any]:
        return self._admit(self._elements(node.elts), node)

    def _evaluate_tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return self._admit(tuple(self._elements(node.elts)), node)

    def _evaluate_set(self, node: ast.Set) -> set[Any]:
        return self._admit({self._key(value, node) for value in self._elements(node.elts)}, node)

    def _evaluate_dict(self, node: ast.Dict) -> dict[Any, Any]:
        values: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                other = self._evaluate(value)
                if not isinstance(other, dict):
                    raise self._raised(value, TypeError(f"'{kind_of(other)}' object is not a mapping"))
                values.update(other)
            else:
                name = self._key(self._evaluate(key), key)
                values[name] = self._evaluate(value)
        return self._admit(values, node)

    def _elements(self, nodes: list[ast.expr]) -> list[Any]:
        values: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                values.extend(self._bounded(self._evaluate(node.value), node))
            else:
                values.append(self._evaluate(node))
        return values

    def _evaluate_comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> list[Any]:
        values: list[Any] = []
        self._comprehend(node.generators, lambda: self._collect(values, node.elt))
        return self._admit(values, node)

    def _collect(self, values: list[Any], node: ast.expr) -> None:
        values.append(self._evaluate(node))
        with self._limits(node):
            if len(values) > 4 * 4096:
                check_elements((10**9,))

    def _evaluate_set_comprehension(self, node: ast.SetComp) -> set[Any]:
        values: set[Any] = set()

        def add() -> None:
            values.add(self._key(self._evaluate(node.elt), node))
            self._check_lists(node, values, None)

        self._comprehend(node.generators, add)
        return self._admit(values, node)

    def _evaluate_dict_comprehension(self, node: ast.DictComp) -> dict[Any, Any]:
        values: dict[Any, Any] = {}

        def add() -> None:
            key = self._key(self._evaluate(node.key), node)
            values[key] = self._evaluate(node.value)
            self._check_lists(node, values, None)

        self._comprehend(node.generators, add)
        return self._admit(values, node)

    def _comprehend(self, generators: list[ast.comprehension], collect: Callable[[], None]) -> None:
        outer = self.scope

        def fill(level: int) -> None:
            if level == len(generators):
                collect()
                return
            part = generators[level]
            for value in self._iterate(self._evaluate(part.iter), part.iter):
                self._guard_time(part.iter)
                self._assign(part.target, value)
                if all(self._truth(condition) for condition in part.ifs):
                    fill(level + 1)

        self.scope = Scope({}, outer, "comprehension")
        self.frames.append(self.scope)
        try:
            fill(0)
        finally:
            self.scope = outer
            self.frames.pop()

    def _assign(self, target: ast.expr, value: Any) -> None:
        raise NotImplementedError
