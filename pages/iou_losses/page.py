"""The IoU playground: two boxes under the learner's hand, and everything the regression losses say of them."""

from pages.iou_losses import challenges, landscape, metric, playground, race, simulation, state
from pages.kit.challenges import show_challenges
from pages.kit.exports import download_numbers
from pages.kit.page import close_page, open_page
from pages.kit.reproduce import reproduce_panel
from vizcore import iou_losses

page = open_page(
    "iou_losses",
    title="IoU playground",
    tagline="Drag the blue box or its corners. Every loss and its gradient answer while your hand moves.",
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
    show(page, view)
    comparison = playground.compare(view)
    # What to try stands before the challenges here, and the browser's program beside the reader's.
    page.lesson("claim")
    page.lesson("try", title=_("What to try"))
    show_challenges(page, challenges.of(page, challenges.observe(page, view, comparison)))
    page.lesson("conventions", title=_("Where libraries differ"))
    page.lesson("misconceptions", title=_("Misconceptions"))
    page.lesson("sources", title=_("Sources"))
    kinds = view.kinds or iou_losses.KINDS
    reproduce_panel(page, iou_losses.write_losses_script(kinds, view.box, view.target, settings=view.settings))
    playground.show_program(page, view)
    download_numbers(page, "iou_losses", comparison.rows)
    close_page(page)
