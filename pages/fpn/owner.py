"""Who owns a box: the paper's rule by its area, and FCOS's by its farthest side, while it is dragged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.fpn import network, state, words
from pages.fpn.network import Run
from pages.fpn.state import View
from pages.kit.chart import chart
from pages.kit.ending import Shown
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.stage import stage
from vizcore import fpn
from vizcore.figures import fpn as figures
from vizcore.figures import theme
from vizcore.fpn import javascript
from vizcore.fpn import script as scripts

MOST_EXAMPLES = 24


def show(page: Page, view: View, run: Run, places: Sequence[DeltaGenerator]) -> Shown:
    """Draws the stage with the box, what torch says of it, and both rules over all sizes."""
    _ = page.translate
    with places[0]:
        page.number(state.CANONICAL_LEVEL, "k₀")
    with places[1]:
        page.number(
            state.CANONICAL_SIZE,
            _("Canonical size (px)"),
            step=8,
            help=_("224: ImageNet’s pictures, on which the backbone learned."),
        )
    stage(
        page.key("owner"),
        **state.owner_stage(page, view.picture, view.box),
        photo=view.picture.pixels,
        min_size=1,
        title=_("A box to drag over the picture"),
        presenter=page.presenting,
        component="fpn/owner",
        extra=_extra(page, view, run),
        payload=network.maps_of(view.picture),
    )
    box = np.asarray(view.box)
    if page.shows("rest"):
        _show_rest(page, view, run, box)
    return Shown(scripts.write_owner_script(run.whole, box, **view.rule))


def _show_rest(page: Page, view: View, run: Run, box: np.ndarray) -> None:
    """What torch says of the box, and both rules over all sizes."""
    _ = page.translate
    owner = fpn.find_owner(run.whole, box, **view.rule)
    st.caption(
        _(
            "torch agrees: roi_level says P{level} (before rounding {value}), assign_targets gives {cells}.",
            level=owner.level,
            value=f"{owner.value:.3f}",
            cells=_(", ").join(f"{name} × {len(owner.cells[name])}" for name in owner.fcos_levels) or _("no cell"),
        )
    )
    page.lesson("owner")
    curve = compute(fpn.ownership_curve, run.whole.config, **view.rule)
    chart(
        page,
        "ownership",
        figures.plot_ownership(curve, size=owner.side or None, translate=_),
        alt=_(
            "The level of a square over its side, by both rules; they name the same level on {share} % of the sizes.",
            share=f"{100 * curve.agreement:.0f}",
        ),
    )


def _extra(page: Page, view: View, run: Run) -> dict[str, Any]:
    """Both rules, compiled, and what they are drawn with."""
    names = words.class_names()
    trace = run.whole
    config = trace.config
    return {
        "source": compute(javascript.compile_rules, **view.rule),
        "levels": [
            {"name": name, "stride": stride, "low": low, "high": None if high == float("inf") else high}
            for name, stride, (low, high) in zip(config.levels, config.strides, config.ranges, strict=True)
        ],
        "paper": {
            "size": view.canonical_size,
            "level": view.canonical_level,
            "bands": [band._asdict() for band in fpn.paper_bands(**view.rule)],
        },
        "examples": [
            {
                "words": f"{names[trace.labels[candidate]]} {trace.scores[candidate]:.2f}",
                "xyxy": [round(float(side)) for side in trace.boxes[candidate]],
                "level": config.levels[trace.level_of[candidate]],
            }
            for candidate in trace.keep[:MOST_EXAMPLES]
        ],
        "scale": list(theme.SCALE),
        "colors": words.COLORS,
        "plain": page.step is not None,
        "text": words.owner_words(page.translate, view.canonical_size),
    }
