"""What the CenterNet page shows: every link parameter once, and the frozen view that is read from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pages.kit import link
from pages.kit.page import Page
from pages.kit.stage import StageBox, stage_state
from vizcore.boxes import check_box
from vizcore.figures import theme

Box = tuple[float, float, float, float]

STRIDE = 4
SIZE = (256, 384)
"""(height, width) of the stage, pixels of a picture."""
MAP_SIZE = (SIZE[0] // STRIDE, SIZE[1] // STRIDE)
CLASSES = "AB"
COLORS = {"A": theme.PREDICTION, "B": theme.INTERSECTION}
MOST_BOXES = 30
BOXES_AT_FIRST = [[25, 42, 153, 169], [177, 98, 273, 177], [266, 24, 361, 130]]
LABELS_AT_FIRST = "AAB"
LOSS_MAP = (17, 25)
"""(height, width) of the map that is painted on, cells."""
LOSS_BOX = [4.4, 2.4, 20.4, 14.4]
"""Its one object, cells: 16 × 12, its centre in cell (12, 8)."""
FIRST_CELL = [[12, 8]]
MOST_PAINTED = 200

PART = link.choice("view", ("splat", "loss", "decode", "turn", "measured"), "splat")
BOXES = link.numbers("boxes", (None, 4), BOXES_AT_FIRST, limit=1e300, most=MOST_BOXES)
LABELS = link.text("labels", LABELS_AT_FIRST, max_length=MOST_BOXES)
MIN_OVERLAP = link.number("min_overlap", 0.1, 0.95, 0.7, step=0.05)
FORMULA = link.choice("formula", ("exact", "released"), "exact")
SHOW_WORST = link.flag("show_worst", True)
START = link.choice("start", ("constant", "target", "shifted"), "constant")
PROBABILITY = link.number("probability", 0.0, 1.0, 0.1, step=0.01)
BRUSH = link.number("brush", 0.0, 1.0, 0.9, step=0.01)
PAINTED = link.numbers("painted", (None, 3), [], limit=1000, most=MOST_PAINTED)
QUANTITY = link.choice("quantity", ("loss", "gradient"), "loss")
CELL = link.numbers("cell", (1, 2), FIRST_CELL, limit=1000, most=1)
SCENE = link.number("scene", 0, 499, 7, step=1)
K = link.number("k", 1, 200, 100, step=1)
KERNEL = link.choice("kernel", ("1", "3", "5"), "3")
USE_OFFSETS = link.flag("offsets", True)
SCORE_THRESHOLD = link.number("score_threshold", 0.02, 0.95, 0.3, step=0.01)
STEP = link.number("step", 0, 1_000_000, 0, step=1)


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes:
        part: the open part.
        boxes: objects on the stage, xyxy, pixels.
        labels: letter of each one's class.
        min_overlap: IoU that the radius should keep.
        formula: of the radius that is drawn.
        show_worst: whether the worst boxes are drawn.
        start: what the painted prediction begins with.
        probability: of a constant start.
        brush: probability that is painted.
        painted: (x, y, probability) of painted cells.
        quantity: what is drawn of the loss.
        cell: (x, y) that is read.
        scene: of the validation split.
        k: boxes that are decoded.
        kernel: of the peaks, cells.
        use_offsets: whether the offset head is used.
        score_threshold: least score of a box that is drawn.
        step: where the stepper stands.
    """

    part: str
    boxes: tuple[Box, ...]
    labels: str
    min_overlap: float
    formula: str
    show_worst: bool
    start: str
    probability: float
    brush: float
    painted: tuple[tuple[float, ...], ...]
    quantity: str
    cell: tuple[int, int]
    scene: int
    k: int
    kernel: int
    use_offsets: bool
    score_threshold: float
    step: int

    @property
    def radius_rule(self) -> dict[str, Any]:
        """How the radius is found."""
        return {"min_overlap": self.min_overlap, "formula": self.formula}

    @property
    def map_boxes(self) -> tuple[Box, ...]:
        """The objects in cells."""
        return tuple((x1 / STRIDE, y1 / STRIDE, x2 / STRIDE, y2 / STRIDE) for x1, y1, x2, y2 in self.boxes)

    @property
    def classes(self) -> tuple[int, ...]:
        """The objects' classes."""
        return tuple(CLASSES.index(letter) for letter in self.labels)

    @property
    def decoding(self) -> dict[str, Any]:
        """How maps are decoded."""
        return {"k": self.k, "kernel": self.kernel, "use_offsets": self.use_offsets}


def read(page: Page, parts: Sequence[str]) -> View:
    """The view as link, controls and pieces have it now.

    Args:
        page: the open page.
        parts: those that can be shown.
    """
    part = page.value(PART, among=parts)
    boxes, labels = _objects(page)
    moved = stage_state(stage_key(page), **arrangement(page, boxes, labels)).xyxy
    if part == "splat":
        page.store(BOXES, moved)
        boxes = [_box(row) for row in page.value(BOXES)]
    rule = page.values(MIN_OVERLAP, FORMULA, SHOW_WORST, START, PROBABILITY, BRUSH)
    painted = [row for row in page.value(PAINTED) if _on_map(row)]
    quantity, cell = page.value(QUANTITY), page.value(CELL)[0]
    if not _on_map(cell):
        page.set(cell=FIRST_CELL)
        cell = page.value(CELL)[0]
    return View(
        part=part,
        boxes=tuple(boxes),
        labels=labels,
        **rule,
        painted=tuple(tuple(row) for row in painted),
        quantity=quantity,
        cell=(int(cell[0]), int(cell[1])),
        **page.values(SCENE, K),
        kernel=int(page.value(KERNEL)),
        use_offsets=page.value(USE_OFFSETS),
        **page.values(SCORE_THRESHOLD, STEP),
    )


def _objects(page: Page) -> tuple[list[Box], str]:
    """The objects, in order and on the stage, each with a class; what had to be changed is told."""
    given, letters = page.value(BOXES), page.value(LABELS)
    checked = [check_box(row, size=SIZE) for row in given]
    if [list(each.box) for each in checked] != [list(map(float, row)) for row in given]:
        for each in checked:
            page.notices.extend(
                page.translate(correction.template, **correction.values) for correction in each.corrections
            )
        page.set(boxes=[list(each.box) for each in checked])
        page.value(BOXES)
    known = "".join(letter if letter in CLASSES else CLASSES[0] for letter in letters)
    fitting = (known + CLASSES[0] * len(checked))[: len(checked)]
    if fitting != letters:
        page.set(labels=fitting)
        page.value(LABELS)
    return [each.box for each in checked], fitting


def _on_map(row: Sequence[float]) -> bool:
    whole = row[0] == int(row[0]) and row[1] == int(row[1])
    inside = whole and 0 <= row[0] < LOSS_MAP[1] and 0 <= row[1] < LOSS_MAP[0]
    return inside and (len(row) == 2 or 0 <= row[2] <= 1)


def _box(row: Sequence[float]) -> Box:
    x1, y1, x2, y2 = row
    return (x1, y1, x2, y2)


def stage_key(page: Page) -> str:
    """The stage's key."""
    return page.key("stage")


def arrangement(page: Page, boxes: Sequence[Box], labels: str) -> dict[str, Any]:
    """What stands on the stage at first, as ``stage`` and ``stage_state`` take it."""
    stood = [
        StageBox(str(index), box, label, COLORS[label], dash="" if label == "A" else "7 4", fill=False)
        for index, (box, label) in enumerate(zip(boxes, labels, strict=True))
    ]
    return {"boxes": stood, "size": SIZE, "version": f"{page.version('boxes')}.{labels}"}
