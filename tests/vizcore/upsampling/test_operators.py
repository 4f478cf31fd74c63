"""Every operator against the torch layer itself, over options and sizes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tests.vizcore.upsampling.inputs import quick, rand, seeds, sides
from vizcore.upsampling import (
    INTERPOLATIONS,
    UpsamplingError,
    icnr_weight,
    named_kernel,
    trace_upsampling,
    upsample,
)


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
