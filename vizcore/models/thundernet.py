"""ThunderNet: a two-stage detector whose detection part is as light as its backbone.

One class a box of the paper's figure: context enhancement (CEM) makes one map of stride 16 out of two stages and the
whole picture; a compressed region proposal network (RPN) reads it; spatial attention (SAM) weighs it with what the RPN
knows; position-sensitive pooling cuts regions out, and one wide layer judges them.

Reference:
    Zheng Qin et al. ThunderNet: Towards Real-time Generic Object Detection on Mobile Devices. ICCV 2019,
    arXiv 1903.11752 (Figure 2). Position-sensitive pooling: Jifeng Dai et al. R-FCN. NIPS 2016, arXiv 1605.06409.

    Ours differs in that each piece can be left out or put in its plain form, to see what it costs; in pooling by
    averages of samples, as torchvision does (the authors' kernel takes their maximum); and in boxes that are the same
    for all classes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torchvision.ops import clip_boxes_to_image, nms, ps_roi_align, roi_align

from vizcore.models.efficientnet_lite import EfficientNetLite0, load_efficientnet_lite0
from vizcore.models.fcos import STAGE_CHANNELS
from vizcore.models.weight_files import WEIGHTS_FOLDER, read_network, shipped_file

STRIDE: Final = 16
"""Pixels of the picture per cell of the one map."""
CONTEXT_CHANNELS: Final = 245
RPN_CHANNELS: Final = 256
BINS: Final = 7
"""Along each side of a region."""
SAMPLES: Final = 2
"""Points along each side of a bin that pooling reads."""
ANCHOR_SIZES: Final = (32, 64, 128, 256, 512)
ANCHOR_RATIOS: Final = (0.5, 0.75, 1.0, 4 / 3, 2.0)
"""Height over width."""
ANCHORS: Final = len(ANCHOR_SIZES) * len(ANCHOR_RATIOS)
LARGEST_LOG: Final = 4.135
"""log(1000 / 16): by more no side is enlarged."""
SCENE_SIZE: Final = 320
"""Side of the scenes that the detection parts shipped here were trained on, pixels."""
SCENE_ANCHOR_SCALE: Final = 0.5
"""Their anchors are half the paper's size: the objects of such a scene have 8 to 200 pixels."""
THUNDERNET_WEIGHTS: Final = WEIGHTS_FOLDER / "thundernet"
"""Where they lie, each beside its card."""


@dataclass(frozen=True)
class ThunderNetConfig:
    """What the detection part is built from.

    Attributes:
        cem: three terms; without it only the stage of stride 16.
        compressed: the RPN's 5×5 depth-wise and 1×1 convolution; else its plain 3×3 convolution.
        sam: weigh the map before pooling.
        position_sensitive: each bin of a region has channels of its own; else every bin takes all channels.
        head_channels: width of the layer that judges regions.
        num_classes: of objects.
    """

    cem: bool = True
    compressed: bool = True
    sam: bool = True
    position_sensitive: bool = True
    head_channels: int = 1024
    num_classes: int = 80


class ContextTerms(NamedTuple):
    """What context enhancement adds up.

    Attributes:
        local: ``[N, 245, H, W]`` from C4.
        upsampled: the same from C5, enlarged to C4's size; None without enhancement.
        whole: ``[N, 245, 1, 1]`` from the mean of C5, the same for every cell; None without enhancement.
    """

    local: Tensor
    upsampled: Tensor | None
    whole: Tensor | None

    @property
    def sum(self) -> Float[Tensor, "N C H W"]:
        """The map that everything after reads."""
        terms = self.local
        for term in (self.upsampled, self.whole):
            terms = terms if term is None else terms + term
        return terms


class ContextEnhancement(nn.Module):
    """C4, C5 and the mean of C5, each through a 1×1 convolution, added: fine, coarse and whole."""

    def __init__(self, channels: Mapping[str, int], *, enhanced: bool = True) -> None:
        super().__init__()
        self.local = nn.Conv2d(channels["C4"], CONTEXT_CHANNELS, 1)
        self.coarse = nn.Conv2d(channels["C5"], CONTEXT_CHANNELS, 1) if enhanced else None
        self.whole = nn.Conv2d(channels["C5"], CONTEXT_CHANNELS, 1) if enhanced else None

    def forward(self, c4: Float[Tensor, "N C4 H W"], c5: Float[Tensor, "N C5 H2 W2"]) -> ContextTerms:
        """The terms, not yet added."""
        local = self.local(c4)
        if self.coarse is None or self.whole is None:
            return ContextTerms(local, None, None)
        upsampled = F.interpolate(self.coarse(c5), size=c4.shape[-2:], mode="nearest")
        return ContextTerms(local, upsampled, self.whole(c5.mean(dim=(2, 3), keepdim=True)))


class RPN(nn.Module):
    """Looks at each cell's neighbourhood, then says for each anchor whether something is there, and where."""

    def __init__(self, *, compressed: bool = True) -> None:
        super().__init__()
        self.tower = (
            nn.Sequential(
                nn.Conv2d(CONTEXT_CHANNELS, CONTEXT_CHANNELS, 5, padding=2, groups=CONTEXT_CHANNELS),
                nn.ReLU(),
                nn.Conv2d(CONTEXT_CHANNELS, RPN_CHANNELS, 1),
                nn.ReLU(),
            )
            if compressed
            else nn.Sequential(nn.Conv2d(CONTEXT_CHANNELS, RPN_CHANNELS, 3, padding=1), nn.ReLU())
        )
        self.objectness = nn.Conv2d(RPN_CHANNELS, ANCHORS, 1)
        self.deltas = nn.Conv2d(RPN_CHANNELS, 4 * ANCHORS, 1)

    def forward(self, x: Float[Tensor, "N 245 H W"]) -> tuple[Tensor, Tensor, Tensor]:
        """Features ``[N, 256, H, W]``, logits ``[N, 25, H, W]`` and box deltas ``[N, 100, H, W]``."""
        features = self.tower(x)
        return features, self.objectness(features), self.deltas(features)


class SpatialAttention(nn.Module):
    """Multiplies the map by numbers between 0 and 1 that come from what the RPN sees."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Conv2d(RPN_CHANNELS, CONTEXT_CHANNELS, 1, bias=False)
        self.norm = nn.BatchNorm2d(CONTEXT_CHANNELS)

    def mask(self, rpn_features: Float[Tensor, "N 256 H W"]) -> Float[Tensor, "N 245 H W"]:
        """The factors."""
        return torch.sigmoid(self.norm(self.project(rpn_features)))

    def forward(self, x: Float[Tensor, "N 245 H W"], rpn_features: Float[Tensor, "N 256 H W"]) -> Tensor:
        """The weighed map."""
        return x * self.mask(rpn_features)


class RegionHead(nn.Module):
    """Pools each region into 7 × 7 bins, and judges it with one wide layer."""

    def __init__(self, config: ThunderNetConfig) -> None:
        super().__init__()
        self.position_sensitive = config.position_sensitive
        channels = CONTEXT_CHANNELS // BINS**2 if config.position_sensitive else CONTEXT_CHANNELS
        self.wide = nn.Linear(channels * BINS**2, config.head_channels)
        self.classes = nn.Linear(config.head_channels, config.num_classes + 1)
        self.deltas = nn.Linear(config.head_channels, 4)

    def pool(self, x: Float[Tensor, "N 245 H W"], regions: Float[Tensor, "R 5"]) -> Float[Tensor, "R C 7 7"]:
        """The bins of each region: 5 channels if each bin reads its own, else all 245."""
        pooling = ps_roi_align if self.position_sensitive else roi_align
        pooled: Tensor = pooling(x, regions, BINS, 1 / STRIDE, SAMPLES)
        return pooled

    def judge(self, pooled: Float[Tensor, "R C 7 7"]) -> tuple[Float[Tensor, "R K1"], Float[Tensor, "R 4"]]:
        """Logits of the classes (the last is “nothing”) and box deltas."""
        wide = F.relu(self.wide(pooled.flatten(1)))
        return self.classes(wide), self.deltas(wide)

    def forward(self, x: Float[Tensor, "N 245 H W"], regions: Float[Tensor, "R 5"]) -> tuple[Tensor, Tensor]:
        """Logits and deltas of regions ``(picture, x1, y1, x2, y2)``, pixels of the picture."""
        return self.judge(self.pool(x, regions))


class DetectionPart(nn.Module):
    """Everything behind the backbone."""

    def __init__(self, channels: Mapping[str, int], config: ThunderNetConfig) -> None:
        super().__init__()
        self.config = config
        self.cem = ContextEnhancement(channels, enhanced=config.cem)
        self.rpn = RPN(compressed=config.compressed)
        self.sam = SpatialAttention() if config.sam else None
        self.head = RegionHead(config)

    def forward(
        self, maps: Mapping[str, Float[Tensor, "N _C _H _W"]], regions: Float[Tensor, "R 5"]
    ) -> tuple[Tensor, Tensor]:
        """Logits and deltas of given regions; which ones the RPN would propose is left to whoever decodes it."""
        x, _objectness, _deltas = self.look(maps)
        judged: tuple[Tensor, Tensor] = self.head(x, regions)
        return judged

    def look(self, maps: Mapping[str, Float[Tensor, "N _C _H _W"]]) -> tuple[Tensor, Tensor, Tensor]:
        """Everything before regions are cut out: the (weighed) map, objectness and deltas of the anchors."""
        x = self.cem(maps["C4"], maps["C5"]).sum
        features, objectness, deltas = self.rpn(x)
        return (x if self.sam is None else self.sam(x, features)), objectness, deltas


class ThunderNet(nn.Module):
    """Backbone and detection part."""

    def __init__(self, backbone: nn.Module, channels: Mapping[str, int], config: ThunderNetConfig) -> None:
        super().__init__()
        self.backbone = backbone
        self.detection = DetectionPart(channels, config)

    def forward(self, x: Float[Tensor, "N 3 H W"], regions: Float[Tensor, "R 5"]) -> tuple[Tensor, Tensor]:
        """Logits and deltas of given regions."""
        judged: tuple[Tensor, Tensor] = self.detection(self.backbone(x), regions)
        return judged


def cell_anchors(row: int, column: int) -> Float[Tensor, "25 4"]:
    """The anchors of one cell of the map, xyxy in pixels of the picture; not clipped to it.

    Args:
        row: of the cell.
        column: of the cell.

    Returns:
        Sizes in the order of ``ANCHOR_SIZES``, each in the order of ``ANCHOR_RATIOS``; all shapes of a size have the
        same area.
    """
    sizes = torch.tensor(ANCHOR_SIZES, dtype=torch.float64).repeat_interleave(len(ANCHOR_RATIOS))
    ratios = torch.tensor(ANCHOR_RATIOS, dtype=torch.float64).repeat(len(ANCHOR_SIZES))
    half = torch.stack([sizes / ratios.sqrt(), sizes * ratios.sqrt()], dim=1) / 2
    middle = torch.tensor([(column + 0.5) * STRIDE, (row + 0.5) * STRIDE], dtype=torch.float64)
    return torch.cat([middle - half, middle + half], dim=1).float()


def level_anchors(rows: int, columns: int, *, scale: float = 1.0) -> Float[Tensor, "A 4"]:
    """The anchors of all cells, row by row: ``rows · columns · 25``, xyxy in pixels of the picture.

    Args:
        rows: of the map.
        columns: of the map.
        scale: by which all anchors are enlarged around their middles: a half suits objects of half the size.
    """
    first = cell_anchors(0, 0)
    middle = STRIDE / 2
    first = middle + (first - middle) * scale
    y, x = torch.meshgrid(torch.arange(rows) * STRIDE, torch.arange(columns) * STRIDE, indexing="ij")
    return (torch.stack([x, y, x, y], dim=-1)[:, :, None] + first).reshape(-1, 4)


def encode_boxes(boxes: Float[Tensor, "N 4"], anchors: Float[Tensor, "N 4"]) -> Float[Tensor, "N 4"]:
    """Boxes as deltas from anchors: shift of the middle in anchor sizes, logarithm of the sides' ratio.

    Args:
        boxes: xyxy, with an area.
        anchors: xyxy, one for each.
    """
    middle, side = _center_form(boxes)
    anchor_middle, anchor_side = _center_form(anchors)
    return torch.cat([(middle - anchor_middle) / anchor_side, (side / anchor_side).log()], dim=1)


def decode_boxes(deltas: Float[Tensor, "N 4"], anchors: Float[Tensor, "N 4"]) -> Float[Tensor, "N 4"]:
    """The boxes, xyxy, that deltas make of anchors; no side grows more than 62 times (a network may say anything)."""
    anchor_middle, anchor_side = _center_form(anchors)
    middle = anchor_middle + deltas[:, :2] * anchor_side
    half = anchor_side * deltas[:, 2:].clamp(max=LARGEST_LOG).exp() / 2
    return torch.cat([middle - half, middle + half], dim=1)


class Proposals(NamedTuple):
    """Regions of one picture, by decreasing objectness.

    Attributes:
        boxes: ``[R, 4]`` xyxy, pixels.
        scores: ``[R]`` objectness in [0, 1].
        anchors: ``[R]`` index of the anchor that each was made from.
    """

    boxes: Float[Tensor, "R 4"]
    scores: Float[Tensor, " R"]
    anchors: Int64[Tensor, " R"]


def propose(
    objectness: Float[Tensor, "25 H W"],
    deltas: Float[Tensor, "100 H W"],
    anchors: Float[Tensor, "A 4"],
    *,
    image_size: tuple[int, int],
    candidates: int = 600,
    most: int = 200,
    iou_threshold: float = 0.7,
) -> Proposals:
    """The regions of one picture, by decreasing objectness.

    Args:
        objectness: logits of each anchor.
        deltas: of each anchor, its four numbers side by side.
        anchors: from :func:`level_anchors`.
        image_size: (height, width) that regions are clipped to, pixels.
        candidates: of the best anchors so many go into NMS.
        most: regions that are kept.
        iou_threshold: of NMS.
    """
    logits = objectness.permute(1, 2, 0).reshape(-1)
    values, best = logits.topk(min(candidates, len(logits)))
    each = deltas.permute(1, 2, 0).reshape(-1, 4)[best]
    boxes = clip_boxes_to_image(decode_boxes(each, anchors[best]), image_size)
    large = ((boxes[:, 2:] - boxes[:, :2]) >= 2).all(1)
    boxes, values, best = boxes[large], values[large], best[large]
    kept = nms(boxes, values, iou_threshold)[:most]
    return Proposals(boxes[kept], values[kept].sigmoid(), best[kept])


def judge_regions(
    part: DetectionPart, x: Float[Tensor, "1 245 H W"], regions: Float[Tensor, "R 4"], image_size: tuple[int, int]
) -> tuple[Float[Tensor, "R 4"], Float[Tensor, "R K"]]:
    """What one picture's regions become: boxes, and the score of each class.

    Args:
        part: in eval mode.
        x: from :meth:`DetectionPart.look`.
        regions: xyxy, pixels.
        image_size: (height, width) that boxes are clipped to, pixels.
    """
    logits, corrections = part.head(x, torch.cat([torch.zeros(len(regions), 1), regions], dim=1))
    boxes = clip_boxes_to_image(decode_boxes(corrections, regions), image_size)
    return boxes, logits.softmax(1)[:, :-1]


class ThunderNetDetector(nn.Module):
    """Frozen EfficientNet-Lite0 and a detection part, in eval mode and without gradients: what a page runs."""

    def __init__(self, part: DetectionPart, backbone: EfficientNetLite0 | None = None) -> None:
        super().__init__()
        self.part = part
        self.backbone = backbone or load_efficientnet_lite0()
        self.eval().requires_grad_(False)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Float[Tensor, "N 3 H W"], regions: Float[Tensor, "R 5"]) -> tuple[Tensor, Tensor]:
        """Logits and deltas of given regions of normalised pictures whose sides divide by 64."""
        judged: tuple[Tensor, Tensor] = self.part(self.backbone.stage_features(x), regions)
        return judged


def load_thundernet(name: str = "thundernet", *, backbone: EfficientNetLite0 | None = None) -> ThunderNetDetector:
    """A detector that was trained here, ready to run. The file holds nothing but tensors (safetensors).

    Args:
        name: of a file in ``vizcore/assets/weights/thundernet``: ``"thundernet"``, and ``"thundernet_base"``,
            ``"thundernet_cem"`` and ``"thundernet_sam"``, which leave out one or both of its additions.
        backbone: the network to share, if it is in memory already.

    Raises:
        ValueError: If no such detector was shipped.
    """
    return read_thundernet(shipped_file(name, THUNDERNET_WEIGHTS), backbone=backbone)


def read_thundernet(path: Path, *, backbone: EfficientNetLite0 | None = None) -> ThunderNetDetector:
    """A detector from a file of weights, wherever it lies."""
    part = read_network(path, lambda config: DetectionPart(STAGE_CHANNELS, ThunderNetConfig(**config)))
    return ThunderNetDetector(part, backbone)


def best_thundernet() -> str | None:
    """The shipped detector with the greatest AP on its card; None if none was shipped."""
    found = {
        path.stem: json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["quality"]["ap"]
        for path in sorted(THUNDERNET_WEIGHTS.glob("*.safetensors"))
        if path.with_suffix(".json").is_file()
    }
    return max(found, key=lambda name: float(found[name]), default=None)


def _center_form(boxes: Float[Tensor, "N 4"]) -> tuple[Float[Tensor, "N 2"], Float[Tensor, "N 2"]]:
    """Middles and sides."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
