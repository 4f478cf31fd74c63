"""What a suppression leaves behind: its rules, its record, its errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vizcore.errors import ExplainedError

METHODS = ("hard", "soft_linear", "soft_gaussian", "diou", "matrix", "fusion")

# What one comparison did to the other box.
UNTOUCHED, SUPPRESSED, DECAYED, MERGED = 0, 1, 2, 3


class NMSError(ExplainedError, ValueError):
    """Candidates or options that no suppression can be run on; the sentence says why."""


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
    itself. Only what changed is stored, one row each, so a hard trace is linear in N; ``list_events`` measures the
    comparisons again.

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
