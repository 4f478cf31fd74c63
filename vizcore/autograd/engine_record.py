"""Runs of torch's engine on record: which node it visits, what arrives there, what leaves, what a leaf takes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vizcore.autograd import limits
from vizcore.autograd.graph_record import GraphRecord
from vizcore.autograd.guard import Guard
from vizcore.autograd.limits import LimitError
from vizcore.autograd.tensor_facts import accumulator_of, grad_fn_of
from vizcore.autograd.trace import Accumulation, Contribution, Step, Visit


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


class EngineRecord(GraphRecord):
    """The part of the recorder that watches backward passes.

    Attributes:
        visits: of nodes by the engine, in its order.
        depth: how many functions of the learner's are running.
        is_paused: whether nothing is recorded now.
    """

    def __init__(self, guard: Guard) -> None:
        """Starts without a visit."""
        super().__init__(guard)
        self.visits: list[_Visit] = []
        self.is_paused = False
        self.depth = 0
        self._num_runs = 0
        self._occurrences: dict[int, int] = {}
        self._open_calls: list[int] = []
        self._freed: set[int] = set()
        self._freed_now: list[int] = []

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
        """Lets go of the leaves' gradients and of packed tensors: they can hold their own nodes for ever."""
        for leaf in self._leaf_nodes.values():
            leaf.grad = None
        for kept in list(self.packed):
            kept.forget()

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
