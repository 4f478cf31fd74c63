"""A detector with random weights, a photo, and the way of the one over the other."""

import pytest

from tests.vizcore.fpn.detectors import CONFIG, make_detector
from vizcore import fpn
from vizcore.data.scenes import draw_scene
from vizcore.models.fcos import (
    Detector,
)


@pytest.fixture(scope="module")
def detector():
    return Detector(make_detector(CONFIG))


@pytest.fixture(scope="module")
def photo():
    return draw_scene("validation", 3, size=192).pixels


@pytest.fixture(scope="module")
def trace(detector, photo):
    return fpn.trace_fpn(detector, photo)
