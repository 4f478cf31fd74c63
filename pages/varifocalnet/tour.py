"""The lesson of VarifocalNet: a score for the box, the loss that teaches it, who learns it, what an order is worth."""

from __future__ import annotations

from collections.abc import Mapping

from pages.kit.tour import BringAbout, Choose, Estimate, Step
from pages.varifocalnet import network
from pages.varifocalnet.challenges import Outcome, two_levels
from vizcore import varifocalnet


def _losses(outcome: Outcome) -> Mapping[str, object]:
    assert outcome.curves is not None
    return {
        "q": f"{outcome.view.q:g}",
        "p": f"{outcome.view.p:g}",
        "least": f"{outcome.curves.least:.2f}",
        **{kind: f"{outcome.value(kind):.3f}" for kind in varifocalnet.LOSSES},
        **{f"{kind}_slope": f"{outcome.slope(kind):.2f}" for kind in varifocalnet.LOSSES},
    }


def _lowest(outcome: Outcome) -> str:
    """Where the varifocal loss is least: at the target, or at an end."""
    assert outcome.curves is not None
    at = float(outcome.curves.p[outcome.curves.loss["varifocal"].argmin()])
    return "one" if at > 0.95 else "target" if abs(at - outcome.view.q) < 0.05 else "zero"


def _assign(outcome: Outcome) -> Mapping[str, object]:
    found = outcome.assignment
    assert found is not None
    return {
        "candidates": len(found.candidates),
        "atss": len(found.atss),
        "fcos": len(found.fcos),
        "threshold": f"{found.threshold:.2f}",
    }


def _levels(outcome: Outcome) -> float:
    """Levels whose cells ATSS takes; more are better."""
    found = outcome.assignment
    return 0.0 if found is None else -float(len({float(found.strides[cell]) for cell in found.atss}))


def _star(outcome: Outcome) -> Mapping[str, object]:
    found = outcome.star
    assert found is not None
    return {"level": found.level, "stride": found.stride}


def _ranking(outcome: Outcome) -> Mapping[str, object]:
    assert outcome.rankings is not None
    return {name: f"{each.ap:.2f}" for name, each in outcome.rankings.items()}


def _gain(outcome: Outcome) -> str:
    """Whether the true IoU in the centerness's place, with nothing else changed, is worth much."""
    assert outcome.rankings is not None
    return "more" if outcome.rankings["gt_ctr_iou"].ap - outcome.rankings["cls_ctr"].ap > 0.03 else "same"


SAME = 0.01
"""Differences of AP that count as none."""


def _runs(outcome: Outcome) -> Mapping[str, object]:
    assert outcome.runs is not None
    numbers: dict[str, object] = {}
    for name in (network.BASE, network.VARIFOCAL):
        run = outcome.runs[name]
        said = name.removeprefix("vfnet_")
        numbers |= {f"{said}_{figure}": f"{run['quality'][figure]:.3f}" for figure in ("ap", "ap75")}
        numbers[f"{said}_rank"] = f"{run['rank_correlation']:.2f}"
        numbers[f"{said}_again"] = f"{outcome.runs[f'{name}_seed1']['quality']['ap']:.3f}"
    return numbers


def _varifocal_gain(outcome: Outcome) -> str:
    """What the varifocal loss did to AP."""
    assert outcome.runs is not None
    gain = outcome.runs[network.VARIFOCAL]["quality"]["ap"] - outcome.runs[network.BASE]["quality"]["ap"]
    return "higher" if gain > SAME else "lower" if gain < -SAME else "same"


STEPS = (
    Step(
        name="score",
        state={"view": "losses", "p": 0.3, "q": 1.0, "alpha": 0.75, "gamma": 2.0, "curve": "loss", "kind": "varifocal"},
        plays=True,
        numbers=_losses,
        minutes=1.5,
    ),
    Step(name="lowest", state={"q": 0.6, "p": 0.3}, question=Choose(_lowest), numbers=_losses),
    Step(
        name="least",
        state={"p": 0.6},
        question=Choose(lambda outcome: "more" if outcome.value("varifocal") > 0.05 else "zero"),
        numbers=_losses,
    ),
    Step(
        name="negative",
        state={"q": 0.0, "p": 0.1},
        question=Choose(lambda outcome: "little" if abs(outcome.slope("varifocal")) < 0.1 else "much"),
        numbers=_losses,
    ),
    Step(
        name="positives",
        state={"view": "assign", "scene": 7, "box": [[32, 350, 128, 446]], "top_k": 9, "tile": 4.0},
        question=Estimate(lambda outcome: len(outcome.assignment.atss), 3, 0, 45, 1),
        reveals=("ious",),
        numbers=_assign,
        minutes=2,
    ),
    Step(
        name="levels",
        state={"box": [[32, 350, 96, 414]]},
        question=BringAbout(lambda outcome: two_levels(outcome, lambda message, **_values: message) is None),
        measure=_levels,
        numbers=_assign,
        minutes=2,
    ),
    Step(
        name="star",
        state={"view": "star", "box": [[32, 350, 128, 446]], "show_map": True},
        question=Choose(lambda _outcome: "follow"),
        numbers=_star,
        minutes=1.5,
    ),
    Step(
        name="order",
        state={"view": "ranking", "ranking": "cls_ctr"},
        question=Choose(_gain),
        numbers=_ranking,
        minutes=2,
    ),
    Step(
        name="measured",
        state={"view": "measured"},
        question=Choose(_varifocal_gain),
        reveals=("runs",),
        numbers=_runs,
        minutes=2,
    ),
)
