"""The part with one photo: its detectors, their thresholds, where each box comes from, and the way on."""

from __future__ import annotations

from pages.detection import camera, challenges, controls, detectors, files, gallery, handover, myths, results, tour
from pages.detection.state import View
from pages.kit.ending import Alone, Shown, end_page
from pages.kit.page import Page


def show(page: Page, view: View) -> None:
    """Draws the part, and ends the page."""
    _ = page.translate
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
        challenges=challenges.of(page, challenges.Outcome(view.sample, found.outputs, found.truths)),
        sections={"windows": _("How the sliding windows work")} if found.has_windows else None,
        alone=Alone(results.drawing(page, view, found, sides, ranks), places.thresholds, needs_vizcore=True),
        outcome=tour.Outcome(view, found),
    )
