"""Places for the nodes of a graph, in layers: what is computed later lies lower, and edges cross as little as possible.

Reference:
    Sugiyama, Tagawa, Toda. Methods for Visual Understanding of Hierarchical System Structures. IEEE Transactions on
    Systems, Man, and Cybernetics 11(2), 1981. Ours differs in the layers: they follow from the longest path, and a leaf
    is drawn just above its first use. Crossings and columns are igraph's implementation (0.11: 1.0 reads memory that
    it never wrote, and now and then ends the process).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import igraph
import numpy as np

MAX_SPAN = 4_000
"""Layers that all edges together cross, beyond which the layout by igraph, a node for each crossing, takes too long."""


def place_nodes(num_nodes: int, edges: Sequence[tuple[int, int]]) -> np.ndarray:
    """Lays out a whole graph once, so that its nodes keep their places while it grows.

    Args:
        num_nodes: number of nodes; they are numbered so that no edge leads to a smaller number, or in any order.
        edges: pairs (source, target); values flow from source to target. There may be no cycles.

    Returns:
        ``[num_nodes, 2]`` x and y of each node in units of one column and one layer; y = 0 is the uppermost layer.

    Raises:
        ValueError: if the edges form a cycle.
    """
    if num_nodes == 0:
        return np.zeros((0, 2))
    unique = list(dict.fromkeys(edges))
    rows = layers(num_nodes, unique)
    if max(len(unique), sum(rows[target] - rows[source] for source, target in unique)) > MAX_SPAN:
        places = np.stack([_columns(rows, unique), np.asarray(rows, float)], axis=1)
    else:
        graph = igraph.Graph(n=num_nodes, edges=unique, directed=True)
        layout = graph.layout_sugiyama(layers=rows, maxiter=24, hgap=1, vgap=1)
        places = np.asarray(layout.coords)[:num_nodes].astype(float)
        places[:, 1] = rows
    _push_apart(places)
    places[:, 0] -= places[:, 0].min()
    return places


def _columns(rows: Sequence[int], edges: Sequence[tuple[int, int]]) -> np.ndarray:
    """X of each node: a few times the mean of its neighbours, for graphs whose long edges would take igraph seconds."""
    columns = np.zeros(len(rows))
    ends = np.asarray(edges).reshape(-1, 2)
    order = np.argsort(np.asarray(rows), kind="stable")
    starts = np.flatnonzero(np.diff(np.asarray(rows)[order], prepend=np.asarray(rows)[order[0]] - 1))
    in_layer = np.empty(len(rows))
    for _ in range(5):
        order = np.lexsort((columns, np.asarray(rows)))
        in_layer[order] = np.arange(len(rows)) - np.repeat(starts, np.diff(starts, append=len(rows)))
        sums, counts = np.zeros(len(rows)), np.zeros(len(rows))
        for here, there in ((ends[:, 0], ends[:, 1]), (ends[:, 1], ends[:, 0])):
            np.add.at(sums, here, in_layer[there])
            np.add.at(counts, here, 1)
        columns = np.divide(sums, counts, out=in_layer.copy(), where=counts > 0)
    order = np.lexsort((columns, np.asarray(rows)))
    in_layer[order] = np.arange(len(rows)) - np.repeat(starts, np.diff(starts, append=len(rows)))
    return in_layer


def _push_apart(places: np.ndarray) -> None:
    """Gives neighbours in a layer at least one column each; igraph now and then lets two share one."""
    order = np.lexsort((places[:, 0], places[:, 1]))
    for before, after in pairwise(order):
        if places[before, 1] == places[after, 1]:
            places[after, 0] = max(places[after, 0], places[before, 0] + 1)


def layers(num_nodes: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each node: the longest path to it; without inputs it moves down to just above its first use.

    Args:
        num_nodes: as for :func:`place_nodes`.
        edges: as for :func:`place_nodes`.

    Returns:
        A whole number for each node, larger than those of its inputs.

    Raises:
        ValueError: if the edges form a cycle.
    """
    targets: list[list[int]] = [[] for _ in range(num_nodes)]
    num_inputs = [0] * num_nodes
    for source, target in edges:
        targets[source].append(target)
        num_inputs[target] += 1
    is_input = [count == 0 for count in num_inputs]
    rows = [0] * num_nodes
    ready = [node for node in range(num_nodes) if is_input[node]]
    num_done = 0
    while ready:
        node = ready.pop()
        num_done += 1
        for target in targets[node]:
            rows[target] = max(rows[target], rows[node] + 1)
            num_inputs[target] -= 1
            if num_inputs[target] == 0:
                ready.append(target)
    if num_done < num_nodes:
        raise ValueError("the graph has a cycle")
    for node in range(num_nodes):
        if is_input[node] and targets[node]:
            rows[node] = min(rows[target] for target in targets[node]) - 1
    return rows
