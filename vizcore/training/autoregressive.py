"""Trains a model of pixels from the command line, and ships it: ``python -m vizcore.training nade --data digits``.

The 8×8 digits take seconds and use the page's own training. MNIST takes hours, so it goes through the harness, which
can be killed and goes on; what comes of it lies where the page looks for it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from vizcore.autoregressive.classification import classify, log_prior_of
from vizcore.autoregressive.likelihood import evaluate, log_likelihood
from vizcore.autoregressive.orders import pixel_order
from vizcore.autoregressive.shipped import (
    SHIPPED_FOLDER,
    PixelCard,
    build_from,
    save_trained,
    trained_folder,
)
from vizcore.autoregressive.training import KINDS, RECIPES, Recipe, build, mean_nats, train
from vizcore.costs import count_parameters
from vizcore.data.binary_digits import NUM_CLASSES, BinaryDigits, load_binary_digits
from vizcore.models.autoregressive import PixelModel
from vizcore.training import harness

MNIST_RECIPES: Final = {
    "independent": RECIPES["independent"],
    "fvsbn": Recipe(20, 3e-3, 1e-3, batch_size=100),
    "nade": Recipe(20, 1e-3, 1e-3, batch_size=100, hidden=500),
    "made": Recipe(50, 1e-3, 1e-3, batch_size=100, hidden=8000),
    "pixelcnn": Recipe(20, 1e-3, 1e-4, batch_size=64, hidden=32, layers=5, kernel=7),
    "gated_pixelcnn": Recipe(20, 1e-3, 1e-4, batch_size=64, hidden=32, layers=5, kernel=7),
}
"""Epochs are counted in passes over the 54,000 pictures to learn from."""
_JUDGED: Final = 1000  # kept-back pictures that choose among evaluations


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What only these models take."""
    parser.add_argument("--data", choices=("digits", "mnist"), default="digits", help="for a model of pixels")
    parser.add_argument("--order", default="raster", help="of the pixels: raster, reverse, columns, random")
    parser.add_argument(
        "--labels", action="store_true", help="learn p(pixels | label), to classify and draw on request"
    )
    parser.add_argument("--binarisation", choices=("fixed", "dynamic"), default="fixed")


def run(options: argparse.Namespace) -> Path:
    """Trains what the command line says; the path of the weights."""
    data = load_binary_digits(options.data, binarisation=options.binarisation, seed=options.seed)
    if options.data == "digits":
        recipe = RECIPES[options.model]
        trained = train(
            options.model, data, seed=options.seed, order=options.order, with_labels=options.labels, recipe=recipe
        )
        model, seconds = trained.model, trained.seconds
    else:
        recipe = MNIST_RECIPES[options.model]
        model, seconds = _train_long(options, data, recipe)
    card = judge(model, data, kind=options.model, options=options, recipe=recipe, seconds=seconds)
    path = save_trained(model, card, SHIPPED_FOLDER if options.ship else trained_folder())
    print(f"{path}: {card.test_nats:.2f} ± {card.test_half_width:.2f} nats in {seconds:.1f} s")  # noqa: T201
    return path


def judge(
    model: PixelModel,
    data: BinaryDigits,
    *,
    kind: str,
    options: argparse.Namespace,
    recipe: Recipe,
    seconds: float,
) -> PixelCard:
    """A card for a trained model, judged on the test pictures as its file will hold it, in half precision."""
    command = f"python -m vizcore.training {kind} --data {data.name} --seed {options.seed}"
    command += f" --order {options.order}" if options.order != "raster" else ""
    command += " --labels" if options.labels else ""
    command += f" --binarisation {data.binarisation}" if data.binarisation != "fixed" else ""
    command += " --ship" if options.ship else ""
    card = PixelCard(
        kind=kind,
        data=data.name,
        size=data.size,
        order=options.order,
        with_labels=options.labels,
        binarisation=data.binarisation,
        seed=options.seed,
        recipe=asdict(recipe),
        test_nats=0.0,
        test_half_width=0.0,
        num_test=len(data.test),
        accuracy=None,
        parameters=count_parameters(model),
        seconds=round(seconds, 1),
        command=command,
    )
    halved = build_from(card)
    halved.load_state_dict({name: value.half().float() for name, value in model.state_dict().items()})
    halved.eval()
    x, labels = data.pictures("test"), data.labels_of("test")
    found = evaluate(halved, x, labels if options.labels else None)
    accuracy = None
    if options.labels:
        accuracy = classify(halved, x, log_prior=log_prior_of(data.labels_of("train"))).accuracy(labels)
    return replace(
        card,
        test_nats=round(found.nats, 3),
        test_half_width=round(found.half_width, 3),
        accuracy=None if accuracy is None else round(accuracy, 4),
    )


def _train_long(options: argparse.Namespace, data: BinaryDigits, recipe: Recipe) -> tuple[PixelModel, float]:
    """Through the harness, which writes checkpoints and goes on from them."""
    if options.model == "independent":
        fitted = train("independent", data, seed=options.seed, with_labels=options.labels)
        return fitted.model, fitted.seconds
    batch = min(recipe.batch_size, len(data.train))
    steps = options.steps or recipe.epochs * max(len(data.train) // batch, 1)
    schedule = harness.Schedule(
        steps,
        batch_size=batch,
        learning_rate=recipe.learning_rate,
        warm_up=min(200, steps // 10),
        weight_decay=recipe.weight_decay,
        evaluate_every=min(1000, max(steps // 4, 1)),
    )
    model = build(
        options.model,
        data.size,
        order=pixel_order(options.order, data.size, seed=options.seed),
        num_classes=NUM_CLASSES if options.labels else 0,
        seed=options.seed,
        recipe=recipe,
    )
    per_epoch = max(len(data.train) // batch, 1)
    pictures: dict[int, Tensor] = {}
    labels = data.labels_of("train")

    def losses(model: nn.Module, step: int) -> Mapping[str, Tensor]:
        assert isinstance(model, PixelModel)
        chosen = harness.batch_indices(len(data.train), batch, step, seed=options.seed)
        epoch = step // per_epoch
        if epoch not in pictures:  # one drawing for each epoch, whether the run was interrupted or not
            pictures.clear()
            pictures[epoch] = data.pictures("train", epoch=(options.seed << 20) + epoch)
        return {"nats": mean_nats(model, pictures[epoch][chosen], labels[chosen] if options.labels else None)}

    kept_back = data.pictures("validation")[:_JUDGED]
    kept_back_labels = data.labels_of("validation")[:_JUDGED] if options.labels else None

    @torch.no_grad()
    def judge_now(model: nn.Module) -> Mapping[str, float]:
        assert isinstance(model, PixelModel)
        return {"log_likelihood": float(log_likelihood(model, kept_back, kept_back_labels).mean())}

    name = "_".join([options.model, data.name, options.order, data.binarisation, *(["labels"] * options.labels)])
    trained = harness.train(
        model,
        losses,
        schedule,
        options.folder / name,
        resume=options.resume,
        evaluate=judge_now,
        score="log_likelihood",
    )
    assert isinstance(trained.model, PixelModel)
    return trained.model, trained.seconds


__all__ = ["KINDS", "MNIST_RECIPES", "add_arguments", "judge", "run"]
