"""Output sizes: the formula, what output_padding decides, and which layers multiply every size."""

from __future__ import annotations

import streamlit as st

from pages.kit.chart import table
from pages.kit.ending import Shown
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.upsampling import layer, scatter, state
from pages.upsampling.state import View
from vizcore import upsampling
from vizcore.upsampling import script


def show(page: Page, view: View) -> Shown:
    """Draws the formula, a transposed convolution read twice, and two tables."""
    columns = st.columns(6) if page.step is None else [st.container() for _each in range(6)]
    with columns[0]:
        page.slider(state.IN_SIZE, page.translate("Input size"))
    layer.show_numbers(page, columns[1:])
    try:
        formula = compute(upsampling.transposed_size, view.in_size, **view.layer)
    except upsampling.UpsamplingError as error:
        page.explain(error)
        if page.shows("solver"):
            _show_solver(page, view)
        return Shown()
    if page.shows("formula"):
        st.markdown(f"$O$ = {formula.symbols}  \n$O$ = **{formula.numbers}**")
    scatter.show(page, view)
    if page.shows("solver"):
        left, right = st.columns(2, gap="large")
        with left:
            _show_choices(page, view)
        with right:
            _show_solver(page, view)
    grid = compute(upsampling.preset_grid, "ramp", view.in_size).tolist()
    return Shown(script=script.write_grids_script(grid, {"conv_transpose": view.transposed}))


def _show_choices(page: Page, view: View) -> None:
    """Which sizes one output_padding or another brings back."""
    _ = page.translate
    st.markdown(f"**{_('What output_padding decides')}**")
    st.caption(
        _(
            "A convolution with stride {stride} brings {stride} different sizes to {size}. output_padding says "
            "which of them comes back; the extra pixels are computed, they are no zeros stuck on.",
            stride=view.stride,
            size=view.in_size,
        )
    )
    numbers = {name: value for name, value in view.layer.items() if name != "output_padding"}
    choices = compute(upsampling.output_padding_choices, view.in_size, **numbers)
    table(
        [
            {
                "output_padding": choice.output_padding,
                _("Output"): choice.size,
                _("The convolution brings it back to"): choice.convolved_back,
            }
            for choice in choices
        ]
    )


def _show_solver(page: Page, view: View) -> None:
    """Which layers multiply every size."""
    _ = page.translate
    st.markdown(f"**{_('Which layers multiply every size?')}**")
    page.slider(state.FACTOR, _("Factor"))
    layers = compute(upsampling.scaling_layers, view.factor)
    table(
        [
            {
                "kernel_size": found.kernel_size,
                "stride": found.stride,
                "padding": found.padding,
                "output_padding": found.output_padding,
                _("Even overlap"): found.even_overlap,
            }
            for found in layers
        ],
        height=250,
    )
