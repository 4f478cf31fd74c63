"""A myth about SNIP, against the page's own count."""

from __future__ import annotations

from pages.kit.chart import chart
from pages.kit.myths import show_myth
from pages.kit.page import Page
from pages.scale import sizes
from pages.scale.state import View
from vizcore.figures import scale as figures


def show(page: Page, view: View) -> None:
    """That SNIP throws training data away."""
    _ = page.translate
    sample = sizes.sample()
    nowhere = ~(
        (sample.sides[:, None] >= [low for low, _high in view.ranges])
        & (sample.sides[:, None] <= [high for _low, high in view.ranges])
    ).any(1)
    lost = int(nowhere.sum())
    because = _(
        "With the ranges above, {lost} of {count} objects of the first drawn scenes teach at no resolution. By the "
        "paper’s ranges, which overlap, it is none: each object is ignored at some resolutions and teaches at another.",
        lost=lost,
        count=len(sample.sides),
    )
    show_myth(
        page,
        claim=_("SNIP throws objects away."),
        verdict="fails" if not lost else "holds_if",
        because=because,
        evidence=lambda: (
            chart(page, "myth", figures.plot_sizes(sample, view.ranges, translate=_), alt=because) and None
        ),
    )
