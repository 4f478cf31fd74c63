"""The learner's choice, and the two networks that it makes, side by side."""

from __future__ import annotations

import streamlit as st

from pages.kit import link
from pages.kit.page import Page
from pages.modules import state
from pages.modules.state import View
from vizcore.modules import ACTIVATIONS, HIDDEN_SIZES, lab_program, shown_definition

LAB_PROGRAM = link.text("program", "", max_length=4000)
"""How the autograd lab's link carries a program."""


def show(page: Page, view: View) -> None:
    """The controls, then the two panes."""
    _show_choice(page)
    left, right = st.columns([2, 3], gap="medium")
    with right:
        _show_repairs(page)
    with left:
        st.markdown("**nn.Module**")
    for place, name in ((left, "module"), (right, "functional")):
        with place:
            st.code(shown_definition(view.choice, name), language="python", height=240, wrap_lines=False)
            _show_lab_link(page, view, name)


def _show_choice(page: Page) -> None:
    _ = page.translate
    columns = st.columns([1.1, 1, 1, 1.3, 1.4, 1.7, 0.9], vertical_alignment="bottom")
    with columns[0]:
        page.select(state.LAYER, _("Layer"), {"linear": "Linear", "conv2d": "Conv2d"})
    with columns[1]:
        page.select(state.HIDDEN, _("Hidden size"), {str(size): str(size) for size in HIDDEN_SIZES})
    with columns[2]:
        page.select(state.ACTIVATION, _("Activation"), {name: name for name in ACTIVATIONS})
    with columns[3]:
        normalizations = {"none": _("none"), "batch_norm": "batch norm", "group_norm": "group norm"}
        page.select(state.NORMALIZATION, _("Normalisation"), normalizations)
    with columns[4]:
        page.slider(state.DROPOUT, _("Dropout probability"))
    with columns[5]:
        middles = {
            "none": _("none"),
            "separate": _("with weights of their own"),
            "shared": _("sharing one weight"),
        }
        page.select(state.MIDDLE, _("Two more hidden layers"), middles)
    with columns[6]:
        page.toggle(state.BIAS, _("Bias"))


def _show_repairs(page: Page) -> None:
    """The two switches that make the functional network behave as the module does."""
    _ = page.translate
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**nn.functional**", width="content")
        page.toggle(
            state.REGISTERED,
            _("Register the tensors"),
            help=_("On: weights in nn.Parameter, running statistics in buffers. Off: plain tensors as attributes."),
        )
        page.toggle(
            state.PASS_TRAINING,
            _("Pass the training flag on"),
            help=_("On: training=self.training. Off: F.dropout and F.batch_norm use their own defaults."),
        )


def _show_lab_link(page: Page, view: View, name: str) -> None:
    """Opens the same network, as a flat program, in the autograd lab."""
    st.page_link(
        "pages/autograd/page.py",
        label=page.translate("Open in the autograd lab"),
        icon=":material/account_tree:",
        query_params={"program": LAB_PROGRAM.write(lab_program(view.choice, name))},
    )
