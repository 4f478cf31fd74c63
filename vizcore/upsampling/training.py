"""Upsampling that learns while one watches: four layers, the same features, the same photos, the same seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vizcore.models.espcn import HEADS, Upscaler
from vizcore.seeding import seeded
from vizcore.upsampling.checks import UpsamplingError, whole_number
from vizcore.upsampling.kernels import icnr_weight
from vizcore.upsampling.restoration import similarity, to_pixels

SCALE_FACTOR = 2
CROP = 24
BATCH = 8
# From nothing a large step is best; on top of bicubic a small one, from a start that is nearly bicubic itself.
LEARNING_RATE = {False: 1e-2, True: 4e-3}
GAIN = {False: 0.3, True: 0.03}


@dataclass(frozen=True, eq=False)
class TrainingSnapshot:
    """The state of all networks after some step.

    Attributes:
        step: How many steps are done.
        num_steps: How many there will be.
        pictures: By head: ``[H, W, 3]`` uint8, the held-out view as the network makes it now.
        psnr: By head: PSNR of that picture, dB.
        loss: By head: mean absolute error of the last batches.
        checkerboard: By head: see ``checkerboard_energy``.
        seconds: Since the start.
    """

    step: int
    num_steps: int
    pictures: Mapping[str, np.ndarray]
    psnr: Mapping[str, float]
    loss: Mapping[str, float]
    checkerboard: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, eq=False)
class TrainingRun:
    """A whole training, or as much of it as ran before it was stopped.

    Attributes:
        heads: The layers trained.
        num_parameters: By head.
        losses: By head: ``[S]`` mean absolute error of each step's batch.
        snapshots: The states shown, the first before any step.
        original: ``[H, W, 3]`` uint8, the held-out view, never trained on.
        small: ``[H/2, W/2, 3]`` uint8, what the networks see of it: block averages.
        bicubic: ``[H, W, 3]`` uint8, the same by bicubic.
        bicubic_psnr: dB.
        bicubic_ssim: At most 1.
        ssim: By head, at the end.
        stopped: Whether it was stopped before its last step.
        kernels: By head: the last layer's weights.
        seconds: In all.
    """

    heads: tuple[str, ...]
    num_parameters: Mapping[str, int]
    losses: Mapping[str, np.ndarray]
    snapshots: tuple[TrainingSnapshot, ...]
    original: np.ndarray
    small: np.ndarray
    bicubic: np.ndarray
    bicubic_psnr: float
    bicubic_ssim: float
    ssim: Mapping[str, float]
    stopped: bool
    kernels: Mapping[str, np.ndarray]
    seconds: float


def checkerboard_energy(pixels: np.ndarray) -> float:
    """How strongly a picture flickers at the rhythm of a stride-2 layer.

    Args:
        pixels: ``[H, W, 3]`` uint8.

    Returns:
        Root mean square, in grey levels of 255, of the three patterns of period 2 (columns, rows, chessboard), each
        averaged over blocks of 8 × 8 pixels first: edges of the subject mostly average out there, a regular pattern
        does not. A natural photo is not exactly 0; compare with the original's value.
    """
    grey = torch.from_numpy(np.ascontiguousarray(pixels)).double().mean(-1)
    height, width = (side // 8 * 8 for side in grey.shape)
    if min(height, width) < 8:
        return float("nan")
    grey = grey[:height, :width]
    rows = torch.arange(height, dtype=torch.float64)[:, None]
    columns = torch.arange(width, dtype=torch.float64)[None, :]
    total = 0.0
    for phase in (columns.expand_as(grey), rows.expand_as(grey), rows + columns):
        wave = 1.0 - 2.0 * (phase % 2)
        total += float(F.avg_pool2d((grey * wave)[None, None], 8).square().mean())
    return total**0.5


def learned_kernel(run: TrainingRun) -> np.ndarray:
    """The strongest kernel that the transposed convolution learned, from one feature to green.

    Args:
        run: A training with the head ``conv_transpose``.

    Returns:
        ``[3, 3]`` float64.

    Raises:
        UpsamplingError: If that head was not trained.
    """
    if "conv_transpose" not in run.kernels:
        raise UpsamplingError("Give at least one photo and at least one of the layers {known}.", known="conv_transpose")
    green = run.kernels["conv_transpose"][:, 1].astype(np.float64)
    kernel: np.ndarray = green[np.abs(green).sum((1, 2)).argmax()]
    return kernel


def view_of(photo: np.ndarray, side: int = 128) -> np.ndarray:
    """The middle of a photo, its sides even and at most ``side``.

    Args:
        photo: ``[H, W, 3]`` uint8.
        side: The largest side.

    Returns:
        The crop.

    Raises:
        UpsamplingError: If the photo is smaller than 16 × 16.
    """
    height, width = (min(side, length) // SCALE_FACTOR * SCALE_FACTOR for length in photo.shape[:2])
    if min(height, width) < 16:
        raise UpsamplingError(
            "This photo has {height}×{width} pixels; at least 16×16 are needed to learn from.",
            height=photo.shape[0],
            width=photo.shape[1],
        )
    top, left = (photo.shape[0] - height) // 2, (photo.shape[1] - width) // 2
    return np.ascontiguousarray(photo[top : top + height, left : left + width])


def train_upscalers(
    photos: Sequence[np.ndarray],
    held_out: np.ndarray,
    *,
    heads: Sequence[str] = HEADS,
    num_steps: int = 300,
    residual: bool = False,
    seed: int = 0,
    snapshot_every: int = 25,
    progress: Callable[[TrainingSnapshot], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> TrainingRun:
    """Trains one small network for each head on the same crops in the same order.

    The small pictures are block averages of the crops; the loss is the mean absolute error. The networks share the
    seed, so that all start from the same features, and take their steps in turns, so that they can be compared at any
    time.

    Args:
        photos: ``[H, W, 3]`` uint8 each; crops are drawn from all of them.
        held_out: ``[H, W, 3]`` uint8, of which the middle is kept for judging.
        heads: Some of ``HEADS``.
        num_steps: Steps of Adam, at most 2000.
        residual: Whether the networks learn only what bicubic misses.
        seed: Of weights and crops.
        snapshot_every: Steps between two snapshots.
        progress: Is handed every snapshot; what it raises ends the training and passes on.
        should_stop: Is asked before every step; True ends the training with what there is.

    Returns:
        Curves, pictures and figures.

    Raises:
        UpsamplingError: For a photo that is too small, no photo, an unknown head, or a number of steps out of range.

    Reference:
        Shi et al., arXiv:1609.05158; Aitken et al., arXiv:1707.02937; Odena et al., doi:10.23915/distill.00003.
    """
    whole_number("num_steps", num_steps, minimum=1)
    whole_number("snapshot_every", snapshot_every, minimum=1)
    if num_steps > 2000:
        raise UpsamplingError("At most 2000 steps are trained here; {steps} are too many.", steps=num_steps)
    unknown = [head for head in heads if head not in HEADS]
    if unknown or not heads or not photos:
        raise UpsamplingError("Give at least one photo and at least one of the layers {known}.", known=", ".join(HEADS))
    start = time.perf_counter()
    sources = [_to_tensor(photo) for photo in photos]
    original = view_of(held_out)
    target = _to_tensor(original)[None]
    small = F.avg_pool2d(target, SCALE_FACTOR)
    bicubic = to_pixels(F.interpolate(small, scale_factor=SCALE_FACTOR, mode="bicubic"))
    bicubic_psnr, bicubic_ssim = similarity(original, bicubic)

    networks = {head: _new_network(head, seed, residual) for head in heads}
    optimisers = {
        head: torch.optim.Adam(network.parameters(), LEARNING_RATE[residual]) for head, network in networks.items()
    }
    schedules = {
        head: torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE[residual], total_steps=num_steps + 1)
        for head, optimiser in optimisers.items()
    }
    generator = torch.Generator().manual_seed(seed)
    losses: dict[str, list[float]] = {head: [] for head in heads}
    snapshots: list[TrainingSnapshot] = []

    def look(step: int) -> None:
        pictures = {head: to_pixels(_forward(network, small)) for head, network in networks.items()}
        snapshot = TrainingSnapshot(
            step=step,
            num_steps=num_steps,
            pictures=pictures,
            psnr={head: similarity(original, picture)[0] for head, picture in pictures.items()},
            loss={
                head: float(np.mean(curve[-snapshot_every:])) if curve else float("nan")
                for head, curve in losses.items()
            },
            checkerboard={head: checkerboard_energy(picture) for head, picture in pictures.items()},
            seconds=time.perf_counter() - start,
        )
        snapshots.append(snapshot)
        if progress is not None:
            progress(snapshot)

    look(0)
    stopped = False
    for step in range(1, num_steps + 1):
        if should_stop is not None and should_stop():
            stopped = True
            break
        large = _crops(sources, generator)
        seen = F.avg_pool2d(large, SCALE_FACTOR)
        for head, network in networks.items():
            optimisers[head].zero_grad(set_to_none=True)
            loss = F.l1_loss(network(seen), large)
            loss.backward()
            optimisers[head].step()
            schedules[head].step()
            losses[head].append(float(loss.detach()))
        if step % snapshot_every == 0 or step == num_steps:
            look(step)
    last = snapshots[-1]
    if stopped and last.step != len(losses[heads[0]]):
        progress = None
        look(len(losses[heads[0]]))
        last = snapshots[-1]
    return TrainingRun(
        heads=tuple(heads),
        num_parameters={head: network.num_parameters() for head, network in networks.items()},
        losses={head: np.asarray(curve) for head, curve in losses.items()},
        snapshots=tuple(snapshots),
        original=original,
        small=to_pixels(small),
        bicubic=bicubic,
        bicubic_psnr=bicubic_psnr,
        bicubic_ssim=bicubic_ssim,
        ssim={head: similarity(original, picture)[1] for head, picture in last.pictures.items()},
        stopped=stopped,
        kernels={head: network.last_weight.detach().numpy().copy() for head, network in networks.items()},
        seconds=time.perf_counter() - start,
    )


def _new_network(head: str, seed: int, residual: bool) -> Upscaler:
    with seeded(seed):  # torch's own initialisation, drawn over below, must not move the global generator
        network = Upscaler(head, residual=residual)
    network.initialise(seed, gain=GAIN[residual])
    if head == "pixel_shuffle_icnr":
        with torch.no_grad():
            network.last_weight.copy_(icnr_weight(network.last_weight, SCALE_FACTOR))
    return network


def _forward(network: Upscaler, small: Float[Tensor, "1 3 H W"]) -> Float[Tensor, "1 3 H2 W2"]:
    with torch.no_grad():
        return network(small)  # type: ignore[no-any-return]


def _to_tensor(photo: np.ndarray) -> Float[Tensor, "3 H W"]:
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise UpsamplingError("A photo is an array [H, W, 3] of bytes.")
    if min(photo.shape[:2]) < 16:
        raise UpsamplingError(
            "This photo has {height}×{width} pixels; at least 16×16 are needed to learn from.",
            height=photo.shape[0],
            width=photo.shape[1],
        )
    return torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1).float() / 255


def _crops(sources: Sequence[Tensor], generator: torch.Generator) -> Float[Tensor, "B 3 S S"]:
    """Random squares of all photos; a photo smaller than the square limits all of them."""
    side = min(2 * CROP, *(min(source.shape[1:]) for source in sources)) // SCALE_FACTOR * SCALE_FACTOR
    crops = []
    for _ in range(BATCH):
        source = sources[int(torch.randint(len(sources), (), generator=generator))]
        top = int(torch.randint(source.shape[1] - side + 1, (), generator=generator))
        left = int(torch.randint(source.shape[2] - side + 1, (), generator=generator))
        crops.append(source[:, top : top + side, left : left + side])
    return torch.stack(crops)
