"""The focal loss pixel by pixel, with its weights and gradient: what a learner paints on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from vizcore.centernet.losses import check_maps, focal_terms, is_peak, negative_weights


@dataclass(frozen=True, eq=False)
class LossMaps:
    """What every pixel adds to the focal loss.

    Attributes:
        terms: ``[C, H, W]`` loss of each pixel, not divided.
        gradient: ``[C, H, W]`` of the whole loss by each probability; 0 where it is clamped.
        weights: ``[C, H, W]`` (1 − Y)⁴; 0 at peaks, whose loss is not weighted.
        positives: ``[C, H, W]`` where the target is exactly 1.
        num_peaks: what the sum is divided by, unless it is 0.
        loss: the sum over pixels, divided.
    """

    terms: Float32[np.ndarray, "C H W"]
    gradient: Float32[np.ndarray, "C H W"]
    weights: Float32[np.ndarray, "C H W"]
    positives: Bool[np.ndarray, "C H W"]
    num_peaks: int
    loss: float


def loss_maps(heatmap: Float[Tensor, "C H W"], target: Float[Tensor, "C H W"]) -> LossMaps:
    """Computes the loss of every pixel and its gradient.

    Args:
        heatmap: probabilities.
        target: in [0, 1], exactly 1 at peaks.

    Raises:
        CenterNetError: The shapes differ, or a value is not a number in [0, 1].
    """
    check_maps(heatmap, target)
    heatmap = heatmap.detach().float().requires_grad_()
    target = target.detach().float()
    number = int(is_peak(target).sum())
    terms = focal_terms(heatmap, target)
    loss = terms.sum() / max(number, 1)
    (gradient,) = torch.autograd.grad(loss, heatmap)
    return LossMaps(
        terms=terms.detach().numpy(),
        gradient=gradient.numpy(),
        weights=negative_weights(target).numpy(),
        positives=is_peak(target).numpy(),
        num_peaks=number,
        loss=float(loss.detach()),
    )
