"""Who owns a box: torchvision, the training targets, and the stage agree."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.ops.poolers import LevelMapper

from tests.pages.fpn.opened import open_fpn, trace_scene
from tests.pages.pieces import component
from vizcore import fpn


@pytest.mark.parametrize("box", ["600,10,700,50", "300,10,200,50", "-5,0,20,20"])
def test_a_box_beside_the_picture_gives_way_to_its_middle(box: str) -> None:
    app = open_fpn(part="owner", box=box)
    assert component(app, "stage", "levels")["stage"]["boxes"][0]["xyxy"] == [128, 128, 384, 384]


def test_the_owner_is_torchs_and_torchvisions() -> None:
    app = open_fpn(part="owner")
    key = "fpn_owner"
    token = component(app, "stage", "levels")["stage"]["token"]
    for box in ([100, 100, 400, 400], [10, 10, 80, 60], [0, 0, 512, 500]):
        app.session_state[key] = {"value": {"seq": 1, "stage": {"token": token, "boxes": {"box": box}}}}
        app.run()
        level = int(LevelMapper(2, 5)([torch.tensor([box], dtype=torch.float32)])[0]) + 2
        owner = fpn.find_owner(trace_scene(), np.asarray(box, dtype=float))
        words = next(caption.value for caption in app.caption if "torch agrees" in caption.value)
        assert f"says P{level} " in words
        for name in owner.fcos_levels:
            assert f"{name} × {len(owner.cells[name])}" in words
