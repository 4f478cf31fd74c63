"""What the IoU playground shows: every link parameter once, and the frozen view that is read from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pages.kit import link, pictures
from pages.kit.page import Page
from pages.kit.pictures import Picture
from pages.kit.stage import StageBox, stage_state
from vizcore import iou_losses
from vizcore.boxes import check_box
from vizcore.figures import theme
from vizcore.iou_losses import KINDS, LossSettings

Box = tuple[float, float, float, float]

GRID_SIZE = (240, 320)
BOXES_AT_FIRST = [[60, 50, 170, 130], [130, 90, 220, 190]]
KINDS_AT_FIRST = ("iou", "giou", "diou", "ciou")
LAYERS = ("intersection", "union", "enclosing", "distance", "aspect", "edges", "corners")
LAYERS_AT_FIRST = ("intersection", "enclosing", "edges")
_EPS = {"0": 0.0, "1e-7": 1e-7, "1e-3": 1e-3}

SHOWN_KINDS = link.choices("kinds", KINDS, KINDS_AT_FIRST)
SHOW = link.choices("show", LAYERS, LAYERS_AT_FIRST)
EPS = link.choice("eps", tuple(_EPS), "1e-7")
ALPHA_GRADIENT = link.flag("alpha_gradient", False)
ALPHA_GATE = link.flag("alpha_gate", False)
POWER = link.number("power", 0.5, 6.0, 3.0, step=0.5)
BETA = link.number("beta", 0.5, 20.0, 1.0, step=0.5)
BACKGROUND = link.choice("background", ("grid", "photo"), "grid")
SNAP = link.flag("snap", True)
PHOTO = pictures.photo_parameter("astronaut")
# What check_box would pull back comes in and is told, instead of being refused.
BOXES = link.numbers("boxes", (2, 4), BOXES_AT_FIRST, limit=1e300, most=2)
VIA = link.numbers("via", (None, 4), [], limit=1e5, most=1)
PART = link.choice("view", ("landscape", "race", "simulation", "metric"), "landscape")
STEP_RULE = link.choice("step_rule", iou_losses.STEP_RULES, "paper")
LEARNING_RATE = link.number("learning_rate", 0.01, 1.0, 0.1, step=0.01)
SCHEDULE = link.choice("schedule", iou_losses.SCHEDULES, "paper")
NUM_STEPS = link.number("num_steps", 20, 400, 200, step=20)
QUANTITY = link.choice("quantity", ("error", "iou", "loss"), "error")
LANDSCAPE_KIND = link.choice("landscape_kind", KINDS, "giou")
OVER = link.choice("over", iou_losses.OVER, "position")
GRADIENT = link.choice("gradient", iou_losses.GRADIENTS, "exact")
NUM_CENTERS = link.number("num_centers", 10, 300, 100, step=10)
METRIC_KIND = link.choice("metric_kind", KINDS, "diou")
PROPERTY = link.choice("property", tuple(iou_losses.PROPERTIES), "triangle")

TYPED = (
    link.text("typed_prediction", "60, 50, 170, 130"),
    link.text("typed_target", "130, 90, 220, 190"),
)
"""Coordinates being typed, of the prediction and of the target; no part of the link."""


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes:
        kinds: the losses that are shown, and that race.
        show: what is drawn on the stage.
        settings: where conventions differ.
        snap: whether boxes snap to whole pixels.
        photo: behind the boxes; None where there is a grid.
        box: the prediction, xyxy, pixels.
        target: xyxy, pixels.
        via: the detour of a broken triangle, xyxy, pixels; None if there is none.
        part: what is shown below the stage.
        step_rule: of the race.
        learning_rate: of the race.
        schedule: of its learning rate.
        num_steps: of the race.
        quantity: what its curves show.
        landscape_kind: the loss whose landscape is drawn.
        over: what the landscape is over, position or size.
        gradient: along which the simulation descends.
        num_centers: of the simulation that the reader can run, 343 anchors each.
        metric_kind: the loss asked for a property of a metric.
        metric_property: the property.
    """

    kinds: tuple[str, ...]
    show: tuple[str, ...]
    settings: LossSettings
    snap: bool
    photo: Picture | None
    box: Box
    target: Box
    via: Box | None
    part: str
    step_rule: str
    learning_rate: float
    schedule: str
    num_steps: int
    quantity: str
    landscape_kind: str
    over: str
    gradient: str
    num_centers: int
    metric_kind: str
    metric_property: str

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the stage, pixels."""
        return GRID_SIZE if self.photo is None else self.photo.size

    @property
    def descent(self) -> dict[str, Any]:
        """The options of ``trace_descent`` beside the boxes and the settings."""
        return {name: getattr(self, name) for name in ("step_rule", "learning_rate", "schedule", "num_steps")}


def read(page: Page) -> View:
    """The view as link, controls and stage have it now."""
    kinds, show = page.value(SHOWN_KINDS), page.value(SHOW)
    conventions = page.values(EPS, ALPHA_GRADIENT, ALPHA_GATE, POWER, BETA)
    conventions["eps"] = _EPS[conventions["eps"]]
    background, snap = page.value(BACKGROUND), page.value(SNAP)
    photo = None
    if background == "photo":
        photo = pictures.read_photo(page, PHOTO)
    else:
        page.value(PHOTO, among=pictures.offered(PHOTO))
    size = GRID_SIZE if photo is None else photo.size
    boxes = _mended(page, size)
    via = [_box(row) for row in page.value(VIA)]
    moved = stage_state(stage_key(page), **arrangement(page, boxes, via, size)).xyxy[:2]
    page.store(BOXES, moved)
    box, target = (_box(row) for row in moved)
    below = page.values(STEP_RULE, LEARNING_RATE, SCHEDULE, NUM_STEPS, QUANTITY, LANDSCAPE_KIND, OVER)
    return View(
        kinds=tuple(kinds),
        show=tuple(show),
        settings=LossSettings(**conventions),
        snap=snap,
        photo=photo,
        box=box,
        target=target,
        via=via[0] if via else None,
        part=page.value(PART),
        **below,
        **page.values(GRADIENT, NUM_CENTERS, METRIC_KIND),
        metric_property=page.value(PROPERTY),
    )


def _mended(page: Page, size: tuple[int, int]) -> list[Box]:
    """The two boxes, in order and on the stage; what had to be changed is told, but not that a box has no area."""
    given = page.value(BOXES)
    checked = [check_box(row, size=size) for row in given]
    if [list(each.box) for each in checked] != [list(map(float, row)) for row in given]:
        for each in checked:
            page.notices.extend(
                page.translate(correction.template, **correction.values)
                for correction in each.corrections
                if "no area" not in correction.template
            )
        page.set(boxes=[list(each.box) for each in checked])
        page.value(BOXES)
    return [each.box for each in checked]


def _box(row: Sequence[float]) -> Box:
    x1, y1, x2, y2 = row
    return (x1, y1, x2, y2)


def stage_key(page: Page) -> str:
    """The stage's key."""
    return page.key("stage")


def arrangement(page: Page, boxes: Sequence[Box], via: Sequence[Box], size: tuple[int, int]) -> dict[str, Any]:
    """What stands on the stage at first, as ``stage`` and ``stage_state`` take it."""
    _ = page.translate
    stood = [
        StageBox("prediction", boxes[0], _("prediction"), theme.PREDICTION),
        StageBox("target", boxes[1], _("target"), theme.TARGET, dash="7 4"),
    ]
    for box in via:
        stood.append(
            StageBox("via", box, "B", theme.SUPPRESSED, dash="2 4", fill=False, movable=False, resizable=False)
        )
    version = f"{page.version('boxes')}.{page.version('via')}.{len(via)}.{size}"
    return {"boxes": stood, "size": size, "version": version}
