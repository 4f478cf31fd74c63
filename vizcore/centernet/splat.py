"""What a set of boxes puts on the maps, with everything that can be asked of each: what the page shows and draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64

from vizcore.centernet.decoding import find_peaks
from vizcore.centernet.errors import CenterNetError
from vizcore.centernet.gaussian import (
    FORMULAS,
    MIN_OVERLAP,
    WorstBox,
    draw_heatmap,
    gaussian_radius,
    locate_peaks,
    radius_terms,
    worst_box,
)
from vizcore.centernet.losses import is_peak
from vizcore.centernet.pixels import LossMaps, loss_maps


@dataclass(frozen=True, eq=False)
class SplatTrace:
    """The target heatmap of some objects.

    Attributes:
        heatmap: ``[C, H, W]`` in [0, 1], exactly 1 at an object's cell.
        cells: ``[M, 2]`` (x, y) of each object's centre.
        offsets: ``[M, 2]`` (x, y) of the centre within its cell, in [0, 1).
        sizes: ``[M, 2]`` (width, height), cells.
        inside: ``[M]`` whether the centre is on the map.
        radii: formula → ``[M]`` cells.
        worst: formula → the worst box within each radius, from the object's first corner on.
        positives: ``[C]`` cells whose target is exactly 1.
        maxima: ``[C]`` cells that no neighbour exceeds and that are not 0: what a perfect network's map decodes to.
        lost: ``[M]`` whether an object of the same class before it has the same cell.
    """

    heatmap: Float32[np.ndarray, "C H W"]
    cells: Int64[np.ndarray, "M 2"]
    offsets: Float64[np.ndarray, "M 2"]
    sizes: Float64[np.ndarray, "M 2"]
    inside: Bool[np.ndarray, " M"]
    radii: dict[str, tuple[float, ...]]
    worst: dict[str, tuple[WorstBox, ...]]
    positives: tuple[int, ...]
    maxima: tuple[int, ...]
    lost: tuple[bool, ...]


def trace_splat(
    boxes: Sequence[Sequence[float]],
    labels: Sequence[int],
    map_size: tuple[int, int],
    num_classes: int,
    *,
    min_overlap: float = MIN_OVERLAP,
    formula: str = "exact",
) -> SplatTrace:
    """Draws the target heatmap and keeps what it was drawn from; the arguments and errors are ``draw_heatmap``'s."""
    corners = torch.tensor([list(box) for box in boxes], dtype=torch.float64).reshape(-1, 4)
    classes = torch.tensor(list(labels), dtype=torch.int64)
    heatmap = draw_heatmap(corners, classes, map_size, num_classes, min_overlap=min_overlap, formula=formula)
    peaks = locate_peaks(corners, map_size)
    sides = [(height, width) for width, height in peaks.sizes.tolist()]
    radii = {
        name: tuple(gaussian_radius(*side, min_overlap=min_overlap, formula=name) for side in sides)
        for name in FORMULAS
    }
    maxima = find_peaks(heatmap) & (heatmap > 0)
    places = [(label, *cell) for label, cell in zip(labels, peaks.cells.tolist(), strict=True)]
    return SplatTrace(
        heatmap=heatmap.numpy(),
        cells=peaks.cells.numpy(),
        offsets=peaks.offsets.numpy(),
        sizes=peaks.sizes.numpy(),
        inside=peaks.inside.numpy(),
        radii=radii,
        worst={
            name: tuple(worst_box(*side, radius) for side, radius in zip(sides, radii[name], strict=True))
            for name in FORMULAS
        },
        positives=tuple(is_peak(heatmap).sum((1, 2)).tolist()),
        maxima=tuple(maxima.sum((1, 2)).tolist()),
        lost=tuple(place in places[:index] for index, place in enumerate(places)),
    )


@dataclass(frozen=True, eq=False)
class RadiusCurves:
    """Both formulas over the side of a square.

    Attributes:
        sides: ``[S]`` cells.
        radii: formula → ``[S]`` cells.
        ious: formula → ``[S]`` IoU of the worst box within the radius.
        least_ratio: of the released radius to the exact one, over all boxes whose sides are among ``sides``.
        most_ratio: likewise, the greatest.
    """

    sides: Float64[np.ndarray, " S"]
    radii: dict[str, Float64[np.ndarray, " S"]]
    ious: dict[str, Float64[np.ndarray, " S"]]
    least_ratio: float
    most_ratio: float


def radius_curves(*, min_overlap: float = MIN_OVERLAP, most: int = 64) -> RadiusCurves:
    """Measures both formulas on squares of 2 to ``most`` cells.

    Args:
        min_overlap: that both promise.
        most: largest side.

    Raises:
        CenterNetError: The overlap is not in (0, 1].
    """
    sides = [float(side) for side in range(2, most + 1)]
    radii = {
        name: [gaussian_radius(side, side, min_overlap=min_overlap, formula=name) for side in sides]
        for name in FORMULAS
    }
    height, width = torch.meshgrid(*[torch.tensor(sides, dtype=torch.float64)] * 2, indexing="ij")
    overlap = torch.full_like(height, min_overlap)
    ratio = radius_terms(height, width, overlap, formula="released") / radius_terms(
        height, width, overlap, formula="exact"
    )
    return RadiusCurves(
        sides=np.asarray(sides),
        radii={name: np.asarray(found) for name, found in radii.items()},
        ious={
            name: np.asarray([worst_box(side, side, radius).iou for side, radius in zip(sides, found, strict=True)])
            for name, found in radii.items()
        },
        least_ratio=float(ratio.min()),
        most_ratio=float(ratio.max()),
    )


STARTS = ("constant", "target", "shifted")
"""Predictions to begin with: one probability everywhere, the target itself, the target one cell to the right."""


@dataclass(frozen=True, eq=False)
class PaintedLoss:
    """A prediction that somebody painted, and its loss.

    Attributes:
        target: ``[1, H, W]``.
        prediction: ``[1, H, W]`` probabilities.
        maps: what every pixel adds.
    """

    target: Float32[np.ndarray, "1 H W"]
    prediction: Float32[np.ndarray, "1 H W"]
    maps: LossMaps


def paint_loss(
    boxes: Sequence[Sequence[float]],
    map_size: tuple[int, int],
    painted: Sequence[Sequence[float]] = (),
    *,
    start: str = "constant",
    probability: float = 0.1,
    min_overlap: float = MIN_OVERLAP,
    formula: str = "exact",
) -> PaintedLoss:
    """The focal loss of a prediction on the map of one class.

    Args:
        boxes: of the true objects, xyxy in cells.
        map_size: (height, width), cells.
        painted: (x, y, probability) of cells that were painted over, the last one of a cell counting.
        start: one of ``STARTS``.
        probability: of the constant start.
        min_overlap: of the radius.
        formula: of the radius.

    Raises:
        CenterNetError: A painted cell is off the map, a probability is not in [0, 1], or there is no such start.
    """
    if start not in STARTS:
        raise CenterNetError("There is no start {start}.", start=repr(start))
    if not 0 <= probability <= 1:
        raise CenterNetError("The {name} must hold numbers from 0 to 1.", name="probability")
    corners = torch.tensor([list(box) for box in boxes], dtype=torch.float64).reshape(-1, 4)
    labels = torch.zeros(len(corners), dtype=torch.int64)
    target = draw_heatmap(corners, labels, map_size, 1, min_overlap=min_overlap, formula=formula)
    if start == "constant":
        prediction = torch.full_like(target, probability)
    else:
        prediction = target.clone() if start == "target" else target.roll(1, -1)
    height, width = map_size
    for x, y, value in painted:
        if not (0 <= x < width and 0 <= y < height and 0 <= value <= 1):
            raise CenterNetError("A painted cell is off the map, or its probability is not in [0, 1].")
        prediction[0, int(y), int(x)] = value
    return PaintedLoss(target.numpy(), prediction.numpy(), loss_maps(prediction, target))
