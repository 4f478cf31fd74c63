"""A crowd laid out on one canvas: a hundred small portraits, far and near, to see from which size on a face is found.

No package that we install ships a photo of a crowd. scikit-image ships a hundred portraits of 25 × 25 pixels, cut from
Labeled Faces in the Wild; here they stand in ten rows, each row larger than the one above. Only the picture's sizes are
ours, and so the true boxes are known.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

FILE: Final = "data/lfw_subset.npy"
SIDES: Final = (12, 16, 20, 24, 28, 34, 40, 48, 56, 64)
"""Pixels of the portraits' sides, row by row from the top."""
PER_ROW: Final = 10
GAP: Final = 10
GROUND: Final = 128
SIZE: Final = (sum(SIDES) + GAP * (len(SIDES) + 1), PER_ROW * SIDES[-1] + GAP * (PER_ROW + 1))
"""(height, width) of the canvas, pixels."""


def portrait_boxes() -> list[tuple[int, int, int, int]]:
    """Where the portraits stand: xyxy, pixels, row by row."""
    cell = SIZE[1] / PER_ROW
    boxes, top = [], GAP
    for side in SIDES:
        for column in range(PER_ROW):
            left = round(cell * (column + 0.5) - side / 2)
            boxes.append((left, top, left + side, top + side))
        top += side + GAP
    return boxes


def draw_portraits() -> np.ndarray:
    """The canvas, uint8 ``[H, W, 3]``; the portraits are grey, as they are shipped.

    Raises:
        ModuleNotFoundError: scikit-image, which ships the portraits, is not installed.

    Reference:
        Huang et al., Labeled Faces in the Wild: A Database for Studying Face Recognition in Unconstrained Environments,
        UMass Amherst technical report 07-49, 2007.
    """
    spec = find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the portraits come with the package 'scikit-image'", name="skimage")
    faces = np.load(Path(spec.submodule_search_locations[0]) / FILE, mmap_mode="r", allow_pickle=False)
    canvas = np.full(SIZE, GROUND, np.uint8)
    for face, (left, top, right, bottom) in zip(faces, portrait_boxes(), strict=False):  # behind them: what is no face
        pixels = (np.asarray(face) * 255).round().clip(0, 255).astype(np.uint8)
        resized = Image.fromarray(pixels).resize((right - left, bottom - top), Image.Resampling.BICUBIC)
        canvas[top:bottom, left:right] = np.asarray(resized)
    return np.repeat(canvas[..., None], 3, axis=2)
