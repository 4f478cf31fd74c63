"""Calls: what kind of thing is called."""

from __future__ import annotations

import ast
from typing import Any

from torch import nn

from vizcore.autograd.machine import kind_of
from vizcore.autograd.trace import Message
from vizcore.autograd.transforms import Transforms
from vizcore.autograd.values import (
    BoundFunction,
    ErrorClass,
    Function,
    GradMode,
    Instance,
    Method,
    Partial,
    Pullback,
    Silent,
    UserClass,
)
from vizcore.autograd.vocabulary import REFUSED_KEYWORDS
from vizcore.autograd.words import Word


class Calls(Transforms):
    """The part of the interpreter that calls torch's, numpy's and Python's functions."""

    def _evaluate_call(self, node: ast.Call) -> Any:
        callee = self._evaluate(node.func)
        args = tuple(self._elements(node.args))
        kwargs = self._keywords(node)
        if isinstance(callee, Word) and callee.path == "super":
            return self._call_super(node, args)
        return self._call_value(node, callee, args, kwargs)

    def _keywords(self, node: ast.Call) -> dict[str, Any]:
        kwargs: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self._evaluate(keyword.value)
            if keyword.arg is None:
                if not isinstance(value, dict) or not all(isinstance(word, str) for word in value):
                    raise self._raised(keyword.value, TypeError("argument after ** must be a mapping of names"))
                pairs = value
            else:
                pairs = {keyword.arg: value}
            for word, part in pairs.items():
                if word in kwargs:
                    raise self._raised(keyword.value, TypeError(f"got multiple values for keyword argument '{word}'"))
                if word in REFUSED_KEYWORDS or word.startswith("__"):
                    raise self._fault(
                        "unsupported",
                        Message("The argument {word} is not part of the lab.", {"word": word}),
                        keyword.value,
                    )
                kwargs[word] = part
        return kwargs

    def _call_value(self, node: ast.AST, callee: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(callee, Word):
            return self._call_word(node, callee, args, kwargs)
        if isinstance(callee, Method):
            return self._call_method(node, callee, args, kwargs)
        if isinstance(callee, Function):
            return self._call_function(node, callee, args, kwargs)
        if isinstance(callee, BoundFunction):
            return self._call_function(node, callee.function, (callee.owner, *args), kwargs)
        if isinstance(callee, (UserClass, Instance, ErrorClass)):
            return self._call_user(node, callee, args, kwargs)
        if isinstance(callee, nn.Module):
            return self._call_module(node, callee, args, kwargs)
        if isinstance(callee, Silent):
            return None
        if isinstance(callee, Partial):
            return self._call_partial(node, callee, args, kwargs)
        if isinstance(callee, Pullback):
            return self._call_pullback(node, callee, args, kwargs)
        if isinstance(callee, GradMode) and len(args) == 1 and isinstance(args[0], Function):
            function = args[0]
            function.modes = (callee, *function.modes)
            return function
        raise self._raised(node, TypeError(f"'{kind_of(callee)}' object is not callable"))

    def _call_super(self, node: ast.AST, args: tuple[Any, ...]) -> Any:
        raise NotImplementedError

    def _call_user(self, node: ast.AST, callee: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError
