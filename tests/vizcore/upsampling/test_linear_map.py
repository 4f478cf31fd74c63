"""The linear map: map times input is output, transposes, stamps."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tests.vizcore.upsampling.inputs import options_for, quick, rand, seeds, sides
from vizcore.upsampling import (
    INTERPOLATIONS,
    METHODS,
    UpsamplingError,
    output_rows,
    trace_scatter,
    trace_upsampling,
)


@quick
@given(method=st.sampled_from(METHODS), height=st.integers(1, 3), width=st.integers(1, 3), seed=seeds)
def test_map_times_input_is_output(method, height, width, seed):
    grid = rand(2 * height, 2 * width, seed=seed)
    trace = trace_upsampling(method, grid, **options_for(method, 2))
    assert trace.weights.shape == trace.output.shape + trace.input.shape
    again = (trace.weights * trace.input).sum((2, 3)) + trace.offset
    np.testing.assert_allclose(again, trace.output, atol=1e-6)
    if method != "max_unpool":  # its map is that of one input, all others' are of every input
        other = rand(2 * height, 2 * width, seed=seed + 1)
        expected = trace_upsampling(method, other, **options_for(method, 2)).output
        np.testing.assert_allclose((trace.weights * other.numpy()).sum((2, 3)), expected, atol=1e-6)


def test_map_keeps_a_bias_apart():
    trace = trace_upsampling("conv_transpose", rand(2, 2), kernel_size=2, stride=2, bias=torch.tensor([3.0]).double())
    assert (trace.offset == 3).all()
    assert set(np.unique(trace.weights)) == {0.0, 1.0}


@quick
@given(
    method=st.sampled_from(INTERPOLATIONS),
    height=sides,
    width=sides,
    target=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    align_corners=st.booleans(),
)
def test_interpolation_rows_sum_to_one(method, height, width, target, align_corners):
    options = {"align_corners": align_corners} if method in ("bilinear", "bicubic") else {}
    trace = trace_upsampling(method, torch.zeros(height, width), size=target, **options)
    np.testing.assert_allclose(trace.weights.sum((2, 3)), 1.0, atol=1e-12)


@quick
@given(size=sides, kernel=st.integers(1, 4), stride=st.integers(1, 3), padding=st.integers(0, 2), seed=seeds)
def test_transposed_map_is_the_transpose_of_the_convolution(size, kernel, stride, padding, seed):
    weight = rand(1, 1, kernel, kernel, seed=seed)
    options = {"weight": weight, "stride": stride, "padding": padding}
    out = (size - 1) * stride - 2 * padding + kernel
    if out < 1:
        return
    trace = trace_upsampling("conv_transpose", torch.zeros(size, size), **options)
    units = torch.eye(out * out, dtype=torch.float64).reshape(-1, 1, out, out)
    forward = F.conv2d(units, weight, stride=stride, padding=padding).reshape(out * out, -1).T  # [in, out]
    np.testing.assert_allclose(trace.weights.reshape(out * out, size * size), forward.numpy().T, atol=1e-12)
    # Which is why it is the adjoint, and not the inverse: <conv x, y> = <x, convT y>.
    x, y = rand(1, 1, out, out, seed=seed + 1), rand(1, 1, size, size, seed=seed + 2)
    left = (F.conv2d(x, weight, stride=stride, padding=padding) * y).sum()
    right = (x * F.conv_transpose2d(y, weight, stride=stride, padding=padding)).sum()
    assert float(left) == pytest.approx(float(right), abs=1e-9)


@quick
@given(
    height=st.integers(1, 5),
    width=st.integers(1, 5),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 4),
    output_padding=st.integers(0, 2),
    dilation=st.integers(1, 3),
    seed=seeds,
)
def test_scatter_and_zero_insertion_agree(height, width, kernel, stride, padding, output_padding, dilation, seed):
    grid, weight = rand(height, width, seed=seed), rand(*kernel, seed=seed + 1)
    options = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    try:
        expected = F.conv_transpose2d(grid[None, None], weight[None, None], **options)[0, 0].numpy()
    except RuntimeError:
        with pytest.raises(UpsamplingError):
            trace_scatter(grid, weight=weight, **options)
        return
    trace = trace_scatter(grid, weight=weight, **options)
    np.testing.assert_allclose(trace.output, expected, atol=1e-12)
    np.testing.assert_allclose(trace.convolved, expected, atol=1e-12)
    np.testing.assert_allclose(trace.stamps.sum(0), expected, atol=1e-12)


def test_one_stamp_is_the_kernel_times_the_cell():
    trace = trace_scatter([[2.0, 0.0], [0.0, 5.0]], weight=torch.tensor([[1.0, 2.0], [3.0, 4.0]]), stride=2)
    # Cell (1, 1) with stride 2 lands with its upper left corner on (2, 2).
    np.testing.assert_array_equal(trace.stamps[3, 2:, 2:], [[5, 10], [15, 20]])
    assert trace.stamps[3, :2].sum() == 0
    np.testing.assert_array_equal(trace.flipped_kernel, [[4, 3], [2, 1]])
    # One zero between the cells (stride 2) and a frame of kernel - 1 = 1.
    np.testing.assert_array_equal(trace.inserted[1:4, 1:4], [[2, 0, 0], [0, 0, 0], [0, 0, 5]])


def test_what_a_trace_says_of_its_numbers():
    step = [[0, 0, 1, 1]] * 4
    assert trace_upsampling("bicubic", step, scale_factor=2).overshoots
    assert not trace_upsampling("bilinear", step, scale_factor=2).overshoots
    assert not trace_upsampling("bicubic", np.ones((4, 4)), scale_factor=2).overshoots
    assert trace_upsampling("nearest", step, scale_factor=2).is_binary
    assert not trace_upsampling("nearest", [[0, 0.5]], scale_factor=2).is_binary
    assert not trace_upsampling("nearest", [[0, -1]], scale_factor=2).is_binary


def test_the_two_readings_differ_by_the_largest_difference():
    trace = trace_scatter(rand(3, 3), weight="random", kernel_size=3, stride=2)
    assert trace.difference < 1e-12
    moved = trace.convolved.copy()
    moved[1, 2] -= 0.5
    assert replace(trace, convolved=moved).difference == pytest.approx(0.5)


def test_outputs_as_rows():
    traces = {name: trace_upsampling(name, [[1, 2]], scale_factor=2) for name in ("nearest", "bilinear")}
    rows = output_rows(traces)
    assert len(rows) == 2 * 2 * 4
    assert rows[6] == {"operator": "nearest", "row": 1, "column": 2, "value": 2.0}
    assert [row["value"] for row in rows[8:12]] == [1, 1.25, 1.75, 2]


def test_arrays_are_grids_and_kernels_too():
    grid, kernel = rand(3, 4), rand(3, 3, seed=1)
    expected = trace_scatter(grid, weight=kernel, stride=2)
    given = trace_scatter(grid.numpy(), weight=kernel.numpy(), stride=2)
    np.testing.assert_array_equal(given.stamps, expected.stamps)
    np.testing.assert_array_equal(
        trace_upsampling("bicubic", grid.numpy(), scale_factor=2).output,
        trace_upsampling("bicubic", grid, scale_factor=2).output,
    )
