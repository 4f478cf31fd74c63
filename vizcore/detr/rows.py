"""A matching under the hand: queries and objects as rows of plain numbers, and everything that is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import box_convert, box_iou

from vizcore.detr.cost import match_cost
from vizcore.detr.errors import BAD_SHAPE, DETRError
from vizcore.detr.loss import COST_WEIGHTS, NO_OBJECT_WEIGHT, set_loss
from vizcore.detr.matching import GreedyMatching, MatchingTrace, match_greedily, trace_matching
from vizcore.detr.presets import NUM_CLASSES, load_preset
from vizcore.detr.script import write_match_script
from vizcore.detr.suppression import Suppression, suppress

Row = tuple[float, ...]
Weights = tuple[float, float, float]

LEAST: Final = 0.01
"""Percent that the least likely class keeps: a probability of 0 has no logarithm."""
_QUERY_COLUMNS, _OBJECT_COLUMNS = 4 + NUM_CLASSES, 5


@dataclass(frozen=True, eq=False)
class MatchingSummary:
    """What is said of some queries and some objects.

    Attributes:
        probabilities: ``[Q, K + 1]`` of the classes, and last of "no object".
        class_part: ``[Q, T]`` minus the probability of the object's class, times its weight.
        bbox_part: ``[Q, T]`` L1 distance in sides of the picture, times its weight.
        giou_part: ``[Q, T]`` minus GIoU, times its weight.
        iou: ``[Q, T]`` in [0, 1].
        trace: the optimal matching, step by step.
        greedy: who always takes the cheapest pair that is left.
        suppression: what class-aware NMS keeps of the queries.
        losses: ``class``, ``bbox`` and ``giou``: the set loss, each already weighted.
        wanted: ``[Q]`` the class that the loss asks of each query; K is "no object".
    """

    probabilities: np.ndarray
    class_part: np.ndarray
    bbox_part: np.ndarray
    giou_part: np.ndarray
    iou: np.ndarray
    trace: MatchingTrace
    greedy: GreedyMatching
    suppression: Suppression
    losses: dict[str, float]
    wanted: np.ndarray

    @property
    def owner(self) -> np.ndarray:
        """``[T]`` the query of each object, -1 for none."""
        found = np.full(self.trace.cost.shape[1], -1)
        found[self.trace.targets] = self.trace.queries
        return found

    @property
    def surprise(self) -> np.ndarray:
        """``[Q]`` minus the logarithm of the probability of what the loss asks for."""
        asked: np.ndarray = -np.log(self.probabilities[np.arange(len(self.wanted)), self.wanted])
        return asked

    @property
    def loss_weights(self) -> np.ndarray:
        """``[Q]`` weight of each query in the class loss."""
        return np.where(self.wanted == NUM_CLASSES, NO_OBJECT_WEIGHT, 1.0)


def preset_rows(name: str, *, side: float) -> tuple[list[list[float]], list[list[float]]]:
    """A preset as rows.

    Args:
        name: one of ``PRESETS``.
        side: of the picture, in pixels.

    Returns:
        Queries ``x1, y1, x2, y2`` in pixels and the percent of each class; objects ``x1, y1, x2, y2`` and class.

    Raises:
        ValueError: If there is none of this name.
    """
    preset = load_preset(name)
    boxes = box_convert(preset.boxes_cxcywh, "cxcywh", "xyxy") * side
    targets = box_convert(preset.targets_cxcywh, "cxcywh", "xyxy") * side
    percents = (preset.logits.softmax(-1)[:, :-1] * 100).round(decimals=6)
    return (
        torch.cat([boxes, percents], 1).tolist(),
        torch.cat([targets, preset.labels[:, None].double()], 1).tolist(),
    )


def summarise_rows(
    queries: Sequence[Row],
    objects: Sequence[Row],
    *,
    side: float,
    weights: Weights = COST_WEIGHTS,
    iou_threshold: float = 0.7,
    score_threshold: float = 0.5,
) -> MatchingSummary:
    """Matches queries and objects given as rows, and says everything else of them.

    Args:
        queries: ``x1, y1, x2, y2`` in pixels, and the percent of each class; what is left is "no object".
        objects: ``x1, y1, x2, y2`` in pixels, and the class.
        side: of the picture, in pixels.
        weights: of the class, the L1 and the GIoU part of the cost.
        iou_threshold: of the suppression.
        score_threshold: of the suppression.

    Raises:
        DETRError: If a row is none, a box is inside out, or a class does not exist.
    """
    logits, boxes, labels, targets = _tensors(queries, objects, side)
    cost = match_cost(logits, boxes, labels, targets, cost_class=weights[0], cost_bbox=weights[1], cost_giou=weights[2])
    trace = trace_matching(cost.total)
    wanted = np.full(len(boxes), NUM_CLASSES)
    wanted[trace.queries] = labels.numpy()[trace.targets]
    losses = set_loss(logits[None, None], boxes[None, None], [labels], [targets], cost_weights=weights)
    return MatchingSummary(
        probabilities=logits.softmax(-1).numpy(),
        class_part=cost.class_part.numpy(),
        bbox_part=cost.bbox_part.numpy(),
        giou_part=cost.giou_part.numpy(),
        iou=box_iou(box_convert(boxes, "cxcywh", "xyxy"), box_convert(targets, "cxcywh", "xyxy")).nan_to_num().numpy(),
        trace=trace,
        greedy=match_greedily(cost.total),
        suppression=suppress(logits, boxes, iou_threshold=iou_threshold, score_threshold=score_threshold),
        losses={name: float(value) for name, value in losses.items()},
        wanted=wanted,
    )


def write_rows_script(
    queries: Sequence[Row], objects: Sequence[Row], *, side: float, weights: Weights = COST_WEIGHTS
) -> str:
    """The program of :func:`write_match_script` for rows.

    Args:
        queries: as for :func:`summarise_rows`.
        objects: as for :func:`summarise_rows`.
        side: of the picture, in pixels.
        weights: of the class, the L1 and the GIoU part of the cost.

    Raises:
        DETRError: If a row is none.
    """
    return write_match_script(
        *_tensors(queries, objects, side), cost_class=weights[0], cost_bbox=weights[1], cost_giou=weights[2]
    )


def settle_percents(percents: Sequence[float]) -> tuple[float, ...]:
    """Percents of the classes of which each, and "no object" too, keeps a little; the others give way in proportion.

    Args:
        percents: of the classes.
    """
    kept = [max(float(value), LEAST) for value in percents]
    share = min(1.0, (100 - LEAST) / sum(kept))
    return tuple(max(value * share, LEAST) for value in kept)


def _tensors(queries: Sequence[Row], objects: Sequence[Row], side: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Logits, boxes, labels and targets, double precision, boxes in sides of the picture."""
    for name, given, columns in (("queries", queries, _QUERY_COLUMNS), ("objects", objects, _OBJECT_COLUMNS)):
        if any(len(row) != columns for row in given):
            raise DETRError(BAD_SHAPE, name=name, wanted=f"[…, {columns}]", found=[len(row) for row in given])
    rows = torch.tensor([list(row) for row in queries], dtype=torch.float64).reshape(-1, _QUERY_COLUMNS)
    known = torch.tensor([list(row) for row in objects], dtype=torch.float64).reshape(-1, _OBJECT_COLUMNS)
    settled = [settle_percents(row) for row in rows[:, 4:].tolist()]
    classes = torch.tensor(settled, dtype=torch.float64).reshape(-1, NUM_CLASSES) / 100
    logits = torch.cat([classes, 1 - classes.sum(1, keepdim=True)], 1).log()
    boxes, targets = (box_convert(each[:, :4] / side, "xyxy", "cxcywh") for each in (rows, known))
    return logits, boxes, known[:, 4].long(), targets
