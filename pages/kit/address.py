"""The address of a page: which part of it is news, which was written here, and where Back and Forward lead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from pages.kit.components import mount
from pages.kit.language import Translate

LINK_VERSION = "1"
RESERVED = ("lang", "present", "hide", "lock", "solved", "tour", "room", "walk", "v")
_SHARE = "share"  # key of the piece that writes the address and reports Back and Forward
_MOST_SEEN = 400
_LONGEST_LINK = 100_000


def write_address(
    concept: str, query: dict[str, str], *, controls: Mapping[str, Any], language: str, translate: Translate
) -> None:
    """Draws the button that copies the link, which also keeps the address bar equal to it.

    Args:
        concept: the page's name.
        query: the link by parameter, without its version.
        controls: what the page's controls are and may be, for tools that drive it.
        language: ``en`` or ``zh``.
        translate: the page's.
    """
    query = {**query, "v": LINK_VERSION}
    _seen(concept).append(_canonical(query))
    mount(
        "shared/share",
        key=_SHARE,
        on_visit_change=_heard,
        data={
            "visit": st.session_state.get("visit"),
            "query": urlencode(query, safe=",;:~"),
            "language": "zh-CN" if language == "zh" else "en",
            "controls": controls,
            "text": {
                "copy": translate("Copy link"),
                "copied": translate("Link copied"),
                "manual": translate("Copy this link:"),
            },
        },
    )


def take_visit() -> dict[str, str] | None:
    """The link that Back or Forward just brought the reader to, once; the page takes it over in this run."""
    visit = _new_visit()
    if visit is None:
        return None
    st.session_state["visit"] = visit.get("id")
    query = visit.get("query")
    if not isinstance(query, str) or len(query) > _LONGEST_LINK:
        return None
    st.session_state["visited"] = dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True))
    return dict(st.session_state["visited"])


def is_visited() -> bool:
    """Whether Back or Forward brought the reader to a link that no run has taken over yet."""
    return _new_visit() is not None


def _new_visit() -> Mapping[str, Any] | None:
    state = st.session_state.get(_SHARE)
    visit = state.get("visit") if isinstance(state, Mapping) else None
    if not isinstance(visit, Mapping) or visit.get("id") == st.session_state.get("visit"):
        return None
    return visit


def _seen(concept: str) -> list[int]:
    """Hashes: the links themselves, of every page of every session, would be megabytes."""
    seen: list[int] = st.session_state.setdefault("seen_links", {}).setdefault(concept, [])
    del seen[:-_MOST_SEEN]
    return seen


def _canonical(query: Mapping[str, str]) -> int:
    return hash(frozenset((name, str(value)) for name, value in query.items()))


def new_parameters(concept: str) -> dict[str, str]:
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


def _heard() -> None:
    """Streamlit keeps a component's state only for an event that somebody listens to."""
