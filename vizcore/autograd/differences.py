"""Finite differences beside autograd: what a derivative costs and how exact it is when one only wiggles the input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class DifferenceErrors:
    """The derivative of sin(x²) at many places, by central differences and by autograd, both in float32.

    An error is the root mean square over the places, divided by that of the exact derivative 2x cos(x²) in float64.

    Attributes:
        steps: ``[S]`` step h of the difference, decreasing.
        errors: ``[S]`` error of (f(x + h) - f(x - h)) / 2h.
        autograd_error: error of autograd's gradients.
        num_places: number of places.
    """

    steps: np.ndarray
    errors: np.ndarray
    autograd_error: float
    num_places: int

    @property
    def best_step(self) -> float:
        """The step with the smallest error."""
        return float(self.steps[int(np.argmin(self.errors))])


def compare_differences(*, num_steps: int = 29, num_places: int = 201) -> DifferenceErrors:
    """Differentiates sin(x²) between 1 and 2 by central differences of many steps, and by autograd.

    A large step feels the curvature (the error falls with h²), a small one the rounding (it grows with 1/h).

    Args:
        num_steps: number of steps between 1 and 10⁻⁷, evenly spaced in their logarithm.
        num_places: number of places, evenly spaced.

    Returns:
        The errors.

    Raises:
        ValueError: if fewer than two steps or no place are asked for.

    Reference:
        Baydin, Pearlmutter, Radul, Siskind. Automatic Differentiation in Machine Learning: a Survey. JMLR 18, 2018,
        arXiv 1502.05767, section 2.1.
    """
    if num_steps < 2 or num_places < 1:
        raise ValueError("compare at least two steps at one place")
    places = torch.linspace(1, 2, num_places)
    steps = torch.logspace(0, -7, num_steps)
    around = places + torch.stack([steps, -steps])[..., None]
    forth, back = _function(around)
    leaf = places.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(_function(leaf).sum(), leaf)
    exact = 2 * places.double() * torch.cos(places.double() ** 2)

    def error(found: Tensor) -> Tensor:
        return (found.double() - exact).square().mean(-1).sqrt() / exact.square().mean().sqrt()

    return DifferenceErrors(
        steps.numpy(), error((forth - back) / (2 * steps[:, None])).numpy(), float(error(gradient)), num_places
    )


def _function(x: Tensor) -> Tensor:
    return torch.sin(x * x)
