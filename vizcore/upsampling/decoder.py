"""What upsampling is for in segmentation: a small decoder with and without skip connections, trained on coins."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from vizcore.costs import count_parameters
from vizcore.models.unet import UNet
from vizcore.seeding import seeded
from vizcore.upsampling.checks import UpsamplingError, whole_number


@dataclass(frozen=True, eq=False)
class DecoderStage:
    """One tensor on the way through the network.

    Attributes:
        name: As in ``UNet.stages``.
        shape: C, H, W.
        picture: ``[H, W]`` mean over the channels, scaled to [0, 1].
    """

    name: str
    shape: tuple[int, int, int]
    picture: np.ndarray


@dataclass(frozen=True, eq=False)
class DecoderOutput:
    """A trained segmentation network on a picture it has not seen.

    Attributes:
        skip: Whether the decoder read the encoder's features.
        stages: Every tensor with its real shape.
        picture: ``[H, W]`` the held-out input in [0, 1].
        target: ``[H, W]`` bool, the wanted foreground.
        mask: ``[H, W]`` bool, the network's.
        probability: ``[H, W]`` of foreground.
        iou: Of ``mask`` and ``target``.
        boundary_iou: The same among pixels within 2 of the target's outline, where resolution counts.
        num_parameters: Learnable numbers.
        losses: ``[S]`` binary cross-entropy of each step.
        seconds: Of training.
    """

    skip: bool
    stages: tuple[DecoderStage, ...]
    picture: np.ndarray
    target: np.ndarray
    mask: np.ndarray
    probability: np.ndarray
    iou: float
    boundary_iou: float
    num_parameters: int
    losses: np.ndarray
    seconds: float

    @property
    def bottom(self) -> DecoderStage:
        """The coarsest tensor, where the way down ends."""
        return next(stage for stage in self.stages if stage.name == "bottom")


def coin_mask(pixels: np.ndarray) -> np.ndarray:
    """Foreground of a photo of bright things on a dark ground: a local threshold, cleaned by morphology.

    Args:
        pixels: ``[H, W]`` in [0, 1].

    Returns:
        ``[H, W]`` bool. It is a classical segmentation, good enough as a teacher, and not perfect.
    """
    # Here, because they bring scipy's statistics: 60 MB and half a second for every page.
    from skimage.filters import threshold_local
    from skimage.morphology import closing, disk, opening, remove_small_holes, remove_small_objects

    bright = pixels > threshold_local(pixels, 151, offset=-0.04)
    whole = closing(bright, disk(4))
    whole = remove_small_holes(whole, max_size=600)
    mask: np.ndarray = remove_small_objects(opening(whole, disk(3)), max_size=250)
    return mask


def run_decoder(
    pixels: np.ndarray,
    *,
    skip: bool = True,
    num_steps: int = 120,
    seed: int = 0,
    progress: Callable[[int, float], None] | None = None,
) -> DecoderOutput:
    """Trains the network on the left of a photo and runs it on the right.

    Args:
        pixels: ``[H, W, 3]`` uint8, at least 64 × 128, such as the sample ``coins``.
        skip: Whether the decoder reads the encoder's features.
        num_steps: Steps of Adam on eight random crops of 64 × 64.
        seed: Of weights and crops.
        progress: Is told the step and its loss; what it raises ends the training and passes on.

    Returns:
        Masks, scores and every shape.

    Raises:
        UpsamplingError: If the photo is too small or a number out of range.

    Reference:
        Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015, arXiv:1505.04597; Long, Shelhamer and Darrell, "Fully
        Convolutional Networks for Semantic Segmentation", CVPR 2015, arXiv:1411.4038.
    """
    whole_number("num_steps", num_steps, minimum=1)
    if pixels.ndim != 3 or pixels.shape[0] < 64 or pixels.shape[1] < 128:
        raise UpsamplingError(
            "This photo has {height}×{width} pixels; at least 64×128 are needed to learn from.",
            height=pixels.shape[0],
            width=pixels.shape[1],
        )
    grey = pixels.astype(np.float64).mean(-1) / 255
    mask = coin_mask(grey)
    split = grey.shape[1] // 2 // 8 * 8
    x = torch.from_numpy(grey).float()
    y = torch.from_numpy(mask).float()
    with seeded(seed):  # torch's own initialisation, drawn over inside, must not move the global generator
        network = UNet(skip=skip, seed=seed)
    optimiser = torch.optim.Adam(network.parameters(), 4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=num_steps + 1)
    generator = torch.Generator().manual_seed(seed)
    losses = []
    start = time.perf_counter()
    for step in range(1, num_steps + 1):
        tops = torch.randint(x.shape[0] - 63, (8,), generator=generator).tolist()
        lefts = torch.randint(split - 63, (8,), generator=generator).tolist()
        crops = [(slice(top, top + 64), slice(left, left + 64)) for top, left in zip(tops, lefts, strict=True)]
        batch = torch.stack([x[crop] for crop in crops])[:, None]
        wanted = torch.stack([y[crop] for crop in crops])[:, None]
        optimiser.zero_grad(set_to_none=True)
        loss = F.binary_cross_entropy_with_logits(network(batch), wanted)
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if progress is not None:
            progress(step, losses[-1])
    seconds = time.perf_counter() - start

    height, width = (min(side, 192) // 8 * 8 for side in (x.shape[0], x.shape[1] - split))
    unseen = (slice(0, height), slice(split, split + width))
    with torch.no_grad():
        stages = network.stages(x[unseen][None, None])
    scores = stages[-1][1][0, 0]
    target, found = y[unseen] > 0.5, scores > 0
    near = _near_outline(target)
    return DecoderOutput(
        skip=skip,
        stages=tuple(
            DecoderStage(name, (tensor.shape[1], tensor.shape[2], tensor.shape[3]), _picture(tensor))
            for name, tensor in stages
        ),
        picture=x[unseen].numpy(),
        target=target.numpy(),
        mask=found.numpy(),
        probability=scores.sigmoid().numpy(),
        iou=_mask_iou(found, target),
        boundary_iou=_mask_iou(found & near, target & near),
        num_parameters=count_parameters(network),
        losses=np.asarray(losses),
        seconds=seconds,
    )


def _near_outline(mask: torch.Tensor) -> torch.Tensor:
    """Pixels within 2 of a change between foreground and background."""
    value = mask.float()[None, None]
    grown = F.max_pool2d(value, 5, stride=1, padding=2)
    shrunk = -F.max_pool2d(-value, 5, stride=1, padding=2)
    return (grown != shrunk)[0, 0]


def _mask_iou(first: torch.Tensor, second: torch.Tensor) -> float:
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 1.0


def _picture(tensor: torch.Tensor) -> np.ndarray:
    mean = tensor[0].mean(0)
    span = float(mean.max() - mean.min())
    scaled: np.ndarray = ((mean - mean.min()) / (span or 1.0)).numpy()
    return scaled
