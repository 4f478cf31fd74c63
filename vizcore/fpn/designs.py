"""The four ways to look at several scales that the FPN paper compares, with what each costs here.

* (a) ``image_pyramid``: the picture at several sizes, each through the whole network with one level,
* (b) ``top``: one pass, the coarsest stage alone,
* (c) ``separate``: one pass, a prediction on each stage as it is (SSD),
* (d) ``fpn``: one pass, stages joined from the top down.

Parameters and multiply-adds are counted exactly on torch's meta device, milliseconds are measured.

Reference:
    Tsung-Yi Lin et al. Feature Pyramid Networks for Object Detection. CVPR 2017, arXiv 1612.03144, figure 1.

    Ours differs in (a): the paper leaves the sizes open. Here they are ``PYRAMID_SCALES``, at which the single level of
    stride 32 becomes as fine on the photo as the levels of stride 32, 16 and 8 are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch

from vizcore.costs import Cost, count, measure
from vizcore.fpn.neck import stride_of
from vizcore.models.efficientnet_lite import EfficientNetLite0
from vizcore.models.fcos import FCOS, PYRAMID_SCALES, STAGE_CHANNELS, Detector, FCOSConfig
from vizcore.seeding import seeded

DESIGNS: Final = ("image_pyramid", "top", "separate", "fpn")
LETTERS: Final = dict(zip(DESIGNS, "abcd", strict=True))
ALIGNMENT: Final = 64


@dataclass(frozen=True)
class DesignNode:
    """A box of the diagram.

    Attributes:
        name: unique in its design: ``"image"``, ``"C4"``, ``"P4"``, ``"predict P4"``; in an image pyramid followed by
            its scale, as in ``"C5 ×2"``.
        kind: ``"image"``, ``"stage"``, ``"level"`` or ``"prediction"``.
        map_name: the stage or level that it shows, ``""`` for a picture.
        size: (height, width) in cells, or pixels of a picture.
        channels: of the map, or numbers per cell of a prediction (classes, four sides, centerness).
        stride: pixels of the unscaled input per cell.
    """

    name: str
    kind: str
    map_name: str
    size: tuple[int, int]
    channels: int
    stride: float


@dataclass(frozen=True)
class DesignEdge:
    """An arrow of the diagram.

    Attributes:
        start: name of a node.
        end: name of a node.
        kind: ``"resize"``, ``"backbone"``, ``"lateral"``, ``"top_down"``, ``"subsample"`` or ``"head"``.
        cut: the name under which :func:`vizcore.fpn.trace_fpn` cuts it; ``""`` if it cannot be cut.
    """

    start: str
    end: str
    kind: str
    cut: str = ""


@dataclass(frozen=True)
class Design:
    """One of the four designs for a picture of a certain size.

    Attributes:
        name: one of ``DESIGNS``.
        letter: in the paper's figure 1.
        nodes: from the picture to the predictions, finest first.
        edges: between them.
        cost: of one picture.
    """

    name: str
    letter: str
    nodes: tuple[DesignNode, ...]
    edges: tuple[DesignEdge, ...]
    cost: Cost


def scaled_size(input_size: tuple[int, int], scale: float) -> tuple[int, int]:
    """(height, width) of the network's input for a picture at another scale, padded to multiples of 64."""
    height, width = (max(1, -(-round(side * scale) // ALIGNMENT)) * ALIGNMENT for side in input_size)
    return height, width


def designs(config: FCOSConfig, input_size: tuple[int, int]) -> tuple[Design, ...]:
    """The four designs, (a) to (d), for the levels of one configuration, without times.

    Args:
        config: of the feature pyramid; the other designs take its channels, head and finest level.
        input_size: (height, width) of the network's input, pixels, both dividing by 64.
    """
    return tuple(_design(name, replace(config, neck="fpn"), input_size) for name in DESIGNS)


def cost_shares(designs: Sequence[Design]) -> dict[str, dict[str, float | None]]:
    """Each design's cost over the greatest among them, in [0, 1], by name and by ``Cost`` attribute.

    Args:
        designs: some of one picture.

    Returns:
        For each design ``"multiply_adds"``, ``"activation_bytes"``, ``"parameters"`` and ``"seconds"``; None for what
        was not measured.
    """
    shares: dict[str, dict[str, float | None]] = {design.name: {} for design in designs}
    for kind in ("multiply_adds", "activation_bytes", "parameters", "seconds"):
        values = {design.name: getattr(design.cost, kind) for design in designs}
        most = max(value or 0 for value in values.values())
        for name, value in values.items():
            shares[name][kind] = None if value is None else value / most
    return shares


def measure_designs(
    detectors: Mapping[str, Detector],
    input_size: tuple[int, int],
    *,
    repeats: int = 2,
    report: Callable[[float], None] | None = None,
) -> tuple[Design, ...]:
    """The four designs with their times: the least of some runs, taken in turns so that a busy moment strikes all.

    Times do not depend on what a picture shows, so an empty one is measured.

    Args:
        detectors: ``"fpn"`` and, where they were trained, ``"separate"`` and ``"top"``; the others are built from the
            configuration with random weights, which take the same time.
        input_size: (height, width) of the network's input, pixels, both dividing by 64.
        repeats: runs of each.
        report: called with the share that is done.
    """
    config = detectors["fpn"].fcos.config
    backbone = detectors["fpn"].backbone
    networks = dict(detectors)
    for name in ("separate", "top"):
        if name not in networks:
            with seeded(0):
                networks[name] = Detector(FCOS(replace(config, neck=name)), backbone)
    runs = [(name, networks[name], input_size) for name in ("top", "separate", "fpn")]
    runs += [("image_pyramid", networks["top"], scaled_size(input_size, s)) for s in PYRAMID_SCALES]
    with torch.inference_mode():
        best = measure(
            [functools.partial(network, torch.zeros(1, 3, *size)) for _, network, size in runs],
            repeats=repeats,
            work=[size[0] * size[1] for _, _, size in runs],
            report=report,
        )
    seconds = {name: sum(b for b, run in zip(best, runs, strict=True) if run[0] == name) for name in DESIGNS}
    return tuple(
        replace(design, cost=replace(design.cost, seconds=seconds[design.name]))
        for design in designs(config, input_size)
    )


@functools.lru_cache(maxsize=64)
def detector_cost(config: FCOSConfig, input_size: tuple[int, int]) -> Cost:
    """Of backbone, neck and head on one picture, counted; parameters that play no part (the classifier's) are not."""
    with torch.device("meta"):
        detector = Detector(FCOS(config), EfficientNetLite0())
        return count(detector, torch.empty(1, 3, *input_size))


def _design(name: str, config: FCOSConfig, input_size: tuple[int, int]) -> Design:
    if name == "image_pyramid":
        nodes: list[DesignNode] = []
        edges: list[DesignEdge] = []
        costs = []
        top = replace(config, neck="top")
        for scale in PYRAMID_SCALES:
            size, suffix = scaled_size(input_size, scale), f" ×{scale:g}"
            more_nodes, more_edges = _network(top, size, suffix=suffix, scale=scale)
            nodes += more_nodes
            edges += more_edges
            costs.append(detector_cost(top, size))
        # Every picture is resized from the one at scale 1.
        edges[:0] = [DesignEdge("image ×1", f"image ×{scale:g}", "resize") for scale in PYRAMID_SCALES if scale != 1]
        cost = Cost(
            parameters=costs[0].parameters,
            multiply_adds=sum(each.multiply_adds for each in costs),
            activation_bytes=sum(each.activation_bytes for each in costs),
        )
        return Design(name, LETTERS[name], tuple(nodes), tuple(edges), cost)
    own = replace(config, neck=name)
    plain_nodes, plain_edges = _network(own, input_size)
    return Design(name, LETTERS[name], tuple(plain_nodes), tuple(plain_edges), detector_cost(own, input_size))


def _network(
    config: FCOSConfig, size: tuple[int, int], *, suffix: str = "", scale: float = 1.0
) -> tuple[list[DesignNode], list[DesignEdge]]:
    """Nodes and arrows of one pass."""
    image = DesignNode(f"image{suffix}", "image", "", size, 3, 1 / scale)
    nodes, edges = [image], []
    before = image.name
    for stage, channels in STAGE_CHANNELS.items():
        nodes.append(_node(stage, "stage", channels, size, suffix, scale))
        edges.append(DesignEdge(before, nodes[-1].name, "backbone"))
        before = nodes[-1].name
    for level in config.levels:
        nodes.append(_node(level, "level", config.channels, size, suffix, scale))
        if level == "P6":
            edges.append(DesignEdge(f"P5{suffix}", f"P6{suffix}", "subsample"))
            continue
        stage = f"C{level[1:]}"
        edges.append(DesignEdge(f"{stage}{suffix}", f"{level}{suffix}", "lateral", f"lateral:{stage}"))
        above = f"P{int(level[1:]) + 1}"
        if config.neck == "fpn" and f"C{above[1:]}" in config.stages:
            edges.append(DesignEdge(f"{above}{suffix}", f"{level}{suffix}", "top_down", f"top_down:{level}"))
    for level in config.levels:
        node = _node(level, "prediction", config.num_classes + 5, size, suffix, scale)
        nodes.append(replace(node, name=f"predict {node.name}"))
        edges.append(DesignEdge(f"{level}{suffix}", nodes[-1].name, "head"))
    return nodes, edges


def _node(name: str, kind: str, channels: int, size: tuple[int, int], suffix: str, scale: float) -> DesignNode:
    stride = stride_of(name)
    cells = (size[0] // stride, size[1] // stride)
    return DesignNode(f"{name}{suffix}", kind, name, cells, channels, stride / scale)
