"""The landscape: a loss and its gradient over every place, or every size, of the prediction."""

from __future__ import annotations

import streamlit as st

from pages.iou_losses import state
from pages.iou_losses.playground import compare, place_boxes
from pages.iou_losses.state import View
from pages.kit.chart import chart
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore import iou_losses
from vizcore.boxes import check_box
from vizcore.figures import iou_losses as figures


def show(page: Page, view: View) -> None:
    """Draws the landscape; a click on it places the prediction."""
    _ = page.translate
    places = {"position": _("position of the prediction"), "size": _("size of the prediction")}
    landscape: iou_losses.LossLandscape = compute(
        iou_losses.loss_landscape,
        view.landscape_kind,
        view.box,
        view.target,
        size=view.size,
        over=view.over,
        resolution=61,
        settings=view.settings,
    )
    side, picture = st.columns([1, 2.4], gap="medium")
    with side:
        page.select(state.LANDSCAPE_KIND, _("Loss"), figures.TITLES)
        page.select(state.OVER, _("Over"), places)
        st.markdown(
            _(
                "Click anywhere: the predicted box goes there. ○ prediction, ✕ target; arrows go down the gradient, "
                "and where none stands it is zero."
            )
        )
        if landscape.span is None:
            _explain_nothing(page, view)
        else:
            st.metric(_("Share of the landscape without a gradient"), f"{100 * landscape.flat_share:.0f} %")
    with picture:
        click = chart(
            page,
            "landscape",
            figures.plot_landscape(landscape, translate=_),
            alt=_say(page, landscape, places[view.over]),
            clickable=True,
        )
    if click is not None and page.is_pressed("landscape", click.get("count")):
        wanted = landscape.box_at(float(click["x"]), float(click["y"]))
        place = check_box([round(x) if view.snap else round(x, 2) for x in wanted], size=view.size)
        place_boxes(page, [place.box, view.target])


def _say(page: Page, landscape: iou_losses.LossLandscape, over: str) -> str:
    _ = page.translate
    title = figures.TITLES[landscape.kind]
    if landscape.span is None:
        return _("{loss} loss over the {over}: it is no number anywhere.", loss=title, over=over)
    low, high = landscape.span
    return _(
        "{loss} loss over the {over}: between {low} and {high}; {flat} % of it has no gradient.",
        loss=title,
        over=over,
        low=f"{low:.3f}",
        high=f"{high:.3f}",
        flat=f"{100 * landscape.flat_share:.0f}",
    )


def _explain_nothing(page: Page, view: View) -> None:
    """Why the map is empty."""
    _ = page.translate
    comparison = compare(view)
    reasons = comparison.reasons[comparison.kinds.index(view.landscape_kind)]
    st.info(
        _(
            "This landscape is empty: {loss}’s loss is no number anywhere on it. {reasons}",
            loss=figures.TITLES[view.landscape_kind],
            reasons=" ".join(_(reason) for reason in reasons),
        ),
        icon=":material/block:",
    )
