"""CenterNet and VarifocalNet as detectors of the detection page, with weights that nobody trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vizcore.data.photos import load_sample
from vizcore.detection import DetectionError, point_detectors
from vizcore.models.centernet import CenterNet, CenterNetConfig, CenterNetDetector
from vizcore.models.vfnet import VFNet, VFNetConfig, VFNetDetector


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


def test_an_unknown_detector_is_refused_in_a_sentence():
    with pytest.raises(DetectionError, match="no detector named 'mine'"):
        point_detectors.load("mine")


def test_what_is_not_there_is_not_offered(monkeypatch, tmp_path):
    monkeypatch.setattr(point_detectors, "POINT_WEIGHTS", tmp_path)
    assert point_detectors.list_infos() == ()
    (tmp_path / "vfnet.safetensors").touch()
    assert [info.name for info in point_detectors.list_infos()] == ["vfnet_lite0"]
