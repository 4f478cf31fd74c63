"""SNIP, measured: one single-level detector, trained in three ways with one budget and tested in two.

    python -m vizcore.training scale_snip --scenes 2048 --ship

Scenes of 256 pixels hold objects of 8 to 200; they are shown at half, once and twice their size. ``scale_one`` sees the
scene as it is, ``scale_multi`` one of three sizes at each step, ``scale_snip`` too, but at each size only objects in
its valid range teach, and cells inside the others are left out of the loss. Each is tested on the scene as it is, and
at three sizes: boxes outside a size's range are dropped, the rest is joined by Soft-NMS.

Reference:
    Bharat Singh, Larry S. Davis. An Analysis of Scale Invariance in Object Detection – SNIP. CVPR 2018,
    arXiv 1711.08189 (section 5). Navaneeth Bodla et al. Soft-NMS. ICCV 2017, arXiv 1704.04503.

    Ours differs in the detector (FCOS on one frozen stage instead of Faster R-CNN on a trained one), in drawn scenes,
    and in ranges that fit them.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from vizcore import nms
from vizcore.models.fcos import (
    FCOS,
    FCOSConfig,
    HeadOutput,
    Points,
    Selection,
    candidates,
    detection_losses,
    level_points,
    level_sizes,
    suppress,
)
from vizcore.scale import valid
from vizcore.training.cards import ScaleCard, write_scale_card
from vizcore.training.evaluation import Detections, evaluate
from vizcore.training.features import FeatureCache, open_features
from vizcore.training.harness import Schedule, batch_indices, train
from vizcore.training.recipes import SELECTION_SCENES, Recipe, build

SIZE: Final = 256
"""Side of a scene, pixels."""
SIDES: Final = (128, 256, 512)
"""Sides at which a scene is shown."""
RANGES: Final = ((60.0, math.inf), (20.0, 80.0), (0.0, 40.0))
"""Of each side the valid √(area), pixels of the scene: neighbors overlap by 20, as the paper's by 40 of 800."""
AS_IT_IS: Final = SIDES.index(SIZE)
SOFT_SIGMA: Final = 0.5
MOST: Final = 100
MOST_CANDIDATES: Final = 300

_CONFIG: Final = FCOSConfig("single", finest=4)
_SCHEDULE: Final = Schedule(2000)
SCALE_RECIPES: Final = {
    "scale_one": Recipe("one scale", _CONFIG, _SCHEDULE),
    "scale_multi": Recipe("three scales, every object", _CONFIG, _SCHEDULE),
    "scale_snip": Recipe("three scales, valid objects (SNIP)", _CONFIG, _SCHEDULE),
}
TESTS: Final = ("one", "three")


def points_at(side: int) -> Points:
    """The cells of the detector's level where a scene is shown at a side."""
    return level_points(level_sizes((side, side), _CONFIG.strides), _CONFIG.strides)


def side_of_step(name: str, step: int, *, seed: int) -> int:
    """Place in ``SIDES`` of the side that a step shows."""
    if name == "scale_one":
        return AS_IT_IS
    generator = torch.Generator().manual_seed((seed << 20) + step)
    return int(torch.randint(len(SIDES), (), generator=generator))


def snip_losses(
    output: HeadOutput,
    points: Points,
    boxes: Sequence[Float[Tensor, "M 4"]],
    labels: Sequence[Int64[Tensor, " M"]],
    teaches: Sequence[Bool[Tensor, " M"]],
) -> dict[str, Tensor]:
    """FCOS's losses where some objects teach nothing: cells inside them are neither object nor background.

    Args:
        output: of the head.
        points: of its level.
        boxes: of each picture, xyxy, pixels of the picture as it is shown.
        labels: of each picture.
        teaches: of each picture, which objects do.
    """
    x, y = points.centres.T
    ignored = torch.zeros(output.logits.shape[:2], dtype=torch.bool)
    for image, (own, taught) in enumerate(zip(boxes, teaches, strict=True)):
        left, top, right, bottom = own[~taught].T[..., None]
        ignored[image] = ((x > left) & (x < right) & (y > top) & (y < bottom)).any(0)
        left, top, right, bottom = own[taught].T[..., None]
        ignored[image] &= ~((x > left) & (x < right) & (y > top) & (y < bottom)).any(0)
    # A cell that is sure of the background costs nothing and teaches nothing.
    silent = output._replace(logits=output.logits.masked_fill(ignored[..., None], -30.0))
    taught_boxes = [own[taught] for own, taught in zip(boxes, teaches, strict=True)]
    taught_labels = [own[taught] for own, taught in zip(labels, teaches, strict=True)]
    return detection_losses(silent, points, _CONFIG.ranges, taught_boxes, taught_labels)


def make_scale_losses(
    name: str, recipe: Recipe, features: Sequence[FeatureCache], *, seed: int
) -> Callable[[nn.Module, int], Mapping[str, Tensor]]:
    """The losses of a step, as the harness wants them; features lie one cache to each of ``SIDES``."""
    points = [points_at(side) for side in SIDES]

    def losses(model: nn.Module, step: int) -> Mapping[str, Tensor]:
        place = side_of_step(name, step, seed=seed)
        cache = features[place]
        chosen = batch_indices(len(cache), recipe.schedule.batch_size, step, seed=seed)
        stages, boxes, labels = cache.batch(chosen, recipe.config.stages)
        with torch.autocast("cpu", torch.bfloat16):
            output = model({stage: x.contiguous(memory_format=torch.channels_last) for stage, x in stages.items()})
        every = [torch.ones(len(own), dtype=torch.bool) for own in boxes]
        teaches = [valid(own, ranges=[RANGES[place]])[:, 0] for own in boxes] if name == "scale_snip" else every
        shown = [own * (SIDES[place] / SIZE) for own in boxes]
        return snip_losses(output, points[place], shown, labels, teaches)

    return losses


@torch.inference_mode()
def find_objects(model: FCOS, stages: Sequence[Mapping[str, Tensor]], *, test: str) -> Detections:
    """Final boxes of one scene.

    Args:
        model: in eval mode.
        stages: of the scene at each of ``SIDES``.
        test: ``"one"`` side and NMS, or ``"three"`` with a filter on ranges and Soft-NMS.
    """
    places = (AS_IT_IS,) if test == "one" else range(len(SIDES))
    found = []
    for place in places:
        with torch.autocast("cpu", torch.bfloat16):
            output = model({name: x.contiguous(memory_format=torch.channels_last) for name, x in stages[place].items()})
        side = SIDES[place]
        each = candidates(output, points_at(side), (side, side), most=MOST_CANDIDATES)
        if test == "one":
            final = suppress(each, 0.6, MOST)
            return Detections(final.boxes.numpy(), final.scores.numpy(), final.labels.numpy())
        boxes = each.boxes * (SIZE / side)
        believed = valid(boxes, ranges=[RANGES[place]])[:, 0]
        found.append(Selection(boxes[believed], each.scores[believed], each.labels[believed], each.cells[believed]))
    return _join(Selection(*(torch.cat(column) for column in zip(*found, strict=True))))


def _join(found: Selection) -> Detections:
    """Soft-NMS over the boxes of all sides."""
    best = found.scores.argsort(descending=True, stable=True)[:MOST_CANDIDATES]
    boxes, scores, labels = found.boxes[best], found.scores[best], found.labels[best]
    trace = nms.trace_nms(
        boxes, scores, labels=labels, method="soft_gaussian", sigma=SOFT_SIGMA, iou_threshold=0.5, score_threshold=0.01
    )
    keep = trace.keep[:MOST]
    return Detections(boxes.numpy()[keep], trace.scores_after[keep].astype(np.float32), labels.numpy()[keep])


def make_scale_evaluation(folder: Path, *, count: int, test: str) -> Callable[[nn.Module], Mapping[str, float]]:
    """Judges a model on cached features of the validation scenes, at one side or three."""
    features = [open_features(folder, "validation", count, size=SIZE, shown=side) for side in SIDES]
    targets = [
        (boxes.numpy(), labels.numpy()) for boxes, labels in zip(features[0].boxes, features[0].labels, strict=True)
    ]

    def judge(model: nn.Module) -> Mapping[str, float]:
        def detect(index: int) -> Detections:
            assert isinstance(model, FCOS)
            row = torch.tensor([index])
            return find_objects(model, [cache.batch(row, _CONFIG.stages)[0] for cache in features], test=test)

        return evaluate(detect, targets).as_dict()

    return judge


def run_scale_command(options: argparse.Namespace) -> None:
    """Trains as the command line says; ``--ship`` judges both tests and writes the card."""
    name, recipe = options.model, SCALE_RECIPES[options.model]
    if options.steps:
        recipe = replace(recipe, schedule=replace(recipe.schedule, steps=options.steps))
    folder = options.folder / "features"
    run = options.folder / (name if options.seed == 0 else f"{name}_seed{options.seed}")
    sides = [SIZE] if name == "scale_one" else SIDES
    opened = {side: open_features(folder, "train", options.scenes, size=SIZE, shown=side) for side in sides}
    # Each training's best weights are chosen by the test that it was made for.
    test = "one" if name == "scale_one" else "three"
    trained = train(
        build(recipe, seed=options.seed),
        make_scale_losses(name, recipe, [opened.get(side, opened[SIZE]) for side in SIDES], seed=options.seed),
        recipe.schedule,
        run,
        resume=options.resume,
        evaluate=make_scale_evaluation(folder, count=min(options.validation, SELECTION_SCENES), test=test),
    )
    print(f"{trained.step} steps in {trained.seconds / 60:.1f} minutes: {trained.best}")  # noqa: T201
    if options.ship:
        qualities = {
            each: dict(make_scale_evaluation(folder, count=options.validation, test=each)(trained.model))
            for each in TESTS
        }
        card = ScaleCard(
            name=name,
            title=recipe.title,
            seed=options.seed,
            scenes=options.scenes,
            size=SIZE,
            sides=list(SIDES),
            ranges=[[low, None if math.isinf(high) else high] for low, high in RANGES],
            steps=trained.step,
            batch_size=recipe.schedule.batch_size,
            hours=round(trained.seconds / 3600, 2),
            command=f"python -m vizcore.training {name} --scenes {options.scenes} --steps {trained.step} --seed "
            f"{options.seed} --ship",
            num_scenes=options.validation,
            qualities=qualities,
        )
        write_scale_card(card)
        print(name, qualities)  # noqa: T201
