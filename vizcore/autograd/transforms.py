"""``torch.func``: functions of the program's go in, functions come out; and functions with arguments given."""

from __future__ import annotations

import ast
from typing import Any

from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.limits import LimitError
from vizcore.autograd.saved_hooks import SavedTensorHooks
from vizcore.autograd.values import Partial, Pullback
from vizcore.autograd.vocabulary import FUNC
from vizcore.autograd.words import Word

_OPTIONS = frozenset(["argnums", "has_aux", "in_dims", "out_dims", "randomness", "chunk_size"])
_AT_ONCE = ("torch.func.vjp", "torch.func.functional_call")


class Transforms(SavedTensorHooks):
    """The part of the interpreter that differentiates functions as functions.

    torch runs the function on tensors of its own that stand for a level of differentiation; they cannot be read, so
    what happens inside is not recorded: the line that calls the new function is one step. Inside, a tensor's shape is
    that of one sample: what really comes into being is seen only by the guard, which therefore watches every operator.
    """

    _num_transforms = 0

    def _call_word(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if word.path not in _PATHS:
            return super()._call_word(node, word, args, kwargs)
        if word.path in _AT_ONCE:
            return self._transform_now(node, word, args, kwargs)
        if not args:
            raise self._raised(node, TypeError(f"{word.path}() takes a function"))
        self._callable(args[0], node)
        self._check_arguments(node, args[1:], kwargs)
        for name in kwargs:
            if name not in _OPTIONS:
                raise self._raised(node, TypeError(f"{word.path}() got an unexpected keyword argument '{name}'"))
        return Partial(args[0], args[1:], kwargs, transform=word)

    def _call_partial(self, node: ast.AST, callee: Partial, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if callee.transform is None:
            return self._call_value(node, callee.function, (*callee.args, *args), {**callee.kwargs, **kwargs})
        call = self._callable(callee.function, node)
        transformed = self._call_python(node, lambda: callee.transform.function(call, *callee.args, **callee.kwargs))
        self._check_transformed(node, args)
        return self._unrecorded(node, transformed, args, kwargs)

    def _transform_now(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Those that take the inputs together with the function."""
        if not args:
            raise self._raised(node, TypeError(f"{word.path}() takes a function and its inputs"))
        self._check_transformed(node, args[1:])
        if word.path == "torch.func.functional_call" and isinstance(args[0], nn.Module):
            return self._unrecorded(node, word.function, args, kwargs)
        result = self._unrecorded(node, word.function, (self._callable(args[0], node), *args[1:]), kwargs)
        if isinstance(result, tuple) and len(result) > 1 and callable(result[1]):
            result = (result[0], Pullback(result[1]), *result[2:])
        return result

    def _call_pullback(self, node: ast.AST, callee: Pullback, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._check_transformed(node, args)
        return self._unrecorded(node, callee.function, args, kwargs)

    def _unrecorded(self, node: ast.AST, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        recorder, current = self._recorder, self.current
        before, recorder.is_paused = recorder.is_paused, True
        self._num_transforms += 1
        try:
            with self._limits(node):
                if self._num_transforms > limits.MAX_TRANSFORMS:
                    raise LimitError("Transforms can stand in each other {limit} deep.", limit=limits.MAX_TRANSFORMS)
            with self._guard:
                result = self._call_torch(node, function, args, kwargs, known_as="transform")
        finally:
            recorder.is_paused = before
            self.current = current
            self._num_transforms -= 1
        recorder.add_result(result)
        return result

    def _check_transformed(self, node: ast.AST, args: tuple[Any, ...]) -> None:
        """Dictionaries of tensors, which hold parameters here, and whatever else torch may be given."""
        for value in args:
            if isinstance(value, dict) and all(isinstance(part, Tensor) for part in value.values()):
                continue
            self._check_arguments(node, (value,), {})

    def _call_value(self, node: ast.AST, callee: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError


_PATHS = frozenset(word.path for word in FUNC.words.values())
