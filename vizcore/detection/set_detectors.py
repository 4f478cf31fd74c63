"""DETR on a photo: the one that was trained here, and the authors' own, whose weights are an offer.

Every query is a candidate, and every sure one a box: there is nothing to suppress. The threshold for a suppression is
offered all the same, at 1 (nothing overlaps by more), so that one can see what it would take away.

Reference:
    Nicolas Carion et al. End-to-End Object Detection with Transformers. ECCV 2020, arXiv 2005.12872.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torchvision.ops import clip_boxes_to_image

from vizcore import detr
from vizcore.data.scenes import CLASSES
from vizcore.detection.output import (
    Candidates,
    DetectionError,
    DetectorInfo,
    DetectorOutput,
    LoadedDetector,
    Stage,
    build_output,
    check_photo,
    check_thresholds,
    unknown_detector,
)
from vizcore.models.detr import DETR, WEIGHTS_FOLDER, Detector, load_detr
from vizcore.models.efficientnet_lite import fold_norms
from vizcore.weights import WeightsSource, find_weights

SMALL_NAME, PAPER_NAME = "detr_lite0", "detr_resnet50"
FILE: Final = WEIGHTS_FOLDER / "detr.safetensors"
_TITLES: Final = {SMALL_NAME: "DETR · EfficientNet-Lite0", PAPER_NAME: detr.OFFICIAL_TITLE}


def list_infos() -> tuple[DetectorInfo, ...]:
    """The DETRs; the one trained here only if its file is there (nothing is offered that cannot be had)."""
    return (*((_info(SMALL_NAME),) if FILE.is_file() else ()), _info(PAPER_NAME))


def weights_source(name: str) -> WeightsSource:
    """Where the authors' weights are published.

    Raises:
        DetectionError: If there is nothing to download for a detector of this name.
    """
    if name != PAPER_NAME:
        raise _unknown(name)
    return detr.OFFICIAL


def load(name: str) -> LoadedDetector:
    """Loads a detector; the authors' weights must be on disk.

    Raises:
        DetectionError: If there is no detector of this name.
        WeightsError: If the weights are not on disk, damaged, or those of another model.
    """
    if name == SMALL_NAME:
        try:
            detector = load_detr()
            fold_norms(detector.backbone)
            return as_detector(name, detector)
        except ValueError as error:
            raise _unknown(name) from error
    return as_detector(name, detr.load_official(weights_source(name)))


def as_detector(name: str, network: Detector | DETR) -> LoadedDetector:
    """A detector of this family with given weights."""
    return LoadedDetector(_info(name), functools.partial(_run, name, network))


def output_of(
    trace: detr.DETRTrace, name: str, *, score_threshold: float, iou_threshold: float = 1.0
) -> DetectorOutput:
    """A recorded picture as boxes: one candidate a query.

    Raises:
        DetectionError: a threshold is not a number in [0, 1].
    """
    number = trace.num_queries
    boxes = clip_boxes_to_image(torch.from_numpy(trace.boxes[-1]), trace.image_size).numpy()
    candidates = Candidates(
        boxes=boxes.astype(np.float32),
        scores=trace.scores[-1].astype(np.float32),
        labels=trace.labels[-1].astype(np.int64),
        levels=np.zeros(number, dtype=np.int64),
        cells=np.full((number, 2), -1),
        anchors=np.arange(number),
        level_names=("queries",),
        priors=None if trace.start_boxes is None else trace.start_boxes.astype(np.float32),
    )
    tokens = trace.grid[0] * trace.grid[1]
    stages = (
        Stage("backbone", 1, "levels", trace.seconds["backbone"]),
        Stage("encoder", tokens, "tokens", trace.seconds["encoder"]),
        Stage("decoder", number, "candidates", trace.seconds["decoder"]),
    )
    return build_output(
        name,
        trace.image_size,
        _label_names(name),
        candidates,
        stages,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
    )


def _run(
    name: str, network: Detector | DETR, photo: np.ndarray, *, score_threshold: float, iou_threshold: float
) -> DetectorOutput:
    check_photo(photo)
    check_thresholds(score_threshold, iou_threshold)
    trace = detr.trace_detr(network, photo, attention=False)
    return output_of(trace, name, score_threshold=score_threshold, iou_threshold=iou_threshold)


@dataclass(frozen=True)
class _Known:
    """What is said of one of the two."""

    labels: tuple[str, ...]
    trained_on: str
    score_threshold: float
    source: str
    licence: str


def _known(name: str) -> _Known:
    if name == SMALL_NAME:
        return _Known(
            CLASSES,
            "drawn scenes",
            0.5,
            "Carion et al. 2020, arXiv 2005.12872; trained here, python -m vizcore.training detr",
            "MIT, its backbone Apache-2.0",
        )
    source = "Carion et al. 2020, arXiv 2005.12872; weights from the authors"
    return _Known(detr.official_classes(), "COCO", 0.7, source, "Apache-2.0; trained on COCO's photos")


def _label_names(name: str) -> tuple[str, ...]:
    return _known(name).labels


def _unknown(name: str) -> DetectionError:
    return unknown_detector(name, (info.name for info in list_infos()))


def _info(name: str) -> DetectorInfo:
    known = _known(name)
    return DetectorInfo(
        name=name,
        title=_TITLES[name],
        family="set prediction",
        available=name == SMALL_NAME or find_weights(detr.OFFICIAL) is not None,
        download_bytes=0 if name == SMALL_NAME else detr.OFFICIAL.num_bytes,
        num_classes=sum(label not in ("__background__", "N/A") for label in known.labels),
        trained_on=known.trained_on,
        score_threshold=known.score_threshold,
        iou_threshold=1.0,
        source=known.source,
        licence=known.licence,
    )
