"""The lesson of nn.Module and nn.functional: one network twice, eval(), parameters(), running statistics, sharing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pages.kit.tour import BringAbout, Choose, Step
from pages.modules.state import View
from vizcore.modules import NetworkComparison


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the questions are judged by.

    Attributes:
        view: what the page shows.
        compared: both networks, measured in this run.
    """

    view: View
    compared: NetworkComparison


def _measured(outcome: Outcome) -> Mapping[str, object]:
    found = outcome.compared.by_aspect
    return {
        "module_passes": int(found["eval_passes"].module),
        "functional_passes": int(found["eval_passes"].functional),
        "module_parameters": int(found["parameters"].module),
        "functional_parameters": int(found["parameters"].functional),
        "module_moved": int(found["optimizer_step"].module),
        "functional_moved": int(found["optimizer_step"].functional),
        "module_mean": f"{found['running_mean'].module:.3g}",
        "functional_mean": f"{found['running_mean'].functional:.3g}",
        "second_names": int(found["shared_keys"].module),
        "keys": len(outcome.compared.module.state),
        "listed": len(outcome.compared.module.parameters),
    }


def _eval(outcome: Outcome) -> str:
    return "many" if outcome.compared.by_aspect["eval_passes"].functional > 1 else "one"


def _listed(outcome: Outcome) -> str:
    found = outcome.compared.by_aspect["parameters"]
    return "all" if found.same else "none" if found.functional == 0 else "some"


def _mean(outcome: Outcome) -> str:
    return "zero" if outcome.compared.by_aspect["running_mean"].functional == 0 else "moves"


def _shared(outcome: Outcome) -> str:
    return "two" if outcome.compared.by_aspect["shared_keys"].module else "one"


PLAIN = {
    "layer": "linear",
    "hidden": "8",
    "activation": "relu",
    "normalization": "batch_norm",
    "dropout": 0.5,
    "middle": "none",
    "bias": True,
    "registered": False,
    "pass_training": False,
    "seed": 0,
}

STEPS = (
    Step(name="twins", state={**PLAIN, "mode": "train"}, plays=True, shows=("arithmetic",), numbers=_measured),
    Step(
        name="evaluation",
        state={"mode": "eval"},
        question=Choose(_eval),
        reveals=("eval_passes",),
        numbers=_measured,
        minutes=2,
    ),
    Step(
        name="flag",
        controls=("pass_training",),
        look_at="pass_training",
        shows=("eval_passes",),
        question=BringAbout(lambda outcome: outcome.compared.by_aspect["eval_passes"].functional == 1),
        then={"pass_training": True},
        numbers=_measured,
    ),
    Step(
        name="parameters",
        question=Choose(_listed),
        reveals=("parameters", "optimizer_step"),
        numbers=_measured,
        minutes=2,
    ),
    Step(
        name="register",
        controls=("registered",),
        look_at="registered",
        shows=("parameters", "optimizer_step", "saved"),
        question=BringAbout(lambda outcome: outcome.compared.by_aspect["parameters"].same),
        then={"registered": True},
        numbers=_measured,
    ),
    Step(
        name="running",
        state={"pass_training": False},
        question=Choose(_mean),
        reveals=("running_mean",),
        numbers=_measured,
        minutes=2,
    ),
    Step(
        name="shared",
        state={"pass_training": True, "middle": "shared"},
        question=Choose(_shared),
        reveals=("shared_keys", "parameters"),
        numbers=_measured,
        minutes=2,
    ),
    Step(name="which", state={"middle": "none"}, shows=("parameters", "saved", "hooks"), numbers=_measured, minutes=1),
)
