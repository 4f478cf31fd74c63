"""Hard NMS and DIoU-NMS: the best box left is kept and removes what it overlaps."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vizcore.nms.bookkeeping import count_waiting
from vizcore.nms.result import NMSOptions, NMSTrace
from vizcore.nms.rules import exceeds, rule_overlaps

BLOCK = 128  # rows measured at once


def run_greedy(
    boxes: Tensor, scores: Tensor, labels: Tensor | None, order: np.ndarray, options: NMSOptions
) -> NMSTrace:
    """Hard NMS and DIoU-NMS: many rows of the overlap table at once, exactly the decisions of one at a time."""
    ranked = boxes[order]
    ranked_labels = None if labels is None else labels[order]
    by = np.full(len(order), -1)
    overlap = np.zeros(len(order))
    live = torch.arange(len(order))
    while len(live):
        block, rest = live[:BLOCK], live[BLOCK:]
        overlaps = rule_overlaps(ranked[block], ranked[live], options)
        beyond = exceeds(overlaps, options)
        if ranked_labels is not None:
            beyond &= ranked_labels[block].unsqueeze(1) == ranked_labels[live].unsqueeze(0)
        inside, block_ids = beyond[:, : len(block)].numpy(), block.numpy()
        waiting = np.ones(len(block), dtype=bool)
        kept = []
        row = 0
        while row < len(block):
            kept.append(row)
            waiting[row] = False
            hit = inside[row] & waiting
            hit[:row] = False
            if hit.any():
                by[block_ids[hit]] = block_ids[row]
                overlap[block_ids[hit]] = overlaps[row, : len(block)].numpy()[hit]
                waiting &= ~hit
            ahead = waiting[row:]
            row += int(ahead.argmax()) if ahead.any() else len(block)
        if len(rest):
            beyond_rest = beyond[kept, len(block) :]
            hit_rest, first = beyond_rest.any(0), beyond_rest.to(torch.uint8).argmax(0)
            gone = hit_rest.nonzero()[:, 0]
            rows = torch.as_tensor(kept)[first[gone]]
            by[rest[gone].numpy()] = block_ids[rows.numpy()]
            overlap[rest[gone].numpy()] = overlaps[rows, gone + len(block)].numpy()
            live = rest[~hit_rest]
        else:
            live = rest

    kept_ranks = np.flatnonzero(by < 0)
    step_of_rank = np.full(len(order), len(kept_ranks))
    step_of_rank[kept_ranks] = np.arange(len(kept_ranks))
    lost = np.flatnonzero(by >= 0)
    step_of_rank[lost] = step_of_rank[by[lost]]
    lost = lost[np.argsort(step_of_rank[lost], kind="stable")]
    picks = order[kept_ranks]
    left_at = np.full(len(boxes), len(picks))
    left_at[order] = step_of_rank
    suppressed_by = np.full(len(boxes), -1)
    suppressed_by[order[lost]] = order[by[lost]]
    scores_after = scores.numpy().copy()
    scores_after[order[lost]] = 0
    return NMSTrace(
        boxes=boxes.numpy(),
        scores=scores.numpy(),
        labels=None if labels is None else labels.numpy(),
        options=options,
        keep=picks,
        kept_boxes=boxes.numpy()[picks],
        scores_after=scores_after,
        suppressed_by=suppressed_by,
        order=order,
        picks=picks,
        num_compared=count_waiting(picks, left_at, None if labels is None else labels.numpy()),
        left_at=left_at,
        change_step=step_of_rank[lost],
        change_box=order[lost],
        change_by=order[by[lost]],
        change_overlap=overlap[lost],
        change_before=scores.numpy()[order[lost]],
        change_after=np.zeros(len(lost)),
    )
