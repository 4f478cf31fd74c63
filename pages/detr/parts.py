"""The parts of the page: the matching always, the others where the network that was trained here was shipped."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.detr import attention, layers, losses, matching, network, panoptic, picture, queries, state, training
from pages.detr.state import ModelView, View
from pages.kit.ending import Shown
from pages.kit.loaders import compute
from pages.kit.offers import offer_download
from pages.kit.page import Page
from pages.kit.ways import link_to
from vizcore import detr

Show = Callable[[Page, View], Shown]


def choose(page: Page) -> Show:
    """Draws the choice of the part, where there is one, and returns what shows it."""
    if not network.is_shipped():
        page.value(state.PART, among=("matching",))
        return _show_matching
    _ = page.translate
    listed: dict[str, tuple[str, Show]] = {
        "matching": (_("Matching"), _show_matching),
        "attention": (_("Attention"), _with_network(attention.show)),
        "queries": (_("Queries"), _with_network(queries.show)),
        "layers": (_("Layer by layer"), _with_network(layers.show)),
        "panoptic": (_("Masks"), _with_network(panoptic.show, uses_paper=False)),
        "training": (_("Training"), _with_network(training.show, uses_paper=False)),
    }
    if not network.has_masks():
        del listed["panoptic"]
    page.value(state.PART, among=tuple(listed))
    return page.part(listed, state.PART)


def _show_matching(page: Page, view: View) -> Shown:
    matching.show_controls(page, view)
    summary = matching.summarise(view)
    matching.show(page, view, summary)
    if page.shows("loss"):
        losses.show(page, view, summary)
    if page.shows("class_costs") and network.is_shipped():
        losses.show_class_costs(page)
    return Shown(
        compute(detr.write_rows_script, view.queries, view.objects, side=state.SIDE, weights=view.weights),
        rows=lambda: losses.rows(view, summary),
        name="grad2box-detr",
    )


def _with_network(show: Callable[[Page, ModelView], Shown], *, uses_paper: bool = True) -> Show:
    def shown(page: Page, _view: View) -> Shown:
        view = state.read_model(page)
        if uses_paper and view.network == network.PAPER:
            return _show_paper(page, view, show)
        left = show(page, view)
        made, planned = network.progress()
        if made < planned:
            st.info(
                page.translate(
                    "This network has not been trained to its end: {made} of {planned} steps were made. Its figures "
                    "are those of a network on its way.",
                    made=f"{made:,}",
                    planned=f"{planned:,}",
                ),
                icon=":material/hourglass_top:",
            )
        return left

    return shown


def _show_paper(page: Page, view: ModelView, show: Callable[[Page, ModelView], Shown]) -> Shown:
    """A part with the authors' network, or the offer of its weights below the choice that asked for it."""
    _ = page.translate
    info = network.info()
    if not info.available:
        picture.show(page, view)
        offer_download(page, info, until_then=_("Until then choose the network that was trained here."))
        return Shown()
    left = show(page, view)
    link_to(
        page,
        "detection",
        _("This network as a detector, with its candidates and thresholds: the detection demo"),
        detector=info.name,
        tour="0",
    )
    return left
