"""Trains the mask head on a DETR that stays as it is, from the visible masks of the scenes, and judges it by PQ.

As in the paper: the masks of matched queries alone, focal loss (α 0.25, γ 2) and Dice loss with equal weight.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.ops import box_convert, sigmoid_focal_loss
from tqdm import tqdm

from vizcore.costs import count_parameters
from vizcore.data.scenes import CLASSES, draw_scene
from vizcore.detr.loss import assign_batch, pad_targets
from vizcore.detr.panoptic import KEEP_THRESHOLD, PanopticQuality, merge_masks, panoptic_quality
from vizcore.models.detr import (
    DETR,
    LITE0_STAGES,
    WEIGHTS_FOLDER,
    DETRConfig,
    join_stages,
    normalise,
    read_detr,
)
from vizcore.models.detr_masks import MASK_STRIDE, MaskHead, draw_masks, load_mask_head
from vizcore.models.efficientnet_lite import EfficientNetLite0, load_efficientnet_lite0
from vizcore.models.weight_files import save_network
from vizcore.seeding import seeded
from vizcore.training.detr import SIZE
from vizcore.training.features import FeatureCache, open_features
from vizcore.training.harness import Schedule, TrainedModel, batch_indices, train

NAME: Final = "detr_masks"
SCHEDULE: Final = Schedule(
    3000, batch_size=4, learning_rate=1e-3, warm_up=200, ema_decay=0.998, clip=1.0, evaluate_every=500
)
QUERIES_A_STEP: Final = 6
"""Of each scene so many matched queries are drawn, at most: a mask costs as much as a tenth of the detector."""
SELECTION_SCENES: Final = 40
FINER_STAGES: Final = ("C3", "C2")


@dataclass(frozen=True)
class MaskCard:
    """What is known about a shipped mask head.

    Attributes:
        name: of the card and the file.
        detector: the DETR whose queries it draws.
        seed: of weights and batches.
        steps: made.
        batch_size: scenes a step.
        hours: of training.
        command: that makes it.
        num_scenes: of the validation split that it was judged on.
        keep_threshold: of the argmax it was judged with.
        quality: ``pq``, ``sq``, ``rq`` and the counts there, from scenes to segments.
        parameters: of the head.
        bytes: of the file.
    """

    name: str
    detector: str
    seed: int
    steps: int
    batch_size: int
    hours: float
    command: str
    num_scenes: int
    keep_threshold: float
    quality: dict[str, float]
    parameters: int
    bytes: int


def load_mask_card(name: str = NAME) -> MaskCard:
    """The card of the shipped mask head."""
    return MaskCard(**json.loads((WEIGHTS_FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def build_mask_head(config: DETRConfig, *, seed: int) -> MaskHead:
    """The untrained head; the same seed gives the same weights."""
    with seeded(seed):
        return MaskHead(config)


def mask_losses(logits: Float[Tensor, "M H W"], targets: Float[Tensor, "M H W"]) -> dict[str, Tensor]:
    """Focal and Dice loss of masks, each a mean over the masks."""
    number = max(len(logits), 1)
    focal = sigmoid_focal_loss(logits, targets, alpha=0.25, gamma=2.0).mean((1, 2)).sum() / number
    probabilities, wanted = logits.sigmoid().flatten(1), targets.flatten(1)
    overlap = 2 * (probabilities * wanted).sum(1) + 1
    dice = (1 - overlap / (probabilities.sum(1) + wanted.sum(1) + 1)).sum() / number
    return {"focal": focal, "dice": dice}


def make_mask_losses(
    detr: DETR, features: FeatureCache, *, split: str, seed: int, schedule: Schedule = SCHEDULE
) -> Callable[[nn.Module, int], Mapping[str, Tensor]]:
    """The losses of a step, as the harness wants them."""

    def losses(model: nn.Module, step: int) -> Mapping[str, Tensor]:
        assert isinstance(model, MaskHead)
        chosen = batch_indices(len(features), schedule.batch_size, step, seed=seed)
        stages, boxes, labels = features.batch(chosen, (*LITE0_STAGES, "C2"))
        generator = torch.Generator().manual_seed((seed << 20) + step)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            joined = join_stages(stages)
            output = detr.answers(joined)
            projected = detr.input_proj(joined)
        true = [box_convert(each / features.size, "xyxy", "cxcywh") for each in boxes]
        padded_labels, padded_boxes, counts = pad_targets(labels, true)
        owners = assign_batch(output.logits[-1], output.boxes[-1], padded_labels, padded_boxes, counts)
        parts, wanted = [], []
        for row, index in enumerate(chosen.tolist()):
            matched = torch.nonzero(owners[row] >= 0)[:, 0]
            some = matched[torch.randperm(len(matched), generator=generator)[:QUERIES_A_STEP]]
            if not len(some):
                continue
            with torch.autocast("cpu", torch.bfloat16):
                finer = [stages[name][row : row + 1] for name in FINER_STAGES]
                memory, place = output.memory[row : row + 1], projected[row : row + 1]
                parts.append(model(output.queries[-1][row : row + 1, some], memory, place, finer)[0].float())
            owner = torch.from_numpy(small_owner(split, index, size=features.size))
            wanted.append((owner == owners[row, some][:, None, None]).float())
        return mask_losses(torch.cat(parts), torch.cat(wanted))

    return losses


def small_owner(split: str, index: int, *, size: int = SIZE) -> np.ndarray:
    """Who is seen in the middle of each pixel of a mask: int16, -1 for the background."""
    half = MASK_STRIDE // 2
    owner: np.ndarray = draw_scene(split, index, size=size).owner[half::MASK_STRIDE, half::MASK_STRIDE]
    return owner


@torch.inference_mode()
def judge_masks(
    head: MaskHead,
    detr: DETR,
    backbone: EfficientNetLite0,
    *,
    num_scenes: int,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> PanopticQuality:
    """Panoptic quality on the first validation scenes, from scenes to segments at full size.

    Args:
        head: to judge.
        detr: the detector.
        backbone: of the detector.
        num_scenes: of the validation split.
        progress: wraps the scene indices, such as ``tqdm``.
    """
    pictures = []
    for index in progress(range(num_scenes)):
        scene = draw_scene("validation", index, size=SIZE)
        x = normalise(torch.from_numpy(scene.pixels)[None]).permute(0, 3, 1, 2)
        stages = backbone.stage_features(x.contiguous(memory_format=torch.channels_last))
        features = join_stages(stages)
        output = detr.answers(features)
        scores = output.logits[-1, 0].softmax(-1)[:, :-1].amax(-1)
        sure = torch.nonzero(scores > KEEP_THRESHOLD)[:, 0].tolist()
        logits = draw_masks(head, detr, output, features, [stages[name] for name in FINER_STAGES], queries=sure)
        full = F.interpolate(logits[:, None], size=(SIZE, SIZE), mode="bilinear", align_corners=False)[:, 0]
        merged = merge_masks(full, output.logits[-1, 0, sure])
        numbers = np.full(len(sure) + 1, -1)
        numbers[merged.queries] = np.arange(len(merged.queries))
        pictures.append((numbers[merged.owner], merged.labels, scene.owner.astype(np.int64), scene.labels))
    return panoptic_quality(pictures, num_classes=len(CLASSES))


def run_mask_command(options: argparse.Namespace) -> None:
    """Trains, ships or judges the mask head as the command line says."""
    backbone = load_efficientnet_lite0().to(memory_format=torch.channels_last)
    base = WEIGHTS_FOLDER / "detr.safetensors"
    if options.detector:
        base = options.detector
    detr = read_detr(base).eval().requires_grad_(False)
    if options.evaluate:
        quality = judge_masks(load_mask_head(), detr, backbone, num_scenes=options.validation, progress=tqdm)
        print(NAME, quality)  # noqa: T201
        return
    schedule = replace(SCHEDULE, steps=options.steps) if options.steps else SCHEDULE
    features = open_features(options.folder / "features", "train", options.scenes, size=SIZE)

    def evaluate(model: nn.Module) -> Mapping[str, float]:
        assert isinstance(model, MaskHead)
        scenes = min(options.validation, SELECTION_SCENES)
        quality = judge_masks(model, detr, backbone, num_scenes=scenes)
        return {"ap": round(quality.pq, 4), "pq": round(quality.pq, 4), "sq": round(quality.sq, 4)}

    home: Path = options.folder / (f"{NAME}_further" if options.further else NAME)
    before = load_mask_card() if options.further else None
    head = load_mask_head() if options.further else build_mask_head(detr.config, seed=options.seed)
    trained = train(
        head.requires_grad_(True),
        make_mask_losses(detr, features, split="train", seed=options.seed, schedule=schedule),
        schedule,
        home,
        resume=options.resume,
        evaluate=evaluate,
        checkpoint_seconds=300.0,
    )
    folder = WEIGHTS_FOLDER if options.ship else home
    command = f"python -m vizcore.training {NAME} --steps {trained.step} --seed {options.seed}"
    command += (" --further" if options.further else "") + " --ship"
    card = ship_masks(
        trained, detr, backbone, folder, seed=options.seed, command=command, num_scenes=options.validation
    )
    if before is not None:
        card = join_mask_cards(before, card)
        _save_card(card, folder)
    print(card.name, card.quality)  # noqa: T201


def join_mask_cards(before: MaskCard, leg: MaskCard) -> MaskCard:
    """The card of a head that was trained on: the figures are the last leg's, the work is both's."""
    return replace(
        leg,
        steps=before.steps + leg.steps,
        hours=round(before.hours + leg.hours, 2),
        command=f"{before.command} && {leg.command}",
    )


def ship_masks(
    trained: TrainedModel,
    detr: DETR,
    backbone: EfficientNetLite0,
    folder: Path,
    *,
    seed: int,
    command: str,
    num_scenes: int,
) -> MaskCard:
    """Writes a trained mask head and its card into a folder, judged as it was written."""
    assert isinstance(trained.model, MaskHead)
    path = folder / f"{NAME}.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    save_network(path, trained.model, trained.model.config)
    head = load_mask_head(folder=folder)
    quality: dict[str, Any] = asdict(judge_masks(head, detr, backbone, num_scenes=num_scenes))
    card = MaskCard(
        name=NAME,
        detector="detr",
        seed=seed,
        steps=trained.step,
        batch_size=SCHEDULE.batch_size,
        hours=round(trained.seconds / 3600, 2),
        command=command,
        num_scenes=num_scenes,
        keep_threshold=KEEP_THRESHOLD,
        quality={name: round(value, 4) for name, value in quality.items()},
        parameters=count_parameters(head),
        bytes=path.stat().st_size,
    )
    _save_card(card, folder)
    return card


def _save_card(card: MaskCard, folder: Path) -> None:
    part = folder / f"{NAME}.part"
    part.write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")
    os.replace(part, folder / f"{NAME}.json")
