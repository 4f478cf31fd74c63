"""What the usual suppression would make of a set of predictions, beside the matching that makes it needless."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.ops import batched_nms, box_convert

from vizcore.detr.cost import check_predictions
from vizcore.detr.recording import DETRTrace


@dataclass(frozen=True, eq=False)
class Suppression:
    """What class-aware greedy NMS keeps of a set of predictions.

    Attributes:
        scores: ``[Q]`` greatest probability of a class, in [0, 1].
        labels: ``[Q]`` that class.
        keep: the queries kept, by decreasing score.
        suppressed: those sure enough but suppressed, increasing.
        unsure: those below the score threshold, increasing.
    """

    scores: np.ndarray
    labels: np.ndarray
    keep: np.ndarray
    suppressed: np.ndarray
    unsure: np.ndarray


def suppress(
    logits: Float[Tensor, "Q K1"],
    boxes_cxcywh: Float[Tensor, "Q 4"],
    *,
    score_threshold: float = 0.5,
    iou_threshold: float = 0.7,
) -> Suppression:
    """Runs class-aware greedy NMS over predictions.

    Args:
        logits: of the classes; the last one is "no object".
        boxes_cxcywh: in sides of the picture.
        score_threshold: a query takes part if its score is greater.
        iou_threshold: a box whose IoU with a better one of its class is greater is suppressed.

    Raises:
        DETRError: If a prediction cannot be used.
    """
    check_predictions(logits, boxes_cxcywh)
    scores, labels = logits.detach().softmax(-1)[:, :-1].max(-1)
    sure = scores > score_threshold
    places = sure.nonzero()[:, 0]
    boxes = box_convert(boxes_cxcywh.detach()[places], "cxcywh", "xyxy")
    boxes = (
        boxes - boxes.amin().clamp(max=0) if len(boxes) else boxes
    )  # batched_nms shifts classes apart by the maximum
    keep = places[batched_nms(boxes, scores[places], labels[places], iou_threshold)]
    fallen = np.setdiff1d(places.numpy(), keep.numpy())
    return Suppression(scores.numpy(), labels.numpy(), keep.numpy(), fallen, (~sure).nonzero()[:, 0].numpy())


def suppress_layer(
    trace: DETRTrace, layer: int, *, score_threshold: float = 0.5, iou_threshold: float = 0.7
) -> Suppression:
    """Runs class-aware greedy NMS over a recorded picture's boxes after one decoder layer.

    Args:
        trace: of the picture.
        layer: of the decoder, from 0.
        score_threshold: as for :func:`suppress`.
        iou_threshold: as for :func:`suppress`.
    """
    logits = torch.from_numpy(trace.probabilities[layer]).clamp(min=1e-12).log()
    boxes = box_convert(torch.from_numpy(trace.boxes[layer]), "xyxy", "cxcywh")
    return suppress(logits, boxes, score_threshold=score_threshold, iou_threshold=iou_threshold)
