"""The shell around every page: navigation, language, presenter mode, and what happens when a page fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.kit import controls, platform, room, walk
from pages.kit import language as lang
from pages.kit.address import take_visit
from pages.kit.failure import failure_of, show_failure
from pages.kit.memory import spare_memory

spare_memory()  # app.py imports this before anything that needs torch
PAGES = Path(__file__).resolve().parents[1]

# What is large in presenter mode is the picture, then its words; the furniture grows least. --g2b-room is the height
# that a picture can have without being cut: pieces know it too, since custom properties reach into shadow roots.
_PRESENTER = """<style>
html { font-size: 118% !important; }
:root:has(.st-key-lesson) { --g2b-room: calc(100vh - 11.5rem) !important; }
.stMainBlockContainer { padding-top: 2.75rem !important; }
.stAppHeader { height: 2.5rem; min-height: 2.5rem; backdrop-filter: blur(12px); }
.stAppHeader :is(a, button, span, p) { font-size: 0.85rem; }
.st-key-switches {
  position: fixed; top: 0.2rem; right: 3.5rem; width: auto; z-index: 1000000; gap: 0.75rem; align-items: center;
}
.st-key-switches p { font-size: 0.85rem !important; }
@media (min-width: 900px) {
  .stAppHeader { right: auto; width: calc(100vw - 21rem); }
  .st-key-switches { right: 0.75rem; }
}
@media (max-width: 640px) {
  .st-key-switches { position: static; }
}
[data-testid="stMarkdownContainer"] p, [data-testid="stMarkdownContainer"] li { font-size: 1.15rem; }
.st-key-head_words [data-testid="stMarkdownContainer"] p { font-size: 0.95rem; }
@media (min-width: 900px) and (max-height: 800px) {
  html:has(.st-key-lesson) .st-key-head_words .stMarkdown { display: none; }
  html:has(.st-key-lesson) .stMainBlockContainer { padding-top: 2.25rem !important; }
  .st-key-lesson_words { max-height: calc(100vh - 5.5rem) !important; gap: 0.5rem !important; }
  .st-key-lesson_words [data-testid="stMarkdownContainer"] :is(p, li) { font-size: 1rem; }
  .st-key-lesson_words h4 { font-size: 1.15rem; padding-bottom: 0.75rem; }
}
</style>"""

# Streamlit tells its colors to our pieces alone: outside of them ours stands for its primary color.
_EVERYWHERE = """<style>
:root { --g2b-room: calc(100vh - 21rem); --g2b-primary: light-dark(#0B6FB8, #5AB0F0); }
:root:has(.st-key-lesson) { --g2b-room: calc(100vh - 9.5rem); }
.stMainBlockContainer { padding: 1.25rem 2.5rem 3rem; max-width: 120rem; }
.stMainBlockContainer > .stVerticalBlock { gap: 0.75rem; }
.stAppHeader { background: transparent; }
.stAppHeader, .stAppHeader * { pointer-events: none; }
.stAppHeader :is(button, a), .stAppHeader :is(button, a) * { pointer-events: auto; }
.st-key-head { padding-right: 2.5rem; }
.st-key-head h1 { font-size: 1.75rem; padding: 0; line-height: 1.25; }
.st-key-head, .st-key-head_words { min-width: 0; }
.st-key-head_words :is(.stHeading > div, .stMarkdown > div, [data-testid="stMarkdownContainer"]) { margin: 0; }
.st-key-lesson_words { max-height: calc(100vh - 7rem); overflow-y: auto; padding: 8px; }
.st-key-lesson_words h4 { padding-top: 0; }
[data-testid="stHeaderActionElements"] { display: none; }
.st-key-lesson_verdict { scroll-margin-bottom: 8.5rem; }
.st-key-lesson_question button p { text-align: left; width: 100%; }
.st-key-lesson_question button { justify-content: flex-start; }
.st-key-lesson_words > :last-child {
  position: sticky; bottom: -8px; z-index: 2; backdrop-filter: blur(12px);
}
@media (max-height: 800px) {
  .st-key-lesson_words { gap: 0.75rem; }
  .st-key-lesson_question { gap: 0.5rem; }
  .st-key-lesson_words :is(p, li) { line-height: 1.4; }
  .st-key-lesson_words h4 { font-size: 1.25rem; padding-bottom: 0.5rem; }
  .st-key-lesson_question button { min-height: 2.1rem; padding: 0.2rem 0.6rem; }
}
[class*="st-key-tabs_"] [role="radiogroup"] { gap: 0; box-shadow: inset 0 -1px #8884; }
[class*="st-key-tabs_"] label { margin: 0; padding: 0.35rem 0.9rem; border-bottom: 3px solid transparent; }
[class*="st-key-tabs_"] label > div > div:first-child:not([data-testid]) { display: none; }
[class*="st-key-tabs_"] label:has(input:checked) { border-color: var(--g2b-primary); }
[class*="st-key-tabs_"] label:has(input:focus-visible) { outline: 3px solid var(--g2b-primary); }
.st-key-lesson [data-testid="stHorizontalBlock"]:not(:has([data-testid="stElementContainer"])) { display: none; }
[data-testid="stCaptionContainer"] { opacity: 0.8; }
[class*="st-key-home_card_"] { position: relative; }
[class*="st-key-home_card_"] .stPageLink a::after { content: ""; position: absolute; inset: 0; z-index: 1; }
[class*="st-key-home_card_"] :is(.stPageLink, .stPageLink *) { position: static; }
[class*="st-key-home_card_"]:hover { border-color: var(--g2b-primary); }
@media (max-width: 640px) {
  .stMainBlockContainer { padding: 3.25rem 1rem 3rem; }
  .stAppHeader { backdrop-filter: blur(12px); height: 2.75rem; min-height: 2.75rem; }
  .st-key-head { padding-right: 0; }
  .st-key-lesson > div > .stHorizontalBlock { flex-direction: column-reverse; }
  .st-key-lesson_words { max-height: none; }
  .st-key-picture_first { flex-direction: column-reverse; }
}
:focus-visible, :is(.stMain, [data-testid="stSidebarNavLink"]):focus-visible,
[data-testid="stElementToolbar"] button:focus-visible {
  outline: 3px solid var(--g2b-primary); outline-offset: 2px;
}
.stMain:focus-visible { outline-offset: -3px; }
[data-testid="stElementToolbar"]:focus-within { opacity: 1; }
[data-testid="stDataFrame"]:has(:focus-visible) { outline: 3px solid var(--g2b-primary); outline-offset: 2px; }
.st-key-lesson_words :is(h4, .st-key-lesson_question, .st-key-lesson_verdict):focus-visible { border-radius: 4px; }
</style>"""

_SIDEBAR = 232  # px


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
        initial_sidebar_state="collapsed" if presenting else _SIDEBAR,
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
    with st.container(key="switches", horizontal=True) if presenting else st.sidebar:
        _switches(chosen, say)
    concept = page.url_path or "home"
    every = {each.url_path or "home": each for pages in registered.values() for each in pages}
    st.session_state["titles"] = {name: each.title for name, each in every.items()}
    bar = room.enter(every, concept)
    walk.enter(every, concept, in_class=bar is not None)
    failure = failure_of(concept)
    if failure is not None:
        show_failure(failure, concept)
    else:
        try:
            page.run()
        except Exception as error:
            show_failure(error, concept)
    room.draw(bar, concept)


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
