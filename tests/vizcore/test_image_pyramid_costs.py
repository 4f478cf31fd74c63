"""What passes cost: counts against torch's own counter, sums by hand, aliasing against the filters' formulas."""

import math

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.vizcore.test_image_pyramid_sliding import made_up_levels
from vizcore.costs import count, total
from vizcore.data.scenes import draw_scene
from vizcore.image_pyramid import (
    AliasingTrace,
    DenseClassifier,
    count_points,
    count_units,
    count_windows,
    level_rows,
    levels_per_octave,
    measure_passes,
    padded,
    pyramid_cost,
    scale_sum,
    slide_window,
    sliding_sizes,
    trace_aliasing,
)
from vizcore.image_pyramid.costs import COMPARED, part_of_classifier, part_of_detector, run_feature_pyramid
from vizcore.models.efficientnet_lite import EfficientNetLite0, load_efficientnet_lite0
from vizcore.models.fcos import FCOS, Detector, FCOSConfig, detect, level_sizes, load_fcos


@pytest.fixture(scope="module")
def units():
    return count_units()


def counted_by_torch(network, size):
    """Multiply-adds by torch's counter, which says two operations for each."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.empty(1, 3, *size, device="meta"))
    return counter.get_total_flops() / 2


@pytest.mark.parametrize("size", [(32, 32), (224, 320), (96, 416)])
def test_levels_cost_what_torch_counts(units, size):
    with torch.device("meta"):
        network = DenseClassifier(EfficientNetLite0()).eval()
    cells = size[0] // 32 * (size[1] // 32)
    assert total(units.cell).multiply_adds * cells == counted_by_torch(network, size)
    assert (
        total(count(network, torch.empty(1, 3, *size, device="meta")).by_part(part_of_classifier))
        == total(units.cell) * cells
    )


@pytest.mark.parametrize("size", [(64, 64), (192, 320)])
def test_the_feature_pyramid_costs_what_torch_counts(units, size):
    with torch.device("meta"):
        detector = Detector(FCOS(FCOSConfig()), EfficientNetLite0())
    blocks = size[0] // 64 * (size[1] // 64)
    assert total(units.coarse_cell).multiply_adds * blocks == counted_by_torch(detector, size)
    assert count(detector, torch.empty(1, 3, *size, device="meta")).by_part(part_of_detector) == {
        part: cost * blocks for part, cost in units.coarse_cell.items()
    }


def test_a_crop_costs_what_torch_counts(units):
    with torch.device("meta"):
        network = EfficientNetLite0().eval()
    assert total(units.crop).multiply_adds == counted_by_torch(network, (224, 224))


def test_parts_are_the_networks_own(units):
    assert set(units.cell) == set(units.crop) == {"backbone", "classifier"}
    assert set(units.coarse_cell) == {"backbone", "feature pyramid", "detection heads"}
    # The feature pyramid of 64 × 64 pixels by hand: 1 × 1 from C3, C4 and C5, then 3 × 3 on each level.
    cells = [64, 16, 4]
    lateral = sum(count * 96 * channels for count, channels in zip(cells, (40, 112, 320), strict=True))
    smoothing = sum(cells) * 96 * 96 * 9
    assert units.coarse_cell["feature pyramid"].multiply_adds == lateral + smoothing


def test_pyramid_cost_adds_up(units):
    sizes = sliding_sizes((400, 600), scale_step=1.41, num_levels=8)
    cost = pyramid_cost(units, sizes, scale_step=1.41, window_stride=2)
    assert sum(level.multiply_adds for level in cost.levels) == total(cost.image_pyramid).multiply_adds
    pixels = [height * width for height, width in sizes]
    assert cost.ratios["counted"] == pytest.approx(sum(pixels) / pixels[0])
    assert cost.num_windows == sum(count_windows(size, 2) for size in sizes) == 102
    assert total(cost.crops) == total(units.crop) * 102
    assert padded((576, 864)) == (576, 896)
    assert total(cost.feature_pyramid) == total(units.coarse_cell) * (9 * 14)


def test_sums_by_hand():
    assert scale_sum(2, 3) == 1 + 1 / 4 + 1 / 16
    assert scale_sum(2) == pytest.approx(4 / 3)
    assert scale_sum(1.25) == pytest.approx(25 / 9)  # FACTS: × 2.78
    assert scale_sum(1.3, 200) == pytest.approx(scale_sum(1.3))


def test_windows_and_points_by_hand():
    assert count_windows((288, 416)) == 3 * 7
    assert count_windows((288, 416), 4) == 1 * 2
    assert count_windows((224, 224), 4) == 1
    # 64 × 128 at strides 8, 16, 32, 64.
    assert count_points((64, 128)) == 8 * 16 + 4 * 8 + 2 * 4 + 1 * 2
    sizes = level_sizes(padded((576, 864)), FCOSConfig().strides)
    assert count_points((576, 864)) == sum(rows * columns for rows, columns in sizes)


def test_measured_times_are_times_and_progress_is_told():
    model, told = load_efficientnet_lite0(), []
    seconds = measure_passes(model, [(256, 256), (224, 224)], repeats=1, report=told.append)
    assert len(seconds) == 3
    assert all(0 < value < 60 for value in seconds)
    assert told == pytest.approx([1 / 3, 2 / 3, 1])


def test_one_pass_finds_what_the_detector_finds():
    model = load_efficientnet_lite0()
    scene = draw_scene("validation", 1, size=256)
    ran = run_feature_pyramid(scene.pixels, model, (256, 256))
    found = detect(load_fcos(COMPARED), torch.from_numpy(scene.pixels), score_threshold=0.45)
    assert ran.num_boxes == len(found.scores) > 0
    assert 0 < ran.seconds < 60


def test_what_is_counted_is_the_detector_that_is_run():
    assert load_fcos(COMPARED).fcos.config == FCOSConfig()


# -- aliasing ----------------------------------------------------------------------------------------------------------


def test_amplitudes_follow_the_filters():
    trace = trace_aliasing()
    frequencies = trace.frequencies
    np.testing.assert_allclose(trace.amplitudes["subsampled"], 1, atol=1e-6)
    # Halving, torch's bilinear filter has the weights 1 3 3 1 over 8, the convolution of three boxes of two pixels.
    np.testing.assert_allclose(trace.amplitudes["antialiased"], np.cos(np.pi * frequencies) ** 3, atol=1e-6)
    # σ = 2/3, then the mean of two neighbours; the filter is sampled and cut off, so it only nearly follows.
    gaussian = np.exp(-2 * (np.pi * 2 / 3 * frequencies) ** 2) * np.cos(np.pi * frequencies)
    np.testing.assert_allclose(trace.amplitudes["gaussian"], gaussian, atol=0.02)


def test_the_zone_plate_grows_rings_only_when_sampled_plainly():
    trace = trace_aliasing()
    assert trace.pictures["subsampled"].shape == (128, 128)
    # At the middle of the left edge the frequency is near 0.5: nothing of it can be in a halved picture.
    strength = {name: float(picture[56:72, :8].std()) for name, picture in trace.pictures.items()}
    assert strength["subsampled"] > 0.5
    assert strength["antialiased"] < 0.05
    assert strength["gaussian"] < 0.1
    assert math.isclose(trace.limit, 0.25)


def test_the_mean_above_the_limit_is_over_gratings_that_have_no_room():
    trace = AliasingTrace(
        frequencies=np.array([0.1, 0.25, 0.3, 0.4]), amplitudes={"a": np.array([9.0, 9.0, 0.5, 1.0])}, pictures={}
    )
    assert trace.left_above_limit("a") == 0.75


def test_levels_in_an_octave():
    assert levels_per_octave(2) == 1
    assert levels_per_octave(math.sqrt(2)) == pytest.approx(2)
    assert levels_per_octave(1.25) == pytest.approx(3.106, abs=1e-3)  # 1.25³ < 2 < 1.25⁴


def test_rows_of_the_levels(units):
    sizes = ((320, 416), (256, 320))
    trace = slide_window((300, 400), made_up_levels(3, sizes), label=4, score_threshold=0.2)
    cost = pyramid_cost(units, sizes, scale_step=1.3)
    rows = level_rows(trace, cost, (0.25, 0.125, 9.0))
    assert [(row["level"], row["width"], row["height"], row["windows"]) for row in rows] == [
        (1, 416, 320, 4 * 7),
        (2, 320, 256, 2 * 4),
    ]
    assert [row["above_threshold"] for row in rows] == trace.count_candidates()
    assert [row["best"] for row in rows] == pytest.approx(trace.peaks, abs=1e-6)
    assert [row["multiply_adds"] for row in rows] == [level.multiply_adds for level in cost.levels]
    assert [row["milliseconds"] for row in rows] == [250, 125]
