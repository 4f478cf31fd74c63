"""Runs a checked program, statement by statement, on real torch.

Python's own ``exec``, ``eval`` and ``compile`` never see the learner's text. The interpreter walks the syntax tree,
holds the variables in a dictionary of its own, and calls only what the vocabulary lists; a value of the program is a
number, a string, a list, a tensor, a module or one of the small classes below, never an object of the interpreter or
of Python's machinery.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.explanations import explain
from vizcore.autograd.limits import Guard, LimitError
from vizcore.autograd.parsing import FaultError, fault, unknown_name, unknown_word
from vizcore.autograd.recorder import Recorder, is_leaf_of
from vizcore.autograd.trace import Message
from vizcore.autograd.vocabulary import (
    GROWING,
    MODULE_ATTRIBUTES,
    MODULE_METHODS,
    NAMESPACES,
    PYTHON_FUNCTIONS,
    PYTHON_KEYWORDS,
    RANDOM,
    REFUSED_KEYWORDS,
    SETTABLE_MODULE_ATTRIBUTES,
    SETTABLE_TENSOR_ATTRIBUTES,
    TENSOR_ATTRIBUTES,
    TENSOR_METHODS,
    Namespace,
    Word,
)

_BINARY: MappingProxyType[type[ast.operator], Callable[[Any, Any], Any]] = MappingProxyType(
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
_IN_PLACE: MappingProxyType[type[ast.operator], Callable[[Any, Any], Any]] = MappingProxyType(
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
_UNARY: MappingProxyType[type[ast.unaryop], Callable[[Any], Any]] = MappingProxyType(
    {ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert, ast.Not: operator.not_}
)
_COMPARE: MappingProxyType[type[ast.cmpop], Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
        ast.Lt: operator.lt,
        ast.LtE: operator.le,
        ast.Gt: operator.gt,
        ast.GtE: operator.ge,
        ast.Is: operator.is_,
        ast.IsNot: operator.is_not,
        ast.In: lambda element, container: _is_in(element, container),
        ast.NotIn: lambda element, container: not _is_in(element, container),
    }
)

_SILENT = frozenset(
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
    ]
)
_RESULT_FIELDS = frozenset(
    ["values", "indices", "eigenvalues", "eigenvectors", "Q", "R", "U", "S", "Vh", "sign", "logabsdet", "min", "max"]
)
_FORMAT = re.compile(r"[<>^]?[+ ]?,?\d{0,2}(\.\d{1,2})?[defg%]?")
_MAX_NOTE = 80
_CONVERSIONS = (_AS_TEXT, _AS_WRITTEN, _AS_ASCII) = (ord("s"), ord("r"), ord("a"))
_DROPPING = frozenset(["Dropout", "Dropout1d", "Dropout2d", "AlphaDropout"])
_NON_LEAF_GRAD = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't "
    "be populated "
    "during autograd.backward()."
)


@dataclass(frozen=True, eq=False)
class _Method:
    """A method of a value, not called yet."""

    owner: Any
    name: str


@dataclass(frozen=True, eq=False)
class _GradMode:
    """What ``torch.no_grad()`` and its kin return: something for ``with``."""

    enabled: bool
    path: str


@dataclass(frozen=True, eq=False)
class _GraphNode:
    """A ``grad_fn`` as a value: it can be named and followed."""

    node: Any

    def __str__(self) -> str:
        return f"<{self.node.name().removeprefix('torch::autograd::')}>"


class Interpreter:
    """One run of one program.

    Attributes:
        variables: the program's variables.
        current: the statement that runs.
    """

    def __init__(
        self,
        source: str,
        guard: Guard,
        recorder: Recorder,
        collect_warnings: Callable[[], Any],
        on_line: Callable[[int], None] | None = None,
    ) -> None:
        """Starts with no variables."""
        self._on_line = on_line
        self.variables: dict[str, Any] = {}
        self.current: ast.stmt | None = None
        self._source = source
        self._guard = guard
        self._recorder = recorder
        self._collect_warnings = collect_warnings
        self._num_statements = 0

    # ---- statements

    def run(self, tree: ast.Module) -> None:
        """Runs the whole program.

        Raises:
            FaultError: at the first line that cannot run.
        """
        self._run_block(tree.body)

    def named_tensors(self) -> list[tuple[str, Tensor]]:
        """Every tensor that the program can name: variables, elements of lists, parameters and buffers of modules."""
        named: list[tuple[str, Tensor]] = []
        seen: set[int] = set()
        seen_in_modules: set[int] = set()  # a parameter keeps its own name, also while a loop's variable holds it
        for name, value in self.variables.items():
            if isinstance(value, Tensor):
                named.append((name, value))
                seen.add(id(value))
        for name, value in self.variables.items():
            if isinstance(value, nn.Module):
                tensors = [*value.named_parameters(), *value.named_buffers()]
                inner = [(f"{name}.{path}", tensor) for path, tensor in tensors if id(tensor) not in seen_in_modules]
                named.extend(inner)
                seen_in_modules.update(id(tensor) for _, tensor in inner)
                seen.update(seen_in_modules)
                continue
            if isinstance(value, (list, tuple)):
                inner = [(f"{name}[{index}]", element) for index, element in enumerate(value[:16])]
            else:
                continue
            for path, tensor in inner:
                if isinstance(tensor, Tensor) and id(tensor) not in seen:
                    named.append((path, tensor))
                    seen.add(id(tensor))
        return named

    def finish_step(self, statement: ast.stmt, note: str = "", *, header: bool = False) -> None:
        """Writes the step of the statement that has just run; of a compound statement only its header."""
        end_line = statement.lineno if header else (statement.end_lineno or statement.lineno)
        with self._limits(statement):
            self._recorder.end_line(statement.lineno, end_line, self.named_tensors(), note=note)

    def _run_block(self, statements: list[ast.stmt]) -> str:
        for statement in statements:
            signal = self._run_statement(statement)
            if signal:
                return signal
        return ""

    def _run_statement(self, statement: ast.stmt) -> str:
        self._count(statement)
        self.current = statement
        if self._on_line is not None:
            self._on_line(statement.lineno)
        if isinstance(statement, ast.If):
            chosen = self._truth(statement.test)
            self.finish_step(statement, str(chosen), header=True)
            return self._run_block(statement.body if chosen else statement.orelse)
        if isinstance(statement, ast.For):
            return self._run_for(statement)
        if isinstance(statement, ast.While):
            return self._run_while(statement)
        if isinstance(statement, ast.With):
            return self._run_with(statement)
        note = self._run_simple(statement)
        self.finish_step(statement, note)
        return {ast.Break: "break", ast.Continue: "continue"}.get(type(statement), "")

    def _run_simple(self, statement: ast.stmt) -> str:
        if isinstance(statement, ast.Assign):
            value = self._evaluate(statement.value)
            for target in statement.targets:
                self._assign(target, value)
            return self._note(statement.targets[0], value)
        if isinstance(statement, ast.AugAssign):
            return self._augment(statement)
        if isinstance(statement, ast.Expr):
            value = self._evaluate(statement.value)
            if isinstance(value, _GradMode):
                raise self._fault(
                    "unsupported",
                    Message("Write {path}() behind with, as in: with {path}():", {"path": value.path}),
                    statement,
                )
        elif isinstance(statement, ast.Delete):
            for target in statement.targets:
                if not isinstance(target, ast.Name):
                    raise self._fault("unsupported", Message("Only variables can be deleted here."), target)
                self._lookup(target)
                self.variables.pop(target.id, None)
        return ""

    def _run_for(self, statement: ast.For) -> str:
        values = self._iterate(self._evaluate(statement.iter), statement.iter)
        for value in values:
            self.current = statement
            self._guard_time(statement)
            self._assign(statement.target, value)
            self.finish_step(statement, self._note(statement.target, value), header=True)
            if self._run_block(statement.body) == "break":
                return ""
        return self._run_block(statement.orelse)

    def _run_while(self, statement: ast.While) -> str:
        while True:
            self.current = statement
            self._guard_time(statement)
            holds = self._truth(statement.test)
            self.finish_step(statement, str(holds), header=True)
            if not holds:
                return self._run_block(statement.orelse)
            if self._run_block(statement.body) == "break":
                return ""

    def _run_with(self, statement: ast.With) -> str:
        modes = []
        for item in statement.items:
            mode = self._evaluate(item.context_expr)
            if not isinstance(mode, _GradMode) or item.optional_vars is not None:
                raise self._fault(
                    "unsupported",
                    Message(
                        "with is only for torch.no_grad(), torch.enable_grad() and torch.set_grad_enabled(…) here."
                    ),
                    item.context_expr,
                )
            modes.append(mode)
        before = torch.is_grad_enabled()
        self.finish_step(statement, header=True)
        try:
            torch.set_grad_enabled(modes[-1].enabled)
            return self._run_block(statement.body)
        finally:
            torch.set_grad_enabled(before)

    def _augment(self, statement: ast.AugAssign) -> str:
        """As Python does it: read the target, change it in place, put it back."""
        target = statement.target
        apply = _IN_PLACE[type(statement.op)]
        if isinstance(target, ast.Name):
            old = self._lookup(target)
            value = self._operate(statement, statement.op, apply, old, self._evaluate(statement.value))
            self.variables[target.id] = value
            return self._note(target, value)
        if isinstance(target, ast.Subscript):
            owner, index = self._evaluate(target.value), self._index(target.slice)
            old = self._get_item(target, owner, index)
            value = self._operate(statement, statement.op, apply, old, self._evaluate(statement.value))
            self._set_item(target, owner, index, value)
            return ""
        if isinstance(target, ast.Attribute):
            owner = self._evaluate(target.value)
            old = self._get_attribute(target, owner)
            value = self._operate(statement, statement.op, apply, old, self._evaluate(statement.value))
            self._set_attribute(target, owner, value)
        return ""

    def _assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            if isinstance(value, (_GradMode, Namespace)):
                raise self._fault("unsupported", Message("This cannot be kept in a variable."), target)
            self.variables[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            if any(isinstance(element, ast.Starred) for element in target.elts):
                raise self._fault(
                    "unsupported", Message("A star on the left of = is not part of the lab's Python."), target
                )
            values = self._iterate(value, target)
            parts = self._call_python(target, lambda: _unpack(values, len(target.elts)))
            for element, part in zip(target.elts, parts, strict=True):
                self._assign(element, part)
        elif isinstance(target, ast.Subscript):
            owner = self._evaluate(target.value)
            self._set_item(target, owner, self._index(target.slice), value)
        elif isinstance(target, ast.Attribute):
            self._set_attribute(target, self._evaluate(target.value), value)
        else:
            raise self._fault("unsupported", Message("This cannot stand on the left of =."), target)

    def _note(self, target: ast.expr, value: Any) -> str:
        """How a plain value is shown beside the line that assigned it; tensors are shown as what they are."""
        if isinstance(target, ast.Name) and not isinstance(value, (Tensor, nn.Module, Word, Namespace, _Method)):
            text = self._text(value, quoted=True, node=target, room=_MAX_NOTE)
            return f"{target.id} = {text if len(text) <= _MAX_NOTE else text[: _MAX_NOTE - 1] + '…'}"
        return ""

    # ---- expressions

    def _evaluate(self, node: ast.expr) -> Any:
        method = self._EVALUATORS.get(type(node))
        if method is None:
            raise self._fault(
                "unsupported",
                Message("{construct} is not part of the lab's Python.", {"construct": type(node).__name__}),
                node,
            )
        return method(self, node)

    def _evaluate_constant(self, node: ast.Constant) -> Any:
        return node.value

    def _lookup(self, node: ast.Name) -> Any:
        if node.id in self.variables:
            return self.variables[node.id]
        if node.id in NAMESPACES:
            return NAMESPACES[node.id]
        if node.id in PYTHON_FUNCTIONS:
            return Word(node.id, _PYTHON[node.id])
        message, suggestion = unknown_name(node.id, [*self.variables, *NAMESPACES, *PYTHON_FUNCTIONS])
        raise self._fault("name", message, node, suggestion=suggestion)

    def _evaluate_list(self, node: ast.List) -> list[Any]:
        return self._admit(self._elements(node.elts), node)

    def _evaluate_tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return self._admit(tuple(self._elements(node.elts)), node)

    def _elements(self, nodes: list[ast.expr]) -> list[Any]:
        values: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                values.extend(self._bounded(self._evaluate(node.value), node))
            else:
                values.append(self._evaluate(node))
        return values

    def _evaluate_comprehension(self, node: ast.ListComp) -> list[Any]:
        values: list[Any] = []
        outer = dict(self.variables)

        def fill(level: int) -> None:
            if level == len(node.generators):
                values.append(self._evaluate(node.elt))
                return
            part = node.generators[level]
            for value in self._iterate(self._evaluate(part.iter), part.iter):
                self._count(part.iter)
                self._assign(part.target, value)
                if all(self._truth(condition) for condition in part.ifs):
                    fill(level + 1)

        try:
            fill(0)
        finally:
            self.variables = outer
        return self._admit(values, node)

    def _evaluate_binary(self, node: ast.BinOp) -> Any:
        left, right = self._evaluate(node.left), self._evaluate(node.right)
        return self._operate(node, node.op, _BINARY[type(node.op)], left, right)

    def _operate(
        self, node: ast.AST, kind: ast.operator, apply: Callable[[Any, Any], Any], left: Any, right: Any
    ) -> Any:
        for value in (left, right):
            if isinstance(value, (Word, Namespace, _Method, _GradMode, _GraphNode, nn.Module)):
                raise self._fault(
                    "value",
                    Message(
                        "{value} is not a number or a tensor.", {"value": self._text(value, quoted=True, node=node)}
                    ),
                    node,
                )
        if isinstance(kind, (ast.Mult, ast.Mod)) and any(
            isinstance(value, (str, list, tuple)) for value in (left, right)
        ):
            # Python takes a whole number in a tensor for a count: of copies of a list or a text, or of columns.
            left, right = _plain_count(left), _plain_count(right)
        has_tensor = isinstance(left, Tensor) or isinstance(right, Tensor)
        if has_tensor and not (isinstance(left, str) and isinstance(kind, ast.Mod)):
            self._check_arguments(node, (left, right), {})
            return self._call_torch(node, apply, (left, right))
        with self._limits(node):
            _check_plain_operands(kind, left, right)
        result = self._call_python(node, lambda: apply(left, right))
        if isinstance(result, list) and result is left:
            self._check_lists(node)
        return self._admit(result, node)

    def _evaluate_unary(self, node: ast.UnaryOp) -> Any:
        value = self._evaluate(node.operand)
        if isinstance(node.op, ast.Not):
            return not self._truth_of(value, node.operand)
        if isinstance(value, Tensor):
            return self._call_torch(node, _UNARY[type(node.op)], (value,))
        return self._admit(self._call_python(node, lambda: _UNARY[type(node.op)](value)), node)

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
            apply = _COMPARE[type(kind)]
            if isinstance(kind, (ast.Is, ast.IsNot)):
                left_value = left.node if isinstance(left, _GraphNode) else left
                right_value = right.node if isinstance(right, _GraphNode) else right
                result = apply(left_value, right_value)
            elif isinstance(left, (Tensor, list, tuple)) or isinstance(right, (Tensor, list, tuple)):
                result = self._call_torch(node, apply, (left, right))
            else:
                result = self._call_python(node, partial(apply, left, right))
            if index < len(node.ops) - 1 and not self._truth_of(result, node):
                return result
            left = right
        return result

    def _evaluate_choice(self, node: ast.IfExp) -> Any:
        return self._evaluate(node.body if self._truth(node.test) else node.orelse)

    def _evaluate_joined(self, node: ast.JoinedStr) -> str:
        return self._admit("".join(str(self._evaluate(part)) for part in node.values), node)

    def _evaluate_formatted(self, node: ast.FormattedValue) -> str:
        value = self._evaluate(node.value)
        spec = "" if node.format_spec is None else str(self._evaluate(node.format_spec))
        if not _FORMAT.fullmatch(spec):
            raise self._fault("unsupported", Message("This number format is not part of the lab's Python."), node.value)
        if node.conversion in _CONVERSIONS:
            text = self._text(value, quoted=node.conversion != _AS_TEXT, node=node.value)
            text = ascii(value) if node.conversion == _AS_ASCII and isinstance(value, str) else text
            return str(self._call_python(node.value, lambda: format(text, spec)))
        if isinstance(value, (bool, int, float, str)) or (isinstance(value, Tensor) and value.dim() == 0):
            number = value.item() if isinstance(value, Tensor) else value
            return str(self._call_python(node.value, lambda: format(number, spec)))
        if spec:
            raise self._fault("value", Message("Only a single number can be formatted."), node.value)
        return self._text(value, quoted=False, node=node.value)

    def _evaluate_attribute(self, node: ast.Attribute) -> Any:
        return self._get_attribute(node, self._evaluate(node.value))

    def _evaluate_subscript(self, node: ast.Subscript) -> Any:
        return self._get_item(node, self._evaluate(node.value), self._index(node.slice))

    def _evaluate_slice(self, node: ast.Slice) -> slice:
        return slice(*(None if part is None else self._evaluate(part) for part in (node.lower, node.upper, node.step)))

    def _index(self, node: ast.expr) -> Any:
        return self._evaluate(node)

    def _truth(self, node: ast.expr) -> bool:
        return self._truth_of(self._evaluate(node), node)

    def _truth_of(self, value: Any, node: ast.AST) -> bool:
        if isinstance(value, Tensor):
            return bool(self._call_torch(node, bool, (value,)))
        if isinstance(value, (Word, Namespace, _Method, _GradMode, _GraphNode, nn.Module)):
            return True
        return bool(value)

    # ---- attributes and items

    def _get_attribute(self, node: ast.Attribute, owner: Any) -> Any:
        name = node.attr
        if isinstance(owner, Namespace):
            if name not in owner.words:
                message, suggestion = unknown_word(name, owner.path, owner.words)
                raise self._fault("name", message, node, suggestion=suggestion)
            return owner.words[name]
        if isinstance(owner, Tensor):
            return self._get_tensor_attribute(node, owner)
        if isinstance(owner, nn.Module):
            if name in MODULE_METHODS:
                return _Method(owner, name)
            if name in MODULE_ATTRIBUTES:
                return self._admit(self._call_python(node, lambda: getattr(owner, name)), node)
            self._unknown_attribute(node, type(owner).__name__, MODULE_ATTRIBUTES | MODULE_METHODS)
        if isinstance(owner, _GraphNode):
            if name == "name":
                return _Method(owner, name)
            if name == "next_functions":
                pairs = owner.node.next_functions
                return tuple(
                    (None if following is None else _GraphNode(following), index) for following, index in pairs
                )
            self._unknown_attribute(node, "grad_fn", ("name", "next_functions"))
        if isinstance(owner, list) and name == "append":
            return _Method(owner, name)
        if isinstance(owner, tuple) and type(owner).__module__ == "torch.return_types" and name in _RESULT_FIELDS:
            return self._call_python(node, lambda: getattr(owner, name))
        if isinstance(owner, (Word, _Method, _GradMode)):
            raise self._fault("unsupported", Message("There is nothing behind the dot here."), node)
        kind = type(owner).__name__
        text = f"'{kind}' object has no attribute '{name}'"
        raise self._fault("value", Message("{text}", {"text": text}), node, explanation=explain(text))

    def _get_tensor_attribute(self, node: ast.Attribute, owner: Tensor) -> Any:
        name = node.attr
        if name in TENSOR_METHODS:
            return _Method(owner, name)
        if name not in TENSOR_ATTRIBUTES:
            self._unknown_attribute(node, "Tensor", TENSOR_METHODS | TENSOR_ATTRIBUTES)
        if name == "grad":
            if not is_leaf_of(owner) and not owner.retains_grad and owner.requires_grad:
                self._recorder.warnings.append(_NON_LEAF_GRAD)
                return None
            return owner.grad
        if name == "grad_fn":
            function = self._call_python(node, lambda: owner.grad_fn)
            return None if function is None else _GraphNode(function)
        return self._call_torch(node, getattr, (owner, name))

    def _unknown_attribute(self, node: ast.Attribute, path: str, words: Iterable[str]) -> None:
        message, suggestion = unknown_word(node.attr, path, words)
        raise self._fault("name", message, node, suggestion=suggestion)

    def _set_attribute(self, node: ast.Attribute, owner: Any, value: Any) -> None:
        if isinstance(owner, Tensor) and node.attr in SETTABLE_TENSOR_ATTRIBUTES:
            allowed: tuple[type, ...] = {"grad": (Tensor, type(None)), "data": (Tensor,), "requires_grad": (bool,)}[
                node.attr
            ]
        elif isinstance(owner, nn.Module) and node.attr in SETTABLE_MODULE_ATTRIBUTES:
            allowed = {
                "weight": (nn.Parameter,),
                "bias": (nn.Parameter, type(None)),
                "training": (bool,),
                "p": (float, int),
            }[node.attr]
            if not hasattr(owner, node.attr):
                raise self._fault("unsupported", Message("{path} cannot be changed.", {"path": node.attr}), node)
        else:
            raise self._fault("unsupported", Message("{path} cannot be changed.", {"path": node.attr}), node)
        if not isinstance(value, allowed):
            text = f"assigned {_kind(value)} to {node.attr}"
            raise self._fault(
                "value",
                Message("{path} cannot hold a {kind}.", {"path": node.attr, "kind": _kind(value)}),
                node,
                explanation=explain(text),
            )
        self._call_torch(node, setattr, (owner, node.attr, value))

    def _get_item(self, node: ast.AST, owner: Any, index: Any) -> Any:
        if isinstance(owner, (Tensor, nn.Sequential)):
            if isinstance(owner, nn.Sequential) and not isinstance(index, (int, slice)):
                raise self._fault("value", Message("A module is chosen by a whole number."), node)
            return self._call_torch(
                node, operator.getitem, (owner, index), grows=self._selects_more(node, owner, index)
            )
        if isinstance(owner, (list, tuple, range)) and isinstance(index, (int, slice)):
            return self._admit(self._call_python(node, lambda: owner[index]), node)
        text = f"'{_kind(owner)}' object is not subscriptable"
        raise self._fault("value", Message("{text}", {"text": text}), node, explanation=explain(text))

    def _set_item(self, node: ast.AST, owner: Any, index: Any, value: Any) -> None:
        if isinstance(owner, Tensor):
            if self._selects_more(node, owner, index):
                with self._limits(node), self._collect_warnings():
                    self._guard.rehearse(operator.getitem, (owner, index), {})
            self._call_torch(node, operator.setitem, (owner, index, value))
            self._recorder.add_result(owner)
        elif isinstance(owner, list) and isinstance(index, int):
            self._check_simple(value, node)
            self._call_python(node, lambda: operator.setitem(owner, index, value))
        else:
            text = f"'{_kind(owner)}' object does not support item assignment"
            raise self._fault("value", Message("{text}", {"text": text}), node)

    def _selects_more(self, node: ast.AST, owner: Any, index: Any) -> bool:
        """Whether an index could select more elements than a tensor may have."""
        if not isinstance(owner, Tensor):
            return False
        with self._limits(node):
            return limits.largest_selection(owner, index) > limits.MAX_ELEMENTS

    def _check_simple(self, value: Any, node: ast.AST) -> None:
        """A list that could hold itself would never end."""
        if isinstance(value, (list, tuple)):
            raise self._fault("unsupported", Message("A list can only take in numbers and tensors here."), node)

    # ---- calls

    def _evaluate_call(self, node: ast.Call) -> Any:
        callee = self._evaluate(node.func)
        args = tuple(self._elements(node.args))
        kwargs = {keyword.arg or "": self._evaluate(keyword.value) for keyword in node.keywords}
        for keyword in node.keywords:
            if keyword.arg in REFUSED_KEYWORDS:
                raise self._fault(
                    "unsupported",
                    Message("The argument {word} is not part of the lab.", {"word": keyword.arg}),
                    keyword.value,
                )
        if isinstance(callee, Word):
            return self._call_word(node, callee, args, kwargs)
        if isinstance(callee, _Method):
            return self._call_method(node, callee, args, kwargs)
        if isinstance(callee, nn.Module):
            self._check_arguments(node, args, kwargs)
            drops = any(part.training and type(part).__name__ in _DROPPING for part in callee.modules())
            return self._call_torch(node, callee, args, kwargs, grows=True, is_random=drops)
        raise self._fault("value", Message("{text}", {"text": f"'{_kind(callee)}' object is not callable"}), node)

    def _call_word(self, node: ast.Call, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        path = word.path
        if path in PYTHON_FUNCTIONS:
            return self._call_builtin(node, word, args, kwargs)
        if path in ("torch.no_grad", "torch.enable_grad", "torch.set_grad_enabled"):
            enabled = {"torch.no_grad": False, "torch.enable_grad": True}.get(path)
            if enabled is None:
                enabled = len(args) == 1 and self._truth_of(args[0], node)
            return _GradMode(enabled, path)
        if path == "torch.manual_seed":
            return self._seed(node, args)
        if path == "nn.Sequential":  # torch itself says that it holds no functions
            args = tuple(value.function if isinstance(value, Word) else value for value in args)
        self._check_arguments(node, args, kwargs, small=word.shape_options)
        if path == "torch.autograd.grad":
            return self._call_grad(node, args, kwargs)
        result = self._call_torch(node, word.function, args, kwargs, grows=word.grows, is_random=word.is_random)
        return result

    def _seed(self, node: ast.Call, args: tuple[Any, ...]) -> None:
        if len(args) != 1 or not isinstance(args[0], int) or not 0 <= args[0] < 2**63:
            raise self._fault("value", Message("A seed is one whole number, not below 0."), node)
        self._guard.generator.manual_seed(args[0])

    def _call_builtin(self, node: ast.Call, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if word.path == "print":
            ends = {name: kwargs.pop(name, default) for name, default in (("sep", " "), ("end", "\n"))}
            if kwargs or not all(isinstance(value, str) for value in ends.values()):
                raise self._fault("unsupported", Message("print takes only sep and end here."), node)
            with self._limits(node):
                text = ends["sep"].join(self._text(value, quoted=False, node=node) for value in args)
                self._recorder.add_printed(text + ends["end"])
            return None
        for name in kwargs:
            if name not in PYTHON_KEYWORDS.get(word.path, ()):
                raise self._fault(
                    "unsupported", Message("The argument {word} is not part of the lab.", {"word": name}), node
                )
        for value in (*args, *kwargs.values()):
            if isinstance(value, (Word, Namespace, _Method, _GradMode, _GraphNode)):
                raise self._fault("unsupported", Message("This cannot be an argument here."), node)
            is_long = isinstance(value, range) and limits.range_length(value) > limits.MAX_LIST
            if is_long and word.path not in ("len", "range"):
                raise self._fault("limit", limits.too_long_a_list().reason, node)
        with self._limits(node):
            limits.check_call(word.path, args, kwargs)
        if word.path == "zip" and len(args) > 16:
            raise self._fault("unsupported", Message("This cannot be an argument here."), node)
        return self._call_torch(node, word.function, args, kwargs)

    def _call_method(self, node: ast.Call, method: _Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        owner, name = method.owner, method.name
        self._check_arguments(node, args, kwargs)
        if isinstance(owner, list):
            if len(args) != 1 or kwargs:
                raise self._fault("value", Message("append takes one value."), node)
            self._check_simple(args[0], node)
            if len(owner) >= limits.MAX_LIST:
                raise self._fault(
                    "limit",
                    Message("A list may have at most {limit} elements.", {"limit": f"{limits.MAX_LIST:,}"}),
                    node,
                )
            owner.append(args[0])
            self._check_lists(node)
            return None
        if isinstance(owner, _GraphNode):
            return owner.node.name()
        if name == "to" and any(isinstance(value, str) for value in (*args, *kwargs.values())):
            raise self._fault("unsupported", Message("There is only one device here; to() takes a dtype."), node)
        if isinstance(owner, Tensor) and name == "backward":
            return self._call_backward(node, owner, args, kwargs)
        return self._call_torch(
            node, getattr(type(owner), name), (owner, *args), kwargs, grows=name in GROWING, is_random=name in RANDOM
        )

    def _check_arguments(
        self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any], *, small: bool = False
    ) -> None:
        """Lets only plain values through to torch, and where they are sizes only small ones."""
        with self._limits(node):
            for value in (*args, *kwargs.values()):
                limits.count_leaves(value)
        stack: list[Any] = [*args, *kwargs.values()]
        while stack:
            value = stack.pop()
            if isinstance(value, (list, tuple)):
                stack.extend(value)
            elif isinstance(value, range):
                stack.extend(self._bounded(value, node))
            elif isinstance(value, (Word, Namespace, _Method, _GradMode, _GraphNode)):
                raise self._fault(
                    "unsupported",
                    Message(
                        "{value} cannot be an argument here.", {"value": self._text(value, quoted=True, node=node)}
                    ),
                    node,
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

    def _call_backward(self, node: ast.Call, owner: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        words = ("gradient", "retain_graph", "create_graph", "inputs")
        given = {**dict(zip(words, args, strict=False)), **kwargs}
        gradient = given.get("gradient")
        self._run_engine(
            node,
            lambda: owner.backward(*args, **kwargs),
            [(owner, gradient if isinstance(gradient, Tensor) else None)],
            given,
        )

    def _call_grad(self, node: ast.Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        words = ("outputs", "inputs", "grad_outputs", "retain_graph", "create_graph")
        given = {**dict(zip(words, args, strict=False)), **kwargs}
        outputs = _as_tuple(given.get("outputs"))
        gradients = _as_tuple(given.get("grad_outputs")) or (None,) * len(outputs)
        roots = [
            (output, gradient if isinstance(gradient, Tensor) else None)
            for output, gradient in zip(outputs, gradients, strict=False)
            if isinstance(output, Tensor)
        ]
        return self._run_engine(node, lambda: torch.autograd.grad(*args, **kwargs), roots, given)

    def _run_engine(
        self, node: ast.Call, call: Callable[[], Any], roots: list[tuple[Tensor, Tensor | None]], given: dict[str, Any]
    ) -> Any:
        keeps_graph = given.get("retain_graph")
        if keeps_graph is None:
            keeps_graph = given.get("create_graph", False)
        line = self.current.lineno if self.current is not None else node.lineno

        def run() -> Any:
            return self._recorder.run_engine(
                call, roots, line, node.end_lineno or line, self.named_tensors(), keeps_graph=bool(keeps_graph)
            )

        return self._call_torch(node, run, ())

    def _call_torch(
        self,
        node: ast.AST,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any] | None = None,
        *,
        grows: bool = False,
        is_random: bool = False,
    ) -> Any:
        """Calls torch; its own error becomes a fault at this place."""
        kwargs = kwargs or {}
        self._guard_time(node)
        try:
            name = getattr(function, "__name__", "")
            if name not in ("sum", "max", "min"):  # torch's own take nothing apart; Python's have been checked
                limits.check_call(name, args, kwargs)
            if grows or limits.largest_result(args, kwargs) > limits.MAX_ELEMENTS:
                with self._collect_warnings():
                    self._guard.rehearse(function, args, kwargs)
            if getattr(function, "__name__", "") in _SILENT:  # arithmetic does not warn, and collecting costs time
                result = function(*args)
            else:
                randomness = self._guard.randomness() if is_random else nullcontext()
                with self._collect_warnings() as texts, randomness:
                    result = function(*args, **kwargs)
                self._recorder.warnings.extend(texts)
            result = _plain_result(result)
            self._guard.count(result)
            self._recorder.add_result(result)
        except LimitError as error:
            raise self._fault("limit", error.reason, node) from None
        except (FaultError, KeyboardInterrupt):
            raise
        except MemoryError:
            raise self._fault("limit", Message("The program used too much memory."), node) from None
        except Exception as error:
            text = _error_text(error)
            kind = "torch" if _comes_from_torch(function, args) else "value"
            raise self._fault(kind, Message("{text}", {"text": text}), node, explanation=explain(text)) from None
        return self._admit(result, node)

    def _call_python(self, node: ast.AST, call: Callable[[], Any]) -> Any:
        """Calls plain Python on plain values; its own error becomes a fault at this place."""
        try:
            return call()
        except MemoryError:
            raise self._fault("limit", Message("The program used too much memory."), node) from None
        except Exception as error:
            text = _error_text(error)
            raise self._fault("value", Message("{text}", {"text": text}), node, explanation=explain(text)) from None

    # ---- bounds

    def _admit(self, value: Any, node: ast.AST) -> Any:
        """Lets a value into the program if it is of a known kind and within the bounds."""
        if isinstance(value, Tensor):
            with self._limits(node):
                limits.check_elements(value.shape)
            self._check_device(node, value)
            return value
        if isinstance(value, nn.Module):
            with self._limits(node):
                limits.check_modules(value)
            self._check_device(node, *value.parameters(), *value.buffers())
            return value
        if (
            isinstance(value, bool)
            or value is None
            or isinstance(value, (float, torch.dtype, torch.Size, range, slice))
        ):
            return value
        with self._limits(node):
            if isinstance(value, int):
                if value.bit_length() > limits.MAX_BITS:
                    raise LimitError("A whole number may have at most {limit} bits.", limit=limits.MAX_BITS)
            elif isinstance(value, str):
                if len(value) > limits.MAX_STRING:
                    raise LimitError("A text may have at most {limit} characters.", limit=limits.MAX_STRING)
            elif isinstance(value, (list, tuple)):
                _check_list(value)
            elif isinstance(value, complex):
                raise self._fault(
                    "unsupported",
                    Message("{construct} is not part of the lab's Python.", {"construct": "complex"}),
                    node,
                )
            elif not isinstance(value, (Word, Namespace, _Method, _GradMode, _GraphNode, type(Ellipsis))):
                raise self._fault(
                    "unsupported",
                    Message("{construct} is not part of the lab's Python.", {"construct": _kind(value)}),
                    node,
                )
        return value

    def _check_device(self, node: ast.AST, *tensors: Tensor) -> None:
        if any(tensor.device.type != "cpu" for tensor in tensors):
            raise self._fault("unsupported", Message("There is only one device here, the processor."), node)

    def _check_lists(self, node: ast.AST) -> None:
        """After a list was changed in place: every list that holds it has changed too."""
        for value in self.variables.values():
            if isinstance(value, (list, tuple)):
                self._guard_time(node)
                with self._limits(node):
                    _check_list(value)

    def _iterate(self, value: Any, node: ast.AST) -> Iterator[Any]:
        if isinstance(value, Tensor):
            value = self._call_torch(node, list, (value,))
        if isinstance(value, (list, tuple)):
            return iter(list(value))
        if isinstance(value, (range, nn.Sequential)):
            return iter(value)
        text = f"'{_kind(value)}' object is not iterable"
        raise self._fault("value", Message("{text}", {"text": text}), node, explanation=explain(text))

    def _bounded(self, value: Any, node: ast.AST) -> list[Any]:
        if isinstance(value, range) and limits.range_length(value) > limits.MAX_LIST:
            raise self._fault("limit", limits.too_long_a_list().reason, node)
        return list(self._iterate(value, node))

    def _count(self, node: ast.AST) -> None:
        self._num_statements += 1
        if self._num_statements > limits.MAX_STATEMENTS:
            raise self._fault(
                "limit",
                Message("The program ran more than {limit} statements.", {"limit": limits.MAX_STATEMENTS}),
                node,
            )
        self._guard_time(node)

    def _guard_time(self, node: ast.AST) -> None:
        try:
            self._guard.check_time()
        except LimitError as error:
            raise self._fault("limit", error.reason, node) from None

    @contextmanager
    def _limits(self, node: ast.AST) -> Iterator[None]:
        try:
            yield
        except LimitError as error:
            raise self._fault("limit", error.reason, node) from None

    def _fault(
        self, kind: str, message: Message, node: ast.AST, *, suggestion: str = "", explanation: Message | None = None
    ) -> FaultError:
        return fault(kind, message, node, self._source, suggestion=suggestion, explanation=explanation)

    # ---- text

    def _text(self, value: Any, *, quoted: bool, node: ast.AST, room: float = math.inf) -> str:
        """What ``print`` shows, without addresses in memory; of a list no more than fills so many characters."""
        if isinstance(value, (Tensor, nn.Module)):
            return str(self._call_torch(node, repr, (value,)))
        if isinstance(value, str):
            return repr(value) if quoted else value
        if isinstance(value, (Word, Namespace)):
            return value.path
        if isinstance(value, _Method):
            return value.name
        if isinstance(value, _GradMode):
            return value.path
        if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
            parts: list[str] = []
            for element in value:
                parts.append(self._text(element, quoted=True, node=node, room=room))
                room -= len(parts[-1]) + 2
                if room < 0:
                    break
            inner = ", ".join(parts)
            if isinstance(value, list):
                return f"[{inner}]"
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        return str(value)

    _EVALUATORS: MappingProxyType[type[ast.expr], Callable[[Any, Any], Any]] = MappingProxyType(
        {
            ast.Constant: _evaluate_constant,
            ast.Name: _lookup,
            ast.List: _evaluate_list,
            ast.Tuple: _evaluate_tuple,
            ast.ListComp: _evaluate_comprehension,
            ast.BinOp: _evaluate_binary,
            ast.UnaryOp: _evaluate_unary,
            ast.BoolOp: _evaluate_boolean,
            ast.Compare: _evaluate_comparison,
            ast.IfExp: _evaluate_choice,
            ast.JoinedStr: _evaluate_joined,
            ast.FormattedValue: _evaluate_formatted,
            ast.Attribute: _evaluate_attribute,
            ast.Subscript: _evaluate_subscript,
            ast.Slice: _evaluate_slice,
            ast.Call: _evaluate_call,
        }
    )


_PYTHON: MappingProxyType[str, Callable[..., Any]] = MappingProxyType(
    {
        "print": print,
        "range": range,
        "len": len,
        "float": float,
        "int": int,
        "bool": bool,
        "abs": abs,
        "min": min,
        "max": max,
        "sum": sum,
        "round": lambda number, *args, **kwargs: _round(number, *args, **kwargs),
        "enumerate": lambda *args, **kwargs: list(enumerate(*args, **kwargs)),
        "zip": lambda *args: list(zip(*args, strict=False)),
        "list": list,
        "tuple": tuple,
        "reversed": lambda values: list(reversed(values)),
    }
)


def _plain_count(value: Any) -> Any:
    """The number in a tensor that holds one whole number; everything else as it is."""
    is_count = isinstance(value, Tensor) and value.numel() == 1 and not value.is_floating_point()
    return value.item() if is_count else value


def _round(number: Any, ndigits: Any = None) -> Any:
    """Python's own, without working out ten to a power that is larger than any number here."""
    if isinstance(number, int) and isinstance(ndigits, int) and ndigits < -limits.MAX_BITS:
        return 0
    return round(number) if ndigits is None else round(number, ndigits)


def _is_in(element: Any, container: Any) -> bool:
    """Python's own, without walking through a range to find a number that is not whole."""
    if not isinstance(container, range) or type(element) in (int, bool):
        return element in container
    if isinstance(element, Tensor) and element.numel() == 1:
        element = element.item()
    if isinstance(element, float):
        return element.is_integer() and int(element) in container
    return element in container if type(element) in (int, bool) else False


def _unpack(values: Iterator[Any], num_targets: int) -> list[Any]:
    """The parts of a tuple assignment, with Python's own words where the count is wrong."""
    parts = [part for part, _ in zip(values, range(num_targets + 1), strict=False)]
    if len(parts) > num_targets:
        raise ValueError(f"too many values to unpack (expected {num_targets})")
    if len(parts) < num_targets:
        raise ValueError(f"not enough values to unpack (expected {num_targets}, got {len(parts)})")
    return parts


def _check_plain_operands(kind: ast.operator, left: Any, right: Any) -> None:
    """Works out how large a result of plain Python would be, before it exists."""
    texts = [isinstance(value, str) for value in (left, right)]
    if any(texts) and not (all(texts) and isinstance(kind, ast.Add)):
        raise LimitError("Texts can only be joined with + here.")
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


def _check_list(value: list[Any] | tuple[Any, ...]) -> None:
    """Raises LimitError if a list, with everything inside it, is too long or too deep."""
    count = 0
    stack: list[tuple[Any, int]] = [(value, 1)]
    while stack:
        current, depth = stack.pop()
        count += len(current)
        if count > limits.MAX_LIST:
            raise limits.too_long_a_list()
        if depth > limits.MAX_LIST_DEPTH:
            raise LimitError("Lists may be nested at most {limit} deep.", limit=limits.MAX_LIST_DEPTH)
        stack.extend((element, depth + 1) for element in current if isinstance(element, (list, tuple)))


def _plain_result(result: Any) -> Any:
    """Generators become lists; everything else stays."""
    if isinstance(result, Iterator):
        return list(result)
    return result


def _as_tuple(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _kind(value: Any) -> str:
    return "NoneType" if value is None else type(value).__name__.strip("_")


def _error_text(error: Exception) -> str:
    """An error's text without the lines that only a maintainer of torch reads."""
    text = str(error).split("\nException raised from")[0].split("\nThe above operation failed")[0].strip()
    if isinstance(error, KeyError):
        text = f"KeyError: {text}"
    return text or type(error).__name__


def _comes_from_torch(function: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    if function in _PYTHON.values():
        return any(isinstance(value, Tensor) for value in args)
    return not (
        getattr(function, "__module__", "") == "_operator"
        and not any(isinstance(value, (Tensor, nn.Module)) for value in args)
    )
