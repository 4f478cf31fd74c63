"""What resolution does to a classifier: the paper's three networks, trained while one watches.

CNN-B learns at full resolution and is then shown pictures that were made smaller and enlarged again. CNN-S learns at
the low resolution, in a network that fits it. CNN-B-FT is CNN-B, trained a little further on the enlarged pictures.

Reference:
    Bharat Singh, Larry S. Davis. An Analysis of Scale Invariance in Object Detection – SNIP. CVPR 2018,
    arXiv 1711.08189 (section 3, Figures 3 and 4, on ImageNet with ResNets).

    Ours differs in scale: six drawn shapes of 48 pixels, networks of three convolutions, seconds instead of days.
    Whether the order of the paper's three comes out is told as measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from vizcore.models.efficientnet_lite import EfficientNetLite0, normalise
from vizcore.scale.errors import ScaleError
from vizcore.scale.shapes import SHAPES, draw_shapes, lower, lowered

FACTORS: Final = (1, 2, 4, 8)
"""A test picture is made smaller by these."""
NUM_TRAINING, NUM_TEST = 1200, 480
BATCH: Final = 48
STEPS: Final = 200
"""Of CNN-B; CNN-S takes as many, fine-tuning a third."""
_LEARNING_RATE: Final = 4e-3


@dataclass(frozen=True, eq=False)
class ResolutionRun:
    """Accuracies of the three networks on the same test pictures.

    Attributes:
        factors: by which the pictures were made smaller.
        base: by factor, CNN-B's accuracy in [0, 1] on pictures that were enlarged again.
        small: CNN-S's on the small pictures, trained on them; none at factor 1, where it would be CNN-B.
        fine_tuned: CNN-B-FT's on the enlarged pictures.
        num_test: pictures.
        seconds: that everything took.
    """

    factors: tuple[int, ...]
    base: Mapping[int, float]
    small: Mapping[int, float]
    fine_tuned: Mapping[int, float]
    num_test: int
    seconds: float

    @property
    def drop(self) -> float:
        """What CNN-B loses from the full to the lowest resolution."""
        return self.base[self.factors[0]] - self.base[self.factors[-1]]

    def order(self, factor: int) -> tuple[str, ...]:
        """The three networks at one resolution, best first."""
        found = {"base": self.base[factor], "small": self.small[factor], "fine_tuned": self.fine_tuned[factor]}
        return tuple(sorted(found, key=lambda name: -found[name]))


@dataclass(frozen=True, eq=False)
class PhotoResolution:
    """A trained ImageNet classifier on one photo at falling resolutions.

    Attributes:
        factors: by which the photo was made smaller before it was enlarged again.
        probability: by factor, of the class that it names at full resolution, in [0, 1].
        best: by factor, the index of the class that it names.
    """

    factors: tuple[int, ...]
    probability: Mapping[int, float]
    best: Mapping[int, int]


def train_by_resolution(
    *,
    seed: int = 0,
    steps: int = STEPS,
    factors: tuple[int, ...] = FACTORS,
    num_training: int = NUM_TRAINING,
    num_test: int = NUM_TEST,
    report: Callable[[float], None] | None = None,
) -> ResolutionRun:
    """Trains CNN-B, and for each lower resolution CNN-S and CNN-B-FT.

    Args:
        seed: of pictures, weights and batches.
        steps: of CNN-B and CNN-S; fine-tuning takes a third.
        factors: by which test pictures are made smaller; the first must be 1, each a divisor of 48.
        num_training: pictures to learn from.
        num_test: other pictures.
        report: called with the share that is done.

    Raises:
        ScaleError: If the factors cannot be used.
    """
    if factors[:1] != (1,) or any(factor < 1 or 48 % factor or 48 // factor < 6 for factor in factors):
        raise ScaleError("Factors begin with 1 and divide 48 pixels into pictures of at least 6.")
    began = time.perf_counter()
    train, test = draw_shapes(num_training, seed=2 * seed), draw_shapes(num_test, seed=2 * seed + 1)
    units = 1 + len(factors[1:]) * (1 / 3 + 1 / 4)
    done = 0.0

    def progress(unit: float) -> Callable[[float], None]:
        return lambda share: report((done + unit * share) / units) if report is not None else None

    base = _network(stride=2, seed=seed)
    _train(base, train, steps=steps, seed=seed, report=progress(1))
    done = 1.0
    found: dict[str, dict[int, float]] = {"base": {}, "small": {}, "fine_tuned": {}}
    for factor in factors:
        shown = lowered(test[0], factor), test[1]
        found["base"][factor] = accuracy(base, *shown)
        if factor == 1:
            continue
        small = _network(stride=1 if factor >= 4 else 2, seed=seed)
        _train(small, (lower(train[0], factor), train[1]), steps=steps, seed=seed, report=progress(1 / 4))
        done += 1 / 4
        found["small"][factor] = accuracy(small, lower(test[0], factor), test[1])
        tuned = _network(stride=2, seed=seed)
        tuned.load_state_dict(base.state_dict())
        enlarged = lowered(train[0], factor), train[1]
        _train(tuned, enlarged, steps=steps // 3, seed=seed + 1, report=progress(1 / 3))
        done += 1 / 3
        found["fine_tuned"][factor] = accuracy(tuned, *shown)
    return ResolutionRun(tuple(factors), **found, num_test=num_test, seconds=time.perf_counter() - began)


def photo_by_resolution(
    network: EfficientNetLite0, photo: np.ndarray, *, factors: tuple[int, ...] = (1, 2, 4, 8)
) -> PhotoResolution:
    """Shows a photo to a trained classifier at falling resolutions, enlarged again each time.

    Args:
        network: trained on ImageNet.
        photo: uint8 ``[H, W, 3]``; its middle square is scaled to 224 pixels first.
        factors: divisors of 224, the first 1.
    """
    full = _middle_square(photo)
    probability, best, named = {}, {}, None
    with torch.inference_mode():
        for factor in factors:
            shown = lowered(full, factor).round().clamp(0, 255).to(torch.uint8)
            chances = network(normalise(shown)).softmax(1)[0]
            best[factor] = int(chances.argmax())
            named = best[factor] if named is None else named
            probability[factor] = float(chances[named])
    return PhotoResolution(tuple(factors), probability, best)


def lowered_photo(photo: np.ndarray, factor: int) -> np.ndarray:
    """What :func:`photo_by_resolution` shows to the network: uint8 ``[224, 224, 3]``.

    Args:
        photo: uint8 ``[H, W, 3]``.
        factor: by which it is made smaller before it is enlarged again.
    """
    shown = lowered(_middle_square(photo), factor).round().clamp(0, 255).to(torch.uint8)
    pixels: np.ndarray = shown[0].permute(1, 2, 0).contiguous().numpy()
    return pixels


def _middle_square(photo: np.ndarray) -> Float[Tensor, "1 3 224 224"]:
    pixels = torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1)[None].float()
    side = min(pixels.shape[-2:])
    top, left = ((length - side) // 2 for length in pixels.shape[-2:])
    square = pixels[..., top : top + side, left : left + side]
    return F.interpolate(square, size=(224, 224), mode="bilinear", antialias=True, align_corners=False)


def accuracy(network: nn.Module, pictures: Float[Tensor, "N 3 S S"], labels: Int64[Tensor, " N"]) -> float:
    """Share of the pictures whose class the network names."""
    network.eval()
    with torch.inference_mode():
        named = torch.cat([network(part).argmax(1) for part in pictures.split(200)])
    return float((named == labels).float().mean())


def _network(*, stride: int, seed: int) -> nn.Sequential:
    """Three convolutions and an average; the first one's stride fits the size of the pictures."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        channels = 3
        for width, step in ((16, stride), (32, 2), (48, 1 if stride == 1 else 2)):
            layers += [nn.Conv2d(channels, width, 3, step, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels, len(SHAPES)))


def _train(
    network: nn.Module,
    data: tuple[Float[Tensor, "N 3 S S"], Int64[Tensor, " N"]],
    *,
    steps: int,
    seed: int,
    report: Callable[[float], None],
) -> None:
    pictures, labels = data
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode(False), torch.enable_grad():
        optimizer = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=1e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=max(steps, 2))
        network.train()
        for step in range(steps):
            chosen = torch.randint(len(labels), (BATCH,), generator=generator)
            loss = F.cross_entropy(network(pictures[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            report((step + 1) / steps)
