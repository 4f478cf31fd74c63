"""What the loss asks of each query once the matching is made, and what each part of it comes to."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.detr import network, state, words
from pages.detr.state import View
from pages.kit.chart import table
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore import detr


def rows(view: View, summary: detr.MatchingSummary) -> list[dict[str, Any]]:
    """The numbers of the page, a row for each query."""
    names = "class_part", "bbox_part", "giou_part"
    partner = {
        int(query): int(target) for query, target in zip(summary.trace.queries, summary.trace.targets, strict=True)
    }
    found = []
    for query in range(len(view.queries)):
        target = partner.get(query)
        found.append(
            {
                "query": query,
                "object": "" if target is None else state.letter(target),
                **{name: None if target is None else float(getattr(summary, name)[query, target]) for name in names},
                "iou": None if target is None else float(summary.iou[query, target]),
                "probability": float(summary.probabilities[query, summary.wanted[query]]),
                "minus_log_probability": float(summary.surprise[query]),
                "weight": float(summary.loss_weights[query]),
            }
        )
    return found


def show(page: Page, view: View, summary: detr.MatchingSummary) -> None:
    """Draws the loss, query by query."""
    _ = page.translate
    if page.step is None:
        st.subheader(_("What the loss then asks for"), anchor=False)
        page.lesson("loss")
    classes = words.class_names(_)
    if not view.queries:
        return
    table(
        [
            {
                _("query"): str(row["query"]),
                _("is asked to be"): classes[int(summary.wanted[row["query"]])]
                + (f" ({row['object']})" if row["object"] else ""),
                _("says it with p"): f"{row['probability']:.3f}",
                "−log p": f"{row['minus_log_probability']:.3f}",
                _("weight"): f"{row['weight']:g}",
                "IoU": "" if row["iou"] is None else f"{row['iou']:.3f}",
            }
            for row in rows(view, summary)
        ]
    )
    losses = summary.losses
    st.markdown(
        _(
            "Class loss (weighted mean) **{classes}** + L1 loss × 5 **{bbox}** + GIoU loss × 2 **{giou}** = "
            "**{total}**",
            classes=f"{losses['class']:.3f}",
            bbox=f"{losses['bbox']:.3f}",
            giou=f"{losses['giou']:.3f}",
            total=f"{sum(losses.values()):.3f}",
        )
    )


def show_class_costs(page: Page) -> None:
    """Draws what was measured of the two ways to count the class in the cost, on the training of our network."""
    _ = page.translate
    found = compute(_class_costs)
    say = lambda value: f"{value:.2f}"  # noqa: E731
    with st.expander(_("Why p in the cost and −log p in the loss, measured")):
        page.lesson("class_costs")
        table(
            [
                {
                    _("steps"): f"{step:,}",
                    _("span of −p"): say(found.spread[number]),
                    _("span of −log p"): say(found.log_spread[number]),
                    _("span of L1 and GIoU"): say(found.place_spread[number]),
                    _("other query with −log p"): f"{found.changed[number]} / {found.num_objects}",
                    _("IoU of the pairs, −p"): f"{found.best[number]:.3f}",
                    _("IoU of the pairs, −log p"): f"{found.log_best[number]:.3f}",
                }
                for number, step in enumerate(found.steps.tolist())
            ]
        )
        last = {"before": say(found.spread[-1]), "after": say(found.log_spread[-1])}
        st.caption(
            _(
                "Measured on the {objects} objects of {scenes} scenes, with the weights 1, 5 and 2. Spans: from the "
                "5th to the 95th percentile of all pairs, in the units of the cost. At the last time shown the span "
                "of the class grows from {before} to {after} with −log p, and {changed} objects get another query.",
                objects=found.num_objects,
                scenes=len(compute(detr.load_strip, folder=network.FOLDER).scenes),
                changed=int(found.changed[-1]),
                **last,
            )
        )


def _class_costs() -> detr.ClassCosts:
    return detr.compare_class_costs(detr.load_strip(folder=network.FOLDER))
