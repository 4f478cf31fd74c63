"""An object as a point: heatmaps and their radius, the losses, and decoding recorded decision by decision.

Reference:
    Xingyi Zhou, Dequan Wang, Philipp Krähenbühl. Objects as Points. arXiv 1904.07850. (Not the CenterNet of keypoint
    triplets, arXiv 1904.08189.)
"""

from __future__ import annotations

from vizcore.centernet.decoding import (
    Decoded,
    DecodeTrace,
    K,
    Peaks,
    best_peaks,
    boxes_around,
    decode,
    find_peaks,
    trace_decode,
)
from vizcore.centernet.errors import CenterNetError
from vizcore.centernet.gaussian import (
    FORMULAS,
    MIN_OVERLAP,
    WorstBox,
    draw_heatmap,
    gaussian_radius,
    locate_peaks,
    radius_cases,
    worst_box,
)
from vizcore.centernet.javascript import compile_loss, compile_splat
from vizcore.centernet.losses import (
    focal_loss,
    focal_terms,
    l1_loss,
    offset_loss,
    size_loss,
)
from vizcore.centernet.packing import pack_decode
from vizcore.centernet.pixels import LossMaps, loss_maps
from vizcore.centernet.rotation import angle_error, turn_to_angle
from vizcore.centernet.run import (
    AngleMatch,
    CenterNetRun,
    decode_run,
    match_angles,
    read_angles,
    run_centernet,
    symmetries_of,
)
from vizcore.centernet.script import write_decode_script, write_loss_script, write_splat_script
from vizcore.centernet.splat import (
    STARTS,
    PaintedLoss,
    RadiusCurves,
    SplatTrace,
    paint_loss,
    radius_curves,
    trace_splat,
)

__all__ = [
    "FORMULAS",
    "MIN_OVERLAP",
    "STARTS",
    "AngleMatch",
    "CenterNetError",
    "CenterNetRun",
    "DecodeTrace",
    "Decoded",
    "K",
    "LossMaps",
    "PaintedLoss",
    "Peaks",
    "RadiusCurves",
    "SplatTrace",
    "WorstBox",
    "angle_error",
    "best_peaks",
    "boxes_around",
    "compile_loss",
    "compile_splat",
    "decode",
    "decode_run",
    "draw_heatmap",
    "find_peaks",
    "focal_loss",
    "focal_terms",
    "gaussian_radius",
    "l1_loss",
    "locate_peaks",
    "loss_maps",
    "match_angles",
    "offset_loss",
    "pack_decode",
    "paint_loss",
    "radius_cases",
    "radius_curves",
    "read_angles",
    "run_centernet",
    "size_loss",
    "symmetries_of",
    "trace_decode",
    "trace_splat",
    "turn_to_angle",
    "worst_box",
    "write_decode_script",
    "write_loss_script",
    "write_splat_script",
]
