"""From maps to boxes: peaks, the best of them, and what their cells say. Every decision is kept.

Reference:
    Xingyi Zhou, Dequan Wang, Philipp Krähenbühl. Objects as Points. arXiv 1904.07850, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor

from vizcore.centernet.errors import CenterNetError

KERNEL: Final = 3
K: Final = 100


class Decoded(NamedTuple):
    """Boxes by decreasing score.

    Attributes:
        boxes: ``[k, 4]`` xyxy in cells.
        scores: ``[k]`` in [0, 1].
        labels: ``[k]`` class.
    """

    boxes: Float[Tensor, "k 4"]
    scores: Float[Tensor, " k"]
    labels: Int64[Tensor, " k"]


def find_peaks(heatmap: Float[Tensor, "C H W"], *, kernel: int = KERNEL) -> Bool[Tensor, "C H W"]:
    """Cells that no neighbour exceeds: a maximum of their class's map within ``kernel`` × ``kernel`` cells.

    Equal neighbours are all peaks; on a constant map every cell is one.

    Args:
        heatmap: probabilities.
        kernel: odd side of the neighbourhood, cells; 1 makes every cell a peak.

    Raises:
        CenterNetError: The kernel is not an odd number from 1 on.
    """
    if kernel < 1 or kernel % 2 == 0:
        raise CenterNetError("The kernel must be an odd number from 1 on; got {kernel}.", kernel=kernel)
    pooled = F.max_pool2d(heatmap[None], kernel, stride=1, padding=kernel // 2)[0]
    return heatmap == pooled


class Peaks(NamedTuple):
    """The best cells of a heatmap, by decreasing score.

    Attributes:
        scores: ``[k]`` in [0, 1]; 0 for cells that only fill up.
        labels: ``[k]`` class.
        cells: ``[k, 2]`` (x, y).
        chosen: ``[k]`` whether it is a peak at all.
    """

    scores: Float[Tensor, " k"]
    labels: Int64[Tensor, " k"]
    cells: Int64[Tensor, "k 2"]
    chosen: Bool[Tensor, " k"]


def best_peaks(heatmap: Float[Tensor, "C H W"], *, k: int = K, kernel: int = KERNEL) -> Peaks:
    """The k best peaks over all classes and cells, the part of :func:`decode` that needs the heatmap alone.

    Args:
        heatmap: probabilities in [0, 1].
        k: peaks; at most the number of cells and classes.
        kernel: of :func:`find_peaks`.

    Raises:
        CenterNetError: The heatmap holds what is not a number, or k or kernel cannot be used.
    """
    check_heatmap(heatmap, k)
    return _best(heatmap, find_peaks(heatmap, kernel=kernel), k)


def _best(heatmap: Float[Tensor, "C H W"], peaks: Bool[Tensor, "C H W"], k: int) -> Peaks:
    scores, places = torch.where(peaks, heatmap, 0.0).flatten().topk(k)
    labels, cells = _split(places, heatmap.shape)
    return Peaks(scores, labels, cells, peaks[labels, cells[:, 1], cells[:, 0]])


def decode(
    heatmap: Float[Tensor, "C H W"],
    offsets: Float[Tensor, "2 H W"] | None,
    sizes: Float[Tensor, "2 H W"],
    *,
    k: int = K,
    kernel: int = KERNEL,
) -> Decoded:
    """The k best peaks over all classes and cells, each made a box by what its cell says.

    If there are fewer peaks than k, the rest are cells that are no peaks, with score 0, as in the authors' code.

    Args:
        heatmap: probabilities in [0, 1].
        offsets: (x, y) of the centre within its cell, in cells; None takes the cell's corner, as without that head.
        sizes: (width, height) in cells.
        k: boxes; at most the number of cells and classes.
        kernel: of :func:`find_peaks`.

    Raises:
        CenterNetError: A map holds what is not a number or does not fit the others, or k or kernel cannot be used.
    """
    check_decodable(heatmap, offsets, sizes, k)
    scores, labels, cells, _ = best_peaks(heatmap, k=k, kernel=kernel)
    return Decoded(boxes_at(cells, offsets, sizes), scores, labels)


def check_decodable(
    heatmap: Float[Tensor, "C H W"],
    offsets: Float[Tensor, "2 H W"] | None,
    sizes: Float[Tensor, "2 H W"],
    k: int,
) -> None:
    """Refuses maps that decoding would answer with silence or nonsense.

    Raises:
        CenterNetError: A map is empty, holds what is not a number, does not fit the others, or k cannot be used.
    """
    check_heatmap(heatmap, k)
    for name, maps in (("offsets", offsets), ("sizes", sizes)):
        if maps is not None and maps.shape != (2, *heatmap.shape[1:]):
            raise CenterNetError(
                "The {name} must have the shape {wanted}; got {shape}.",
                name=name,
                wanted=[2, *heatmap.shape[1:]],
                shape=list(maps.shape),
            )


def check_heatmap(heatmap: Float[Tensor, "C H W"], k: int) -> None:
    """Refuses what has no k best cells.

    Raises:
        CenterNetError: The heatmap is empty or holds what is not a number from 0 to 1, or k cannot be used.
    """
    if not heatmap.numel():
        raise CenterNetError("The heatmap is empty: {shape}.", shape=list(heatmap.shape))
    if not bool(((heatmap >= 0) & (heatmap <= 1)).all()):
        raise CenterNetError("The {name} must hold numbers from 0 to 1.", name="heatmap")
    if not 1 <= k <= heatmap.numel():
        raise CenterNetError("k must be from 1 to {most}, the cells of all maps; got {k}.", most=heatmap.numel(), k=k)


def boxes_at(
    cells: Int64[Tensor, "k 2"], offsets: Float[Tensor, "2 H W"] | None, sizes: Float[Tensor, "2 H W"]
) -> Float[Tensor, "k 4"]:
    """Boxes xyxy in cells from what cells (x, y) say; a negative size, which a raw head may say, counts as 0."""
    x, y = cells.unbind(1)
    return boxes_around(cells, None if offsets is None else offsets[:, y, x].T, sizes[:, y, x].T)


def boxes_around(
    cells: Int64[Tensor, "k 2"], offsets: Float[Tensor, "k 2"] | None, sizes: Float[Tensor, "k 2"]
) -> Float[Tensor, "k 4"]:
    """The same from what is said at these cells alone."""
    centres = cells.to(sizes.dtype)
    if offsets is not None:
        centres = centres + offsets
    half = sizes.clamp(min=0) / 2
    return torch.cat([centres - half, centres + half], 1)


def _split(places: Tensor, shape: torch.Size) -> tuple[Tensor, Tensor]:
    """Places in a flattened ``[C, H, W]`` → class, and cell (x, y)."""
    _, height, width = shape
    labels = torch.div(places, height * width, rounding_mode="floor")
    rest = places % (height * width)
    return labels, torch.stack([rest % width, torch.div(rest, width, rounding_mode="floor")], 1)


@dataclass(frozen=True, eq=False)
class DecodeTrace:
    """A decoding, decision by decision.

    Attributes:
        kernel: side of the neighbourhood, cells.
        heatmap: ``[C, H, W]`` probabilities.
        is_peak: ``[C, H, W]`` whether a cell is the greatest of its neighbourhood.
        num_peaks: peaks over all classes; those beyond k are lost.
        ties: ``[k]`` whether an equal neighbour is a peak too (a plateau keeps both).
        scores: ``[k]`` by decreasing score.
        labels: ``[k]`` class.
        cells: ``[k, 2]`` (x, y).
        chosen: ``[k]`` whether it is a peak at all, not a cell that fills up.
        offsets: ``[k, 2]`` (x, y) in cells; 0 if the offset head is off.
        sizes: ``[k, 2]`` (width, height) in cells, as said; negative ones count as 0 in the box.
        boxes: ``[k, 4]`` xyxy, cells.
        rivals: ``[k]`` value of the greatest neighbour within the kernel, the cell itself left out; -inf for kernel 1.
    """

    kernel: int
    heatmap: Float32[np.ndarray, "C H W"]
    is_peak: Bool[np.ndarray, "C H W"]
    num_peaks: int
    ties: Bool[np.ndarray, " k"]
    scores: Float32[np.ndarray, " k"]
    labels: Int64[np.ndarray, " k"]
    cells: Int64[np.ndarray, "k 2"]
    chosen: Bool[np.ndarray, " k"]
    offsets: Float32[np.ndarray, "k 2"]
    sizes: Float32[np.ndarray, "k 2"]
    boxes: Float32[np.ndarray, "k 4"]
    rivals: Float32[np.ndarray, " k"]


def trace_decode(
    heatmap: Float[Tensor, "C H W"],
    offsets: Float[Tensor, "2 H W"] | None,
    sizes: Float[Tensor, "2 H W"],
    k: int = K,
    *,
    kernel: int = KERNEL,
) -> DecodeTrace:
    """Records :func:`decode`; the arguments and errors are the same."""
    check_decodable(heatmap, offsets, sizes, k)
    peaks = find_peaks(heatmap, kernel=kernel)
    scores, labels, cells, chosen = _best(heatmap, peaks, k)
    x, y = cells.unbind(1)
    reach = kernel // 2
    padded = F.pad(heatmap, (reach,) * 4, value=-torch.inf)
    steps = torch.arange(kernel)
    around = padded[labels[:, None, None], (y[:, None] + steps)[:, :, None], (x[:, None] + steps)[:, None, :]]
    around = around.flatten(1).clone()
    around[:, kernel * kernel // 2] = -torch.inf
    rivals = around.amax(1)

    def array(x: Tensor) -> np.ndarray:
        return x.detach().cpu().numpy()

    return DecodeTrace(
        kernel=kernel,
        heatmap=array(heatmap.float()),
        is_peak=array(peaks),
        num_peaks=int(peaks.sum()),
        ties=array(chosen & (rivals == heatmap[labels, y, x])),
        scores=array(scores.float()),
        labels=array(labels),
        cells=array(cells),
        chosen=array(chosen),
        offsets=np.zeros((k, 2), np.float32) if offsets is None else array(offsets[:, y, x].T.float()),
        sizes=array(sizes[:, y, x].T.float()),
        boxes=array(boxes_at(cells, offsets, sizes).float()),
        rivals=array(rivals.float()),
    )
