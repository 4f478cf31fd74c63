"""The CenterNet page: an object as a point, a heatmap that forgives, its loss, and the way back from maps to boxes."""

import streamlit as st

from pages.centernet import challenges, decode, loss, measured, network, splat, state, tour
from pages.kit.ending import end_page
from pages.kit.page import Show, open_page

page = open_page(
    "centernet",
    title="CenterNet",
    tagline="Drag an object: its blob on the heatmap follows. Then read boxes back from a real map."
    if network.is_shipped()
    else "Drag an object: its blob on the heatmap follows. See how far it forgives, and when one is lost.",
    tour=tour.STEPS,
)
_ = page.translate
parts: dict[str, tuple[str, Show]] = {
    "splat": (_("Objects to heatmap"), splat.show),
    "loss": (_("The loss"), loss.show),
}
if network.is_shipped():
    parts |= {
        "decode": (_("Heatmap to boxes"), decode.show),
        "turn": (_("More than boxes"), decode.show_turn),
    }
if network.is_measured():
    parts["measured"] = (_("Measured"), measured.show)
show = page.part(parts, state.PART)
with page.explained():
    view = state.read(page, list(parts))
    found = None
    if view.part == "loss":
        loss.heard(page, view)
        view = state.read(page, list(parts))
    elif view.part in ("decode", "turn"):
        with st.spinner(_("Running the network…")):
            found = network.decode(view)
    shown = show(page, view) if found is None else show(page, view, found)
    outcome = challenges.observe(view, found)
    end_page(
        page,
        shown,
        challenges=challenges.of(page, outcome),
        sections={"formulas": _("The formulas"), "conventions": _("Where ours differs from the paper")},
        outcome=outcome,
    )
