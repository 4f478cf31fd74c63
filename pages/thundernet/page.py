"""The ThunderNet page: where a detector's milliseconds go, and what its light pieces do on one picture."""

from pages.kit.ending import end_page
from pages.kit.page import open_page
from pages.thundernet import anchors, budget, challenges, fields, maps, myth, region, state, tour, trade, trained

page = open_page(
    "thundernet",
    title="ThunderNet",
    tagline="Flip a switch, and see which block pays: parameters, multiply-adds, milliseconds.",
    tour=tour.STEPS,
)
_ = page.translate
show = page.part(
    {
        "budget": (_("Budget"), budget.show),
        "fields": (_("3×3 or 5×5"), fields.show),
        "maps": (_("Context and attention"), maps.show),
        "region": (_("Pooling a region"), region.show),
        "anchors": (_("Anchors"), anchors.show),
        "trained": (_("Trained here"), trained.show),
        "trade": (_("Backbone or head?"), trade.show),
    },
    state.PART,
)
with page.explained():
    view = state.read(page)
    shown = show(page, view)
    if page.shows("about"):
        page.lesson(f"about_{view.part}", title=_("What to see here"))
    if view.part == "fields" and page.shows("myth"):
        myth.show(page)
    outcome = challenges.observe(view)
    end_page(
        page,
        shown,
        challenges=challenges.of(page, outcome),
        outcome=outcome,
        sections={"claim": _("What this page claims")},
    )
