"""The fully visible sigmoid belief network: each pixel a logistic regression on the pixels before it.

Reference:
    Radford M. Neal. Connectionist learning of belief networks. Artificial Intelligence 56, 1992. Brendan J. Frey,
    Geoffrey E. Hinton, Peter Dayan. Does the wake-sleep algorithm produce good density estimators? NIPS 1996.

    Ours takes a label, where there is one, as one more variable before all pixels, coded one-hot.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from vizcore.models.autoregressive import PixelModel, Sampler, require_finite, require_shape


class FVSBN(PixelModel):
    """``p_i = σ(b_i + Σ_{j before i} W_ij x_j)``."""

    def __init__(
        self,
        weights: Float[Tensor, "D D"],
        biases: Float[Tensor, " D"],
        label_weights: Float[Tensor, "D K"] | None = None,
        *,
        order: Sequence[int] | Int64[Tensor, " D"] | None = None,
    ) -> None:
        """Takes the weights as they are.

        Args:
            weights: from pixel j (column) to pixel i (row); entries of pixels not before i are never used.
            biases: logits of pixels that see nothing.
            label_weights: what each label adds to each logit.
            order: the pixel drawn first, second, …; raster if None.

        Raises:
            AutoregressiveError: without a pixel, with weights that do not fit or are not finite.
        """
        num_classes = 0 if label_weights is None else label_weights.shape[-1]
        super().__init__(len(biases), order=order, num_classes=num_classes)
        require_shape("weights", weights, (self.num_pixels, self.num_pixels))
        require_finite(weights=weights, biases=biases)
        self.weights = nn.Parameter(weights.detach().clone())
        self.biases = nn.Parameter(biases.detach().clone())
        self.label_weights = None if label_weights is None else nn.Parameter(label_weights.detach().clone())

    def forward(self, x: Float[Tensor, "N D"], labels: Int64[Tensor, " N"] | None = None) -> Float[Tensor, "N D"]:
        """Logit of each pixel being 1 given the pixels before it."""
        return x @ (self.weights * self.before).T + self._base(len(x), labels)

    def sampler(self, num: int, labels: Int64[Tensor, " N"] | None = None) -> Sampler:
        """Starts pictures; a drawn pixel is added to the logits of all later ones at once."""
        return _FVSBNSampler(self, self._base(num, labels))

    def _base(self, num: int, labels: Int64[Tensor, " N"] | None) -> Tensor:
        one_hot = self.one_hot(labels, num)
        base = self.biases.expand(num, -1)
        return base if one_hot is None or self.label_weights is None else base + one_hot @ self.label_weights.T


class _FVSBNSampler:
    def __init__(self, model: FVSBN, base: Tensor) -> None:
        self.order, self.place = model.order, 0
        self.columns = (model.weights * model.before).T
        self.logits = base.clone()

    def next_logits(self) -> Tensor:
        return self.logits[:, self.order[self.place]]

    def append(self, values: Tensor) -> None:
        column = self.columns[self.order[self.place]]
        self.logits = torch.addr(self.logits, values.to(column.dtype), column)
        self.place += 1
