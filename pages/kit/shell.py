"""The shell around every page: navigation, language, presenter mode, and what happens when a page fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.kit import controls, platform
from pages.kit import language as lang
from pages.kit.address import take_visit
from pages.kit.failure import failure_of, show_failure
from pages.kit.memory import spare_memory

spare_memory()  # app.py imports this before anything that needs torch
PAGES = Path(__file__).resolve().parents[1]

# Presenter mode: everything that is sized in rem grows for the last row of the room.
_PRESENTER = """<style>
html { font-size: 150% !important; }
.stMainBlockContainer { max-width: 100% !important; padding-top: 3.5rem !important; }
</style>"""

_EVERYWHERE = """<style>
.stMainBlockContainer { padding-top: 3rem; max-width: 92rem; }
@media (max-width: 640px) { .stMainBlockContainer { padding-left: 1rem; padding-right: 1rem; } }
:focus-visible { outline: 3px solid var(--st-primary-color, #0B6FB8); outline-offset: 2px; }
</style>"""


def run_app(sections: Mapping[str, Sequence[tuple[str, str, str]]]) -> None:
    """Registers the pages and runs the one that is asked for.

    Args:
        sections: heading → ``(concept, title, icon)`` of its pages.
    """
    chosen = _take_over_link()
    presenting = chosen["present"]
    say = lang.translator("kit")
    st.set_page_config(
        page_title="Grad2Box",
        page_icon="🎯",
        layout="wide",
        initial_sidebar_state="collapsed" if presenting else "auto",
    )
    registered = {
        say(heading) if heading else "": [
            st.Page(
                PAGES / concept / "page.py", title=say(title), icon=icon, url_path=concept, default=concept == "home"
            )
            for concept, title, icon in pages
        ]
        for heading, pages in sections.items()
    }
    page = st.navigation(registered, position="top" if presenting else "sidebar", expanded=True)
    page = platform.page_asked_for(page, [each for pages in registered.values() for each in pages])
    st.html(_EVERYWHERE + (_PRESENTER if presenting else ""))
    with st.container(horizontal=True, horizontal_alignment="right") if presenting else st.sidebar:
        _switches(chosen, say)
    concept = page.url_path or "home"
    failure = failure_of(concept)
    if failure is not None:
        show_failure(failure, concept)
        return
    try:
        page.run()
    except Exception as error:
        show_failure(error, concept)


def _switches(chosen: Mapping[str, Any], say: lang.Translate) -> None:
    """Language and presenter mode."""
    languages = list(lang.LANGUAGES)
    controls.draw(
        "lang",
        chosen["lang"],
        "",  # its words are the same in both languages
        lambda key, value: st.radio(
            "Language / 语言",
            languages,
            languages.index(value),
            format_func=lang.LANGUAGES.get,
            key=key,
            horizontal=True,
            label_visibility="collapsed" if chosen["present"] else "visible",
        ),
    )
    controls.draw(
        "present",
        chosen["present"],
        chosen["lang"],
        lambda key, value: st.toggle(
            say("Presenter mode"),
            value,
            key=key,
            help=say("Larger type and marks, no sidebar; also by the link’s present=1."),
        ),
    )


def _take_over_link() -> dict[str, Any]:
    """Language and presenter mode begin as the link or the browser says; from then on they are the session's.

    A link that the reader went back to brings them along too.
    """
    chosen: dict[str, Any] = st.session_state.setdefault("shell", {})
    visited = take_visit()
    if visited is not None:
        for name in ("lang", "present"):
            platform.forget(name)
            controls.raise_version(name)
        chosen["lang"] = visited.get("lang", chosen.get("lang"))
        chosen["present"] = visited.get("present") == "1"
    else:
        asked = st.query_params.get("present") == "1"
        chosen["lang"] = st.session_state.get("lang", chosen.get("lang"))
        chosen["present"] = bool(st.session_state.get("present", chosen.get("present", asked)))
    if chosen["lang"] not in lang.LANGUAGES:
        chosen["lang"] = lang.asked_language()
    return chosen
