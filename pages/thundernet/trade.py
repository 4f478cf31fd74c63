"""The trade that the paper is about: a large backbone with a small head, or the reverse."""

from __future__ import annotations

import streamlit as st

from pages.kit.chart import chart
from pages.kit.ending import Shown
from pages.kit.loaders import Job, find_job, start_job, watch_job
from pages.kit.page import Page
from pages.thundernet import words
from pages.thundernet.state import View
from vizcore import thundernet
from vizcore.figures import thundernet as figures
from vizcore.thundernet import script as scripts

DESIGNS = (
    thundernet.Design("snet535"),
    thundernet.Design("snet146"),
    thundernet.Design("snet146", compressed=False),
    thundernet.Design("snet49"),
    thundernet.Design("snet49", compressed=False, position_sensitive=False),
)
"""From the largest backbone with the lightest head to the smallest with the heaviest."""


def show(page: Page, view: View) -> Shown:
    """Measures the designs in the background, and draws what each block takes."""
    _ = page.translate
    job = find_job(page, "trade")
    busy = job is not None and not job.done.is_set()
    progress = _("Each block of five detectors runs three times.")

    def work(job: Job) -> tuple[thundernet.Budget, ...]:
        return thundernet.measure_budgets(DESIGNS, report=lambda share: job.report(share, progress))

    page.button(
        "measure",
        _("Measure the times on this machine"),
        icon=":material/timer:",
        on_click=start_job,
        args=(page, "trade", work),
        disabled=busy,
    )
    watch_job(page, "trade")
    if job is not None and job.error is not None:
        page.explain(job.error)
    done = job is not None and job.result is not None
    budgets = job.result if job is not None and done else tuple(map(thundernet.count_budget, DESIGNS))
    labelled = {_label(page, budget.design): budget for budget in budgets}
    kinds = ("seconds", "multiply_adds") if done else ("multiply_adds",)
    chart(
        page,
        "trade",
        figures.plot_budgets(labelled, kinds=kinds, translate=_),
        alt=_(
            "Share of the backbone in the multiply-adds: {shares}.",
            shares=_(", ").join(
                f"{label} {100 * budget.share('backbone'):.0f} %" for label, budget in labelled.items()
            ),
        ),
    )
    st.caption(
        _(
            "At equal time one can buy a better backbone or a heavier head. The paper’s argument: with a heavy head, "
            "most of the time goes into judging what a weak backbone saw. Which of the two finds more was not measured "
            "here: these backbones are not trained. What CEM and SAM find on one that is stands under “Trained here”."
        )
    )
    return Shown(scripts.write_budget_script(view.design))


def _label(page: Page, design: thundernet.Design) -> str:
    _ = page.translate
    heavy = [
        *([] if design.compressed else [_("plain RPN")]),
        *([] if design.position_sensitive else ["RoIAlign"]),
    ]
    return f"{words.BACKBONES[design.backbone]} · " + (" + ".join(heavy) if heavy else _("light head"))
