"""Two things that are often said of image pyramids, and what our figures make of them."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from pages.image_pyramid.search import Search
from pages.image_pyramid.state import View
from pages.kit.chart import chart, table
from pages.kit.language import translator
from pages.kit.loaders import compute
from pages.kit.myths import show_myth
from pages.kit.page import Page
from vizcore import image_pyramid
from vizcore.figures import image_pyramid as figures


def show(page: Page, view: View, found: Search) -> None:
    """Draws the myth cards."""
    st.subheader(page.translate("Myths"), anchor=False)
    _every_other_pixel(page)
    _ten_levels(page, view, found)


def _every_other_pixel(page: Page) -> None:
    _ = page.translate
    trace = compute(image_pyramid.trace_aliasing)
    zone_plates, amplitudes = compute(draw_aliasing, page.language)

    def evidence() -> None:
        chart(
            page,
            "zone_plates",
            zone_plates,
            alt=_("A zone plate halved in three ways; sampled plainly it shows rings that were not there."),
            exports=False,
        )
        chart(
            page,
            "aliasing",
            amplitudes,
            alt=_("What is left of gratings: all of it when every other pixel is taken, ever less when smoothed."),
        )

    show_myth(
        page,
        claim=_("A pyramid’s next level is every other pixel of the one before."),
        verdict="fails",
        because=_(
            "Above 0.25 periods per pixel a halved picture has no room for a grating. Taking every other pixel keeps "
            "an amplitude of {plain} of it all the same, as broad stripes that the photo does not have; torch’s "
            "antialiased resizing, with which these levels are made, leaves {smooth}, the Gaussian pyramid {gaussian} "
            "(means above the limit).",
            plain=f"{trace.left_above_limit('subsampled'):.2f}",
            smooth=f"{trace.left_above_limit('antialiased'):.2f}",
            gaussian=f"{trace.left_above_limit('gaussian'):.2f}",
        ),
        evidence=evidence,
        source=_("Burt and Adelson 1983 smooth before they sample; the shortcut is common in slides."),
    )


def draw_aliasing(language: str) -> tuple[go.Figure, go.Figure]:
    """Zone plates, and what is left of gratings: drawn once for all readers of a language."""
    say = translator("image_pyramid", language)
    trace = compute(image_pyramid.trace_aliasing)
    return figures.plot_zone_plates(trace, translate=say), figures.plot_amplitudes(trace, translate=say)


def _ten_levels(page: Page, view: View, found: Search) -> None:
    _ = page.translate

    def evidence() -> None:
        table(
            [
                {
                    _("scale step"): f"{value:g}",
                    _("levels in an octave"): f"{image_pyramid.levels_per_octave(value):.1f}",
                    _("all levels, largest = 1"): f"{image_pyramid.scale_sum(value):.2f}",
                    _("used by"): who,
                }
                for value, who in (
                    (2.0, _("octaves, as in a feature pyramid")),
                    (1.41, "√2"),
                    (1.25, "Viola & Jones 2001"),
                    (1 / 0.709, "MTCNN 2016"),
                    (1.15, _("the finest on this page")),
                )
            ]
        )

    show_myth(
        page,
        claim=_("A pyramid of ten levels costs ten times one level."),
        verdict="fails",
        because=_(
            "Levels shrink in both directions, so their costs are a geometric series: f²/(f² − 1) bounds the "
            "sum however many there are. Counted here with f = {step} (levels: {levels}): {counted} ×.",
            step=f"{view.scale_step:g}",
            counted=f"{found.cost.ratios['counted']:.2f}",
            levels=len(found.levels),
        ),
        evidence=evidence,
    )
