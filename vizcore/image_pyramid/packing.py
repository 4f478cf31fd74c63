"""A slid window as the browser takes it, and how many positions its stepper has."""

from __future__ import annotations

import numpy as np

from vizcore.image_pyramid.sliding_window import WINDOW_CELLS, SlidingWindowTrace
from vizcore.models.efficientnet_lite import STRIDE
from vizcore.packing import pack


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
