import inspect
import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from vizcore.data.photos import decode_photo
from vizcore.models.espcn import HEADS, Upscaler
from vizcore.models.unet import UNet
from vizcore.packing import unpack
from vizcore.upsampling import (
    CONVENTIONS,
    INTERPOLATIONS,
    METHODS,
    OPTIONS,
    PRESETS,
    UpsamplingError,
    artefact_spectrum,
    blob,
    channel_tiles,
    checkerboard_energy,
    coin_mask,
    convolved_size,
    count_cost,
    dilated_footprint,
    downsample,
    icnr_weight,
    learned_kernel,
    legacy_difference,
    max_pool,
    named_kernel,
    output_padding_choices,
    overlap_counts,
    pack_pictures,
    pack_scatter,
    pack_traces,
    preset_grid,
    resize_drift,
    resized_size,
    restore_photo,
    run_decoder,
    sample_positions,
    scaling_layers,
    time_methods,
    trace_scatter,
    trace_upsampling,
    train_upscalers,
    transposed_size,
    upsample,
    view_of,
)

quick = settings(max_examples=60, deadline=None)

sides = st.integers(1, 7)
seeds = st.integers(0, 10_000)


def rand(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def agree(ours, theirs):
    """Both give the same tensor, or both refuse; an empty answer, which torch lets pass here and there, is refused."""
    try:
        expected = theirs()
    except (RuntimeError, ValueError):
        expected = torch.empty(0)
    if expected.numel() == 0:
        with pytest.raises(UpsamplingError):
            ours()
        return
    torch.testing.assert_close(ours(), expected, rtol=0, atol=0)


# Oracle: the torch layer itself, over options and sizes


@quick
@given(
    method=st.sampled_from(INTERPOLATIONS),
    shape=st.tuples(st.integers(1, 2), st.integers(1, 3), sides, sides),
    target=st.one_of(
        st.fixed_dictionaries({"size": st.one_of(st.integers(0, 12), st.tuples(sides, sides))}),
        st.fixed_dictionaries(
            {"scale_factor": st.one_of(st.floats(0.1, 4.0), st.tuples(st.floats(0.2, 3), st.floats(1, 3)))}
        ),
        st.just({"size": 4, "scale_factor": 2.0}),
        st.just({}),
    ),
    align_corners=st.sampled_from([None, True, False]),
    antialias=st.booleans(),
    recompute=st.sampled_from([None, True]),
    seed=seeds,
)
def test_interpolations_equal_torch(method, shape, target, align_corners, antialias, recompute, seed):
    x = rand(*shape, seed=seed)
    options = dict(target, align_corners=align_corners, antialias=antialias, recompute_scale_factor=recompute)
    agree(
        lambda: upsample(method, x, **options),
        lambda: F.interpolate(x, mode=method.replace("_", "-"), **options),
    )


@quick
@given(
    shape=st.tuples(st.integers(1, 2), st.sampled_from([2, 4]), sides, sides),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 4),
    output_padding=st.integers(0, 3),
    dilation=st.integers(1, 3),
    groups=st.sampled_from([1, 2, 3]),
    bias=st.booleans(),
    seed=seeds,
)
def test_conv_transpose_equals_torch(shape, kernel, stride, padding, output_padding, dilation, groups, bias, seed):
    x = rand(*shape, seed=seed)
    weight = rand(shape[1], 3, *kernel, seed=seed + 1)
    offset = rand(3 * groups, seed=seed + 2) if bias else None
    options = {
        "stride": stride,
        "padding": padding,
        "output_padding": output_padding,
        "dilation": dilation,
        "groups": groups,
    }
    agree(
        lambda: upsample("conv_transpose", x, weight=weight, bias=offset, **options),
        lambda: F.conv_transpose2d(x, weight, offset, **options),
    )


@quick
@given(channels=st.integers(1, 9), height=sides, width=sides, factor=st.integers(0, 3), seed=seeds)
def test_shuffles_equal_torch(channels, height, width, factor, seed):
    x = rand(1, channels, height, width, seed=seed)
    agree(lambda: upsample("pixel_shuffle", x, upscale_factor=factor), lambda: F.pixel_shuffle(x, factor))
    if factor:  # torch divides by zero here, which kills the process on some builds
        agree(lambda: upsample("pixel_unshuffle", x, downscale_factor=factor), lambda: F.pixel_unshuffle(x, factor))


@quick
@given(
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    extra=st.sampled_from([None, 0, 1, 3]),
    seed=seeds,
)
def test_max_unpool_equals_torch(height, width, kernel, stride, padding, extra, seed):
    x = rand(2, 2, height, width, seed=seed)
    pool = {"kernel_size": kernel, "stride": stride, "padding": padding}
    try:
        pooled, indices = F.max_pool2d(x, **pool, return_indices=True)
    except RuntimeError:
        with pytest.raises(UpsamplingError):
            upsample("max_unpool", x, **pool)
        return
    size = None if extra is None else (height + extra, width)
    # torch only finds a wrong index by reading it, and does not say which size would do: the same refusals, in words.
    agree(
        lambda: upsample("max_unpool", pooled, indices=indices, output_size=size, **pool),
        lambda: F.max_unpool2d(pooled, indices, output_size=size, **pool),
    )
    torch.testing.assert_close(
        upsample("max_unpool", x, **pool), F.max_unpool2d(pooled, indices, output_size=(height, width), **pool)
    )


def test_layers_of_torch_nn_are_these_methods():
    x = rand(1, 4, 3, 5)
    pairs = [
        (nn.PixelShuffle(2), upsample("pixel_shuffle", x, upscale_factor=2)),
        (nn.UpsamplingNearest2d(scale_factor=2), upsample("nearest", x, scale_factor=2)),
        (nn.UpsamplingBilinear2d(scale_factor=2), upsample("bilinear", x, scale_factor=2, align_corners=True)),
        (nn.Upsample(scale_factor=2, mode="bilinear"), upsample("bilinear", x, scale_factor=2)),
        (nn.Upsample(size=(7, 8), mode="bicubic"), upsample("bicubic", x, size=(7, 8))),
        (nn.Upsample(scale_factor=2, mode="nearest-exact"), upsample("nearest_exact", x, scale_factor=2)),
    ]
    for layer, ours in pairs:
        torch.testing.assert_close(ours, layer(x), rtol=0, atol=0)
    # The legacy layer's default is the other convention, and they do differ.
    assert not torch.equal(pairs[2][1], pairs[3][1])


def test_composed_operators_are_their_parts():
    x, weight = rand(1, 2, 4, 5), rand(3, 2, 3, 3, seed=1)
    torch.testing.assert_close(
        upsample("resize_conv", x, weight=weight, scale_factor=2, mode="bilinear", align_corners=True),
        F.conv2d(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True), weight, padding=1),
    )
    sub = rand(8, 2, 3, 3, seed=2)
    torch.testing.assert_close(
        upsample("subpixel_conv", x, weight=sub, upscale_factor=2), F.pixel_shuffle(F.conv2d(x, sub, padding=1), 2)
    )
    torch.testing.assert_close(
        upsample("dilated_conv", x, weight=weight, dilation=3), F.conv2d(x, weight, padding=3, dilation=3)
    )


# The linear map


def options_for(method, factor):
    return {
        "pixel_shuffle": {"upscale_factor": factor},
        "pixel_unshuffle": {"downscale_factor": factor},
        "conv_transpose": {"weight": "random", "kernel_size": 3, "stride": factor},
        "max_unpool": {"kernel_size": factor},
        "subpixel_conv": {"weight": "random", "upscale_factor": factor},
        "dilated_conv": {"weight": "random", "dilation": factor},
        "resize_conv": {"weight": "random", "scale_factor": factor},
    }.get(method, {"scale_factor": factor})


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


# Hand values


def test_pixel_shuffle_reads_channels_in_reading_order():
    x = torch.tensor([10.0, 11.0, 12.0, 13.0, 20.0, 21.0, 22.0, 23.0]).reshape(1, 8, 1, 1)
    # out[c, h·r + i, w·r + j] = in[c·r² + i·r + j, h, w]: channels 0-3 are one block, 4-7 the next output channel.
    np.testing.assert_array_equal(
        upsample("pixel_shuffle", x, upscale_factor=2)[0], [[[10, 11], [12, 13]], [[20, 21], [22, 23]]]
    )


def test_pixel_shuffle_of_a_grid_interleaves_its_tiles():
    grid = torch.arange(16.0).reshape(4, 4)
    trace = trace_upsampling("pixel_shuffle", grid, upscale_factor=2)
    # The tiles' first cells 0, 2, 8, 10 become the first block.
    np.testing.assert_array_equal(trace.output[:2, :2], [[0, 2], [8, 10]])
    back = trace_upsampling("pixel_unshuffle", torch.from_numpy(trace.output), downscale_factor=2)
    np.testing.assert_array_equal(back.output, grid)


def test_both_align_corners_on_a_ramp():
    ramp = torch.arange(4.0).double()[None, None, None]
    # d·(I - 1)/(O - 1) = 3d/7, against (d + 1/2)/2 - 1/2 clamped to the row.
    with_corners = upsample("bilinear", ramp, size=(1, 8), align_corners=True)[0, 0, 0]
    without = upsample("bilinear", ramp, size=(1, 8), align_corners=False)[0, 0, 0]
    np.testing.assert_allclose(with_corners, np.arange(8) * 3 / 7, atol=1e-12)
    np.testing.assert_array_equal(without, [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])


def test_nearest_and_nearest_exact_pick_different_pixels():
    ramp = torch.arange(10.0)[None, None, None]
    np.testing.assert_array_equal(upsample("nearest", ramp, size=(1, 4))[0, 0, 0], [0, 2, 5, 7])
    np.testing.assert_array_equal(upsample("nearest_exact", ramp, size=(1, 4))[0, 0, 0], [1, 3, 6, 8])


def test_bicubic_overshoots_a_step():
    out = trace_upsampling("bicubic", [[0.0, 0.0, 1.0, 1.0]] * 4, scale_factor=2).output
    assert out.min() < 0 < 1 < out.max()


def test_max_unpool_keeps_the_first_of_equal_maxima():
    trace = trace_upsampling("max_unpool", [[1.0, 1.0], [0.0, 1.0]], kernel_size=2)
    np.testing.assert_array_equal(trace.output, [[1, 0], [0, 0]])
    assert trace.weights.sum() == 1
    assert trace.weights[0, 0, 0, 0] == 1


def test_bilinear_kernel_makes_a_transposed_convolution_bilinear():
    # Long et al.'s tent of size 4 for stride 2 is 1/4 3/4 3/4 1/4 squared.
    np.testing.assert_array_equal(named_kernel("bilinear", (1, 4))[0], [[0.25, 0.75, 0.75, 0.25]])
    grid = rand(6, 6)
    up = trace_upsampling("conv_transpose", grid, weight="bilinear", kernel_size=4, stride=2, padding=1).output
    smooth = trace_upsampling("bilinear", grid, scale_factor=2).output
    np.testing.assert_allclose(up[1:-1, 1:-1], smooth[1:-1, 1:-1], atol=1e-12)


# Shapes


@quick
@given(
    size=st.integers(1, 9),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 4),
    padding=st.integers(0, 4),
    output_padding=st.integers(0, 4),
    dilation=st.integers(1, 3),
)
def test_transposed_size_is_torchs(size, kernel, stride, padding, output_padding, dilation):
    options = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    try:
        expected = F.conv_transpose1d(torch.ones(1, 1, size), torch.ones(1, 1, kernel), **options).shape[-1]
    except RuntimeError:
        expected = 0  # some negative paddings pass torch's own check with an empty output
    if expected == 0:
        with pytest.raises(UpsamplingError):
            transposed_size(size, kernel_size=kernel, **options)
        return
    formula = transposed_size(size, kernel_size=kernel, **options)
    assert formula.size == expected
    arithmetic = formula.numbers.split("=")[0].replace("·", "*").replace("−", "-")
    assert eval(arithmetic, {}) == expected  # the text that is shown says the same


@quick
@given(size=st.integers(1, 20), kernel=st.integers(1, 5), stride=st.integers(1, 4), padding=st.integers(0, 3))
def test_convolved_size_is_torchs(size, kernel, stride, padding):
    try:
        expected = F.conv1d(torch.ones(1, 1, size), torch.ones(1, 1, kernel), None, stride, padding).shape[-1]
    except RuntimeError:
        with pytest.raises(UpsamplingError):
            convolved_size(size, kernel_size=kernel, stride=stride, padding=padding)
        return
    assert convolved_size(size, kernel_size=kernel, stride=stride, padding=padding).size == expected


@given(size=st.integers(2, 9), kernel=st.integers(1, 5), stride=st.integers(1, 4))
def test_output_padding_names_the_sizes_a_convolution_merges(size, kernel, stride):
    choices = output_padding_choices(size, kernel_size=kernel, stride=stride)
    assert [choice.convolved_back for choice in choices] == [size] * stride
    assert len({choice.size for choice in choices}) == stride


def test_scaling_layers_scale_every_size():
    for factor in (2, 3, 4):
        layers = scaling_layers(factor)
        assert {layer.kernel_size for layer in layers} >= set(range(2, 9))
        for layer in layers:
            for size in (1, 5, 8):
                formula = transposed_size(
                    size,
                    kernel_size=layer.kernel_size,
                    stride=layer.stride,
                    padding=layer.padding,
                    output_padding=layer.output_padding,
                )
                assert formula.size == factor * size
            even = overlap_counts(layer.kernel_size, layer.stride).ratio == 1
            assert even == layer.even_overlap


def test_resized_size_rounds_down():
    assert resized_size(10, scale_factor=2.3).size == 23
    assert resized_size(3, scale_factor=2.3).numbers == "⌊3 · 2.3⌋ = 6"


# Overlaps


def brute_force_counts(size, kernels, strides):
    counts = [1] * size
    for kernel, stride in zip(kernels, strides, strict=True):
        grown = [0] * ((len(counts) - 1) * stride + kernel)
        for position, count in enumerate(counts):
            for offset in range(kernel):
                grown[position * stride + offset] += count
        counts = grown
    return counts


@quick
@given(
    size=st.integers(1, 9),
    layers=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 3)), min_size=1, max_size=3),
    dims=st.sampled_from([1, 2]),
)
def test_overlap_counts_equal_a_brute_force_count(size, layers, dims):
    kernels, strides = zip(*layers, strict=True)
    overlap = overlap_counts(kernels, strides, size=size, num_layers=len(layers), dims=dims)
    row = brute_force_counts(size, kernels, strides)
    expected = row if dims == 1 else np.outer(row, row)
    np.testing.assert_array_equal(overlap.counts, expected)
    # A very long row of ones: its middle knows nothing of borders.
    long = brute_force_counts(60, kernels, strides)
    period = math.prod(strides)
    middle = long[len(long) // 2 :][: 2 * period]
    assert (overlap.lowest, overlap.highest) == (min(middle) ** dims, max(middle) ** dims)
    inside = overlap.counts[overlap.interior]
    assert ((overlap.lowest <= inside) & (inside <= overlap.highest)).all()


@given(kernel=st.integers(1, 12), stride=st.integers(1, 6))
def test_overlap_is_even_exactly_when_the_stride_divides_the_kernel(kernel, stride):
    assert (overlap_counts(kernel, stride).ratio == 1) == (kernel % stride == 0)


def test_known_ratios():
    assert overlap_counts(3, 2).ratio == 2  # 1 and 2 stamps in turn
    assert overlap_counts(3, 2, dims=2).ratio == 4  # 1·1 against 2·2
    assert overlap_counts(4, 2, dims=2, num_layers=3).ratio == 1
    assert overlap_counts(1, 2).ratio == math.inf  # every other pixel is never reached


def test_artefact_spectrum_sits_at_the_stride_and_repairs_remove_it():
    spectrum = artefact_spectrum(3, 2)
    peak = dict(zip(spectrum.names, spectrum.peak, strict=True))
    assert spectrum.frequencies[spectrum.magnitudes[0].argmax()] == 0.5
    assert peak["conv_transpose"] > 0.1
    assert peak["pixel_shuffle"] > 0.05
    assert peak["resize_conv"] < 1e-12
    assert peak["pixel_shuffle_icnr"] < 1e-12
    three = artefact_spectrum(5, 3, num_layers=2)
    assert three.frequencies[three.magnitudes[0].argmax()] % (1 / 9) == pytest.approx(0, abs=1e-9)


def test_dilated_gridding():
    # Three layers of dilation 2 only ever see even offsets: 7 of 13 in each direction.
    gridded = dilated_footprint([2, 2, 2])
    assert (gridded.used, gridded.total) == (49, 169)
    assert dilated_footprint([1, 2, 3]).used == 169
    assert dilated_footprint([1, 2, 4]).counts.shape == (15, 15)


# ICNR


@quick
@given(out=st.integers(1, 3), factor=st.integers(1, 3), seed=seeds)
def test_icnr_starts_as_nearest_resizing(out, factor, seed):
    weight = rand(out * factor**2, 2, 3, 3, seed=seed)
    initial = icnr_weight(weight, factor)
    x = rand(1, 2, 4, 4, seed=seed + 1)
    shuffled = F.pixel_shuffle(F.conv2d(x, initial, padding=1), factor)
    nearest = F.interpolate(F.conv2d(x, weight[:: factor**2], padding=1), scale_factor=factor, mode="nearest")
    torch.testing.assert_close(shuffled, nearest)


def test_icnr_refuses_channels_that_do_not_divide():
    with pytest.raises(UpsamplingError, match="6 channels do not divide"):
        icnr_weight(rand(6, 1, 3, 3), 2)


# Sampling positions


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize(("in_size", "out_size"), [(4, 8), (8, 4), (5, 7), (1, 6), (6, 1)])
def test_positions_follow_their_formula(convention, in_size, out_size):
    found = sample_positions(convention, in_size, out_size)
    d = np.arange(out_size)
    expected = {
        "nearest": np.floor(d * in_size / out_size),
        "nearest_exact": np.floor((d + 0.5) * in_size / out_size),
        "bilinear": np.clip((d + 0.5) * in_size / out_size - 0.5, 0, in_size - 1),
        "bilinear_align_corners": d * (in_size - 1) / max(out_size - 1, 1),
    }[convention]
    np.testing.assert_allclose(found.positions, expected, atol=1e-9)


def test_drift_is_measured():
    drift = resize_drift(blob(33, centre=(20.0, 22.0)), scale_factor=0.75, num_rounds=6)
    last = dict(zip(drift.names, drift.drift[:, -1], strict=True))
    # ⌊d·I/O⌋ always reads too far to the upper left, so the content moves to the lower right; the exact rule does not.
    assert last["nearest"] > 2
    assert drift.rows[0, -1] > drift.rows[0, 0]
    assert drift.columns[0, -1] > drift.columns[0, 0]
    assert last["nearest_exact"] < 0.5
    assert last["bilinear"] < 0.05
    assert last["bilinear_align_corners"] < 0.05
    # Up by one convention and down by the other scales about the middle, so what is off the middle moves.
    assert last["mixed"] > 10 * last["bilinear"]


# Photos


def picture(height=24, width=32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    smooth = F.interpolate(torch.rand((1, 3, 6, 8), generator=generator), (height, width), mode="bicubic")
    return (smooth.clamp(0, 1) * 255).byte()[0].permute(1, 2, 0).contiguous().numpy()


@pytest.mark.parametrize(("downsampling", "factor"), [("area", 2), ("strided", 3), ("max_pool", 4), ("area", 8)])
def test_restoration_judges_what_torch_restored(downsampling, factor):
    photo = picture(24, 48)
    result = restore_photo(photo, downsampling=downsampling, scale_factor=factor)
    by_name = {restored.name: restored for restored in result.restored}
    assert result.small.shape == (24 // factor, 48 // factor, 3)
    assert by_name["pixel_shuffle"].psnr == math.inf
    np.testing.assert_array_equal(by_name["pixel_shuffle"].pixels, photo)
    for name, restored in by_name.items():
        assert restored.pixels.shape == photo.shape
        assert restored.difference.shape == photo.shape[:2]
        assert restored.ssim <= 1
        if name != "pixel_shuffle":
            # PSNR from its definition.
            error = ((restored.pixels.astype(float) - photo) ** 2).mean()
            assert restored.psnr == pytest.approx(10 * math.log10(255**2 / error))
    assert by_name["bilinear"].psnr > by_name["max_unpool"].psnr


def test_strided_and_area_by_hand():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    np.testing.assert_array_equal(downsample(x, "strided", 2)[0][0, 0], [[0, 2], [8, 10]])
    np.testing.assert_array_equal(downsample(x, "area", 2)[0][0, 0], [[2.5, 4.5], [10.5, 12.5]])
    np.testing.assert_array_equal(downsample(x, "max_pool", 2)[0][0, 0], [[5, 7], [13, 15]])


def test_costs():
    # 3·3 kernel, 4 to 4 channels, at each of 5·6 input pixels.
    cost = count_cost("conv_transpose", (1, 4, 5, 6), kernel_size=3)
    assert (cost.parameters, cost.multiply_adds) == (144, 144 * 30)
    assert cost.parameters == nn.ConvTranspose2d(4, 4, 3, bias=False).weight.numel()
    assert count_cost("subpixel_conv", (1, 4, 5, 6), kernel_size=3, upscale_factor=2).parameters == 4 * 144
    assert count_cost("bicubic", (1, 1, 2, 2), scale_factor=2).multiply_adds == 16 * 16
    assert count_cost("nearest", (1, 1, 2, 2), scale_factor=2).multiply_adds == 0


def test_time_table_has_every_operator():
    timings = time_methods((1, 4, 8, 8), num_runs=1)
    assert timings[0].name == "nearest"
    assert timings[0].ratio == 1
    assert all(timing.milliseconds > 0 for timing in timings)
    assert {"bicubic", "conv_transpose", "max_unpool", "subpixel_conv"} <= {timing.name for timing in timings}


# Learning


def test_training_learns_reports_and_repeats():
    photos = [picture(48, 48, seed=1), picture(40, 64, seed=2)]
    seen = []
    run = train_upscalers(photos, picture(48, 48, seed=3), num_steps=12, snapshot_every=5, progress=seen.append)
    assert [snapshot.step for snapshot in seen] == [0, 5, 10, 12]
    assert run.snapshots == tuple(seen)
    assert run.heads == HEADS
    assert not run.stopped
    for head in HEADS:
        assert run.losses[head].shape == (12,)
        assert run.losses[head][-3:].mean() < run.losses[head][0]
        assert seen[-1].psnr[head] > seen[0].psnr[head]
    # Only the uneven layers begin with a chessboard.
    assert seen[0].checkerboard["pixel_shuffle_icnr"] < seen[0].checkerboard["pixel_shuffle"] / 3
    assert seen[0].checkerboard["resize_conv"] < seen[0].checkerboard["conv_transpose"] / 3
    again = train_upscalers(photos, picture(48, 48, seed=3), num_steps=12, snapshot_every=12)
    np.testing.assert_array_equal(again.losses["conv_transpose"], run.losses["conv_transpose"])


def test_residual_training_begins_near_bicubic():
    run = train_upscalers([picture(48, 48)], picture(32, 32, seed=3), num_steps=1, residual=True)
    assert all(abs(value - run.bicubic_psnr) < 6 for value in run.snapshots[0].psnr.values())


def test_training_stops_when_asked_and_keeps_what_there_is():
    steps = iter(range(100))
    run = train_upscalers(
        [picture(48, 48)], picture(32, 32), heads=("resize_conv",), num_steps=50, should_stop=lambda: next(steps) >= 3
    )
    assert run.stopped
    assert run.losses["resize_conv"].shape == (3,)
    assert run.snapshots[-1].step == 3


def test_progress_may_end_the_training():
    def refuse(snapshot):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_upscalers([picture(48, 48)], picture(32, 32), num_steps=2, progress=refuse)


def test_training_leaves_torchs_generator_alone():
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    train_upscalers([picture(48, 48)], picture(32, 32), heads=("conv_transpose",), num_steps=1)
    run_decoder(coins_like(), num_steps=1)
    torch.testing.assert_close(torch.rand(1), expected)


def test_checkerboard_energy_of_a_chessboard():
    board = np.indices((16, 16)).sum(0) % 2
    pixels = np.repeat((board * 20 + 100).astype(np.uint8)[..., None], 3, -1)
    assert checkerboard_energy(pixels) == pytest.approx(10)  # 110 ± 10 grey levels
    assert checkerboard_energy(np.full((16, 16, 3), 9, np.uint8)) == 0


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("residual", [False, True])
def test_upscaler_doubles(head, residual):
    assert Upscaler(head, residual=residual)(torch.rand(2, 3, 5, 7)).shape == (2, 3, 10, 14)


def test_view_is_the_even_middle():
    view = view_of(np.arange(301 * 301 * 3, dtype=np.uint32).astype(np.uint8).reshape(301, 301, 3))
    assert view.shape == (128, 128, 3)
    assert view_of(np.zeros((17, 31, 3), np.uint8)).shape == (16, 30, 3)


def coins_like(seed=0):
    """Bright discs on a dark ground."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = np.indices((96, 160))
    photo = np.full((96, 160), 60.0)
    for row in (24, 70):
        for column in range(20, 160, 34):
            photo[(rows - row) ** 2 + (columns - column) ** 2 < 144] = 170
    photo += torch.randn((96, 160), generator=generator).numpy() * 4
    return np.repeat(photo.clip(0, 255).astype(np.uint8)[..., None], 3, -1)


def test_decoder_shapes_and_skip():
    photo = coins_like()
    assert 0.1 < coin_mask(photo.mean(-1) / 255).mean() < 0.5
    seen = []
    with_skip = run_decoder(photo, num_steps=25, progress=lambda step, loss: seen.append(step))
    without = run_decoder(photo, skip=False, num_steps=1)
    assert seen == list(range(1, 26))
    assert with_skip.losses[-1] < with_skip.losses[0]
    shapes = {stage.name: stage.shape for stage in with_skip.stages}
    height, width = with_skip.picture.shape
    assert shapes["bottom"] == (32, height // 8, width // 8)
    assert shapes["joined 3"] == (64, height // 4, width // 4)
    assert shapes["scores"] == (1, height, width)
    assert not any(stage.name.startswith("joined") for stage in without.stages)
    assert without.num_parameters < with_skip.num_parameters
    assert with_skip.mask.shape == with_skip.target.shape == (height, width)
    assert 0 <= with_skip.boundary_iou <= 1


def test_unet_without_skip_cannot_see_the_encoder():
    x = torch.rand(1, 1, 16, 16)
    network = UNet(skip=False)
    names = [name for name, _ in network.stages(x)]
    assert names[-1] == "scores"
    torch.testing.assert_close(network(x), network.stages(x)[-1][1])


# Refusals, a sentence each


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: trace_upsampling("nearest", torch.zeros(0, 4), scale_factor=2), "at least one row"),
        (lambda: trace_upsampling("nearest", [[1.0, math.nan]], scale_factor=2), "row 1, column 2"),
        (lambda: trace_upsampling("nearest", [[1.0, math.inf]], scale_factor=2), "row 1, column 2"),
        (lambda: upsample("nearest", torch.zeros(1, 1, 0, 4), scale_factor=2), "empty"),
        (lambda: upsample("nearest", torch.zeros(4, 4), scale_factor=2), "four dimensions"),
        (lambda: upsample("nearest", torch.zeros(1, 1, 4, 4).long(), scale_factor=2), "floating-point"),
        (lambda: upsample("bilinear", torch.zeros(1, 1, 4, 4), size=0), "size must be a whole number of at least 1"),
        (lambda: upsample("bilinear", torch.zeros(1, 1, 1, 1), scale_factor=0.3), "1×1 into 0×0"),
        (lambda: upsample("bilinear", torch.zeros(1, 1, 4, 4), scale_factor=math.nan), "positive, finite"),
        (lambda: upsample("bilinear", torch.zeros(1, 1, 4, 4), scale_factor=0), "positive, finite"),
        (lambda: upsample("bilinear", torch.zeros(1, 1, 4, 4)), "either size or scale_factor"),
        (lambda: trace_upsampling("bilinear", torch.zeros(4, 4), scale_factor=1000), "more than 4194304 weights"),
        (
            lambda: trace_upsampling("conv_transpose", torch.zeros(4, 4), kernel_size=3, stride=1000),
            "more than 4194304",
        ),
        (lambda: upsample("nearest", torch.zeros(1, 1, 64, 64), scale_factor=1000), "more than the 134217728 numbers"),
        (
            lambda: upsample("nearest", torch.zeros(1, 1, 4, 4), scale_factor=2, align_corners=True),
            "belongs to bilinear",
        ),
        (lambda: upsample("magic", torch.zeros(1, 1, 4, 4)), "no upsampling method “magic”"),
        (lambda: upsample("nearest", torch.zeros(1, 1, 4, 4), stride=2), "no option “stride”"),
        (
            lambda: upsample("conv_transpose", torch.zeros(1, 1, 4, 4), kernel_size=3, stride=2, output_padding=2),
            "2 is not below 2",
        ),
        (lambda: upsample("conv_transpose", torch.zeros(1, 1, 4, 4), kernel_size=3, padding=6), "-6×-6"),
        (lambda: upsample("conv_transpose", torch.zeros(1, 1, 4, 4)), "needs kernel_size"),
        (lambda: upsample("conv_transpose", torch.zeros(1, 1, 4, 4), weight="sinc", kernel_size=3), "no kernel “sinc”"),
        (lambda: upsample("conv_transpose", torch.zeros(1, 3, 4, 4), weight=rand(2, 1, 3, 3)), "it has 2, the input 3"),
        (lambda: upsample("pixel_shuffle", torch.zeros(1, 3, 4, 4), upscale_factor=2), "groups of 4"),
        (lambda: trace_upsampling("pixel_shuffle", torch.zeros(3, 4), upscale_factor=2), "3×4 does not divide"),
        (lambda: upsample("max_unpool", torch.zeros(1, 1, 1, 1), kernel_size=2), "does not fit into 1×1"),
        (lambda: upsample("resize_conv", torch.zeros(1, 1, 4, 4), scale_factor=2, kernel_size=2), "has no middle"),
        (lambda: restore_photo(np.zeros((1, 1, 3), np.uint8)), "not one whole block"),
        (lambda: restore_photo(np.zeros((8, 8), np.uint8)), "array"),
        (lambda: train_upscalers([], np.zeros((32, 32, 3), np.uint8)), "at least one photo"),
        (lambda: train_upscalers([picture()], np.zeros((1, 1, 3), np.uint8)), "1×1 pixels; at least 16×16"),
        (lambda: run_decoder(np.zeros((1, 1, 3), np.uint8)), "at least 64×128"),
        (lambda: overlap_counts(0, 2), "kernel_size must be a whole number of at least 1; it is 0"),
        (lambda: overlap_counts(3, 2, num_layers=4), "At most three"),
        (lambda: dilated_footprint([]), "one to six"),
        (lambda: resize_drift(np.zeros((8, 8))), "no centre"),
    ],
)
def test_refusals_are_sentences(call, words):
    with pytest.raises(UpsamplingError) as refused:
        call()
    sentence = str(refused.value)
    assert words in sentence
    assert sentence.endswith(".")
    assert refused.value.template.format(**refused.value.values) == sentence


def test_max_unpool_of_an_odd_size_needs_output_size():
    x = rand(1, 1, 5, 5)
    x[0, 0, 3, 3] = 9.0  # flat index 18 lies beyond the 16 pixels of the default 4×4 output
    pooled, indices = max_pool(x, kernel_size=2)
    with pytest.raises(UpsamplingError, match="points at pixel 18"):
        upsample("max_unpool", pooled, indices=indices, kernel_size=2)
    assert upsample("max_unpool", pooled, indices=indices, kernel_size=2, output_size=(5, 5)).shape[2:] == (5, 5)


def test_a_factor_is_rounded_as_torch_rounds_it():
    x = torch.zeros(1, 1, 3, 3)
    for factor in (0.3, 0.34, 2.3, 7 / 3, 1 / 3):
        try:
            expected = F.interpolate(x, scale_factor=factor).shape
        except RuntimeError:
            with pytest.raises(UpsamplingError):
                upsample("nearest", x, scale_factor=factor)
        else:
            assert upsample("nearest", x, scale_factor=factor).shape == expected


def test_every_option_is_a_parameter_of_its_operator():
    from vizcore.upsampling import operators

    for method, names in OPTIONS.items():
        function = operators._interpolate if method in INTERPOLATIONS else getattr(operators, f"_{method}")
        taken = set(inspect.signature(function).parameters) - {"method", "x"}
        assert taken == set(names), method


# For the browser


def test_packed_traces_carry_the_whole_map():
    grid = rand(4, 4)
    traces = {name: trace_upsampling(name, grid, **options_for(name, 2)) for name in METHODS}
    header, arrays = unpack(pack_traces(grid, traces))
    assert header["input"] == grid.tolist()
    for name in METHODS:
        parts = ("output", "offset", "values", "starts", "cells")
        output, offset, values, starts, cells = (arrays[f"{name}.{part}"] for part in parts)
        np.testing.assert_array_equal(output, traces[name].output.ravel())
        sums = [values[a:b] @ grid.numpy().ravel()[cells[a:b]] for a, b in itertools.pairwise(starts)]
        np.testing.assert_allclose(offset + sums, output, atol=1e-12)
    assert [operator["linear"] for operator in header["operators"]].count(False) == 1


def test_packed_scatter_has_every_stamp():
    trace = trace_scatter(rand(2, 3), weight="random", kernel_size=3, stride=2)
    _, arrays = unpack(pack_scatter(trace))
    assert arrays["stamps"].shape == (6, *trace.output.shape)
    np.testing.assert_array_equal(arrays["stamps"], trace.stamps)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_presets(name, size):
    grid = preset_grid(name, size)
    assert grid.shape == (size, size)
    assert np.isfinite(grid).all()
    if name == "impulse":
        assert grid.sum() == 1


def test_packed_pictures_are_png_files():
    data = pack_pictures([picture(8, 8), np.linspace(0, 1, 64).reshape(8, 8)])
    _, files = unpack(data)
    np.testing.assert_array_equal(decode_photo(files["0"].tobytes()).pixels, picture(8, 8))
    assert data.endswith(files["1"].tobytes())
    grey = decode_photo(files["1"].tobytes()).pixels
    assert (grey[0, 0] == 0).all()
    assert (grey[-1, -1] == 255).all()


def test_channel_tiles_hold_one_phase_each():
    photo = picture(8, 12)
    tiles = channel_tiles(photo, 2)
    np.testing.assert_array_equal(tiles[:4, :6], photo[::2, ::2])
    np.testing.assert_array_equal(tiles[4:, 6:], photo[1::2, 1::2])


def test_the_two_bilinear_layers_differ_by_the_convention():
    # d·3/7 against d/2 - 1/4: furthest apart at d = 1 and d = 6, |3/7 - 1/4|.
    assert legacy_difference(4, 8) == pytest.approx(3 / 7 - 1 / 4)
    assert legacy_difference(5, 5) == 0


def test_a_learned_kernel_is_one_of_the_networks():
    run = train_upscalers([picture(48, 48)], picture(32, 32), heads=("conv_transpose",), num_steps=1)
    kernel = learned_kernel(run)
    assert any(np.array_equal(kernel, weight) for weight in run.kernels["conv_transpose"][:, 1].astype(np.float64))
    trace = trace_upsampling("conv_transpose", torch.eye(2), weight=kernel, stride=2)
    np.testing.assert_allclose(trace.output[:2, :2], kernel[:2, :2])
