"""Who is a positive: FCOS's rule of the centre, or ATSS's threshold from the object's own statistics.

Reference:
    Shifeng Zhang, Cheng Chi, Yongqiang Yao, Zhen Lei, Stan Z. Li. Bridging the Gap Between Anchor-based and Anchor-free
    Detection via Adaptive Training Sample Selection. CVPR 2020, arXiv 1912.02424, algorithm 1.

    The deviation is that of a sample (divided by n − 1), as in the authors' code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor
from torchvision.ops import box_iou

from vizcore.boxes import BoxError, boxes_to_distances_ltrb, check_boxes
from vizcore.models.fcos import Points, assign_targets
from vizcore.varifocalnet.errors import VarifocalNetError

TOP_K: Final = 9
"""Nearest cells of each level that are candidates."""
TILE: Final = 4.0
"""Side of the square that stands for a cell when its IoU is taken, in strides."""


def tiles(points: Points, *, tile: float = TILE) -> Float[Tensor, "A 4"]:
    """The square of every cell, xyxy in pixels, around its middle."""
    half = points.strides[:, None] * tile / 2
    return torch.cat([points.centres - half, points.centres + half], 1)


def assign_atss(
    points: Points, boxes: Float[Tensor, "M 4"], *, top_k: int = TOP_K, tile: float = TILE
) -> Int64[Tensor, " A"]:
    """Which object each cell has to find: index into ``boxes``, -1 for the background.

    For every object the ``top_k`` nearest cells of each level are candidates. Those whose tile's IoU reaches the
    candidates' mean plus deviation, and whose middle lies inside the box, are positives. A cell that two objects want
    takes the one its tile overlaps more.

    Args:
        points: cells of all levels.
        boxes: xyxy, pixels; each with an area.
        top_k: candidates of a level.
        tile: side of a cell's square, strides.
    """
    if not len(boxes):
        return torch.full((len(points.levels),), -1)
    positive, ious, _ = _select(points, boxes, top_k, tile)
    best, owner = torch.where(positive, ious, -1.0).max(0)
    return torch.where(best >= 0, owner, -1)


def _select(
    points: Points, boxes: Tensor, top_k: int, tile: float
) -> tuple[Bool[Tensor, "M A"], Float[Tensor, "M A"], tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Positives before conflicts, IoUs, and (candidates, mean, deviation, inside)."""
    ious: Tensor = box_iou(boxes, tiles(points, tile=tile))
    away = torch.cdist((boxes[:, :2] + boxes[:, 2:]) / 2, points.centres, compute_mode="donot_use_mm_for_euclid_dist")
    chosen = []
    for level in range(int(points.levels[-1]) + 1):
        (cells,) = torch.nonzero(points.levels == level, as_tuple=True)
        nearest = away[:, cells].sort(dim=1, stable=True).indices[:, : min(top_k, len(cells))]
        chosen.append(cells[nearest])
    candidates = torch.cat(chosen, 1)
    values = ious.gather(1, candidates)
    mean, deviation = values.mean(1), values.std(1)
    reached = values >= (mean + deviation)[:, None]
    inside = boxes_to_distances_ltrb(boxes[:, None], points.centres[candidates]).amin(-1) > 0
    positive = torch.zeros_like(ious, dtype=torch.bool).scatter_(1, candidates, reached & inside)
    return positive, ious, (candidates, mean, deviation, inside)


@dataclass(frozen=True, eq=False)
class AssignmentTrace:
    """How ATSS decided about one object, and what FCOS says of it.

    Attributes:
        box: ``[4]`` xyxy, pixels.
        centres: ``[A, 2]`` (x, y) of the cells' middles, pixels.
        levels: ``[A]`` level of each cell.
        strides: ``[A]`` pixels.
        candidates: ``[n]`` cells, level by level, the nearest first.
        ious: ``[n]`` of their tiles with the box.
        inside: ``[n]`` whether the candidate's middle lies in the box.
        mean: of the IoUs.
        deviation: of the IoUs.
        threshold: their sum.
        atss: ``[P]`` cells that ATSS makes positives.
        fcos: ``[Q]`` cells that FCOS makes positives.
    """

    box: Float32[np.ndarray, " 4"]
    centres: Float32[np.ndarray, "A 2"]
    levels: Int64[np.ndarray, " A"]
    strides: Float32[np.ndarray, " A"]
    candidates: Int64[np.ndarray, " n"]
    ious: Float32[np.ndarray, " n"]
    inside: Bool[np.ndarray, " n"]
    mean: float
    deviation: float
    threshold: float
    atss: Int64[np.ndarray, " P"]
    fcos: Int64[np.ndarray, " Q"]


def trace_assignment(
    points: Points,
    ranges: tuple[tuple[float, float], ...],
    box: Float[Tensor, " 4"],
    *,
    top_k: int = TOP_K,
    tile: float = TILE,
) -> AssignmentTrace:
    """Records both rules for one object.

    Args:
        points: cells of all levels.
        ranges: of FCOS, for each level the (from, up to) of the farthest side, pixels.
        box: xyxy, pixels.
        top_k: of ATSS.
        tile: of ATSS.

    Raises:
        VarifocalNetError: The box is inverted, empty, or not finite, or there is no such number of candidates or tile.
    """
    check_object_boxes(box[None])
    if top_k < 1 or not 0 < tile < float("inf"):
        raise VarifocalNetError("ATSS needs at least one candidate and a positive tile.")
    positive, ious, (candidates, mean, deviation, inside) = _select(points, box[None], top_k, tile)
    owner = assign_targets(points, ranges, box[None])
    return AssignmentTrace(
        box=box.float().numpy(),
        centres=points.centres.numpy(),
        levels=points.levels.numpy(),
        strides=points.strides.numpy(),
        candidates=candidates[0].numpy(),
        ious=ious[0, candidates[0]].float().numpy(),
        inside=inside[0].numpy(),
        mean=float(mean[0]),
        deviation=float(deviation[0]),
        threshold=float(mean[0] + deviation[0]),
        atss=positive[0].nonzero()[:, 0].numpy(),
        fcos=(owner >= 0).nonzero()[:, 0].numpy(),
    )


def check_object_boxes(boxes: Float[Tensor, "N 4"]) -> None:
    """Refuses boxes nothing can be assigned to.

    Raises:
        VarifocalNetError: A box is inverted, has no area, or is not finite.
    """
    try:
        check_boxes(boxes)
    except BoxError as error:
        raise VarifocalNetError(error.template, **error.values) from error
    empty = (boxes[:, 2:] == boxes[:, :2]).any(1)
    if bool(empty.any()):
        raise VarifocalNetError("Box {index} has no width or no height.", index=int(empty.nonzero()[0, 0]))
