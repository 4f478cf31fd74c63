"""The checkerboard: how often stamps overlap, the pattern that leaves, what repairs it, and gridding."""

from __future__ import annotations

import math

import streamlit as st

from pages.kit.chart import chart
from pages.kit.ending import Shown
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.upsampling import state
from pages.upsampling.state import View
from vizcore import upsampling
from vizcore.figures import upsampling as figures
from vizcore.upsampling import script


def show(page: Page, view: View) -> Shown:
    """Draws overlaps, the artifact's spectrum, and the footprint of dilated convolutions."""
    _ = page.translate
    columns = st.columns(4)
    with columns[0]:
        page.slider(state.KERNEL_SIZE, "kernel_size")
    with columns[1]:
        page.slider(state.STRIDE, "stride")
    with columns[2]:
        page.slider(state.NUM_LAYERS, _("Layers"))
    with columns[3]:
        page.select(state.DIMS, _("Dimensions"), {"1": "1D", "2": "2D"}, few=True)
    _show_overlap(page, view)
    _show_spectrum(page, view)
    _show_gridding(page, view)
    return Shown(
        script=script.write_overlap_script(view.kernel_size, view.stride, num_layers=view.num_layers, dims=view.dims)
    )


def _show_overlap(page: Page, view: View) -> None:
    _ = page.translate
    overlap = compute(
        upsampling.overlap_counts, view.kernel_size, view.stride, num_layers=view.num_layers, dims=view.dims
    )
    left, right = st.columns([3, 2], gap="large")
    with right:
        st.metric(
            _("Most stamps / fewest stamps on an interior pixel"),
            "∞" if math.isinf(overlap.ratio) else f"{overlap.ratio:.4g}",
        )
        if overlap.ratio == 1:
            st.markdown(_("Even: every interior pixel gets {count} stamps.", count=overlap.highest))
        elif math.isinf(overlap.ratio):
            st.markdown(_("Uneven: some pixels are never reached, others {high} times.", high=overlap.highest))
        else:
            st.markdown(_("Uneven: between {low} and {high} stamps.", low=overlap.lowest, high=overlap.highest))
        st.caption(
            _(
                "One layer is even exactly when the stride divides the kernel. In 2D the ratio is squared; over "
                "layers the patterns multiply."
            )
        )
    with left:
        chart(
            page,
            "overlap",
            figures.plot_overlap(overlap, translate=_),
            alt=_("Stamps on each output pixel: from {low} to {high}.", low=overlap.lowest, high=overlap.highest),
        )


def _show_spectrum(page: Page, view: View) -> None:
    _ = page.translate
    st.markdown(f"**{_('The pattern on a flat gray, before any training')}**")
    spectrum = compute(upsampling.artefact_spectrum, view.kernel_size, view.stride, num_layers=view.num_layers)
    peaks = {name: f"{peak:.3f}" for name, peak in zip(spectrum.names, spectrum.peak, strict=True)}
    chart(
        page,
        "spectrum",
        figures.plot_spectrum(spectrum, translate=_),
        alt=_(
            "Largest amplitude over the mean: transposed convolution {transposed}, PixelShuffle {shuffle}, with ICNR "
            "{icnr}, resize-convolution {resize}.",
            transposed=peaks["conv_transpose"],
            shuffle=peaks["pixel_shuffle"],
            icnr=peaks["pixel_shuffle_icnr"],
            resize=peaks["resize_conv"],
        ),
    )
    st.caption(
        _(
            "{count} random kernels each. Resize-convolution and ICNR leave a flat gray flat. The transposed "
            "convolution adds {transposed} of the mean and PixelShuffle {shuffle}: random kernels are uneven even "
            "where the overlap is even.",
            count=32,
            transposed=peaks["conv_transpose"],
            shuffle=peaks["pixel_shuffle"],
        )
    )


def _show_gridding(page: Page, view: View) -> None:
    _ = page.translate
    st.markdown(f"**{_('The same trouble without upsampling: gridding')}**")
    stacks = {value: value.replace(".", ", ") for value in state.DILATIONS.options}
    page.select(state.DILATIONS, _("Dilations of a stack of 3×3 convolutions"), stacks)
    footprint = compute(upsampling.dilated_footprint, view.dilations)
    seen = _("{used} of {total} pixels in the field are used.", used=footprint.used, total=footprint.total)
    st.markdown(seen)
    chart(page, "footprint", figures.plot_footprint(footprint, translate=_), alt=seen)
