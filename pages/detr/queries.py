"""The object queries: what one of them does over many scenes, without it, and in another order."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.detr import network, picture, state
from pages.detr.state import ModelView, corners
from pages.kit.chart import chart
from pages.kit.ending import Shown
from pages.kit.language import translator
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.stage import StageBox, stage
from vizcore import detr
from vizcore.data.scenes import CLASSES
from vizcore.figures import detr as figures
from vizcore.figures import theme

UNSEEN = 0.01
"""A movement in pixels that is rounding alone."""


def show(page: Page, view: ModelView) -> Shown:
    """Draws a query's places over the scenes, and the picture with and without it."""
    _ = page.translate
    places = picture.show(page, view)
    with places[0]:
        page.number(state.QUERY, _("Query"))
    with places[1]:
        page.toggle(state.OFF, _("Switch it off"))
    with places[2]:
        page.toggle(state.TURNED, _("Reverse order"))
    run = network.run(page, view.picture, view.network)
    query = min(view.query, run.trace.num_queries - 1)
    page.lesson("queries")
    ours = view.network == network.OURS  # whose queries were followed over the scenes
    left, right = st.columns(2) if ours else (None, st.container())
    if left is not None:
        with left:
            _show_places(page, view, query)
    with right:
        _show_picture(page, view, run.trace, query)
    script = detr.write_queries_script(
        picture.write_source(view.picture),
        query=query,
        off=view.off,
        turned=view.turned,
        score_threshold=view.score_threshold,
        official=not ours,
    )
    return Shown(script, name="grad2box-detr-queries")


def _show_places(page: Page, view: ModelView, query: int) -> None:
    _ = page.translate
    places = compute(detr.load_places, folder=network.FOLDER)
    found = places.found(query, score_threshold=view.score_threshold)
    chart(
        page,
        "places",
        figures.plot_query_places(
            places,
            query,
            score_threshold=view.score_threshold,
            class_names=CLASSES,
            translate=_,
            say_class=translator("classes"),
        ),
        alt=_(
            "Query {query} found something in {found} of {all} scenes.",
            query=query,
            found=len(found),
            all=len(places.scores),
        ),
    )
    classes = len(np.unique(places.labels[found, query]))
    st.caption(
        _(
            "Query {query} over {all} scenes: something found in {found}, of {classes} of {kinds} classes.",
            query=query,
            all=len(places.scores),
            found=len(found),
            classes=classes,
            kinds=len(CLASSES),
        )
    )


def _show_picture(page: Page, view: ModelView, trace: detr.DETRTrace, query: int) -> None:
    _ = page.translate
    asked = [index for index in range(trace.num_queries) if not (view.off and index == query)]
    if view.turned:
        asked.reverse()
    answer = network.asked(view.picture, asked, view.network)
    order = np.argsort(answer.chosen)
    chosen, boxes, scores = answer.chosen[order], answer.boxes[-1][order], answer.scores[-1][order]
    labels = answer.labels[-1][order]
    before = set(trace.found(view.score_threshold).tolist())
    after = {
        int(index) for index, score in zip(chosen, scores, strict=True) if score > np.float32(view.score_threshold)
    }
    say, names = translator("classes"), network.class_names(view.network)
    stood = [
        StageBox(
            str(index),
            corners(boxes[place]),
            f"{index} {say(names[int(labels[place])])}",
            theme.PREDICTION if index in before else theme.CURRENT,
            fill=False,
            score=float(scores[place]),
        )
        for place, index in enumerate(chosen.tolist())
        if index in after
    ]
    stood += [
        StageBox(str(index), corners(trace.boxes[-1, index]), f"{index}", theme.SUPPRESSED, dash="3 4", fill=False)
        for index in sorted(before - after)
    ]
    stage(
        page.key("queries"),
        boxes=stood,
        size=trace.image_size,
        photo=view.picture.pixels,
        mode="select",
        version=f"{view.network}.{view.picture.kind}.{view.picture.name}",
        title=_("What the queries find"),
        presenter=page.presenting,
    )
    moved = float(np.abs(boxes - trace.boxes[-1][chosen]).max())
    st.caption(
        _(
            "{before} boxes with all queries, {after} now: {lost} gone (dashed), {new} new (orange). Largest move "
            "of an edge: {moved} pixels.",
            before=len(before),
            after=len(after),
            lost=len(before - after),
            new=len(after - before),
            moved="0" if moved < UNSEEN else f"{moved:.2g}",
        )
        + (" " + _("The order changes nothing: attention knows no order.") if view.turned else "")
    )
