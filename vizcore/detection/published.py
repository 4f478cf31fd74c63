"""How good each detector is, where that is known, and who says so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from torchvision.models import get_model_weights

from vizcore.detection.thundernet_detector import NAME
from vizcore.models.thundernet import THUNDERNET_WEIGHTS, best_thundernet
from vizcore.models.weight_files import WEIGHTS_FOLDER

_CARDS: Final = {
    "fcos_lite0_fpn": "fcos_fpn",
    "detr_lite0": "detr/detr",
    "centernet_lite0": "points/centernet",
    "vfnet_lite0": "points/vfnet",
}
_PAPERS: Final = {"detr_resnet50": (0.420, "COCO val2017", "Carion et al. 2020, table 1")}
MESSAGES = ("measured here", "drawn scenes, validation", "torchvision", "Carion et al. 2020, table 1")


@dataclass(frozen=True)
class ReportedAP:
    """An average precision.

    Attributes:
        ap: mean over the IoU thresholds .5 to .95, in [0, 1].
        data: what it was measured on.
        by: who measured it.
    """

    ap: float
    data: str
    by: str


def reported_ap(name: str) -> ReportedAP | None:
    """The AP of a detector of :func:`vizcore.detection.list_detectors`; None where nobody has told one.

    AP of different data sets cannot be compared: six drawn shapes are not COCO's eighty classes.
    """
    if name in _CARDS or name == NAME:
        path = (
            THUNDERNET_WEIGHTS / f"{best_thundernet()}.json"
            if name == NAME
            else WEIGHTS_FOLDER / f"{_CARDS[name]}.json"
        )
        if not path.is_file():
            return None
        quality = json.loads(path.read_text(encoding="utf-8"))["quality"]
        return ReportedAP(float(quality["ap"]), "drawn scenes, validation", "measured here")
    if name in _PAPERS:
        return ReportedAP(*_PAPERS[name])
    try:
        weights = get_model_weights(name)
    except ValueError:
        return None
    metrics = next(iter(weights)).meta["_metrics"]["COCO-val2017"]
    return ReportedAP(metrics["box_map"] / 100, "COCO val2017", "torchvision")
