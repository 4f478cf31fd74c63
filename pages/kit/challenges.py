"""Challenges that a program marks: the learner builds a state, the page's own numbers say whether it is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


def challenge_hints(page: Page, challenges: Sequence[Challenge]) -> dict[str, str | None]:
    """The hint of every challenge that is not solved yet, by its name; None where the present state solves it."""
    solved = page.value(_solved(challenges))
    return {challenge.name: challenge.hint() for challenge in challenges if challenge.name not in solved}


def keep_solved(page: Page, challenges: Sequence[Challenge], hints: Mapping[str, str | None]) -> None:
    """What was solved stays solved, in the session and in the link."""
    parameter = _solved(challenges)
    solved = {*page.value(parameter), *_fresh(hints)}
    page.store(parameter, [challenge.name for challenge in challenges if challenge.name in solved])


def must_redraw(page: Page, hints: Mapping[str, str | None]) -> bool:
    """Whether the drawn challenges have become wrong: one is solved now, or something that was said still stands."""
    return bool(_fresh(hints)) or bool(st.session_state.get(page.key("challenges_speak")))


def show_challenges(
    page: Page, challenges: Sequence[Challenge], *, hints: Mapping[str, str | None] | None = None
) -> None:
    """Lists the challenges; each is marked on every run, and its hint is shown only when asked for.

    What was solved stays solved, in the session and in the link.

    Args:
        page: the open page.
        challenges: in the order shown.
        hints: from :func:`challenge_hints`, if they were marked and kept before.
    """
    if hints is None:
        hints = challenge_hints(page, challenges)
        keep_solved(page, challenges, hints)
    say = page.translate
    solved, fresh, speaks = page.value(_solved(challenges)), _fresh(hints), False
    st.subheader(say("Challenges: {done} of {all} solved", done=len(solved), all=len(challenges)), anchor=False)
    for challenge in challenges:
        with st.container(border=True, gap="small"):
            row = st.container(horizontal=True, vertical_alignment="center")
            mark = (
                ":green[:material/check_circle:]" if challenge.name in solved else ":material/radio_button_unchecked:"
            )
            row.markdown(f"{mark} **{challenge.title}**: {challenge.task}")
            if challenge.name in fresh:
                speaks = True
                st.success(say("Solved just now. Well done!"), icon=":material/trophy:")
            elif challenge.name not in solved and row.button(
                say("Check my answer"), key=page.key(f"check_{challenge.name}")
            ):
                speaks = True
                st.info(hints[challenge.name], icon=":material/lightbulb:")
    st.session_state[page.key("challenges_speak")] = speaks


def _solved(challenges: Sequence[Challenge]) -> link.Parameter:
    return link.choices("solved", [challenge.name for challenge in challenges], [])


def _fresh(hints: Mapping[str, str | None]) -> set[str]:
    return {name for name, hint in hints.items() if hint is None}
