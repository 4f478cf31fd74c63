"""Non-maximum suppression, recorded decision by decision, and what it costs when it is wrong."""

from vizcore.nms.bookkeeping import MAX_CHANGES
from vizcore.nms.evaluation import Evaluation, evaluate_detections, list_rows, summarise_kept
from vizcore.nms.events import NMSEvents, OverlapMatrix, list_events, measure_matrix
from vizcore.nms.fusion import list_fused
from vizcore.nms.overlaps import pairwise_overlaps
from vizcore.nms.packing import PackedTrace, pack_trace
from vizcore.nms.ranking import RANKINGS, BetterLost, RankingResult, find_better_lost, rank_and_evaluate
from vizcore.nms.result import DECAYED, MERGED, METHODS, SUPPRESSED, UNTOUCHED, NMSError, NMSOptions, NMSTrace
from vizcore.nms.rules import DecayCurve, best_first, decay_factor, sample_decay
from vizcore.nms.script import write_nms_script
from vizcore.nms.trace import MAX_BOXES, trace_nms

__all__ = [
    "DECAYED",
    "MAX_BOXES",
    "MAX_CHANGES",
    "MERGED",
    "METHODS",
    "RANKINGS",
    "SUPPRESSED",
    "UNTOUCHED",
    "BetterLost",
    "DecayCurve",
    "Evaluation",
    "NMSError",
    "NMSEvents",
    "NMSOptions",
    "NMSTrace",
    "OverlapMatrix",
    "PackedTrace",
    "RankingResult",
    "best_first",
    "decay_factor",
    "evaluate_detections",
    "find_better_lost",
    "list_events",
    "list_fused",
    "list_rows",
    "measure_matrix",
    "pack_trace",
    "pairwise_overlaps",
    "rank_and_evaluate",
    "sample_decay",
    "summarise_kept",
    "trace_nms",
    "write_nms_script",
]
