"""DETR: a set of boxes, one query each, matched to the objects under the learner's hand."""

from pages.detr import challenges, looked, masked, matching, myths, parts, state, tour
from pages.kit.ending import end_page
from pages.kit.page import open_page

page = open_page(
    "detr",
    title="DETR",
    tagline="See which query gets which object, and where the network looks.",
    tour=tour.STEPS,
)
_ = page.translate
with page.explained():
    show = parts.choose(page)
    view = state.read(page)
    shown = show(page, view)
    if page.shows("myths"):
        myths.show(page)
    outcome = challenges.Outcome(view, matching.summarise(view), looked.look(page), masked.look(page))
    end_page(
        page,
        shown,
        challenges=challenges.of(page, outcome),
        sections={"formulas": _("Cost and loss in formulas")},
        outcome=outcome,
    )
