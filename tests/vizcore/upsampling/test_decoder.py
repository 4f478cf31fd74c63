"""A decoder with and without skip connections."""

import torch

from tests.vizcore.upsampling.inputs import coins_like
from vizcore.models.unet import UNet
from vizcore.upsampling import (
    coin_mask,
    run_decoder,
)


def test_decoder_shapes_and_skip():
    photo = coins_like()
    assert 0.1 < coin_mask(photo.mean(-1) / 255).mean() < 0.5
    seen = []
    with_skip = run_decoder(photo, num_steps=25, progress=lambda step, loss: seen.append(step))
    without = run_decoder(photo, skip=False, num_steps=1)
    assert seen == list(range(1, 26))
    assert with_skip.losses[-1] < with_skip.losses[0]
    shapes = {stage.name: stage.shape for stage in with_skip.stages}
    height, width = with_skip.picture.shape
    assert shapes["bottom"] == (32, height // 8, width // 8)
    assert shapes["joined 3"] == (64, height // 4, width // 4)
    assert shapes["scores"] == (1, height, width)
    assert not any(stage.name.startswith("joined") for stage in without.stages)
    assert without.num_parameters < with_skip.num_parameters
    assert with_skip.mask.shape == with_skip.target.shape == (height, width)
    assert 0 <= with_skip.boundary_iou <= 1


def test_unet_without_skip_cannot_see_the_encoder():
    x = torch.rand(1, 1, 16, 16)
    network = UNet(skip=False)
    names = [name for name, _ in network.stages(x)]
    assert names[-1] == "scores"
    torch.testing.assert_close(network(x), network.stages(x)[-1][1])
