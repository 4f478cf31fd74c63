"""Where the conventions of libraries and papers differ."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class LossSettings:
    """Where conventions differ. The defaults are torchvision's, or the paper's where torchvision has no such loss.

    Attributes:
        eps: added to each denominator that can vanish; the unit is pixels².
        beta: smooth L1 is quadratic below this distance, in pixels.
        power: the α of α-IoU; the paper uses 3.
        alpha_gradient: CIoU: differentiate through α too (old mmdetection), instead of holding it constant.
        alpha_gate: CIoU: α = 0 where IoU < 0.5 (the journal version, arXiv 2005.03572, and the authors' later code).
    """

    eps: float = 1e-7
    beta: float = 1.0
    power: float = 3.0
    alpha_gradient: bool = False
    alpha_gate: bool = False

    def __post_init__(self) -> None:
        for name in ("eps", "beta", "power"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a finite number, not negative: {value}")
        if self.beta == 0:
            raise ValueError("beta must be positive; beta → 0 is the kind 'l1'")


DEFAULTS = LossSettings()
