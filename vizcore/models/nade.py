"""The neural autoregressive distribution estimator: hidden units that take in one pixel after another.

Reference:
    Hugo Larochelle, Iain Murray. The Neural Autoregressive Distribution Estimator. AISTATS 2011. Benigno Uria et al.
    Neural Autoregressive Distribution Estimation. JMLR 2016, arXiv 1605.02226.

    Ours takes a label, where there is one, as one more variable before all pixels, coded one-hot; it has a weight to
    each hidden unit and none straight to the output. The authors' program squeezes p into [0.00005, 0.99995]; we keep
    logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from vizcore.models.autoregressive import (
    NO_HIDDEN,
    UNKNOWN_ACTIVATION,
    AutoregressiveError,
    PixelModel,
    Sampler,
    require_finite,
    require_shape,
)

ACTIVATIONS: Final = {"relu": torch.relu, "sigmoid": torch.sigmoid}
_AT_ONCE: Final = 16_000_000  # numbers of hidden activations held at a time


class NADE(PixelModel):
    """``a_1 = c``, ``p_i = σ(b_i + V_i h(a_i))``, ``a_{i+1} = a_i + W_{:,i} x_i``."""

    def __init__(
        self,
        W: Float[Tensor, "H D"],
        c: Float[Tensor, " H"],
        V: Float[Tensor, "D H"],
        b: Float[Tensor, " D"],
        activation: str = "relu",
        *,
        label_weights: Float[Tensor, "H K"] | None = None,
        order: Sequence[int] | Int64[Tensor, " D"] | None = None,
    ) -> None:
        """Takes the weights as they are.

        Args:
            W: from pixels to hidden units, shared by all steps.
            c: what the hidden units begin with.
            V: from hidden units to each pixel's logit.
            b: biases of the logits.
            activation: ``"sigmoid"`` (2011) or ``"relu"``.
            label_weights: what each label adds to the hidden units' beginning.
            order: the pixel drawn first, second, …; raster if None.

        Raises:
            AutoregressiveError: without a pixel or hidden unit, with weights that do not fit or are not finite.
        """
        num_classes = 0 if label_weights is None else label_weights.shape[-1]
        super().__init__(len(b), order=order, num_classes=num_classes)
        if len(c) < 1:
            raise AutoregressiveError(NO_HIDDEN, model="NADE", hidden=len(c))
        if activation not in ACTIVATIONS:
            raise AutoregressiveError(UNKNOWN_ACTIVATION, activation=activation)
        require_shape("W", W, (len(c), len(b)))
        require_shape("V", V, (len(b), len(c)))
        require_finite(W=W, c=c, V=V, b=b)
        self.activation = activation
        self.W, self.c, self.V, self.b = (nn.Parameter(tensor.detach().clone()) for tensor in (W, c, V, b))
        self.label_weights = None if label_weights is None else nn.Parameter(label_weights.detach().clone())

    def forward(self, x: Float[Tensor, "N D"], labels: Int64[Tensor, " N"] | None = None) -> Float[Tensor, "N D"]:
        """Logit of each pixel being 1 given the pixels before it."""
        start = self._start(len(x), labels)
        rows = max(_AT_ONCE // (self.num_pixels * len(self.c)), 1)
        parts = [self._logits(*pair) for pair in zip(x.split(rows), start.split(rows), strict=True)]
        return torch.cat(parts) if parts else x.new_empty(x.shape)

    def sampler(self, num: int, labels: Int64[Tensor, " N"] | None = None) -> Sampler:
        """Starts pictures; a drawn pixel costs one addition for each hidden unit, its logit one product."""
        return _NADESampler(self, self._start(num, labels))

    def _logits(self, x: Tensor, start: Tensor) -> Tensor:
        terms = x[:, self.order, None] * self.W.T[self.order]  # [N, D, H], in the order
        a = torch.cat([start[:, None], start[:, None] + terms[:, :-1].cumsum(1)], 1)
        logits = (ACTIVATIONS[self.activation](a) * self.V[self.order]).sum(-1) + self.b[self.order]
        return logits[:, self.rank]

    def _start(self, num: int, labels: Int64[Tensor, " N"] | None) -> Tensor:
        one_hot = self.one_hot(labels, num)
        start = self.c.expand(num, -1)
        return start if one_hot is None or self.label_weights is None else start + one_hot @ self.label_weights.T


class _NADESampler:
    def __init__(self, model: NADE, start: Tensor) -> None:
        self.model, self.a, self.place = model, start.clone(), 0

    def next_logits(self) -> Tensor:
        model, pixel = self.model, self.model.order[self.place]
        return ACTIVATIONS[model.activation](self.a) @ model.V[pixel] + model.b[pixel]

    def append(self, values: Tensor) -> None:
        column = self.model.W[:, self.model.order[self.place]]
        self.a = torch.addr(self.a, values.to(column.dtype), column)
        self.place += 1
