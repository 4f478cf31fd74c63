"""The learner's choice, and the two networks that it makes, side by side."""

from __future__ import annotations

import streamlit as st

from pages.kit import link
from pages.kit.page import Page
from pages.kit.ways import link_to
from pages.modules import state
from pages.modules.state import View
from vizcore.modules import ACTIVATIONS, HIDDEN_SIZES, lab_program, shown_definition

LAB_PROGRAM = link.text("program", "", max_length=4000)
"""How the autograd lab's link carries a program."""


def show_code(page: Page, view: View) -> None:
    """The two networks as code."""
    titles = {"module": "nn.Module", "functional": "nn.functional"}
    for place, (name, title) in zip(st.columns([2, 3], gap="medium"), titles.items(), strict=True):
        with place:
            st.markdown(f"**{title}**")
            st.code(shown_definition(view.choice, name), language="python", height=240, wrap_lines=False)
            _show_lab_link(page, view, name)


def show_choice(page: Page) -> None:
    """The network that is built both ways, and the two repairs."""
    if page.step is not None:
        _show_repairs(page)
        return
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
        page.select(state.NORMALIZATION, _("Normalization"), normalizations)
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
    _show_repairs(page)


def _show_repairs(page: Page) -> None:
    """The two switches that make the functional network behave as the module does."""
    _ = page.translate
    with st.container(horizontal=True, vertical_alignment="center"):
        if page.step is None:
            st.markdown(f"**{_('Repair nn.functional:')}**", width="content")
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
    program = LAB_PROGRAM.write(lab_program(view.choice, name))
    link_to(page, "autograd", page.translate("Open in the autograd lab"), icon="account_tree", program=program)
