"""Boxes under the learner's hand, and the heatmap that follows them."""

from __future__ import annotations

import streamlit as st

from pages.centernet import myth, state, words
from pages.centernet.state import View
from pages.kit.ending import Shown
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.stage import stage
from vizcore import centernet
from vizcore.figures import theme
from vizcore.figures.centernet import FORMULA_NAMES

NEW_BOX = [120.0, 88.0, 216.0, 168.0]
# A preset sets the objects and nothing else.
PRESETS = {
    "apart": (state.BOXES_AT_FIRST, state.LABELS_AT_FIRST),
    "close": ([[60, 60, 188, 188], [132, 76, 228, 172]], "AA"),
    "nested": ([[60, 40, 300, 216], [149, 100, 213, 156]], "AA"),
    "neighbours": ([[90, 64, 186, 160], [94, 64, 190, 160]], "AA"),
    "tiny": ([[100, 100, 108, 108], [180, 100, 204, 124], [260, 60, 356, 156]], "AAA"),
}
COLORS = {
    "exact": theme.TARGET,
    "released": theme.ERROR,
    "scale": theme.sequential_colors(33),
    "A": state.COLORS["A"],
    "B": state.COLORS["B"],
}


def trace(view: View) -> centernet.SplatTrace:
    """What the objects put on the maps."""
    found: centernet.SplatTrace = compute(
        centernet.trace_splat,
        view.map_boxes,
        view.classes,
        state.MAP_SIZE,
        len(state.CLASSES),
        **view.radius_rule,
    )
    return found


def show(page: Page, view: View) -> Shown:
    """Draws the controls, the stage and, below it, the claim and the myth."""
    _show_controls(page, view)
    stage(
        state.stage_key(page),
        **state.arrangement(page, view.boxes, view.labels),
        snap=1,
        min_size=state.STRIDE,
        title=page.translate("Objects, and the heatmap that a network should say"),
        presenter=page.presenting,
        component="centernet/splat",
        extra={
            "stride": state.STRIDE,
            "labels": list(view.labels),
            "min_overlap": view.min_overlap,
            "formula": view.formula,
            "show_worst": view.show_worst,
            "formulas": [name for name in centernet.FORMULAS if page.shows(name)],
            "asks": page.asks,
            "colors": COLORS,
            "text": words.splat_words(page.translate),
        },
        payload=compute(centernet.compile_splat).encode(),
    )
    if page.shows("claim"):
        page.lesson("claim")
    if page.shows("myth"):
        myth.show(page, view)
    script = centernet.write_splat_script(
        view.map_boxes, view.classes, state.MAP_SIZE, len(state.CLASSES), **view.radius_rule
    )
    return Shown(script, lambda: _rows(view), "grad2box-centernet")


def _rows(view: View) -> list[dict[str, object]]:
    found = trace(view)
    return [
        {
            "class": view.labels[index],
            "cell_x": int(found.cells[index, 0]),
            "cell_y": int(found.cells[index, 1]),
            "offset_x": float(found.offsets[index, 0]),
            "offset_y": float(found.offsets[index, 1]),
            "radius_exact": found.radii["exact"][index],
            "worst_iou_exact": found.worst["exact"][index].iou,
            "radius_released": found.radii["released"][index],
            "worst_iou_released": found.worst["released"][index].iou,
        }
        for index in range(len(view.boxes))
    ]


def _show_controls(page: Page, view: View) -> None:
    _ = page.translate
    columns = st.columns([1.3, 1.3, 1.2, 1.4], vertical_alignment="bottom", gap="small")
    with columns[0]:
        page.select(state.FORMULA, _("Radius"), {name: _(label) for name, label in FORMULA_NAMES.items()}, few=True)
    with columns[1]:
        page.slider(state.MIN_OVERLAP, _("IoU to be kept"))
    with columns[2]:
        page.toggle(state.SHOW_WORST, _("Show the worst boxes"))
    names = {
        "apart": _("Apart"),
        "close": _("Close together"),
        "nested": _("One inside another"),
        "neighbours": _("Neighboring cells"),
        "tiny": _("Three sizes"),
    }
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, (boxes, labels) in PRESETS.items():
            page.button(f"preset_{name}", names[name], on_click=page.set, kwargs={"boxes": boxes, "labels": labels})
        for letter in state.CLASSES:
            page.button(
                f"add_{letter.lower()}",
                _("Add {letter}", letter=letter),
                icon=":material/add_box:",
                on_click=page.set,
                kwargs={"boxes": [*map(list, view.boxes), NEW_BOX], "labels": view.labels + letter},
                disabled=len(view.boxes) >= state.MOST_BOXES,
            )
        page.button(
            "remove",
            _("Remove the last"),
            on_click=page.set,
            kwargs={"boxes": [list(box) for box in view.boxes[:-1]], "labels": view.labels[:-1]},
            disabled=not view.boxes,
        )
