"""Distributions of a program: torch's own objects, whose samples come from the program's generator."""

from __future__ import annotations

import ast
from typing import Any

import torch
from torch import Tensor

from vizcore.autograd import distributions
from vizcore.autograd.machine import kind_of
from vizcore.autograd.method_calls import MethodCalls
from vizcore.autograd.trace import Message
from vizcore.autograd.values import Distribution, Method
from vizcore.autograd.words import Word


class Sampling(MethodCalls):
    """The part of the interpreter that makes distributions, draws from them and asks them."""

    def _call_word(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if word.path not in distributions.PATHS:
            return super()._call_word(node, word, args, kwargs)
        if word.path.endswith("kl_divergence"):
            return self._diverge(node, word, args, kwargs)
        if word.path.endswith("Distribution"):
            raise self._raised(node, TypeError("Distribution is what the others are made of; make a Normal"))
        self._check_keywords(node, word, kwargs)
        self._check_arguments(node, args, kwargs)
        if any(not isinstance(value, (Tensor, int, float, type(None))) for value in (*args, *kwargs.values())):
            raise self._raised(node, ValueError(f"{kind_of_word(word)} takes tensors and numbers"))
        shapes = [tuple(value.shape) for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        if shapes:
            with self._limits(node):
                distributions.check_together(*shapes)

        def make() -> Distribution:
            return Distribution(word.function(*args, **kwargs))

        return self._call_torch(node, make, (), known_as=word.path)

    def _call_method(self, node: ast.AST, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        owner, name = method.owner, method.name
        if not isinstance(owner, Distribution):
            return super()._call_method(node, method, args, kwargs)
        self._check_arguments(node, args, kwargs)
        inner = owner.distribution
        call = getattr(inner, name)
        self._check_keywords(node, Word(f"{kind_of(owner)}.{name}", call), kwargs)
        values = (*args, *kwargs.values())
        if name == "rsample" and not inner.has_rsample:
            message = "{kind} has no rsample(): no gradient flows through whole numbers. Use sample() and log_prob()."
            raise self._fault("value", Message(message, {"kind": kind_of(owner)}), node, cause=NotImplementedError())
        if name in distributions.SAMPLES:
            if len(values) > 1 or not kwargs.keys() <= {"sample_shape"}:
                raise self._raised(node, TypeError(f"{name}() takes one shape"))
            size = self._call_python(node, lambda: torch.Size(*values))
            with self._limits(node):
                distributions.check_sample(inner, size)
            return self._call_torch(node, call, (size,), is_random=True, known_as=name)
        if name in distributions.AT_VALUES and not all(isinstance(value, (Tensor, int, float)) for value in values):
            raise self._raised(node, ValueError(f"The value argument to {name} must be a Tensor"))
        with self._limits(node):
            distributions.check_values(inner, *(value for value in values if isinstance(value, Tensor)))
        return self._call_torch(node, call, args, kwargs, known_as=name)

    def _get_attribute(self, node: ast.Attribute, owner: Any) -> Any:
        if not isinstance(owner, Distribution) or node.attr.startswith("_"):
            return super()._get_attribute(node, owner)
        known, methods = distributions.ATTRIBUTES[kind_of(owner)], distributions.METHODS[kind_of(owner)]
        if node.attr in methods:
            return Method(owner, node.attr)
        if node.attr not in known:
            self._unknown_attribute(node, kind_of(owner), known | methods)
        with self._limits(node):
            distributions.check_values(owner.distribution)
        return self._call_torch(node, getattr, (owner.distribution, node.attr))

    def _diverge(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``kl_divergence(p, q)``."""
        pair = (*args, *(kwargs[name] for name in ("p", "q") if name in kwargs))
        if len(pair) != 2 or len(args) + len(kwargs) != 2 or not all(isinstance(part, Distribution) for part in pair):
            raise self._raised(node, TypeError("kl_divergence() takes two distributions"))
        inner = [part.distribution for part in pair]
        with self._limits(node):
            distributions.check_pair(*inner)
        return self._call_torch(node, lambda: word.function(*inner), (), known_as=word.path)


def kind_of_word(word: Word) -> str:
    """The bare name of a word."""
    return word.path.rpartition(".")[2]
