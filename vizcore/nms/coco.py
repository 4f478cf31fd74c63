"""Precision over recall as COCO counts it, by the authors' own program."""

from __future__ import annotations

import contextlib
import io

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

MAX_DETECTIONS = 100  # a picture, best scores first, as COCO has it


def coco_precision(
    boxes: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    images: np.ndarray,
    targets: np.ndarray,
    target_labels: np.ndarray,
    target_images: np.ndarray,
) -> np.ndarray:
    """Returns interpolated precision ``[10 thresholds, 101 recalls, classes that have an object]``."""
    evaluation = run_coco(boxes, scores, labels, images, targets, target_labels, target_images)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.accumulate()
    return evaluation.eval["precision"][:, :, :, 0, 0]


def run_coco(
    boxes: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    images: np.ndarray,
    targets: np.ndarray,
    target_labels: np.ndarray,
    target_images: np.ndarray,
    *,
    most: int = MAX_DETECTIONS,
) -> COCOeval:
    """Matches detections to objects at the ten thresholds; ``accumulate`` makes curves of it.

    Args:
        boxes: detections, xyxy, pixels.
        scores: in [0, 1].
        labels: class of each detection.
        images: picture of each detection.
        targets: true objects, xyxy, pixels; at least one.
        target_labels: class of each object.
        target_images: picture of each object.
        most: detections of a picture that count, best scores first.
    """
    classes = sorted(set(target_labels.tolist()))
    pictures = sorted(set(target_images.tolist()) | set(images.tolist()))

    def entries(corners: np.ndarray, of_class: np.ndarray, of_image: np.ndarray) -> list[dict]:
        sides = corners[:, 2:] - corners[:, :2]
        return [
            {
                "id": index + 1,  # 0 would count as "no match" inside pycocotools
                "image_id": int(of_image[index]),
                "category_id": int(of_class[index]),
                "bbox": [*corners[index, :2].tolist(), *sides[index].tolist()],
                "area": float(sides[index].prod()),
                "iscrowd": 0,
            }
            for index in range(len(corners))
            if int(of_class[index]) in classes
        ]

    # The tables are filled by hand: COCO's own loader wants a file, and its loadRes refuses an empty result.
    shared = {"images": [{"id": picture} for picture in pictures], "categories": [{"id": label} for label in classes]}
    truth, found = COCO(), COCO()
    truth.dataset = {**shared, "annotations": entries(targets, target_labels, target_images)}
    found.dataset = {**shared, "annotations": entries(boxes, labels, images)}
    for entry in found.dataset["annotations"]:
        entry["score"] = float(scores[entry["id"] - 1])
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools reports its progress by print
        truth.createIndex()
        found.createIndex()
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.params.maxDets = [most]
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
    return evaluation
