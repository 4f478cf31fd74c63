"""How many places and shapes SSD asks at once.

Reference:
    Wei Liu et al. SSD: single shot multibox detector. ECCV 2016, arXiv 1512.02325.
"""

from __future__ import annotations

SSD_MAPS = (38, 19, 10, 5, 3, 1)
SSD_RATIOS = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))


def ssd_default_boxes() -> tuple[int, ...]:
    """Default boxes of SSD300 on each of its six maps, by torchvision's generator."""
    from torchvision.models.detection.anchor_utils import DefaultBoxGenerator

    generator = DefaultBoxGenerator([list(ratios) for ratios in SSD_RATIOS])
    per_cell = generator.num_anchors_per_location()
    return tuple(count * side * side for count, side in zip(per_cell, SSD_MAPS, strict=True))
