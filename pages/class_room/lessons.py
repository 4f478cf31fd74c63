"""The lessons that a room can have: the tour of every page that has one, or a teacher's own sequence of views."""

from __future__ import annotations

import streamlit as st

from pages.kit import language
from pages.kit.page import Page
from pages.rooms.lesson import Lesson, tour_lesson

_STEP = "tour_"


def page_titles() -> dict[str, str]:
    """The pages by concept, translated, in the order of the menu."""
    titles: dict[str, str] = st.session_state.get("titles", {})
    return {concept: title for concept, title in titles.items() if concept not in ("home", "class_room")}


def steps_of(concept: str, spoken: str) -> dict[str, str]:
    """The steps of a page's tour: name → its heading; empty where there is no tour."""
    path = language.ASSETS / "lessons" / spoken / f"{concept}.md"
    if not path.exists():
        return {}
    sections = language.lesson_sections(concept, spoken)
    return {
        name.removeprefix(_STEP): text.partition("\n")[0].removeprefix("## ")
        for name, text in sections.items()
        if name.startswith(_STEP)
    }


def ready_lessons(page: Page) -> dict[str, Lesson]:
    """The tours as lessons, by concept."""
    found = {}
    for concept, title in page_titles().items():
        steps = steps_of(concept, page.language)
        if steps:
            found[concept] = tour_lesson(concept, len(steps), title)
    return found


def heading_of(page: Page, link: str) -> str:
    """What a view of a lesson is called: its page, and the step's own heading if it is one of a tour."""
    concept, _, query = link.partition("?")
    title = page_titles().get(concept, concept)
    number = next((part.removeprefix("tour=") for part in query.split("&") if part.startswith("tour=")), "")
    headings = list(steps_of(concept, page.language).values())
    if number.isdecimal() and 1 <= int(number[:3]) <= len(headings):
        return f"{title}: {headings[int(number[:3]) - 1]}"
    return title
