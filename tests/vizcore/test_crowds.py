import numpy as np
import pytest
import torch

from tests.vizcore.nms.candidates import pair_iou
from vizcore import nms
from vizcore.data import crowds


def test_a_ranked_crowd_says_its_true_iou():
    ranked = crowds.make_ranked_crowd(num_images=2, seed=3)
    crowd = ranked.crowd
    for index in range(0, len(crowd.boxes), 7):
        ious = [
            pair_iou(crowd.boxes[index], target)
            for target, label, image in zip(crowd.targets, crowd.target_labels, crowd.target_images, strict=True)
            if label == crowd.labels[index] and image == crowd.images[index]
        ]
        assert ranked.true_iou[index] == pytest.approx(max(ious, default=0), abs=1e-5)


@pytest.mark.parametrize("name", list(crowds.CROWDS))
def test_crowds_are_seeded_and_valid(name):
    first, again = crowds.make_crowd(name, seed=5), crowds.make_crowd(name, seed=5)
    assert np.array_equal(first.boxes, again.boxes)
    assert np.array_equal(first.scores, again.scores)
    assert np.all(first.boxes[:, 2:] >= first.boxes[:, :2])
    assert first.boxes.min() >= 0
    assert np.all(first.boxes.max(0)[2:] <= first.size[::-1])
    assert ((first.scores >= 0) & (first.scores <= 1)).all()
    assert set(first.labels) <= set(range(len(first.label_names)))
    nms.trace_nms(torch.from_numpy(first.boxes), torch.from_numpy(first.scores))


def test_unknown_crowds_are_refused():
    with pytest.raises(ValueError, match="No crowd is called"):
        crowds.make_crowd("party")
    with pytest.raises(ValueError, match="misalignment must lie"):
        crowds.make_ranked_crowd(misalignment=1.5)
    with pytest.raises(ValueError, match="at least 1"):
        crowds.make_ranked_crowd(num_images=0)
