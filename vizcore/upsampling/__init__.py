"""Upsampling: every operator on one grid, where each output pixel comes from, and what the operators do to photos."""

from vizcore.models.espcn import HEADS
from vizcore.upsampling.checkerboard import (
    ArtefactSpectrum,
    DilatedFootprint,
    Overlap,
    artefact_spectrum,
    dilated_footprint,
    overlap_counts,
)
from vizcore.upsampling.checks import UpsamplingError
from vizcore.upsampling.costs import Timing, count_cost, time_methods
from vizcore.upsampling.decoder import DecoderOutput, DecoderStage, coin_mask, run_decoder
from vizcore.upsampling.export import output_rows
from vizcore.upsampling.grids import PRESETS, preset_grid
from vizcore.upsampling.interpolation import INTERPOLATIONS, interpolated_size
from vizcore.upsampling.kernels import KERNELS, icnr_weight, named_kernel
from vizcore.upsampling.linear_map import ScatterTrace, UpsamplingTrace, trace_scatter, trace_upsampling
from vizcore.upsampling.operators import METHODS, OPTIONS, upsample
from vizcore.upsampling.packing import pack_pictures, pack_scatter, pack_traces
from vizcore.upsampling.pooling import max_pool
from vizcore.upsampling.restoration import (
    DOWNSAMPLINGS,
    RESTORATIONS,
    Restoration,
    Restored,
    channel_tiles,
    downsample,
    restore_photo,
    similarity,
)
from vizcore.upsampling.sampling import (
    CONVENTIONS,
    DRIFTS,
    ResizeDrift,
    SamplePositions,
    blob,
    legacy_difference,
    resize_drift,
    sample_positions,
)
from vizcore.upsampling.shapes import (
    OutputPaddingChoice,
    SizeFormula,
    TransposedLayer,
    output_padding_choices,
    resized_size,
    scaling_layers,
    transposed_size,
)
from vizcore.upsampling.training import (
    TrainingRun,
    TrainingSnapshot,
    checkerboard_energy,
    learned_kernel,
    train_upscalers,
    view_of,
)

__all__ = [
    "CONVENTIONS",
    "DOWNSAMPLINGS",
    "DRIFTS",
    "HEADS",
    "INTERPOLATIONS",
    "KERNELS",
    "METHODS",
    "OPTIONS",
    "PRESETS",
    "RESTORATIONS",
    "ArtefactSpectrum",
    "DecoderOutput",
    "DecoderStage",
    "DilatedFootprint",
    "OutputPaddingChoice",
    "Overlap",
    "ResizeDrift",
    "Restoration",
    "Restored",
    "SamplePositions",
    "ScatterTrace",
    "SizeFormula",
    "Timing",
    "TrainingRun",
    "TrainingSnapshot",
    "TransposedLayer",
    "UpsamplingError",
    "UpsamplingTrace",
    "artefact_spectrum",
    "blob",
    "channel_tiles",
    "checkerboard_energy",
    "coin_mask",
    "count_cost",
    "dilated_footprint",
    "downsample",
    "icnr_weight",
    "interpolated_size",
    "learned_kernel",
    "legacy_difference",
    "max_pool",
    "named_kernel",
    "output_padding_choices",
    "output_rows",
    "overlap_counts",
    "pack_pictures",
    "pack_scatter",
    "pack_traces",
    "preset_grid",
    "resize_drift",
    "resized_size",
    "restore_photo",
    "run_decoder",
    "sample_positions",
    "scaling_layers",
    "similarity",
    "time_methods",
    "trace_scatter",
    "trace_upsampling",
    "train_upscalers",
    "transposed_size",
    "upsample",
    "view_of",
]
