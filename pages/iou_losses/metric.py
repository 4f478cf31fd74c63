"""Is the loss a metric? Five properties, searched for their worst counterexample."""

from __future__ import annotations

import streamlit as st

from pages.iou_losses import state
from pages.iou_losses.playground import place_boxes
from pages.iou_losses.state import View
from pages.kit.chart import chart
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore import iou_losses
from vizcore.figures import iou_losses as figures
from vizcore.iou_losses import KINDS, PROPERTIES, MetricCheck


def show(page: Page, view: View) -> None:
    """Draws the table of properties; a cell's worst case goes onto the stage."""
    _ = page.translate
    st.markdown(
        _(
            "Is the loss a distance between boxes? Each cell is a search for the worst counterexample among random "
            "boxes, refined step by step. ✓ means that none was found, which is no proof. **Click a cell** to put its "
            "worst case on the stage."
        )
    )
    checks = [compute(iou_losses.search_counterexample, kind, name) for kind in KINDS for name in PROPERTIES]
    broken = [check for check in checks if not check.holds]
    click = chart(
        page,
        "metric",
        figures.plot_metric_checks(checks, translate=_),
        alt=_(
            "Broken properties: {broken}.",
            broken="; ".join(f"{figures.TITLES[check.kind]}: {_(PROPERTIES[check.property])}" for check in broken),
        ),
        clickable=True,
    )
    columns = st.columns([1, 2, 1], vertical_alignment="bottom")
    with columns[0]:
        page.select(state.METRIC_KIND, _("Loss"), figures.TITLES)
    with columns[1]:
        page.select(state.PROPERTY, _("Property"), {name: _(words) for name, words in PROPERTIES.items()})
    chosen = next(check for check in checks if (check.kind, check.property) == (view.metric_kind, view.metric_property))
    with columns[2]:
        pressed = page.button("worst", _("Show the worst case"), icon=":material/visibility:")
    st.markdown(
        _(
            "Worst case of {tried} tried: values {values}; the property is broken by {violation}.",
            tried=f"{chosen.num_tried:,}",
            values=", ".join(f"{number:.4f}" for number in chosen.values),
            violation=f"{max(0.0, chosen.violation):.4f}",
        )
    )
    if click is not None and page.is_pressed("metric", click.get("count")):
        cell = (str(click.get("y")), str(click.get("x")))
        chosen = next((check for check in checks if _cell(page, check) == cell), chosen)
        pressed = True
        page.keep_for_next_run(metric_kind=chosen.kind, property=chosen.property)
    if pressed:
        rows = figures.centered(chosen.boxes, view.size).tolist()
        # A triangle's A and C are the pair whose distance is in question; B, the detour, stands between them.
        place_boxes(page, [rows[0], rows[-1]], rows[1:2] if len(rows) == 3 else [])


def _cell(page: Page, check: MetricCheck) -> tuple[str, str]:
    """Row and column of a check, as the chart reports a click."""
    return figures.TITLES[check.kind], figures.short_name(check.property, translate=page.translate)
