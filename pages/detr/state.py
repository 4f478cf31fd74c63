"""What the DETR page shows: every link parameter once, and the frozen view that is read from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pages.kit import link, pictures
from pages.kit.live import said
from pages.kit.page import Page
from pages.kit.pictures import Picture
from pages.kit.stage import StageBox, stage_state
from vizcore import detr
from vizcore.figures import theme

Row = tuple[float, ...]

SIDE = 512
"""Of the picture, in pixels: all numbers of the presets are exact in binary."""
MOST = 20
NUM_CLASSES = 3
SYMBOLS = "●■▲"
"""Of the classes: circle, square, triangle."""
NOTHING = "∅"
AT_FIRST = detr.preset_rows("scene", side=SIDE)

QUERIES = link.numbers("queries", (None, 7), AT_FIRST[0], limit=1e4, most=MOST)
OBJECTS = link.numbers("objects", (None, 5), AT_FIRST[1], limit=1e4, most=MOST)
COST_CLASS = link.number("cost_class", 0.0, 5.0, 1.0, step=0.1)
COST_BBOX = link.number("cost_bbox", 0.0, 10.0, 5.0, step=0.5)
COST_GIOU = link.number("cost_giou", 0.0, 5.0, 2.0, step=0.1)
SHOWN = link.choice("shown", ("total", "class_part", "bbox_part", "giou_part"), "total")
BESIDE = link.choices("beside", ("greedy", "nms"), ())
STEPPED = link.flag("stepped", False)
STEP = link.number("step", 0, 1000, 0, step=1)
IOU_THRESHOLD = link.number("iou_threshold", 0.0, 1.0, 0.7, step=0.05)
PART = link.choice("part", ("matching", "attention", "queries", "layers", "panoptic", "training"), "matching")
"""All but the matching need the network that was trained here, the panoptic picture its mask head too."""

NETWORK = link.choice("network", ("ours", "paper"), "ours")
"""Which network looks: the small one that was trained here, or the authors' own, whose weights are an offer."""
SOURCE = link.choice("source", ("scene", "photo"), "scene")
SCENE = link.number("scene", 0, 499, 0, step=1)
PHOTO = pictures.photo_parameter("coins")
LOOK = link.choice("look", ("encoder", "decoder"), "encoder")
SCORE_THRESHOLD = link.number("score_threshold", 0.05, 0.95, 0.5, step=0.05)
POINT = link.numbers("point", (1, 2), [[256, 256]], limit=1e5, most=1)
QUERY = link.number("query", 0, 99, 31, step=1)
"""At first one of ours that finds something in more scenes than any other, scene 0 among them."""
LAYER = link.number("layer", 0, 11, 0, step=1)
HEAD = link.number("head", -1, 15, -1, step=1)
AFTER_LAYER = link.choice("after_layer", ("1", "2", "3", "4", "5", "6"), "1")
NMS = link.flag("nms", False)
OFF = link.flag("off", False)
TURNED = link.flag("turned", False)
SNAPSHOT = link.choice("snapshot", tuple(map(str, range(1, 10))), "1")
STRIP_SCENE = link.number("strip_scene", 0, 7, 0, step=1)
KEEP_THRESHOLD = link.number("keep_threshold", 0.0, 1.0, detr.KEEP_THRESHOLD, step=0.01)


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes:
        queries: ``x1, y1, x2, y2`` in pixels of the picture, and the percent of each class.
        objects: ``x1, y1, x2, y2`` in pixels, and the class.
        weights: of the class, the L1 and the GIoU part of the cost.
        shown: which part of the cost the matrix shows.
        beside: what stands beside the optimal matching.
        stepped: whether the matching is stepped through.
        step: where the stepper stands.
        iou_threshold: of the suppression beside the matching.
    """

    queries: tuple[Row, ...]
    objects: tuple[Row, ...]
    weights: tuple[float, float, float]
    shown: str
    beside: tuple[str, ...]
    stepped: bool
    step: int
    iou_threshold: float


@dataclass(frozen=True)
class ModelView:
    """What the parts with the network show.

    Attributes:
        network: which one looks.
        source: where the picture comes from.
        picture: what is looked at.
        look: whose attention is shown.
        score_threshold: surer queries have found something.
        point: the place that looks, x and y in pixels, in one row.
        query: the one that looks, or is switched off.
        layer: whose attention is shown, from 0.
        head: likewise; -1 for the mean.
        after_layer: the decoder layer whose boxes are shown, from 1.
        nms: whether they are suppressed.
        off: whether the query is switched off.
        turned: whether the queries are asked in another order.
        snapshot: of the training, from 1.
        strip_scene: the scene that is shown as it was answered then.
        keep_threshold: surer queries take part in the panoptic picture.
    """

    network: str
    source: str
    picture: Picture
    look: str
    score_threshold: float
    point: tuple[tuple[float, ...], ...]
    query: int
    layer: int
    head: int
    after_layer: int
    nms: bool
    off: bool
    turned: bool
    snapshot: int
    strip_scene: int
    keep_threshold: float


def read_model(page: Page) -> ModelView:
    """The view of the parts with the network."""
    values = page.values(NETWORK, SOURCE, SCENE)
    photo = pictures.read_photo(page, PHOTO)
    picture = pictures.scene(values["scene"]) if values["source"] == "scene" else photo
    point = page.value(POINT)
    return ModelView(
        network=values["network"],
        source=values["source"],
        picture=picture,
        point=tuple(map(tuple, point)),
        **page.values(LOOK, SCORE_THRESHOLD, QUERY, LAYER, HEAD),
        after_layer=int(page.value(AFTER_LAYER)),
        **page.values(NMS, OFF, TURNED),
        snapshot=int(page.value(SNAPSHOT)),
        strip_scene=page.value(STRIP_SCENE),
        keep_threshold=page.value(KEEP_THRESHOLD),
    )


def read(page: Page) -> View:
    """The view as link, controls and stage have it now."""
    queries, objects = page.value(QUERIES), [[*row[:4], int(row[4])] for row in page.value(OBJECTS)]
    stood = arrangement(page, queries, objects)
    moved = stage_state(view_key(page), **stood).xyxy
    percents = _percents(said(view_key(page)).get("percents"), stood["version"], queries)
    queries = [[*box, *row] for box, row in zip(moved[: len(queries)], percents, strict=True)]
    objects = [[*box, row[4]] for box, row in zip(moved[len(queries) :], objects, strict=True)]
    page.store(QUERIES, queries)
    page.store(OBJECTS, objects)
    weights = page.values(COST_CLASS, COST_BBOX, COST_GIOU)
    return View(
        queries=tuple(map(tuple, queries)),
        objects=tuple(map(tuple, objects)),
        weights=(weights["cost_class"], weights["cost_bbox"], weights["cost_giou"]),
        shown=page.value(SHOWN),
        beside=tuple(page.value(BESIDE)),
        **page.values(STEPPED, STEP, IOU_THRESHOLD),
    )


def view_key(page: Page) -> str:
    """The stage's key."""
    return page.key("view")


def letter(index: int) -> str:
    """What an object is called: A to Z, then A2 and so on."""
    turn, place = divmod(index, 26)
    return f"{chr(ord('A') + place)}{turn + 1 if turn else ''}"


def arrangement(page: Page, queries: Sequence[Sequence[float]], objects: Sequence[Sequence[float]]) -> dict[str, Any]:
    """What stands on the stage at first, as ``stage`` and ``stage_state`` take it."""
    stood = []
    for index, row in enumerate(queries):
        percents = [*row[4:], 100 - sum(row[4:])]
        best = percents.index(max(percents))
        symbol = (SYMBOLS + NOTHING)[best]
        stood.append(StageBox(f"q{index}", corners(row), f"{index} {symbol}", theme.PREDICTION))
    stood += [
        StageBox(f"t{index}", corners(row), letter(index), theme.TARGET, dash="7 4", fill=False)
        for index, row in enumerate(objects)
    ]
    version = f"{page.version('queries')}.{page.version('objects')}.{len(queries)}.{len(objects)}"
    return {"boxes": stood, "size": (SIDE, SIDE), "version": version}


def corners(row: Sequence[float] | np.ndarray) -> tuple[float, float, float, float]:
    """The box that a row begins with."""
    x1, y1, x2, y2 = row[:4]
    return (float(x1), float(y1), float(x2), float(y2))


def _percents(told: object, version: str, queries: Sequence[Sequence[float]]) -> list[list[float]]:
    """The classes' percents of each query, as the browser has them if that can be believed."""
    known = [list(row[4:]) for row in queries]
    if not isinstance(told, Mapping) or told.get("version") != version:
        return known
    rows = told.get("rows")
    if not isinstance(rows, list) or len(rows) != len(known):
        return known
    for row in rows:
        if not isinstance(row, list) or len(row) != NUM_CLASSES:
            return known
        if not all(isinstance(value, int | float) and 0 <= value <= 100 for value in row) or sum(row) > 100.001:
            return known
    return [list(map(float, row)) for row in rows]
