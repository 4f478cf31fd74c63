"""The lesson of ThunderNet: where the time goes, and five ways to save it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pages.kit.numbers import written
from pages.kit.tour import BringAbout, Choose, Estimate, Step
from pages.thundernet import network
from pages.thundernet.challenges import MOST_ADDS, Outcome
from vizcore import thundernet

BIN = (2, 3, 3)
"""Output, row and column that the lesson asks about."""


def _adds(outcome: Outcome, block: str | None = None, **changed: Any) -> float:
    """Millions of multiply-adds of the paper's detector with one thing changed, whole or of one block."""
    budget = network.counted(replace(thundernet.Design(outcome.view.design.backbone), **changed))
    cost = budget.total if block is None else budget.blocks[block]
    return cost.multiply_adds / 1e6


def _times(outcome: Outcome) -> Mapping[str, object]:
    budget = network.measured(outcome.view.design)[0]
    return {
        "ms": f"{1000 * (budget.total.seconds or 0):.0f}",
        "backbone": f"{100 * budget.share('backbone', 'seconds'):.0f}",
        "adds": f"{outcome.adds:.0f}",
        "parameters": f"{budget.total.parameters / 1e6:.2f}",
    }


def _pooling(outcome: Outcome) -> Mapping[str, object]:
    light, heavy = _adds(outcome), _adds(outcome, position_sensitive=False)
    return {
        "light": f"{light:.0f}",
        "heavy": f"{heavy:,.0f}",
        "factor": f"{heavy / light:.1f}",
        "few": thundernet.head_inputs(position_sensitive=True),
        "many": f"{thundernet.head_inputs(position_sensitive=False):,}",
    }


def _pooling_factor(outcome: Outcome) -> str:
    factor = _adds(outcome, position_sensitive=False) / _adds(outcome)
    return min(("x1", "x2", "x6", "x49"), key=lambda name: abs(np.log(factor / int(name[1:]))))


def _rpn(outcome: Outcome) -> Mapping[str, object]:
    plain, compressed = (
        thundernet.rpn_tower_multiply_adds(thundernet.SIZE, compressed=form) / 1e6 for form in (False, True)
    )
    return {"plain": f"{plain:.1f}", "compressed": f"{compressed:.1f}", "share": f"{100 * compressed / plain:.0f}"}


def _rpn_share(_outcome: Outcome) -> float:
    counts = (thundernet.rpn_tower_multiply_adds(thundernet.SIZE, compressed=form) for form in (True, False))
    compressed, plain = counts
    return 100 * compressed / plain


def _kernel_share(outcome: Outcome) -> float:
    """Percent that 5 × 5 kernels add to the backbone's multiply-adds."""
    small, large = (_adds(outcome, "backbone", kernel=kernel) for kernel in (3, 5))
    return 100 * (large / small - 1)


def _kernel(outcome: Outcome) -> Mapping[str, object]:
    backbone = outcome.view.design.backbone
    small, large = (thundernet.theoretical_size(backbone, "C5", kernel=kernel) for kernel in (3, 5))
    return {"more": f"{_kernel_share(outcome):.0f}", "small": small, "large": large}


def _terms(outcome: Outcome) -> Mapping[str, object]:
    return {name: written(value, ".2f") for name, value in outcome.at_cell().items()}


def _is_overruled(outcome: Outcome) -> bool:
    terms = outcome.at_cell()
    return terms["local"] * terms["context"] < 0


def _grown(outcome: Outcome) -> int:
    """How many numbers are farther from zero after attention than before."""
    trace = outcome.trace
    return int((np.abs(trace.attended) > np.abs(trace.context)).sum())


def _mask(outcome: Outcome) -> Mapping[str, object]:
    mask = outcome.trace.mask
    return {
        "count": f"{mask.size:,}",
        "grown": _grown(outcome),
        "low": f"{mask.min():.2f}",
        "high": f"{mask.max():.2f}",
    }


def _channel(_outcome: Outcome) -> float:
    return float(thundernet.channel_of(*BIN))


def _diet(outcome: Outcome) -> Mapping[str, object]:
    return {
        "adds": f"{outcome.adds:.0f}",
        "most": MOST_ADDS,
        "backbone": f"{100 * outcome.budget.share('backbone'):.0f}",
    }


PAPER = {
    "backbone": "snet146",
    "kernel": "5",
    "input_size": 320,
    "cem": True,
    "rpn": "compressed",
    "sam": True,
    "pooling": "psroi",
    "head": "1024",
}

STEPS = (
    Step(name="time", state={"part": "budget", **PAPER}, plays=True, numbers=_times),
    Step(
        name="pooling",
        question=Choose(_pooling_factor),
        then={"pooling": "roi"},
        numbers=_pooling,
        minutes=2,
    ),
    Step(
        name="rpn",
        state={"pooling": "psroi"},
        question=Estimate(_rpn_share, 6, 0, 100, 1),
        then={"rpn": "plain"},
        numbers=_rpn,
        minutes=2,
    ),
    Step(
        name="kernel",
        state={"rpn": "compressed"},
        question=Choose(lambda outcome: "five" if _kernel_share(outcome) < 20 else "much"),
        then={"kernel": "3"},
        reveals=("fields",),
        numbers=_kernel,
        minutes=2,
    ),
    Step(
        name="context",
        state={
            "part": "maps",
            "kernel": "5",
            "source": "photo",
            "photo": "coffee",
            "look": "context",
            "channel": 0,
            "cell": [[9.0, 9.0]],
        },
        question=BringAbout(_is_overruled),
        numbers=_terms,
        minutes=2,
    ),
    Step(
        name="attention",
        state={"look": "attention", "cell": [[9.0, 9.0]]},
        question=Choose(lambda outcome: "none" if _grown(outcome) == 0 else "some"),
        numbers=_mask,
    ),
    Step(
        name="region",
        state={"part": "region", "output": BIN[0], "convention": "average", "box": [[60.0, 80.0, 260.0, 250.0]]},
        question=Estimate(_channel, 0, 0, 244, 1),
        numbers=lambda outcome: {"channel": int(_channel(outcome))},
        minutes=2,
    ),
    Step(
        name="diet",
        state={"part": "budget"},
        controls=("backbone", "kernel", "head"),
        question=BringAbout(lambda outcome: outcome.adds <= MOST_ADDS),
        numbers=_diet,
        minutes=2,
    ),
)
