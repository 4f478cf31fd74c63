"""Which query gets which target: optimal, greedy, and the optimal one step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from vizcore.detr.errors import BAD_COST, BAD_SHAPE, DETRError


def match(cost: Float[Tensor, "Q T"]) -> tuple[Int64[Tensor, " M"], Int64[Tensor, " M"]]:
    """The one-to-one matching of least total cost.

    Args:
        cost: of giving each query each target.

    Returns:
        Queries, increasing, and the target of each; as many as there are queries or targets, whichever is less.

    Raises:
        DETRError: If a cost is not a finite number, or the matrix is none.
    """
    values = check_cost(cost)
    queries, targets = linear_sum_assignment(values)
    return torch.from_numpy(np.ascontiguousarray(queries)), torch.from_numpy(np.ascontiguousarray(targets))


def check_cost(cost: Tensor) -> np.ndarray:
    """A cost matrix as double precision numbers.

    Raises:
        DETRError: see :func:`match`.
    """
    if cost.ndim != 2:
        raise DETRError(BAD_SHAPE, name="cost", wanted="[queries, targets]", found=list(cost.shape))
    values: np.ndarray = cost.detach().to("cpu", torch.float64).numpy()
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        raise DETRError(BAD_COST, row=int(row), column=int(column), value=float(values[row, column]))
    return values


@dataclass(frozen=True, eq=False)
class GreedyMatching:
    """What one gets who always takes the cheapest pair that is left.

    Attributes:
        queries: ``[M]`` in the order in which they were taken.
        targets: ``[M]`` the target of each.
        total: sum of their costs; never less than the optimal one's.
    """

    queries: np.ndarray
    targets: np.ndarray
    total: float


def match_greedily(cost: Float[Tensor, "Q T"]) -> GreedyMatching:
    """Takes the cheapest pair of all, then the cheapest of what is left, and so on; of equal ones the first in the row.

    Raises:
        DETRError: If a cost is not a finite number, or the matrix is none.
    """
    values = check_cost(cost)
    rest = values.copy()
    pairs = []
    for _ in range(min(values.shape)):
        query, target = divmod(int(rest.argmin()), values.shape[1])
        pairs.append((query, target))
        rest[query], rest[:, target] = np.inf, np.inf
    taken = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return GreedyMatching(taken[:, 0], taken[:, 1], float(values[taken[:, 0], taken[:, 1]].sum()))


@dataclass(frozen=True, eq=False)
class MatchingTrace:
    """An optimal matching, column by column: shortest augmenting paths with potentials.

    Rows are whichever there are fewer of (targets, in a detector with queries enough), columns the others. The rows
    come in one after another. Each grows a tree of shortest paths over reduced costs ``cost - u - v`` until it reaches
    a free column; then all pairs on the path change over. Every step takes one column into the tree.

    Attributes:
        cost: ``[Q, T]`` of giving each query each target.
        rows_are_targets: False where there are fewer queries than targets.
        queries: ``[M]`` matched, increasing.
        targets: ``[M]`` the target of each.
        total: sum of their costs.
        row: ``[S]`` the row that is coming in at each step.
        from_row: ``[S]`` the row whose costs were looked at in this step.
        column: ``[S]`` the column that was taken.
        distance: ``[S]`` length of the shortest path to it.
        distances: ``[S, C]`` of the shortest paths known after the step; inf where there is none yet.
        previous: ``[S, C]`` the row before each column on its path, -1 where there is none yet.
        tree: ``[S, C]`` whether the column has been taken.
        augments: ``[S]`` whether the column was free: the path changes over, and the next row comes in.
        column_of: ``[S, R]`` the column of each row after the step, -1 for none.
        u: ``[S, R]`` potentials of the rows after the step.
        v: ``[S, C]`` potentials of the columns after the step, never above 0.
    """

    cost: np.ndarray
    rows_are_targets: bool
    queries: np.ndarray
    targets: np.ndarray
    total: float
    row: np.ndarray
    from_row: np.ndarray
    column: np.ndarray
    distance: np.ndarray
    distances: np.ndarray
    previous: np.ndarray
    tree: np.ndarray
    augments: np.ndarray
    column_of: np.ndarray
    u: np.ndarray
    v: np.ndarray

    @property
    def num_steps(self) -> int:
        """How many columns were taken, over all rows."""
        return len(self.row)

    def path(self, step: int) -> list[tuple[int, int]]:
        """The shortest path to the column of a step, from the incoming row on: (row, column) pairs."""
        previous = self.previous[step]
        before = self.column_of[step - 1] if step else np.full(self.column_of.shape[1], -1)
        column, pairs = int(self.column[step]), []
        while True:
            row = int(previous[column])
            pairs.append((row, column))
            if row == self.row[step]:
                return pairs[::-1]
            column = int(before[row])


def trace_matching(cost: Float[Tensor, "Q T"]) -> MatchingTrace:
    """Matches as :func:`match` does, and records every step.

    Columns are looked at in the order of scipy's ``linear_sum_assignment``, so that ties fall alike.

    Args:
        cost: of giving each query each target.

    Raises:
        DETRError: If a cost is not a finite number, or the matrix is none.

    Reference:
        David F. Crouse. On implementing 2D rectangular assignment algorithms. IEEE Transactions on Aerospace and
        Electronic Systems 52(4), 2016. Roy Jonker, Anton Volgenant. A shortest augmenting path algorithm for dense and
        sparse linear assignment problems. Computing 38, 1987.
    """
    values = check_cost(cost)
    rows_are_targets = values.shape[1] < values.shape[0]
    table = values.T if rows_are_targets else values
    num_rows, num_columns = table.shape
    u, v = np.zeros(num_rows), np.zeros(num_columns)
    column_of, row_of = np.full(num_rows, -1), np.full(num_columns, -1)
    steps: list[dict[str, Any]] = []
    for incoming in range(num_rows):
        distances, previous = np.full(num_columns, np.inf), np.full(num_columns, -1)
        tree, visited = np.zeros(num_columns, dtype=bool), np.zeros(num_rows, dtype=bool)
        remaining = list(range(num_columns - 1, -1, -1))
        row, shortest, free = incoming, 0.0, False
        while not free:
            visited[row] = True
            place = _nearest(table[row], row, shortest, u[row], v, distances, previous, row_of, remaining)
            column = remaining[place]
            shortest = float(distances[column])
            tree[column], free = True, bool(row_of[column] == -1)
            remaining[place] = remaining[-1]
            remaining.pop()
            looked_from, row = row, int(row_of[column])
            if free:
                others = visited.copy()
                others[incoming] = False
                u[incoming] += shortest
                u[others] += shortest - distances[column_of[others]]
                v[tree] -= shortest - distances[tree]
                _change_over(column, incoming, previous, column_of, row_of)
            steps.append(
                {
                    "row": incoming,
                    "from_row": looked_from,
                    "column": column,
                    "distance": shortest,
                    "distances": distances.copy(),
                    "previous": previous.copy(),
                    "tree": tree.copy(),
                    "augments": free,
                    "column_of": column_of.copy(),
                    "u": u.copy(),
                    "v": v.copy(),
                }
            )
    rows = np.argsort(column_of, kind="stable") if rows_are_targets else np.arange(num_rows)
    queries, targets = (column_of[rows], rows) if rows_are_targets else (rows, column_of[rows])
    widths = {"distances": num_columns, "previous": num_columns, "tree": num_columns, "v": num_columns}
    widths |= {"column_of": num_rows, "u": num_rows}
    return MatchingTrace(
        cost=values,
        rows_are_targets=rows_are_targets,
        queries=queries,
        targets=targets,
        total=float(values[queries, targets].sum()),
        **{
            name: np.array([step[name] for step in steps], dtype=dtype).reshape(
                (len(steps), widths[name]) if name in widths else len(steps)
            )
            for name, dtype in _COLUMNS.items()
        },
    )


_COLUMNS: Final = {
    "row": np.int64,
    "from_row": np.int64,
    "column": np.int64,
    "distance": np.float64,
    "distances": np.float64,
    "previous": np.int64,
    "tree": np.bool_,
    "augments": np.bool_,
    "column_of": np.int64,
    "u": np.float64,
    "v": np.float64,
}


def _nearest(
    costs: np.ndarray,
    row: int,
    shortest: float,
    potential: float,
    v: np.ndarray,
    distances: np.ndarray,
    previous: np.ndarray,
    row_of: np.ndarray,
    remaining: list[int],
) -> int:
    """Shortens the paths over a row; says where in ``remaining`` the nearest column is, a free one if equal."""
    lowest, place = np.inf, -1
    for index, column in enumerate(remaining):
        length = shortest + costs[column] - potential - v[column]
        if length < distances[column]:
            previous[column], distances[column] = row, length
        if distances[column] < lowest or (distances[column] == lowest and row_of[column] == -1):
            lowest, place = distances[column], index
    return place


def _change_over(column: int, incoming: int, previous: np.ndarray, column_of: np.ndarray, row_of: np.ndarray) -> None:
    """Gives every row on the path to a free column the column after it."""
    while True:
        row = int(previous[column])
        row_of[column] = row
        column, column_of[row] = int(column_of[row]), column
        if row == incoming:
            return
