"""Viola and Jones' face detector with OpenCV's released cascade: every window of every level, and the stage it fell at.

OpenCV runs its cascades and tells the windows that are left. Here the same file is evaluated stage by stage over all
windows of a level at once, so that what each stage rejects can be counted; OpenCV's own answer is the test.

Reference:
    Paul Viola, Michael Jones. Rapid object detection using a boosted cascade of simple features. CVPR 2001.

    The cascade is OpenCV's ``haarcascade_frontalface_default`` (25 stages, 2,913 features, windows of 24 × 24 pixels),
    trained by Rainer Lienhart, where the authors' had 38 stages. OpenCV leaves out every second window beside one that
    the first stage rejects; here all are evaluated.
"""

from __future__ import annotations

import functools
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Int64, UInt8

CASCADE: Final = "haarcascade_frontalface_default.xml"
SCALE_STEP: Final = 1.2
SMALLEST: Final = 24
MAX_SIDE: Final = 640
"""Photos are brought to this longer side first."""
_EPSILON: Final = 1e-5  # OpenCV's, below each stage's threshold


@dataclass(frozen=True, eq=False)
class HaarStage:
    """One stage of a cascade: stumps on Haar features.

    Attributes:
        corners: ``[F, 3, 4]`` int64, (x, y, width, height) of up to three rectangles of each feature.
        weights: ``[F, 3]`` float32 of each; 0 where a feature has but two.
        thresholds: ``[F]`` float32.
        below: ``[F]`` float32, what a feature below its threshold adds.
        above: ``[F]`` float32, what it adds otherwise.
        threshold: a window with a lesser sum is rejected.
    """

    corners: Int64[np.ndarray, "F 3 4"]
    weights: Float[np.ndarray, "F 3"]
    thresholds: Float[np.ndarray, " F"]
    below: Float[np.ndarray, " F"]
    above: Float[np.ndarray, " F"]
    threshold: float


@dataclass(frozen=True, eq=False)
class ViolaJonesTrace:
    """A run of the cascade. Boxes are xyxy in pixels of the photo.

    Attributes:
        image_size: (height, width) of the photo.
        level_sizes: (height, width) of each level, largest first.
        num_windows: windows on each level.
        rejected: ``[S]`` int64, windows that each stage rejected, on all levels.
        boxes: ``[M, 4]`` float32: the windows that passed at least ``recorded_from`` stages.
        passed: ``[M]`` int64, stages that each passed.
        levels: ``[M]`` int64.
        cells: ``[M, 2]`` int64, (row, column) of the window's corner on its level, pixels.
        recorded_from: stages a window must pass to be in the record.
        seconds: wall time of ``"pyramid"`` and ``"cascade"``.
    """

    image_size: tuple[int, int]
    level_sizes: tuple[tuple[int, int], ...]
    num_windows: tuple[int, ...]
    rejected: Int64[np.ndarray, " S"]
    boxes: Float[np.ndarray, "M 4"]
    passed: Int64[np.ndarray, " M"]
    levels: Int64[np.ndarray, " M"]
    cells: Int64[np.ndarray, "M 2"]
    recorded_from: int
    seconds: dict[str, float]

    @property
    def num_stages(self) -> int:
        """Stages of the cascade."""
        return len(self.rejected)

    def left_after(self, num_stages: int) -> int:
        """Windows that passed the first ``num_stages`` stages."""
        return sum(self.num_windows) - int(self.rejected[:num_stages].sum())


@functools.cache
def read_cascade() -> tuple[HaarStage, ...]:
    """The stages of the cascade that OpenCV's package carries."""
    import cv2

    root = ElementTree.parse(Path(cv2.__file__).parent / "data" / CASCADE).getroot().find("cascade")
    assert root is not None
    rectangles = [_rectangles(feature) for feature in _children(root, "features")]
    stages = []
    for stage in _children(root, "stages"):
        stumps = [
            (_numbers(weak, "internalNodes"), _numbers(weak, "leafValues"))
            for weak in _children(stage, "weakClassifiers")
        ]
        chosen = [rectangles[int(node[2])] for node, _ in stumps]
        stages.append(
            HaarStage(
                corners=np.array([corners for corners, _ in chosen], dtype=np.int64),
                weights=np.array([weights for _, weights in chosen], dtype=np.float32),
                thresholds=np.array([node[3] for node, _ in stumps], dtype=np.float32),
                below=np.array([leaves[0] for _, leaves in stumps], dtype=np.float32),
                above=np.array([leaves[1] for _, leaves in stumps], dtype=np.float32),
                threshold=_numbers(stage, "stageThreshold")[0] - _EPSILON,
            )
        )
    return tuple(stages)


def trace_viola_jones(photo: UInt8[np.ndarray, "H W 3"], *, recorded_from: int = 10) -> ViolaJonesTrace:
    """Evaluates the cascade on every window and counts what each stage rejects.

    Args:
        photo: RGB.
        recorded_from: stages a window must pass to be in the record.
    """
    import cv2

    stages = read_cascade()
    image_size = (photo.shape[0], photo.shape[1])
    seconds = {"pyramid": 0.0, "cascade": 0.0}
    grey = cv2.cvtColor(np.ascontiguousarray(photo), cv2.COLOR_RGB2GRAY)
    factor = max(1.0, max(image_size) / MAX_SIDE)
    rejected = np.zeros(len(stages), dtype=np.int64)
    sizes: list[tuple[int, int]] = []
    counts: list[int] = []
    parts = []
    while min(image_size) / factor >= SMALLEST:
        started = time.perf_counter()
        size = (round(image_size[0] / factor), round(image_size[1] / factor))
        level = cv2.resize(grey, size[::-1], interpolation=cv2.INTER_LINEAR_EXACT)
        resized = time.perf_counter()
        cells, passed, fallen = _run_level(level, stages, step=1 if factor >= 2 else 2, recorded_from=recorded_from)
        rejected += fallen
        counts.append(int(fallen.sum() + (passed == len(stages)).sum()))
        scale = np.array([image_size[1] / size[1], image_size[0] / size[0]] * 2, dtype=np.float32)
        corners = cells[:, ::-1]
        boxes = np.concatenate([corners, corners + SMALLEST], axis=1).astype(np.float32) * scale
        parts.append((boxes, passed, np.full(len(cells), len(sizes), dtype=np.int64), cells))
        sizes.append(size)
        seconds["pyramid"] += resized - started
        seconds["cascade"] += time.perf_counter() - resized
        factor *= SCALE_STEP
    nothing = (np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.int64))
    boxes, passed, levels, cells = (np.concatenate(column) for column in zip(nothing, *parts, strict=True))
    return ViolaJonesTrace(
        image_size, tuple(sizes), tuple(counts), rejected, boxes, passed, levels, cells, recorded_from, seconds
    )


def _run_level(
    level: UInt8[np.ndarray, "h w"], stages: tuple[HaarStage, ...], *, step: int, recorded_from: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells and passed stages of the windows that got far, and how many fell at each stage."""
    import cv2

    sums, squares = cv2.integral2(level, sdepth=cv2.CV_32S, sqdepth=cv2.CV_64F)
    width = sums.shape[1]
    rows, columns = (np.arange(0, side - SMALLEST + 1, step) for side in level.shape)
    cells = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=2).reshape(-1, 2)
    at = cells[:, 0] * width + cells[:, 1]
    table = sums.ravel()

    # Contrast is taken out: by the deviation within the window, a pixel from its edges.
    inner = (1, 1, SMALLEST - 2, SMALLEST - 2)
    area = inner[2] * inner[3]
    variance = area * _sum_all(squares, inner, step) - _sum_all(sums, inner, step).astype(np.float64) ** 2
    deviation = np.sqrt(np.maximum(variance, 1e-12)).ravel()
    is_flat = (variance.ravel() <= 0) | (area / deviation >= 0.1)

    fallen = np.zeros(len(stages), dtype=np.int64)
    alive, here, scale = np.arange(len(cells)), at, (1 / deviation).astype(np.float32)
    far: list[tuple[np.ndarray, int]] = []
    for index, stage in enumerate(stages):
        total = np.zeros(len(alive), dtype=np.float64)
        for corners, weights, threshold, below, above in zip(
            stage.corners, stage.weights, stage.thresholds, stage.below, stage.above, strict=True
        ):
            value = np.zeros(len(alive), dtype=np.float32)
            for rectangle, weight in zip(corners, weights, strict=True):
                if weight:  # the first stage looks at all windows, where slices are faster than look-ups
                    added = (
                        _sum_all(sums, rectangle, step).ravel() if index == 0 else _sum(table, here, rectangle, width)
                    )
                    value += weight * added.astype(np.float32)
            total += np.where(value * scale < threshold, below, above)
        passes = total >= stage.threshold
        if index == 0:
            passes &= ~is_flat
        fallen[index] = (~passes).sum()
        if index >= recorded_from:
            far.append((alive[~passes], index))
        alive, here, scale = alive[passes], here[passes], scale[passes]
    far.append((alive, len(stages)))
    chosen = np.concatenate([windows for windows, _ in far])
    passed = np.concatenate([np.full(len(windows), index, dtype=np.int64) for windows, index in far])
    return cells[chosen].astype(np.int64), passed, fallen


def _sum_all(table: np.ndarray, rectangle: tuple[int, ...] | np.ndarray, step: int) -> np.ndarray:
    """The sum over one rectangle of the windows at every ``step`` pixels, as a grid."""
    x, y, wide, high = (int(part) for part in rectangle)
    rows, columns = table.shape[0] - SMALLEST, table.shape[1] - SMALLEST

    def corner(down: int, right: int) -> np.ndarray:
        return table[down : down + rows : step, right : right + columns : step]

    return corner(y + high, x + wide) - corner(y + high, x) - corner(y, x + wide) + corner(y, x)


def _sum(table: np.ndarray, at: np.ndarray, rectangle: tuple[int, ...] | np.ndarray, width: int) -> np.ndarray:
    """The sum over one rectangle of every window, in four look-ups."""
    x, y, wide, high = (int(part) for part in rectangle)
    top, bottom = at + y * width + x, at + (y + high) * width + x
    return table[bottom + wide] - table[bottom] - table[top + wide] + table[top]


def _children(parent: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    found = parent.find(name)
    assert found is not None
    return list(found)


def _numbers(parent: ElementTree.Element, name: str) -> list[float]:
    return [float(word) for word in (parent.findtext(name) or "").split()]


def _rectangles(feature: ElementTree.Element) -> tuple[list[list[int]], list[float]]:
    """Up to three rectangles and their weights, the missing ones with weight 0."""
    rows = [[float(word) for word in (each.text or "").split()] for each in _children(feature, "rects")]
    rows += [[0.0] * 5] * (3 - len(rows))
    return [[int(number) for number in row[:4]] for row in rows], [row[4] for row in rows]
