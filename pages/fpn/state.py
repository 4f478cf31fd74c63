"""What the feature pyramid page shows: every link parameter once, and the frozen view that is read from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pages.fpn import trainings
from pages.kit import link, pictures
from pages.kit.live import said
from pages.kit.page import Page
from pages.kit.pictures import Picture
from pages.kit.stage import StageBox, stage_state
from vizcore import fpn
from vizcore.figures import theme
from vizcore.fpn import packing
from vizcore.models.fcos import STAGE_CHANNELS, FCOSConfig

CONFIG = FCOSConfig("fpn", finest=2, channels=64)
"""Of the shipped detector: what a link may name must be known before it is loaded."""
COMPARED = {neck: FCOSConfig(neck) for neck in ("top", "separate", "fpn")}
"""Of the detectors that were trained alike, by design."""
STAGES = tuple(STAGE_CHANNELS)
MAPS = (*STAGES, *CONFIG.levels)
PLANES = (*STAGES, *(f"{design}:{level}" for design, config in COMPARED.items() for level in config.levels))
"""The maps that the four designs' diagrams show."""
ARROWS = tuple(arrow.cut for arrow in fpn.pyramid_arrows(CONFIG))
NUM_SCENES = 500
FEW_SCENES = 20
LAST_CHANNEL = max(STAGE_CHANNELS.values()) - 1
WHOLE = 1280.0  # no picture's side is longer

PART = link.choice("part", ("maps", "designs", "owner", "cell", "data"), "maps")
SOURCE = link.choice("source", ("scene", "photo"), "scene")
SCENE = link.number("scene", 0, NUM_SCENES - 1, 1, step=1)
PHOTO = pictures.photo_parameter("coins")
SCORE_THRESHOLD = link.number("score_threshold", 0.05, 0.95, 0.4, step=0.05)
LEVEL = link.choice("level", MAPS, "P3")
CUTS = link.choices("cuts", ARROWS, [])
OPACITY = link.number("opacity", 0.0, 1.0, 0.2)
BOXES = link.flag("boxes", True)
VIEW = link.choice("view", packing.PACKED_VIEWS, "max")
CHANNEL = link.number("channel", 0, LAST_CHANNEL, 0, step=1)
OPENED = link.choice("opened", PLANES, "fpn:P4")
BOX = link.numbers("box", (1, 4), [[190.0, 170.0, 310.0, 290.0]], limit=WHOLE, most=1)
CANONICAL_LEVEL = link.number("canonical_level", 2, 6, fpn.CANONICAL_LEVEL, step=1)
CANONICAL_SIZE = link.number("canonical_size", 8, 512, fpn.CANONICAL_SIZE)
CELL_LEVEL = link.choice("cell_level", MAPS, "P4")
POINT = link.numbers("point", (1, 2), [[250.0, 230.0]], limit=WHOLE, most=1)
POINTS = link.flag("points", False)
ANCHORS = link.flag("anchors", False)
SPLIT = link.choice("split", ("train", "validation"), "validation")
NUM_COUNTED = link.number("num_scenes", FEW_SCENES, NUM_SCENES, FEW_SCENES, step=20)
KIND = link.choice("kind", trainings.KINDS, trainings.SHAPES)

_DRAWN = (SCORE_THRESHOLD, LEVEL, CUTS, OPACITY, BOXES)  # all but the first are switched on the maps themselves


@dataclass(frozen=True, eq=False)
class View:
    """What the page shows.

    Attributes:
        part: of the page.
        source: whether a drawn scene or a photo is looked at.
        scene: index of the scene in the validation split.
        picture: what is looked at.
        score_threshold: a final box has a greater score.
        level: the stage or level that is laid over the picture.
        cuts: the arrows that are cut, in the order of ``ARROWS``.
        opacity: of the map over the picture, in [0, 1].
        boxes: whether the final boxes are drawn.
        view: what each cell of a map shows.
        channel: which one, if one is shown.
        opened: the plane of the designs' diagrams whose channels are shown.
        box: the reader's, xyxy in pixels of the picture.
        canonical_level: k0 of the paper's rule.
        canonical_size: side of the square that belongs to it, pixels of the input.
        cell_level: the stage or level of the cell that is asked what it sees.
        cell: (row, column) on it.
        points: whether the points of the level are drawn.
        anchors: whether the paper's anchors of the cell are drawn.
        split: whose scenes are counted.
        num_scenes: how many of them.
        kind: of the scenes that the compared designs were trained and judged on.
    """

    part: str
    source: str
    scene: int
    picture: Picture
    score_threshold: float
    level: str
    cuts: tuple[str, ...]
    opacity: float
    boxes: bool
    view: str
    channel: int
    opened: str
    box: tuple[float, float, float, float]
    canonical_level: int
    canonical_size: float
    cell_level: str
    cell: tuple[int, int]
    points: bool
    anchors: bool
    split: str
    num_scenes: int
    kind: str

    @property
    def rule(self) -> dict[str, Any]:
        """What the paper's rule is called with."""
        return {"canonical_size": self.canonical_size, "canonical_level": self.canonical_level}


def read(page: Page) -> View:
    """The view as link, controls and pieces have it now."""
    chosen = page.values(PART, SOURCE, SCENE)
    photo = pictures.read_photo(page, PHOTO)
    picture = photo if chosen["source"] == "photo" else pictures.scene(chosen["scene"])
    page.values(*_DRAWN)
    _take_over_maps(page)
    shown = page.values(*_DRAWN, VIEW, CHANNEL, OPENED)
    box = _read_box(page, picture, moves=chosen["part"] == "owner")
    rule = page.values(CANONICAL_LEVEL, CANONICAL_SIZE)
    level = page.value(CELL_LEVEL)
    cell = _read_cell(page, picture, level, asks=chosen["part"] == "cell")
    return View(
        **chosen,
        picture=picture,
        **{**shown, "cuts": tuple(shown["cuts"])},
        box=box,
        **rule,
        cell_level=level,
        cell=cell,
        **page.values(POINTS, ANCHORS, SPLIT, NUM_COUNTED),
        kind=page.value(KIND, among=trainings.offered()),
    )


def maps_version(page: Page) -> str:
    """Another one, and the maps take level, cuts, opacity and boxes over from here."""
    return ".".join(str(page.version(name)) for name in ("level", "cuts", "opacity", "boxes"))


def cell_version(page: Page, picture: Picture, level: str) -> str:
    """What an answer about a cell must refer to."""
    return f"{picture.kind}.{picture.name}.{level}.{page.version('point')}"


def owner_stage(page: Page, picture: Picture, box: tuple[float, float, float, float]) -> dict[str, Any]:
    """The arrangement of the stage with the reader's box."""
    return {
        "boxes": [StageBox("box", box, page.translate("your box"), theme.CURRENT, fill=False)],
        "size": picture.size,
        "version": f"{page.version('box')}.{picture.size}",
        "selected": "box",
    }


def _take_over_maps(page: Page) -> None:
    """What was switched on the maps since they were last drawn."""
    told = said(page.key("maps")).get("maps")
    if not isinstance(told, Mapping) or told.get("version") != maps_version(page):
        return
    for parameter, name in ((LEVEL, "selected"), (CUTS, "cuts"), (OPACITY, "opacity"), (BOXES, "boxes")):
        if name in told:
            page.store(parameter, told[name])


def _read_box(page: Page, picture: Picture, *, moves: bool) -> tuple[float, float, float, float]:
    """Where the reader's box stands; where it ``moves``, the stage knows best."""
    box = fpn.box_on_photo(page.value(BOX)[0], picture.size)
    if moves:
        page.store(BOX, stage_state(page.key("owner"), **owner_stage(page, picture, box)).xyxy)
        box = fpn.box_on_photo(page.value(BOX)[0], picture.size)
    return box


def _read_cell(page: Page, picture: Picture, level: str, *, asks: bool) -> tuple[int, int]:
    """The cell in question; where the part that ``asks`` is open, the one pressed last."""
    page.value(POINT)
    told = said(page.key("cell")).get("cell")
    if asks and isinstance(told, Mapping) and told.get("version") == cell_version(page, picture, level):
        rows, columns = fpn.grid_on_photo(level, picture.size)
        row, column = told.get("row"), told.get("col")
        if isinstance(row, int) and isinstance(column, int) and 0 <= row < rows and 0 <= column < columns:
            page.store(POINT, [list(fpn.center_on_photo(level, (row, column), picture.size))])
    return fpn.cell_under(level, page.value(POINT)[0], picture.size)
