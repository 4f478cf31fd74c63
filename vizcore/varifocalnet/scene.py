"""A detector on a scene as this concept asks it: cells, maps of levels, both rules for one box, refined boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8
from torch import Tensor
from torchvision.ops import box_iou

from vizcore.boxes import distances_ltrb_to_boxes
from vizcore.models.fcos import (
    Detector,
    FCOSConfig,
    HeadOutput,
    Points,
    as_input,
    assign_targets,
    level_points,
    level_sizes,
)
from vizcore.models.vfnet import VFNetDetector, VFNetOutput, detections
from vizcore.varifocalnet.assignment import TILE, TOP_K, AssignmentTrace, assign_atss, trace_assignment
from vizcore.varifocalnet.errors import VarifocalNetError
from vizcore.varifocalnet.ranking import Cells, Ranked
from vizcore.varifocalnet.star import StarTrace, trace_star


@dataclass(frozen=True, eq=False)
class SceneAnswer:
    """What a detector says of a scene.

    Attributes:
        cells: every cell of every level.
        levels: level → ``[H, W]`` mean of its channels.
    """

    cells: Cells
    levels: dict[str, Float32[np.ndarray, "H W"]]


@torch.inference_mode()
def ask_scene(
    detector: Detector,
    pixels: UInt8[np.ndarray, "H W 3"],
    boxes: Float32[np.ndarray, "M 4"],
    labels: Int64[np.ndarray, " M"],
) -> SceneAnswer:
    """Runs FCOS over a scene and keeps every cell, with the object that it has to find by FCOS's rule.

    Args:
        detector: from ``load_fcos``.
        pixels: RGB; sides divide by 64.
        boxes: of the true objects, xyxy, pixels.
        labels: of the true objects.
    """
    config = detector.fcos.config
    levels = detector.fcos.levels(detector.backbone.stage_features(as_input(torch.from_numpy(pixels)[None])))
    output = detector.fcos.answers(levels)
    size: tuple[int, int] = pixels.shape[:2]  # type: ignore[assignment]
    points = level_points(level_sizes(size, config.strides), config.strides)
    owners = assign_targets(points, config.ranges, torch.from_numpy(boxes))
    cells = _cells(output, points, size, output.centerness[0].sigmoid(), owners, boxes, labels)
    return SceneAnswer(cells, {name: levels[name][0].mean(0).float().numpy() for name in config.levels})


def vfnet_cells(
    output: VFNetOutput,
    points: Points,
    size: tuple[int, int],
    boxes: Float32[np.ndarray, "M 4"],
    labels: Int64[np.ndarray, " M"],
) -> Cells:
    """Every cell of the first picture, with the object that it has to find by ATSS; all centernesses 1 without any.

    Args:
        output: of the network.
        points: of the same levels.
        size: (height, width) that boxes are clipped to, pixels.
        boxes: of the true objects, xyxy, pixels.
        labels: of the true objects.
    """
    centerness = torch.ones(len(points.levels)) if output.centerness is None else output.centerness[0].sigmoid()
    return _cells(output, points, size, centerness, assign_atss(points, torch.from_numpy(boxes)), boxes, labels)


def _cells(
    output: HeadOutput | VFNetOutput,
    points: Points,
    size: tuple[int, int],
    centerness: Tensor,
    owners: Tensor,
    boxes: Float32[np.ndarray, "M 4"],
    labels: Int64[np.ndarray, " M"],
) -> Cells:
    """What either network says of every cell, and which object owns it."""
    return Cells(
        points=points.centres.numpy(),
        probabilities=output.logits[0].sigmoid().numpy(),
        centerness=centerness.numpy(),
        boxes=_clipped(distances_ltrb_to_boxes(output.distances[0], points.centres), size).numpy(),
        owners=owners.numpy(),
        targets=boxes,
        labels=labels,
    )


@torch.inference_mode()
def ask_vfnet(
    detector: VFNetDetector,
    pixels: UInt8[np.ndarray, "H W 3"],
    boxes: Float32[np.ndarray, "M 4"],
    labels: Int64[np.ndarray, " M"],
) -> Cells:
    """Runs a detector trained with ATSS over a scene and keeps every cell.

    Args:
        detector: from ``load_vfnet``.
        pixels: RGB; sides divide by 64.
        boxes: of the true objects, xyxy, pixels.
        labels: of the true objects.
    """
    output, points = _run(detector, pixels)
    return vfnet_cells(output, points, pixels.shape[:2], boxes, labels)  # type: ignore[arg-type]


def _run(detector: VFNetDetector, pixels: UInt8[np.ndarray, "H W 3"]) -> tuple[VFNetOutput, Points]:
    output: VFNetOutput = detector(as_input(torch.from_numpy(pixels)[None]))
    config = detector.vfnet.config.fcos
    return output, level_points(level_sizes(pixels.shape[:2], config.strides), config.strides)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class RefinementTrace:
    """The box that found each object of a scene, before and after the star looked at it.

    Attributes:
        targets: ``[M]`` index of each object that was found.
        truth: ``[M, 4]`` its true box, xyxy, pixels.
        first: ``[M, 4]`` the box that put the star, xyxy, pixels, clipped to the picture.
        final: ``[M, 4]`` the refined box, likewise.
        scores: ``[M]`` of the refined box, in [0, 1].
        first_ious: ``[M]`` of the first box with the true one.
        final_ious: ``[M]`` of the refined box with the true one.
        factors: ``[M, 4]`` by which left, top, right and bottom distance were multiplied.
    """

    targets: Int64[np.ndarray, " M"]
    truth: Float32[np.ndarray, "M 4"]
    first: Float32[np.ndarray, "M 4"]
    final: Float32[np.ndarray, "M 4"]
    scores: Float32[np.ndarray, " M"]
    first_ious: Float32[np.ndarray, " M"]
    final_ious: Float32[np.ndarray, " M"]
    factors: Float32[np.ndarray, "M 4"]


@torch.inference_mode()
def trace_refinement(
    detector: VFNetDetector,
    pixels: UInt8[np.ndarray, "H W 3"],
    boxes: Float32[np.ndarray, "M 4"],
    labels: Int64[np.ndarray, " M"],
    *,
    score_threshold: float = 0.3,
    iou_threshold: float = 0.5,
) -> RefinementTrace:
    """Finds for each object the surest final box of its class that lies on it, and the first box of the same cell.

    Args:
        detector: from ``load_vfnet``, with a star.
        pixels: RGB; sides divide by 64.
        boxes: of the true objects, xyxy, pixels.
        labels: of the true objects.
        score_threshold: least score of a box that counts.
        iou_threshold: least IoU of the first or the final box with its object.

    Raises:
        VarifocalNetError: The detector has no star.
    """
    output, points = _run(detector, pixels)
    if not output.refined:
        raise VarifocalNetError("This detector has no star: its boxes are not refined.")
    size: tuple[int, int] = pixels.shape[:2]  # type: ignore[assignment]
    best = detections(output, points, size, score_threshold=score_threshold)
    first = _clipped(distances_ltrb_to_boxes(output.first[0, best.cells], points.centres[best.cells]), size)
    truth = torch.from_numpy(boxes)
    before, after = box_iou(truth, first), box_iou(truth, best.boxes)
    fits = (torch.from_numpy(labels)[:, None] == best.labels) & (torch.maximum(before, after) >= iou_threshold)
    targets, places = [], []
    for target, row in enumerate(fits):
        (found,) = torch.nonzero(row, as_tuple=True)
        if len(found):
            targets.append(target)
            places.append(int(found[0]))  # the surest comes first
    chosen = torch.tensor(places, dtype=torch.int64)
    which = torch.tensor(targets, dtype=torch.int64)
    cells = best.cells[chosen]
    return RefinementTrace(
        targets=which.numpy(),
        truth=truth[which].numpy(),
        first=first[chosen].numpy(),
        final=best.boxes[chosen].numpy(),
        scores=best.scores[chosen].numpy(),
        first_ious=before[which, chosen].numpy(),
        final_ious=after[which, chosen].numpy(),
        factors=(output.distances[0, cells] / output.first[0, cells]).numpy(),
    )


def _clipped(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    height, width = size
    return torch.minimum(boxes.clamp(min=0), torch.tensor([width, height, width, height]))


def star_on(config: FCOSConfig, size: tuple[int, int], box: Sequence[float]) -> StarTrace:
    """:func:`trace_star` on a picture of a size; the errors are the same.

    Args:
        config: of the levels.
        size: (height, width), pixels.
        box: xyxy, pixels.
    """
    points = level_points(level_sizes(size, config.strides), config.strides)
    return trace_star(config, points, torch.tensor(list(box), dtype=torch.float32))


def assignment_on(
    config: FCOSConfig, size: tuple[int, int], box: Sequence[float], *, top_k: int = TOP_K, tile: float = TILE
) -> AssignmentTrace:
    """:func:`trace_assignment` on a picture of a size; the errors are the same.

    Args:
        config: of the levels.
        size: (height, width), pixels.
        box: xyxy, pixels.
        top_k: of ATSS.
        tile: of ATSS.
    """
    points = level_points(level_sizes(size, config.strides), config.strides)
    return trace_assignment(points, config.ranges, torch.tensor(list(box), dtype=torch.float32), top_k=top_k, tile=tile)


def join_ranked(parts: Sequence[Ranked]) -> Ranked:
    """The candidates of several pictures as one set, in the order of the pictures.

    Args:
        parts: at least one.
    """
    return Ranked(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.ious for part in parts]),
    )
