"""The values of a page: one for each link parameter, whoever sets it, and what the page remembers beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.kit import controls, link, platform
from pages.kit.language import Translate


@dataclass(kw_only=True)
class Values:
    """One run of one page, as far as its values go.

    Attributes:
        concept: its name, as everywhere.
        translate: says a label of this page in the reader's language.
        incoming: link parameters to take over in this run.
        written: the link as it stands, by parameter.
        notices: sentences to show above the page.
        pictures: texts that are pictures, with their size: ``8x8:0110…``.
    """

    concept: str
    translate: Translate
    incoming: dict[str, str]
    written: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    pictures: dict[str, str] = field(default_factory=dict)

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
                if kept_values(self.concept).get(name, value) == value:
                    return value
            self.set(**{name: value})
            return value
        held = (
            st.session_state[key] if key in st.session_state else kept_values(self.concept).get(name, parameter.default)
        )
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
            kept_values(self.concept)[name] = value
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

    def is_told(self, name: str) -> bool:
        """Whether a value was set from outside (a link, a lesson) since this was asked last."""
        return self.is_new(f"told_{name}", self.version(name))

    def is_pressed(self, name: str, count: Any) -> bool:
        """Whether the browser counted another press of ``name`` since this was asked last. The first one is new."""
        seen = st.session_state.setdefault("seen_tokens", {}).setdefault(self.concept, {})
        before, seen[name] = seen.get(name), count
        return count is not None and count != before

    def recall(self, name: str, default: Any = None) -> Any:
        """What the page remembered under ``name`` in this session beside its controls; no part of the link."""
        return st.session_state.get(self.key(name), default)

    def remember(self, name: str, value: Any) -> None:
        """Remembers a value until the session ends or the page is reset."""
        st.session_state[self.key(name)] = value

    def _keep(self, parameter: link.Parameter, value: Any) -> None:
        kept_values(self.concept)[parameter.name] = value
        self.written[parameter.name] = parameter.write(value)
        if parameter.square and value:
            side = math.isqrt(len(value))
            self.pictures[parameter.name] = f"{side}x{side}:{value}"


def keep_for_page(concept: str, **values: Any) -> None:
    """Sets controls of a page, this one or another, from its next run on."""
    st.session_state.setdefault("pending", {}).setdefault(concept, {}).update(values)


def reset_page(concept: str) -> None:
    """Forgets everything a page holds in this session."""
    st.session_state.get("kept", {}).pop(concept, None)
    st.session_state.get("seen_tokens", {}).pop(concept, None)
    opened_steps().pop(concept, None)
    for key in [key for key in st.session_state if isinstance(key, str) and key.startswith(f"{concept}_")]:
        del st.session_state[key]
    for key in [key for key in st.session_state.get("controls", {}) if key.startswith(f"{concept}_")]:
        controls.raise_version(key)


def opened_steps() -> dict[str, int]:
    """The step of each page's lesson that was opened last, and whose state was set, by concept."""
    return st.session_state.setdefault("opened_steps", {})  # type: ignore[no-any-return]


_UNREADABLE = object()


def _settled(parameter: link.Parameter, written: str) -> Any:
    """The value that a link carries; what the page holds is always such a value, to the last digit."""
    try:
        return parameter.read(written)
    except link.LinkError:
        return _UNREADABLE


def kept_values(concept: str) -> dict[str, Any]:
    """What a page's parameters are, by name, while no widget holds them."""
    return st.session_state.setdefault("kept", {}).setdefault(concept, {})  # type: ignore[no-any-return]
