"""A NADE that forgets to accumulate, beside the right one; and what likelihood thinks of pictures that look good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from vizcore.autoregressive.baselines import list_pictures
from vizcore.autoregressive.dependencies import dependencies
from vizcore.autoregressive.likelihood import evaluate, log_likelihood
from vizcore.autoregressive.sampling import sample
from vizcore.autoregressive.shipped import load_trained
from vizcore.autoregressive.training import mean_nats
from vizcore.data.binary_digits import load_binary_digits
from vizcore.models.nade import NADE

FEW_PIXELS: Final = 6
HIDDEN: Final = 32
EPOCHS: Final = 6
BATCH: Final = 128


class ForgetfulNADE(NADE):
    """The mistake of widely copied programs: ``a_{i+1} = c + W_{:,i} x_i``, where ``a_i + W_{:,i} x_i`` belongs."""

    def _logits(self, x: Tensor, start: Tensor) -> Tensor:
        terms = x[:, self.order, None] * self.W.T[self.order]  # [N, D, H], in the order
        a = torch.cat([start[:, None], start[:, None] + terms[:, :-1]], 1)  # no sum over the earlier pixels
        return ((torch.relu(a) * self.V[self.order]).sum(-1) + self.b[self.order])[:, self.rank]


@dataclass(frozen=True)
class Checked:
    """What three tests say of a program.

    Attributes:
        total: sum of the probabilities of all pictures of ``FEW_PIXELS`` pixels, random weights.
        seen: how many of the pixels before it the last of these outputs sees, by gradient.
        nats: mean over the unseen 8×8 digits after a short training, the same for both.
    """

    total: float
    seen: int
    nats: float


@dataclass(frozen=True, eq=False)
class Ranked:
    """Likely samples and unlikely real digits.

    Attributes:
        samples: ``[K, D]`` the likeliest of ``num_samples``.
        samples_nats: their mean log-likelihood.
        real: ``[K, D]`` the least likely unseen digits.
        real_nats: theirs.
        num_samples: drawn.
    """

    samples: np.ndarray
    samples_nats: float
    real: np.ndarray
    real_nats: float
    num_samples: int


def compare_forgetful(*, seed: int = 0, epochs: int = EPOCHS) -> dict[str, Checked]:
    """The right NADE and the forgetful one, by ``"nade"`` and ``"forgetful"``: both sum to 1, only one is a NADE."""
    digits = load_binary_digits()
    found = {}
    for name, network in (("nade", NADE), ("forgetful", ForgetfulNADE)):
        few = _random(network, FEW_PIXELS, 10, seed=seed, scale=1.0)
        with torch.no_grad():
            total = float(log_likelihood(few.double(), list_pictures(FEW_PIXELS).double()).exp().sum())
        model = _random(network, digits.ink.shape[1], HIDDEN, seed=seed, scale=0.1)
        _fit(model, digits.pictures("train"), epochs=epochs, seed=seed)
        seen = dependencies(few).sees[-1]
        found[name] = Checked(total, int(seen.sum()), evaluate(model, digits.pictures("test")).nats)
    return found


def rank_pictures(kind: str = "nade", *, num_samples: int = 256, num: int = 8, seed: int = 0) -> Ranked:
    """The likeliest samples of a shipped model, and the real digits that it finds least likely.

    Args:
        kind: of the model.
        num_samples: drawn.
        num: K, shown of each.
        seed: of the samples.

    Raises:
        NotTrainedError: if there is no such model.
    """
    model, _ = load_trained(kind)
    drawn = torch.from_numpy(sample(model, num_samples, seed=seed).pictures)
    real = load_binary_digits().pictures("test")
    with torch.no_grad():
        of_drawn, of_real = log_likelihood(model, drawn), log_likelihood(model, real)
    best, worst = of_drawn.topk(num).indices, of_real.topk(num, largest=False).indices
    return Ranked(
        drawn[best].numpy(),
        float(of_drawn[best].mean()),
        real[worst].to(torch.uint8).numpy(),
        float(of_real[worst].mean()),
        num_samples,
    )


def _random(network: type[NADE], num_pixels: int, hidden: int, *, seed: int, scale: float) -> NADE:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * scale

    return network(draw(hidden, num_pixels), draw(hidden), draw(num_pixels, hidden), draw(num_pixels))


def _fit(model: NADE, x: Tensor, *, epochs: int, seed: int) -> None:
    """A few epochs of Adam, the same for both programs."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    for _ in range(epochs):
        for chosen in torch.randperm(len(x), generator=generator).split(BATCH):
            optimizer.zero_grad()
            mean_nats(model, x[chosen]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
