"""The learning path: one small result per stop, for the home page. Each is what the stop's own concept computes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8

from vizcore import (
    autograd,
    autoregressive,
    centernet,
    detection,
    detr,
    fpn,
    iou_losses,
    nms,
    scale,
    thundernet,
    upsampling,
    varifocalnet,
)
from vizcore.data import photos

PROGRAM = """\
x = torch.tensor(2.0, requires_grad=True)
w = torch.tensor(3.0, requires_grad=True)
y = (w * x - 1) ** 2
y.backward()
"""


@dataclass(frozen=True, eq=False)
class BoxStop:
    """Two boxes, and where GIoU's loss wants the predicted one to go.

    Attributes:
        box: ``[4]`` the predicted box, xyxy.
        target: ``[4]`` the target, xyxy.
        gradient: ``[4]`` of 1 − GIoU with respect to ``box``.
        iou: of the two.
        giou: of the two.
    """

    box: Float[np.ndarray, "4"]
    target: Float[np.ndarray, "4"]
    gradient: Float[np.ndarray, "4"]
    iou: float
    giou: float


@dataclass(frozen=True)
class LevelsStop:
    """Squares and the levels that own them.

    Attributes:
        sides: pixels of the network's input.
        levels: number of each one's level.
    """

    sides: tuple[float, ...]
    levels: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class PyramidStop:
    """A photo at shrinking sizes, under a window that keeps its size.

    Attributes:
        levels: uint8 ``[H, W, 3]`` each, largest first.
        window: side of the window in pixels, the same on every level.
    """

    levels: tuple[UInt8[np.ndarray, "H W 3"], ...]
    window: int


@dataclass(frozen=True, eq=False)
class DetectorStop:
    """A photo and what the offline detector found on it.

    Attributes:
        photo: uint8 ``[H, W, 3]``.
        output: the detector's answer.
    """

    photo: UInt8[np.ndarray, "H W 3"]
    output: detection.DetectorOutput


@dataclass(frozen=True, eq=False)
class PointStop:
    """Objects and their centre heatmap.

    Attributes:
        boxes: ``[M, 4]`` xyxy, cells.
        heatmap: ``[H, W]`` in [0, 1].
    """

    boxes: Float[np.ndarray, "M 4"]
    heatmap: Float[np.ndarray, "H W"]


@dataclass(frozen=True, eq=False)
class MatchingStop:
    """Queries, objects, and who gets whom.

    Attributes:
        queries: ``[Q, 4]`` xyxy, in hundredths of the picture's side.
        objects: ``[T, 4]`` likewise.
        owner: ``[T]`` the query of each object.
    """

    queries: Float[np.ndarray, "Q 4"]
    objects: Float[np.ndarray, "T 4"]
    owner: Float[np.ndarray, " T"]


def gradient_stop() -> autograd.ProgramTrace:
    """A four-line program, run and differentiated."""
    return autograd.run_program(PROGRAM)


def layer_stop() -> tuple[upsampling.UpsamplingTrace, ...]:
    """One bright pixel through three ways of doubling the size."""
    grid = torch.zeros(3, 3, dtype=torch.float64)
    grid[1, 1] = 1.0
    return tuple(
        upsampling.trace_upsampling(method, grid, **options)
        for method, options in (
            ("nearest", {"scale_factor": 2}),
            ("bilinear", {"scale_factor": 2}),
            ("conv_transpose", {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1}),
        )
    )


def modules_stop() -> tuple[Float[np.ndarray, "24"], Float[np.ndarray, "24"]]:
    """Twenty-four ones through dropout at test time: the module knows that it is tested, the function must be told."""
    ones = torch.ones(24)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Dropout(0.5).eval()(ones).numpy(), F.dropout(ones, 0.5).numpy()


def levels_stop() -> LevelsStop:
    """Squares of four sizes, and the level that the FPN paper's rule gives each."""
    sides = (56.0, 112.0, 224.0, 448.0)
    boxes = torch.tensor([[0.0, 0.0, side, side] for side in sides])
    return LevelsStop(sides, tuple(fpn.roi_level(boxes).tolist()))


def pyramid_stop() -> PyramidStop:
    """A sample photo at three scales."""
    pixels = torch.from_numpy(photos.load_sample("chelsea").pixels).permute(2, 0, 1)[None].float()
    levels = []
    for factor in (0.4, 0.28, 0.2):
        level = F.interpolate(pixels, scale_factor=factor, mode="bilinear", antialias=True, align_corners=False)
        levels.append(level[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy())
    return PyramidStop(tuple(levels), window=56)


def box_stop() -> BoxStop:
    """Two overlapping boxes under the GIoU loss."""
    box = torch.tensor([[20.0, 30.0, 110.0, 90.0]], dtype=torch.float64)
    target = torch.tensor([[70.0, 50.0, 190.0, 125.0]], dtype=torch.float64)
    loss, gradient = iou_losses.loss_and_gradient("giou", box, target)
    iou, _ = iou_losses.loss_and_gradient("iou", box, target)
    return BoxStop(box[0].numpy(), target[0].numpy(), gradient[0].numpy(), 1 - iou.item(), 1 - loss.item())


def suppression_stop() -> nms.NMSTrace:
    """Six candidates around two objects."""
    boxes = [
        [20, 25, 90, 105],
        [28, 30, 98, 112],
        [14, 34, 84, 98],
        [118, 40, 190, 110],
        [126, 34, 196, 104],
        [72, 50, 128, 104],
    ]
    scores = [0.95, 0.9, 0.6, 0.85, 0.7, 0.3]
    return nms.trace_nms(
        torch.tensor(boxes, dtype=torch.float64), torch.tensor(scores, dtype=torch.float64), iou_threshold=0.5
    )


def detector_stop() -> DetectorStop:
    """The offline detector on a sample photo."""
    photo = photos.load_sample("coffee").pixels
    info = detection.list_detectors()[0]
    return DetectorStop(
        photo,
        detection.run_detector(
            info.name, photo, score_threshold=info.score_threshold, iou_threshold=info.iou_threshold
        ),
    )


def pixels_stop() -> tuple[Float[np.ndarray, "8 8"], ...]:
    """A digit in the making: after 16, 40 and all 64 pixels, NaN where nothing is drawn."""
    trace = autoregressive.draw_picture("nade", seed=4).trace
    pictures = []
    for step in (16, 40, 64):
        drawn = trace.picture_at(step).astype(np.float64)
        pictures.append(np.where(drawn == autoregressive.FREE, np.nan, drawn).reshape(trace.size))
    return tuple(pictures)


def point_stop() -> PointStop:
    """Three objects, and the heatmap that they put on a map of 14 × 22 cells."""
    boxes = torch.tensor([[1.0, 1.0, 11.0, 11.0], [12.0, 4.0, 19.0, 13.0], [16.0, 1.0, 21.0, 6.0]])
    heatmap = centernet.draw_heatmap(boxes, torch.zeros(3, dtype=torch.int64), (14, 22), 1, min_overlap=0.3)
    return PointStop(boxes.numpy(), heatmap[0].numpy())


def score_stop() -> varifocalnet.LossCurves:
    """Three losses of a score whose box fits with an IoU of 0.6."""
    return varifocalnet.loss_curves(0.6, resolution=61)


def matching_stop() -> MatchingStop:
    """Six queries and four objects: two queries get none."""
    side = 100
    queries, objects = (tuple(map(tuple, rows)) for rows in detr.preset_rows("scene", side=side))
    summary = detr.summarise_rows(queries, objects, side=side)
    return MatchingStop(np.array(queries)[:, :4], np.array(objects)[:, :4], summary.owner)


def budget_stop() -> thundernet.Budget:
    """What each block of a light detector costs."""
    return thundernet.count_budget(thundernet.Design())


def scale_stop() -> tuple[scale.ObjectLevel, ...]:
    """One object at three resolutions."""
    return scale.trace_object((150.0, 130.0, 210.0, 190.0), (320, 480))
