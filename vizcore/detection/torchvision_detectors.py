"""torchvision's COCO detectors, run part by part so that the whole road to the final boxes can be shown.

A model is never altered: its transform, backbone, neck and head are called one after another, and the candidates are
taken from the heads' real outputs with the model's own box coder. What torchvision does in ``postprocess_detections``
is repeated here with the same operations in the same order, remembering for each candidate where it came from; the
tests hold the final boxes to ``model(images)``, bit by bit.

Reference:
    Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016, arXiv 1512.02325; Howard et al., "Searching for
    MobileNetV3" (SSDLite), ICCV 2019, arXiv 1905.02244; Ren et al., "Faster R-CNN", NIPS 2015, arXiv 1506.01497;
    Li et al., "Benchmarking Detection Transfer Learning with Vision Transformers" (the v2 recipes), 2021,
    arXiv 2111.11429; Lin et al., "Focal Loss for Dense Object Detection" (RetinaNet), ICCV 2017, arXiv 1708.02002;
    Tian et al., "FCOS: Fully Convolutional One-Stage Object Detection", ICCV 2019, arXiv 1904.01355.
"""

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn
from torchvision.models import detection as builders
from torchvision.models import get_model_weights
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import concat_box_prediction_layers
from torchvision.models.detection.transform import resize_boxes
from torchvision.ops import FrozenBatchNorm2d, batched_nms, clip_boxes_to_image, remove_small_boxes

from vizcore.detection.output import (
    Candidates,
    DetectorInfo,
    DetectorOutput,
    LoadedDetector,
    Stage,
    build_output,
    check_photo,
    check_thresholds,
    unknown_detector,
)
from vizcore.weights import DOES_NOT_FIT, WeightsError, WeightsSource, find_weights, load_weights

RECORDING_FLOOR: Final = 0.01
"""Candidates with a greater score are always recorded, so thresholds down to here are exact without another run."""

MIN_CANDIDATES: Final = 100
"""If fewer pass the floor, the best of the rest are recorded until there are so many."""


@dataclass(frozen=True)
class _Spec:
    """What is not in torchvision's weight enum.

    Attributes:
        title: A name for people.
        family: How it looks for objects.
        iou_threshold: The model's own NMS threshold.
        level_names: The feature levels, finest first.
        frozen_norm: Whether the pretrained model's backbone has frozen batch norm, which rounds differently.
        source: Paper.
    """

    title: str
    family: str
    iou_threshold: float
    level_names: tuple[str, ...]
    frozen_norm: bool
    source: str


_SPECS: Final = {
    "ssdlite320_mobilenet_v3_large": _Spec(
        "SSDLite 320 · MobileNetV3",
        "one stage",
        0.55,
        ("20×20", "10×10", "5×5", "3×3", "2×2", "1×1"),
        False,
        "Howard et al. 2019, arXiv 1905.02244; weights from torchvision",
    ),
    "fasterrcnn_mobilenet_v3_large_320_fpn": _Spec(
        "Faster R-CNN 320 · MobileNetV3",
        "two stages",
        0.5,
        ("C4", "C5", "pool"),
        True,
        "Ren et al. 2015, arXiv 1506.01497; weights from torchvision",
    ),
    "fasterrcnn_resnet50_fpn_v2": _Spec(
        "Faster R-CNN v2 · ResNet-50 FPN",
        "two stages",
        0.5,
        ("P2", "P3", "P4", "P5", "P6"),
        False,
        "Li et al. 2021, arXiv 2111.11429; weights from torchvision",
    ),
    "retinanet_resnet50_fpn_v2": _Spec(
        "RetinaNet v2 · ResNet-50 FPN",
        "one stage",
        0.5,
        ("P3", "P4", "P5", "P6", "P7"),
        False,
        "Lin et al. 2017, arXiv 1708.02002; weights from torchvision",
    ),
    "fcos_resnet50_fpn": _Spec(
        "FCOS · ResNet-50 FPN",
        "one stage",
        0.6,
        ("P3", "P4", "P5", "P6", "P7"),
        True,
        "Tian et al. 2019, arXiv 1904.01355; weights from torchvision",
    ),
}


def list_infos() -> tuple[DetectorInfo, ...]:
    """Torchvision's detectors, the fastest first; looks for their weights on disk, loads none."""
    return tuple(_info(name) for name in _SPECS)


def weights_source(name: str) -> WeightsSource:
    """Where the official weights of a detector are published.

    Args:
        name: One of the names in ``list_infos()``.

    Returns:
        Address and size.

    Raises:
        DetectionError: If torchvision has no such detector here.
    """
    weights = _official(name)
    # torchvision states file sizes in units of 2^20 bytes.
    return WeightsSource(weights.url, round(weights.meta["_file_size"] * 2**20))


def build_model(name: str) -> nn.Module:
    """Build a detector as torchvision builds it for its official weights, with random numbers in their place.

    Args:
        name: One of the names in ``list_infos()``.

    Returns:
        The model, in evaluation mode.

    Raises:
        DetectionError: If torchvision has no such detector here.
    """
    spec = _spec(name)
    model: Any = getattr(builders, name)(weights=None, weights_backbone=None)
    if spec.frozen_norm:
        _freeze_norms(model.backbone)
    evaluated: nn.Module = model.eval()
    return evaluated


def load(name: str) -> LoadedDetector:
    """Load a detector with its official weights, which must be on disk.

    Args:
        name: One of the names in ``list_infos()``.

    Returns:
        The detector, ready to run.

    Raises:
        DetectionError: If torchvision has no such detector here.
        WeightsError: If the weights are not on disk, damaged, or those of another model.
    """
    source = weights_source(name)
    state = load_weights(source)
    model = build_model(name)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(DOES_NOT_FIT, file_name=source.file_name, model=_spec(name).title) from error
    return as_detector(name, model)


def as_detector(name: str, model: nn.Module) -> LoadedDetector:
    """Make a model of the kind ``name`` into a detector.

    Args:
        name: One of the names in ``list_infos()``.
        model: What torchvision's builder of that name returns, with any weights, in evaluation mode.

    Returns:
        The detector, ready to run.

    Raises:
        DetectionError: If torchvision has no such detector here.
    """
    return LoadedDetector(_info(name), partial(run_model, name, model))


@torch.inference_mode()
def run_model(
    name: str,
    model: Any,
    photo: UInt8[np.ndarray, "H W 3"],
    *,
    score_threshold: float,
    iou_threshold: float,
) -> DetectorOutput:
    """Run a model part by part and record the road to its boxes.

    The boxes, scores and labels are those of ``model(images)`` with both thresholds set on the model. The model is only
    read, so that several threads can share it.

    Args:
        name: One of the names in ``list_infos()``.
        model: What torchvision's builder of that name returns, in evaluation mode.
        photo: ``[H, W, 3]`` RGB, 0..255.
        score_threshold: Boxes with a greater score survive, in [0, 1].
        iou_threshold: A box whose IoU with a better one of its class is greater is suppressed, in [0, 1].

    Returns:
        The final boxes, the candidates, and the seconds that each stage took.

    Raises:
        DetectionError: If the name, the photo or a threshold cannot be used.
    """
    spec = _spec(name)
    check_photo(photo)
    check_thresholds(score_threshold, iou_threshold)
    clock = _Clock()
    images, _ = model.transform([torch.from_numpy(photo).permute(2, 0, 1).to(torch.float32).div(255)])
    clock.lap("resize", 1, "pictures")
    features = _features(model, images, clock)
    if spec.family == "two stages":
        head = _two_stages(model, images, features, score_threshold, clock)
    elif isinstance(model.anchor_generator, DefaultBoxGenerator):
        head = _default_boxes(model, images, features, score_threshold, clock)
    else:
        head = _per_level(model, images, features, score_threshold, clock)
    candidates = _candidates(head, images.image_sizes[0], photo.shape[:2], spec.level_names)
    clock.lap("candidates", len(candidates), "candidates")
    owner = getattr(model, "roi_heads", model)
    return build_output(
        name,
        (photo.shape[0], photo.shape[1]),
        _label_names(name),
        candidates,
        tuple(clock.stages),
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
        max_detections=owner.detections_per_img,
    )


class _Clock:
    """Collects stages with the time since the one before."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self._last = time.perf_counter()

    def lap(self, name: str, count: int, unit: str) -> None:
        now = time.perf_counter()
        self.stages.append(Stage(name, count, unit, now - self._last))
        self._last = now


class _Head(NamedTuple):
    """Candidates as the head gives them.

    Attributes:
        boxes: ``[M, 4]`` xyxy in pixels of the resized picture, clipped to it.
        scores: ``[M]`` in [0, 1].
        labels: ``[M]`` class index.
        origins: ``[M]`` index of the anchor (or point) in the row of all anchors: level by level, row by row, cell by
            cell, anchor by anchor.
        priors: ``[M, 4]`` xyxy in pixels of the resized picture: the anchor, the proposal, or FCOS's point with half a
            stride around it, that the box was regressed from.
        grids: (height, width) of each level.
        anchors: How many anchors a cell of each level has.
        anchor_names: One name for each anchor of a cell.
    """

    boxes: Float[Tensor, "M 4"]
    scores: Float[Tensor, " M"]
    labels: Int64[Tensor, " M"]
    origins: Int64[Tensor, " M"]
    priors: Float[Tensor, "M 4"]
    grids: list[tuple[int, int]]
    anchors: list[int]
    anchor_names: tuple[str, ...]


def _features(model: Any, images: ImageList, clock: _Clock) -> dict[str, Tensor]:
    """The feature levels, finest first; a feature pyramid is timed by itself."""
    if hasattr(model.backbone, "fpn"):
        stages = model.backbone.body(images.tensors)
        clock.lap("backbone", len(stages), "levels")
        features: dict[str, Tensor] = model.backbone.fpn(stages)
        clock.lap("feature pyramid", len(features), "levels")
    else:
        features = model.backbone(images.tensors)
        clock.lap("backbone", len(features), "levels")
    return features


def _two_stages(
    model: Any, images: ImageList, features: dict[str, Tensor], score_threshold: float, clock: _Clock
) -> _Head:
    """Faster R-CNN: proposals from anchors, then a second look at each."""
    proposals, proposal_origins = _proposals(model.rpn, images, list(features.values()))
    clock.lap("region proposals", len(proposals), "proposals")

    heads = model.roi_heads
    pooled = heads.box_head(heads.box_roi_pool(features, [proposals], images.image_sizes))
    logits, deltas = heads.box_predictor(pooled)
    num_classes = logits.shape[-1]
    clock.lap("head", len(proposals) * (num_classes - 1), "scores")

    boxes = clip_boxes_to_image(heads.box_coder.decode(deltas, [proposals]), images.image_sizes[0])
    scores = F.softmax(logits, -1)[:, 1:].reshape(-1)  # without the background
    boxes = boxes[:, 1:].reshape(-1, 4)
    solid = remove_small_boxes(boxes, min_size=1e-2)
    chosen = solid[scores[solid] > _floor([scores[solid]], score_threshold)]
    places = torch.div(chosen, num_classes - 1, rounding_mode="floor")
    return _Head(
        boxes[chosen],
        scores[chosen],
        chosen % (num_classes - 1) + 1,
        proposal_origins[places],
        proposals[places],
        _grids(features),
        model.rpn.anchor_generator.num_anchors_per_location(),
        _anchor_names(model.rpn.anchor_generator),
    )


def _proposals(rpn: Any, images: ImageList, features: list[Tensor]) -> tuple[Float[Tensor, "P 4"], Int64[Tensor, " P"]]:
    """The region proposal network's proposals, and which anchor each of them came from."""
    objectness, deltas = rpn.head(features)
    anchors = rpn.anchor_generator(images, features)
    per_level = [level[0].numel() for level in objectness]
    objectness, deltas = concat_box_prediction_layers(objectness, deltas)
    boxes = rpn.box_coder.decode(deltas, anchors)[:, 0]
    objectness = objectness.reshape(1, -1)
    levels = torch.repeat_interleave(torch.tensor(per_level))

    # The best of each level, then: clip, drop slivers, drop low scores, NMS level by level, the best of all.
    origins = rpn._get_top_n_idx(objectness, per_level)[0]
    boxes = clip_boxes_to_image(boxes[origins], images.image_sizes[0])
    scores = torch.sigmoid(objectness[0, origins])
    keep = remove_small_boxes(boxes, rpn.min_size)
    boxes, scores, origins = boxes[keep], scores[keep], origins[keep]
    keep = torch.where(scores >= rpn.score_thresh)[0]
    boxes, scores, origins = boxes[keep], scores[keep], origins[keep]
    keep = batched_nms(boxes, scores, levels[origins], rpn.nms_thresh)[: rpn.post_nms_top_n()]
    return boxes[keep], origins[keep]


def _per_level(
    model: Any, images: ImageList, features: dict[str, Tensor], score_threshold: float, clock: _Clock
) -> _Head:
    """RetinaNet and FCOS: the best scores of each level, whatever their class."""
    levels = list(features.values())
    outputs = model.head(levels)
    logits, deltas = outputs["cls_logits"][0], outputs["bbox_regression"][0]
    num_classes = logits.shape[-1]
    clock.lap("head", logits.numel(), "scores")

    anchors = model.anchor_generator(images, levels)[0]
    grids = _grids(features)
    num_anchors = model.anchor_generator.num_anchors_per_location()
    sizes = [height * width * each for (height, width), each in zip(grids, num_anchors, strict=True)]
    decode = getattr(model.box_coder, "decode_single", model.box_coder.decode)  # FCOS's coder has only the latter

    scores_per_level = []
    for index, level_logits in enumerate(logits.split(sizes)):
        level_scores = torch.sigmoid(level_logits)
        if "bbox_ctrness" in outputs:
            centerness = outputs["bbox_ctrness"][0].split(sizes)[index]
            level_scores = torch.sqrt(level_scores * torch.sigmoid(centerness))
        scores_per_level.append(level_scores.flatten())
    floor = _floor(scores_per_level, score_threshold)

    # Per level the boxes, scores, labels and origins: of what passes the threshold, and of what is recorded beside it.
    passed: list[tuple[Tensor, ...]] = []
    rest: list[tuple[Tensor, ...]] = []
    start = 0
    for scores, size, level_deltas, level_anchors in zip(
        scores_per_level, sizes, deltas.split(sizes), anchors.split(sizes), strict=True
    ):
        above, below = _chosen(scores, score_threshold, floor, model.topk_candidates)
        for found, chosen in ((passed, above), (rest, below)):
            places = torch.div(chosen, num_classes, rounding_mode="floor")
            boxes = clip_boxes_to_image(decode(level_deltas[places], level_anchors[places]), images.image_sizes[0])
            found.append((boxes, scores[chosen], chosen % num_classes, places + start))
        start += size
    boxes, joined_scores, labels, origins = (torch.cat(column) for column in zip(*passed, *rest, strict=True))
    names = _anchor_names(model.anchor_generator)
    return _Head(boxes, joined_scores, labels, origins, anchors[origins], grids, num_anchors, names)


def _default_boxes(
    model: Any, images: ImageList, features: dict[str, Tensor], score_threshold: float, clock: _Clock
) -> _Head:
    """SSD: the best scores of each class, whatever their level."""
    levels = list(features.values())
    outputs = model.head(levels)
    scores = F.softmax(outputs["cls_logits"], dim=-1)[0]
    clock.lap("head", scores[:, 1:].numel(), "scores")

    anchors = model.anchor_generator(images, levels)[0]
    boxes = model.box_coder.decode_single(outputs["bbox_regression"][0], anchors)
    boxes = clip_boxes_to_image(boxes, images.image_sizes[0])
    by_class = scores[:, 1:].T.contiguous()  # without the background
    limit, floor = model.topk_candidates, _floor([by_class], score_threshold)
    nothing = torch.empty(0, dtype=torch.int64)
    found = [(nothing, nothing)]  # origins, labels
    passed = by_class > score_threshold
    for label in torch.where(passed.any(1))[0].tolist():  # most classes have nothing to offer on most photos
        above = _top(by_class[label], passed[label], limit)
        found.append((above, torch.full_like(above, label + 1)))
    if floor < score_threshold:
        recorded = by_class > floor
        if int(recorded.sum(1).max()) > limit:
            best, places = by_class.topk(limit, dim=1, sorted=False)  # the NMS sorts
            labels, ranks = torch.where((best > floor) & (best <= score_threshold))
            found.append((places[labels, ranks], labels + 1))
        else:
            labels, places = torch.where(recorded & ~passed)
            found.append((places, labels + 1))
    chosen, labels = (torch.cat(column) for column in zip(*found, strict=True))
    return _Head(
        boxes[chosen],
        scores[chosen, labels],
        labels,
        chosen,
        anchors[chosen],
        _grids(features),
        model.anchor_generator.num_anchors_per_location(),
        _anchor_names(model.anchor_generator),
    )


def _chosen(scores: Float[Tensor, " S"], threshold: float, floor: float, limit: int) -> tuple[Tensor, Tensor]:
    """What the model itself would choose at the threshold, and what is recorded beside it for lower thresholds.

    The two are chosen apart because ``topk`` orders equal scores by how many there are in all: only with the model's
    own set do ties fall as they fall in the model.
    """
    passed = _top(scores, scores > threshold, limit)
    room = limit - len(passed)
    if floor >= threshold or room <= 0:
        return passed, passed[:0]
    return passed, _top(scores, (scores > floor) & (scores <= threshold), room)


def _top(scores: Float[Tensor, " S"], mask: Tensor, limit: int) -> Int64[Tensor, " K"]:
    places = torch.where(mask)[0]
    _, order = scores[places].topk(min(limit, len(places)))
    return places[order]


def _floor(scores: list[Tensor], score_threshold: float) -> float:
    """The score above which candidates are recorded: low enough for the threshold and for ``MIN_CANDIDATES``."""
    floor = min(score_threshold, RECORDING_FLOOR)
    num_above = 0
    for part in reversed(scores):  # the coarse levels are the small ones: often they already suffice
        num_above += int((part > floor).sum())
        if num_above >= MIN_CANDIDATES:
            return floor
    everything = torch.cat([part.flatten() for part in scores])
    last = everything.topk(min(MIN_CANDIDATES, len(everything))).values[-1:]
    return min([floor, *torch.nextafter(last, torch.tensor(-1.0)).tolist()])


def _candidates(
    head: _Head, resized: tuple[int, int], photo_size: tuple[int, ...], level_names: tuple[str, ...]
) -> Candidates:
    """Bring the head's candidates to the photo, and their anchor's index to level, cell and anchor."""
    per_level = [height * width * each for (height, width), each in zip(head.grids, head.anchors, strict=True)]
    starts = torch.tensor([0, *per_level]).cumsum(0)
    levels = torch.bucketize(head.origins, starts[1:], right=True)
    num_anchors = torch.tensor(head.anchors)[levels]
    widths = torch.tensor([width for _, width in head.grids])[levels]
    within = head.origins - starts[levels]
    cells = torch.div(within, num_anchors, rounding_mode="floor")
    rows = torch.div(cells, widths, rounding_mode="floor")
    return Candidates(
        boxes=resize_boxes(head.boxes, list(resized), list(photo_size)).numpy(),
        scores=head.scores.numpy(),
        labels=head.labels.numpy(),
        levels=levels.numpy(),
        cells=torch.stack([rows, cells % widths], dim=1).numpy(),
        anchors=(within % num_anchors).numpy(),
        level_names=level_names,
        anchor_names=head.anchor_names,
        nms_boxes=head.boxes.numpy(),
        priors=resize_boxes(head.priors, list(resized), list(photo_size)).numpy(),
    )


def _grids(features: dict[str, Tensor]) -> list[tuple[int, int]]:
    return [(level.shape[-2], level.shape[-1]) for level in features.values()]


def _anchor_names(generator: Any) -> tuple[str, ...]:
    """Width to height of each anchor of a cell, and its size where a cell has several."""
    if isinstance(generator, DefaultBoxGenerator):
        ratios = [name for ratio in generator.aspect_ratios[0] for name in (f"{ratio}:1", f"1:{ratio}")]
        return ("1:1", "1:1 +", *ratios)
    sizes, ratios = generator.sizes[0], generator.aspect_ratios[0]
    if len(sizes) == len(ratios) == 1:
        return ("•",)  # FCOS: a point
    relative = [f" ×{size / sizes[0]:.3g}" if len(sizes) > 1 else "" for size in sizes]
    # torchvision's aspect ratio is height to width.
    shapes = [f"{1 / ratio:g}:1" if ratio < 1 else f"1:{ratio:g}" for ratio in ratios]
    return tuple(shape + size for shape in shapes for size in relative)


def _spec(name: str) -> _Spec:
    if name not in _SPECS:
        raise unknown_detector(name, _SPECS)
    return _SPECS[name]


def _official(name: str) -> Any:
    _spec(name)
    return get_model_weights(name).DEFAULT


def _label_names(name: str) -> tuple[str, ...]:
    return tuple(_official(name).meta["categories"])


def _info(name: str) -> DetectorInfo:
    spec, source = _spec(name), weights_source(name)
    return DetectorInfo(
        name=name,
        title=spec.title,
        family=spec.family,
        available=find_weights(source) is not None,
        download_bytes=source.num_bytes,
        num_classes=sum(label not in ("__background__", "N/A") for label in _label_names(name)),
        trained_on="COCO",
        score_threshold=0.5,
        iou_threshold=spec.iou_threshold,
        source=spec.source,
        licence="BSD 3-Clause (torchvision); trained on COCO's photos",
    )


def _freeze_norms(module: nn.Module) -> None:
    """Put frozen batch norm where batch norm is, as torchvision does when weights are given."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, FrozenBatchNorm2d(child.num_features, child.eps))
        else:
            _freeze_norms(child)
