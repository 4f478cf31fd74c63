"""The detectors that are installed with the app, each with its own words, and FCOS on what it knows."""

import pytest

from tests.pages.detection.reading import finals, open_detection, sound, stages, words
from vizcore.data.annotations import annotate_scene
from vizcore.data.scenes import CLASSES


@pytest.mark.parametrize(
    ("detector", "score", "label", "said"),
    [
        ("mtcnn", 0.8, "face", "P-Net slides a window of 12 pixels"),
        ("haar_face", 0.98, "face", "asks for three neighbors"),
        ("hog_people", 0.5, "person", "template of a standing person"),
    ],
)
def test_each_says_what_it_is(detector, score, label, said):
    app = open_detection(photo="astronaut", detector=detector, score_threshold=score)
    sound(app)
    (stage,) = stages(app)
    assert {box["label"] for box in finals(stage)} == {label}
    assert said in words(app)
    assert "show it every window" not in words(app)
    assert "of the photo scaled to" in words(app)  # where the box in hand comes from
    eyes = [box for box in stage["boxes"] if box["id"].startswith("left eye")]
    assert len(eyes) == (len(finals(stage)) if detector == "mtcnn" else 0)


def test_chinese_has_the_same_words():
    app = open_detection(photo="astronaut", detector="mtcnn", score_threshold=0.8, lang="zh")
    sound(app)
    assert finals(stages(app)[0])[0]["label"] == "人脸"
    assert "三个网络" in words(app)


def test_the_detector_of_drawn_shapes_leads_to_a_drawn_scene():
    app = open_detection(photo="chelsea", detector="fcos_lite0_fpn", score_threshold=0.6)
    sound(app)
    assert "It knows six drawn shapes" in words(app)
    assert finals(stages(app)[0]) == []
    app.button(key="detection_to_scene").click().run()
    sound(app)
    (stage,) = stages(app)
    assert {box["label"] for box in finals(stage)} <= set(CLASSES)
    drawn = [box for box in stage["boxes"] if box["id"].startswith("t")]
    truths = annotate_scene(3)
    assert sorted(box["label"] for box in drawn) == sorted(truth.title for truth in truths)
    assert len(finals(stage)) >= len(truths) / 2  # it finds what it was shown
    assert 'draw_scene("validation", 3)' in "".join(each.value for each in app.code)
    assert not [each for each in app.button if each.key == "detection_to_scene"]
