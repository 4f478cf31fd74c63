"""Classifying with a model of pictures: Bayes over ten likelihoods; and logistic regression, which models labels alone.

``p(y | x) ∝ p(y) Π p(x_i | x_<i, y)``: the label is one more variable, before all pixels.

Reference:
    Andrew Y. Ng, Michael I. Jordan. On Discriminative vs. Generative Classifiers. NIPS 2001.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int64, Num
from torch import Tensor
from torch.nn import functional as F

from vizcore.autoregressive.likelihood import log_likelihood
from vizcore.models.autoregressive import NO_LABELS, AutoregressiveError, PixelModel

NO_EXAMPLE: Final = "Nothing can be learned from no picture."


@dataclass(frozen=True, eq=False)
class Classification:
    """What a model with labels says of pictures.

    Attributes:
        log_likelihoods: ``[N, K]`` log p(x | y), nats.
        log_prior: ``[K]`` log p(y).
        log_evidence: ``[N]`` log p(x) = log Σ_y p(x, y), nats.
        posterior: ``[N, K]`` p(y | x), rows sum to 1.
        labels: ``[N]`` the likeliest.
    """

    log_likelihoods: np.ndarray
    log_prior: np.ndarray
    log_evidence: np.ndarray
    posterior: np.ndarray
    labels: np.ndarray

    def accuracy(self, truth: Int64[Tensor, " N"]) -> float:
        """Share of the pictures whose likeliest label is the true one, NaN without pictures."""
        return float((self.labels == truth.numpy()).mean()) if len(self.labels) else float("nan")


@torch.no_grad()
def classify(
    model: PixelModel, x: Num[Tensor, "N D"], *, log_prior: Float[Tensor, " K"] | None = None
) -> Classification:
    """Bayes' rule over the likelihoods that a model gives a picture under each label.

    Args:
        model: with labels.
        x: pictures of 0 and 1.
        log_prior: log p(y); every label alike if None.

    Raises:
        AutoregressiveError: if the model knows no labels, or a picture is not the model's.
    """
    if not model.num_classes:
        raise AutoregressiveError(NO_LABELS)
    num_classes = model.num_classes
    if log_prior is None:
        log_prior = torch.full((num_classes,), -float(np.log(num_classes)), dtype=torch.float64)
    each = torch.stack([log_likelihood(model, x, torch.full((len(x),), y)) for y in range(num_classes)], 1).double()
    joint = each + log_prior.double()
    evidence = joint.logsumexp(1)
    return Classification(
        log_likelihoods=each.numpy(),
        log_prior=log_prior.double().numpy(),
        log_evidence=evidence.numpy(),
        posterior=(joint - evidence[:, None]).exp().numpy(),
        labels=joint.argmax(1).numpy(),
    )


def log_prior_of(labels: Int64[Tensor, " N"], *, num_classes: int = 10) -> Float[Tensor, " K"]:
    """Log of how often each label occurs, each counted once more."""
    counts = torch.bincount(labels, minlength=num_classes).double() + 1
    return (counts / counts.sum()).log()


@dataclass(frozen=True, eq=False)
class LogisticRegression:
    """A multinomial logistic regression.

    Attributes:
        weights: ``[K, D]``.
        biases: ``[K]``.
    """

    weights: Tensor
    biases: Tensor

    def posterior(self, x: Num[Tensor, "N D"]) -> Float[Tensor, "N K"]:
        """p(y | x), rows sum to 1."""
        return (x.to(self.weights.dtype) @ self.weights.T + self.biases).softmax(1)

    def accuracy(self, x: Num[Tensor, "N D"], labels: Int64[Tensor, " N"]) -> float:
        """Share of the pictures whose likeliest label is the true one."""
        return float((self.posterior(x).argmax(1) == labels).double().mean())


def fit_logistic_regression(
    x: Num[Tensor, "N D"], labels: Int64[Tensor, " N"], *, num_classes: int = 10, penalty: float = 1.0
) -> LogisticRegression:
    """Fits by L-BFGS, in float64, until nothing moves.

    Args:
        x: pictures, or any features.
        labels: from 0.
        num_classes: K.
        penalty: factor on half the squared weights (biases are free), beside the sum of the pictures' cross-entropies.

    Raises:
        AutoregressiveError: without a picture.
    """
    if len(x) == 0:
        raise AutoregressiveError(NO_EXAMPLE)
    x = x.double()
    weights = torch.zeros(num_classes, x.shape[1], dtype=torch.float64, requires_grad=True)
    biases = torch.zeros(num_classes, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weights, biases],
        max_iter=500,
        history_size=20,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-7,
        tolerance_change=1e-12,
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(x @ weights.T + biases, labels) + penalty / (2 * len(x)) * weights.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[arg-type]
    return LogisticRegression(weights.detach(), biases.detach())
