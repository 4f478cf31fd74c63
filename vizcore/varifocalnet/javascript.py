"""The three losses and the star as the browser runs them under a hand."""

from __future__ import annotations

import torch
from torch import Tensor

from vizcore import browser
from vizcore.varifocalnet.curves import loss_of_score
from vizcore.varifocalnet.losses import LOSSES, check_weights


def compile_losses(*, alpha: float, gamma: float) -> str:
    """``focal(p, q)``, ``quality_focal(p, q)`` and ``varifocal(p, q)``, each with its gradient by p.

    Args:
        alpha: weight of negatives.
        gamma: exponent.

    Raises:
        VarifocalNetError: A weight is negative.
    """
    check_weights(alpha, gamma)
    examples = tuple(torch.tensor([a, a / 2], dtype=torch.float64) for a in (0.6, 0.5))

    def of(kind: str) -> str:
        def loss(p: Tensor, q: Tensor) -> Tensor:
            return loss_of_score(kind, p, q, alpha=alpha, gamma=gamma)

        return browser.to_javascript(loss, examples, name=kind, gradient_inputs=(0,), argument_names=("p", "q"))

    return "\n".join(of(kind) for kind in LOSSES)
