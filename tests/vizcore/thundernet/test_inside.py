"""Fields, context, attention, pooling, anchors: against plain loops, torchvision and hand values."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import ps_roi_align

from vizcore import packing, thundernet
from vizcore.data.scenes import draw_scene
from vizcore.models.efficientnet_lite import load_efficientnet_lite0
from vizcore.models.snet import snet
from vizcore.models.thundernet import DetectionPart, ThunderNetConfig
from vizcore.thundernet import ThunderNetError, channel_of, pool_region, theoretical_size
from vizcore.thundernet.pooling import sample_points
from vizcore.thundernet.receptive_field import effective_field


@pytest.fixture(scope="module")
def trace():
    return thundernet.trace_thundernet(load_efficientnet_lite0(), draw_scene("validation", 1).pixels)


# -- fields ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kernel", "sizes"), [(3, (63, 303, 527)), (5, (119, 599, 1047))])
def test_the_recursion_gives_the_sizes_worked_out_by_hand(kernel, sizes):
    # Stem and pooling: 7 pixels, 4 apart. A stage's first unit adds (k − 1) · stride, each later one twice as much.
    assert tuple(theoretical_size("snet146", name, kernel=kernel) for name in thundernet.MAPS) == sizes


def test_the_recursion_is_what_the_gradient_can_reach():
    network = snet("snet49", kernel=3, seed=1).double()
    x = torch.randn(1, 3, 128, 128, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    network(x)["C3"][0, :, 8, 8].sum().backward()
    reached = x.grad[0].abs().sum(0).nonzero()
    widths = (reached.amax(0) - reached.amin(0) + 1).tolist()
    assert max(widths) <= theoretical_size("snet49", "C3", kernel=3) == 63
    assert min(widths) >= 59  # max pooling passes the gradient of one pixel of nine


def test_a_wider_kernel_sees_more_and_never_more_than_it_can():
    fields = [effective_field("snet49", "C3", kernel=kernel, input_size=192, num_inputs=1) for kernel in (3, 5)]
    assert fields[0].side < fields[1].side
    for field in fields:
        assert field.side <= field.theoretical + 2
        assert field.gradient.max() == 1
        middle, half = 96, field.theoretical // 2
        outside = field.gradient.copy()
        outside[middle - half : middle + half + 1, middle - half : middle + half + 1] = 0
        assert not outside.any()


def test_an_unknown_map_is_refused():
    with pytest.raises(ThunderNetError, match="C2"):
        theoretical_size("snet49", "C2")


# -- context and attention ---------------------------------------------------------------------------------------------


def test_three_terms_add_up_to_what_the_module_returns(trace):
    total = trace.local + trace.upsampled + trace.whole[:, None, None]
    np.testing.assert_allclose(trace.context, total, rtol=1e-5, atol=1e-5)
    assert trace.context.shape == (245, 20, 20)
    maps = trace.term_maps(7)
    assert np.ptp(maps["whole"]) == 0
    assert (maps["upsampled"][::2, ::2] == maps["upsampled"][1::2, 1::2]).all()  # each number stands in 2 × 2 cells
    np.testing.assert_allclose(maps["local"] + maps["upsampled"] + maps["whole"], maps["context"], rtol=1e-4, atol=1e-4)


def test_attention_multiplies_by_numbers_between_zero_and_one(trace):
    assert 0 < trace.mask.min() < 0.2
    assert 0.8 < trace.mask.max() < 1
    np.testing.assert_allclose(trace.attended, trace.context * trace.mask, rtol=1e-6)
    assert set(trace.attention_maps(0)) == {"context", "mask", "attended"}


def test_a_trace_depends_on_its_seed_and_on_nothing_else(trace):
    picture = draw_scene("validation", 1).pixels
    again = thundernet.trace_thundernet(load_efficientnet_lite0(), picture)
    other = thundernet.trace_thundernet(load_efficientnet_lite0(), picture, seed=1)
    assert (again.attended == trace.attended).all()
    assert not (other.local == trace.local).all()


def test_a_part_without_context_is_its_local_term():
    part = DetectionPart({"C4": 8, "C5": 16}, ThunderNetConfig(cem=False, sam=False)).eval()
    maps = {"C4": torch.randn(1, 8, 4, 4), "C5": torch.randn(1, 16, 2, 2)}
    regions = torch.tensor([[0, 0.0, 0, 40, 40]])
    terms = part.cem(**{name.lower(): values for name, values in maps.items()})
    assert terms.sum is terms.local
    expected = part.head(part.cem.local(maps["C4"]), regions)
    for got, wanted in zip(part(maps, regions), expected, strict=True):
        assert torch.equal(got, wanted)


@pytest.mark.parametrize("channel", [-1, 245])
def test_channels_that_do_not_exist_are_refused(trace, channel):
    with pytest.raises(ThunderNetError):
        trace.term_maps(channel)


@pytest.mark.parametrize("size", [(480, 640), (640, 480), (320, 320), (7, 900)])
def test_the_middle_square_is_what_the_network_sees(size):
    picture = np.zeros((*size, 3), np.uint8)
    side = min(size)
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    picture[top : top + side, left : left + side] = 200
    assert thundernet.square(picture).shape == (320, 320, 3)
    assert (thundernet.square(picture) == 200).all()
    with pytest.raises(ThunderNetError):
        thundernet.square(picture[:0])


# -- pooling -----------------------------------------------------------------------------------------------------------


def pooled_by_loop(maps, box, combine):
    """Position-sensitive pooling as a loop over bins, samples and the four cells around each."""
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    size = maps.shape[1]
    pooled = np.zeros((5, 7, 7))
    for output in range(5):
        for row in range(7):
            for column in range(7):
                channel = maps[output * 49 + row * 7 + column]
                samples = []
                for down in (0.25, 0.75):
                    for right in (0.25, 0.75):
                        y = (y1 + height * (row + down) / 7) / 16 - 0.5
                        x = (x1 + width * (column + right) / 7) / 16 - 0.5
                        if not (-1 <= y <= size and -1 <= x <= size):
                            samples.append(0.0)
                            continue
                        y, x = min(max(y, 0), size - 1), min(max(x, 0), size - 1)
                        top, left = int(y), int(x)
                        bottom, end = min(top + 1, size - 1), min(left + 1, size - 1)
                        upper = channel[top, left] * (1 - x + left) + channel[top, end] * (x - left)
                        lower = channel[bottom, left] * (1 - x + left) + channel[bottom, end] * (x - left)
                        samples.append(upper * (1 - y + top) + lower * (y - top))
                pooled[output, row, column] = combine(samples)
    return pooled


BOXES = [(33.0, 50.0, 201.0, 300.0), (0.0, 0.0, 320.0, 320.0), (300.0, 10.0, 330.0, 12.0), (100.0, 100.0, 100.0, 100.0)]


@pytest.mark.parametrize("box", BOXES)
def test_pooling_is_a_loop_and_torchvisions(trace, box):
    average = pool_region(trace.context, box)
    np.testing.assert_allclose(average.values, pooled_by_loop(trace.context, box, np.mean), rtol=1e-3, atol=1e-4)
    greatest = pool_region(trace.context, box, convention="max")
    np.testing.assert_allclose(greatest.values, pooled_by_loop(trace.context, box, max), rtol=1e-3, atol=1e-4)
    region = torch.tensor([[0, *box]])
    expected = ps_roi_align(torch.from_numpy(trace.context)[None], region, 7, 1 / 16, 2)[0]
    np.testing.assert_allclose(average.values, expected.numpy(), rtol=1e-3, atol=1e-3)


@settings(max_examples=15, deadline=None)
@given(st.tuples(*[st.floats(0, 300, width=32)] * 2), st.tuples(*[st.floats(0, 200, width=32)] * 2))
def test_the_greatest_sample_is_never_below_the_mean(corner, size):
    maps = np.random.default_rng(0).normal(size=(245, 20, 20)).astype(np.float32)
    box = (*corner, corner[0] + size[0], corner[1] + size[1])
    assert (pool_region(maps, box, convention="max").values >= pool_region(maps, box).values - 1e-6).all()


def test_each_bin_reads_one_channel_and_each_channel_feeds_one_bin(trace):
    channels = pool_region(trace.context, BOXES[0]).channels
    assert sorted(channels.ravel().tolist()) == list(range(245))
    assert channels[2, 3, 4] == channel_of(2, 3, 4) == 2 * 49 + 3 * 7 + 4
    # A map that is its channel's number everywhere: every bin answers with the channel that fed it.
    numbered = np.broadcast_to(np.arange(245, dtype=np.float32)[:, None, None], (245, 20, 20)).copy()
    assert (pool_region(numbered, BOXES[0]).values == channels).all()


def test_samples_lie_evenly_in_their_bins():
    points = sample_points((0.0, 0.0, 140.0, 70.0))
    assert points[0, 0].tolist() == [[5, 2.5], [15, 2.5], [5, 7.5], [15, 7.5]]
    assert points[6, 6].max(0).tolist() == [135, 67.5]


@pytest.mark.parametrize("box", [(10, 0, 0, 10), (0, 10, 10, 0), (0, 0, float("nan"), 1), (0, 0, float("inf"), 1)])
def test_regions_that_are_none_are_refused(trace, box):
    with pytest.raises(ThunderNetError):
        pool_region(trace.context, box)


def test_other_refusals(trace):
    with pytest.raises(ThunderNetError):
        pool_region(trace.context, BOXES[0], convention="median")
    with pytest.raises(ThunderNetError):
        channel_of(5, 0, 0)


# -- anchors and packing -----------------------------------------------------------------------------------------------


def test_ten_thousand_anchors():
    anchors = thundernet.anchor_boxes()
    assert len(anchors) == 20 * 20 * 25 == 10_000
    own = thundernet.anchor_boxes((3, 5))
    np.testing.assert_allclose(anchors[(3 * 20 + 5) * 25 : (3 * 20 + 6) * 25], own, atol=1e-3)
    middles = (own[:, :2] + own[:, 2:]) / 2
    np.testing.assert_allclose(middles, [[88, 56]] * 25, atol=1e-4)  # 5.5 and 3.5 cells of 16 pixels
    width, height = (own[:, 2] - own[:, 0]), (own[:, 3] - own[:, 1])
    np.testing.assert_allclose(
        (width * height).reshape(5, 5), np.square([[32], [64], [128], [256], [512]]) * np.ones(5), rtol=1e-5
    )
    np.testing.assert_allclose((height / width).reshape(5, 5), [[0.5, 0.75, 1, 4 / 3, 2]] * 5, rtol=1e-5)
    with pytest.raises(ThunderNetError):
        thundernet.anchor_boxes((20, 0))


def test_maps_travel_with_their_ranges(trace):
    maps = trace.attention_maps(3)
    header, arrays = packing.unpack(thundernet.pack_maps(maps))
    assert list(arrays) == ["context", "mask", "attended"]
    for name, values in maps.items():
        assert (arrays[name] == values).all()
        assert header["ranges"][name] == [float(values.min()), float(values.max())]
