"""The IoU playground: two boxes under the learner's hand, and everything the regression losses say of them."""

from pages.iou_losses import challenges, landscape, metric, playground, race, simulation, state, tour
from pages.kit.ending import Shown, end_page
from pages.kit.page import open_page
from vizcore import iou_losses

page = open_page(
    "iou_losses",
    title="IoU playground",
    tagline="See what each loss notices about two boxes, and what it misses.",
    tour=tour.STEPS,
)
_ = page.translate
with page.explained():
    view = state.read(page)
    playground.show(page, view)
    show = page.part(
        {
            "landscape": (_("Landscape"), landscape.show),
            "race": (_("Race"), race.show),
            "simulation": (_("The DIoU paper’s simulation"), simulation.show),
            "metric": (_("Is it a metric?"), metric.show),
        },
        state.PART,
    )
    if page.shows("parts"):
        show(page, view)
    comparison = playground.compare(view)
    if page.shows("claim"):
        page.lesson("claim")
        playground.show_program(page, view)
    outcome = challenges.observe(page, view, comparison)
    kinds = view.kinds or iou_losses.KINDS
    script = iou_losses.write_losses_script(kinds, view.box, view.target, settings=view.settings)
    end_page(
        page,
        Shown(script, comparison.rows, "iou_losses"),
        challenges=challenges.of(page, outcome),
        sections={"symbols": _("The symbols in the formulas"), "conventions": _("Where libraries differ")},
        outcome=outcome,
    )
