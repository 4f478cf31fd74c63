"""What the upsampling page shows: every link parameter once, and the frozen view that is read from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pages.kit import link
from pages.kit.live import said
from pages.kit.loaders import find_job
from pages.kit.page import Page
from pages.kit.pictures import Picture, photo_parameter, read_photo
from vizcore import upsampling

PARTS = ("grids", "shapes", "checkerboard", "corners", "photo", "learn", "decoder")
LARGEST_GRID = 8
LEARNED = "learned"
"""The kernel that a training of this session ended with."""
TRAINING = "training"
"""Name of the job that trains the four layers."""
MOST_STEPS = 4096

PART = link.choice("part", PARTS, "grids")

SIZE = link.choice("size", tuple(str(size) for size in range(1, LARGEST_GRID + 1)), "4")
GRIDS = {
    size: link.numbers(
        "grid", (size, size), upsampling.preset_grid("ramp", size).tolist(), limit=1e6, most=LARGEST_GRID
    )
    for size in range(1, LARGEST_GRID + 1)
}
"""One parameter, ``grid``, in each size that it can have."""
METHODS = link.choices(
    "methods",
    upsampling.METHODS,
    ("nearest", "bilinear", "bicubic", "conv_transpose", "pixel_shuffle", "max_unpool"),
)
TARGET = link.choice("target", ("scale_factor", "size"), "scale_factor")
SCALE_FACTOR = link.number("scale_factor", 0.1, 1000.0, 2.0)
OUT_SIZE = link.number("out_size", 0, 64, 8, step=1)
ALIGN_CORNERS = link.flag("align_corners", False)
ANTIALIAS = link.flag("antialias", False)
UPSCALE_FACTOR = link.number("upscale_factor", 1, 4, 2, step=1)
POOL = link.number("pool", 1, 4, 2, step=1)
RATE = link.number("rate", 1, 4, 2, step=1)
ICNR = link.flag("icnr", True)
SEED = link.number("seed", 0, 9999, 0, step=1)

KERNEL_SIZE = link.number("kernel_size", 1, 8, 3, step=1)
STRIDE = link.number("stride", 1, 4, 2, step=1)
PADDING = link.number("padding", 0, 6, 0, step=1)
OUTPUT_PADDING = link.number("output_padding", 0, 3, 0, step=1)
DILATION = link.number("dilation", 1, 3, 1, step=1)
WEIGHT = link.choice("weight", ("constant", "bilinear", "random", LEARNED), "constant")

IN_SIZE = link.number("in_size", 1, 8, 4, step=1)
READING = link.choice("reading", ("scatter", "convolution"), "scatter")
STEP = link.number("step", 0, MOST_STEPS, 4, step=1)
FACTOR = link.number("factor", 2, 4, 2, step=1)

NUM_LAYERS = link.number("num_layers", 1, 3, 1, step=1)
DIMS = link.choice("dims", ("1", "2"), "2")
DILATIONS = link.choice("dilations", ("1", "2", "2.2.2", "1.2.3", "1.2.4", "1.2.5", "2.4.8", "1.1.1.1"), "2.2.2")

RULER_IN = link.number("ruler_in", 1, 12, 4, step=1)
RULER_OUT = link.number("ruler_out", 1, 16, 8, step=1)
BETWEEN = link.number("between", 0.25, 3.0, 0.75, step=0.05)
NUM_ROUNDS = link.number("num_rounds", 1, 24, 8, step=1)

PHOTO = photo_parameter("chelsea")
DOWNSAMPLING = link.choice("downsampling", upsampling.DOWNSAMPLINGS, "area")
PHOTO_FACTOR = link.choice("photo_factor", ("2", "3", "4", "8"), "4")
DIFFERENCES = link.flag("differences", False)
SMALL = "small"
"""The small picture itself, enlarged without anything computed."""
COMPARE = link.choice("compare", (SMALL, *upsampling.RESTORATIONS), "bicubic")

NUM_STEPS = link.number("num_steps", 50, 1000, 300, step=50)
RESIDUAL = link.flag("residual", False)

SKIP = link.flag("skip", True)


def snapshot(run: upsampling.TrainingRun) -> link.Parameter:
    """Which state of a training is looked at; the last where the link is silent."""
    final = len(run.snapshots) - 1
    return link.number("snapshot", 0, final, final, step=1)


@dataclass(frozen=True, eq=False)
class View:
    """What the page shows.

    Attributes:
        part: which part of the page.
        size: rows and columns of the grid.
        grid: its numbers, row by row.
        methods: the operators shown on it.
        target: whether the output is given by ``scale_factor`` or by ``size``.
        scale_factor: the one.
        out_size: the other.
        align_corners: of bilinear and bicubic.
        antialias: likewise.
        upscale_factor: r of PixelShuffle and its kin.
        pool: window of max pooling.
        rate: dilation of the dilated convolution.
        icnr: whether the sub-pixel convolution begins with ICNR.
        seed: of every random kernel and of the training.
        kernel_size: of the transposed convolution, as its control has it.
        stride: likewise.
        padding: likewise.
        output_padding: likewise.
        dilation: likewise.
        weight: name of its kernel.
        learned: ``[K, K]`` the kernel that a training of this session ended with; None before.
        in_size: rows and columns of the grid that is stamped.
        reading: how a transposed convolution is read.
        step: where the stepper stands.
        factor: by which the layers that are looked for multiply every size.
        num_layers: transposed convolutions behind one another.
        dims: dimensions of the overlap, 1 or 2.
        dilations: of a stack of convolutions.
        ruler_in: input pixels on the ruler.
        ruler_out: output pixels on it.
        between: size in between, as a factor, when resizing there and back.
        num_rounds: how often.
        picture: the photo that is restored, or that judges a training.
        downsampling: how it was made smaller.
        photo_factor: by how much.
        differences: whether differences are shown in place of pictures.
        compare: what lies under the original, one of ``RESTORATIONS`` or ``SMALL``.
        num_steps: of a training.
        residual: whether the networks learn only what bicubic misses.
        skip: whether the decoder has skip connections.
    """

    part: str
    size: int
    grid: tuple[tuple[float, ...], ...]
    methods: tuple[str, ...]
    target: str
    scale_factor: float
    out_size: int
    align_corners: bool
    antialias: bool
    upscale_factor: int
    pool: int
    rate: int
    icnr: bool
    seed: int
    kernel_size: int
    stride: int
    padding: int
    output_padding: int
    dilation: int
    weight: str
    learned: np.ndarray | None
    in_size: int
    reading: str
    step: int
    factor: int
    num_layers: int
    dims: int
    dilations: tuple[int, ...]
    ruler_in: int
    ruler_out: int
    between: float
    num_rounds: int
    picture: Picture
    downsampling: str
    photo_factor: int
    differences: bool
    compare: str
    num_steps: int
    residual: bool
    skip: bool

    @property
    def layer(self) -> dict[str, int]:
        """The numbers of the transposed convolution; a learned kernel brings its own size."""
        learned = self.learned if self.weight == LEARNED else None
        return {
            "kernel_size": self.kernel_size if learned is None else len(learned),
            "stride": self.stride,
            "padding": self.padding,
            "output_padding": self.output_padding,
            "dilation": self.dilation,
        }

    @property
    def transposed(self) -> dict[str, Any]:
        """The options of the transposed convolution, its kernel with them."""
        if self.weight != LEARNED or self.learned is None:
            return {**self.layer, "weight": self.weight, "seed": self.seed}
        numbers = {name: value for name, value in self.layer.items() if name != "kernel_size"}
        return {**numbers, "weight": self.learned}


def read(page: Page) -> View:
    """The view as link, controls and pieces have it now."""
    run = training_run(page)
    part = page.value(PART)
    size, grid = _read_grid(page)
    before = (METHODS, TARGET, SCALE_FACTOR, OUT_SIZE, ALIGN_CORNERS, ANTIALIAS, UPSCALE_FACTOR, POOL, RATE, ICNR, SEED)
    layer = (KERNEL_SIZE, STRIDE, PADDING, OUTPUT_PADDING, DILATION)
    chosen = page.values(*before, *layer)
    chosen["methods"] = tuple(chosen["methods"])
    weight = _read_weight(page, run)
    scatter = page.values(IN_SIZE, READING, STEP, FACTOR)
    checkerboard = page.values(NUM_LAYERS, DIMS, DILATIONS)
    corners = page.values(RULER_IN, RULER_OUT, BETWEEN, NUM_ROUNDS)
    picture = read_photo(page, PHOTO)
    photo = page.values(DOWNSAMPLING, PHOTO_FACTOR, DIFFERENCES, COMPARE)
    others = page.values(NUM_STEPS, RESIDUAL, SKIP)
    if run is None:
        page.incoming.pop("snapshot", None)  # the training stayed in the session that the link comes from
    else:
        page.value(snapshot(run))
    return View(
        part=part,
        size=size,
        grid=grid,
        **chosen,
        weight=weight,
        learned=None if run is None else upsampling.learned_kernel(run),
        **scatter,
        num_layers=checkerboard["num_layers"],
        dims=int(checkerboard["dims"]),
        dilations=tuple(map(int, checkerboard["dilations"].split("."))),
        **corners,
        picture=picture,
        downsampling=photo["downsampling"],
        photo_factor=int(photo["photo_factor"]),
        differences=photo["differences"],
        compare=photo["compare"],
        **others,
    )


def training_run(page: Page) -> upsampling.TrainingRun | None:
    """The training of this session, once it ended with a result."""
    job = find_job(page, TRAINING)
    result: upsampling.TrainingRun | None = None if job is None else job.result
    return result


def kernels(learned: object | None) -> tuple[str, ...]:
    """The kernels on offer; a learned one only once something was learned."""
    return tuple(name for name in WEIGHT.options if name != LEARNED or learned is not None)


def grids_key(page: Page) -> str:
    """Key of the piece in which the grid is edited."""
    return page.key("grids")


def grid_version(page: Page, size: int) -> str:
    """Another value tells the browser to take the grid over."""
    return f"{size}.{page.version('grid')}"


def _read_grid(page: Page) -> tuple[int, tuple[tuple[float, ...], ...]]:
    """Size and numbers; what was typed into the cells stands until the grid is replaced from outside."""
    size = int(page.value(SIZE))
    parameter = GRIDS[size]
    grid = page.value(parameter)
    heard = said(grids_key(page))
    if heard.get("version") == grid_version(page, size) and heard.get("grid") is not None:
        page.store(parameter, heard["grid"])
        grid = page.value(parameter)
    return size, tuple(tuple(row) for row in grid)


def _read_weight(page: Page, run: upsampling.TrainingRun | None) -> str:
    """The kernel; one that was learned elsewhere gives way to the default."""
    if run is None and page.incoming.get(WEIGHT.name) == LEARNED:
        page.notices.append(
            page.translate(
                "The link’s value for “{name}” cannot be used; the default stands instead.", name=WEIGHT.name
            )
        )
    return str(page.value(WEIGHT, among=kernels(run)))
