"""A photo made smaller and brought back by every operator, with what it cost and what was lost."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vizcore.costs import Cost, measure
from vizcore.upsampling.checks import UpsamplingError, whole_number
from vizcore.upsampling.costs import count_cost
from vizcore.upsampling.operators import upsample
from vizcore.upsampling.pooling import max_pool

DOWNSAMPLINGS = ("area", "strided", "max_pool")
RESTORATIONS = (
    "nearest",
    "nearest_exact",
    "bilinear",
    "bilinear_align_corners",
    "bicubic",
    "area",
    "conv_transpose",
    "conv_transpose_uneven",
    "max_unpool",
    "pixel_shuffle",
)


@dataclass(frozen=True, eq=False)
class Restored:
    """One operator's answer.

    Attributes:
        name: One of ``RESTORATIONS``.
        pixels: ``[H, W, 3]`` uint8.
        difference: ``[H, W]`` mean absolute difference over the channels, in [0, 1].
        psnr: Peak signal-to-noise ratio, dB; infinite if nothing was lost.
        ssim: Structural similarity, at most 1; NaN for a picture under 7 pixels a side, where its window does not fit.
        cost: Parameters and multiply-adds.
        milliseconds: Best of the timed runs on this machine.
    """

    name: str
    pixels: np.ndarray
    difference: np.ndarray
    psnr: float
    ssim: float
    cost: Cost
    milliseconds: float


@dataclass(frozen=True, eq=False)
class Restoration:
    """A photo, made smaller, and restored.

    Attributes:
        original: ``[H, W, 3]`` uint8, cut so that the factor divides its sides.
        small: ``[H/f, W/f, 3]`` uint8.
        downsampling: One of ``DOWNSAMPLINGS``.
        scale_factor: f.
        restored: One for each operator.
    """

    original: np.ndarray
    small: np.ndarray
    downsampling: str
    scale_factor: int
    restored: tuple[Restored, ...]

    @property
    def best(self) -> Restored:
        """The greatest PSNR among those that lost anything."""
        lossy = [each for each in self.restored if math.isfinite(each.psnr)]
        return max(lossy, key=lambda each: each.psnr)


def downsample(x: Float[Tensor, "N C H W"], how: str, factor: int) -> tuple[Float[Tensor, "N C H2 W2"], Tensor | None]:
    """Makes a picture smaller.

    Args:
        x: The picture; its sides divide by ``factor``.
        how: ``area`` averages blocks, ``strided`` keeps one pixel of each block, ``max_pool`` the brightest.
        factor: Side of a block.

    Returns:
        The small picture, and the indices of max pooling or None.

    Raises:
        UpsamplingError: For an unknown way.
    """
    if how == "area":
        return F.avg_pool2d(x, factor), None
    if how == "strided":
        return x[:, :, ::factor, ::factor].contiguous(), None
    if how == "max_pool":
        return max_pool(x, kernel_size=factor)
    raise UpsamplingError(
        "There is no way “{how}” to downsample; choose one of {known}.", how=how, known=", ".join(DOWNSAMPLINGS)
    )


def restore_photo(
    photo: np.ndarray,
    *,
    downsampling: str = "area",
    scale_factor: int = 2,
    names: Sequence[str] = RESTORATIONS,
    num_runs: int = 3,
) -> Restoration:
    """Makes a photo smaller and brings it back with every operator.

    Two of them are given more than the small picture: ``max_unpool`` the places of the maxima (from max pooling,
    whatever the downsampling is), and ``pixel_shuffle`` all f² pixels of each block as channels, which loses nothing
    and shows that the layer only rearranges. ``conv_transpose`` has the bilinear kernel of size 2f - f mod 2;
    ``conv_transpose_uneven`` the constant kernel of size f + 1, normalised, whose stamps overlap unevenly.

    Args:
        photo: ``[H, W, 3]`` uint8; rows and columns beyond a multiple of the factor are cut off.
        downsampling: One of ``DOWNSAMPLINGS``.
        scale_factor: f, 2 to 8.
        names: Which operators.
        num_runs: How often each is timed.

    Returns:
        Pictures, differences, PSNR and SSIM over the whole picture, and costs.

    Raises:
        UpsamplingError: If the photo is no such array or has no whole block.
    """
    whole_number("scale_factor", scale_factor, minimum=2)
    if scale_factor > 8:
        raise UpsamplingError(
            "A photo is made at most 8 times smaller here; {factor} is too much.", factor=scale_factor
        )
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise UpsamplingError("A photo is an array [H, W, 3] of bytes.")
    height, width = (side // scale_factor * scale_factor for side in photo.shape[:2])
    if min(height, width) < 1:
        raise UpsamplingError(
            "This photo has {height}×{width} pixels: "
            "there is not one whole block of {factor}×{factor} to make smaller.",
            height=photo.shape[0],
            width=photo.shape[1],
            factor=scale_factor,
        )
    original = np.ascontiguousarray(photo[:height, :width])
    x = (torch.from_numpy(original).permute(2, 0, 1)[None].float() / 255).contiguous()
    small, _ = downsample(x, downsampling, scale_factor)
    pooled, indices = max_pool(x, kernel_size=scale_factor)
    channels = F.pixel_unshuffle(x, scale_factor)
    restored = []
    for name in names:
        run, cost = _restorer(name, small, pooled, indices, channels, scale_factor)
        restored.append(_judge(name, original, x, run, cost, num_runs))
    return Restoration(original, to_pixels(small), downsampling, scale_factor, tuple(restored))


def _restorer(
    name: str, small: Tensor, pooled: Tensor, indices: Tensor, channels: Tensor, factor: int
) -> tuple[Callable[[], Tensor], Cost]:
    shape = (small.shape[0], small.shape[1], small.shape[2], small.shape[3])
    if name == "max_unpool":
        return lambda: upsample(name, pooled, indices=indices, kernel_size=factor), count_cost(name, shape)
    if name == "pixel_shuffle":
        return lambda: upsample(name, channels, upscale_factor=factor), count_cost(name, shape)
    if name == "conv_transpose":
        size = 2 * factor - factor % 2
        options = {"kernel_size": size, "stride": factor, "padding": (size - factor + 1) // 2, "groups": shape[1]}
        options["output_padding"] = 2 * options["padding"] - size + factor
        cost = count_cost("conv_transpose", shape, **options)
        return lambda: upsample("conv_transpose", small, weight="bilinear", **options), cost
    if name == "conv_transpose_uneven":
        size = factor + 1
        padding = (size - factor + 1) // 2
        options = {"stride": factor, "padding": padding, "groups": shape[1]}
        options["output_padding"] = 2 * padding - size + factor
        # Its sum over all stamps is 1 on average, as a trained layer would settle; only the unevenness is left.
        weight = torch.full((shape[1], 1, size, size), factor**2 / size**2)
        cost = count_cost("conv_transpose", shape, kernel_size=size, groups=shape[1])
        return lambda: upsample("conv_transpose", small, weight=weight, **options), cost
    method, align_corners = ("bilinear", True) if name == "bilinear_align_corners" else (name, None)
    cost = count_cost(method, shape, scale_factor=factor)
    options = {} if align_corners is None else {"align_corners": align_corners}
    return lambda: upsample(method, small, scale_factor=factor, **options), cost


def _judge(
    name: str, original: np.ndarray, x: Tensor, run: Callable[[], Tensor], cost: Cost, num_runs: int
) -> Restored:
    out = run()
    [seconds] = measure([run], repeats=max(1, num_runs))
    pixels = to_pixels(out)
    psnr, ssim = similarity(original, pixels)
    return Restored(
        name=name,
        pixels=pixels,
        difference=(out.clamp(0, 1) - x).abs().mean((0, 1)).numpy(),
        psnr=psnr,
        ssim=ssim,
        cost=cost,
        milliseconds=seconds * 1e3,
    )


def channel_tiles(photo: np.ndarray, factor: int) -> np.ndarray:
    """What PixelUnshuffle makes of a photo, its f² channel groups laid out as tiles: PixelShuffle weaves them together.

    Args:
        photo: ``[H, W, 3]`` uint8; what does not divide by the factor is cut off.
        factor: f.

    Returns:
        ``[H, W, 3]`` uint8: f × f small pictures, each one phase of the pixel grid.

    Raises:
        UpsamplingError: If there is no whole block.
    """
    whole_number("factor", factor, minimum=1)
    height, width = (side // factor * factor for side in photo.shape[:2])
    x = torch.from_numpy(np.ascontiguousarray(photo[:height, :width])).permute(2, 0, 1)[None].float()
    channels = upsample("pixel_unshuffle", x, downscale_factor=factor)[0]
    tiles = channels.reshape(3, factor, factor, height // factor, width // factor).permute(1, 3, 2, 4, 0)
    picture: np.ndarray = tiles.reshape(height, width, 3).byte().contiguous().numpy()
    return picture


def similarity(original: np.ndarray, pixels: np.ndarray) -> tuple[float, float]:
    """PSNR and SSIM of two pictures of bytes, by scikit-image.

    Args:
        original: ``[H, W, 3]`` uint8.
        pixels: ``[H, W, 3]`` uint8.

    Returns:
        PSNR in dB, infinite for equal pictures, and SSIM with a window of 7, NaN where that does not fit.
    """
    # Here, because it brings scipy's statistics: 60 MB and half a second for every page.
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    if np.array_equal(original, pixels):
        psnr = float("inf")
    else:
        psnr = float(peak_signal_noise_ratio(original, pixels, data_range=255))
    if min(original.shape[:2]) < 7:
        return psnr, float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return psnr, float(structural_similarity(original, pixels, data_range=255, channel_axis=2))


def to_pixels(x: Float[Tensor, "1 3 H W"]) -> np.ndarray:
    """A picture in [0, 1] as bytes, ``[H, W, 3]``, rounded and clamped."""
    pixels: np.ndarray = (x[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    return pixels
