"""The transposed convolution's controls, which several parts share, and the colors of the pieces that show it."""

from __future__ import annotations

from collections.abc import Sequence

from streamlit.delta_generator import DeltaGenerator

from pages.kit.page import Page
from pages.upsampling import state
from pages.upsampling.state import View
from vizcore.figures.theme import CATEGORICAL, CURRENT, PREDICTION

COLORS = {"current": CURRENT, "positive": PREDICTION, "negative": CATEGORICAL[4]}
"""Blue adds, violet takes away; red is for errors."""
NUMBERS = (state.KERNEL_SIZE, state.STRIDE, state.PADDING, state.OUTPUT_PADDING, state.DILATION)


def show_numbers(page: Page, columns: Sequence[DeltaGenerator]) -> None:
    """Kernel size, stride and the rest, a control in each column; they are named as torch names them."""
    for column, parameter in zip(columns, NUMBERS, strict=True):
        with column:
            page.slider(parameter, parameter.name)


def show_kernel(page: Page, view: View) -> None:
    """The choice of a kernel."""
    _ = page.translate
    words = {
        "constant": _("constant"),
        "bilinear": _("bilinear"),
        "random": _("random"),
        state.LEARNED: _("learned, from “Learned, live”"),
    }
    page.select(state.WEIGHT, _("Kernel"), {name: words[name] for name in state.kernels(view.learned)})
