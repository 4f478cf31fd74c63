"""The concept by names and plain values: what a page or a notebook asks, without a model or a tensor in its hands.

Pixels are written as text in raster order: ``1`` ink, ``0`` paper, ``.`` still to be drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Int64, UInt8
from torch import Tensor

from vizcore.autoregressive.classification import (
    Classification,
    LogisticRegression,
    classify,
    fit_logistic_regression,
    log_prior_of,
)
from vizcore.autoregressive.comparison import PixelCosts, measure
from vizcore.autoregressive.dependencies import Dependencies, dependencies
from vizcore.autoregressive.likelihood import PictureLikelihood, explain_likelihood, log_likelihood
from vizcore.autoregressive.orders import pixel_order
from vizcore.autoregressive.sampling import (
    FREE,
    Progress,
    SampleOutput,
    SamplingTrace,
    flip_pixel,
    sample,
    trace_sampling,
)
from vizcore.autoregressive.script import write_autoregressive_script
from vizcore.autoregressive.shipped import PixelCard, find_trained, load_trained
from vizcore.autoregressive.training import build
from vizcore.data.binary_digits import BinaryDigits, load_binary_digits
from vizcore.models.autoregressive import NOT_BINARY, WRONG_SHAPE, AutoregressiveError, PixelModel
from vizcore.models.made import MADE
from vizcore.models.pixelcnn import GatedPixelCNN, PixelCNN
from vizcore.packing import pack

SIZES: Final = {"digits": (8, 8), "mnist": (28, 28)}
LEAK_KINDS: Final = ("made", "made_leak", "pixelcnn", "gated_pixelcnn")
"""Networks whose leak test is a picture; ``made_leak`` has ≤ in its last mask where < belongs."""
_PACKAGE: Final = Path(__file__).resolve().parents[1]
REFERENCE_PICTURES: Final = {"digits": (None, None), "mnist": (5000, 1000)}
"""Pictures that logistic regression learns from and is tested on; None for all."""
_MARKS: Final = {"0": 0, "1": 1, ".": FREE}


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture in the making, and the one that the same random numbers give when nothing is prescribed.

    Attributes:
        trace: the run.
        free: ``[D]`` uint8: the picture without prescribed pixels.
    """

    trace: SamplingTrace
    free: UInt8[np.ndarray, " D"]

    @property
    def changed(self) -> Bool[np.ndarray, " D"]:
        """``[D]`` bool: which pixels came out otherwise than in the free picture."""
        return np.asarray(self.trace.picture != self.free)

    @property
    def followers(self) -> int:
        """How many pixels that were drawn, not prescribed, came out otherwise."""
        return int((self.changed & ~self.trace.forced).sum())


@dataclass(frozen=True, eq=False)
class ModelRow:
    """One model of the comparison.

    Attributes:
        card: what is known of it.
        costs: counted, and measured on this computer.
        samples: some of its pictures.
    """

    card: PixelCard
    costs: PixelCosts
    samples: SampleOutput


@dataclass(frozen=True, eq=False)
class Reference:
    """A model of labels alone, to compare with.

    Attributes:
        regression: logistic regression.
        accuracy: share of the test pictures that it labels rightly.
        num_train: pictures that it learned from.
    """

    regression: LogisticRegression
    accuracy: float
    num_train: int

    def posterior(self, picture: str) -> list[float]:
        """p(label | picture), the picture as text.

        Raises:
            AutoregressiveError: if it is none of the size that was learned.
        """
        x = read_pixels(picture, self.regression.weights.shape[1])
        return [float(value) for value in self.regression.posterior(x[None])[0]]


def read_pixels(text: str, num_pixels: int, *, free: bool = False) -> Int64[Tensor, " D"]:
    """Pixels from their text.

    Args:
        text: see above.
        num_pixels: D.
        free: whether ``.`` is allowed.

    Raises:
        AutoregressiveError: for another length or another character.
    """
    for mark in text:
        if mark not in _MARKS or (mark == "." and not free):
            raise AutoregressiveError(NOT_BINARY, value=mark)
    if len(text) != num_pixels:
        raise AutoregressiveError(WRONG_SHAPE, expected=num_pixels, found=len(text))
    return torch.tensor([_MARKS[mark] for mark in text])


def write_pixels(values: Iterable[float]) -> str:
    """Pixels as text."""
    marks = {value: mark for mark, value in _MARKS.items()}
    return "".join(marks[int(value)] for value in values)


def draw_picture(
    kind: str,
    *,
    data: str = "digits",
    order: str = "raster",
    label: int | None = None,
    seed: int = 0,
    temperature: float = 1.0,
    given: str = "",
    num_futures: int = 0,
    on_progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> Drawing:
    """Draws a picture with a trained model and records it.

    Args:
        kind: of the model.
        data: that it was trained on.
        order: in which it draws.
        label: which digit; None for a model that was trained without labels.
        seed: of the random numbers.
        temperature: see :func:`sample`.
        given: prescribed pixels as text; empty for none.
        num_futures: see :func:`trace_sampling`.
        on_progress: see :func:`sample`.
        is_cancelled: see :func:`sample`.

    Raises:
        NotTrainedError: if there is no such model.
        SamplingCancelledError: if ``is_cancelled`` said so.
        AutoregressiveError: for pixels or a temperature that cannot be used.
    """
    model, card = load_trained(kind, data=data, order=order, with_labels=label is not None)
    prescribed = read_pixels(given, model.num_pixels, free=True) if given else None
    runs = 1 if prescribed is None else 2

    def told(run: int) -> Progress:
        return lambda done, total: on_progress and on_progress(run * total + done, runs * total)

    trace = trace_sampling(
        model,
        seed,
        size=card.size,
        label=label,
        temperature=temperature,
        given=prescribed,
        num_futures=num_futures,
        on_progress=told(0),
        is_cancelled=is_cancelled,
    )
    if prescribed is None:
        return Drawing(trace, trace.picture)
    free = trace_sampling(
        model,
        seed,
        size=card.size,
        label=label,
        temperature=temperature,
        on_progress=told(1),
        is_cancelled=is_cancelled,
    )
    return Drawing(trace, free.picture)


def flipped(trace: SamplingTrace, pixel: int) -> str:
    """What to prescribe to see a pixel flipped and everything after it drawn anew, as text.

    Raises:
        IndexError: if there is no such pixel.
    """
    return write_pixels(flip_pixel(trace, pixel).tolist())


def keep_upper_half(picture: str, size: tuple[int, int]) -> str:
    """The upper half of a picture prescribed, the rest free."""
    kept = size[0] // 2 * size[1]
    return picture[:kept] + "." * (len(picture) - kept)


def complete_picture(
    kind: str,
    given: str,
    *,
    num: int = 16,
    data: str = "digits",
    order: str = "raster",
    label: int | None = None,
    seed: int = 0,
    temperature: float = 1.0,
    on_progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> SampleOutput:
    """Many pictures around the same prescribed pixels; arguments and errors are :func:`draw_picture`'s."""
    model, _ = load_trained(kind, data=data, order=order, with_labels=label is not None)
    labels = None if label is None else torch.full((num,), label)
    prescribed = read_pixels(given, model.num_pixels, free=True) if given else None
    return sample(
        model,
        num,
        seed=seed,
        labels=labels,
        temperature=temperature,
        given=prescribed,
        on_progress=on_progress,
        is_cancelled=is_cancelled,
    )


def unseen_picture(place: int, *, data: str = "digits") -> tuple[str, int]:
    """A picture that no training has seen, as text, and its label; places go round."""
    digits = load_binary_digits(data, num_train=0)
    index = int(digits.test[place % len(digits.test)])
    return write_pixels((digits.ink[index] >= 0.5).long().tolist()), int(digits.labels[index])


def explain_picture(kind: str, picture: str, *, data: str = "digits", order: str = "raster") -> PictureLikelihood:
    """A picture's likelihood under a trained model, pixel by pixel.

    Raises:
        NotTrainedError: if there is no such model.
        AutoregressiveError: if the picture is not the model's.
    """
    model, _ = load_trained(kind, data=data, order=order)
    return explain_likelihood(model, read_pixels(picture, model.num_pixels))


def classify_picture(kind: str, picture: str, *, data: str = "digits") -> Classification:
    """The label of a picture by Bayes' rule over ten likelihoods; errors are :func:`explain_picture`'s."""
    model, _ = load_trained(kind, data=data, with_labels=True)
    prior = log_prior_of(_reference_digits(data).labels_of("train"))
    return classify(model, read_pixels(picture, model.num_pixels)[None], log_prior=prior)


def fit_reference(data: str = "digits") -> Reference:
    """Fits logistic regression on pictures that the models learned from, and tests it on unseen ones.

    Of MNIST it takes the ``REFERENCE_PICTURES``: all of them would take minutes.
    """
    digits = _reference_digits(data)
    regression = fit_logistic_regression(digits.pictures("train"), digits.labels_of("train"))
    accuracy = regression.accuracy(digits.pictures("test"), digits.labels_of("test"))
    return Reference(regression, accuracy, len(digits.train))


def unseen_likelihoods(kind: str, *, data: str = "digits") -> np.ndarray:
    """``[E]`` log-likelihood of each test picture under a trained model, nats."""
    model, _ = load_trained(kind, data=data)
    with torch.no_grad():
        return log_likelihood(model, load_binary_digits(data, num_train=0).pictures("test")).double().numpy()


def compare_model(
    kind: str,
    *,
    data: str = "digits",
    seed: int = 0,
    num: int = 16,
    timed: bool = True,
    is_cancelled: Callable[[], bool] | None = None,
) -> ModelRow:
    """A trained model's figures: what is known of it, what it costs here, some pictures.

    Raises:
        NotTrainedError: if there is no such model.
        SamplingCancelledError: if ``is_cancelled`` said so.
    """
    model, card = load_trained(kind, data=data)
    pictures = sample(model, num, seed=seed, is_cancelled=is_cancelled)
    return ModelRow(card, measure(model, timed=timed, is_cancelled=is_cancelled), pictures)


def _reference_digits(data: str) -> BinaryDigits:
    num_train, num_test = REFERENCE_PICTURES[data]
    return load_binary_digits(data, num_train=num_train, num_test=num_test)


def leak_test(
    kind: str,
    *,
    size: tuple[int, int] = (8, 8),
    order: str = "raster",
    layers: int = 2,
    kernel: int = 3,
    output: int | None = None,
) -> Dependencies:
    """What each output of an untrained network sees, by gradient: masks decide it, weights do not.

    Args:
        kind: one of ``LEAK_KINDS``.
        size: (height, width) of the picture.
        order: of the pixels.
        layers: masked convolutions of a PixelCNN; MADE has one hidden layer.
        kernel: of the convolutions.
        output: the only one that is tested; None for all, which takes as many gradients as there are pixels.

    Raises:
        AutoregressiveError: for what the network itself refuses.
    """
    probes = 2 if output is None or kind.endswith("pixelcnn") else 8  # so that hardly a unit is off in all of them
    return dependencies(_network(kind, size, order, layers, kernel), probes=probes, output=output)


def made_masks(*, size: tuple[int, int] = (8, 8), order: str = "raster", hidden: int = 96) -> tuple[np.ndarray, ...]:
    """The masks of a MADE with one hidden layer, bool, its units sorted by how many pixels they see.

    Raises:
        AutoregressiveError: without a hidden unit.
    """
    model = MADE(size[0] * size[1], (hidden,), order=pixel_order(order, size))
    first, last = (mask.numpy() for mask in model.masks())
    sorted_units = np.argsort(first.sum(1), kind="stable")
    return first[sorted_units], last[:, sorted_units]


def _network(kind: str, size: tuple[int, int], order: str, layers: int, kernel: int) -> PixelModel:
    chosen = pixel_order(order, size)
    if kind in ("made", "made_leak"):
        num_pixels = size[0] * size[1]  # four units a pixel: hardly a degree that no unit has
        return MADE(num_pixels, (4 * num_pixels,), order=chosen, leak=kind == "made_leak")
    if kind in ("pixelcnn", "gated_pixelcnn"):
        network = PixelCNN if kind == "pixelcnn" else GatedPixelCNN
        return network(size, layers=layers, kernel=kernel, channels=16, order=chosen)
    return build(kind, size, order=chosen)


def card_of(kind: str, *, data: str = "digits", order: str = "raster", with_labels: bool = False) -> PixelCard:
    """What is known of a trained model.

    Raises:
        NotTrainedError: if there is no such model.
    """
    return load_trained(kind, data=data, order=order, with_labels=with_labels)[1]


def write_picture_script(
    kind: str, picture: str, *, data: str = "digits", order: str = "raster", label: int | None = None
) -> str:
    """The program that prints a picture's log-likelihood, with the path of the weights as this project has them.

    Raises:
        NotTrainedError: if there is no such model.
        AutoregressiveError: if the picture is not the model's.
    """
    card = card_of(kind, data=data, order=order, with_labels=label is not None)
    path = find_trained(kind, data=data, order=order, with_labels=label is not None)
    assert path is not None  # the card was read from beside it
    shipped = path.is_relative_to(_PACKAGE)
    pixels = read_pixels(picture, card.size[0] * card.size[1]).tolist()
    weights = path.relative_to(_PACKAGE.parent).as_posix() if shipped else str(path)
    place = "# Run this in the project's folder: the weights lie there.\n" if shipped else ""
    return place + write_autoregressive_script(card, pixels, weights=weights, label=label)


def likelihood_rows(
    kind: str, picture: str, *, data: str = "digits", order: str = "raster", label: int | None = None
) -> list[dict[str, float]]:
    """A picture's likelihood as rows, one a pixel, in drawing order."""
    model, card = load_trained(kind, data=data, order=order, with_labels=label is not None)
    found = explain_likelihood(model, read_pixels(picture, model.num_pixels), label=label)
    width = card.size[1]
    return [
        {
            "step": step,
            "row": int(pixel) // width,
            "column": int(pixel) % width,
            "ink": int(found.picture[pixel]),
            "probability_of_ink": float(found.probabilities[pixel]),
            "log_probability_nats": float(found.log_probabilities[pixel]),
        }
        for step, pixel in enumerate(found.order)
    ]


def pack_dependencies(found: Dependencies) -> bytes:
    """What the outputs see, for the browser: ``sees`` and ``allowed`` of 0 and 1, and ``order`` ``[D]``.

    Both are ``[D, D]``, and ``[1, D]`` where one output was tested.
    """
    tested = slice(None) if found.output is None else slice(found.output, found.output + 1)
    return pack(
        {
            "sees": found.sees[tested].astype(np.uint8),
            "allowed": found.allowed[tested].astype(np.uint8),
            "order": found.order.astype(np.uint32),
        }
    )


def dependency_rows(found: Dependencies) -> list[dict[str, int]]:
    """What each tested output sees as rows: how many pixels before it, how many are missing, how many are leaks."""
    return [
        {
            "output": output,
            "seen": int((found.sees & found.allowed)[output].sum()),
            "missing": int(found.missing[output].sum()),
            "leaks": int(found.leaks[output].sum()),
        }
        for output in (range(len(found.order)) if found.output is None else (found.output,))
    ]


def count_costs(kind: str, *, data: str = "digits") -> PixelCosts:
    """A trained model's counted costs; nothing is measured.

    Raises:
        NotTrainedError: if there is no such model.
    """
    return measure(load_trained(kind, data=data)[0], timed=False)


def pack_masks(*, size: tuple[int, int] = (8, 8), order: str = "raster", hidden: int = 48) -> bytes:
    """:func:`made_masks` for the browser: ``first`` ``[H, D]``, ``last`` ``[D, H]`` of 0 and 1, ``order`` ``[D]``."""
    first, last = made_masks(size=size, order=order, hidden=hidden)
    return pack(
        {
            "first": first.astype(np.uint8),
            "last": last.astype(np.uint8),
            "order": pixel_order(order, size).numpy().astype(np.uint32),
        }
    )
