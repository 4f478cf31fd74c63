"""``F.interpolate`` in its five modes."""

from __future__ import annotations

import math
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from vizcore.upsampling.checks import UpsamplingError, check_output_size, pair

INTERPOLATIONS = ("nearest", "nearest_exact", "bilinear", "bicubic", "area")
_LINEAR = ("bilinear", "bicubic")


def interpolated_size(height: int, width: int, *, size: Any = None, scale_factor: Any = None) -> tuple[int, int]:
    """The output size of ``interpolate``: ``size`` as given, or each side times its factor, rounded down.

    Args:
        height: Rows of the input.
        width: Columns of the input.
        size: One number or (height, width).
        scale_factor: One number or (vertical, horizontal); exactly one of the two is given.

    Returns:
        Height and width of the output.

    Raises:
        UpsamplingError: For both or neither, a factor that is no positive number, or a side that falls below 1.
    """
    if (size is None) == (scale_factor is None):
        raise UpsamplingError("Give either size or scale_factor, and only one of them.")
    if size is not None:
        return pair("size", size, minimum=1)
    factors = tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else (scale_factor, scale_factor)
    if len(factors) != 2:
        raise UpsamplingError(
            "{name} takes one number or a pair (height, width); it got {value}.",
            name="scale_factor",
            value=scale_factor,
        )
    for factor in factors:
        if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not 0 < factor < math.inf:
            raise UpsamplingError("scale_factor must be a positive, finite number; it is {value}.", value=factor)
    # torch reads the factor as a double and rounds down, so ours must not round to float32 first.
    target = math.floor(height * float(factors[0])), math.floor(width * float(factors[1]))
    if min(target) < 1:
        raise UpsamplingError(
            "scale_factor {factor} turns {height}×{width} into {out_height}×{out_width}, for torch rounds "
            "side times factor down: each side of an output must be at least 1.",
            factor=scale_factor,
            height=height,
            width=width,
            out_height=target[0],
            out_width=target[1],
        )
    return target


def interpolate(
    method: str,
    x: Tensor,
    *,
    size: Any = None,
    scale_factor: Any = None,
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """``F.interpolate`` by our name of its mode; options that the mode does not know are refused."""
    if align_corners is not None and method not in _LINEAR:
        raise UpsamplingError(
            "align_corners belongs to bilinear and bicubic; {method} does not compute between pixels, "
            "so torch refuses it.",
            method=method,
        )
    if antialias and method not in _LINEAR:
        raise UpsamplingError(
            "antialias belongs to bilinear and bicubic; torch refuses it for {method}.", method=method
        )
    if size is not None and recompute_scale_factor:
        raise UpsamplingError("recompute_scale_factor means nothing next to size: there is no factor to compute again.")
    target = interpolated_size(x.shape[2], x.shape[3], size=size, scale_factor=scale_factor)
    check_output_size(*target, x.shape[0] * x.shape[1])
    return F.interpolate(
        x,
        size=None if size is None else target,
        scale_factor=tuple(scale_factor) if isinstance(scale_factor, list) else scale_factor,
        mode=method.replace("_", "-"),
        align_corners=align_corners,
        recompute_scale_factor=recompute_scale_factor,
        antialias=antialias,
    )
