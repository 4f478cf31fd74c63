"""How the small DETR is trained: its recipes, and what helps it learn in hours on a processor.

The paper's network needs 300 to 500 epochs of COCO. What helps here is honest in that it is named (in each recipe and
on the card), and most of it exists in training alone:

* *denoising queries* (Li et al., DN-DETR, CVPR 2022, arXiv 2203.01305): besides the learned queries, true boxes and
  classes with noise are given to the decoder, to be put right; nobody else can see them;
* *query groups* (Chen et al., Group DETR, ICCV 2023, arXiv 2207.13085): further sets of queries, each matched one to
  one on its own, teach the same decoder; only the first set is kept;
* a *token head* on the encoder (in the spirit of Zong et al., Co-DETR, ICCV 2023, arXiv 2211.12860): every token says
  what lies around it, and is dropped afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torchvision.ops import box_convert, sigmoid_focal_loss

from vizcore.detr.cost import generalized_iou
from vizcore.detr.loss import UNUSED, assign_batch, assigned_losses, pad_targets
from vizcore.models.detr import (
    DETR,
    LITE0_STAGES,
    MLP,
    SMALL,
    DETRConfig,
    MultiheadAttention,
    detections,
    join_stages,
)
from vizcore.seeding import seeded
from vizcore.training.attention import attend_by_picture
from vizcore.training.evaluation import NUM_VALIDATION_SCENES, Detections, evaluate
from vizcore.training.features import FeatureCache, open_features
from vizcore.training.harness import Schedule, batch_indices

SIZE: Final = 512
"""Side of the scenes, in training as in validation: a DETR knows places and sizes in sides of the picture."""


@dataclass(frozen=True)
class DETRRecipe:
    """How a shipped DETR is made.

    Attributes:
        title: for people.
        config: of the detector.
        schedule: of the run.
        groups: sets of queries besides the one that is kept.
        denoising: noisy true boxes a scene, at most.
        token_head: whether the encoder's tokens are taught too.
        auxiliary: whether every decoder layer is taught, or the last alone.
    """

    title: str
    config: DETRConfig
    schedule: Schedule
    groups: int = 2
    denoising: int = 60
    token_head: bool = True
    auxiliary: bool = True


_ABLATED: Final = Schedule(1500, batch_size=8, learning_rate=4e-4, warm_up=300, ema_decay=0.998, clip=1.0)

DETR_RECIPES: Final = {
    "detr": DETRRecipe(
        "DETR on stages C3–C5",
        SMALL,
        Schedule(12000, batch_size=8, learning_rate=4e-4, warm_up=500, ema_decay=0.9995, clip=1.0),
    ),
    "detr_reference": DETRRecipe("DETR in the ablations' budget", SMALL, _ABLATED),
    "detr_no_positions": DETRRecipe(
        "DETR without position encodings", replace(SMALL, spatial_positions=False), _ABLATED
    ),
    "detr_no_encoder": DETRRecipe("DETR without an encoder", replace(SMALL, num_encoder_layers=0), _ABLATED),
    "detr_no_auxiliary": DETRRecipe("DETR without auxiliary losses", SMALL, _ABLATED, auxiliary=False),
}
"""The detector that is shipped, and runs of one budget that differ in one thing alone."""


class Trainee(nn.Module):
    """A DETR and what exists in training alone.

    Attributes:
        detr: what is kept.
        recipe: how it is trained.
    """

    def __init__(self, recipe: DETRRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.detr = DETR(recipe.config)
        for module in self.detr.modules():
            if isinstance(module, MultiheadAttention):
                module.attend = attend_by_picture
        config = recipe.config
        self.group_queries = nn.Parameter(0.1 * torch.randn(recipe.groups, config.num_queries, config.channels))
        boxes = self.detr.start_boxes.logits.detach().expand(recipe.groups, -1, -1)
        self.group_boxes = nn.Parameter(boxes + 0.2 * torch.randn(boxes.shape))
        self.label_queries = nn.Embedding(config.num_classes, config.channels)
        nn.init.normal_(self.label_queries.weight, std=0.3)
        if recipe.token_head:
            self.token_class = nn.Linear(config.channels, config.num_classes)
            nn.init.constant_(self.token_class.bias, -math.log(99))
            self.token_box = MLP(config.channels, config.channels, 4, 2)

    def forward(self, stages: Mapping[str, Tensor]) -> Tensor:
        """Unused: a step needs its targets, see :func:`make_detr_losses`."""
        raise NotImplementedError


def build_detr(recipe: DETRRecipe, *, seed: int) -> Trainee:
    """The untrained model; the same seed gives the same weights."""
    with seeded(seed):
        return Trainee(recipe)


@dataclass(frozen=True, eq=False)
class _Targets:
    """Targets of a batch, in sides of the picture, rows filled up."""

    labels: Int64[Tensor, "N T"]
    boxes: Float[Tensor, "N T 4"]
    counts: list[int]

    @property
    def number(self) -> int:
        return max(sum(self.counts), 1)


def make_detr_losses(
    recipe: DETRRecipe, features: FeatureCache, *, seed: int
) -> Callable[[nn.Module, int], Mapping[str, Tensor]]:
    """The losses of a step, as the harness wants them."""

    def losses(model: nn.Module, step: int) -> Mapping[str, Tensor]:
        assert isinstance(model, Trainee)
        chosen = batch_indices(len(features), recipe.schedule.batch_size, step, seed=seed)
        stages, boxes, labels = features.batch(chosen, LITE0_STAGES)
        padded_labels, padded_boxes, counts = pad_targets(
            labels, [box_convert(each / features.size, "xyxy", "cxcywh") for each in boxes]
        )
        targets = _Targets(padded_labels, padded_boxes, counts)
        return step_losses(model, join_stages(stages), targets, generator=_generator(seed, step))

    return losses


def _generator(seed: int, step: int) -> torch.Generator:
    return torch.Generator().manual_seed((seed << 20) + step)


def step_losses(
    model: Trainee, features: Tensor, targets: _Targets, *, generator: torch.Generator
) -> dict[str, Tensor]:
    """All losses of a batch, weighted."""
    recipe, detr = model.recipe, model.detr
    number, num_queries = len(features), recipe.config.num_queries
    noisy = denoising_queries(targets, recipe.denoising, recipe.config.num_classes, generator=generator)
    with torch.autocast("cpu", torch.bfloat16):
        memory, positions, padding, _ = detr.encode(features)
        queries, places = detr.first_queries(number)
        queries = torch.cat(
            [
                queries,
                model.group_queries.flatten(0, 1).expand(number, -1, -1),
                model.label_queries(noisy.labels),
            ],
            1,
        )
        places = torch.cat([places, model.group_boxes.sigmoid().flatten(0, 1).expand(number, -1, -1), noisy.boxes], 1)
        sizes = [num_queries] * (1 + recipe.groups) + [noisy.group_size] * noisy.num_groups
        set_of = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
        logits, boxes, _, _, _ = detr.decode(
            memory, positions, padding, queries, places, forbidden=set_of[:, None] != set_of
        )
    logits, boxes = logits.float(), boxes.float()
    if not recipe.auxiliary:
        logits, boxes = logits[-1:], boxes[-1:]
    main = (1 + recipe.groups) * num_queries
    sets = _set_losses(logits[:, :, :main], boxes[:, :, :main], targets, num_queries)
    losses = {
        "class": sets[-1, 0, 0],
        "bbox": 5 * sets[-1, 0, 1],
        "giou": 2 * sets[-1, 0, 2],
        "auxiliary": (sets[:-1, 0] * _WEIGHTS).sum(),
        "groups": (sets[:, 1:] * _WEIGHTS).sum(),
        "denoising": _denoising_loss(logits[:, :, main:], boxes[:, :, main:], noisy, targets),
    }
    if recipe.token_head:
        losses["tokens"] = _token_loss(model, memory, features.shape[-2:], targets)
    return losses


_WEIGHTS: Final = torch.tensor([1.0, 5.0, 2.0])
"""Of class, L1 and GIoU, in the matching and in the loss."""


def _set_losses(logits: Tensor, boxes: Tensor, targets: _Targets, num_queries: int) -> Float[Tensor, "L G 3"]:
    """Class, L1 and GIoU loss of every layer and every set of queries, each matched on its own."""
    layers, number, total = logits.shape[:3]
    groups = total // num_queries
    # One row for each layer, scene and group.
    rows_logits = logits.unflatten(2, (groups, num_queries)).flatten(0, 2)
    rows_boxes = boxes.unflatten(2, (groups, num_queries)).flatten(0, 2)

    def repeated(x: Tensor) -> Tensor:
        return x[None, :, None].expand(layers, -1, groups, *x.shape[1:]).flatten(0, 2)

    labels, true = repeated(targets.labels), repeated(targets.boxes)
    counts = repeated(torch.tensor(targets.counts)).tolist()
    owners = assign_batch(rows_logits, rows_boxes, labels, true, counts)

    def apart(x: Tensor) -> Tensor:
        return x.unflatten(0, (layers, number, groups))

    parts = [
        torch.stack(
            assigned_losses(
                apart(rows_logits)[layer, :, group],
                apart(rows_boxes)[layer, :, group],
                apart(owners)[layer, :, group],
                targets.labels,
                targets.boxes,
                num_targets=targets.number,
            )
        )
        for layer in range(layers)
        for group in range(groups)
    ]
    return torch.stack(parts).reshape(layers, groups, 3)


@dataclass(frozen=True, eq=False)
class _Noisy:
    """True boxes and classes with noise; a group holds every target of a scene once."""

    labels: Int64[Tensor, "N D"]
    boxes: Float[Tensor, "N D 4"]
    owners: Int64[Tensor, "N D"]
    group_size: int
    num_groups: int


def denoising_queries(targets: _Targets, most: int, num_classes: int, *, generator: torch.Generator) -> _Noisy:
    """Noisy copies of the targets: centres moved by up to half a side, sides changed by up to half, some classes wrong.

    Args:
        targets: of a batch.
        most: copies a scene, at most; all scenes have as many groups.
        num_classes: to draw wrong classes from.
        generator: of the noise.
    """
    number, size = targets.labels.shape
    groups = most // size
    labels = targets.labels.repeat(1, groups)
    boxes = targets.boxes.repeat(1, groups, 1)
    wrong = torch.randint(num_classes, labels.shape, generator=generator)
    labels = torch.where(torch.rand(labels.shape, generator=generator) < 0.2, wrong, labels)
    noise = torch.rand(boxes.shape, generator=generator) * 2 - 1
    centres = boxes[..., :2] + 0.5 * noise[..., :2] * boxes[..., 2:]
    sides = boxes[..., 2:] * (1 + 0.5 * noise[..., 2:])
    rows = torch.arange(size).expand(number, -1)
    owners = torch.where(rows < torch.tensor(targets.counts)[:, None], rows, UNUSED).repeat(1, groups)
    return _Noisy(labels, torch.cat([centres, sides], -1).clamp(1e-3, 1 - 1e-3), owners, size, groups)


def _denoising_loss(logits: Tensor, boxes: Tensor, noisy: _Noisy, targets: _Targets) -> Tensor:
    if not noisy.num_groups:
        return logits.new_zeros(())
    parts = [
        torch.stack(
            assigned_losses(
                layer_logits,
                layer_boxes,
                noisy.owners,
                targets.labels,
                targets.boxes,
                num_targets=targets.number * noisy.num_groups,
            )
        )
        for layer_logits, layer_boxes in zip(logits, boxes, strict=True)
    ]
    return (torch.stack(parts) * _WEIGHTS).sum()


def _token_loss(model: Trainee, memory: Tensor, grid: torch.Size, targets: _Targets) -> Tensor:
    """Every token within one token of an object's centre says the object's class and box."""
    height, width = grid
    y, x = torch.meshgrid((torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width, indexing="ij")
    centres = torch.stack([x, y], -1).reshape(-1, 2)
    with torch.autocast("cpu", torch.bfloat16):
        logits, deltas = model.token_class(memory).float(), model.token_box(memory).float()
    start = torch.cat([centres, torch.full_like(centres, 0.125)], 1)
    boxes = (start.logit() + deltas).sigmoid()
    with torch.no_grad():
        away = (centres[:, None] - targets.boxes[:, None, :, :2]).abs() * torch.tensor([width, height])
        real = torch.arange(targets.labels.shape[1]) < torch.tensor(targets.counts)[:, None]
        near = (away.amax(-1) < 1) & real[:, None]
        areas = targets.boxes[..., 2:].prod(-1)[:, None].expand_as(near)
        smallest, owner = torch.where(near, areas, math.inf).min(-1)
        chosen = smallest < math.inf
        wanted = F.one_hot(targets.labels.gather(1, owner), logits.shape[-1]) * chosen[..., None]
    true = targets.boxes.gather(1, owner[..., None].expand(*owner.shape, 4))[chosen]
    number = chosen.sum().clamp(min=1)
    classes = sigmoid_focal_loss(logits, wanted.float(), alpha=0.25, gamma=2.0, reduction="sum") / number
    bbox = (boxes[chosen] - true).abs().sum() / number
    giou = (1 - generalized_iou(boxes[chosen], true)).sum() / number
    return classes + 5 * bbox + 2 * giou


def make_detr_evaluation(
    folder: Path, *, count: int = NUM_VALIDATION_SCENES, layer: int = -1
) -> Callable[[nn.Module], Mapping[str, float]]:
    """Judges a model on cached features of the validation scenes, after one of its decoder layers."""
    features = open_features(folder, "validation", count, size=SIZE)
    targets = [(boxes.numpy(), labels.numpy()) for boxes, labels in zip(features.boxes, features.labels, strict=True)]

    def judge(model: nn.Module) -> Mapping[str, float]:
        detr = model.detr if isinstance(model, Trainee) else model

        @torch.inference_mode()
        def detect(index: int) -> Detections:
            stages, _, _ = features.batch(torch.tensor([index]), LITE0_STAGES)
            with torch.autocast("cpu", torch.bfloat16):
                output = detr.answers(join_stages(stages))  # type: ignore[operator]
            found = detections(output.logits[layer, 0], output.boxes[layer, 0], (features.size, features.size))
            return Detections(found.boxes.numpy(), found.scores.numpy(), found.labels.numpy())

        return evaluate(detect, targets).as_dict()

    return judge
