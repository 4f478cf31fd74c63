"""Which level an object belongs to: by its area (FPN), or by how far its sides are from a cell (FCOS).

Both rules are elementwise, so that ``vizcore.browser`` carries them into the page: what a drag shows is this code.

Reference:
    Tsung-Yi Lin et al. Feature Pyramid Networks for Object Detection. CVPR 2017, arXiv 1612.03144, equation 1 (level)
    and section 4.1 (anchors). Zhi Tian et al. FCOS. ICCV 2019, arXiv 1904.01355, section 3.2 (ranges).

    Libraries add a little to the logarithm so that a side of exactly 224, 448, … is not lost to rounding: 1e-6 after
    it (torchvision, and here) or inside of it (detectron2, mmdetection). Boxes within a millionth of a border may
    therefore differ. A box without area has the logarithm −∞ and goes to the finest level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int64, Real
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator

from vizcore.boxes import as_boxes
from vizcore.fpn.errors import FPNError
from vizcore.models.fcos import FCOSConfig, assign_targets, level_points, level_sizes

CANONICAL_SIZE: Final = 224
"""Side of the square, in pixels, that belongs to ``CANONICAL_LEVEL``: the size ImageNet classifiers are trained on."""
CANONICAL_LEVEL: Final = 4
LOG_EPSILON: Final = 1e-6
ANCHOR_RATIOS: Final = (0.5, 1.0, 2.0)
"""Height over width of the FPN paper's anchors."""
ANCHOR_STRIDES: Final = 8
"""Side of the FPN paper's square anchor in strides of its level: 32 pixels on P2 up to 512 on P6."""


def level_value(
    width: Real[Tensor, "..."],
    height: Real[Tensor, "..."],
    *,
    canonical_size: float = CANONICAL_SIZE,
    canonical_level: float = CANONICAL_LEVEL,
) -> Float[Tensor, "..."]:
    """``k0 + log2(√(w h) / 224)``, not yet rounded down; −∞ without an area. Elementwise.

    Args:
        width: of boxes, pixels; negative counts as nothing.
        height: likewise.
        canonical_size: side of the square that belongs to the canonical level, pixels.
        canonical_level: k0.
    """
    side = (width.clamp(min=0) * height.clamp(min=0)).sqrt()
    return canonical_level + torch.log2(side / canonical_size)


def level_number(
    width: Real[Tensor, "..."],
    height: Real[Tensor, "..."],
    *,
    k_min: int = 2,
    k_max: int = 5,
    canonical_size: float = CANONICAL_SIZE,
    canonical_level: float = CANONICAL_LEVEL,
) -> Float[Tensor, "..."]:
    """The level of equation 1 as a whole number in floating point, ``k_min`` to ``k_max``. Elementwise."""
    value = level_value(width, height, canonical_size=canonical_size, canonical_level=canonical_level)
    level = torch.floor(value + LOG_EPSILON)
    # A comparison with NaN is false: a box that is not a number goes where the box without an area goes.
    return torch.where(level >= k_min, level.clamp(max=k_max), float(k_min))


def roi_level_value(
    boxes: Real[Tensor, "N 4"] | Real[np.ndarray, "N 4"] | Sequence[Sequence[float]],
    *,
    canonical_size: float = CANONICAL_SIZE,
    canonical_level: float = CANONICAL_LEVEL,
) -> Float[Tensor, " N"]:
    """The number that :func:`roi_level` rounds down; −∞ without an area.

    Args:
        boxes: xyxy, pixels.
        canonical_size: side of the square that belongs to the canonical level, pixels.
        canonical_level: k0.
    """
    boxes = as_boxes(boxes)
    width, height = (boxes[:, 2:] - boxes[:, :2]).unbind(1)
    return level_value(width, height, canonical_size=canonical_size, canonical_level=canonical_level)


def roi_level(
    boxes: Real[Tensor, "N 4"] | Real[np.ndarray, "N 4"] | Sequence[Sequence[float]],
    *,
    k_min: int = 2,
    k_max: int = 5,
    canonical_size: float = CANONICAL_SIZE,
    canonical_level: float = CANONICAL_LEVEL,
) -> Int64[Tensor, " N"]:
    """The level whose features a box is pooled from: ``⌊k0 + log2(√(w h) / 224)⌋``, kept within the levels there are.

    Args:
        boxes: xyxy, pixels.
        k_min: number of the finest level.
        k_max: number of the coarsest level.
        canonical_size: side of the square that belongs to the canonical level, pixels.
        canonical_level: k0.

    Raises:
        FPNError: If there is no level, or no size to compare with.
        BoxError: If the boxes are no table of four columns of numbers.
    """
    if k_min > k_max or not canonical_size > 0:
        raise FPNError(
            "k_min must not exceed k_max and canonical_size must be positive; got {k_min}, {k_max} and {size}.",
            k_min=k_min,
            k_max=k_max,
            size=canonical_size,
        )
    boxes = as_boxes(boxes)
    width, height = (boxes[:, 2:] - boxes[:, :2]).unbind(1)
    level = level_number(
        width, height, k_min=k_min, k_max=k_max, canonical_size=canonical_size, canonical_level=canonical_level
    )
    return level.to(torch.int64)


def fcos_level(farthest: Float[Tensor, "..."], config: FCOSConfig) -> Float[Tensor, "..."]:
    """Number of the level whose range holds a distance, as floating point. Elementwise.

    Args:
        farthest: from a cell's middle to the farthest side of the box, pixels of the network's input.
        config: of the detector; its ranges leave no gap.
    """
    level = torch.full_like(farthest, float(config.levels[0][1:]))
    for _, end in config.ranges[:-1]:
        level = torch.where(farthest > end, level + 1, level)
    return level


def fcos_center_level(
    width: Real[Tensor, "..."], height: Float[Tensor, "..."], config: FCOSConfig
) -> Float[Tensor, "..."]:
    """Number of the level that a cell right in the box's center would need. Elementwise.

    Real cells lie beside the center, so the farthest side is a little farther and the next level may own the box too:
    :func:`cell_owners` asks every cell.
    """
    return fcos_level(torch.maximum(width, height) / 2, config)


def cell_owners(
    config: FCOSConfig, input_size: tuple[int, int], box: Real[np.ndarray, " 4"]
) -> Mapping[str, Int64[np.ndarray, "_K 2"]]:
    """The cells that training would hold responsible for a box alone in the picture.

    Args:
        config: of the detector.
        input_size: (height, width) of the network's input, pixels, both dividing by 64.
        box: xyxy, pixels of that input.

    Returns:
        For each level the (row, column) of its cells, often none.
    """
    points = level_points(level_sizes(input_size, config.strides), config.strides)
    target = torch.as_tensor(np.asarray(box, dtype=np.float32)).reshape(1, 4)
    owned = assign_targets(points, config.ranges, target) == 0
    return {name: points.cells[owned & (points.levels == place)].numpy() for place, name in enumerate(config.levels)}


def level_anchors(
    level: str, size: tuple[int, int], *, ratios: tuple[float, ...] = ANCHOR_RATIOS
) -> Float[np.ndarray, "A 4"]:
    """The FPN paper's anchors on a level, by torchvision: three shapes at each cell, one area per level.

    torchvision, like the authors' code, centers them on the corner between cells, not on the middle of a cell.

    Args:
        level: ``"P2"`` to ``"P6"``.
        size: (height, width) of the level, cells.
        ratios: height over width.

    Returns:
        xyxy, pixels of the network's input; row by row, cell by cell, shape by shape; not clipped.
    """
    stride = 2 ** int(level[1:])
    generator = AnchorGenerator(sizes=((ANCHOR_STRIDES * stride,),), aspect_ratios=(tuple(ratios),))
    (anchors,) = generator.grid_anchors([list(size)], [[torch.tensor(stride), torch.tensor(stride)]])
    boxes: np.ndarray = anchors.to(torch.float32).numpy()
    return boxes
