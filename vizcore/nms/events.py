"""A trace measured again, for who steps through it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from vizcore.nms.fusion import measure_fusion_step
from vizcore.nms.matrix import measure_matrix_step
from vizcore.nms.overlaps import pairwise_overlaps
from vizcore.nms.result import DECAYED, SUPPRESSED, UNTOUCHED, Comparisons, NMSTrace
from vizcore.nms.rules import decay_factor, rule_overlaps


@dataclass(frozen=True, eq=False)
class NMSEvents:
    """A whole trace laid out flat for a stepper: per step its comparisons with boxes that really intersect.

    Attributes:
        start: ``[S + 1]`` the comparisons of step s are rows ``start[s]:start[s + 1]``.
        others, ious, overlaps, before, after, verdicts: ``[E]`` as in ``Comparisons``.
        complete: False if comparisons that changed nothing were left out because there were too many.
    """

    start: np.ndarray
    others: np.ndarray
    ious: np.ndarray
    overlaps: np.ndarray
    before: np.ndarray
    after: np.ndarray
    verdicts: np.ndarray
    complete: bool


@dataclass(frozen=True, eq=False)
class OverlapMatrix:
    """The overlap of every box with every other, best score first.

    Attributes:
        ids: ``[P]`` index of the box behind each row and column.
        overlaps: ``[P, P]`` what the method holds against its threshold: IoU, or IoU - (ρ²/c²)^β under diou.
        complete: False if there were more boxes than asked for.
    """

    ids: np.ndarray
    overlaps: np.ndarray
    complete: bool


def list_events(trace: NMSTrace, *, max_events: int = 300_000) -> NMSEvents:
    """Lays out all comparisons between boxes that intersect, step after step.

    Args:
        trace: any trace.
        max_events: beyond this many only comparisons that changed something are listed.

    Returns:
        The events; pairs with IoU 0 that changed nothing are never listed, ``num_compared`` counts them.
    """
    total, rows, complete = 0, [], True
    scores = trace.scores.copy()
    ends = np.searchsorted(trace.change_step, np.arange(trace.num_steps + 1))
    for step in range(trace.num_steps):
        compared = measure_step(trace, step, scores)
        changed = slice(ends[step], ends[step + 1])
        scores[trace.change_box[changed]] = trace.change_after[changed]
        telling = np.flatnonzero((compared.ious > 0) | (compared.verdicts != UNTOUCHED))
        rows.append((compared, telling))
        total += len(telling)
    if total > max_events:
        complete = False
        rows = [(compared, np.flatnonzero(compared.verdicts != UNTOUCHED)) for compared, _ in rows]

    def column(name: str, dtype: type) -> np.ndarray:
        parts = [getattr(compared, name)[telling] for compared, telling in rows]
        return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype)

    return NMSEvents(
        start=np.cumsum([0] + [len(telling) for _, telling in rows]),
        others=column("others", np.int64),
        ious=column("ious", np.float64),
        overlaps=column("overlaps", np.float64),
        before=column("before", np.float64),
        after=column("after", np.float64),
        verdicts=column("verdicts", np.int64),
        complete=complete,
    )


def measure_matrix(trace: NMSTrace, *, max_boxes: int = 120) -> OverlapMatrix:
    """Measures all pairs of the boxes that took part, best score first.

    Args:
        trace: any trace.
        max_boxes: how many of the best to take.

    Returns:
        The matrix; classes play no part in it.
    """
    ids = trace.order[:max_boxes]
    boxes = torch.from_numpy(trace.boxes[ids])
    return OverlapMatrix(
        ids, rule_overlaps(boxes, boxes, trace.options).double().numpy(), len(trace.order) <= max_boxes
    )


def measure_step(trace: NMSTrace, step: int, scores: np.ndarray) -> Comparisons:
    """Measures every comparison of one step again.

    Args:
        trace: any trace.
        step: 0 … S - 1.
        scores: ``[N]`` just before the step.

    Returns:
        The comparisons, those that changed nothing included.
    """
    options, pick = trace.options, int(trace.picks[step])
    boxes = torch.from_numpy(trace.boxes)
    if options.method == "fusion":
        return measure_fusion_step(trace, step, boxes)
    if options.method == "matrix":
        ids = trace.order[:step]
    else:
        ids = np.flatnonzero(trace.left_at >= step)
        ids = ids[(trace.left_at[ids] < trace.num_steps) & (ids != pick)]  # what never took part left "after the end"
        ids = ids[np.lexsort((ids if options.ties == "first" else -ids, -scores[ids]))]
    if trace.labels is not None:
        ids = ids[trace.labels[ids] == trace.labels[pick]]
    overlaps = rule_overlaps(boxes[pick : pick + 1], boxes[ids], options)[0].double()
    if options.method == "matrix":
        return measure_matrix_step(trace, step, ids, overlaps)
    ious = overlaps
    if options.method == "diou":
        plain_ious = pairwise_overlaps(boxes[[pick]], boxes[ids], pixel_inclusive=options.pixel_inclusive)
        ious = plain_ious[0].double()
    factors = decay_factor(overlaps, options).numpy()
    before = scores[ids]
    after = before * factors
    verdicts = np.where(factors < 1, DECAYED, UNTOUCHED)
    gone = factors == 0 if options.method in ("hard", "diou") else (factors < 1) & (after < options.score_threshold)
    verdicts[gone] = SUPPRESSED
    return Comparisons(step, pick, ids, ious.numpy(), overlaps.numpy(), factors, before, after, verdicts)
