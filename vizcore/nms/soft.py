"""Soft-NMS: the best box left is kept and lowers the scores of what it overlaps."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from vizcore.nms.bookkeeping import Changes, count_waiting
from vizcore.nms.result import NMSOptions, NMSTrace
from vizcore.nms.rules import decay_factor, first_best, rule_overlaps


def run_soft(boxes: Tensor, scores: Tensor, labels: Tensor | None, order: np.ndarray, options: NMSOptions) -> NMSTrace:
    """Soft-NMS: the best score left is picked, and decays what it overlaps; then the order is another."""
    current = scores.numpy().copy()
    waiting = np.zeros(len(boxes), dtype=bool)
    waiting[order] = True
    left_at = np.full(len(boxes), -1)
    suppressed_by = np.full(len(boxes), -1)
    picks: list[int] = []
    changes = Changes()
    while waiting.any():
        ids = np.flatnonzero(waiting)
        pick = int(ids[first_best(current[ids], options)])
        step = len(picks)
        picks.append(pick)
        waiting[pick] = False
        left_at[pick] = step
        ids = ids[ids != pick]
        if labels is not None:
            ids = ids[(labels[ids] == labels[pick]).numpy()]
        overlaps = rule_overlaps(boxes[pick : pick + 1], boxes[ids], options)[0]
        factors = decay_factor(overlaps, options).numpy()
        touched = np.flatnonzero(factors < 1)
        touched = touched[np.argsort(-current[ids[touched]], kind="stable")]
        others = ids[touched]
        before = current[others]
        current[others] = before * factors[touched]
        changes.add(step, others, pick, overlaps.numpy()[touched], before, current[others])
        dropped = others[current[others] < options.score_threshold]
        waiting[dropped] = False
        left_at[dropped] = step
        suppressed_by[dropped] = pick
    left_at[left_at < 0] = len(picks)
    keep = np.asarray(picks, dtype=np.int64)
    return NMSTrace(
        boxes=boxes.numpy(),
        scores=scores.numpy(),
        labels=None if labels is None else labels.numpy(),
        options=options,
        keep=keep,
        kept_boxes=boxes.numpy()[keep],
        scores_after=current,
        suppressed_by=suppressed_by,
        order=order,
        picks=keep,
        num_compared=count_waiting(keep, left_at, None if labels is None else labels.numpy()),
        left_at=left_at,
        **changes.arrays(),
    )
