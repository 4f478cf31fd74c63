"""Nine points on a box: where a star-shaped deformable convolution looks.

Reference:
    Haoyang Zhang, Ying Wang, Feras Dayoub, Niko Sünderhauf. VarifocalNet: An IoU-aware Dense Object Detector. CVPR
    2021, arXiv 2008.13367, section 3.3. (A docstring of the authors' code says l, r, t, b; its channels are l, t, r, b,
    as here.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from vizcore.boxes import boxes_to_distances_ltrb, distances_ltrb_to_boxes
from vizcore.models.fcos import FCOSConfig, Points, assign_targets
from vizcore.models.vfnet import star_offsets
from vizcore.varifocalnet.assignment import check_object_boxes
from vizcore.varifocalnet.errors import VarifocalNetError


def star_points(points: Float[Tensor, "N 2"], distances_ltrb: Float[Tensor, "N 4"]) -> Float[Tensor, "N 9 2"]:
    """The point itself, the middles seen from it of its box's sides, and the box's corners.

    Args:
        points: (x, y).
        distances_ltrb: from each point to the left, top, right and bottom side, in the same unit.

    Returns:
        (x, y), rows of a 3×3 grid: top left, above, top right; left, the point, right; then the lower three.

    Raises:
        VarifocalNetError: A number is not finite, or the box is inverted (two opposite distances sum below 0).
    """
    if not bool(torch.isfinite(points).all() and torch.isfinite(distances_ltrb).all()):
        raise VarifocalNetError("A point or a distance is not finite.")
    if bool((distances_ltrb[:, :2] + distances_ltrb[:, 2:] < 0).any()):
        raise VarifocalNetError("The distances make an inverted box.")
    left, top, right, bottom = distances_ltrb.unbind(1)
    zero = torch.zeros_like(left)
    steps = [torch.stack([x, y], 1) for y in (-top, zero, bottom) for x in (-left, zero, right)]
    return points[:, None] + torch.stack(steps, 1)


def star_kernel_offsets(distances_ltrb: Float[Tensor, "N 4"], stride: float) -> Float[Tensor, "N 9 2"]:
    """What is added to each sample of a 3×3 kernel on a level, so that it looks at the nine points.

    Args:
        distances_ltrb: in pixels.
        stride: of the level, pixels.

    Returns:
        (Δx, Δy) in cells; ``torchvision.ops.deform_conv2d`` takes them as (Δy, Δx).

    Raises:
        VarifocalNetError: The stride is not positive.
    """
    if not stride > 0:
        raise VarifocalNetError("A stride must be positive; got {stride}.", stride=stride)
    offsets = star_offsets((distances_ltrb / stride)[:, :, None, None])
    return offsets.reshape(-1, 9, 2).flip(-1)


def refine(
    points: Float[Tensor, "N 2"], distances_ltrb: Float[Tensor, "N 4"], factors: Float[Tensor, "N 4"]
) -> Float[Tensor, "N 4"]:
    """The refined boxes xyxy: every distance times its own factor.

    Args:
        points: (x, y).
        distances_ltrb: of the first boxes.
        factors: (Δl, Δt, Δr, Δb), positive.
    """
    return distances_ltrb_to_boxes(distances_ltrb * factors, points)


@dataclass(frozen=True, eq=False)
class StarTrace:
    """Where a box's star looks.

    Attributes:
        box: ``[4]`` xyxy, pixels.
        level: name of the level that owns the box.
        stride: of that level, pixels.
        cell: (row, column) of the cell nearest to the box's centre.
        point: ``[2]`` (x, y) of the cell's middle, pixels.
        distances: ``[4]`` to the left, top, right and bottom side, pixels; negative for a side the point lies beyond.
        grid: ``[9, 2]`` (x, y) where a plain 3×3 convolution looks, pixels.
        offsets: ``[9, 2]`` (Δx, Δy) in cells, added to the grid.
        points: ``[9, 2]`` (x, y) where the star looks, pixels.
    """

    box: Float32[np.ndarray, " 4"]
    level: str
    stride: int
    cell: tuple[int, int]
    point: Float32[np.ndarray, " 2"]
    distances: Float32[np.ndarray, " 4"]
    grid: Float32[np.ndarray, "9 2"]
    offsets: Float32[np.ndarray, "9 2"]
    points: Float32[np.ndarray, "9 2"]


def trace_star(config: FCOSConfig, points: Points, box: Float[Tensor, " 4"]) -> StarTrace:
    """Finds the level that owns a box by FCOS's ranges, its cell nearest to the centre, and the star of that cell.

    Args:
        config: of the levels.
        points: their cells.
        box: xyxy, pixels.

    Raises:
        VarifocalNetError: The box is inverted, empty, not finite, or no cell's middle lies on it near its centre.
    """
    check_object_boxes(box[None])
    owner = assign_targets(points, config.ranges, box[None])
    (cells,) = torch.nonzero(owner >= 0, as_tuple=True)
    if not len(cells):
        raise VarifocalNetError("No level has a cell for this box: it is too small, or it lies off the picture.")
    centre = (box[:2] + box[2:]) / 2
    cell = cells[(points.centres[cells] - centre).square().sum(1).argmin()]
    point, stride = points.centres[cell], float(points.strides[cell])
    distances = boxes_to_distances_ltrb(box[None], point[None])
    steps = torch.tensor([[x, y] for y in (-1.0, 0.0, 1.0) for x in (-1.0, 0.0, 1.0)])
    row, column = points.cells[cell].tolist()
    return StarTrace(
        box=box.float().numpy(),
        level=config.levels[int(points.levels[cell])],
        stride=int(stride),
        cell=(row, column),
        point=point.numpy(),
        distances=distances[0].float().numpy(),
        grid=(point + steps * stride).numpy(),
        offsets=star_kernel_offsets(distances.float(), stride)[0].numpy(),
        points=star_points(point[None], distances.float())[0].numpy(),
    )
