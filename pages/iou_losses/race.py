"""The race: one descent per loss from where the prediction stands, played on the stage and drawn below it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.iou_losses import state
from pages.iou_losses.state import View
from pages.kit.chart import chart
from pages.kit.live import said
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.stepper import step_spec, step_state
from vizcore import iou_losses
from vizcore.figures import iou_losses as figures


def trace(view: View) -> iou_losses.DescentTrace | None:
    """The race; None where it is not shown, or nobody races."""
    return descend(view) if view.part == "race" and view.kinds else None


def descend(view: View) -> iou_losses.DescentTrace:
    """One descent per loss that is shown, from where the prediction stands."""
    traced: iou_losses.DescentTrace = compute(
        iou_losses.trace_descent, view.kinds, view.box, view.target, settings=view.settings, **view.descent
    )
    return traced


def spec(page: Page, view: View, traced: iou_losses.DescentTrace | None) -> dict[str, Any]:
    """The stepper under the stage; it has one position where nothing is played."""
    steps = iou_losses.race_steps(traced)
    return step_spec(len(steps), version=_version(view), speed=10, state=said(state.stage_key(page)))


def _version(view: View) -> str:
    """Another race begins anew."""
    return f"{hash((view.box, view.target, view.kinds, *view.descent.values(), view.settings))}"


def show(page: Page, view: View) -> None:
    """Draws the controls and the curves."""
    _ = page.translate
    columns = st.columns(5, vertical_alignment="bottom")
    with columns[0]:
        rules = {
            "paper": _("(2 − IoU) × gradient"),
            "gradient": _("plain gradient"),
            "momentum": _("momentum 0.9"),
            "adam": "Adam",
        }
        page.select(state.STEP_RULE, _("Step rule"), rules)
    with columns[1]:
        page.slider(state.LEARNING_RATE, _("Learning rate"))
    with columns[2]:
        schedules = {"paper": _("÷10 at 80 % and 90 %"), "constant": _("constant"), "cosine": _("cosine")}
        page.select(state.SCHEDULE, _("Schedule"), schedules)
    with columns[3]:
        page.slider(state.NUM_STEPS, _("Steps"))
    with columns[4]:
        page.select(state.QUANTITY, _("Curve"), {"error": _("error"), "iou": "IoU", "loss": _("loss")})
    traced = trace(view)
    if traced is None:
        st.info(_("Choose a loss above, and it will race."))
        return
    steps = iou_losses.race_steps(traced)
    position = step_state(state.stage_key(page), len(steps), version=_version(view))
    st.caption(
        _(
            "Play the race under the stage: each loss moves its own box from where the prediction stands. "
            "One unit is {unit} px.",
            unit=f"{traced.unit:.1f}",
        )
    )
    ends = zip(traced.kinds, traced.iou, strict=True)
    chart(
        page,
        "race",
        figures.plot_race(traced, quantity=view.quantity, step=steps[position], translate=_),
        alt=_(
            "Race over {steps} steps. IoU at the end: {ends}.",
            steps=view.num_steps,
            ends=", ".join(f"{figures.TITLES[kind]} {iou[-1]:.2f}" for kind, iou in ends),
        ),
    )
