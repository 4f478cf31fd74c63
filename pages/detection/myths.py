"""A thing that is often said of scores, against what was measured on drawn scenes."""

from __future__ import annotations

import numpy as np

from pages.kit.chart import table
from pages.kit.myths import show_myth
from pages.kit.page import Page
from vizcore.detection import calibration

LOWEST = 3
"""First tenth of the scores that is listed: below it nearly nothing is right."""


def show(page: Page) -> None:
    """Draws the card: of the boxes with some score, how many are right?"""
    _ = page.translate
    boxes, right = np.asarray(calibration.MEASURED).T
    shares = right / boxes
    tenths = range(LOWEST, calibration.NUM_BINS)

    def percent(tenth: int) -> str:
        return f"{100 * shares[tenth]:.0f}"

    show_myth(
        page,
        claim=_("A score of 0.9 means: 90 % sure."),
        verdict="fails",
        because=_(
            "On {scenes} drawn scenes, boxes with a score from 0.4 to 0.5 were right in {few} % of the cases, and "
            "boxes with a score from 0.7 to 0.8 in {many} %. A score orders the boxes of one detector. Nothing in its "
            "training makes it a probability: whoever needs one has to measure this table first (**calibration**).",
            scenes=calibration.NUM_SCENES,
            few=percent(4),
            many=percent(7),
        ),
        evidence=lambda: table(
            [
                {
                    _("score"): f"{tenth / 10:.1f} – {(tenth + 1) / 10:.1f}",
                    _("boxes"): f"{boxes[tenth]:,}",
                    _("right, in %"): percent(tenth),
                }
                for tenth in tenths
            ]
        ),
        source=_(
            "Measured once with the shapes detector. Right: the class is right and the IoU with an object that no "
            "surer box has found is at least 0.5."
        ),
    )
