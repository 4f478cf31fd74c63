"""The shelf of detectors, and the camera, as a reader without a mouse meets them."""

from __future__ import annotations

import re

import pytest

from tests.pages.detection.reading import open_detection, sound, words
from tests.pages.pieces import components
from vizcore import detection


def rows(app) -> list[str]:
    return [element.value for element in app.markdown if element.value.startswith("**") and "  \n" in element.value]


def test_every_detector_is_on_the_shelf_and_a_click_shows_it_as_it_was_published():
    app = open_detection(gallery=1, photo="astronaut", detector="mtcnn")
    sound(app)
    shelf = rows(app)
    assert len(shelf) == len(detection.list_detectors())
    (mtcnn,) = [row for row in shelf if row.startswith("**MTCNN")]
    assert "no time yet" not in mtcnn
    assert re.search(r" · [\d.]+ m?s · ", mtcnn)
    assert "no AP published" in mtcnn
    (haar,) = [row for row in shelf if row.startswith("**Viola")]
    assert "no time yet" in haar
    (ours,) = [row for row in shelf if row.startswith("**FCOS · Eff")]
    assert "AP 61.6 on drawn scenes, validation (measured here)" in ours
    assert app.button(key="detection_show_mtcnn").disabled

    app.button(key="detection_show_haar_face").click().run()
    sound(app)
    info = next(info for info in detection.list_detectors() if info.name == "haar_face")
    assert app.selectbox(key="detection_detector").value == "haar_face"
    assert app.slider(key="detection_score_threshold").value == info.score_threshold
    assert all("no time yet" not in row for row in rows(app) if row.startswith(("**MTCNN", "**Viola")))


def test_shelf_and_camera_speak_chinese():
    app = open_detection(gallery=1, live=1, lang="zh", photo="astronaut", detector="mtcnn")
    sound(app)
    assert "人脸，连同眼、鼻、嘴" in words(app)
    (camera,) = components(app, "detector", "colors", "stages")
    assert camera["text"]["start"] == "打开摄像头"
    assert camera["stages"]["R-Net"] == "R-Net 之后"


@pytest.mark.parametrize(("live", "count"), [(0, 0), (1, 1)])
def test_the_camera_is_there_when_asked_for(live, count):
    app = open_detection(live=live, live_detector="haar_face", photo="astronaut", detector="mtcnn")
    sound(app)
    cameras = components(app, "detector", "colors", "stages")
    assert len(cameras) == count
    assert all(camera["detector"] == "haar_face" for camera in cameras)


@pytest.mark.parametrize("detector", ["detr_lite0", "centernet_lite0"])
def test_a_detector_of_drawn_shapes_says_so_on_a_photo(detector):
    app = open_detection(detector=detector, photo="astronaut")
    sound(app)
    assert "It knows six drawn shapes" in words(app)
    app.button(key="detection_to_scene").click().run()
    sound(app)
    assert app.selectbox(key="detection_photo").value == "scene"
