"""The nn and functional page: one choice, two networks, what each can do and where they part."""

from pages.kit.ending import Shown, end_page
from pages.kit.loaders import compute
from pages.kit.page import open_page
from pages.modules import challenges, closer, comparison, differences, myth, needs, passes, state, timing, tour, traps
from vizcore.modules import compare_networks, write_modules_script

page = open_page(
    "modules",
    title="nn.Module and nn.functional",
    tagline="One network written both ways: repair the functional one until both behave alike.",
    tour=tour.STEPS,
)
with page.explained():
    view = state.read(page)
    compared = compute(compare_networks, view.choice, seed=view.seed)
    comparison.show_choice(page)
    passes.show(page, view, compared)
    if page.shows("code"):
        comparison.show_code(page, view)
    if page.shows("differences"):
        differences.show(page, compared)
    if page.shows("closer"):
        closer.show(page, view, compared)
    if page.shows("tables"):
        timing.show(page, view)
        needs.show(page, view)
        traps.show(page, view)
        myth.show(page, compared)
    end_page(
        page,
        Shown(script=write_modules_script(view.choice, seed=view.seed)),
        challenges=challenges.of(page, compared),
        sections={"claim": page.translate("What this page claims")},
        outcome=tour.Outcome(view, compared),
    )
