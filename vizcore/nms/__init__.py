"""Non-maximum suppression, recorded decision by decision, and what it costs when it is wrong."""

from vizcore.nms.evaluation import Evaluation, evaluate_detections, summarise_kept
from vizcore.nms.overlaps import NMSError, pairwise_overlaps
from vizcore.nms.ranking import RANKINGS, RankingResult, rank_and_evaluate
from vizcore.nms.trace import DECAYED as DECAYED
from vizcore.nms.trace import (
    MAX_BOXES,
    MAX_CHANGES,
    MERGED,
    METHODS,
    SUPPRESSED,
    UNTOUCHED,
    Comparisons,
    NMSEvents,
    NMSOptions,
    NMSTrace,
    comparisons_at,
    decay_factor,
    list_events,
    scores_at,
    trace_nms,
)

__all__ = [
    "DECAYED",
    "MAX_BOXES",
    "MAX_CHANGES",
    "MERGED",
    "METHODS",
    "RANKINGS",
    "SUPPRESSED",
    "UNTOUCHED",
    "Comparisons",
    "Evaluation",
    "NMSError",
    "NMSEvents",
    "NMSOptions",
    "NMSTrace",
    "RankingResult",
    "comparisons_at",
    "decay_factor",
    "evaluate_detections",
    "list_events",
    "pairwise_overlaps",
    "rank_and_evaluate",
    "scores_at",
    "summarise_kept",
    "trace_nms",
]
