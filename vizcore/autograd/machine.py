"""The ground the interpreter stands on: its state, its bounds, its faults, and the one way to call torch."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.charts import Charts
from vizcore.autograd.explanations import explain
from vizcore.autograd.faults import FaultError, fault
from vizcore.autograd.folding import Folds
from vizcore.autograd.guard import Guard, repeatable
from vizcore.autograd.limits import LimitError
from vizcore.autograd.operations import SILENT
from vizcore.autograd.recorder import Recorder
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    MISSING,
    Distribution,
    Function,
    Instance,
    Scope,
)

_MAX_QUIET = 1_000
_MOMENTS = 24
TOO_MUCH_MEMORY = "The program used too much memory."


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
        tensor_options: of ``torch.set_printoptions``, for this program alone.
        array_options: of ``np.set_printoptions``.
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
        self.tensor_options: dict[str, Any] = {}
        self.array_options: dict[str, Any] = {}
        self._hooked: set[int] = set()  # modules whose hooks torch is calling right now
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

    def _admit(self, value: Any, node: ast.AST) -> Any:
        """Lets a value into the program if it is of a known kind and within the bounds."""
        raise NotImplementedError

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
        known_as: str = "",
    ) -> Any:
        """Calls torch; its own error becomes a fault at this place.

        Args:
            node: the place.
            function: what is called.
            args: as checked.
            kwargs: as checked.
            grows: whether the result may be larger than what goes in.
            is_random: whether it draws random numbers.
            known_as: the same in all calls of one kind, where ``function`` is made anew for each.
        """
        kwargs = kwargs or {}
        self._guard_time(node)
        name = getattr(function, "__name__", "")
        kind = known_as or function
        try:
            if name not in ("sum", "max", "min"):  # torch's own take nothing apart; Python's have been checked
                limits.check_call(name, args, kwargs)
            if grows or limits.largest_result(args, kwargs) > limits.MAX_ELEMENTS:
                self._rehearse(function, args, kwargs)
            if name in SILENT or (not is_random and self._recorder.is_paused and kind in self._quiet):
                result = function(*args, **kwargs)
            else:
                randomness = self._guard.randomness() if is_random else nullcontext()
                with self._collect_warnings() as texts, randomness:
                    result = function(*args, **kwargs)
                self._recorder.add_warnings(texts)
                if not texts and len(self._quiet) < _MAX_QUIET:
                    self._quiet.add(kind)
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
        key = repeatable(function, args, kwargs)
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
    if isinstance(value, Distribution):
        return type(value.distribution).__name__
    if value is None:
        return "NoneType"
    return type(value).__name__.strip("_").removeprefix("Lab")


def error_text(error: Exception) -> str:
    """An error's text without the lines that only a maintainer of torch reads."""
    text = str(error).split("\nException raised from")[0].split("\nThe above operation failed")[0].strip()
    if isinstance(error, KeyError):
        text = f"KeyError: {text}"
    return text[: limits.MAX_STRING] or type(error).__name__


def _comes_from_torch(function: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    has_tensor = any(isinstance(value, (Tensor, nn.Module)) for value in args)
    return has_tensor or getattr(function, "__module__", "") not in ("_operator", "builtins")
