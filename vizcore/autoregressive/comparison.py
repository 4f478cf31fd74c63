"""What each model pays: parameters, multiply-adds of a likelihood and of a sample, and the milliseconds of both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vizcore.autoregressive.likelihood import log_likelihood
from vizcore.autoregressive.sampling import sample
from vizcore.costs import count, count_parameters
from vizcore.models.autoregressive import PixelModel
from vizcore.models.fvsbn import FVSBN
from vizcore.models.nade import NADE


@dataclass(frozen=True)
class PixelCosts:
    """What a model takes for one picture.

    Attributes:
        parameters: of the model.
        likelihood_multiply_adds: of a picture's likelihood; products with a mask's zeros count, for they are made.
        naive_multiply_adds: of a sample by the plain loop: D times the likelihood's.
        sample_multiply_adds: of a sample that computes nothing twice.
        likelihood_milliseconds: median, of one picture; NaN if it was not measured.
        sample_milliseconds: median, of one sample; NaN if it was not measured.
        naive_milliseconds: of one sample by the plain loop; NaN if it was not measured.
    """

    parameters: int
    likelihood_multiply_adds: int
    naive_multiply_adds: int
    sample_multiply_adds: int
    likelihood_milliseconds: float
    sample_milliseconds: float
    naive_milliseconds: float

    @property
    def speed_up(self) -> float:
        """How many times faster than the plain loop a sample is, measured."""
        return self.naive_milliseconds / self.sample_milliseconds


class _Sampled(nn.Module):
    """A sample as a module, for the counter."""

    def __init__(self, model: PixelModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        labels = torch.zeros(len(x), dtype=torch.int64) if self.model.num_classes else None
        sampler = self.model.sampler(len(x), labels)
        for pixel in self.model.order.tolist():
            logits = sampler.next_logits()
            sampler.append(x[:, pixel])
        return logits


@torch.no_grad()
def measure(
    model: PixelModel,
    *,
    repeats: int = 3,
    timed: bool = True,
    is_cancelled: Callable[[], bool] | None = None,
) -> PixelCosts:
    """Counts and measures a model.

    Args:
        model: any.
        repeats: measurements, of which the median is told; the first run is not measured.
        timed: False counts only.
        is_cancelled: asked before each pixel of a measured sample.

    Raises:
        SamplingCancelledError: if ``is_cancelled`` said so.
    """
    x = torch.zeros(1, model.num_pixels, dtype=model.dtype)
    labels = torch.zeros(1, dtype=torch.int64) if model.num_classes else None
    seen = count(model, x, labels) if labels is not None else count(model, x)
    unseen_likelihood, unseen_sample = _count_elementwise(model)
    likelihood = seen.multiply_adds + unseen_likelihood
    once = count(_Sampled(model), x).multiply_adds + unseen_sample

    def median(run: Callable[[], object]) -> float:
        if not timed:
            return float("nan")
        run()
        seconds = []
        for _ in range(repeats):
            started = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - started)
        return 1000 * statistics.median(seconds)

    return PixelCosts(
        parameters=count_parameters(model),
        likelihood_multiply_adds=likelihood,
        naive_multiply_adds=likelihood * model.num_pixels,
        sample_multiply_adds=once,
        likelihood_milliseconds=median(lambda: log_likelihood(model, x, labels)),
        sample_milliseconds=median(lambda: sample(model, 1, labels=labels, is_cancelled=is_cancelled)),
        naive_milliseconds=median(
            lambda: sample(model, 1, labels=labels, incremental=False, is_cancelled=is_cancelled)
        ),
    )


def _count_elementwise(model: PixelModel) -> tuple[int, int]:
    """Multiply-adds of a likelihood and of a sample that are no matrix products, which the counter does not see."""
    if isinstance(model, FVSBN):
        return 0, model.num_pixels**2  # each drawn pixel is added to all logits
    if isinstance(model, NADE):
        accumulated = model.W.numel()  # each drawn pixel is added to the hidden units
        return accumulated + model.V.numel(), accumulated
    return 0, 0
