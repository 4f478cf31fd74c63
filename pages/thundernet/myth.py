"""A myth about the receptive field, against this page's own recursion and gradient."""

from __future__ import annotations

from pages.kit.chart import table
from pages.kit.loaders import compute
from pages.kit.myths import show_myth
from pages.kit.page import Page
from vizcore import thundernet

BACKBONE = "snet146"


def show(page: Page) -> None:
    """That the field grows from 121 to 193 pixels."""
    _ = page.translate
    rows = [
        {
            _("Map"): level,
            **{
                f"{kernel}×{kernel}": compute(thundernet.theoretical_size, BACKBONE, level, kernel=kernel)
                for kernel in thundernet.PAPER_FIELDS
            },
        }
        for level in thundernet.MAPS
    ]
    before, after = thundernet.PAPER_FIELDS.values()
    last = rows[-1]
    show_myth(
        page,
        claim=_(
            "With 5×5 kernels the receptive field grows from {before} to {after} pixels.", before=before, after=after
        ),
        verdict="holds_if",
        because=_(
            "That it grows holds, by about the same factor ({ratio}). The two numbers belong to no map of these "
            "layers: the usual recursion gives {small} and {large} pixels for the last one.",
            ratio=f"{after / before:.1f}",
            small=last["3×3"],
            large=last["5×5"],
        ),
        evidence=lambda: table(rows),
        source=_("Quoted from the ThunderNet paper’s reasoning for larger kernels."),
    )
