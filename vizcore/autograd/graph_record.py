"""torch's graph on record: nodes, edges, and what each node keeps for the way back.

A node is known by torch's sequence number, so that no node is kept alive longer than the program keeps it.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from vizcore.autograd import limits
from vizcore.autograd.guard import Guard
from vizcore.autograd.limits import LimitError
from vizcore.autograd.rules import local_rule
from vizcore.autograd.tensor_facts import (
    accumulator_of,
    address_of,
    dtype_name,
    grad_fn_of,
    is_leaf_of,
    output_shape_of,
    place_of,
    to_array,
    version_of,
)
from vizcore.autograd.trace import (
    Edge,
    Node,
    SavedTensor,
    Step,
)

NodeKey = tuple[str, int]

_NO_NUMBER = 2**64 - 1
"""torch's sequence number of nodes that are not ordered: leaves, and operations without a derivative."""


class GraphRecord:
    """The part of the recorder that reads torch's graph.

    Attributes:
        steps: of the program so far.
        nodes: by the order of their birth.
        edges: from a node whose output is used to the one that uses it.
        packed: what hooks of the program's have put in place of saved tensors and is still alive.
        is_reading: whether saved tensors are asked for by the record, and not by torch's engine.
        num_read: how many packed ones the record has asked for.
    """

    def __init__(self, guard: Guard) -> None:
        """Starts an empty graph."""
        self.steps: list[Step] = []
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self._guard = guard
        self._ids: dict[NodeKey, int] = {}
        self._leaves: dict[int, Tensor] = {}
        self._leaf_nodes: dict[int, Tensor] = {}
        self._unnumbered: dict[int, Any] = {}
        self._edge_ids: dict[tuple[int, int], int] = {}
        self._results: list[Tensor] = []
        self._values: dict[NodeKey, np.ndarray] = {}
        self._identities: dict[int, tuple[weakref.ref[Tensor], int]] = {}
        self._num_identities = 0
        self._storages: dict[int, tuple[weakref.ref[Tensor], int]] = {}
        self._num_storages = 0
        self._num_recorded = 0
        self._backward_sequences: list[range] = []
        self.packed: weakref.WeakSet[Any] = weakref.WeakSet()
        self.is_reading = False
        self.num_read = 0

    def array(self, tensor: Tensor) -> np.ndarray:
        """A copy of a tensor's elements, counted against the limit of what a trace may hold."""
        self._num_recorded += tensor.numel()
        if self._num_recorded > limits.MAX_RECORDED:
            raise LimitError(
                "The record of this program has more than {limit} numbers.", limit=f"{limits.MAX_RECORDED:,}"
            )
        return to_array(tensor)

    def _identity(self, tensor: Tensor) -> int:
        known = self._identities.get(id(tensor))
        if known is not None and known[0]() is tensor:
            return known[1]
        number = self._num_identities
        self._num_identities += 1
        self._identities[id(tensor)] = (weakref.ref(tensor), number)
        return number

    def _storage(self, tensor: Tensor) -> int:
        """The same number for tensors that share memory, as long as one of them is alive."""
        pointer = address_of(tensor)
        known = self._storages.get(pointer)
        if pointer and known is not None:
            holder = known[0]()
            if holder is not None and address_of(holder) == pointer:
                return known[1]
        number = self._num_storages
        self._num_storages += 1
        self._storages[pointer] = (weakref.ref(tensor), number)
        return number

    def _key(self, node: Any) -> NodeKey:
        if hasattr(node, "variable"):
            return ("leaf", id(node.variable))
        number = node._sequence_nr()
        if number == _NO_NUMBER:  # an operation without a derivative
            self._unnumbered[id(node)] = node
            return ("unnumbered", id(node))
        return ("node", number)

    def _orders(self, keys: Iterable[NodeKey]) -> dict[NodeKey, float]:
        """Numbers that increase along every edge: torch's, or for a node without one just above those of its inputs."""
        orders: dict[NodeKey, float] = {}
        stack = [(key, False) for key in keys]
        while stack:
            key, is_ready = stack.pop()
            if key in orders:
                continue
            if key[0] != "unnumbered":
                orders[key] = float(key[1]) if key[0] == "node" else -1.0
                continue
            following = self._unnumbered[key[1]].next_functions
            inputs = [self._key(node) for node, _ in following if node is not None]
            if is_ready:
                orders[key] = max((orders[source] for source in inputs), default=-1.0) + 1e-6
            else:
                stack.append((key, True))
                stack.extend((source, False) for source in inputs)
        return orders

    def _node_id(self, tensor: Tensor) -> int | None:
        node = grad_fn_of(tensor)
        if node is not None:
            return self._ids.get(self._key(node))
        return self._ids.get(("leaf", id(tensor))) if tensor.requires_grad else None

    def _discover(self, line: int, changed: list[tuple[str, Tensor]], named: list[tuple[str, Tensor]]) -> None:
        """Adds the nodes that the tensors lead to and that are not known yet, in torch's own order of birth."""
        tensors = [tensor for _, tensor in changed] + self._results
        for tensor in tensors:
            self._identity(tensor)
        found: dict[NodeKey, Any] = {}
        stack: list[Any] = []
        for tensor in tensors:
            if not tensor.requires_grad:
                continue
            node = grad_fn_of(tensor)
            if node is not None:
                stack.append(node)
            elif is_leaf_of(tensor):
                accumulator = accumulator_of(tensor)
                if accumulator is not None:
                    stack.append(accumulator)
        while stack:
            node = stack.pop()
            key = self._key(node)
            if key in self._ids or key in found:
                continue
            found[key] = node
            if len(self.nodes) + len(found) > limits.MAX_NODES:
                raise LimitError("A graph may have at most {limit} nodes.", limit=f"{limits.MAX_NODES:,}")
            stack.extend(following for following, _ in node.next_functions if following is not None)
        if found:
            self._add_found(found, line, named)
        for name, tensor in changed:
            node_id = self._node_id(tensor)
            if node_id is not None and not self.nodes[node_id].variable:
                self.nodes[node_id] = replace(self.nodes[node_id], variable=name)

    def _add_found(self, found: dict[NodeKey, Any], line: int, named: list[tuple[str, Tensor]]) -> None:
        places = {place_of(tensor): name for name, tensor in reversed(named)}
        leaves = [key for key in found if key[0] == "leaf"]
        for key in leaves:
            self._leaves[key[1]] = found[key].variable
        leaves.sort(key=lambda key: self._identity(self._leaves[key[1]]))
        orders = self._orders(found)
        others = sorted((key for key in found if key[0] != "leaf"), key=lambda key: orders[key])
        saved = {key: self._saved(found[key], places) for key in (*leaves, *others)}
        for key in (*leaves, *others):
            self._add_node(key, found[key], line, saved[key])
        for key in others:
            for index, (following, output) in enumerate(found[key].next_functions):
                if following is not None:
                    target = self._ids[key]
                    self._edge_ids[target, index] = len(self.edges)
                    self.edges.append(Edge(self._ids[self._key(following)], target, index, output))

    def _add_node(self, key: NodeKey, node: Any, line: int, saved: tuple[SavedTensor, ...]) -> None:
        name = node.name().removeprefix("torch::autograd::")
        metadata = node._input_metadata
        value = self.array(self._leaves[key[1]]) if key[0] == "leaf" else self._values.get(key)
        self._ids[key] = len(self.nodes)
        if key[0] == "leaf":
            self._leaf_nodes[self._ids[key]] = self._leaves[key[1]]
        self.nodes.append(
            Node(
                name=name,
                line=line,
                step=len(self.steps),
                variable="",
                shape=output_shape_of(node),
                dtype=dtype_name(metadata[0].dtype) if metadata else "",
                value=value,
                saved=saved,
                rule=local_rule(name),
                created_by_backward=key[0] == "node" and any(key[1] in numbers for numbers in self._backward_sequences),
            )
        )

    def _saved(self, node: Any, places: dict[Any, str]) -> tuple[SavedTensor, ...]:
        """What a node keeps for the way back; of packed tensors what stands in for them, without unpacking it."""
        self.is_reading = True
        try:
            return self._read_saved(node, places)
        finally:
            self.is_reading = False

    def _read_saved(self, node: Any, places: dict[Any, str]) -> tuple[SavedTensor, ...]:
        saved = []
        for attribute in dir(node):
            if not attribute.startswith("_saved_"):
                continue
            num_read = self.num_read
            try:
                value = getattr(node, attribute)
            except (
                RuntimeError,
                TypeError,
            ):  # freed, changed in place within the same line, or packed as something else
                continue
            is_packed = self.num_read > num_read
            tensors = value if isinstance(value, (tuple, list)) else (value,)
            for index, tensor in enumerate(tensors):
                if not isinstance(tensor, Tensor):
                    continue
                maker = grad_fn_of(tensor)
                if maker is not None and not is_packed:  # it is the output of that node, perhaps one that has no name
                    self._values.setdefault(self._key(maker), to_array(tensor))
                suffix = f"[{index}]" if isinstance(value, (tuple, list)) else ""
                saved.append(
                    SavedTensor(
                        name=attribute.removeprefix("_saved_") + suffix,
                        variable=places.get(place_of(tensor), ""),
                        value=self.array(tensor),
                        shape=tuple(tensor.shape),
                        dtype=dtype_name(tensor.dtype),
                        num_bytes=tensor.numel() * tensor.element_size(),
                        version=version_of(tensor),
                    )
                )
        return tuple(saved)
