"""What the scale page shows: every link parameter once, and the frozen view that is read from them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pages.kit import link, pictures
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.pictures import Picture
from pages.kit.stage import StageBox, stage_state
from vizcore import scale
from vizcore.data.scenes import SCENE_SIZE, Scene, draw_scene
from vizcore.figures import theme

NUM_SCENES = 500
FEW_SCENES = 20
SIDE = float(SCENE_SIZE)
NAMES = tuple(resolution.name for resolution in scale.RESOLUTIONS)
FACTORS = ("1", "2", "4", "8")
MOST_CHIPS = 30

PART = link.choice("part", ("object", "sizes", "chips", "photo", "train", "snip", "answers"), "object")
SCENE = link.number("scene", 0, NUM_SCENES - 1, 1, step=1)
BOX = link.numbers("box", (1, 4), [[150.0, 150.0, 250.0, 250.0]], limit=SIDE, most=1)
LOW_FROM = link.number("low_from", 0, 512, 120, step=4)
MIDDLE_FROM = link.number("middle_from", 0, 512, 40, step=4)
MIDDLE_TO = link.number("middle_to", 0, 512, 160, step=4)
HIGH_TO = link.number("high_to", 0, 512, 80, step=4)
BOUNDS = link.choice("bounds", scale.BOUNDS, "closed")
LEVEL = link.choice("level", NAMES, "high")
STEP = link.number("step", 0, MOST_CHIPS, 0, step=1)
PHOTO = pictures.photo_parameter("coffee")
FACTOR = link.choice("factor", FACTORS, "1")


def corners(values: Iterable[float]) -> tuple[float, float, float, float]:
    """Four numbers as a box."""
    x1, y1, x2, y2 = (float(value) for value in values)
    return x1, y1, x2, y2


@dataclass(frozen=True, eq=False)
class View:
    """What the page shows.

    Attributes:
        part: of the page.
        scene: index of the drawn scene in the validation split.
        box: the reader's, xyxy in pixels of the scene.
        ranges: the valid range of each resolution, pixels of the scene, coarse to fine.
        bounds: whether the ends of a range belong to it.
        level: the resolution whose chips are shown.
        step: how many of them.
        picture: the photo that is made smaller.
        factor: by how much.
    """

    part: str
    scene: int
    box: tuple[float, float, float, float]
    ranges: tuple[tuple[float, float], ...]
    bounds: str
    level: str
    step: int
    picture: Picture
    factor: int

    @property
    def drawn(self) -> Scene:
        """The scene."""
        drawn: Scene = compute(draw_scene, "validation", self.scene)
        return drawn

    @property
    def levels(self) -> tuple[scale.ObjectLevel, ...]:
        """The reader's box at each resolution."""
        size = (SCENE_SIZE, SCENE_SIZE)
        return scale.trace_object(self.box, size, ranges=self.ranges, bounds=self.bounds)

    @property
    def chips(self) -> scale.ChipTrace:
        """The greedy cover of the scene's objects at the chosen resolution."""
        traces = scale.trace_chips(np.asarray(self.drawn.boxes), (SCENE_SIZE, SCENE_SIZE), ranges=self.ranges)
        return traces[NAMES.index(self.level)]


def read(page: Page) -> View:
    """The view as link, controls and pieces have it now."""
    part, scene = page.value(PART), page.value(SCENE)
    ends = page.values(LOW_FROM, MIDDLE_FROM, MIDDLE_TO, HIGH_TO)
    box = _read_box(page, moves=part == "object")
    rest = page.values(BOUNDS, LEVEL, STEP)
    picture = pictures.read_photo(page, PHOTO)
    return View(
        part=part,
        scene=scene,
        box=box,
        ranges=(
            (float(ends["low_from"]), math.inf),
            (float(ends["middle_from"]), float(ends["middle_to"])),
            (0.0, float(ends["high_to"])),
        ),
        **rest,
        picture=picture,
        factor=int(page.value(FACTOR)),
    )


def object_stage(page: Page, box: tuple[float, float, float, float]) -> dict[str, Any]:
    """The arrangement of the stage with the reader's box."""
    return {
        "boxes": [StageBox("object", box, page.translate("your box"), theme.CURRENT, fill=False)],
        "size": (SCENE_SIZE, SCENE_SIZE),
        "version": str(page.version("box")),
        "selected": "object",
    }


def _read_box(page: Page, *, moves: bool) -> tuple[float, float, float, float]:
    """Where the box stands; where it ``moves``, the stage knows best."""
    box = inside(page.value(BOX)[0])
    if moves:
        page.store(BOX, stage_state(page.key("object"), **object_stage(page, box)).xyxy)
        box = inside(page.value(BOX)[0])
    return box


def inside(corners: list[float]) -> tuple[float, float, float, float]:
    """A box of at least a pixel within the scene: a link may carry any corners."""
    x1, x2 = sorted(min(max(corners[place], 0.0), SIDE) for place in (0, 2))
    y1, y2 = sorted(min(max(corners[place], 0.0), SIDE) for place in (1, 3))
    x1, y1 = min(x1, SIDE - 1), min(y1, SIDE - 1)
    return x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)
