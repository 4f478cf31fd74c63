"""The lesson of scale: three resolutions, valid ranges, gaps, how sizes are spread, chips, and a photo made smaller."""

from __future__ import annotations

from collections.abc import Mapping

from pages.kit.tour import BringAbout, Choose, Estimate, Step
from pages.scale import resolution, sizes, snip, state
from pages.scale.challenges import Outcome


def _box(outcome: Outcome) -> Mapping[str, object]:
    levels = outcome.view.levels
    return {
        "side": f"{levels[0].side / levels[0].factor:.1f}",
        **{level.resolution.name: f"{level.side:.0f}" for level in levels},
    }


def _teaches(outcome: Outcome) -> str:
    return "_".join(outcome.taught_at) or "nowhere"


def _spread(_outcome: Outcome) -> Mapping[str, object]:
    sample = sizes.sample()
    return {
        "spread": f"{sample.spread:.0f}",
        "least": f"{sample.quantile(0.1):.3f}",
        "most": f"{sample.quantile(0.9):.3f}",
        "middle": f"{sample.quantile(0.5):.3f}",
    }


def _chips(outcome: Outcome) -> Mapping[str, object]:
    trace = outcome.view.chips
    return {
        "count": len(trace.chips),
        "valid": int(trace.valid.sum()),
        "share": f"{100 * trace.pixels / trace.whole_pixels:.0f}",
    }


def _photo(outcome: Outcome) -> Mapping[str, object]:
    chances = resolution.on_photo(outcome.view.picture).probability
    return {f"at_{factor}": f"{100 * chances[factor]:.0f}" for factor in (1, 2, 4, 8)}


def _left(outcome: Outcome) -> str:
    chances = resolution.on_photo(outcome.view.picture).probability
    kept = chances[4] / chances[1]
    return "same" if kept > 0.8 else "half" if kept > 1 / 3 else "little"


def _measured(_outcome: Outcome) -> Mapping[str, object]:
    found = {card.name.removeprefix("scale_"): card.qualities for card in snip.measured()}
    return {
        **{f"{name}_{test}": f"{tests[test]['ap']:.2f}" for name, tests in found.items() for test in tests},
        **{f"{name}_small": f"{tests['three']['ap_small']:.2f}" for name, tests in found.items()},
        "one_one_small": f"{found['one']['one']['ap_small']:.2f}",
    }


def _pays(_outcome: Outcome) -> str:
    found = {card.name: card.qualities["three"]["ap"] for card in snip.measured()}
    gain = found["scale_snip"] - found["scale_multi"]
    return "alike" if abs(gain) < snip.LIKE else "better" if gain > 0 else "worse"


PAPER = {"low_from": 120, "middle_from": 40, "middle_to": 160, "high_to": 80, "bounds": "closed"}

STEPS = (
    Step(
        name="resolutions",
        state={"part": "object", "scene": 1, "box": [[150.0, 150.0, 250.0, 250.0]], **PAPER},
        plays=True,
        numbers=_box,
    ),
    Step(
        name="original",
        state={"box": [[150.0, 150.0, 210.0, 210.0]]},
        question=Choose(_teaches),
        numbers=_box,
        minutes=2,
    ),
    Step(
        name="thin",
        state={"box": [[60.0, 250.0, 460.0, 255.0]]},
        question=Choose(_teaches),
        numbers=_box,
        minutes=2,
    ),
    Step(
        name="gap",
        state={"box": [[150.0, 150.0, 250.0, 250.0]]},
        controls=("middle_from", "low_from"),
        question=BringAbout(lambda outcome: not outcome.taught_at),
        measure=lambda outcome: len(outcome.taught_at),
        numbers=_box,
        minutes=2,
    ),
    Step(
        name="spread",
        state={"part": "sizes", **PAPER},
        question=Estimate(lambda _outcome: sizes.sample().spread, 4, 1, 100, 1),
        reveals=("chart",),
        numbers=_spread,
        minutes=2,
    ),
    Step(
        name="chips",
        state={"part": "chips", "level": "high", "step": 0},
        question=Estimate(lambda outcome: float(len(outcome.view.chips.chips)), 1, 0, 30, 1),
        then={"step": state.MOST_CHIPS},
        numbers=_chips,
        minutes=2,
    ),
    Step(
        name="photo",
        state={"part": "photo", "photo": "coffee", "factor": "4"},
        controls=("factor",),
        question=Choose(_left),
        reveals=("chart",),
        numbers=_photo,
        minutes=2,
    ),
    Step(
        name="snip",
        state={"part": "snip"},
        question=Choose(_pays),
        reveals=("verdict",),
        numbers=_measured,
        minutes=2,
    ),
)
