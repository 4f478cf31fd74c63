"""``F.pixel_shuffle`` and its inverse."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from vizcore.upsampling.checks import UpsamplingError, whole_number


def pixel_shuffle(x: Tensor, *, upscale_factor: int) -> Tensor:
    """``F.pixel_shuffle``."""
    whole_number("upscale_factor", upscale_factor, minimum=1)
    if x.shape[1] % upscale_factor**2:
        raise UpsamplingError(
            "PixelShuffle reads its channels in groups of {square} (upscale_factor squared), "
            "and {channels} channels do not divide by that.",
            square=upscale_factor**2,
            channels=x.shape[1],
        )
    return F.pixel_shuffle(x, upscale_factor)


def pixel_unshuffle(x: Tensor, *, downscale_factor: int) -> Tensor:
    """``F.pixel_unshuffle``."""
    whole_number("downscale_factor", downscale_factor, minimum=1)
    if x.shape[2] % downscale_factor or x.shape[3] % downscale_factor:
        raise UpsamplingError(
            "PixelUnshuffle cuts the image into blocks of {factor}×{factor}, and {height}×{width} does not divide.",
            factor=downscale_factor,
            height=x.shape[2],
            width=x.shape[3],
        )
    return F.pixel_unshuffle(x, downscale_factor)
