"""CenterNet and VarifocalNet, trained here and installed with the app: one look at the photo.

CenterNet's peaks are its boxes: nothing has to be suppressed. The threshold for a suppression is offered all the same,
at 1 (nothing overlaps by more), so that one can see what it would take away.
"""

from __future__ import annotations

import functools
import time
from typing import Final

import numpy as np
import torch

from vizcore.centernet import K, best_peaks, boxes_around
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
from vizcore.models.centernet import POINT_WEIGHTS, STRIDE, CenterNetDetector, load_centernet
from vizcore.models.efficientnet_lite import fold_norms
from vizcore.models.fcos import level_points, level_sizes
from vizcore.models.vfnet import VFNetDetector, find_candidates, load_vfnet

CENTERNET, VFNET = NAMES = ("centernet_lite0", "vfnet_lite0")
_FILES: Final = {CENTERNET: "centernet", VFNET: "vfnet"}
_TITLES: Final = {CENTERNET: "CenterNet · EfficientNet-Lite0", VFNET: "VarifocalNet · EfficientNet-Lite0"}
_SOURCES: Final = {
    CENTERNET: "CenterNet: Zhou et al. 2019, arXiv 1904.07850; trained here, python -m vizcore.training centernet",
    VFNET: "VarifocalNet: Zhang et al. 2021, arXiv 2008.13367; trained here, python -m vizcore.training vfnet",
}
_FLOOR: Final = 0.02
"""Candidates with a lesser score are not recorded, whatever the threshold."""
MAX_DETECTIONS: Final = 100


def list_infos() -> tuple[DetectorInfo, ...]:
    """The detectors whose file is there (nothing is offered that cannot be had); loads nothing."""
    return tuple(_info(name) for name in NAMES if (POINT_WEIGHTS / f"{_FILES[name]}.safetensors").is_file())


def load(name: str) -> LoadedDetector:
    """Builds the detector and reads its weights.

    Raises:
        DetectionError: There is no detector of this name, or its file is missing.
    """
    try:
        detector = load_centernet(_FILES[name]) if name == CENTERNET else load_vfnet(_FILES[name])
        fold_norms(detector)
    except (KeyError, ValueError) as error:
        raise unknown_detector(name, (info.name for info in list_infos())) from error
    return as_detector(name, detector)


def as_detector(name: str, detector: CenterNetDetector | VFNetDetector) -> LoadedDetector:
    """A detector of this family with given weights."""
    return LoadedDetector(_info(name), functools.partial(_run, name, detector))


@torch.inference_mode()
def _run(
    name: str,
    detector: CenterNetDetector | VFNetDetector,
    photo: np.ndarray,
    *,
    score_threshold: float,
    iou_threshold: float,
) -> DetectorOutput:
    check_photo(photo)
    check_thresholds(score_threshold, iou_threshold)
    started = time.perf_counter()
    x, size = prepare(photo)
    resized = time.perf_counter()
    stages = detector.backbone.stage_features(x)
    seen = time.perf_counter()
    if isinstance(detector, CenterNetDetector):
        boxes, scores, labels, levels, cells, strides, names, number = _peaks(detector, stages)
    else:
        boxes, scores, labels, levels, cells, strides, names, number = _cells(detector, stages, size)
    ended = time.perf_counter()
    high, wide = photo.shape[:2]
    scale = np.array([wide / size[1], high / size[0]] * 2, dtype=np.float32)
    corners = cells[:, ::-1] * strides[:, None]
    found = Candidates(
        boxes=(np.clip(boxes, 0, [size[1], size[0]] * 2) * scale).astype(np.float32),
        scores=scores,
        labels=labels,
        levels=levels,
        cells=cells,
        anchors=np.zeros(len(boxes), dtype=np.int64),
        level_names=names,
        anchor_names=("•",),
        nms_boxes=np.clip(boxes, 0, [size[1], size[0]] * 2).astype(np.float32),
        priors=(np.concatenate([corners, corners + strides[:, None]], axis=1) * scale).astype(np.float32),
    )
    return build_output(
        name,
        (high, wide),
        CLASSES,
        found,
        (
            Stage("resize", 1, "pictures", resized - started),
            Stage("backbone", len(stages), "levels", seen - resized),
            Stage("head", number, "scores", ended - seen),
        ),
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
        max_detections=MAX_DETECTIONS,
    )


_Found = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, tuple[str, ...], int]
"""Boxes in pixels of the input, scores, labels, levels, cells, strides; names of the levels; scores looked at."""


def _peaks(detector: CenterNetDetector, stages: dict[str, torch.Tensor]) -> _Found:
    net = detector.centernet
    x = net.join(stages)
    heatmap = net.center_logits(net.center_tower(x))[0].float().contiguous().sigmoid()
    scores, labels, cells, chosen = best_peaks(heatmap, k=min(K, heatmap.numel()))
    kept = chosen & (scores > _FLOOR)
    scores, labels, cells = scores[kept], labels[kept], cells[kept]
    said = net.boxes_at(x, cells)
    return (
        boxes_around(cells, said.offsets, said.sizes).numpy() * STRIDE,
        scores.numpy(),
        labels.numpy(),
        np.zeros(len(scores), dtype=np.int64),
        cells.numpy()[:, ::-1],
        np.full(len(scores), STRIDE),
        ("C2",),
        heatmap.numel(),
    )


def _cells(detector: VFNetDetector, stages: dict[str, torch.Tensor], size: tuple[int, int]) -> _Found:
    config = detector.vfnet.config.fcos
    height, width = (-(-side // 64) * 64 for side in size)
    points = level_points(level_sizes((height, width), config.strides), config.strides)
    best, number = find_candidates(detector.vfnet, stages, points, size, score_threshold=_FLOOR)
    return (
        best.boxes.numpy(),
        best.scores.numpy(),
        best.labels.numpy(),
        points.levels[best.cells].numpy(),
        points.cells[best.cells].numpy(),
        points.strides[best.cells].numpy(),
        config.levels,
        number,
    )


def _info(name: str) -> DetectorInfo:
    return DetectorInfo(
        name=name,
        title=_TITLES[name],
        family="one stage",
        available=True,
        download_bytes=0,
        num_classes=len(CLASSES),
        trained_on="drawn scenes",
        score_threshold=0.3 if name == CENTERNET else 0.4,
        iou_threshold=1.0 if name == CENTERNET else 0.6,
        source=_SOURCES[name],
        licence="MIT, its backbone Apache-2.0",
    )
