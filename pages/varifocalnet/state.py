"""What the VarifocalNet page shows: every link parameter once, and the frozen view that is read from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pages.kit import link
from pages.kit.live import said
from pages.kit.page import Page
from pages.kit.stage import StageBox, stage_state
from vizcore import varifocalnet
from vizcore.boxes import check_box
from vizcore.data.scenes import SCENE_SIZE
from vizcore.figures import theme

Box = tuple[float, float, float, float]

SIZE = (SCENE_SIZE, SCENE_SIZE)
SHOWN_RANKINGS = tuple(name for name in varifocalnet.RANKINGS if name != "iacs")
"""Those that make sense where a score is a class's, not an IoU."""
LEAST_P = 0.01

PART = link.choice("view", ("losses", "star", "assign", "ranking", "measured"), "losses")
P = link.number("p", LEAST_P, 1 - LEAST_P, 0.3, step=0.01)
Q = link.number("q", 0.0, 1.0, 0.7, step=0.01)
ALPHA = link.number("alpha", 0.0, 1.0, 0.75, step=0.05)
GAMMA = link.number("gamma", 0.0, 5.0, 2.0, step=0.5)
CURVE = link.choice("curve", ("loss", "gradient"), "loss")
KIND = link.choice("kind", varifocalnet.LOSSES, "varifocal")
SCENE = link.number("scene", 0, 499, 7, step=1)
BOX = link.numbers("box", (1, 4), [[32, 350, 128, 446]], limit=1e300, most=1)
SHOW_MAP = link.flag("show_map", True)
TOP_K = link.number("top_k", 1, 25, varifocalnet.TOP_K, step=1)
TILE = link.number("tile", 1.0, 12.0, varifocalnet.TILE, step=1.0)
RANKING = link.choice("ranking", SHOWN_RANKINGS, "cls")


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes:
        part: the open part.
        p: the score that is looked at.
        q: its target.
        alpha: weight of negatives.
        gamma: exponent.
        curve: whether losses or gradients are drawn.
        kind: the loss whose surface is drawn.
        scene: of the validation split.
        box: the object that is dragged, xyxy, pixels.
        show_map: whether the level's map lies over the picture.
        top_k: candidates of a level.
        tile: side of a cell's square, strides.
        ranking: that is looked at.
    """

    part: str
    p: float
    q: float
    alpha: float
    gamma: float
    curve: str
    kind: str
    scene: int
    box: Box
    show_map: bool
    top_k: int
    tile: float
    ranking: str


def read(page: Page, parts: Sequence[str]) -> View:
    """The view as link, controls and pieces have it now.

    Args:
        page: the open page.
        parts: those that can be shown.
    """
    part = page.value(PART, among=parts)
    _hear_point(page)
    weights = page.values(P, Q, ALPHA, GAMMA, CURVE, KIND, SCENE)
    box = _mended(page)
    if part in ("star", "assign"):
        page.store(BOX, stage_state(stage_key(page), **arrangement(page, box)).xyxy)
        box = _box(page.value(BOX)[0])
    return View(part=part, **weights, box=box, **page.values(SHOW_MAP, TOP_K, TILE, RANKING))


def point_token(page: Page) -> str:
    """Another one makes the curves' piece begin from the page's p and q."""
    return ".".join(str(page.version(name)) for name in ("p", "q"))


def _hear_point(page: Page) -> None:
    """Takes over p and q as the browser said them, if they can be believed."""
    told = said(page.key("curves")).get("point")
    if isinstance(told, Mapping) and told.get("token") == point_token(page):
        page.store(P, told.get("p"))
        page.store(Q, told.get("q"))


def _mended(page: Page) -> Box:
    (given,) = page.value(BOX)
    checked = check_box(given, size=SIZE)
    if list(checked.box) != list(map(float, given)):
        page.notices.extend(
            page.translate(correction.template, **correction.values) for correction in checked.corrections
        )
        page.set(box=[list(checked.box)])
        page.value(BOX)
    return checked.box


def _box(row: Sequence[float]) -> Box:
    x1, y1, x2, y2 = row
    return (x1, y1, x2, y2)


def stage_key(page: Page) -> str:
    """The stage's key."""
    return page.key("stage")


def arrangement(page: Page, box: Box) -> dict[str, Any]:
    """What stands on the stage at first, as ``stage`` and ``stage_state`` take it."""
    stood = [StageBox("box", box, page.translate("object"), theme.PREDICTION, fill=False)]
    return {"boxes": stood, "size": SIZE, "version": page.version("box")}
