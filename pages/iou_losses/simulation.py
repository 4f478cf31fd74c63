"""The DIoU paper's simulation: stored in full, run in small, with either gradient; and the myth that rests on it."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from pages.iou_losses import state
from pages.iou_losses.state import View
from pages.kit.chart import chart
from pages.kit.loaders import Job, compute, find_job, start_job, watch_job
from pages.kit.myths import show_myth
from pages.kit.page import Page
from vizcore import iou_losses
from vizcore.figures import iou_losses as figures


def show(page: Page, view: View) -> None:
    """Draws the simulation and the myth."""
    _ = page.translate
    columns = st.columns([1.4, 1, 1.6], vertical_alignment="bottom")
    with columns[0]:
        page.select(
            state.GRADIENT,
            _("Gradient"),
            {"exact": _("exact (autograd)"), "official": _("published scripts’ derivative")},
            few=True,
        )
    with columns[1]:
        page.slider(state.NUM_CENTERS, _("Centers, 343 anchors each"))
    with columns[2]:
        run = page.button(
            "run", _("Run {count} anchors now", count=f"{343 * view.num_centers:,}"), icon=":material/play_arrow:"
        )
    if run:
        _start(page, view)
    watch_job(page, "simulation")
    simulation = _find(page, view)
    ends = ", ".join(
        f"{figures.TITLES[kind]} {100 * share[-1]:.1f} %"
        for kind, share in zip(simulation.kinds, simulation.share_above_half, strict=True)
    )
    chart(
        page,
        "simulation",
        figures.plot_simulation(simulation, translate=_),
        alt=_("Share of anchors above IoU 0.5 after 200 steps: {ends}.", ends=ends),
    )
    chart(
        page,
        "final_error",
        figures.plot_final_error(simulation, translate=_),
        alt=_("Final error by the center from which the anchors started, one panel for each loss."),
    )
    _show_myth(page)


def load_stored(gradient: str) -> iou_losses.RegressionSimulation:
    """The stored run of the paper's size."""
    return iou_losses.load_simulation(iou_losses.simulation_path(gradient))


def _start(page: Page, view: View) -> None:
    words = page.translate("Descending under four losses…")

    def work(job: Job) -> iou_losses.RegressionSimulation:
        return iou_losses.simulate_regression(
            view.num_centers, gradient=view.gradient, on_progress=lambda share: job.report(share, words)
        )

    start_job(page, "simulation", work)


def _find(page: Page, view: View) -> iou_losses.RegressionSimulation:
    """The reader's own run if there is one with this gradient, else the stored one; says which."""
    _ = page.translate
    job = find_job(page, "simulation")
    if job is not None and job.result is not None and job.result.gradient == view.gradient:
        own: iou_losses.RegressionSimulation = job.result
        st.caption(_("Your run just now: {count} anchors, seed {seed}.", count=f"{own.num_boxes:,}", seed=own.seed))
        return own
    stored: iou_losses.RegressionSimulation = compute(load_stored, view.gradient)
    st.caption(
        _(
            "Stored run in full: {count} anchors, seed {seed}. Run it yourself: {command}",
            count=f"{stored.num_boxes:,}",
            seed=stored.seed,
            command=f"`python -m vizcore.iou_losses --gradient {view.gradient}`",
        )
    )
    return stored


def _show_myth(page: Page) -> None:
    """DIoU against GIoU, with the published derivative and with the exact gradient."""
    _ = page.translate
    runs = [compute(load_stored, gradient) for gradient in ("official", "exact")]
    enclosing = compute(iou_losses.simulate_regression, 10, starts="enclosing")

    def say(values: Iterable[float]) -> str:
        return ", ".join(
            f"{figures.TITLES[kind]} {number:.0f}" for kind, number in zip(runs[0].kinds, values, strict=True)
        )

    def evidence() -> None:
        chart(
            page,
            "myth",
            figures.plot_disjoint_errors(runs, translate=_),
            alt=_(
                "Summed error of disjoint starts. Published derivative: {official}. Exact gradient: {exact}.",
                official=say(runs[0].disjoint_summed_error),
                exact=say(runs[1].disjoint_summed_error),
            ),
        )

    show_myth(
        page,
        claim=_("From disjoint boxes, DIoU and CIoU converge much faster than GIoU."),
        verdict="holds_if",
        because=_(
            "It holds **if** one descends along the derivative written by hand in the published scripts: mean summed "
            "error over {count} disjoint starts {official}. With the exact gradient of the same losses the order turns "
            "round: {exact}. Where the boxes are apart, the scripts subtract the product of two overlaps of which one "
            "or both are negative, and they give width and height twice their share. What holds with exact gradients: "
            "IoU alone never moves a disjoint box, and DIoU helps where the prediction **encloses** its target (our "
            "{enclosing_count} such starts: {enclosing}).",
            count=f"{runs[0].num_disjoint:,}",
            official=say(runs[0].disjoint_summed_error),
            exact=say(runs[1].disjoint_summed_error),
            enclosing_count=f"{enclosing.num_boxes:,}",
            enclosing=say(enclosing.summed_error),
        ),
        evidence=evidence,
        source=_(
            "Zheng et al. 2020, arXiv 1911.08287, simulation experiment; scripts of Zzh-tju/DIoU at commit be00841."
        ),
    )
