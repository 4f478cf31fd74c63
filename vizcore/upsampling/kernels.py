"""Kernels by name, and weights made of them."""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from vizcore.upsampling.checks import UpsamplingError, pair, whole_number

KERNELS = ("constant", "mean", "bilinear", "random", "icnr")


def named_kernel(
    name: str, kernel_size: tuple[int, int], *, upscale_factor: int = 1, seed: int = 0
) -> Float[Tensor, "M KH KW"]:
    """A kernel by its name, in float64, for one channel.

    Args:
        name: ``constant``: all 1. ``mean``: all equal, summing to 1. ``bilinear``: the tent that makes a stride-s
            transposed convolution a bilinear interpolation when its size is 2s - s mod 2. ``random``: normal numbers
            with standard deviation 1/√(number of entries). ``icnr``: like ``random``, but the same numbers for each of
            the ``upscale_factor``² sub-pixels.
        kernel_size: Height and width.
        upscale_factor: A sub-pixel convolution needs its square as many kernels; 1 gives a single one.
        seed: For ``random`` and ``icnr``.

    Returns:
        ``upscale_factor``² kernels.

    Raises:
        UpsamplingError: For an unknown name.

    Reference:
        Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
        arXiv:1411.4038 (bilinear); Aitken et al., "Checkerboard artifact free sub-pixel convolution",
        arXiv:1707.02937 (ICNR).
    """
    if name not in KERNELS:
        raise UpsamplingError(
            "There is no kernel “{kernel}”; choose one of {known}.", kernel=name, known=", ".join(KERNELS)
        )
    num_kernels = upscale_factor**2
    height, width = kernel_size
    shape = (num_kernels, height, width)
    if name == "constant":
        return torch.ones(shape, dtype=torch.float64)
    if name == "mean":
        return torch.full(shape, 1.0 / (height * width), dtype=torch.float64)
    if name == "bilinear":
        return (_tent(height)[:, None] * _tent(width)[None, :]).expand(shape).contiguous()
    generator = torch.Generator().manual_seed(seed)
    distinct = 1 if name == "icnr" else num_kernels
    kernel = torch.randn((distinct, height, width), generator=generator, dtype=torch.float64)
    return (kernel / math.sqrt(height * width)).expand(shape).contiguous()


def icnr_weight(
    weight: Float[Tensor, "out_channels in_channels KH KW"], upscale_factor: int
) -> Float[Tensor, "out_channels in_channels KH KW"]:
    """Makes the weight of a sub-pixel convolution start as nearest-neighbour resizing.

    Each group of ``upscale_factor``² output channels, which PixelShuffle lays into one block of pixels, gets the kernel
    of its first member. Every block is then flat before training, so no checkerboard is there to begin with.

    Args:
        weight: Any initial weight of the convolution in front of PixelShuffle.
        upscale_factor: r; ``out_channels`` must be a multiple of r².

    Returns:
        A new weight of the same shape.

    Raises:
        UpsamplingError: If the number of output channels does not divide by r².

    Reference:
        Aitken et al., "Checkerboard artifact free sub-pixel convolution", arXiv:1707.02937.
    """
    whole_number("upscale_factor", upscale_factor, minimum=1)
    if weight.shape[0] % upscale_factor**2:
        raise UpsamplingError(
            "PixelShuffle reads its channels in groups of {square} (upscale_factor squared), "
            "and {channels} channels do not divide by that.",
            square=upscale_factor**2,
            channels=weight.shape[0],
        )
    return weight[:: upscale_factor**2].repeat_interleave(upscale_factor**2, dim=0)


def _tent(size: int) -> Tensor:
    factor = (size + 1) // 2
    centre = factor - 1 if size % 2 else factor - 0.5
    return 1 - (torch.arange(size, dtype=torch.float64) - centre).abs() / factor


def kernel_weight(
    weight: Tensor | str, kernel_size: Any, x: Tensor, *, groups: int = 1, seed: int = 0
) -> Float[Tensor, "C C_per_group KH KW"]:
    """A named kernel on every channel by itself, or the tensor as given; both layouts of torch agree on the first."""
    if isinstance(weight, Tensor):
        if weight.ndim != 4 or weight.numel() == 0:
            raise UpsamplingError(
                "The weight must have four dimensions; its shape is {shape}.", shape=tuple(weight.shape)
            )
        if kernel_size is not None and pair("kernel_size", kernel_size, minimum=1) != tuple(weight.shape[2:]):
            raise UpsamplingError(
                "kernel_size is {value}, but the weight's own kernel is {height}×{width}.",
                value=kernel_size,
                height=weight.shape[2],
                width=weight.shape[3],
            )
        return weight.to(x.dtype)
    if kernel_size is None:
        raise UpsamplingError("A kernel given by name needs kernel_size.")
    kernel = named_kernel(weight, pair("kernel_size", kernel_size, minimum=1), seed=seed)
    channels = x.shape[1]
    per_group = channels // groups
    own_channel = torch.eye(per_group, dtype=torch.float64).repeat(groups, 1)
    return (own_channel[:, :, None, None] * kernel[None]).to(x.dtype)


def same_padding(weight: Tensor, dilation: tuple[int, int] = (1, 1)) -> tuple[int, int]:
    """The padding with which a convolution keeps the size, along both axes."""
    if weight.shape[2] % 2 == 0 or weight.shape[3] % 2 == 0:
        raise UpsamplingError(
            "An even kernel ({height}×{width}) has no middle, so it cannot keep the size; take an odd one.",
            height=weight.shape[2],
            width=weight.shape[3],
        )
    return dilation[0] * (weight.shape[2] - 1) // 2, dilation[1] * (weight.shape[3] - 1) // 2
