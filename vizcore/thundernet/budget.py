"""Where a detector's parameters, multiply-adds and milliseconds go, block by block.

Reference:
    Zheng Qin et al. ThunderNet. ICCV 2019, arXiv 1903.11752. The paper's own figures (``PAPER``) count what its
    authors counted on their machines; they stand beside ours and are never mixed with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

import torch

from vizcore import costs
from vizcore.costs import Cost
from vizcore.models.snet import SNETS, SNet, snet
from vizcore.models.thundernet import BINS, CONTEXT_CHANNELS, STRIDE, ThunderNet, ThunderNetConfig
from vizcore.thundernet.errors import ThunderNetError

BLOCKS: Final = ("backbone", "cem", "rpn", "sam", "pooling", "head")
"""In the order in which a picture passes them."""
INPUT_SIZES: Final = (192, 224, 256, 288, 320, 352, 384, 416, 448, 480)
HEAD_CHANNELS: Final = (256, 512, 1024, 2048)
NUM_REGIONS: Final = 200
"""That are judged in one picture: the paper's number when testing."""


@dataclass(frozen=True)
class Design:
    """A detector as the switches of the budget board have it; the defaults are the paper's SNet146 at 320 pixels.

    Attributes:
        backbone: one of ``SNETS``.
        kernel: side of the backbone's depth-wise kernels, 3 or 5.
        input_size: side of the square picture, pixels: a multiple of 32.
        cem: context enhancement.
        compressed: the compressed RPN, else the plain one.
        sam: spatial attention.
        position_sensitive: position-sensitive pooling, else plain RoIAlign.
        head_channels: width of the layer that judges regions.
        num_regions: regions that are judged.
    """

    backbone: str = "snet146"
    kernel: int = 5
    input_size: int = 320
    cem: bool = True
    compressed: bool = True
    sam: bool = True
    position_sensitive: bool = True
    head_channels: int = 1024
    num_regions: int = NUM_REGIONS

    def __post_init__(self) -> None:
        """Refuses what cannot be built.

        Raises:
            ThunderNetError: If a part has no such form.
        """
        if self.backbone not in SNETS or self.kernel not in (3, 5):
            raise ThunderNetError(
                "There is no backbone {backbone} with {kernel}×{kernel} kernels.",
                backbone=self.backbone,
                kernel=self.kernel,
            )
        if self.input_size % 32 or not 32 <= self.input_size <= 1024:
            raise ThunderNetError(
                "The input’s side must be a multiple of 32 pixels, 32 to 1024; got {size}.", size=self.input_size
            )
        if self.head_channels < 1 or self.num_regions < 1:
            raise ThunderNetError("The head needs at least one channel and one region.")

    @property
    def part(self) -> ThunderNetConfig:
        """What the detection part is built from."""
        return ThunderNetConfig(self.cem, self.compressed, self.sam, self.position_sensitive, self.head_channels)


@dataclass(frozen=True)
class Budget:
    """What a design costs.

    Attributes:
        design: which one.
        blocks: of each block that it has, by the names in ``BLOCKS``, in their order. Pooling only adds and blends: it
            has no multiply-adds of a layer, but it takes time.
    """

    design: Design
    blocks: Mapping[str, Cost]

    @property
    def total(self) -> Cost:
        """All blocks together; seconds too, if all were measured."""
        cost = costs.total(self.blocks)
        seconds = [block.seconds for block in self.blocks.values()]
        known = [second for second in seconds if second is not None]
        whole = sum(known) if len(known) == len(seconds) else None
        return Cost(cost.parameters, cost.multiply_adds, cost.activation_bytes, whole)

    def share(self, block: str, kind: str = "multiply_adds") -> float:
        """A block's share of the whole, in [0, 1]; 0 where the design does without it, or nothing was measured.

        Args:
            block: one of ``BLOCKS``.
            kind: ``"parameters"``, ``"multiply_adds"`` or ``"seconds"``.
        """
        whole = getattr(self.total, kind)
        return float(getattr(self.blocks[block], kind) or 0) / whole if whole and block in self.blocks else 0.0


class PaperFigure(NamedTuple):
    """A detector as the paper reports it.

    Attributes:
        backbone: one of ``SNETS``.
        multiply_adds: of the whole detector at 320 pixels.
        ap: average precision on COCO's test set, in [0, 1]; of SNet49 that of the paper's second version.
        voc: mean average precision on Pascal VOC 2007, in [0, 1].
    """

    backbone: str
    multiply_adds: float
    ap: float
    voc: float


PAPER: Final = MappingProxyType(
    {
        "snet49": PaperFigure("snet49", 262e6, 0.192, 0.701),
        "snet146": PaperFigure("snet146", 473e6, 0.236, 0.751),
        "snet535": PaperFigure("snet535", 1300e6, 0.281, 0.786),
    }
)
"""What the paper says of its detectors; not computed here."""


def build(design: Design, *, seed: int = 0) -> ThunderNet:
    """The untrained detector of a design, in eval mode: what it costs does not depend on its weights."""
    backbone = snet(design.backbone, kernel=design.kernel)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ThunderNet(backbone, backbone.channels, design.part)
    return network.eval().requires_grad_(False)


def count_budget(design: Design) -> Budget:
    """Counts each block's parameters, multiply-adds and activations; nothing is computed.

    Args:
        design: which detector.
    """
    with torch.device("meta"):
        network = build(design)
        picture = torch.empty(1, 3, design.input_size, design.input_size)
        regions = torch.empty(design.num_regions, 5)
    parts = costs.count(network, picture, regions).by_part(_block_of)
    return Budget(design, {block: parts.get(block, Cost()) for block in BLOCKS if block != "sam" or design.sam})


def measure_budget(
    design: Design, *, repeats: int = 3, report: Callable[[float], None] | None = None, seed: int = 0
) -> Budget:
    """Counts, and measures each block's milliseconds on this machine: :func:`measure_budgets` of one design."""
    (budget,) = measure_budgets((design,), repeats=repeats, report=report, seed=seed)
    return budget


def measure_budgets(
    designs: Sequence[Design], *, repeats: int = 3, report: Callable[[float], None] | None = None, seed: int = 0
) -> tuple[Budget, ...]:
    """Counts, and measures each block's milliseconds on this machine: the least of some runs.

    All blocks of all designs take turns, so that a busy moment strikes them alike.

    Args:
        designs: which detectors.
        repeats: runs of each block.
        report: called with the share that is done.
        seed: of weights and inputs.
    """
    counted = [count_budget(design) for design in designs]
    runs = [_runs(build(design, seed=seed), design, seed=seed) for design in designs]
    every = [run for its in runs for run in its.values()]
    with torch.inference_mode():
        for run in every:  # the first run of each also prepares it
            run()
        times = iter(costs.measure(every, repeats=repeats, report=report))
    return tuple(
        Budget(
            budget.design,
            {
                block: Cost(cost.parameters, cost.multiply_adds, cost.activation_bytes, next(times))
                for block, cost in budget.blocks.items()
            },
        )
        for budget in counted
    )


def _block_of(name: str) -> str:
    """The block that a module belongs to."""
    first, *rest = name.split(".")
    return rest[0] if first == "detection" else first


def _runs(network: ThunderNet, design: Design, *, seed: int) -> dict[str, Callable[[], object]]:
    """Each block on what the one before it made."""
    generator, side = torch.Generator().manual_seed(seed), design.input_size
    picture = torch.randn(1, 3, side, side, generator=generator)
    corners = torch.rand(design.num_regions, 4, generator=generator) * side / 2
    regions = torch.cat([torch.zeros(design.num_regions, 1), corners[:, :2], corners[:, 2:] + side / 2], dim=1)
    part = network.detection
    with torch.inference_mode():
        maps = network.backbone(picture)
        context = part.cem(maps["C4"], maps["C5"]).sum
        features = part.rpn(context)[0]
        pooled = part.head.pool(context, regions)
    runs: dict[str, Callable[[], object]] = {
        "backbone": lambda: network.backbone(picture),
        "cem": lambda: part.cem(maps["C4"], maps["C5"]).sum,
        "rpn": lambda: part.rpn(context),
    }
    if part.sam is not None:
        sam = part.sam
        runs["sam"] = lambda: sam(context, features)
    return runs | {"pooling": lambda: part.head.pool(context, regions), "head": lambda: part.head.judge(pooled)}


def rpn_tower_multiply_adds(input_size: int, *, compressed: bool) -> int:
    """Multiply-adds of the RPN's tower alone, without its two predictors, by hand: the paper's comparison.

    Args:
        input_size: side of the square picture, pixels.
        compressed: the 5×5 depth-wise and the 1×1 convolution; else the plain 3×3 convolution.
    """
    cells = (input_size // STRIDE) ** 2
    per_cell = CONTEXT_CHANNELS * (25 + 256) if compressed else CONTEXT_CHANNELS * 256 * 9
    return cells * per_cell


def snet_of(name: str, kernel: int) -> SNet:
    """A backbone on the meta device: shapes without contents."""
    with torch.device("meta"):
        return snet(name, kernel=kernel)


def head_inputs(*, position_sensitive: bool) -> int:
    """Numbers of one region that the wide layer reads."""
    return (CONTEXT_CHANNELS // BINS**2 if position_sensitive else CONTEXT_CHANNELS) * BINS**2
