"""How much of an attention lies on a box: on its middle, at its edge, and elsewhere."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from vizcore.detr.recording import DETRTrace

MIDDLE: Final = 0.6
"""Side of the middle, as a share of the box's."""
BEYOND: Final = 1.2
"""Side up to which a place still lies at the edge, as a share of the box's."""


class AttentionShares(NamedTuple):
    """Shares of an attention; together 1.

    Attributes:
        middle: on tokens whose centre lies in the box's middle.
        edge: on those around it, up to a little beyond the box.
        outside: on all others.
    """

    middle: float
    edge: float
    outside: float


def tokens_on(trace: DETRTrace, box: Float[np.ndarray, " 4"], *, scale: float = 1.0) -> np.ndarray:
    """``[S]`` whether each token's centre lies in a box, its border included.

    Args:
        trace: of the picture.
        box: xyxy, pixels of the photo.
        scale: of its sides, around its centre.
    """
    rows, columns = np.divmod(np.arange(trace.grid[0] * trace.grid[1]), trace.grid[1])
    x, y = (columns + 0.5) * trace.cell, (rows + 0.5) * trace.cell
    x1, y1, x2, y2 = (float(side) for side in box)
    inside: np.ndarray = (np.abs(x - (x1 + x2) / 2) <= (x2 - x1) * scale / 2) & (
        np.abs(y - (y1 + y2) / 2) <= (y2 - y1) * scale / 2
    )
    return inside


def tokens_under(trace: DETRTrace, mask: Bool[np.ndarray, "H W"]) -> np.ndarray:
    """``[S]`` whether each token's centre lies under a mask.

    Args:
        trace: of the picture.
        mask: of the photo's pixels.
    """
    rows, columns = np.divmod(np.arange(trace.grid[0] * trace.grid[1]), trace.grid[1])
    y, x = ((rows + 0.5) * trace.cell).astype(int), ((columns + 0.5) * trace.cell).astype(int)
    inside = (y < mask.shape[0]) & (x < mask.shape[1])
    under: np.ndarray = inside & mask[np.minimum(y, mask.shape[0] - 1), np.minimum(x, mask.shape[1] - 1)]
    return under


def attention_shares(
    trace: DETRTrace, weights: Float[np.ndarray, " S"], box: Float[np.ndarray, " 4"]
) -> AttentionShares:
    """How much of an attention lies on a box's middle, at its edge and elsewhere.

    Args:
        trace: of the picture.
        weights: of the tokens, sum 1.
        box: xyxy, pixels of the photo.
    """
    middle, all_of_it = tokens_on(trace, box, scale=MIDDLE), tokens_on(trace, box, scale=BEYOND)
    return AttentionShares(
        float(weights[middle].sum()),
        float(weights[all_of_it & ~middle].sum()),
        float(weights[~all_of_it].sum()),
    )
