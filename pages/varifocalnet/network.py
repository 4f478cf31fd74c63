"""The detectors that this page asks on drawn scenes, and what the cards of those that were trained for it say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pages.kit.loaders import compute, load
from pages.varifocalnet import state
from pages.varifocalnet.state import View
from vizcore import varifocalnet
from vizcore.data.scenes import Scene, draw_scene
from vizcore.models import fcos
from vizcore.models.centernet import POINT_WEIGHTS
from vizcore.models.vfnet import VFNetDetector, load_vfnet
from vizcore.training import cards

NUM_RANKED = 4
"""Scenes whose candidates are drawn; the first ones of the validation split."""
BASE, VARIFOCAL, REFINED = TRAINED = ("vfnet_focal", "vfnet_varifocal", "vfnet")
"""FCOS with ATSS; the same with varifocal loss; with the star too. Their candidates are ranked: the first one's."""
REPEATED = (f"{BASE}_seed1", f"{VARIFOCAL}_seed1")
"""The decisive pair once more, with another seed."""
BUDGET_MATE = "compare_fpn"
"""The same levels, budget and seed with FCOS's own rule of who is positive."""
CONFIG = fcos.FCOSConfig(finest=2, channels=64)
"""Of the FCOS that is shipped: its levels are P2 to P6."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """How one ranking of the same candidates did.

    Attributes:
        ranked: the candidates of the drawn scenes that NMS left.
        ap: average precision on all validation scenes, as the card says.
        ap75: the same at IoU 0.75.
        correlation: rank correlation of score and IoU on the drawn scenes.
    """

    ranked: varifocalnet.Ranked
    ap: float
    ap75: float
    correlation: float


def trained_cards() -> dict[str, dict[str, Any]]:
    """The cards of the trained detectors that were shipped, by name, repetitions with a second seed too."""
    found = {name: cards.load_point_card(name) for name in (*TRAINED, *REPEATED)}
    return {name: card for name, card in found.items() if card is not None}


def budget_mate() -> dict[str, Any]:
    """The card of FCOS on the same levels with the same budget."""
    return vars(compute(cards.load_card, BUDGET_MATE))


def is_measured() -> bool:
    """Whether the decisive pair at least was trained and judged."""
    return {BASE, VARIFOCAL} <= set(trained_cards())


def refines() -> bool:
    """Whether the detector with the star was shipped."""
    return (POINT_WEIGHTS / f"{REFINED}.safetensors").is_file()


def refinement(index: int) -> varifocalnet.RefinementTrace:
    """The boxes of a scene before and after the star."""
    found: varifocalnet.RefinementTrace = compute(_refine, index)
    return found


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
    """Every ranking of the trained detector's candidates."""
    found: dict[str, Ranking] = compute(_rank)
    return found


def _ask(index: int) -> varifocalnet.SceneAnswer:
    drawn = draw_scene("validation", index)
    detector: fcos.Detector = load(fcos.load_fcos, "fcos_fpn")
    return varifocalnet.ask_scene(detector, drawn.pixels, drawn.boxes, drawn.labels)


def _refine(index: int) -> varifocalnet.RefinementTrace:
    drawn = draw_scene("validation", index)
    detector: VFNetDetector = load(load_vfnet, REFINED)
    return varifocalnet.trace_refinement(detector, drawn.pixels, drawn.boxes, drawn.labels)


def _rank() -> dict[str, Ranking]:
    detector: VFNetDetector = load(load_vfnet, BASE)
    drawn = [draw_scene("validation", index) for index in range(NUM_RANKED)]
    answers = [varifocalnet.ask_vfnet(detector, each.pixels, each.boxes, each.labels) for each in drawn]
    judged = trained_cards()[BASE]["rankings"]
    found = {}
    for name in state.SHOWN_RANKINGS:
        joined = varifocalnet.join_ranked([varifocalnet.rank(each, name) for each in answers])
        correlation = varifocalnet.rank_correlation(joined.scores, joined.ious)
        found[name] = Ranking(joined, judged[name]["ap"], judged[name]["ap75"], correlation)
    return found
