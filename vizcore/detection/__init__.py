"""Object detection on a photo: every detector answers with one frozen result.

Listing costs nothing; :func:`load_detector` builds a model, and a page caches what it returns.
"""

from __future__ import annotations

import importlib

import numpy as np

from vizcore.detection.output import (
    FATES,
    Candidates,
    DetectionError,
    DetectorInfo,
    DetectorOutput,
    LoadedDetector,
    Stage,
    check_photo,
    check_thresholds,
    refilter,
    unknown_detector,
)
from vizcore.weights import WeightsSource

__all__ = [
    "FATES",
    "Candidates",
    "DetectionError",
    "DetectorInfo",
    "DetectorOutput",
    "LoadedDetector",
    "Stage",
    "list_detectors",
    "load_detector",
    "refilter",
    "run_detector",
    "weights_source",
]

_FAMILIES = (
    "vizcore.detection.sliding_windows",
    "vizcore.detection.faces",
    "vizcore.detection.classics",
    "vizcore.detection.pyramid_detector",
    "vizcore.detection.set_detectors",
    "vizcore.detection.point_detectors",
    "vizcore.detection.thundernet_detector",
    "vizcore.detection.torchvision_detectors",
)
"""Modules with ``list_infos() -> tuple[DetectorInfo, ...]`` and ``load(name) -> LoadedDetector``."""


def list_detectors() -> tuple[DetectorInfo, ...]:
    """Every detector, the one that needs no download first."""
    return tuple(info for family in _FAMILIES for info in importlib.import_module(family).list_infos())


def load_detector(name: str) -> LoadedDetector:
    """Builds a detector and reads its weights, which must be on disk.

    Raises:
        DetectionError: there is no detector of this name.
        WeightsError: its weights have not been downloaded.
    """
    for family in _FAMILIES:
        module = importlib.import_module(family)
        if name in (info.name for info in module.list_infos()):
            loaded: LoadedDetector = module.load(name)
            return loaded
    raise unknown_detector(name, (info.name for info in list_detectors()))


def weights_source(name: str) -> WeightsSource:
    """Where the weights of a detector that has to be downloaded are published.

    Raises:
        DetectionError: there is no such detector, or nothing to download for it.
    """
    for family in _FAMILIES:
        module = importlib.import_module(family)
        if hasattr(module, "weights_source") and name in (info.name for info in module.list_infos()):
            source: WeightsSource = module.weights_source(name)
            return source
    raise unknown_detector(name, (info.name for info in list_detectors() if info.download_bytes))


def run_detector(
    name: str | LoadedDetector, photo: np.ndarray, *, score_threshold: float, iou_threshold: float
) -> DetectorOutput:
    """Detects objects on a photo and records the road there.

    Args:
        name: a detector of :func:`list_detectors`, or one that :func:`load_detector` has already loaded.
        photo: uint8 ``[H, W, 3]``, RGB.
        score_threshold: boxes with a greater score survive, in [0, 1].
        iou_threshold: a box whose IoU with a better one of its class is greater is suppressed, in [0, 1].

    Raises:
        DetectionError: unknown name, unusable photo or threshold.
        WeightsError: the weights have not been downloaded.
    """
    check_photo(photo)
    check_thresholds(score_threshold, iou_threshold)
    detector = name if isinstance(name, LoadedDetector) else load_detector(name)
    return detector.run(photo, score_threshold=score_threshold, iou_threshold=iou_threshold)
