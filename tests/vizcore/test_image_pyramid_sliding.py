"""One window over every level: sizes by hand, scores against plain loops and crops, suppression against torchvision."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import box_iou, nms

from vizcore.data.photos import load_sample
from vizcore.image_pyramid import (
    FUSION_STEPS,
    ImagePyramidError,
    WindowLevel,
    best_label,
    best_windows,
    classify_level,
    count_positions,
    find_rivals,
    pack_sliding_window,
    resize,
    slide_window,
    sliding_sizes,
    trace_sliding_window,
)
from vizcore.models.efficientnet_lite import imagenet_categories, load_efficientnet_lite0, normalise
from vizcore.packing import unpack

ESPRESSO = imagenet_categories().index("espresso")
IMAGE = (300, 400)


@pytest.fixture(scope="module")
def model():
    return load_efficientnet_lite0()


@pytest.fixture(scope="module")
def coffee(model):
    return trace_sliding_window(model, load_sample("coffee").pixels, label=ESPRESSO, score_threshold=0.3)


def made_up_levels(seed, sizes=((320, 416), (256, 320)), classes=12):
    """Levels with random probabilities, for what does not need a network."""
    generator = np.random.default_rng(seed)
    levels = []
    for height, width in sizes:
        logits = generator.normal(size=(height // 32 - 6, width // 32 - 6, classes)) * 3
        odds = np.exp(logits)
        levels.append(
            WindowLevel(
                np.zeros((height, width, 3), np.uint8), (odds / odds.sum(2, keepdims=True)).astype(np.float32), 0.1
            )
        )
    return levels


# -- sizes -------------------------------------------------------------------------------------------------------------


def test_sizes_by_hand():
    # 400 × 600 has 240,000 pixels; 480,000 is √2 times as long: 565.7 × 848.5, or 17.7 × 26.5 cells of 32. By steps of
    # √2: 400 × 600 (12.5 × 18.75 cells), 282.8 × 424.3 (8.8 × 13.3), and 200 × 300 has fewer than 7 rows.
    sizes = sliding_sizes((400, 600), scale_step=math.sqrt(2), num_levels=8)
    assert sizes == ((576, 864), (384, 608), (288, 416))
    assert sliding_sizes((400, 600), scale_step=math.sqrt(2), num_levels=2) == sizes[:2]


def test_a_small_photo_is_enlarged_at_most_twice_unless_the_window_would_not_fit():
    assert sliding_sizes((160, 160), scale_step=2, num_levels=4) == ((320, 320),)
    assert sliding_sizes((16, 16), scale_step=2, num_levels=4) == ((224, 224),)


@settings(max_examples=200)
@given(st.integers(1, 1280), st.integers(1, 1280), st.floats(1.15, 2.0, allow_nan=False), st.integers(1, 8))
def test_every_photo_has_levels_on_which_the_window_fits_or_a_reason(height, width, scale_step, num_levels):
    if max(height, width) > 24 * min(height, width):
        with pytest.raises(ImagePyramidError, match="cut it shorter"):
            sliding_sizes((height, width), scale_step=scale_step, num_levels=num_levels)
        return
    sizes = sliding_sizes((height, width), scale_step=scale_step, num_levels=num_levels)
    assert 1 <= len(sizes) <= num_levels
    for rows, columns in sizes:
        assert rows % 32 == columns % 32 == 0
        assert min(rows, columns) >= 224
        assert rows * columns <= 1_400_000
    areas = [rows * columns for rows, columns in sizes]
    assert all(larger > smaller for larger, smaller in itertools.pairwise(areas))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scale_step": 1.0}, "scale step"),
        ({"scale_step": float("nan")}, "scale step"),
        ({"scale_step": 1e9}, "scale step"),
        ({"num_levels": 0}, "levels"),
        ({"num_levels": 2.5}, "levels"),
        ({"num_levels": 99}, "levels"),
    ],
)
def test_sizes_refuse_what_makes_no_pyramid(options, words):
    with pytest.raises(ImagePyramidError, match=words):
        sliding_sizes(IMAGE, **{"scale_step": 2.0, "num_levels": 3, **options})


# -- scores ------------------------------------------------------------------------------------------------------------


def test_a_window_is_the_softmax_of_the_average_of_its_cells(model):
    photo = load_sample("chelsea").pixels
    level = classify_level(model, photo, (288, 416))
    assert level.probabilities.shape == (3, 7, 1000)
    assert np.array_equal(level.pixels, resize(photo, (288, 416)))
    with torch.inference_mode():
        image = normalise(torch.from_numpy(level.pixels)).permute(2, 0, 1)[None]
        features = model.features(image)[0]
        for row in range(3):
            for column in range(7):
                pooled = features[:, row : row + 7, column : column + 7].mean((1, 2))
                expected = model.classify(pooled).softmax(0).numpy()
                np.testing.assert_allclose(level.probabilities[row, column], expected, atol=2e-5)
    np.testing.assert_allclose(level.probabilities.sum(2), 1, atol=1e-5)


def test_the_more_of_its_surroundings_a_cut_out_window_sees_the_nearer_it_comes(model):
    level = classify_level(model, load_sample("chelsea").pixels, (416, 832))
    row, column, differences = 3, 10, []
    for margin in (0, 4, 9, 26):
        left, right = max(column - margin, 0), min(column + 7 + margin, 26)
        top, bottom = max(row - margin, 0), min(row + 7 + margin, 13)
        crop = np.ascontiguousarray(level.pixels[top * 32 : bottom * 32, left * 32 : right * 32])
        with torch.inference_mode():
            features = model.features(normalise(torch.from_numpy(crop)).permute(2, 0, 1)[None])[0]
            inner = features[:, row - top : row - top + 7, column - left : column - left + 7]
            probabilities = model.classify(inner.mean((1, 2))).softmax(0).numpy()
        differences.append(float(np.abs(level.probabilities[row, column] - probabilities).max()))
    nothing, some, much, everything = differences
    assert nothing > some > much
    assert nothing > 0.01
    assert much < 1e-3
    assert everything < 1e-5


def test_the_espresso_is_surest_on_the_smallest_level(coffee):
    best = int(coffee.scores.argmax())
    assert [tuple(size) for size in coffee.level_sizes] == [(576, 864), (384, 608), (288, 416)]
    assert coffee.level_of[best] == 2
    assert coffee.scores[best] == pytest.approx(0.958, abs=0.01)
    assert coffee.top_labels[best, 0] == ESPRESSO
    peaks = [coffee.scores[coffee.best_on(level)] for level in range(3)]
    assert peaks == sorted(peaks)
    assert len(coffee.keep) == 1


# -- what is read off them ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window_stride", [1, 2, 3, 4])
def test_windows_stand_in_order_and_where_they_should(window_stride):
    levels = made_up_levels(0)
    trace = slide_window(IMAGE, levels, label=3, window_stride=window_stride)
    position = 0
    for index, level in enumerate(levels):
        height, width = level.size
        for row in range(0, level.probabilities.shape[0], window_stride):
            for column in range(0, level.probabilities.shape[1], window_stride):
                assert trace.level_of[position] == index
                assert tuple(trace.cells[position]) == (row, column)
                assert trace.scores[position] == level.probabilities[row, column, 3]
                left, top = column * 32 * 400 / width, row * 32 * 300 / height
                expected = [left, top, left + 224 * 400 / width, top + 224 * 300 / height]
                np.testing.assert_allclose(trace.boxes[position], expected, rtol=1e-5)
                best = np.argsort(-level.probabilities[row, column], kind="stable")[:5]
                assert trace.top_labels[position].tolist() == best.tolist()
                np.testing.assert_array_equal(trace.top_scores[position], level.probabilities[row, column, best])
                position += 1
        assert trace.score_map(index).shape == tuple(trace.grids[index])
    assert position == trace.num_windows


def test_the_score_map_is_the_levels_own():
    levels = made_up_levels(1)
    trace = slide_window(IMAGE, levels, label=7)
    for index, level in enumerate(levels):
        np.testing.assert_array_equal(trace.score_map(index), level.probabilities[:, :, 7])
        assert trace.scores[trace.best_on(index)] == level.probabilities[:, :, 7].max()
    assert best_windows(levels, 7) == tuple(level.probabilities[:, :, 7].max() for level in levels)


def test_the_best_label_is_the_surest_of_all():
    levels = made_up_levels(2)
    levels[1].probabilities[0, 1, 5] = 0.999
    assert best_label(levels) == 5


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 0.6), st.integers(1, 3))
def test_suppression_is_torchvisions(seed, iou_threshold, score_threshold, window_stride):
    trace = slide_window(
        IMAGE,
        made_up_levels(seed),
        label=0,
        window_stride=window_stride,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
        fusion_steps=0,
    )
    above = set(np.flatnonzero(trace.scores > score_threshold).tolist())
    assert set(trace.candidates.tolist()) == above
    np.testing.assert_array_equal(trace.candidate_boxes, trace.boxes[trace.candidates])
    boxes = torch.from_numpy(trace.candidate_boxes)
    scores = torch.from_numpy(trace.scores[trace.candidates])
    assert (scores.diff() <= 0).all()
    assert trace.keep.tolist() == nms(boxes, scores, iou_threshold).tolist()
    overlaps = box_iou(boxes, boxes)
    for index, by in enumerate(trace.suppressed_by.tolist()):
        if by >= 0:
            assert by in trace.keep
            assert by < index
            assert overlaps[by, index] > iou_threshold
        else:
            assert index in trace.keep


def test_fusion_moves_candidates_and_not_scores():
    levels = made_up_levels(3)
    plain = slide_window(IMAGE, levels, label=0, score_threshold=0.05, fusion_steps=0)
    fused = slide_window(IMAGE, levels, label=0, score_threshold=0.05, fusion_steps=FUSION_STEPS)
    assert plain.candidates.tolist() == fused.candidates.tolist()
    assert np.abs(plain.candidate_boxes - fused.candidate_boxes).max() > 1


@pytest.mark.parametrize(("threshold", "count"), [(0.0, "all"), (1.0, 0)])
def test_both_ends_of_the_threshold(threshold, count):
    trace = slide_window(IMAGE, made_up_levels(4), label=0, score_threshold=threshold)
    assert len(trace.candidates) == (trace.num_windows if count == "all" else count)
    assert (len(trace.keep) > 0) == (count == "all")


@pytest.mark.parametrize(
    "options",
    [
        {"label": 12},
        {"label": -1},
        {"label": 1.5},
        {"window_stride": 0},
        {"window_stride": 5},
        {"score_threshold": 1.1},
        {"score_threshold": float("nan")},
        {"iou_threshold": -0.1},
    ],
)
def test_arguments_out_of_bounds_are_explained(options):
    with pytest.raises(ImagePyramidError):
        slide_window(IMAGE, made_up_levels(0), **{"label": 0, **options})


def test_positions_of_a_stepper():
    trace = slide_window(IMAGE, made_up_levels(5), label=0, score_threshold=0.2)
    # (4 + 2) rows and (4 · 7 + 2 · 4) windows on two levels; start, gathering, each kept box, the end.
    assert count_positions(trace, "window") == 36 + 3 + len(trace.keep)
    assert count_positions(trace, "row") == 6 + 3 + len(trace.keep)
    assert count_positions(trace, "level") == 2 + 3 + len(trace.keep)


def test_what_the_browser_gets_is_the_trace():
    trace = slide_window(IMAGE, made_up_levels(6), label=0, score_threshold=0.1)
    content = pack_sliding_window(trace)
    facts, arrays = unpack(content)
    assert "scores" in arrays
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, getattr(trace, name))
    assert facts["grids"] == trace.grids.tolist()
    assert facts["level_sizes"] == trace.level_sizes.tolist()


# -- odd photos --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "windows"),
    [
        ((16, 16), 1),
        ((1, 1), 1),
        ((20, 400), 134),  # 1 : 20 becomes 224 × 4480: 140 columns of cells, 134 places for a window
    ],
)
def test_tiny_and_long_photos_have_windows(model, shape, windows):
    photo = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    trace = trace_sliding_window(model, photo, label=0, scale_step=2.0, score_threshold=0.0)
    assert trace.num_windows == windows
    assert len(trace.keep) >= 1
    assert (trace.boxes >= 0).all()
    assert (trace.boxes <= np.array([shape[1], shape[0]] * 2) + 1e-3).all()


def test_a_strip_is_refused_in_a_sentence(model):
    with pytest.raises(ImagePyramidError, match="40 times as long"):
        trace_sliding_window(model, np.zeros((10, 400, 3), np.uint8), label=0)


def test_peaks_of_the_levels_and_windows_above_the_threshold():
    levels = made_up_levels(3)
    trace = slide_window(IMAGE, levels, label=4, score_threshold=0.2)
    assert trace.peaks == [float(trace.score_map(level).max()) for level in range(2)] == list(best_windows(levels, 4))
    assert trace.scores[trace.best_window] == max(trace.peaks) == trace.peaks[trace.best_level]
    assert trace.count_candidates() == [int((trace.score_map(level) > 0.2).sum()) for level in range(2)]
    assert sum(trace.count_candidates()) == len(trace.candidates) > 0
    assert slide_window(IMAGE, levels, label=4, score_threshold=1.0).count_candidates() == [0, 0]


def test_rivals_are_the_surest_of_other_levels():
    levels = made_up_levels(0, sizes=((224, 224),) * 4, classes=5)
    for level, (label, odds) in zip(levels, ((3, 0.5), (1, 0.9), (3, 0.7), (2, 0.6)), strict=True):
        level.probabilities[:] = (1 - odds) / 4
        level.probabilities[..., label] = odds
    assert find_rivals(levels, 0) == [1, 3]
    assert find_rivals(levels, 1) == [3, 2]
    assert find_rivals(levels, 1, most=1) == [3]
    assert find_rivals(levels[:1], 3) == []
