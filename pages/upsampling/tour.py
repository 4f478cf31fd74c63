"""The lesson of upsampling: weights, overshoot, corners, stamps, the checkerboard, PixelShuffle, a photo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pages.kit.loaders import compute
from pages.kit.numbers import written
from pages.kit.tour import BringAbout, Choose, Step
from pages.upsampling import options, photo
from pages.upsampling.state import View
from vizcore import upsampling

RAMP = upsampling.preset_grid("ramp", 4).tolist()
EDGE = [[0.0, 0.0, 1.0, 1.0]] * 4
ONES = [[1.0] * 4] * 4
FROM_SMALL = ("nearest", "bilinear", "bicubic")
"""Operators that see the small picture alone and that the last step asks about."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the questions are judged by.

    Attributes:
        view: what the page shows.
    """

    view: View

    def trace(self, method: str, **changed: object) -> upsampling.UpsamplingTrace:
        """An operator on the page's grid."""
        trace: upsampling.UpsamplingTrace = compute(
            upsampling.trace_upsampling, method, self.view.grid, **{**options.of(self.view)[method], **changed}
        )
        return trace


def _counts(outcome: Outcome) -> Mapping[str, object]:
    trace = outcome.trace("bilinear")
    return {"inside": _contributors(trace, 3, 3), "block": _block(outcome)}


def _block(outcome: Outcome) -> str:
    """How large a block nearest makes of one input cell."""
    weights = outcome.trace("nearest").weights[:, :, 1, 1] != 0
    return f"{weights.any(axis=1).sum()}×{weights.any(axis=0).sum()}"


def _contributors(trace: upsampling.UpsamplingTrace, row: int, column: int) -> int:
    return int(np.count_nonzero(trace.weights[row, column]))


def _range(outcome: Outcome) -> Mapping[str, object]:
    trace = outcome.trace("bicubic")
    return {"highest": f"{trace.output.max():.3f}", "lowest": written(trace.output.min(), ".3f")}


def _exceeds(outcome: Outcome) -> str:
    trace = outcome.trace("bicubic")
    return "beyond" if trace.output.max() > trace.input.max() else "between"


def _corners(outcome: Outcome) -> Mapping[str, int]:
    return {
        f"{method}_{name}": _contributors(outcome.trace(method, align_corners=value), 0, 0)
        for method in ("bilinear", "bicubic")
        for name, value in (("off", False), ("on", True))
    }


def _loses(outcome: Outcome) -> str:
    found = _corners(outcome)
    changes = [method for method in ("bilinear", "bicubic") if found[f"{method}_off"] != found[f"{method}_on"]]
    return "both" if len(changes) == 2 else changes[0] if changes else "none"


def _size(outcome: Outcome) -> Mapping[str, object]:
    view = outcome.view
    formula = compute(upsampling.transposed_size, view.in_size, **view.layer)
    return {"inside": view.in_size, "size": formula.size, "kernel": view.kernel_size, "stride": view.stride}


def _overlap(outcome: Outcome) -> Mapping[str, object]:
    view = outcome.view
    found = compute(upsampling.overlap_counts, view.kernel_size, view.stride, dims=2)
    return {"low": found.lowest, "high": found.highest, "kernel": view.kernel_size, "ratio": f"{found.ratio:.3g}"}


def _pattern(outcome: Outcome) -> str:
    found = compute(upsampling.overlap_counts, outcome.view.kernel_size, outcome.view.stride, dims=2)
    return "even" if found.ratio == 1 else "checkerboard"


def _is_even(outcome: Outcome) -> bool:
    view = outcome.view
    found = compute(upsampling.overlap_counts, view.kernel_size, view.stride, dims=2)
    return view.stride == 2 and found.ratio == 1


def _moves(outcome: Outcome) -> str:
    trace = outcome.trace("pixel_shuffle")
    return "moves" if np.array_equal(np.sort(trace.output, axis=None), np.sort(trace.input, axis=None)) else "mixes"


def _numbers(outcome: Outcome) -> Mapping[str, object]:
    trace = outcome.trace("pixel_shuffle")
    return {"count": trace.output.size, "channels": outcome.view.upscale_factor**2}


def _psnr(outcome: Outcome) -> dict[str, float]:
    result = photo.restored(outcome.view)
    return {found.name: found.psnr for found in result.restored if found.name in FROM_SMALL}


def _decibels(outcome: Outcome) -> Mapping[str, object]:
    return {**{name: f"{value:.1f}" for name, value in _psnr(outcome).items()}, "factor": outcome.view.photo_factor}


def _best(outcome: Outcome) -> str:
    found = _psnr(outcome)
    return max(found, key=lambda name: found[name])


PLAIN = {
    "scale_factor": 2.0,
    "target": "scale_factor",
    "align_corners": False,
    "antialias": False,
    "weight": "constant",
}
LAYER = {"kernel_size": 3, "stride": 2, "padding": 0, "output_padding": 0, "dilation": 1}

STEPS = (
    Step(
        name="weights",
        state={"part": "grids", "size": "4", "grid": RAMP, "methods": ["nearest"], **PLAIN},
        plays=True,
        numbers=_counts,
    ),
    Step(
        name="contributors",
        state={"methods": ["bilinear"]},
        question=Choose(lambda outcome: f"c{_counts(outcome)['inside']}"),
        numbers=_counts,
        look_at="grids:bilinear",
    ),
    Step(
        name="overshoot",
        state={"grid": EDGE, "methods": ["bicubic"]},
        question=Choose(_exceeds),
        numbers=_range,
        minutes=2,
    ),
    Step(
        name="corners",
        state={"grid": RAMP, "methods": ["bilinear", "bicubic"]},
        question=Choose(_loses),
        then={"align_corners": True},
        numbers=_corners,
        minutes=2,
    ),
    Step(
        name="stamps",
        state={"part": "shapes", "align_corners": False, "in_size": 3, "reading": "scatter", "step": 0, **LAYER},
        question=Choose(lambda outcome: f"s{_size(outcome)['size']}"),
        then={"step": 9},
        reveals=("formula",),
        numbers=_size,
        minutes=2,
    ),
    Step(
        name="overlap",
        state={"part": "grids", "grid": ONES, "methods": ["conv_transpose"]},
        question=Choose(_pattern),
        numbers=_overlap,
    ),
    Step(
        name="even",
        controls=("kernel_size",),
        look_at="kernel_size",
        question=BringAbout(_is_even),
        then={"kernel_size": 4},
        numbers=_overlap,
        minutes=2,
    ),
    Step(
        name="shuffle",
        state={"grid": RAMP, "methods": ["pixel_shuffle"], "upscale_factor": 2, "kernel_size": 3},
        question=Choose(_moves),
        numbers=_numbers,
    ),
    Step(
        name="photo",
        state={"part": "photo", "photo": "chelsea", "downsampling": "area", "photo_factor": "4", "compare": "small"},
        controls=("compare",),
        question=Choose(_best),
        then={"compare": "bicubic"},
        numbers=_decibels,
        minutes=2,
    ),
)
