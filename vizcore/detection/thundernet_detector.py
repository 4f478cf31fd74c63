"""ThunderNet, trained here and installed with the app: regions first, then what each of them is.

Of the shipped detection parts the one with the best card is run, on the picture at 320 pixels.

Reference:
    Zheng Qin et al. ThunderNet: Towards Real-time Generic Object Detection on Mobile Devices. ICCV 2019,
    arXiv 1903.11752.
"""

from __future__ import annotations

import functools
import time
from typing import Final

import numpy as np
import torch

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
from vizcore.fpn.trace import prepare
from vizcore.models.efficientnet_lite import fold_norms
from vizcore.models.thundernet import (
    ANCHORS,
    SCENE_ANCHOR_SCALE,
    SCENE_SIZE,
    ThunderNetDetector,
    best_thundernet,
    judge_regions,
    level_anchors,
    load_thundernet,
    propose,
)

NAME: Final = "thundernet_lite0"
MAX_DETECTIONS: Final = 100
_FLOOR: Final = 0.02
"""Candidates with a lesser score are not recorded, whatever the threshold."""
MESSAGES: Final = ("context enhancement", "map of C4 alone", "RPN objectness", "PSRoI scores")
"""Stages that no other detector has."""


def list_infos() -> tuple[DetectorInfo, ...]:
    """The detector, if its file is there (nothing is offered that cannot be had); loads nothing."""
    return (_info(),) if best_thundernet() is not None else ()


def load(name: str) -> LoadedDetector:
    """Builds the detector and reads its weights.

    Raises:
        DetectionError: There is no detector of this name, or its file is missing.
    """
    file = best_thundernet()
    if name != NAME or file is None:
        raise unknown_detector(name, (info.name for info in list_infos()))
    detector = load_thundernet(file)
    fold_norms(detector)
    return as_detector(detector)


def as_detector(detector: ThunderNetDetector) -> LoadedDetector:
    """A detector of this family with given weights."""
    return LoadedDetector(_info(), functools.partial(_run, detector))


@torch.inference_mode()
def _run(
    detector: ThunderNetDetector, photo: np.ndarray, *, score_threshold: float, iou_threshold: float
) -> DetectorOutput:
    check_photo(photo)
    check_thresholds(score_threshold, iou_threshold)
    part, times = detector.part, [time.perf_counter()]

    def lap() -> None:
        times.append(time.perf_counter())

    x, size = prepare(photo, max_side=SCENE_SIZE)
    lap()
    maps = detector.backbone.stage_features(x)
    lap()
    context = part.cem(maps["C4"], maps["C5"]).sum
    lap()
    features, objectness, deltas = part.rpn(context)
    anchors = level_anchors(context.shape[2], context.shape[3], scale=SCENE_ANCHOR_SCALE)
    lap()
    regions = propose(objectness[0], deltas[0], anchors, image_size=size)
    lap()
    attended = context if part.sam is None else part.sam(context, features)
    boxes, scores = judge_regions(part, attended, regions.boxes, size)
    lap()
    seconds = np.diff(times).tolist()
    region, label = (scores > _FLOOR).nonzero(as_tuple=True)
    cells = torch.div(regions.anchors, ANCHORS, rounding_mode="floor")[region]
    high, wide = photo.shape[:2]
    scale = np.array([wide / size[1], high / size[0]] * 2, dtype=np.float32)
    found = Candidates(
        boxes=boxes[region].numpy() * scale,
        scores=scores[region, label].numpy(),
        labels=label.numpy(),
        levels=np.zeros(len(region), dtype=np.int64),
        cells=torch.stack([cells // context.shape[3], cells % context.shape[3]], 1).numpy(),
        anchors=(regions.anchors % ANCHORS)[region].numpy(),
        level_names=("C4",),
        anchor_names=_anchor_names(),
        nms_boxes=boxes[region].numpy(),
        priors=regions.boxes[region].numpy() * scale,
    )
    return build_output(
        NAME,
        (high, wide),
        CLASSES,
        found,
        (
            Stage("resize", 1, "pictures", seconds[0]),
            Stage("backbone", 2, "levels", seconds[1]),
            Stage("context enhancement" if part.config.cem else "map of C4 alone", 1, "levels", seconds[2]),
            Stage("RPN objectness", objectness.numel(), "scores", seconds[3]),
            Stage("region proposals", len(regions.boxes), "proposals", seconds[4]),
            Stage("PSRoI scores", scores.numel(), "scores", seconds[5]),
        ),
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
        max_detections=MAX_DETECTIONS,
    )


def _anchor_names() -> tuple[str, ...]:
    x1, y1, x2, y2 = level_anchors(1, 1, scale=SCENE_ANCHOR_SCALE).round().long().T.tolist()
    return tuple(f"{right - left} × {low - top}" for left, top, right, low in zip(x1, y1, x2, y2, strict=True))


def _info() -> DetectorInfo:
    return DetectorInfo(
        name=NAME,
        title="ThunderNet · EfficientNet-Lite0",
        family="two stages",
        available=True,
        download_bytes=0,
        num_classes=len(CLASSES),
        trained_on="drawn scenes",
        score_threshold=0.5,
        iou_threshold=0.5,
        source="ThunderNet: Qin et al. 2019, arXiv 1903.11752; trained here, python -m vizcore.training "
        + (best_thundernet() or "thundernet"),
        licence="MIT, its backbone Apache-2.0",
    )
