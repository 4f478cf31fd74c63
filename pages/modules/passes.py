"""Twenty passes of one input: a network that is deterministic gives one dot."""

from __future__ import annotations

import streamlit as st

from pages.kit.live import live
from pages.kit.page import Page
from pages.modules import state
from pages.modules.lines import lines_of
from pages.modules.state import View
from pages.modules.words import aspect_words
from vizcore.figures.theme import CATEGORICAL
from vizcore.modules import NetworkComparison, num_distinct


def show(page: Page, view: View, comparison: NetworkComparison) -> None:
    """Draws the passes of both networks in the chosen mode, and in a lesson what its step measures."""
    _ = page.translate
    modes = {"eval": _("after eval()"), "train": _("after train()")}
    page.select(state.MODE, _("Twenty passes of the same input"), modes, few=True)
    reports = (comparison.module, comparison.functional)
    passes = [report.passes_eval if view.mode == "eval" else report.passes_train for report in reports]
    module, functional = (num_distinct(values) for values in passes)
    hidden = page.step is not None and page.step.name == "evaluation" and not page.revealed
    words = aspect_words(_)
    lines = ("", "") if page.step is None else lines_of(view.choice, page.step.name)
    live(
        "modules/passes",
        key=page.key("passes"),
        data={
            "rows": [
                {
                    "title": title,
                    "code": code,
                    "passes": [float(value) for value in values],
                    "words": _("different results: {count}", count=count),
                }
                for title, code, values, count in zip(
                    ("nn.Module", "nn.functional"), lines, passes, (module, functional), strict=True
                )
            ],
            "facts": [
                {"label": words[entry.aspect], "values": [f"{entry.module:.4g}", f"{entry.functional:.4g}"]}
                for entry in comparison.differences
                if page.step is not None and page.shows(entry.aspect)
            ],
            "colors": [CATEGORICAL[0], CATEGORICAL[2]],
            "hidden": hidden,
            "presenter": page.presenting,
            "text": {
                "axis": _("first output for the first input, twenty passes {mode}", mode=modes[view.mode]),
                "hidden": _("The passes are shown once you have answered."),
                "label": ""
                if hidden
                else _(
                    "Twenty passes in {mode}(): nn.Module gives {module} different results, "
                    "nn.functional gives {functional}.",
                    mode=view.mode,
                    module=module,
                    functional=functional,
                ),
            },
        },
    )
    if page.step is None and view.mode == "eval" and functional > module:
        st.caption(
            _("eval() was called on both, and nn.functional still drops: F.dropout has training=True by default.")
        )
