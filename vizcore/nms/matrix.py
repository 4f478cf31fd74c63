"""Matrix NMS: every box is decayed at once, by the better box that weighs most."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from vizcore.nms.bookkeeping import count_before
from vizcore.nms.result import DECAYED, SUPPRESSED, UNTOUCHED, Comparisons, NMSError, NMSOptions, NMSTrace
from vizcore.nms.rules import decay_factor, rule_overlaps

BLOCK = 128  # columns measured at once


def run_matrix(
    boxes: Tensor, scores: Tensor, labels: Tensor | None, order: np.ndarray, options: NMSOptions
) -> NMSTrace:
    """Matrix NMS: each box decays by the worst of all better boxes, each discounted by how decayed it is itself."""
    ranked = boxes[order]
    ranked_labels = None if labels is None else labels[order]
    covered = torch.zeros(len(order), dtype=torch.float64)
    compensation = torch.ones(len(order), dtype=torch.float64)  # f at each box's own largest overlap with a better one
    factor = np.ones(len(order))
    by = np.zeros(len(order), dtype=np.int64)
    overlap = np.zeros(len(order))
    for start in range(0, len(order), BLOCK):
        stop = min(start + BLOCK, len(order))
        ious = rule_overlaps(ranked[:stop], ranked[start:stop], options).double()
        met = torch.arange(stop).unsqueeze(1) < torch.arange(start, stop).unsqueeze(0)
        if ranked_labels is not None:
            met &= ranked_labels[:stop].unsqueeze(1) == ranked_labels[start:stop].unsqueeze(0)
        ious.masked_fill_(~met, 0)
        covered[start:stop] = ious.amax(0)
        compensation[start:stop] = decay_factor(covered[start:stop], options)
        ratios = decay_factor(ious, options) / compensation[:stop].unsqueeze(1)
        ratios = ratios.masked_fill_(~met | (compensation[:stop] == 0).unsqueeze(1), math.inf)
        worst, first = ratios.min(0)
        factor[start:stop] = worst.clamp(max=1).numpy()
        by[start:stop] = first.numpy()
        overlap[start:stop] = ious.gather(0, first.unsqueeze(0))[0].numpy()

    before = scores.numpy()[order]
    after = before * factor
    changed = np.flatnonzero(factor < 1)
    scores_after = scores.numpy().copy()
    scores_after[order] = after
    dropped = np.flatnonzero((factor < 1) & (after < options.score_threshold))
    suppressed_by = np.full(len(boxes), -1)
    suppressed_by[order[dropped]] = order[by[dropped]]
    left_at = np.full(len(boxes), len(order))
    left_at[order] = np.arange(len(order))
    covered_by_index = np.zeros(len(boxes))
    covered_by_index[order] = covered.numpy()
    survivors = order[after >= options.score_threshold]
    keep = survivors[np.argsort(-scores_after[survivors], kind="stable")]
    return NMSTrace(
        boxes=boxes.numpy(),
        scores=scores.numpy(),
        labels=None if labels is None else labels.numpy(),
        options=options,
        keep=keep,
        kept_boxes=boxes.numpy()[keep],
        scores_after=scores_after,
        suppressed_by=suppressed_by,
        order=order,
        picks=order,
        num_compared=count_before(order, None if labels is None else labels.numpy()),
        left_at=left_at,
        change_step=changed,
        change_box=order[changed],
        change_by=order[by[changed]],
        change_overlap=overlap[changed],
        change_before=before[changed],
        change_after=after[changed],
        covered=covered_by_index,
    )


def measure_matrix_step(trace: NMSTrace, step: int, ids: np.ndarray, ious: Tensor) -> Comparisons:
    """Measures again how much each better box alone would lower the score of the box in hand."""
    options, pick = trace.options, int(trace.picks[step])
    compensation = decay_factor(torch.from_numpy(_covered(trace)[ids]), options)
    discounted = decay_factor(ious, options) / compensation
    factors = discounted.masked_fill(compensation == 0, 1).clamp(max=1).numpy()
    before = np.full(len(ids), trace.scores[pick])
    verdicts = np.full(len(ids), UNTOUCHED)
    row = np.flatnonzero(trace.change_step == step)
    if len(row):
        dropped = trace.suppressed_by[pick] >= 0
        verdicts[ids == trace.change_by[row[0]]] = SUPPRESSED if dropped else DECAYED
    return Comparisons(step, pick, ids, ious.numpy(), ious.numpy(), factors, before, before * factors, verdicts)


def _covered(trace: NMSTrace) -> np.ndarray:
    if trace.covered is None:
        raise NMSError("A Matrix NMS trace must say how far each box is covered.")
    return trace.covered
