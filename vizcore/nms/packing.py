"""A trace as bytes: sent to a browser once, stepped there without asking again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from vizcore.nms.events import list_events, measure_matrix
from vizcore.nms.fusion import list_fused
from vizcore.nms.result import NMSTrace
from vizcore.nms.rules import sample_decay
from vizcore.packing import pack

MAX_MATRIX = 120


@dataclass(frozen=True)
class PackedTrace:
    """A trace for the browser.

    Attributes:
        content: header and arrays, see ``pack_trace``.
        num_steps: boxes taken in hand.
        num_events: comparisons listed.
        complete: False if comparisons that changed nothing were left out because there were too many.
    """

    content: bytes
    num_steps: int
    num_events: int
    complete: bool


def pack_trace(
    trace: NMSTrace, *, labels: Int[np.ndarray, " N"] | None = None, max_events: int = 300_000
) -> PackedTrace:
    """Lays a trace with all its comparisons out as :mod:`vizcore.packing` does.

    Args:
        trace: any trace.
        labels: class of each box, for its name, if the trace itself ran blind to classes.
        max_events: see ``list_events``.

    Returns:
        The content: ``boxes``, ``scores`` and ``after`` (per box); ``order``; ``picks``, ``compared`` and ``start``
        (per step); ``other``, ``iou``, ``overlap``, ``changed`` (the score after) and ``verdict`` (per
        comparison); the overlap ``matrix`` of the best ``MAX_MATRIX`` boxes and the decay curve.
    """
    events = list_events(trace, max_events=max_events)
    matrix = measure_matrix(trace, max_boxes=MAX_MATRIX)
    curve = sample_decay(trace.options)
    known = trace.labels if labels is None else labels
    single, index = np.float32, np.uint32
    arrays: dict[str, np.ndarray] = {
        "boxes": trace.boxes.astype(single),
        "scores": trace.scores.astype(single),
        "after": trace.scores_after.astype(single),
        "by": trace.suppressed_by.astype(np.int32),
        "left": trace.left_at.astype(index),
        "labels": (np.zeros(len(trace.boxes)) if known is None else np.asarray(known)).astype(np.int32),
        "order": trace.order.astype(index),
        "keep": trace.keep.astype(index),
        "kept_boxes": trace.kept_boxes.astype(single),
        "picks": trace.picks.astype(index),
        "compared": trace.num_compared.astype(index),
        "start": events.start.astype(index),
        "other": events.others.astype(index),
        "iou": events.ious.astype(single),
        "overlap": events.overlaps.astype(single),
        "changed": events.after.astype(single),
        "matrix": matrix.overlaps.astype(single),
        "curve_x": curve.overlaps.astype(single),
        "curve_y": curve.factors.astype(single),
        "fused": (list_fused(trace) if trace.options.method == "fusion" else np.zeros((0, 4))).astype(single),
        "verdict": events.verdicts.astype(np.uint8),
    }
    content = pack(
        arrays,
        method=trace.options.method,
        iou_threshold=trace.options.iou_threshold,
        score_threshold=trace.options.score_threshold,
        suppress_equal=trace.options.suppress_equal,
        complete=events.complete,
        matrix_complete=matrix.complete,
    )
    return PackedTrace(content, trace.num_steps, len(events.others), events.complete)
