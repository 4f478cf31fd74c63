"""The page of pixel models: a digit drawn one pixel after another, its exact likelihood, and what each model sees."""

from pages.autoregressive import challenges, comparison, data, leak, myths, pixels, state, tour, training, write
from pages.kit.ending import end_page
from pages.kit.page import open_page

page = open_page(
    "autoregressive",
    title="One pixel after another",
    tagline="Let a model draw a digit pixel by pixel, flip one of them, and watch what follows change.",
    tour=tour.STEPS,
)
_ = page.translate
with page.explained():
    show = page.part(
        {
            "pixels": (_("Pixel by pixel"), pixels.show),
            "write": (_("Write your own"), write.show),
            "compare": (_("Side by side"), comparison.show),
            "leak": (_("Leak test"), leak.show),
            "train": (_("Train, live"), training.show),
            "data": (_("The data"), data.show),
        },
        state.PART,
    )
    view = state.read(page)
    shown = show(page, view)
    if page.shows("about"):
        page.lesson(f"about_{view.part}", title=_("What to see here"))
    if page.shows("myth"):
        myths.show(page, view)
    outcome = tour.Outcome(view)
    end_page(
        page,
        shown,
        challenges=challenges.of(page, outcome),
        outcome=outcome,
        sections={"claim": _("What this page claims"), "models": _("The models in formulas")},
    )
