"""How far a centre may be missed, and the heatmap that forgives it.

A box whose corners are both moved by at most a radius should still overlap the true box well. That gives an object the
radius within which a wrong centre is punished less, and a Gaussian over it.

Reference:
    Xingyi Zhou, Dequan Wang, Philipp Krähenbühl. Objects as Points. arXiv 1904.07850, section 3. The radius is that of
    Hei Law, Jia Deng. CornerNet: Detecting Objects as Paired Keypoints. ECCV 2018, arXiv 1808.01244.

    The authors' released code takes another root of the three quadratic equations, (b + √Δ) / 2 in every case. It is
    three to four times too large, and is kept here under the name ``"released"``.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Final, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vizcore.centernet.errors import CenterNetError

FORMULAS: Final = ("exact", "released")
MIN_OVERLAP: Final = 0.7


def gaussian_radius(height: float, width: float, *, min_overlap: float = MIN_OVERLAP, formula: str = "exact") -> float:
    """How far both corners of a box may be moved along both axes.

    Args:
        height: of the box, in any unit; the radius has the same.
        width: of the box.
        min_overlap: IoU that every moved box should keep with the true one, in (0, 1].
        formula: ``"exact"`` (the IoU is kept), or ``"released"`` (CenterNet's code, which does not keep it).

    Raises:
        CenterNetError: A side is not a positive number, the overlap not in (0, 1], or there is no such formula.
    """
    if not (math.isfinite(height) and math.isfinite(width) and height > 0 and width > 0):
        raise CenterNetError(
            "A box needs a positive height and width; got {height} × {width}.", height=height, width=width
        )
    if not 0 < min_overlap <= 1:
        raise CenterNetError("The overlap must be in (0, 1]; got {overlap}.", overlap=min_overlap)
    if formula not in FORMULAS:
        raise CenterNetError("There is no formula {formula}; there are exact and released.", formula=repr(formula))
    return min(radius_cases(height, width, min_overlap=min_overlap, formula=formula))


class RadiusCases(NamedTuple):
    """The largest radius of each way a box can be wrong.

    Attributes:
        moved: both corners moved the same way.
        shrunk: both corners moved inwards.
        grown: both corners moved outwards.
    """

    moved: float
    shrunk: float
    grown: float


def radius_cases(height: float, width: float, *, min_overlap: float, formula: str) -> RadiusCases:
    """The three radii of which :func:`gaussian_radius` takes the least.

    Each solves a quadratic equation for the radius r at which the IoU is exactly o:

    * moved: (h − r)(w − r) = o (2hw − (h − r)(w − r)),
    * shrunk: (h − 2r)(w − 2r) = o hw,
    * grown: hw = o (h + 2r)(w + 2r).
    """
    numbers = (torch.tensor(x, dtype=torch.float64) for x in (height, width, min_overlap))
    return RadiusCases(*(float(each) for each in case_terms(*numbers, formula=formula)))


def case_terms(height: Tensor, width: Tensor, overlap: Tensor, *, formula: str) -> tuple[Tensor, Tensor, Tensor]:
    """:func:`radius_cases`, elementwise: what is compiled to the browser."""
    total, area, o = height + width, height * width, overlap
    # (a, b, c) of a r² + b r + c = 0, where b < 0 in the first two and b > 0 in the last.
    moved = (torch.ones_like(o), -total, area * (1 - o) / (1 + o))
    shrunk = (4 * torch.ones_like(o), -2 * total, (1 - o) * area)
    grown = (4 * o, 2 * o * total, (o - 1) * area)
    if formula == "exact":
        return _lesser_root(*moved), _lesser_root(*shrunk), _greater_root(*grown)
    return _released_root(*moved), _released_root(*shrunk), _released_root(*grown)


def radius_terms(height: Tensor, width: Tensor, overlap: Tensor, *, formula: str) -> Tensor:
    """:func:`gaussian_radius`, elementwise: the least of the three cases."""
    moved, shrunk, grown = case_terms(height, width, overlap, formula=formula)
    return torch.minimum(torch.minimum(moved, shrunk), grown)


def _root_of_discriminant(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    return torch.sqrt((b * b - 4 * a * c).clamp(min=0))


def _lesser_root(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    # 2c / (−b + √Δ), the same root as (−b − √Δ) / 2a without its cancellation.
    return 2 * c / (_root_of_discriminant(a, b, c) - b)


def _greater_root(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    return -2 * c / (b + _root_of_discriminant(a, b, c))


def _released_root(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    return (_root_of_discriminant(a, b, c) - b) / 2


class WorstBox(NamedTuple):
    """The box within a radius that fits least.

    Attributes:
        box: (x1, y1, x2, y2), its true box having its first corner at the origin.
        iou: with the true box.
        offsets: how far (x1, y1, x2, y2) were moved.
    """

    box: tuple[float, float, float, float]
    iou: float
    offsets: tuple[float, float, float, float]


def worst_box(height: float, width: float, radius: float) -> WorstBox:
    """Finds the box with the least IoU among all whose four edges are moved by at most the radius.

    With the other edges held, the IoU falls the farther an edge is from its true place, to either side. So the worst
    box has every edge moved by the whole radius, and sixteen boxes are tried. One that would be turned inside out has
    vanished: its IoU is 0.

    Args:
        height: of the true box.
        width: of the true box.
        radius: not negative, same unit.

    Raises:
        CenterNetError: A number is negative or not finite, or a side is zero.
    """
    if not (math.isfinite(radius) and radius >= 0):
        raise CenterNetError("The radius must be a number from 0 on; got {radius}.", radius=radius)
    if not (math.isfinite(height) and math.isfinite(width) and height > 0 and width > 0):
        raise CenterNetError(
            "A box needs a positive height and width; got {height} × {width}.", height=height, width=width
        )
    sides = torch.tensor([height, width, radius], dtype=torch.float64)
    ious = torch.stack([moved_iou(*sides, *signs) for signs in _SIGNS])
    place = int(ious.argmin())
    dx1, dy1, dx2, dy2 = (radius * sign for sign in _SIGNS[place])
    box = (dx1, dy1, max(dx1, width + dx2), max(dy1, height + dy2))
    return WorstBox(box, float(ious[place]), (dx1, dy1, dx2, dy2))


_SIGNS: Final = tuple(itertools.product((-1, 1), repeat=4))


def moved_iou(height: Tensor, width: Tensor, radius: Tensor, dx1: int, dy1: int, dx2: int, dy2: int) -> Tensor:
    """IoU of a box with itself after its edges moved by so many radii each, elementwise; 0 if it has vanished."""
    signs = (height.new_tensor(sign) for sign in (dx1, dy1, dx2, dy2))
    return moved_iou_terms(height, width, radius, *signs)


def moved_iou_terms(
    height: Tensor, width: Tensor, radius: Tensor, dx1: Tensor, dy1: Tensor, dx2: Tensor, dy2: Tensor
) -> Tensor:
    """:func:`moved_iou` with moves that are tensors too: what is compiled to the browser."""
    wide = (width + (dx2 - dx1) * radius).clamp(min=0)
    high = (height + (dy2 - dy1) * radius).clamp(min=0)
    shared_w = (torch.minimum(width, width + dx2 * radius) - (dx1 * radius).clamp(min=0)).clamp(min=0)
    shared_h = (torch.minimum(height, height + dy2 * radius) - (dy1 * radius).clamp(min=0)).clamp(min=0)
    overlap = shared_w * shared_h
    return overlap / (height * width + wide * high - overlap)


def worst_iou(height: Tensor, width: Tensor, radius: Tensor) -> Tensor:
    """The IoU of :func:`worst_box`, elementwise: what is compiled to the browser."""
    return functools.reduce(torch.minimum, (moved_iou(height, width, radius, *signs) for signs in _SIGNS))


class Peaks(NamedTuple):
    """Where objects are expected on the maps.

    Attributes:
        cells: ``[M, 2]`` (x, y) of the cell that holds the centre.
        offsets: ``[M, 2]`` (x, y) of the centre within its cell, in [0, 1).
        sizes: ``[M, 2]`` (width, height) in cells.
        inside: whether the centre is on the map.
    """

    cells: Int64[Tensor, "M 2"]
    offsets: Float[Tensor, "M 2"]
    sizes: Float[Tensor, "M 2"]
    inside: Tensor


def locate_peaks(boxes: Float[Tensor, "M 4"], map_size: tuple[int, int]) -> Peaks:
    """The cell of each box's centre, and what its cell has to say.

    Args:
        boxes: xyxy in cells (pixels divided by the output stride).
        map_size: (height, width) of the map, cells.

    Raises:
        CenterNetError: A box is inverted, has no area, or is not finite.
    """
    check_map_boxes(boxes)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    cells = centres.floor()
    height, width = map_size
    inside = ((cells >= 0) & (cells < torch.tensor([width, height]))).all(1)
    return Peaks(cells.long(), centres - cells, boxes[:, 2:] - boxes[:, :2], inside)


def check_map_boxes(boxes: Float[Tensor, "M 4"]) -> None:
    """Refuses boxes that have no centre or no size.

    Raises:
        CenterNetError: A box is inverted, has no area, or is not finite.
    """
    if not bool(torch.isfinite(boxes).all()):
        raise CenterNetError("A box has a coordinate that is not finite.")
    sides = boxes[:, 2:] - boxes[:, :2]
    if bool((sides < 0).any()):
        index = int((sides < 0).any(1).nonzero()[0, 0])
        raise CenterNetError("Box {index} is inverted: x2 < x1 or y2 < y1.", index=index)
    if bool((sides == 0).any()):
        index = int((sides == 0).any(1).nonzero()[0, 0])
        raise CenterNetError("Box {index} has no width or no height, so it has no Gaussian.", index=index)


def draw_heatmap(
    boxes: Float[Tensor, "M 4"],
    labels: Int64[Tensor, " M"],
    map_size: tuple[int, int],
    num_classes: int,
    *,
    min_overlap: float = MIN_OVERLAP,
    formula: str = "exact",
) -> Float[Tensor, "C H W"]:
    """The heatmap a network should say: a Gaussian for each object on its class's map, the greater where two overlap.

    A Gaussian is exactly 1 at the centre's cell; its deviation is a sixth of its diameter, 2 ⌊radius⌋ + 1 cells, beyond
    which it is cut off. An object whose centre is off the map leaves nothing.

    Args:
        boxes: xyxy in cells.
        labels: class of each.
        map_size: (height, width) of the map, cells.
        num_classes: maps.
        min_overlap: of the radius.
        formula: of the radius.

    Raises:
        CenterNetError: A box is inverted or empty, a label is not a class, or the map has no cell.
    """
    height, width = map_size
    if height < 1 or width < 1:
        raise CenterNetError("A heatmap needs at least one cell; got {height} × {width}.", height=height, width=width)
    if len(labels) and not (int(labels.min()) >= 0 and int(labels.max()) < num_classes):
        raise CenterNetError(
            "Labels must be from 0 to {most}; got {label}.", most=num_classes - 1, label=labels.tolist()
        )
    peaks = locate_peaks(boxes, map_size)
    heatmap = torch.zeros(num_classes, height, width)
    for (x, y), (w, h), label, inside in zip(
        peaks.cells.tolist(), peaks.sizes.tolist(), labels.tolist(), peaks.inside.tolist(), strict=True
    ):
        if not inside:
            continue
        radius = int(gaussian_radius(h, w, min_overlap=min_overlap, formula=formula))
        top, bottom = max(y - radius, 0), min(y + radius + 1, height)
        left, right = max(x - radius, 0), min(x + radius + 1, width)
        rows = torch.arange(top, bottom)[:, None] - y
        columns = torch.arange(left, right)[None] - x
        patch = heatmap[label, top:bottom, left:right]
        torch.maximum(patch, gaussian(columns, rows, radius), out=patch)
    return heatmap


def gaussian(x: Tensor, y: Tensor, radius: float | Tensor) -> Tensor:
    """exp(−(x² + y²) / 2σ²) with σ = (2r + 1) / 6; ``x`` and ``y`` count from the peak, in cells."""
    deviation = (2 * radius + 1) / 6
    return torch.exp(-(x * x + y * y) / (2 * deviation * deviation))
