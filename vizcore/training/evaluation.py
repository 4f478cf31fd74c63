"""How good a detector is on the fixed validation scenes, as pycocotools counts it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Float, Int64
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from vizcore.data.scenes import coco_annotations, coco_categories

NUM_VALIDATION_SCENES = 500


@dataclass(frozen=True, eq=False)
class Detections:
    """What a detector found on one scene.

    Attributes:
        boxes: ``[K, 4]`` xyxy, pixels.
        scores: ``[K]`` in [0, 1].
        labels: ``[K]`` class.
    """

    boxes: Float[np.ndarray, "K 4"]
    scores: Float[np.ndarray, " K"]
    labels: Int64[np.ndarray, " K"]


@dataclass(frozen=True)
class Quality:
    """COCO's twelve figures, of which we tell eight; all in [0, 1], -1 where there is no such object.

    Attributes:
        ap: average precision, mean over IoU 0.50:0.05:0.95 and the classes.
        ap50: at IoU 0.50.
        ap75: at IoU 0.75.
        ap_small: of objects below 32² pixels.
        ap_medium: of those between 32² and 96².
        ap_large: of those above.
        ar100: average recall with 100 boxes a scene.
        ar_small: the same for objects below 32² pixels.
    """

    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    ar100: float
    ar_small: float

    def as_dict(self) -> dict[str, float]:
        """Rounded to four digits, for logs and cards."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def evaluate(
    detect: Callable[[int], Detections],
    targets: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
    kind: str = "shapes",
) -> Quality:
    """Runs a detector on every scene and counts.

    Args:
        detect: scene index → what was found there.
        targets: of each scene the boxes ``[M, 4]`` xyxy and labels ``[M]``.
        progress: wraps the indices, such as ``tqdm``.
        kind: of the scenes: it says which classes there are.
    """
    results = _results(detect, progress(range(len(targets))))
    return _count(coco_annotations(targets), results, len(targets), kind)


def evaluate_from(
    detect: Callable[[int], Detections], targets: Sequence[tuple[np.ndarray, np.ndarray]], *, side: float
) -> float:
    """AP at IoU 0.50 of the objects whose √(area) has at least so many pixels; -1 if there are none.

    Smaller objects neither count as missed nor do boxes on them count as wrong, nor smaller boxes on nothing, as COCO
    does it for its ranges.

    Args:
        detect: scene index → what was found there.
        targets: of each scene the boxes ``[M, 4]`` xyxy and labels ``[M]``.
        side: the least √(area), pixels.
    """
    results = _results(detect, range(len(targets)))
    if not results:
        return 0.0
    with contextlib.redirect_stdout(io.StringIO()):
        truth = _truth(coco_annotations(targets), len(targets))
        evaluation = COCOeval(truth, truth.loadRes(np.asarray(results)), "bbox")
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[side**2, 1e10]], ["large"]
        evaluation.params.iouThrs, evaluation.params.maxDets = np.array([0.5]), [100]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"]
    known = precision[precision > -1]
    return float(known.mean()) if known.size else -1.0


def _results(detect: Callable[[int], Detections], indices: Iterable[int]) -> list[list[float]]:
    """Boxes of all scenes as pycocotools takes them."""
    return [
        [index + 1, x1, y1, x2 - x1, y2 - y1, score, label + 1]
        for index in indices
        for found in [detect(index)]
        for (x1, y1, x2, y2), score, label in zip(
            found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True
        )
    ]


def _truth(annotations: list[dict[str, Any]], num_scenes: int, kind: str = "shapes") -> COCO:
    truth = COCO()
    truth.dataset = {
        "images": [{"id": index + 1} for index in range(num_scenes)],
        "annotations": annotations,
        "categories": coco_categories(kind),
    }
    truth.createIndex()
    return truth


def _count(annotations: list[dict[str, Any]], results: list[list[float]], num_scenes: int, kind: str) -> Quality:
    with contextlib.redirect_stdout(io.StringIO()):
        truth = _truth(annotations, num_scenes, kind)
        if not results:
            return Quality(*[0.0] * len(fields(Quality)))
        evaluation = COCOeval(truth, truth.loadRes(np.asarray(results)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    ap, ap50, ap75, ap_small, ap_medium, ap_large, _, _, ar100, ar_small, *_ = evaluation.stats.tolist()
    return Quality(ap, ap50, ap75, ap_small, ap_medium, ap_large, ar100, ar_small)
