"""The upsampling page: every operator on one grid, and where each output pixel comes from."""

from pages.kit.ending import end_page
from pages.kit.page import open_page
from pages.upsampling import (
    challenges,
    checkerboard,
    corners,
    decoder,
    grids,
    learning,
    myth,
    photo,
    shapes,
    state,
    tour,
)

page = open_page(
    "upsampling",
    title="Upsampling",
    tagline="Point at an output cell, and see which input cells made it; edit a number, and see what follows.",
    tour=tour.STEPS,
)
_ = page.translate
with page.explained():
    show = page.part(
        {
            "grids": (_("Operators"), grids.show),
            "shapes": (_("Shapes"), shapes.show),
            "checkerboard": (_("Checkerboard"), checkerboard.show),
            "corners": ("align_corners", corners.show),
            "photo": (_("On a photo"), photo.show),
            "learn": (_("Learned, live"), learning.show),
            "decoder": (_("In a decoder"), decoder.show),
        },
        state.PART,
    )
    view = state.read(page)
    shown = show(page, view)
    if page.shows("about"):
        page.lesson(f"about_{view.part}", title=_("What to see here"))
    if view.part == "checkerboard" and page.shows("myth"):
        myth.show(page)
    end_page(
        page,
        shown,
        challenges=challenges.of(page, view),
        outcome=tour.Outcome(view),
        sections={"claim": _("What this page claims")},
    )
