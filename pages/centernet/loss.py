"""The focal loss pixel by pixel: a prediction that is painted by hand, and what every cell adds or pulls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.centernet import state, words
from pages.centernet.state import View
from pages.kit.ending import Shown
from pages.kit.live import live, said
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore import centernet
from vizcore.figures import theme
from vizcore.packing import pack

COLORS = {"rise": theme.PREDICTION, "fall": theme.GRADIENT}


def paint(view: View) -> centernet.PaintedLoss:
    """The painted prediction and its loss."""
    found: centernet.PaintedLoss = compute(
        centernet.paint_loss, [state.LOSS_BOX], state.LOSS_MAP, view.painted, **_rule(view)
    )
    return found


def token(page: Page, view: View) -> str:
    """Another one begins the painting anew."""
    versions = ".".join(str(page.version(name)) for name in ("painted", "cell"))
    return f"{versions}.{view.start}.{view.probability}"


def heard(page: Page, view: View) -> None:
    """Takes over what the browser said of the painting, if it can be believed."""
    told = said(page.key("loss_piece")).get("loss")
    if not isinstance(told, Mapping) or told.get("token") != token(page, view):
        return
    for parameter, value in ((state.PAINTED, told.get("painted")), (state.CELL, [told.get("cell")])):
        if isinstance(value, list):
            page.store(parameter, value)


def show(page: Page, view: View) -> Shown:
    """Draws the controls and the three maps."""
    _show_controls(page)
    blank: centernet.PaintedLoss = compute(centernet.paint_loss, [state.LOSS_BOX], state.LOSS_MAP, **_rule(view))
    live(
        "centernet/loss",
        key=page.key("loss_piece"),
        data={
            "token": token(page, view),
            "painted": [list(row) for row in view.painted],
            "cell": list(view.cell),
            "brush": view.brush,
            "most": state.MOST_PAINTED,
            "quantity": view.quantity,
            "asks": page.asks,
            "scale": list(theme.SCALE),
            "colors": COLORS,
            "text": words.loss_words(page.translate),
            "presenter": page.presenting,
        },
        payload=pack(
            {"target": blank.target[0], "weights": blank.maps.weights[0], "start": blank.prediction[0]},
            source=compute(centernet.compile_loss),
        ),
    )
    if page.shows("loss_words"):
        page.lesson("loss")
    x, y = view.cell
    found = paint(view)
    script = centernet.write_loss_script(float(found.prediction[0, y, x]), float(found.target[0, y, x]))
    return Shown(script, lambda: _rows(found), "grad2box-centernet-loss")


def _rule(view: View) -> dict[str, Any]:
    return {"start": view.start, "probability": view.probability, **view.radius_rule}


def _rows(found: centernet.PaintedLoss) -> list[dict[str, object]]:
    _channel, rows, columns = found.target.shape
    return [
        {
            "x": x,
            "y": y,
            "target": float(found.target[0, y, x]),
            "probability": float(found.prediction[0, y, x]),
            "loss": float(found.maps.terms[0, y, x]),
            "gradient": float(found.maps.gradient[0, y, x]),
        }
        for y in range(rows)
        for x in range(columns)
    ]


def _show_controls(page: Page) -> None:
    _ = page.translate
    columns = st.columns([1.5, 1.2, 1.2, 1.2], vertical_alignment="bottom", gap="small")
    starts = {
        "constant": _("One probability everywhere"),
        "target": _("The target itself"),
        "shifted": _("The target, one cell to the right"),
    }
    with columns[0]:
        page.select(state.START, _("Prediction to begin with"), starts)
    with columns[1]:
        page.slider(state.PROBABILITY, _("Probability everywhere"))
    with columns[2]:
        page.slider(state.BRUSH, _("Probability painted"))
    with columns[3]:
        page.select(state.QUANTITY, _("Third map"), {"loss": _("loss"), "gradient": _("gradient")}, few=True)
    with st.container(horizontal=True, gap="small"):
        page.button(
            "wipe", _("Wipe the paint"), on_click=page.set, kwargs={"painted": []}, icon=":material/ink_eraser:"
        )
