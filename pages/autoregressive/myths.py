"""Two myths against this page's own figures: that a sum of one proves a NADE, and that likelier looks better."""

from __future__ import annotations

import numpy as np

from pages.autoregressive import state
from pages.autoregressive.state import View
from pages.kit.chart import chart, table
from pages.kit.loaders import compute
from pages.kit.myths import show_myth
from pages.kit.page import Page
from vizcore import autoregressive
from vizcore.figures import autoregressive as figures


def show(page: Page, view: View) -> None:
    """The myth that belongs to the part shown; its figures are those of 8×8 digits."""
    if view.data != "digits":
        return
    if view.part in ("compare", "leak"):
        _show_sum(page)
    elif view.part in ("pixels", "write"):
        _show_looks(page)


def _show_sum(page: Page) -> None:
    """That a widely copied program, which forgets to accumulate, sums to one as well."""
    _ = page.translate
    found = compute(autoregressive.compare_forgetful)

    def draw() -> None:
        table(
            [
                {
                    _("Program"): _("accumulates") if name == "nade" else _("never accumulates"),
                    _("Sum over all 64 pictures of 6 pixels"): f"{one.total:.6f}",
                    _("Pixels that the last output sees"): one.seen,
                    _("nats a picture"): f"{one.nats:.2f}",
                }
                for name, one in found.items()
            ]
        )

    show_myth(
        page,
        claim=_("Its probabilities sum to one, so it is a NADE."),
        verdict="fails",
        because=_(
            "Any product of conditional probabilities sums to one. A much-copied program that never accumulates its "
            "hidden units does too; but each of its outputs sees only the pixel just before it, and after the same "
            "short training unseen digits cost it {wrong} nats instead of {right}. A gradient shows the difference, "
            "the sum does not.",
            wrong=f"{found['forgetful'].nats:.1f}",
            right=f"{found['nade'].nats:.1f}",
        ),
        evidence=draw,
    )


def _show_looks(page: Page) -> None:
    """That the likeliest samples are not the best drawn digits."""
    _ = page.translate
    found = compute(autoregressive.rank_pictures)

    def draw() -> None:
        pictures = np.concatenate([found.samples, found.real]).reshape(-1, *state.SIZE)
        chart(
            page,
            "looks",
            figures.plot_pictures(pictures, columns=8),
            alt=_("Above eight samples with high likelihood, below eight real digits with low likelihood."),
        )

    show_myth(
        page,
        claim=_("More likely means better looking."),
        verdict="fails",
        because=_(
            "Above: the eight likeliest of {count} samples of NADE, on average {samples} nats. Below: the eight real "
            "test digits that it finds least likely, on average {real} nats. Likelihood rewards what is common and "
            "plain; a clear digit in an unusual hand costs more.",
            count=found.num_samples,
            samples=f"{found.samples_nats:.1f}",
            real=f"{found.real_nats:.1f}",
        ),
        evidence=draw,
    )
