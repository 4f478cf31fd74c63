"""ThunderNet: what each block costs, what its kernels see, and how its detection part works on one picture."""

from vizcore.models.thundernet import ANCHOR_RATIOS, ANCHOR_SIZES, ANCHORS, BINS, CONTEXT_CHANNELS, STRIDE
from vizcore.thundernet.budget import (
    BLOCKS,
    HEAD_CHANNELS,
    INPUT_SIZES,
    NUM_REGIONS,
    PAPER,
    Budget,
    Design,
    PaperFigure,
    build,
    count_budget,
    head_inputs,
    measure_budget,
    measure_budgets,
    rpn_tower_multiply_adds,
)
from vizcore.thundernet.errors import ThunderNetError
from vizcore.thundernet.packing import anchor_boxes, pack_maps
from vizcore.thundernet.pooling import CONVENTIONS, OUTPUTS, PooledRegion, channel_of, pool_region
from vizcore.thundernet.receptive_field import (
    MAPS,
    PAPER_FIELDS,
    EffectiveField,
    effective_field,
    theoretical_size,
)
from vizcore.thundernet.trace import SIZE, ThunderNetTrace, square, trace_thundernet, untrained_part

__all__ = [
    "ANCHORS",
    "ANCHOR_RATIOS",
    "ANCHOR_SIZES",
    "BINS",
    "BLOCKS",
    "CONTEXT_CHANNELS",
    "CONVENTIONS",
    "HEAD_CHANNELS",
    "INPUT_SIZES",
    "MAPS",
    "NUM_REGIONS",
    "OUTPUTS",
    "PAPER",
    "PAPER_FIELDS",
    "SIZE",
    "STRIDE",
    "Budget",
    "Design",
    "EffectiveField",
    "PaperFigure",
    "PooledRegion",
    "ThunderNetError",
    "ThunderNetTrace",
    "anchor_boxes",
    "build",
    "channel_of",
    "count_budget",
    "effective_field",
    "head_inputs",
    "measure_budget",
    "measure_budgets",
    "pack_maps",
    "pool_region",
    "rpn_tower_multiply_adds",
    "square",
    "theoretical_size",
    "trace_thundernet",
    "untrained_part",
]
