"""Why a pyramid's levels are smoothed before they are sampled: what plain subsampling invents.

Halving a picture leaves room for at most half a period per new pixel. Stripes finer than that must vanish; if they are
merely sampled, they come back as broad stripes that the photo does not have. A grating of known frequency measures it:
the amplitude that is left after halving, against the amplitude that went in.

Reference:
    Peter Burt, Edward Adelson. The Laplacian pyramid as a compact image code. IEEE Transactions on Communications,
    1983.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

METHODS = ("subsampled", "antialiased", "gaussian")
SIDE = 256
_MARGIN, _PHASES, _ROWS = 8, 8, 32


@dataclass(frozen=True, eq=False)
class AliasingTrace:
    """Gratings and a zone plate, halved in three ways.

    Attributes:
        frequencies: ``[K]`` periods per pixel of the gratings before halving, rising to almost 0.5.
        amplitudes: ``[K]`` for each method: what is left of an amplitude of 1.
        pictures: ``[128, 128]`` in [-1, 1] for each method: a zone plate, halved. Its stripes narrow from the centre
            outwards and reach 0.5 periods per pixel of the original at the edges' middles.
    """

    frequencies: Float[np.ndarray, " K"]
    amplitudes: dict[str, Float[np.ndarray, " K"]]
    pictures: dict[str, Float[np.ndarray, "128 128"]]

    @property
    def limit(self) -> float:
        """Periods per pixel above which a halved picture has no room for a grating."""
        return 0.25

    def left_above_limit(self, method: str) -> float:
        """Mean amplitude that a method leaves of the gratings above the limit, of 1 each."""
        return float(self.amplitudes[method][self.frequencies > self.limit].mean())


def halve(picture: Float[np.ndarray, "H W"], method: str) -> Float[np.ndarray, "H2 W2"]:
    """Halves a picture with even sides.

    Args:
        picture: any range.
        method: ``subsampled`` takes every other pixel; ``antialiased`` is torch's bilinear filter stretched to the new
            pixels, which is what the levels of our pyramid are made with; ``gaussian`` is scikit-image's
            ``pyramid_reduce`` (σ = 2/3 of a pixel, then linear interpolation).
    """
    if method == "subsampled":
        return picture[::2, ::2]
    if method == "gaussian":
        from skimage.transform import pyramid_reduce

        reduced: np.ndarray = pyramid_reduce(picture, downscale=2, preserve_range=True)
        return reduced
    if method != "antialiased":
        raise ValueError(f"unknown method {method!r}")
    size = [side // 2 for side in picture.shape]
    image: Tensor = torch.from_numpy(np.ascontiguousarray(picture))[None, None]
    return F.interpolate(image, size, mode="bilinear", antialias=True, align_corners=False)[0, 0].numpy()


def trace_aliasing(*, num_frequencies: int = 40) -> AliasingTrace:
    """Measures what each way of halving leaves of gratings, and what it makes of a zone plate."""
    position = np.arange(SIDE, dtype=np.float64)
    frequencies = np.linspace(0.01, 0.49, num_frequencies)
    amplitudes: dict[str, list[float]] = {method: [] for method in METHODS}
    for frequency in frequencies:
        # A band of rows a phase: the mean square over even phases is half the squared amplitude, wherever samples fall.
        phases = np.repeat(np.arange(_PHASES) * np.pi / _PHASES, _ROWS)
        gratings = np.cos(2 * np.pi * frequency * position + phases[:, None])
        for method in METHODS:
            # The rows in the middle of each phase's band are far enough from the next band not to mix with it.
            rows = halve(gratings, method)[_ROWS // 4 :: _ROWS // 2, _MARGIN:-_MARGIN]
            amplitudes[method].append(float(np.sqrt(2 * (rows**2).mean())))
    across, down = np.meshgrid(position - SIDE / 2 + 0.5, position - SIDE / 2 + 0.5)
    zone_plate = np.cos(np.pi * (across**2 + down**2) / SIDE)  # periods per pixel: distance from the centre / 256
    return AliasingTrace(
        frequencies=frequencies,
        amplitudes={method: np.array(values) for method, values in amplitudes.items()},
        pictures={method: np.clip(halve(zone_plate, method), -1, 1) for method in METHODS},
    )
