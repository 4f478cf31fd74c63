"""Choices that cover every layer, and the one with everything repaired."""

from __future__ import annotations

import itertools

from vizcore import modules
from vizcore.modules import NetworkChoice

SOUND = NetworkChoice(registered=True, pass_training=True)
CHOICES = [
    NetworkChoice(layer, 4, activation, normalization, 0.25, bias, middle, registered, registered)
    for (layer, middle), activation, normalization, bias, registered in itertools.chain(
        itertools.product(
            itertools.product(modules.LAYERS, modules.MIDDLES), ["relu"], modules.NORMALIZATIONS, [True], [True, False]
        ),
        itertools.product([("linear", "none"), ("conv2d", "shared")], modules.ACTIVATIONS, ["none"], [False], [True]),
    )
]
