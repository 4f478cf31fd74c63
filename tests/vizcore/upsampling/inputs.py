"""What the tests of upsampling run on."""

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import settings
from hypothesis import strategies as st

quick = settings(max_examples=60, deadline=None)
sides = st.integers(1, 7)
seeds = st.integers(0, 10_000)


def rand(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def picture(height=24, width=32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    smooth = F.interpolate(torch.rand((1, 3, 6, 8), generator=generator), (height, width), mode="bicubic")
    return (smooth.clamp(0, 1) * 255).byte()[0].permute(1, 2, 0).contiguous().numpy()


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
