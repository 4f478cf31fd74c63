"""The row above the picture: the program to begin with, its question, and the seed; and what the editor reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.autograd import state
from pages.autograd.state import View
from pages.kit.language import Translate
from pages.kit.live import said
from pages.kit.page import Page
from vizcore.autograd.presets import PRESETS


def preset_titles(_: Translate) -> dict[str, str]:
    """The presets, in the order shown."""
    return {name: _(preset.title) for name, preset in PRESETS.items()}


def hear(page: Page) -> None:
    """Takes over the program that the editor ran last and the iteration asked for, before the page reads its view."""
    heard = said(page.key("graph"))
    asked = heard.get("opened")
    if isinstance(asked, Mapping) and asked.get("version") == version_of(page):
        number = asked.get("iteration")
        if type(number) is int and 0 <= number <= state.MAX_OPENED:
            page.store(state.OPENED, number)
    typed = heard.get("program")
    if not isinstance(typed, Mapping) or typed.get("version") != version_of(page) or "program" in page.locked:
        return
    source = typed.get("source")
    if isinstance(source, str):
        page.store(state.program_of(PRESETS[page.value(state.PRESET)]), source.replace("\r\n", "\n"))


def version_of(page: Page) -> str:
    """Changes whenever a program is set by anything but the editor; what was typed into another one is void."""
    return f"{page.version('program')}.{page.version('preset')}"


def spec(page: Page, view: View) -> dict[str, Any]:
    """What the editor holds; see :func:`pages.kit.graph.traced_graph`."""
    locked = "program" in page.locked or not page.offers("program")
    return {"source": view.program, "version": version_of(page), "readOnly": locked}


def show(page: Page, view: View) -> None:
    """Draws the choice of a program, its question and the seed."""
    _ = page.translate
    if page.step is not None:
        return
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with row:
        taken = page.guarded(lambda: _take_preset(page))
        page.select(
            state.PRESET, _("Begin with"), preset_titles(_), on_change=taken, label_visibility="collapsed", width=420
        )
        with page.popover(_("Predict"), icon=":material/psychology_alt:", width="content"):
            show_question(page, view)
        seed = page.popover(_("Seed {seed}", seed=view.seed), icon=":material/casino:", width="content")
    with seed:
        page.number(state.SEED, _("Seed"))
        page.button(
            "again",
            _("Run with another seed"),
            icon=":material/replay:",
            on_click=page.set,
            kwargs={"seed": view.next_seed, "step": 0},
            help=_("A program that draws random numbers may take another branch: define by run."),
        )


def show_question(page: Page, view: View) -> None:
    """Asks what the preset's program will do, and answers with what torch did."""
    _ = page.translate
    preset = view.preset
    if not view.is_presets_own:
        st.caption(_("The program is your own now; the question was about the one you began with."))
        return
    page.lesson(f"preset_{preset.name}")
    choices = {str(index): _(choice) for index, choice in enumerate(preset.choices)}
    answer = page.answer(f"answer_{preset.name}", f"**{_('Predict:')}** {_(preset.question)}", choices)
    if answer is None:
        return
    if int(answer) == preset.answer:
        st.success(_("Right, as torch shows."), icon=":material/check:")
    else:
        right = _(preset.choices[preset.answer])
        st.info(_("Torch shows otherwise: {answer}", answer=right), icon=":material/science:")
    page.lesson(f"after_{preset.name}")


def may_explain(page: Page, view: View) -> bool:
    """Whether what lies behind an error may be said: not while a question about this very program is open."""
    if page.step is not None:
        return page.revealed
    return not view.is_presets_own or page.recall(f"answer_{view.preset.name}") is not None


def _take_preset(page: Page) -> None:
    """Puts the chosen example into the editor."""
    page.set(program=PRESETS[page.value(state.PRESET)].source, seed=0, step=0, opened=0)
