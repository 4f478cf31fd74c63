"""How good a kept set is: average precision as COCO counts it, precision and recall, and the objects lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int, Real

from vizcore.nms.checks import check_fraction
from vizcore.nms.coco import coco_precision
from vizcore.nms.overlaps import pairwise_overlaps
from vizcore.nms.result import NMSError, NMSTrace


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a set of detections is worth against ground truth.

    Attributes:
        ap: average precision over IoU 0.50:0.05:0.95, in [0, 1]; NaN without any object.
        ap50: at IoU 0.50.
        ap75: at IoU 0.75.
        recall_levels: ``[101]`` 0, 0.01 … 1.
        precision50: ``[101]`` interpolated precision at each recall, at IoU 0.50, mean over the classes.
        precision75: ``[101]`` the same at IoU 0.75.
        precision: share of the detections that match an object at ``match_threshold``; NaN without detections.
        recall: share of the objects matched, in [0, 1]; NaN without objects.
        match_threshold: IoU at which a detection counts for an object.
        matched: ``[K]`` index of the object that each detection matched, -1 if none: a false positive.
        lost: ``[L]`` index of the objects that no detection matched.
    """

    ap: float
    ap50: float
    ap75: float
    recall_levels: np.ndarray
    precision50: np.ndarray
    precision75: np.ndarray
    precision: float
    recall: float
    match_threshold: float
    matched: np.ndarray
    lost: np.ndarray


def evaluate_detections(
    boxes: Real[np.ndarray, "K 4"] | Sequence[Sequence[float]],
    scores: Real[np.ndarray, " K"] | Sequence[float],
    targets: Real[np.ndarray, "M 4"] | Sequence[Sequence[float]],
    *,
    labels: Int[np.ndarray, " K"] | Sequence[int] | None = None,
    target_labels: Int[np.ndarray, " M"] | Sequence[int] | None = None,
    images: Int[np.ndarray, " K"] | Sequence[int] | None = None,
    target_images: Int[np.ndarray, " M"] | Sequence[int] | None = None,
    match_threshold: float = 0.5,
) -> Evaluation:
    """Counts detections against ground truth with ``pycocotools``.

    Args:
        boxes: detections, xyxy, pixels.
        scores: in [0, 1]; they alone order the detections.
        targets: true objects, xyxy, pixels.
        labels: class of each detection; None: one class.
        target_labels: class of each object.
        images: picture of each detection; None: one picture.
        target_images: picture of each object.
        match_threshold: IoU from which a detection counts for an object, in [0, 1]; for ``precision``, ``recall``,
            ``matched`` and ``lost`` only. An object is matched once, by the best score that reaches it.

    Returns:
        The evaluation, at most ``MAX_DETECTIONS`` detections a picture in ``ap``.

    Raises:
        NMSError: lengths that do not fit, or a threshold outside [0, 1].

    Reference:
        Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014, arXiv 1405.0312; ``ap``,
        ``ap50``, ``ap75`` and the curves are computed by the authors' own ``pycocotools``.
    """
    check_fraction("match_threshold", match_threshold)
    boxes, targets = _table(boxes), _table(targets)
    scores = np.asarray(scores, dtype=np.float64)
    number, num_targets = len(boxes), len(targets)
    labels, images = _column(labels, number), _column(images, number)
    target_labels, target_images = _column(target_labels, num_targets), _column(target_images, num_targets)
    if len(scores) != number:
        raise NMSError(
            "Each box needs one score: got {boxes} boxes and scores of shape {shape}.", boxes=number, shape=scores.shape
        )
    matched = _match(boxes, scores, labels, images, targets, target_labels, target_images, match_threshold)
    lost = np.setdiff1d(np.arange(num_targets), matched)
    levels = np.linspace(0, 1, 101)
    if num_targets == 0:
        nowhere = np.full(101, np.nan)
        precision = 0.0 if number else float("nan")
        nan = float("nan")
        return Evaluation(
            nan, nan, nan, levels, nowhere, nowhere, precision, nan, float(match_threshold), matched, lost
        )
    table = coco_precision(boxes, scores, labels, images, targets, target_labels, target_images)  # [T, R, classes]
    return Evaluation(
        ap=float(table.mean()),
        ap50=float(table[0].mean()),
        ap75=float(table[5].mean()),
        recall_levels=levels,
        precision50=table[0].mean(1),
        precision75=table[5].mean(1),
        precision=float((matched >= 0).mean()) if number else float("nan"),
        recall=1 - len(lost) / num_targets,
        match_threshold=float(match_threshold),
        matched=matched,
        lost=lost,
    )


def summarise_kept(
    trace: NMSTrace,
    targets: Real[np.ndarray, "M 4"],
    *,
    labels: Int[np.ndarray, " N"] | None = None,
    target_labels: Int[np.ndarray, " M"] | None = None,
    match_threshold: float = 0.5,
) -> Evaluation:
    """Evaluates what a trace kept.

    Args:
        trace: of one picture.
        targets: true objects, xyxy, pixels.
        labels: class of each candidate, if the trace itself ran blind to classes; else the trace's own are used.
        target_labels: class of each object.
        match_threshold: IoU from which a kept box counts for an object.

    Returns:
        The evaluation of the kept boxes with their final scores.
    """
    known = trace.labels if labels is None else np.asarray(labels)
    return evaluate_detections(
        trace.kept_boxes,
        trace.scores_after[trace.keep],
        targets,
        labels=None if known is None else known[trace.keep],
        target_labels=target_labels if known is not None else None,
        match_threshold=match_threshold,
    )


def _match(
    boxes: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    images: np.ndarray,
    targets: np.ndarray,
    target_labels: np.ndarray,
    target_images: np.ndarray,
    threshold: float,
) -> np.ndarray:
    """Gives each detection, best score first, the free object it overlaps best."""
    matched = np.full(len(boxes), -1)
    if not len(boxes) or not len(targets):
        return matched
    ious = pairwise_overlaps(torch.from_numpy(boxes), torch.from_numpy(targets)).numpy()
    ious[(labels[:, None] != target_labels) | (images[:, None] != target_images)] = -1
    free = np.ones(len(targets), dtype=bool)
    for index in np.argsort(-scores, kind="stable"):
        candidates = np.where(free, ious[index], -1)
        best = int(candidates.argmax())
        if candidates[best] >= threshold:
            matched[index] = best
            free[best] = False
    return matched


def _table(boxes: np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    table = np.asarray(boxes, dtype=np.float64)
    table = table.reshape(0, 4) if table.size == 0 else table
    if table.ndim != 2 or table.shape[1] != 4:
        raise NMSError("Boxes must be a table of four columns x1, y1, x2, y2; got shape {shape}.", shape=table.shape)
    return table


def _column(values: np.ndarray | Sequence[int] | None, number: int) -> np.ndarray:
    column = np.zeros(number, dtype=np.int64) if values is None else np.asarray(values, dtype=np.int64)
    if len(column) != number:
        raise NMSError(
            "Each box needs one label: got {boxes} boxes and labels of shape {shape}.", boxes=number, shape=column.shape
        )
    return column


def list_rows(trace: NMSTrace, labels: Int[np.ndarray, " N"]) -> list[dict[str, float | int]]:
    """What became of each candidate, as rows for a file.

    Args:
        trace: any trace.
        labels: class of each candidate, also where the trace ran blind to classes.

    Returns:
        One row a candidate: its corners in pixels, score, class, final score, and the box that suppressed it (-1 if
        none).
    """
    return [
        {
            "box": index,
            **dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)),
            "score": float(trace.scores[index]),
            "label": int(labels[index]),
            "final_score": float(trace.scores_after[index]),
            "suppressed_by": int(trace.suppressed_by[index]),
        }
        for index, box in enumerate(trace.boxes.tolist())
    ]
