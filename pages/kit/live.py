"""Mounts a view that talks back: large constants go once by URL, answers come one message at a time.

What the browser says is untrusted: :func:`live` and :func:`said` return it as it came, and the caller validates it.
The JavaScript side of the protocol is ``assets/components/shared/live.js``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit import runtime

from pages.kit.components import mount


def live(name: str, *, key: str, data: Mapping[str, Any], payload: bytes | None = None) -> dict[str, Any]:
    """Mounts the piece ``assets/components/<name>.js`` with the protocol of ``shared/live.js``.

    Args:
        name: the piece, as ``"fpn/cell"``.
        key: identity of this instance in the session and in the browser.
        data: small, JSON-like; sent again whenever it changes.
        payload: large constant bytes; fetched once by the browser and cached there by content.

    Returns:
        What the browser said last, unchecked; empty at first.
    """
    state = said(key)
    sent = {**data, "uid": key, "said": state}
    if payload is not None:
        sent["payload"] = media_url(payload, "application/octet-stream", f"{key}-payload")
    mount(name, key=key, data=sent, on_value_change=_heard)
    return state


def said(key: str) -> dict[str, Any]:
    """What the browser said last to the view ``key``, unchecked; empty at first."""
    state = st.session_state.get(key)
    value = state.get("value") if isinstance(state, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(value.get("seq"), int):
        return {}
    return dict(value)


def media_url(content: bytes, mimetype: str, place: str) -> str:
    """The URL under which this server gives out some bytes, for as long as this session's page shows them.

    Args:
        content: the file.
        mimetype: what it is.
        place: where in the page it is used; another file at the same place releases this one.
    """
    return str(runtime.get_instance().media_file_mgr.add(content, mimetype, f"grad2box-{place}"))


def _heard() -> None:
    """Streamlit keeps a component's state only for an event that somebody listens to."""
