"""The frame of every page: heading, controls that are also the link, notices, and what a failure looks like.

A page reads top to bottom::

    page = open_page("nms", title=..., tagline=...)
    with page.explained():
        view = state.read(page)                                        # link, controls and pieces → one frozen View
        page.slider(state.IOU_THRESHOLD, page.translate("IoU threshold"))
        end_page(page, ...)

Each control is named as the argument it feeds: its key is ``<concept>_<name>``, its link parameter ``<name>``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.kit import controls, lesson, link, room, tour, walk
from pages.kit import language as lang
from pages.kit.address import RESERVED, new_parameters, write_address
from pages.kit.faces import Faces
from pages.kit.heading import draw_heading
from pages.kit.teacher import teacher_corner
from vizcore.errors import ExplainedError

Show = Callable[..., Any]
"""``show(page, view, …)`` of one part of a page."""


@dataclass(kw_only=True)
class Page(Faces):
    """One run of one page.

    Attributes:
        presenting: larger type, no sidebar.
        slot: where the heading's actions go once they are known.
        notice_slot: where notices go.
        closed: whether its end was drawn.
    """

    presenting: bool
    slot: DeltaGenerator
    notice_slot: DeltaGenerator
    closed: bool = False

    def part(self, parts: Mapping[str, tuple[str, Show]], parameter: link.Parameter | None = None) -> Show:
        """Draws the choice of a page's part and returns what shows it.

        Args:
            parts: name in the link → its words, and the function ``show(page, view, …)`` of its module.
            parameter: its link parameter, if it is not ``part`` beginning with the first.
        """
        if parameter is None:
            parameter = link.choice("part", list(parts), next(iter(parts)))
        words = {name: title for name, (title, _show) in parts.items()}
        with st.container(key=f"tabs_{self.concept}"):
            chosen = self.select(parameter, self.translate("Part"), words, few=True, label_visibility="collapsed")
        return parts[chosen][1]

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Our own errors inside become one sentence, and the page still closes: its link stands, a way on stays."""
        with lesson.beside_words(self) if self.step is not None else nullcontext():
            try:
                yield
            except ExplainedError as error:
                self.explain(error)
                if not self.closed:
                    close_page(self)

    # -- words ---------------------------------------------------------------------------------------------------------

    def lesson(self, section: str, *, title: str | None = None, expanded: bool = False) -> None:
        """Shows a section of this page's lesson, folded under ``title`` when one is given."""
        lesson.show_section(self, section, title=title, expanded=expanded)

    def explain(self, error: Exception) -> None:
        """Shows one of our errors as a sentence in the reader's language."""
        st.error(lang.explain(error, self.translate), icon=":material/error:")


def open_page(concept: str, *, title: str, tagline: str, tour: Sequence[tour.Step] = ()) -> Page:
    """Begins a page: takes the link over, shows the heading.

    Args:
        concept: the page's name.
        title: English heading, translated by the concept's catalogue.
        tagline: English sentence that says what to do first, translated likewise.
        tour: the steps of its lesson. Whoever comes for the first time, and by no link to a view, sees the first one.
    """
    translate = lang.translator(concept)
    teacher = st.session_state.setdefault("teacher", {}).setdefault(concept, {})
    incoming = new_parameters(concept)
    for name in ("hide", "lock"):
        if name in incoming:
            teacher[name] = frozenset(incoming[name].split(","))
    own = ("solved", "tour") if tour else ("solved",)
    page = Page(
        concept=concept,
        translate=translate,
        language=lang.current_language(),
        presenting=bool(st.session_state["shell"].get("present")),
        hidden=teacher.get("hide", frozenset()),
        locked=teacher.get("lock", frozenset()),
        incoming={name: value for name, value in incoming.items() if name not in RESERVED or name in own},
        slot=draw_heading(translate(title), translate(tagline)),
        notice_slot=st.container(),
        steps=tuple(tour),
    )
    page.set(**st.session_state.get("pending", {}).pop(concept, {}))
    if tour:
        lesson.enter(page)
    return page


def close_page(page: Page) -> None:
    """Ends a page: says what could not be used, writes the link."""
    page.incoming.pop("solved", None)
    unknown = sorted(page.incoming)
    if unknown:
        names = ", ".join(f"“{lang.escape_markdown(name[:40])}”" for name in unknown[:5])
        page.notices.append(page.translate("The link has settings that this page does not know: {names}.", names=names))
    with page.notice_slot:
        for notice in page.notices:
            st.warning(notice, icon=":material/link_off:")
    query = {**page.written, **room.in_link(page), **walk.in_link(), "lang": page.language}
    if page.presenting:
        query["present"] = "1"
    for name, names_ in (("hide", page.hidden), ("lock", page.locked)):
        if names_:
            query[name] = ",".join(sorted(names_))
    with page.slot:
        if page.steps:
            lesson.offer_other_face(page)
        teacher_corner(page, query)
        write_address(
            page.concept,
            query,
            controls={page.key(name): control for name, control in page.listed.items()},
            language=page.language,
            translate=page.translate,
        )
    controls.run_is_complete()
    page.closed = True
