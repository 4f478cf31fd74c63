"""The Gaussian, its radius and the focal loss as the browser runs them under a hand."""

from __future__ import annotations

import torch
from torch import Tensor

from vizcore import browser
from vizcore.centernet.gaussian import gaussian, moved_iou_terms, radius_terms, worst_iou
from vizcore.centernet.losses import focal_terms

SPLAT_FUNCTIONS = ("radius_exact", "radius_released", "splat", "worst_iou", "moved_iou")
"""``radius_…(height, width, overlap)``, ``splat(x, y, radius)``, ``worst_iou(height, width, radius)`` and
``moved_iou(height, width, radius, dx1, dy1, dx2, dy2)``, the edges' moves counted in radii."""


def compile_splat() -> str:
    """What a dragged box needs, as JavaScript functions: see ``SPLAT_FUNCTIONS``.

    ``splat`` is the Gaussian of a pixel (x, y) cells from the peak; the radius it takes is whole, as it is drawn.
    """
    sides = tuple(torch.tensor([a, a + 1], dtype=torch.float64) for a in (20.0, 30.0))
    overlap = torch.tensor([0.7, 0.5], dtype=torch.float64)
    some = tuple(torch.tensor([a, a + 1], dtype=torch.float64) for a in (1.0, 2.0, 3.0))

    def exact(height: Tensor, width: Tensor, overlap: Tensor) -> Tensor:
        return radius_terms(height, width, overlap, formula="exact")

    def released(height: Tensor, width: Tensor, overlap: Tensor) -> Tensor:
        return radius_terms(height, width, overlap, formula="released")

    def splat(x: Tensor, y: Tensor, radius: Tensor) -> Tensor:
        return gaussian(x, y, radius)

    def worst(height: Tensor, width: Tensor, radius: Tensor) -> Tensor:
        return worst_iou(height, width, radius)

    signs = tuple(torch.tensor(pair, dtype=torch.float64) for pair in ((1, -1), (1, 1), (-1, 1), (-1, -1)))
    return "\n".join(
        browser.to_javascript(function, examples, name=name, gradient_inputs=(), argument_names=names)
        for name, function, examples, names in (
            ("radius_exact", exact, (*sides, overlap), ("height", "width", "overlap")),
            ("radius_released", released, (*sides, overlap), ("height", "width", "overlap")),
            ("splat", splat, some, ("x", "y", "radius")),
            ("worst_iou", worst, (*sides, some[1]), ("height", "width", "radius")),
            (
                "moved_iou",
                moved_iou_terms,
                (*sides, some[1], *signs),
                ("height", "width", "radius", "dx1", "dy1", "dx2", "dy2"),
            ),
        )
    )


def compile_loss() -> str:
    """``pixel_loss(p, y)``: loss of a pixel and its gradient by p, as a JavaScript function."""
    examples = tuple(torch.tensor([a, a / 2], dtype=torch.float64) for a in (0.6, 0.5))
    return browser.to_javascript(
        focal_terms, examples, name="pixel_loss", gradient_inputs=(0,), argument_names=("p", "y")
    )
