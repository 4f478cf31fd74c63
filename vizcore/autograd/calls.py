"""Calls: which function of torch, numpy or Python stands behind a word, and what may go into it."""

from __future__ import annotations

import ast
import collections
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.arrays import check_array_call, run_array_call
from vizcore.autograd.containers import CHANGING, check_method
from vizcore.autograd.datasets import DataLoader
from vizcore.autograd.explanations import explain
from vizcore.autograd.expressions import Expressions
from vizcore.autograd.libraries import PYPLOT
from vizcore.autograd.limits import LimitError
from vizcore.autograd.machine import error_text, kind_of
from vizcore.autograd.optimizers import Optimizer
from vizcore.autograd.parsing import FaultError, nearest
from vizcore.autograd.schedulers import Scheduler
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    BoundFunction,
    Context,
    Device,
    ErrorClass,
    ErrorValue,
    Function,
    GradMode,
    GraphNode,
    Handle,
    Instance,
    Method,
    Silent,
    UserClass,
    plain_device,
)
from vizcore.autograd.vocabulary import (
    AUTOGRAD,
    GROWING,
    KNOWN_KEYWORDS,
    OPTIM,
    RANDOM,
    REFUSED_KEYWORDS,
    TENSOR_TYPES,
    Word,
    tensor_of_type,
)

_DROPPING = frozenset(["Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "RNN", "LSTM", "GRU"])
_GRAD_MODES = {
    "torch.no_grad": False,
    "torch.enable_grad": True,
    "torch.inference_mode": False,
    "torch.set_grad_enabled": None,
}
_LOOKING = frozenset(
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


class Calls(Expressions):
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
        if isinstance(callee, GradMode) and len(args) == 1 and isinstance(args[0], Function):
            function = args[0]
            function.modes = (callee, *function.modes)
            return function
        raise self._raised(node, TypeError(f"'{kind_of(callee)}' object is not callable"))

    def _call_super(self, node: ast.AST, args: tuple[Any, ...]) -> Any:
        raise NotImplementedError

    def _call_user(self, node: ast.AST, callee: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _call_module(self, node: ast.AST, callee: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._check_arguments(node, args, kwargs)
        drops = self._drops.get(callee)
        if drops is None:
            drops = any(part.training and type(part).__name__ in _DROPPING for part in callee.modules())
            self._drops[callee] = drops
        return self._call_torch(node, callee, args, kwargs, grows=True, is_random=drops)

    def _callable(self, value: Any, node: ast.AST) -> Callable[..., Any]:
        """A function of the program's as one that torch can call; what goes in and out is checked as ever."""

        def call(*args: Any, **kwargs: Any) -> Any:
            for value_in in (*args, *kwargs.values()):
                self._admit(value_in, node)
            return self._call_value(node, value, args, kwargs)

        if not isinstance(value, (Word, Method, Function, BoundFunction, UserClass, Instance, nn.Module)):
            raise self._raised(node, TypeError(f"'{kind_of(value)}' object is not callable"))
        return call

    # ---- words

    def _call_word(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        path = word.path
        kwargs = {name: plain_device(value) for name, value in kwargs.items() if name != "pin_memory"}
        if "device" in kwargs:
            self._check_place(node, kwargs.pop("device"))
        handler = self._HANDLERS.get(path) or self._HANDLERS.get(path.split(".")[0] + ".*")
        if handler is not None:
            return handler(self, node, word, args, kwargs)
        if path in _GRAD_MODES:
            return self._make_grad_mode(node, path, args)
        if path in TENSOR_TYPES:
            self._check_arguments(node, args, kwargs, small=True)
            return self._call_torch(node, tensor_of_type, (TENSOR_TYPES[path], *args), kwargs, grows=True)
        self._check_keywords(node, word, kwargs)
        if path == "nn.Sequential":  # torch itself says that it holds no functions
            args = tuple(value.function if isinstance(value, Word) else value for value in args)
            if len(args) == 1 and isinstance(args[0], dict) and all(_is_part(*pair) for pair in args[0].items()):
                return self._call_torch(node, word.function, (collections.OrderedDict(args[0]),))
        self._check_arguments(node, args, kwargs, small=word.shape_options)
        if path == "torch.autograd.grad":
            return self._call_grad(node, args, kwargs)
        return self._call_torch(node, word.function, args, kwargs, grows=word.grows, is_random=word.is_random)

    def _check_place(self, node: ast.AST, value: Any) -> None:
        """A device by any of its names: only the processor's are places that exist."""
        name = value.type if isinstance(value, (Device, torch.device)) else value
        if name is not None and name != "cpu":
            raise self._fault("unsupported", Message("There is only one device here, the processor."), node)

    def _check_keywords(self, node: ast.AST, word: Word, kwargs: dict[str, Any]) -> None:
        """Offers the nearest argument for a name that no function has."""
        for name in kwargs:
            if name in KNOWN_KEYWORDS:
                continue
            known: set[str] = set(KNOWN_KEYWORDS)
            try:
                parameters = inspect.signature(word.function).parameters
                if name in parameters:
                    continue
                known = set(parameters)
            except (TypeError, ValueError):
                pass
            suggestion = nearest(name, known - {"args", "kwargs", "self"})
            if suggestion:
                values = {"path": word.path, "word": name, "suggestion": suggestion}
                raise self._fault(
                    "name",
                    Message("{path} has no argument {word}. Did you mean {suggestion}?", values),
                    node,
                    suggestion=suggestion,
                    cause=TypeError(f"got an unexpected keyword argument '{name}'"),
                )

    def _make_grad_mode(self, node: ast.AST, path: str, args: tuple[Any, ...]) -> Any:
        if path in ("torch.no_grad", "torch.enable_grad"):
            if len(args) == 1 and isinstance(args[0], Function):
                args[0].modes = (GradMode(_GRAD_MODES[path], path), *args[0].modes)
                return args[0]
            return GradMode(_GRAD_MODES[path], path)
        enabled = self._truth_of(args[0], node) if len(args) == 1 else None
        if path == "torch.inference_mode":
            return GradMode(enabled is False, path, is_inference=enabled is not False)
        return GradMode(bool(enabled), path)

    def _seed(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seeds = (*args, *kwargs.values())
        if len(seeds) != 1 or not isinstance(seeds[0], int) or not 0 <= seeds[0] < 2**63:
            raise self._fault("value", Message("A seed is one whole number, not below 0."), node)
        self._guard.generator.manual_seed(seeds[0])

    def _make_device(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Device:
        for value in (*args, *kwargs.values()):
            if isinstance(value, int) and not isinstance(value, bool):
                continue
            self._check_place(node, value)
        return Device()

    def _make_variable(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``Variable(x, requires_grad=…)``: since torch 0.4 every tensor is one."""
        given = {**dict(zip(("data", "requires_grad"), args, strict=False)), **kwargs}
        tensor = given.pop("data", None)
        if not isinstance(tensor, Tensor):
            raise self._raised(node, TypeError(f"Variable data has to be a tensor, but got {kind_of(tensor)}"))
        requires_grad = given.get("requires_grad", False)
        self._check_arguments(node, (tensor,), {"requires_grad": requires_grad})
        result = self._call_torch(node, Tensor.detach, (tensor,))
        return self._call_torch(node, Tensor.requires_grad_, (result,)) if requires_grad else result

    def _call_optimizer(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Makes an optimizer or a schedule, or says which one is nearest."""
        self._check_keywords(
            node, word, {name: value for name, value in kwargs.items() if name not in _IGNORED_OPTIONS}
        )
        kwargs = {name: value for name, value in kwargs.items() if name not in _IGNORED_OPTIONS}
        args = tuple(self._plain_option(value, node) for value in args)
        kwargs = {name: self._plain_option(value, node) for name, value in kwargs.items()}
        return self._call_torch(node, word.function, args, kwargs)

    def _plain_option(self, value: Any, node: ast.AST) -> Any:
        if isinstance(value, (Function, BoundFunction)):
            return self._callable(value, node)
        if isinstance(value, Tensor) or not isinstance(value, (list, tuple)):
            return value
        return list(value)

    def _differentiate_function(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``torch.autograd.functional``: a function of the program's goes in."""
        if not args:
            raise self._raised(node, TypeError(f"{word.path}() needs a function and its inputs"))
        inputs = args[1] if len(args) > 1 else kwargs.get("inputs")
        self._check_arguments(node, args[1:], {name: value for name, value in kwargs.items() if name != "func"})
        call = self._callable(args[0], node)
        num = sum(
            part.numel() for part in (inputs if isinstance(inputs, tuple) else (inputs,)) if isinstance(part, Tensor)
        )
        if word.path.endswith("hessian"):
            with self._limits(node):
                limits.check_elements((num, num))

        def checked(*values: Any) -> Any:
            result = call(*values)
            sizes = [
                part.numel()
                for part in (result if isinstance(result, tuple) else (result,))
                if isinstance(part, Tensor)
            ]
            limits.check_elements((sum(sizes), num))
            return result

        kept = {name: value for name, value in kwargs.items() if name not in ("vectorize", "strategy")}
        return self._call_torch(node, word.function, (checked, *args[1:]), kept)

    def _check_gradients(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not args:
            raise self._raised(node, TypeError("gradcheck() needs a function and its inputs"))
        call = self._callable(args[0], node)
        self._check_arguments(node, args[1:], kwargs)
        return self._call_torch(node, word.function, (call, *args[1:]), kwargs)

    def _call_backward_on(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``torch.autograd.backward``."""
        words = ("tensors", "grad_tensors", "retain_graph", "create_graph")
        given = {**dict(zip(words, args, strict=False)), **kwargs}
        self._check_arguments(node, args, kwargs)
        roots = _roots(given.get("tensors"), given.get("grad_tensors"))
        return self._run_engine(node, lambda: word.function(*args, **kwargs), roots, given)

    def _call_array(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A function of numpy's."""
        name = word.path.rpartition(".")[2]
        args = tuple(value.detach().numpy() if _is_plain_tensor(value) else value for value in args)
        args = tuple(
            value.function if isinstance(value, Word) and isinstance(value.function, type) else value for value in args
        )
        kwargs = {key: value.function if isinstance(value, Word) else value for key, value in kwargs.items()}
        function = getattr(self.arrays, name) if word.path.startswith("np.random.") else word.function
        if word.path in ("np.ndarray",):
            raise self._raised(node, TypeError("make an array with np.array or np.zeros"))
        try:
            self._guard_time(node)
            check_array_call(name, args, kwargs)
            result = run_array_call(function, args, kwargs)
        except LimitError as error:
            raise self._fault("limit", error.reason, node) from None
        except MemoryError as error:
            raise self._out_of(error, node) from None
        except Exception as error:
            raise self._raised(node, error) from None
        if isinstance(result, tuple):
            result = list(result) if name == "meshgrid" else result
        if isinstance(result, np.ndarray) and result.dtype.kind not in "biuf":
            raise self._fault("unsupported", Message("An array can only hold numbers here."), node)
        return self._admit(result, node)

    def _call_chance(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A function of ``random``."""
        name = word.path.rpartition(".")[2]
        for value in args:
            if isinstance(value, range) and limits.range_length(value) > limits.MAX_LIST:
                raise self._fault("limit", limits.too_long_a_list().reason, node)
        if name == "seed" and args and not isinstance(args[0], (int, str, float, type(None))):
            raise self._raised(node, TypeError("a seed is a number or a text"))
        return self._admit(self._call_python(node, lambda: getattr(self.randomness, name)(*args, **kwargs)), node)

    def _call_chart(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A function of ``plt``, or a method of what ``plt.subplots()`` returned."""
        name = word.path.rpartition(".")[2]
        line, step = getattr(node, "lineno", 1), len(self._recorder.steps)
        self._call_python(node, lambda: self.charts.call(name, args, kwargs, line, step))
        if name == "subplots":
            rows = args[0] if args and isinstance(args[0], int) else kwargs.get("nrows", 1)
            columns = args[1] if len(args) > 1 and isinstance(args[1], int) else kwargs.get("ncols", 1)
            axes: Any = PYPLOT
            count = (
                max(min(rows, 8), 1) if isinstance(rows, int) else 1,
                max(min(columns, 8), 1) if isinstance(columns, int) else 1,
            )
            if min(count) > 1:
                axes = [[axes] * count[1] for _ in range(count[0])]
            elif max(count) > 1:
                axes = [axes] * max(count)
            return (PYPLOT, axes)
        if name in ("figure", "gca", "gcf", "subplot", "add_subplot"):
            return PYPLOT
        if name in ("plot", "scatter", "bar", "hist"):
            return [Silent("plt.Line2D")]
        return Silent("plt.Artist")

    def _call_time(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A clock that does not run: a program's output must not depend on the computer."""
        return None if word.path.endswith("sleep") else 0.0

    def _call_copy(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) != 1 or not isinstance(
            args[0], (Tensor, list, dict, nn.Module, int, float, str, tuple, np.ndarray)
        ):
            raise self._raised(node, TypeError("only a tensor, a module or a list can be copied here"))
        value = args[0]
        if word.path == "copy.copy" and isinstance(value, (list, dict)):
            return self._admit(value.copy(), node)
        if isinstance(value, (list, dict)) and any(
            not isinstance(part, (int, float, str, list, Tensor, type(None)))
            for part in (value.values() if isinstance(value, dict) else value)
        ):
            raise self._raised(node, TypeError("only a tensor, a module or a list can be copied here"))
        import copy

        if isinstance(value, nn.Module) and any(hasattr(part, "lab_class") for part in value.modules()):
            raise self._fault(
                "unsupported", Message("Make a second object of the class, and load_state_dict() of the first."), node
            )
        return self._call_torch(node, copy.deepcopy, (value,))

    def _call_progress(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``tqdm(values)`` is the values."""
        if not args:
            raise self._raised(node, TypeError("tqdm() takes what it goes through"))
        return args[0]

    def _anomaly(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> GradMode:
        return GradMode(None, word.path)

    def _load_data(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        kwargs = {name: value for name, value in kwargs.items() if name not in ("num_workers", "persistent_workers")}
        if (
            args
            and not isinstance(args[0], (list, tuple))
            and not hasattr(args[0], "item")
            and not isinstance(args[0], Instance)
        ):
            raise self._raised(node, TypeError(f"{kind_of(args[0])} is no data set"))
        return self._call_python(node, lambda: DataLoader(*args, **kwargs))

    _HANDLERS: Any = {
        "torch.manual_seed": _seed,
        "torch.device": _make_device,
        "torch.autograd.Variable": _make_variable,
        "torch.autograd.backward": _call_backward_on,
        "torch.autograd.gradcheck": _check_gradients,
        "torch.autograd.set_detect_anomaly": _anomaly,
        "torch.autograd.detect_anomaly": _anomaly,
        "torch.utils.data.DataLoader": _load_data,
        "np.*": _call_array,
        "plt.*": _call_chart,
        "random.*": _call_chance,
        "time.*": _call_time,
        "copy.*": _call_copy,
        "tqdm.*": _call_progress,
        **dict.fromkeys([word.path for word in OPTIM.words.values() if isinstance(word, Word)], _call_optimizer),
        **dict.fromkeys([word.path for word in OPTIM.words["lr_scheduler"].words.values()], _call_optimizer),
        **dict.fromkeys([word.path for word in AUTOGRAD.words["functional"].words.values()], _differentiate_function),
    }

    # ---- methods

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
        if name == "item" and not args and self.folds.is_running and owner.numel() == 1:
            self._guard_time(node)
            return owner.item()
        return self._call_torch(
            node, getattr(type(owner), name), (owner, *args), kwargs, grows=name in GROWING, is_random=name in RANDOM
        )

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

    def _call_optimizer_method(
        self, node: ast.AST, owner: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if isinstance(owner, Optimizer) and name == "step" and args:
            loss = self._call_value(node, args[0], (), {})
            self._call_torch(node, owner.step, ())
            return loss
        if isinstance(owner, Scheduler):
            args = tuple(value.item() if isinstance(value, Tensor) and value.numel() == 1 else value for value in args)
        else:
            self._check_keywords(node, Word(name, getattr(owner, name)), kwargs)
        return self._call_torch(node, getattr(owner, name), args, kwargs)

    def _call_module_method(
        self, node: ast.AST, owner: nn.Module, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if name == "forward":
            return self._call_module(node, owner, args, kwargs)
        if name == "__init__":
            return None
        if name == "apply":
            call = self._callable(args[0] if args else None, node)
            for part in reversed(list(owner.modules())):
                call(part)
            return owner
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
        if name not in _LOOKING:
            self._forget_modules()
            self._admit(owner, node)
        return result

    def _sorted(self, node: ast.AST, values: Any, kwargs: dict[str, Any]) -> list[Any]:
        raise NotImplementedError

    # ---- the engine

    def _call_backward(self, node: ast.AST, owner: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        words = ("gradient", "retain_graph", "create_graph", "inputs")
        given = {**dict(zip(words, args, strict=False)), **kwargs}
        roots = _roots(owner, given.get("gradient"))
        self._run_engine(node, lambda: owner.backward(*args, **kwargs), roots, given)

    def _call_grad(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        words = ("outputs", "inputs", "grad_outputs", "retain_graph", "create_graph")
        given = {**dict(zip(words, args, strict=False)), **kwargs}
        roots = _roots(given.get("outputs"), given.get("grad_outputs"))
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
            named = [] if self._recorder.is_paused else self.named_tensors()
            end = getattr(node, "end_lineno", None) or line
            return self._recorder.run_engine(call, roots, line, end, named, keeps_graph=bool(keeps_graph))

        current = self.current
        result = self._call_torch(node, run, ())
        self.current = current  # a hook or a backward of the learner's has run its own lines
        return result

    def named_tensors(self) -> list[tuple[str, Tensor]]:
        """Every tensor that the program can name now."""
        raise NotImplementedError

    def _explained(self, node: ast.AST, error: Exception) -> FaultError:
        text = error_text(error)
        return self._fault("value", Message("{text}", {"text": text}), node, explanation=explain(text), cause=error)


_IGNORED_OPTIONS = frozenset(
    ["foreach", "fused", "capturable", "differentiable", "verbose", "last_epoch", "min_lr", "cooldown"]
)
_TYPE_NAMES = {
    f"torch.{name}": dtype for name, dtype in ((path.split(".")[1], dtype) for path, dtype in TENSOR_TYPES.items())
}


def _roots(outputs: Any, gradients: Any) -> list[tuple[Tensor, Tensor | None]]:
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


def _is_part(name: Any, part: Any) -> bool:
    """Whether a pair can be a named part of a sequence of modules."""
    is_name = isinstance(name, str) and name.isidentifier() and not name.startswith("_")
    return isinstance(part, nn.Module) and is_name and not hasattr(nn.Module, name)


def _is_plain_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) and not value.requires_grad


__all__ = ["Calls", "ErrorValue"]
