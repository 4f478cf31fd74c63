"""A face detector on one frame of a camera: what is left after each stage, small enough to be sent with every frame.

The full record of a run (:mod:`vizcore.image_pyramid.mtcnn`) keeps every map; here are the counts and the boxes. The
cascade of Viola and Jones is OpenCV's own implementation, which is fast and tells no more than its windows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, UInt8

from vizcore.detection.output import check_photo, unknown_detector
from vizcore.image_pyramid.mtcnn import MTCNNTrace, trace_mtcnn
from vizcore.image_pyramid.viola_jones import CASCADE
from vizcore.models.mtcnn import MTCNN, load_mtcnn

NAMES: Final = ("mtcnn", "haar_face")
SMALLEST_FACE: Final = 32
"""Side of the smallest face that is looked for, pixels of the frame."""
SCALE_STEP: Final = 1.1
NEIGHBOURS: Final = 3
"""Windows of the cascade that must agree before they are a face, beside the first."""
GROUPING: Final = 0.2
MESSAGES = ("P-Net", "R-Net", "O-Net", "windows that pass all stages", "faces: windows that agree")


@dataclass(frozen=True, eq=False)
class LiveStage:
    """What one stage left.

    Attributes:
        name: for people.
        boxes: ``[K, 4]`` float32 xyxy, pixels of the frame, the best first where the stage has scores.
        seconds: wall time.
    """

    name: str
    boxes: Float[np.ndarray, "K 4"]
    seconds: float


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """A frame, looked at.

    Attributes:
        image_size: (height, width), pixels.
        levels: (height, width) of the pyramid's levels, largest first; none where the detector does not tell them.
        num_windows: windows that were looked at; 0 where the detector does not tell.
        stages: the last one left the faces.
        scores: ``[N]`` float32 of the faces in [0, 1]; NaN where the detector has none.
        landmarks: ``[N, 5, 2]`` float32, (x, y); ``[N, 0, 2]`` where the detector marks none.
    """

    image_size: tuple[int, int]
    levels: tuple[tuple[int, int], ...]
    num_windows: int
    stages: tuple[LiveStage, ...]
    scores: Float[np.ndarray, " N"]
    landmarks: Float[np.ndarray, "N P 2"]

    @property
    def boxes(self) -> Float[np.ndarray, "N 4"]:
        """The faces."""
        return self.stages[-1].boxes


Look = Callable[[UInt8[np.ndarray, "H W 3"]], LiveFrame]


def load_live(name: str) -> Look:
    """A detector that is ready to look at frames.

    Args:
        name: one of ``NAMES``.

    Raises:
        DetectionError: there is no such detector.
    """
    if name == "mtcnn":
        return partial(_look_mtcnn, load_mtcnn())
    if name == "haar_face":
        import cv2

        return partial(_look_haar, cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / CASCADE)))
    raise unknown_detector(name, NAMES)


def _look_mtcnn(model: MTCNN, frame: UInt8[np.ndarray, "H W 3"]) -> LiveFrame:
    check_photo(frame)
    return frame_of(trace_mtcnn(model, frame, min_size=SMALLEST_FACE))


def frame_of(trace: MTCNNTrace) -> LiveFrame:
    """What of a recorded cascade is sent with a frame."""
    seconds = trace.seconds
    return LiveFrame(
        image_size=trace.image_size,
        levels=tuple((level.pixels.shape[0], level.pixels.shape[1]) for level in trace.levels),
        num_windows=trace.num_windows,
        stages=(
            LiveStage("P-Net", trace.proposals, seconds["pyramid"] + seconds["P-Net"] + seconds["NMS"]),
            LiveStage("R-Net", trace.refined_boxes, seconds["R-Net"]),
            LiveStage("O-Net", trace.boxes, seconds["O-Net"]),
        ),
        scores=trace.scores,
        landmarks=trace.landmarks[trace.keep],
    )


def _look_haar(cascade: object, frame: UInt8[np.ndarray, "H W 3"]) -> LiveFrame:
    import cv2

    check_photo(frame)
    started = time.perf_counter()
    grey = cv2.equalizeHist(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))
    least = (SMALLEST_FACE, SMALLEST_FACE)
    windows = cascade.detectMultiScale(grey, scaleFactor=SCALE_STEP, minNeighbors=0, minSize=least)  # type: ignore[attr-defined]
    looked = time.perf_counter()
    faces, _weights = cv2.groupRectangles([*map(list, windows)], NEIGHBOURS, GROUPING)
    grouped = time.perf_counter()
    return LiveFrame(
        image_size=(frame.shape[0], frame.shape[1]),
        levels=(),
        num_windows=0,
        stages=(
            LiveStage("windows that pass all stages", _corners(windows), looked - started),
            LiveStage("faces: windows that agree", _corners(faces), grouped - looked),
        ),
        scores=np.full(len(faces), np.nan, dtype=np.float32),
        landmarks=np.zeros((len(faces), 0, 2), dtype=np.float32),
    )


def _corners(rectangles: object) -> Float[np.ndarray, "K 4"]:
    """(x, y, width, height) as OpenCV has them → xyxy."""
    boxes = np.array(rectangles, dtype=np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes
