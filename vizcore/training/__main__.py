"""Trains a detector or a model of pixels, goes on after an interruption, ships it, or judges what was shipped.

``python -m vizcore.training fcos_fpn`` trains, with ``--ship`` into ``vizcore/assets/weights``; ``--evaluate`` judges
those. ``python -m vizcore.training pixelcnn --data mnist`` trains a model of pixels and leaves it where the app looks.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import torch
from tqdm import tqdm

from vizcore.models.weight_files import WEIGHTS_FOLDER
from vizcore.training import autoregressive, thundernet_shipping
from vizcore.training.cards import list_cards, load_card
from vizcore.training.centernet import CENTERNET_RECIPES, run_centernet_command
from vizcore.training.detr import DETR_RECIPES
from vizcore.training.detr_further import NAME as DETR_FURTHER
from vizcore.training.detr_further import run_further_command
from vizcore.training.detr_masks import NAME as MASKS
from vizcore.training.detr_masks import run_mask_command
from vizcore.training.detr_shipping import run_command
from vizcore.training.digits import DIGIT_RECIPES, run_digits_command
from vizcore.training.evaluation import NUM_VALIDATION_SCENES
from vizcore.training.features import open_features
from vizcore.training.harness import train
from vizcore.training.recipes import (
    NUM_TRAINING_SCENES,
    RECIPES,
    SELECTION_SCENES,
    TRAINING_SIZE,
    build,
    make_evaluation,
    make_losses,
)
from vizcore.training.shipping import judge, save_predictions, ship
from vizcore.training.snip import SCALE_RECIPES, run_scale_command
from vizcore.training.thundernet import THUNDERNET_RECIPES
from vizcore.training.varifocalnet import VFNET_RECIPES, run_vfnet_command


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and does what it says."""
    parser = argparse.ArgumentParser(prog="python -m vizcore.training", description=__doc__)
    models = [
        *RECIPES,
        *DETR_RECIPES,
        DETR_FURTHER,
        MASKS,
        *CENTERNET_RECIPES,
        *VFNET_RECIPES,
        *THUNDERNET_RECIPES,
        *DIGIT_RECIPES,
        *SCALE_RECIPES,
        *autoregressive.KINDS,
    ]
    parser.add_argument("model", choices=models)
    parser.add_argument("--steps", type=int, help="steps (default: the recipe's)")
    parser.add_argument("--seed", type=int, default=0, help="of initial weights and batches")
    parser.add_argument("--folder", type=Path, default=Path("runs"), help="for features, checkpoints and logs")
    parser.add_argument("--scenes", type=int, default=NUM_TRAINING_SCENES, help="training scenes")
    parser.add_argument("--validation", type=int, default=NUM_VALIDATION_SCENES, help="validation scenes")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="for torch")
    parser.add_argument("--resume", action=argparse.BooleanOptionalAction, default=True, help="go on where it stopped")
    parser.add_argument("--ship", action="store_true", help="write vizcore/assets/weights when done")
    parser.add_argument("--evaluate", action="store_true", help="train nothing; judge the shipped file")
    parser.add_argument("--predictions", type=Path, help="train nothing; write what the shipped file finds here")
    parser.add_argument("--detector", type=Path, help="for the mask head: the file of its DETR (default: the shipped)")
    parser.add_argument("--further", action="store_true", help="for the mask head: train the shipped one on")
    autoregressive.add_arguments(parser)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    if options.model in autoregressive.KINDS:
        autoregressive.run(options)
        return

    if options.model in SCALE_RECIPES:
        run_scale_command(options)
        return
    if options.model in DIGIT_RECIPES:
        run_digits_command(options)
        return
    if options.model in DETR_RECIPES:
        run_command(options)
        return
    if options.model == DETR_FURTHER:
        run_further_command(options)
        return
    if options.model == MASKS:
        run_mask_command(options)
        return
    if options.model in (*CENTERNET_RECIPES, *VFNET_RECIPES) and (
        options.ship or options.evaluate or options.predictions
    ):
        parser.error(f"{options.model} is judged and shipped by python -m vizcore.training.point_shipping")
    if options.model in THUNDERNET_RECIPES:
        if options.predictions:
            parser.error(f"{options.model} stores no predictions; --evaluate judges it")
        thundernet_shipping.run_command(options)
        return
    if options.model in CENTERNET_RECIPES:
        run_centernet_command(options)
        return
    if options.model in VFNET_RECIPES:
        run_vfnet_command(options)
        return
    if options.predictions:
        save_predictions(load_card(options.model), options.predictions)
        return
    if options.evaluate:
        for card in list_cards():
            if card.name == options.model or card.weights == options.model:
                quality = judge(card, progress=tqdm)
                print(card.name, *(f"{name} {value}" for name, value in quality.as_dict().items()))  # noqa: T201
        return
    recipe = RECIPES[options.model]
    if options.steps:
        recipe = replace(recipe, schedule=replace(recipe.schedule, steps=options.steps))
    features = open_features(options.folder / "features", "train", options.scenes, size=TRAINING_SIZE)
    trained = train(
        build(recipe, seed=options.seed),
        make_losses(recipe, features, seed=options.seed),
        recipe.schedule,
        options.folder / options.model,
        resume=options.resume,
        evaluate=make_evaluation(recipe, options.folder / "features", count=min(options.validation, SELECTION_SCENES)),
    )
    print(f"{trained.step} steps in {trained.seconds / 60:.1f} minutes: {trained.best}")  # noqa: T201
    if options.ship:
        command = f"python -m vizcore.training {options.model} --steps {trained.step} --seed {options.seed} --ship"
        shutil.copyfile(options.folder / options.model / "log.csv", WEIGHTS_FOLDER / f"{options.model}.csv")
        for card in ship(
            recipe, options.model, trained, seed=options.seed, command=command, num_scenes=options.validation
        ):
            print(card.name, *(f"{name} {value}" for name, value in card.quality.items()))  # noqa: T201


if __name__ == "__main__":
    main()
