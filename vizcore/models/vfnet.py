"""VarifocalNet on EfficientNet-Lite0: a score that knows how well the box fits, from nine points on the box.

The detector is FCOS on the same levels. A first box is predicted at every cell. Nine points on it (the cell itself, the
middles of its sides, its corners) are where a deformable convolution then looks, to say how far the box is off and how
sure the class is. A score is trained to be the IoU of the cell's box, so no centerness is needed.

Reference:
    Haoyang Zhang, Ying Wang, Feras Dayoub, Niko Sünderhauf. VarifocalNet: An IoU-aware Dense Object Detector. CVPR
    2021, arXiv 2008.13367. Shifeng Zhang et al. Bridging the Gap Between Anchor-based and Anchor-free Detection (ATSS).
    CVPR 2020, arXiv 1912.02424.

    Ours differs in what FCOS here differs in (size, batch norms, softplus, frozen backbone), and in tiles of 4 strides
    for ATSS instead of 8 (our objects have 8 to 200 pixels).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork

from vizcore.models.centernet import POINT_WEIGHTS
from vizcore.models.efficientnet_lite import EfficientNetLite0, load_efficientnet_lite0
from vizcore.models.fcos import (
    STAGE_CHANNELS,
    FCOSConfig,
    Points,
    Selection,
    Tower,
    best_cells,
    build_predictor,
    suppress,
)
from vizcore.models.weight_files import read_network, shipped_file

REFINE_GRADIENT: Final = 0.1
"""Share of the gradient that the first box gets from the points that it puts (``gradient_mul`` of the authors)."""


@dataclass(frozen=True)
class VFNetConfig:
    """What a detector is built from.

    Attributes:
        score: what a score means: ``"class"`` times a centerness (FCOS and ATSS), or ``"iou"`` (IACS).
        star: look again at nine points of the first box.
        finest: the finest level, 2 to 5.
        channels: of every level and of the head.
        num_convs: 3×3 convolutions in each of the head's two towers.
        num_classes: of objects.
    """

    score: str = "iou"
    star: bool = True
    finest: int = 3
    channels: int = 96
    num_convs: int = 2
    num_classes: int = 6

    @property
    def fcos(self) -> FCOSConfig:
        """The levels, stages and strides it shares with FCOS."""
        return FCOSConfig("fpn", self.finest, self.channels, self.num_convs, self.num_classes)


class VFNetOutput(NamedTuple):
    """What the head says, the cells of all levels in one row: level by level, row by row.

    Attributes:
        logits: ``[N, A, K]`` of the classes.
        distances: ``[N, A, 4]`` of the final box to the left, top, right and bottom side, pixels.
        first: ``[N, A, 4]`` the same before the refinement; equal without a star.
        centerness: ``[N, A]`` logit; None where a score is an IoU.
        refined: whether there is a star, so that the first box is another one.
    """

    logits: Tensor
    distances: Tensor
    first: Tensor
    centerness: Tensor | None
    refined: bool


def star_offsets(distances_ltrb: Float[Tensor, "N 4 H W"]) -> Float[Tensor, "N 18 H W"]:
    """Offsets that move a 3×3 kernel's samples to the nine points of a box: ``torchvision.ops.deform_conv2d``'s order.

    Args:
        distances_ltrb: from the cell's middle to the box's sides, in cells.

    Returns:
        (Δy, Δx) of each sample, row by row from the top left, in cells.
    """
    left, top, right, bottom = distances_ltrb.unbind(1)
    zero = torch.zeros_like(left)
    rows = ((-1, -top), (0, zero), (1, bottom))
    columns = ((-1, -left), (0, zero), (1, right))
    parts = [part for dy, y in rows for dx, x in columns for part in (y - dy, x - dx)]
    return torch.stack(parts, 1)


class Taps(NamedTuple):
    """The four cells around every sample of a deformed 3×3 kernel, and how much each counts.

    Attributes:
        cells: ``[N·H·W·9, 4]`` index into the cells of all pictures.
        weights: ``[N·H·W·9, 4]`` of bilinear interpolation; 0 beyond the map, where it is padded with zeros.
    """

    cells: Int64[Tensor, "S 4"]
    weights: Float[Tensor, "S 4"]


def kernel_taps(offsets: Float[Tensor, "N 18 H W"]) -> Taps:
    """Where ``torchvision.ops.deform_conv2d`` with a 3×3 kernel and padding 1 would look."""
    count, _, height, width = offsets.shape
    steps = torch.arange(-1, 2)
    y = torch.arange(height)[:, None] + steps.repeat_interleave(3)[:, None, None] + offsets[:, 0::2]
    x = torch.arange(width) + steps.repeat(3)[:, None, None] + offsets[:, 1::2]
    top, left = y.detach().floor(), x.detach().floor()
    down, right = y - top, x - left
    rows = torch.stack([top, top, top + 1, top + 1], -1)
    columns = torch.stack([left, left + 1, left, left + 1], -1)
    weights = torch.stack([(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right], -1)
    there = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    first = torch.arange(count).view(-1, 1, 1, 1, 1) * height * width
    cells = first + (rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)).long()
    order = (0, 2, 3, 1, 4)
    return Taps(cells.permute(order).reshape(-1, 4), (weights * there).permute(order).reshape(-1, 4))


class StarConv(nn.Module):
    """A 3×3 convolution that looks at the nine points of a box instead of at the cell's neighbours.

    It is ``torchvision.ops.deform_conv2d`` with padding 1, as bags of embeddings: a quarter of its time on a processor,
    a tenth on the way back.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, channels, 3, 3))
        nn.init.kaiming_normal_(self.weight)

    def forward(self, x: Float[Tensor, "N C H W"], taps: Taps) -> Float[Tensor, "N C H W"]:
        """Deformed by taps from :func:`kernel_taps`; in single precision."""
        count, _, height, width = x.shape
        return self.at(x, taps).view(count, height, width, -1).permute(0, 3, 1, 2)

    def at(self, x: Float[Tensor, "N C H W"], taps: Taps) -> Float[Tensor, "P C"]:
        """The answers at the cells whose nine taps each these are."""
        channels = x.shape[1]
        with torch.autocast(x.device.type, enabled=False):
            table = x.float().permute(0, 2, 3, 1).reshape(-1, channels)
            samples = F.embedding_bag(taps.cells, table, mode="sum", per_sample_weights=taps.weights)
            kernel = self.weight.permute(2, 3, 1, 0).reshape(9 * channels, -1)
            return F.relu(samples.view(-1, 9 * channels) @ kernel)


class VFNetHead(nn.Module):
    """Two towers as in FCOS, and the star on top of both."""

    def __init__(self, config: VFNetConfig) -> None:
        super().__init__()
        self.config = config
        levels = config.fcos
        self.class_tower = Tower(levels)
        self.box_tower = Tower(levels)
        self.class_logits = build_predictor(config.channels, config.num_classes, bias=-math.log(99))
        self.box_distances = build_predictor(config.channels, 4, bias=1.0)
        self.scales = nn.Parameter(torch.ones(len(levels.levels)))
        if config.score == "class":
            self.centerness = build_predictor(config.channels, 1, bias=0.0)
        if config.star:
            self.class_star = StarConv(config.channels)
            self.box_star = StarConv(config.channels)
            self.refinement = build_predictor(config.channels, 4, bias=0.0)

    def level(self, x: Float[Tensor, "N C H W"], index: int, stride: int) -> VFNetOutput:
        """The answer of one level's cells."""
        classes, boxes, first, taps = self.look(x, index)
        final = first
        centerness = self.centerness(boxes) if self.config.score == "class" else None
        if taps is not None:
            boxes = self.box_star(boxes, taps)
            final = first.detach() * self.refinement(boxes).float().clamp(-3, 3).exp()
        logits, final, first = (_rows(y) for y in (self.class_logits(classes), final * stride, first * stride))
        return VFNetOutput(
            logits, final, first, None if centerness is None else _rows(centerness).squeeze(-1), self.config.star
        )

    def look(self, x: Float[Tensor, "N C H W"], index: int) -> tuple[Tensor, Tensor, Tensor, Taps | None]:
        """What the classes are said from, what the boxes are, the first boxes (cells), and where the star looks."""
        classes, boxes = self.class_tower(x, index), self.box_tower(x, index)
        first = F.softplus((self.box_distances(boxes) * self.scales[index]).float())
        if not self.config.star:
            return classes, boxes, first, None
        taps = kernel_taps(star_offsets(REFINE_GRADIENT * first + (1 - REFINE_GRADIENT) * first.detach()))
        return self.class_star(classes, taps), boxes, first, taps

    def refine_at(
        self, boxes: Float[Tensor, "1 C H W"], taps: Taps, cells: Int64[Tensor, " P"]
    ) -> Float[Tensor, "P 4"]:
        """Factors of the first boxes at a few cells of one picture's level, up to rounding.

        The last convolution reads the star's answer at each cell and its eight neighbours, so only there the star
        looks.

        Args:
            boxes: what the boxes are said from, before the star.
            taps: where the star looks.
            cells: row by row.
        """
        _, _, height, width = boxes.shape
        steps = torch.arange(-1, 2)
        down, across = cells[:, None, None] // width + steps[:, None], cells[:, None, None] % width + steps
        inside = ((down >= 0) & (down < height) & (across >= 0) & (across < width)).flatten(1)
        around = (down.clamp(0, height - 1) * width + across.clamp(0, width - 1)).flatten(1)
        needed, places = around.unique(return_inverse=True)
        own = Taps(*(each.view(-1, 9, 4)[needed].flatten(0, 1) for each in taps))
        looked = self.box_star.at(boxes, own)[places] * inside[..., None]  # [P, 9, C]
        weight = self.refinement.weight.permute(2, 3, 1, 0).reshape(-1, 4)
        said: Tensor = torch.addmm(self.refinement.bias, looked.flatten(1), weight)  # type: ignore[arg-type]
        return said.clamp(-3, 3).exp()


def _rows(x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N A C"]:
    return x.float().permute(0, 2, 3, 1).flatten(1, 2)


class VFNet(nn.Module):
    """Neck and head; the backbone is a separate network that is never trained here.

    Attributes:
        config: what it was built from.
        neck: stages → levels.
        head: levels → answers.
    """

    def __init__(self, config: VFNetConfig) -> None:
        """Builds neck and head with torch's initial weights.

        Raises:
            ValueError: If the configuration names no such score or level.
        """
        super().__init__()
        if config.score not in ("class", "iou") or not 2 <= config.finest <= 5:
            raise ValueError(f"score must be class or iou and finest 2 to 5; got {config}")
        self.config = config
        self.neck = FeaturePyramidNetwork([STAGE_CHANNELS[name] for name in config.fcos.stages], config.channels)
        self.head = VFNetHead(config)

    def levels(self, stages: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Feature levels, finest first, of backbone stages (more than the neck reads do no harm)."""
        maps = self.neck({name: stages[name] for name in self.config.fcos.stages})
        levels = {f"P{name[1:]}": x for name, x in maps.items()}
        levels["P6"] = F.max_pool2d(levels["P5"], kernel_size=1, stride=2)
        return levels

    def forward(self, stages: Mapping[str, Tensor]) -> VFNetOutput:
        """What the head says about backbone stages."""
        levels, shape = self.levels(stages), self.config.fcos
        per_level = [
            self.head.level(levels[name], index, stride)
            for index, (name, stride) in enumerate(zip(shape.levels, shape.strides, strict=True))
        ]
        logits, distances, first, centerness, _ = zip(*per_level, strict=True)
        return VFNetOutput(
            torch.cat(logits, 1),
            torch.cat(distances, 1),
            torch.cat(first, 1),
            None if centerness[0] is None else torch.cat(centerness, 1),
            self.config.star,
        )


def cell_scores(output: VFNetOutput) -> Float[Tensor, "N A K"]:
    """How sure each cell is of each class: the IACS, or the geometric mean of class probability and centerness."""
    p = output.logits.sigmoid()
    if output.centerness is None:
        return p
    return (p * output.centerness.sigmoid().unsqueeze(-1)).sqrt()


def candidates(
    output: VFNetOutput,
    points: Points,
    image_size: tuple[int, int],
    *,
    score_threshold: float = 0.05,
    most: int = 1000,
) -> Selection:
    """Every (cell, class) of the first picture with a greater score, as boxes clipped to the picture.

    Args:
        output: of the network.
        points: of the same levels.
        image_size: (height, width) that boxes are clipped to, pixels.
        score_threshold: in [0, 1].
        most: only so many of the best are taken.
    """
    scores = cell_scores(output)[0]
    number = min(int((scores > score_threshold).sum()), most)
    return best_cells(scores, output.distances[0], points, image_size, number)


def find_candidates(
    network: VFNet,
    stages: Mapping[str, Tensor],
    points: Points,
    image_size: tuple[int, int],
    *,
    score_threshold: float = 0.05,
    most: int = 1000,
) -> tuple[Selection, int]:
    """The same boxes as :func:`candidates` of what the network says, up to rounding, in less time.

    A box is refined only where it is a candidate's; the scores do not need it.

    Args:
        network: in eval mode.
        stages: of the backbone, of one picture.
        points: of the same levels.
        image_size: (height, width) that boxes are clipped to, pixels.
        score_threshold: in [0, 1].
        most: only so many of the best are taken.

    Returns:
        The candidates, and how many scores there were.
    """
    head, shape, levels = network.head, network.config.fcos, network.levels(stages)
    looks = [head.look(levels[name], index) for index, name in enumerate(shape.levels)]
    distances = torch.cat([_rows(look[2] * s)[0] for look, s in zip(looks, shape.strides, strict=True)])
    logits = torch.cat([_rows(head.class_logits(look[0])) for look in looks], 1)
    centerness = None
    if network.config.score == "class":
        centerness = torch.cat([_rows(head.centerness(look[1])).squeeze(-1) for look in looks], 1)
    said = VFNetOutput(logits, distances[None], distances[None], centerness, network.config.star)
    scores = cell_scores(said)[0]
    number = min(int((scores > score_threshold).sum()), most)
    chosen = torch.div(scores.flatten().topk(number).indices, scores.shape[1], rounding_mode="floor").unique()
    first = 0
    for _, boxes, near, taps in looks:
        size = near.shape[-2] * near.shape[-1]
        own = chosen[(chosen >= first) & (chosen < first + size)]
        if taps is not None and len(own):
            distances[own] *= head.refine_at(boxes, taps, own - first)
        first += size
    return best_cells(scores, distances, points, image_size, number), scores.numel()


def detections(
    output: VFNetOutput,
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


class VFNetDetector(nn.Module):
    """Backbone, neck and head, in eval mode and without gradients: what a page runs."""

    def __init__(self, vfnet: VFNet, backbone: EfficientNetLite0 | None = None) -> None:
        super().__init__()
        self.vfnet = vfnet
        self.backbone = backbone or load_efficientnet_lite0()
        self.eval().requires_grad_(False)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Float[Tensor, "N 3 H W"]) -> VFNetOutput:
        """What the head says about normalised pictures whose sides divide by 64."""
        output: VFNetOutput = self.vfnet(self.backbone.stage_features(x))
        return output


def load_vfnet(name: str = "vfnet", *, backbone: EfficientNetLite0 | None = None) -> VFNetDetector:
    """A detector that was trained here, ready to run. The file holds nothing but tensors (safetensors).

    Args:
        name: of a file in ``vizcore/assets/weights/points``.
        backbone: the network to share, if it is in memory already.

    Raises:
        ValueError: If no such detector was shipped.
    """
    return read_vfnet(shipped_file(name, POINT_WEIGHTS), backbone=backbone)


def read_vfnet(path: Path, *, backbone: EfficientNetLite0 | None = None) -> VFNetDetector:
    """A detector from a file of weights, wherever it lies."""
    return VFNetDetector(read_network(path, lambda config: VFNet(VFNetConfig(**config))), backbone)
