"""The four designs that the paper compares, on this picture: their maps, and what each costs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.fpn import comparison, network, state, words
from pages.fpn.network import Run
from pages.fpn.state import View
from pages.kit.ending import Shown
from pages.kit.live import live, media_url
from pages.kit.loaders import Job, compute, find_job, start_job, watch_job
from pages.kit.page import Page
from vizcore import fpn
from vizcore.costs import Cost
from vizcore.data.photos import encode_jpeg
from vizcore.figures import fpn as figures
from vizcore.figures import theme
from vizcore.fpn import packing
from vizcore.fpn import script as scripts

DETECTOR = "compare_fpn"
"""Its levels and channels are what the compared designs have in common."""


def show(page: Page, view: View, run: Run, places: Sequence[DeltaGenerator]) -> Shown:
    """Draws the diagrams with the picture's maps, then what the trained designs reach."""
    _ = page.translate
    maps = network.planes_of(view.picture, tuple(state.COMPARED))
    designs = _measured(page, run)
    shares = fpn.cost_shares(designs)
    key = page.key("diagrams")
    said = live(
        "fpn/designs",
        key=key,
        data={
            "designs": [_diagram(page, design, maps, shares[design.name]) for design in designs],
            "photo": media_url(encode_jpeg(view.picture.pixels), "image/jpeg", f"{key}-photo"),
            "opened": view.opened,
            "scale": list(theme.SCALE),
            "presenter": page.presenting,
            "atlas": _atlas(page, view.opened, maps[view.opened]),
            "text": words.designs_words(_),
        },
        payload=packing.pack_thumbnails(maps),
    )
    pressed = said.get("open")
    if isinstance(pressed, Mapping) and page.is_pressed("opens", pressed.get("count")) and pressed.get("key") in maps:
        page.keep_for_next_run(opened=pressed["key"])
        st.rerun()
    if page.shows("quality"):
        comparison.show_qualities(page, view)
    if page.shows("rest"):
        comparison.show_cut_myth(page, view, run)
    return Shown(scripts.write_designs_script(DETECTOR, run.whole.input_size, kind=view.kind))


def _measured(page: Page, run: Run) -> tuple[fpn.Design, ...]:
    """The designs for this picture's size, with their times once those were measured."""
    _ = page.translate
    size = run.whole.input_size
    compared = {"fpn": network.detector(DETECTOR)}
    designs: tuple[fpn.Design, ...] = compute(fpn.designs, compared["fpn"].fcos.config, size)
    job = find_job(page, "designs")
    if job is not None and job.result is not None and job.result[0] == size:
        designs = job.result[1]
    progress = _("Each design runs twice; the picture pyramid takes longest.")

    def work(job: Job) -> tuple[tuple[int, int], tuple[fpn.Design, ...]]:
        return size, fpn.measure_designs(compared, size, report=lambda share: job.report(share, progress))

    page.button(
        "measure",
        _("Measure the times on this machine"),
        icon=":material/timer:",
        on_click=start_job,
        args=(page, "designs", work),
        disabled=job is not None and not job.done.is_set(),
    )
    watch_job(page, "designs")
    if job is not None and job.error is not None:
        page.explain(job.error)
    return designs


def _diagram(
    page: Page, design: fpn.Design, maps: Collection[str], shares: Mapping[str, float | None]
) -> dict[str, Any]:
    """A design as the piece draws it."""
    _ = page.translate
    packed = packing.pack_design(design, maps)
    pyramid = design.name == "image_pyramid"
    for node in packed["nodes"]:
        picture = _("picture ×{scale}", scale=f"{node['scale']:g}") if pyramid else _("picture")
        node["title"] = node["map_name"] or picture
    return {
        "name": design.name,
        "title": _(figures.DESIGN_NAMES[design.name]),
        "words": words.design_words(_)[design.name],
        **packed,
        "costs": _costs(page, design.cost, shares),
    }


def _costs(page: Page, cost: Cost, shares: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """What a design costs, and how that compares with the dearest."""
    _ = page.translate
    time = _("not measured yet") if cost.seconds is None else f"{1000 * cost.seconds:,.0f} ms"
    rows = (
        (_("Multiply-adds"), f"{cost.multiply_adds / 1e9:.1f} · 10⁹", "multiply_adds"),
        (_("Activations"), f"{cost.activation_bytes / 1e6:,.0f} MB", "activation_bytes"),
        (_("Parameters"), f"{cost.parameters / 1e6:.2f} · 10⁶", "parameters"),
        (_("Time here"), time, "seconds"),
    )
    return [{"name": name, "words": value, "share": shares[kind]} for name, value, kind in rows]


def _atlas(page: Page, opened: str, maps: np.ndarray) -> dict[str, Any]:
    """All channels of the plane that was pressed."""
    _ = page.translate
    layout = fpn.atlas_layout(maps.shape[0], (maps.shape[1], maps.shape[2]), side=network.ATLAS_SIDE)
    design, _colon, level = opened.rpartition(":")
    title = _("All {count} channels of {level}", count=maps.shape[0], level=level)
    file = packing.pack_atlas(maps, side=network.ATLAS_SIDE)
    return {
        "url": media_url(file, "image/png", page.key("opened-atlas")),
        "columns": layout.columns,
        "width": layout.size[1],
        "height": layout.size[0],
        "title": title + (f" · {_(figures.DESIGN_NAMES[design])}" if design else ""),
        "note": _(
            "Each channel from its own least (dark) to its own greatest value (bright). Press a plane to open it."
        ),
    }
