"""The scale page: which object teaches at which resolution, and what resolution does to a network."""

from pages.kit.ending import end_page
from pages.kit.page import open_page
from pages.scale import answers, challenges, chips, myth, objects, resolution, sizes, snip, state, tour

page = open_page(
    "scale",
    title="Scale",
    tagline="Drag a box through three resolutions, and see where it teaches and where it is ignored.",
    tour=tour.STEPS,
)
_ = page.translate
show = page.part(
    {
        "object": (_("One object"), objects.show),
        "sizes": (_("How sizes are spread"), sizes.show),
        "chips": (_("Chips"), chips.show),
        "photo": (_("A photo, smaller"), resolution.show_photo),
        "train": (_("Learned, live"), resolution.show_training),
        "snip": (_("SNIP, measured"), snip.show),
        "answers": (_("Which answer to scale?"), answers.show),
    },
    state.PART,
)
with page.explained():
    view = state.read(page)
    shown = show(page, view)
    if view.part == "object" and page.shows("myth"):
        myth.show(page, view)
    outcome = challenges.Outcome(view)
    end_page(
        page,
        shown,
        challenges=challenges.of(page, outcome),
        outcome=outcome,
        sections={"claim": _("What this page claims")},
    )
