"""Drawing pictures one pixel after another, and what can be done on the way.

Every pixel has one uniform number, drawn before anything else from the seed; it becomes 1 where that number is below
the model's probability. So the same seed gives the same picture, and after a changed pixel only what follows from the
change differs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int64, Integer
from torch import Tensor

from vizcore.errors import ExplainedError
from vizcore.models.autoregressive import (
    NOT_BINARY,
    WRONG_SHAPE,
    AutoregressiveError,
    NaiveSampler,
    PixelModel,
    Sampler,
)

FREE: Final = -1
"""In a given picture: this pixel is to be drawn."""
WRONG_TEMPERATURE: Final = "A temperature is a number of at least 0, and {temperature} is not."
CANCELLED: Final = "The sampling was canceled after {pixels} of {total} pixels."
WRONG_COUNT: Final = "At least one picture has to be drawn, and {num} were asked for."
BATCH: Final = 64

Progress = Callable[[int, int], None]


class SamplingCancelledError(ExplainedError, RuntimeError):
    """The reader stopped the sampling."""


@dataclass(frozen=True, eq=False)
class SampleOutput:
    """Pictures drawn from a model.

    Attributes:
        pictures: ``[N, D]`` uint8 of 0 and 1, raster order.
        probabilities: ``[N, D]`` of each pixel being 1 when its turn came, at the temperature.
        forced_log_probabilities: ``[N]`` nats: what the model would have given the pixels that were prescribed after
            the first free one. Weights by which exact completions differ from these; 0 where :attr:`exact`.
        exact: False if a prescribed pixel came after a free one: then what was drawn before it did not know of it.
    """

    pictures: np.ndarray
    probabilities: np.ndarray
    forced_log_probabilities: np.ndarray
    exact: bool


@dataclass(frozen=True, eq=False)
class SamplingTrace:
    """One picture in the making, pixel by pixel.

    Attributes:
        size: (height, width).
        order: ``[D]`` the pixel drawn first, second, ….
        probabilities: ``[D]`` by pixel: of being 1 when its turn came, at the temperature.
        logits: ``[D]`` by pixel, before the temperature.
        noise: ``[D]`` by pixel: the uniform number that decided; 1 where it is below the probability.
        picture: ``[D]`` uint8, the whole.
        forced: ``[D]`` bool: prescribed, not drawn.
        futures: ``[D, D]`` float32 or None: row k, with k pixels of the order known: the known ones as they are, the
            next one's probability, and for the others the mean of their probabilities over ``num_futures`` ways in
            which the picture might go on.
        temperature: by which logits were divided.
        label: drawn on request, or None.
        exact: see :class:`SampleOutput`.
    """

    size: tuple[int, int]
    order: np.ndarray
    probabilities: np.ndarray
    logits: np.ndarray
    noise: np.ndarray
    picture: np.ndarray
    forced: np.ndarray
    futures: np.ndarray | None
    temperature: float
    label: int | None
    exact: bool

    @property
    def num_pixels(self) -> int:
        """D, which is also the number of steps."""
        return len(self.order)

    @property
    def log_probabilities(self) -> np.ndarray:
        """``[D]`` by pixel: log of the probability of what it became, at temperature 1, nats."""
        signed = np.where(self.picture == 1, self.logits, -self.logits).astype(np.float64)
        return -np.logaddexp(0.0, -signed)

    def picture_at(self, step: int) -> np.ndarray:
        """``[D]`` int8 after so many steps: 0, 1, and ``FREE`` where nothing is drawn yet."""
        shown = np.full(self.num_pixels, FREE, dtype=np.int8)
        done = self.order[:step]
        shown[done] = self.picture[done]
        return shown


@torch.no_grad()
def sample(
    model: PixelModel,
    num: int = 64,
    *,
    seed: int = 0,
    labels: Int64[Tensor, " N"] | None = None,
    temperature: float = 1.0,
    given: Integer[Tensor, " D"] | None = None,
    batch: int = BATCH,
    incremental: bool = True,
    on_progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> SampleOutput:
    """Draws pictures, in batches.

    Args:
        model: any.
        num: N.
        seed: of the uniform numbers.
        labels: of each picture, for a model with labels.
        temperature: divides the logits; below 1 the likely becomes likelier, at 0 it is certain.
        given: pixels prescribed for all pictures, 0 or 1, and ``FREE`` elsewhere.
        batch: pictures drawn together; it changes nothing but time and memory.
        incremental: False takes the plain loop, a whole forward pass for each pixel.
        on_progress: called after each pixel with (pixels drawn, pixels in all), over all batches.
        is_cancelled: asked before each pixel.

    Raises:
        SamplingCancelledError: if ``is_cancelled`` said so.
        AutoregressiveError: for no picture, a temperature below 0, or prescribed pixels that do not fit.
    """
    if num < 1:
        raise AutoregressiveError(WRONG_COUNT, num=num)
    noise = draw_noise(num, model.num_pixels, seed=seed)
    batch = max(batch, 1)
    total = math.ceil(num / batch) * model.num_pixels
    parts: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    for start in range(0, num, batch):
        chosen = slice(start, start + batch)
        before = len(parts) * model.num_pixels

        def report(done: int, before: int = before) -> None:
            if on_progress:
                on_progress(before + done, total)
            if is_cancelled and done < model.num_pixels and is_cancelled():
                raise SamplingCancelledError(CANCELLED, pixels=before + done, total=total)

        if is_cancelled and is_cancelled():
            raise SamplingCancelledError(CANCELLED, pixels=before, total=total)
        parts.append(
            _draw(
                model,
                noise[chosen],
                labels=None if labels is None else labels[chosen],
                temperature=temperature,
                given=given,
                incremental=incremental,
                report=report,
            )
        )
    pictures, probabilities, _, forced = (torch.cat(part) for part in zip(*parts, strict=True))
    return SampleOutput(
        pictures.to(torch.uint8).numpy(), probabilities.numpy(), forced.numpy(), _is_exact(model, given)
    )


@torch.no_grad()
def trace_sampling(
    model: PixelModel,
    seed: int = 0,
    *,
    size: tuple[int, int],
    label: int | None = None,
    temperature: float = 1.0,
    given: Integer[Tensor, " D"] | None = None,
    num_futures: int = 0,
    on_progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> SamplingTrace:
    """Draws one picture and records every step.

    To flip a pixel and have everything after it drawn anew, give the trace's picture up to that pixel, with the pixel
    flipped, and the same seed.

    Args:
        model: any.
        seed: of the uniform numbers; the first picture of :func:`sample` with this seed is the same.
        size: (height, width) of the picture.
        label: which digit, for a model with labels.
        temperature: see :func:`sample`.
        given: see :func:`sample`.
        num_futures: ways to go on from each step that are averaged for ``futures``; 0 for none.
        on_progress: see :func:`sample`.
        is_cancelled: see :func:`sample`.

    Raises:
        SamplingCancelledError: if ``is_cancelled`` said so.
        AutoregressiveError: as :func:`sample`, or if the size is not the model's.
    """
    if size[0] * size[1] != model.num_pixels:
        raise AutoregressiveError(WRONG_SHAPE, expected=model.num_pixels, found=size[0] * size[1])
    noise = draw_noise(1, model.num_pixels, seed=seed)
    labels = None if label is None else torch.tensor([label])
    total = model.num_pixels

    def report(done: int) -> None:
        if on_progress:
            on_progress(done, total)
        if is_cancelled and done < total and is_cancelled():
            raise SamplingCancelledError(CANCELLED, pixels=done, total=total)

    picture, probabilities, logits, _ = _draw(
        model, noise, labels=labels, temperature=temperature, given=given, report=report
    )
    forced = torch.zeros(model.num_pixels, dtype=torch.bool) if given is None else given != FREE
    futures = None
    if num_futures > 0:
        futures = _draw_futures(model, picture[0], seed, label, temperature, num_futures).numpy()
    return SamplingTrace(
        size=size,
        order=model.order.numpy(),
        probabilities=probabilities[0].numpy(),
        logits=logits[0].numpy(),
        noise=noise[0].numpy(),
        picture=picture[0].to(torch.uint8).numpy(),
        forced=forced.numpy(),
        futures=futures,
        temperature=temperature,
        label=label,
        exact=_is_exact(model, given),
    )


def flip_pixel(trace: SamplingTrace, pixel: int) -> Int64[Tensor, " D"]:
    """What to give :func:`trace_sampling` to see a pixel flipped and everything after it drawn anew.

    Raises:
        IndexError: if there is no such pixel.
    """
    if not 0 <= pixel < trace.num_pixels:
        raise IndexError(f"there is no pixel {pixel}")
    given = torch.full((trace.num_pixels,), FREE)
    step = int(np.flatnonzero(trace.order == pixel)[0])
    for earlier in trace.order[:step]:
        given[earlier] = int(trace.picture[earlier])
    given[pixel] = 1 - int(trace.picture[pixel])
    return given


def draw_noise(num: int, num_pixels: int, *, seed: int) -> Float[Tensor, "N D"]:
    """The uniform numbers of a seed, by pixel; the first pictures have theirs whatever their number."""
    return torch.rand(num, num_pixels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _draw(
    model: PixelModel,
    noise: Tensor,
    *,
    labels: Tensor | None,
    temperature: float,
    given: Tensor | None,
    incremental: bool = True,
    report: Callable[[int], None] | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pictures, probabilities, logits (all ``[N, D]`` by pixel) and log-probabilities of what was forced ``[N]``.

    ``given`` may be one picture for all, or ``[N, D]``.
    """
    if not (math.isfinite(temperature) and temperature >= 0):
        raise AutoregressiveError(WRONG_TEMPERATURE, temperature=temperature)
    num, num_pixels = noise.shape
    given = torch.full((num_pixels,), FREE) if given is None else given
    if given.shape[-1] != num_pixels:
        raise AutoregressiveError(WRONG_SHAPE, expected=num_pixels, found=given.shape[-1])
    wrong = given[(given != 0) & (given != 1) & (given != FREE)]
    if len(wrong):
        raise AutoregressiveError(NOT_BINARY, value=f"{float(wrong[0]):g}")
    given = given.expand(num, -1)
    sampler: Sampler = model.sampler(num, labels) if incremental else NaiveSampler(model, num, labels)
    pictures, logits = torch.zeros(num, num_pixels), torch.zeros(num, num_pixels, dtype=model.dtype)
    probabilities = torch.zeros(num, num_pixels, dtype=model.dtype)
    forced_log, seen_free = torch.zeros(num, dtype=model.dtype), torch.zeros(num, dtype=torch.bool)
    for step, pixel in enumerate(model.order.tolist()):
        logit = sampler.next_logits()
        p = torch.sigmoid(logit / temperature) if temperature else (logit > 0).to(logit.dtype)
        forced = given[:, pixel] != FREE
        value = torch.where(forced, given[:, pixel].to(p.dtype), (noise[:, pixel] < p).to(p.dtype))
        late = forced & seen_free
        forced_log += torch.where(late, torch.nn.functional.logsigmoid(torch.where(value > 0, logit, -logit)), 0.0)
        seen_free |= ~forced
        pictures[:, pixel], logits[:, pixel], probabilities[:, pixel] = value.float(), logit, p
        sampler.append(value)
        if report:
            report(step + 1)
    return pictures, probabilities, logits, forced_log


def _draw_futures(
    model: PixelModel, picture: Tensor, seed: int, label: int | None, temperature: float, num_futures: int
) -> Tensor:
    """All steps' continuations as one batch: step k's pictures have their first k pixels prescribed."""
    length = model.num_pixels
    known = model.rank[None, :] < torch.arange(length)[:, None]  # [step, pixel]
    given = torch.where(known, picture.long()[None], FREE)
    means = torch.zeros(length, length, dtype=torch.float64)
    # Other numbers than the picture's own, or each step's futures would all be the picture that was drawn.
    noise = torch.rand(
        num_futures, length, generator=torch.Generator().manual_seed(seed ^ 0x5DEECE66D), dtype=torch.float64
    )
    rows = max(4096 // num_futures, 1)
    for start in range(0, length, rows):
        part = given[start : start + rows].repeat_interleave(num_futures, 0)
        labels = None if label is None else torch.full((len(part),), label)
        repeated = noise.repeat(len(part) // num_futures, 1)
        _, probabilities, _, _ = _draw(model, repeated, labels=labels, temperature=temperature, given=part)
        means[start : start + rows] = probabilities.double().reshape(-1, num_futures, length).mean(1)
    return torch.where(known, picture.double()[None], means).float()


def _is_exact(model: PixelModel, given: Tensor | None) -> bool:
    """Whether the prescribed pixels are the first of the order, so that nothing was drawn without knowing them."""
    if given is None:
        return True
    forced = (given != FREE)[model.order]
    return bool((forced.int().diff() <= 0).all())
