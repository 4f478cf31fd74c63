"""The learning path as a map: one stop per concept, each with a miniature that vizcore computes as the page opens."""

import importlib

import streamlit as st

from pages.kit.components import mount
from pages.kit.loaders import compute, warm_up
from pages.kit.page import close_page, open_page

page = open_page(
    "home",
    title="Grad2Box",
    tagline="See how deep detection works, from the first gradient to the last box, by touching it.",
)
_ = page.translate

# Stop → its heading, the question it answers, the page it leads to, and who computes and who draws its miniature.
STOPS = (
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

page.lesson("claim")
waiting = warm_up().is_alive()


@st.fragment(run_every=0.5 if waiting else None)
def stops() -> None:
    """The six stops. Until torch is there each shows its link alone; then its picture, as soon as it is computed."""
    if waiting and not warm_up().is_alive():
        st.rerun()
    slots = []
    for row in (STOPS[:3], STOPS[3:]):
        for column, (_name, heading, question, target, _draw) in zip(st.columns(3), row, strict=True):
            with column, st.container(border=True):
                st.page_link(f"pages/{target}/page.py", label=f"**{heading}**", icon=":material/arrow_forward:")
                slots.append(st.container())
                st.caption(question)
    for slot, (name, heading, _question, _target, draw) in zip(slots, STOPS, strict=True):
        with slot:
            if waiting:
                mount("shared/picture", key=page.key(name), data={"svg": "", "title": heading})
                continue
            home, figures = importlib.import_module("vizcore.home"), importlib.import_module("vizcore.figures.home")
            picture = getattr(figures, draw)(compute(getattr(home, f"{name}_stop")))
            mount("shared/picture", key=page.key(name), data={"svg": picture, "title": heading})


stops()
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
page.lesson("promises")
close_page(page)
