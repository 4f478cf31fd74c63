"""Objects of many sizes: how they are spread, which of them teach at which resolution, and what resolution costs."""

from vizcore.scale.anchors import Assignment, assign, assigned_anchors, best_overlaps, grid_anchors
from vizcore.scale.chips import CHIP, CHIP_STRIDE, ChipTrace, chip_places, cover, trace_chips
from vizcore.scale.coco import COCOSizes, Oddity, read_coco
from vizcore.scale.errors import ScaleError
from vizcore.scale.ranges import (
    BOUNDS,
    RESOLUTIONS,
    ObjectLevel,
    RangeNote,
    Resolution,
    notes_on,
    resize_factor,
    trace_object,
    valid,
)
from vizcore.scale.resolution import (
    PhotoResolution,
    ResolutionRun,
    lowered_photo,
    photo_by_resolution,
    train_by_resolution,
)
from vizcore.scale.shapes import SHAPES, draw_shapes, lowered
from vizcore.scale.sizes import (
    PAPER_COVERED,
    PAPER_QUANTILES,
    QUANTILES,
    AnchorCoverage,
    SizeSample,
    anchor_coverage,
    sample_of,
    scene_sample,
    shares_by_range,
)

__all__ = [
    "BOUNDS",
    "CHIP",
    "CHIP_STRIDE",
    "PAPER_COVERED",
    "PAPER_QUANTILES",
    "QUANTILES",
    "RESOLUTIONS",
    "SHAPES",
    "AnchorCoverage",
    "Assignment",
    "COCOSizes",
    "ChipTrace",
    "ObjectLevel",
    "Oddity",
    "PhotoResolution",
    "RangeNote",
    "Resolution",
    "ResolutionRun",
    "ScaleError",
    "SizeSample",
    "anchor_coverage",
    "assign",
    "assigned_anchors",
    "best_overlaps",
    "chip_places",
    "cover",
    "draw_shapes",
    "grid_anchors",
    "lowered",
    "lowered_photo",
    "notes_on",
    "photo_by_resolution",
    "read_coco",
    "resize_factor",
    "sample_of",
    "scene_sample",
    "shares_by_range",
    "trace_chips",
    "trace_object",
    "train_by_resolution",
    "valid",
]
