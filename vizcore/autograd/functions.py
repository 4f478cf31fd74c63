"""Functions of the learner's: their definition, how arguments find their names, and a call that is recorded."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.builtins_of import Builtins
from vizcore.autograd.faults import nearest
from vizcore.autograd.trace import Message
from vizcore.autograd.values import MISSING, Cursor, Field, Function, GradMode, Instance, Partial, Scope, UserClass
from vizcore.autograd.words import Word

_MAX_NOTE = 80
_IDLE = frozenset(["abc.abstractmethod", "torch.autograd.function.once_differentiable"])
"""Decorators that change nothing here."""


class Functions(Builtins):
    """The part of the interpreter that defines and calls functions."""

    _returned: Any = None

    def _define_function(self, node: ast.FunctionDef) -> Any:
        """The function, or what the decorators above it make of it; those nearest to it first."""
        function = self._make_function(node.name, node.args, node.body, node.lineno)
        others: list[tuple[ast.expr, Any]] = []
        for decorator in reversed(node.decorator_list):
            name = decorator.id if isinstance(decorator, ast.Name) else ""
            if name in ("staticmethod", "classmethod", "property"):
                function.binding = {"staticmethod": "static", "classmethod": "class"}.get(name, name)
                continue
            wraps = self._evaluate(decorator)
            if isinstance(wraps, Word) and wraps.path in _IDLE:
                continue
            if isinstance(wraps, GradMode):
                function.modes = (wraps, *function.modes)
            elif isinstance(wraps, Word) and wraps.path in ("torch.no_grad", "torch.enable_grad"):
                function.modes = (GradMode(wraps.path == "torch.enable_grad", wraps.path), *function.modes)
            elif isinstance(wraps, (Function, UserClass, Instance, Partial)):
                others.append((decorator, wraps))
            else:
                raise self._fault(
                    "unsupported",
                    Message(
                        "Above def there can only be staticmethod, classmethod, property, torch.no_grad() and "
                        "functions of the program's."
                    ),
                    decorator,
                )
        decorated: Any = function
        for decorator, wraps in others:
            decorated = self._call_value(decorator, wraps, (decorated,), {})
        return decorated

    def _make_function(
        self, name: str, arguments: ast.arguments, body: list[ast.stmt] | ast.expr, line: int
    ) -> Function:
        scope = self.scope
        while scope.kind == "class" and scope.parent is not None:
            scope = scope.parent
        return Function(
            name=name,
            arguments=arguments,
            body=body,
            scope=scope,
            defaults=[self._evaluate(default) for default in arguments.defaults],
            keyword_defaults=[
                MISSING if default is None else self._evaluate(default) for default in arguments.kw_defaults
            ],
            line=line,
            names=_names_of(arguments, body if isinstance(body, list) else []),
            yields=isinstance(body, list) and _yields(body),
        )

    def _evaluate_lambda(self, node: ast.Lambda) -> Function:
        return self._make_function("lambda", node.args, node.body, node.lineno)

    def _call_function(self, node: ast.AST, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._guard_time(node)
        if self.depth >= limits.MAX_CALLS:
            raise self._fault("limit", self._too_many_calls(), node)
        local, outer, nonlocals = function.names
        variables = self._bind_arguments(node, function, args, kwargs)
        scope = Scope(variables, function.scope, "call", function.name, local, outer, nonlocals, function.owner)
        caller, caller_scope, recorder = self.current, self.scope, self._recorder
        pauses = recorder.is_full and not recorder.is_paused
        if pauses:
            recorder.is_paused = True
        self.depth += 1
        self.frames.append(scope)
        self.scope = scope
        returned: Any = None
        line = caller.lineno if caller is not None else getattr(node, "lineno", 1)
        is_recorded = False
        try:
            is_recorded = self._begin_call(node, function, variables, line)
            with self._modes(function.modes):
                returned = self._run_body(function)
        except RecursionError as error:
            raise self._out_of(error, node) from None
        finally:
            self.scope = caller_scope
            self.frames.pop()
            self.depth -= 1
            text = "" if isinstance(returned, (Tensor, nn.Module, type(None))) else self._short(returned, node)
            recorder.end_call(is_recorded, text if is_recorded else "")
            if pauses:
                recorder.is_paused = False
        self.current = caller
        return returned

    def _run_body(self, function: Function) -> Any:
        if isinstance(function.body, ast.expr):
            return self._evaluate(function.body)
        if function.yields:
            self.scope.yielded = []
            yielded = self.scope.yielded
            self._run_block(function.body)
            self._returned = None
            return Cursor(yielded)
        signal = self._run_block(function.body)
        returned, self._returned = (self._returned if signal == "return" else None), None
        return returned

    def _begin_call(self, node: ast.AST, function: Function, variables: dict[str, Any], line: int) -> bool:
        if self._recorder.is_paused:
            return self._recorder.begin_call("", 0, 0, [], "")
        parts = [
            f"{name} = {self._short(value, node)}"
            for name, value in variables.items()
            if not isinstance(value, (Tensor, nn.Module)) and name != "self"
        ]
        owner = f"{function.owner.name}." if isinstance(function.owner, UserClass) else ""
        with self._limits(node):
            return self._recorder.begin_call(
                owner + function.name, function.line, line, self.named_tensors(), ", ".join(parts)[: 2 * _MAX_NOTE]
            )

    def _short(self, value: Any, node: ast.AST) -> str:
        """A plain value in few characters; objects by their kind, so that no method of theirs runs."""
        if isinstance(value, (bool, int, float, str, list, tuple)) or value is None:
            if isinstance(value, (list, tuple)) and not all(
                isinstance(part, (bool, int, float, str)) for part in value[:20]
            ):
                return "[…]" if isinstance(value, list) else "(…)"
            text = self._text(value, quoted=True, node=node, room=_MAX_NOTE)
            return text if len(text) <= _MAX_NOTE else text[: _MAX_NOTE - 1] + "…"
        return self._name_of(value)

    @contextmanager
    def _modes(self, modes: Iterable[GradMode]) -> Iterator[None]:
        """Runs a block in grad modes, the last one innermost."""
        before = torch.is_grad_enabled()
        with ExitStack() as stack:
            for mode in modes:
                if mode.is_inference:
                    stack.enter_context(torch.inference_mode())
                elif mode.enabled is not None:
                    torch.set_grad_enabled(mode.enabled)
            try:
                yield
            finally:
                torch.set_grad_enabled(before)

    def _evaluate_yield(self, node: ast.Yield | ast.YieldFrom) -> None:
        """Hands a value out: a function with ``yield`` runs to its end first, and its values are taken then."""
        scope: Scope | None = self.scope
        while scope is not None and scope.yielded is None:
            scope = scope.parent
        if scope is None or scope.yielded is None:
            raise self._unsupported("yield", node)
        if isinstance(node, ast.YieldFrom):
            scope.yielded.extend(self._bounded(self._evaluate(node.value), node))
        else:
            scope.yielded.append(None if node.value is None else self._evaluate(node.value))
        if len(scope.yielded) > limits.MAX_LIST:
            raise self._fault("limit", limits.too_long_a_list().reason, node)

    # ---- arguments

    def _bind_arguments(
        self, node: ast.AST, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Gives each argument its name, as Python does, with Python's own words where they do not fit."""
        spec = function.arguments
        positional = [argument.arg for argument in (*spec.posonlyargs, *spec.args)]
        only_positional = {argument.arg for argument in spec.posonlyargs}
        keyword = [argument.arg for argument in spec.kwonlyargs]
        bound: dict[str, Any] = dict(zip(positional, args, strict=False))
        name = function.name if function.owner is None else f"{function.owner.name}.{function.name}"
        extra = args[len(positional) :]
        rest: dict[str, Any] = {}
        for word, value in kwargs.items():
            if word in bound and word not in only_positional:
                raise self._raised(node, TypeError(f"{name}() got multiple values for argument '{word}'"))
            if (word in positional and word not in only_positional) or word in keyword:
                bound[word] = value
            else:
                rest[word] = value
        if rest and spec.kwarg is None:
            self._refuse_keyword(node, name, next(iter(rest)), [*positional, *keyword])
        defaults = dict(zip(positional[len(positional) - len(function.defaults) :], function.defaults, strict=True))
        defaults |= {
            word: value for word, value in zip(keyword, function.keyword_defaults, strict=True) if value is not MISSING
        }
        missing = [word for word in (*positional, *keyword) if word not in bound and word not in defaults]
        if missing:
            kind = "keyword-only" if missing[0] in keyword else "positional"
            plural = "s" if len(missing) > 1 else ""
            words = " and ".join(f"'{word}'" for word in missing) if len(missing) < 3 else _listed(missing)
            text = f"{name}() missing {len(missing)} required {kind} argument{plural}: {words}"
            raise self._raised(node, TypeError(text))
        if extra and spec.vararg is None:
            num = len(positional)
            takes = f"from {num - len(function.defaults)} to {num}" if function.defaults else str(num)
            plural = "" if num == 1 and not function.defaults else "s"
            was = "was" if len(args) == 1 else "were"
            text = f"{name}() takes {takes} positional argument{plural} but {len(args)} {was} given"
            raise self._raised(node, TypeError(text))
        variables = {word: bound.get(word, defaults.get(word)) for word in (*positional, *keyword)}
        for word, value in variables.items():
            if isinstance(value, Field):
                variables[word] = self._call_value(node, value.factory, (), {})
        if spec.vararg is not None:
            variables[spec.vararg.arg] = self._admit(tuple(extra), node)
        if spec.kwarg is not None:
            variables[spec.kwarg.arg] = self._admit(rest, node)
        return variables

    def _refuse_keyword(self, node: ast.AST, name: str, word: str, known: list[str]) -> None:
        cause = TypeError(f"{name}() got an unexpected keyword argument '{word}'")
        suggestion = nearest(word, known)
        if not suggestion:
            raise self._raised(node, cause)
        values = {"path": name, "word": word, "suggestion": suggestion}
        message = Message("{path} has no argument {word}. Did you mean {suggestion}?", values)
        raise self._fault("name", message, node, suggestion=suggestion, cause=cause)


def _yields(body: list[ast.stmt]) -> bool:
    """Whether a ``yield`` belongs to this function and not to one inside it."""
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
            stack.extend(ast.iter_child_nodes(node))
    return False


def _listed(words: list[str]) -> str:
    return ", ".join(f"'{word}'" for word in words[:-1]) + f", and '{words[-1]}'"


def _names_of(arguments: ast.arguments, body: list[ast.stmt]) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The names that a function binds, and those that it declares global or nonlocal."""
    local = {argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    local |= {argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument is not None}
    outer: set[str] = set()
    nonlocals: set[str] = set()
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            local.add(node.name)
            continue
        if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            local.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            local.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            local |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Global):
            outer |= set(node.names)
        elif isinstance(node, ast.Nonlocal):
            nonlocals |= set(node.names)
        stack.extend(ast.iter_child_nodes(node))
    return frozenset(local - outer - nonlocals), frozenset(outer), frozenset(nonlocals)
