"""A score that knows how well the box fits: varifocal loss, star-shaped points, ATSS, and what ranking is worth.

Reference:
    Haoyang Zhang, Ying Wang, Feras Dayoub, Niko Sünderhauf. VarifocalNet: An IoU-aware Dense Object Detector. CVPR
    2021, arXiv 2008.13367.
"""

from __future__ import annotations

from vizcore.varifocalnet.assignment import TILE, TOP_K, AssignmentTrace, assign_atss, tiles, trace_assignment
from vizcore.varifocalnet.curves import LossCurves, LossSurface, loss_curves, loss_surface
from vizcore.varifocalnet.errors import VarifocalNetError
from vizcore.varifocalnet.javascript import compile_losses, compile_rules
from vizcore.varifocalnet.losses import (
    LOSSES,
    focal_terms,
    least_varifocal,
    quality_focal_terms,
    varifocal_loss,
)
from vizcore.varifocalnet.packing import pack_assignment
from vizcore.varifocalnet.ranking import PAPER_AP, RANKINGS, Cells, Ranked, rank, rank_correlation
from vizcore.varifocalnet.scene import (
    RefinementTrace,
    SceneAnswer,
    ask_scene,
    ask_vfnet,
    assignment_on,
    join_ranked,
    star_on,
    trace_refinement,
    vfnet_cells,
)
from vizcore.varifocalnet.script import write_losses_script, write_star_script
from vizcore.varifocalnet.star import StarTrace, refine, star_kernel_offsets, star_points, trace_star

__all__ = [
    "LOSSES",
    "PAPER_AP",
    "RANKINGS",
    "TILE",
    "TOP_K",
    "AssignmentTrace",
    "Cells",
    "LossCurves",
    "LossSurface",
    "Ranked",
    "RefinementTrace",
    "SceneAnswer",
    "StarTrace",
    "VarifocalNetError",
    "ask_scene",
    "ask_vfnet",
    "assign_atss",
    "assignment_on",
    "compile_losses",
    "compile_rules",
    "focal_terms",
    "join_ranked",
    "least_varifocal",
    "loss_curves",
    "loss_surface",
    "pack_assignment",
    "quality_focal_terms",
    "rank",
    "rank_correlation",
    "refine",
    "star_kernel_offsets",
    "star_on",
    "star_points",
    "tiles",
    "trace_assignment",
    "trace_refinement",
    "trace_star",
    "varifocal_loss",
    "vfnet_cells",
    "write_losses_script",
    "write_star_script",
]
