"""From the detection page on: the stepper opens under the same rules, with the same boxes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.pages.detection.reading import open_detection, sound, words
from tests.pages.opening import go_to, open_page
from tests.pages.pieces import component, link
from vizcore.data.photos import load_sample
from vizcore.packing import unpack


@pytest.fixture(autouse=True)
def payloads(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What would go to the browser by URL, by the place in the page."""
    kept: dict[str, bytes] = {}

    def keep(content: bytes, mimetype: str, place: str) -> str:
        kept[place] = content
        return f"/media/{place}"

    monkeypatch.setattr("pages.kit.live.media_url", keep)
    return kept


def step_through(app: AppTest) -> None:
    """Presses the button and lands on the stepper."""
    app.button(key="detection_to_nms").click().run()
    sound(app)
    assert app.title[0].value == "NMS stepper"


def kept_boxes(payloads: dict[str, bytes]) -> np.ndarray:
    """The boxes that the stepper keeps in the end, the best first."""
    _facts, arrays = unpack(payloads["nms_view-payload"])
    return arrays["boxes"].reshape(-1, 4)[arrays["keep"]]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"photo": "chelsea", "score_threshold": 0.2, "iou_threshold": 0.45},
        {"photo": "coins", "score_threshold": 0.05, "iou_threshold": 0.0},
        {"photo": "flower", "iou_threshold": 1.0},
        {"score_threshold": 1.0},
        {"photo": "china", "detector": "fcos_lite0_fpn", "score_threshold": 0.05, "iou_threshold": 0.6},
    ],
)
def test_the_stepper_keeps_the_boxes_that_the_detector_kept(
    payloads: dict[str, bytes], query: dict[str, object]
) -> None:
    app = open_detection(**query)
    found = app.session_state["recording"].output
    step_through(app)
    there = link(app)
    assert (there["source"], there["photo"]) == ("photo", "session")
    assert float(there["score_threshold"]) == found.score_threshold
    assert float(there["iou_threshold"]) == found.iou_threshold
    assert app.slider(key="nms_score_threshold").value == found.score_threshold
    assert app.slider(key="nms_iou_threshold").value == found.iou_threshold
    kept = kept_boxes(payloads)
    np.testing.assert_array_equal(kept[: len(found)], found.boxes)
    # No more than these, but where the detector cuts its list after the NMS, as the one with a pyramid does.
    np.testing.assert_array_equal(kept, found.candidates.boxes[found.survivors])
    assert found.max_detections == 100 if len(kept) > len(found) else len(kept) == len(found)


def test_rules_that_the_stepper_was_left_with_give_way(payloads: dict[str, bytes]) -> None:
    app = open_page(
        "nms", method="soft_linear", class_aware=0, suppress_equal=1, ties="last", pixel_inclusive=1, step=3
    )
    app.query_params.clear()
    app.query_params["tour"] = "0"
    go_to(app, "detection")
    app.run()
    app.selectbox(key="detection_photo").set_value("chelsea")
    app.slider(key="detection_iou_threshold").set_value(0.9)
    app.slider(key="detection_score_threshold").set_value(0.3).run()
    sound(app)
    found = app.session_state["recording"].output
    assert len(found) > 2
    step_through(app)
    np.testing.assert_array_equal(kept_boxes(payloads), found.boxes)
    assert app.selectbox(key="nms_method").value == "hard"


def test_a_threshold_moved_with_the_press_is_the_steppers_too(payloads: dict[str, bytes]) -> None:
    app = open_detection(photo="chelsea")
    app.slider(key="detection_score_threshold").set_value(0.8)
    step_through(app)  # one run hears of both
    assert link(app)["score_threshold"] == "0.8"
    assert len(kept_boxes(payloads)) == 1


def test_an_own_photo_is_stepped_too(payloads: dict[str, bytes]) -> None:
    buffer = io.BytesIO()
    Image.fromarray(load_sample("coffee").pixels[:, 60:]).save(buffer, "PNG")
    app = open_detection()
    app.file_uploader(key="detection_upload").upload("cup.png", buffer.getvalue(), "image/png").run()
    sound(app)
    found = app.session_state["recording"]
    assert (found.picture.is_own, found.picture.title) == (True, "cup.png")
    step_through(app)
    assert component(app, "pace")["stage"]["size"] == [400, 540]
    np.testing.assert_array_equal(kept_boxes(payloads), found.output.boxes)
    assert link(app)["photo"] == "session"


def test_a_large_photo_is_exported_on_its_own_size_and_an_error_leaves_with_its_file() -> None:
    app = open_detection()
    app.file_uploader(key="detection_upload").upload("broken.png", b"no picture", "image/png").run()
    assert "not a picture that can be read" in app.error[0].value
    app.file_uploader(key="detection_upload").clear().run()
    assert not app.error
    buffer = io.BytesIO()
    Image.fromarray(load_sample("coffee").pixels).resize((2706, 1800)).save(buffer, "JPEG")
    app.file_uploader(key="detection_upload").upload("IMG_1234.jpg", buffer.getvalue(), "image/jpeg").run()
    sound(app)
    assert app.session_state["recording"].picture.original_size == (1800, 2706)
    assert "those of IMG_1234.jpg, 2706 × 1800 pixels; the detector saw a copy of 1280 × 851" in words(app)
