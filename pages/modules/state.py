"""What the nn and functional page's link holds, and the frozen view that is read from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pages.kit import link
from pages.kit.page import Page
from vizcore.modules import ACTIVATIONS, HIDDEN_SIZES, LAYERS, MIDDLES, NORMALIZATIONS, NetworkChoice

LOOKS = ("state", "step", "dtype", "running", "hooks", "repr", "sequential")

LAYER = link.choice("layer", LAYERS, "linear")
HIDDEN = link.choice("hidden", [str(size) for size in HIDDEN_SIZES], "8")
ACTIVATION = link.choice("activation", ACTIVATIONS, "relu")
NORMALIZATION = link.choice("normalization", NORMALIZATIONS, "batch_norm")
DROPOUT = link.number("dropout", 0.0, 0.9, 0.5, step=0.1)
MIDDLE = link.choice("middle", MIDDLES, "none")
BIAS = link.flag("bias", True)
REGISTERED = link.flag("registered", False)
PASS_TRAINING = link.flag("pass_training", False)
SEED = link.number("seed", 0, 999, 0)
MODE = link.choice("mode", ("eval", "train"), "eval")
LOOK = link.choice("look", LOOKS, "state")


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes:
        choice: the network that is built both ways.
        seed: of its weights, its input and what dropout drops.
        mode: ``eval`` or ``train``: when the twenty passes are made.
        look: what is looked at closely, one of ``LOOKS``.
    """

    choice: NetworkChoice
    seed: int
    mode: Literal["eval", "train"]
    look: str


def read(page: Page) -> View:
    """The view as link and controls have it now."""
    network = page.values(LAYER, HIDDEN, ACTIVATION, NORMALIZATION, DROPOUT, MIDDLE, BIAS, REGISTERED, PASS_TRAINING)
    choice = NetworkChoice(**{**network, "hidden": int(network["hidden"])})
    return View(choice, **page.values(SEED, MODE, LOOK))
