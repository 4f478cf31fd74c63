"""Runs a checked program, statement by statement, on real torch.

Python's own ``exec``, ``eval`` and ``compile`` never see the learner's text. The interpreter walks the syntax tree,
holds the variables in dictionaries of its own, and calls only what the vocabulary lists; a value of the program is a
number, a text, a list, a tensor, a module or one of the small classes in ``values``, never an object of the
interpreter or of Python's machinery.

It is cut into layers, each a class that extends the one before: ``machine`` (state and bounds), ``formatting`` (text),
``attributes``, ``expressions``, ``calls``, ``builtins_of`` (Python's functions), ``functions``, ``classes`` (both the
learner's own), and here the statements.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from vizcore.autograd.attributes import class_of
from vizcore.autograd.exceptions import Exceptions
from vizcore.autograd.faults import FaultError
from vizcore.autograd.limits import range_length
from vizcore.autograd.machine import kind_of
from vizcore.autograd.operations import IN_PLACE, unpack
from vizcore.autograd.parsing import imported_values, is_idle
from vizcore.autograd.trace import Message
from vizcore.autograd.values import MISSING, ErrorClass, ErrorValue, GradMode, Instance, Progress, SavedHooks
from vizcore.autograd.words import Namespace, Word

_MAX_NOTE = 80
_MOMENTS = 64


class Interpreter(Exceptions):
    """One run of one program."""

    def run(self, tree: ast.Module) -> None:
        """Runs the whole program.

        Raises:
            FaultError: at the first line that cannot run.
        """
        self._run_block(tree.body)

    def finish_step(self, statement: ast.stmt, note: str = "", *, header: bool = False) -> None:
        """Writes the step of the statement that has just run; of a compound statement only its header."""
        if self._recorder.is_paused:
            return
        end_line = statement.lineno if header else (statement.end_lineno or statement.lineno)
        with self._limits(statement):
            self._recorder.end_line(statement.lineno, end_line, self.named_tensors(), note=note)

    def _run_block(self, statements: list[ast.stmt]) -> str:
        for statement in statements:
            self._guard_time(statement)
            self.current = statement
            if self._on_line is not None and not (self._recorder.is_paused and self._num_moments % _MOMENTS):
                self._on_line(statement.lineno)
            signal = self._run_statement(statement)
            if signal:
                return signal
        return ""

    def _run_statement(self, statement: ast.stmt) -> str:
        run = self._BLOCKS.get(type(statement))
        if run is not None:
            return run(self, statement)
        note = self._run_simple(statement)
        self.finish_step(statement, note, header=isinstance(statement, (ast.FunctionDef, ast.ClassDef)))
        return _SIGNALS.get(type(statement), "")

    # ---- simple statements

    def _run_simple(self, statement: ast.stmt) -> str:
        if isinstance(statement, ast.Assign):
            value = self._evaluate(statement.value)
            for target in statement.targets:
                self._assign(target, value)
            return self._note(statement.targets[0], value)
        if isinstance(statement, ast.AugAssign):
            return self._augment(statement)
        if isinstance(statement, ast.Expr):
            self._run_expression(statement)
        elif isinstance(statement, ast.AnnAssign):
            if statement.value is not None:
                value = self._evaluate(statement.value)
                self._assign(statement.target, value)
                return self._note(statement.target, value)
        elif isinstance(statement, ast.FunctionDef):
            self._bind(statement.name, self._define_function(statement))
        elif isinstance(statement, ast.ClassDef):
            self._bind(statement.name, self._define_class(statement))
        elif isinstance(statement, ast.Return):
            self._returned = None if statement.value is None else self._evaluate(statement.value)
            return f"return {self._short(self._returned, statement)}" if _is_plain(self._returned) else ""
        elif isinstance(statement, (ast.Import, ast.ImportFrom)) and not is_idle(statement):
            for name, value in imported_values(statement).items():
                if name not in ("torch", "nn", "F", "math"):
                    self._bind(name, value)
        elif isinstance(statement, ast.Delete):
            for target in statement.targets:
                self._delete(target)
        elif isinstance(statement, ast.Raise):
            raise self._raise(statement)
        elif isinstance(statement, ast.Assert):
            self._assert(statement)
        return ""

    def _run_expression(self, statement: ast.Expr) -> None:
        value = self._evaluate(statement.value)
        if isinstance(value, GradMode):
            if value.path == "torch.set_grad_enabled":
                torch.set_grad_enabled(bool(value.enabled))
            elif value.enabled is not None or value.is_inference:
                message = Message("Write {path}() behind with, as in: with {path}():", {"path": value.path})
                raise self._fault("unsupported", message, statement)

    def _delete(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._lookup(target)
            if target.id not in self.scope.variables:
                raise self._fault("unsupported", Message("Only variables can be deleted here."), target)
            del self.scope.variables[target.id]
        elif isinstance(target, ast.Subscript):
            owner, index = self._evaluate(target.value), self._evaluate(target.slice)
            if not isinstance(owner, (list, dict)) or not isinstance(index, (int, str, slice)):
                raise self._fault("unsupported", Message("Only variables can be deleted here."), target)
            self._call_python(target, lambda: owner.__delitem__(index))  # type: ignore[arg-type,index]
        elif isinstance(target, (ast.Tuple, ast.List)):
            for element in target.elts:
                self._delete(element)
        else:
            raise self._fault("unsupported", Message("Only variables can be deleted here."), target)

    def _augment(self, statement: ast.AugAssign) -> str:
        """As Python does it: read the target, change it in place, put it back."""
        target = statement.target
        apply = IN_PLACE[type(statement.op)]
        if isinstance(target, ast.Name):
            old = self._lookup(target)
            value = self._operate(statement, statement.op, apply, old, self._evaluate(statement.value))
            self._bind(target.id, value)
            return self._note(target, value)
        if isinstance(target, ast.Subscript):
            owner, index = self._evaluate(target.value), self._evaluate(target.slice)
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
            if isinstance(value, GradMode):
                raise self._fault("unsupported", Message("This cannot be kept in a variable."), target)
            self._bind(target.id, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target, value)
        elif isinstance(target, ast.Subscript):
            owner = self._evaluate(target.value)
            self._set_item(target, owner, self._evaluate(target.slice), value)
        elif isinstance(target, ast.Attribute):
            self._set_attribute(target, self._evaluate(target.value), value)
        else:
            raise self._fault("unsupported", Message("This cannot stand on the left of =."), target)

    def _unpack(self, target: ast.Tuple | ast.List, value: Any) -> None:
        values = self._iterate(value, target)
        starred = [index for index, element in enumerate(target.elts) if isinstance(element, ast.Starred)]
        if not starred:
            parts = self._call_python(target, lambda: unpack(values, len(target.elts)))
            for element, part in zip(target.elts, parts, strict=True):
                self._assign(element, part)
            return
        place, behind = starred[0], len(target.elts) - starred[0] - 1
        parts = self._bounded(value, target)
        if len(parts) < place + behind:
            text = f"not enough values to unpack (expected at least {place + behind}, got {len(parts)})"
            raise self._raised(target, ValueError(text))
        end = len(parts) - behind
        parts = [*parts[:place], parts[place:end], *parts[end:]]
        for element, part in zip(target.elts, parts, strict=True):
            self._assign(element.value if isinstance(element, ast.Starred) else element, part)

    def _note(self, target: ast.expr, value: Any) -> str:
        """How a plain value is shown beside the line that assigned it; tensors are shown as what they are."""
        if not isinstance(target, ast.Name):
            return ""
        if self.folds.is_running:
            self.folds.note(target.id, target.lineno, value)
        if self._recorder.is_paused or not _is_plain(value):
            return ""
        return f"{target.id} = {self._short(value, target)}"

    # ---- compound statements

    def _run_if(self, statement: ast.If) -> str:
        chosen = self._truth(statement.test)
        self.finish_step(statement, str(chosen), header=True)
        return self._run_block(statement.body if chosen else statement.orelse)

    def _run_for(self, statement: ast.For) -> str:
        source = self._evaluate(statement.iter)
        while isinstance(source, Progress):
            source = source.values
        total = range_length(source) if isinstance(source, range) else None
        values: Iterable[Any] = self._iterate(source, statement.iter)
        if total is None:
            listed = list(values)
            values, total = listed, len(listed)
        loop = self.folds.begin(statement.lineno, _last_line(statement), "for", total, self.depth)
        try:
            for value in values:
                self.folds.begin_iteration(loop, self.named_tensors)
                self.current = statement
                self._guard_time(statement)
                self._assign(statement.target, value)
                self.finish_step(statement, self._note(statement.target, value), header=True)
                signal = self._run_block(statement.body)
                if signal in ("break", "return"):
                    return "" if signal == "break" else signal
        finally:
            self._leave(loop, statement)
        return self._run_block(statement.orelse)

    def _run_while(self, statement: ast.While) -> str:
        loop = self.folds.begin(statement.lineno, _last_line(statement), "while", None, self.depth)
        try:
            while True:
                self.folds.begin_iteration(loop, self.named_tensors)
                self.current = statement
                self._guard_time(statement)
                holds = self._truth(statement.test)
                self.finish_step(statement, str(holds), header=True)
                if not holds:
                    break
                signal = self._run_block(statement.body)
                if signal in ("break", "return"):
                    return "" if signal == "break" else signal
        finally:
            self._leave(loop, statement)
        return self._run_block(statement.orelse)

    def _leave(self, loop: Any, statement: ast.stmt) -> None:
        with self._limits(statement):
            self.folds.end(loop, self.named_tensors)

    def _run_with(self, statement: ast.With) -> str:
        managers: list[tuple[ast.expr, Any]] = []
        with ExitStack() as stack:
            for item in statement.items:
                manager = self._evaluate(item.context_expr)
                entered = None
                if isinstance(manager, Instance):
                    entered = self._special(item.context_expr, manager, "__enter__")
                if isinstance(manager, Progress):
                    entered = manager
                elif isinstance(manager, GradMode):
                    stack.enter_context(self._modes((manager,)))
                elif isinstance(manager, SavedHooks):
                    stack.enter_context(self._packing(item.context_expr, manager))
                elif entered is None or entered is MISSING:
                    message = "with takes torch.no_grad() and its kin, or an object of a class with __enter__."
                    if not isinstance(manager, Instance) or entered is MISSING:
                        raise self._fault("unsupported", Message(message), item.context_expr)
                if isinstance(manager, Instance):
                    managers.append((item.context_expr, manager))
                if item.optional_vars is not None:
                    self._assign(item.optional_vars, entered)
            self.finish_step(statement, header=True)
            try:
                signal = self._run_block(statement.body)
            except FaultError as error:
                if error.cause is None or not self._exit(managers, ErrorValue(error.cause)):
                    raise
                return ""
            self._exit(managers, None)
            return signal

    def _exit(self, managers: list[tuple[ast.expr, Any]], error: ErrorValue | None) -> bool:
        """Leaves a block through the objects' own ``__exit__``; says whether one of them swallowed the exception."""
        swallowed = False
        for place, manager in reversed(managers):
            kind = None if error is None or swallowed else ErrorClass(type(error.error))
            result = self._special(place, manager, "__exit__", kind, None if kind is None else error, None)
            swallowed = swallowed or (kind is not None and result is not MISSING and self._truth_of(result, place))
        return swallowed

    def _pass_declaration(self, statement: ast.stmt) -> str:
        return ""

    _BLOCKS: MappingProxyType[type[ast.stmt], Callable[[Any, Any], str]] = MappingProxyType(
        {
            ast.If: _run_if,
            ast.For: _run_for,
            ast.While: _run_while,
            ast.With: _run_with,
            ast.Try: Exceptions._run_try,
            ast.Global: _pass_declaration,
            ast.Nonlocal: _pass_declaration,
        }
    )


_SIGNALS: dict[type[ast.stmt], str] = {ast.Break: "break", ast.Continue: "continue", ast.Return: "return"}


def _last_line(statement: ast.For | ast.While) -> int:
    return statement.body[-1].end_lineno or statement.lineno


def _is_plain(value: Any) -> bool:
    return isinstance(value, (bool, int, float, str, list, tuple, dict, range, type(None), torch.dtype)) and not (
        isinstance(value, (Tensor, nn.Module, Word, Namespace))
    )


__all__ = ["Interpreter", "class_of", "kind_of"]
