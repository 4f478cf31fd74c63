"""Reads what the image pyramid page shows."""

from __future__ import annotations

from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from tests.pages import opening
from tests.pages.pieces import component
from vizcore.data.photos import Photo
from vizcore.models.efficientnet_lite import imagenet_categories
from vizcore.packing import unpack

ESPRESSO = imagenet_categories().index("espresso")


def open_pyramid(*, own: np.ndarray | None = None, broken: bool = False, **query: object) -> AppTest:
    """The page after its first run, with an own photo if one is given."""
    state = {}
    if own is not None:
        state = {"own_photo": Photo(own, own.shape[:2], "own.png", "PNG"), "image_pyramid_photo": "own"}
    return opening.open_page("image_pyramid", timeout=300, state=state, broken=broken, **query)


def sound(app: AppTest) -> None:
    """Nothing on the page went wrong."""
    assert not app.exception, [problem.value for problem in app.exception]
    assert not app.error, [problem.value for problem in app.error]


def view(app: AppTest) -> dict[str, Any]:
    """What was sent to the piece with the levels."""
    return component(app, "pictures")


def sent_trace(payloads: dict[str, bytes]) -> dict[str, Any]:
    """The trace that was sent to it."""
    facts, arrays = unpack(payloads["image_pyramid_view-payload"])
    return {**facts, **arrays}


def words(app: AppTest) -> str:
    """Everything that the page says in Markdown and captions."""
    return "\n".join(element.value for element in [*app.markdown, *app.caption])
