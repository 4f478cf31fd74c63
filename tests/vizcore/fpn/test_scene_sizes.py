"""How large the drawn objects are: COCO's size classes."""

import math

import numpy as np
import pytest

from vizcore import fpn
from vizcore.data.scenes import draw_scene


def test_sizes_of_scenes():
    progress = []
    sizes = fpn.scene_sizes("validation", 3, report=progress.append)
    scenes = [draw_scene("validation", index) for index in range(3)]
    assert sizes.counts.tolist() == [len(scene.boxes) for scene in scenes]
    first = scenes[0].boxes[0]
    assert sizes.sizes[0] == pytest.approx(math.sqrt((first[2] - first[0]) * (first[3] - first[1])))
    assert np.array_equal(sizes.labels, np.concatenate([scene.labels for scene in scenes]))
    assert progress == [1 / 3, 2 / 3, 1]
    assert len(sizes.sizes) == len(sizes.visible) == sizes.counts.sum()


def test_size_classes_are_cocos():
    from pycocotools.cocoeval import Params

    low, high = (Params(iouType="bbox").areaRng[place][1] for place in (1, 2))
    assert (math.sqrt(low), math.sqrt(high)) == fpn.SIZE_BORDERS
    boxes = np.array([[0, 0, 31, 32], [0, 0, 32, 32], [0, 0, 96, 96], [0, 0, 96, 97]])
    sizes = fpn.SceneSizes(fpn.box_sizes(boxes), np.zeros(4, int), np.ones(4), np.array([4]))
    assert sizes.size_classes == {"small": 2, "medium": 2, "large": 2}
    assert fpn.measure_sizes([]).size_classes == {"small": 0, "medium": 0, "large": 0}
