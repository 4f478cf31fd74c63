"""DETR: a set of boxes, one query each, matched to the objects under the learner's hand."""

from pages.detr import challenges, losses, matching, myths, state, tour
from pages.kit.ending import Shown, end_page
from pages.kit.loaders import compute
from pages.kit.page import open_page
from vizcore import detr

page = open_page(
    "detr",
    title="DETR",
    tagline="Drag a query or an object: the cost of every pair and the matching answer while your hand moves.",
    tour=tour.STEPS,
)
_ = page.translate
with page.explained():
    view = state.read(page)
    matching.show_controls(page, view)
    summary = matching.summarise(view)
    matching.show(page, view, summary)
    if page.shows("loss"):
        losses.show(page, view, summary)
    if page.shows("myths"):
        myths.show(page)
    outcome = challenges.Outcome(view, summary)
    end_page(
        page,
        Shown(
            compute(detr.write_rows_script, view.queries, view.objects, side=state.SIDE, weights=view.weights),
            rows=lambda: losses.rows(view, summary),
            name="grad2box-detr",
        ),
        challenges=challenges.of(page, outcome),
        sections={"formulas": _("Cost and loss in formulas")},
        outcome=outcome,
    )
