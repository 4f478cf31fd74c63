"""The myth of the radius: what the released code promises, and the worst box that it lets pass."""

from __future__ import annotations

import streamlit as st

from pages.centernet.state import View
from pages.kit.chart import chart
from pages.kit.loaders import compute
from pages.kit.myths import show_myth
from pages.kit.page import Page
from vizcore import centernet
from vizcore.figures import centernet as figures

SIDE = 32.0
"""Cells of the square that stands for all."""


def show(page: Page, view: View) -> None:
    """That every box whose corners lie within the radius has the promised IoU."""
    _ = page.translate
    curves = compute(centernet.radius_curves, min_overlap=view.min_overlap)
    radii = {
        name: compute(centernet.gaussian_radius, SIDE, SIDE, min_overlap=view.min_overlap, formula=name)
        for name in centernet.FORMULAS
    }
    worst = {name: compute(centernet.worst_box, SIDE, SIDE, radius) for name, radius in radii.items()}
    because = _(
        "On a box of 32 × 32 cells the released formula gives r = {released}; the worst box within it has IoU "
        "{released_iou}. Solved correctly, r = {exact} and the worst IoU is {exact_iou}. Over all shapes up to 64 "
        "cells the released radius is {least} to {most} times too large. CenterNet still learns: a wider "
        "Gaussian only forgives more.",
        released=f"{radii['released']:.2f}",
        released_iou=f"{worst['released'].iou:.2f}",
        exact=f"{radii['exact']:.2f}",
        exact_iou=f"{worst['exact'].iou:.2f}",
        least=f"{curves.least_ratio:.2f}",
        most=f"{curves.most_ratio:.2f}",
    )

    def evidence() -> None:
        left, right = st.columns([1.4, 1])
        with left:
            chart(
                page,
                "radii",
                figures.plot_radii(curves.sides, curves.radii, curves.ious, min_overlap=view.min_overlap, translate=_),
                alt=_("The worst IoU within either radius over the side of a square box."),
            )
        with right:
            chart(
                page,
                "worst",
                figures.plot_worst_box((SIDE, SIDE), worst, translate=_),
                alt=_("A box of 32 × 32 cells and the worst box within either radius."),
            )

    show_myth(
        page,
        claim=_(
            "Inside the Gaussian radius every box has an IoU of at least {overlap}.", overlap=f"{view.min_overlap:g}"
        ),
        verdict="holds_if",
        because=because,
        evidence=evidence,
        source=_("It holds for the exact roots; the authors’ released code takes others."),
    )
