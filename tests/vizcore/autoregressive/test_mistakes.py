"""A program that never accumulates: it sums to one, and everything else about it is wrong; likelihood against looks."""

import pytest
import torch

from vizcore import autoregressive as ar
from vizcore.models.nade import NADE


def weights(num_pixels: int, hidden: int, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = ((hidden, num_pixels), (hidden,), (num_pixels, hidden), (num_pixels,))
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]


def test_the_forgetful_program_is_what_a_plain_loop_without_the_sum_says():
    W, c, V, b = weights(5, 7)
    model = ar.ForgetfulNADE(W, c, V, b)
    pictures = ar.list_pictures(5).double()
    for x, logits in zip(pictures, model(pictures), strict=True):
        a = c
        for pixel in range(5):
            assert logits[pixel].item() == pytest.approx((b[pixel] + V[pixel] @ a.relu()).item())
            a = c + W[:, pixel] * x[pixel]  # where a NADE has a + …


@pytest.mark.parametrize("num_pixels", [1, 2])
def test_up_to_two_pixels_nothing_can_be_forgotten(num_pixels):
    drawn = weights(num_pixels, 4)
    pictures = ar.list_pictures(num_pixels).double()
    assert torch.allclose(ar.ForgetfulNADE(*drawn)(pictures), NADE(*drawn)(pictures))


def test_the_sum_does_not_tell_them_apart_and_the_gradient_does():
    found = ar.compare_forgetful(epochs=1)
    assert [one.total for one in found.values()] == pytest.approx([1, 1])
    assert [one.seen for one in found.values()] == [5, 1]
    assert found["nade"].nats < found["forgetful"].nats


def test_samples_can_be_likelier_than_real_digits():
    found = ar.rank_pictures(num_samples=32, num=4)
    assert found.samples.shape == found.real.shape == (4, 64)
    assert found.samples_nats > float(ar.unseen_likelihoods("nade").mean()) > found.real_nats
    cost = [ar.explain_picture("nade", ar.write_pixels(picture.tolist())).log_likelihood for picture in found.real]
    assert sum(cost) / 4 == pytest.approx(found.real_nats, abs=1e-3)


def test_binarisations_are_what_they_are_called():
    ink, (fixed, *dynamic) = ar.look_at_digit(4, draws=2)
    assert fixed.tolist() == (ink >= 0.5).astype(float).tolist()
    assert all(set(picture.ravel().tolist()) <= {0.0, 1.0} for picture in dynamic)
    assert (dynamic[0] != dynamic[1]).any()
    for picture in dynamic:  # what is certain stays
        assert (picture[ink == 0] == 0).all()
        assert (picture[ink == 1] == 1).all()
    assert ar.write_pixels(fixed.ravel().tolist()) == ar.unseen_picture(4)[0]


def test_dynamic_pictures_cost_more():
    both = ar.evaluate_both("fvsbn")
    assert both["fixed"].nats == pytest.approx(ar.card_of("fvsbn").test_nats, abs=1e-3)
    assert both["dynamic"].nats > both["fixed"].nats + 3


def test_a_watched_training_is_the_training():
    seen = []
    ended = ar.watch_training("fvsbn", epochs=2, seed=3, on_view=seen.append)
    assert [len(view.reports) for view in seen] == [1, 2]
    assert not ended.cancelled
    assert ended.test is not None
    assert ended.samples.pictures.shape == (16, 64)
    assert ended.reports[1].validation_nats < ended.reports[0].validation_nats
    stopped = ar.watch_training("fvsbn", epochs=2, is_cancelled=lambda: True)
    assert stopped.cancelled
    assert not stopped.reports
