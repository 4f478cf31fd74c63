"""The masked autoencoder: an ordinary network whose weights are masked until no output sees its own pixel or a later.

Reference:
    Mathieu Germain, Karol Gregor, Iain Murray, Hugo Larochelle. MADE: Masked Autoencoder for Distribution Estimation.
    ICML 2015, arXiv 1502.03509.

    Ours has no direct connections from inputs to outputs; masks are kept beside the weights, never multiplied into
    them, so several sets of masks share one set of weights (:meth:`MADE.with_masks`). A label, where there is one, is
    an unmasked input of the first hidden layer.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Self

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from vizcore.models.autoregressive import NO_HIDDEN, AutoregressiveError, PixelModel, Sampler


class MADE(PixelModel):
    """Masked linear layers with ReLU; one pass gives all logits.

    Attributes:
        degrees: for each hidden layer ``[H]``: a unit of degree m sees the first m pixels of the order.
        leak: True if the output mask has ≤ where < belongs, to show what that does.
    """

    def __init__(
        self,
        num_pixels: int,
        hidden: Sequence[int] = (128,),
        *,
        order: Sequence[int] | Int64[Tensor, " D"] | None = None,
        num_classes: int = 0,
        seed: int = 0,
        leak: bool = False,
    ) -> None:
        """Draws weights and degrees.

        Args:
            num_pixels: D. With one, hidden units see nothing and the model is a bias.
            hidden: units of each hidden layer.
            order: the pixel drawn first, second, …; raster if None.
            num_classes: K, 0 for a model without labels.
            seed: of weights and degrees.
            leak: lets each output see its own pixel, the mistake that is easiest to make.

        Raises:
            AutoregressiveError: without a pixel, a hidden layer or a hidden unit.
        """
        super().__init__(num_pixels, order=order, num_classes=num_classes)
        if not hidden or min(hidden) < 1:
            raise AutoregressiveError(NO_HIDDEN, model="MADE", hidden=min(hidden, default=0))
        self.hidden, self.leak = tuple(hidden), leak
        generator = torch.Generator().manual_seed(seed)
        sizes = (num_pixels, *hidden, num_pixels)
        shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
        self.weights = nn.ParameterList(
            torch.empty(shape).uniform_(-1, 1, generator=generator).mul_(math.sqrt(3 / shape[1])) for shape in shapes
        )
        self.biases = nn.ParameterList(torch.zeros(shape[0]) for shape in shapes)
        self.label_weights = nn.Parameter(torch.zeros(hidden[0], num_classes)) if num_classes else None
        self.degrees = self._draw_degrees(generator)

    def with_masks(self, *, seed: int, order: Sequence[int] | Int64[Tensor, " D"] | None = None) -> Self:
        """A model that shares this one's weights and has other degrees, and another order if one is given."""
        twin = copy.copy(self)
        twin._parameters, twin._modules = self._parameters, self._modules
        twin._buffers = dict(self._buffers)
        if order is not None:
            fresh = PixelModel(self.num_pixels, order=order)
            twin._buffers |= {"order": fresh.order, "rank": fresh.rank}
        twin.degrees = twin._draw_degrees(torch.Generator().manual_seed(seed))
        return twin

    def masks(self) -> tuple[Bool[Tensor, "out in"], ...]:
        """Which weights exist, layer by layer; rows are outputs."""
        inputs = self.rank + 1  # the degree of a pixel: its place in the order, from 1
        degrees = [inputs, *self.degrees]
        hidden = [b[:, None] >= a[None, :] for a, b in pairwise(degrees)]
        last = degrees[-1][None, :]
        return (*hidden, inputs[:, None] >= last if self.leak else inputs[:, None] > last)

    def forward(self, x: Float[Tensor, "N D"], labels: Int64[Tensor, " N"] | None = None) -> Float[Tensor, "N D"]:
        """Logit of each pixel being 1 given the pixels before it."""
        one_hot = self.one_hot(labels, len(x))
        masks = self.masks()
        for layer, (weight, bias, mask) in enumerate(zip(self.weights, self.biases, masks, strict=True)):
            x = F.linear(x, weight * mask, bias)
            if layer == 0 and one_hot is not None and self.label_weights is not None:
                x = x + one_hot @ self.label_weights.T
            if layer < len(self.hidden):
                x = F.relu(x)
        return x

    def sampler(self, num: int, labels: Int64[Tensor, " N"] | None = None) -> Sampler:
        """Starts pictures; a hidden unit is computed once, when the last pixel that it sees has been drawn."""
        if self.leak:  # its outputs wait for their own pixel: only the plain loop gives it one
            return super().sampler(num, labels)
        return _MADESampler(self, num, labels)

    def _draw_degrees(self, generator: torch.Generator) -> tuple[Tensor, ...]:
        # A unit of degree 0 sees the label alone, so it is of use only where there is one.
        degrees, lowest = [], 0 if self.num_classes else 1
        highest = max(self.num_pixels - 1, lowest)
        for units in self.hidden:
            drawn = torch.randint(lowest, highest + 1, (units,), generator=generator)
            degrees.append(drawn)
            lowest = int(drawn.min())
        return tuple(degrees)


class _MADESampler:
    """Hidden units of degree m are computed when m pixels are known; each weight is used once a picture."""

    def __init__(self, model: MADE, num: int, labels: Int64[Tensor, " N"] | None) -> None:
        self.model, self.place = model, 0
        self.weights = [weight * mask for weight, mask in zip(model.weights, model.masks(), strict=True)]
        one_hot = model.one_hot(labels, num)
        self.first: Tensor | None = None
        if one_hot is not None and model.label_weights is not None:
            self.first = one_hot @ model.label_weights.T
        sizes = (model.num_pixels, *model.hidden)
        self.values = [torch.zeros(num, size, dtype=model.dtype) for size in sizes]
        self._compute_ready()

    def next_logits(self) -> Tensor:
        pixel = self.model.order[self.place]
        return self.values[-1] @ self.weights[-1][pixel] + self.model.biases[-1][pixel]

    def append(self, values: Tensor) -> None:
        model = self.model
        self.values[0][:, model.order[self.place]] = values.to(model.dtype)
        self.place += 1
        self._compute_ready()

    def _compute_ready(self) -> None:
        model = self.model
        for layer, degrees in enumerate(model.degrees):
            units = (degrees == self.place).nonzero()[:, 0]
            if len(units):
                a = F.linear(self.values[layer], self.weights[layer][units], model.biases[layer][units])
                if layer == 0 and self.first is not None:
                    a = a + self.first[:, units]
                self.values[layer + 1][:, units] = F.relu(a)
