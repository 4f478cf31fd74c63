"""The one door: a program's text goes in, the trace of its run comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vizcore.autograd import limits
from vizcore.autograd.faults import FaultError, locate
from vizcore.autograd.guard import Guard
from vizcore.autograd.interpreter import Interpreter
from vizcore.autograd.parsing import parse_program
from vizcore.autograd.recorder import Recorder
from vizcore.autograd.tensor_facts import grad_of, to_array
from vizcore.autograd.trace import Message, ProgramError, ProgramTrace
from vizcore.autograd.warnings_of import torch_warnings


def run_program(source: str, *, seed: int = 0, opened: Iterable[int] = ()) -> ProgramTrace:
    """Runs a learner's program line by line on real torch and records everything that autograd does.

    Nothing global is touched: grad mode and random numbers are this thread's own, so that several programs can run at
    once in one process. The random numbers are those that follow ``torch.manual_seed(seed)``.

    Args:
        source: the program; the subset of Python and torch that it may use is in ``vizcore.autograd.vocabulary``.
        seed: seed of its random numbers.
        opened: numbers of iterations, from 1, that every folded loop records whole besides its first and last; at most
            eight are heeded.

    Returns:
        The trace. A faulty program does not raise: the trace goes up to the fault, which is in ``error``.
    """
    return run_program_by_lines(source, seed, opened=opened)


def run_program_by_lines(
    source: str, seed: int, *, on_line: Callable[[int], None] | None = None, opened: Iterable[int] = ()
) -> ProgramTrace:
    """:func:`run_program` that tells the number of each line before it runs."""
    try:
        tree = parse_program(source)
    except FaultError as fault:
        return ProgramTrace(source, seed, (), (), (), (), (), {}, {}, "", fault.error)
    guard = Guard(seed)
    recorder = Recorder(guard, compares_values=".data" in source or "vector_to_parameters" in source)
    interpreter = Interpreter(source, guard, recorder, torch_warnings, on_line, seed=seed, opened=tuple(opened))
    error: ProgramError | None = None
    grad_mode = torch.is_grad_enabled()
    try:
        torch.set_grad_enabled(True)
        try:
            interpreter.run(tree)
        except FaultError as fault:
            error = fault.error
            _finish_failed_line(interpreter)
        except RecursionError:
            error = _too_deep(interpreter, source)
        except Exception as failure:  # the record failed, not the program: the trace ends here, with what it has
            error = _not_recorded(interpreter, source, failure)
        try:
            variables, grads = _final_values(interpreter)
        except Exception as failure:
            variables, grads = {}, {}
            error = error or _not_recorded(interpreter, source, failure)
    finally:
        torch.set_grad_enabled(grad_mode)
    folds, steps = interpreter.folds.finish(recorder.steps)
    trace = ProgramTrace(
        source=source,
        seed=seed,
        steps=steps,
        tensors=tuple(recorder.tensors),
        nodes=tuple(recorder.nodes),
        edges=tuple(recorder.edges),
        visits=recorder.finished_visits(),
        variables=variables,
        grads=grads,
        printed="".join(recorder.printed),
        error=error,
        folds=folds,
        calls=tuple(recorder.calls),
        charts=interpreter.charts.finished(),
    )
    recorder.release()
    return trace


def _too_deep(interpreter: Interpreter, source: str) -> ProgramError:
    """Python's own stack was too short for the learner's functions."""
    line, column, end_column = locate(interpreter.current, source) if interpreter.current is not None else (1, 1, 2)
    message = Message("Functions may call each other at most {limit} deep.", {"limit": limits.MAX_CALLS})
    return ProgramError("limit", message, line, column, end_column)


def _not_recorded(interpreter: Interpreter, source: str, failure: Exception) -> ProgramError:
    """What no check foresaw, at the line where it happened."""
    statement = interpreter.current
    line, column, end_column = locate(statement, source) if statement is not None else (1, 1, 2)
    message = Message(
        "The lab could not record this line ({kind}: {text}).",
        {"kind": type(failure).__name__, "text": str(failure)[:200]},
    )
    if isinstance(failure, MemoryError):
        message = Message("The program used too much memory.")
    return ProgramError("limit", message, line, column, end_column)


def _finish_failed_line(interpreter: Interpreter) -> None:
    """Shows what the faulty line did before it failed, unless that alone breaks a limit."""
    if interpreter.current is None:
        return
    try:
        interpreter.finish_step(interpreter.current, header=hasattr(interpreter.current, "body"))
    except Exception:
        return


def _final_values(interpreter: Interpreter) -> tuple[dict[str, Any], dict[str, Any]]:
    variables: dict[str, Any] = {}
    grads: dict[str, Any] = {}
    values = _FinalValues()
    for name, value in interpreter.variables.items():
        plain = values.plain(value, 0)
        if plain is not _NOT_PLAIN:
            variables[name] = plain
    for name, tensor in interpreter.named_tensors():
        if not name.endswith("]"):
            variables[name] = values.array(tensor)
        grad = grad_of(tensor)
        if grad is not None:
            grads[name] = values.array(grad)
    return variables, grads


_NOT_PLAIN = object()


class _FinalValues:
    """Turns what variables hold into arrays, numbers and lists: each tensor once, and no more than a trace may hold."""

    def __init__(self) -> None:
        self._arrays: dict[int, tuple[Tensor, np.ndarray]] = {}
        self._num_parts = 0

    def array(self, tensor: Tensor) -> np.ndarray:
        """The elements of a tensor."""
        if id(tensor) not in self._arrays:
            self._arrays[id(tensor)] = (tensor, to_array(tensor))
        return self._arrays[id(tensor)][1]

    def plain(self, value: Any, depth: int) -> Any:
        """The value, or ``_NOT_PLAIN``: of another kind, too deep, or beyond what is shown of all lists together."""
        self._num_parts += 1
        if self._num_parts > limits.MAX_FINAL_PARTS or depth > limits.MAX_LIST_DEPTH:
            return _NOT_PLAIN
        if isinstance(value, Tensor):
            return _NOT_PLAIN if limits.is_wrapped(value) else self.array(value)
        if isinstance(value, (bool, int, float, str)) or value is None:
            return value
        if isinstance(value, torch.dtype):
            return str(value)
        if isinstance(value, range):
            return value
        if isinstance(value, np.ndarray):
            return value.copy()
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, dict):
            parts = {key: self.plain(part, depth + 1) for key, part in value.items() if type(key) in (str, int, float)}
            return {key: part for key, part in parts.items() if part is not _NOT_PLAIN}
        if isinstance(value, (list, tuple)):
            listed = []
            for element in value:
                part = self.plain(element, depth + 1)
                if part is _NOT_PLAIN:
                    return _NOT_PLAIN
                listed.append(part)
            return listed if isinstance(value, list) else tuple(listed)
        return _NOT_PLAIN
