"""The lesson of pixel models: chance, independence, one flip, likelihood, cost, a leak and a blind spot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pages.autoregressive import leak, pixels, state, write
from pages.autoregressive.state import View
from pages.kit.loaders import compute
from pages.kit.numbers import written
from pages.kit.tour import BringAbout, Choose, Estimate, Step
from vizcore import autoregressive

SEED = 4
UNLIKELY = 4
"""Step of that seed at which the less likely value is drawn."""
FOLLOWERS = 8
REPAIRED, MOST_CHANGES = -15.0, 4
"""The task of step seven: log-likelihood in nats to come above, and in how many pixels at most."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What questions and challenges are judged by; computed when it is asked for.

    Attributes:
        view: what the page shows.
    """

    view: View

    @property
    def drawing(self) -> autoregressive.Drawing:
        """The picture in the making."""
        return pixels.draw(self.view)

    @property
    def nats(self) -> float:
        """Log-likelihood of the painted picture under the view's model."""
        return write.explain(self.view, self.view.model).log_likelihood

    @property
    def repainted(self) -> int:
        """In how many pixels the painted picture differs from the test digit it began with."""
        real = state.test_picture(self.view.data, self.view.digit)
        return sum(one != other for one, other in zip(real, self.view.picture, strict=True))

    def blind(self, *, gated: bool) -> np.ndarray:
        """The blind spot of the output shown."""
        view = self.view
        spot: np.ndarray = autoregressive.blind_spot(
            view.layers, view.kernel, gated=gated, pixel=divmod(view.output, state.SIZE[1]), size=state.SIZE
        )
        return spot


def _write(nats: float) -> str:
    return written(nats, ".2f")


def _total(outcome: Outcome) -> Mapping[str, object]:
    trace = outcome.drawing.trace
    return {
        "count": trace.num_pixels,
        "nats": _write(float(trace.log_probabilities.sum())),
        "ink": int(trace.picture.sum()),
    }


def _pixel(outcome: Outcome) -> Mapping[str, object]:
    trace = outcome.drawing.trace
    pixel = int(trace.order[UNLIKELY])
    p, u = float(trace.probabilities[pixel]), float(trace.noise[pixel])
    return {"p": f"{p:.3f}", "u": f"{u:.3f}", "rest": f"{1 - p:.3f}"}


def _fate(outcome: Outcome) -> str:
    trace = outcome.drawing.trace
    return "ink" if trace.picture[trace.order[UNLIKELY]] else "paper"


def _under_nade(outcome: Outcome) -> float:
    picture = autoregressive.write_pixels(outcome.drawing.trace.picture.tolist())
    return float(compute(autoregressive.explain_picture, "nade", picture).log_likelihood)


def _unseen() -> np.ndarray:
    found: np.ndarray = compute(autoregressive.unseen_likelihoods, "nade")
    return found


def _kind_of_picture(outcome: Outcome) -> str:
    """A digit, or specks: fewer than one test digit in twenty is as unlikely."""
    return "specks" if _under_nade(outcome) < np.quantile(_unseen(), 0.05) else "digit"


def _specks(outcome: Outcome) -> Mapping[str, object]:
    return {"nats": _write(_under_nade(outcome)), "mean": _write(float(_unseen().mean()))}


def _followers(outcome: Outcome) -> Mapping[str, object]:
    return {"changed": outcome.drawing.followers, "wanted": FOLLOWERS}


def _greedy(outcome: Outcome) -> Mapping[str, object]:
    nats = _under_nade(outcome)
    return {
        "nats": _write(nats),
        "mean": _write(float(_unseen().mean())),
        "share": f"{100 * float((_unseen() < nats).mean()):.0f} %",
    }


def _likelier(outcome: Outcome) -> str:
    return "more" if _under_nade(outcome) > float(_unseen().mean()) else "less"


def _costs(outcome: Outcome) -> autoregressive.PixelCosts:
    found: autoregressive.PixelCosts = compute(autoregressive.count_costs, outcome.view.model)
    return found


def _passes(outcome: Outcome) -> float:
    costs = _costs(outcome)
    return costs.naive_multiply_adds / costs.likelihood_multiply_adds


def _work(outcome: Outcome) -> Mapping[str, object]:
    costs = _costs(outcome)
    return {
        "passes": round(_passes(outcome)),
        "once": f"{costs.likelihood_multiply_adds:,}",
        "loop": f"{costs.naive_multiply_adds:,}",
        "clever": f"{costs.sample_multiply_adds:,}",
    }


def _painted(outcome: Outcome) -> Mapping[str, object]:
    return {"nats": _write(outcome.nats), "goal": _write(REPAIRED), "changed": outcome.repainted, "most": MOST_CHANGES}


def _is_repaired(outcome: Outcome) -> bool:
    view = outcome.view
    if view.part != "write" or view.model != "nade":
        return False
    return outcome.nats > REPAIRED and outcome.repainted <= MOST_CHANGES


def _verdict(outcome: Outcome) -> str:
    return "cheats" if leak.find(outcome.view).leaks.any() else "better"


def _leaks(outcome: Outcome) -> Mapping[str, object]:
    leaks = leak.find(outcome.view).leaks
    return {"outputs": int(leaks.any(1).sum()), "count": len(leaks)}


def _side(outcome: Outcome) -> str:
    spot = outcome.blind(gated=False)
    if not spot.any():
        return "none"
    column = outcome.view.output % state.SIZE[1]
    return "right" if np.nonzero(spot)[1].min() > column else "left"


def _spots(outcome: Outcome) -> Mapping[str, object]:
    return {"plain": int(outcome.blind(gated=False).sum()), "gated": int(outcome.blind(gated=True).sum())}


PLAIN = {
    "part": "pixels",
    "data": "digits",
    "model": "nade",
    "order": "raster",
    "label": "any",
    "temperature": 1.0,
    "seed": SEED,
    "given": "",
}

STEPS = (
    Step(name="grow", state={**PLAIN, "step": 0}, plays=True, numbers=_total),
    Step(
        name="chance",
        state={"step": UNLIKELY},
        look_at="view:next",
        question=Choose(_fate),
        then={"step": UNLIKELY + 1},
        numbers=_pixel,
    ),
    Step(
        name="alone",
        state={"model": "independent", "step": 0},
        question=Choose(_kind_of_picture),
        then={"step": 64},
        numbers=_specks,
    ),
    Step(
        name="flip",
        state={"model": "nade", "step": 64},
        look_at="view:picture",
        question=BringAbout(lambda outcome: outcome.view.part == "pixels" and outcome.drawing.followers >= FOLLOWERS),
        numbers=_followers,
        minutes=2,
    ),
    Step(
        name="greedy",
        state={"temperature": 0.0, "given": "", "step": 0},
        question=Choose(_likelier),
        then={"step": 64},
        numbers=_greedy,
        minutes=2,
    ),
    Step(
        name="passes",
        state={"model": "made", "temperature": 1.0, "step": 0},
        question=Estimate(_passes, 0.5, 1, 5000, 1),
        numbers=_work,
    ),
    Step(
        name="repair",
        state={"part": "write", "model": "nade", "digit": 4, "picture": ""},
        look_at="paint:map",
        question=BringAbout(_is_repaired),
        numbers=_painted,
        minutes=2.5,
    ),
    Step(
        name="leak",
        state={"part": "leak", "network": "made_leak", "output": 35},
        question=Choose(_verdict),
        numbers=_leaks,
    ),
    Step(
        name="blind",
        state={"network": "pixelcnn", "layers": 3, "kernel": "3", "output": 35},
        question=Choose(_side),
        reveals=("remark",),
        numbers=_spots,
        minutes=2,
    ),
)
