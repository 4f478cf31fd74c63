"""Calls of methods: of tensors, containers, modules, optimizers."""

from __future__ import annotations

import ast
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.arrays import check_array_call
from vizcore.autograd.attributes import class_of
from vizcore.autograd.containers import CHANGING, check_method
from vizcore.autograd.lbfgs import LBFGS
from vizcore.autograd.machine import kind_of
from vizcore.autograd.optimizers import Optimizer
from vizcore.autograd.schedulers import Scheduler
from vizcore.autograd.tensor_facts import grad_of, is_leaf_of
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    Chance,
    Context,
    Device,
    GraphNode,
    Handle,
    Method,
)
from vizcore.autograd.vocabulary import GROWING, MODULE_HOOKS, RANDOM, TENSOR_TYPES
from vizcore.autograd.word_calls import WordCalls
from vizcore.autograd.words import Word

LOOKING = frozenset(
    [
        "parameters",
        "named_parameters",
        "buffers",
        "named_buffers",
        "children",
        "named_children",
        "modules",
        "named_modules",
        "zero_grad",
    ]
)
_LOADED = (nn.ModuleList, nn.ParameterList)
_TYPE_NAMES = {
    f"torch.{name}": dtype for name, dtype in ((path.split(".")[1], dtype) for path, dtype in TENSOR_TYPES.items())
}


_CLOSURE = frozenset(["closure"])
RESHAPING = frozenset(["unsqueeze_", "squeeze_", "transpose_", "t_"])
_ATTENDING = ("MultiheadAttention", "TransformerEncoderLayer")
_DROPPING = frozenset(["Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "RNN", "LSTM", "GRU", *_ATTENDING])


class MethodCalls(WordCalls):
    """The part of the interpreter that calls methods."""

    def _call_method(self, node: ast.AST, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        owner, name = method.owner, method.name
        if isinstance(owner, Tensor):
            return self._call_tensor_method(node, owner, name, args, kwargs)
        if isinstance(owner, (str, list, tuple, dict, set)):
            return self._call_container(node, owner, name, args, kwargs)
        if isinstance(owner, GraphNode):
            return owner.node.name()
        if isinstance(owner, Handle):
            return self._call_python(node, owner.handle.remove)
        if isinstance(owner, (Optimizer, Scheduler)):
            return self._call_optimizer_method(node, owner, name, args, kwargs)
        if isinstance(owner, Context):
            return self._call_torch(node, getattr(owner.context, name), args, kwargs)
        if isinstance(owner, (np.ndarray, np.generic)):
            word = Word(f"np.{name}", getattr(owner, name))
            if name in ("dot", "clip"):
                self._call_python(node, lambda: check_array_call(name, (owner, *args), kwargs))
            return self._call_array(node, word, args, kwargs)
        if isinstance(owner, Chance):
            word = Word(f"chance.{name}", getattr(owner.generator, name, None) or _refuse_chance)
            return self._call_array(node, word, args, kwargs)
        if isinstance(owner, (bool, int, float)):
            return self._admit(self._call_python(node, getattr(owner, name)), node)
        if isinstance(owner, nn.Module):
            return self._call_module_method(node, owner, name, args, kwargs)
        return self._call_user_method(node, owner, name, args, kwargs)

    def _call_user_method(
        self, node: ast.AST, owner: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        raise NotImplementedError

    def _call_tensor_method(
        self, node: ast.AST, owner: Tensor, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if name in ("register_hook", "register_post_accumulate_grad_hook"):
            return self._register_hook(node, owner, name, args, kwargs)
        if name in ("to", "cpu", "type"):
            args, kwargs = self._without_places(node, args, kwargs)
            if name == "cpu" or (name == "to" and not args and not kwargs):
                return owner
            if name == "type" and not args and not kwargs:
                return owner.type()
            name = "to" if name == "type" else name
        self._check_arguments(node, args, kwargs)
        self._check_keywords(node, Word(f"Tensor.{name}", getattr(type(owner), name)), kwargs)
        if name == "backward":
            return self._call_backward(node, owner, args, kwargs)
        if name in RESHAPING and owner.numel() ** 2 > limits.MAX_ELEMENTS:
            self._check_reshaped(node, owner)
        if name == "item" and not args and self.folds.is_running and owner.numel() == 1:
            self._guard_time(node)
            return owner.item()
        return self._call_torch(
            node, getattr(type(owner), name), (owner, *args), kwargs, grows=name in GROWING, is_random=name in RANDOM
        )

    def _check_reshaped(self, node: ast.AST, owner: Tensor) -> None:
        """A parameter and its gradient keep their shapes: two that differ would broadcast when they meet."""
        is_parameter = owner.requires_grad and is_leaf_of(owner)
        if is_parameter or any(grad_of(tensor) is owner for _, tensor in self.named_tensors()):
            message = "A leaf and its gradient keep their shape here; make a new tensor, without the _."
            raise self._fault("unsupported", Message(message), node)

    def _without_places(
        self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments without the processor, which is where everything is already."""
        if "device" in kwargs:
            self._check_place(node, kwargs["device"])
        kept: list[Any] = []
        for value in args:
            if isinstance(value, Word) and value.path in TENSOR_TYPES:
                kept.append(TENSOR_TYPES[value.path])
            elif isinstance(value, str) and value in _TYPE_NAMES:
                kept.append(_TYPE_NAMES[value])
            elif isinstance(value, (str, Device)):
                if value != "cpu" and not isinstance(value, Device):
                    raise self._fault(
                        "unsupported", Message("There is only one device here; to() takes a dtype."), node
                    )
            else:
                kept.append(value)
        return tuple(kept), {name: value for name, value in kwargs.items() if name not in ("device", "non_blocking")}

    def _register_hook(
        self, node: ast.AST, owner: Tensor, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Handle:
        """A hook of the program's: it runs while the engine is at its tensor."""
        hooks = (*args, *kwargs.values())
        if len(hooks) != 1:
            raise self._raised(node, TypeError(f"{name}() takes one function"))
        call = self._callable(hooks[0], node)

        def hook(gradient: Tensor) -> Tensor | None:
            result = call(gradient)
            return result if isinstance(result, Tensor) and name == "register_hook" else None

        return Handle(self._call_python(node, lambda: getattr(owner, name)(hook)))

    def _register_module_hook(
        self, node: ast.AST, owner: nn.Module, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Handle:
        """A hook of the program's on a module: what it returns takes the place of what it was given."""
        hooks = (*args, *kwargs.values())
        if len(hooks) != 1:
            raise self._raised(node, TypeError(f"{name}() takes one function"))
        call = self._callable(hooks[0], node)

        def hook(*given: Any) -> Any:
            return None if self._guard.is_rehearsing else call(*given)

        self._forget_modules()
        return Handle(self._call_python(node, lambda: getattr(owner, name)(hook)))

    def _call_container(
        self, node: ast.AST, owner: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if isinstance(owner, str) and name == "format":
            return self._format_method(node, owner, args, kwargs)
        if name == "sort":
            owner[:] = self._sorted(node, owner, kwargs)
            return None
        if name == "join" and len(args) == 1 and not isinstance(args[0], str):
            args = (self._bounded(args[0], node),)
        if name == "extend" and len(args) == 1:
            args = (self._bounded(args[0], node),)
        if isinstance(owner, (dict, set)) and name in ("get", "pop", "setdefault", "add", "remove", "discard") and args:
            self._key(args[0], node)
        if isinstance(owner, set) and name in ("update", "union", "intersection", "difference"):
            args = tuple([self._key(part, node) for part in self._bounded(value, node)] for value in args)
        if isinstance(owner, dict) and name == "update" and args and not isinstance(args[0], dict):
            raise self._raised(node, TypeError("update takes a dictionary"))
        with self._limits(node):
            check_method(owner, name, args)
        if name == "index" and isinstance(owner, (list, tuple)) and not (args and _is_short(args[0])):
            return self._index_of(node, owner, args)
        if isinstance(owner, list) and name == "append" and (len(args) != 1 or kwargs):
            raise self._raised(node, TypeError("append takes one value."))
        result = self._call_python(node, lambda: getattr(owner, name)(*args, **kwargs))
        if name in CHANGING:
            added = args[-1] if name in ("append", "add", "insert") and args else owner
            if self.folds.is_running and name == "append" and isinstance(node, ast.Call):
                self.folds.note(ast.unparse(node.func).removesuffix(".append"), node.lineno, args[0])
            self._check_lists(node, owner, added)
            return result
        if isinstance(owner, dict) and name in ("items", "keys", "values"):
            result = list(result)
        return self._admit(result, node)

    def _index_of(self, node: ast.AST, owner: Any, args: tuple[Any, ...]) -> int:
        """``index`` of what is no number: Python's own error would write out all of it."""
        if not args or not all(isinstance(place, int) for place in args[1:]):
            raise self._raised(node, TypeError("index takes a value and where to begin"))
        start, stop = args[1] if len(args) > 1 else 0, args[2] if len(args) > 2 else None
        places = range(len(owner))[start:stop]
        place = next((place for place in places if self._is_same(node, owner[place], args[0])), None)
        if place is None:
            raise self._raised(node, ValueError(f"{kind_of(args[0])} is not in list"))
        return place

    def _is_same(self, node: ast.AST, one: Any, other: Any) -> bool:
        return one is other or bool(self._call_python(node, lambda: one == other))

    def _call_optimizer_method(
        self, node: ast.AST, owner: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if (
            isinstance(owner, Optimizer)
            and name == "step"
            and len(args) == 1 - len(kwargs)
            and kwargs.keys() <= _CLOSURE
        ):
            return self._step_with_closure(node, owner, (*args, *kwargs.values())[0])
        if isinstance(owner, Scheduler):
            args = tuple(value.item() if isinstance(value, Tensor) and value.numel() == 1 else value for value in args)
        else:
            self._check_keywords(node, Word(name, getattr(owner, name)), kwargs)
        return self._call_torch(node, getattr(owner, name), args, kwargs)

    def _step_with_closure(self, node: ast.AST, owner: Optimizer, closure: Any) -> Any:
        """``step(closure)``: the closure's lines run within the step, as often as the rule asks for the loss."""
        if closure is None and not isinstance(owner, LBFGS):
            return self._call_torch(node, owner.step, ())
        call, line = self._callable(closure, node), self.current

        def evaluate() -> Any:
            self._guard.check_time()
            with torch.enable_grad():
                return call()

        if isinstance(owner, LBFGS):
            loss = self._call_torch(node, lambda: owner.step(evaluate), (), known_as="closure")
        else:
            loss = self._call_torch(node, evaluate, (), known_as="closure")
            self._call_torch(node, owner.step, ())
        self.current = line
        return loss

    def _call_module(self, node: ast.AST, callee: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._check_arguments(node, args, kwargs)
        drops = self._drops.get(callee)
        if drops is None:
            drops = any(part.training and type(part).__name__ in _DROPPING for part in callee.modules())
            self._drops[callee] = drops
        with ExitStack() as stack:
            if any(has_hooks(part) for part in callee.modules()):
                self._watch_parts(node, callee, stack)
            return self._call_torch(node, callee, args, kwargs, grows=True, is_random=drops)

    def _watch_parts(self, node: ast.AST, module: nn.Module, stack: ExitStack) -> None:
        """Rehearses every part with what it is really given: a hook of the program's can put anything in its way."""

        def rehearse(part: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if not self._guard.is_rehearsing:
                self._check_arguments(node, args, kwargs)
                with self._limits(node):
                    self._rehearse(part, args, kwargs)

        for part in module.modules():
            if not isinstance(part, (nn.Sequential, nn.ModuleList, nn.ModuleDict)) and class_of(part) is None:
                stack.callback(part.register_forward_pre_hook(rehearse, with_kwargs=True).remove)

    def _call_module_method(
        self, node: ast.AST, owner: nn.Module, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if name == "forward":
            return self._call_module(node, owner, args, kwargs)
        if name == "__init__":
            return None
        if name == "apply":
            call = self._callable(args[0] if args else None, node)
            for part in _children_first(owner):
                call(part)
            return owner
        if name in MODULE_HOOKS:
            return self._register_module_hook(node, owner, name, args, kwargs)
        if name in ("to", "cpu"):
            args, kwargs = self._without_places(node, args, kwargs)
            if not args and not kwargs:
                return owner
            name = "to"
        if name in ("append", "extend") and not isinstance(owner, (*_LOADED, nn.Sequential)):
            raise self._raised(node, AttributeError(f"'{kind_of(owner)}' object has no attribute '{name}'"))
        if name == "state_dict":
            state = self._call_torch(node, lambda: tuple(owner.state_dict().items()), ())
            return self._admit(dict(state), node)
        if name == "load_state_dict":
            if (
                len(args) != 1
                or not isinstance(args[0], dict)
                or not all(isinstance(v, Tensor) for v in args[0].values())
            ):
                raise self._raised(node, TypeError("load_state_dict takes what state_dict() returned"))
            self._call_torch(node, lambda: owner.load_state_dict(args[0]) and None, ())
            return "<All keys matched successfully>"
        self._check_arguments(node, args, kwargs)
        if name in ("add_module", "register_buffer", "register_parameter") and args and isinstance(args[0], str):
            word = args[0]
            if not word.isidentifier() or word.startswith("_") or hasattr(nn.Module, word):
                raise self._fault("unsupported", Message("{path} cannot be changed.", {"path": word}), node)
        result = self._call_torch(node, getattr(type(owner), name), (owner, *args), kwargs)
        if name not in LOOKING:
            self._forget_modules()
            self._admit(owner, node)
        return result

    def _sorted(self, node: ast.AST, values: Any, kwargs: dict[str, Any]) -> list[Any]:
        raise NotImplementedError


def _is_short(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def _refuse_chance(*args: Any, **kwargs: Any) -> Any:
    raise AttributeError("RandomState has randint and rand; default_rng() has integers and random")


def _children_first(module: nn.Module) -> list[nn.Module]:
    """A module's parts in the order in which ``apply`` comes to them: the parts of a part before it."""
    return [part for child in module.children() for part in _children_first(child)] + [module]


def has_hooks(module: nn.Module) -> bool:
    """Whether torch itself has to call a module, because hooks hang on it."""
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )
