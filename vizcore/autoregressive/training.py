"""Training any of the models while a reader watches: epochs with a report after each, and a way to stop.

The epoch with the best likelihood of the kept-back pictures wins; the test pictures decide nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor, nn

from vizcore.autoregressive.baselines import IndependentPixels, fit_independent
from vizcore.autoregressive.likelihood import log_likelihood, pixel_log_probabilities
from vizcore.autoregressive.orders import pixel_order
from vizcore.data.binary_digits import NUM_CLASSES, BinaryDigits
from vizcore.models.autoregressive import AutoregressiveError, PixelModel
from vizcore.models.fvsbn import FVSBN
from vizcore.models.made import MADE
from vizcore.models.nade import NADE
from vizcore.models.pixelcnn import GatedPixelCNN, PixelCNN

KINDS: Final = ("independent", "fvsbn", "nade", "made", "pixelcnn", "gated_pixelcnn")
UNKNOWN_KIND: Final = "{kind} is no model here; choose one of {kinds}."


@dataclass(frozen=True)
class Recipe:
    """How a model is trained on 8×8 digits.

    Attributes:
        epochs: passes over the pictures.
        learning_rate: the greatest, of AdamW; it falls to zero along half a cosine.
        weight_decay: of AdamW, on everything with two dimensions.
        batch_size: pictures a step.
        hidden: units of NADE and MADE, channels of the PixelCNNs.
        layers: masked convolutions, hidden layers of MADE.
        kernel: of the convolutions.
        num_masks: sets of masks that MADE goes through, one a step.
    """

    epochs: int
    learning_rate: float
    weight_decay: float
    batch_size: int = 64
    hidden: int = 0
    layers: int = 1
    kernel: int = 3
    num_masks: int = 1


RECIPES: Final = {
    "independent": Recipe(0, 0.0, 0.0),
    "fvsbn": Recipe(60, 2e-2, 1e-1),
    "nade": Recipe(40, 5e-3, 5e-2, hidden=128),
    "made": Recipe(60, 5e-3, 5e-2, hidden=256),
    "pixelcnn": Recipe(15, 1e-2, 3e-1, hidden=32, layers=2, kernel=7),
    "gated_pixelcnn": Recipe(15, 3e-2, 3e-1, hidden=16, layers=2, kernel=9),
}

SHORT_RECIPES: Final = {
    "fvsbn": Recipe(12, 5e-3, 1e-3, batch_size=50),
    "nade": Recipe(6, 5e-3, 1e-3, batch_size=50, hidden=64),
    "made": Recipe(12, 5e-3, 1e-3, batch_size=50, hidden=400),
    "pixelcnn": Recipe(6, 1e-2, 1e-3, batch_size=25, hidden=12, layers=3, kernel=5),
    "gated_pixelcnn": Recipe(5, 1e-2, 1e-3, batch_size=25, hidden=8, layers=3, kernel=5),
}
"""Trainings on a few of MNIST's pictures that end within half a minute; the command's take hours."""
SHORT_NUM_TRAIN: Final = {"fvsbn": 5000, "nade": 3000, "made": 5000, "pixelcnn": 1500, "gated_pixelcnn": 1500}
"""Of MNIST's 60,000 pictures, those that such a training learns from and keeps back."""
SHORT_NUM_TEST: Final = 500


@dataclass(frozen=True)
class EpochReport:
    """What there is to see after an epoch.

    Attributes:
        epoch: passes made, from 1.
        epochs: passes planned.
        train_nats: mean negative log-likelihood during the pass, nats for a picture.
        validation_nats: of the kept-back pictures after it.
        best_nats: least validation so far.
        seconds: since the start.
        model: as it is now, in eval mode, to draw samples from; not to be kept.
    """

    epoch: int
    epochs: int
    train_nats: float
    validation_nats: float
    best_nats: float
    seconds: float
    model: PixelModel


@dataclass(frozen=True, eq=False)
class TrainedPixels:
    """How a training ended.

    Attributes:
        kind: of the model.
        model: the best epoch's, in eval mode.
        reports: of each epoch, without the models.
        cancelled: True if it was stopped; the best so far is kept.
        seconds: in all.
    """

    kind: str
    model: PixelModel
    reports: tuple[EpochReport, ...]
    cancelled: bool
    seconds: float


def build(
    kind: str,
    size: tuple[int, int],
    *,
    order: Tensor | None = None,
    num_classes: int = 0,
    seed: int = 0,
    recipe: Recipe | None = None,
) -> PixelModel:
    """An untrained model; the same seed gives the same weights.

    Raises:
        AutoregressiveError: for an unknown kind, or what the model itself refuses.
    """
    recipe = recipe or _recipe(kind)
    num_pixels, hidden = size[0] * size[1], recipe.hidden
    generator = torch.Generator().manual_seed(seed)
    if kind == "independent":
        shape = (num_classes, num_pixels) if num_classes else (num_pixels,)
        return IndependentPixels(torch.zeros(shape))
    if kind == "fvsbn":
        labels = torch.zeros(num_pixels, num_classes) if num_classes else None
        return FVSBN(torch.zeros(num_pixels, num_pixels), torch.zeros(num_pixels), labels, order=order)
    if kind == "nade":
        scale = num_pixels**-0.5
        return NADE(
            torch.randn(hidden, num_pixels, generator=generator) * scale,
            torch.zeros(hidden),
            torch.randn(num_pixels, hidden, generator=generator) * max(hidden, 1) ** -0.5,
            torch.zeros(num_pixels),
            label_weights=torch.zeros(hidden, num_classes) if num_classes else None,
            order=order,
        )
    if kind == "made":
        return MADE(num_pixels, (hidden,) * recipe.layers, order=order, num_classes=num_classes, seed=seed)
    network = PixelCNN if kind == "pixelcnn" else GatedPixelCNN
    return network(
        size,
        layers=recipe.layers,
        kernel=recipe.kernel,
        channels=hidden,
        order=order,
        num_classes=num_classes,
        seed=seed,
    )


def train(
    kind: str,
    data: BinaryDigits,
    *,
    seed: int = 0,
    order: str = "raster",
    with_labels: bool = False,
    recipe: Recipe | None = None,
    epochs: int | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> TrainedPixels:
    """Trains a model by AdamW on the negative log-likelihood.

    Args:
        kind: one of ``KINDS``.
        data: what to learn from; dynamic pictures are drawn anew each epoch.
        seed: of weights and batches.
        order: one of ``ORDERS``.
        with_labels: learn p(x | label) instead of p(x).
        recipe: the kind's own if None.
        epochs: instead of the recipe's.
        on_epoch: called after each epoch.
        is_cancelled: asked after each step; when it answers True, the training ends with the best so far.

    Raises:
        AutoregressiveError: for an unknown kind or order.
    """
    recipe = recipe or _recipe(kind)
    recipe = recipe if epochs is None else replace(recipe, epochs=epochs)
    started = time.monotonic()
    labels = data.labels_of("train") if with_labels else None
    validation, validation_labels = data.pictures("validation"), data.labels_of("validation") if with_labels else None
    num_classes = NUM_CLASSES if with_labels else 0
    if kind == "independent":
        fitted = fit_independent(data.pictures("train", epoch=seed), labels, num_classes=num_classes)
        return TrainedPixels(kind, fitted.eval(), (), False, time.monotonic() - started)
    size = data.size
    model = build(
        kind,
        size,
        order=pixel_order(order, size, seed=seed),
        num_classes=num_classes,
        seed=seed,
        recipe=recipe,
    )
    _start_at_means(model, data.pictures("train", epoch=seed))
    optimizer = torch.optim.AdamW(_groups(model, recipe.weight_decay), lr=recipe.learning_rate)
    generator = torch.Generator().manual_seed(seed)
    steps_an_epoch = max(len(data.train) // recipe.batch_size, 1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(recipe.epochs * steps_an_epoch, 1))
    best, best_state = float("inf"), {name: value.clone() for name, value in model.state_dict().items()}
    reports: list[EpochReport] = []
    cancelled, step = False, 0
    for epoch in range(recipe.epochs):
        model.train()
        x = data.pictures("train", epoch=(seed << 20) + epoch)
        places = torch.randperm(len(x), generator=generator)
        total = torch.zeros(())
        for start in range(steps_an_epoch):
            chosen = places[start * recipe.batch_size : (start + 1) * recipe.batch_size]
            now = model
            if isinstance(model, MADE) and recipe.num_masks > 1:
                now = model.with_masks(seed=step % recipe.num_masks)
            loss = mean_nats(now, x[chosen], None if labels is None else labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            optimizer.step()
            schedule.step()
            total += loss.detach()
            step += 1
            cancelled = bool(is_cancelled and is_cancelled())
            if cancelled:
                break
        if cancelled:
            break
        model.eval()
        with torch.no_grad():
            nats = -float(log_likelihood(model, validation, validation_labels).mean())
        if nats < best:
            best, best_state = nats, {name: value.clone() for name, value in model.state_dict().items()}
        report = EpochReport(
            epoch + 1, recipe.epochs, float(total) / steps_an_epoch, nats, best, time.monotonic() - started, model
        )
        reports.append(report)
        if on_epoch:
            on_epoch(report)
    model.load_state_dict(best_state)
    model.eval()
    return TrainedPixels(
        kind,
        model,
        tuple(replace(report, model=model) for report in reports),
        cancelled,
        time.monotonic() - started,
    )


def mean_nats(model: PixelModel, x: Tensor, labels: Tensor | None = None) -> Tensor:
    """The loss: mean negative log-likelihood for a picture, without :func:`log_likelihood`'s checks."""
    return -pixel_log_probabilities(model(x, labels), x).sum(1).mean()


def _recipe(kind: str) -> Recipe:
    if kind not in RECIPES:
        raise AutoregressiveError(UNKNOWN_KIND, kind=kind, kinds=", ".join(KINDS))
    return RECIPES[kind]


@torch.no_grad()
def _start_at_means(model: PixelModel, x: Tensor) -> None:
    """Lets biases begin as independent pixels would end, so that training starts from their likelihood."""
    logits = fit_independent(x).biases
    if isinstance(model, (FVSBN, PixelCNN, GatedPixelCNN)):
        model.biases.copy_(logits)
    elif isinstance(model, NADE):
        model.b.copy_(logits)
    elif isinstance(model, MADE):
        model.biases[-1].copy_(logits)


def _groups(model: PixelModel, weight_decay: float) -> list[dict[str, object]]:
    parameters = list(model.parameters())
    return [
        {"params": [parameter for parameter in parameters if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in parameters if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
