"""The VarifocalNet page: a score that knows how well the box fits, nine points on a box, and what an order is worth."""

import streamlit as st

from pages.kit.ending import Shown, end_page
from pages.kit.page import Show, open_page
from pages.varifocalnet import boxes, challenges, losses, measured, network, ranking, state, tour

page = open_page(
    "varifocalnet",
    title="VarifocalNet",
    tagline="A score should say how well the box fits. See three losses teach it, and what it is worth.",
    tour=tour.STEPS,
)
_ = page.translate
parts: dict[str, tuple[str, Show]] = {
    "losses": (_("Three losses"), losses.show),
    "star": (_("Nine points"), boxes.show_star),
    "assign": (_("Who is positive?"), boxes.show_assign),
    "ranking": (_("Ranking"), ranking.show),
}
if network.is_measured():
    parts["measured"] = (_("Trained here"), measured.show)
show = page.part(parts, state.PART)
with page.explained():
    view = state.read(page, list(parts))
    with st.spinner(_("Running the network…")):
        outcome = challenges.observe(view)
    given = (view,) if view.part in ("losses", "measured") else (view, outcome.found)
    shown: Shown = show(page, *given)
    if outcome.error is not None:
        page.explain(outcome.error)
    end_page(
        page,
        shown,
        challenges=challenges.of(page, outcome),
        sections={"formulas": _("The formulas"), "conventions": _("Where ours differs from the paper")},
        outcome=outcome,
    )
