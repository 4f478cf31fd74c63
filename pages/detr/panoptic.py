"""The panoptic picture: each sure query's mask, the argmax, what they are merged into, and how good that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.detr import network, picture, state, words
from pages.detr.state import ModelView
from pages.kit.chart import table
from pages.kit.ending import Shown
from pages.kit.language import translator
from pages.kit.link import Parameter
from pages.kit.live import said
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.stage import stage
from vizcore import detr
from vizcore.data.scenes import CLASSES
from vizcore.figures import theme
from vizcore.training import detr_masks


def show(page: Page, view: ModelView) -> Shown:
    """Draws the merged picture beside the masks that it is made of, and what was measured over the scenes."""
    _ = page.translate
    picture.show(page, view, networks=False)
    run = network.run(page, view.picture)
    output = network.masks(page, view.picture)
    key = page.key("panoptic")
    version = f"{page.version('keep_threshold')}.{page.version('query')}.{view.picture.kind}.{view.picture.name}"
    for parameter, value in _asked(said(key).get("asked"), version, len(output.scores)):
        page.store(parameter, value)
    view = state.read_model(page)
    query = min(view.query, len(output.scores) - 1)
    say = translator("classes")
    stage(
        key,
        boxes=[],
        size=output.image_size,
        photo=view.picture.pixels,
        mode="select",
        version=version,
        title=_("The merged picture: which query owns each pixel"),
        presenter=page.presenting,
        component="detr/panoptic",
        extra={
            "keep_threshold": view.keep_threshold,
            "paper": detr.KEEP_THRESHOLD,
            "query": query,
            "quality": page.shows("quality"),
            "version": version,
            "names": [say(CLASSES[label]) for label in output.labels.tolist()],
            "objects": [state.letter(index) for index in range(0 if run.drawn is None else len(run.drawn.labels))],
            "colors": list(theme.CATEGORICAL),
            "value": theme.PREDICTION,
            "text": words.panoptic_words(_),
        },
        payload=network.packed_masks(view.picture),
    )
    if page.shows("more"):
        _show_more(page, view, query)
    script = detr.write_masks_script(
        picture.write_source(view.picture),
        keep_threshold=view.keep_threshold,
        drawn=int(view.picture.name) if run.drawn is not None else None,
    )
    return Shown(script, name="grad2box-detr-masks")


def _show_more(page: Page, view: ModelView, query: int) -> None:
    """The way to the query's attention, the explanation, and the figures of the card."""
    _ = page.translate
    page.button(
        "to_attention",
        _("Where does query {query} look?", query=query),
        on_click=page.set,
        kwargs={"part": "attention", "look": "decoder", "query": query},
        icon=":material/visibility:",
    )
    page.lesson("panoptic")
    card = compute(detr_masks.load_mask_card, network.MASK_HEAD)
    table(
        [
            {
                _("Panoptic quality"): _("measured, {scenes} drawn scenes", scenes=card.num_scenes),
                **{name.upper(): f"{card.quality[name]:.3f}" for name in ("pq", "sq", "rq")},
            },
            {
                _("Panoptic quality"): _("the paper’s figure, COCO, ResNet-50"),
                "PQ": f"{detr.PUBLISHED_PQ:.3f}",
                "SQ": "",
                "RQ": "",
            },
        ]
    )
    st.caption(
        _(
            "Keep threshold {threshold}; means over the classes, on scenes that neither network nor mask head saw. "
            "Other pictures, other classes: the two rows cannot be compared. All masks of this picture: {kilobytes} "
            "kB, sent once.",
            threshold=card.keep_threshold,
            kilobytes=round(len(network.packed_masks(view.picture)) / 1000),
        )
    )


def _asked(told: object, version: str, num_queries: int) -> list[tuple[Parameter, Any]]:
    """What the browser asks for, as far as it can be believed: parameters and their values."""
    if not isinstance(told, Mapping) or told.get("version") != version:
        return []
    answer: list[tuple[Parameter, Any]] = []
    threshold, query = told.get("keep_threshold"), told.get("query")
    if isinstance(threshold, int | float) and not isinstance(threshold, bool) and 0 <= threshold <= 1:
        answer.append((state.KEEP_THRESHOLD, threshold))
    if isinstance(query, int) and not isinstance(query, bool) and 0 <= query < num_queries:
        answer.append((state.QUERY, query))
    return answer
