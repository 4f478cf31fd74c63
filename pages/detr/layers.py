"""Decoder layer by layer: the boxes after each, and what a suppression adds there."""

from __future__ import annotations

import streamlit as st

from pages.detr import measured, network, picture, state
from pages.detr.state import ModelView, corners
from pages.kit.ending import Shown
from pages.kit.language import translator
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.stage import StageBox, stage
from vizcore import detr
from vizcore.figures import theme


def show(page: Page, view: ModelView) -> Shown:
    """Draws the boxes after one decoder layer, and what was measured over 500 scenes."""
    _ = page.translate
    places = picture.show(page, view)
    run = network.run(page, view.picture, view.network)
    num_layers = len(run.trace.boxes)
    with places[0]:
        page.select(
            state.AFTER_LAYER,
            _("After decoder layer"),
            {str(layer): str(layer) for layer in range(1, num_layers + 1)},
            few=True,
        )
    with places[1]:
        page.slider(state.SCORE_THRESHOLD, _("Score threshold"))
    with places[2]:
        page.toggle(state.NMS, _("Then NMS"))
    page.lesson("layers")
    ours = view.network == network.OURS  # whose layers were measured over the scenes
    left, right = st.columns([1.2, 1]) if ours else (st.container(), None)
    with left:
        _show_layer(page, view, run)
    if right is not None:
        with right:
            measured.show_layers(page)
        left, right = st.columns(2)
        with left:
            measured.show_sizes(page)
        with right:
            measured.show_parts(page)
    script = detr.write_layers_script(
        picture.write_source(view.picture),
        layer=view.after_layer - 1,
        nms=view.nms,
        score_threshold=view.score_threshold,
        official=not ours,
    )
    return Shown(script, name="grad2box-detr-layers")


def _show_layer(page: Page, view: ModelView, run: network.Run) -> None:
    _ = page.translate
    trace, layer = run.trace, min(view.after_layer, len(run.trace.boxes)) - 1
    kept = compute(detr.suppress_layer, trace, layer, score_threshold=view.score_threshold)
    found = trace.found(view.score_threshold, layer=layer).tolist()
    removed = set(kept.suppressed.tolist()) if view.nms else set()
    say, names = translator("classes"), network.class_names(view.network)
    stood = [
        StageBox(
            str(query),
            corners(trace.boxes[layer, query]),
            f"{query} {say(names[int(trace.labels[layer, query])])}",
            theme.SUPPRESSED if query in removed else theme.PREDICTION,
            fill=False,
            dash="3 4" if query in removed else "",
            score=float(trace.scores[layer, query]),
        )
        for query in found
    ]
    if run.drawn is not None:
        stood += [
            StageBox(f"object{index}", corners(box), "", theme.TARGET, dash="7 4", fill=False)
            for index, box in enumerate(run.drawn.boxes)
        ]
    stage(
        page.key("layers"),
        boxes=stood,
        size=trace.image_size,
        photo=view.picture.pixels,
        mode="select",
        version=f"{view.network}.{view.picture.kind}.{view.picture.name}",
        title=_("Boxes after decoder layer {layer}", layer=layer + 1),
        presenter=page.presenting,
    )
    numbers = {"layer": layer + 1, "found": len(found), "removed": len(kept.suppressed)}
    gone = ", ".join(map(str, sorted(removed)))
    st.caption(
        _(
            "After layer {layer}: {found} sure boxes; NMS at 0.7 removed {removed} (dashed): {gone}.",
            **numbers,
            gone=gone,
        )
        if removed
        else _("After layer {layer}: {found} sure boxes; NMS at 0.7 would remove {removed}.", **numbers)
    )
