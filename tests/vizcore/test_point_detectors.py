"""CenterNet and VarifocalNet as detectors of the detection page, with weights that nobody trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from vizcore.data.photos import load_sample
from vizcore.detection import DetectionError, point_detectors
from vizcore.models.centernet import CenterNet, CenterNetConfig, CenterNetDetector
from vizcore.models.efficientnet_lite import fold_norms
from vizcore.models.fcos import STAGE_CHANNELS, level_points, level_sizes
from vizcore.models.vfnet import VFNet, VFNetConfig, VFNetDetector, candidates, find_candidates


@pytest.fixture(scope="module", params=point_detectors.NAMES)
def loaded(request):
    torch.manual_seed(0)
    if request.param == point_detectors.CENTERNET:
        network = CenterNet(CenterNetConfig(channels=8))
        torch.nn.init.normal_(network.center_logits.weight, std=2.0)
        detector = CenterNetDetector(network)
    else:
        vfnet = VFNet(VFNetConfig(channels=8))
        torch.nn.init.normal_(vfnet.head.class_logits.weight, std=1.0)
        detector = VFNetDetector(vfnet)
    return point_detectors.as_detector(request.param, detector)


def test_every_candidate_lies_on_the_photo_and_comes_from_its_cell(loaded):
    photo = load_sample("chelsea").pixels  # 300 × 451: neither side divides by 64
    output = loaded.run(photo, score_threshold=0.05, iou_threshold=0.6)
    found = output.candidates
    assert len(found) > 0
    high, wide = photo.shape[:2]
    assert (found.boxes >= 0).all()
    assert (found.boxes <= np.array([wide, high, wide, high])).all()
    assert (found.scores > 0.02).all()
    assert (found.levels < len(found.level_names)).all()
    assert (np.diff(output.scores) <= 0).all()
    assert found.priors is not None
    sides = found.priors[:, 2:] - found.priors[:, :2]
    np.testing.assert_allclose(sides[:, 0], sides[:, 1], rtol=1e-2)  # a cell is a square


def test_a_photo_or_threshold_that_cannot_be_used_is_refused(loaded):
    with pytest.raises(DetectionError):
        loaded.run(np.zeros((4, 4), np.uint8), score_threshold=0.3, iou_threshold=0.6)
    with pytest.raises(DetectionError):
        loaded.run(np.zeros((64, 64, 3), np.uint8), score_threshold=2.0, iou_threshold=0.6)


def untrained(network):
    """In eval mode, with statistics and predictors that say something different at every cell."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(generator=generator)
                module.running_var.uniform_(0.5, 2, generator=generator)
                module.weight.uniform_(0.5, 2, generator=generator)
                module.bias.normal_(generator=generator)
        for name, parameter in network.named_parameters():
            if any(part in name for part in ("logits", "distances", "refinement", "offsets", "log_sizes", "turns")):
                parameter.normal_(std=0.1, generator=generator)
    return network.eval().requires_grad_(False)


def seen(height=64, width=128):
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(1, channels, height // stride, width // stride, generator=generator)
        for (name, channels), stride in zip(STAGE_CHANNELS.items(), (4, 8, 16, 32), strict=True)
    }


def test_what_is_said_at_a_few_cells_is_what_the_whole_map_says_there():
    network = untrained(CenterNet(CenterNetConfig(channels=8)))
    whole = network(seen())
    cells = torch.tensor([[0, 0], [31, 15], [0, 15], [31, 0], [1, 7], [16, 8], [17, 8]])  # the corners read beyond it
    x, y = cells.unbind(1)
    said = network.boxes_at(network.join(seen()), cells)
    for part in ("offsets", "log_sizes", "turns", "sizes"):
        torch.testing.assert_close(getattr(said, part), getattr(whole, part)[0, :, y, x].T, rtol=1e-4, atol=1e-4)
    assert said.turns.std(0).min() > 0.01  # the fixture can tell cells apart
    nothing = network.boxes_at(network.join(seen()), cells[:0])
    assert [part.shape for part in nothing] == [(0, 2)] * 3


@pytest.mark.parametrize("config", [VFNetConfig(channels=8), VFNetConfig("class", star=False, channels=8)])
@pytest.mark.parametrize("threshold", [0.0, 0.6, 1.0])
def test_boxes_that_are_refined_where_they_are_asked_for_are_the_same(config, threshold):
    network = untrained(VFNet(config))
    points = level_points(level_sizes((64, 128), config.fcos.strides), config.fcos.strides)
    output = network(seen())
    expected = candidates(output, points, (60, 120), score_threshold=threshold)
    found, number = find_candidates(network, seen(), points, (60, 120), score_threshold=threshold)
    assert number == output.logits.numel()
    assert (len(found.scores) > 0) == (threshold < 1)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-3)
    if config.star:
        assert not torch.allclose(output.distances, output.first)


@pytest.mark.parametrize("build", [CenterNet, VFNet])
def test_folded_heads_say_the_same(build):
    network = untrained(build(CenterNetConfig(channels=8) if build is CenterNet else VFNetConfig(channels=8)))
    expected = network(seen())
    fold_norms(network)
    fold_norms(network)  # again: nothing is left to fold
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    for ours, theirs in zip(network(seen()), expected, strict=True):
        if isinstance(theirs, torch.Tensor):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4 * float(theirs.abs().max()))
    with pytest.raises(ValueError, match="eval mode"):
        fold_norms(build(network.config).train())


def test_a_folded_detector_finds_what_the_other_finds(loaded):
    photo = load_sample("chelsea").pixels
    expected = loaded.run(photo, score_threshold=0.05, iou_threshold=0.6)
    fold_norms(detector := loaded.run.args[1])
    assert detector.backbone.stages[0][0].in_strips
    found = loaded.run(photo, score_threshold=0.05, iou_threshold=0.6)
    assert len(found.candidates) == len(expected.candidates)
    np.testing.assert_allclose(np.sort(found.candidates.scores), np.sort(expected.candidates.scores), atol=1e-4)


def test_an_unknown_detector_is_refused_in_a_sentence():
    with pytest.raises(DetectionError, match="no detector named 'mine'"):
        point_detectors.load("mine")


def test_what_is_not_there_is_not_offered(monkeypatch, tmp_path):
    monkeypatch.setattr(point_detectors, "POINT_WEIGHTS", tmp_path)
    assert point_detectors.list_infos() == ()
    (tmp_path / "vfnet.safetensors").touch()
    assert [info.name for info in point_detectors.list_infos()] == ["vfnet_lite0"]
