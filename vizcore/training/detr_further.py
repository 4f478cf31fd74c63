"""Trains the shipped DETR on: another leg, on scenes of its own, with a learning rate that rises once more.

What existed in training alone was not shipped and begins anew, the further sets of queries near the learned ones. The
leg's card, log and strip are joined to those that were there, so that both legs are told.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from vizcore.detr.history import LOG_FILE, TrainingStrip, load_strip, save_strip
from vizcore.models.detr import DETR, WEIGHTS_FOLDER, read_detr
from vizcore.seeding import seeded
from vizcore.training.detr import (
    DETR_RECIPES,
    SIZE,
    DETRRecipe,
    Trainee,
    build_detr,
    make_detr_evaluation,
    make_detr_losses,
)
from vizcore.training.detr_shipping import (
    DETRCard,
    load_detr_card,
    save_detr_card,
    save_snapshot,
    ship_detr,
    ship_history,
)
from vizcore.training.features import open_features
from vizcore.training.harness import Schedule, read_log, train, write_log
from vizcore.training.recipes import NUM_TRAINING_SCENES, SELECTION_SCENES

NAME: Final = "detr_further"
FURTHER: Final = Schedule(7000, batch_size=8, learning_rate=3e-4, warm_up=300, ema_decay=0.9995, clip=1.0)
FIRST_SCENE: Final = NUM_TRAINING_SCENES
"""The leg sees the training scenes after those that the first one saw."""
SNAPSHOTS: Final = (0.2, 0.5, 1.0)
"""Shares of the leg after which the averaged weights are kept."""


def begin_with(recipe: DETRRecipe, detr: DETR, *, seed: int) -> Trainee:
    """A model that begins with the weights of a trained detector.

    Args:
        recipe: of its training.
        detr: whose weights it takes; stays as it is.
        seed: of what exists in training alone.

    Raises:
        ValueError: If the detector is not of the recipe's kind.
    """
    if detr.config != recipe.config:
        raise ValueError(f"this detector is no {recipe.title}: {detr.config}")
    model = build_detr(recipe, seed=seed)
    model.detr.load_state_dict(detr.state_dict())
    with torch.no_grad(), seeded(seed):
        queries, boxes = detr.query_embed.weight, detr.start_boxes.logits
        model.group_queries.copy_(queries + 0.1 * torch.randn_like(model.group_queries))
        model.group_boxes.copy_(boxes + 0.2 * torch.randn_like(model.group_boxes))
    return model


def run_further_command(options: argparse.Namespace) -> None:
    """Trains the shipped detector on, and ships what came of it, as the command line says."""
    recipe = DETR_RECIPES["detr"]
    schedule = replace(FURTHER, steps=options.steps) if options.steps else FURTHER
    recipe = replace(recipe, schedule=schedule)
    home: Path = options.folder / NAME
    features = options.folder / "features"
    before = load_detr_card()
    trained = train(
        begin_with(recipe, read_detr(WEIGHTS_FOLDER / "detr.safetensors"), seed=options.seed),
        make_detr_losses(
            recipe,
            open_features(features, "train", options.scenes, size=SIZE, first=FIRST_SCENE),
            seed=options.seed,
        ),
        schedule,
        home,
        resume=options.resume,
        evaluate=make_detr_evaluation(features, count=min(options.validation, SELECTION_SCENES)),
        snapshots=tuple(round(share * schedule.steps) for share in SNAPSHOTS),
        save_snapshot=lambda model, step: save_snapshot(home / "snapshots", model, before.steps + step),
        checkpoint_seconds=300.0,
    )
    print(f"{trained.step} steps in {trained.seconds / 60:.1f} minutes: {trained.best}")  # noqa: T201
    command = f"python -m vizcore.training {NAME} --steps {trained.step} --seed {options.seed} --ship"
    leg = ship_detr(recipe, "detr", trained, home, seed=options.seed, command=command, num_scenes=options.validation)
    card = join_cards(before, leg, scenes=options.scenes)
    print(card.name, *(f"{key} {value}" for key, value in card.quality.items()))  # noqa: T201
    if not options.ship:
        return
    strip = load_strip()
    (home / "detr.safetensors").replace(WEIGHTS_FOLDER / "detr.safetensors")
    rows = join_logs(read_log(WEIGHTS_FOLDER / LOG_FILE), read_log(home / "log.csv"))
    write_log(WEIGHTS_FOLDER / LOG_FILE, rows, list(rows[0]))
    ship_history(home / "snapshots", WEIGHTS_FOLDER, num_scenes=options.validation)
    save_strip(join_strips(strip, load_strip()))
    save_detr_card(card, WEIGHTS_FOLDER)


def join_cards(before: DETRCard, leg: DETRCard, *, scenes: int) -> DETRCard:
    """The card of a detector that was trained in two legs: the figures are the second's, the work is both's.

    Args:
        before: of the first leg.
        leg: of the second.
        scenes: that the second one saw, none of which the first one had.
    """
    return replace(
        leg,
        steps=before.steps + leg.steps,
        hours=round(before.hours + leg.hours, 2),
        command=f"{before.command} && {leg.command}",
        data={**leg.data, "scenes": before.data["scenes"] + scenes},
        helps=[
            *leg.helps,
            f"A second leg of {leg.steps} steps, on {scenes} scenes that the first one had not seen, begins with a "
            "learning rate that rises once more.",
        ],
    )


def join_logs(before: list[dict[str, Any]], leg: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of two legs, steps and seconds counted on."""
    steps, seconds = int(before[-1]["step"]), float(before[-1]["seconds"])
    return before + [
        {**row, "step": int(row["step"]) + steps, "seconds": round(float(row["seconds"]) + seconds, 1)} for row in leg
    ]


def join_strips(before: TrainingStrip, leg: TrainingStrip) -> TrainingStrip:
    """What was said of the same scenes in two legs."""
    if not np.array_equal(before.scenes, leg.scenes):
        raise ValueError("the strips are of different scenes")
    pairs = zip((before.steps, before.logits, before.boxes), (leg.steps, leg.logits, leg.boxes), strict=True)
    steps, logits, boxes = (np.concatenate(pair) for pair in pairs)
    return TrainingStrip(steps, before.scenes, logits, boxes)
