"""A box over a drawn scene: the nine points of its star, and who is a positive for it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import streamlit as st

from pages.kit.chart import chart
from pages.kit.ending import Shown
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.stage import stage
from pages.varifocalnet import network, state, words
from pages.varifocalnet.refinement import show_refinement
from pages.varifocalnet.state import View
from vizcore import varifocalnet
from vizcore.figures import theme
from vizcore.figures import varifocalnet as figures
from vizcore.packing import pack

COLORS = {
    "star": theme.CURRENT,
    "atss": theme.KEPT,
    "fcos": theme.INTERSECTION,
}


def show_star(page: Page, view: View, found: varifocalnet.StarTrace | None) -> Shown:
    """Draws the box with its nine points, over the map that they look at."""
    _ = page.translate
    columns = st.columns([1, 1.4, 2], vertical_alignment="bottom", gap="small")
    with columns[0]:
        page.number(state.SCENE, _("Scene"))
    with columns[1]:
        page.toggle(state.SHOW_MAP, _("Show the level’s map"))
    levels = network.answer(view.scene).levels if view.show_map else {}
    _draw(page, view, "star", pack({name: _shades(values) for name, values in levels.items()}, source=_source()))
    if page.shows("star_words"):
        page.lesson("star")
    if network.refines() and page.shows("refined"):
        show_refinement(page, view)
    if found is None:
        return Shown()
    script = varifocalnet.write_star_script(found.point.tolist(), found.distances.tolist(), found.stride)
    rows = [
        {"x": float(x), "y": float(y), "offset_x": float(dx), "offset_y": float(dy)}
        for (x, y), (dx, dy) in zip(found.points, found.offsets, strict=True)
    ]
    return Shown(script, lambda: rows, "grad2box-varifocalnet-star")


def show_assign(page: Page, view: View, found: varifocalnet.AssignmentTrace | None) -> Shown:
    """Draws the box with the positives of both rules, and the IoUs that ATSS decides by."""
    _ = page.translate
    columns = st.columns([1, 1.2, 1.2, 1.2], vertical_alignment="bottom", gap="small")
    with columns[0]:
        page.number(state.SCENE, _("Scene"))
    with columns[1]:
        page.slider(state.TOP_K, _("Nearest cells a level"))
    with columns[2]:
        page.slider(state.TILE, _("Side of a cell’s square (strides)"))
    _draw(page, view, "assign", pack({}, source=_source()))
    if found is not None and page.shows("ious"):
        chart(
            page,
            "ious",
            figures.plot_assignment(found, translate=_),
            alt=_(
                "IoU of each candidate; the threshold is {threshold}, {count} are positives.",
                threshold=f"{found.threshold:.2f}",
                count=len(found.atss),
            ),
        )
    if page.shows("assign_words"):
        page.lesson("assign")
    return Shown("", None if found is None else lambda: _rows(found), "grad2box-varifocalnet-positives")


def _source() -> str:
    """Both rules for the browser."""
    source: str = compute(varifocalnet.compile_rules)
    return source


def _draw(page: Page, view: View, mode: str, payload: bytes) -> None:
    config = network.CONFIG
    stage(
        state.stage_key(page),
        **state.arrangement(page, view.box),
        photo=network.scene(view.scene).pixels,
        snap=1,
        min_size=2,
        title=page.translate("A drawn scene with an object to drag"),
        presenter=page.presenting,
        component="varifocalnet/boxes",
        extra={
            "mode": mode,
            "levels": [
                {"name": name, "stride": stride, "low": low, "high": None if math.isinf(high) else high}
                for name, stride, (low, high) in zip(config.levels, config.strides, config.ranges, strict=True)
            ],
            "top_k": view.top_k,
            "tile": view.tile,
            "asks": page.asks,
            "scale": list(theme.SCALE),
            "colors": COLORS,
            "text": words.boxes_words(page.translate),
        },
        payload=payload,
    )


def _shades(level: np.ndarray) -> np.ndarray:
    """A map in 256 steps, from its least to its greatest value."""
    low, high = float(level.min()), float(level.max())
    return np.rint(255 * (level - low) / max(high - low, 1e-12)).astype(np.uint8)


def _rows(found: varifocalnet.AssignmentTrace) -> list[dict[str, Any]]:
    return [
        {
            "stride": float(found.strides[cell]),
            "x": float(found.centres[cell, 0]),
            "y": float(found.centres[cell, 1]),
            "iou": float(iou),
            "atss": cell in found.atss,
            "fcos": cell in found.fcos,
        }
        for cell, iou in zip(found.candidates.tolist(), found.ious, strict=True)
    ]
