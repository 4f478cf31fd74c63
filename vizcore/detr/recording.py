"""A picture through a DETR, with everything that can be asked about it afterwards."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import UInt8
from torch import Tensor
from torchvision.ops import box_convert

from vizcore.detr.errors import BAD_PHOTO, BAD_QUERIES, DETRError
from vizcore.models.detr import CANVAS, DETR, STRIDE, Detector, fit_photo, normalise_imagenet

SHORTER_SIDE, LONGEST_SIDE = 800, 1333
"""How the paper's network is shown a picture, pixels."""


@dataclass(frozen=True, eq=False)
class DETRTrace:
    """A picture through a DETR, decoder layer by decoder layer.

    Attributes:
        image_size: (height, width) of the photo.
        grid: (height, width) of the tokens.
        cell: side of a token, in pixels of the photo.
        outside: ``[S]`` True for a token that lies beside the photo; tokens row by row.
        start_boxes: ``[Q, 4]`` xyxy in pixels of the photo, where each query begins; None if it begins nowhere.
        boxes: ``[L, Q, 4]`` xyxy in pixels of the photo, after each decoder layer; not clipped.
        scores: ``[L, Q]`` greatest probability of a class, in [0, 1].
        labels: ``[L, Q]`` that class.
        probabilities: ``[L, Q, K + 1]`` of the classes, and last of "no object".
        memory: ``[S, C]`` the encoder's output.
        queries: ``[L, Q, C]`` the decoder's output.
        encoder: ``[E, heads, S, S]`` where each token looks (row) among the tokens (column); None if not recorded.
        decoder_self: ``[L, heads, Q, Q]`` the same among queries; None if not recorded.
        decoder_cross: ``[L, heads, Q, S]`` where each query looks on the picture; None if not recorded.
        seconds: wall time of ``"backbone"``, ``"encoder"`` and ``"decoder"``.
    """

    image_size: tuple[int, int]
    grid: tuple[int, int]
    cell: float
    outside: np.ndarray
    start_boxes: np.ndarray | None
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    memory: np.ndarray
    queries: np.ndarray
    encoder: np.ndarray | None
    decoder_self: np.ndarray | None
    decoder_cross: np.ndarray | None
    seconds: dict[str, float]

    @property
    def num_queries(self) -> int:
        """Answers."""
        return self.boxes.shape[1]

    def found(self, score_threshold: float, *, layer: int = -1) -> np.ndarray:
        """The queries whose score after a layer is greater, by decreasing score."""
        scores = self.scores[layer]
        order = np.argsort(-scores, kind="stable")
        chosen: np.ndarray = order[scores[order] > np.float32(score_threshold)]
        return chosen

    def token_at(self, x: float, y: float) -> int:
        """The token over a point of the photo, pixels; the nearest one for a point beside it."""
        height, width = self.image_size
        column = int(min(max(x, 0), width - 1) / self.cell)
        row = int(min(max(y, 0), height - 1) / self.cell)
        return min(row, self.grid[0] - 1) * self.grid[1] + min(column, self.grid[1] - 1)


@torch.inference_mode()
def trace_detr(detector: Detector | DETR, photo: UInt8[np.ndarray, "H W 3"], *, attention: bool = True) -> DETRTrace:
    """Runs a DETR on a photo and records it.

    Args:
        detector: the small one with its backbone, or the paper's network.
        photo: RGB.
        attention: record where every head of every layer looks.

    Raises:
        DETRError: If the photo is not one.
    """
    check_photo(photo)
    detr = detector.detr if isinstance(detector, Detector) else detector
    started = time.perf_counter()
    features, padding, scale, canvas = _features(detector, photo)
    after_backbone = time.perf_counter()
    memory, positions, flat, encoder = detr.encode(features, padding, need_weights=attention)
    after_encoder = time.perf_counter()
    queries, places = detr.first_queries(1)
    logits, boxes, outputs, among, across = detr.decode(
        memory, positions, flat, queries, places, need_weights=attention
    )
    finished = time.perf_counter()
    start = detr.start_boxes.logits.sigmoid() if detr.config.start_boxes else None
    height, width = features.shape[-2:]
    return DETRTrace(
        image_size=(photo.shape[0], photo.shape[1]),
        grid=(height, width),
        cell=STRIDE[detr.config.backbone] / scale,
        outside=(torch.zeros(height * width, dtype=torch.bool) if flat is None else flat[0]).numpy(),
        start_boxes=None if start is None else _to_photo(start, canvas, scale).numpy(),
        boxes=_to_photo(boxes[:, 0], canvas, scale).numpy(),
        **_classes(logits[:, 0]),
        memory=memory[0].numpy(),
        queries=outputs[:, 0].numpy(),
        encoder=_stack(encoder, (detr.config.num_heads, height * width, height * width)) if attention else None,
        decoder_self=_stack(among, (0,)) if attention else None,
        decoder_cross=_stack(across, (0,)) if attention else None,
        seconds={
            "backbone": after_backbone - started,
            "encoder": after_encoder - after_backbone,
            "decoder": finished - after_encoder,
        },
    )


@dataclass(frozen=True, eq=False)
class QueriesOutput:
    """What some of the queries say when the others are not there.

    Attributes:
        chosen: ``[M]`` the queries, in the order in which they were asked.
        boxes: ``[L, M, 4]`` xyxy in pixels of the photo, after each decoder layer.
        scores: ``[L, M]`` in [0, 1].
        labels: ``[L, M]`` class.
        probabilities: ``[L, M, K + 1]`` of the classes, and last of "no object".
    """

    chosen: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray


@torch.inference_mode()
def run_queries(detector: Detector | DETR, trace: DETRTrace, chosen: Sequence[int]) -> QueriesOutput:
    """Asks some of the queries, in any order, about a picture that was recorded; only the decoder runs.

    Args:
        detector: the one that was recorded.
        trace: of the picture.
        chosen: the queries, each at most once.

    Raises:
        DETRError: If a query is named twice or does not exist, or none is named.
    """
    places_of = list(chosen)
    if not places_of or len(set(places_of)) < len(places_of) or not set(places_of) <= set(range(trace.num_queries)):
        raise DETRError(BAD_QUERIES, last=trace.num_queries - 1)
    detr = detector.detr if isinstance(detector, Detector) else detector
    memory = torch.from_numpy(trace.memory)[None]
    outside = torch.from_numpy(trace.outside)[None]
    padding = outside if trace.outside.any() else None
    positions = detr.token_positions(trace.grid, None if padding is None else outside.reshape(1, *trace.grid))
    queries, places = (each[:, places_of] for each in detr.first_queries(1))
    logits, boxes, *_ = detr.decode(memory, positions, padding, queries, places)
    scale = STRIDE[detr.config.backbone] / trace.cell
    return QueriesOutput(
        np.array(places_of),
        _to_photo(boxes[:, 0], _canvas(detr, trace.image_size, scale), scale).numpy(),
        **_classes(logits[:, 0]),
    )


def check_photo(photo: np.ndarray) -> None:
    """Refuses what is not a photo.

    Raises:
        DETRError: unless it is uint8 ``[H, W, 3]`` with at least one pixel.
    """
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise DETRError(BAD_PHOTO)
    if photo.size == 0:
        raise DETRError(BAD_PHOTO)


def _features(detector: Detector | DETR, photo: np.ndarray) -> tuple[Tensor, Tensor | None, float, tuple[float, float]]:
    """Backbone features, padding by token, canvas pixels per photo pixel, and the canvas (width, height)."""
    pixels = torch.from_numpy(photo)
    if isinstance(detector, Detector):
        fitted = fit_photo(pixels)
        return detector.features(fitted.x), fitted.padding, fitted.scale, (CANVAS, CANVAS)
    height, width = photo.shape[:2]
    scale = min(SHORTER_SIDE / min(height, width), LONGEST_SIDE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    x = F.interpolate(normalise_imagenet(pixels[None]), size=size, mode="bilinear", antialias=True, align_corners=False)
    return detector.backbone[0](x)["C5"], None, scale, _canvas(detector, (height, width), scale)  # type: ignore[operator]


def _canvas(detr: DETR, image_size: tuple[int, int], scale: float) -> tuple[float, float]:
    """What the boxes of a detector are shares of: (width, height) in canvas pixels."""
    if detr.config.start_boxes:
        return CANVAS, CANVAS
    return image_size[1] * scale, image_size[0] * scale


def _to_photo(boxes_cxcywh: Tensor, canvas: tuple[float, float], scale: float) -> Tensor:
    width, height = canvas
    return box_convert(boxes_cxcywh.float(), "cxcywh", "xyxy") * torch.tensor([width, height, width, height]) / scale


def _classes(logits: Tensor) -> dict[str, Any]:
    probabilities = logits.float().softmax(-1)
    scores, labels = probabilities[..., :-1].max(-1)
    return {"scores": scores.numpy(), "labels": labels.numpy(), "probabilities": probabilities.numpy()}


def _stack(layers: tuple[Tensor, ...], empty: tuple[int, ...]) -> np.ndarray:
    """Weights of all layers for the one picture; of no layers an empty array."""
    if not layers:
        return np.zeros((0, *empty), np.float32)
    stacked: np.ndarray = torch.cat(layers).numpy()
    return stacked
