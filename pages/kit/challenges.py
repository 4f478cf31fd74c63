"""Challenges that a program marks: the learner builds a state, the page's own numbers say whether it is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.kit import link
from pages.kit.page import Page


@dataclass(frozen=True)
class Challenge:
    """One task, marked from the page's state.

    Attributes:
        name: short name, part of the link (``solved=``).
        title: its heading, translated.
        task: what to bring about, translated Markdown.
        hint: looks at the present state: None when it solves the task, else a translated hint that fits this wrong
            answer.
    """

    name: str
    title: str
    task: str
    hint: Callable[[], str | None]


def show_challenges(page: Page, challenges: Sequence[Challenge]) -> None:
    """Lists the challenges; each is marked on every run, and its hint is shown only when asked for.

    What was solved stays solved, in the session and in the link.
    """
    say = page.translate
    names = [challenge.name for challenge in challenges]
    parameter = link.choices("solved", names, [])
    solved = set(page.value(parameter))
    hints = {challenge.name: challenge.hint() for challenge in challenges}
    fresh = {name for name, hint in hints.items() if hint is None} - solved
    solved |= fresh
    page.store(parameter, [name for name in names if name in solved])
    st.subheader(say("Challenges: {done} of {all} solved", done=len(solved), all=len(names)), anchor=False)
    for challenge in challenges:
        with st.container(border=True):
            mark = (
                ":green[:material/check_circle:]" if challenge.name in solved else ":material/radio_button_unchecked:"
            )
            st.markdown(f"{mark} **{challenge.title}**: {challenge.task}")
            if challenge.name in fresh:
                st.success(say("Solved just now. Well done!"), icon=":material/trophy:")
            elif challenge.name not in solved and st.button(
                say("Check my answer"), key=page.key(f"check_{challenge.name}")
            ):
                st.info(hints[challenge.name], icon=":material/lightbulb:")
