"""What is said of a detector's quality is what its card or its publisher says."""

from __future__ import annotations

import json

import pytest
from torchvision.models.detection import FCOS_ResNet50_FPN_Weights, RetinaNet_ResNet50_FPN_V2_Weights

from vizcore.detection import list_detectors
from vizcore.detection.published import reported_ap
from vizcore.models.weight_files import WEIGHTS_FOLDER
from vizcore.training.cards import load_card


def test_ours_is_the_cards() -> None:
    for name, card in (
        ("fcos_lite0_fpn", "fcos_fpn"),
        ("centernet_lite0", "points/centernet"),
        ("vfnet_lite0", "points/vfnet"),
    ):
        reported = reported_ap(name)
        assert reported is not None
        assert reported.ap == json.loads((WEIGHTS_FOLDER / f"{card}.json").read_text())["quality"]["ap"]
        assert reported.by == "measured here"
    assert reported_ap("fcos_lite0_fpn").ap == load_card("fcos_fpn").quality["ap"]


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("fcos_resnet50_fpn", FCOS_ResNet50_FPN_Weights.COCO_V1),
        ("retinanet_resnet50_fpn_v2", RetinaNet_ResNet50_FPN_V2_Weights.COCO_V1),
    ],
)
def test_torchvisions_is_what_torchvision_publishes(name, weights) -> None:
    assert reported_ap(name).ap == pytest.approx(weights.meta["_metrics"]["COCO-val2017"]["box_map"] / 100)
    assert reported_ap(name).data == "COCO val2017"


def test_the_classics_have_none_and_no_detector_fails() -> None:
    known = {info.name: reported_ap(info.name) for info in list_detectors()}
    for name in ("sliding_windows", "mtcnn", "haar_face", "hog_people"):
        assert known[name] is None
    assert all(0.2 < reported.ap < 0.7 for reported in known.values() if reported is not None)
    assert sum(reported is not None for reported in known.values()) >= 8
