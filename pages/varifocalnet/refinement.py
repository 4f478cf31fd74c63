"""The boxes of a scene before and after the star looked at them, by the detector that was trained with it."""

from __future__ import annotations

from pages.kit.chart import chart, table
from pages.kit.language import translator
from pages.kit.page import Page
from pages.varifocalnet import network
from pages.varifocalnet.state import View
from vizcore.data.scenes import CLASSES
from vizcore.figures import varifocalnet as figures


def show_refinement(page: Page, view: View) -> None:
    """Draws true, first and refined boxes, and how well they fit."""
    _, say = page.translate, translator("classes")
    found = network.refinement(view.scene)
    scene = network.scene(view.scene)
    better = int((found.final_ious > found.first_ious).sum())
    said = _(
        "{better} of {count} boxes fit better after the refinement; mean IoU {before} before, {after} after.",
        better=better,
        count=len(found.targets),
        before=f"{found.first_ious.mean():.3f}" if len(found.targets) else "–",
        after=f"{found.final_ious.mean():.3f}" if len(found.targets) else "–",
    )
    page.lesson("refined")
    chart(page, "refined", figures.plot_refinement(found, scene.pixels, translate=_), alt=said)
    table(
        [
            {
                _("object"): say(CLASSES[scene.labels[target]]),
                _("score"): round(float(score), 3),
                _("IoU of the first box"): round(float(first), 3),
                _("IoU of the refined box"): round(float(final), 3),
            }
            for target, score, first, final in zip(
                found.targets, found.scores, found.first_ious, found.final_ious, strict=True
            )
        ]
    )
