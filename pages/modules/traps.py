"""Mistakes that both forms allow, each made on the spot."""

from __future__ import annotations

import streamlit as st

from pages.kit.language import Translate
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.modules.state import View
from vizcore.modules import measure_traps


def show(page: Page, view: View) -> None:
    """The table of traps, folded."""
    _ = page.translate
    words = _trap_words(_)
    with st.expander(_("Traps that both forms share"), icon=":material/warning:"):
        lines = [f"| {_('The mistake')} | {_('What comes of it, measured just now')} |", "|:--|:--|"]
        for trap in compute(measure_traps, seed=view.seed):
            mistake, outcome = words[trap.name]
            mistaken = trap.mistaken if isinstance(trap.mistaken, str) else f"{trap.mistaken:.4g}"
            lines.append(f"| {mistake} | {outcome.format(mistaken=mistaken, intended=f'{trap.intended:.4g}')} |")
        st.markdown("\n".join(lines))


def _trap_words(_: Translate) -> dict[str, tuple[str, str]]:
    """The mistake, and what comes of it with places for what was measured."""
    return {
        "parameter_list": (
            _("Weights in a Python list"),
            _("parameters() finds {mistaken} numbers in a list and {intended} in an nn.ParameterList."),
        ),
        "eval_keeps_gradients": (
            _("eval() in place of no_grad()"),
            _(
                "In eval() backward() gave a gradient of length {mistaken};"
                " under torch.no_grad() {intended} results are recorded."
            ),
        ),
        "forgotten_zero_grad": (
            _("No zero_grad() between two backward()"),
            _("The same gradient twice has length {mistaken}; once, {intended}."),
        ),
        "softmax_before_loss": (
            _("A softmax before the cross entropy"),
            _("The loss becomes {mistaken}; of the logits themselves it is {intended}."),
        ),
        "broadcast_loss": (
            _("[N, 1] against [N] in a loss"),
            _("Broadcasting compares all pairs: {mistaken}; of equal shapes it is {intended}."),
        ),
        "batch_of_one": (
            _("A batch of one sample in train()"),
            _("Batch normalization answers “{mistaken}”; in eval() the output has length {intended}."),
        ),
    }
