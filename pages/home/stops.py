"""The stops of the learning path: a heading, a question, a miniature that vizcore computes as the page opens."""

from __future__ import annotations

import importlib

import streamlit as st

from pages.kit.components import mount
from pages.kit.language import Translate
from pages.kit.loaders import compute, warm_up
from pages.kit.page import Page

Stop = tuple[str, str, str, str, str]
"""Name, heading, the question it answers, the page it leads to, and who draws its miniature."""


def list_stops(_: Translate) -> tuple[Stop, ...]:
    """The stops in the order of the path."""
    return (
        (
            "gradient",
            _("1 · Gradient"),
            _("Which way is down? Type a program, step through its graph."),
            "autograd",
            "draw_graph",
        ),
        (
            "layer",
            _("2 · Layer"),
            _("Where does an output pixel come from? Compare every upsampling."),
            "upsampling",
            "draw_layers",
        ),
        (
            "pyramid",
            _("3 · Pyramid"),
            _("How does one window find large and small? Slide it over every scale."),
            "image_pyramid",
            "draw_pyramid",
        ),
        (
            "box",
            _("4 · Box"),
            _("What does a loss want from a box? Drag two and watch the arrows."),
            "iou_losses",
            "draw_box",
        ),
        (
            "suppression",
            _("5 · Suppression"),
            _("Who survives a crowd of candidates? Decide before NMS does."),
            "nms",
            "draw_suppression",
        ),
        (
            "detector",
            _("6 · Detector"),
            _("All of it on a photo, yours if you like, with every step on record."),
            "detection",
            "draw_detector",
        ),
    )


def show(page: Page) -> None:
    """Two rows of stops: each shows its link alone until torch is there, then its picture as soon as it is computed."""
    waiting = warm_up().is_alive()

    @st.fragment(run_every=0.5 if waiting else None)
    def rows() -> None:
        if waiting and not warm_up().is_alive():
            st.rerun()
        _show_rows(page, waiting)

    rows()


def show_asides(page: Page) -> None:
    """Where else the path leads."""
    _ = page.translate
    st.page_link(
        "pages/fpn/page.py",
        label=_("From 3 on: the feature pyramid, every scale in one pass"),
        icon=":material/stacks:",
    )
    st.page_link(
        "pages/modules/page.py",
        label=_("Aside: nn.Module and nn.functional, side by side"),
        icon=":material/compare_arrows:",
    )


def _show_rows(page: Page, waiting: bool) -> None:
    stops, slots = list_stops(page.translate), []
    for row in (stops[:3], stops[3:]):
        for column, (_name, heading, question, target, _draw) in zip(st.columns(3), row, strict=True):
            with column, st.container(border=True):
                st.page_link(f"pages/{target}/page.py", label=f"**{heading}**", icon=":material/arrow_forward:")
                slots.append(st.container())
                st.caption(question)
    for slot, (name, heading, _question, _target, draw) in zip(slots, stops, strict=True):
        picture = ""
        if not waiting:
            home, figures = importlib.import_module("vizcore.home"), importlib.import_module("vizcore.figures.home")
            picture = getattr(figures, draw)(compute(getattr(home, f"{name}_stop")))
        with slot:
            mount("shared/picture", key=page.key(name), data={"svg": picture, "title": heading})
