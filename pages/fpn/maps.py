"""The pyramid laid open: every map under one pointer, its arrows as switches, and what a cut loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.fpn import network, state, words
from pages.fpn.network import Run
from pages.fpn.source import write_source
from pages.fpn.state import View
from pages.kit.chart import chart
from pages.kit.ending import Shown
from pages.kit.exports import download_numbers
from pages.kit.language import translator
from pages.kit.live import media_url
from pages.kit.page import Page
from pages.kit.stage import StageBox, stage
from vizcore import fpn
from vizcore.data import scenes
from vizcore.figures import fpn as figures
from vizcore.figures import theme
from vizcore.fpn import script as scripts

MOST_LISTED = 60
DASHES = {"kept": "", "gained": "9 5", "lost": "3 4"}
SIGNS = {"lateral": "", "upsampled": "+", "merged": "=", "level": "→"}


def show(page: Page, view: View, run: Run, places: Sequence[DeltaGenerator]) -> Shown:
    """Draws the maps, what the cuts change, and the final boxes by level."""
    _ = page.translate
    with places[0]:
        page.select(state.VIEW, _("Each cell shows"), words.view_words(_))
    if view.view == "channel":
        with places[1]:
            page.number(state.CHANNEL, _("Channel"))
    with places[2]:
        page.slider(state.SCORE_THRESHOLD, _("Score threshold"))
    _show_pyramid(page, view, run)
    after = run.after
    if page.shows("rest"):
        _show_rest(page, after)
    script = scripts.write_maps_script(
        write_source(view.picture),
        cuts=view.cuts,
        score_threshold=view.score_threshold,
        iou_threshold=network.IOU_THRESHOLD,
    )
    return Shown(script)


def _show_rest(page: Page, after: fpn.FPNTrace) -> None:
    """How long it took, and the final boxes by level."""
    _ = page.translate
    st.caption(
        _(
            "The backbone ran once on this picture ({backbone} ms). Neck and head, which run again when an arrow is "
            "cut, took {again} ms. Everything else happens in your browser.",
            backbone=f"{1000 * after.seconds['backbone']:.0f}",
            again=f"{1000 * (after.seconds['neck'] + after.seconds['head']):.0f}",
        )
    )
    chart(
        page,
        "levels",
        figures.plot_level_sizes(after, translate=_, say_class=translator("classes")),
        alt=_(
            "Final boxes by level: {levels}.",
            levels=_(", ").join(f"{name} {count}" for name, count in after.count_by_level().items()),
        ),
    )
    download_numbers(page, "fpn-boxes", lambda: fpn.detection_rows(after, scenes.CLASSES))


def _show_pyramid(page: Page, view: View, run: Run) -> None:
    _ = page.translate
    finds = fpn.list_finds(run.whole, run.after)
    note = _summary(page, view, run, finds)
    shown = stage(
        page.key("maps"),
        boxes=_boxes(page, finds),
        size=run.whole.image_size,
        photo=view.picture.pixels,
        mode="select",
        version=f"{view.picture.kind}.{view.picture.name}",
        title=note,
        presenter=page.presenting,
        component="fpn/maps",
        extra={
            "version": state.maps_version(page),
            "selected": view.level,
            "opacity": view.opacity,
            "boxes_shown": view.boxes,
            "cuts": list(view.cuts),
            "plain": not page.shows("rest"),
            "named": (first := page.step is not None and page.step.name == "maps"),
            "locked": first or page.asks,
            "rows": [row._asdict() for row in fpn.pyramid_rows(run.whole.config)],
            "arrows": [
                {"cut": arrow.cut, "kind": arrow.kind, "from": arrow.start, "to": arrow.end}
                for arrow in fpn.pyramid_arrows(run.whole.config)
            ],
            "merges": _merges(page, view, run),
            "detections": _rows(finds),
            "view": view.view,
            "channel": view.channel,
            "additive": view.view in ("mean", "channel"),
            "atlas": _atlas(page, view, run) if view.view == "channel" else None,
            "scale": list(theme.SCALE),
            "colors": {**words.COLORS, "current": theme.CURRENT},
            "text": words.maps_words(_, note, with_strides=page.revealed),
        },
        payload=network.maps_of(view.picture, view.cuts, view.view, view.channel),
    )
    pick = shown.said.get("pick")
    if isinstance(pick, Mapping) and page.is_pressed("picks", pick.get("count")):
        chosen = pick.get("channel")
        if isinstance(chosen, int) and 0 <= chosen <= state.LAST_CHANNEL:
            page.keep_for_next_run(channel=chosen)
            st.rerun()


def _summary(page: Page, view: View, run: Run, finds: Sequence[fpn.Find]) -> str:
    """The result in a sentence or two."""
    _ = page.translate
    fates = [find.fate for find in finds]
    if not view.cuts:
        sentence = _("{count} boxes.", count=len(run.after.keep))
        of_objects = _("Of the drawn objects it finds {found}.", found=_found(page, run))
    else:
        sentence = _(
            "{arrows} of {all} arrows cut: {count} boxes instead of {before}; {lost} lost, {gained} new.",
            arrows=len(view.cuts),
            all=len(state.ARROWS),
            count=len(run.after.keep),
            before=len(run.whole.keep),
            lost=fates.count("lost"),
            gained=fates.count("gained"),
        )
        of_objects = _("Of the drawn objects it still finds {found}.", found=_found(page, run))
    return f"{sentence} {of_objects}" if run.drawn is not None else sentence


def _found(page: Page, run: Run) -> str:
    """Which objects of a scene are found, by size."""
    _ = page.translate
    sizes = words.size_words(_)
    return _(", ").join(
        _("{found} of {all} {size}", found=found, all=present, size=sizes[name])
        for name, (found, present) in run.count(run.after).items()
        if present
    )


def _boxes(page: Page, finds: Sequence[fpn.Find]) -> list[StageBox]:
    """Final boxes on the stage: those lost below, then those that stand."""
    _ = page.translate
    names = words.class_names()
    fates = {"lost": _("lost by the cut"), "gained": _("new since the cut"), "kept": ""}
    boxes = []
    for find in finds:
        x1, y1, x2, y2 = find.trace.boxes[find.candidate].tolist()
        boxes.append(
            StageBox(
                find.name,
                (x1, y1, x2, y2),
                label=names[find.trace.labels[find.candidate]],
                color=words.COLORS[find.level] if find.fate != "lost" else theme.SUPPRESSED,
                dash=DASHES[find.fate],
                fill=False,
                score=float(find.trace.scores[find.candidate]),
                detail="\n".join(filter(None, (_("cell {place}", place=_place(find)), fates[find.fate]))),
            )
        )
    return boxes


def _rows(finds: Sequence[fpn.Find]) -> list[dict[str, Any]]:
    """Final boxes in the list: those lost, those that are new, those that stayed, each from the best."""
    names = words.class_names()
    rows = [
        {
            "id": find.name,
            "fate": find.fate,
            "words": f"{names[find.trace.labels[find.candidate]]} {find.trace.scores[find.candidate]:.2f}",
            "place": _place(find),
            "level": find.level,
            "color": words.COLORS[find.level],
            "at": list(find.trace.cell_center(find.level, find.cell)),
        }
        for find in finds
    ]
    order = ("lost", "gained", "kept")
    return sorted(rows[::-1], key=lambda row: order.index(str(row["fate"])))[:MOST_LISTED]


def _place(find: fpn.Find) -> str:
    """Level and cell of a box."""
    row, column = find.cell
    return f"{find.level} ({row + 1}, {column + 1})"


def _merges(page: Page, view: View, run: Run) -> list[dict[str, Any]]:
    """What is added at each level that merges."""
    _ = page.translate
    rows = []
    for level in run.whole.config.levels:
        number = int(level[1:])
        titles = {
            "lateral": _("lateral C{number}", number=number),
            "upsampled": _("P{number} upsampled", number=number + 1),
            "merged": _("sum"),
            "level": level,
        }
        parts = [
            {"name": part.name, "title": titles[part.kind], "sign": SIGNS[part.kind], "cut": part.cut}
            for part in fpn.merge_parts(run.whole.config, level, view.cuts)
        ]
        if parts:
            rows.append({"number": str(number), "level": level, "parts": parts})
    return rows


def _atlas(page: Page, view: View, run: Run) -> dict[str, Any]:
    """All channels of the selected map side by side."""
    _ = page.translate
    count = run.after.maps(view.level).shape[0]
    rows, columns = fpn.grid_on_photo(view.level, view.picture.size)
    layout = fpn.atlas_layout(count, (rows, columns), side=network.ATLAS_SIDE)
    file = network.atlas_of(view.picture, view.cuts, view.level)
    return {
        "url": media_url(file, "image/png", f"{page.key('maps')}-atlas"),
        "columns": layout.columns,
        "rows": layout.rows,
        "width": layout.size[1],
        "height": layout.size[0],
        "count": count,
        "title": _("All {count} channels of {level}", count=count, level=view.level),
        "note": _(
            "Each from its own least to its own greatest value. Press one to see it everywhere. Channel {channel} of "
            "one level is channel {channel} of every level, for one head reads them all; the stages’ channels have "
            "nothing in common but the number.",
            channel=view.channel,
        ),
    }
