"""The matching: held to scipy, to brute force, and to what an optimum must be."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.optimize import linear_sum_assignment

from vizcore import detr

NUM_MATRICES = 10_000


def random_costs(number: int, *, most: int = 9):
    """Cost matrices of every shape up to ``most``, empty ones too; every other one is full of ties."""
    rng = np.random.default_rng(16)
    for index in range(number):
        shape = rng.integers(0, most + 1, 2)
        yield rng.normal(size=shape) if index % 2 else rng.integers(0, 3, shape).astype(np.float64)


def small_costs(side: int = 6):
    return arrays.arrays(
        np.float64,
        st.tuples(st.integers(0, side), st.integers(0, side)),
        elements=st.integers(-64, 64).map(lambda number: number / 8),
    )


def test_the_trace_answers_as_scipy_does_ties_included():
    shapes = set()
    for cost in random_costs(NUM_MATRICES):
        trace = detr.trace_matching(torch.from_numpy(cost))
        queries, targets = linear_sum_assignment(cost)
        assert np.array_equal(trace.queries, queries)
        assert np.array_equal(trace.targets, targets)
        shapes.add(cost.shape)
    assert any(rows < columns for rows, columns in shapes)
    assert any(columns == 0 < rows for rows, columns in shapes)


def test_match_is_scipys_by_increasing_query():
    for cost in random_costs(200):
        queries, targets = detr.match(torch.from_numpy(cost))
        expected = linear_sum_assignment(cost)
        assert np.array_equal(queries.numpy(), expected[0])
        assert np.array_equal(targets.numpy(), expected[1])
        assert queries.dtype == targets.dtype == torch.int64
        assert torch.all(queries.diff() > 0)


@pytest.mark.parametrize("shape", [(7, 7), (7, 3), (3, 7), (6, 5), (1, 4)])
def test_nothing_is_better_than_the_optimum(shape):
    """Every one-to-one matching of up to seven, tried."""
    cost = np.random.default_rng(sum(shape)).normal(size=shape)
    rows, columns = shape
    if rows >= columns:
        totals = [cost[list(p), range(columns)].sum() for p in itertools.permutations(range(rows), columns)]
    else:
        totals = [cost[range(rows), list(p)].sum() for p in itertools.permutations(range(columns), rows)]
    trace = detr.trace_matching(torch.from_numpy(cost))
    assert trace.total == pytest.approx(min(totals))


@given(small_costs())
def test_potentials_prove_the_optimum(cost):
    """No reduced cost is negative, matched ones are 0: then no other matching can be cheaper. (Eighths add exactly.)"""
    trace = detr.trace_matching(torch.from_numpy(cost))
    if not trace.num_steps:
        return
    table = cost.T if trace.rows_are_targets else cost
    u, v = trace.u[-1], trace.v[-1]
    reduced = table - u[:, None] - v
    assert np.all(reduced >= 0)
    assert np.all(v <= 0)
    rows = np.arange(len(table))
    assert np.all(reduced[rows, trace.column_of[-1]] == 0)
    assert u.sum() + v.sum() == trace.total
    assert np.all(v[~np.isin(np.arange(len(v)), trace.column_of[-1])] == 0)  # a free column was never paid for


@given(small_costs())
def test_every_step_takes_the_nearest_column_along_a_real_path(cost):
    trace = detr.trace_matching(torch.from_numpy(cost))
    table = cost.T if trace.rows_are_targets else cost
    for step in range(trace.num_steps):
        first = step == 0 or trace.augments[step - 1]
        u, v = (np.zeros(len(table)), np.zeros(table.shape[1])) if step == 0 else (trace.u[step - 1], trace.v[step - 1])
        outside = ~trace.tree[step]
        assert np.all(trace.distances[step][outside] >= trace.distance[step])
        assert trace.tree[step].sum() == (1 if first else trace.tree[step - 1].sum() + 1)
        path = trace.path(step)
        assert path[0][0] == trace.row[step]
        assert path[-1] == (trace.previous[step][trace.column[step]], trace.column[step])
        lengths = [table[row, column] - u[row] - v[column] for row, column in path]
        assert sum(lengths) == trace.distance[step]
        matched = (trace.column_of[step] >= 0).sum()
        assert matched == trace.row[step] + trace.augments[step]
        if trace.augments[step]:
            assert all(trace.column_of[step][row] == column for row, column in path)


@given(small_costs())
def test_greedy_is_never_cheaper(cost):
    greedy = detr.match_greedily(torch.from_numpy(cost))
    trace = detr.trace_matching(torch.from_numpy(cost))
    assert len(greedy.queries) == len(trace.queries) == min(cost.shape)
    assert len(set(greedy.queries.tolist())) == len(set(greedy.targets.tolist())) == min(cost.shape)
    assert greedy.total >= trace.total
    taken = cost[greedy.queries, greedy.targets]
    assert np.all(np.diff(taken) >= 0)


def test_greedy_can_be_worse():
    """Greedy takes the 0 and must then pay 10; the optimum gives each what it can do without: 1 + 2."""
    cost = torch.tensor([[0.0, 1.0], [2.0, 10.0]])
    assert detr.match_greedily(cost).total == 10.0
    trace = detr.trace_matching(cost)
    assert trace.total == 3.0
    assert trace.targets.tolist() == [1, 0]


def test_the_steps_of_that_matching():
    """Row 0 takes column 0. Row 1 finds it nearest (2), goes on through row 0: 2 + (1 - 0) = 3 < 10, and all change."""
    trace = detr.trace_matching(torch.tensor([[0.0, 1.0], [2.0, 10.0]]))
    assert trace.row.tolist() == [0, 1, 1]
    assert trace.column.tolist() == [0, 0, 1]
    assert trace.distance.tolist() == [0.0, 2.0, 3.0]
    assert trace.augments.tolist() == [True, False, True]
    assert trace.distances[1].tolist() == [2.0, 10.0]
    assert trace.path(2) == [(1, 0), (0, 1)]
    assert trace.column_of.tolist() == [[0, -1], [0, -1], [1, 0]]
    assert trace.u[-1].tolist() == [1.0, 3.0]
    assert trace.v[-1].tolist() == [-1.0, 0.0]


def test_two_queries_on_one_object():
    """Both are near, one of them gets it: the better one, and the other is left for "no object"."""
    queries, targets = detr.match(torch.tensor([[0.5, 3.0], [0.25, 3.0], [3.0, 1.0]]))
    assert queries.tolist() == [1, 2]
    assert targets.tolist() == [0, 1]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (4, 0)])
def test_nothing_to_match(shape):
    queries, targets = detr.match(torch.zeros(shape))
    trace = detr.trace_matching(torch.zeros(shape))
    greedy = detr.match_greedily(torch.zeros(shape))
    assert queries.shape == targets.shape == (0,)
    assert trace.num_steps == 0 == len(trace.queries) == len(greedy.queries)
    assert trace.total == greedy.total == 0.0
    assert trace.tree.dtype == np.bool_


def test_more_objects_than_queries():
    """One query, three objects: the cheapest is found, two are nobody's."""
    queries, targets = detr.match(torch.tensor([[3.0, 1.0, 2.0]]))
    assert queries.tolist() == [0]
    assert targets.tolist() == [1]
    assert not detr.trace_matching(torch.tensor([[3.0, 1.0, 2.0]])).rows_are_targets


def test_a_constant_matrix_is_matched_in_order():
    trace = detr.trace_matching(torch.full((4, 4), 2.0))
    assert trace.targets.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("function", [detr.match, detr.trace_matching, detr.match_greedily])
def test_a_cost_that_is_no_number_is_refused_in_a_sentence(function, value):
    cost = torch.zeros(3, 2)
    cost[2, 1] = value
    with pytest.raises(detr.DETRError) as caught:
        function(cost)
    assert str(caught.value) == f"The cost of query 2 and target 1 is {value}; a cost must be a finite number."


@pytest.mark.parametrize("function", [detr.match, detr.trace_matching, detr.match_greedily])
def test_a_cost_without_rows_and_columns_is_refused(function):
    with pytest.raises(detr.DETRError, match=r"cost must have the shape \[queries, targets\], not \[3\]"):
        function(torch.zeros(3))


def test_the_matching_has_no_gradient():
    cost = torch.rand(3, 2, requires_grad=True)
    assert not any(each.requires_grad for each in detr.match(cost))
