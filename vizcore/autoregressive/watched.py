"""A training that is watched, data that are looked at, and figures that cannot be compared, by names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float

from vizcore.autoregressive.likelihood import Evaluation, evaluate
from vizcore.autoregressive.sampling import SampleOutput, sample
from vizcore.autoregressive.shipped import load_trained
from vizcore.autoregressive.training import EpochReport, train
from vizcore.data.binary_digits import BINARISATIONS, binarise, load_binary_digits
from vizcore.models.autoregressive import PixelModel

NUM_SAMPLES: Final = 16
EVERY: Final = 5
"""Epochs between two looks at the samples."""
_NOTHING: Final = PixelModel(1)


@dataclass(frozen=True, eq=False)
class TrainingView:
    """What there is to see of a training, while it runs and when it has ended.

    Attributes:
        kind: of the model.
        binarisation: of what it learns from and is judged by.
        reports: of each epoch so far, without the models.
        samples: pictures that the newest model looked at draws, always with the same random numbers.
        test: mean over the unseen pictures; None until the training has ended.
        cancelled: whether the reader stopped it.
        seconds: since the start.
    """

    kind: str
    binarisation: str
    reports: tuple[EpochReport, ...]
    samples: SampleOutput
    test: Evaluation | None = None
    cancelled: bool = False
    seconds: float = 0.0


def watch_training(
    kind: str,
    *,
    data: str = "digits",
    binarisation: str = "fixed",
    seed: int = 0,
    epochs: int | None = None,
    on_view: Callable[[TrainingView], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> TrainingView:
    """Trains a model and tells how it stands after each epoch.

    Args:
        kind: of the model.
        data: what it learns from.
        binarisation: ``"fixed"`` or ``"dynamic"``.
        seed: of weights and batches.
        epochs: the recipe's if None.
        on_view: told after each epoch.
        is_cancelled: asked after each step; what was learned until then stays.

    Raises:
        AutoregressiveError: for an unknown kind.
    """
    digits = load_binary_digits(data, binarisation=binarisation)
    reports: list[EpochReport] = []
    samples: list[SampleOutput] = []

    def told(report: EpochReport) -> None:
        last = report.epoch == report.epochs
        if not samples or last or report.epoch % EVERY == 0:
            samples[:] = [sample(report.model, NUM_SAMPLES, seed=seed)]
        reports.append(report)
        if on_view:
            on_view(TrainingView(kind, binarisation, _without_models(reports), samples[0], seconds=report.seconds))

    ended = train(kind, digits, seed=seed, epochs=epochs, on_epoch=told, is_cancelled=is_cancelled)
    return TrainingView(
        kind,
        binarisation,
        _without_models(reports),
        sample(ended.model, NUM_SAMPLES, seed=seed),
        evaluate(ended.model, digits.pictures("test")),
        ended.cancelled,
        ended.seconds,
    )


def _without_models(reports: list[EpochReport]) -> tuple[EpochReport, ...]:
    """The reports with one and the same untrained placeholder: a history must not keep sixty networks alive."""
    return tuple(replace(report, model=_NOTHING) for report in reports)


def look_at_digit(
    place: int, *, data: str = "digits", draws: int = 3
) -> tuple[Float[np.ndarray, "H W"], tuple[np.ndarray, ...]]:
    """A test digit's ink from 0 to 1, its fixed binarisation, and some dynamic ones."""
    digits = load_binary_digits(data)
    index = digits.test[place % len(digits.test)]
    ink = digits.ink[index][None]
    drawn = [binarise(ink, "fixed"), *(binarise(ink, "dynamic", seed=seed) for seed in range(draws))]
    return ink.reshape(digits.size).numpy(), tuple(picture.reshape(digits.size).numpy() for picture in drawn)


def evaluate_both(kind: str, *, data: str = "digits") -> dict[str, Evaluation]:
    """A trained model on the unseen pictures, by their binarisation: two figures that must not be compared.

    Raises:
        NotTrainedError: if there is no such model.
    """
    model, _ = load_trained(kind, data=data)
    return {
        name: evaluate(model, load_binary_digits(data, binarisation=name).pictures("test")) for name in BINARISATIONS
    }
