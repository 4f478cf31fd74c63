"""The program to begin with and the editor, and beside them the question about it."""

from __future__ import annotations

import streamlit as st

from pages.autograd import state
from pages.autograd.state import View
from pages.kit.language import Translate
from pages.kit.page import Page
from vizcore.autograd.presets import PRESETS

STYLE = "<style>.st-key-autograd_program textarea { font-family: monospace; font-size: 0.9rem; }</style>"


def preset_titles(_: Translate) -> dict[str, str]:
    """The presets, in the order shown."""
    return {name: _(preset.title) for name, preset in PRESETS.items()}


def show(page: Page, view: View) -> None:
    """Draws the choice of a preset, the seed and the program."""
    _ = page.translate
    choose, draw = st.columns([4, 1], vertical_alignment="bottom")
    with choose:
        taken = page.guarded(lambda: _take_preset(page))
        page.select(state.PRESET, _("Begin with"), preset_titles(_), on_change=taken)
    with draw:
        page.number(state.SEED, _("Seed"))
    page.text(state.program_of(view.preset), _("Your program (Ctrl + Enter runs it)"), area=True, height=176)


def show_question(page: Page, view: View) -> None:
    """Asks what the preset's program will do, and answers with what torch did."""
    _ = page.translate
    preset = view.preset
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


def _take_preset(page: Page) -> None:
    """Puts the chosen example into the editor."""
    page.set(program=PRESETS[page.value(state.PRESET)].source, seed=0, step=0)
