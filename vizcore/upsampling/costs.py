"""What an operator costs: parameters and multiply-adds counted, milliseconds measured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from vizcore.costs import Cost, count, measure
from vizcore.upsampling.operators import upsample
from vizcore.upsampling.pooling import max_pool


@dataclass(frozen=True)
class Timing:
    """How long an operator takes against nearest on the same tensor.

    Attributes:
        name: The operator.
        milliseconds: Best run.
        ratio: To ``nearest`` in the same run.
    """

    name: str
    milliseconds: float
    ratio: float


def count_cost(method: str, shape: tuple[int, int, int, int], **options: Any) -> Cost:
    """Counts parameters and multiply-adds of an operator on one input.

    Args:
        method: As in ``upsample``.
        shape: N, C, H, W of the input.
        **options: As in ``upsample``; the kernels are counted as dense, C to C channels, as
            ``nn.ConvTranspose2d(C, C, k)`` would be, divided by ``groups``.

    Returns:
        The cost; interpolation reads 4 (bilinear) or 16 (bicubic) pixels for each output, a copy multiplies nothing.
    """
    batch, channels, height, width = shape
    if method in ("nearest", "nearest_exact", "pixel_shuffle", "pixel_unshuffle", "max_unpool"):
        return Cost()
    factor = options.get("scale_factor", 1)
    if method in ("bilinear", "bicubic", "area"):
        pixels = batch * channels * int(height * factor) * int(width * factor)
        return Cost(multiply_adds=pixels * {"bilinear": 4, "bicubic": 16, "area": 1}[method])
    kernel_size = options.get("kernel_size", 3)
    layer: dict[str, Any] = {"groups": options.get("groups", 1), "bias": False, "device": "meta"}
    if method == "conv_transpose":
        network: nn.Module = nn.ConvTranspose2d(channels, channels, kernel_size, **layer)
        return count(network, torch.empty(shape, device="meta"))
    out_channels = channels
    if method == "subpixel_conv":
        out_channels *= options.get("upscale_factor", 2) ** 2
        factor = 1
    network = nn.Conv2d(channels, out_channels, kernel_size, padding="same", **layer)
    return count(network, torch.empty(batch, channels, int(height * factor), int(width * factor), device="meta"))


def time_methods(
    shape: tuple[int, int, int, int] = (1, 16, 64, 64), *, scale_factor: int = 2, num_runs: int = 15, seed: int = 0
) -> tuple[Timing, ...]:
    """Times every operator on one tensor.

    Args:
        shape: N, C, H, W; C divides by the factor's square.
        scale_factor: The same for all.
        num_runs: How many runs, of which the best counts.
        seed: Of the tensor and the weights.

    Returns:
        Milliseconds on this machine, and the ratio to nearest.

    Raises:
        UpsamplingError: If the channels do not divide by the factor's square.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(shape, generator=generator)
    channels = shape[1]
    size = 2 * scale_factor
    dense = torch.randn((channels, channels, size, size), generator=generator)
    plain = torch.randn((channels, channels, 3, 3), generator=generator)
    grouped = torch.randn((channels * scale_factor**2, channels, 3, 3), generator=generator)
    runs: dict[str, tuple[str, dict[str, Any]]] = {
        name: (name, {"scale_factor": scale_factor})
        for name in ("nearest", "nearest_exact", "bilinear", "bicubic", "area")
    }
    runs["pixel_shuffle"] = ("pixel_shuffle", {"upscale_factor": scale_factor})
    pooled, indices = max_pool(
        torch.rand((*shape[:2], *(scale_factor * side for side in shape[2:])), generator=generator),
        kernel_size=scale_factor,
    )
    runs["max_unpool"] = ("max_unpool", {"kernel_size": scale_factor, "indices": indices})
    runs["conv_transpose"] = (
        "conv_transpose",
        {"weight": dense, "stride": scale_factor, "padding": scale_factor // 2},
    )
    runs["resize_conv"] = ("resize_conv", {"weight": plain, "scale_factor": scale_factor})
    runs["subpixel_conv"] = ("subpixel_conv", {"weight": grouped, "upscale_factor": scale_factor})
    upsample("nearest", x, scale_factor=scale_factor)
    calls = {
        name: partial(upsample, method, pooled if name == "max_unpool" else x, **options)
        for name, (method, options) in runs.items()
    }
    seconds = measure(list(calls.values()), repeats=num_runs + 1)
    timed = {name: 1e3 * value for name, value in zip(calls, seconds, strict=True)}
    return tuple(Timing(name, value, value / timed["nearest"]) for name, value in timed.items())
