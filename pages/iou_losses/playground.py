"""The stage: two boxes under the learner's hand, what the losses say of them, and the controls above."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.iou_losses import race, state, words
from pages.iou_losses.state import View
from pages.kit import pictures
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.stage import stage
from vizcore import iou_losses
from vizcore.boxes import BoxError, check_box
from vizcore.figures import iou_losses as figures
from vizcore.figures import theme
from vizcore.iou_losses import KINDS, LOSSES, LossSettings, javascript

# A preset sets the boxes and nothing else: which losses are shown is the reader's choice.
PRESETS = {
    "disjoint": [[30, 40, 100, 100], [190, 130, 280, 200]],
    "nested": [[140, 100, 190, 140], [80, 50, 260, 200]],
    "same_center": [[100, 100, 220, 140], [130, 70, 190, 170]],
    "tiny": [[150, 110, 158, 118], [151, 111, 159, 119]],
    "degenerate": [[60, 120, 180, 120], [120, 80, 220, 170]],
}
_AGAIN = {
    "boxes": state.BOXES_AT_FIRST,
    "kinds": list(state.KINDS_AT_FIRST),
    "show": list(state.LAYERS_AT_FIRST),
    "via": [],
}
_COLORS = {
    "intersection": theme.INTERSECTION,
    "error": theme.ERROR,
    "prediction": theme.PREDICTION,
    "target": theme.TARGET,
}
# The numbers above the losses, and the layer of the stage that a lesson shows them with.
_NUMBERS = {
    "iou": "",
    "intersection": "intersection",
    "union": "union",
    "enclosing_area": "enclosing",
    "distance": "distance",
    "diagonal": "distance",
}


def show(page: Page, view: View) -> None:
    """Draws the controls and the stage."""
    _show_controls(page, view)
    traced = race.trace(view)
    photo = view.photo
    stage(
        state.stage_key(page),
        **state.arrangement(page, (view.box, view.target), () if view.via is None else (view.via,), view.size),
        photo=None if photo is None else photo.pixels,
        grid=40 if photo is None else None,
        snap=1 if view.snap else 0,
        min_size=0,
        title=page.translate("Two boxes: the prediction and its target"),
        presenter=page.presenting,
        component="iou_losses/playground",
        extra={
            "losses": _list_losses(view.kinds),
            "show": list(view.show),
            "colors": _COLORS,
            "text": words.component_words(page.translate),
            "stepper": race.spec(page, view, traced),
            "panel": page.shows("panel"),
            "parts": [name for name, layer in _NUMBERS.items() if page.step is None or layer in ("", *view.show)],
            "asks": page.asks,
        },
        payload=iou_losses.pack_playground(_compile(view.settings), traced),
    )


def compare(view: View) -> iou_losses.LossComparison:
    """What every loss says of the two boxes, shown or not."""
    comparison: iou_losses.LossComparison = compute(
        iou_losses.compare_losses, KINDS, view.box, view.target, settings=view.settings
    )
    return comparison


def place_boxes(page: Page, boxes: Sequence[Sequence[float]], via: Sequence[Sequence[float]] = ()) -> None:
    """Shows other boxes, at once."""
    page.keep_for_next_run(boxes=[list(box) for box in boxes], via=[list(box) for box in via])
    st.rerun()


def show_program(page: Page, view: View) -> None:
    """What the browser runs for the first of the losses shown."""
    _ = page.translate
    with st.expander(_("The program your browser runs"), icon=":material/javascript:"):
        st.caption(_("Compiled from the torch functions, with their gradients; nothing here was written by hand."))
        kind = view.kinds[0] if view.kinds else "iou"
        source = compute(javascript.compile_loss, kind, **javascript.listened(kind, view.settings))
        st.code(source, language="javascript", height=300)


def _compile(settings: LossSettings) -> str:
    """All losses as one JavaScript module; what did not change comes from the cache."""
    parts = [compute(javascript.compile_loss, kind, **javascript.listened(kind, settings)) for kind in KINDS]
    return "\n".join([compute(javascript.compile_geometry, eps=settings.eps, power=settings.power), *parts])


def _list_losses(shown: Sequence[str]) -> list[dict[str, Any]]:
    """The losses as the browser lists them."""
    return [
        {
            "kind": info.kind,
            "title": info.title,
            "source": f"{info.source}, arXiv {info.arxiv}",
            "symbols": info.symbols,
            "formula": info.formula,
            "color": figures.style_of(info.kind)[0],
            "dash": figures.style_of(info.kind)[1],
            "reasons": list(iou_losses.reasons_for(info.kind)),
            "on": info.kind in shown,
        }
        for info in LOSSES
    ]


def _show_controls(page: Page, view: View) -> None:
    _ = page.translate
    losses, options = st.columns([1.5, 1], vertical_alignment="bottom", gap="small")
    with losses:
        page.select_several(state.SHOWN_KINDS, _("Losses"), figures.TITLES)
    layers = {
        "intersection": _("overlap I"),
        "union": _("union U"),
        "enclosing": _("enclosing C"),
        "distance": _("centers ρ, c"),
        "aspect": _("aspect w/h"),
        "edges": _("edge arrows"),
        "corners": _("corner arrows"),
    }
    page.select_several(state.SHOW, _("On the stage"), layers, label_visibility="collapsed")
    names = {
        "disjoint": _("Disjoint"),
        "nested": _("Nested"),
        "same_center": _("Same center"),
        "tiny": _("Tiny"),
        "degenerate": _("No height"),
    }
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, placed in PRESETS.items():
            page.button(f"preset_{name}", names[name], on_click=page.set, kwargs={"boxes": placed, "via": []})
        page.button(
            "start_again", _("Start again"), on_click=page.set, kwargs=dict(_AGAIN), icon=":material/restart_alt:"
        )
    with options, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        with page.popover(_("Coordinates")):
            _show_coordinates(page)
        with page.popover(_("Conventions")):
            _show_conventions(page)
        with page.popover(_("Background")):
            page.select(state.BACKGROUND, _("Behind the boxes"), {"grid": _("grid"), "photo": _("photo")}, few=True)
            page.toggle(state.SNAP, _("Snap to whole pixels"))
            if view.photo is not None:
                pictures.pick_photo(page, state.PHOTO, camera=False)


def _show_coordinates(page: Page) -> None:
    _ = page.translate
    for parameter, label in zip(state.TYPED, (_("Prediction x1, y1, x2, y2"), _("Target x1, y1, x2, y2")), strict=True):
        page.text(parameter, label, linked=False)
    page.button("typed_place", _("Place the boxes"), on_click=_place_typed, args=(page,))
    if (error := page.recall("typed_error")) is not None:
        page.explain(error)


def _place_typed(page: Page) -> None:
    """Puts the typed coordinates on the stage, or remembers why they cannot be."""
    texts = [page.value(parameter).replace("，", ",") for parameter in state.TYPED]
    try:
        typed = [list(check_box(text.split(","), size=state.GRID_SIZE).box) for text in texts]
    except BoxError as error:
        page.remember("typed_error", error)
        return
    page.remember("typed_error", None)
    page.set(boxes=typed, via=[])


def _show_conventions(page: Page) -> None:
    _ = page.translate
    page.select(state.EPS, _("ε beside denominators"), {"0": "0", "1e-7": "1e-7 (torchvision)", "1e-3": "1e-3"})
    page.toggle(state.ALPHA_GRADIENT, _("CIoU: differentiate through α"))
    page.toggle(state.ALPHA_GATE, _("CIoU: α = 0 where IoU < 0.5"))
    page.slider(state.POWER, _("α-IoU: the power α"))
    page.slider(state.BETA, _("Smooth L1: β in pixels"))
    if page.step is None:
        st.caption(_("Defaults are torchvision’s: ε = 1e-7, α held constant when differentiating, no gate."))
