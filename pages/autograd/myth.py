"""A myth about how torch differentiates, against what differences really give."""

from __future__ import annotations

from pages.kit.chart import chart
from pages.kit.loaders import compute
from pages.kit.myths import show_myth
from pages.kit.page import Page
from vizcore.autograd import compare_differences
from vizcore.figures.autograd import plot_differences


def show(page: Page) -> None:
    """That autograd wiggles each input and looks what happens."""
    _ = page.translate
    errors = compute(compare_differences)
    because = _(
        "It multiplies exact local derivatives. For sin(x²) between 1 and 2 its relative error is {autograd}; that of "
        "the best difference, at h = {step}, is {best}. And differences need two passes for each weight, where one "
        "`backward()` serves them all.",
        autograd=f"{errors.autograd_error:.0e}",
        step=f"{errors.best_step:.0e}",
        best=f"{errors.errors.min():.0e}",
    )

    def draw() -> None:
        chart(page, "myth", plot_differences(errors, translate=_), alt=because)

    show_myth(
        page,
        claim=_("Autograd moves each weight a little and sees how the loss changes."),
        verdict="fails",
        because=because,
        evidence=draw,
    )
