"""What each detector misses: the boxes of a picture, the reader's own in the link and from the browser, the table."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.detection import challenges
from pages.kit.language import translator
from tests.pages.detection.reading import open_detection, sound
from tests.pages.pieces import components, link
from tests.vizcore.test_detection import output_of
from vizcore.data.annotations import annotate_scene, load_annotations
from vizcore.detection.truth import judge

SAY = translator("detection", "en")
STAGE = "detection_truth_stage"


def open_truth(photo: str = "camera", judged: str = "mtcnn", **query: object) -> AppTest:
    app = open_detection(part="truth", photo=photo, judged=judged, **query)
    sound(app)
    return app


def shown(app: AppTest) -> dict[str, Any]:
    """What the piece got."""
    sound(app)
    (data,) = components(app, "detectors", "look_version")
    return data


def boxes(app: AppTest) -> list[list[float]]:
    return [box["xyxy"] for box in shown(app)["stage"]["boxes"]]


def tell(app: AppTest, **said: object) -> AppTest:
    """The browser says something."""
    app.session_state[STAGE] = {"value": {"seq": 1, **said}}
    return app.run()


def test_a_picture_brings_its_boxes_and_the_reader_changes_them():
    app = open_truth()
    data = shown(app)
    known = load_annotations("camera")
    assert boxes(app) == [list(note.box) for note in known]
    assert data["names"] == ["the face", "the person"]
    (mtcnn,) = data["detectors"]
    assert (mtcnn["found_by"], mtcnn["matched"]) == ([0, -1], [0])  # his face from the side, and no person
    assert ["found", "1 of 2"] in mtcnn["facts"]
    assert "judge(output, truths, match_threshold=0.5)" in app.code[-1].value
    assert app.button(key="detection_forget_truths").disabled

    # drawn: the whole list comes, with the new one
    wall = [400, 20, 480, 90]
    asked = {"version": data["version"], "boxes": [*boxes(app), wall], "names": [*data["names"], "a; wall\x00"]}
    tell(app, edit=asked)
    assert boxes(app)[2] == wall
    assert shown(app)["names"][2] == "a, wall"
    assert link(app)["drawn_on"] == "sample.camera"
    app.run()  # the browser's state stands, and is not done again
    assert len(boxes(app)) == 3
    # moved: on the stage as it now is
    token = shown(app)["stage"]["token"]
    moved = {"0": [10, 10, 30, 40], "1": boxes(app)[1], "2": wall}
    tell(app, stage={"token": token, "selected": "0", "boxes": moved}, edit=asked)
    assert link(app)["truths"] == "10,10,30,40_0,64,332,512_400,20,480,90"
    assert shown(app)["detectors"][0]["found_by"] == [-1, -1, -1]

    again = open_truth(**{name: value for name, value in link(app).items() if name not in ("part", "photo", "judged")})
    assert boxes(again) == boxes(app)
    assert shown(again)["names"] == shown(app)["names"]
    # on another picture its own boxes stand, and back here the reader's
    again.selectbox(key="detection_photo").set_value("astronaut").run()
    assert boxes(again) == [list(load_annotations("astronaut")[0].box)]
    again.selectbox(key="detection_photo").set_value("camera").run()
    assert boxes(again) == boxes(app)
    again.button(key="detection_forget_truths").click().run()
    assert boxes(again) == [list(note.box) for note in known]


def test_what_the_browser_says_is_not_believed_blindly():
    app = open_truth()
    before, now = boxes(app), shown(app)["version"]
    for edit in (
        {"version": "sample.camera.7", "boxes": [], "names": []},
        {"version": now, "boxes": [[1, 2, 3]], "names": ["x"]},
        {"version": now, "boxes": [[0, 0, 1, float("nan")]], "names": ["x"]},
        {"version": now, "boxes": [[0, 0, 9, 9]], "names": []},
        {"version": now, "boxes": [[0, 0, 9, 9]] * 121, "names": ["x"] * 121},
        {"version": now, "boxes": [[0, 0, 9, 9]], "names": [3]},
        {"version": now, "boxes": "0", "names": "x"},
        "x",
    ):
        tell(app, edit=edit, looked_at={"version": shown(app)["look_version"], "name": "<b>"})
        assert boxes(app) == before, edit
    assert link(app)["looked_at"] == ""


def test_a_link_with_boxes_beyond_the_picture_is_mended_and_says_so():
    app = open_truth(truths="-10,20,600,90_50,60,40,30", truth_names="one", drawn_on="sample.camera")
    assert boxes(app) == [[0, 20, 512, 90], [40, 30, 50, 60]]
    assert shown(app)["names"] == ["one", ""]
    assert any("cut at the edge" in each.value for each in app.warning)
    broken = open_truth(truths="1,2,3", drawn_on="sample.camera")
    assert boxes(broken) == []
    assert any("truths" in each.value for each in broken.warning)


def test_a_scene_of_drawn_shapes_and_two_detectors_in_chinese():
    app = open_truth("scene", "fcos_lite0_fpn.centernet_lite0", looked_at="centernet_lite0", lang="zh")
    data = shown(app)
    assert len(boxes(app)) == len(annotate_scene(3))
    assert [each["name"] for each in data["detectors"]] == ["fcos_lite0_fpn", "centernet_lite0"]
    assert data["looked_at"] == "centernet_lite0"
    assert data["text"]["draw"] == "画一个框"
    tell(app, looked_at={"version": data["look_version"], "name": "fcos_lite0_fpn"})
    assert link(app)["looked_at"] == "fcos_lite0_fpn"
    app.button(key="detection_preset_profile").click().run()
    assert [each["name"] for each in shown(app)["detectors"]] == ["mtcnn", "haar_face", "hog_people"]
    assert link(app)["photo"] == "camera"


def test_without_a_detector_and_without_a_box_it_says_what_to_do():
    assert "Choose a detector first." in [each.value for each in open_truth(judged="").caption]
    app = open_truth("rocket")
    assert any("No box is drawn" in each.value for each in app.caption)


ONE = output_of([[0, 0, 10, 10]], [0.9])
NONE = output_of([], [])


def outcome(*outputs, truths=((0, 0, 10, 10),), own=True):
    return challenges.Outcome("camera", [], (), own=own, verdicts=tuple(judge(each, truths) for each in outputs))


@pytest.mark.parametrize(
    ("marked", "hint"),
    [
        (outcome(ONE, NONE), None),
        (outcome(), "Open the part"),
        (outcome(ONE, NONE, own=False), "Draw or move"),
        (outcome(ONE), "at least two"),
        (outcome(ONE, ONE), "agree about each"),
        (outcome(NONE, NONE), "agree about each"),
        (outcome(ONE, NONE, truths=()), "agree about each"),
    ],
)
def test_the_challenge_of_the_readers_own_boxes(marked, hint):
    said = challenges.between(marked, SAY)
    assert said is None if hint is None else hint in said


def test_the_challenge_is_solved_on_the_page():
    app = open_truth(
        "astronaut", "mtcnn.haar_face", truths="180,59,268,174", drawn_on="sample.astronaut", match_threshold=0.8
    )
    sound(app)
    assert app.session_state["detection_solved"] == ["between"]
