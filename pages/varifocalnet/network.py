"""The detectors that this page asks: FCOS on drawn scenes, and what the cards of the trained VarifocalNets say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pages.kit.loaders import compute, load
from pages.varifocalnet import state
from pages.varifocalnet.state import View
from vizcore import varifocalnet
from vizcore.data.scenes import Scene, draw_scene
from vizcore.models import fcos
from vizcore.training import cards
from vizcore.training.evaluation import Detections, evaluate

NUM_RANKED = 4
"""Scenes whose candidates are ranked; the first ones of the validation split."""
TRAINED = ("vfnet_focal", "vfnet_varifocal", "vfnet")
CONFIG = fcos.FCOSConfig(finest=2, channels=64)
"""Of the FCOS that is shipped: its levels are P2 to P6."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """How one ranking of the same candidates did.

    Attributes:
        ranked: the candidates of all scenes that NMS left.
        ap: average precision.
        ap75: at IoU 0.75.
        correlation: rank correlation of score and IoU.
    """

    ranked: varifocalnet.Ranked
    ap: float
    ap75: float
    correlation: float


def trained_cards() -> dict[str, dict[str, Any]]:
    """The cards of the trained detectors that were shipped, by name, repetitions with a second seed too."""
    names = [*TRAINED, *(f"{name}_seed1" for name in TRAINED)]
    found = {name: cards.load_point_card(name) for name in names}
    return {name: card for name, card in found.items() if card is not None}


def is_measured() -> bool:
    """Whether the decisive pair at least was trained and judged."""
    return {"vfnet_focal", "vfnet_varifocal"} <= set(trained_cards())


def scene(index: int) -> Scene:
    """A drawn scene that no detector was trained on."""
    drawn: Scene = compute(draw_scene, "validation", index)
    return drawn


def answer(index: int) -> varifocalnet.SceneAnswer:
    """What FCOS says of a scene."""
    found: varifocalnet.SceneAnswer = compute(_ask, index)
    return found


def star(view: View) -> varifocalnet.StarTrace:
    """Where the box's star looks."""
    found: varifocalnet.StarTrace = compute(varifocalnet.star_on, CONFIG, state.SIZE, view.box)
    return found


def assignment(view: View) -> varifocalnet.AssignmentTrace:
    """Who is a positive by both rules."""
    found: varifocalnet.AssignmentTrace = compute(
        varifocalnet.assignment_on, CONFIG, state.SIZE, view.box, top_k=view.top_k, tile=view.tile
    )
    return found


def rankings() -> dict[str, Ranking]:
    """Every ranking of FCOS's candidates on the first scenes."""
    found: dict[str, Ranking] = compute(_rank)
    return found


def _ask(index: int) -> varifocalnet.SceneAnswer:
    drawn = draw_scene("validation", index)
    detector: fcos.Detector = load(fcos.load_fcos, "fcos_fpn")
    return varifocalnet.ask_scene(detector, drawn.pixels, drawn.boxes, drawn.labels)


def _rank() -> dict[str, Ranking]:
    answers = [answer(index) for index in range(NUM_RANKED)]
    targets = [(each.cells.targets, each.cells.labels) for each in answers]
    found = {}
    for name in state.SHOWN_RANKINGS:
        parts = [varifocalnet.rank(each.cells, name) for each in answers]
        detections = [Detections(part.boxes, part.scores, part.labels) for part in parts]
        quality = evaluate(lambda index, detections=detections: detections[index], targets)  # type: ignore[misc]
        joined = varifocalnet.join_ranked(parts)
        correlation = varifocalnet.rank_correlation(joined.scores, joined.ious)
        found[name] = Ranking(joined, quality.ap, quality.ap75, correlation)
    return found
