"""The frame of every page: heading, controls that are also the link, notices, and what a failure looks like.

A page reads top to bottom::

    page = open_page("nms", title=..., tagline=...)
    with page.explained():
        view = state.read(page)                                        # link, controls and pieces → one frozen View
        page.slider(state.IOU_THRESHOLD, page.translate("IoU threshold"))
        ...
    page.end(...)

A page on which one control is moved far more than the others ends with :func:`pages.kit.alone.run_alone` instead.

Each control is named as the argument it feeds. Its session key is ``<concept>_<name>`` and its link parameter
``<name>``. Its value is one: what :meth:`Page.value` returns is what the control shows (:mod:`pages.kit.controls`),
what the link carries and what is computed with. ``close_page`` writes the link with every control in it, defaults too,
so that a link keeps its meaning when a default changes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.kit import controls, link, platform
from pages.kit import language as lang
from pages.kit.components import mount
from vizcore.errors import ExplainedError

LINK_VERSION = "1"
RESERVED = ("lang", "present", "hide", "lock", "solved", "v")
SHARE = "share"  # key of the piece that writes the address and reports Back and Forward
_MOST_SEEN = 400
_LONGEST_LINK = 100_000
_MOST_LISTED = 60  # options of a control that the page tells; a thousand classes would weigh on every run
_SLIDER_STEP = 0.01  # Streamlit's, for a slider of fractions that names none
_LOG = logging.getLogger("grad2box")


Show = Callable[["Page", Any], Any]
"""``show(page, view)`` of one part of a page."""


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
    listed: dict[str, dict[str, Any]] = field(default_factory=dict)
    closed: bool = False

    # -- values --------------------------------------------------------------------------------------------------------

    def key(self, name: str) -> str:
        """Session key of a control."""
        return f"{self.concept}_{name}"

    def value(self, parameter: link.Parameter, *, among: Sequence[str] | None = None) -> Any:
        """The present value of a parameter, drawn or not; it is part of the link from here on.

        Args:
            parameter: what is asked for.
            among: those of its options that can be had at present; another value gives way to the default.
        """
        value = self._read(parameter)
        if among is not None and value not in among:
            value = parameter.default if parameter.default in among else next(iter(among), parameter.default)
            self.set(**{parameter.name: value})
        self._keep(parameter, value)
        return value

    def _read(self, parameter: link.Parameter) -> Any:
        """The link if it brings news, else what the control says, else what was kept."""
        name, key = parameter.name, self.key(parameter.name)
        if name in self.incoming:
            value = _settled(parameter, self.incoming.pop(name))
            if value is _UNREADABLE:
                self.notices.append(
                    self.translate(
                        "The link’s value for “{name}” cannot be used; the default stands instead.", name=name
                    )
                )
                value = parameter.default
                if _kept(self.concept).get(name, value) == value:
                    return value
            self.set(**{name: value})
            return value
        held = st.session_state[key] if key in st.session_state else _kept(self.concept).get(name, parameter.default)
        try:
            value = _settled(parameter, parameter.write(held))
        except (TypeError, ValueError, AttributeError):
            value = _UNREADABLE
        if value is _UNREADABLE:
            value = parameter.default
            self.set(**{name: value})
        return value

    def values(self, *parameters: link.Parameter) -> dict[str, Any]:
        """The present values of several parameters, by name, in the order of the link."""
        return {parameter.name: self.value(parameter) for parameter in parameters}

    def store(self, parameter: link.Parameter, value: Any) -> None:
        """Takes over what one of our own pieces reported (a drag, a step), if a link could carry it."""
        try:
            settled = _settled(parameter, parameter.write(value))
        except (TypeError, ValueError, AttributeError):
            return
        if settled is not _UNREADABLE:
            st.session_state[self.key(parameter.name)] = settled
            self._keep(parameter, settled)

    def set(self, **values: Any) -> None:
        """Sets controls from a callback (a preset, a button): widgets and our own pieces take it over."""
        for name, value in values.items():
            platform.forget(self.key(name))
            _kept(self.concept)[name] = value
            controls.raise_version(self.key(name))

    def keep_for_next_run(self, **values: Any) -> None:
        """Sets controls that this run has already drawn; they show it from the next run on."""
        keep_for_page(self.concept, **values)

    def version(self, name: str) -> int:
        """How often a value was set from outside the piece that shows it, which then takes the value over."""
        return controls.version(self.key(name))

    def is_new(self, name: str, token: Any) -> bool:
        """Whether ``token`` is another than when this was asked last: a press counted in the browser, another trace.

        The first token of a session is not new.
        """
        seen = st.session_state.setdefault("seen_tokens", {}).setdefault(self.concept, {})
        before = seen.get(name, token)
        seen[name] = token
        return bool(before != token)

    def is_pressed(self, name: str, count: Any) -> bool:
        """Whether the browser counted another press of ``name`` since this was asked last. The first one is new."""
        seen = st.session_state.setdefault("seen_tokens", {}).setdefault(self.concept, {})
        before, seen[name] = seen.get(name), count
        return count is not None and count != before

    def _keep(self, parameter: link.Parameter, value: Any) -> None:
        _kept(self.concept)[parameter.name] = value
        self.written[parameter.name] = parameter.write(value)

    def _drawn(
        self,
        parameter: link.Parameter,
        widget: Callable[[str, bool, Any], Any],
        *,
        among: Sequence[str] | None = None,
        linked: bool = True,
        **listed: Any,
    ) -> Any:
        """Draws the control unless it is hidden; returns the value that it shows and that the link carries."""
        name = parameter.name
        value = self.value(parameter, among=among)
        if not linked:
            self.written.pop(name, None)
        if name in self.hidden:
            return value
        locked = name in self.locked
        answer = controls.draw(self.key(name), value, self.language, lambda key, shown: widget(key, locked, shown))
        if linked:
            if len(listed.get("options", ())) > _MOST_LISTED:
                del listed["options"]
            self.listed[name] = {"locked": locked, **listed}
        if answer == value or locked:
            return value
        _kept(self.concept)[name] = answer
        if linked:
            self._keep(parameter, answer)
        return answer

    # -- controls ------------------------------------------------------------------------------------------------------

    def slider(
        self,
        parameter: link.Parameter | str,
        label: str,
        low: float = 0.0,
        high: float = 1.0,
        default: float = 0.0,
        *,
        step: float | None = None,
        **options: Any,
    ) -> Any:
        """A number on a slider; whole when its bounds are."""
        if isinstance(parameter, str):
            whole = all(isinstance(value, int) for value in (low, high, default))
            step = step if step is not None else 1 if whole else _SLIDER_STEP
            parameter = link.number(parameter, low, high, default, step=step)
        elif parameter.step is None:
            raise ValueError(f"A slider needs a step: {parameter.name}")
        low_, high_, step_ = parameter.low, parameter.high, parameter.step
        return self._drawn(
            parameter,
            lambda key, locked, value: st.slider(
                label, low_, high_, value, step=step_, key=key, disabled=locked, **options
            ),
            kind="slider",
            low=low_,
            high=high_,
            step=step_,
        )

    def number(
        self,
        parameter: link.Parameter | str,
        label: str,
        low: float = 0.0,
        high: float = 1.0,
        default: float = 0.0,
        *,
        step: float | None = None,
        **options: Any,
    ) -> Any:
        """A number that is typed."""
        if isinstance(parameter, str):
            parameter = link.number(parameter, low, high, default)
        else:
            step = parameter.step if step is None else step
        low_, high_ = parameter.low, parameter.high
        if not isinstance(low_, int) and "format" not in options:
            options["format"] = "%g"  # Streamlit's own two digits would show another number than the one computed with
        return self._drawn(
            parameter,
            lambda key, locked, value: st.number_input(
                label, low_, high_, value, step=step, key=key, disabled=locked, **options
            ),
            kind="number",
            low=low_,
            high=high_,
            step=step,
        )

    def toggle(
        self,
        parameter: link.Parameter | str,
        label: str,
        default: bool = False,
        *,
        linked: bool = True,
        **options: Any,
    ) -> bool:
        """A switch; with ``linked=False`` it is no part of the link."""
        if isinstance(parameter, str):
            parameter = link.flag(parameter, default)
        return bool(
            self._drawn(
                parameter,
                lambda key, locked, value: st.toggle(label, value, key=key, disabled=locked, **options),
                linked=linked,
                kind="toggle",
            )
        )

    def select(
        self,
        parameter: link.Parameter | str,
        label: str,
        options: Mapping[str, str],
        default: str = "",
        *,
        few: bool = False,
        **more: Any,
    ) -> str:
        """One of several: ``options`` maps the value in the link to the words on the screen.

        Args:
            parameter: declared with every value that there can ever be.
            label: its words.
            options: value to words, in the order shown: those that can be had at present.
            default: one of the values, where ``parameter`` is a name.
            few: side by side instead of in a list.
            more: handed on to the widget.
        """
        if isinstance(parameter, str):
            parameter = link.choice(parameter, list(options), default)
        values = list(options)
        words: Callable[[Any], Any] = options.get

        def widget(key: str, locked: bool, value: str) -> str:
            given = {"index": values.index(value), "format_func": words, "key": key, "disabled": locked, **more}
            return str(
                st.radio(label, values, horizontal=True, **given) if few else st.selectbox(label, values, **given)
            )

        return str(
            self._drawn(parameter, widget, among=values, kind="radio" if few else "select", options=dict(options))
        )

    def select_several(
        self,
        parameter: link.Parameter | str,
        label: str,
        options: Mapping[str, str],
        default: Sequence[str] = (),
        **more: Any,
    ) -> list[str]:
        """Any number of several, in the order of ``options``."""
        if isinstance(parameter, str):
            parameter = link.choices(parameter, list(options), default)
        words: Callable[[Any], Any] = options.get

        def widget(key: str, locked: bool, value: list[str]) -> list[str]:
            chosen = st.pills(
                label,
                list(options),
                selection_mode="multi",
                default=value,
                format_func=words,
                key=key,
                disabled=locked,
                **more,
            )
            return [option for option in options if option in chosen]

        return list(self._drawn(parameter, widget, kind="pills", options=dict(options)))

    def text(
        self,
        parameter: link.Parameter | str,
        label: str,
        default: str = "",
        *,
        max_length: int = 200,
        area: bool = False,
        linked: bool = True,
        **more: Any,
    ) -> str:
        """Words or, as an area, a program; with ``linked=False`` it is no part of the link."""
        if isinstance(parameter, str):
            parameter = link.text(parameter, default, max_length=max_length)
        kind, most = (st.text_area if area else st.text_input), parameter.max_length
        return str(
            self._drawn(
                parameter,
                lambda key, locked, value: kind(label, value, key=key, max_chars=most, disabled=locked, **more),
                linked=linked,
                kind="text",
            )
        )

    def answer(self, name: str, label: str, options: Mapping[str, str], **more: Any) -> str | None:
        """What the reader answers to a question: nothing at first, and no part of the link.

        Args:
            name: of the question.
            label: the question.
            options: value to words.
            more: handed on to the widget.
        """
        values = list(options)

        def widget(key: str, locked: bool, value: str | None) -> str | None:
            index = values.index(value) if value in values else None
            return st.radio(label, values, index, format_func=dict(options).get, key=key, disabled=locked, **more)

        return self._drawn(link.choice(name, values, None), widget, linked=False)  # type: ignore[no-any-return]

    def button(self, name: str, label: str, *, on_click: Callable[..., Any] | None = None, **more: Any) -> bool:
        """A button whose callback, if it fails, fails on this page alone."""
        guarded = None if on_click is None else self.guarded(on_click)
        return st.button(label, key=self.key(name), on_click=guarded, **more)

    def guarded(self, callback: Callable[..., Any]) -> Callable[..., None]:
        """A callback whose failure is shown by this page, in its place, with a way out.

        Streamlit runs callbacks before app.py; what one of them raises would replace the whole app.
        """
        concept = self.concept

        def call(*args: Any, **options: Any) -> None:
            try:
                callback(*args, **options)
            except Exception as error:
                _LOG.error("a callback of page %s failed", concept, exc_info=error)
                st.session_state["failed"] = (concept, error)

        return call

    # -- parts ---------------------------------------------------------------------------------------------------------

    def part(self, parts: Mapping[str, tuple[str, Show]], parameter: link.Parameter | None = None) -> Show:
        """Draws the choice of a page's part and returns what shows it.

        Args:
            parts: name in the link → its words, and the function ``show(page, view)`` of its module.
            parameter: its link parameter, if it is not ``part`` beginning with the first.
        """
        if parameter is None:
            parameter = link.choice("part", list(parts), next(iter(parts)))
        words = {name: title for name, (title, _show) in parts.items()}
        chosen = self.select(parameter, self.translate("Part"), words, few=True, label_visibility="collapsed")
        return parts[chosen][1]

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Our own errors inside become one sentence, and the page still closes: its link stands, a way on stays."""
        try:
            yield
        except ExplainedError as error:
            self.explain(error)
            if not self.closed:
                close_page(self)

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
        presenting=bool(st.session_state["shell"].get("present")),
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
    unknown = sorted(page.incoming)
    if unknown:
        names = ", ".join(f"“{lang.escape_markdown(name[:40])}”" for name in unknown[:5])
        page.notices.append(page.translate("The link has settings that this page does not know: {names}.", names=names))
    with page.notice_slot:
        for notice in page.notices:
            st.warning(notice, icon=":material/link_off:")
    query = {**page.written, "lang": page.language, "v": LINK_VERSION}
    if page.presenting:
        query["present"] = "1"
    for name, names_ in (("hide", page.hidden), ("lock", page.locked)):
        if names_:
            query[name] = ",".join(sorted(names_))
    _seen(page.concept).append(_canonical(query))
    with page.slot:
        mount(
            "shared/share",
            key=SHARE,
            on_visit_change=_heard,
            data={
                "visit": st.session_state.get("visit"),
                "query": urlencode(query, safe=",;:~"),
                "language": "zh-CN" if page.language == "zh" else "en",
                "controls": {page.key(name): control for name, control in page.listed.items()},
                "text": {
                    "copy": page.translate("Copy link"),
                    "copied": page.translate("Link copied"),
                    "manual": page.translate("Copy this link:"),
                },
            },
        )
    controls.run_is_complete()
    page.closed = True


def take_visit() -> dict[str, str] | None:
    """The link that Back or Forward just brought the reader to, once; the page takes it over in this run."""
    state = st.session_state.get(SHARE)
    visit = state.get("visit") if isinstance(state, Mapping) else None
    if not isinstance(visit, Mapping) or visit.get("id") == st.session_state.get("visit"):
        return None
    st.session_state["visit"] = visit.get("id")
    query = visit.get("query")
    if not isinstance(query, str) or len(query) > _LONGEST_LINK:
        return None
    st.session_state["visited"] = dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True))
    return dict(st.session_state["visited"])


def keep_for_page(concept: str, **values: Any) -> None:
    """Sets controls of a page, this one or another, from its next run on."""
    st.session_state.setdefault("pending", {}).setdefault(concept, {}).update(values)


def reset_page(concept: str) -> None:
    """Forgets everything a page holds in this session."""
    st.session_state.get("kept", {}).pop(concept, None)
    st.session_state.get("seen_tokens", {}).pop(concept, None)
    for key in [key for key in st.session_state if isinstance(key, str) and key.startswith(f"{concept}_")]:
        del st.session_state[key]
    for key in [key for key in st.session_state.get("controls", {}) if key.startswith(f"{concept}_")]:
        controls.raise_version(key)


def show_failure(error: Exception, concept: str) -> None:
    """Tells a reader what to do when a page fails; the log gets the traceback."""
    _LOG.error("page %s failed", concept, exc_info=error)
    say = lang.translator("kit")
    with st.container(key="failure"):
        st.error(
            say(
                "Something on this page went wrong ({kind}). Your other pages are untouched. Reset this page, or "
                "reload it.",
                kind=type(error).__name__,
            ),
            icon=":material/error:",
        )
    st.button(say("Reset this page"), on_click=reset_page, args=(concept,), icon=":material/restart_alt:")


def failure_of(concept: str) -> Exception | None:
    """What a callback of this page raised before this run, told once."""
    failed = st.session_state.get("failed")
    if failed is None or failed[0] != concept:
        return None
    del st.session_state["failed"]
    return failed[1]  # type: ignore[no-any-return]


_UNREADABLE = object()


def _settled(parameter: link.Parameter, written: str) -> Any:
    """The value that a link carries; what the page holds is always such a value, to the last digit."""
    try:
        return parameter.read(written)
    except link.LinkError:
        return _UNREADABLE


def _heard() -> None:
    """Streamlit keeps a component's state only for an event that somebody listens to."""


def _kept(concept: str) -> dict[str, Any]:
    return st.session_state.setdefault("kept", {}).setdefault(concept, {})  # type: ignore[no-any-return]


def _seen(concept: str) -> list[int]:
    """Hashes: the links themselves, of every page of every session, would be megabytes."""
    seen: list[int] = st.session_state.setdefault("seen_links", {}).setdefault(concept, [])
    del seen[:-_MOST_SEEN]
    return seen


def _canonical(query: Mapping[str, str]) -> int:
    return hash(frozenset((name, str(value)) for name, value in query.items()))


def _new_parameters(concept: str) -> dict[str, str]:
    """The link's parameters if this link was not met before in this session, or if the reader went back to it.

    The browser sends its address with every run, and that address lags behind by a run or two while a slider moves.
    Only an address that we neither wrote nor took over already is news, or one that Back or Forward brought.
    """
    visited: dict[str, str] | None = st.session_state.pop("visited", None)
    if visited is not None:
        return visited
    query = st.query_params.to_dict()
    if not query or _canonical(query) in _seen(concept):
        return {}
    _seen(concept).append(_canonical(query))
    return query
