"""Pictures of one scene under one loupe: each is magnified where the reader points at any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pages.kit.live import live
from pages.kit.page import Page
from pages.upsampling import words
from pages.upsampling.layer import COLORS
from vizcore import upsampling


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture with its words.

    Attributes:
        title: what it is, translated.
        note: its figures, translated.
        picture: ``[H, W, 3]`` uint8, or ``[H, W]`` in [0, 1] or bool as gray.
    """

    title: str
    note: str
    picture: np.ndarray


def show_loupe(page: Page, name: str, tiles: Sequence[Tile]) -> None:
    """Draws the pictures.

    Args:
        page: the open page.
        name: identity of this piece on the page.
        tiles: in the order shown.
    """
    live(
        "shared/loupe",
        key=page.key(name),
        data={
            "tiles": [{"title": tile.title, "note": tile.note} for tile in tiles],
            "colors": COLORS,
            "presenter": page.presenting,
            "text": words.loupe_words(page.translate),
        },
        payload=upsampling.pack_pictures([tile.picture for tile in tiles]),
    )


def write_size(picture: np.ndarray) -> str:
    """Height and width of a picture."""
    return f"{picture.shape[0]}×{picture.shape[1]}"
