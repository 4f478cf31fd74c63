"""Models small enough that all their pictures can be listed."""

from __future__ import annotations

import torch

from vizcore.autoregressive import build
from vizcore.autoregressive.training import Recipe
from vizcore.models.autoregressive import PixelModel

KINDS = ("independent", "fvsbn", "nade", "made", "pixelcnn", "gated_pixelcnn")
SMALL = Recipe(1, 1e-2, 0.0, batch_size=8, hidden=5, layers=2, kernel=3)


def random_model(
    kind: str, size: tuple[int, int], *, order: torch.Tensor | None = None, num_classes: int = 0, seed: int = 0
) -> PixelModel:
    """A model whose every weight is drawn, in float64, biases and labels too."""
    model = build(kind, size, order=order, num_classes=num_classes, seed=seed, recipe=SMALL).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.8, generator=generator)
    return model.eval()
