"""The detectors' way over a picture: run once, kept, and shared where the picture is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.fpn.state import STAGES, View
from pages.kit.loaders import compute, load
from pages.kit.page import Page
from pages.kit.pictures import Picture, compute_on, compute_with
from vizcore import fpn
from vizcore.data.scenes import Scene, draw_scene
from vizcore.fpn import packing
from vizcore.models import fcos

IOU_THRESHOLD = 0.6
ATLAS_SIDE = 64
"""Longer side of a channel's tile, pixels."""


@dataclass(frozen=True, eq=False)
class Run:
    """The detector with the feature pyramid, run over the picture.

    Attributes:
        drawn: the scene with its objects; None for a photo, where nobody knows what is there.
        whole: nothing cut, at the page's threshold.
        after: with the page's cuts; ``whole`` itself if there are none.
    """

    drawn: Scene | None
    whole: fpn.FPNTrace
    after: fpn.FPNTrace

    def count(self, trace: fpn.FPNTrace) -> dict[str, tuple[int, int]]:
        """Objects found and present, by size; nothing for a photo."""
        return {} if self.drawn is None else fpn.count_found(trace, self.drawn.boxes, self.drawn.labels)


def run(page: Page, view: View) -> Run:
    """Runs the detector over the view's picture, with its cuts and at its threshold."""
    with st.spinner(page.translate("Running the network…")):
        whole = thresholded(trace_of(view.picture), view)
    after = thresholded(trace_of(view.picture, view.cuts), view) if view.cuts else whole
    return Run(compute(draw_scene, "validation", view.scene) if view.source == "scene" else None, whole, after)


def thresholded(trace: fpn.FPNTrace, view: View) -> fpn.FPNTrace:
    """The same run at the page's threshold."""
    return fpn.refilter(trace, score_threshold=view.score_threshold, iou_threshold=IOU_THRESHOLD)


def detector(name: str = "fcos_fpn") -> fcos.Detector:
    """One of the detectors that were trained here."""
    loaded: fcos.Detector = load(fcos.load_fcos, name)
    return loaded


# -- on a picture, kept ------------------------------------------------------------------------------------------------


def trace_of(picture: Picture, cuts: tuple[str, ...] = ()) -> fpn.FPNTrace:
    """The detector's way over a picture; with cuts, from the recorded stages on."""
    trace: fpn.FPNTrace = compute_with(picture, _cut, cuts) if cuts else compute_on(picture, _trace)
    return trace


def design_trace(picture: Picture, design: str, cuts: tuple[str, ...] = ()) -> fpn.FPNTrace:
    """A picture's recorded stages through the detector of a compared design."""
    trace: fpn.FPNTrace = compute_with(picture, _design, design, cuts)
    return trace


def maps_of(picture: Picture, cuts: tuple[str, ...] = (), view: str = "mean", channel: int = 0) -> bytes:
    """The maps for the browser."""
    packed: bytes = compute_with(picture, _maps, cuts, view, channel)
    return packed


def atlas_of(picture: Picture, cuts: tuple[str, ...], name: str) -> bytes:
    """All channels of a stage or level as a PNG file."""
    file: bytes = compute_with(picture, _atlas, cuts, name)
    return file


def field_of(picture: Picture, level: str, cell: tuple[int, int]) -> fpn.EffectiveField:
    """What a cell sees of a picture."""
    field: fpn.EffectiveField = compute_on(picture, _field, level, cell)
    return field


def planes_of(picture: Picture, compared: tuple[str, ...]) -> dict[str, np.ndarray]:
    """What the planes of the designs' diagrams show: the stages, and each compared design's levels.

    Args:
        picture: what is looked at.
        compared: names of designs.

    Returns:
        ``[C, H, W]`` of each, by name: ``"C4"``, ``"separate:P4"``.
    """
    whole = trace_of(picture)
    traces = {design: design_trace(picture, design) for design in compared}
    return {name: fpn.on_photo(whole, name) for name in STAGES} | {
        f"{design}:{name}": fpn.on_photo(trace, name)
        for design, trace in traces.items()
        for name in trace.config.levels
    }


def _trace(pixels: np.ndarray) -> fpn.FPNTrace:
    return fpn.trace_fpn(detector(), pixels)


def _cut(picture: Picture, cuts: tuple[str, ...]) -> fpn.FPNTrace:
    return fpn.retrace(detector(), trace_of(picture), cuts=cuts)


def _design(picture: Picture, design: str, cuts: tuple[str, ...]) -> fpn.FPNTrace:
    return fpn.retrace(detector(f"compare_{design}"), trace_of(picture), cuts=cuts)


def _maps(picture: Picture, cuts: tuple[str, ...], view: str, channel: int) -> bytes:
    return packing.pack_maps(trace_of(picture, cuts), view=view, channel=channel)


def _atlas(picture: Picture, cuts: tuple[str, ...], name: str) -> bytes:
    return packing.pack_atlas(fpn.on_photo(trace_of(picture, cuts), name), side=ATLAS_SIDE)


def _field(pixels: np.ndarray, level: str, cell: tuple[int, int]) -> fpn.EffectiveField:
    return fpn.effective_receptive_field(detector(), pixels, level, cell)
