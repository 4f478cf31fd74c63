"""Watches torch's graph and its engine while a program runs, and writes the trace.

The graph is read from torch's own nodes after each line; nothing is inferred from the program. A node is known by
torch's sequence number, so that no node is kept alive longer than the program keeps it: what torch frees is really
freed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

from torch import Tensor

from vizcore.autograd import limits
from vizcore.autograd.engine_record import EngineRecord
from vizcore.autograd.guard import Guard
from vizcore.autograd.limits import LimitError
from vizcore.autograd.tensor_facts import (
    dtype_name,
    grad_fn_of,
    grad_of,
    is_leaf_of,
    to_array,
    version_of,
)
from vizcore.autograd.trace import (
    Call,
    Step,
    TensorState,
)

_MANY_STEPS = 1_200
_MAX_WARNINGS = 20


class Recorder(EngineRecord):
    """Collects steps, tensors, nodes, edges and visits."""

    def __init__(self, guard: Guard, *, compares_values: bool) -> None:
        """Starts an empty record.

        Args:
            guard: the mode that watches the operators; it is paused while the recorder reads tensors.
            compares_values: whether tensors may change without torch's version count moving (``.data``).
        """
        super().__init__(guard)
        self.tensors: list[TensorState] = []
        self.printed: list[str] = []
        self.warnings: list[str] = []
        self._compares_values = compares_values
        self._fingerprints: dict[str, tuple[Any, ...]] = {}
        self._printed_now: list[str] = []
        self._num_printed = 0
        self._last_states: dict[str, int] = {}
        self.calls: list[Call] = []

    @property
    def is_crowded(self) -> bool:
        """Whether loops should keep only what is most needed from now on."""
        return (
            len(self.steps) > _MANY_STEPS
            or len(self.visits) > limits.MAX_VISITS // 2
            or len(self.nodes) > limits.MAX_NODES // 2
            or self._num_recorded > limits.MAX_RECORDED // 2
        )

    @property
    def is_full(self) -> bool:
        """Whether loops and calls should keep nothing more."""
        return (
            len(self.steps) > 2 * _MANY_STEPS
            or len(self.visits) > limits.MAX_VISITS * 3 // 4
            or len(self.nodes) > limits.MAX_NODES * 3 // 4
            or self._num_recorded > limits.MAX_RECORDED * 3 // 4
        )

    # ---- what happens while a line runs

    def add_result(self, value: Any) -> None:
        """Notes the result of an operation: the graph hangs on it."""
        if self.is_paused:
            return
        for tensor in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(tensor, Tensor) and tensor.requires_grad and not limits.is_wrapped(tensor):
                self._results.append(tensor)
                node = grad_fn_of(tensor)
                if node is not None:
                    key = self._key(node)
                    if key not in self._ids:
                        self._values[key] = self.array(tensor)

    def add_warnings(self, texts: Iterable[str]) -> None:
        """Notes torch's warnings; in iterations that are not recorded each only once."""
        for text in texts:
            if not self.is_paused or (text not in self.warnings and len(self.warnings) < _MAX_WARNINGS):
                self.warnings.append(text)

    def add_printed(self, text: str) -> None:
        """Notes printed text."""
        self._num_printed += len(text)
        if self._num_printed > limits.MAX_PRINTED:
            raise LimitError("A program may print at most {limit} characters.", limit=f"{limits.MAX_PRINTED:,}")
        self.printed.append(text)
        self._printed_now.append(text)

    # ---- the end of a line

    def end_line(self, line: int, end_line: int, named: list[tuple[str, Tensor]], *, note: str = "") -> None:
        """Writes the step of an executed line.

        Args:
            line: its number.
            end_line: the number of its last line.
            named: every tensor the program can name now, with its name.
            note: what the line decided or assigned, for plain values.
        """
        if self.is_paused:
            return
        changed_names = self._changed(named)
        self._discover(line, changed_names, named)
        self._end_step(line, end_line, changed_names, named, note, "line", ())

    def end_gap(self, line: int, named: list[tuple[str, Tensor]], *, note: str, iterations: tuple[int, int]) -> None:
        """Writes the one step of iterations that were not recorded; the graph that they made stays out.

        Args:
            line: the loop's header.
            named: every tensor the program can name now, with its name.
            note: which iterations, in words.
            iterations: the first and the last.
        """
        self._end_step(line, line, self._changed(named, is_gap=True), named, note, "fold", iterations)

    def _end_step(
        self,
        line: int,
        end_line: int,
        changed_names: list[tuple[str, Tensor]],
        named: list[tuple[str, Tensor]],
        note: str,
        kind: Literal["line", "call", "fold"],
        iterations: tuple[int, ...],
    ) -> None:
        changed = [self._add_state(name, tensor) for name, tensor in changed_names]
        tensor_names = {name for name, _ in named}
        removed = tuple(name for name in self._fingerprints if name not in tensor_names)
        for name in removed:
            del self._fingerprints[name]
        self._occurrences[line] = self._occurrences.get(line, 0) + 1
        self.steps.append(
            Step(
                kind=kind,
                line=line,
                end_line=end_line,
                occurrence=self._occurrences[line],
                num_nodes=len(self.nodes),
                changed=tuple(changed),
                removed=removed,
                freed=tuple(self._freed_now),
                printed="".join(self._printed_now),
                note=note,
                warnings=tuple(self.warnings),
                depth=self.depth,
                call=self._open_calls[-1] if self._open_calls else None,
                iterations=iterations,
            )
        )
        self._results.clear()
        self._values.clear()
        self._printed_now.clear()
        self.warnings.clear()
        self._freed_now.clear()

    def begin_call(self, name: str, line: int, call_line: int, named: list[tuple[str, Tensor]], note: str) -> bool:
        """Writes the step at the entry into a function; says whether there is one to be ended."""
        self.depth += 1
        if self.is_paused:
            return False
        parent = self._open_calls[-1] if self._open_calls else None
        self._open_calls.append(len(self.calls))
        first = len(self.steps)
        self.calls.append(Call(name, line, call_line, parent, len(self._open_calls), first, first + 1))
        changed = self._changed(named)
        self._discover(line, changed, named)
        self._end_step(line, line, changed, named, note, "call", ())
        return True

    def end_call(self, is_recorded: bool, returned: str) -> None:
        """Leaves the function."""
        self.depth -= 1
        if is_recorded:
            index = self._open_calls.pop()
            self.calls[index] = replace(self.calls[index], end_step=len(self.steps), returned=returned)

    def _changed(self, named: list[tuple[str, Tensor]], *, is_gap: bool = False) -> list[tuple[str, Tensor]]:
        """The tensors that are new or differ from what they were at the last step."""
        changed = []
        for name, tensor in named:
            is_leaf, requires_grad = is_leaf_of(tensor), tensor.requires_grad
            grad = grad_of(tensor)
            fingerprint: tuple[Any, ...] = (self._identity(tensor), version_of(tensor), requires_grad, is_leaf)
            if grad is not None:
                fingerprint += (self._identity(grad), version_of(grad))
            if self._compares_values:
                fingerprint += (to_array(tensor).tobytes(), None if grad is None else to_array(grad).tobytes())
            if self._fingerprints.get(name) != fingerprint or (is_gap and self._differs(name, tensor, grad)):
                self._fingerprints[name] = fingerprint
                changed.append((name, tensor))
        return changed

    def _differs(self, name: str, tensor: Tensor, grad: Tensor | None) -> bool:
        """Whether a tensor holds something else than its last state says, whatever torch counts."""
        place = self._last_states.get(name)
        if place is None:
            return True
        state = self.tensors[place]
        has_grad = grad is not None
        if has_grad != (state.grad is not None) or state.value.tobytes() != to_array(tensor).tobytes():
            return True
        return grad is not None and state.grad is not None and state.grad.tobytes() != to_array(grad).tobytes()

    def _add_state(self, name: str, tensor: Tensor) -> int:
        grad = grad_of(tensor)
        self._last_states[name] = len(self.tensors)
        self.tensors.append(
            TensorState(
                name=name,
                identity=self._identity(tensor),
                storage=self._storage(tensor),
                value=self.array(tensor),
                shape=tuple(tensor.shape),
                dtype=dtype_name(tensor.dtype),
                requires_grad=tensor.requires_grad,
                is_leaf=is_leaf_of(tensor),
                version=version_of(tensor),
                node=self._node_id(tensor),
                grad=None if grad is None else self.array(grad),
            )
        )
        return len(self.tensors) - 1
