"""Non-maximum suppression recorded once, to be stepped through, drawn and questioned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Real
from torch import Tensor

from vizcore.nms.overlaps import NMSError, check_candidates, check_fraction, pairwise_overlaps

METHODS = ("hard", "soft_linear", "soft_gaussian", "diou", "matrix", "fusion")
MAX_BOXES = 10_000
MAX_CHANGES = 4_000_000  # recorded score changes; only the soft methods on thousands of heaped boxes come near
BLOCK = 128  # greedy rows measured at once

# What one comparison did to the other box.
UNTOUCHED, SUPPRESSED, DECAYED, MERGED = 0, 1, 2, 3


@dataclass(frozen=True)
class NMSOptions:
    """The rules a suppression was run under.

    Attributes:
        method: one of ``METHODS``.
        iou_threshold: overlap beyond which a box is suppressed, decayed (soft_linear) or merged; no part in
            soft_gaussian and matrix, which decay by any overlap.
        score_threshold: a box takes part only while its score is at least this.
        sigma: width σ of the Gaussian decay exp(-IoU²/σ).
        matrix_kernel: ``"gaussian"`` or ``"linear"`` decay of Matrix NMS.
        distance_power: β of DIoU-NMS, IoU - (ρ²/c²)^β.
        suppress_equal: an overlap exactly on the threshold suppresses (``>=``) or not (``>``).
        ties: of equal scores the ``"first"`` or the ``"last"`` index goes first.
        pixel_inclusive: a box is ``x2 - x1 + 1`` wide.
    """

    method: str = "hard"
    iou_threshold: float = 0.5
    score_threshold: float = 0.0
    sigma: float = 0.5
    matrix_kernel: str = "gaussian"
    distance_power: float = 1.0
    suppress_equal: bool = False
    ties: str = "first"
    pixel_inclusive: bool = False


@dataclass(frozen=True, eq=False)
class NMSTrace:
    """A non-maximum suppression, decision by decision.

    A step takes one box in hand. In the greedy and soft methods that is the best box left, and the step changes
    the boxes that overlap it; in Matrix NMS and fusion it is the next box by score, and the step decides that box
    itself. Only what changed is stored, one row each, so a hard trace is linear in N; ``comparisons_at`` measures
    the comparisons of one step again, ``scores_at`` gives the scores before it.

    Attributes:
        boxes: ``[N, 4]`` xyxy, pixels.
        scores: ``[N]`` in [0, 1].
        labels: ``[N]`` class of each box, or None if all are compared with all.
        options: the rules.
        keep: ``[K]`` index of each box kept, by decreasing final score; under fusion the first member of each cluster.
        kept_boxes: ``[K, 4]`` the boxes kept; other than ``boxes[keep]`` only under fusion.
        scores_after: ``[N]`` final scores: 0 if suppressed by the hard rule or merged into another box.
        suppressed_by: ``[N]`` index of the box that suppressed or took in this one, -1 if none did.
        order: ``[M]`` index of the boxes that took part, by decreasing score at the start.
        picks: ``[S]`` index of the box in hand at each step.
        num_compared: ``[S]`` how many boxes (under fusion: clusters) it was compared with.
        left_at: ``[N]`` step at which the box was picked, suppressed or decided; S if it never took part.
        change_step: ``[C]`` step of each change, increasing.
        change_box: ``[C]`` index of the box that changed.
        change_by: ``[C]`` index of the box that caused it.
        change_overlap: ``[C]`` what decided it: IoU; under diou IoU - (ρ²/c²)^β; under fusion with the fused box.
        change_before: ``[C]`` score before.
        change_after: ``[C]`` score after.
        covered: ``[N]`` under matrix the largest IoU of a box with a better one of its class, else None.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray | None
    options: NMSOptions
    keep: np.ndarray
    kept_boxes: np.ndarray
    scores_after: np.ndarray
    suppressed_by: np.ndarray
    order: np.ndarray
    picks: np.ndarray
    num_compared: np.ndarray
    left_at: np.ndarray
    change_step: np.ndarray
    change_box: np.ndarray
    change_by: np.ndarray
    change_overlap: np.ndarray
    change_before: np.ndarray
    change_after: np.ndarray
    covered: np.ndarray | None = None

    @property
    def num_steps(self) -> int:
        """How many boxes were taken in hand."""
        return len(self.picks)


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Every comparison of one step.

    Attributes:
        step: which.
        pick: index of the box in hand.
        others: ``[P]`` index of the boxes compared with it, best score first; under fusion each cluster's first member.
        ious: ``[P]`` IoU in [0, 1].
        overlaps: ``[P]`` the number held against the threshold: IoU, or IoU - (ρ²/c²)^β under diou.
        factors: ``[P]`` what it multiplies a score by: under matrix that of the box in hand, else of the other.
        before: ``[P]`` that score before.
        after: ``[P]`` that score after.
        verdicts: ``[P]`` UNTOUCHED, SUPPRESSED, DECAYED or MERGED.
    """

    step: int
    pick: int
    others: np.ndarray
    ious: np.ndarray
    overlaps: np.ndarray
    factors: np.ndarray
    before: np.ndarray
    after: np.ndarray
    verdicts: np.ndarray


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
class DecayCurve:
    """What an overlap multiplies a score by, sampled.

    Attributes:
        overlaps: ``[P]`` 0 … 1.
        factors: ``[P]`` in [0, 1].
    """

    overlaps: np.ndarray
    factors: np.ndarray


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


def trace_nms(
    boxes: Real[Tensor, "N 4"] | Real[Tensor, "0"] | Sequence[Sequence[float]],
    scores: Real[Tensor, " N"] | Sequence[float],
    *,
    labels: Int[Tensor, " N"] | Sequence[int] | None = None,
    iou_threshold: float = 0.5,
    score_threshold: float = 0.0,
    method: str = "hard",
    sigma: float = 0.5,
    matrix_kernel: str = "gaussian",
    distance_power: float = 1.0,
    suppress_equal: bool = False,
    ties: str = "first",
    pixel_inclusive: bool = False,
) -> NMSTrace:
    """Runs a non-maximum suppression and records every decision.

    Hard and class-aware traces keep what ``torchvision.ops.nms`` and a class by class run of it keep. (With
    negative coordinates ``batched_nms`` may differ: its shift by ``label * (max + 1)`` lets classes touch.)

    Args:
        boxes: xyxy, pixels.
        scores: in [0, 1].
        labels: class of each box; boxes of different classes never meet. None compares all with all.
        iou_threshold: in [0, 1]; see ``NMSOptions`` for this and all that follow.
        score_threshold: in [0, 1].
        method: one of ``METHODS``.
        sigma: above 0.
        matrix_kernel: ``"gaussian"`` or ``"linear"``.
        distance_power: above 0.
        suppress_equal: ``>=`` instead of ``>``.
        ties: ``"first"`` (torchvision on a CPU) or ``"last"`` (``argsort()[::-1]``).
        pixel_inclusive: the legacy ``+ 1``.

    Returns:
        The trace.

    Raises:
        NMSError: candidates or options that cannot be run, see ``MAX_BOXES`` and ``MAX_CHANGES``.

    Reference:
        Bodla et al., Soft-NMS: Improving Object Detection With One Line of Code, ICCV 2017, arXiv 1704.04503.
        Matrix NMS is from Wang et al., SOLOv2, NeurIPS 2020, arXiv 2003.10152 (on boxes here, masks there); fusion
        is from Solovyev et al., Weighted boxes fusion, 2019, arXiv 1910.13302 (one model, so scores are averaged and
        not rescaled); diou from Zheng et al., arXiv 1911.08287. Differences: a Matrix NMS suppressor whose own
        factor is 0 decays nothing, where the authors' linear kernel divides by zero.
    """
    options = NMSOptions(
        method=method,
        iou_threshold=check_fraction("iou_threshold", iou_threshold),
        score_threshold=check_fraction("score_threshold", score_threshold),
        sigma=_check_positive("sigma", sigma),
        matrix_kernel=_check_choice("matrix_kernel", matrix_kernel, ("gaussian", "linear")),
        distance_power=_check_positive("distance_power", distance_power),
        suppress_equal=bool(suppress_equal),
        ties=_check_choice("ties", ties, ("first", "last")),
        pixel_inclusive=bool(pixel_inclusive),
    )
    _check_choice("method", method, METHODS)
    boxes, scores, labels = check_candidates(boxes, scores, labels, max_boxes=MAX_BOXES)
    order = _order_by_score(scores.numpy(), options)
    run = {"hard": _run_greedy, "diou": _run_greedy, "matrix": _run_matrix, "fusion": _run_fusion}.get(
        method, _run_soft
    )
    return run(boxes, scores, labels, order, options)


def decay_factor(ious: Float[Tensor, "..."], options: NMSOptions) -> Float[Tensor, "..."]:
    """Says what an overlap multiplies a score by under these rules: 0 or 1 if hard, a curve if soft.

    Args:
        ious: in [0, 1] (or the DIoU criterion, in [-1, 1]).
        options: the rules; for matrix the numerator f(IoU) alone, for fusion the hard rule (merged or not).

    Returns:
        Factors in [0, 1], float64.
    """
    ious = torch.as_tensor(ious).double()
    if options.method == "soft_gaussian" or (options.method == "matrix" and options.matrix_kernel == "gaussian"):
        return torch.exp(-(ious**2) / options.sigma)
    if options.method == "matrix":
        return 1 - ious
    beyond = _exceeds(ious, options)
    return torch.where(beyond, 1 - ious if options.method == "soft_linear" else torch.zeros_like(ious), 1.0)


def best_first(scores: Float[Tensor, " N"], *, most: int) -> np.ndarray:
    """Gives the indices of the best candidates, for a detector that proposes more than can be stepped through.

    Args:
        scores: any.
        most: how many to take.

    Returns:
        ``[min(N, most)]`` indices, best score first, ties in their order.
    """
    return np.argsort(-np.asarray(scores), kind="stable")[:most]


def sample_decay(options: NMSOptions, *, num_points: int = 201) -> DecayCurve:
    """Samples ``decay_factor`` over [0, 1].

    Args:
        options: the rules.
        num_points: at least 2.

    Returns:
        The curve.
    """
    overlaps = torch.linspace(0, 1, num_points, dtype=torch.float64)
    return DecayCurve(overlaps.numpy(), decay_factor(overlaps, options).numpy())


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
    return OverlapMatrix(ids, _overlaps(boxes, boxes, trace.options).double().numpy(), len(trace.order) <= max_boxes)


def list_fused(trace: NMSTrace) -> np.ndarray:
    """Gives, for each step of a fusion, the fused box of the cluster that the box in hand joined or founded.

    Args:
        trace: of the method fusion.

    Returns:
        ``[S, 4]`` xyxy, pixels, in double precision.
    """
    sums: dict[int, np.ndarray] = {}
    fused = np.zeros((trace.num_steps, 4))
    for step, box in enumerate(trace.picks.tolist()):
        by = int(trace.suppressed_by[box])
        founder = by if by >= 0 else box
        corners, score = trace.boxes[box].astype(np.float64), float(trace.scores[box])
        row = np.concatenate([score * corners, corners, [score, 1.0]])
        total = sums[founder] = sums.get(founder, 0) + row
        fused[step] = total[:4] / total[8] if total[8] > 0 else total[4:8] / total[9]
    return fused


def scores_at(trace: NMSTrace, step: int) -> np.ndarray:
    """Gives every box's score just before a step.

    Args:
        trace: any trace.
        step: 0 … S; S is the end.

    Returns:
        ``[N]`` scores; 0 for what the hard rule suppressed or fusion merged earlier.
    """
    scores = trace.scores.copy()
    until = int(np.searchsorted(trace.change_step, step))
    scores[trace.change_box[:until]] = trace.change_after[
        :until
    ]  # of repeated indices the last, that is the latest, stays
    return scores


def comparisons_at(trace: NMSTrace, step: int) -> Comparisons:
    """Measures again every comparison that a step made.

    Args:
        trace: any trace.
        step: 0 … S - 1.

    Returns:
        The comparisons, those that changed nothing included.

    Raises:
        NMSError: there is no such step.
    """
    if not 0 <= step < trace.num_steps:
        raise NMSError("There is no step {step}; the trace has {number}.", step=step, number=trace.num_steps)
    return _compare(trace, step, scores_at(trace, step))


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
        compared = _compare(trace, step, scores)
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


# --- the methods ---------------------------------------------------------------------------------------------------


def _run_greedy(
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
        overlaps = _overlaps(ranked[block], ranked[live], options)
        beyond = _exceeds(overlaps, options)
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
        num_compared=_count_waiting(picks, left_at, None if labels is None else labels.numpy()),
        left_at=left_at,
        change_step=step_of_rank[lost],
        change_box=order[lost],
        change_by=order[by[lost]],
        change_overlap=overlap[lost],
        change_before=scores.numpy()[order[lost]],
        change_after=np.zeros(len(lost)),
    )


def _run_soft(boxes: Tensor, scores: Tensor, labels: Tensor | None, order: np.ndarray, options: NMSOptions) -> NMSTrace:
    """Soft-NMS: the best score left is picked, and decays what it overlaps; then the order is another."""
    current = scores.numpy().copy()
    waiting = np.zeros(len(boxes), dtype=bool)
    waiting[order] = True
    left_at = np.full(len(boxes), -1)
    suppressed_by = np.full(len(boxes), -1)
    picks: list[int] = []
    changes = _Changes()
    while waiting.any():
        ids = np.flatnonzero(waiting)
        pick = int(ids[_first_best(current[ids], options)])
        step = len(picks)
        picks.append(pick)
        waiting[pick] = False
        left_at[pick] = step
        ids = ids[ids != pick]
        if labels is not None:
            ids = ids[(labels[ids] == labels[pick]).numpy()]
        overlaps = _overlaps(boxes[pick : pick + 1], boxes[ids], options)[0]
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
        num_compared=_count_waiting(keep, left_at, None if labels is None else labels.numpy()),
        left_at=left_at,
        **changes.arrays(),
    )


def _run_matrix(
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
        ious = _overlaps(ranked[:stop], ranked[start:stop], options).double()
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
        num_compared=_count_before(order, None if labels is None else labels.numpy()),
        left_at=left_at,
        change_step=changed,
        change_box=order[changed],
        change_by=order[by[changed]],
        change_overlap=overlap[changed],
        change_before=before[changed],
        change_after=after[changed],
        covered=covered_by_index,
    )


def _run_fusion(
    boxes: Tensor, scores: Tensor, labels: Tensor | None, order: np.ndarray, options: NMSOptions
) -> NMSTrace:
    """Weighted box fusion: nothing is thrown away; each box pulls the cluster it overlaps best towards itself."""
    clusters = _Clusters(boxes, scores, labels)
    num_compared = np.zeros(len(order), dtype=np.int64)
    changes = _Changes()
    suppressed_by = np.full(len(boxes), -1)
    for step, box in enumerate(order.tolist()):
        ids, ious = clusters.measure(box, options)
        num_compared[step] = len(ids)
        best = _first_best(ious, options) if len(ids) else -1
        if best >= 0 and bool(_exceeds(torch.tensor(ious[best], dtype=torch.float64), options)):
            founder = clusters.join(int(ids[best]), box)
            suppressed_by[box] = founder
            one = np.ones(1, dtype=np.int64)
            changes.add(step, one * box, founder, ious[best : best + 1], scores.numpy()[[box]], np.zeros(1))
        else:
            clusters.found(box)
    founders, fused, fused_scores = clusters.result()
    ranking = np.argsort(-fused_scores, kind="stable")
    scores_after = scores.numpy().copy()
    scores_after[suppressed_by >= 0] = 0
    scores_after[founders] = fused_scores
    left_at = np.full(len(boxes), len(order))
    left_at[order] = np.arange(len(order))
    return NMSTrace(
        boxes=boxes.numpy(),
        scores=scores.numpy(),
        labels=None if labels is None else labels.numpy(),
        options=options,
        keep=founders[ranking],
        kept_boxes=fused[ranking].astype(boxes.numpy().dtype),
        scores_after=scores_after,
        suppressed_by=suppressed_by,
        order=order,
        picks=order,
        num_compared=num_compared,
        left_at=left_at,
        **changes.arrays(),
    )


class _Clusters:
    """The clusters of a fusion while it grows; sums are kept, so that a fused box is one division away."""

    def __init__(self, boxes: Tensor, scores: Tensor, labels: Tensor | None) -> None:
        self.boxes, self.scores, self.labels = boxes, scores, labels
        self.founders: list[int] = []
        self.fused = torch.zeros((len(boxes), 4), dtype=boxes.dtype)
        self.cluster_labels = torch.zeros(len(boxes), dtype=torch.int64)
        self.weighted = torch.zeros((len(boxes), 4), dtype=torch.float64)
        self.plain = torch.zeros((len(boxes), 4), dtype=torch.float64)
        self.weight = torch.zeros(len(boxes), dtype=torch.float64)
        self.count = torch.zeros(len(boxes), dtype=torch.float64)

    def measure(self, box: int, options: NMSOptions) -> tuple[np.ndarray, np.ndarray]:
        number = len(self.founders)
        ids = torch.arange(number)
        if self.labels is not None:
            ids = ids[self.cluster_labels[:number] == self.labels[box]]
        ious = _overlaps(self.boxes[box : box + 1], self.fused[ids], options)[0]
        return ids.numpy(), ious.double().numpy()

    def found(self, box: int) -> None:
        self.founders.append(box)
        if self.labels is not None:
            self.cluster_labels[len(self.founders) - 1] = self.labels[box]
        self._add(len(self.founders) - 1, box)

    def join(self, cluster: int, box: int) -> int:
        self._add(cluster, box)
        return self.founders[cluster]

    def _add(self, cluster: int, box: int) -> None:
        corners = self.boxes[box].double()
        self.weighted[cluster] += self.scores[box] * corners
        self.plain[cluster] += corners
        self.weight[cluster] += self.scores[box]
        self.count[cluster] += 1
        if self.weight[cluster] > 0:
            self.fused[cluster] = (self.weighted[cluster] / self.weight[cluster]).to(self.fused.dtype)
        else:  # all members score 0: no weight to prefer any, so the plain mean
            self.fused[cluster] = (self.plain[cluster] / self.count[cluster]).to(self.fused.dtype)

    def result(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        number = len(self.founders)
        mean_scores = self.weight[:number] / self.count[:number].clamp(min=1)
        return np.asarray(self.founders, dtype=np.int64), self.fused[:number].numpy(), mean_scores.numpy()


class _Changes:
    """Score changes while a trace is being recorded."""

    def __init__(self) -> None:
        self.rows: list[tuple[np.ndarray, ...]] = []
        self.number = 0

    def add(
        self, step: int, others: np.ndarray, by: int, overlaps: np.ndarray, before: np.ndarray, after: np.ndarray
    ) -> None:
        self.number += len(others)
        if self.number > MAX_CHANGES:
            raise NMSError(
                "These boxes overlap so heavily that more than {limit} score changes would be recorded; "
                "raise the score threshold.",
                limit=MAX_CHANGES,
            )
        self.rows.append((np.full(len(others), step), others, np.full(len(others), by), overlaps, before, after))

    def arrays(self) -> dict[str, np.ndarray]:
        names = ("change_step", "change_box", "change_by", "change_overlap", "change_before", "change_after")
        types = (np.int64, np.int64, np.int64, np.float64, np.float64, np.float64)
        columns = zip(*self.rows, strict=True) if self.rows else [[np.zeros(0)] for _ in names]
        return {
            name: np.concatenate(list(column)).astype(kind)
            for name, kind, column in zip(names, types, columns, strict=True)
        }


# --- one step again ------------------------------------------------------------------------------------------------


def _compare(trace: NMSTrace, step: int, scores: np.ndarray) -> Comparisons:
    options, pick = trace.options, int(trace.picks[step])
    boxes = torch.from_numpy(trace.boxes)
    if options.method == "fusion":
        return _compare_fusion(trace, step, boxes)
    if options.method == "matrix":
        ids = trace.order[:step]
    else:
        ids = np.flatnonzero(trace.left_at >= step)
        ids = ids[(trace.left_at[ids] < trace.num_steps) & (ids != pick)]  # what never took part left "after the end"
        ids = ids[np.lexsort((ids if options.ties == "first" else -ids, -scores[ids]))]
    if trace.labels is not None:
        ids = ids[trace.labels[ids] == trace.labels[pick]]
    overlaps = _overlaps(boxes[pick : pick + 1], boxes[ids], options)[0].double()
    ious = overlaps
    if options.method == "diou":
        ious = pairwise_overlaps(boxes[pick : pick + 1], boxes[ids], pixel_inclusive=options.pixel_inclusive)[
            0
        ].double()
    if options.method == "matrix":
        return _compare_matrix(trace, step, ids, overlaps)
    factors = decay_factor(overlaps, options).numpy()
    before = scores[ids]
    after = before * factors
    verdicts = np.where(factors < 1, DECAYED, UNTOUCHED)
    gone = factors == 0 if options.method in ("hard", "diou") else (factors < 1) & (after < options.score_threshold)
    verdicts[gone] = SUPPRESSED
    return Comparisons(step, pick, ids, ious.numpy(), overlaps.numpy(), factors, before, after, verdicts)


def _compare_matrix(trace: NMSTrace, step: int, ids: np.ndarray, ious: Tensor) -> Comparisons:
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


def _compare_fusion(trace: NMSTrace, step: int, boxes: Tensor) -> Comparisons:
    pick = int(trace.picks[step])
    labels = None if trace.labels is None else torch.from_numpy(trace.labels)
    earlier = trace.picks[:step]
    founder_of = np.where(trace.suppressed_by[earlier] >= 0, trace.suppressed_by[earlier], earlier)
    founders = earlier[trace.suppressed_by[earlier] < 0]
    clusters = _Clusters(boxes, torch.from_numpy(trace.scores), labels)
    position = np.full(len(boxes), -1)
    position[founders] = np.arange(len(founders))
    cluster = torch.from_numpy(position[founder_of])
    weights = torch.from_numpy(trace.scores[earlier])
    corners = boxes[earlier].double()
    clusters.founders = founders.tolist()
    clusters.weighted.index_add_(0, cluster, weights.unsqueeze(1) * corners)
    clusters.plain.index_add_(0, cluster, corners)
    clusters.weight.index_add_(0, cluster, weights)
    clusters.count.index_add_(0, cluster, torch.ones(len(earlier), dtype=torch.float64))
    number = len(founders)
    weight = clusters.weight[:number].unsqueeze(1)
    plain = clusters.plain[:number] / clusters.count[:number].unsqueeze(1).clamp(min=1)
    fused = torch.where(weight > 0, clusters.weighted[:number] / weight.masked_fill(weight == 0, 1), plain)
    clusters.fused[:number] = fused.to(clusters.fused.dtype)
    if labels is not None:
        clusters.cluster_labels[:number] = labels[founders]
    ids, ious = clusters.measure(pick, trace.options)
    others = founders[ids]
    merged = others == trace.suppressed_by[pick]
    before = np.full(len(ids), trace.scores[pick])
    factors = np.where(merged, 0.0, 1.0)
    verdicts = np.where(merged, MERGED, UNTOUCHED)
    return Comparisons(step, pick, others, ious, ious, factors, before, before * factors, verdicts)


# --- small rules ---------------------------------------------------------------------------------------------------


def _overlaps(boxes: Tensor, others: Tensor, options: NMSOptions) -> Tensor:
    power = options.distance_power if options.method == "diou" else None
    return pairwise_overlaps(boxes, others, distance_power=power, pixel_inclusive=options.pixel_inclusive)


def _exceeds(overlaps: Tensor, options: NMSOptions) -> Tensor:
    """Compares in double precision, as torchvision does: the threshold must not be rounded to float32."""
    wide = overlaps.double()
    return wide >= options.iou_threshold if options.suppress_equal else wide > options.iou_threshold


def _order_by_score(scores: np.ndarray, options: NMSOptions) -> np.ndarray:
    ids = np.flatnonzero(scores >= options.score_threshold)
    tie_break = ids if options.ties == "first" else -ids
    return ids[np.lexsort((tie_break, -scores[ids]))]


def _first_best(values: np.ndarray, options: NMSOptions) -> int:
    return int(values.argmax()) if options.ties == "first" else len(values) - 1 - int(values[::-1].argmax())


def _count_waiting(picks: np.ndarray, left_at: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """Counts, for each pick, the boxes of its class still in the queue: those that left at its step or later."""
    counts = np.zeros(len(picks), dtype=np.int64)
    classes = np.zeros(len(left_at), dtype=np.int64) if labels is None else labels
    took_part = np.zeros(len(left_at), dtype=bool)
    took_part[left_at < len(picks)] = True
    for label in np.unique(classes[picks]) if len(picks) else ():
        leaving = np.sort(left_at[took_part & (classes == label)])
        steps = np.flatnonzero(classes[picks] == label)
        counts[steps] = len(leaving) - np.searchsorted(leaving, steps) - 1
    return counts


def _count_before(order: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    if labels is None:
        return np.arange(len(order))
    counts = np.zeros(len(order), dtype=np.int64)
    seen: dict[int, int] = {}
    for step, label in enumerate(labels[order].tolist()):
        counts[step] = seen.get(label, 0)
        seen[label] = counts[step] + 1
    return counts


def _check_positive(name: str, value: float) -> float:
    if not (isinstance(value, (int, float)) and math.isfinite(value) and value > 0):
        raise NMSError("{name} must be a positive number; got {value}.", name=name, value=value)
    return float(value)


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise NMSError(
            "{name} must be one of {choices}; got {value}.", name=name, choices=", ".join(choices), value=value
        )
    return value
