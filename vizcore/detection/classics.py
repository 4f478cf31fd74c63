"""The classics with their released weights: Viola and Jones' cascade for faces, Dalal and Triggs' template for people.

Their answers are no probabilities. A window of the cascade scores by the stages it passed, the last part of the way by
how many windows agree with it; a window of the template by the logistic function of its margin, so that 0.5 is the
border that its authors drew.
"""

from __future__ import annotations

import functools
from importlib.util import find_spec

import numpy as np
import torch
from torchvision.ops import box_iou

from vizcore.detection.output import (
    Candidates,
    DetectorInfo,
    DetectorOutput,
    LoadedDetector,
    Stage,
    build_output,
    check_photo,
    check_thresholds,
    unknown_detector,
)
from vizcore.image_pyramid.hog_people import WINDOW, HogPeopleTrace, trace_hog_people
from vizcore.image_pyramid.viola_jones import SMALLEST, ViolaJonesTrace, trace_viola_jones

HAAR, HOG = NAMES = ("haar_face", "hog_people")
MIN_NEIGHBOURS = 3
"""Windows that must agree with one before it counts as a face, at the cascade's own threshold."""
AGREEMENT_IOU = 0.5
SHOWN_STAGES = (1, 3, 5)
"""Stages after which the funnel says how many windows are left; the last are the recorded ones."""
MAX_CANDIDATES = 1000
_MARGIN_FLOOR = -1.0
"""Windows with a lesser margin are not recorded as candidates."""


def list_infos() -> tuple[DetectorInfo, ...]:
    """Both, if OpenCV is installed."""
    if find_spec("cv2") is None:
        return ()
    return (
        DetectorInfo(
            name=HAAR,
            title="Viola–Jones · Haar cascade for faces",
            family="cascade",
            available=True,
            download_bytes=0,
            num_classes=1,
            trained_on="frontal faces, unpublished",
            score_threshold=round(agreement_score(MIN_NEIGHBOURS, 25) - 0.005, 2),
            iou_threshold=0.3,
            source="Viola and Jones, CVPR 2001; OpenCV's haarcascade_frontalface_default, trained by Rainer Lienhart",
            licence="Intel License Agreement for Open Source Computer Vision Library (BSD)",
        ),
        DetectorInfo(
            name=HOG,
            title="HOG + SVM · people",
            family="sliding windows",
            available=True,
            download_bytes=0,
            num_classes=1,
            trained_on="INRIA Person",
            score_threshold=0.6,
            iou_threshold=0.3,
            source="Dalal and Triggs, CVPR 2005; OpenCV's default people detector",
            licence="Apache-2.0",
        ),
    )


def load(name: str) -> LoadedDetector:
    """One of the two; there is nothing to build.

    Raises:
        DetectionError: There is no detector of this name in this family.
    """
    if name not in NAMES:
        raise unknown_detector(name, NAMES)
    return LoadedDetector(list_infos()[NAMES.index(name)], functools.partial(_run, name))


def _run(name: str, photo: np.ndarray, *, score_threshold: float, iou_threshold: float) -> DetectorOutput:
    check_photo(photo)
    check_thresholds(score_threshold, iou_threshold)
    thresholds = {"score_threshold": score_threshold, "iou_threshold": iou_threshold}
    if name == HAAR:
        return cascade_output(trace_viola_jones(photo), **thresholds)
    return template_output(trace_hog_people(photo), **thresholds)


def agreement_score(neighbors: float, num_stages: int) -> float:
    """Score of a window that passed all stages and with which so many others agree, below 1."""
    return (num_stages + neighbors / (neighbors + MIN_NEIGHBOURS)) / (num_stages + 1)


def cascade_output(trace: ViolaJonesTrace, *, score_threshold: float, iou_threshold: float) -> DetectorOutput:
    """The windows that got far as candidates: ``stages passed / (stages + 1)``, or more where others agree."""
    num_stages = trace.num_stages
    chosen = np.argsort(-trace.passed, kind="stable")[:MAX_CANDIDATES]
    boxes, passed = trace.boxes[chosen], trace.passed[chosen]
    scores = passed / (num_stages + 1)
    (whole,) = np.nonzero(passed == num_stages)
    found = torch.from_numpy(boxes[whole])
    neighbors = (box_iou(found, found) > AGREEMENT_IOU).sum(1).numpy() - 1
    scores[whole] = [agreement_score(float(count), num_stages) for count in neighbors]
    candidates = _windows(
        boxes, scores, trace.levels[chosen], trace.cells[chosen], trace.level_sizes, (SMALLEST, SMALLEST)
    )
    seconds = trace.seconds
    stages = (
        Stage("image pyramid", len(trace.level_sizes), "levels", seconds["pyramid"]),
        Stage("windows of all levels", sum(trace.num_windows), "windows", 0.0),
        *(Stage(f"left after stage {number}", trace.left_after(number), "windows", 0.0) for number in SHOWN_STAGES),
        Stage(f"left after stage {trace.recorded_from}", len(candidates), "candidates", seconds["cascade"]),
    )
    return build_output(
        HAAR,
        trace.image_size,
        ("face",),
        candidates,
        stages,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
    )


def template_output(trace: HogPeopleTrace, *, score_threshold: float, iou_threshold: float) -> DetectorOutput:
    """The windows with the largest margins as candidates, ``1 / (1 + exp(−2 margin))`` as their score."""
    order = np.argsort(-trace.margins, kind="stable")[:MAX_CANDIDATES]
    chosen = order[trace.margins[order] > _MARGIN_FLOOR]
    scores = 1 / (1 + np.exp(-2 * trace.margins[chosen].astype(np.float64)))
    candidates = _windows(
        trace.boxes[chosen], scores, trace.levels[chosen], trace.cells[chosen], trace.level_sizes, WINDOW
    )
    seconds = trace.seconds
    stages = (
        Stage("image pyramid", len(trace.level_sizes), "levels", seconds["pyramid"]),
        Stage("windows of all levels", len(trace.margins), "windows", seconds["windows"]),
        Stage("margin above −1", len(candidates), "candidates", 0.0),
    )
    return build_output(
        HOG,
        trace.image_size,
        ("person",),
        candidates,
        stages,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
    )


def _windows(
    boxes: np.ndarray,
    scores: np.ndarray,
    levels: np.ndarray,
    cells: np.ndarray,
    level_sizes: tuple[tuple[int, int], ...],
    window: tuple[int, int],
) -> Candidates:
    return Candidates(
        boxes=boxes,
        scores=scores.astype(np.float32),
        labels=np.zeros(len(scores), dtype=np.int64),
        levels=levels,
        cells=cells,
        anchors=np.zeros(len(scores), dtype=np.int64),
        level_names=tuple(f"{width} × {height}" for height, width in level_sizes) or ("–",),
        anchor_names=(f"{window[1]} × {window[0]}",),
        priors=boxes,
    )
