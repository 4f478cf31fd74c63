"""The four pyramid designs once more, on scenes in which the class of an object takes a look at its strokes.

    python -m vizcore.training digits_fpn --seed 1 --ship

On drawn shapes a class can be told from an outline, on any map; there Lin et al.'s argument for the top-down path
cannot show. Here ten digits are told apart, among clutter. Schedule, scenes and sizes are those of the comparison on
shapes; cards alone are kept, since nobody runs these detectors on the pages.

Reference:
    Tsung-Yi Lin et al. Feature Pyramid Networks for Object Detection. CVPR 2017, arXiv 1612.03144, table 1.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Final

from tqdm import tqdm

from vizcore.costs import count_parameters
from vizcore.data.scenes import BACKGROUNDS, DIGITS
from vizcore.models.fcos import FCOS, Detector, FCOSConfig, detections
from vizcore.models.weight_files import read_network, save_network
from vizcore.training.cards import DIGIT_CARDS, DigitCard, write_digit_card
from vizcore.training.features import open_features
from vizcore.training.harness import Schedule, TrainedModel, train
from vizcore.training.recipes import (
    NUM_TRAINING_SCENES,
    SELECTION_SCENES,
    TRAINING_SIZE,
    VALIDATION_SIZE,
    Recipe,
    build,
    judge_on_features,
    make_losses,
)
from vizcore.training.shipping import PYRAMID_SCENES, count_multiply_adds, evaluate_detector

KIND: Final = "digits"
_SCHEDULE: Final = Schedule(2000)


def _recipe(title: str, neck: str) -> Recipe:
    return Recipe(title, FCOSConfig(neck, num_classes=len(DIGITS)), _SCHEDULE)


DIGIT_RECIPES: Final = {
    "digits_fpn": _recipe("Feature pyramid P3–P6", "fpn"),
    "digits_separate": _recipe("Separate levels P3–P6", "separate"),
    "digits_top": _recipe("Top stage alone", "top"),
}


def run_digits_command(options: argparse.Namespace) -> None:
    """Trains a design as the command line says; ``--ship`` judges it and writes its card."""
    recipe = DIGIT_RECIPES[options.model]
    if options.steps:
        recipe = replace(recipe, schedule=replace(recipe.schedule, steps=options.steps))
    folder = options.folder / "features"
    run = options.folder / _named(options.model, options.seed)
    features = open_features(folder, "train", options.scenes, size=TRAINING_SIZE, kind=KIND)
    trained = train(
        build(recipe, seed=options.seed),
        make_losses(recipe, features, seed=options.seed),
        recipe.schedule,
        run,
        resume=options.resume,
        evaluate=judge_on_features(
            recipe.config, detections, folder, count=min(options.validation, SELECTION_SCENES), kind=KIND
        ),
    )
    print(f"{trained.step} steps in {trained.seconds / 60:.1f} minutes: {trained.best}")  # noqa: T201
    if options.ship:
        command = f"python -m vizcore.training {options.model} --steps {trained.step} --seed {options.seed} --ship"
        for card in ship_digits(
            recipe,
            options.model,
            trained,
            seed=options.seed,
            command=command,
            num_scenes=options.validation,
            num_training_scenes=options.scenes,
            folder=run,
        ):
            print(card.name, *(f"{name} {value}" for name, value in card.quality.items()))  # noqa: T201


def ship_digits(
    recipe: Recipe,
    name: str,
    trained: TrainedModel,
    *,
    seed: int,
    command: str,
    num_scenes: int,
    num_training_scenes: int = NUM_TRAINING_SCENES,
    folder: Path,
    cards: Path = DIGIT_CARDS,
) -> tuple[DigitCard, ...]:
    """Writes the card of a trained design, and of the top stage a second one: the same weights on an image pyramid.

    Args:
        recipe: it was trained by.
        name: of the recipe.
        trained: what the harness made.
        seed: of weights and batches.
        command: that makes it.
        num_scenes: of the validation split to be judged on.
        num_training_scenes: it learned from.
        folder: where its weights go, in half precision.
        cards: where the cards go.
    """
    assert isinstance(trained.model, FCOS)
    weights = folder / f"{name}.safetensors"
    save_network(weights, trained.model, trained.model.config)
    detector = Detector(read_network(weights, lambda config: FCOS(FCOSConfig(**config)))).eval()
    named = [(name, recipe.title, False, num_scenes)]
    if recipe.config.neck == "top":
        title = "Top stage alone, on an image pyramid"
        named.append(("digits_pyramid", title, True, min(num_scenes, PYRAMID_SCENES)))
    written = []
    for each, title, pyramid, scenes in named:
        quality = evaluate_detector(detector, num_scenes=scenes, pyramid=pyramid, progress=tqdm, kind=KIND)
        card = DigitCard(
            name=_named(each, seed),
            title=title,
            neck=recipe.config.neck,
            pyramid=pyramid,
            seed=seed,
            data={
                "kind": KIND,
                "scenes": num_training_scenes,
                "size": TRAINING_SIZE,
                "classes": list(DIGITS),
                "backgrounds": list(BACKGROUNDS["train"]),
                "validation_size": VALIDATION_SIZE,
                "validation_backgrounds": list(BACKGROUNDS["validation"]),
                "selection_scenes": SELECTION_SCENES,
            },
            steps=trained.step,
            batch_size=recipe.schedule.batch_size,
            hours=round(trained.seconds / 3600, 2),
            command=command,
            num_scenes=scenes,
            quality=quality.as_dict(),
            parameters=count_parameters(detector.fcos),
            multiply_adds=count_multiply_adds(detector, pyramid=pyramid),
        )
        write_digit_card(card, cards)
        written.append(card)
    return tuple(written)


def _named(name: str, seed: int) -> str:
    return name if seed == 0 else f"{name}_seed{seed}"
