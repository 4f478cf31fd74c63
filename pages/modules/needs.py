"""Which form for what, each line with what was measured for it."""

from __future__ import annotations

import streamlit as st

from pages.kit.language import Translate
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.modules.state import View
from pages.modules.words import unbroken
from vizcore.modules import Recommendation, measure_recommendations


def show(page: Page, view: View) -> None:
    """The table of needs."""
    _ = page.translate
    st.subheader(_("Which for what"), anchor=False)
    words = _need_words(_)
    choices = {"module": "`nn`", "functional": "`F`", "either": unbroken(_("either"))}
    lines = [f"| {_('You need')} | {_('Take')} | {_('Because, measured just now')} |", "|:--|:--|:--|"]
    for line in compute(measure_recommendations, seed=view.seed):
        need, reason = words[line.need]
        lines.append(f"| {need} | {choices[line.choose]} | {reason.format(**_values(line))} |")
    st.markdown("\n".join(lines))


def _values(line: Recommendation) -> dict[str, str]:
    sides = {"module": line.module, "functional": line.functional}
    return {side: value if isinstance(value, str) else f"{value:.3g}" for side, value in sides.items()}


def _need_words(_: Translate) -> dict[str, tuple[str, str]]:
    """The need, and the reason with places for what was measured."""
    return {
        "weighted_layer": (
            _("A layer with weights"),
            _(
                "parameters() yields {module} numbers; with plain tensors it yields {functional},"
                " and no optimizer learns them."
            ),
        ),
        "dropout": (
            _("Dropout"),
            _(
                "Twenty passes in eval() give {module} result with nn.Dropout"
                " and {functional} with F.dropout left to its default."
            ),
        ),
        "batch_norm": (
            _("Batch normalization"),
            _("state_dict() saves {module} running values of the module and {functional} that are plain tensors."),
        ),
        "in_sequential": (_("A step inside nn.Sequential"), _("A function there is answered by “{functional}”.")),
        "inspect": (
            _("A layer you want to watch"),
            _("Hooks fire in {module} places in the module and in {functional} in the functional network."),
        ),
        "computed_weight": (
            _("A weight that another network computes"),
            _(
                "nn.Linear answers “{module}”; with F.linear a gradient of length {functional} reaches the other "
                "network."
            ),
        ),
        "tied_weight": (
            _("One weight used twice, once transposed"),
            _("Two nn.Linear learn {module} numbers; F.linear with the transposed weight needs {functional}."),
        ),
        "activation": (
            _("An activation, pooling or reshaping"),
            _("It keeps {module} numbers, and the two results differ by {functional}."),
        ),
        "loss": (_("A loss"), _("The two cross entropies differ by {module}.")),
    }
