"""Detection as a set: the matching, its loss, and everything a DETR looks at on the way to its boxes."""

from __future__ import annotations

from vizcore.detr.class_costs import ClassCosts, compare_class_costs
from vizcore.detr.cost import MatchCost, match_cost
from vizcore.detr.errors import MESSAGES, DETRError
from vizcore.detr.history import (
    StripMatching,
    TrainingStrip,
    load_places,
    load_strip,
    load_training_log,
    match_strip,
)
from vizcore.detr.loss import COST_WEIGHTS, LOSS_WEIGHTS, NO_OBJECT_WEIGHT, set_loss
from vizcore.detr.masks import KeepTrace, MaskOutput, merge_output, run_masks, trace_keep
from vizcore.detr.matching import GreedyMatching, MatchingTrace, match, match_greedily, trace_matching
from vizcore.detr.network_script import (
    write_attention_script,
    write_layers_script,
    write_masks_script,
    write_queries_script,
    write_strip_script,
)
from vizcore.detr.packing import PackedTrace, pack_masks, pack_matching, pack_trace
from vizcore.detr.panoptic import (
    KEEP_THRESHOLD,
    Panoptic,
    PanopticQuality,
    SegmentMatch,
    match_segments,
    merge_masks,
    panoptic_quality,
)
from vizcore.detr.places import QueryPlaces, collect_places
from vizcore.detr.presets import PRESETS, MatchingPreset, load_preset
from vizcore.detr.published import OFFICIAL, OFFICIAL_TITLE, PUBLISHED_PQ, load_official, official_classes
from vizcore.detr.recording import DETRTrace, QueriesOutput, run_queries, trace_detr
from vizcore.detr.rows import MatchingSummary, preset_rows, settle_percents, summarise_rows, write_rows_script
from vizcore.detr.script import write_match_script
from vizcore.detr.shares import AttentionShares, attention_shares, tokens_on, tokens_under
from vizcore.detr.suppression import Suppression, suppress, suppress_layer

__all__ = [
    "COST_WEIGHTS",
    "KEEP_THRESHOLD",
    "LOSS_WEIGHTS",
    "MESSAGES",
    "NO_OBJECT_WEIGHT",
    "OFFICIAL",
    "OFFICIAL_TITLE",
    "PRESETS",
    "PUBLISHED_PQ",
    "AttentionShares",
    "ClassCosts",
    "DETRError",
    "DETRTrace",
    "GreedyMatching",
    "KeepTrace",
    "MaskOutput",
    "MatchCost",
    "MatchingPreset",
    "MatchingSummary",
    "MatchingTrace",
    "PackedTrace",
    "Panoptic",
    "PanopticQuality",
    "QueriesOutput",
    "QueryPlaces",
    "SegmentMatch",
    "StripMatching",
    "Suppression",
    "TrainingStrip",
    "attention_shares",
    "collect_places",
    "compare_class_costs",
    "load_official",
    "load_places",
    "load_preset",
    "load_strip",
    "load_training_log",
    "match",
    "match_cost",
    "match_greedily",
    "match_segments",
    "match_strip",
    "merge_masks",
    "merge_output",
    "official_classes",
    "pack_masks",
    "pack_matching",
    "pack_trace",
    "panoptic_quality",
    "preset_rows",
    "run_masks",
    "run_queries",
    "set_loss",
    "settle_percents",
    "summarise_rows",
    "suppress",
    "suppress_layer",
    "tokens_on",
    "tokens_under",
    "trace_detr",
    "trace_keep",
    "trace_matching",
    "write_attention_script",
    "write_layers_script",
    "write_masks_script",
    "write_match_script",
    "write_queries_script",
    "write_rows_script",
    "write_strip_script",
]
