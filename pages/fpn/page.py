"""The feature pyramid page: every map of a detector on one picture, its arrows as switches, and who owns a box."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from pages.kit import link
from pages.kit.challenges import Challenge, show_challenges
from pages.kit.chart import chart, table
from pages.kit.exports import download_numbers
from pages.kit.language import translator
from pages.kit.live import live, media_url, said
from pages.kit.loaders import Job, compute, find_job, load, start_job, watch_job
from pages.kit.myths import show_myth
from pages.kit.page import close_page, open_page
from pages.kit.photo_picker import OWN, pick_photo
from pages.kit.reproduce import reproduce_panel
from pages.kit.stage import StageBox, stage, stage_state
from vizcore import fpn
from vizcore.data import scenes
from vizcore.data.photos import encode_jpeg, encode_png, load_sample
from vizcore.data.script import write_photo, write_scene
from vizcore.figures import fpn as figures
from vizcore.figures import theme
from vizcore.fpn import javascript, packing
from vizcore.fpn import script as scripts
from vizcore.models import fcos
from vizcore.training import cards

COLORS = dict(zip(("P2", "P3", "P4", "P5", "P6"), theme.CATEGORICAL, strict=False))
STAGES = ("C2", "C3", "C4", "C5")
NUM_SCENES = 500
FIRST_SCENE = 0
SCORE_THRESHOLD, IOU_THRESHOLD = 0.4, 0.6
MOST_OWN = 2
MOST_LISTED = 60
ATLAS_SIDE = 64
FIRST_BOX = [[190.0, 170.0, 310.0, 290.0]]
NARROW = 0.25
WHOLE = 1280  # no picture's side is longer
PARTS = ("maps", "designs", "owner", "cell", "data")


# -- what is computed, under names that the shared cache can hold ------------------------------------------------------


def load_detector(name: str) -> fcos.Detector:
    """One of the detectors that were trained here."""
    return fcos.load_fcos(name)


def detector() -> fcos.Detector:
    """The one with the feature pyramid."""
    return load(load_detector, "fcos_fpn")


@dataclass(frozen=True)
class Source:
    """What is looked at.

    Attributes:
        kind: ``scene``, ``sample`` or ``own``.
        name: index of the scene, name of the sample, or digest of the reader's own photo.
    """

    kind: str
    name: int | str


def shared_pixels(kind: str, name: Any) -> np.ndarray:
    """The picture of a source that all sessions share."""
    pixels: np.ndarray = (
        compute(scenes.draw_scene, "validation", name).pixels if kind == "scene" else compute(load_sample, name).pixels
    )
    return pixels


def shared_trace(kind: str, name: Any, cuts: tuple[str, ...]) -> fpn.FPNTrace:
    """A shared picture through the network; with cuts, from the recorded stages on."""
    if cuts:
        return fpn.retrace(detector(), compute(shared_trace, kind, name, ()), cuts=cuts)
    return fpn.trace_fpn(detector(), shared_pixels(kind, name))


def shared_maps(kind: str, name: Any, cuts: tuple[str, ...], view: str, channel: int) -> bytes:
    """The maps of a shared picture for the browser."""
    return packing.pack_maps(compute(shared_trace, kind, name, cuts), view=view, channel=channel)


def shared_atlas(kind: str, name: Any, cuts: tuple[str, ...], level: str) -> bytes:
    """All channels of a shared picture's map as a PNG file."""
    return packing.pack_atlas(fpn.on_photo(compute(shared_trace, kind, name, cuts), level), side=ATLAS_SIDE)


def shared_field(kind: str, name: Any, level: str, row: int, column: int) -> fpn.EffectiveField:
    """What one cell sees of a shared picture."""
    return fpn.effective_receptive_field(detector(), shared_pixels(kind, name), level, (row, column))


def shared_design(design: str, kind: str, name: Any, cuts: tuple[str, ...] = ()) -> fpn.FPNTrace:
    """A shared picture's recorded stages through one of the compared designs."""
    other = load(load_detector, f"compare_{design}")
    return fpn.retrace(other, compute(shared_trace, kind, name, ()), cuts=cuts)


def own_trace(digest: str, cuts: tuple[str, ...]) -> fpn.FPNTrace:
    """The reader's own photo through the network: kept in the session, whole and with the latest cuts."""
    kept: dict[tuple[str, tuple[str, ...]], fpn.FPNTrace] = st.session_state.setdefault("fpn_own_traces", {})
    if (digest, cuts) not in kept:
        for key in [key for key in kept if key[0] != digest or key[1]]:
            del kept[key]
        assert len(kept) < MOST_OWN
        kept[digest, cuts] = (
            fpn.retrace(detector(), own_trace(digest, ()), cuts=cuts)
            if cuts
            else fpn.trace_fpn(detector(), st.session_state["own_photo"].pixels)
        )
    return kept[digest, cuts]


def trace_of(source: Source, cuts: tuple[str, ...] = ()) -> fpn.FPNTrace:
    """The network's way over a source, computed once."""
    if source.kind == "own":
        return own_trace(str(source.name), cuts)
    trace: fpn.FPNTrace = compute(shared_trace, source.kind, source.name, cuts)
    return trace


def maps_of(source: Source, cuts: tuple[str, ...], view: str, channel: int) -> bytes:
    """The maps for the browser."""
    if source.kind == "own":
        return packing.pack_maps(trace_of(source, cuts), view=view, channel=channel)
    packed: bytes = compute(shared_maps, source.kind, source.name, cuts, view, channel)
    return packed


def atlas_of(source: Source, cuts: tuple[str, ...], level: str) -> bytes:
    """All channels of a map as a PNG file."""
    if source.kind == "own":
        return packing.pack_atlas(fpn.on_photo(trace_of(source, cuts), level), side=ATLAS_SIDE)
    file: bytes = compute(shared_atlas, source.kind, source.name, cuts, level)
    return file


def pixels_of(source: Source) -> np.ndarray:
    """The picture."""
    if source.kind == "own":
        pixels: np.ndarray = st.session_state["own_photo"].pixels
        return pixels
    return shared_pixels(source.kind, source.name)


def quality_cards() -> tuple[cards.Card, ...]:
    """What is known of the trained designs."""
    return cards.list_cards()


# -- the page ----------------------------------------------------------------------------------------------------------

page = open_page(
    "fpn",
    title="Feature pyramid",
    tagline="Point anywhere and read every level at once. Then cut an arrow, and see which objects are lost.",
)
_ = page.translate
say_class = translator("classes")
class_names = tuple(say_class(name) for name in scenes.CLASSES)

VIEW_WORDS = {
    "mean": _("Mean of the channels"),
    "max": _("Maximum of the channels"),
    "norm": _("Norm of the channels"),
    "pca": _("PCA as colours"),
    "channel": _("One channel"),
}
SIZE_WORDS = {"small": _("small"), "medium": _("medium"), "large": _("large")}


def choose_source() -> Source:
    """Controls for the picture."""
    with controls[0]:
        kind = page.select(
            "source", _("Picture"), {"scene": _("A drawn scene"), "photo": _("A photo")}, "scene", few=False
        )
    if kind == "scene":
        with controls[1]:
            index = page.number("scene", _("Scene"), 0, NUM_SCENES - 1, FIRST_SCENE, step=1)
        return Source("scene", int(index))
    with controls[1]:
        photo = pick_photo(page, default="coins")
    if st.session_state.get(page.key("photo")) == OWN:
        return Source("own", hashlib.sha256(photo.pixels.tobytes()).hexdigest())
    return Source("sample", photo.name)


part_words = {
    "maps": _("Maps and cuts"),
    "designs": _("Four designs"),
    "owner": _("Who owns this box?"),
    "cell": _("What a cell sees"),
    "data": _("The data"),
}
part = page.select("part", _("Part"), part_words, "maps", few=True, label_visibility="collapsed")
# One row: the picture, then what the part asks for.
controls = st.columns([1.1, 1.2, 1.2, 1.2, 1.4], vertical_alignment="bottom", gap="small")
source = choose_source()
scene = compute(scenes.draw_scene, "validation", source.name) if source.kind == "scene" else None
config = detector().fcos.config
ARROWS = [name for name in fpn.possible_cuts(config) if name != "top_down"]

score_parameter = link.number("score_threshold", 0.05, 0.95, SCORE_THRESHOLD)
cuts_parameter = link.choices("cuts", ARROWS, [])
level_parameter = link.choice("level", [*STAGES, *config.levels], "P3")
opacity_parameter = link.number("opacity", 0.0, 1.0, 0.55)
boxes_parameter = link.flag("boxes", True)
view_parameter = link.choice("view", list(VIEW_WORDS), "mean")
channel_parameter = link.number("channel", 0, 319, 0)
box_parameter = link.numbers("box", (1, 4), FIRST_BOX, limit=float(WHOLE), most=1)
cell_level_parameter = link.choice("cell_level", [*STAGES, *config.levels], "P4")

maps_key = page.key("maps")
for parameter in (score_parameter, level_parameter, cuts_parameter, opacity_parameter, boxes_parameter):
    page.value(parameter)
maps_version = ".".join(str(page.version(name)) for name in ("level", "cuts", "opacity", "boxes"))
heard = said(maps_key).get("maps")
if isinstance(heard, Mapping) and heard.get("version") == maps_version:
    for parameter, told in (
        (level_parameter, "selected"),
        (cuts_parameter, "cuts"),
        (opacity_parameter, "opacity"),
        (boxes_parameter, "boxes"),
    ):
        if told in heard:
            page.store(parameter, heard[told])
cuts = tuple(page.value(cuts_parameter))
selected = page.value(level_parameter)


def thresholded(trace: fpn.FPNTrace) -> fpn.FPNTrace:
    """The same run at the page's threshold."""
    return fpn.refilter(trace, score_threshold=page.value(score_parameter), iou_threshold=IOU_THRESHOLD)


with st.spinner(_("Running the network…")):
    whole = thresholded(trace_of(source))
after = thresholded(trace_of(source, cuts)) if cuts else whole


def counted(trace: fpn.FPNTrace) -> dict[str, tuple[int, int]]:
    """Found and present objects by size; nothing for a photo, where nobody knows what is there."""
    return fpn.count_found(trace, scene.boxes, scene.labels) if scene is not None else {}


def found_words(trace: fpn.FPNTrace) -> str:
    """Which objects of a scene are found, by size."""
    counts = {name: pair for name, pair in counted(trace).items() if pair[1]}
    return _(", ").join(
        _("{found} of {all} {size}", found=found, all=present, size=SIZE_WORDS[name])
        for name, (found, present) in counts.items()
    )


# -- part: maps --------------------------------------------------------------------------------------------------------


def place_words(trace: fpn.FPNTrace, candidate: int) -> str:
    """Level and cell of a candidate."""
    row, column = trace.cells[candidate].tolist()
    return f"{trace.config.levels[trace.level_of[candidate]]} ({row + 1}, {column + 1})"


def found_boxes(change: fpn.DetectionChange) -> tuple[list[StageBox], list[dict[str, Any]]]:
    """Final boxes on the stage and in the list: those lost below, then those that stand."""
    boxes: list[StageBox] = []
    rows: list[dict[str, Any]] = []
    lost = [("lost", whole, int(whole.keep[place]), f"b{whole.keep[place]}") for place in change.lost]
    standing = [
        ("gained" if change.after[place] < 0 and cuts else "kept", after, int(candidate), f"a{candidate}")
        for place, candidate in enumerate(after.keep)
    ]
    fates = {"lost": _("lost by the cut"), "gained": _("new since the cut"), "kept": ""}
    for fate, trace, candidate, name in lost + standing[::-1]:
        level = trace.config.levels[trace.level_of[candidate]]
        words = class_names[trace.labels[candidate]]
        score = float(trace.scores[candidate])
        place = place_words(trace, candidate)
        boxes.append(
            StageBox(
                name,
                tuple(float(side) for side in trace.boxes[candidate]),
                label=words,
                color=COLORS[level] if fate != "lost" else theme.SUPPRESSED,
                dash={"kept": "", "gained": "9 5", "lost": "3 4"}[fate],
                fill=False,
                score=score,
                detail="\n".join(filter(None, (_("cell {place}", place=place), fates[fate]))),
            )
        )
        rows.append(
            {
                "id": name,
                "fate": fate,
                "words": f"{words} {score:.2f}",
                "place": place,
                "level": level,
                "color": COLORS[level],
                "at": list(trace.cell_center(level, tuple(trace.cells[candidate]))),
            }
        )
    order = {"lost": 0, "gained": 1, "kept": 2}
    return boxes, sorted(rows[::-1], key=lambda row: order[row["fate"]])[:MOST_LISTED]


def summary(change: fpn.DetectionChange) -> str:
    """The result in a sentence or two."""
    if not cuts:
        words = _("{count} boxes.", count=len(after.keep))
        return f"{words} " + _("Of the drawn objects it finds {found}.", found=found_words(after)) if scene else words
    words = _(
        "{arrows} of {all} arrows cut: {count} boxes instead of {before}; {lost} lost, {gained} new.",
        arrows=len(cuts),
        all=len(ARROWS),
        count=len(after.keep),
        before=len(whole.keep),
        lost=len(change.lost),
        gained=len(change.gained),
    )
    return f"{words} " + _("Of the drawn objects it still finds {found}.", found=found_words(after)) if scene else words


def pyramid_rows() -> list[dict[str, str | None]]:
    """Stages and levels side by side, coarsest first."""
    numbers = sorted({int(name[1:]) for name in (*STAGES, *config.levels)}, reverse=True)
    return [
        {
            "stage": f"C{number}" if f"C{number}" in STAGES else None,
            "level": f"P{number}" if f"P{number}" in config.levels else None,
        }
        for number in numbers
    ]


def arrows() -> list[dict[str, str]]:
    """The arrows that can be cut."""
    rows = []
    for name in ARROWS:
        kind, _colon, end = name.partition(":")
        number = int(end[1:])
        start, to = (f"P{number + 1}", end) if kind == "top_down" else (end, f"P{number}")
        rows.append({"cut": name, "kind": kind, "from": start, "to": to})
    return rows


def merges() -> list[dict[str, Any]]:
    """What is added at each level that merges."""
    rows = []
    for level in config.levels:
        number = int(level[1:])
        if f"C{number}" not in config.stages:
            continue
        parts = [
            {
                "name": f"lateral:{level}",
                "title": _("lateral C{number}", number=number),
                "sign": "",
                "cut": f"lateral:C{number}" in cuts,
            }
        ]
        if f"C{number + 1}" in config.stages:
            parts.append(
                {
                    "name": f"upsampled:{level}",
                    "title": _("P{number} upsampled", number=number + 1),
                    "sign": "+",
                    "cut": f"top_down:{level}" in cuts,
                }
            )
        parts.append({"name": f"merged:{level}", "title": _("sum"), "sign": "=", "cut": False})
        parts.append({"name": level, "title": level, "sign": "→", "cut": False})
        rows.append({"number": str(number), "level": level, "parts": parts})
    return rows


def maps_text(note: str) -> dict[str, str]:
    """What the piece says; braces are filled in the browser."""
    return {
        "opacity": _("Map over the picture"),
        "boxes": _("Boxes"),
        "cut_all": _("Cut the whole top-down path"),
        "mend": _("Mend all arrows"),
        "pyramid": _("Stages on the left, levels on the right"),
        "help": _(
            "Left the backbone’s stages, right the pyramid’s levels, finest at the bottom. Press an arrow to cut it; "
            "press a map to lay it over the picture; arrow keys on a map move the cell."
        ),
        "shape": "{channels}×{rows}×{cols}",
        "shape_stride": _("{channels}×{rows}×{cols}\nstride {stride}"),
        "tile": _(
            "{name}: {channels} channels, {rows} rows, {cols} columns, stride {stride}; row {row}, column {col} is "
            "{value}"
        ),
        "value": _("{name}, row {row}, column {col}: {value}"),
        "lateral": _("Lateral connection {from} to {to}"),
        "top_down": _("Top-down arrow {from} to {to}"),
        "is_cut": _("cut"),
        "is_whole": _("connected"),
        "merge": _("How {level} is made"),
        "convolution": _("3×3 convolution"),
        "not_additive": _("Means and single channels add up cell by cell; this view does not."),
        "channel_of": _("channel {channel} of {count}"),
        "summary": note,
    }


def show_maps() -> str:
    """Part 1: the pyramid laid open."""
    with controls[2]:
        view = page.select("view", _("Each cell shows"), VIEW_WORDS, "mean")
    channel = int(page.value(channel_parameter))
    if view == "channel":
        with controls[3]:
            channel = int(page.number("channel", _("Channel"), 0, 319, 0, step=1))
    with controls[4]:
        page.slider("score_threshold", _("Score threshold"), 0.05, 0.95, SCORE_THRESHOLD, step=0.05)
    change = fpn.compare_detections(whole, after)
    boxes, rows = found_boxes(change)
    note = summary(change)
    atlas = atlas_data(channel) if view == "channel" else None
    state = stage(
        maps_key,
        boxes=boxes,
        size=whole.image_size,
        photo=pixels_of(source),
        mode="select",
        version=f"{source.kind}.{source.name}",
        title=note,
        presenter=page.presenting,
        component="fpn/maps",
        extra={
            "version": maps_version,
            "selected": selected,
            "opacity": page.value(opacity_parameter),
            "boxes_shown": page.value(boxes_parameter),
            "cuts": list(cuts),
            "rows": pyramid_rows(),
            "arrows": arrows(),
            "merges": merges(),
            "detections": rows,
            "view": view,
            "channel": channel,
            "additive": view in ("mean", "channel"),
            "atlas": atlas,
            "scale": list(theme.SCALE),
            "colors": {**COLORS, "current": theme.CURRENT},
            "text": maps_text(note),
        },
        payload=maps_of(source, cuts, view, channel),
    )
    pick = state.said.get("pick")
    if isinstance(pick, Mapping) and pick.get("count") != st.session_state.get(page.key("picks")):
        st.session_state[page.key("picks")] = pick.get("count")
        chosen = pick.get("channel")
        if isinstance(chosen, int) and 0 <= chosen <= 319:
            page.keep_for_next_run(channel=chosen)
            st.rerun()
    seconds = after.seconds
    st.caption(
        _(
            "The backbone ran once on this picture ({backbone} ms). Neck and head, which run again when an arrow is "
            "cut, took {again} ms. Everything else happens in your browser.",
            backbone=f"{1000 * seconds['backbone']:.0f}",
            again=f"{1000 * (seconds['neck'] + seconds['head']):.0f}",
        )
    )
    chart(
        page,
        "levels",
        figures.plot_level_sizes(after, translate=_, say_class=say_class),
        alt=_(
            "Final boxes by level: {levels}.",
            levels=_(", ").join(f"{name} {count}" for name, count in after.count_by_level().items()),
        ),
    )
    download_numbers(page, "fpn-boxes", lambda: fpn.detection_rows(after, scenes.CLASSES))
    return script_maps()


def atlas_data(channel: int) -> dict[str, Any]:
    """All channels of the selected map side by side."""
    count = after.maps(selected).shape[0]
    layout = fpn.atlas_layout(count, fpn.on_photo(after, selected).shape[1:], side=ATLAS_SIDE)
    return {
        "url": media_url(atlas_of(source, cuts, selected), "image/png", f"{maps_key}-atlas"),
        "columns": layout.columns,
        "rows": layout.rows,
        "width": layout.size[1],
        "height": layout.size[0],
        "count": count,
        "title": _("All {count} channels of {level}", count=count, level=selected),
        "note": _(
            "Each from its own least to its own greatest value. Press one to see it everywhere. Channel {channel} of "
            "one level is channel {channel} of every level, for one head reads them all; the stages’ channels have "
            "nothing in common but the number.",
            channel=channel,
        ),
    }


def script_source() -> str:
    """How a script gets the picture."""
    if source.kind == "scene":
        return write_scene(int(source.name))
    return write_photo(str(source.name) if source.kind == "sample" else None, variable="picture")


def script_maps() -> str:
    """The maps' shapes and means and the final boxes, from a plain interpreter."""
    return scripts.write_maps_script(
        script_source(), cuts=cuts, score_threshold=page.value(score_parameter), iou_threshold=IOU_THRESHOLD
    )


# -- part: the four designs --------------------------------------------------------------------------------------------

DESIGN_WORDS = {
    "image_pyramid": _("The picture at several sizes, each through the whole network: every size costs a full pass."),
    "top": _("One pass, and only the last, coarsest map is asked: one cell for 32 × 32 pixels."),
    "separate": _("One pass, every stage asked as it is: what the coarse ones know never reaches the fine ones."),
    "fpn": _("One pass, and what the coarse stages know is handed down to the fine ones."),
}


def trained(design: str) -> bool:
    """Whether a detector of this design was shipped for the comparison."""
    return (fcos.WEIGHTS_FOLDER / f"compare_{design}.safetensors").is_file()


def design_trace(design: str) -> fpn.FPNTrace:
    """The picture's recorded stages through the detector of a design."""
    if source.kind == "own":
        return fpn.retrace(load(load_detector, f"compare_{design}"), trace_of(source), cuts=())
    trace: fpn.FPNTrace = compute(shared_design, design, source.kind, source.name)
    return trace


def design_maps() -> dict[str, np.ndarray]:
    """What the planes of the diagrams carry, by name."""
    traces = {design: design_trace(design) for design in ("top", "separate", "fpn") if trained(design)}
    traces.setdefault("fpn", whole)
    return {name: fpn.on_photo(whole, name) for name in STAGES} | {
        f"{design}:{name}": fpn.on_photo(trace, name)
        for design, trace in traces.items()
        for name in trace.config.levels
    }


def design_config() -> fcos.FCOSConfig:
    """Levels and channels that the compared designs have in common."""
    return load(load_detector, "compare_fpn").fcos.config if trained("fpn") else config


def diagram(design: fpn.Design, maps: Mapping[str, np.ndarray], shares: Mapping[str, float | None]) -> dict[str, Any]:
    """A design as the piece draws it."""
    pyramid = design.name == "image_pyramid"
    nodes = []
    for node in design.nodes:
        if pyramid and node.kind == "stage":
            continue
        scale = (2 ** int(node.map_name[1:]) if node.map_name else 1) / node.stride
        picture = node.map_name if node.kind == "stage" else f"{'top' if pyramid else design.name}:{node.map_name}"
        known = node.kind in ("stage", "level") and scale == 1 and picture in maps
        nodes.append(
            {
                "name": node.name,
                "kind": node.kind,
                "map_name": node.map_name,
                "size": list(node.size),
                "channels": node.channels,
                "scale": scale,
                "picture": picture if known else None,
                "title": node.map_name or (_("picture ×{scale}", scale=f"{scale:g}") if pyramid else _("picture")),
            }
        )
    edges = [{"start": edge.start, "end": edge.end, "kind": edge.kind} for edge in design.edges]
    if pyramid:
        images = [node["name"] for node in nodes if node["kind"] == "image"]
        levels = [node["name"] for node in nodes if node["kind"] == "level"]
        edges = [edge for edge in edges if edge["kind"] in ("resize", "head")]
        edges += [{"start": start, "end": end, "kind": "lateral"} for start, end in zip(images, levels, strict=True)]
    cost = design.cost
    values = {
        _("Multiply-adds"): (f"{cost.multiply_adds / 1e9:.1f} · 10⁹", "multiply_adds"),
        _("Activations"): (f"{cost.activation_bytes / 1e6:,.0f} MB", "activation_bytes"),
        _("Parameters"): (f"{cost.parameters / 1e6:.2f} · 10⁶", "parameters"),
        _("Time here"): (
            _("not measured yet") if cost.seconds is None else f"{1000 * cost.seconds:,.0f} ms",
            "seconds",
        ),
    }
    return {
        "name": design.name,
        "title": _(figures.DESIGN_NAMES[design.name]),
        "words": DESIGN_WORDS[design.name],
        "nodes": nodes,
        "edges": edges,
        "costs": [{"name": name, "words": words, "share": shares[kind]} for name, (words, kind) in values.items()],
    }


def show_designs() -> str:
    """Part 2: the four designs of the paper on this picture."""
    maps = design_maps()
    designs = compute(fpn.designs, design_config(), whole.input_size)
    job = find_job(page, "designs")
    if job is not None and job.result is not None and job.result[0] == whole.input_size:
        designs = job.result[1]
    busy = job is not None and not job.done.is_set()
    size = whole.input_size
    networks = {"fpn": load(load_detector, "compare_fpn") if trained("fpn") else detector()}

    words = _("Each design runs twice; the picture pyramid takes longest.")

    def work(job: Job) -> tuple[tuple[int, int], tuple[fpn.Design, ...]]:
        return size, fpn.measure_designs(networks, size, report=lambda share: job.report(share, words))

    page.button(
        "measure",
        _("Measure the times on this machine"),
        icon=":material/timer:",
        on_click=start_job,
        args=(page, "designs", work),
        disabled=busy,
    )
    watch_job(page, "designs")
    if job is not None and job.error is not None:
        page.explain(job.error)
    shares = fpn.cost_shares(designs)
    opened_parameter = link.choice("opened", sorted(maps), "fpn:P4" if "fpn:P4" in maps else sorted(maps)[0])
    opened = page.value(opened_parameter)
    key = page.key("diagrams")
    state = live(
        "fpn/designs",
        key=key,
        data={
            "designs": [diagram(design, maps, shares[design.name]) for design in designs],
            "photo": media_url(encode_jpeg(pixels_of(source)), "image/jpeg", f"{key}-photo"),
            "opened": opened,
            "scale": list(theme.SCALE),
            "presenter": page.presenting,
            "atlas": design_atlas(opened, maps[opened]),
            "text": {
                "predict": _("predict"),
                "open": _("Open the map {name}: {channels} channels, {rows} × {cols} cells"),
            },
        },
        payload=packing.pack_thumbnails(maps),
    )
    pressed = state.get("open")
    if isinstance(pressed, Mapping) and pressed.get("count") != st.session_state.get(page.key("opens")):
        st.session_state[page.key("opens")] = pressed.get("count")
        if pressed.get("key") in maps:
            page.keep_for_next_run(opened=pressed["key"])
            st.rerun()
    show_qualities()
    show_cut_myth()
    return scripts.write_designs_script("compare_fpn" if trained("fpn") else "fcos_fpn", whole.input_size)


def design_atlas(opened: str, maps: np.ndarray) -> dict[str, Any]:
    """All channels of the plane that was pressed."""
    layout = fpn.atlas_layout(maps.shape[0], maps.shape[1:], side=ATLAS_SIDE)
    design, _colon, level = opened.rpartition(":")
    words = _("All {count} channels of {level}", count=maps.shape[0], level=level)
    return {
        "url": media_url(packing.pack_atlas(maps, side=ATLAS_SIDE), "image/png", page.key("opened-atlas")),
        "columns": layout.columns,
        "width": layout.size[1],
        "height": layout.size[0],
        "title": words + (f" · {_(figures.DESIGN_NAMES[design])}" if design else ""),
        "note": _(
            "Each channel from its own least (dark) to its own greatest value (bright). Press a plane to open it."
        ),
    }


def show_qualities() -> None:
    """What the trained designs reach, as their cards say; nothing while there is nothing to compare."""
    found = {card_design(card): card for card in compute(quality_cards) if card.name.startswith("compare_")}
    if len(found) < 2:
        return
    st.subheader(_("Trained alike, judged alike"), anchor=False)
    page.lesson("comparison")
    qualities = {design: card.quality for design, card in found.items()}
    chart(
        page,
        "quality",
        figures.plot_quality(qualities, translate=_),
        alt=_(
            "Average precision: {list}.",
            list=_("; ").join(
                f"{_(figures.DESIGN_NAMES[design])} {quality['ap']:.2f}" for design, quality in qualities.items()
            ),
        ),
    )
    table(
        [
            {
                _("design"): _(figures.DESIGN_NAMES[design]),
                **{_(words): card.quality[name] for name, words in figures.QUALITY_NAMES.items()},
                _("multiply-adds (10⁹)"): round(card.multiply_adds / 1e9, 2),
                _("parameters (10⁶)"): round(card.parameters / 1e6, 2),
                _("ms a scene"): round(card.milliseconds),
                _("steps"): card.steps,
                _("hours"): card.hours,
            }
            for design, card in found.items()
        ]
    )


def show_cut_myth() -> None:
    """Cutting a trained network against training without the path, on this scene."""
    if scene is None or not (trained("fpn") and trained("separate")):
        return
    paths = tuple(name for name in fpn.possible_cuts(design_config()) if name.startswith("top_down:"))
    runs = {
        _("(d) as trained"): thresholded(design_trace("fpn")),
        _("(d) with its top-down path cut"): thresholded(
            compute(shared_design, "fpn", source.kind, source.name, paths)
        ),
        _("(c), trained without the path"): thresholded(design_trace("separate")),
    }
    found = {words: counted(trace) for words, trace in runs.items()}
    totals = {words: fpn.total_found(counts) for words, counts in found.items()}

    def evidence() -> None:
        table(
            [
                {
                    _("design"): words,
                    **{SIZE_WORDS[size]: f"{pair[0]} / {pair[1]}" for size, pair in counts.items()},
                    _("boxes"): len(runs[words].keep),
                }
                for words, counts in found.items()
            ]
        )

    whole_count, cut_count, separate_count = totals.values()
    show_myth(
        page,
        claim=_("Cut the top-down path, and you see what a feature pyramid is worth."),
        verdict="fails",
        because=_(
            "Cutting shows what **this** network relies on, not what the design is worth: its other weights were "
            "trained for what came down that path. On this scene (d) finds {whole} objects, {cut} with the path cut, "
            "and a network that was trained without it {separate}. Only the last one is design (c), and one scene is "
            "an anecdote: the average precision on the cards is over hundreds.",
            whole=whole_count,
            cut=cut_count,
            separate=separate_count,
        ),
        evidence=evidence,
    )


def card_design(card: cards.Card) -> str:
    """Which of the four designs a card speaks of."""
    return "image_pyramid" if card.pyramid else str(card.config["neck"])


# -- part: who owns this box? ------------------------------------------------------------------------------------------


def within(box: list[float], size: tuple[int, int]) -> list[float]:
    """A box if it lies on the picture, else the picture's middle."""
    x1, y1, x2, y2 = box
    if 0 <= x1 <= x2 <= size[1] and 0 <= y1 <= y2 <= size[0]:
        return box
    return [size[1] // 4, size[0] // 4, size[1] - size[1] // 4, size[0] - size[0] // 4]


def placed_box() -> list[float]:
    """Where the reader's box stands."""
    (box,) = page.value(box_parameter)
    return within(box, whole.image_size)


canonical_level_parameter = link.number("canonical_level", 2, 6, fpn.CANONICAL_LEVEL)
canonical_size_parameter = link.number("canonical_size", 8, 512, fpn.CANONICAL_SIZE)


def rule_options() -> dict[str, float]:
    """What the paper's rule is called with."""
    return {
        "canonical_size": page.value(canonical_size_parameter),
        "canonical_level": page.value(canonical_level_parameter),
    }


def show_owner() -> str:
    """Part 3: a box, two rules."""
    with controls[2]:
        page.number("canonical_level", "k₀", 2, 6, fpn.CANONICAL_LEVEL, step=1)
    with controls[3]:
        page.number(
            "canonical_size",
            _("Canonical size (px)"),
            8,
            512,
            fpn.CANONICAL_SIZE,
            step=8,
            help=_("224: ImageNet’s pictures, on which the backbone learned."),
        )
    options = rule_options()
    key = page.key("owner")
    arrangement: dict[str, Any] = {
        "boxes": [StageBox("box", tuple(placed_box()), _("your box"), theme.CURRENT, fill=False)],
        "size": whole.image_size,
        "version": f"{page.version('box')}.{whole.image_size}",
        "selected": "box",
    }
    (box,) = stage_state(key, **arrangement).xyxy
    page.store(box_parameter, [box])
    size, k0 = options["canonical_size"], options["canonical_level"]
    bands = [band._asdict() for band in fpn.paper_bands(**options)]
    examples = [
        {
            "words": f"{class_names[whole.labels[candidate]]} {whole.scores[candidate]:.2f}",
            "xyxy": [round(float(side)) for side in whole.boxes[candidate]],
            "level": config.levels[whole.level_of[candidate]],
        }
        for candidate in whole.keep[:24]
    ]
    stage(
        key,
        **arrangement,
        photo=pixels_of(source),
        min_size=1,
        title=_("A box to drag over the picture"),
        presenter=page.presenting,
        component="fpn/owner",
        extra={
            "source": compute(javascript.compile_rules, **options),
            "levels": [
                {"name": name, "stride": stride, "low": low, "high": None if high == float("inf") else high}
                for name, stride, (low, high) in zip(config.levels, config.strides, config.ranges, strict=True)
            ],
            "paper": {"size": size, "level": k0, "bands": bands},
            "examples": examples,
            "scale": list(theme.SCALE),
            "colors": COLORS,
            "text": {
                "panel": _("What the two rules say"),
                "paper": _("By area: the FPN paper"),
                "paper_formula": "k = ⌊k₀ + log₂(√(w · h) / {size})⌋".format(size=f"{size:g}"),
                "paper_axis": _("√(w · h), pixels of the network’s input"),
                "fcos": _("By the farthest side: FCOS, this detector"),
                "fcos_formula": _("max(l, t, r, b) of a cell; in the middle of the box max(w, h) / 2"),
                "fcos_axis": _("distance to the farthest side, pixels of the network’s input"),
                "limited": _("Kept within P2 … P5, the levels that the paper pools from."),
                "cells": _("Cells that training gives this box: {list}."),
                "no_cells": _("No cell’s middle lies in the box, near its centre and in range: training skips it."),
                "agree": _("Both rules choose {level}."),
                "differ": _("They differ: by area {paper}, by the farthest side {fcos}."),
                "overlap": _("By area {paper}; by the farthest side {fcos} share it, cell by cell."),
                "nobody": _("By area {paper}; in this detector nobody learns to find it."),
                "count": _("{count} cells"),
                "badge_paper": _("area"),
                "badge_fcos": "FCOS",
                "examples": _("Put the box on:"),
                "more": _("{count} more"),
            },
        },
        payload=maps_of(source, (), "mean", 0),
    )
    owner = fpn.find_owner(whole, np.asarray(box), **options)
    st.caption(
        _(
            "torch agrees: roi_level says P{level} (before rounding {value}), assign_targets gives {cells}.",
            level=owner.level,
            value=f"{owner.value:.3f}",
            cells=_(", ").join(f"{name} × {len(owner.cells[name])}" for name in owner.fcos_levels) or _("no cell"),
        )
    )
    page.lesson("owner")
    curve = compute(fpn.ownership_curve, config, **options)
    chart(
        page,
        "ownership",
        figures.plot_ownership(curve, size=owner.side or None, translate=_),
        alt=_(
            "The level of a square over its side, by both rules; they name the same level on {share} % of the sizes.",
            share=f"{100 * curve.agreement:.0f}",
        ),
    )
    return scripts.write_owner_script(whole, np.asarray(box), **options)


# -- part: what a cell sees --------------------------------------------------------------------------------------------

point_parameter = link.numbers("point", (1, 2), [[250.0, 230.0]], limit=float(WHOLE), most=1)


def field_of(level: str, cell: tuple[int, int]) -> fpn.EffectiveField:
    """What a cell sees; kept for pictures that all share, the latest one for the reader's own."""
    if source.kind != "own":
        field: fpn.EffectiveField = compute(shared_field, source.kind, source.name, level, *cell)
        return field
    kept = st.session_state.get("fpn_own_field")
    identity = (source.name, level, cell)
    if kept is None or kept[0] != identity:
        kept = (identity, fpn.effective_receptive_field(detector(), pixels_of(source), level, cell))
        st.session_state["fpn_own_field"] = kept
    return kept[1]


def asked_cell() -> tuple[str, tuple[int, int]]:
    """Level and cell in question."""
    level = page.value(cell_level_parameter)
    ((x, y),) = page.value(point_parameter)
    height, width = whole.image_size
    if not (0 <= x < width and 0 <= y < height):
        x, y = width / 2, height / 2
    return level, fpn.cell_on_photo(whole, level, x, y)


def show_cell() -> str:
    """Part 4: theoretical and effective receptive field, points and anchors."""
    with controls[2]:
        names = [*STAGES, *config.levels]
        level = page.select(
            "cell_level",
            _("Level"),
            {name: f"{name} · " + _("stride {stride}", stride=whole.strides[name]) for name in names},
            "P4",
        )
    with controls[3]:
        show_points = page.toggle("points", _("Points of the level"), False)
    with controls[4]:
        show_anchors = page.toggle(
            "anchors",
            _("Anchors of the paper"),
            False,
            help=_("Three shapes at each cell, one area per level: 32² on P2 up to 512² on P6."),
        )
    key = page.key("cell")
    version = f"{source.kind}.{source.name}.{level}.{page.version('point')}"
    told = said(key).get("cell")
    if isinstance(told, Mapping) and told.get("version") == version:
        rows, columns = fpn.on_photo(whole, level).shape[1:]
        row, column = told.get("row"), told.get("col")
        if isinstance(row, int) and isinstance(column, int) and 0 <= row < rows and 0 <= column < columns:
            page.store(point_parameter, [list(whole.cell_center(level, (row, column)))])
    level, cell = asked_cell()
    with st.spinner(_("One backward pass…")):
        field = field_of(level, cell)
    theory = fpn.theoretical_receptive_field(level)
    square = f"{field.side:.0f}"
    sentence = _(
        "Cell ({row}, {column}) of {level}: 95 % of the gradient lies in a square of {side} pixels, on {share} % of "
        "what the cell could see of this picture.",
        row=cell[0] + 1,
        column=cell[1] + 1,
        level=level,
        side=square,
        share=f"{100 * field.area_share:.0f}",
    )
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        stage(
            key,
            boxes=[],
            size=whole.image_size,
            photo=pixels_of(source),
            mode="select",
            version=version,
            title=sentence,
            presenter=page.presenting,
            component="fpn/cell",
            extra={
                "version": version,
                "cell": list(cell),
                "color": COLORS.get(level, theme.CURRENT),
                "heat_scale": list(theme.HEAT),
                "show_points": show_points,
                "key": [
                    {"name": "heat", "words": _("gradient (its square root)")},
                    {"name": "theoretical", "words": _("theoretical field")},
                    {"name": "held", "words": _("95 % of the gradient")},
                    *([{"name": "anchors", "words": _("anchors")}] if show_anchors and level[0] == "P" else []),
                ],
                "text": {
                    "help": _(
                        "The thin frame follows the pointer: what that cell could see. Press to ask for its gradient; "
                        "or use the arrow keys."
                    ),
                    "where": _("Row {row}, column {col}: could see {width} × {height} pixels of the picture."),
                    "at": _("row {row}, column {col}"),
                },
            },
            payload=packing.pack_field(whole, field, level=level, anchors=show_anchors),
        )
    with right:
        numbers = st.columns(2)
        numbers[0].metric(_("Theoretical field"), f"{theory.size} px")
        numbers[1].metric(_("95 % of the gradient"), f"{square} px")
        st.markdown(f"**{sentence}**")
        page.lesson("cell")
        chart(
            page,
            "share",
            figures.plot_gradient_share([field], translate=_),
            alt=_(
                "Share of the gradient over the side of the square: half the theoretical side holds {half} %.",
                half=f"{100 * field.share_within(theory.size / 2):.0f}",
            ),
        )
    return scripts.write_field_script(script_source(), level=level, cell=cell)


# -- part: the data ----------------------------------------------------------------------------------------------------

FEW_SCENES = 20


def show_data() -> str:
    """Part 5: the drawn scenes and how large their objects are."""
    page.lesson("data")
    left, right = st.columns([1, 1.25], gap="large")
    with left:
        if scene is None:
            st.info(_("Choose a drawn scene above to see its objects."), icon=":material/shapes:")
        else:
            stage(
                page.key("truth"),
                boxes=[
                    StageBox(
                        f"t{place}",
                        tuple(float(side) for side in box),
                        label=class_names[label],
                        color=theme.TARGET,
                        fill=False,
                        detail=_("{percent} % visible", percent=f"{100 * seen:.0f}"),
                    )
                    for place, (box, label, seen) in enumerate(
                        zip(scene.boxes, scene.labels, scene.visible, strict=True)
                    )
                ],
                size=(scene.pixels.shape[0], scene.pixels.shape[1]),
                photo=scene.pixels,
                mode="select",
                version=scene.name,
                title=_("{count} drawn objects on a crop of “{photo}”", count=len(scene.boxes), photo=scene.background),
                presenter=page.presenting,
            )
            files = st.columns(2)
            files[0].download_button(
                _("Boxes (COCO)"),
                lambda: json.dumps(scenes.to_coco([scene]), indent=1),
                f"scene-{source.name}.json",
                "application/json",
                key=page.key("coco"),
                on_click="ignore",
                icon=":material/data_object:",
                width="stretch",
            )
            files[1].download_button(
                _("Scene (PNG)"),
                lambda: encode_png(scene.pixels),
                f"scene-{source.name}.png",
                "image/png",
                key=page.key("png"),
                on_click="ignore",
                icon=":material/image:",
                width="stretch",
            )
    with right:
        columns = st.columns([1.2, 1.4, 1.2], vertical_alignment="bottom")
        with columns[0]:
            split = page.select(
                "split", _("Split"), {"train": _("training"), "validation": _("validation")}, "validation"
            )
        with columns[1]:
            count = int(page.slider("num_scenes", _("Scenes"), FEW_SCENES, NUM_SCENES, FEW_SCENES, step=20))
        sizes = counted_scenes(split, count, columns[2])
        classes = sizes.size_classes
        total = len(sizes.counts)
        chart(
            page,
            "sizes",
            figures.plot_scene_sizes(sizes, translate=_, say_class=say_class),
            alt=_(
                "{objects} objects in {scenes} scenes: {small} small, {medium} medium, {large} large.",
                objects=len(sizes.sizes),
                scenes=total,
                **classes,
            ),
        )
        st.caption(
            _(
                "{objects} objects in the first {scenes} scenes of the split: {small} small (up to 32² pixels), "
                "{medium} medium, {large} large (from 96²).",
                objects=len(sizes.sizes),
                scenes=total,
                **classes,
            )
        )
    return scripts.write_sizes_script(split, total)


def counted_scenes(split: str, count: int, place: Any) -> fpn.SceneSizes:
    """Sizes of so many scenes: a few at once, more in the background."""
    if count <= FEW_SCENES:
        with st.spinner(_("Drawing scenes…")):
            few: fpn.SceneSizes = compute(fpn.scene_sizes, split, FEW_SCENES)
        return few

    words = _("Drawing {count} scenes", count=count)

    def work(job: Job) -> tuple[str, int, fpn.SceneSizes]:
        return split, count, fpn.scene_sizes(split, count, report=lambda share: job.report(share, words))

    with place:
        page.button(
            "count",
            _("Count them"),
            icon=":material/bar_chart:",
            on_click=start_job,
            args=(page, "sizes", work),
            width="stretch",
        )
    watch_job(page, "sizes")
    job = find_job(page, "sizes")
    if job is not None and job.result is not None and job.result[0] == split:
        counted_: fpn.SceneSizes = job.result[2]
        return counted_
    few = compute(fpn.scene_sizes, split, FEW_SCENES)
    return few


SHOWS: dict[str, Callable[[], str]] = {
    "maps": show_maps,
    "designs": show_designs,
    "owner": show_owner,
    "cell": show_cell,
    "data": show_data,
}


# -- challenges --------------------------------------------------------------------------------------------------------


def small_lost() -> str | None:
    """One arrow cut: a small object lost, every large one still found."""
    if scene is None:
        return _("Choose a drawn scene: only there it is known what is to be found.")
    if len(cuts) != 1:
        return _("{count} arrows are cut now; cut exactly one.", count=len(cuts))
    before, now = counted(whole), counted(after)
    if now["small"][0] >= before["small"][0]:
        return _(
            "Small objects found: {before} before the cut, {now} now. On which level would you look for them?",
            before=before["small"][0],
            now=now["small"][0],
        )
    if now["large"][0] < before["large"][0] or not before["large"][0]:
        return _(
            "Large objects found: {before} before the cut, {now} now. They must stay; another arrow, or another scene?",
            before=before["large"][0],
            now=now["large"][0],
        )
    return None


def owner_now(**options: float) -> fpn.Ownership:
    """Who owns the reader's box."""
    return fpn.find_owner(whole, np.asarray(placed_box()), **options)


def apart() -> str | None:
    """P4 by the paper's rule as published, another level by FCOS."""
    owner = owner_now()
    if owner.level != 4:
        return _(
            "By area the box belongs to P{level} (before rounding {value}). √(w · h) must reach 224 pixels of the "
            "network’s input.",
            level=owner.level,
            value=f"{owner.value:.2f}",
        )
    if not owner.fcos_levels:
        return _("No cell is responsible for this box. Is it too thin to hold a cell’s middle?")
    if "P4" in owner.fcos_levels:
        return _("FCOS gives it to P4 too.")
    return None


def nobody() -> str | None:
    """A box that no cell has to find."""
    owner = owner_now()
    if min(owner.size) < 2:
        return _("The box is {side} pixels thin; at least 2 are asked for.", side=f"{min(owner.size):g}")
    if not owner.fcos_levels:
        return None
    return _(
        "{count} cells on {levels} are responsible for it. A cell needs its middle inside the box: how far apart are "
        "the middles of the finest level?",
        count=owner.num_cells,
        levels=_(", ").join(owner.fcos_levels),
    )


def one_rule() -> str | None:
    """A canonical size at which both rules agree on squares of this data's sizes."""
    options = rule_options()
    curve = compute(fpn.ownership_curve, config, smallest=8.0, largest=190.0, **options)
    share = curve.agreement
    if share > 0.97:
        return None
    return _(
        "Between 8 and 190 pixels they agree on {share} % of the sizes. FCOS’s P4 begins at a side of {side} pixels: "
        "where does the paper’s begin?",
        share=f"{100 * share:.0f}",
        side=f"{fpn.first_side(config, 'P4'):.0f}",
    )


def narrow_field() -> str | None:
    """A theoretical field as wide as the picture, and most of the gradient on a small part of it."""
    level, cell = asked_cell()
    if part != "cell":
        return _("Open “What a cell sees”.")
    field = field_of(level, cell)
    if field.theoretical_share < 0.99:
        return _("The theoretical field of this cell does not cover the whole picture.")
    if field.area_share > NARROW:
        return _(
            "95 % of the gradient lies on {share} % of the picture; at most {limit} % is wanted.",
            share=f"{100 * field.area_share:.0f}",
            limit=f"{100 * NARROW:.0f}",
        )
    return None


script = SHOWS[part]()
if part != "maps":
    st.divider()
show_challenges(
    page,
    [
        Challenge(
            "small_lost",
            _("The small ones first"),
            _("Under “Maps and cuts”, cut a single arrow so that a small object is lost and all large ones stay."),
            small_lost,
        ),
        Challenge(
            "apart",
            _("Two opinions"),
            _("Drag the box so that P4 owns it by the paper’s rule and FCOS gives it to another level."),
            apart,
        ),
        Challenge(
            "nobody",
            _("Nobody’s box"),
            _("Find a box, at least 2 pixels wide and high, that no cell of this detector learns to find."),
            nobody,
        ),
        Challenge(
            "one_rule",
            _("Make them agree"),
            _("Choose k₀ and the canonical size so that both rules agree on squares of 8 to 190 pixels."),
            one_rule,
        ),
        Challenge(
            "narrow_field",
            _("Could, but does not"),
            _(
                "Find a cell that could see the whole picture, yet 95 % of its gradient lies on at most {limit} % of "
                "it.",
                limit=f"{100 * NARROW:.0f}",
            ),
            narrow_field,
        ),
    ],
)
page.lesson("claim", title=_("What this page claims"), expanded=part == "maps")
page.lesson("try", title=_("What to try"))
page.lesson("misconceptions", title=_("Misconceptions"))
page.lesson("sources", title=_("Sources"))
if script:
    reproduce_panel(page, script)
close_page(page)
