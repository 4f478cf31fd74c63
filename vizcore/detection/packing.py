"""A detector's candidates as the browser takes them, which filters and suppresses them while a threshold moves."""

from __future__ import annotations

import numpy as np

from vizcore.detection.output import DetectorOutput
from vizcore.packing import pack


def pack_candidates(output: DetectorOutput, *, least_score: float = 0.0) -> bytes:
    """Writes the candidates that some threshold may let pass.

    Args:
        output: at any thresholds.
        least_score: the lowest score threshold that will be asked for, in [0, 1].

    Returns:
        ``index`` ``[M]``, ``boxes`` and ``nms_boxes`` ``[M, 4]``, ``scores`` and ``labels`` ``[M]``, ``priors``
        ``[M, 4]`` and ``points`` ``[M, P, 2]`` where there are any; in the header ``max_detections``, -1 for no limit.
    """
    found = output.candidates
    (index,) = np.nonzero(found.scores > np.float32(least_score))
    arrays = {
        "index": index.astype(np.int32),
        "boxes": found.boxes[index].astype(np.float32),
        "nms_boxes": (found.boxes if found.nms_boxes is None else found.nms_boxes)[index].astype(np.float32),
        "scores": found.scores[index].astype(np.float32),
        "labels": found.labels[index].astype(np.int32),
    }
    for name in ("priors", "points"):
        marks = getattr(found, name)
        if marks is not None:
            arrays[name] = marks[index].astype(np.float32)
    return pack(arrays, max_detections=-1 if output.max_detections is None else output.max_detections)
