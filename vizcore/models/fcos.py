"""FCOS on EfficientNet-Lite0: a one-stage detector without anchors, on a feature pyramid or on what it replaced.

Every cell of every level says which class lies there, how far the four sides of its box are, and how central it is. A
large object belongs to a coarse level, a small one to a fine level. The neck decides what a level is made of:

* ``"fpn"``: lateral connections and a top-down pathway, the feature pyramid (design (d) of Lin et al.),
* ``"separate"``: the same levels without the top-down pathway, each from its own stage alone (c), as in SSD,
* ``"top"``: the coarsest stage alone (b),
* ``"single"``: one other stage alone, the finest that is named.

Reference:
    Zhi Tian, Chunhua Shen, Hao Chen, Tong He. FCOS: Fully Convolutional One-Stage Object Detection. ICCV 2019,
    arXiv 1904.01355. Tsung-Yi Lin et al. Feature Pyramid Networks for Object Detection. CVPR 2017, arXiv 1612.03144.

    Ours differs from FCOS in its size (two convolutions a tower instead of four, fewer channels), in its ranges (our
    objects have 8 to 200 pixels), in batch norms for each level instead of group norms, in distances through softplus
    instead of an exponential, in sampling positives near the centre and weighting their box loss by centerness (both
    from the authors' later code), and in a backbone that stays as ImageNet left it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor, nn
from torchvision.ops import (
    FeaturePyramidNetwork,
    batched_nms,
    clip_boxes_to_image,
    generalized_box_iou_loss,
    sigmoid_focal_loss,
)

from vizcore.boxes import boxes_to_distances_ltrb, distances_ltrb_to_boxes
from vizcore.models.efficientnet_lite import EfficientNetLite0, fold, load_efficientnet_lite0, normalise
from vizcore.models.weight_files import WEIGHTS_FOLDER, read_network, shipped_file

STAGE_CHANNELS: Final = {"C2": 24, "C3": 40, "C4": 112, "C5": 320}
"""Channels of the backbone's stages; their strides are 4, 8, 16 and 32."""
NECKS: Final = ("fpn", "separate", "top", "single")
CENTER_RADIUS: Final = 1.5
"""A cell is a positive only within so many strides of the object's centre."""
RANGE_PER_STRIDE: Final = 3.0
"""A level ends where an object's farthest side is more than so many strides away; the next one begins there."""


@dataclass(frozen=True)
class FCOSConfig:
    """What a detector is built from.

    Attributes:
        neck: one of ``NECKS``.
        finest: the finest level, 2 to 5; ``single`` has it alone, ``top`` has level 5 alone.
        channels: of every level and of the head.
        num_convs: 3×3 convolutions in each of the head's two towers.
        num_classes: of objects.
    """

    neck: str = "fpn"
    finest: int = 3
    channels: int = 96
    num_convs: int = 2
    num_classes: int = 6

    @property
    def stages(self) -> tuple[str, ...]:
        """The backbone stages that the neck reads, finest first."""
        return tuple(f"C{number}" for number in self._alone or range(self.finest, 6))

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels that the head reads, finest first."""
        return tuple(f"P{number}" for number in self._alone or range(self.finest, 7))

    @property
    def _alone(self) -> tuple[int, ...]:
        """Number of the one stage and level; empty where there are several."""
        return {"top": (5,), "single": (self.finest,)}.get(self.neck, ())

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels of the picture per cell of each level."""
        return tuple(2 ** int(name[1:]) for name in self.levels)

    @property
    def ranges(self) -> tuple[tuple[float, float], ...]:
        """For each level the distances to an object's farthest side that it answers for: (from, up to), pixels."""
        ends = [RANGE_PER_STRIDE * stride for stride in self.strides[:-1]]
        return tuple(zip([0.0, *ends], [*ends, math.inf], strict=True))


class HeadOutput(NamedTuple):
    """What the head says, the cells of all levels in one row: level by level, row by row.

    Attributes:
        logits: ``[N, A, K]`` of the classes.
        distances: ``[N, A, 4]`` to the left, top, right and bottom side, pixels.
        centerness: ``[N, A]`` logit.
    """

    logits: Tensor
    distances: Tensor
    centerness: Tensor


class SeparateNeck(nn.Module):
    """A 1×1 and a 3×3 convolution for each stage, nothing from above: as many weights as a feature pyramid."""

    def __init__(self, in_channels: list[int], out_channels: int) -> None:
        super().__init__()
        self.inner_blocks = nn.ModuleList(nn.Conv2d(channels, out_channels, 1) for channels in in_channels)
        self.layer_blocks = nn.ModuleList(nn.Conv2d(out_channels, out_channels, 3, padding=1) for _ in in_channels)

    def forward(self, stages: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Stage name → level of the same size."""
        blocks = zip(stages.items(), self.inner_blocks, self.layer_blocks, strict=True)
        return {name: outer(inner(x)) for (name, x), inner, outer in blocks}


class FCOSHead(nn.Module):
    """Two towers, shared by all levels: one for the class, one for the box and its centerness.

    The convolutions are shared, the batch norms are not: features of different levels have different statistics. (The
    authors' group norm would make every cell depend on its whole level, and no receptive field could be told.)
    """

    def __init__(self, config: FCOSConfig) -> None:
        super().__init__()
        self.class_tower = Tower(config)
        self.box_tower = Tower(config)
        # One cell in a hundred is an object, before anything is learned (Lin et al., Focal Loss, section 4.1).
        self.class_logits = build_predictor(config.channels, config.num_classes, bias=-math.log(99))
        self.box_distances = build_predictor(config.channels, 4, bias=1.0)
        self.centerness = build_predictor(config.channels, 1, bias=0.0)
        self.scales = nn.Parameter(torch.ones(len(config.levels)))

    def level(self, x: Float[Tensor, "N C H W"], index: int, stride: int) -> HeadOutput:
        """The answer of one level's cells."""
        classes, boxes = self.class_tower(x, index), self.box_tower(x, index)
        distances = F.softplus((self.box_distances(boxes) * self.scales[index]).float()) * stride
        maps = (self.class_logits(classes), distances, self.centerness(boxes))
        logits, distances, centerness = (y.float().permute(0, 2, 3, 1).flatten(1, 2) for y in maps)
        return HeadOutput(logits, distances, centerness.squeeze(-1))


class Tower(nn.Module):
    """3×3 convolutions shared by all levels, each followed by the level's own batch norm and ReLU."""

    def __init__(self, config: FCOSConfig) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(config.channels, config.channels, 3, padding=1, bias=False) for _ in range(config.num_convs)
        )
        self.norms = nn.ModuleList(
            nn.ModuleList(nn.BatchNorm2d(config.channels) for _ in config.levels) for _ in range(config.num_convs)
        )

    def forward(self, x: Float[Tensor, "N C H W"], index: int) -> Float[Tensor, "N C H W"]:
        """Features of one level, given by its index."""
        for conv, norms in zip(self.convs, self.norms, strict=True):
            own = conv[index] if isinstance(conv, nn.ModuleList) else conv
            x = F.relu(norms[index](own(x)))  # type: ignore[index]
        return x

    def fold_norms(self) -> None:
        """Gives each level convolutions of its own, which do what its norms did; see ``efficientnet_lite.fold_norms``.

        Raises:
            ValueError: If the network is in training mode.
        """
        for place, (conv, norms) in enumerate(zip(self.convs, self.norms, strict=True)):
            assert isinstance(norms, nn.ModuleList)
            if isinstance(conv, nn.Conv2d):
                self.convs[place] = nn.ModuleList(fold(conv, norm) for norm in norms)  # type: ignore[arg-type]
                self.norms[place] = nn.ModuleList(nn.Identity() for _ in norms)


def build_predictor(in_channels: int, out_channels: int, *, bias: float) -> nn.Conv2d:
    """A last layer that says ``bias`` everywhere until it has learned something."""
    layer = nn.Conv2d(in_channels, out_channels, 3, padding=1)
    nn.init.normal_(layer.weight, std=0.01)
    layer.bias = nn.Parameter(torch.full((out_channels,), bias))
    return layer


class FCOS(nn.Module):
    """Neck and head; the backbone is a separate network that is never trained here.

    Attributes:
        config: what it was built from.
        neck: stages → levels.
        head: levels → answers.
    """

    def __init__(self, config: FCOSConfig) -> None:
        """Builds neck and head with torch's initial weights.

        Raises:
            ValueError: If the configuration names no such neck or level.
        """
        super().__init__()
        if config.neck not in NECKS or not 2 <= config.finest <= 5:
            raise ValueError(f"neck must be one of {', '.join(NECKS)} and finest 2 to 5; got {config}")
        self.config = config
        in_channels = [STAGE_CHANNELS[name] for name in config.stages]
        self.neck = (
            FeaturePyramidNetwork(in_channels, config.channels)
            if config.neck == "fpn"
            else SeparateNeck(in_channels, config.channels)
        )
        self.head = FCOSHead(config)

    def levels(self, stages: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Feature levels, finest first, of backbone stages (more than the neck reads do no harm)."""
        maps = self.neck({name: stages[name] for name in self.config.stages})
        levels = {f"P{name[1:]}": x for name, x in maps.items()}
        if "P6" in self.config.levels:
            levels["P6"] = F.max_pool2d(levels["P5"], kernel_size=1, stride=2)  # every other cell, as in the paper
        return levels

    def answers(self, levels: Mapping[str, Tensor]) -> HeadOutput:
        """What the head says about levels, all cells in one row."""
        per_level = [
            self.head.level(levels[name], index, stride)
            for index, (name, stride) in enumerate(zip(self.config.levels, self.config.strides, strict=True))
        ]
        return HeadOutput(*(torch.cat(parts, dim=1) for parts in zip(*per_level, strict=True)))

    def forward(self, stages: Mapping[str, Tensor]) -> HeadOutput:
        """What the head says about backbone stages."""
        return self.answers(self.levels(stages))


class Points(NamedTuple):
    """The cells of all levels in one row.

    Attributes:
        centres: ``[A, 2]`` (x, y) in pixels: the middle of the cell.
        levels: ``[A]`` index of the level.
        cells: ``[A, 2]`` (row, column) on the level.
        strides: ``[A]`` pixels per cell.
    """

    centres: Float[Tensor, "A 2"]
    levels: Int64[Tensor, " A"]
    cells: Int64[Tensor, "A 2"]
    strides: Float[Tensor, " A"]


def level_points(sizes: list[tuple[int, int]], strides: tuple[int, ...]) -> Points:
    """Where the cells of levels with these ``(height, width)`` lie, level by level, row by row."""
    parts = []
    for index, ((height, width), stride) in enumerate(zip(sizes, strides, strict=True)):
        cells = torch.cartesian_prod(torch.arange(height), torch.arange(width)).reshape(-1, 2)
        centres = (cells.flip(1).to(torch.float32) + 0.5) * stride
        parts.append((centres, torch.full((len(cells),), index), cells, torch.full((len(cells),), float(stride))))
    return Points(*(torch.cat(column) for column in zip(*parts, strict=True)))


def level_sizes(image_size: tuple[int, int], strides: tuple[int, ...]) -> list[tuple[int, int]]:
    """Sizes ``(height, width)`` of the levels for a picture whose sides divide by 64."""
    return [(-(-image_size[0] // stride), -(-image_size[1] // stride)) for stride in strides]


def assign_targets(
    points: Points, ranges: tuple[tuple[float, float], ...], boxes: Float[Tensor, "M 4"]
) -> Int64[Tensor, " A"]:
    """Which object each cell has to find: index into ``boxes``, -1 for the background.

    A cell is a candidate for an object if its middle lies inside the box and within ``CENTER_RADIUS`` strides of the
    box's centre along both axes, and if the farthest side lies in the level's range. Of several objects it takes the
    one with the smallest area.
    """
    if not len(boxes):
        return torch.full((len(points.levels),), -1)
    distances = boxes_to_distances_ltrb(boxes[None], points.centres[:, None])
    inside = distances.amin(-1) > 0
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    near = (points.centres[:, None] - middle).abs().amax(-1) < CENTER_RADIUS * points.strides[:, None]
    farthest = distances.amax(-1)
    low, high = torch.tensor(ranges)[points.levels].T[..., None]
    candidate: Bool[Tensor, "A M"] = inside & near & (farthest > low) & (farthest <= high)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1).expand_as(farthest)
    smallest, owner = torch.where(candidate, areas, math.inf).min(1)
    return torch.where(smallest < math.inf, owner, -1)


def centerness_target(distances: Float[Tensor, "... 4"]) -> Float[Tensor, "..."]:
    """Centerness of a point inside its box: 1 in the middle, 0 on a side (equation 3 of the paper)."""
    left, top, right, bottom = distances.unbind(-1)
    horizontal = torch.minimum(left, right) / torch.maximum(left, right)
    vertical = torch.minimum(top, bottom) / torch.maximum(top, bottom)
    return (horizontal * vertical).clamp(min=0).sqrt()


def detection_losses(
    output: HeadOutput,
    points: Points,
    ranges: tuple[tuple[float, float], ...],
    boxes: list[Float[Tensor, "M 4"]],
    labels: list[Int64[Tensor, " M"]],
) -> dict[str, Tensor]:
    """The three losses of a batch: focal loss of the classes, GIoU loss of the boxes, cross-entropy of the centerness.

    All are sums over the batch's cells divided by the number of positives; the box loss is weighted by centerness.
    """
    owners = [assign_targets(points, ranges, each) for each in boxes]
    targets = torch.zeros_like(output.logits)
    wanted, wanted_boxes = [], []
    for image, (owner, image_boxes, image_labels) in enumerate(zip(owners, boxes, labels, strict=True)):
        (cells,) = torch.nonzero(owner >= 0, as_tuple=True)
        targets[image, cells, image_labels[owner[cells]]] = 1.0
        wanted.append(image * len(points.levels) + cells)
        wanted_boxes.append(image_boxes[owner[cells]])
    positives, matched = torch.cat(wanted), torch.cat(wanted_boxes)
    number = max(len(positives), 1)
    classes = sigmoid_focal_loss(output.logits, targets, alpha=0.25, gamma=2.0, reduction="sum") / number
    centres = points.centres.repeat(len(boxes), 1)[positives]
    centerness = centerness_target(boxes_to_distances_ltrb(matched, centres))
    predicted = distances_ltrb_to_boxes(output.distances.flatten(0, 1)[positives], centres)
    overlap = generalized_box_iou_loss(predicted, matched, reduction="none")
    return {
        "class": classes,
        "box": (overlap * centerness).sum() / centerness.sum().clamp(min=1e-6),
        "centerness": F.binary_cross_entropy_with_logits(
            output.centerness.flatten()[positives], centerness, reduction="sum"
        )
        / number,
    }


def cell_scores(output: HeadOutput) -> Float[Tensor, "N A K"]:
    """How sure each cell is of each class: the geometric mean of the class's probability and the centerness."""
    return (output.logits.sigmoid() * output.centerness.sigmoid().unsqueeze(-1)).sqrt()


def as_input(pixels: Tensor) -> Float[Tensor, "N 3 H W"]:
    """uint8 ``[N, H, W, 3]`` as the backbone wants it, padded at the right and below to sides that divide by 64."""
    x = normalise(pixels).permute(0, 3, 1, 2)
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % 64, 0, -height % 64)).contiguous()


class Detector(nn.Module):
    """Backbone, neck and head, in eval mode and without gradients: what a page runs."""

    def __init__(self, fcos: FCOS, backbone: EfficientNetLite0 | None = None) -> None:
        super().__init__()
        self.fcos = fcos
        self.backbone = backbone or load_efficientnet_lite0()
        self.eval().requires_grad_(False)
        # Channels innermost: the same numbers to the last few bits, in little more than half the time on a CPU.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Float[Tensor, "N 3 H W"]) -> HeadOutput:
        """What the head says about normalised pictures whose sides divide by 64."""
        output: HeadOutput = self.fcos(self.backbone.stage_features(x))
        return output


class Selection(NamedTuple):
    """Boxes of one picture, by decreasing score.

    Attributes:
        boxes: ``[K, 4]`` xyxy, pixels.
        scores: ``[K]`` in [0, 1].
        labels: ``[K]`` class.
        cells: ``[K]`` index of the cell that made the box.
    """

    boxes: Float[Tensor, "K 4"]
    scores: Float[Tensor, " K"]
    labels: Int64[Tensor, " K"]
    cells: Int64[Tensor, " K"]


def candidates(
    output: HeadOutput,
    points: Points,
    image_size: tuple[int, int],
    *,
    score_threshold: float = 0.05,
    least: int = 0,
    most: int = 1000,
) -> Selection:
    """Every (cell, class) of the first picture with a greater score, as boxes clipped to the picture.

    Args:
        output: of the head.
        points: of the same levels.
        image_size: (height, width) that boxes are clipped to, pixels.
        score_threshold: in [0, 1].
        least: if fewer pass, so many of the best are taken.
        most: only so many of the best are taken.
    """
    scores = cell_scores(output)[0]
    number = min(max(int((scores > score_threshold).sum()), least), most)
    return best_cells(scores, output.distances[0], points, image_size, number)


def best_cells(
    scores: Float[Tensor, "P C"],
    distances: Float[Tensor, "P 4"],
    points: Points,
    image_size: tuple[int, int],
    number: int,
) -> Selection:
    """The best (cell, class) pairs of one picture as boxes clipped to it, by decreasing score.

    Args:
        scores: of every class at every cell, in [0, 1].
        distances: from each cell to the sides of its box, pixels.
        points: of the same levels.
        image_size: (height, width) that boxes are clipped to, pixels.
        number: of pairs.
    """
    values, places = scores.flatten().topk(min(number, scores.numel()))
    cells = torch.div(places, scores.shape[1], rounding_mode="floor")
    boxes = distances_ltrb_to_boxes(distances[cells], points.centres[cells])
    return Selection(clip_boxes_to_image(boxes, image_size), values, places % scores.shape[1], cells)


def detections(
    output: HeadOutput,
    points: Points,
    image_size: tuple[int, int],
    *,
    score_threshold: float = 0.05,
    iou_threshold: float = 0.6,
    most: int = 100,
) -> Selection:
    """Final boxes of the first picture: candidates, then class-aware NMS."""
    found = candidates(output, points, image_size, score_threshold=score_threshold)
    return suppress(found, iou_threshold, most)


def suppress(found: Selection, iou_threshold: float, most: int) -> Selection:
    """What class-aware NMS leaves of candidates, by decreasing score."""
    keep = batched_nms(found.boxes, found.scores, found.labels, iou_threshold)[:most]
    return Selection(*(column[keep] for column in found))


PYRAMID_SCALES: Final = (1, 2, 4)
"""Sizes of the picture, times its own, at which a single-level detector is asked in :func:`detect_on_pyramid`."""
PYRAMID_SIZES: Final = (24.0, 200.0)
"""Of each size it is believed only about boxes this large, as square roots of their areas in the enlarged picture."""


@torch.inference_mode()
def detect(detector: Detector, pixels: UInt8[Tensor, "H W 3"], **thresholds: float) -> Selection:
    """Final boxes on a picture at its own size; the thresholds are those of :func:`detections`."""
    x = as_input(pixels[None])
    sizes = level_sizes((x.shape[2], x.shape[3]), detector.fcos.config.strides)
    points = level_points(sizes, detector.fcos.config.strides)
    return detections(detector(x), points, (pixels.shape[0], pixels.shape[1]), **thresholds)  # type: ignore[arg-type]


@torch.inference_mode()
def detect_on_pyramid(
    detector: Detector, pixels: UInt8[Tensor, "H W 3"], *, iou_threshold: float = 0.6, most: int = 100
) -> Selection:
    """Final boxes of a single-level detector shown the picture at several sizes: design (a) of Lin et al.

    Every size answers for objects that the detector knows at that size, the finest for the smallest; NMS joins them.
    """
    low, high = PYRAMID_SIZES
    parts = []
    for index, scale in enumerate(PYRAMID_SCALES):
        image = pixels.permute(2, 0, 1)[None].float()
        enlarged = image if scale == 1 else F.interpolate(image, scale_factor=scale, mode="bilinear")
        found = detect(detector, enlarged.round().to(torch.uint8)[0].permute(1, 2, 0))
        size = (found.boxes[:, 2:] - found.boxes[:, :2]).prod(1).sqrt()
        largest = high if index else math.inf  # nothing sees a larger object than the picture at its own size
        smallest = 0.0 if scale == PYRAMID_SCALES[-1] else low
        chosen = (size > smallest) & (size <= largest)
        boxes, scores, labels, cells = (column[chosen] for column in found)
        parts.append(Selection(boxes / scale, scores, labels, cells))
    every = Selection(*(torch.cat(column) for column in zip(*parts, strict=True)))
    return suppress(every, iou_threshold, most)


def load_fcos(name: str = "fcos_fpn", *, backbone: EfficientNetLite0 | None = None) -> Detector:
    """A detector that was trained here, ready to run. The file holds nothing but tensors (safetensors).

    Args:
        name: of a file in ``vizcore/assets/weights``: ``"fcos_fpn"``, or ``"compare_fpn"``, ``"compare_separate"`` and
            ``"compare_top"``, which differ in their neck alone and were trained with one budget.
        backbone: the network to share, if it is in memory already.

    Raises:
        ValueError: If no such detector was shipped.
    """
    fcos = read_network(shipped_file(name, WEIGHTS_FOLDER), lambda config: FCOS(FCOSConfig(**config)))
    return Detector(fcos, backbone)
