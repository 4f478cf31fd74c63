"""Where each output pixel comes from: an operator's exact linear map, and the transposed convolution read twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, Real
from torch import Tensor

from vizcore.upsampling.checks import UpsamplingError
from vizcore.upsampling.kernels import named_kernel
from vizcore.upsampling.operators import upsample
from vizcore.upsampling.pooling import max_pool

MAX_MAP_ENTRIES = 1 << 22

Grid = Real[Tensor, "H W"] | Real[np.ndarray, "H W"] | Sequence[Sequence[float]]
"""Numbers in rows and columns."""


@dataclass(frozen=True, eq=False)
class UpsamplingTrace:
    """One operator on one grid, and which input cell made which output cell.

    Attributes:
        method: The operator.
        options: Its options as given.
        input: ``[H, W]`` the grid.
        output: ``[H2, W2]`` what torch returned.
        weights: ``[H2, W2, H, W]``; ``output[r, c] = offset[r, c] + sum(weights[r, c] * input)``. For ``max_unpool``
            the map holds for this input only: other numbers may put the maxima elsewhere.
        offset: ``[H2, W2]`` what the operator gives for zeros: its bias, else 0.
    """

    method: str
    options: Mapping[str, Any]
    input: np.ndarray
    output: np.ndarray
    weights: np.ndarray
    offset: np.ndarray

    @property
    def is_binary(self) -> bool:
        """Whether the grid holds only zeros and ones."""
        return set(self.input.ravel().tolist()) <= {0.0, 1.0}

    @property
    def overshoots(self) -> bool:
        """Whether the output is somewhere above everything in the grid, by more than rounding."""
        return bool(self.output.max() > self.input.max() + 1e-9)


@dataclass(frozen=True, eq=False)
class ScatterTrace:
    """A transposed convolution read in two ways that give the same numbers.

    Attributes:
        input: ``[H, W]``.
        kernel: ``[KH, KW]``.
        stamps: ``[H * W, H2, W2]`` what each input cell, in reading order, adds to the output; they sum to ``output``.
        output: ``[H2, W2]`` of ``conv_transpose2d``.
        inserted: ``[H3, W3]`` the grid with stride - 1 zeros between its cells and the padding around, ready for a
            plain convolution with stride 1.
        flipped_kernel: ``[K, K]`` the kernel that convolution uses: rotated by 180°, its dilation written out as zeros.
        convolved: ``[H2, W2]`` of ``conv2d(inserted, flipped_kernel)``.
    """

    input: np.ndarray
    kernel: np.ndarray
    stamps: np.ndarray
    output: np.ndarray
    inserted: np.ndarray
    flipped_kernel: np.ndarray
    convolved: np.ndarray

    @property
    def difference(self) -> float:
        """Largest difference between the two readings: rounding."""
        return float(np.abs(self.output - self.convolved).max())


def check_grid(grid: Grid) -> Float64[Tensor, "H W"]:
    """Returns the grid in float64, or says what is wrong with it.

    Args:
        grid: Numbers in rows and columns.

    Returns:
        The same numbers as float64.

    Raises:
        UpsamplingError: If it is not two-dimensional, is empty, or holds NaN or infinity.
    """
    values = torch.as_tensor(grid, dtype=torch.float64)
    if values.ndim != 2 or values.numel() == 0:
        raise UpsamplingError(
            "The grid must have at least one row and one column; its shape is {shape}.", shape=tuple(values.shape)
        )
    bad = (~values.isfinite()).nonzero()
    if len(bad):
        raise UpsamplingError(
            "The grid holds no number in row {row}, column {column}: it is NaN or infinite.",
            row=int(bad[0][0]) + 1,
            column=int(bad[0][1]) + 1,
        )
    return values


def trace_upsampling(method: str, grid: Grid, **options: Any) -> UpsamplingTrace:
    """Runs an operator and finds its linear map by sending every unit grid through it in one batch.

    The map is measured, not derived, so it is true for every option that torch knows.

    Args:
        method: One of ``METHODS``.
        grid: The input. ``pixel_shuffle`` reads it as its r² channels laid out as r × r tiles, in reading order, and
            ``pixel_unshuffle`` lays its r² channels out in the same way, so that one undoes the other.
        **options: As for ``upsample``; ``weight`` may also be one kernel ``[KH, KW]`` as an array.

    Returns:
        Output and map, in float64.

    Raises:
        UpsamplingError: If the grid or an option is refused, or the map would be larger than ``MAX_MAP_ENTRIES``.
    """
    values = check_grid(grid)
    height, width = values.shape
    if isinstance(options.get("weight"), np.ndarray):
        options = {**options, "weight": torch.from_numpy(options["weight"]).double()[None, None]}
    if height * width * max(height * width, _output_area(method, height, width, options)) > MAX_MAP_ENTRIES:
        raise UpsamplingError(
            "From {height}×{width} with these options the map would need more than {limit} weights; "
            "take a smaller grid or a smaller factor.",
            height=height,
            width=width,
            limit=MAX_MAP_ENTRIES,
        )
    if method == "max_unpool" and options.get("indices") is None:
        # The places of the maxima are decided by this grid; with them fixed the rest is linear.
        pool = {name: options[name] for name in ("kernel_size", "stride", "padding") if name in options}
        output = _run(method, values[None], options)[0]
        pooled, indices = max_pool(values[None, None], **pool)
        source = torch.zeros((pooled.numel(), height * width), dtype=torch.float64)
        source[torch.arange(pooled.numel()), indices.flatten()] = 1.0
        units = torch.eye(pooled.numel(), dtype=torch.float64).reshape(-1, 1, *pooled.shape[2:])
        fixed = {**options, "indices": indices.expand(len(units), -1, -1, -1)}
        fixed.setdefault("output_size", (height, width))
        from_maxima = upsample(method, units, **fixed)[:, 0]
        weights = torch.einsum("phw,pi->hwi", from_maxima, source)
        offset = torch.zeros_like(output)
    else:
        if options.get("indices") is not None:
            options = {**options, "indices": options["indices"].reshape(1, 1, height, width)}
        output = _run(method, values[None], options)[0]
        units = torch.eye(height * width, dtype=torch.float64).reshape(-1, height, width)
        offset = _run(method, torch.zeros_like(values)[None], options)[0]
        weights = (_run(method, units, options) - offset).permute(1, 2, 0)
    return UpsamplingTrace(
        method=method,
        options=dict(options),
        input=values.numpy(),
        output=output.numpy(),
        weights=weights.reshape(*output.shape, height, width).contiguous().numpy(),
        offset=offset.numpy(),
    )


def _output_area(method: str, height: int, width: int, options: Mapping[str, Any]) -> int:
    """A cheap upper guess of the output's area, so that a factor of 1000 is refused before anything is computed."""
    size = options.get("size")
    if isinstance(size, (int, tuple, list)):
        sides = (size, size) if isinstance(size, int) else tuple(size)
        return int(np.prod(sides)) if all(isinstance(side, int) for side in sides) else 0
    for name in ("scale_factor", "upscale_factor", "stride"):
        factor = options.get(name)
        if factor is not None and method not in ("pixel_shuffle", "max_unpool"):
            factors = factor if isinstance(factor, (tuple, list)) else (factor, factor)
            if all(isinstance(value, (int, float)) and 0 < value < 1e6 for value in factors):
                return int(height * width * float(np.prod(factors)))
            if all(isinstance(value, (int, float)) and value > 0 for value in factors):
                return MAX_MAP_ENTRIES + 1
    return 0


def _run(method: str, grids: Float[Tensor, "B H W"], options: Mapping[str, Any]) -> Float[Tensor, "B H2 W2"]:
    """One plane in, one plane out; the two shuffles have their channels laid out as tiles."""
    batch, height, width = grids.shape
    if method == "pixel_shuffle":
        factor = options.get("upscale_factor")
        if isinstance(factor, int) and factor > 0:
            if height % factor or width % factor:
                raise UpsamplingError(
                    "PixelShuffle reads the grid as {factor}×{factor} tiles, one for each channel, "
                    "and {height}×{width} does not divide.",
                    factor=factor,
                    height=height,
                    width=width,
                )
            tiles = grids.reshape(batch, factor, height // factor, factor, width // factor)
            return upsample(method, tiles.permute(0, 1, 3, 2, 4).flatten(1, 2), **options)[:, 0]
    if options.get("indices") is not None:
        options = {**options, "indices": options["indices"].expand(batch, -1, -1, -1)}
    out = upsample(method, grids[:, None], **options)
    if method == "pixel_unshuffle":
        factor = options["downscale_factor"]
        tiles = out.reshape(batch, factor, factor, height // factor, width // factor)
        return tiles.permute(0, 1, 3, 2, 4).reshape(batch, height, width)
    if out.shape[1] != 1:
        raise UpsamplingError(
            "A single grid can show one output channel; this weight makes {channels}.", channels=out.shape[1]
        )
    return out[:, 0]


def trace_scatter(
    grid: Grid,
    *,
    weight: Float[Tensor, "KH KW"] | Float[np.ndarray, "KH KW"] | str = "constant",
    kernel_size: int | tuple[int, int] | None = None,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
    seed: int = 0,
) -> ScatterTrace:
    """Shows a transposed convolution as stamping and as a plain convolution over a grid with zeros put in.

    Args:
        grid: The input.
        weight: The kernel, or its name.
        kernel_size: Needed with a name.
        stride: Distance between two stamps; stride - 1 zeros stand between two cells.
        padding: How many rows and columns are cut off each side of the output.
        output_padding: Rows and columns added at the bottom and right.
        dilation: Distance between the kernel's entries.
        seed: For the kernels ``random`` and ``icnr``.

    Returns:
        Every stamp, the grid with zeros, and both outputs.

    Raises:
        UpsamplingError: As ``upsample("conv_transpose")``.

    Reference:
        Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285. Their padding is
        that of the convolution which the layer transposes, as is torch's.
    """
    values = check_grid(grid)
    if isinstance(weight, str):
        if kernel_size is None:
            raise UpsamplingError("A kernel given by name needs kernel_size.")
        size = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        kernel = named_kernel(weight, size, seed=seed)[0]
    else:
        kernel = torch.as_tensor(weight, dtype=torch.float64)
    options = {
        "stride": stride,
        "padding": padding,
        "output_padding": output_padding,
        "dilation": dilation,
        "weight": kernel[None, None],
    }
    trace = trace_upsampling("conv_transpose", values, **options)
    stamps = np.moveaxis((trace.weights * trace.input).reshape(*trace.output.shape, -1), -1, 0)

    height, width = values.shape
    spread = torch.zeros(
        (dilation * (kernel.shape[0] - 1) + 1, dilation * (kernel.shape[1] - 1) + 1), dtype=torch.float64
    )
    spread[::dilation, ::dilation] = kernel.flip(0, 1)
    inserted = torch.zeros(((height - 1) * stride + 1, (width - 1) * stride + 1), dtype=torch.float64)
    inserted[::stride, ::stride] = values
    border = [side - 1 - padding + extra for side in reversed(spread.shape) for extra in (0, output_padding)]
    # A padding larger than the kernel cuts cells away: F.pad takes negative numbers for that.
    inserted = F.pad(inserted, border)
    convolved = F.conv2d(inserted[None, None], spread[None, None])[0, 0]
    return ScatterTrace(
        input=trace.input,
        kernel=kernel.numpy(),
        stamps=stamps,
        output=trace.output,
        inserted=inserted.numpy(),
        flipped_kernel=spread.numpy(),
        convolved=convolved.numpy(),
    )
