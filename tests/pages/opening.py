"""Opens a page of the app in ``AppTest``, as a visitor with a link would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

APP = Path(__file__).resolve().parents[2] / "app.py"


def go_to(app: AppTest, concept: str) -> None:
    """Lets the next run be that of a page. ``switch_page`` goes by the file's name, which is page.py for all."""
    app._page_hash = calc_hash(concept)


def open_page(
    concept: str, *, timeout: float = 240, state: Mapping[str, Any] | None = None, broken: bool = False, **query: object
) -> AppTest:
    """A page after its first run, with everything on it unless ``tour`` asks for a step of its lesson.

    Args:
        concept: the page's name.
        timeout: seconds that a run may take.
        state: what the session holds before.
        broken: whether the page may show errors.
        query: parameters of the link; English unless it says otherwise.
    """
    app = AppTest.from_file(str(APP), default_timeout=timeout)
    go_to(app, concept)
    for name, value in {"lang": "en", "tour": 0, **query}.items():
        app.query_params[name] = str(value)
    for name, value in (state or {}).items():
        app.session_state[name] = value
    app.run()
    if not broken:
        assert not app.exception
        assert not app.error
    return app
