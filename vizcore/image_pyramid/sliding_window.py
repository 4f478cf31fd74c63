"""One window of one size, slid over every level of an image pyramid: the classical way to find large and small.

The window is 7 × 7 cells of 32 pixels, the 224 pixels the classifier was trained on. The photo changes its size, the
window never does. Levels are laid out from the largest down, each smaller by the same factor, until the window no
longer fits; so the largest level says what all of them cost (a geometric sum), and one forward pass over it is what a
feature pyramid would need instead.

A level is classified once, densely, for all classes (see :mod:`vizcore.image_pyramid.pyramid` for why that is the same
as classifying windows one by one). What is then asked of it, another class, another stride, another threshold, reads
off what was kept: :func:`slide_window` runs no network.

Reference:
    Henry Rowley, Shumeet Baluja, Takeo Kanade. Neural network-based face detection. CVPR 1996 (a network slid over a
    pyramid); Pierre Sermanet et al. OverFeat. ICLR 2014, arXiv 1312.6229 (made dense); Navneet Dalal. Finding People
    in Images and Videos. PhD thesis, INPG, 2006 (scale steps, mean shift over windows).

    Ours differs from them in the step between cells: it is the network's stride of 32 pixels, so the finest window
    stride is 32 pixels of the level, where Rowley's was 2.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torchvision.ops import box_iou

from vizcore.errors import ExplainedError
from vizcore.image_pyramid.pyramid import (
    FUSION_STEPS,
    MAX_PIXELS,
    _as_input,
    fuse_windows,
    resize,
    window_boxes,
    window_logits,
)
from vizcore.models.efficientnet_lite import INPUT_SIZE, STRIDE, EfficientNetLite0
from vizcore.packing import pack

WINDOW_CELLS = INPUT_SIZE // STRIDE
"""Rows and columns of cells in the window."""
MOST_ENLARGED = 2.0
"""The largest level is at most so many times the photo: enlarging adds pixels, not detail."""
MAX_ASPECT = 24
"""On a longer photo, length over width, the window would fit only on a level of more than a million pixels."""
MOST_LEVELS = 8
SCALE_STEPS = (1.15, 2.0)
STRIDES = (1, 4)
NUM_TOP = 5
PACES = ("window", "row", "level")
"""What is looked at between two positions of a stepper."""

TOO_THIN = (
    "This photo is {aspect} times as long as it is wide; up to {limit} times the window fits, so please cut it shorter."
)
BAD_SCALE_STEP = "The scale step must lie between {low} and {high}, not {value}."
BAD_LEVELS = "The number of levels must be a whole number from 1 to {high}, not {value}."
BAD_STRIDE = "The window stride must be a whole number of cells from {low} to {high}, not {value}."
BAD_LABEL = "The class must be a number from 0 to {high}, not {value}."
BAD_THRESHOLD = "A threshold must lie between 0 and 1, not {value}."
MESSAGES = (TOO_THIN, BAD_SCALE_STEP, BAD_LEVELS, BAD_STRIDE, BAD_LABEL, BAD_THRESHOLD)


class ImagePyramidError(ExplainedError, ValueError):
    """Something that cannot be slid over, with a one-sentence reason."""


@dataclass(frozen=True, eq=False)
class WindowLevel:
    """The photo at one size, with what the classifier says of every window on it.

    Attributes:
        pixels: uint8 ``[h, w, 3]``, the resized photo; both sides are multiples of 32, at least 224.
        probabilities: ``[H, W, K]`` float32 in [0, 1], of each class for the window whose first cell is (row, column);
            ``H = h / 32 - 6``. They sum to 1 over K.
        seconds: wall time of resizing and of the forward pass.
    """

    pixels: UInt8[np.ndarray, "h w 3"]
    probabilities: Float[np.ndarray, "H W K"]
    seconds: float

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]


@dataclass(frozen=True, eq=False)
class SlidingWindowTrace:
    """One class looked for in every window of every level, and what became of the windows that said yes.

    Windows stand in the order in which they are looked at: level by level from the largest, row by row.

    Attributes:
        image_size: (height, width) of the photo.
        label: the class looked for.
        window_stride: cells from one window to the next.
        score_threshold: in [0, 1]; windows above it became candidates.
        iou_threshold: in [0, 1]; of two overlapping candidates the worse one fell if their IoU was above it.
        level_sizes: ``[L, 2]`` (height, width) of each level in pixels, largest first.
        grids: ``[L, 2]`` (rows, columns) of windows looked at on each level.
        level_of: ``[M]`` index of the window's level.
        cells: ``[M, 2]`` (row, column) of the window's first cell.
        boxes: ``[M, 4]`` float32 xyxy in pixels of the photo.
        scores: ``[M]`` float32, probability of ``label``, in [0, 1].
        top_labels: ``[M, 5]`` the window's most probable classes, best first.
        top_scores: ``[M, 5]`` float32, their probabilities.
        candidates: ``[C]`` indices of windows, by decreasing score.
        candidate_boxes: ``[C, 4]`` float32 xyxy in pixels of the photo, after fusion.
        keep: ``[K]`` indices into ``candidates``: the final boxes, by decreasing score.
        suppressed_by: ``[C]`` index into ``candidates`` of the kept box that suppressed this one, -1 if kept.
    """

    image_size: tuple[int, int]
    label: int
    window_stride: int
    score_threshold: float
    iou_threshold: float
    level_sizes: Int[np.ndarray, "L 2"]
    grids: Int[np.ndarray, "L 2"]
    level_of: Int[np.ndarray, " M"]
    cells: Int[np.ndarray, "M 2"]
    boxes: Float[np.ndarray, "M 4"]
    scores: Float[np.ndarray, " M"]
    top_labels: Int[np.ndarray, "M 5"]
    top_scores: Float[np.ndarray, "M 5"]
    candidates: Int[np.ndarray, " C"]
    candidate_boxes: Float[np.ndarray, "C 4"]
    keep: Int[np.ndarray, " K"]
    suppressed_by: Int[np.ndarray, " C"]

    @property
    def num_windows(self) -> int:
        """Windows looked at on all levels."""
        return len(self.scores)

    def score_map(self, level: int) -> Float[np.ndarray, "H W"]:
        """Scores of a level's windows, in the rows and columns in which they lie."""
        return self.scores[self.level_of == level].reshape(self.grids[level])

    def best_on(self, level: int) -> int:
        """Index of the window with the highest score on a level."""
        (members,) = np.nonzero(self.level_of == level)
        return int(members[self.scores[members].argmax()])


def sliding_sizes(image_size: tuple[int, int], *, scale_step: float, num_levels: int) -> tuple[tuple[int, int], ...]:
    """Sizes (height, width) of the levels, largest first; at least one.

    The largest level has about ``MAX_PIXELS`` pixels, unless that would enlarge the photo more than
    ``MOST_ENLARGED`` times, and is never smaller than the window. Sides are rounded to whole cells of 32 pixels.

    Raises:
        ImagePyramidError: the photo is a strip on which the window does not fit, or an argument is out of bounds.
    """
    low, high = SCALE_STEPS
    if not (isinstance(scale_step, int | float) and low <= scale_step <= high):
        raise ImagePyramidError(BAD_SCALE_STEP, low=low, high=high, value=scale_step)
    if not (isinstance(num_levels, int) and 1 <= num_levels <= MOST_LEVELS):
        raise ImagePyramidError(BAD_LEVELS, high=MOST_LEVELS, value=num_levels)
    height, width = image_size
    aspect = max(height, width) / min(height, width)
    if aspect > MAX_ASPECT:
        raise ImagePyramidError(TOO_THIN, aspect=f"{aspect:.0f}", limit=MAX_ASPECT)
    largest = max(
        min(math.sqrt(MAX_PIXELS / (height * width)), MOST_ENLARGED), WINDOW_CELLS * STRIDE / min(height, width)
    )
    sizes: list[tuple[int, int]] = []
    for index in range(num_levels):
        scale = largest / scale_step**index
        rows, columns = (round(side * scale / STRIDE) for side in (height, width))
        if min(rows, columns) < WINDOW_CELLS:
            break
        if (rows * STRIDE, columns * STRIDE) not in sizes:
            sizes.append((rows * STRIDE, columns * STRIDE))
    return tuple(sizes)


@torch.inference_mode()
def classify_level(model: EfficientNetLite0, photo: UInt8[np.ndarray, "h w 3"], size: tuple[int, int]) -> WindowLevel:
    """Resizes the photo and classifies every window of it, for all classes, in one forward pass.

    Args:
        model: the classifier, in eval mode.
        photo: RGB.
        size: (height, width) of the level; multiples of 32, at least 224.
    """
    started = time.perf_counter()
    pixels = resize(photo, size)
    logits = model.classify(model.features(_as_input(pixels))[0].permute(1, 2, 0))
    seconds = time.perf_counter() - started
    probabilities = window_logits(logits, (WINDOW_CELLS, WINDOW_CELLS)).softmax(-1)
    return WindowLevel(pixels, probabilities.numpy(), seconds)


def slide_window(
    image_size: tuple[int, int],
    levels: Sequence[WindowLevel],
    *,
    label: int,
    window_stride: int = 1,
    score_threshold: float = 0.5,
    iou_threshold: float = 0.3,
    fusion_steps: int = FUSION_STEPS,
) -> SlidingWindowTrace:
    """Looks for a class in the windows of classified levels. Runs no network.

    Args:
        image_size: (height, width) of the photo.
        levels: from :func:`classify_level`, largest first.
        label: the class to look for.
        window_stride: cells from one window to the next, both ways.
        score_threshold: windows with a higher probability of ``label`` become candidates.
        iou_threshold: candidates that overlap a better one by more fall.
        fusion_steps: how often candidates move to the average of those that agree; 0 leaves them on their grid.

    Raises:
        ImagePyramidError: an argument is out of bounds.
    """
    num_classes = levels[0].probabilities.shape[2]
    if not (isinstance(window_stride, int) and STRIDES[0] <= window_stride <= STRIDES[1]):
        raise ImagePyramidError(BAD_STRIDE, low=STRIDES[0], high=STRIDES[1], value=window_stride)
    if not (isinstance(label, int) and 0 <= label < num_classes):
        raise ImagePyramidError(BAD_LABEL, high=num_classes - 1, value=label)
    for threshold in (score_threshold, iou_threshold):
        if not (isinstance(threshold, int | float) and 0 <= threshold <= 1):
            raise ImagePyramidError(BAD_THRESHOLD, value=threshold)
    parts: list[tuple[Tensor, ...]] = []
    grids = []
    for index, level in enumerate(levels):
        seen = torch.from_numpy(level.probabilities)[::window_stride, ::window_stride]
        grids.append(tuple(seen.shape[:2]))
        cells = torch.cartesian_prod(*(torch.arange(side) * window_stride for side in seen.shape[:2]))
        boxes = window_boxes(cells, (WINDOW_CELLS, WINDOW_CELLS), level.size, image_size)
        flat = seen.flatten(0, 1)
        top = flat.topk(min(NUM_TOP, num_classes), dim=1)
        same = torch.full((len(flat),), index)
        parts.append((same, cells, boxes.to(torch.float32), flat[:, label], top.indices, top.values))
    level_of, cells, boxes, scores, top_labels, top_scores = (torch.cat(column) for column in zip(*parts, strict=True))
    order = scores.argsort(descending=True, stable=True)
    candidates = order[scores[order] > score_threshold]
    fused = fuse_windows(boxes[candidates], scores[candidates], torch.zeros_like(candidates), steps=fusion_steps)
    keep, suppressed_by = _suppress(fused, iou_threshold)
    return SlidingWindowTrace(
        image_size=image_size,
        label=label,
        window_stride=window_stride,
        score_threshold=float(score_threshold),
        iou_threshold=float(iou_threshold),
        level_sizes=np.array([level.size for level in levels]),
        grids=np.array(grids),
        level_of=level_of.numpy(),
        cells=cells.numpy(),
        boxes=boxes.numpy(),
        scores=scores.numpy(),
        top_labels=top_labels.numpy(),
        top_scores=top_scores.numpy(),
        candidates=candidates.numpy(),
        candidate_boxes=fused.numpy(),
        keep=keep,
        suppressed_by=suppressed_by,
    )


def trace_sliding_window(
    model: EfficientNetLite0,
    photo: UInt8[np.ndarray, "h w 3"],
    *,
    label: int,
    scale_step: float = math.sqrt(2),
    num_levels: int = 4,
    window_stride: int = 1,
    score_threshold: float = 0.5,
    iou_threshold: float = 0.3,
    fusion_steps: int = FUSION_STEPS,
) -> SlidingWindowTrace:
    """Builds the pyramid, classifies its levels and slides the window: all of it in one call.

    Args:
        model: the classifier, in eval mode.
        photo: RGB.
        label: the class to look for.
        scale_step: side of a level over the side of the next smaller one.
        num_levels: at most so many levels.
        window_stride: see :func:`slide_window`, as the rest.
        score_threshold: see :func:`slide_window`.
        iou_threshold: see :func:`slide_window`.
        fusion_steps: see :func:`slide_window`.
    """
    image_size = (photo.shape[0], photo.shape[1])
    sizes = sliding_sizes(image_size, scale_step=scale_step, num_levels=num_levels)
    return slide_window(
        image_size,
        [classify_level(model, photo, size) for size in sizes],
        label=label,
        window_stride=window_stride,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
        fusion_steps=fusion_steps,
    )


def best_label(levels: Sequence[WindowLevel]) -> int:
    """The class of which some window of some level is most sure."""
    peaks = np.stack([level.probabilities.max((0, 1)) for level in levels]).max(0)
    return int(peaks.argmax())


def best_windows(levels: Sequence[WindowLevel], label: int) -> tuple[float, ...]:
    """The highest probability of a class among all windows of each level."""
    return tuple(float(level.probabilities[:, :, label].max()) for level in levels)


def _suppress(boxes: Float[Tensor, "C 4"], iou_threshold: float) -> tuple[Int[np.ndarray, " K"], Int[np.ndarray, " C"]]:
    """Greedy suppression of boxes that stand by decreasing score: who stays, and who removed whom."""
    overlaps = box_iou(boxes, boxes) > iou_threshold
    suppressed_by = np.full(len(boxes), -1)
    keep = []
    for index in range(len(boxes)):
        if suppressed_by[index] >= 0:
            continue
        keep.append(index)
        falls = overlaps[index].numpy() & (suppressed_by < 0)
        falls[: index + 1] = False
        suppressed_by[falls] = index
    return np.array(keep, dtype=np.int64), suppressed_by


def count_positions(trace: SlidingWindowTrace, pace: str = "window") -> int:
    """Positions of a stepper: the start, the windows, the candidates gathered, each box that is kept, the end."""
    looks = {"window": trace.num_windows, "row": int(trace.grids[:, 0].sum()), "level": len(trace.grids)}
    return looks[pace] + 3 + len(trace.keep)


def pack_sliding_window(trace: SlidingWindowTrace) -> bytes:
    """Lays a trace out for the browser, as :mod:`vizcore.packing` does."""
    single, index = np.float32, np.int32
    arrays: dict[str, np.ndarray] = {
        "level_of": trace.level_of.astype(index),
        "cells": trace.cells.astype(index),
        "boxes": trace.boxes.astype(single),
        "scores": trace.scores.astype(single),
        "top_labels": trace.top_labels.astype(index),
        "top_scores": trace.top_scores.astype(single),
        "candidates": trace.candidates.astype(index),
        "candidate_boxes": trace.candidate_boxes.astype(single),
        "keep": trace.keep.astype(index),
        "suppressed_by": trace.suppressed_by.astype(index),
    }
    return pack(
        arrays,
        label=trace.label,
        window_stride=trace.window_stride,
        window_cells=WINDOW_CELLS,
        cell=STRIDE,
        score_threshold=trace.score_threshold,
        iou_threshold=trace.iou_threshold,
        image_size=list(trace.image_size),
        level_sizes=trace.level_sizes.tolist(),
        grids=trace.grids.tolist(),
        num_top=trace.top_labels.shape[1],
    )
