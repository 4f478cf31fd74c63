"""What the feature pyramid page shows, as programs that run without it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from vizcore.fpn.levels import CANONICAL_LEVEL, CANONICAL_SIZE
from vizcore.fpn.trace import FPNTrace
from vizcore.models.fcos import CENTER_RADIUS


def write_maps_script(picture: str, *, cuts: Sequence[str], score_threshold: float, iou_threshold: float) -> str:
    """Prints the maps' shapes and means and the final boxes.

    Args:
        picture: lines that make ``picture``, see :mod:`vizcore.data.script`.
        cuts: connections that bring zeros.
        score_threshold: as in :func:`vizcore.fpn.trace_fpn`.
        iou_threshold: likewise.
    """
    return (
        "from vizcore import fpn\n"
        "from vizcore.models.fcos import load_fcos\n"
        f"{picture}"
        f"trace = fpn.trace_fpn(\n"
        f'    load_fcos("fcos_fpn"), picture, cuts={list(cuts)},\n'
        f"    score_threshold={score_threshold}, iou_threshold={iou_threshold},\n"
        ")\n"
        "for name, stride in trace.strides.items():\n"
        '    print(name, *trace.maps(name).shape, stride, f"{trace.maps(name).mean():.6f}")\n'
        "for index in trace.keep:\n"
        "    print(trace.config.levels[trace.level_of[index]], trace.labels[index],\n"
        '          f"{trace.scores[index]:.6f}", *(f"{side:.3f}" for side in trace.boxes[index]))\n'
    )


def write_designs_script(detector: str, input_size: tuple[int, int], *, kind: str = "shapes") -> str:
    """Prints what each of the four designs costs, and what each reached where it was trained.

    Args:
        detector: name of the trained one whose levels and channels they share.
        input_size: (height, width) of the network's input, pixels.
        kind: of the scenes that they were trained and judged on.
    """
    listed, condition = {
        "shapes": ("list_cards", ' if card.name.startswith("compare_")'),
        "digits": ("list_digit_cards", ""),
    }[kind]
    return (
        "from vizcore import fpn\n"
        "from vizcore.models.fcos import load_fcos\n"
        f"from vizcore.training.cards import {listed}\n\n"
        f'config = load_fcos("{detector}").fcos.config\n'
        f"for design in fpn.designs(config, {tuple(input_size)}):\n"
        "    print(design.name, design.cost.multiply_adds, design.cost.parameters, design.cost.activation_bytes)\n"
        f"for card in (card for card in {listed}(){condition}):\n"
        '    print(card.name, *(card.quality[name] for name in ("ap", "ap50", "ap_small", "ap_medium", "ap_large")))\n'
    )


def write_owner_script(
    trace: FPNTrace,
    box: Float[np.ndarray, " 4"],
    *,
    canonical_size: float = CANONICAL_SIZE,
    canonical_level: float = CANONICAL_LEVEL,
) -> str:
    """Prints who owns a box by either rule, with torchvision and plain torch.

    Args:
        trace: of the photo.
        box: xyxy, pixels of the photo.
        canonical_size: side of the square that belongs to the canonical level, pixels of the input.
        canonical_level: k0.
    """
    config = trace.config
    x1, y1, x2, y2 = (round(float(side), 4) for side in trace.to_input(np.asarray(box)[None])[0])
    ranges = str([(low, high) for low, high in config.ranges]).replace("inf", 'float("inf")')
    return (
        "import torch\n"
        "from torchvision.ops.poolers import LevelMapper\n\n"
        f"box = torch.tensor([[{x1}, {y1}, {x2}, {y2}]])\n"
        f"mapper = LevelMapper(2, 5, canonical_scale={canonical_size:g}, canonical_level={canonical_level:g})\n"
        'print("paper", "P", int(mapper([box])[0]) + 2)\n\n'
        f"strides, ranges = {list(config.strides)}, {ranges}\n"
        "x1, y1, x2, y2 = box[0]\n"
        f"height, width = {tuple(trace.input_size)}\n"
        "for stride, (low, high) in zip(strides, ranges):\n"
        "    y, x = torch.meshgrid(\n"
        "        (torch.arange(-(-height // stride)) + 0.5) * stride,\n"
        '        (torch.arange(-(-width // stride)) + 0.5) * stride, indexing="ij")\n'
        "    sides = torch.stack([x - x1, y - y1, x2 - x, y2 - y])\n"
        "    off_center = torch.maximum((x - (x1 + x2) / 2).abs(), (y - (y1 + y2) / 2).abs())\n"
        f"    near = off_center < {CENTER_RADIUS} * stride\n"
        "    far = sides.amax(0)\n"
        "    owned = (sides.amin(0) > 0) & near & (far > low) & (far <= high)\n"
        '    print("FCOS", "stride", stride, "cells", int(owned.sum()))\n'
    )


def write_field_script(picture: str, *, level: str, cell: tuple[int, int]) -> str:
    """Prints a cell's theoretical field, the side that holds 95 % of its gradient, and that square's share.

    Args:
        picture: lines that make ``picture``, see :mod:`vizcore.data.script`.
        level: stage or level of the cell.
        cell: (row, column).
    """
    return (
        "from vizcore import fpn\n"
        "from vizcore.models.fcos import load_fcos\n"
        f"{picture}"
        f'field = fpn.effective_receptive_field(load_fcos("fcos_fpn"), picture, "{level}", {cell})\n'
        f'print(fpn.theoretical_receptive_field("{level}").size, field.side, f"{{field.area_share:.6f}}")\n'
    )


def write_sizes_script(split: str, count: int) -> str:
    """Prints how many objects some scenes have, and how many of each size.

    Args:
        split: ``"train"`` or ``"validation"``.
        count: of scenes.
    """
    return (
        "from vizcore.fpn import scene_sizes\n\n"
        f'sizes = scene_sizes("{split}", {count})\n'
        "print(len(sizes.sizes), *sizes.size_classes.values())\n"
    )
