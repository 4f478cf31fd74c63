"""Every call of something that Streamlit does not promise, in one place, each with its reason.

``tests/test_platform.py`` notices when one of them is gone, or no longer needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import streamlit as st
from streamlit.elements.lib import utils as _element_ids
from streamlit.elements.lib.utils import ThreadState
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state import get_session_state

_identity: ContextVar[str] = ContextVar("grad2box_identity", default="")
_compute_element_id = _element_ids._compute_element_id


def _with_identity(element_type: str, user_key: str | None = None, **options: Any) -> str:
    identity = _identity.get()
    return _compute_element_id(element_type, user_key, **options, **({"grad2box": identity} if identity else {}))


_element_ids._compute_element_id = _with_identity


@contextmanager
def identity(text: str) -> Iterator[None]:
    """Widgets drawn inside are others than those of the same key drawn under another identity.

    A keyed widget is the same to the browser for as long as its key is. It keeps the value it has there, also when it
    is told another while it is not mounted (in a closed popover, in a part that is not shown), and it sends that value
    with every later run. The only way to replace it is another element id, and the key alone makes that id. With
    another id the browser begins with what the widget is drawn with; the key, by which Python finds it, stays.
    """
    token = _identity.set(text)
    try:
        yield
    finally:
        _identity.reset(token)


def is_set_by_code(key: str) -> bool:
    """Whether a session value was assigned in this run, rather than moved by the reader.

    The session holds both under one key; a widget must be drawn anew for the first and never for the second.
    """
    return bool(get_session_state().is_new_state_value(key))


def forget(key: str) -> None:
    """Drops what the session holds for a widget's key, so that the widget begins with what it is drawn with."""
    if key in st.session_state:
        del st.session_state[key]


def page_asked_for(page: Any, registered: Iterable[Any]) -> Any:
    """The page to run: what ``st.navigation`` answered, except under AppTest.

    AppTest begins every run as a server would that was not told to :func:`ignore_pages_folder`. Streamlit then runs
    app.py as if it were one of its own pages, and ``st.navigation`` inside of it no longer knows which page was asked
    for.
    """
    context = get_script_run_ctx()
    manager = context.pages_manager if context is not None else None
    if manager is None or ThreadState.get().active_script_hash == manager.main_script_hash:
        return page
    asked = manager.intended_page_script_hash
    for other in registered:
        if asked is not None and other._script_hash == asked:
            other._can_be_called = True
            manager.set_current_page_script_hash(asked)
            return other
    return page


def ignore_pages_folder() -> None:
    """Tells Streamlit that the folder called "pages" means nothing to it.

    Without that, a new server's first visitor who comes by a page's own link is told that there is no such page: for
    one run Streamlit looks for its own kind of pages in that folder, until ``st.navigation`` is called.
    """
    PagesManager.uses_pages_directory = False
