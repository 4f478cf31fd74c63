"""What the upsampling page shows, as programs in plain PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vizcore.data.script import write_photo

_AS_THE_PAGE = ("coins", "motorcycle", "rocket")
"""Samples that scikit-image returns otherwise: grey, only with a download, with colours of another profile."""


def write_grids_script(grid: Sequence[Sequence[float]], options: Mapping[str, Mapping[str, Any]]) -> str:
    """Prints what every operator makes of a grid, in plain PyTorch.

    Args:
        grid: ``[H, W]`` numbers.
        options: of each operator, as :func:`vizcore.upsampling.trace_upsampling` takes them, by method.
    """
    lines = [
        "import torch",
        "import torch.nn.functional as F",
        "",
        f"x = torch.tensor({grid}, dtype=torch.float64)[None, None]",
        "",
    ]
    for method, given in options.items():
        lines += _operator_lines(method, dict(given))
    return "\n".join(lines)


def _operator_lines(method: str, given: dict[str, Any]) -> list[str]:
    """One operator as torch calls it."""
    seed, weight = given.pop("seed", 0), given.pop("weight", None)
    words = ", ".join(
        f"{name}={value!r}" for name, value in given.items() if value is not False or method == "bilinear"
    )
    show = f'print("{method}", y[0, 0].tolist())'
    if method in ("nearest", "nearest_exact", "bilinear", "bicubic", "area"):
        return [f'y = F.interpolate(x, mode="{method.replace("_", "-")}", {words})', show]
    if method == "conv_transpose":
        size = given.pop("kernel_size", 0)
        words = ", ".join(f"{name}={value!r}" for name, value in given.items())
        return [*_kernel_lines(weight, size, 1, seed), f"y = F.conv_transpose2d(x, w, {words})", show]
    if method == "pixel_shuffle":
        factor = given["upscale_factor"]
        return [
            f"r = {factor}  # the grid is read as r x r tiles, one a channel",
            "tiles = x[0, 0].unflatten(0, (r, -1)).unflatten(2, (r, -1)).permute(0, 2, 1, 3).flatten(0, 1)",
            "y = F.pixel_shuffle(tiles[None], r)",
            show,
        ]
    if method == "pixel_unshuffle":
        factor = given["downscale_factor"]
        return [
            f"r = {factor}",
            "y = F.pixel_unshuffle(x, r)[0].unflatten(0, (r, r)).permute(0, 2, 1, 3).flatten(2, 3).flatten(0, "
            "1)[None, None]",
            show,
        ]
    if method == "subpixel_conv":
        factor = given["upscale_factor"]
        return [
            *_kernel_lines(weight, 3, factor, seed),
            f"y = F.pixel_shuffle(F.conv2d(x, w, padding=1), {factor})",
            show,
        ]
    if method == "max_unpool":
        size = given["kernel_size"]
        return [
            f"pooled, indices = F.max_pool2d(x, {size}, return_indices=True)",
            f"y = F.max_unpool2d(pooled, indices, {size}, output_size=x.shape[2:])",
            show,
        ]
    mean = "w = torch.full((1, 1, 3, 3), 1 / 9, dtype=torch.float64)"
    if method == "resize_conv":
        return [mean, f"y = F.conv2d(F.interpolate(x, {words}), w, padding=1)", show]
    return [mean, f"y = F.conv2d(x, w, padding={given['dilation']}, dilation={given['dilation']})", show]


def _kernel_lines(weight: str | np.ndarray, size: int, factor: int, seed: int) -> list[str]:
    """A named kernel in plain PyTorch."""
    count = factor * factor
    if not isinstance(weight, str):
        return [f"w = torch.tensor({weight.tolist()}, dtype=torch.float64)[None, None]"]
    if weight == "constant":
        return [f"w = torch.ones({count}, 1, {size}, {size}, dtype=torch.float64)"]
    if weight == "bilinear":
        return [
            f"half = ({size} + 1) // 2",
            f"centre = half - 1 if {size} % 2 else half - 0.5",
            f"tent = 1 - (torch.arange({size}, dtype=torch.float64) - centre).abs() / half",
            "w = (tent[:, None] * tent[None, :])[None, None]",
        ]
    distinct = 1 if weight == "icnr" else count
    lines = [
        f"g = torch.Generator().manual_seed({seed})",
        f"w = torch.randn({distinct}, {size}, {size}, generator=g, dtype=torch.float64)[:, None] / {size}",
    ]
    return [*lines, f"w = w.expand({count}, 1, {size}, {size})"] if weight == "icnr" else lines


def write_overlap_script(kernel_size: int, stride: int, *, num_layers: int = 1, dims: int = 2) -> str:
    """Prints the most over the fewest stamps on an interior pixel.

    Args:
        kernel_size: of each layer.
        stride: likewise.
        num_layers: transposed convolutions behind one another.
        dims: 1 or 2.
    """
    return "\n".join(
        [
            "import torch",
            "import torch.nn.functional as F",
            "",
            "y = torch.ones(1, 1, 24)",
            f"for _ in range({num_layers}):",
            f"    y = F.conv_transpose1d(y, torch.ones(1, 1, {kernel_size}), stride={stride})",
            f"middle = y[0, 0, y.shape[-1] // 2:][:{stride**num_layers}]",
            f"low, high = middle.min().item() ** {dims}, middle.max().item() ** {dims}",
            'print("ratio", high / low if low else float("inf"))',
        ]
    )


def write_positions_script(in_size: int, out_size: int) -> str:
    """Prints where each output pixel reads, by three conventions: a ramp holds its own positions.

    Args:
        in_size: input pixels.
        out_size: output pixels.
    """
    return "\n".join(
        [
            "import torch",
            "import torch.nn.functional as F",
            "",
            f"ramp = torch.arange({in_size}, dtype=torch.float64)[None, None, None]",
            f"size = (1, {out_size})",
            'print("nearest", F.interpolate(ramp, size, mode="nearest")[0, 0, 0].tolist())',
            'print("nearest_exact", F.interpolate(ramp, size, mode="nearest-exact")[0, 0, 0].tolist())',
            'print("bilinear", F.interpolate(ramp, size, mode="bilinear")[0, 0, 0].tolist())',
            'corners = F.interpolate(ramp, size, mode="bilinear", align_corners=True)',
            'print("bilinear_align_corners", corners[0, 0, 0].tolist())',
        ]
    )


def write_photo_script(
    sample: str | None, size: tuple[int, int], *, side: int, scale_factor: int, downsampling: str = "area"
) -> str:
    """Prints the PSNR of three interpolations of a photo that was made smaller, in plain PyTorch.

    Args:
        sample: name of a sample photo; None for the reader's own, which they put in themselves.
        size: (height, width) that was restored.
        side: of the square in the photo's middle that is looked at, pixels.
        scale_factor: f, by which it was made smaller.
        downsampling: one of ``DOWNSAMPLINGS``.
    """
    small = {
        "area": f"F.avg_pool2d(x, {scale_factor})",
        "strided": f"x[:, :, ::{scale_factor}, ::{scale_factor}]",
        "max_pool": f"F.max_pool2d(x, {scale_factor})",
    }[downsampling]
    height, width = size
    return "\n".join(
        [
            "import torch",
            "import torch.nn.functional as F",
            *_photo_lines(sample),
            "",
            f"side = {side}  # the middle of the photo",
            "h, w = (min(side, length) // 2 * 2 for length in photo.shape[:2])",
            "top, left = (photo.shape[0] - h) // 2, (photo.shape[1] - w) // 2",
            f"photo = photo[top:top + h, left:left + w][:{height}, :{width}]",
            "x = torch.tensor(photo).permute(2, 0, 1)[None].float() / 255",
            f"small = {small}",
            'for mode in ("nearest", "bilinear", "bicubic"):',
            f"    y = F.interpolate(small, scale_factor={scale_factor}, mode=mode).clamp(0, 1)",
            "    error = ((y * 255).round() - x * 255).square().mean()",
            "    print(mode, (10 * torch.log10(255**2 / error)).item())",
        ]
    )


def _photo_lines(sample: str | None) -> list[str]:
    """A photo as bytes, [H, W, 3], from the package that carries it."""
    if sample is None:
        return ["photo = ...  # your photo, [H, W, 3], bytes"]
    if sample in ("china", "flower"):
        return ["from sklearn.datasets import load_sample_image", f'photo = load_sample_image("{sample}.jpg")']
    if sample in _AS_THE_PAGE:
        return write_photo(sample).splitlines()
    return ["from skimage import data", f"photo = data.{sample}()"]
