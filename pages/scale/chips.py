"""SNIPER's chips: a greedy cover of the objects that are valid at one resolution."""

from __future__ import annotations

import streamlit as st

from pages.kit.ending import Shown
from pages.kit.page import Page
from pages.kit.stage import StageBox, stage
from pages.scale import state
from pages.scale.state import View
from vizcore import scale
from vizcore.data.scenes import SCENE_SIZE
from vizcore.figures import scale as figures
from vizcore.figures import theme
from vizcore.scale import script as scripts


def show(page: Page, view: View) -> Shown:
    """Draws the scene with the chips chosen so far."""
    _ = page.translate
    columns = st.columns([1, 1.4, 2], vertical_alignment="bottom")
    with columns[0]:
        page.number(state.SCENE, _("Scene"))
    with columns[1]:
        page.select(state.LEVEL, _("Resolution"), {name: _(words) for name, words in figures.RESOLUTION_NAMES.items()})
    with columns[2]:
        page.slider(state.STEP, _("Chips shown"))
    trace = view.chips
    shown = trace.chips[: view.step]
    factor = trace.size[1] / SCENE_SIZE
    boxes = [
        StageBox(
            f"t{place}",
            tuple(float(side) for side in box),
            color=theme.TARGET if taken else theme.SUPPRESSED,
            dash="" if taken else "4 4",
            fill=False,
        )
        for place, (box, taken) in enumerate(zip(view.drawn.boxes, trace.valid, strict=True))
    ]
    boxes += [
        StageBox(
            f"chip{place}",
            tuple(float(side) / factor for side in chip),
            label=str(place + 1),
            color=theme.PREDICTION,
            detail=_("holds {count} objects for the first time", count=int((trace.covered_by == place).sum())),
        )
        for place, chip in enumerate(shown)
    ]
    stage(
        page.key("chips"),
        boxes=boxes,
        size=(SCENE_SIZE, SCENE_SIZE),
        photo=view.drawn.pixels,
        mode="select",
        version=f"{view.scene}.{view.level}",
        title=_("A scene, its valid objects, and chips"),
        presenter=page.presenting,
    )
    if page.revealed:
        st.caption(sentence(page, trace, len(shown)))
    return Shown(scripts.write_chips_script(view.scene, view.ranges, state.NAMES.index(view.level)))


def sentence(page: Page, trace: scale.ChipTrace, shown: int) -> str:
    """What the chips cover, and how many pixels they are."""
    _ = page.translate
    covered = int(((trace.covered_by >= 0) & (trace.covered_by < shown)).sum())
    return _(
        "{shown} of {all} chips of 512 × 512 pixels; {covered} of {valid} valid objects lie in them. All chips "
        "together have {share} % of the pixels of the whole picture at this resolution.",
        shown=shown,
        all=len(trace.chips),
        covered=covered,
        valid=int(trace.valid.sum()),
        share=f"{100 * trace.pixels / trace.whole_pixels:.0f}",
    )
