"""One object through three resolutions: where it teaches, and where it is ignored."""

from __future__ import annotations

import streamlit as st

from pages.kit.chart import chart, table
from pages.kit.ending import Shown
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.stage import stage
from pages.scale import state, words
from pages.scale.state import View
from vizcore.data.scenes import SCENE_SIZE
from vizcore.figures import scale as figures
from vizcore.scale import assigned_anchors
from vizcore.scale import script as scripts


def show(page: Page, view: View) -> Shown:
    """Draws the ranges' controls, the box on a scene, and the box at each resolution."""
    _ = page.translate
    draw_ranges(page)
    left, right = st.columns([1, 1.25], gap="medium")
    with left:
        stage(
            page.key("object"),
            **state.object_stage(page, view.box),
            photo=view.drawn.pixels,
            min_size=1,
            title=_("A box to drag over the scene"),
            presenter=page.presenting,
        )
    with right:
        # Who teaches is what the second step explains, and asks.
        known = not page.asks and (page.step is None or page.step.name != "resolutions")
        levels = view.levels
        chart(
            page,
            "levels",
            figures.plot_object(levels, known=known, translate=_),
            alt=words.levels_sentence(_, levels) if known else _("The box at three resolutions."),
            exports=page.step is None,
        )
        if known:
            st.caption(words.levels_sentence(_, levels))
    if page.shows("rest"):
        words.show_notes(page, view.ranges)
        _show_anchors(page, view)
    return Shown(scripts.write_object_script(view.box, (SCENE_SIZE, SCENE_SIZE), view.ranges, view.bounds))


def draw_ranges(page: Page) -> None:
    """The ends of the valid ranges."""
    _ = page.translate
    columns = st.columns(5, vertical_alignment="bottom") if page.step is None else [st.container()] * 5
    with columns[0]:
        page.slider(state.HIGH_TO, _("High: up to (px)"))
    with columns[1]:
        page.slider(state.MIDDLE_FROM, _("Middle: from (px)"))
    with columns[2]:
        page.slider(state.MIDDLE_TO, _("Middle: up to (px)"))
    with columns[3]:
        page.slider(state.LOW_FROM, _("Low: from (px)"))
    with columns[4]:
        page.select(
            state.BOUNDS,
            _("Ends of the ranges"),
            {"closed": _("belong to the range (paper)"), "half_open": _("half open (code)")},
        )


def _show_anchors(page: Page, view: View) -> None:
    """What the anchors of a single map learn at each resolution."""
    _ = page.translate
    rows = []
    for level in view.levels:
        found = compute(assigned_anchors, level.box, level.size, valid=level.valid)
        rows.append(
            {
                _("Resolution"): _(figures.RESOLUTION_NAMES[level.resolution.name]),
                _("Best IoU with an anchor"): round(float(found.best_iou[0]), 3),
                _("Anchors that learn the box"): int((found.labels == 1).sum()),
                _("Left out because it is not valid"): int((found.labels == -2).sum()),
            }
        )
    table(rows)
    st.caption(
        _(
            "One map of stride 16 with 15 anchors a cell. An object that is not valid takes all anchors with it that "
            "overlap it by more than 0.3: it is neither learned nor learned as background."
        )
    )
