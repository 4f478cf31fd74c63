"""Where the network looks: from a place in the encoder, from a query in the decoder, by layer and head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.detr import network, picture, state, words
from pages.detr.state import ModelView, corners
from pages.kit.ending import Shown
from pages.kit.language import translator
from pages.kit.link import Parameter
from pages.kit.live import said
from pages.kit.page import Page
from pages.kit.stage import StageBox, stage
from vizcore import detr
from vizcore.figures import theme


def show(page: Page, view: ModelView) -> Shown:
    """Draws the picture with a map of weights over it, and every layer and head beside it."""
    _ = page.translate
    places = picture.show(page, view)
    with places[0]:
        page.select(state.LOOK, _("Click"), {"encoder": _("a place (encoder)"), "decoder": _("a box (decoder)")})
    if view.look == "decoder":  # places have no score
        with places[1]:
            page.slider(state.SCORE_THRESHOLD, _("Score threshold"))
    run = network.run(page, view.picture, view.network)
    trace = run.trace
    packed = network.packed(view.picture, view.network)
    key = page.key("attention")
    version = ".".join(str(page.version(name)) for name in ("point", "query", "layer", "head"))
    version += f".{view.network}.{view.picture.kind}.{view.picture.name}"
    asked = _asked(said(key).get("asked"), version, trace.num_queries)
    for parameter, value in asked:
        page.store(parameter, value)
    view = state.read_model(page)
    found = trace.found(view.score_threshold).tolist()
    query = view.query if view.query < trace.num_queries else 0
    listed = list(dict.fromkeys([*found, query])) if view.look == "decoder" else []
    say, names = translator("classes"), network.class_names(view.network)
    stage(
        key,
        boxes=[
            StageBox(
                str(index),
                corners(trace.boxes[-1, index]),
                f"{index} {say(names[int(trace.labels[-1, index])])}",
                theme.PREDICTION if index in found else theme.SUPPRESSED,
                fill=False,
                dash="" if index in found else "3 4",
                score=float(trace.scores[-1, index]),
            )
            for index in listed
        ],
        size=trace.image_size,
        photo=view.picture.pixels,
        mode="select",
        version=f"{view.look}.{view.network}.{view.picture.kind}.{view.picture.name}",
        selected=str(query) if listed else None,
        title=_("Where the network looks"),
        presenter=page.presenting,
        component="detr/attention",
        extra={
            "look": view.look,
            "layer": view.layer,
            "head": view.head,
            "point": list(view.point[0]),
            "query": query,
            "hidden": not page.shows("map"),
            "version": version,
            "scale": list(theme.HEAT),
            "text": words.attention_words(_),
        },
        payload=packed.content,
    )
    if page.shows("claim"):
        page.lesson("attention")
        size = f"{len(packed.content) / 1e6:.1f}"
        told = [
            _("All attention of this picture is in your browser ({size} MB): pointing is answered at once.", size=size)
        ]
        if packed.looking > 1:
            told.append(
                _("To save space, a block of {side} × {side} tokens shares one map, the mean.", side=packed.looking)
            )
        if packed.seen > 1:
            told.append(_("A cell of a map stands for {side} × {side} tokens.", side=packed.seen))
        st.caption(" ".join(told))
    x, y = view.point[0]
    script = detr.write_attention_script(
        picture.write_source(view.picture),
        look="encoder" if view.look == "encoder" else "decoder",
        point=(x, y),
        query=query,
        layer=view.layer,
        head=view.head,
        score_threshold=view.score_threshold,
        official=view.network == network.PAPER,
    )
    return Shown(script, name="grad2box-detr-attention")


def _asked(told: object, version: str, num_queries: int) -> list[tuple[Parameter, Any]]:
    """What the browser asks for, as far as it can be believed: parameters and their values."""
    if not isinstance(told, Mapping) or told.get("version") != version:
        return []
    answer: list[tuple[Parameter, Any]] = []
    point = told.get("point")
    if isinstance(point, list) and len(point) == 2 and all(_is_number(value) and 0 <= value < 1e5 for value in point):
        answer.append((state.POINT, [point]))
    for parameter in (state.QUERY, state.LAYER, state.HEAD):
        value, high = told.get(parameter.name), parameter.high if parameter is not state.QUERY else num_queries - 1
        if isinstance(value, int) and not isinstance(value, bool) and (parameter.low or 0) <= value <= (high or 0):
            answer.append((parameter, value))
    return answer


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
