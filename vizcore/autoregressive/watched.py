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
from vizcore.autoregressive.training import SHORT_NUM_TEST, SHORT_NUM_TRAIN, SHORT_RECIPES, EpochReport, train
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
        size: (height, width) of the pictures.
        num_train: pictures that it learns from or keeps back.
    """

    kind: str
    binarisation: str
    reports: tuple[EpochReport, ...]
    samples: SampleOutput
    test: Evaluation | None = None
    cancelled: bool = False
    seconds: float = 0.0
    size: tuple[int, int] = (8, 8)
    num_train: int = 0


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
        data: what it learns from; of MNIST a few thousand pictures with the kind's ``SHORT_RECIPES``.
        binarisation: ``"fixed"`` or ``"dynamic"``.
        seed: of weights and batches.
        epochs: the recipe's if None.
        on_view: told after each epoch.
        is_cancelled: asked after each step; what was learned until then stays.

    Raises:
        AutoregressiveError: for an unknown kind.
        MNISTError: if MNIST is asked for and is not here.
    """
    short = data == "mnist"
    digits = load_binary_digits(
        data,
        binarisation=binarisation,
        num_train=SHORT_NUM_TRAIN.get(kind) if short else None,
        num_test=SHORT_NUM_TEST if short else None,
    )
    num_train = len(digits.train) + len(digits.validation)
    reports: list[EpochReport] = []
    samples: list[SampleOutput] = []

    def told(report: EpochReport) -> None:
        last = report.epoch == report.epochs
        if not samples or last or report.epoch % EVERY == 0:
            samples[:] = [sample(report.model, NUM_SAMPLES, seed=seed)]
        reports.append(report)
        if on_view:
            shown = _without_models(reports)
            on_view(
                TrainingView(
                    kind,
                    binarisation,
                    shown,
                    samples[0],
                    seconds=report.seconds,
                    size=digits.size,
                    num_train=num_train,
                )
            )

    recipe = SHORT_RECIPES.get(kind) if short else None
    ended = train(kind, digits, seed=seed, recipe=recipe, epochs=epochs, on_epoch=told, is_cancelled=is_cancelled)
    return TrainingView(
        kind,
        binarisation,
        _without_models(reports),
        sample(ended.model, NUM_SAMPLES, seed=seed),
        evaluate(ended.model, digits.pictures("test")),
        ended.cancelled,
        ended.seconds,
        digits.size,
        num_train,
    )


def _without_models(reports: list[EpochReport]) -> tuple[EpochReport, ...]:
    """The reports with one and the same untrained placeholder: a history must not keep sixty networks alive."""
    return tuple(replace(report, model=_NOTHING) for report in reports)


def look_at_digit(
    place: int, *, data: str = "digits", draws: int = 3
) -> tuple[Float[np.ndarray, "H W"], tuple[np.ndarray, ...]]:
    """A test digit's ink from 0 to 1, its fixed binarisation, and some dynamic ones."""
    digits = load_binary_digits(data, num_train=0)
    index = digits.test[place % len(digits.test)]
    ink = digits.ink[index][None]
    drawn = [binarise(ink, "fixed"), *(binarise(ink, "dynamic", seed=seed) for seed in range(draws))]
    return ink.reshape(digits.size).numpy(), tuple(picture.reshape(digits.size).numpy() for picture in drawn)


def evaluate_both(kind: str, *, data: str = "digits", num_test: int | None = None) -> dict[str, Evaluation]:
    """A trained model on the unseen pictures, by their binarisation: two figures that must not be compared.

    Args:
        kind: of the model.
        data: that it was trained on.
        num_test: at most so many pictures.

    Raises:
        NotTrainedError: if there is no such model.
        MNISTError: if MNIST is asked for and is not here.
    """
    model, _ = load_trained(kind, data=data)
    return {
        name: evaluate(
            model, load_binary_digits(data, binarisation=name, num_train=0, num_test=num_test).pictures("test")
        )
        for name in BINARISATIONS
    }
