"""The stops of the learning path, each with a miniature that vizcore computes as the page opens."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace

import streamlit as st

from pages.home import start
from pages.kit.components import mount
from pages.kit.language import Translate
from pages.kit.loaders import compute, warm_up
from pages.kit.page import Page

IN_A_ROW = 4


@dataclass(frozen=True)
class Stop:
    """One concept on the way.

    Attributes:
        name: of the stop; ``vizcore.home.<name>_stop`` computes its miniature.
        heading: translated.
        question: that it answers, translated.
        target: the page it leads to.
        draw: function of ``vizcore.figures.home`` that draws the miniature.
    """

    name: str
    heading: str
    question: str
    target: str
    draw: str


def stops_of(_: Translate) -> tuple[Stop, ...]:
    """The stops in their order, numbered."""
    stops = (
        Stop(
            "gradient",
            _("Gradient"),
            _("Which way is down? Type a program, step through its graph."),
            "autograd",
            "draw_graph",
        ),
        Stop(
            "modules",
            _("Module"),
            _("What does a module remember that a function must be told?"),
            "modules",
            "draw_modules",
        ),
        Stop(
            "layer",
            _("Layer"),
            _("Where does an output pixel come from? Compare every upsampling."),
            "upsampling",
            "draw_layers",
        ),
        Stop(
            "pyramid",
            _("Image pyramid"),
            _("How does one window find large and small? Slide it over every scale."),
            "image_pyramid",
            "draw_pyramid",
        ),
        Stop(
            "levels",
            _("Feature pyramid"),
            _("Every scale in one pass: which level finds which object?"),
            "fpn",
            "draw_levels",
        ),
        Stop(
            "box",
            _("Box"),
            _("What does a loss want from a box? Drag two and watch the arrows."),
            "iou_losses",
            "draw_box",
        ),
        Stop(
            "suppression",
            _("Suppression"),
            _("Who survives a crowd of candidates? Decide before NMS does."),
            "nms",
            "draw_suppression",
        ),
        Stop(
            "detector",
            _("Detector"),
            _("All of it on a photo, yours if you like, with every step on record."),
            "detection",
            "draw_detector",
        ),
        Stop(
            "point",
            _("Point"),
            _("An object as one bright cell: drag it, and see when one is lost."),
            "centernet",
            "draw_point",
        ),
        Stop(
            "score",
            _("Score"),
            _("A score that knows how well its box fits: where does each loss pull it?"),
            "varifocalnet",
            "draw_score",
        ),
        Stop(
            "matching",
            _("Matching"),
            _("One query, one object, and no suppression: who gets whom?"),
            "detr",
            "draw_matching",
        ),
        Stop(
            "budget",
            _("Budget"),
            _("Where do a detector’s milliseconds go? Flip a switch, and see which block pays."),
            "thundernet",
            "draw_budget",
        ),
        Stop(
            "pixels",
            _("Pixels"),
            _("At which resolution does an object teach? Drag a box through three."),
            "scale",
            "scale",
            "draw_scale",
        ),
        Stop(
            "pixels",
            _("Pixels"),
            _("How likely is a picture? Draw a digit one pixel after another."),
            "autoregressive",
            "draw_pixels",
        ),
    )
    return tuple(replace(stop, heading=f"{number} · {stop.heading}") for number, stop in enumerate(stops, start=1))


PATH = tuple(stop.target for stop in stops_of(lambda message, **_values: message))
"""The concepts in the order of the path."""


def show(page: Page) -> None:
    """Draws the stops. Until torch is there each shows its link alone; then its picture, as soon as it is computed."""
    stops = stops_of(page.translate)
    done = start.progress_words(page, PATH)
    waiting = warm_up().is_alive()

    @st.fragment(run_every=0.5 if waiting else None)
    def draw() -> None:
        if waiting and not warm_up().is_alive():
            st.rerun()
        slots = []
        for first in range(0, len(stops), IN_A_ROW):
            for column, stop in zip(st.columns(IN_A_ROW), stops[first : first + IN_A_ROW], strict=False):
                with column, st.container(border=True, height="stretch", key=f"home_card_{stop.name}"):
                    target = f"pages/{stop.target}/page.py"
                    st.page_link(target, label=f"**{stop.heading}**", icon=":material/arrow_forward:")
                    slots.append(st.container())
                    st.caption(stop.question)
                    if stop.target in done:
                        st.caption(f":blue[{done[stop.target]}]")
        words = page.translate("Being computed…")
        for slot, stop in zip(slots, stops, strict=True):
            with slot:
                svg = "" if waiting else _miniature(stop)
                mount(
                    "shared/picture",
                    key=page.key(stop.name),
                    data={"svg": svg, "title": stop.heading, "waiting": words},
                )

    draw()


def _miniature(stop: Stop) -> str:
    """The stop's picture. Its modules import torch, which the first page does not wait for."""
    home, figures = importlib.import_module("vizcore.home"), importlib.import_module("vizcore.figures.home")
    return str(getattr(figures, stop.draw)(compute(getattr(home, f"{stop.name}_stop"))))
