"""The two ends of the scale: every pixel for itself, and a table of all pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from jaxtyping import Float, Int64, Num
from torch import Tensor, nn

from vizcore.models.autoregressive import AutoregressiveError, PixelModel, require_finite

MAX_TABLE_PIXELS: Final = 6
TABLE_TOO_LARGE: Final = (
    "A table of all pictures of {num_pixels} pixels has 2^{num_pixels} entries; here it goes up to {most} pixels."
)
NOT_A_DISTRIBUTION: Final = "The {count} entries of a table are probabilities that sum to 1; these sum to {total}."
CERTAIN: Final = 36.0
"""Logit that stands for certainty in a table: 1 − σ(36) is the last number that float64 tells from 0."""


class IndependentPixels(PixelModel):
    """Every pixel a coin of its own: nothing depends on anything."""

    def __init__(
        self, biases: Float[Tensor, " D"] | Float[Tensor, "K D"], *, order: Sequence[int] | None = None
    ) -> None:
        """Takes the logits, for each label if there are two dimensions.

        Raises:
            AutoregressiveError: without a pixel, or with a logit that is not finite.
        """
        super().__init__(biases.shape[-1], order=order, num_classes=len(biases) if biases.ndim == 2 else 0)
        require_finite(biases=biases)
        self.biases = nn.Parameter(biases.detach().clone())

    def forward(self, x: Float[Tensor, "N D"], labels: Int64[Tensor, " N"] | None = None) -> Float[Tensor, "N D"]:
        """The same logits whatever the pixels."""
        one_hot = self.one_hot(labels, len(x))
        return self.biases.expand(len(x), -1) if one_hot is None else one_hot @ self.biases


class FullTable(PixelModel):
    """One probability for each of the 2^D pictures: it can be any distribution, and nobody can fill it in."""

    def __init__(self, table: Float[Tensor, " P"], *, order: Sequence[int] | None = None) -> None:
        """Takes the probabilities.

        Args:
            table: of each picture, at the place that its pixels name as a binary number, pixel 0 first.
            order: see :class:`PixelModel`.

        Raises:
            AutoregressiveError: beyond ``MAX_TABLE_PIXELS``, or if these are no probabilities that sum to 1.
        """
        num_pixels = max(len(table), 1).bit_length() - 1
        check_table_size(num_pixels)
        super().__init__(num_pixels, order=order)
        total = float(table.double().sum())
        if len(table) != 2**num_pixels or not bool((table >= 0).all()) or abs(total - 1) > 1e-6:
            raise AutoregressiveError(NOT_A_DISTRIBUTION, count=2**num_pixels, total=f"{total:g}")
        self.table = nn.Parameter(table.detach().double().clone())

    def forward(self, x: Num[Tensor, "N D"], labels: Int64[Tensor, " N"] | None = None) -> Float[Tensor, "N D"]:
        """Conditionals by summing the table; certain ones become ±``CERTAIN``, impossible pasts 0."""
        self.one_hot(labels, len(x))
        pictures = list_pictures(self.num_pixels).to(x.dtype)
        same = x[:, None, :] == pictures[None]  # [N, P, D]
        logits = []
        for pixel in range(self.num_pixels):
            past = self.order[: self.rank[pixel]]
            agrees = same[:, :, past].all(2)  # [N, P]
            both = [(agrees & (pictures[:, pixel] == value)).to(self.table.dtype) @ self.table for value in (0, 1)]
            logit = both[1].log() - both[0].log()
            logits.append(torch.where(logit.isnan(), 0.0, logit).clamp(-CERTAIN, CERTAIN))
        return torch.stack(logits, 1)


def list_pictures(num_pixels: int) -> Float[Tensor, "P D"]:
    """All pictures of so many pixels, in the order of the binary numbers that their pixels name.

    Raises:
        AutoregressiveError: without a pixel or beyond 16.
    """
    check_table_size(num_pixels, most=16)
    numbers = torch.arange(2**num_pixels)
    return (numbers[:, None] >> torch.arange(num_pixels - 1, -1, -1)[None] & 1).float()


def check_table_size(num_pixels: int, *, most: int = MAX_TABLE_PIXELS) -> None:
    """Refuses a table that is too large.

    Raises:
        AutoregressiveError: which says how many entries it would have.
    """
    if num_pixels > most:
        raise AutoregressiveError(TABLE_TOO_LARGE, num_pixels=num_pixels, most=most)


def fit_independent(
    x: Num[Tensor, "N D"], labels: Int64[Tensor, " N"] | None = None, *, num_classes: int = 0
) -> IndependentPixels:
    """The share of ones at each pixel, with half a picture of each kind added; for each label where there are some."""
    if not num_classes or labels is None:
        return IndependentPixels(_share(x.double()).logit().float())
    return IndependentPixels(
        torch.stack([_share(x[labels == label].double()).logit().float() for label in range(num_classes)])
    )


def fit_table(x: Num[Tensor, "N D"], *, pseudo_count: float = 0.0) -> FullTable:
    """How often each picture occurs, each counted ``pseudo_count`` times more.

    Raises:
        AutoregressiveError: beyond ``MAX_TABLE_PIXELS``, or without anything counted.
    """
    num_pixels = x.shape[1]
    check_table_size(num_pixels)
    places = (x.long() << torch.arange(num_pixels - 1, -1, -1)[None]).sum(1)
    counts = torch.bincount(places, minlength=2**num_pixels).double() + pseudo_count
    if float(counts.sum()) == 0:
        raise AutoregressiveError(NOT_A_DISTRIBUTION, count=2**num_pixels, total="0")
    return FullTable(counts / counts.sum())


def _share(x: Tensor) -> Tensor:
    return (x.sum(0) + 0.5) / (len(x) + 1)
