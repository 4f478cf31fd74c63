"""The ground the interpreter stands on: its state, its bounds, its faults, and the one way to call torch."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.charts import Charts
from vizcore.autograd.datasets import DataLoader, Dataset
from vizcore.autograd.explanations import explain
from vizcore.autograd.folding import Folds
from vizcore.autograd.limits import Guard, LimitError
from vizcore.autograd.operations import SILENT, check_list, check_text_length
from vizcore.autograd.optimizers import Optimizer
from vizcore.autograd.parsing import FaultError, fault
from vizcore.autograd.recorder import Recorder
from vizcore.autograd.schedulers import Scheduler
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    MISSING,
    NO_VALUE,
    Cursor,
    Device,
    Function,
    Instance,
    Scope,
)
from vizcore.autograd.vocabulary import Namespace, Word

_MAX_QUIET = 1_000
_MOMENTS = 8
TOO_MUCH_MEMORY = "The program used too much memory."
_ADMITTED = (
    bool,
    float,
    torch.dtype,
    torch.Size,
    range,
    slice,
    Word,
    Namespace,
    type(None),
    type(Ellipsis),
    Optimizer,
    Scheduler,
    DataLoader,
    Dataset,
    *NO_VALUE,
)
_NO_ARGUMENT = (Word, Namespace, Optimizer, Scheduler, *(kind for kind in NO_VALUE if kind is not Device))


class Machine:
    """State and bounds of one run.

    Attributes:
        variables: the program's variables.
        scope: where names are looked up now.
        current: the statement that runs.
        depth: how many functions of the learner's are running.
        charts: what was plotted.
        randomness: the numbers of ``random``.
        arrays: the numbers of ``np.random``.
    """

    def __init__(
        self,
        source: str,
        guard: Guard,
        recorder: Recorder,
        collect_warnings: Callable[[], Any],
        on_line: Callable[[int], None] | None = None,
        *,
        seed: int = 0,
        opened: tuple[int, ...] = (),
    ) -> None:
        """Starts with no variables."""
        self.variables: dict[str, Any] = {}
        self.scope = Scope(self.variables)
        self.current: ast.stmt | None = None
        self.depth = 0
        self.charts = Charts()
        self.randomness = random.Random(seed)
        self.arrays = np.random.RandomState(seed % 2**32)
        self.folds = Folds(recorder, opened)
        self.frames: list[Scope] = []
        self._on_line = on_line
        self._source = source
        self._guard = guard
        self._recorder = recorder
        self._collect_warnings = collect_warnings
        self._rehearsed: dict[Any, Any] = {}  # with the module, so that its id stays its own
        self._inner_lists: set[int] = set()
        self._num_moments = 0
        self._drops: dict[nn.Module, bool] = {}
        self._quiet: set[Any] = set()  # what has not warned: in iterations that are not recorded nobody listens

    # ---- what the later parts add

    def _evaluate(self, node: ast.expr) -> Any:
        raise NotImplementedError

    def _run_block(self, statements: list[ast.stmt]) -> str:
        raise NotImplementedError

    def _call_value(self, node: ast.AST, callee: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _call_function(self, node: ast.AST, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _special(self, node: ast.AST, owner: Any, name: str, *args: Any) -> Any:
        """What a method with underscores of the learner's class returns, ``MISSING`` if there is none."""
        return MISSING

    # ---- torch

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
        name = getattr(function, "__name__", "")
        try:
            if name not in ("sum", "max", "min"):  # torch's own take nothing apart; Python's have been checked
                limits.check_call(name, args, kwargs)
            if grows or limits.largest_result(args, kwargs) > limits.MAX_ELEMENTS:
                self._rehearse(function, args, kwargs)
            if name in SILENT or (not is_random and self._recorder.is_paused and function in self._quiet):
                result = function(*args, **kwargs)
            else:
                randomness = self._guard.randomness() if is_random else nullcontext()
                with self._collect_warnings() as texts, randomness:
                    result = function(*args, **kwargs)
                self._recorder.add_warnings(texts)
                if not texts and len(self._quiet) < _MAX_QUIET:
                    self._quiet.add(function)
            if isinstance(result, Iterator):
                result = list(result)
            self._guard.count(result)
            self._recorder.add_result(result)
        except LimitError as error:
            raise self._fault("limit", error.reason, node) from None
        except (FaultError, KeyboardInterrupt):
            raise
        except (MemoryError, RecursionError) as error:
            raise self._out_of(error, node) from None
        except Exception as error:
            raise self._translated(error, node, function, args, kwargs) from None
        return self._admit(result, node)

    def _rehearse(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        key = limits.repeatable(function, args, kwargs)
        if key is not None and key in self._rehearsed:
            return
        with self._collect_warnings():
            self._guard.rehearse(function, args, kwargs)
        if key is not None:
            self._rehearsed[key] = function

    def _forget_modules(self) -> None:
        """After a module changed: what was found out about its calls may no longer hold."""
        self._rehearsed.clear()
        self._drops.clear()

    def _call_python(self, node: ast.AST, call: Callable[[], Any]) -> Any:
        """Calls plain Python on plain values; its own error becomes a fault at this place."""
        try:
            return call()
        except (FaultError, KeyboardInterrupt):
            raise
        except LimitError as error:
            raise self._fault("limit", error.reason, node) from None
        except (MemoryError, RecursionError) as error:
            raise self._out_of(error, node) from None
        except Exception as error:
            raise self._raised(node, error) from None

    def _translated(
        self,
        error: Exception,
        node: ast.AST,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> FaultError:
        text = error_text(error)
        if "can't allocate memory" in text or "not enough memory" in text:
            return self._fault("limit", Message(TOO_MUCH_MEMORY), node)
        kind = "torch" if _comes_from_torch(function, args) else "value"
        return self._fault(kind, Message("{text}", {"text": text}), node, explanation=explain(text), cause=error)

    def _out_of(self, error: BaseException, node: ast.AST) -> FaultError:
        """The fault for memory or Python's own stack: neither is the program's to catch."""
        if isinstance(error, MemoryError):
            return self._fault("limit", Message(TOO_MUCH_MEMORY), node)
        return self._fault("limit", self._too_many_calls(), node)

    @staticmethod
    def _too_many_calls() -> Message:
        return Message("Functions may call each other at most {limit} deep.", {"limit": limits.MAX_CALLS})

    # ---- bounds

    def _admit(self, value: Any, node: ast.AST) -> Any:
        """Lets a value into the program if it is of a known kind and within the bounds."""
        if isinstance(value, Tensor):
            if value.numel() > limits.MAX_ELEMENTS or value.dim() > 4 or not value.numel():
                with self._limits(node):
                    limits.check_elements(value.shape)
            if not value.is_cpu:
                self._check_device(node, value)
            return value
        if isinstance(value, _ADMITTED) or type(value).__module__ == "torch.return_types":
            return value
        with self._limits(node):
            if isinstance(value, int):
                if value.bit_length() > limits.MAX_BITS:
                    raise LimitError("A whole number may have at most {limit} bits.", limit=limits.MAX_BITS)
            elif isinstance(value, str):
                check_text_length(len(value))
            elif isinstance(value, (list, tuple, dict, set)):
                check_list(value)
                self._mark_inner(value)
            elif isinstance(value, nn.Module):
                limits.check_modules(value)
                self._check_device(node, *value.parameters(), *value.buffers())
            elif isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biuf":
                limits.check_elements(value.shape)
            else:
                construct = "complex" if isinstance(value, complex) else kind_of(value)
                raise self._unsupported(construct, node)
        return value

    def _unsupported(self, construct: str, node: ast.AST) -> FaultError:
        return self._fault(
            "unsupported",
            Message("{construct} is not part of the lab's Python.", {"construct": construct}),
            node,
        )

    def _check_device(self, node: ast.AST, *tensors: Tensor) -> None:
        if any(tensor.device.type != "cpu" for tensor in tensors):
            raise self._fault("unsupported", Message("There is only one device here, the processor."), node)

    def _mark_inner(self, value: Any) -> None:
        """Notes the lists that lie in others: when they grow, the others grow too."""
        for element in value.values() if isinstance(value, dict) else value:
            if isinstance(element, (list, tuple, dict, set)):
                self._inner_lists.add(id(element))

    def _check_lists(self, node: ast.AST, changed: Any, added: Any = MISSING) -> None:
        """After a list was changed in place: every list that holds it has changed too."""
        with self._limits(node):
            if len(changed) > limits.MAX_LIST:
                raise limits.too_long_a_list()
        is_plain = added is not MISSING and not isinstance(added, (list, tuple, dict, set))
        if is_plain and id(changed) not in self._inner_lists:
            return
        if not is_plain:
            self._mark_inner(changed)
        for value in self._containers():
            self._guard_time(node)
            with self._limits(node):
                check_list(value)

    def _containers(self) -> Iterator[Any]:
        for scope in (self.scope, *self.frames, Scope(self.variables)):
            for value in scope.variables.values():
                if isinstance(value, (list, tuple, dict, set)):
                    yield value
                elif isinstance(value, Instance):
                    yield value.fields

    def _check_arguments(
        self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any], *, small: bool = False
    ) -> None:
        """Lets only plain values through to torch, and where they are sizes only small ones."""
        for value in (*args, *kwargs.values()):
            if isinstance(value, (list, tuple, range)):
                with self._limits(node):
                    limits.count_leaves(value)
        stack: list[Any] = [*args, *kwargs.values()]
        while stack:
            value = stack.pop()
            if isinstance(value, (list, tuple)):
                stack.extend(value)
            elif isinstance(value, range):
                stack.extend(self._bounded(value, node))
            elif isinstance(value, (set, dict, _NO_ARGUMENT)):
                raise self._fault(
                    "unsupported",
                    Message("{value} cannot be an argument here.", {"value": self._name_of(value)}),
                    node,
                    cause=TypeError(f"unexpected {kind_of(value)}"),
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

    @staticmethod
    def _name_of(value: Any) -> str:
        """A value that is no number, as it was written."""
        for attribute in ("path", "name"):
            word = getattr(value, attribute, None) if isinstance(value, (Word, Namespace, *NO_VALUE)) else None
            if isinstance(word, str):
                return word
        return kind_of(value)

    def _iterate(self, value: Any, node: ast.AST) -> Iterator[Any]:
        if isinstance(value, Tensor):
            value = self._call_torch(node, list, (value,))
        if isinstance(value, np.ndarray):
            value = self._call_python(node, lambda: list(value)) if value.ndim else value
        if isinstance(value, (list, tuple, set, dict)):
            return iter(list(value))
        if isinstance(value, (str, range, nn.Sequential, nn.ModuleList, nn.ParameterList)):
            return iter(value)
        if isinstance(value, DataLoader):
            return iter(self._batches(value, node))
        if isinstance(value, Dataset):
            return iter([value.item(index) for index in range(len(value))])
        if isinstance(value, Cursor):
            rest, value.place = value.values[value.place :], len(value.values)
            return iter(rest)
        if isinstance(value, Instance):
            length = self._special(node, value, "__len__")
            if length is not MISSING and isinstance(length, int) and 0 <= length <= limits.MAX_LIST:
                return iter([self._special(node, value, "__getitem__", index) for index in range(length)])
        text = f"'{kind_of(value)}' object is not iterable"
        raise self._fault(
            "value", Message("{text}", {"text": text}), node, explanation=explain(text), cause=TypeError(text)
        )

    def _batches(self, loader: DataLoader, node: ast.AST) -> list[Any]:
        if isinstance(loader.dataset, (Instance, list, tuple)):
            dataset = loader.dataset
            items = list(self._iterate(dataset, node))
            loader = DataLoader(Dataset.of_items(items), loader.batch_size, loader.shuffle, loader.drop_last)
        result = self._call_torch(node, loader.batches, (self._guard,), is_random=False)
        return list(result)

    def _bounded(self, value: Any, node: ast.AST) -> list[Any]:
        if isinstance(value, range) and limits.range_length(value) > limits.MAX_LIST:
            raise self._fault("limit", limits.too_long_a_list().reason, node)
        return list(self._iterate(value, node))

    def _guard_time(self, node: ast.AST) -> None:
        self._num_moments += 1
        if self._recorder.is_paused and self._num_moments % _MOMENTS:
            return  # asking the clock costs more than many a line
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

    # ---- faults

    def _fault(
        self,
        kind: str,
        message: Message,
        node: ast.AST,
        *,
        suggestion: str = "",
        explanation: Message | None = None,
        cause: Exception | None = None,
    ) -> FaultError:
        """A fault at a place; one with a ``cause`` can be caught by the program as that exception."""
        error = fault(kind, message, node, self._source, suggestion=suggestion, explanation=explanation)
        error.cause = cause
        return error

    def _raised(self, node: ast.AST, error: Exception) -> FaultError:
        """The fault of an error of plain Python, with its own text."""
        text = error_text(error)
        return self._fault("value", Message("{text}", {"text": text}), node, explanation=explain(text), cause=error)


def kind_of(value: Any) -> str:
    """The name of a value's type."""
    if isinstance(value, Instance):
        return value.type.name
    if value is None:
        return "NoneType"
    return type(value).__name__.strip("_").removeprefix("Lab")


def error_text(error: Exception) -> str:
    """An error's text without the lines that only a maintainer of torch reads."""
    text = str(error).split("\nException raised from")[0].split("\nThe above operation failed")[0].strip()
    if isinstance(error, KeyError):
        text = f"KeyError: {text}"
    return text or type(error).__name__


def _comes_from_torch(function: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    has_tensor = any(isinstance(value, (Tensor, nn.Module)) for value in args)
    return has_tensor or getattr(function, "__module__", "") not in ("_operator", "builtins")
