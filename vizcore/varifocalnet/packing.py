"""An assignment as the browser takes it."""

from __future__ import annotations

import numpy as np

from vizcore.packing import pack
from vizcore.varifocalnet.assignment import AssignmentTrace


def pack_assignment(trace: AssignmentTrace, **header: object) -> bytes:
    """Writes who is a positive by either rule.

    Args:
        trace: of one object.
        header: further fields, JSON-like.

    Returns:
        The arrays ``box``, ``candidate_centres``, ``candidate_strides``, ``ious`` and ``atss_centres``,
        ``atss_strides``, ``fcos_centres``, ``fcos_strides`` float32, ``candidate_levels`` int32, ``inside`` and
        ``positive`` (of the candidates) uint8; the fields ``mean``, ``deviation`` and ``threshold``.
    """
    return pack(
        {
            "box": trace.box,
            "candidate_centres": trace.centres[trace.candidates],
            "candidate_strides": trace.strides[trace.candidates],
            "candidate_levels": trace.levels[trace.candidates].astype(np.int32),
            "ious": trace.ious,
            "inside": trace.inside.astype(np.uint8),
            "positive": np.isin(trace.candidates, trace.atss).astype(np.uint8),
            "atss_centres": trace.centres[trace.atss],
            "atss_strides": trace.strides[trace.atss],
            "fcos_centres": trace.centres[trace.fcos],
            "fcos_strides": trace.strides[trace.fcos],
        },
        mean=trace.mean,
        deviation=trace.deviation,
        threshold=trace.threshold,
        **header,
    )
