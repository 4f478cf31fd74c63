"""A photo made smaller and brought back, and what that costs."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from tests.vizcore.upsampling.inputs import picture
from vizcore.upsampling import (
    channel_tiles,
    count_cost,
    downsample,
    restore_photo,
    time_methods,
)


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


def test_channel_tiles_hold_one_phase_each():
    photo = picture(8, 12)
    tiles = channel_tiles(photo, 2)
    np.testing.assert_array_equal(tiles[:4, :6], photo[::2, ::2])
    np.testing.assert_array_equal(tiles[4:, 6:], photo[1::2, 1::2])


def test_the_best_is_judged_among_those_that_lost_something():
    result = restore_photo(picture(32, 32), scale_factor=2)
    lossless = next(each for each in result.restored if each.name == "pixel_shuffle")
    assert math.isinf(lossless.psnr)
    assert result.best.psnr == max(each.psnr for each in result.restored if each.name != "pixel_shuffle")
