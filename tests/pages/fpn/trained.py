"""Cards of the four designs on digits, as a training would leave them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pages.fpn import trainings
from vizcore.training.cards import DigitCard, write_digit_card

NECKS = {"image_pyramid": "top", "top": "top", "separate": "separate", "fpn": "fpn"}


def card(design: str, seed: int, ap: float, *, small: float | None = None) -> DigitCard:
    """One card; all its figures are the AP, but for small objects where another is given."""
    name = f"digits_{'pyramid' if design == 'image_pyramid' else design}"
    figures = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar100", "ar_small")
    return DigitCard(
        name=f"{name}_seed{seed}" if seed else name,
        title="",
        neck=NECKS[design],
        pyramid=design == "image_pyramid",
        seed=seed,
        data={},
        steps=2000,
        batch_size=16,
        hours=0.25,
        command="",
        num_scenes=500,
        quality=dict.fromkeys(figures, ap) | ({} if small is None else {"ap_small": small}),
        parameters=640_000,
        multiply_adds=4_000_000_000,
    )


def leave(folder: Path, patch: pytest.MonkeyPatch, reached: Mapping[str, Sequence[float]]) -> None:
    """Lets the page find these cards alone.

    Args:
        folder: an empty one.
        patch: undoes it after the test.
        reached: by design, the AP of seeds 0, 1, …
    """
    for design, values in reached.items():
        for seed, ap in enumerate(values):
            write_digit_card(card(design, seed, ap), folder)
    patch.setattr(trainings, "FOLDER", folder)
