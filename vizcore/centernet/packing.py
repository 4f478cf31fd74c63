"""A decoding as the browser takes it."""

from __future__ import annotations

import numpy as np

from vizcore.centernet.decoding import DecodeTrace
from vizcore.packing import pack


def pack_decode(trace: DecodeTrace, **header: object) -> bytes:
    """Writes a decoding for the stepper: the heatmap in 255 steps, everything else exactly.

    Args:
        trace: to step through.
        header: further fields, JSON-like.

    Returns:
        The arrays ``heatmap`` uint8, ``is_peak`` uint8, ``ties``, ``chosen`` uint8, ``labels``, ``cells`` int32,
        ``scores``, ``offsets``, ``sizes``, ``boxes`` and ``rivals`` float32; the fields ``kernel`` and ``num_peaks``.
    """
    return pack(
        {
            "heatmap": np.rint(trace.heatmap * 255).astype(np.uint8),
            "is_peak": trace.is_peak.astype(np.uint8),
            "ties": trace.ties.astype(np.uint8),
            "chosen": trace.chosen.astype(np.uint8),
            "labels": trace.labels.astype(np.int32),
            "cells": trace.cells.astype(np.int32),
            "scores": trace.scores,
            "offsets": trace.offsets,
            "sizes": trace.sizes,
            "boxes": trace.boxes,
            "rivals": trace.rivals,
        },
        kernel=trace.kernel,
        num_peaks=trace.num_peaks,
        **header,
    )
