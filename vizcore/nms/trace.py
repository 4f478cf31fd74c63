"""Non-maximum suppression recorded once, to be stepped through, drawn and questioned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, Real, Shaped
from torch import Tensor

from vizcore.nms.checks import check_candidates, check_choice, check_fraction, check_positive
from vizcore.nms.fusion import run_fusion
from vizcore.nms.greedy import run_greedy
from vizcore.nms.matrix import run_matrix
from vizcore.nms.result import METHODS, NMSOptions, NMSTrace
from vizcore.nms.rules import order_by_score
from vizcore.nms.soft import run_soft

MAX_BOXES = 10_000
_RUNS = {
    "hard": run_greedy,
    "diou": run_greedy,
    "soft_linear": run_soft,
    "soft_gaussian": run_soft,
    "matrix": run_matrix,
    "fusion": run_fusion,
}


def trace_nms(
    boxes: Real[Tensor, "N 4"] | Real[np.ndarray, "N 4"] | Real[Tensor, "0"] | Sequence[Sequence[float]],
    scores: Real[Tensor, " N"] | Real[np.ndarray, " N"] | Sequence[float],
    *,
    labels: Int[Tensor, " N"] | Shaped[np.ndarray, " N"] | Sequence[int] | Sequence[str] | None = None,
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
        labels: class of each box, number or name; boxes of different classes never meet. None compares all with all.
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
        sigma=check_positive("sigma", sigma),
        matrix_kernel=check_choice("matrix_kernel", matrix_kernel, ("gaussian", "linear")),
        distance_power=check_positive("distance_power", distance_power),
        suppress_equal=bool(suppress_equal),
        ties=check_choice("ties", ties, ("first", "last")),
        pixel_inclusive=bool(pixel_inclusive),
    )
    check_choice("method", method, METHODS)
    boxes, scores, labels = check_candidates(boxes, scores, labels, max_boxes=MAX_BOXES)
    order = order_by_score(scores.numpy(), options)
    return _RUNS[method](boxes, scores, labels, order, options)
