"""The detector that was trained here: FCOS on a feature pyramid, installed with the app, one look at the photo."""

from __future__ import annotations

import functools

import numpy as np

from vizcore import fpn
from vizcore.data.scenes import CLASSES
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
from vizcore.fpn import FPNTrace
from vizcore.models.efficientnet_lite import fold_norms
from vizcore.models.fcos import Detector, load_fcos
from vizcore.models.weight_files import WEIGHTS_FOLDER

NAMES = ("fcos_lite0_fpn",)
_FILES = {"fcos_lite0_fpn": "fcos_fpn"}


def list_infos() -> tuple[DetectorInfo, ...]:
    """The detector of this family, if its file is there (nothing is offered that cannot be had); loads nothing."""
    return tuple(_info(name) for name in NAMES if (WEIGHTS_FOLDER / f"{_FILES[name]}.safetensors").is_file())


def load(name: str) -> LoadedDetector:
    """Builds the detector and reads its weights.

    Raises:
        DetectionError: There is no detector of this name, or its file is missing.
    """
    try:
        detector = load_fcos(_FILES[name])
        fold_norms(detector)
    except (KeyError, ValueError) as error:
        raise unknown_detector(name, (info.name for info in list_infos())) from error
    return as_detector(name, detector)


def as_detector(name: str, detector: Detector) -> LoadedDetector:
    """A detector of this family with given weights."""
    return LoadedDetector(_info(name), functools.partial(_run, name, detector))


def output_of(trace: FPNTrace, *, name: str = NAMES[0], score_threshold: float, iou_threshold: float) -> DetectorOutput:
    """The recorded candidates, filtered into boxes.

    Raises:
        DetectionError: a threshold is not a number in [0, 1].
    """
    levels = trace.config.levels
    num_cells = [trace.levels[level][0].size for level in levels]
    strides = np.array([trace.strides[level] for level in levels])[trace.level_of][:, None]
    corners = trace.cells[:, ::-1] * strides
    candidates = Candidates(
        boxes=trace.boxes,
        scores=trace.scores,
        labels=trace.labels,
        levels=trace.level_of,
        cells=trace.cells,
        anchors=np.zeros(len(trace.boxes), dtype=np.int64),
        level_names=levels,
        anchor_names=("•",),
        nms_boxes=trace.input_boxes,
        priors=trace.to_photo(np.concatenate([corners, corners + strides], axis=1)).astype(np.float32),
    )
    seconds = trace.seconds
    stages = (
        Stage("resize", 1, "pictures", seconds["resize"]),
        Stage("backbone", len(trace.stages), "levels", seconds["backbone"]),
        Stage("feature pyramid", len(levels), "levels", seconds["neck"]),
        Stage("head", sum(num_cells) * trace.config.num_classes, "scores", seconds["head"]),
        Stage("candidates", len(candidates), "candidates", seconds["candidates"]),
    )
    return build_output(
        name,
        trace.image_size,
        CLASSES,
        candidates,
        stages,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
        max_detections=fpn.MAX_DETECTIONS,
    )


def _run(
    name: str, detector: Detector, photo: np.ndarray, *, score_threshold: float, iou_threshold: float
) -> DetectorOutput:
    check_photo(photo)
    check_thresholds(score_threshold, iou_threshold)
    trace = fpn.trace_fpn(detector, photo, score_threshold=score_threshold, iou_threshold=iou_threshold)
    return output_of(trace, name=name, score_threshold=score_threshold, iou_threshold=iou_threshold)


def _info(name: str) -> DetectorInfo:
    return DetectorInfo(
        name=name,
        title="FCOS · EfficientNet-Lite0 FPN",
        family="one stage",
        available=True,
        download_bytes=0,
        num_classes=len(CLASSES),
        trained_on="drawn scenes",
        score_threshold=0.45,
        iou_threshold=0.6,
        source="FCOS: Tian et al. 2019, arXiv 1904.01355; trained here, python -m vizcore.training fcos_fpn",
        licence="MIT, its backbone Apache-2.0",
    )
