"""A myth about transposed convolutions, against this page's own count."""

from __future__ import annotations

from pages.kit.chart import chart
from pages.kit.loaders import compute
from pages.kit.myths import show_myth
from pages.kit.page import Page
from vizcore import upsampling
from vizcore.figures import upsampling as figures

KERNEL_SIZE, STRIDE = 4, 2


def show(page: Page) -> None:
    """That a kernel which the stride divides is free of the checkerboard."""
    _ = page.translate
    spectrum = compute(upsampling.artefact_spectrum, KERNEL_SIZE, STRIDE, num_layers=1)
    peaks = {name: f"{peak:.3f}" for name, peak in zip(spectrum.names, spectrum.peak, strict=True)}
    because = _(
        "The overlap is even, so one cause is gone. Random kernels still add {transposed} of the mean to a flat gray, "
        "resize-convolution {resize}.",
        transposed=peaks["conv_transpose"],
        resize=peaks["resize_conv"],
    )

    def draw() -> None:
        chart(page, "myth", figures.plot_spectrum(spectrum, translate=_), alt=because)

    show_myth(
        page,
        claim=_("A kernel of 4 with stride 2 cannot make a checkerboard."),
        verdict="fails",
        because=because,
        evidence=draw,
    )
