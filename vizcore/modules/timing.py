"""How long one forward pass takes, both ways."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch

from vizcore.modules.choice import NetworkChoice
from vizcore.modules.networks import build_network, draw_input


@dataclass(frozen=True, eq=False)
class NetworkTiming:
    """Time of one forward pass in ``eval()``, both ways.

    Attributes:
        module: ``[repeats]`` microseconds.
        functional: ``[repeats]`` microseconds, measured in turn with the module's.
    """

    module: np.ndarray
    functional: np.ndarray

    def quartiles(self, name: Literal["module", "functional"]) -> tuple[float, float, float]:
        """Lower quartile, median and upper quartile of one of the two, in microseconds."""
        low, median, high = np.percentile(self.module if name == "module" else self.functional, [25, 50, 75])
        return float(low), float(median), float(high)


def time_networks(choice: NetworkChoice, *, seed: int = 0, repeats: int = 200) -> NetworkTiming:
    """Times one forward pass in ``eval()`` both ways, in turn, so that both meet the same machine.

    The functional network is timed as it should be written (``registered`` and ``pass_training``), so that both do
    the same work.
    """
    sound = replace(choice, registered=True, pass_training=True)
    x = draw_input(sound, seed)
    networks = (build_network("module", sound, seed).eval(), build_network("functional", sound, seed).eval())
    times = np.empty((repeats, 2))
    with torch.inference_mode():
        for network in networks:
            for _ in range(5):
                network(x)
        for repeat in range(repeats):
            for column, network in enumerate(networks):
                start = time.perf_counter()
                network(x)
                times[repeat, column] = time.perf_counter() - start
    return NetworkTiming(module=times[:, 0] * 1e6, functional=times[:, 1] * 1e6)
