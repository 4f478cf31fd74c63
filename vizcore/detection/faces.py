"""MTCNN as a detector: three networks in a cascade, installed with the requirements, that know faces and landmarks.

Its candidates are what the last network looked at, with the score that it gave. The suppression at the end is this
package's, by IoU; the authors suppress a box by how much of the smaller one is covered, which the trace records.
"""

from __future__ import annotations

import functools

import numpy as np

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
from vizcore.image_pyramid.mtcnn import MTCNNTrace, trace_mtcnn
from vizcore.models.mtcnn import MTCNN, WINDOW, load_mtcnn, weights_folder

NAME = "mtcnn"
LABELS = ("face",)
LONGEST_SIDE = 640
"""A longer photo is searched for faces from a thirty-second of its longer side on, so that it takes no longer."""
MIN_SIZE = 20


def list_infos() -> tuple[DetectorInfo, ...]:
    """The detector, if the package with its weights is installed."""
    if weights_folder() is None:
        return ()
    return (
        DetectorInfo(
            name=NAME,
            title="MTCNN · faces and landmarks",
            family="cascade",
            available=True,
            download_bytes=0,
            num_classes=1,
            trained_on="WIDER FACE, CelebA",
            score_threshold=0.8,
            iou_threshold=0.3,
            source="MTCNN: Zhang et al. 2016, arXiv 1604.02878; package mtcnn 1.0.0",
            licence="MIT",
        ),
    )


def load(name: str) -> LoadedDetector:
    """Reads the three networks.

    Raises:
        DetectionError: There is no detector of this name in this family.
    """
    if name != NAME:
        raise unknown_detector(name, [NAME])
    return LoadedDetector(list_infos()[0], functools.partial(_run, load_mtcnn()))


def smallest_face(image_size: tuple[int, int]) -> float:
    """Side of the smallest face that is looked for on a photo, pixels."""
    return max(MIN_SIZE, MIN_SIZE * max(image_size) / LONGEST_SIDE)


def _run(model: MTCNN, photo: np.ndarray, *, score_threshold: float, iou_threshold: float) -> DetectorOutput:
    check_photo(photo)
    check_thresholds(score_threshold, iou_threshold)
    trace = trace_mtcnn(model, photo, min_size=smallest_face((photo.shape[0], photo.shape[1])))
    return output_of(trace, score_threshold=score_threshold, iou_threshold=iou_threshold)


def output_of(trace: MTCNNTrace, *, score_threshold: float, iou_threshold: float) -> DetectorOutput:
    """What O-Net looked at as candidates, filtered into boxes.

    Raises:
        DetectionError: a threshold is not a number in [0, 1].
    """
    height, width = trace.image_size
    count = len(trace.onet_scores)
    priors = np.array([trace.window(proposal) for proposal in trace.refined], dtype=np.float32).reshape(count, 4)
    candidates = Candidates(
        boxes=trace.onet_boxes.clip(0, np.array([width, height, width, height], dtype=np.float32)),
        scores=trace.onet_scores,
        labels=np.zeros(count, dtype=np.int64),
        levels=trace.proposal_levels[trace.refined],
        cells=trace.proposal_cells[trace.refined],
        anchors=np.zeros(count, dtype=np.int64),
        level_names=tuple(f"{level.pixels.shape[1]} × {level.pixels.shape[0]}" for level in trace.levels) or ("–",),
        anchor_names=(f"{WINDOW} × {WINDOW}",),
        priors=priors,
        points=trace.landmarks,
    )
    seconds = trace.seconds
    stages = (
        Stage("image pyramid", len(trace.levels), "levels", seconds["pyramid"]),
        Stage("P-Net", trace.num_windows, "windows", seconds["P-Net"]),
        Stage("face or not", sum(level.num_passed for level in trace.levels), "windows", 0.0),
        Stage("NMS among windows", len(trace.proposals), "proposals", seconds["NMS"]),
        Stage("R-Net", len(trace.refined), "proposals", seconds["R-Net"]),
        Stage("O-Net", count, "candidates", seconds["O-Net"]),
    )
    return build_output(
        NAME,
        trace.image_size,
        LABELS,
        candidates,
        stages,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
    )
