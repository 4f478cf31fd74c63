"""The matching under the hand: boxes on the stage, the cost of every pair, and who gets whom."""

from __future__ import annotations

import hashlib

import streamlit as st

from pages.detr import state, words
from pages.detr.state import View
from pages.kit.live import said
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.stage import stage
from pages.kit.stepper import step_from, step_spec
from vizcore import detr
from vizcore.detr import javascript
from vizcore.figures import theme

COLORS = {
    "kept": theme.KEPT,
    "greedy": theme.CURRENT,
    "query": theme.PREDICTION,
    "target": theme.TARGET,
    "path": theme.INTERSECTION,
    "out": theme.SUPPRESSED,
}
SHADES = 33
SWEPT_TO = {"q0": [304.0, 208.0, 400.0, 304.0]}
"""Where the first step of the lesson takes query 0 by itself: to object B."""


def summarise(view: View) -> detr.MatchingSummary:
    """What is said of the view's queries and objects."""
    summary: detr.MatchingSummary = compute(
        detr.summarise_rows,
        view.queries,
        view.objects,
        side=state.SIDE,
        weights=view.weights,
        iou_threshold=view.iou_threshold,
    )
    return summary


def show(page: Page, view: View, summary: detr.MatchingSummary) -> None:
    """Draws the stage with the matrix beside it."""
    key = state.view_key(page)
    stood = state.arrangement(page, view.queries, view.objects)
    packed = compute(detr.pack_matching, summary.trace)
    positions = summary.trace.num_steps + 1
    identity = hashlib.blake2b(packed, digest_size=8).hexdigest()
    told = page.is_told("step")
    start = 0 if page.is_new("trace", identity) and not told else view.step
    version = f"{identity}.{page.version('step')}"
    heard = said(key)
    shown = stage(
        key,
        **stood,
        grid=64,
        min_size=8,
        title=page.translate("Queries and objects on a picture"),
        presenter=page.presenting,
        component="detr/matching",
        extra={
            "program": compute(javascript.compile_cost),
            "stepper": step_spec(
                positions, start=start, version=version, state=heard, most=None if page.revealed else start
            )
            if view.stepped
            else None,
            "side": state.SIDE,
            "version": stood["version"],
            "percents": [list(row[4:]) for row in view.queries],
            "labels": [int(row[4]) for row in view.objects],
            "letters": [state.letter(index) for index in range(len(view.objects))],
            "symbols": [*state.SYMBOLS, state.NOTHING],
            "weights": list(view.weights),
            "shown": view.shown,
            "beside": list(view.beside),
            "nms": {
                "keep": summary.suppression.keep.tolist(),
                "suppressed": summary.suppression.suppressed.tolist(),
                "unsure": summary.suppression.unsure.tolist(),
            },
            "panels": [name for name in ("matrix", "totals", "query") if page.shows(name)],
            "asks": page.asks,
            "swept": SWEPT_TO if page.step is not None and page.step.plays else None,
            "colors": {**COLORS, "scale": theme.sequential_colors(SHADES)},
            "text": words.component_words(page.translate),
        },
        payload=packed if view.stepped else None,
    )
    if view.stepped:
        page.store(state.STEP, step_from(shown.said, positions, start=start, version=version))


def show_controls(page: Page, view: View) -> None:
    """The controls above the stage."""
    _ = page.translate
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, label in words.preset_names(_).items():
            page.button(f"preset_{name}", label, on_click=page.set, kwargs=_preset(name))
    row = st.columns([1, 1, 1, 0.95, 1.25, 0.95, 0.85], vertical_alignment="bottom", gap="small")
    with row[0]:
        page.slider(state.COST_CLASS, _("Weight of the class"))
    with row[1]:
        page.slider(state.COST_BBOX, _("Weight of L1"))
    with row[2]:
        page.slider(state.COST_GIOU, _("Weight of GIoU"))
    with row[3]:
        page.select(state.SHOWN, _("The matrix shows"), words.part_names(_))
    with row[4]:
        page.select_several(state.BESIDE, _("Beside the optimum"), {"greedy": _("greedy"), "nms": _("NMS")})
    with row[5]:
        page.toggle(state.STEPPED, _("Step by step"))
    with row[6], page.popover(_("More"), icon=":material/tune:", width="stretch"):
        _show_more(page, view)


def _show_more(page: Page, view: View) -> None:
    _ = page.translate
    queries, objects = [list(row) for row in view.queries], [list(row) for row in view.objects]
    page.slider(state.IOU_THRESHOLD, _("IoU threshold of NMS"))
    new_query, new_object = [208, 208, 304, 304, 60, 10, 10], [208, 208, 304, 304, 0]
    for name, label, kwargs, possible in (
        ("add_query", _("Add a query"), {"queries": [*queries, new_query]}, len(queries) < state.MOST),
        ("drop_query", _("Remove the last query"), {"queries": queries[:-1]}, bool(queries)),
        ("add_circle", _("Add an object"), {"objects": [*objects, new_object]}, len(objects) < state.MOST),
        ("turn_object", _("Another class for the last object"), {"objects": _turned(objects)}, bool(objects)),
        ("drop_object", _("Remove the last object"), {"objects": objects[:-1]}, bool(objects)),
    ):
        page.button(name, label, on_click=page.set, kwargs=kwargs, disabled=not possible, width="stretch")


def _turned(objects: list[list[float]]) -> list[list[float]]:
    if not objects:
        return objects
    return [*objects[:-1], [*objects[-1][:4], (int(objects[-1][4]) + 1) % state.NUM_CLASSES]]


def _preset(name: str) -> dict[str, list[list[float]]]:
    queries, objects = detr.preset_rows(name, side=state.SIDE)
    return {"queries": queries, "objects": objects}
