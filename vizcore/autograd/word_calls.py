"""Calls of words: which function of torch, numpy or Python stands behind one, and what may go into it."""

from __future__ import annotations

import ast
import collections
import copy
import inspect
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.arrays import check_array_call, run_array_call
from vizcore.autograd.datasets import DataLoader
from vizcore.autograd.engine import roots_of
from vizcore.autograd.faults import nearest
from vizcore.autograd.libraries import PYPLOT
from vizcore.autograd.library_calls import LibraryCalls, print_options
from vizcore.autograd.limits import LimitError
from vizcore.autograd.machine import kind_of
from vizcore.autograd.optimizers import check_option
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    BoundFunction,
    Chance,
    Device,
    Function,
    GradMode,
    Instance,
    Progress,
    Silent,
    plain_device,
)
from vizcore.autograd.vocabulary import AUTOGRAD, KNOWN_KEYWORDS, OPTIM, TENSOR_TYPES, tensor_of_type
from vizcore.autograd.words import Word

_GRAD_MODES = {
    "torch.no_grad": False,
    "torch.enable_grad": True,
    "torch.inference_mode": False,
    "torch.set_grad_enabled": None,
}
_IGNORED_OPTIONS = frozenset(
    ["foreach", "fused", "capturable", "differentiable", "verbose", "last_epoch", "min_lr", "cooldown"]
)


class WordCalls(LibraryCalls):
    """The part of the interpreter that calls the functions of the vocabulary."""

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
        if path == "nn.ModuleDict" and len(args) == 1 and not kwargs:
            if not isinstance(args[0], dict) or not all(_is_part(*pair) for pair in args[0].items()):
                raise self._raised(node, TypeError("ModuleDict takes a dictionary of names and modules"))
            return self._call_torch(node, word.function, args)
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
        for name, value in (*((word.path, value) for value in args[1:]), *kwargs.items()):
            if name != "params":
                self._call_python(node, lambda name=name, value=value: check_option(name, value))  # type: ignore[misc]
        return self._call_torch(node, word.function, args, kwargs)

    def _plain_option(self, value: Any, node: ast.AST) -> Any:
        if isinstance(value, (Function, BoundFunction)):
            return self._callable(value, node)
        if isinstance(value, range):
            return self._bounded(value, node)
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
        inputs = args[1] if len(args) > 1 else kwargs.get("inputs")
        num = sum(
            part.numel() for part in (inputs if isinstance(inputs, (list, tuple)) else (inputs,)) if _is_tensor(part)
        )

        def checked(*values: Any) -> Any:
            result = call(*values)
            for part in result if isinstance(result, (list, tuple)) else (result,):
                if _is_tensor(part):
                    limits.check_elements((part.numel(), num))
            return result

        return self._call_torch(node, word.function, (checked, *args[1:]), kwargs)

    def _call_backward_on(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``torch.autograd.backward``."""
        words = ("tensors", "grad_tensors", "retain_graph", "create_graph")
        given = {**dict(zip(words, args, strict=False)), **kwargs}
        self._check_arguments(node, args, kwargs)
        roots = roots_of(given.get("tensors"), given.get("grad_tensors"))
        return self._run_engine(node, lambda: word.function(*args, **kwargs), roots, given)

    def _call_array(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A function of numpy's."""
        name = word.path.rpartition(".")[2]
        args = tuple(
            self._call_torch(node, Tensor.numpy, (value,)) if _is_plain_tensor(value) else value for value in args
        )
        args = tuple(
            value.function if isinstance(value, Word) and isinstance(value.function, type) else value for value in args
        )
        kwargs = {key: value.function if isinstance(value, Word) else value for key, value in kwargs.items()}
        is_made = word.path in ("np.random.RandomState", "np.random.default_rng")
        drawn = word.path.startswith("np.random.") and not is_made
        function = getattr(self.arrays, name) if drawn else word.function
        if word.path in ("np.random.RandomState", "np.random.default_rng"):
            if len(args) != 1 or not isinstance(args[0], int) or kwargs:
                raise self._raised(node, TypeError("give it a whole number as its seed, so that every run is the same"))
            return Chance(self._call_python(node, lambda: word.function(args[0])))
        if word.path == "np.set_printoptions":
            self.array_options = print_options(kwargs, "np")
            return None
        if word.path == "np.ndarray":
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
        if "counts" in kwargs:
            raise self._raised(node, TypeError("sample() takes no counts here"))
        for value in (*args, *kwargs.values()):
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
        value = args[0] if len(args) == 1 else None
        if word.path == "copy.copy" and isinstance(value, (list, dict)):
            return self._admit(value.copy(), node)
        tensors: dict[int, Tensor] = {}
        with self._limits(node):
            if len(args) != 1 or not is_copied(value, tensors):
                raise self._raised(node, TypeError("only a tensor, a module or a list can be copied here"))
            self._guard.count(tuple(tensors.values()))
        return self._call_torch(node, copy.deepcopy, (value,))

    def _call_progress(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``tqdm(values)`` is the values; ``trange`` is a range."""
        if word.path == "tqdm.trange":
            return Progress(self._call_torch(node, range, args))
        return Progress(args[0] if args else kwargs.get("iterable", ()))

    def _anomaly(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> GradMode:
        return GradMode(None, word.path)

    def _load_data(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        kwargs = {name: value for name, value in kwargs.items() if name not in ("num_workers", "persistent_workers")}
        if args and isinstance(args[0], range):
            args = (self._bounded(args[0], node), *args[1:])
        if (
            args
            and not isinstance(args[0], (list, tuple))
            and not hasattr(args[0], "item")
            and not isinstance(args[0], Instance)
        ):
            raise self._raised(node, TypeError(f"{kind_of(args[0])} is no data set"))
        return self._call_python(node, lambda: DataLoader(*args, **kwargs))

    _HANDLERS: Any = {
        "torch.set_printoptions": LibraryCalls._set_print_options,
        "torch.set_default_dtype": LibraryCalls._set_default_dtype,
        "collections.defaultdict": LibraryCalls._make_default_dict,
        "torch.utils.data.random_split": LibraryCalls._split_data,
        "dataclasses.dataclass": LibraryCalls._make_data_class,
        "dataclasses.field": LibraryCalls._make_field,
        "dataclasses.asdict": LibraryCalls._as_dictionary,
        "functools.partial": LibraryCalls._make_partial,
        "functools.wraps": LibraryCalls._wrap,
        "functools.renamed": LibraryCalls._rename,
        "functools.reduce": LibraryCalls._reduce,
        "itertools.*": LibraryCalls._call_itertools,
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


def _is_part(name: Any, part: Any) -> bool:
    """Whether a pair can be a named part of a sequence of modules."""
    is_name = isinstance(name, str) and name.isidentifier() and not name.startswith("_")
    return isinstance(part, nn.Module) and is_name and not hasattr(nn.Module, name)


def is_copied(value: Any, tensors: dict[int, Tensor]) -> bool:
    """Whether ``copy.deepcopy`` is given nothing that leads out of its values; collects the tensors, by their ids."""
    stack, num = [value], 0
    while stack:
        part = stack.pop()
        num += 1
        if num > 2 * limits.MAX_LIST:
            raise limits.too_long_a_list()
        if isinstance(part, (list, tuple, set)):
            stack.extend(part)
        elif isinstance(part, dict):
            stack.extend((*part.keys(), *part.values()))
        elif isinstance(part, nn.Module):
            tensors.update((id(tensor), tensor) for tensor in (*part.parameters(), *part.buffers()))
        elif isinstance(part, Tensor):
            tensors[id(part)] = part
        elif part is not None and not isinstance(part, (bool, int, float, str, np.ndarray)):
            return False
    return True


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _is_plain_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) and not value.requires_grad
