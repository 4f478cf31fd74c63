"""NMS stepper: every decision of a suppression, over candidates of one's own, of a generated crowd, or of a photo."""

from pages.kit.ending import Shown, end_page
from pages.kit.loaders import compute
from pages.kit.page import open_page
from pages.nms import candidates, challenges, methods, ranking, state, stepper, tour
from vizcore import nms

page = open_page(
    "nms",
    title="NMS stepper",
    tagline="See which boxes NMS keeps, whom it loses, and how she is saved.",
    tour=tour.STEPS,
)
_ = page.translate
with page.explained():
    view = state.read(page)
    candidates.show(page, view)
    found = candidates.gather(page, view)
    trace = candidates.suppress(view, found)
    said = stepper.show(page, view, found, trace)
    evaluations = methods.show(page, view, found) if page.shows("methods") else {}
    rankings = ranking.show(page, view) if page.shows("ranking") else {}
    outcome = challenges.Outcome(view, found, trace, evaluations, rankings, said)
    end_page(
        page,
        Shown(
            script=compute(nms.write_nms_script, trace),
            rows=lambda: nms.list_rows(trace, found.labels),
            name="grad2box-nms",
        ),
        challenges=challenges.of(page, outcome),
        sections={"methods": _("The methods in formulas")},
        outcome=outcome,
    )
