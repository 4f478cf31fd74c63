"""Watches torch's graph and its engine while a program runs, and writes the trace.

The graph is read from torch's own nodes after each line; nothing is inferred from the program. A node is known by
torch's sequence number, so that no node is kept alive longer than the program keeps it: what torch frees is really
freed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from vizcore.autograd import limits
from vizcore.autograd.graph_record import GraphRecord
from vizcore.autograd.guard import Guard
from vizcore.autograd.limits import LimitError
from vizcore.autograd.tensor_facts import (
    accumulator_of,
    dtype_name,
    grad_fn_of,
    grad_of,
    is_leaf_of,
    to_array,
    version_of,
)
from vizcore.autograd.trace import (
    Accumulation,
    Call,
    Contribution,
    Step,
    TensorState,
    Visit,
)

_MANY_STEPS = 1_200
_MAX_WARNINGS = 20


@dataclass(eq=False)
class _Visit:
    """A visit while it is under way."""

    run: int
    node: int
    line: int
    upstream: tuple[np.ndarray | None, ...]
    contributions: list[Contribution]
    before: np.ndarray | None = None
    downstream: tuple[np.ndarray | None, ...] = ()
    accumulation: Accumulation | None = None


@dataclass(eq=False)
class _Run:
    """One call of the engine: gradients that wait for a node, and nodes it has entered but not left."""

    index: int
    line: int
    end_line: int
    waiting: dict[int, list[Contribution]] = field(default_factory=dict)
    open: dict[int, int] = field(default_factory=dict)


class Recorder(GraphRecord):
    """Collects steps, tensors, nodes, edges and visits."""

    def __init__(self, guard: Guard, *, compares_values: bool) -> None:
        """Starts an empty record.

        Args:
            guard: the mode that watches the operators; it is paused while the recorder reads tensors.
            compares_values: whether tensors may change without torch's version count moving (``.data``).
        """
        super().__init__(guard)
        self.tensors: list[TensorState] = []
        self.visits: list[_Visit] = []
        self.printed: list[str] = []
        self.warnings: list[str] = []
        self._compares_values = compares_values
        self._fingerprints: dict[str, tuple[Any, ...]] = {}
        self._occurrences: dict[int, int] = {}
        self._num_runs = 0
        self._freed: set[int] = set()
        self._freed_now: list[int] = []
        self._printed_now: list[str] = []
        self._num_printed = 0
        self._last_states: dict[str, int] = {}
        self.is_paused = False
        self.depth = 0
        self.calls: list[Call] = []
        self._open_calls: list[int] = []

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
            if isinstance(tensor, Tensor) and tensor.requires_grad:
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

    # ---- the engine

    def run_engine(
        self,
        call: Callable[[], Any],
        roots: list[tuple[Tensor, Tensor | None]],
        line: int,
        end_line: int,
        named: list[tuple[str, Tensor]],
        *,
        keeps_graph: bool,
    ) -> Any:
        """Runs ``backward()`` or ``torch.autograd.grad()`` with hooks on every node that it can reach.

        Args:
            call: runs the engine.
            roots: the tensors it starts from, each with the gradient that was handed in.
            line: the line that called it.
            end_line: the last line of that statement.
            named: every tensor the program can name now, with its name.
            keeps_graph: whether saved tensors stay for another run.

        Returns:
            What the call returns.
        """
        if self.is_paused:
            return call()
        run = _Run(self._num_runs, line, end_line)
        self._num_runs += 1
        handles = []
        nodes: list[Any] = []
        self._results.extend(tensor for tensor, _ in roots if tensor.requires_grad)
        self._discover(line, named, named)
        for tensor, gradient in roots:
            if not tensor.requires_grad or (grad_fn_of(tensor) is None and accumulator_of(tensor) is None):
                continue
            edge = torch.autograd.graph.get_gradient_edge(tensor)
            nodes.append(edge.node)
            given = torch.ones_like(tensor) if gradient is None else gradient
            if isinstance(given, Tensor) and given.shape == tensor.shape:
                part = Contribution(-1, -1, edge.output_nr, self.array(given))
                run.waiting.setdefault(self._ids[self._key(edge.node)], []).append(part)
        seen: set[int] = set()
        while nodes:
            node = nodes.pop()
            node_id = self._ids[self._key(node)]
            if node_id in seen:
                continue
            seen.add(node_id)
            sources = [
                None if following is None else self._ids[self._key(following)] for following, _ in node.next_functions
            ]
            outputs = [output for _, output in node.next_functions]
            handles.append(node.register_prehook(self._arrival(run, node_id)))
            handles.append(node.register_hook(self._departure(run, node_id, sources, outputs)))
            if hasattr(node, "variable") and node.variable.requires_grad:  # it may have been switched off since
                handles.append(node.variable.register_post_accumulate_grad_hook(self._accumulation(run, node_id)))
            nodes.extend(following for following, _ in node.next_functions if following is not None)
        first = torch.autograd._get_sequence_nr()
        num_visits = len(self.visits)
        try:
            return call()  # sizes on the way back are those of the way forward; the hooks watch the time
        finally:
            for handle in handles:
                handle.remove()
            self._backward_sequences.append(range(first, torch.autograd._get_sequence_nr()))
            if not keeps_graph:
                for visit in self.visits[num_visits:]:
                    if visit.node not in self._freed and self.nodes[visit.node].saved:
                        self._freed.add(visit.node)
                        self._freed_now.append(visit.node)

    def _arrival(self, run: _Run, node_id: int) -> Callable[[tuple[Tensor | None, ...]], None]:
        def arrive(gradients: tuple[Tensor | None, ...]) -> None:
            if len(self.visits) >= limits.MAX_VISITS:
                raise LimitError(
                    "The engine may visit at most {limit} nodes in one program.", limit=f"{limits.MAX_VISITS:,}"
                )
            self._guard.check_time()
            leaf = self._leaf_nodes.get(node_id)
            self.steps.append(
                Step(
                    kind="visit",
                    line=run.line,
                    end_line=run.end_line,
                    occurrence=self._occurrences.get(run.line, 0) + 1,
                    num_nodes=len(self.nodes),
                    visit=len(self.visits),
                    depth=self.depth,
                    call=self._open_calls[-1] if self._open_calls else None,
                )
            )
            run.open[node_id] = len(self.visits)
            self.visits.append(
                _Visit(
                    run=run.index,
                    node=node_id,
                    line=run.line,
                    upstream=tuple(None if gradient is None else self.array(gradient) for gradient in gradients),
                    contributions=run.waiting.pop(node_id, []),
                    before=None if leaf is None or leaf.grad is None else self.array(leaf.grad),
                )
            )

        return arrive

    def _departure(
        self, run: _Run, node_id: int, sources: list[int | None], outputs: list[int]
    ) -> Callable[[tuple[Tensor | None, ...], tuple[Tensor | None, ...]], None]:
        def depart(downstream: tuple[Tensor | None, ...], upstream: tuple[Tensor | None, ...]) -> None:
            index = run.open.pop(node_id)
            visit = self.visits[index]
            values = tuple(None if gradient is None else self.array(gradient) for gradient in downstream)
            visit.downstream = values
            for place, value in enumerate(values):
                source = sources[place] if place < len(sources) else None
                if source is not None and value is not None:
                    part = Contribution(self._edge_ids[node_id, place], index, outputs[place], value)
                    run.waiting.setdefault(source, []).append(part)

        return depart

    def _accumulation(self, run: _Run, node_id: int) -> Callable[[Tensor], None]:
        def accumulate(leaf: Tensor) -> None:
            visit = self.visits[run.open[node_id]]
            added = visit.upstream[0]
            if leaf.grad is not None and added is not None:
                visit.accumulation = Accumulation(
                    self.nodes[node_id].variable, visit.before, added, self.array(leaf.grad)
                )

        return accumulate

    def release(self) -> None:
        """Lets go of the leaves' gradients: after ``create_graph=True`` they hold their leaves for ever."""
        for leaf in self._leaf_nodes.values():
            leaf.grad = None

    def finished_visits(self) -> tuple[Visit, ...]:
        """The visits, as the trace keeps them."""
        return tuple(
            Visit(
                run=visit.run,
                node=visit.node,
                line=visit.line,
                upstream=visit.upstream,
                downstream=visit.downstream,
                contributions=tuple(visit.contributions),
                accumulation=visit.accumulation,
            )
            for visit in self.visits
        )
