"""The older detectors: counted against scikit-image itself, found faces, histograms shared between windows."""

import numpy as np
import pytest
import torch
from skimage.data import lbp_frontal_face_cascade_filename
from skimage.feature import Cascade, haar_like_feature, haar_like_feature_coord, hog
from skimage.transform import integral_image
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList

from vizcore.data.photos import list_samples, load_sample
from vizcore.image_pyramid import (
    cascade_windows,
    count_haar_features,
    draw_shared,
    find_faces_by_cascade,
    find_faces_by_hog,
    history,
    join_windows,
    measure_haar_feature,
    overlaps,
    ssd_default_boxes,
    train_hog_classifier,
)
from vizcore.image_pyramid.haar import HAAR_TYPES
from vizcore.image_pyramid.history import CASCADE_STEP, hog_blocks, hog_windows
from vizcore.image_pyramid.ssd import SSD_MAPS, SSD_RATIOS

FACE = np.array([[170, 65, 277, 172]], dtype=np.float32)  # around the astronaut's face, drawn by hand


@pytest.fixture(scope="module")
def classifier():
    return train_hog_classifier(without="coffee")


def test_cascade_windows_are_those_the_cascade_visits():
    # A cascade that accepts everything returns every window it visits, if none are joined.
    accepting = Cascade(lbp_frontal_face_cascade_filename(), eps=1e9)
    grey = np.random.default_rng(0).random((37, 52))
    visited = accepting.detect_multi_scale(
        img=grey,
        scale_factor=CASCADE_STEP,
        step_ratio=1,
        min_size=(24, 24),
        max_size=(37, 37),
        min_neighbor_number=1,
        intersection_score_threshold=1.5,
    )
    expected = cascade_windows((37, 52), smallest=24)
    assert len(expected) == 2
    for side, _step, count in expected:
        assert sum(window["width"] == side for window in visited) == count
    assert len(visited) == sum(count for _, _, count in expected)


@pytest.mark.parametrize("sample", [sample.name for sample in list_samples()])
def test_the_cascade_finds_the_one_face_among_the_samples(sample):
    found = find_faces_by_cascade(load_sample(sample).pixels)
    assert found.num_windows > 10_000
    assert found.seconds > 0
    if sample == "astronaut":
        assert overlaps(found.boxes, FACE).max() > 0.7
        assert len(found.boxes) == 1
    else:
        assert len(found.boxes) == 0


@pytest.mark.parametrize("shape", [(16, 16), (24, 24), (1, 1), (30, 600), (600, 30)])
def test_odd_photos_have_no_face_and_no_failure(classifier, shape):
    photo = np.full((*shape, 3), 128, dtype=np.uint8)
    for found in (find_faces_by_cascade(photo), find_faces_by_hog(photo, classifier)):
        assert found.boxes.shape == (0, 4)
    table, drawn = draw_shared(photo)
    assert np.isfinite(table).all()
    assert np.isfinite(drawn).all()


# -- histograms of oriented gradients ----------------------------------------------------------------------------------


def test_windows_share_cells_without_changing_them():
    grey = np.random.default_rng(1).random((48, 56))
    windows = hog_windows(hog_blocks(grey))
    assert windows.shape == (7, 9, 5, 5, 2, 2, 9)
    options = {"orientations": 9, "pixels_per_cell": (4, 4), "cells_per_block": (2, 2), "block_norm": "L2-Hys"}
    for row, column in ((1, 1), (3, 2), (5, 7)):
        # The window with a cell of surroundings, described on its own: its inner blocks.
        top, left = 4 * row - 4, 4 * column - 4
        alone = hog(grey[top : top + 32, left : left + 32], feature_vector=False, **options)
        np.testing.assert_allclose(windows[row, column], alone[1:6, 1:6], atol=1e-12)


def test_the_classifier_names_patches_rightly_and_finds_the_face(classifier):
    assert classifier.accuracy >= 0.95
    assert classifier.num_faces == 800
    assert classifier.num_others > 1000
    found = find_faces_by_hog(load_sample("astronaut").pixels, classifier)
    assert overlaps(found.boxes, FACE).max() > 0.5
    assert found.num_accepted >= 4 * len(found.boxes)
    assert found.num_windows > 5000


def test_training_repeats_itself_and_leaves_out_what_is_searched(monkeypatch):
    few = [sample for sample in list_samples() if sample.name in ("coins", "chelsea", "astronaut")]
    monkeypatch.setattr(history, "list_samples", lambda: few)
    seen = []
    monkeypatch.setattr(history, "load_sample", lambda name: seen.append(name) or load_sample(name))
    first, again = train_hog_classifier(without="coins"), train_hog_classifier(without="coins")
    np.testing.assert_allclose(again.weights, first.weights, atol=1e-9)
    assert (again.bias, again.accuracy, again.num_others) == (first.bias, first.accuracy, first.num_others)
    assert set(seen) == {"chelsea"}  # never the photo itself, nor the one with a face


def test_joining_by_hand():
    # Four windows around one place, with an average of their own; three elsewhere are too few.
    group = [[0, 0, 10, 10], [1, 0, 11, 10], [0, 1, 10, 11], [1, 1, 11, 11]]
    others = [[50, 50, 60, 60]] * 3
    joined = join_windows(np.array(group + others, dtype=float), np.array([1, 2, 3, 4, 9, 9, 9], dtype=float))
    np.testing.assert_allclose(joined, [[0.5, 0.5, 10.5, 10.5]])
    assert join_windows(np.zeros((0, 4)), np.zeros(0)).shape == (0, 4)


# -- features and counts -----------------------------------------------------------------------------------------------


def test_haar_features_are_counted_as_scikit_image_lists_them():
    for side in (4, 7, 9):
        counts = count_haar_features(side)
        for kind in HAAR_TYPES:
            coordinates, _ = haar_like_feature_coord(side, side, kind)
            assert counts[kind] == len(coordinates), (side, kind)
    assert sum(count_haar_features().values()) == 162_336  # Lienhart and Maydt's count, and FACTS §12


def test_the_feature_has_the_value_that_scikit_image_gives():
    feature = measure_haar_feature(load_sample("astronaut").pixels, FACE[0])
    assert feature.value == pytest.approx(feature.value_by_pixels)
    table = integral_image(feature.patch)
    coordinates, kinds = haar_like_feature_coord(24, 24, "type-2-y")
    wanted = [[(7, 3), (10, 20)], [(11, 3), (14, 20)]]
    (place,) = [
        index
        for index, pair in enumerate(coordinates)
        if [tuple(map(tuple, part)) for part in pair] == [tuple(part) for part in wanted]
    ]
    value = haar_like_feature(
        table, 0, 0, 24, 24, feature_type=kinds[place : place + 1], feature_coord=coordinates[place : place + 1]
    )
    assert abs(feature.value) == pytest.approx(abs(float(value[0])))
    assert feature.value > 1  # the cheeks are brighter than the eyes


def test_ssd_has_the_published_number_of_boxes():
    counts = ssd_default_boxes()
    assert sum(counts) == 8732
    generator = DefaultBoxGenerator([list(ratios) for ratios in SSD_RATIOS])
    maps = [torch.zeros(1, 1, side, side) for side in SSD_MAPS]
    (boxes,) = generator(ImageList(torch.zeros(1, 3, 300, 300), [(300, 300)]), maps)
    assert len(boxes) == sum(counts)


def test_the_integral_image_ends_in_the_sum_of_all():
    table, drawn = draw_shared(load_sample("coins").pixels, side=64)
    assert max(table.shape) == 64
    assert (np.diff(table, axis=0) >= 0).all()
    assert drawn.shape == table.shape
    assert drawn.max() > 0
