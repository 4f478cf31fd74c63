"""The controls of a page: each shows the value of its link parameter, and that value is what the page computes with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.kit import controls, link
from pages.kit.failure import guarded
from pages.kit.values import Values, kept_values

_SLIDER_STEP = 0.01  # Streamlit's, for a slider of fractions that names none
_MOST_LISTED = 60  # options of a control that the page tells; a thousand classes would weigh on every run


@dataclass(kw_only=True)
class Widgets(Values):
    """One run of one page, as far as its controls go.

    Attributes:
        language: ``en`` or ``zh``.
        hidden: controls that a teacher's link hides.
        locked: controls that a teacher's link locks.
        listed: the controls drawn so far, and what each may be.
        labels: their words.
        offered: the controls that a lesson's step needs; None where all are drawn.
        controls_place: where a lesson draws them.
    """

    language: str
    hidden: frozenset[str]
    locked: frozenset[str]
    listed: dict[str, dict[str, Any]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    offered: frozenset[str] | None = None
    controls_place: DeltaGenerator | None = None

    def offers(self, name: str) -> bool:
        """Whether a control is drawn: not if a teacher's link hides it, nor if the lesson's step does without it."""
        return name not in self.hidden and (self.offered is None or name in self.offered)

    def place(self) -> AbstractContextManager[Any]:
        """Where controls are drawn: beside the lesson's words, else where the page stands."""
        return self.controls_place if self.controls_place is not None else nullcontext()

    def popover(self, label: str, **more: Any) -> AbstractContextManager[Any]:
        """A popover with controls; a lesson shows the few that it needs beside its words, without one."""
        return st.popover(label, **more) if self.offered is None else nullcontext()

    def _drawn(
        self,
        parameter: link.Parameter,
        widget: Callable[[str, bool, Any], Any],
        *,
        label: str,
        among: Sequence[str] | None = None,
        linked: bool = True,
        **listed: Any,
    ) -> Any:
        """Draws the control unless it is hidden; returns the value that it shows and that the link carries."""
        name = parameter.name
        value = self.value(parameter, among=among)
        if not linked:
            self.written.pop(name, None)
        if not self.offers(name):
            return value
        locked = name in self.locked
        with self.place():
            answer = controls.draw(self.key(name), value, self.language, lambda key, shown: widget(key, locked, shown))
        if linked:
            if len(listed.get("options", ())) > _MOST_LISTED:
                del listed["options"]
            self.listed[name] = {"locked": locked, **listed}
            self.labels[name] = label
        if answer == value or locked:
            return value
        kept_values(self.concept)[name] = answer
        if linked:
            self._keep(parameter, answer)
        return answer

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
            label=label,
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
            label=label,
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
                label=label,
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
            self._drawn(
                parameter, widget, label=label, among=values, kind="radio" if few else "select", options=dict(options)
            )
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

        return list(self._drawn(parameter, widget, label=label, kind="pills", options=dict(options)))

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
                label=label,
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

        return self._drawn(link.choice(name, values, None), widget, label=label, linked=False)  # type: ignore[no-any-return]

    def button(self, name: str, label: str, *, on_click: Callable[..., Any] | None = None, **more: Any) -> bool:
        """A button whose callback, if it fails, fails on this page alone."""
        if self.offered is not None and name not in self.offered:
            return False
        guarded = None if on_click is None else self.guarded(on_click)
        with self.place():
            return st.button(label, key=self.key(name), on_click=guarded, **more)

    def guarded(self, callback: Callable[..., Any]) -> Callable[..., None]:
        """A callback whose failure is shown by this page, see :func:`pages.kit.failure.guarded`."""
        return guarded(self.concept, callback)
