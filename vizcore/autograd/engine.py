"""Runs of the engine: what a program calls backward() and autograd.grad() with, handed to the recorder."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vizcore.autograd.explanations import explain
from vizcore.autograd.expressions import Expressions
from vizcore.autograd.faults import FaultError
from vizcore.autograd.machine import error_text, kind_of
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    BoundFunction,
    Function,
    Instance,
    Method,
    Partial,
    Pullback,
    UserClass,
)
from vizcore.autograd.words import Word

_CALLABLE = (Word, Method, Function, BoundFunction, UserClass, Instance, nn.Module, Partial, Pullback)


class Engine(Expressions):
    """The part of the interpreter that runs backward passes."""

    def _callable(self, value: Any, node: ast.AST) -> Callable[..., Any]:
        """A function of the program's as one that torch can call; what goes in and out is checked as ever."""

        def call(*args: Any, **kwargs: Any) -> Any:
            for value_in in (*args, *kwargs.values()):
                self._admit(value_in, node)
            return self._call_value(node, value, args, kwargs)

        if not isinstance(value, _CALLABLE):
            raise self._raised(node, TypeError(f"'{kind_of(value)}' object is not callable"))
        return call

    def _call_backward(self, node: ast.AST, owner: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        words = ("gradient", "retain_graph", "create_graph", "inputs")
        given = {**dict(zip(words, args, strict=False)), **kwargs}
        roots = roots_of(owner, given.get("gradient"))
        self._run_engine(node, lambda: owner.backward(*args, **kwargs), roots, given)

    def _call_grad(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        words = ("outputs", "inputs", "grad_outputs", "retain_graph", "create_graph")
        given = {**dict(zip(words, args, strict=False)), **kwargs}
        roots = roots_of(given.get("outputs"), given.get("grad_outputs"))
        return self._run_engine(node, lambda: torch.autograd.grad(*args, **kwargs), roots, given)

    def _run_engine(
        self, node: ast.AST, call: Callable[[], Any], roots: list[tuple[Tensor, Tensor | None]], given: dict[str, Any]
    ) -> Any:
        keeps_graph = given.get("retain_graph")
        if keeps_graph is None:
            keeps_graph = given.get("create_graph", False)
        first = getattr(node, "lineno", 1)
        line = self.current.lineno if self.current is not None else first

        def run() -> Any:
            if given.get("is_grads_batched"):  # torch's hooks would see all rows in one tensor that cannot be read
                with self._guard:
                    return call()
            named = [] if self._recorder.is_paused else self.named_tensors()
            end = getattr(node, "end_lineno", None) or line
            return self._recorder.run_engine(call, roots, line, end, named, keeps_graph=bool(keeps_graph))

        current = self.current
        result = self._call_torch(node, run, (), known_as="engine")
        self.current = current  # a hook or a backward of the learner's has run its own lines
        return result

    def named_tensors(self) -> list[tuple[str, Tensor]]:
        """Every tensor that the program can name now."""
        raise NotImplementedError

    def _explained(self, node: ast.AST, error: Exception) -> FaultError:
        text = error_text(error)
        return self._fault("value", Message("{text}", {"text": text}), node, explanation=explain(text), cause=error)


def roots_of(outputs: Any, gradients: Any) -> list[tuple[Tensor, Tensor | None]]:
    """The tensors that the engine starts from, each with the gradient that was handed in."""
    given = _as_tuple(outputs)
    handed = _as_tuple(gradients) or (None,) * len(given)
    return [
        (output, gradient if isinstance(gradient, Tensor) else None)
        for output, gradient in zip(given, handed, strict=False)
        if isinstance(output, Tensor)
    ]


def _as_tuple(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)
