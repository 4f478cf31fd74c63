"""The trained detector on a scene: from its maps to boxes, step by step, and how far each object is turned."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import streamlit as st

from pages.centernet import network, state, words
from pages.centernet.network import Decoded
from pages.centernet.state import STRIDE, View
from pages.kit.ending import Shown
from pages.kit.live import said
from pages.kit.page import Page
from pages.kit.stage import stage
from pages.kit.stepper import step_from, step_spec
from vizcore import centernet
from vizcore.data.scenes import CLASSES
from vizcore.data.script import write_scene
from vizcore.figures import theme

BEFORE = 3
"""Positions before the first peak: the picture, the heatmap, all peaks."""
COLORS = {"kept": theme.KEPT, "current": theme.CURRENT, "said": theme.PREDICTION}


def show(page: Page, view: View, found: Decoded) -> Shown:
    """Draws the controls and the scene with its steps."""
    _show_controls(page)
    _draw(page, view, found, "decode")
    if page.shows("decode_words"):
        page.lesson("decode")
    return _shown(view, found)


def show_turn(page: Page, view: View, found: Decoded) -> Shown:
    """Draws the scene with a hand on each object that has an angle."""
    _ = page.translate
    columns = st.columns([1, 1.2, 2], vertical_alignment="bottom", gap="small")
    with columns[0]:
        page.number(state.SCENE, _("Scene"))
    with columns[1]:
        page.slider(state.SCORE_THRESHOLD, _("Score threshold"))
    _draw(page, view, found, "turn")
    if page.shows("turn_words"):
        page.lesson("turn")
        degrees = (network.card() or {}).get("degrees")
        if isinstance(degrees, dict):
            listed = _(", ").join(f"{words.class_names()[name]} {error:g}°" for name, error in degrees.items())
            st.markdown(_("Median error at the true centers, over 500 scenes: {list}.", list=listed))
    return _shown(view, found)


def _draw(page: Page, view: View, found: Decoded, mode: str) -> None:
    packed = centernet.pack_decode(found.trace)
    positions = BEFORE + found.shown
    identity = hashlib.blake2b(packed, digest_size=8).hexdigest()
    told = page.is_told("step")
    start = 0 if page.is_new("trace", identity) and not told else view.step
    version = f"{identity}.{page.version('step')}"
    key = page.key("decoded")
    scene = found.scene
    shown = stage(
        key,
        boxes=(),
        size=scene.pixels.shape[:2],
        photo=scene.pixels,
        mode="select",
        version=identity,
        presenter=page.presenting,
        title=page.translate("A drawn scene and what the detector finds on it"),
        component="centernet/decode",
        extra={
            "stepper": step_spec(
                positions, start=start, version=version, state=said(key), most=None if page.revealed else start
            ),
            "mode": mode,
            "shown": found.shown,
            "stride": STRIDE,
            "classes": list(words.class_names().values()),
            "angles": _angles(found) if mode == "turn" else [],
            "scale": list(theme.SCALE),
            "colors": COLORS,
            "text": words.decode_words(page.translate),
        },
        payload=packed,
    )
    if mode == "decode":
        page.store(state.STEP, step_from(shown.said, positions, start=start, version=version))


def _angles(found: Decoded) -> list[dict[str, object]]:
    scene = found.scene
    listed: list[dict[str, object]] = []
    for match in found.matches:
        x1, y1, x2, y2 = (float(side) for side in scene.boxes[match.target])
        listed.append(
            {
                "center": [(x1 + x2) / 2, (y1 + y2) / 2],
                "reach": max(x2 - x1, y2 - y1) / 2,
                "true": match.true,
                "rank": match.rank,
                "said": None if math.isnan(match.angle) else match.angle,
                "error": None if math.isnan(match.error) else match.error,
                "name": words.class_names()[CLASSES[int(scene.labels[match.target])]],
            }
        )
    return listed


def _shown(view: View, found: Decoded) -> Shown:
    script = centernet.write_decode_script(
        write_scene(view.scene), k=view.k, kernel=view.kernel, offsets=view.use_offsets
    )
    return Shown(script, lambda: _rows(found.trace), "grad2box-centernet-decoded")


def _rows(trace: centernet.DecodeTrace) -> list[dict[str, object]]:
    boxes = np.asarray(trace.boxes) * STRIDE
    return [
        {
            "class": CLASSES[int(label)],
            "score": float(score),
            **{name: float(side) for name, side in zip(("x1", "y1", "x2", "y2"), box, strict=True)},
        }
        for label, score, box in zip(trace.labels, trace.scores, boxes, strict=True)
    ]


def _show_controls(page: Page) -> None:
    _ = page.translate
    columns = st.columns([0.8, 1.1, 1.1, 1.1, 1.1], vertical_alignment="bottom", gap="small")
    with columns[0]:
        page.number(state.SCENE, _("Scene"))
    with columns[1]:
        page.select(state.KERNEL, _("Neighborhood of a peak"), {"1": "1 × 1", "3": "3 × 3", "5": "5 × 5"}, few=True)
    with columns[2]:
        page.slider(state.K, _("Peaks read (k)"))
    with columns[3]:
        page.slider(state.SCORE_THRESHOLD, _("Score threshold"))
    with columns[4]:
        page.toggle(state.USE_OFFSETS, _("Offset head"))
