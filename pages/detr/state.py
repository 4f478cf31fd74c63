"""What the DETR page shows: every link parameter once, and the frozen view that is read from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pages.kit import link
from pages.kit.live import said
from pages.kit.page import Page
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
PART = link.choice("part", ("matching", "model"), "matching")


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
    """What an object is called."""
    return "ABCDEFGHIJKLMNOPQRST"[index]


def arrangement(page: Page, queries: Sequence[Sequence[float]], objects: Sequence[Sequence[float]]) -> dict[str, Any]:
    """What stands on the stage at first, as ``stage`` and ``stage_state`` take it."""
    stood = []
    for index, row in enumerate(queries):
        percents = [*row[4:], 100 - sum(row[4:])]
        best = percents.index(max(percents))
        symbol = (SYMBOLS + NOTHING)[best]
        stood.append(StageBox(f"q{index}", _corners(row), f"{index} {symbol}", theme.PREDICTION))
    stood += [
        StageBox(f"t{index}", _corners(row), letter(index), theme.TARGET, dash="7 4", fill=False)
        for index, row in enumerate(objects)
    ]
    version = f"{page.version('queries')}.{page.version('objects')}.{len(queries)}.{len(objects)}"
    return {"boxes": stood, "size": (SIDE, SIDE), "version": version}


def _corners(row: Sequence[float]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = row[:4]
    return (x1, y1, x2, y2)


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
