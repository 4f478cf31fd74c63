"""Upsampling by a convolution after something else, and the convolution that does not downsample."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vizcore.upsampling.checks import UpsamplingError, check_output_size, pair, whole_number
from vizcore.upsampling.interpolation import INTERPOLATIONS, interpolate
from vizcore.upsampling.kernels import kernel_weight, named_kernel, same_padding
from vizcore.upsampling.shuffles import pixel_shuffle


def resize_conv(
    x: Tensor,
    *,
    weight: Tensor | str = "mean",
    bias: Tensor | None = None,
    kernel_size: Any = None,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    seed: int = 0,
) -> Tensor:
    """``F.interpolate``, then a convolution that keeps the size."""
    if mode not in INTERPOLATIONS:
        raise UpsamplingError(
            "There is no upsampling method “{method}”; choose one of {known}.",
            method=mode,
            known=", ".join(INTERPOLATIONS),
        )
    resized = interpolate(mode, x, size=size, scale_factor=scale_factor, align_corners=align_corners)
    kernel = kernel_weight(weight, 3 if kernel_size is None and isinstance(weight, str) else kernel_size, x, seed=seed)
    return F.conv2d(resized, kernel, bias, padding=same_padding(kernel))


def subpixel_conv(
    x: Tensor,
    *,
    weight: Tensor | str = "icnr",
    bias: Tensor | None = None,
    kernel_size: Any = None,
    upscale_factor: int = 2,
    seed: int = 0,
) -> Tensor:
    """A convolution that makes r² channels of each, then ``F.pixel_shuffle``."""
    whole_number("upscale_factor", upscale_factor, minimum=1)
    if isinstance(weight, Tensor):
        kernel = kernel_weight(weight, kernel_size, x)
    else:
        size = pair("kernel_size", 3 if kernel_size is None else kernel_size, minimum=1)
        kernels = named_kernel(weight, size, upscale_factor=upscale_factor, seed=seed).to(x.dtype)
        own_channel = torch.eye(x.shape[1], dtype=x.dtype)
        kernel = torch.einsum("oi,mhw->omihw", own_channel, kernels).flatten(0, 1)
    check_output_size(x.shape[2] * upscale_factor, x.shape[3] * upscale_factor, x.shape[0] * kernel.shape[0])
    return pixel_shuffle(F.conv2d(x, kernel, bias, padding=same_padding(kernel)), upscale_factor=upscale_factor)


def dilated_conv(
    x: Tensor,
    *,
    weight: Tensor | str = "mean",
    bias: Tensor | None = None,
    kernel_size: Any = None,
    dilation: Any = 2,
    seed: int = 0,
) -> Tensor:
    """A dilated convolution that keeps the size."""
    dilations = pair("dilation", dilation, minimum=1)
    kernel = kernel_weight(weight, 3 if kernel_size is None and isinstance(weight, str) else kernel_size, x, seed=seed)
    return F.conv2d(x, kernel, bias, padding=same_padding(kernel, dilations), dilation=dilations)
