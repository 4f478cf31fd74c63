"""The four designs: sizes of the real maps, torch's own count of their costs."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tests.vizcore.fpn.detectors import CONFIG, CONFIGS, make_detector
from vizcore import fpn
from vizcore.models.fcos import (
    PYRAMID_SCALES,
    Detector,
)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.neck}-{config.finest}")
def test_costs_are_torchs_own_count(config):
    detector = Detector(make_detector(config))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        detector(torch.zeros(1, 3, 128, 192))
    cost = fpn.detector_cost(config, (128, 192))
    assert cost.multiply_adds * 2 == counter.get_total_flops()
    backbone = [*detector.backbone.stem.parameters(), *detector.backbone.stages.parameters()]
    assert cost.parameters == sum(p.numel() for p in [*backbone, *detector.fcos.parameters()])
    assert cost.seconds is None
    convolved = []
    for layer in detector.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda _layer, _inputs, output: convolved.append(output.numel()))
    with torch.no_grad():
        detector(torch.zeros(1, 3, 128, 192))
    assert cost.activation_bytes == 4 * sum(convolved)


def test_nodes_have_the_sizes_of_the_real_maps(trace):
    by_name = {design.name: design for design in fpn.designs(CONFIG, trace.input_size)}
    assert [by_name[name].letter for name in fpn.DESIGNS] == ["a", "b", "c", "d"]
    for node in by_name["fpn"].nodes:
        if node.kind in ("stage", "level"):
            assert (node.channels, *node.size) == trace.maps(node.name).shape
            assert node.stride == trace.strides[node.name]
    assert {edge.cut for edge in by_name["fpn"].edges} - {""} == {*fpn.possible_cuts(CONFIG)} - {"top_down"}
    for design in by_name.values():
        names = [node.name for node in design.nodes]
        assert len(set(names)) == len(names)
        assert {name for edge in design.edges for name in (edge.start, edge.end)} <= set(names)
        kinds = {node.name: node.kind for node in design.nodes}
        for edge in design.edges:
            assert (edge.kind == "head") == (kinds[edge.end] == "prediction")
        assert {edge.kind == "top_down" for edge in design.edges} == (
            {True, False} if design.name == "fpn" else {False}
        )
    images = [node for node in by_name["image_pyramid"].nodes if node.kind == "image"]
    assert [node.size for node in images] == [(192 * scale, 192 * scale) for scale in PYRAMID_SCALES]
    assert by_name["image_pyramid"].cost.multiply_adds == sum(
        fpn.detector_cost(replace(CONFIG, neck="top"), (192 * scale, 192 * scale)).multiply_adds
        for scale in PYRAMID_SCALES
    )
    # The pathway only copies and adds: (c) and (d) have the same convolutions.
    assert by_name["separate"].cost == by_name["fpn"].cost
    assert by_name["image_pyramid"].cost.parameters == by_name["top"].cost.parameters


def test_times_are_measured(detector):
    progress = []
    designs = fpn.measure_designs({"fpn": detector}, (64, 64), repeats=1, report=progress.append)
    assert [design.name for design in designs] == list(fpn.DESIGNS)
    assert all(design.cost.seconds > 0 for design in designs)
    assert progress == sorted(progress)
    assert progress[-1] == pytest.approx(1)
    assert [replace(design, cost=replace(design.cost, seconds=None)) for design in designs] == list(
        fpn.designs(CONFIG, (64, 64))
    )


def test_shares_of_the_dearest_design():
    designs = fpn.designs(CONFIG, (64, 64))
    timed = [replace(design, cost=replace(design.cost, seconds=index)) for index, design in enumerate(designs)]
    shares = fpn.cost_shares(timed)
    assert list(shares) == list(fpn.DESIGNS)
    assert [shares[name]["seconds"] for name in fpn.DESIGNS] == [0, 1 / 3, 2 / 3, 1]
    # The image pyramid computes most; the pathway's convolutions have the most parameters.
    assert shares["image_pyramid"]["multiply_adds"] == shares["image_pyramid"]["activation_bytes"] == 1
    assert shares["fpn"]["parameters"] == shares["separate"]["parameters"] == 1
    top = {design.name: design.cost for design in designs}["top"]
    assert shares["top"]["parameters"] == top.parameters / designs[3].cost.parameters < 1
    assert {share["seconds"] for share in fpn.cost_shares(designs).values()} == {None}
