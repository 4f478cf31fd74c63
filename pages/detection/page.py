"""The detection page: a real photo, what a detector found on it, and the whole road there."""

from pages.detection import (
    camera,
    challenges,
    controls,
    detectors,
    files,
    gallery,
    handover,
    myths,
    results,
    state,
    tour,
)
from pages.kit.ending import Alone, Shown, end_page
from pages.kit.page import open_page

page = open_page(
    "detection",
    title="Detection",
    tagline="Move thresholds, trace a box back, and show a network what it never saw.",
    tour=tour.STEPS,
)
_ = page.translate
with page.explained():
    view = state.read(page)
    places = controls.show(page, view)
    if view.live and page.shows("camera"):
        camera.show(page, view)
    found = detectors.run(page, view)
    if view.gallery and page.shows("gallery"):
        gallery.show(page, view, found)
    handover.show(page, view, found, places.status)
    sides, ranks = results.lay_out(page, view, found)
    if page.shows("files"):
        files.show(page, view, found)
    if page.shows("myth"):
        myths.show(page)
    end_page(
        page,
        Shown(),
        challenges=challenges.of(page, view, found),
        sections={"windows": _("How the sliding windows work")} if found.has_windows else None,
        alone=Alone(results.drawing(page, view, found, sides, ranks), places.thresholds, needs_vizcore=True),
        outcome=tour.Outcome(view, found),
    )
