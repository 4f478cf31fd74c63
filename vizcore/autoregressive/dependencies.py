"""Which pixels an output sees: by gradient, by theory, and what a wrong mask lets through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from vizcore.models.autoregressive import EVEN_KERNEL, NO_LAYER, WRONG_SHAPE, AutoregressiveError, PixelModel
from vizcore.models.made import MADE

LEAK: Final = (
    "{count} outputs see their own pixel or a later one, the first of them at pixel {pixel}: what is computed "
    "is then no likelihood, however small it gets."
)
ONE_PIXEL: Final = "With one pixel there is nothing before it: every model is a single probability."
NO_SUCH_PIXEL: Final = "There is no pixel ({row}, {column}) in a picture of {height} × {width}."
PROBES: Final = 8
"""Random pictures whose gradients are put together: a ReLU that is off for one is on for another."""


@dataclass(frozen=True, eq=False)
class Dependencies:
    """What each output of a model really sees.

    Attributes:
        strengths: ``[D, D]`` float64: row i, column j: largest absolute ∂ logit i / ∂ pixel j over the probes.
        order: ``[D]`` the pixel drawn first, second, ….
        output: the only one that was tested, whose row alone is not 0; None where all were.
    """

    strengths: np.ndarray
    order: np.ndarray
    output: int | None = None

    @property
    def sees(self) -> np.ndarray:
        """``[D, D]`` bool: output i (row) depends on pixel j (column)."""
        return self.strengths > 0

    @property
    def allowed(self) -> np.ndarray:
        """``[D, D]`` bool: pixel j (column) comes before pixel i (row)."""
        rank = np.argsort(self.order)
        return np.asarray(rank[None, :] < rank[:, None])

    @property
    def leaks(self) -> np.ndarray:
        """``[D, D]`` bool: seen without being allowed; all False in a model that is autoregressive."""
        return self.sees & ~self.allowed

    @property
    def missing(self) -> np.ndarray:
        """``[D, D]`` bool: allowed and not seen by a tested output, such as a blind spot."""
        missing = self.allowed & ~self.sees
        return missing if self.output is None else missing & (np.arange(len(self.order)) == self.output)[:, None]

    @property
    def remark(self) -> AutoregressiveError | None:
        """What a reader should be told, as a sentence: a leak, a single pixel, or nothing."""
        outputs = np.flatnonzero(self.leaks.any(1))
        if len(outputs):
            rank = np.argsort(self.order)
            first = int(outputs[np.argmin(rank[outputs])])
            return AutoregressiveError(LEAK, count=len(outputs), pixel=first)
        return AutoregressiveError(ONE_PIXEL) if len(self.order) == 1 else None


def dependencies(model: PixelModel, *, seed: int = 0, probes: int = PROBES, output: int | None = None) -> Dependencies:
    """Finds by gradient which pixels each output sees.

    A model is a function on real numbers too, so there is a gradient at random grey pictures, where no two terms
    cancel. It is taken in float64; the weights are the model's.

    Args:
        model: any; the model itself is not changed.
        seed: of the pictures (and of the labels, for a model with labels).
        probes: pictures.
        output: the only one to test; None for all.

    Raises:
        AutoregressiveError: if there is no such output.
    """
    if output is not None and not 0 <= output < model.num_pixels:
        raise AutoregressiveError(WRONG_SHAPE, expected=model.num_pixels, found=output + 1)
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(probes, model.num_pixels, generator=generator, dtype=torch.float64) * 2 - 0.5
    labels = torch.randint(model.num_classes, (probes,), generator=generator) if model.num_classes else None
    weights = {name: value.detach().double() for name, value in model.named_parameters()}
    x.requires_grad_()
    logits = torch.func.functional_call(model, weights, (x, labels))
    strengths = torch.zeros(model.num_pixels, model.num_pixels, dtype=torch.float64)
    for pixel in range(model.num_pixels) if output is None else (output,):
        if logits[:, pixel].requires_grad:
            (gradient,) = torch.autograd.grad(logits[:, pixel].sum(), x, retain_graph=True, allow_unused=True)
            if gradient is not None:
                strengths[pixel] = gradient.abs().amax(0)
    return Dependencies(strengths.numpy(), model.order.numpy(), output)


def receptive_field(
    layers: int, kernel: int, *, gated: bool = False, pixel: tuple[int, int], size: tuple[int, int]
) -> Bool[np.ndarray, "H W"]:
    """The pixels that a stack of masked convolutions can see, from the masks alone.

    Args:
        layers: masked convolutions: the first with mask A, the others with mask B.
        kernel: of each, odd and at least 3.
        gated: a vertical and a horizontal stack instead of one.
        pixel: (row, column) of the output.
        size: (height, width) of the picture.

    Returns:
        True where a pixel is seen, at most on the pixels before the output in raster order.

    Raises:
        AutoregressiveError: for an even kernel, no layer, or a pixel outside.
    """
    (row, column), (height, width) = pixel, size
    if layers < 1:
        raise AutoregressiveError(NO_LAYER, layers=layers)
    if kernel < 3 or kernel % 2 == 0:
        raise AutoregressiveError(EVEN_KERNEL, kernel=kernel)
    if not (0 <= row < height and 0 <= column < width):
        raise AutoregressiveError(NO_SUCH_PIXEL, row=row, column=column, height=height, width=width)
    here = np.zeros(size, dtype=bool)
    here[row, column] = True
    reach, sides = kernel // 2, range(-(kernel // 2), kernel // 2 + 1)
    left = [(0, step) for step in range(-reach, 0)]
    above = [(-up, side) for up in range(1, reach + 1) for side in sides]
    if not gated:
        for layer in range(layers, 0, -1):
            here = _spread(here, above + left + ([(0, 0)] if layer > 1 else []))
        return here
    horizontal, vertical = here, np.zeros(size, dtype=bool)
    for _ in range(layers - 1):
        vertical = _spread(vertical | horizontal, above + [(0, side) for side in sides])
        horizontal = _spread(horizontal, [*left, (0, 0)])
    return _spread(vertical | horizontal, above) | _spread(horizontal, left)


def blind_spot(
    layers: int, kernel: int, *, gated: bool = False, pixel: tuple[int, int], size: tuple[int, int]
) -> Bool[np.ndarray, "H W"]:
    """Pixels before the output that lie within reach of the kernels and are not seen all the same.

    Within reach: at most ``layers · (kernel // 2)`` rows above and columns to either side. Arguments and errors are
    :func:`receptive_field`'s.
    """
    seen = receptive_field(layers, kernel, gated=gated, pixel=pixel, size=size)
    rows, columns = np.indices(size)
    reach = layers * (kernel // 2)
    near = (abs(rows - pixel[0]) <= reach) & (abs(columns - pixel[1]) <= reach)
    before = rows * size[1] + columns < pixel[0] * size[1] + pixel[1]
    return np.asarray(near & before & ~seen)


def count_paths(model: MADE) -> np.ndarray:
    """Paths from each pixel to each output through a MADE's masks.

    Returns:
        ``[D, D]`` float64 (exact up to 2⁵³), row output, column pixel: the product of the mask matrices.
    """
    product: Tensor = torch.eye(model.num_pixels, dtype=torch.float64)
    for mask in model.masks():
        product = mask.double() @ product
    return product.numpy()


def trace_paths(model: MADE, pixel: int, output: int) -> tuple[np.ndarray, ...]:
    """The masks' entries that lie on a path from a pixel to an output.

    Returns:
        For each layer, bool of the mask's shape: the connections to light; all False without a path.

    Raises:
        AutoregressiveError: if there is no such pixel or output.
    """
    for index in (pixel, output):
        if not 0 <= index < model.num_pixels:
            raise AutoregressiveError(WRONG_SHAPE, expected=model.num_pixels, found=index + 1)
    masks = model.masks()
    reached = [torch.arange(model.num_pixels) == pixel]
    for mask in masks:
        reached.append((mask & reached[-1][None, :]).any(1))
    leads = [torch.arange(model.num_pixels) == output]
    for mask in reversed(masks):
        leads.insert(0, (mask & leads[0][:, None]).any(0))
    return tuple(
        (mask & reached[layer][None, :] & leads[layer + 1][:, None]).numpy() for layer, mask in enumerate(masks)
    )


def _spread(field: np.ndarray, offsets: list[tuple[int, int]]) -> np.ndarray:
    """The places that lie at one of the offsets from a place of the field, within the picture."""
    height, width = field.shape
    spread = np.zeros_like(field)
    rows, columns = np.nonzero(field)
    for down, right in offsets:
        r, c = rows + down, columns + right
        inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        spread[r[inside], c[inside]] = True
    return spread
