"""The options of every operator: their controls, and the values that the operators are called with."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import streamlit as st

from pages.kit.page import Page
from pages.upsampling import layer, state
from pages.upsampling.state import View


def of(view: View) -> dict[str, dict[str, Any]]:
    """What each operator is called with, named as :func:`vizcore.upsampling.trace_upsampling` names it."""
    size = {"scale_factor": view.scale_factor} if view.target == "scale_factor" else {"size": view.out_size}
    smooth = {**size, "align_corners": view.align_corners, "antialias": view.antialias}
    factor = view.upscale_factor
    return {
        **{name: size for name in ("nearest", "nearest_exact", "area")},
        "bilinear": smooth,
        "bicubic": smooth,
        "conv_transpose": view.transposed,
        "pixel_shuffle": {"upscale_factor": factor},
        "pixel_unshuffle": {"downscale_factor": factor},
        "subpixel_conv": {
            "upscale_factor": factor,
            "weight": "icnr" if view.icnr else "random",
            "seed": view.seed,
        },
        "max_unpool": {"kernel_size": view.pool},
        "resize_conv": {**size, "weight": "mean"},
        "dilated_conv": {"dilation": view.rate, "weight": "mean"},
    }


def show(page: Page, view: View) -> None:
    """Draws the options, folded."""
    _ = page.translate
    shown = st.expander(_("Options of the operators"), icon=":material/tune:") if page.step is None else nullcontext()
    with shown:
        first = st.columns(5, vertical_alignment="bottom")
        with first[0]:
            page.select(state.TARGET, _("Output given by"), {name: name for name in state.TARGET.options})
        with first[1]:
            if view.target == "scale_factor":
                page.number(state.SCALE_FACTOR, "scale_factor", step=0.5)
            else:
                page.number(state.OUT_SIZE, "size")
        with first[2]:
            page.toggle(state.ALIGN_CORNERS, "align_corners")
        with first[3]:
            page.toggle(state.ANTIALIAS, "antialias")
        with first[4]:
            page.slider(state.UPSCALE_FACTOR, "upscale_factor")
        if page.step is None:
            st.caption(_("Transposed convolution"))
        layer.show_numbers(page, st.columns(5))
        last = st.columns(5, vertical_alignment="bottom")
        with last[0]:
            layer.show_kernel(page, view)
        with last[1]:
            page.slider(state.POOL, _("Pooling window"))
        with last[2]:
            page.slider(state.RATE, _("Dilated: dilation"))
        with last[3]:
            page.toggle(state.ICNR, _("Sub-pixel: ICNR"))
        with last[4]:
            page.number(state.SEED, _("Seed"))
