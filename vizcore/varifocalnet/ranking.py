"""How much the order of candidates is worth: one set of boxes and classes, ranked by the network or by an oracle.

Reference:
    Haoyang Zhang, Ying Wang, Feras Dayoub, Niko Sünderhauf. VarifocalNet: An IoU-aware Dense Object Detector. CVPR
    2021, arXiv 2008.13367, section 3.1 and table 1: on FCOS with ATSS, 38.5 AP by the class score, 39.2 with the
    centerness, 41.1 with the true centerness, 43.5 with the true IoU in its place, 56.1 with true boxes, 43.1 with the
    true class as the score (58.1 with centerness), and 74.7 with the true IoU as the true class's score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from torchvision.ops import batched_nms, box_iou

from vizcore.boxes import boxes_to_distances_ltrb
from vizcore.models.fcos import centerness_target
from vizcore.varifocalnet.errors import VarifocalNetError

RANKINGS: Final = (
    "cls",
    "cls_ctr",
    "iacs",
    "gt_ctr",
    "gt_ctr_iou",
    "gt_bbox",
    "gt_cls",
    "gt_cls_ctr",
    "gt_cls_iou",
)
"""By class score, with centerness, the network's own IACS, and the paper's oracles."""

PAPER_AP: Final = {
    "cls": 0.385,
    "cls_ctr": 0.392,
    "gt_ctr": 0.411,
    "gt_ctr_iou": 0.435,
    "gt_bbox": 0.561,
    "gt_cls": 0.431,
    "gt_cls_ctr": 0.581,
    "gt_cls_iou": 0.747,
}
"""AP on COCO of each ranking, from the paper's table 1."""


@dataclass(frozen=True, eq=False)
class Cells:
    """What a network says at some cells of one picture, and the truth there.

    Attributes:
        points: ``[A, 2]`` (x, y), pixels.
        probabilities: ``[A, K]`` of the classes (or IACS).
        centerness: ``[A]`` in [0, 1]; ones where the network has none.
        boxes: ``[A, 4]`` xyxy, pixels.
        owners: ``[A]`` the object each cell has to find, index into ``targets``; -1 for the background.
        targets: ``[M, 4]`` xyxy, pixels.
        labels: ``[M]``.
    """

    points: Float32[np.ndarray, "A 2"]
    probabilities: Float32[np.ndarray, "A K"]
    centerness: Float32[np.ndarray, " A"]
    boxes: Float32[np.ndarray, "A 4"]
    owners: Int64[np.ndarray, " A"]
    targets: Float32[np.ndarray, "M 4"]
    labels: Int64[np.ndarray, " M"]


@dataclass(frozen=True, eq=False)
class Ranked:
    """Candidates of one picture with the score a ranking gives them, then NMS.

    Attributes:
        boxes: ``[N, 4]`` xyxy, pixels, by decreasing score.
        scores: ``[N]`` in [0, 1].
        labels: ``[N]``.
        ious: ``[N]`` greatest IoU with a true box of the class; 0 if there is none.
    """

    boxes: Float32[np.ndarray, "N 4"]
    scores: Float32[np.ndarray, " N"]
    labels: Int64[np.ndarray, " N"]
    ious: Float32[np.ndarray, " N"]


def rank(
    cells: Cells,
    ranking: str,
    *,
    score_threshold: float = 0.05,
    iou_threshold: float = 0.6,
    pre_nms: int = 1000,
    most: int = 100,
) -> Ranked:
    """Gives every (cell, class) its score, and keeps what NMS leaves.

    The oracles replace one thing at the cells that have an object to find, and leave the others alone:

    * ``gt_ctr``: the centerness is the true one; ``gt_ctr_iou``: it is the box's IoU with its object,
    * ``gt_bbox``: the box is the true one,
    * ``gt_cls``: the true class's score is 1 and the others' 0 (with ``_ctr``: times the centerness),
    * ``gt_cls_iou``: the true class's score is the box's IoU.

    Args:
        cells: of one picture.
        ranking: one of ``RANKINGS``; ``iacs`` takes the probabilities as they are, as ``cls`` does.
        score_threshold: in [0, 1].
        iou_threshold: of the class-aware NMS.
        pre_nms: only so many of the best go into it.
        most: boxes a picture.

    Raises:
        VarifocalNetError: There is no such ranking.
    """
    if ranking not in RANKINGS:
        raise VarifocalNetError(
            "There is no ranking {ranking}; there are {known}.", ranking=repr(ranking), known=", ".join(RANKINGS)
        )
    scores, boxes = oracle_scores(cells, ranking)
    passed = scores.flatten() > score_threshold
    number = min(int(passed.sum()), pre_nms)
    values, places = scores.flatten().topk(number)
    owners, labels = torch.div(places, scores.shape[1], rounding_mode="floor"), places % scores.shape[1]
    found = boxes[owners]
    keep = batched_nms(found, values, labels, iou_threshold)[:most]
    found, values, labels = found[keep], values[keep], labels[keep]
    return Ranked(found.numpy(), values.numpy(), labels.numpy(), true_ious(found, labels, cells).numpy())


def oracle_scores(cells: Cells, ranking: str) -> tuple[Tensor, Tensor]:
    """Scores ``[A, K]`` and boxes ``[A, 4]`` that a ranking gives; see :func:`rank`."""
    probabilities, centerness = torch.from_numpy(cells.probabilities), torch.from_numpy(cells.centerness)
    boxes, owners = torch.from_numpy(cells.boxes), torch.from_numpy(cells.owners)
    (positive,) = torch.nonzero(owners >= 0, as_tuple=True)
    truth = torch.from_numpy(cells.targets)[owners[positive]]
    labels = torch.from_numpy(cells.labels)[owners[positive]]
    overlap = box_iou(boxes[positive], truth).diagonal() if len(positive) else boxes.new_zeros(0)
    if ranking in ("gt_ctr", "gt_ctr_iou"):
        points = torch.from_numpy(cells.points)[positive]
        true = centerness_target(boxes_to_distances_ltrb(truth, points)) if ranking == "gt_ctr" else overlap
        centerness = centerness.index_put((positive,), true)
    if ranking == "gt_bbox":
        boxes = boxes.index_put((positive,), truth)
    if ranking.startswith("gt_cls"):
        probabilities = probabilities.index_put((positive,), probabilities.new_zeros(()))
        score = overlap if ranking == "gt_cls_iou" else torch.ones_like(overlap)
        probabilities = probabilities.index_put((positive, labels), score)
    if ranking in ("cls", "iacs", "gt_cls", "gt_cls_iou"):
        return probabilities, boxes
    return (probabilities * centerness[:, None]).sqrt(), boxes


def true_ious(boxes: Tensor, labels: Tensor, cells: Cells) -> Tensor:
    """Greatest IoU of each box with a true box of its class; 0 if there is none."""
    if not len(cells.targets) or not len(boxes):
        return torch.zeros(len(boxes))
    ious = box_iou(boxes, torch.from_numpy(cells.targets))
    same = labels[:, None] == torch.from_numpy(cells.labels)
    return torch.where(same, ious, 0.0).amax(1)


def rank_correlation(scores: np.ndarray, ious: np.ndarray) -> float:
    """Spearman's rank correlation: 1 if the order by score is the order by IoU; equal values share their mean rank.

    Args:
        scores: ``[N]``.
        ious: ``[N]``.

    Raises:
        VarifocalNetError: There are fewer than two candidates, or one of the two has a single value.
    """
    if len(scores) < 2 or np.ptp(scores) == 0 or np.ptp(ious) == 0:
        raise VarifocalNetError("A rank correlation needs candidates with different scores and IoUs.")
    return float(np.corrcoef(_ranks(scores), _ranks(ious))[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: np.ndarray = (last - (counts - 1) / 2)[place]
    return mean
