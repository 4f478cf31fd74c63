"""Position-sensitive pooling: each of a region's 7 × 7 bins reads channels of its own.

Reference:
    Jifeng Dai et al. R-FCN: Object Detection via Region-based Fully Convolutional Networks. NIPS 2016,
    arXiv 1605.06409. Zeming Li et al. Light-Head R-CNN. 2017, arXiv 1711.07264 (position-sensitive RoIAlign).

    Two conventions exist: torchvision averages the samples of a bin; the kernel that the authors of ThunderNet use
    takes their maximum. A test holds the first equal to torchvision's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vizcore.models.thundernet import BINS, CONTEXT_CHANNELS, SAMPLES, STRIDE
from vizcore.thundernet.errors import ThunderNetError

OUTPUTS: Final = CONTEXT_CHANNELS // BINS**2
"""Channels of a pooled region: 5."""
CONVENTIONS: Final = ("average", "max")


@dataclass(frozen=True, eq=False)
class PooledRegion:
    """What a region becomes, and where each number was read.

    Attributes:
        box: xyxy, pixels of the picture.
        values: ``[5, 7, 7]`` float32.
        channels: ``[5, 7, 7]`` int64: the channel that each number was read from.
        points: ``[7, 7, 4, 2]`` float32: (x, y) of each bin's samples, pixels of the picture.
        convention: ``"average"`` or ``"max"``.
    """

    box: tuple[float, float, float, float]
    values: np.ndarray
    channels: np.ndarray
    points: np.ndarray
    convention: str


def channel_of(output: int, row: int, column: int) -> int:
    """The channel that a bin of an output reads, in torchvision's order.

    Args:
        output: 0 to 4.
        row: of the bin, 0 to 6.
        column: of the bin, 0 to 6.

    Raises:
        ThunderNetError: If there is no such bin.
    """
    if not (0 <= output < OUTPUTS and 0 <= row < BINS and 0 <= column < BINS):
        raise ThunderNetError(
            "There is no bin {bin}; there are {outputs} × {bins} × {bins}.",
            bin=(output, row, column),
            outputs=OUTPUTS,
            bins=BINS,
        )
    return (output * BINS + row) * BINS + column


def pool_region(
    maps: Float[np.ndarray, "245 H W"], box: Sequence[float], *, convention: str = "average"
) -> PooledRegion:
    """Pools one region.

    Args:
        maps: of stride 16.
        box: xyxy, pixels of the picture; one without an area is read at its place.
        convention: what becomes of a bin's samples: ``"average"`` or ``"max"``.

    Raises:
        ThunderNetError: If the convention is unknown or the box is not finite or inverted.
    """
    x1, y1, x2, y2 = (float(corner) for corner in box)
    if not (np.isfinite([x1, y1, x2, y2]).all() and x1 <= x2 and y1 <= y2):
        raise ThunderNetError("A region needs its left side left of its right, and its top above its bottom.")
    if convention not in CONVENTIONS:
        raise ThunderNetError("Samples are combined by average or max, not by {convention}.", convention=convention)
    points = sample_points((x1, y1, x2, y2))
    channels = np.arange(CONTEXT_CHANNELS).reshape(OUTPUTS, BINS, BINS)
    read = read_points(torch.from_numpy(maps), torch.from_numpy(points.reshape(-1, 2)) / STRIDE - 0.5)
    samples = read.reshape(OUTPUTS, BINS * BINS, BINS * BINS, SAMPLES**2)
    own = samples.diagonal(dim1=1, dim2=2).permute(0, 2, 1)  # bin b of an output reads its own channel
    values = own.mean(-1) if convention == "average" else own.amax(-1)
    return PooledRegion(
        (x1, y1, x2, y2), values.reshape(OUTPUTS, BINS, BINS).float().numpy(), channels, points, convention
    )


def sample_points(box: tuple[float, float, float, float]) -> Float[np.ndarray, "7 7 4 2"]:
    """Where each bin is read: (x, y), pixels of the picture, 2 × 2 points evenly in each bin."""
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    steps = (np.arange(BINS * SAMPLES) + 0.5) / (BINS * SAMPLES)
    xs, ys = np.meshgrid(x1 + width * steps, y1 + height * steps)
    grid = np.stack([xs, ys], axis=-1).reshape(BINS, SAMPLES, BINS, SAMPLES, 2)
    return grid.transpose(0, 2, 1, 3, 4).reshape(BINS, BINS, SAMPLES**2, 2).astype(np.float32)


def read_points(maps: Float[Tensor, "C H W"], points: Float[Tensor, "P 2"]) -> Float[Tensor, "C P"]:
    """Bilinear readings at (x, y) in cells, where cell (0, 0) has its middle at 0; zero more than a cell outside."""
    height, width = maps.shape[-2:]
    x, y = points.double().unbind(-1)
    outside = (x < -1) | (x > width) | (y < -1) | (y > height)
    x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)
    left, top = x.floor().long(), y.floor().long()
    right, bottom = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    dx, dy = x - left, y - top
    values = maps.double()
    upper = values[:, top, left] * (1 - dx) + values[:, top, right] * dx
    lower = values[:, bottom, left] * (1 - dx) + values[:, bottom, right] * dx
    return (upper * (1 - dy) + lower * dy).masked_fill(outside, 0.0)
