"""What the feature pyramid refuses, said in a sentence in both languages."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pages.kit.language import escaped, explain, translator
from vizcore import fpn
from vizcore.errors import ExplainedError
from vizcore.fpn import packing
from vizcore.models.fcos import FCOSConfig

CONFIG = FCOSConfig("fpn", finest=2)
MAPS = np.zeros((3, 4, 4), np.float32)
PHOTO = np.zeros((64, 64, 3), np.uint8)


class Backbone:
    """Stands for one: the level is refused before anything is computed."""

    stem, stages = torch.nn.Identity(), ()


NO_LEVEL = SimpleNamespace(fcos=SimpleNamespace(config=FCOSConfig("fpn", finest=3)), backbone=Backbone())

REFUSALS = {
    "cut": (lambda: fpn.check_cuts(FCOSConfig("top"), ["top_down"]), "lateral:C5; got top_down", "cuts 只能取自"),
    "photo": (lambda: fpn.prepare(PHOTO[..., 0]), "got uint8 [64, 64].", "照片必须是"),
    "threshold": (
        lambda: fpn.refilter(
            SimpleNamespace(
                input_boxes=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32), labels=np.zeros(0, int)
            ),
            score_threshold=1.5,
            iou_threshold=0.5,
        ),
        "from 0 to 1, not 1.5",
        "阈值必须是",
    ),
    "map": (lambda: fpn.theoretical_receptive_field("C6"), "no stage or level 'C6'", "没有名为 'C6' 的阶段或层"),
    "level": (
        lambda: fpn.effective_receptive_field(NO_LEVEL, PHOTO, "P2", (0, 0)),
        "This detector has no stage or level 'P2'",
        "这个检测器没有名为 'P2'",
    ),
    "range": (
        lambda: fpn.roi_level(torch.zeros(1, 4), k_min=5, k_max=2),
        "got 5, 2 and 224",
        "k_min 不得大于 k_max",
    ),
    "packed view": (lambda: packing.pack_maps(None, view="median"), "channel; got 'median'", "view 只能是 mean"),
    "channel": (lambda: fpn.channel_views(MAPS, "channel", channel=3), "one of 0 … 2; got 3", "0 … 2 之一；现在是 3"),
    "kind": (lambda: fpn.channel_views(MAPS, "median"), "or channel; got 'median'", "kind 只能是 mean"),
    "atlas": (lambda: fpn.atlas_layout(0, (4, 4), side=8), "got 0 and 8", "现在是 0 和 8"),
    "scale": (lambda: fpn.channel_atlas(MAPS, per="map"), "got 'map'", "per 只能是 channel 或 level；现在是 'map'"),
}


def check(error: ExplainedError, english: str, chinese: str) -> None:
    assert english in str(error)
    assert explain(error, translator("fpn", "en")) == error.template.format(**escaped(error.values))
    said = explain(error, translator("fpn", "zh"))
    assert chinese in said
    assert "{" not in said
    assert said.endswith("。")


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_are_sentences_in_both_languages(name):
    call, english, chinese = REFUSALS[name]
    with pytest.raises(fpn.FPNError) as refused:
        call()
    check(refused.value, english, chinese)


def test_a_cell_that_is_not_there():
    from vizcore.models.fcos import FCOS, Detector

    detector = Detector(FCOS(FCOSConfig("fpn", finest=3, channels=8, num_convs=1)))
    with pytest.raises(fpn.FPNError) as refused:
        fpn.effective_receptive_field(detector, PHOTO, "P3", (8, 0))
    check(refused.value, "P3 has 8 × 8 cells; there is no cell (8, 0).", "P3 有 8 × 8 个格子，没有格子 (8, 0)")
