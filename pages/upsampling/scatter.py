"""The stepper over a transposed convolution, read as stamps that add up or as zeros put in and a convolution."""

from __future__ import annotations

import streamlit as st

from pages.kit.live import live, said
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.stepper import step_from, step_spec
from pages.upsampling import layer, state, words
from pages.upsampling.state import View
from vizcore import upsampling
from vizcore.figures.theme import SCALE


def show(page: Page, view: View) -> None:
    """Draws the choice of a reading and of a kernel, and the stepper."""
    _ = page.translate
    columns = st.columns([2, 1, 1], vertical_alignment="bottom") if page.step is None else [st.container()] * 3
    with columns[0]:
        readings = {"scatter": _("stamps that add up"), "convolution": _("zeros put in, then a convolution")}
        page.select(state.READING, _("Read it as"), readings, few=True)
    with columns[1]:
        layer.show_kernel(page, view)
    with columns[2]:
        page.number(state.SEED, _("Seed"))
    grid = compute(upsampling.preset_grid, "ramp", view.in_size)
    trace = compute(upsampling.trace_scatter, grid, **view.transposed)
    _show_steps(page, view, trace)
    if page.shows("difference"):
        difference = f"{trace.difference:.1e}" if trace.difference else "0"
        words = _(
            "Both readings give the same {count} numbers; the largest difference here is {difference}.",
            count=trace.output.size,
            difference=difference,
        )
        st.caption(words)


def _show_steps(page: Page, view: View, trace: upsampling.ScatterTrace) -> None:
    num_steps = (trace.input if view.reading == "scatter" else trace.output).size + 1
    start = min(view.step, num_steps - 1)
    numbers = ".".join(map(str, view.layer.values()))
    version = f"{view.reading}.{view.in_size}.{view.weight}.{numbers}.{page.version('step')}"
    key = page.key("scatter")
    heard = said(key)
    page.store(state.STEP, step_from(heard, num_steps, start=start, version=version))
    live(
        "upsampling/scatter",
        key=key,
        data={
            "reading": view.reading,
            "hidden": page.asks,
            "stepper": step_spec(num_steps, start=start, version=version, state=heard),
            "scale": list(SCALE),
            "colors": layer.COLORS,
            "presenter": page.presenting,
            "layer": view.layer,
            "text": words.scatter_words(page.translate),
        },
        payload=upsampling.pack_scatter(trace),
    )
