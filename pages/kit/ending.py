"""How a page ends: challenges, words to read, the program and the numbers to take away, and the link."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.kit import lesson
from pages.kit.alone import run_alone
from pages.kit.challenges import Challenge, show_challenges
from pages.kit.exports import download_numbers
from pages.kit.page import Page, close_page
from pages.kit.reproduce import reproduce_panel, reproduce_place

Rows = Callable[[], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Shown:
    """What a page, or one part of it, leaves for its end.

    Attributes:
        script: a program that prints the numbers on the screen; empty if there is none.
        rows: makes the numbers as rows with the same columns; None if there are none to take away.
        name: of the files, without an ending.
    """

    script: str = ""
    rows: Rows | None = None
    name: str = "grad2box"


@dataclass(frozen=True)
class Alone:
    """A part of a page that runs alone when one of its own controls moves, see :mod:`pages.kit.alone`.

    Attributes:
        draw: draws its controls, and in places made before what they change; returns the program as it now stands.
        place: where its controls stand.
        needs_vizcore: whether the program uses one of our own models.
    """

    draw: Callable[[], str]
    place: DeltaGenerator
    needs_vizcore: bool = False


def end_page(
    page: Page,
    shown: Shown,
    *,
    challenges: Sequence[Challenge] = (),
    sections: Mapping[str, str] | None = None,
    expanded: str = "",
    alone: Alone | None = None,
    outcome: Any = None,
) -> None:
    """Draws the furniture that every page ends with, and closes it.

    Args:
        page: the open page.
        shown: what its parts left.
        challenges: in the order shown; marked from the state of this run.
        sections: of the lesson to show folded → their translated headings, beside what to try (first, unless it is
            among them), misconceptions and sources (last).
        expanded: the section that stands open, if any.
        alone: the part that runs alone; the challenges are marked, and the page closed, at the end of each of its runs.
        outcome: what the lesson's questions are judged by; the lesson draws nothing of the rest.
    """
    if page.step is not None:
        if alone is not None:
            with alone.place:
                alone.draw()
        lesson.tell(page, outcome)
        close_page(page)
        return
    if alone is not None:
        challenges_place = st.container()  # they are marked when the part that runs alone has run
    elif challenges:
        show_challenges(page, challenges)
    _ = page.translate
    folded = dict(sections or {})
    if "try" not in folded:
        folded = {"try": _("What to try"), **folded}
    folded |= {"misconceptions": _("Misconceptions"), "sources": _("Sources")}
    for section, title in folded.items():
        page.lesson(section, title=title, expanded=section == expanded)
    if shown.script:
        reproduce_panel(page, shown.script)
    if shown.rows is not None:
        download_numbers(page, shown.name, shown.rows)
    if alone is None:
        close_page(page)
        return
    program, draw = reproduce_place(page, needs_vizcore=alone.needs_vizcore), alone.draw
    with alone.place:
        run_alone(
            page,
            lambda: program.code(draw(), language="python"),
            challenges=challenges,
            challenges_place=challenges_place,
        )
