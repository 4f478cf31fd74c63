"""The losses of CenterNet.

Reference:
    Xingyi Zhou, Dequan Wang, Philipp Krähenbühl. Objects as Points. arXiv 1904.07850, equations 1 to 4.
"""

from __future__ import annotations

from typing import Final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from vizcore.centernet.errors import CenterNetError

ALPHA: Final = 2.0
"""Exponent of what a prediction lacks: a pixel that is nearly right costs little."""
BETA: Final = 4.0
"""Exponent of (1 − Y): near a peak a wrong answer costs little."""
CLAMP: Final = 1e-4
"""Probabilities are kept this far from 0 and 1, as in the authors' code; beyond it there is no gradient."""
SIZE_WEIGHT: Final = 0.1
OFFSET_WEIGHT: Final = 1.0


def is_peak(target: Float[Tensor, "*any"]) -> Bool[Tensor, "*any"]:
    """Where the target is exactly 1: only there is a positive. 0.9999 is a negative of almost no weight."""
    return target == 1


def negative_weights(target: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """(1 − Y)⁴ away from peaks; 0 at them."""
    return (1 - target) ** BETA


def focal_terms(heatmap: Float[Tensor, "*any"], target: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Penalty-reduced focal loss of every pixel, not yet divided by the number of peaks.

    Args:
        heatmap: probabilities in [0, 1].
        target: in [0, 1]; exactly 1 at peaks.
    """
    p = heatmap.clamp(CLAMP, 1 - CLAMP)
    positive = -((1 - p) ** ALPHA) * torch.log(p)
    negative = -negative_weights(target) * p**ALPHA * torch.log1p(-p)
    return torch.where(is_peak(target), positive, negative)


def focal_loss(heatmap: Float[Tensor, "*any"], target: Float[Tensor, "*any"]) -> Float[Tensor, ""]:
    """Penalty-reduced focal loss: the sum over pixels divided by the number of peaks, or by 1 if there is none.

    Args:
        heatmap: ``[C, H, W]`` probabilities in [0, 1]; more axes in front are summed too.
        target: of the same shape, in [0, 1]; exactly 1 at peaks.

    Raises:
        CenterNetError: The shapes differ, or a value is not a number in [0, 1].
    """
    check_maps(heatmap, target)
    return focal_terms(heatmap, target).sum() / is_peak(target).sum().clamp(min=1)


def check_maps(heatmap: Float[Tensor, "*any"], target: Float[Tensor, "*any"]) -> None:
    """Refuses maps the loss would answer with NaN or silently wrong.

    Raises:
        CenterNetError: The shapes differ, or a value is not a number in [0, 1].
    """
    if heatmap.shape != target.shape:
        raise CenterNetError(
            "Heatmap and target must have one shape; got {heatmap} and {target}.",
            heatmap=list(heatmap.shape),
            target=list(target.shape),
        )
    for name, values in (("heatmap", heatmap), ("target", target)):
        if not bool(((values >= 0) & (values <= 1)).all()):
            raise CenterNetError("The {name} must hold numbers from 0 to 1.", name=name)


def focal_terms_from_logits(logits: Float[Tensor, "*any"], target: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """:func:`focal_terms` of sigmoid(logits) without its clamp: exact, with a gradient everywhere; for training."""
    p = torch.sigmoid(logits)
    positive = -((1 - p) ** ALPHA) * torch.nn.functional.logsigmoid(logits)
    negative = -negative_weights(target) * p**ALPHA * torch.nn.functional.logsigmoid(-logits)
    return torch.where(is_peak(target), positive, negative)


def at_cells(maps: Float[Tensor, "C H W"], cells: Int64[Tensor, "M 2"]) -> Float[Tensor, "M C"]:
    """What maps say at cells (x, y)."""
    return maps[:, cells[:, 1], cells[:, 0]].T


def l1_loss(predicted: Float[Tensor, "M C"], target: Float[Tensor, "M C"]) -> Float[Tensor, ""]:
    """Sum of absolute differences over the number of objects; 0 if there is none.

    The authors' code divides by twice the number, having counted both channels; the paper's equation does not.
    """
    return (predicted - target).abs().sum() / max(len(target), 1)


def offset_loss(
    offsets: Float[Tensor, "2 H W"], cells: Int64[Tensor, "M 2"], target: Float[Tensor, "M 2"]
) -> Float[Tensor, ""]:
    """L1 at the objects' cells of where in the cell the centre lies, in cells; weight ``OFFSET_WEIGHT`` in the sum."""
    return l1_loss(at_cells(offsets, cells), target)


def size_loss(
    sizes: Float[Tensor, "2 H W"], cells: Int64[Tensor, "M 2"], target: Float[Tensor, "M 2"]
) -> Float[Tensor, ""]:
    """L1 at the objects' cells of (width, height), in cells; weight ``SIZE_WEIGHT`` in the sum."""
    return l1_loss(at_cells(sizes, cells), target)
