"""The maps: cuts as torch makes them, what the browser says, channels."""

from __future__ import annotations

import numpy as np

from tests.pages.fpn.opened import open_fpn, trace_scene
from tests.pages.pieces import component, link
from vizcore import fpn


def test_a_cut_changes_maps_and_boxes_as_torch_says() -> None:
    app = open_fpn(cuts="top_down:P2.top_down:P3.top_down:P4")
    data = component(app, "detections", "arrows")
    whole = trace_scene(1)
    cut = trace_scene(1, cuts=["top_down"])
    change = fpn.compare_detections(whole, cut)
    fates = [row["fate"] for row in data["detections"]]
    most = len(fates)
    assert fates.count("lost") == len(change.lost) or most == 60
    boxes = {box["id"]: box["xyxy"] for box in data["stage"]["boxes"]}
    for candidate in cut.keep:
        np.testing.assert_allclose(boxes[f"a{candidate}"], cut.boxes[candidate], rtol=1e-5, atol=1e-3)
    assert f"{len(cut.keep)} boxes instead of {len(whole.keep)}" in data["text"]["summary"]


def test_what_the_browser_says_is_taken_over_if_it_can_be_believed() -> None:
    app = open_fpn()
    data = component(app, "detections", "arrows")
    say = {"version": data["version"], "selected": "P2", "opacity": 0.9, "cuts": ["lateral:C2"], "boxes": False}
    app.session_state["fpn_maps"] = {"value": {"seq": 1, "maps": say}}
    app.run()
    assert link(app) | {"level": "P2", "opacity": "0.9", "cuts": "lateral:C2", "boxes": "0"} == link(app)
    nonsense = {"version": data["version"], "selected": 5, "opacity": "x", "cuts": ["rm"], "boxes": None}
    app.session_state["fpn_maps"] = {"value": {"seq": 2, "maps": nonsense}}
    app.run()
    assert not app.exception
    assert link(app)["cuts"] == "lateral:C2"
    assert link(app)["level"] == "P2"


def test_a_pressed_channel_is_shown_everywhere() -> None:
    app = open_fpn(view="channel")
    app.session_state["fpn_maps"] = {"value": {"seq": 1, "pick": {"channel": 12, "count": 1}}}
    app.run()
    assert link(app)["channel"] == "12"
    assert component(app, "atlas")["channel"] == 12
