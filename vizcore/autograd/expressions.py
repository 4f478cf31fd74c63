"""Expressions: names, literals, operators, comparisons and comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from torch import Tensor, nn

from vizcore.autograd.arrays import check_broadcast, check_matmul, run_array_call
from vizcore.autograd.displays import Displays
from vizcore.autograd.faults import unknown_name
from vizcore.autograd.libraries import READY
from vizcore.autograd.limits import LimitError
from vizcore.autograd.machine import kind_of
from vizcore.autograd.operations import (
    BINARY,
    COMPARE,
    SPECIAL,
    UNARY,
    check_plain_operands,
    plain_count,
)
from vizcore.autograd.parsing import ERRORS
from vizcore.autograd.python_words import PYTHON
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    MISSING,
    NO_VALUE,
    Device,
    ErrorClass,
    ErrorValue,
    GraphNode,
    Instance,
    Scope,
    TypeOf,
    UserClass,
)
from vizcore.autograd.vocabulary import NAMESPACES, PYTHON_FUNCTIONS
from vizcore.autograd.words import Namespace, Word

_NO_OPERAND = (Word, Namespace, nn.Module, *(kind for kind in NO_VALUE if kind not in (Instance, Device, TypeOf)))


class Expressions(Displays):
    """The part of the interpreter that works out expressions."""

    def _evaluate(self, node: ast.expr) -> Any:
        method = self._EVALUATORS.get(type(node))
        if method is None:
            raise self._unsupported(type(node).__name__, node)
        return method(self, node)

    def _evaluate_constant(self, node: ast.Constant) -> Any:
        return node.value

    # ---- names

    def _lookup(self, node: ast.Name) -> Any:
        name = node.id
        scope: Scope | None = self.scope
        while scope is not None:
            if name in scope.variables:
                return scope.variables[name]
            if name in scope.global_names:
                break
            if name in scope.local_names:
                text = f"cannot access local variable '{name}' where it is not associated with a value"
                raise self._raised(node, UnboundLocalError(text))
            scope = scope.parent
        if name in self.variables:
            return self.variables[name]
        for names in (NAMESPACES, READY):
            if name in names:
                return names[name]
        if name in PYTHON_FUNCTIONS:
            return PYTHON[name]
        if name in ERRORS:
            return ErrorClass(ERRORS[name])
        if name == "__name__":
            return "__main__"
        message, suggestion = unknown_name(name, [*self.variables, *NAMESPACES, *PYTHON_FUNCTIONS])
        cause = NameError(f"name '{name}' is not defined")
        raise self._fault("name", message, node, suggestion=suggestion, cause=cause)

    def _bind(self, name: str, value: Any) -> None:
        """Binds a name where Python would."""
        scope = self.scope
        if name in scope.global_names:
            self.variables[name] = value
            return
        if name in scope.nonlocal_names:
            outer = scope.parent
            while outer is not None and outer.kind != "program":
                if name in outer.variables and outer.kind == "call":
                    outer.variables[name] = value
                    return
                outer = outer.parent
        scope.variables[name] = value

    # ---- operators

    def _evaluate_binary(self, node: ast.BinOp) -> Any:
        left, right = self._evaluate(node.left), self._evaluate(node.right)
        return self._operate(node, node.op, BINARY[type(node.op)], left, right)

    def _operate(
        self, node: ast.AST, kind: ast.operator, apply: Callable[[Any, Any], Any], left: Any, right: Any
    ) -> Any:
        if isinstance(left, Instance) or isinstance(right, Instance):
            return self._operate_on_objects(node, kind, left, right)
        for value in (left, right):
            if isinstance(value, _NO_OPERAND):
                name = self._text(value, quoted=True, node=node)
                text = f"unsupported operand type(s): '{kind_of(left)}' and '{kind_of(right)}'"
                raise self._fault(
                    "value",
                    Message("{value} is not a number or a tensor.", {"value": name}),
                    node,
                    cause=TypeError(text),
                )
        if isinstance(left, str) and isinstance(kind, ast.Mod):
            return self._percent(node, left, right)
        if isinstance(left, (np.ndarray, np.generic)) or isinstance(right, (np.ndarray, np.generic)):
            return self._operate_on_arrays(node, kind, apply, left, right)
        if isinstance(kind, (ast.Mult, ast.Mod)) and any(
            isinstance(value, (str, list, tuple)) for value in (left, right)
        ):
            # Python takes a whole number in a tensor for a count: of copies of a list or a text, or of columns.
            left, right = plain_count(left), plain_count(right)
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            self._check_arguments(node, (left, right), {})
            return self._call_torch(node, apply, (left, right))
        with self._limits(node):
            check_plain_operands(kind, left, right)
        result = self._call_python(node, lambda: apply(left, right))
        if isinstance(result, (list, dict, set)) and result is left:
            self._check_lists(node, result)
        return self._admit(result, node)

    def _operate_on_arrays(
        self, node: ast.AST, kind: ast.operator, apply: Callable[[Any, Any], Any], left: Any, right: Any
    ) -> Any:
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            return self._call_torch(node, apply, (left, right))
        for value in (left, right):
            if not isinstance(value, (bool, int, float, np.ndarray, np.generic)):
                if isinstance(value, (list, tuple)) and isinstance(left, np.ndarray | list | tuple):
                    continue
                text = f"unsupported operand type(s): '{kind_of(left)}' and '{kind_of(right)}'"
                raise self._raised(node, TypeError(text))
        if isinstance(left, np.generic) and isinstance(right, (list, tuple, str)):
            raise self._raised(node, TypeError("multiply an array, or use int(…) for a count"))
        with self._limits(node):
            if isinstance(kind, ast.MatMult):
                check_matmul(left, right)
            else:
                check_broadcast(left, right)
            self._guard_time(node)
        result = self._call_python(node, lambda: run_array_call(apply, (left, right), {}))
        return self._admit(result, node)

    def _operate_on_objects(self, node: ast.AST, kind: ast.AST, left: Any, right: Any) -> Any:
        forward, backward = SPECIAL.get(type(kind), ("", ""))
        for owner, other, name in ((left, right, forward), (right, left, backward)):
            if name and isinstance(owner, Instance):
                result = self._special(node, owner, name, other)
                if result is not MISSING:
                    return result
        text = f"unsupported operand type(s): '{kind_of(left)}' and '{kind_of(right)}'"
        raise self._raised(node, TypeError(text))

    def _evaluate_unary(self, node: ast.UnaryOp) -> Any:
        value = self._evaluate(node.operand)
        if isinstance(node.op, ast.Not):
            return not self._truth_of(value, node.operand)
        if isinstance(value, Tensor):
            return self._call_torch(node, UNARY[type(node.op)], (value,))
        if isinstance(value, Instance) and isinstance(node.op, ast.USub):
            result = self._special(node, value, "__neg__")
            if result is not MISSING:
                return result
        return self._admit(self._call_python(node, lambda: UNARY[type(node.op)](value)), node)

    def _evaluate_boolean(self, node: ast.BoolOp) -> Any:
        stops_at = isinstance(node.op, ast.Or)
        value: Any = None
        for index, operand in enumerate(node.values):
            value = self._evaluate(operand)
            if index < len(node.values) - 1 and self._truth_of(value, operand) == stops_at:
                return value
        return value

    def _evaluate_comparison(self, node: ast.Compare) -> Any:
        left = self._evaluate(node.left)
        result: Any = True
        for index, (kind, comparator) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right = self._evaluate(comparator)
            result = self._compare(node, kind, left, right)
            if index < len(node.ops) - 1 and not self._truth_of(result, node):
                return result
            left = right
        return result

    def _compare(self, node: ast.Compare, kind: ast.cmpop, left: Any, right: Any) -> Any:
        apply = COMPARE[type(kind)]
        if isinstance(kind, (ast.Is, ast.IsNot)):
            left_value = left.node if isinstance(left, GraphNode) else left
            right_value = right.node if isinstance(right, GraphNode) else right
            same = left_value is right_value or (isinstance(left, (TypeOf, ErrorClass)) and left == right)
            same = same or _type_name(left) == _type_name(right) != ""
            return same if isinstance(kind, ast.Is) else not same
        if isinstance(kind, (ast.Eq, ast.NotEq)) and _type_name(left) and _type_name(right):
            same = _type_name(left) == _type_name(right)
            return same if isinstance(kind, ast.Eq) else not same
        if isinstance(left, Instance) or isinstance(right, Instance):
            if isinstance(kind, (ast.Eq, ast.NotEq)):
                name = SPECIAL[type(kind)][0]
                result = self._special(node, left, name, right) if isinstance(left, Instance) else MISSING
                same = left is right
                return result if result is not MISSING else same if isinstance(kind, ast.Eq) else not same
            if not isinstance(kind, (ast.In, ast.NotIn)):
                return self._operate_on_objects(node, kind, left, right)
        if isinstance(right, (dict, set)) and isinstance(kind, (ast.In, ast.NotIn)):
            self._key(left, node)
        if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
            with self._limits(node):
                check_broadcast(left, right)
            return self._admit(self._call_python(node, lambda: run_array_call(apply, (left, right), {})), node)
        if isinstance(left, (Tensor, list, tuple)) or isinstance(right, (Tensor, list, tuple)):
            return self._call_torch(node, apply, (left, right))
        result = self._call_python(node, partial(apply, left, right))
        return bool(result) if isinstance(result, np.bool_) else result

    def _evaluate_choice(self, node: ast.IfExp) -> Any:
        return self._evaluate(node.body if self._truth(node.test) else node.orelse)

    def _evaluate_walrus(self, node: ast.NamedExpr) -> Any:
        value = self._evaluate(node.value)
        scope = self.scope
        while self.scope.kind == "comprehension" and self.scope.parent is not None:
            self.scope = self.scope.parent
        try:
            self._assign(node.target, value)
        finally:
            self.scope = scope
        return value

    def _truth(self, node: ast.expr) -> bool:
        return self._truth_of(self._evaluate(node), node)

    def _truth_of(self, value: Any, node: ast.AST) -> bool:
        if isinstance(value, Tensor):
            return bool(self._call_torch(node, bool, (value,)))
        if isinstance(value, Instance):
            for name in ("__bool__", "__len__"):
                result = self._special(node, value, name)
                if result is not MISSING:
                    return bool(result) if isinstance(result, (bool, int)) else True
            return True
        if isinstance(value, (Word, Namespace, nn.Module, ErrorValue, UserClass)):
            return True
        return bool(self._call_python(node, lambda: bool(value)))

    def _evaluate_lambda(self, node: ast.Lambda) -> Any:
        raise NotImplementedError

    def _evaluate_call(self, node: ast.Call) -> Any:
        raise NotImplementedError

    def _evaluate_starred(self, node: ast.Starred) -> Any:
        raise self._raised(node, TypeError("a star can only stand in a list or in a call"))

    _EVALUATORS: MappingProxyType[type[ast.expr], Callable[[Any, Any], Any]] = MappingProxyType(
        {
            ast.Constant: _evaluate_constant,
            ast.Name: _lookup,
            ast.List: Displays._evaluate_list,
            ast.Tuple: Displays._evaluate_tuple,
            ast.Set: Displays._evaluate_set,
            ast.Dict: Displays._evaluate_dict,
            ast.ListComp: Displays._evaluate_comprehension,
            ast.GeneratorExp: Displays._evaluate_comprehension,
            ast.SetComp: Displays._evaluate_set_comprehension,
            ast.DictComp: Displays._evaluate_dict_comprehension,
            ast.BinOp: _evaluate_binary,
            ast.UnaryOp: _evaluate_unary,
            ast.BoolOp: _evaluate_boolean,
            ast.Compare: _evaluate_comparison,
            ast.IfExp: _evaluate_choice,
            ast.NamedExpr: _evaluate_walrus,
            ast.Lambda: lambda self, node: self._evaluate_lambda(node),
            ast.JoinedStr: lambda self, node: self._evaluate_joined(node),
            ast.FormattedValue: lambda self, node: self._evaluate_formatted(node),
            ast.Attribute: lambda self, node: self._evaluate_attribute(node),
            ast.Subscript: lambda self, node: self._evaluate_subscript(node),
            ast.Slice: lambda self, node: self._evaluate_slice(node),
            ast.Call: lambda self, node: self._evaluate_call(node),
            ast.Starred: _evaluate_starred,
            ast.Yield: lambda self, node: self._evaluate_yield(node),
            ast.YieldFrom: lambda self, node: self._evaluate_yield(node),
        }
    )


def _type_name(value: Any) -> str:
    """A name by which types can be compared: ``type(x) == float`` and ``type(x) is torch.Tensor``."""
    if isinstance(value, TypeOf):
        return value.name
    if isinstance(value, Word) and isinstance(value.function, type):
        return value.path.rpartition(".")[2]
    return ""


__all__ = ["Expressions", "LimitError"]
