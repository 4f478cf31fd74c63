"""The image pyramid: geometry by hand, scores against cropping, boxes against hand-drawn ones."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import box_iou

from vizcore.data.annotations import load_annotations
from vizcore.data.photos import load_sample
from vizcore.image_pyramid import (
    MAX_CANDIDATES,
    MIN_CANDIDATES,
    WINDOW_SHAPES,
    fuse_windows,
    pyramid_sizes,
    resize,
    score_crops,
    trace_image_pyramid,
    window_boxes,
    window_logits,
    window_shapes,
)
from vizcore.models.efficientnet_lite import STRIDE, load_efficientnet_lite0, normalise


@pytest.fixture(scope="module")
def model():
    return load_efficientnet_lite0()


@pytest.fixture(scope="module")
def chelsea(model):
    return trace_image_pyramid(model, load_sample("chelsea").pixels, num_levels=2)


# -- geometry -------------------------------------------------------------------------------------------------------


def test_pyramid_sizes_by_hand():
    # 480 rows become 192, 272, 384, 543 (factor √2): in cells of 32 that is 6, 8, 12, 17.
    assert pyramid_sizes((480, 640)) == ((192, 256), (256, 352), (384, 512), (544, 736))


@given(st.integers(1, 1280), st.integers(1, 1280))
def test_every_photo_has_levels_of_whole_cells(height, width):
    sizes = pyramid_sizes((height, width))
    assert 1 <= len(sizes) <= 4
    for rows, columns in sizes:
        assert rows > 0
        assert columns > 0
        assert rows % STRIDE == columns % STRIDE == 0
        assert rows * columns <= 700_000  # 480,000 before rounding to cells


@pytest.mark.parametrize("image_size", [(1, 1), (1, 1280), (1280, 1), (64, 1280)])
def test_strips_and_single_pixels_have_levels(image_size):
    assert len(pyramid_sizes(image_size)) >= 1


def test_shapes_are_cut_to_the_level_and_not_repeated():
    shapes = [shape for _, shape in window_shapes((5, 6))]
    assert len(shapes) == len(set(shapes))
    assert max(rows for rows, _ in shapes) == 5
    assert max(columns for _, columns in shapes) == 6
    # (5, 5) stays, (10, 5) is cut to it and dropped.
    assert window_shapes((5, 5)).count((0, (5, 5))) == 1


def test_window_boxes_by_hand():
    # A level of 64 × 128 shows a photo of 32 × 128: rows are halved, columns stay.
    boxes = window_boxes(torch.tensor([[1, 2]]), (1, 2), (64, 128), (32, 128))
    assert boxes.tolist() == [[64, 16, 128, 32]]


@given(rows=st.integers(1, 6), columns=st.integers(1, 6), height=st.integers(1, 6), width=st.integers(1, 6))
def test_window_logits_are_plain_averages(rows, columns, height, width):
    shape = (min(rows, height), min(columns, width))
    logits = torch.randn(height, width, 3, generator=torch.Generator().manual_seed(rows * 7 + columns))
    windows = window_logits(logits, shape)
    assert windows.shape == (height - shape[0] + 1, width - shape[1] + 1, 3)
    for row in range(windows.shape[0]):
        for column in range(windows.shape[1]):
            patch = logits[row : row + shape[0], column : column + shape[1]]
            torch.testing.assert_close(windows[row, column], patch.mean((0, 1)), rtol=1e-4, atol=1e-5)


def test_resize_keeps_a_flat_colour_and_shrinks_with_antialiasing():
    flat = np.full((50, 70, 3), (10, 200, 30), dtype=np.uint8)
    assert (resize(flat, (32, 64)) == (10, 200, 30)).all()
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[:, ::2] = 254
    inner = resize(stripes, (16, 16))[:, 2:-2]
    # Plain subsampling of one-pixel stripes would be black or white; an antialiased average is mid grey.
    assert abs(inner.astype(int) - 127).max() <= 8


# -- scores ---------------------------------------------------------------------------------------------------------


def test_window_over_a_whole_level_is_the_classifier_itself(model):
    photo = resize(load_sample("coffee").pixels, (192, 192))
    trace = trace_image_pyramid(model, photo, num_levels=1)
    (whole,) = np.flatnonzero(trace.shape_of == WINDOW_SHAPES.index((6, 6)))
    probabilities = model(normalise(torch.from_numpy(photo)).permute(2, 0, 1)[None]).softmax(1)[0]
    assert trace.boxes[whole].tolist() == [0, 0, 192, 192]
    assert trace.labels[whole] == probabilities.argmax()
    assert trace.scores[whole] == pytest.approx(float(probabilities.max()), abs=1e-5)
    # A crop of everything is the same picture with the same padding, so here the slow way agrees as well.
    assert score_crops(model, trace, np.array([whole]))[0].max() == pytest.approx(trace.scores[whole], abs=1e-5)


def test_dense_pass_against_crops(model, chelsea):
    # The dense pass sees what surrounds a window where a crop sees zeros: the two agree in kind, not in digits. Letting
    # the crop see its surroundings takes the difference away, which shows that nothing else makes it.
    windows = np.random.default_rng(0).choice(len(chelsea.boxes), 16, replace=False)
    dense = chelsea.scores[windows]

    def difference(margin):
        crops = score_crops(model, chelsea, windows, margin=margin, batch_size=5)
        assert crops.shape == (16, 1000)
        np.testing.assert_allclose(crops.sum(1), 1, atol=1e-4)
        return np.abs(dense - crops[np.arange(16), chelsea.labels[windows]])

    alone, with_some, with_all = difference(0), difference(3), difference(20)
    assert 0.02 < np.median(alone) < 0.4
    assert np.median(with_some) < np.median(alone)
    assert with_all.max() < 1e-4


def test_batch_size_does_not_matter(model, chelsea):
    windows = np.arange(0, len(chelsea.boxes), 60)
    np.testing.assert_allclose(
        score_crops(model, chelsea, windows, batch_size=1),
        score_crops(model, chelsea, windows, batch_size=7),
        atol=1e-5,
    )


def test_trace_records_every_window(chelsea):
    assert chelsea.image_size == (300, 451)
    count = len(chelsea.boxes)
    assert {
        len(field) for field in (chelsea.scores, chelsea.labels, chelsea.level_of, chelsea.cells, chelsea.shape_of)
    } == {count}
    assert sum(level.num_windows for level in chelsea.levels) == count
    for level in chelsea.levels:
        assert level.pixels.shape[0] == level.logits.shape[0] * STRIDE
        assert level.pixels.shape[1] == level.logits.shape[1] * STRIDE
    for window in range(0, count, 37):
        level = chelsea.levels[chelsea.level_of[window]]
        rows, columns = WINDOW_SHAPES[chelsea.shape_of[window]]
        rows, columns = min(rows, level.logits.shape[0]), min(columns, level.logits.shape[1])
        row, column = chelsea.cells[window]
        logits = level.logits[row : row + rows, column : column + columns].mean((0, 1))
        assert chelsea.labels[window] == logits.argmax()
        probability = np.exp(logits.max()) / np.exp(logits).sum()
        assert chelsea.scores[window] == pytest.approx(probability, abs=1e-4)
    assert set(chelsea.seconds) == {"pyramid", "forward pass", "windows", "fusion"}


def test_candidates_are_the_best_windows(chelsea):
    scores = chelsea.scores[chelsea.candidates]
    assert MIN_CANDIDATES <= len(scores) <= MAX_CANDIDATES
    assert (np.diff(scores) <= 0).all()
    assert scores[-1] >= np.delete(chelsea.scores, chelsea.candidates).max()


def test_boxes_stay_on_the_photo(chelsea):
    for boxes in (chelsea.boxes, chelsea.candidate_boxes):
        assert (boxes >= 0).all()
        assert (boxes <= np.array([451, 300, 451, 300]) + 1e-3).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()


# -- fusion ---------------------------------------------------------------------------------------------------------


def test_fusion_by_hand():
    # A and B overlap by 8 of 12 columns (IoU 2/3) and are of one class: both move to the average with weights 4 : 1.
    # C overlaps them as much but is of another class; D is far away.
    boxes = torch.tensor([[0.0, 0, 10, 10], [2, 0, 12, 10], [2, 0, 12, 10], [50, 50, 60, 60]])
    fused = fuse_windows(boxes, torch.tensor([0.5, 0.25, 0.5, 0.5]), torch.tensor([1, 1, 2, 1]), steps=1)
    expected = [[0.4, 0, 10.4, 10], [0.4, 0, 10.4, 10], [2, 0, 12, 10], [50, 50, 60, 60]]
    torch.testing.assert_close(fused, torch.tensor(expected))


def test_fusion_needs_more_than_half():
    # [0, 2] and [0, 4] share 2 of 4 columns: an IoU of 1/2 exactly.
    boxes = torch.tensor([[0.0, 0, 2, 1], [0, 0, 4, 1]])
    torch.testing.assert_close(fuse_windows(boxes, torch.ones(2), torch.ones(2, dtype=torch.int64)), boxes)


@pytest.mark.parametrize("count", [0, 1])
def test_fusion_of_few(count):
    boxes = torch.tensor([[1.0, 2, 3, 4]])[:count]
    assert torch.equal(fuse_windows(boxes, torch.ones(count), torch.zeros(count, dtype=torch.int64)), boxes)


def test_no_steps_and_zero_scores_move_nothing():
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10]])
    labels = torch.zeros(2, dtype=torch.int64)
    assert torch.equal(fuse_windows(boxes, torch.ones(2), labels, steps=0), boxes)
    assert torch.equal(fuse_windows(boxes, torch.zeros(2), labels), boxes)


@settings(max_examples=50)
@given(st.integers(1, 30), st.integers(0, 1000))
def test_fused_boxes_stay_between_the_windows(count, seed):
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * 20
    boxes = torch.cat([corner, corner + 1 + torch.rand(count, 2, generator=generator) * 30], 1)
    labels = torch.zeros(count, dtype=torch.int64)
    fused = fuse_windows(boxes, torch.rand(count, generator=generator), labels)
    assert (fused >= boxes.min(0).values - 1e-4).all()
    assert (fused <= boxes.max(0).values + 1e-4).all()


# -- photos ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sample", "label", "measured"),
    [("chelsea", "Egyptian cat", 0.60), ("coffee", "espresso", 0.70), ("motorcycle", "moped", 0.60)],
)
def test_best_window_names_the_object_at_its_place(model, sample, label, measured):
    from vizcore.models.efficientnet_lite import imagenet_categories

    trace = trace_image_pyramid(model, load_sample(sample).pixels)
    (annotation,) = load_annotations(sample)
    assert imagenet_categories()[trace.labels[trace.candidates[0]]] == label
    assert label in annotation.labels
    iou = float(box_iou(torch.from_numpy(trace.candidate_boxes[:1]), torch.tensor([annotation.box])))
    assert iou == pytest.approx(measured, abs=0.05)


@pytest.mark.parametrize("shape", [(1, 1), (3, 60), (40, 2)])
def test_tiny_photos(model, shape):
    photo = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    trace = trace_image_pyramid(model, photo, num_levels=1)
    assert len(trace.candidates) >= 1
    assert np.isfinite(trace.candidate_boxes).all()
