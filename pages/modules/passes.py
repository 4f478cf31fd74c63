"""Twenty passes of one input: a network that is deterministic gives one dot."""

from __future__ import annotations

import streamlit as st

from pages.kit.chart import chart
from pages.kit.page import Page
from pages.modules import state
from pages.modules.state import View
from vizcore.figures.modules import plot_repeated_passes
from vizcore.modules import NetworkComparison, num_distinct


def show(page: Page, view: View, comparison: NetworkComparison) -> None:
    """Draws the passes of both networks in the chosen mode."""
    _ = page.translate
    modes = {"eval": _("after eval()"), "train": _("after train()")}
    page.select(state.MODE, _("Twenty passes of the same input"), modes, few=True)
    module, functional = (
        num_distinct(report.passes_eval if view.mode == "eval" else report.passes_train)
        for report in (comparison.module, comparison.functional)
    )
    chart(
        page,
        "passes",
        plot_repeated_passes(comparison, mode=view.mode, translate=_),
        alt=_(
            "Twenty passes in {mode}(): nn.Module gives {module} different results, nn.functional gives {functional}.",
            mode=view.mode,
            module=module,
            functional=functional,
        ),
    )
    if view.mode == "eval" and functional > module:
        st.warning(
            _("eval() was called on both, and the right one still drops: F.dropout has training=True by default."),
            icon=":material/warning:",
        )
