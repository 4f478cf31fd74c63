"""Small detectors of all designs with random weights."""

from dataclasses import replace

import torch
from torch import nn

from vizcore.models.fcos import (
    FCOS,
    STAGE_CHANNELS,
    FCOSConfig,
)
from vizcore.seeding import seeded

CONFIG = FCOSConfig("fpn", finest=2, channels=16, num_convs=1)
CONFIGS = (CONFIG, replace(CONFIG, finest=3), replace(CONFIG, neck="separate"), replace(CONFIG, neck="top"))


def make_detector(config, seed=0):
    """Random weights, the shared backbone; biases too, or a cut lateral would not be told from a zero."""
    with seeded(seed):
        fcos = FCOS(config)
        for block in fcos.neck.modules():
            if isinstance(block, nn.Conv2d):
                nn.init.normal_(block.bias, std=0.1)
        nn.init.normal_(fcos.head.class_logits.weight, std=0.3)
    return fcos


def random_stages(config, top, seed):
    """Stages whose sizes are any that a ceiling division makes: odd ones too."""
    height, width = top
    generator = torch.Generator().manual_seed(seed)
    stages = {}
    for name in reversed(config.stages):
        stages[name] = torch.randn(1, STAGE_CHANNELS[name], height, width, generator=generator)
        height, width = (2 * side - int(torch.randint(0, 2, (), generator=generator)) for side in (height, width))
    return dict(sorted(stages.items()))
