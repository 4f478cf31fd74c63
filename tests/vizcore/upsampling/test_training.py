"""Networks that learn to upsample."""

import numpy as np
import pytest
import torch

from tests.vizcore.upsampling.inputs import coins_like, picture
from vizcore.models.espcn import HEADS, Upscaler
from vizcore.upsampling import (
    checkerboard_energy,
    learned_kernel,
    run_decoder,
    trace_upsampling,
    train_upscalers,
    view_of,
)


def test_training_learns_reports_and_repeats():
    photos = [picture(48, 48, seed=1), picture(40, 64, seed=2)]
    seen = []
    run = train_upscalers(photos, picture(48, 48, seed=3), num_steps=12, snapshot_every=5, progress=seen.append)
    assert [snapshot.step for snapshot in seen] == [0, 5, 10, 12]
    assert run.snapshots == tuple(seen)
    assert run.heads == HEADS
    assert not run.stopped
    for head in HEADS:
        assert run.losses[head].shape == (12,)
        assert run.losses[head][-3:].mean() < run.losses[head][0]
        assert seen[-1].psnr[head] > seen[0].psnr[head]
    # Only the uneven layers begin with a chessboard.
    assert seen[0].checkerboard["pixel_shuffle_icnr"] < seen[0].checkerboard["pixel_shuffle"] / 3
    assert seen[0].checkerboard["resize_conv"] < seen[0].checkerboard["conv_transpose"] / 3
    again = train_upscalers(photos, picture(48, 48, seed=3), num_steps=12, snapshot_every=12)
    np.testing.assert_array_equal(again.losses["conv_transpose"], run.losses["conv_transpose"])


def test_residual_training_begins_near_bicubic():
    run = train_upscalers([picture(48, 48)], picture(32, 32, seed=3), num_steps=1, residual=True)
    assert all(abs(value - run.bicubic_psnr) < 6 for value in run.snapshots[0].psnr.values())


def test_training_stops_when_asked_and_keeps_what_there_is():
    steps = iter(range(100))
    run = train_upscalers(
        [picture(48, 48)], picture(32, 32), heads=("resize_conv",), num_steps=50, should_stop=lambda: next(steps) >= 3
    )
    assert run.stopped
    assert run.losses["resize_conv"].shape == (3,)
    assert run.snapshots[-1].step == 3


def test_progress_may_end_the_training():
    def refuse(snapshot):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_upscalers([picture(48, 48)], picture(32, 32), num_steps=2, progress=refuse)


def test_training_leaves_torchs_generator_alone():
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    train_upscalers([picture(48, 48)], picture(32, 32), heads=("conv_transpose",), num_steps=1)
    run_decoder(coins_like(), num_steps=1)
    torch.testing.assert_close(torch.rand(1), expected)


def test_checkerboard_energy_of_a_chessboard():
    board = np.indices((16, 16)).sum(0) % 2
    pixels = np.repeat((board * 20 + 100).astype(np.uint8)[..., None], 3, -1)
    assert checkerboard_energy(pixels) == pytest.approx(10)  # 110 ± 10 grey levels
    assert checkerboard_energy(np.full((16, 16, 3), 9, np.uint8)) == 0


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("residual", [False, True])
def test_upscaler_doubles(head, residual):
    assert Upscaler(head, residual=residual)(torch.rand(2, 3, 5, 7)).shape == (2, 3, 10, 14)


def test_view_is_the_even_middle():
    view = view_of(np.arange(301 * 301 * 3, dtype=np.uint32).astype(np.uint8).reshape(301, 301, 3))
    assert view.shape == (128, 128, 3)
    assert view_of(np.zeros((17, 31, 3), np.uint8)).shape == (16, 30, 3)


def test_a_learned_kernel_is_one_of_the_networks():
    run = train_upscalers([picture(48, 48)], picture(32, 32), heads=("conv_transpose",), num_steps=1)
    kernel = learned_kernel(run)
    assert any(np.array_equal(kernel, weight) for weight in run.kernels["conv_transpose"][:, 1].astype(np.float64))
    trace = trace_upsampling("conv_transpose", torch.eye(2), weight=kernel, stride=2)
    np.testing.assert_allclose(trace.output[:2, :2], kernel[:2, :2])
