"""What would change if the cost took -log p, as the loss does, measured on a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torchvision.ops import box_convert

from vizcore.data.scenes import draw_scene
from vizcore.detr.cost import match_cost
from vizcore.detr.history import TrainingStrip
from vizcore.detr.loss import COST_WEIGHTS
from vizcore.detr.matching import match
from vizcore.models.detr import CANVAS

MIDDLE: Final = (5, 95)
"""Percentiles between which a part's cost is said to lie."""


@dataclass(frozen=True, eq=False)
class ClassCosts:
    """Two ways to count the class in the cost, at the times of a training.

    Attributes:
        steps: ``[K]`` steps made.
        num_objects: in all scenes of the strip.
        changed: ``[K]`` of them that get another query when the class counts with -log p instead of -p.
        spread: ``[K]`` span of -p over all queries and objects, from the 5th to the 95th percentile, weighted.
        log_spread: ``[K]`` the same of -log p, in nats.
        place_spread: ``[K]`` the same of L1 and GIoU together, weighted.
        best: ``[K]`` mean IoU of each object and its query with -p, in [0, 1].
        log_best: ``[K]`` likewise with -log p.
    """

    steps: np.ndarray
    num_objects: int
    changed: np.ndarray
    spread: np.ndarray
    log_spread: np.ndarray
    place_spread: np.ndarray
    best: np.ndarray
    log_best: np.ndarray


def compare_class_costs(strip: TrainingStrip, *, weights: tuple[float, float, float] = COST_WEIGHTS) -> ClassCosts:
    """Matches every scene of a strip at each time twice: once with -p for the class, once with -log p.

    Args:
        strip: of a training.
        weights: of the class, the L1 and the GIoU part of the cost.

    Reference:
        Nicolas Carion et al. End-to-End Object Detection with Transformers. ECCV 2020, arXiv 2005.12872, section 3.1.
    """
    scenes = [draw_scene("validation", int(index), size=CANVAS) for index in strip.scenes]
    rows = []
    for time in range(len(strip.steps)):
        changed, parts, overlaps = 0, [], []
        for place, scene in enumerate(scenes):
            logits, boxes = (torch.from_numpy(each[time, place]) for each in (strip.logits, strip.boxes))
            labels = torch.from_numpy(scene.labels)
            targets = box_convert(torch.from_numpy(scene.boxes).float(), "xyxy", "cxcywh") / CANVAS
            cost = match_cost(
                logits, boxes, labels, targets, cost_class=weights[0], cost_bbox=weights[1], cost_giou=weights[2]
            )
            by_place = cost.bbox_part + cost.giou_part
            log_part = -weights[0] * logits.log_softmax(-1)[:, labels]
            owners = [_owners(total) for total in (cost.total, log_part + by_place)]
            changed += int((owners[0] != owners[1]).sum())
            parts.append(torch.stack([cost.class_part.ravel(), log_part.ravel(), by_place.ravel()]))
            overlaps.append(np.stack([_overlaps(boxes, targets, each) for each in owners]))
        low, high = np.percentile(torch.cat(parts, 1).numpy(), MIDDLE, axis=1)
        rows.append((changed, *(high - low), *np.concatenate(overlaps, 1).mean(1)))
    changed_of, *others = (np.array(column) for column in zip(*rows, strict=True))
    return ClassCosts(strip.steps, sum(len(scene.labels) for scene in scenes), changed_of, *others)


def _owners(cost: torch.Tensor) -> np.ndarray:
    """``[T]`` the query of each object, -1 for none."""
    queries, targets = match(cost)
    owners = np.full(cost.shape[1], -1)
    owners[targets] = queries
    return owners


def _overlaps(boxes: torch.Tensor, targets: torch.Tensor, owners: np.ndarray) -> np.ndarray:
    """``[T]`` IoU of each object and its query's box; 0 for none."""
    low = np.maximum(*((each[:, :2] - each[:, 2:] / 2).numpy() for each in (boxes[owners], targets)))
    high = np.minimum(*((each[:, :2] + each[:, 2:] / 2).numpy() for each in (boxes[owners], targets)))
    shared = np.clip(high - low, 0, None).prod(1)
    union = boxes[owners][:, 2:].prod(1).numpy() + targets[:, 2:].prod(1).numpy() - shared
    overlaps: np.ndarray = np.where(owners < 0, 0, shared / np.maximum(union, 1e-12))
    return overlaps
