"""What every detector answers with: the final boxes and the whole road to them.

A detector is run once. The road it leaves behind (candidates, stages) is enough to answer "and with another threshold?"
by :func:`refilter`, without a second forward pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torchvision.ops import batched_nms, box_iou

from vizcore.errors import ExplainedError

FATES = ("kept", "below_threshold", "suppressed", "over_limit")
"""What can happen to a candidate; ``DetectorOutput.fates`` holds indices into this tuple."""
KEPT, BELOW_THRESHOLD, SUPPRESSED, OVER_LIMIT = range(len(FATES))


class DetectionError(ExplainedError, ValueError):
    """A photo, a threshold or a detector name that cannot be used."""


def unknown_detector(name: str, known: Iterable[str]) -> DetectionError:
    """The error of a name that no detector has, with those that there are."""
    return DetectionError(
        "There is no detector named {name}; there are {known}.", name=repr(name), known=", ".join(known)
    )


@dataclass(frozen=True)
class DetectorInfo:
    """What can be said about a detector without loading it.

    Attributes:
        name: the identifier ``run_detector`` takes.
        title: a name for people.
        family: how it looks for objects: ``"sliding windows"``, ``"cascade"``, ``"one stage"``, ``"two stages"`` or
            ``"set prediction"``.
        available: whether it can run now, without a download.
        download_bytes: what a download would fetch; 0 if the weights were installed with the requirements.
        num_classes: number of object classes it can name.
        trained_on: the data set whose classes it knows.
        score_threshold: a threshold that suits its scores, in [0, 1].
        iou_threshold: the NMS threshold it was published with (or tuned at, for the sliding windows).
        source: paper and where the weights come from.
        licence: of the weights.
    """

    name: str
    title: str
    family: str
    available: bool
    download_bytes: int
    num_classes: int
    trained_on: str
    score_threshold: float
    iou_threshold: float
    source: str
    licence: str


@dataclass(frozen=True, eq=False)
class Candidates:
    """Every box a detector considered, before its score threshold and its NMS.

    Attributes:
        boxes: ``[M, 4]`` float32, xyxy in pixels of the photo, clipped to it.
        scores: ``[M]`` float32 in [0, 1].
        labels: ``[M]`` int64, index into the output's ``label_names``.
        levels: ``[M]`` int64, index into ``level_names``: the feature or pyramid level that made the box.
        cells: ``[M, 2]`` int64 (row, column) of the cell or window on that level; -1 where there is none.
        anchors: ``[M]`` int64, index of the anchor, window shape or proposal at that cell; -1 where there is none.
        level_names: one name for each level.
        anchor_names: one name for each anchor; empty where anchors have no names (proposals).
        priors: ``[M, 4]`` float32, xyxy in pixels of the photo: the window (anchor, proposal) that the box was made
            from; None where it is not recorded.
        nms_boxes: ``[M, 4]`` float32, the same boxes in the pixels of the resized picture in which the detector's own
            NMS compares them, so that it is repeated to the last bit; None if that is the photo itself.
        points: ``[M, P, 2]`` float32, (x, y) in pixels of the photo: what was marked on each, such as eyes, nose and
            mouth; None where a detector marks nothing.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    levels: np.ndarray
    cells: np.ndarray
    anchors: np.ndarray
    level_names: tuple[str, ...]
    anchor_names: tuple[str, ...] = ()
    nms_boxes: np.ndarray | None = None
    priors: np.ndarray | None = None
    points: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def ranks(self) -> np.ndarray:
        """``[M]`` int64, 1 for the best score; of equal scores the first comes first."""
        ranks = np.empty(len(self), dtype=np.int64)
        ranks[np.argsort(-self.scores, kind="stable")] = np.arange(1, len(self) + 1)
        return ranks


@dataclass(frozen=True)
class Stage:
    """One stage on the road.

    Attributes:
        name: what was done, for people: ``"forward pass"``, ``"score threshold"``, ``"NMS"``.
        count: how many things left this stage.
        unit: what was counted: ``"levels"``, ``"windows"``, ``"candidates"``, ``"boxes"``.
        seconds: wall time of the stage.
    """

    name: str
    count: int
    unit: str
    seconds: float


@dataclass(frozen=True, eq=False)
class DetectorOutput:
    """The final boxes and how they came about.

    Attributes:
        name: the detector.
        image_size: (height, width) of the photo.
        boxes: ``[N, 4]`` float32, xyxy in pixels of the photo, by decreasing score.
        scores: ``[N]`` float32 in [0, 1].
        labels: ``[N]`` int64, index into ``label_names``.
        label_names: the names of all classes.
        origins: ``[N]`` int64, index of the candidate that became this box.
        candidates: everything that was considered.
        fates: ``[M]`` int64, index into ``FATES``: what happened to each candidate.
        survivors: ``[S]`` int64, index of the candidates that the NMS kept, by decreasing score: ``origins``, and those
            beyond ``max_detections``.
        stages: the road, first stage first; the last two are the score threshold and the NMS.
        score_threshold: a candidate survives if its score is greater.
        iou_threshold: a candidate is suppressed if its IoU with a better one of its class is greater.
        max_detections: at most so many boxes are returned; None for all.
    """

    name: str
    image_size: tuple[int, int]
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]
    origins: np.ndarray
    candidates: Candidates
    fates: np.ndarray
    survivors: np.ndarray
    stages: tuple[Stage, ...]
    score_threshold: float
    iou_threshold: float
    max_detections: int | None

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def suppressed_by(self) -> np.ndarray:
        """``[M]`` int64, index of the *candidate* that suppressed this one, -1 if none did.

        Found when it is first asked for: for thousands of candidates it takes longer than the NMS itself.
        """
        suppressed_by = np.full(len(self.candidates), -1, dtype=np.int64)
        (passed,) = np.nonzero(self.fates != BELOW_THRESHOLD)
        boxes, labels = _compared(self.candidates, passed), torch.from_numpy(self.candidates.labels[passed])
        keep = torch.from_numpy(np.searchsorted(passed, self.survivors))
        suppressed_by[passed] = _suppressors(boxes, labels, keep, self.iou_threshold, passed)
        return suppressed_by

    @property
    def num_passed(self) -> int:
        """Candidates above the score threshold."""
        return self.stages[-2].count

    @property
    def seconds(self) -> float:
        """Wall time of the whole road."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def network_seconds(self) -> float:
        """Wall time up to the candidates, without the two thresholds."""
        return sum(stage.seconds for stage in self.stages[:-2])

    @property
    def best_score(self) -> float:
        """The highest score of any candidate; 0 where there is none."""
        return float(self.candidates.scores.max()) if len(self.candidates) else 0.0

    def count_fate(self, fate: str) -> int:
        """Candidates with one of ``FATES``."""
        return int((self.fates == FATES.index(fate)).sum())

    def best_suppressed(self, most: int) -> np.ndarray:
        """Indices of the suppressed candidates, best first, at most so many."""
        (fallen,) = np.nonzero(self.suppressed_by >= 0)
        return fallen[np.argsort(-self.candidates.scores[fallen], kind="stable")][:most]

    def suppressed(self, index: int) -> np.ndarray:
        """Indices of the candidates that final box ``index`` suppressed, best first."""
        (victims,) = np.nonzero(self.suppressed_by == self.origins[index])
        return victims[np.argsort(-self.candidates.scores[victims], kind="stable")]


@dataclass(frozen=True, eq=False)
class LoadedDetector:
    """A detector with its weights in memory, ready to run; the thing a page caches.

    Attributes:
        info: what it is.
        run: takes a photo (uint8 ``[H, W, 3]``, already checked), ``score_threshold=`` and ``iou_threshold=``.
    """

    info: DetectorInfo
    run: Callable[..., DetectorOutput]


def check_thresholds(score_threshold: float, iou_threshold: float) -> None:
    """Raises ``DetectionError`` unless both are numbers in [0, 1]."""
    for name, value in (("score_threshold", score_threshold), ("iou_threshold", iou_threshold)):
        if isinstance(value, bool) or not isinstance(value, (int, float, np.floating)) or not 0 <= value <= 1:
            raise DetectionError("{name} must be a number from 0 to 1, not {value}.", name=name, value=value)


def check_photo(photo: np.ndarray) -> None:
    """Raises ``DetectionError`` unless the photo is a uint8 array of shape [H, W, 3] with at least one pixel."""
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8:
        kind = photo.dtype if isinstance(photo, np.ndarray) else type(photo).__name__
        raise DetectionError("A photo must be an array of uint8, not {kind}.", kind=kind)
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.size == 0:
        raise DetectionError("A photo must have the shape [H, W, 3], not {shape}.", shape=list(photo.shape))


def build_output(
    name: str,
    image_size: tuple[int, int],
    label_names: tuple[str, ...],
    candidates: Candidates,
    stages: tuple[Stage, ...],
    *,
    score_threshold: float,
    iou_threshold: float,
    max_detections: int | None = None,
) -> DetectorOutput:
    """Filters candidates into final boxes: score threshold, class-aware NMS, at most ``max_detections``.

    The selection is torchvision's ``batched_nms``: greedy, ``>`` at both thresholds, candidates of different classes
    never suppress each other. A suppressed candidate is laid at the door of the best-scored kept box that overlaps it
    by more than the threshold, which is the one that met it first.

    Args:
        name: the detector's name.
        image_size: (height, width) of the photo.
        label_names: the names of all classes.
        candidates: everything that was considered.
        stages: the road up to the candidates.
        score_threshold: a candidate survives if its score is greater, in [0, 1].
        iou_threshold: a candidate is suppressed if its IoU with a kept one of its class is greater, in [0, 1].
        max_detections: keep only so many of the best boxes; None for all.

    Raises:
        DetectionError: a threshold is not a number in [0, 1].
    """
    check_thresholds(score_threshold, iou_threshold)
    started = time.perf_counter()
    fates = np.full(len(candidates), BELOW_THRESHOLD, dtype=np.int64)
    # A threshold compared in float64 would let 0.30000001192 (the float32 nearest to 0.3) pass "> 0.3".
    (passed,) = np.nonzero(candidates.scores > np.float32(score_threshold))
    thresholded = time.perf_counter()

    boxes = _compared(candidates, passed)
    scores = torch.from_numpy(candidates.scores[passed])
    labels = torch.from_numpy(candidates.labels[passed])
    # batched_nms tells classes apart by shifting their boxes, which goes wrong for negative coordinates.
    shifted = boxes - boxes.min().clamp(max=0) if len(boxes) else boxes
    keep = batched_nms(shifted, scores, labels, iou_threshold)
    fates[passed] = SUPPRESSED
    survivors = passed[keep.numpy()]
    origins = survivors if max_detections is None else survivors[:max_detections]
    fates[survivors] = OVER_LIMIT
    fates[origins] = KEPT
    finished = time.perf_counter()

    return DetectorOutput(
        name=name,
        image_size=image_size,
        boxes=candidates.boxes[origins],
        scores=candidates.scores[origins],
        labels=candidates.labels[origins],
        label_names=label_names,
        origins=origins,
        candidates=candidates,
        fates=fates,
        survivors=survivors,
        stages=(
            *stages,
            Stage("score threshold", len(passed), "candidates", thresholded - started),
            Stage("NMS", len(origins), "boxes", finished - thresholded),
        ),
        score_threshold=float(score_threshold),
        iou_threshold=float(iou_threshold),
        max_detections=max_detections,
    )


def refilter(output: DetectorOutput, *, score_threshold: float, iou_threshold: float) -> DetectorOutput:
    """The same photo and the same candidates at other thresholds; the model is not asked again.

    Raises:
        DetectionError: a threshold is not a number in [0, 1].
    """
    return build_output(
        output.name,
        output.image_size,
        output.label_names,
        output.candidates,
        output.stages[:-2],
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
        max_detections=output.max_detections,
    )


def _compared(candidates: Candidates, chosen: np.ndarray) -> torch.Tensor:
    """The chosen candidates' boxes as the NMS compares them."""
    boxes = candidates.boxes if candidates.nms_boxes is None else candidates.nms_boxes
    return torch.from_numpy(boxes[chosen])


def _suppressors(
    boxes: torch.Tensor, labels: torch.Tensor, keep: torch.Tensor, iou_threshold: float, passed: np.ndarray
) -> np.ndarray:
    """For each of ``boxes``, the entry of ``passed`` that suppressed it; -1 for the kept ones."""
    suppressors = np.full(len(boxes), -1, dtype=np.int64)
    for label in labels.unique():  # class by class: one matrix over all of them would not fit
        kept = keep[labels[keep] == label]
        (members,) = torch.nonzero(labels == label, as_tuple=True)
        iou = box_iou(boxes[kept], boxes[members])
        # The kernel compares in double precision, a tensor would round the threshold to its own: 0.3 becomes larger.
        limit = torch.tensor(iou_threshold, dtype=iou.dtype)
        over = iou >= limit if limit.item() > iou_threshold else iou > limit
        # argmax finds the first of equals, and keep runs from the best score down. The shift of batched_nms rounds, so
        # an overlap within an ulp of the threshold can be suppressed there and pass here: then the closest is named.
        first = torch.where(over.any(0), over.to(torch.uint8).argmax(0), iou.argmax(0))
        suppressors[members.numpy()] = passed[kept[first].numpy()]
    suppressors[keep.numpy()] = -1
    return suppressors
