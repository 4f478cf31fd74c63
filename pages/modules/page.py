"""The nn and functional page: one choice, two networks, what each can do and where they part."""

import streamlit as st

from pages.kit.ending import Shown, end_page
from pages.kit.loaders import compute
from pages.kit.page import open_page
from pages.modules import challenges, closer, comparison, differences, needs, passes, state, timing, traps
from vizcore.modules import compare_networks, write_modules_script

page = open_page(
    "modules",
    title="nn.Module and nn.functional",
    tagline="Build one network both ways, then repair the right-hand one until both behave alike.",
)
with page.explained():
    view = state.read(page)
    page.lesson("claim")
    comparison.show(page, view)
    compared = compute(compare_networks, view.choice, seed=view.seed)
    dots, measured = st.columns([2, 3], gap="medium")
    with dots:
        passes.show(page, view, compared)
    with measured:
        differences.show(page, compared)
    closer.show(page, view, compared)
    timing.show(page, view)
    needs.show(page, view)
    traps.show(page, view)
    end_page(
        page,
        Shown(script=write_modules_script(view.choice, seed=view.seed)),
        challenges=challenges.of(page, compared),
    )
