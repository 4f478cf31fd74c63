"""What each query does over many pictures: where its boxes lie, how large they are, and of which class."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from vizcore.detr.recording import trace_detr
from vizcore.models.detr import Detector


@dataclass(frozen=True, eq=False)
class QueryPlaces:
    """Every query's answer to many pictures.

    Attributes:
        boxes: ``[P, Q, 4]`` cxcywh in sides of the picture.
        scores: ``[P, Q]`` in [0, 1].
        labels: ``[P, Q]`` class.
        start_boxes: ``[Q, 4]`` cxcywh, where each query begins; None if it begins nowhere.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    start_boxes: np.ndarray | None

    def found(self, query: int, *, score_threshold: float = 0.5) -> np.ndarray:
        """The pictures in which a query found something."""
        pictures: np.ndarray = np.flatnonzero(self.scores[:, query] > np.float32(score_threshold))
        return pictures


def collect_places(
    detector: Detector,
    pictures: Iterable[np.ndarray],
    *,
    progress: Callable[[Iterable[np.ndarray]], Iterable[np.ndarray]] = iter,
) -> QueryPlaces:
    """Runs a detector on pictures and keeps every query's answer.

    Args:
        detector: the small one.
        pictures: square ones, uint8 ``[H, H, 3]``.
        progress: wraps the pictures, such as ``tqdm``.
    """
    boxes, scores, labels, start = [], [], [], None
    for picture in progress(pictures):
        trace = trace_detr(detector, picture, attention=False)
        boxes.append(_shares(trace.boxes[-1], picture.shape[0]))
        scores.append(trace.scores[-1])
        labels.append(trace.labels[-1])
        start = None if trace.start_boxes is None else _shares(trace.start_boxes, picture.shape[0])
    return QueryPlaces(np.stack(boxes), np.stack(scores), np.stack(labels), start)


def _shares(boxes: np.ndarray, side: int) -> np.ndarray:
    """Boxes xyxy in pixels as cxcywh in sides of the picture."""
    corners = boxes / side
    return np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1)
