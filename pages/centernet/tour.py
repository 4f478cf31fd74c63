"""The lesson of CenterNet: a blob for an object, how far it forgives, what is lost, and boxes read back from a map."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from pages.centernet import network, state
from pages.centernet.challenges import Outcome, lose_one
from pages.centernet.splat import PRESETS
from pages.kit.tour import BringAbout, Choose, Estimate, Step
from vizcore import centernet

SQUARE = [[128, 64, 256, 192]]
NEAR, FAR = (13, 8), (22, 3)
"""Cells painted to 0.9: one beside the peak, one away from it."""
LOW_LOSS = 0.5
NOTHING, MUCH = 0.01, 0.05
"""Differences of AP that count as nothing, and as much."""


def _splat(outcome: Outcome) -> Mapping[str, object]:
    found = outcome.splat
    assert found is not None
    numbers: dict[str, object] = {"objects": len(found.cells), "peaks": sum(found.maxima), "lost": sum(found.lost)}
    for name in centernet.FORMULAS:
        if found.radii[name]:
            numbers[f"r_{name}"] = f"{found.radii[name][0]:.2f}"
            numbers[f"iou_{name}"] = f"{found.worst[name][0].iou:.2f}"
    return numbers


def _apart(outcome: Outcome) -> float:
    """Cells between the two nearest centers of one class."""
    if outcome.splat is None:
        return math.nan
    cells = list(zip(outcome.view.labels, outcome.splat.cells.tolist(), strict=True))
    pairs = [math.dist(one, other) for (label, one), (same, other) in combinations(cells, 2) if label == same]
    return min(pairs, default=math.nan)


def _worst_kind(outcome: Outcome) -> str:
    """How the worst box within the exact radius differs from the true one."""
    assert outcome.splat is not None
    dx1, _dy1, dx2, _dy2 = outcome.splat.worst["exact"][0].offsets
    return "moved" if dx1 * dx2 > 0 else "shrunk" if dx1 > 0 else "grown"


def _worst_iou(outcome: Outcome) -> float:
    assert outcome.splat is not None
    return outcome.splat.worst["released"][0].iou


def _loss(outcome: Outcome) -> Mapping[str, object]:
    found = outcome.loss
    assert found is not None
    return {
        "near": f"{_term(outcome, NEAR):.3f}",
        "far": f"{_term(outcome, FAR):.2f}",
        "near_y": f"{found.target[0, NEAR[1], NEAR[0]]:.2f}",
        "loss": f"{found.maps.loss:.2f}",
        "ratio": f"{_term(outcome, FAR) / max(_term(outcome, NEAR), 1e-12):.0f}",
    }


def _term(outcome: Outcome, cell: tuple[int, int]) -> float:
    assert outcome.loss is not None
    return float(outcome.loss.maps.terms[0, cell[1], cell[0]])


def _decode(outcome: Outcome) -> Mapping[str, object]:
    assert outcome.decoded is not None
    return {
        "objects": len(outcome.decoded.scene.boxes),
        "shown": network.decode(outcome.view, kernel=3).shown,
        "flood": network.decode(outcome.view, kernel=1).shown,
        "threshold": f"{outcome.view.score_threshold:g}",
    }


def _more(outcome: Outcome) -> str:
    numbers: Any = _decode(outcome)
    return "many" if numbers["flood"] > 2 * numbers["shown"] else "same"


def _measured(outcome: Outcome) -> Mapping[str, object]:
    ablation: Any = (outcome.card or {})["ablation"]
    return {f"{name}_{figure}": f"{each[figure]:.3f}" for name, each in ablation.items() for figure in ("ap", "ap75")}


def _nms(outcome: Outcome) -> str:
    ablation: Any = (outcome.card or {})["ablation"]
    gain = ablation["nms"]["ap"] - ablation["default"]["ap"]
    return "nothing" if abs(gain) < NOTHING else "much" if gain > MUCH else "some"


def _turn(outcome: Outcome) -> Mapping[str, object]:
    assert outcome.decoded is not None
    errors = sorted(match.error for match in outcome.decoded.matches if match.rank >= 0)
    return {"turned": len(errors), "middle": f"{errors[len(errors) // 2]:.1f}" if errors else "–"}


STEPS = (
    Step(
        name="point",
        state={
            "view": "splat",
            "boxes": state.BOXES_AT_FIRST,
            "labels": state.LABELS_AT_FIRST,
            "min_overlap": 0.7,
            "formula": "exact",
            "show_worst": False,
        },
        plays=True,
        numbers=_splat,
        minutes=1,
    ),
    Step(
        name="radius",
        state={"boxes": SQUARE, "labels": "A", "show_worst": True},
        look_at="stage:radii",
        question=Choose(_worst_kind),
        reveals=("exact",),
        numbers=_splat,
        minutes=2,
    ),
    Step(
        name="released",
        state={"formula": "released"},
        look_at="stage:radii",
        question=Estimate(_worst_iou, 0.08, 0, 1, 0.05),
        shows=("exact",),
        reveals=("released",),
        numbers=_splat,
        minutes=2,
    ),
    Step(
        name="neighbors",
        state={
            "formula": "exact",
            "show_worst": False,
            "boxes": PRESETS["neighbours"][0],
            "labels": PRESETS["neighbours"][1],
        },
        question=Choose(lambda outcome: "two" if sum(outcome.splat.maxima) == 2 else "one"),
        numbers=_splat,
    ),
    Step(
        name="collide",
        state={"boxes": PRESETS["close"][0], "labels": PRESETS["close"][1]},
        look_at="stage:loupe",
        question=BringAbout(lambda outcome: lose_one(outcome, lambda message, **_values: message) is None),
        measure=_apart,
        numbers=_splat,
        minutes=2,
    ),
    Step(
        name="weight",
        state={
            "view": "loss",
            "min_overlap": 0.3,
            "start": "constant",
            "probability": 0.05,
            "painted": [[*NEAR, 0.9], [*FAR, 0.9]],
            "cell": [[12, 8]],
            "brush": 0.9,
            "quantity": "loss",
        },
        look_at="loss_piece:prediction",
        question=Choose(lambda outcome: "far" if _term(outcome, FAR) > 2 * _term(outcome, NEAR) else "same"),
        numbers=_loss,
        minutes=2,
    ),
    Step(
        name="paint",
        state={"painted": [], "probability": 0.1},
        controls=("brush", "wipe"),
        look_at="loss_piece:prediction",
        question=BringAbout(lambda outcome: outcome.loss is not None and outcome.loss.maps.loss < LOW_LOSS),
        measure=lambda outcome: math.nan if outcome.loss is None else outcome.loss.maps.loss,
        numbers=_loss,
        minutes=2,
    ),
    Step(
        name="kernel",
        state={
            "view": "decode",
            "scene": 7,
            "kernel": "3",
            "k": 100,
            "offsets": True,
            "score_threshold": 0.3,
            "step": 1,
        },
        look_at="decoded:decision",
        question=Choose(_more),
        then={"kernel": "1", "step": 2},
        numbers=_decode,
        minutes=2,
    ),
    Step(
        name="suppression",
        state={"view": "measured", "kernel": "3"},
        question=Choose(_nms),
        numbers=_measured,
    ),
    Step(
        name="turn",
        state={"view": "turn", "scene": 6},
        question=Choose(lambda _outcome: "multiple"),
        numbers=_turn,
    ),
)
