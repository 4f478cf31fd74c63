"""What FVSBN, NADE, MADE and PixelCNN share: pixels in an order, each a Bernoulli given those before it.

``p(x) = Π p(x_i | x_<i)``. A model's forward pass gives the logit of every pixel given the true pixels before it, in
one go; its sampler gives one logit after another and is told each pixel as it is drawn. Weights are indexed by pixel
(raster order), whatever the order in which pixels are drawn; a label, where there are labels, comes before all pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from vizcore.errors import ExplainedError

NO_PIXEL: Final = "A picture needs at least one pixel, and this one has {num_pixels}."
NO_HIDDEN: Final = "{model} needs at least one hidden unit, and {hidden} were asked for."
NOT_AN_ORDER: Final = "An order names each of the {num_pixels} pixels once; this one does not."
NOT_BINARY: Final = "Pixels are 0 or 1 here, and {value} is neither; binarize the picture first."
WRONG_SHAPE: Final = "The model knows pictures of {expected} pixels, and this one has {found}."
NO_LABELS: Final = "This model was trained without labels, so it can neither draw a chosen digit nor classify."
NEEDS_LABELS: Final = "This model draws one digit or another: say which, from 0 to {last}."
EVEN_KERNEL: Final = "The kernel of a masked convolution is odd and at least 3, so that it has a center; got {kernel}."
NO_LAYER: Final = "A PixelCNN needs at least one masked convolution, and {layers} were asked for."
WRONG_WEIGHTS: Final = "The weights do not fit together: {name} is {found}, and {expected} was expected."
NOT_FINITE: Final = "{name} holds a number that is not finite, so no probability follows from it."
UNKNOWN_ACTIVATION: Final = "{activation} is no activation here; choose relu or sigmoid."
MESSAGES: Final = (
    NO_PIXEL,
    NO_HIDDEN,
    NOT_AN_ORDER,
    NOT_BINARY,
    WRONG_SHAPE,
    NO_LABELS,
    NEEDS_LABELS,
    EVEN_KERNEL,
    NO_LAYER,
    WRONG_WEIGHTS,
    NOT_FINITE,
    UNKNOWN_ACTIVATION,
)


class AutoregressiveError(ExplainedError, ValueError):
    """What a model of pixels cannot work with, in one sentence."""


class Sampler(Protocol):
    """A picture, or a batch of them, in the making."""

    def next_logits(self) -> Tensor:
        """``[N]``: of the next pixel of the order, given those appended so far."""

    def append(self, values: Tensor) -> None:
        """Tells the pixel that was drawn: ``[N]`` of 0 and 1."""


class PixelModel(nn.Module):
    """A model of binary pictures, one pixel after another.

    Attributes:
        order: ``[D]`` the pixel drawn first, second, …
        rank: ``[D]`` at which place of the order each pixel is drawn.
    """

    order: Tensor
    rank: Tensor

    def __init__(
        self, num_pixels: int, *, order: Sequence[int] | Int64[Tensor, " D"] | None = None, num_classes: int = 0
    ) -> None:
        """Keeps the order, raster if none is given.

        Raises:
            AutoregressiveError: without a pixel, or if the order is no permutation.
        """
        super().__init__()
        if num_pixels < 1:
            raise AutoregressiveError(NO_PIXEL, num_pixels=num_pixels)
        chosen = torch.arange(num_pixels) if order is None else torch.as_tensor(order, dtype=torch.int64).clone()
        if chosen.shape != (num_pixels,) or not torch.equal(chosen.sort().values, torch.arange(num_pixels)):
            raise AutoregressiveError(NOT_AN_ORDER, num_pixels=num_pixels)
        self.num_pixels = num_pixels
        self.num_classes = num_classes
        self.register_buffer("order", chosen, persistent=False)
        self.register_buffer("rank", chosen.argsort(), persistent=False)

    @property
    def before(self) -> Bool[Tensor, "D D"]:
        """Whether column j is drawn before row i: what pixel i may see."""
        return self.rank[None, :] < self.rank[:, None]

    def forward(self, x: Float[Tensor, "N D"], labels: Int64[Tensor, " N"] | None = None) -> Float[Tensor, "N D"]:
        """Logit of each pixel being 1 given the pixels before it."""
        raise NotImplementedError

    def sampler(self, num: int, labels: Int64[Tensor, " N"] | None = None) -> Sampler:
        """Starts ``num`` pictures, without computing anything twice where the model allows it."""
        return NaiveSampler(self, num, labels)

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return next((parameter.dtype for parameter in self.parameters()), torch.float32)

    def one_hot(self, labels: Int64[Tensor, " N"] | None, num: int) -> Float[Tensor, "N K"] | None:
        """The labels as the model takes them; None for a model without.

        Raises:
            AutoregressiveError: if there are labels and the model knows none, or the other way round.
        """
        if not self.num_classes:
            if labels is not None:
                raise AutoregressiveError(NO_LABELS)
            return None
        if labels is None or labels.shape != (num,) or not bool(((labels >= 0) & (labels < self.num_classes)).all()):
            raise AutoregressiveError(NEEDS_LABELS, last=self.num_classes - 1)
        return nn.functional.one_hot(labels, self.num_classes).to(self.dtype)


class NaiveSampler:
    """The plain loop: a whole forward pass for each pixel, of which one logit is used."""

    def __init__(self, model: PixelModel, num: int, labels: Int64[Tensor, " N"] | None = None) -> None:
        """Starts with empty pictures."""
        self.model, self.labels = model, labels
        self.x = torch.zeros(num, model.num_pixels, dtype=model.dtype)
        self.place = 0

    def next_logits(self) -> Tensor:
        """``[N]`` logits of the next pixel."""
        logits: Tensor = self.model(self.x, self.labels)
        return logits[:, self.model.order[self.place]]

    def append(self, values: Tensor) -> None:
        """Fills in a pixel."""
        self.x[:, self.model.order[self.place]] = values.to(self.x.dtype)
        self.place += 1


def require_finite(**tensors: Tensor) -> None:
    """Refuses weights that are not finite.

    Raises:
        AutoregressiveError: which names the tensor.
    """
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise AutoregressiveError(NOT_FINITE, name=name)


def require_shape(name: str, tensor: Tensor, expected: tuple[int, ...]) -> None:
    """Refuses weights of another shape.

    Raises:
        AutoregressiveError: which names the tensor and both shapes.
    """
    if tuple(tensor.shape) != expected:
        raise AutoregressiveError(WRONG_WEIGHTS, name=name, found=_by(tensor.shape), expected=_by(expected))


def _by(shape: Sequence[int]) -> str:
    return " × ".join(str(length) for length in shape) or "a single number"
