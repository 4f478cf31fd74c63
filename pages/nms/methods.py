"""The methods side by side on the same candidates, and what each costs."""

from __future__ import annotations

import streamlit as st

from pages.kit.chart import chart, table
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.ways import link_to
from pages.nms import state
from pages.nms.candidates import Candidates, evaluate, suppress
from pages.nms.state import View
from vizcore import nms
from vizcore.figures import nms as figures

DRAWN_DECAYS = ("hard", "soft_linear", "soft_gaussian")


def show(page: Page, view: View, found: Candidates) -> dict[str, nms.Evaluation]:
    """Draws what each method keeps; returns how each did."""
    _ = page.translate
    methods = {name: _(words) for name, words in figures.METHOD_NAMES.items()}
    targets = found.targets
    st.subheader(_("The same candidates, six methods"), anchor=False)
    traces = {name: suppress(view, found, method=name) for name in methods}
    evaluations = {name: evaluate(view, found, kept) for name, kept in traces.items()}
    with st.columns([1, 2])[0]:
        drawn_score = page.slider(state.DRAWN_SCORE, _("Draw kept boxes from a final score of"))
    chart(
        page,
        "kept",
        figures.plot_kept_sets(traces, evaluations, targets, found.size, shown_score=drawn_score, translate=_),
        alt=_(
            "Kept boxes by method: {counts}.",
            counts=", ".join(f"{methods[name]} {len(kept.keep)}" for name, kept in traces.items()),
        ),
    )
    rows = [
        {
            _("method"): methods[name],
            _("kept"): len(traces[name].keep),
            **(
                {
                    "AP": round(evaluation.ap, 3),
                    "AP50": round(evaluation.ap50, 3),
                    "AP75": round(evaluation.ap75, 3),
                    _("precision"): round(evaluation.precision, 3),
                    _("recall"): round(evaluation.recall, 3),
                    _("objects lost"): len(evaluation.lost),
                }
                if len(targets)
                else {}
            ),
        }
        for name, evaluation in evaluations.items()
    ]
    table(rows)
    link_to(
        page,
        "scale",
        _("Boxes found at several resolutions are joined by Soft-NMS: SNIP, on the page about scale"),
        part="answers",
        tour="0",
    )
    if len(targets):
        st.caption(
            _(
                "{count} true objects. AP by pycocotools over IoU 0.50:0.05:0.95; precision, recall and lost objects "
                "at IoU 0.5, "
                "all kept boxes counted whatever their score."
            ).format(count=len(targets))
        )
        left, right = st.columns(2)
        with left:
            chart(
                page,
                "precision_recall",
                figures.plot_precision_recall(evaluations, translate=_),
                alt=_("Precision over recall at IoU 0.5, a line for each method."),
            )
        with right:
            curves = {
                name: compute(nms.sample_decay, kept.options) for name, kept in traces.items() if name in DRAWN_DECAYS
            }
            chart(
                page,
                "decay",
                figures.plot_decay(curves, translate=_),
                alt=_("The factor on the score falls with the overlap: at once if hard, slowly if soft."),
            )
    else:
        st.caption(_("These candidates have no ground truth, so there is nothing to count them against."))
    return evaluations
