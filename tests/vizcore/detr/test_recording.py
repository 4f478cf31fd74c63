"""A recorded picture: what is recorded is what the model says, wherever the photo comes from."""

import numpy as np
import pytest
import torch
from torchvision.ops import box_convert

from tests.vizcore.detr.detectors import paper_detector, small_detector
from vizcore import detr
from vizcore.data.photos import load_sample
from vizcore.data.scenes import draw_scene
from vizcore.detr import recording
from vizcore.models.detr import CANVAS, detect, fit_photo


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return draw_scene("validation", 3).pixels


@pytest.fixture(scope="module")
def trace(scene) -> detr.DETRTrace:
    return detr.trace_detr(small_detector(), scene)


def test_the_last_layer_is_what_the_detector_says(trace, scene):
    found = detect(small_detector(), torch.from_numpy(scene))
    np.testing.assert_allclose(trace.boxes[-1], found.boxes.numpy(), rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(trace.scores[-1], found.scores.numpy(), rtol=1e-3, atol=1e-4)
    assert np.array_equal(trace.labels[-1], found.labels.numpy())


def test_every_layer_is_the_models(trace, scene):
    fitted = fit_photo(torch.from_numpy(scene))
    with torch.no_grad():
        output = small_detector()(fitted.x, need_weights=True)
    boxes = CANVAS * box_convert(output.boxes[:, 0], "cxcywh", "xyxy")
    np.testing.assert_allclose(trace.boxes, boxes.numpy(), rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(trace.probabilities, output.logits[:, 0].softmax(-1).numpy(), rtol=1e-3, atol=1e-4)
    for recorded, layers in (
        (trace.encoder, output.attentions.encoder),
        (trace.decoder_self, output.attentions.decoder_self),
        (trace.decoder_cross, output.attentions.decoder_cross),
    ):
        np.testing.assert_allclose(recorded, torch.cat(layers).numpy(), rtol=1e-3, atol=1e-5)


def test_shapes_and_rows(trace):
    assert trace.grid == (32, 32)
    assert trace.encoder.shape == (2, 4, 1024, 1024)
    assert trace.decoder_self.shape == (3, 4, 50, 50)
    assert trace.decoder_cross.shape == (3, 4, 50, 1024)
    assert trace.memory.shape == (1024, 128)
    assert trace.cell == 16
    for weights in (trace.encoder, trace.decoder_self, trace.decoder_cross):
        np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-4)
    np.testing.assert_allclose(trace.probabilities.sum(-1), 1, rtol=1e-4)
    assert np.array_equal(trace.scores, trace.probabilities[..., :-1].max(-1))
    assert set(trace.seconds) == {"backbone", "encoder", "decoder"}


def test_without_attention_the_boxes_are_the_same(trace, scene):
    plain = detr.trace_detr(small_detector(), scene, attention=False)
    assert plain.encoder is plain.decoder_self is plain.decoder_cross is None
    np.testing.assert_allclose(plain.boxes, trace.boxes, rtol=1e-3, atol=1e-2)


def test_found_is_by_decreasing_score(trace):
    threshold = float(np.median(trace.scores[-1]))
    found = trace.found(threshold)
    assert np.all(np.diff(trace.scores[-1][found]) <= 0)
    assert set(found) == set(np.flatnonzero(trace.scores[-1] > np.float32(threshold)))


# -- queries -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["small", "paper"])
def test_asking_all_queries_again_is_the_recorded_answer(name):
    detector = small_detector() if name == "small" else paper_detector()
    trace = detr.trace_detr(detector, load_sample("coffee").pixels[::4, ::5], attention=False)
    again = detr.run_queries(detector, trace, range(trace.num_queries))
    np.testing.assert_allclose(again.boxes, trace.boxes, rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(again.probabilities, trace.probabilities, rtol=1e-3, atol=1e-4)


def test_permuted_queries_give_permuted_answers(trace):
    order = np.random.default_rng(0).permutation(trace.num_queries)
    again = detr.run_queries(small_detector(), trace, order.tolist())
    np.testing.assert_allclose(again.boxes, trace.boxes[:, order], rtol=1e-3, atol=1e-2)
    assert np.array_equal(again.labels, trace.labels[:, order])


def test_a_query_that_is_switched_off_changes_the_others(trace):
    """They look at each other: without one the rest say something else, if only a little."""
    rest = [query for query in range(trace.num_queries) if query != 7]
    again = detr.run_queries(small_detector(), trace, rest)
    assert np.array_equal(again.chosen, rest)
    assert again.boxes.shape == (3, 49, 4)
    assert np.abs(again.probabilities - trace.probabilities[:, rest]).max() > 1e-4


@pytest.mark.parametrize("chosen", [[], [0, 0], [50], [-1]])
def test_queries_that_cannot_be_asked(trace, chosen):
    with pytest.raises(detr.DETRError) as caught:
        detr.run_queries(small_detector(), trace, chosen)
    assert str(caught.value) == "Choose at least one query, each once, from 0 to 49."


# -- photos ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(16, 16), (20, 400), (400, 20), (1, 1), (1000, 700)])
@pytest.mark.parametrize("name", ["small", "paper"])
def test_odd_photos(name, shape):
    photo = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    detector = small_detector() if name == "small" else paper_detector()
    trace = detr.trace_detr(detector, photo)
    assert trace.image_size == shape
    assert np.isfinite(trace.boxes).all()
    assert trace.outside.shape == (trace.grid[0] * trace.grid[1],)
    assert np.all(trace.encoder[..., trace.outside] == 0)  # nobody looks beside the photo
    assert np.all(trace.decoder_cross[..., trace.outside] == 0)
    np.testing.assert_allclose(trace.decoder_cross.sum(-1), 1, rtol=1e-4)
    for y, x in ((0, 0), (shape[0] - 1, shape[1] - 1)):
        assert not trace.outside[trace.token_at(x, y)]


def test_boxes_are_pixels_of_the_photo():
    """A start box in the middle of the canvas lies, on a photo twice as wide as the canvas, at twice the place."""
    photo = np.zeros((2 * CANVAS, 2 * CANVAS, 3), np.uint8)
    trace = detr.trace_detr(small_detector(), photo, attention=False)
    start = small_detector().detr.start_boxes.logits.sigmoid()
    expected = 2 * CANVAS * box_convert(start, "cxcywh", "xyxy")
    np.testing.assert_allclose(trace.start_boxes, expected.numpy(), rtol=1e-4)
    assert trace.cell == 32
    assert trace.token_at(33, 0) == 1
    assert trace.token_at(0, 33) == 32
    assert trace.token_at(-5, 10**6) == 31 * 32


def test_the_papers_network_sees_photos_as_the_paper_says():
    """Shorter side 800, unless the longer would pass 1333."""
    trace = detr.trace_detr(paper_detector(), np.zeros((100, 150, 3), np.uint8), attention=False)
    assert trace.grid == (25, 38)
    assert trace.start_boxes is None
    assert trace.cell == pytest.approx(32 / 8)
    wide = detr.trace_detr(paper_detector(), np.zeros((50, 400, 3), np.uint8), attention=False)
    assert wide.grid[1] == 42  # 1333 / 32, rounded up


@pytest.mark.parametrize(
    "photo",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8), [[0, 1, 2]]],
)
def test_what_is_no_photo_is_refused_in_a_sentence(photo):
    with pytest.raises(detr.DETRError) as caught:
        recording.check_photo(photo)
    assert str(caught.value) == "A photo must be an array of uint8 with the shape [H, W, 3] and at least one pixel."
