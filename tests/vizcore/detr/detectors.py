"""Small untrained detectors that tests share; their weights are random, not initial ones, so that all layers differ."""

from dataclasses import replace
from functools import cache

import torch
from torch import nn

from vizcore.models.detr import DETR, PAPER, SMALL, Detector
from vizcore.models.efficientnet_lite import load_efficientnet_lite0
from vizcore.seeding import seeded


def shaken(detr: DETR, *, seed: int = 3) -> DETR:
    """The network with noise on all its weights."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in detr.transformer.parameters():
        parameter.data += 0.15 * torch.randn(parameter.shape, generator=generator)
    for head in (detr.class_embed, detr.bbox_embed):
        for parameter in head.parameters():
            parameter.data += 0.2 * torch.randn(parameter.shape, generator=generator)
    nn.init.normal_(detr.query_embed.weight, generator=generator)
    return detr.eval().requires_grad_(False)


@cache
def small_detector() -> Detector:
    """The small one."""
    with seeded(0):
        network = DETR(replace(SMALL, num_encoder_layers=2, num_decoder_layers=3))
    return Detector(shaken(network), load_efficientnet_lite0())


@cache
def paper_detector() -> DETR:
    """The paper's network, with fewer layers and channels."""
    config = replace(PAPER, channels=32, feedforward=32, num_queries=12, num_encoder_layers=2, num_decoder_layers=2)
    with seeded(0):
        network = DETR(config)
    return shaken(network)
