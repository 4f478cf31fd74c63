"""The authors' own DETR: where its weights are published, and the network that they fill."""

from __future__ import annotations

from typing import Final

import torch
from torchvision.models import get_model_weights

from vizcore.models.detr import DETR
from vizcore.weights import LACKS, WeightsError, WeightsSource, load_weights

OFFICIAL: Final = WeightsSource("https://dl.fbaipublicfiles.com/detr/detr-r50-e632da11.pth", 159 * 2**20)
"""The authors state the size in units of 2^20 bytes."""
OFFICIAL_TITLE: Final = "DETR · ResNet-50"
PUBLISHED_PQ: Final = 0.434
"""Of the paper's panoptic model with a ResNet-50 on COCO, section 4.3."""


def load_official(source: WeightsSource = OFFICIAL) -> DETR:
    """The paper's network with the authors' weights, which must be on disk; ready to run.

    Args:
        source: where they were published.

    Raises:
        WeightsError: If the weights are not on disk, damaged, or those of another model.
    """
    network = DETR()
    fill(network, load_weights(source), source=source, title=OFFICIAL_TITLE)
    return network.eval().requires_grad_(False)


def official_classes() -> tuple[str, ...]:
    """The names of its classes by label; ``N/A`` where COCO's numbers leave a gap.

    The authors number the classes as COCO does, and so does torchvision.
    """
    return tuple(get_model_weights("fasterrcnn_resnet50_fpn_v2").DEFAULT.meta["categories"])


def fill(network: DETR, state: dict[str, torch.Tensor], *, source: WeightsSource, title: str) -> None:
    """Lays weights into a network.

    Args:
        network: changed in place.
        state: its weights by name.
        source: where they come from.
        title: of the network, for people.

    Raises:
        WeightsError: If they are those of another network; says what is missing, or what does not fit.
    """
    wanted = network.state_dict()
    for name, value in wanted.items():
        if name not in state or state[name].shape != value.shape:
            raise WeightsError(LACKS, file_name=source.file_name, model=title, name=name, shape=list(value.shape))
    network.load_state_dict({name: state[name] for name in wanted})
