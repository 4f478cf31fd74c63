"""Dalal and Triggs' pedestrian detector with OpenCV's released weights: every window of every level, with its margin.

A window of 64 × 128 pixels is described by histograms of oriented gradients, and one weighted sum of its 3,780 numbers
says person or not: the template of a standing person.

Reference:
    Navneet Dalal, Bill Triggs. Histograms of oriented gradients for human detection. CVPR 2005. The weights are those
    of OpenCV's default people detector, trained on INRIA Person.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int64, UInt8

WINDOW: Final = (128, 64)
"""(height, width) of the window, pixels of the level."""
STRIDE: Final = 8
SCALE_STEP: Final = 1.1
MAX_SIDE: Final = 640
"""Photos are brought to this longer side first."""
FIRST_SCALE: Final = 1.5
"""The first level is larger than the photo, so that people of 85 pixels are found."""


@dataclass(frozen=True, eq=False)
class HogPeopleTrace:
    """Every window of every level. Boxes are xyxy in pixels of the photo.

    Attributes:
        image_size: (height, width) of the photo.
        level_sizes: (height, width) of each level, largest first.
        boxes: ``[M, 4]`` float32.
        margins: ``[M]`` float32, the weighted sum with its bias; above 0 means person.
        levels: ``[M]`` int64.
        cells: ``[M, 2]`` int64, (row, column) of the window's corner in strides of 8 pixels of its level.
        seconds: wall time of ``"pyramid"`` and ``"windows"``.
    """

    image_size: tuple[int, int]
    level_sizes: tuple[tuple[int, int], ...]
    boxes: Float[np.ndarray, "M 4"]
    margins: Float[np.ndarray, " M"]
    levels: Int64[np.ndarray, " M"]
    cells: Int64[np.ndarray, "M 2"]
    seconds: dict[str, float]


def trace_hog_people(photo: UInt8[np.ndarray, "H W 3"]) -> HogPeopleTrace:
    """Scores every window.

    Args:
        photo: RGB.
    """
    import cv2

    template = np.asarray(cv2.HOGDescriptor_getDefaultPeopleDetector()).ravel()  # type: ignore[attr-defined]
    weights, bias = template[:-1].astype(np.float32), float(template[-1])
    descriptor = cv2.HOGDescriptor()
    image_size = (photo.shape[0], photo.shape[1])
    scale = FIRST_SCALE * min(1.0, MAX_SIDE / max(image_size))
    seconds = {"pyramid": 0.0, "windows": 0.0}
    colours = np.ascontiguousarray(photo[..., ::-1])
    sizes: list[tuple[int, int]] = []
    parts = []
    while True:
        size = (round(image_size[0] * scale), round(image_size[1] * scale))
        if size[0] < WINDOW[0] or size[1] < WINDOW[1]:
            break
        started = time.perf_counter()
        level = cv2.resize(colours, size[::-1], interpolation=cv2.INTER_LINEAR_EXACT)
        resized = time.perf_counter()
        rows, columns = ((side - window) // STRIDE + 1 for side, window in zip(size, WINDOW, strict=True))
        described = descriptor.compute(level, winStride=(STRIDE, STRIDE), padding=(0, 0))
        features = np.asarray(described).reshape(-1, len(weights))
        margins = (features @ weights + bias)[: rows * columns]
        cells = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=2).reshape(-1, 2)
        back = np.array([image_size[1] / size[1], image_size[0] / size[0]] * 2, dtype=np.float32)
        corners = STRIDE * cells[:, ::-1]
        boxes = np.concatenate([corners, corners + np.array(WINDOW[::-1])], axis=1).astype(np.float32) * back
        parts.append((boxes, margins, np.full(len(cells), len(sizes), dtype=np.int64), cells.astype(np.int64)))
        sizes.append(size)
        seconds["pyramid"] += resized - started
        seconds["windows"] += time.perf_counter() - resized
        scale /= SCALE_STEP
    nothing = (np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros((0, 2), np.int64))
    boxes, margins, levels, cells = (np.concatenate(column) for column in zip(nothing, *parts, strict=True))
    return HogPeopleTrace(image_size, tuple(sizes), boxes, margins, levels, cells, seconds)
