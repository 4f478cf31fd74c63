"""The detection page: what a detector found on a real photo, the whole road there, and what each detector misses."""

from pages.detection import photo, state, tour, truth
from pages.kit.page import open_page

page = open_page(
    "detection",
    title="Detection",
    tagline="Move thresholds, trace a box back, and show a network what it never saw.",
    tour=tour.STEPS,
)
_ = page.translate
show = page.part(
    {
        "photo": (_("Boxes and thresholds"), photo.show),
        "truth": (_("What does each miss?"), truth.show),
    },
    state.PART,
)
with page.explained():
    show(page, state.read(page))
