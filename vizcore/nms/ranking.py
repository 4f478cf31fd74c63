"""What a detector ranks its candidates by decides which of them survive: the argument for an IoU-aware score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from vizcore.data.crowds import RankedCrowd
from vizcore.nms.evaluation import Evaluation, evaluate_detections
from vizcore.nms.overlaps import pairwise_overlaps
from vizcore.nms.result import NMSError, NMSTrace
from vizcore.nms.trace import trace_nms

RANKINGS = ("score", "score_centerness", "score_predicted_iou", "true_iou")


@dataclass(frozen=True, eq=False)
class RankingResult:
    """The same candidates, suppressed and evaluated in the order of one signal.

    Attributes:
        ranking: one of ``RANKINGS``.
        ranks_by: ``[N]`` the signal, in [0, 1].
        correlation: Pearson's between the signal and the true IoU, over the candidates that touch an object.
        kept: ``[K]`` index of the candidates kept, all pictures together.
        evaluation: of the kept set.
        traces: one for each picture; indices count within the picture, in the order of the candidates.
        better_lost: how many kept candidates suppressed one that was better placed than they are.
    """

    ranking: str
    ranks_by: np.ndarray
    correlation: float
    kept: np.ndarray
    evaluation: Evaluation
    traces: tuple[NMSTrace, ...]
    better_lost: int


@dataclass(frozen=True, eq=False)
class BetterLost:
    """A well-placed candidate that a worse-placed one suppressed, because it ranked higher.

    Attributes:
        image: the picture.
        target: ``[4]`` the object, xyxy, pixels.
        winner: index of the candidate kept.
        loser: index of the candidate suppressed.
        winner_iou: IoU of the kept candidate with the object.
        loser_iou: IoU of the suppressed one, larger.
        winner_rank: what the kept one ranked by.
        loser_rank: what the suppressed one ranked by, smaller or equal.
    """

    image: int
    target: np.ndarray
    winner: int
    loser: int
    winner_iou: float
    loser_iou: float
    winner_rank: float
    loser_rank: float


def find_better_lost(ranked: RankedCrowd, result: RankingResult) -> BetterLost | None:
    """Finds the pair in which the suppressed candidate was better placed by the most.

    Args:
        ranked: the candidates.
        result: of ``rank_and_evaluate`` on them.

    Returns:
        The pair, or None if no kept candidate suppressed a better one.
    """
    crowd, best, found = ranked.crowd, 0.0, None
    for picture, trace in enumerate(result.traces):
        here = np.flatnonzero(crowd.images == picture)
        lost = np.flatnonzero(trace.suppressed_by >= 0)
        gains = ranked.true_iou[here[lost]] - ranked.true_iou[here[trace.suppressed_by[lost]]]
        if len(gains) and gains.max() > best:
            best = float(gains.max())
            loser = int(lost[gains.argmax()])
            found = (picture, int(here[loser]), int(here[trace.suppressed_by[loser]]))
    if found is None:
        return None
    picture, loser, winner = found
    own = (crowd.target_images == picture) & (crowd.target_labels == crowd.labels[loser])
    targets = crowd.targets[own]
    ious = pairwise_overlaps(torch.from_numpy(crowd.boxes[[loser]]), torch.from_numpy(targets))[0]
    return BetterLost(
        image=picture,
        target=targets[int(ious.argmax())],
        winner=winner,
        loser=loser,
        winner_iou=float(ranked.true_iou[winner]),
        loser_iou=float(ranked.true_iou[loser]),
        winner_rank=float(result.ranks_by[winner]),
        loser_rank=float(result.ranks_by[loser]),
    )


def rank_and_evaluate(ranked: RankedCrowd, ranking: str, *, iou_threshold: float = 0.6) -> RankingResult:
    """Runs class-aware hard NMS in the order of one signal, and evaluates what is left.

    Args:
        ranked: candidates with all signals.
        ranking: one of ``RANKINGS``: the classification score; times the centerness; times the predicted IoU; or the
            true IoU, which no detector has (the oracle).
        iou_threshold: of the suppression, in [0, 1]; VarifocalNet uses 0.6.

    Returns:
        The result.

    Raises:
        NMSError: no such ranking, or a threshold outside [0, 1].

    Reference:
        Zhang et al., VarifocalNet: An IoU-aware Dense Object Detector, CVPR 2021, arXiv 2008.13367.
    """
    crowd = ranked.crowd
    if ranking not in RANKINGS:
        raise NMSError(
            "{name} must be one of {choices}; got {value}.", name="ranking", choices=", ".join(RANKINGS), value=ranking
        )
    ranks_by = {
        "score": crowd.scores,
        "score_centerness": crowd.scores * ranked.centerness,
        "score_predicted_iou": crowd.scores * ranked.predicted_iou,
        "true_iou": ranked.true_iou,
    }[ranking]
    traces, kept, better_lost = [], [], 0
    for picture in range(crowd.num_images):
        here = np.flatnonzero(crowd.images == picture)
        trace = trace_nms(
            torch.from_numpy(crowd.boxes[here]),
            torch.from_numpy(ranks_by[here]),
            labels=torch.from_numpy(crowd.labels[here]),
            iou_threshold=iou_threshold,
        )
        traces.append(trace)
        kept.append(here[trace.keep])
        truth = ranked.true_iou[here]
        lost = np.flatnonzero(trace.suppressed_by >= 0)
        winners = trace.suppressed_by[lost]
        better_lost += len(np.unique(winners[truth[lost] > truth[winners]]))
    kept_ids = np.concatenate(kept)
    evaluation = evaluate_detections(
        crowd.boxes[kept_ids],
        ranks_by[kept_ids],
        crowd.targets,
        labels=crowd.labels[kept_ids],
        target_labels=crowd.target_labels,
        images=crowd.images[kept_ids],
        target_images=crowd.target_images,
    )
    touching = ranked.true_iou > 0
    varies = touching.any() and np.ptp(ranks_by[touching]) > 0 and np.ptp(ranked.true_iou[touching]) > 0
    correlation = float(np.corrcoef(ranks_by[touching], ranked.true_iou[touching])[0, 1]) if varies else float("nan")
    return RankingResult(ranking, ranks_by, correlation, kept_ids, evaluation, tuple(traces), better_lost)
