"""The frame of every page: heading, controls that are also the link, notices, and what a failure looks like.

A page reads top to bottom::

    page = open_page("nms", title=..., tagline=...)
    iou_threshold = page.slider("iou_threshold", page.translate("IoU threshold"), 0.0, 1.0, 0.5)
    ...
    close_page(page)

A page on which one control is moved far more than the others ends with :func:`pages.kit.alone.run_alone` instead.

Each control is named as the argument it feeds. Its session key is ``<concept>_<name>`` and its link parameter
``<name>``. A value lives in three places: the widget's state while it is drawn, a copy that survives a page switch, and
the link. ``close_page`` writes the link with every control in it, defaults too, so that a link keeps its meaning when a
default changes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.pages_manager import PagesManager

from pages.kit import language as lang
from pages.kit import link
from pages.kit.components import mount

LINK_VERSION = "1"
RESERVED = ("lang", "present", "hide", "lock", "solved", "v")
_MOST_SEEN = 400
_LOG = logging.getLogger("grad2box")


@dataclass
class Page:
    """One run of one page.

    Attributes:
        concept: its name, as everywhere.
        translate: says a label of this page in the reader's language.
        language: ``en`` or ``zh``.
        presenting: larger type, no sidebar.
        hidden: controls that a teacher's link hides.
        locked: controls that a teacher's link locks.
        incoming: link parameters to take over in this run.
        written: the link as it stands, by parameter.
        notices: sentences to show above the page.
        slot: where heading actions and notices go once they are known.
    """

    concept: str
    translate: lang.Translate
    language: str
    presenting: bool
    hidden: frozenset[str]
    locked: frozenset[str]
    incoming: dict[str, str]
    slot: DeltaGenerator
    notice_slot: DeltaGenerator
    written: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    # -- values --------------------------------------------------------------------------------------------------------

    def key(self, name: str) -> str:
        """Session key of a control."""
        return f"{self.concept}_{name}"

    def value(self, parameter: link.Parameter) -> Any:
        """The present value of a parameter without drawing a control; it is part of the link from here on."""
        key = self.key(parameter.name)
        kept = _kept(self.concept)
        if parameter.name in self.incoming:
            try:
                st.session_state[key] = parameter.read(self.incoming.pop(parameter.name))
                _raise_version(key)
            except link.LinkError:
                self.notices.append(
                    self.translate(
                        "The link’s value for “{name}” cannot be used; the default stands instead.", name=parameter.name
                    )
                )
                st.session_state[key] = parameter.default
        elif key not in st.session_state:
            st.session_state[key] = kept.get(parameter.name, parameter.default)
        if not _readable(parameter, st.session_state[key]):
            st.session_state[key] = parameter.default
        self._keep(parameter, st.session_state[key])
        return st.session_state[key]

    def store(self, parameter: link.Parameter, value: Any) -> None:
        """Takes over what one of our own pieces reported (a drag, a step), if a link could carry it."""
        if _readable(parameter, value):
            st.session_state[self.key(parameter.name)] = value
            self._keep(parameter, value)

    def set(self, **values: Any) -> None:
        """Sets controls from a callback (a preset, a button): what our own pieces hold is replaced too."""
        for name, value in values.items():
            st.session_state[self.key(name)] = value
            _kept(self.concept)[name] = value
            _raise_version(self.key(name))

    def keep_for_next_run(self, **values: Any) -> None:
        """Sets controls that this run has already drawn; they show it from the next run on."""
        st.session_state.setdefault("pending", {}).setdefault(self.concept, {}).update(values)

    def version(self, name: str) -> int:
        """How often a value was set from outside the piece that shows it, which then takes the value over."""
        return st.session_state.get("versions", {}).get(self.key(name), 0)

    def _keep(self, parameter: link.Parameter, value: Any) -> None:
        _kept(self.concept)[parameter.name] = value
        self.written[parameter.name] = parameter.write(value)

    def _drawn(self, parameter: link.Parameter, draw: Callable[[str, bool], Any]) -> Any:
        """Seeds the state, draws the control unless it is hidden, and keeps what it says."""
        value = self.value(parameter)
        if parameter.name in self.hidden:
            return value
        answer = draw(self.key(parameter.name), parameter.name in self.locked)
        self._keep(parameter, answer)
        return answer

    # -- controls ------------------------------------------------------------------------------------------------------

    def slider(
        self,
        name: str,
        label: str,
        low: float,
        high: float,
        default: float,
        *,
        step: float | None = None,
        **options: Any,
    ) -> Any:
        """A number on a slider; whole when its bounds are."""
        return self._drawn(
            link.number(name, low, high, default),
            lambda key, locked: st.slider(label, low, high, step=step, key=key, disabled=locked, **options),
        )

    def number(
        self,
        name: str,
        label: str,
        low: float,
        high: float,
        default: float,
        *,
        step: float | None = None,
        **options: Any,
    ) -> Any:
        """A number that is typed."""
        return self._drawn(
            link.number(name, low, high, default),
            lambda key, locked: st.number_input(label, low, high, step=step, key=key, disabled=locked, **options),
        )

    def toggle(self, name: str, label: str, default: bool, **options: Any) -> bool:
        """A switch."""
        return self._drawn(
            link.flag(name, default),
            lambda key, locked: st.toggle(label, key=key, disabled=locked, **options),
        )

    def select(
        self, name: str, label: str, options: Mapping[str, str], default: str, *, few: bool = False, **more: Any
    ) -> str:
        """One of several: ``options`` maps the value in the link to the words on the screen.

        Args:
            name: the argument's name.
            label: its words.
            options: value to words, in the order shown.
            default: one of the values.
            few: side by side instead of in a list.
            more: handed on to the widget.
        """

        def draw(key: str, locked: bool) -> str:
            if few:
                return st.radio(
                    label, list(options), format_func=options.get, key=key, disabled=locked, horizontal=True, **more
                )
            return st.selectbox(label, list(options), format_func=options.get, key=key, disabled=locked, **more)

        return self._drawn(link.choice(name, list(options), default), draw)

    def select_several(
        self, name: str, label: str, options: Mapping[str, str], default: Sequence[str], **more: Any
    ) -> list[str]:
        """Any number of several, in the order of ``options``."""

        def draw(key: str, locked: bool) -> list[str]:
            chosen = st.pills(
                label, list(options), selection_mode="multi", format_func=options.get, key=key, disabled=locked, **more
            )
            return [option for option in options if option in chosen]

        return self._drawn(link.choices(name, list(options), default), draw)

    def text(
        self, name: str, label: str, default: str, *, max_length: int = 200, area: bool = False, **more: Any
    ) -> str:
        """Words or, as an area, a program."""
        widget = st.text_area if area else st.text_input
        return self._drawn(
            link.text(name, default, max_length=max_length),
            lambda key, locked: widget(label, key=key, max_chars=max_length, disabled=locked, **more),
        )

    # -- words ---------------------------------------------------------------------------------------------------------

    def lesson(self, section: str, *, title: str | None = None, expanded: bool = False) -> None:
        """Shows a section of this page's lesson, folded under ``title`` when one is given."""
        text = lang.lesson_sections(self.concept, self.language)[section]
        if title is None:
            st.markdown(text)
        else:
            with st.expander(title, expanded=expanded):
                st.markdown(text)

    def explain(self, error: Exception) -> None:
        """Shows one of our errors as a sentence in the reader's language."""
        st.error(lang.explain(error, self.translate), icon=":material/error:")


def open_page(concept: str, *, title: str, tagline: str) -> Page:
    """Begins a page: takes the link over, shows the heading.

    Args:
        concept: the page's name.
        title: English heading, translated by the concept's catalogue.
        tagline: English sentence that says what to do first, translated likewise.
    """
    if "present" not in st.session_state:
        # Because of a folder called "pages", Streamlit runs a page by itself when a new server's first visitor comes by
        # the page's own link. Told that the folder means nothing, it runs app.py around the page.
        PagesManager.uses_pages_directory = False
        st.rerun()
    translate = lang.translator(concept)
    teacher = st.session_state.setdefault("teacher", {}).setdefault(concept, {})
    incoming = _new_parameters(concept)
    for name in ("hide", "lock"):
        if name in incoming:
            teacher[name] = frozenset(incoming[name].split(","))
    head, actions = st.columns([4, 1], vertical_alignment="bottom", gap="medium")
    with head:
        st.title(translate(title), anchor=False)
    st.markdown(f":gray[{translate(tagline)}]")
    page = Page(
        concept=concept,
        translate=translate,
        language=lang.current_language(),
        presenting=bool(st.session_state.get("present")),
        hidden=teacher.get("hide", frozenset()),
        locked=teacher.get("lock", frozenset()),
        incoming={name: value for name, value in incoming.items() if name not in RESERVED or name == "solved"},
        slot=actions.container(),
        notice_slot=st.container(),
    )
    page.set(**st.session_state.get("pending", {}).pop(concept, {}))
    return page


def close_page(page: Page) -> None:
    """Ends a page: says what could not be used, writes the link."""
    page.incoming.pop("solved", None)
    for name in sorted(page.incoming)[:5]:
        page.notices.append(
            page.translate("The link has a setting “{name}” that this page does not know.", name=name[:40])
        )
    with page.notice_slot:
        for notice in page.notices:
            st.warning(notice, icon=":material/link_off:")
    query = {**page.written, "lang": page.language, "v": LINK_VERSION}
    if page.presenting:
        query["present"] = "1"
    for name, controls in (("hide", page.hidden), ("lock", page.locked)):
        if controls:
            query[name] = ",".join(sorted(controls))
    _seen(page.concept).append(_canonical(query))
    with page.slot:
        mount(
            "shared/share",
            key=f"{page.concept}_share",
            data={
                "query": urlencode(query, safe=",;:~"),
                "language": "zh-CN" if page.language == "zh" else "en",
                "text": {
                    "copy": page.translate("Copy link"),
                    "copied": page.translate("Link copied"),
                    "manual": page.translate("Copy this link:"),
                },
            },
        )


def reset_page(concept: str) -> None:
    """Forgets everything a page holds in this session."""
    st.session_state.get("kept", {}).pop(concept, None)
    for key in [key for key in st.session_state if isinstance(key, str) and key.startswith(f"{concept}_")]:
        del st.session_state[key]


def show_failure(error: Exception, concept: str) -> None:
    """Tells a reader what to do when a page fails; the log gets the traceback."""
    _LOG.error("page %s failed", concept, exc_info=error)
    say = lang.translator("kit")
    st.error(
        say(
            "Something on this page went wrong ({kind}). Your other pages are untouched. Reset this page, or reload "
            "it.",
            kind=type(error).__name__,
        ),
        icon=":material/error:",
    )
    st.button(say("Reset this page"), on_click=reset_page, args=(concept,), icon=":material/restart_alt:")


def _kept(concept: str) -> dict[str, Any]:
    return st.session_state.setdefault("kept", {}).setdefault(concept, {})


def _seen(concept: str) -> list[frozenset[tuple[str, str]]]:
    seen = st.session_state.setdefault("seen_links", {}).setdefault(concept, [])
    del seen[:-_MOST_SEEN]
    return seen


def _canonical(query: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, str(value)) for name, value in query.items())


def _new_parameters(concept: str) -> dict[str, str]:
    """The link's parameters if this link was not met before in this session.

    The browser sends its address with every run, and that address lags behind by a run or two while a slider moves.
    Only an address that we neither wrote nor took over already is news.
    """
    query = st.query_params.to_dict()
    if not query or _canonical(query) in _seen(concept):
        return {}
    _seen(concept).append(_canonical(query))
    return query


def _raise_version(key: str) -> None:
    versions = st.session_state.setdefault("versions", {})
    versions[key] = versions.get(key, 0) + 1


def _readable(parameter: link.Parameter, value: Any) -> bool:
    try:
        parameter.read(parameter.write(value))
    except (link.LinkError, TypeError, ValueError, AttributeError):
        return False
    return True
