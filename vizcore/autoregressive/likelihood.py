"""The exact likelihood of a picture: the sum of the logs of its pixels' probabilities, each given those before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int64, Num
from torch import Tensor
from torch.nn import functional as F

from vizcore.models.autoregressive import NOT_BINARY, WRONG_SHAPE, AutoregressiveError, PixelModel

NO_PICTURE: Final = "Without a picture there is no likelihood to average."
NO_MODEL: Final = "A mixture needs at least one model."
BATCH: Final = 512
CONFIDENCE: Final = 1.96
"""Standard errors on each side of a mean that hold the true one in 95 of 100 cases."""


@dataclass(frozen=True, eq=False)
class PictureLikelihood:
    """One picture under one model, pixel by pixel.

    Attributes:
        picture: ``[D]`` 0 and 1, raster order.
        probabilities: ``[D]`` of each pixel being 1, given those before it in the order.
        log_probabilities: ``[D]`` of what each pixel is, nats, at most 0; they sum to the picture's.
        order: ``[D]`` the pixel drawn first, second, ….
    """

    picture: np.ndarray
    probabilities: np.ndarray
    log_probabilities: np.ndarray
    order: np.ndarray

    @property
    def log_likelihood(self) -> float:
        """Of the picture, nats."""
        return float(self.log_probabilities.sum())

    @property
    def bits_per_pixel(self) -> float:
        """What a perfect code would spend on each pixel."""
        return bits_per_pixel(-self.log_likelihood, len(self.picture))

    @property
    def surprises(self) -> np.ndarray:
        """``[D]`` pixels from the most surprising to the least."""
        return np.argsort(self.log_probabilities, kind="stable")


@dataclass(frozen=True)
class Evaluation:
    """A mean negative log-likelihood, and how far it can be trusted.

    Attributes:
        nats: mean over the pictures, for a picture.
        half_width: of the interval around it that holds the true mean in 95 of 100 samples of pictures, nats; NaN for
            a single picture.
        bits_per_pixel: the same mean in bits, for a pixel.
        num_pictures: averaged over.
    """

    nats: float
    half_width: float
    bits_per_pixel: float
    num_pictures: int


def log_likelihood(
    model: PixelModel, x: Num[Tensor, "N D"], labels: Int64[Tensor, " N"] | None = None
) -> Float[Tensor, " N"]:
    """Log-likelihood of pictures.

    It is computed from logits, so a probability that rounds to 0 or 1 still has its true log.

    Args:
        model: any.
        x: pictures of 0 and 1, pixels in raster order.
        labels: of a model with labels; the result is then log p(x | label).

    Returns:
        Nats, at most 0; differentiable in the weights.

    Raises:
        AutoregressiveError: if a pixel is neither 0 nor 1, the number of pixels is not the model's, or a label is
            missing or too many.
    """
    x = check_pictures(model, x)
    parts = [
        pixel_log_probabilities(model(part, None if labels is None else labels[start : start + BATCH]), part).sum(1)
        for start, part in zip(range(0, len(x), BATCH), x.split(BATCH), strict=False)
        if len(part)
    ]
    return torch.cat(parts) if parts else x.new_zeros(0)


def pixel_log_probabilities(logits: Float[Tensor, "N D"], x: Float[Tensor, "N D"]) -> Float[Tensor, "N D"]:
    """Log of each pixel's probability of being what it is, nats."""
    return F.logsigmoid(torch.where(x > 0.5, logits, -logits))


@torch.no_grad()
def explain_likelihood(model: PixelModel, picture: Num[Tensor, " D"], *, label: int | None = None) -> PictureLikelihood:
    """One picture's likelihood, pixel by pixel; arguments and errors are :func:`log_likelihood`'s."""
    x = check_pictures(model, picture[None])
    logits = model(x, None if label is None else torch.tensor([label]))
    return PictureLikelihood(
        picture=x[0].to(torch.uint8).numpy(),
        probabilities=logits[0].sigmoid().numpy(),
        log_probabilities=pixel_log_probabilities(logits, x)[0].numpy(),
        order=model.order.numpy(),
    )


@torch.no_grad()
def evaluate(model: PixelModel, x: Num[Tensor, "N D"], labels: Int64[Tensor, " N"] | None = None) -> Evaluation:
    """Mean negative log-likelihood of pictures with its confidence interval (normal approximation).

    Raises:
        AutoregressiveError: without a picture, and as :func:`log_likelihood`.
    """
    if len(x) == 0:
        raise AutoregressiveError(NO_PICTURE)
    nats = -log_likelihood(model, x, labels).double()
    mean = float(nats.mean())
    half_width = CONFIDENCE * float(nats.std()) / math.sqrt(len(nats)) if len(nats) > 1 else math.nan
    return Evaluation(mean, half_width, bits_per_pixel(mean, model.num_pixels), len(nats))


def mixture_log_likelihood(
    models: Sequence[PixelModel], x: Num[Tensor, "N D"], labels: Int64[Tensor, " N"] | None = None
) -> Float[Tensor, " N"]:
    """Log of the mean of several models' probabilities: an ensemble of orders or of masks.

    Raises:
        AutoregressiveError: without a model, and as :func:`log_likelihood`.
    """
    if not models:
        raise AutoregressiveError(NO_MODEL)
    each = torch.stack([log_likelihood(model, x, labels) for model in models])
    return each.logsumexp(0) - math.log(len(models))


def bits_per_pixel(nats: float, num_pixels: int) -> float:
    """Nats for a picture as bits for a pixel: ``nats / (D ln 2)``."""
    return nats / (num_pixels * math.log(2))


def check_pictures(model: PixelModel, x: Num[Tensor, "N D"]) -> Float[Tensor, "N D"]:
    """Pictures in the model's dtype.

    Raises:
        AutoregressiveError: as :func:`log_likelihood` says.
    """
    if x.ndim != 2 or x.shape[1] != model.num_pixels:
        raise AutoregressiveError(WRONG_SHAPE, expected=model.num_pixels, found=x.shape[-1] if x.ndim else 0)
    wrong = x[(x != 0) & (x != 1)]
    if len(wrong):
        raise AutoregressiveError(NOT_BINARY, value=f"{float(wrong[0]):g}")
    return x.to(model.dtype)
