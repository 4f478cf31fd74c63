"""Every operator on one grid that the reader edits, and which input cells made an output cell."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.kit.ending import Shown
from pages.kit.live import live
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.upsampling import options, state, words
from pages.upsampling.layer import COLORS
from pages.upsampling.state import View
from vizcore import upsampling
from vizcore.figures.theme import SCALE
from vizcore.upsampling import script


def show(page: Page, view: View) -> Shown:
    """Draws presets, grid, operators and their options."""
    _ = page.translate
    _show_presets(page, view)
    names = {name: words.name_of(_, name) for name in upsampling.METHODS}
    page.select_several(state.METHODS, _("Operators"), names)
    given = options.of(view)
    notes = words.operator_notes(_)
    cards, traces = [], {}
    for method in view.methods:
        card = {"name": method, "title": names[method], "note": notes[method]}
        if method in ("pixel_shuffle", "pixel_unshuffle"):
            card["size"] = words.channels_of(_, method, view.size, view.upscale_factor)
        try:
            traces[method] = compute(upsampling.trace_upsampling, method, view.grid, **given[method])
        except upsampling.UpsamplingError as error:
            card["error"] = _(error.template, **error.values)
        cards.append(card)
    _show_cards(page, view, cards, traces)
    options.show(page, view)
    if page.shows("layers"):
        page.lesson("layers", title=_("The vision layers of torch.nn"))
    grid = [list(row) for row in view.grid]
    return Shown(
        script=script.write_grids_script(grid, {method: given[method] for method in traces}),
        rows=lambda: upsampling.output_rows(traces),
        name="upsampling",
    )


def _show_presets(page: Page, view: View) -> None:
    """The grid's size, and grids to begin with."""
    _ = page.translate
    titles = {
        "ramp": _("Ramp"),
        "impulse": _("Impulse"),
        "checker": _("Checker"),
        "digit": _("Digit"),
        "photo": _("Photo"),
    }
    if page.step is not None:
        return
    columns = st.columns([1, 4], vertical_alignment="bottom")
    with columns[0]:
        page.select(state.SIZE, _("Grid"), {value: f"{value}×{value}" for value in state.SIZE.options})
    with columns[1], st.container(horizontal=True):
        for preset in upsampling.PRESETS:
            values = compute(upsampling.preset_grid, preset, view.size).tolist()
            page.button(f"preset_{preset}", titles[preset], on_click=page.set, kwargs={"grid": values})


def _show_cards(page: Page, view: View, cards: list[dict[str, str]], traces: dict[str, Any]) -> None:
    """The grid and the operators' cards, drawn by the browser."""
    live(
        "upsampling/grids",
        key=state.grids_key(page),
        data={
            "cards": cards,
            "hidden": page.asks,
            "alone": page.step is not None,
            "version": state.grid_version(page, view.size),
            "scale": list(SCALE),
            "colors": COLORS,
            "presenter": page.presenting,
            "text": words.grids_words(page.translate),
        },
        payload=upsampling.pack_traces(view.grid, traces),
    )
