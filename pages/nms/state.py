"""What the NMS stepper shows: every link parameter once, and the frozen view that is read from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pages.kit import link
from pages.kit.candidates import photo_recording
from pages.kit.page import Page
from pages.kit.pictures import SAMPLES
from pages.kit.stage import StageBox, stage_state
from vizcore import nms
from vizcore.figures import theme

OWN_SIZE = (360, 640)
OWN_BOXES = [[90, 90, 250, 280], [140, 100, 300, 290], [360, 110, 500, 270], [390, 60, 560, 240]]
OWN_SCORES = (0.9, 0.8, 0.85, 0.6, 0.7, 0.5, 0.4, 0.3)
MAX_OWN = 8
SESSION = "session"
"""The photo and the candidates that the detection page showed last."""

SOURCE = link.choice("source", ("photo", "crowd", "two_classes", "chain", "ties", "random", "own"), "crowd")
METHOD = link.choice("method", nms.METHODS, "hard")
IOU_THRESHOLD = link.number("iou_threshold", 0.0, 1.0, 0.5, step=0.01)
SCORE_THRESHOLD = link.number("score_threshold", 0.0, 1.0, 0.05, step=0.01)
CLASS_AWARE = link.flag("class_aware", True)
SIGMA = link.number("sigma", 0.05, 2.0, 0.5, step=0.05)
MATRIX_KERNEL = link.choice("matrix_kernel", ("gaussian", "linear"), "gaussian")
DISTANCE_POWER = link.number("distance_power", 0.1, 2.0, 1.0, step=0.1)
SUPPRESS_EQUAL = link.flag("suppress_equal", False)
TIES = link.choice("ties", ("first", "last"), "first")
PIXEL_INCLUSIVE = link.flag("pixel_inclusive", False)
SEED = link.number("seed", 0, 9999, 0, step=1)
PACE = link.choice("pace", ("comparison", "pick"), "comparison")
PREDICT = link.flag("predict", False)
BOXES = link.numbers("boxes", (None, 4), OWN_BOXES, limit=1e5, most=MAX_OWN)
SCORES = tuple(link.number(f"score_{index}", 0.0, 1.0, OWN_SCORES[index], step=0.01) for index in range(MAX_OWN))
PHOTO = link.choice("photo", (SESSION, *SAMPLES), "chelsea")
SHOW_TARGETS = link.flag("show_targets", True)
STEP = link.number("step", 0, 1_000_000, 0, step=1)
DRAWN_SCORE = link.number("drawn_score", 0.0, 1.0, 0.3, step=0.05)
MISALIGNMENT = link.number("misalignment", 0.0, 1.0, 0.7, step=0.05)
PREDICTED_IOU_NOISE = link.number("predicted_iou_noise", 0.0, 0.5, 0.1, step=0.02)
RANKING = link.choice("ranking", nms.RANKINGS, "score")


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes:
        source: where the candidates come from.
        method: the suppression that is stepped.
        iou_threshold: two boxes meet beyond it.
        score_threshold: boxes below it take no part.
        class_aware: whether only boxes of one class meet.
        sigma: of the Gaussian decay.
        matrix_kernel: decay of Matrix NMS.
        distance_power: β of DIoU-NMS.
        suppress_equal: whether an overlap on the threshold suppresses.
        ties: which of equal scores comes first.
        pixel_inclusive: whether the last pixel counts.
        seed: of the generated crowd.
        pace: what one step is, a comparison or a box in hand.
        predict: whether the learner decides first.
        boxes: the learner's own, xyxy in pixels of a picture of ``OWN_SIZE``.
        scores: of the own boxes.
        photo: whose candidates, if the source is a photo.
        show_targets: whether the true objects are drawn.
        step: where the stepper stands.
        drawn_score: least final score of a box drawn in the comparison of methods.
        misalignment: of score and IoU in the ranked crowd.
        predicted_iou_noise: error of the predicted IoU in it.
        ranking: what its boxes are ranked by.
    """

    source: str
    method: str
    iou_threshold: float
    score_threshold: float
    class_aware: bool
    sigma: float
    matrix_kernel: str
    distance_power: float
    suppress_equal: bool
    ties: str
    pixel_inclusive: bool
    seed: int
    pace: str
    predict: bool
    boxes: tuple[tuple[float, ...], ...]
    scores: tuple[float, ...]
    photo: str
    show_targets: bool
    step: int
    drawn_score: float
    misalignment: float
    predicted_iou_noise: float
    ranking: str

    @property
    def rules(self) -> dict[str, Any]:
        """The options of ``trace_nms`` beside method and labels."""
        names = ("iou_threshold", "score_threshold", "sigma", "matrix_kernel", "distance_power")
        return {name: getattr(self, name) for name in (*names, "suppress_equal", "ties", "pixel_inclusive")}


def read(page: Page) -> View:
    """The view as link, controls and stage have it now."""
    offered = PHOTO.options if photo_recording() is not None else SAMPLES
    if SESSION not in offered and page.incoming.get("photo") == SESSION:
        page.incoming.pop("photo")
        page.notices.append(
            page.translate("The link was made with a photo of another session; a sample photo stands in.")
        )
    before = (SOURCE, METHOD, IOU_THRESHOLD, SCORE_THRESHOLD, CLASS_AWARE, SIGMA, MATRIX_KERNEL, DISTANCE_POWER)
    after = (SHOW_TARGETS, STEP, DRAWN_SCORE, MISALIGNMENT, PREDICTED_IOU_NOISE, RANKING)
    values = page.values(*before, SUPPRESS_EQUAL, TIES, PIXEL_INCLUSIVE, SEED, PACE, PREDICT)
    boxes = page.value(BOXES)
    if values["source"] == "own":
        moved = stage_state(view_key(page), boxes=own_boxes(boxes), size=OWN_SIZE, version=page.version("boxes"))
        page.store(BOXES, moved.xyxy)
        boxes = page.value(BOXES)
    return View(
        **values,
        boxes=tuple(tuple(box) for box in boxes),
        scores=tuple(page.values(*SCORES).values())[: len(boxes)],
        photo=page.value(PHOTO, among=offered),
        **page.values(*after),
    )


def view_key(page: Page) -> str:
    """The stage's key."""
    return page.key("view")


def own_boxes(boxes: list[list[float]] | tuple[tuple[float, ...], ...]) -> tuple[StageBox, ...]:
    """The learner's boxes as they begin on the stage."""
    return tuple(
        StageBox(str(index), (box[0], box[1], box[2], box[3]), color=theme.PREDICTION)
        for index, box in enumerate(boxes)
    )
