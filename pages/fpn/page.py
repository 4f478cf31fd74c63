"""The feature pyramid page: every map of a detector on one picture, its arrows as switches, and who owns a box."""

import streamlit as st

from pages.fpn import cell, challenges, data, designs, maps, network, owner, source, state, tour
from pages.kit.ending import end_page
from pages.kit.page import open_page

page = open_page(
    "fpn",
    title="Feature pyramid",
    tagline="Which level finds which object? Cut an arrow, and see what is lost.",
    tour=tour.STEPS,
)
_ = page.translate
show = page.part(
    {
        "maps": (_("Maps and cuts"), maps.show),
        "designs": (_("Four designs"), designs.show),
        "owner": (_("Who owns this box?"), owner.show),
        "cell": (_("What a cell sees"), cell.show),
        "data": (_("The data"), data.show),
    },
    state.PART,
)
with page.explained():
    view = state.read(page)
    places = source.show(page, view)
    run = network.run(page, view)
    shown = show(page, view, run, places)
    if view.part != "maps" and page.shows("rest"):
        st.divider()
    outcome = challenges.observe(view, run)
    end_page(
        page,
        shown,
        challenges=challenges.of(page, outcome),
        outcome=outcome,
        sections={"claim": _("What this page claims"), "try": _("What to try")},
        expanded="claim" if view.part == "maps" else "",
    )
