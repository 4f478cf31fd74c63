"""A detector on a scene as this concept asks it: its cells, the maps of its levels, and both rules for one box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8

from vizcore.boxes import distances_ltrb_to_boxes
from vizcore.models.fcos import Detector, FCOSConfig, as_input, assign_targets, level_points, level_sizes
from vizcore.varifocalnet.assignment import TILE, TOP_K, AssignmentTrace, trace_assignment
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
    height, width = pixels.shape[:2]
    points = level_points(level_sizes((height, width), config.strides), config.strides)
    limit = torch.tensor([width, height, width, height])
    found = distances_ltrb_to_boxes(output.distances[0], points.centres).clamp(min=0)
    cells = Cells(
        points=points.centres.numpy(),
        probabilities=output.logits[0].sigmoid().numpy(),
        centerness=output.centerness[0].sigmoid().numpy(),
        boxes=torch.minimum(found, limit).numpy(),
        owners=assign_targets(points, config.ranges, torch.from_numpy(boxes)).numpy(),
        targets=boxes,
        labels=labels,
    )
    return SceneAnswer(cells, {name: levels[name][0].mean(0).float().numpy() for name in config.levels})


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
