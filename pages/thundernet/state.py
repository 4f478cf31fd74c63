"""What the ThunderNet page shows: every link parameter once, and the frozen view that is read from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pages.kit import link, pictures
from pages.kit.live import said
from pages.kit.page import Page
from pages.kit.pictures import Picture
from pages.kit.stage import StageBox, stage_state
from vizcore import thundernet
from vizcore.figures import theme
from vizcore.models.snet import SNETS

NUM_SCENES = 500
SEED = 0
"""Of the untrained detection part."""
CELLS = thundernet.SIZE // thundernet.STRIDE
SIDE = float(thundernet.SIZE)
PIXELS = (thundernet.SIZE, thundernet.SIZE)

PART = link.choice("part", ("budget", "fields", "maps", "region", "anchors", "trained", "trade"), "budget")
BACKBONE = link.choice("backbone", tuple(SNETS), "snet146")
KERNEL = link.choice("kernel", ("3", "5"), "5")
INPUT_SIZE = link.number("input_size", thundernet.INPUT_SIZES[0], thundernet.INPUT_SIZES[-1], 320, step=32)
CEM = link.flag("cem", True)
RPN = link.choice("rpn", ("compressed", "plain"), "compressed")
SAM = link.flag("sam", True)
POOLING = link.choice("pooling", ("psroi", "roi"), "psroi")
HEAD = link.choice("head", tuple(str(width) for width in thundernet.HEAD_CHANNELS), "1024")
LEVEL = link.choice("level", thundernet.MAPS, "C5")
SOURCE = link.choice("source", ("scene", "photo"), "photo")
SCENE = link.number("scene", 0, NUM_SCENES - 1, 1, step=1)
PHOTO = pictures.photo_parameter("coffee")
LOOK = link.choice("look", ("context", "attention"), "context")
CHANNEL = link.number("channel", 0, thundernet.CONTEXT_CHANNELS - 1, 0, step=1)
CELL = link.numbers("cell", (1, 2), [[9.0, 9.0]], limit=CELLS - 1, most=1)
BOX = link.numbers("box", (1, 4), [[60.0, 80.0, 260.0, 250.0]], limit=SIDE, most=1)
OUTPUT = link.number("output", 0, thundernet.OUTPUTS - 1, 0, step=1)
CONVENTION = link.choice("convention", thundernet.CONVENTIONS, "average")
CENTERS = link.flag("centers", True)


def corners(values: Iterable[float]) -> tuple[float, float, float, float]:
    """Four numbers as a box."""
    x1, y1, x2, y2 = (float(value) for value in values)
    return x1, y1, x2, y2


MIDDLES = tuple(
    StageBox(
        f"cell.{row}.{column}",
        corners((place + 0.5) * thundernet.STRIDE + off for off in (-2.0, 2.0) for place in (column, row)),
        color=theme.HALO[1],
    )
    for row in range(CELLS)
    for column in range(CELLS)
)
"""A small box on the middle of every cell."""


@dataclass(frozen=True, eq=False)
class View:
    """What the page shows.

    Attributes:
        part: of the page.
        design: the detector as the switches have it.
        level: the map whose receptive field is shown.
        source: whether a drawn scene or a photo is looked at.
        picture: what is looked at.
        look: whether context or attention is shown.
        channel: of the maps.
        cell: (row, column) on them.
        box: the region, xyxy in pixels of the 320-pixel picture.
        output: of its five channels the one that is shown.
        convention: what becomes of the samples of a bin.
        centers: whether the middles of all cells are drawn beside the anchors of one.
    """

    part: str
    design: thundernet.Design
    level: str
    source: str
    picture: Picture
    look: str
    channel: int
    cell: tuple[int, int]
    box: tuple[float, float, float, float]
    output: int
    convention: str
    centers: bool


def read(page: Page) -> View:
    """The view as link, controls and pieces have it now."""
    part = page.value(PART)
    chosen = page.values(BACKBONE, KERNEL, INPUT_SIZE, CEM, RPN, SAM, POOLING, HEAD)
    design = thundernet.Design(
        backbone=chosen["backbone"],
        kernel=int(chosen["kernel"]),
        input_size=chosen["input_size"],
        cem=chosen["cem"],
        compressed=chosen["rpn"] == "compressed",
        sam=chosen["sam"],
        position_sensitive=chosen["pooling"] == "psroi",
        head_channels=int(chosen["head"]),
    )
    source = page.values(SOURCE, SCENE)
    photo = pictures.read_photo(page, PHOTO)
    picture = photo if source["source"] == "photo" else pictures.scene(source["scene"])
    return View(
        part=part,
        design=design,
        source=source["source"],
        picture=picture,
        **page.values(LEVEL, LOOK, CHANNEL),
        cell=_read_cell(page, picture, part),
        box=_read_box(page, picture, moves=part == "region"),
        **page.values(OUTPUT, CONVENTION, CENTERS),
    )


def cell_version(page: Page, picture: Picture) -> str:
    """What an answer about a cell must refer to."""
    return f"{picture.kind}.{picture.name}.{page.version('cell')}"


def region_stage(page: Page, picture: Picture, box: tuple[float, float, float, float]) -> dict[str, Any]:
    """The arrangement of the stage with the region."""
    return {
        "boxes": [StageBox("region", box, page.translate("region"), theme.CURRENT, fill=False)],
        "size": PIXELS,
        "version": f"{page.version('box')}.{picture.kind}.{picture.name}",
        "selected": "region",
    }


def _read_cell(page: Page, picture: Picture, part: str) -> tuple[int, int]:
    """The cell in question; where the maps or the anchors are open, the one pressed last."""
    page.value(CELL)
    version = cell_version(page, picture)
    row = column = None
    if part == "maps":
        told = said(page.key("maps")).get("cell")
        if isinstance(told, Mapping) and told.get("version") == version:
            row, column = told.get("row"), told.get("column")
    elif part == "anchors":
        chosen = stage_state(page.key("anchors"), boxes=MIDDLES, size=PIXELS, mode="select", version=version).selected
        if chosen is not None:
            row, column = (int(place) for place in chosen.split(".")[1:])
    if isinstance(row, int) and isinstance(column, int) and 0 <= row < CELLS and 0 <= column < CELLS:
        page.store(CELL, [[row, column]])
    row, column = page.value(CELL)[0]
    return min(max(int(row), 0), CELLS - 1), min(max(int(column), 0), CELLS - 1)


def _read_box(page: Page, picture: Picture, *, moves: bool) -> tuple[float, float, float, float]:
    """Where the region stands; where it ``moves``, the stage knows best."""
    box = _inside(page.value(BOX)[0])
    if moves:
        page.store(BOX, stage_state(page.key("region"), **region_stage(page, picture, box)).xyxy)
        box = _inside(page.value(BOX)[0])
    return box


def _inside(corners: list[float]) -> tuple[float, float, float, float]:
    """A box of at least a pixel within the picture: a link may carry any corners."""
    x1, x2 = sorted(min(max(corners[place], 0.0), SIDE) for place in (0, 2))
    y1, y2 = sorted(min(max(corners[place], 0.0), SIDE) for place in (1, 3))
    x1, y1 = min(x1, SIDE - 1), min(y1, SIDE - 1)
    return x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)
