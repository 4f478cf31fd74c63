"""What a detector finds and what it misses, against boxes that a person drew on the photo: counted by ``pycocotools``.

Places alone are compared (**class-agnostic**): a box counts for an object whatever it calls it, since a sliding window
says "Egyptian cat" where a face detector knows one word. AP is COCO's over all boxes from a low score on; found, false
and missed are those of the final boxes, at the detector's thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Real
from pycocotools.cocoeval import COCOeval
from torchvision.ops import box_iou

from vizcore.detection.output import DetectionError, DetectorOutput, refilter
from vizcore.nms.coco import MAX_DETECTIONS, coco_precision, run_coco

MATCH_THRESHOLDS: Final = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""The IoUs from which a box counts for an object, as COCO has them."""
LEAST_SCORE: Final = 0.05
"""Boxes above this score are ranked for AP."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """A detector's boxes against true ones, on one photo.

    Attributes:
        output: what the detector found, at its thresholds.
        truths: ``[M, 4]`` true boxes, xyxy, pixels.
        match_threshold: IoU from which a box counts for an object.
        matched: ``[K]`` the object that each final box counts for, -1 for a false one.
        best_ious: ``[M]`` largest IoU of any final box with each object, 0 without boxes.
        pair_ious: ``[K]`` IoU of each final box with the object it counts for; of a false one with the nearest object.
        found_by: ``[M]`` the final box that counts for each object, -1 for a missed one.
        num_ranked: boxes that AP ranks.
        ap: COCO's average precision, mean over the thresholds .5 to .95, in [0, 1]; NaN without an object.
        ap50: at IoU 0.5.
        recall_levels: ``[101]`` 0, 0.01 … 1.
        curve: ``[101]`` interpolated precision at each recall, at ``match_threshold``; NaN without an object.
    """

    output: DetectorOutput
    truths: np.ndarray
    match_threshold: float
    matched: np.ndarray
    best_ious: np.ndarray
    pair_ious: np.ndarray
    found_by: np.ndarray
    num_ranked: int
    ap: float
    ap50: float
    recall_levels: np.ndarray
    curve: np.ndarray

    @property
    def num_found(self) -> int:
        """Objects that a final box counts for: true positives."""
        return int((self.found_by >= 0).sum())

    @property
    def num_missed(self) -> int:
        """Objects that no final box counts for: false negatives."""
        return len(self.truths) - self.num_found

    @property
    def num_false(self) -> int:
        """Final boxes that count for no object: false positives."""
        return int((self.matched < 0).sum())

    @property
    def precision(self) -> float:
        """Share of the final boxes that count; NaN without boxes."""
        return self.num_found / len(self.matched) if len(self.matched) else float("nan")

    @property
    def recall(self) -> float:
        """Share of the objects found; NaN without objects."""
        return self.num_found / len(self.truths) if len(self.truths) else float("nan")


def judge(
    output: DetectorOutput,
    truths: Real[np.ndarray, "M 4"] | Sequence[Sequence[float]],
    *,
    match_threshold: float = 0.5,
) -> Verdict:
    """Counts a detector's boxes against true ones.

    Args:
        output: what the detector found, at the thresholds it is judged at.
        truths: true boxes, xyxy, pixels of the photo.
        match_threshold: one of ``MATCH_THRESHOLDS``. A box counts for the free object that it overlaps most, if their
            IoU is at least this; the best score chooses first, and an object is found once.

    Raises:
        DetectionError: another threshold, or true boxes that are no table of four columns.

    Reference:
        Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014, arXiv 1405.0312; matches and AP are computed
        by the authors' own ``pycocotools``, with one class for all.
    """
    place = next((i for i, known in enumerate(MATCH_THRESHOLDS) if abs(known - match_threshold) < 1e-9), None)
    if place is None:
        raise DetectionError(
            "A match threshold must be one of {thresholds}, not {threshold}.",
            thresholds=", ".join(f"{known:g}" for known in MATCH_THRESHOLDS),
            threshold=match_threshold,
        )
    objects = np.asarray(truths, dtype=np.float64)
    objects = objects.reshape(0, 4) if objects.size == 0 else objects
    if objects.ndim != 2 or objects.shape[1] != 4:
        raise DetectionError("True boxes must be a table of four columns, not of shape {shape}.", shape=objects.shape)
    boxes = output.boxes.astype(np.float64)
    ious = box_iou(torch.from_numpy(boxes), torch.from_numpy(objects)).nan_to_num().numpy()  # 0/0 without any area
    ranked = refilter(output, score_threshold=LEAST_SCORE, iou_threshold=output.iou_threshold)
    matched = _match(boxes, output.scores, objects, place)
    found_by = np.full(len(objects), -1)
    (counting,) = np.nonzero(matched >= 0)
    found_by[matched[counting]] = counting
    nearest = ious.max(1, initial=0)
    table = None
    if len(objects):
        table = coco_precision(*_alike(ranked.boxes, ranked.scores, objects))[:, :, 0]
    return Verdict(
        output=output,
        truths=objects,
        match_threshold=MATCH_THRESHOLDS[place],
        matched=matched,
        best_ious=ious.max(0, initial=0),
        pair_ious=np.where(matched >= 0, ious[np.arange(len(boxes)), matched], nearest) if len(objects) else nearest,
        found_by=found_by,
        num_ranked=min(len(ranked), MAX_DETECTIONS),
        ap=float("nan") if table is None else float(table.mean()),
        ap50=float("nan") if table is None else float(table[0].mean()),
        recall_levels=np.linspace(0, 1, 101),
        curve=np.full(101, np.nan) if table is None else table[place],
    )


def _match(boxes: np.ndarray, scores: np.ndarray, objects: np.ndarray, place: int) -> np.ndarray:
    """``[K]`` the object that each box counts for by COCO's rule, -1 for none."""
    matched = np.full(len(boxes), -1)
    if not len(boxes) or not len(objects):
        return matched
    evaluation: COCOeval = run_coco(*_alike(boxes, scores, objects), most=len(boxes))
    (picture,) = evaluation.evalImgs
    for detection, target in zip(picture["dtIds"], picture["dtMatches"][place].astype(int), strict=True):
        matched[detection - 1] = target - 1  # ids count from 1, and 0 is no match
    return matched


def _alike(boxes: np.ndarray, scores: np.ndarray, objects: np.ndarray) -> tuple[np.ndarray, ...]:
    """What COCO is asked with, everything of one class on one picture."""
    none, truth_none = np.zeros(len(boxes), np.int64), np.zeros(len(objects), np.int64)
    return boxes.astype(np.float64), scores.astype(np.float64), none, none, objects, truth_none, truth_none
