"""A card for each shipped file: what it is, how it was made, how good it is, what it costs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from vizcore.models.centernet import POINT_WEIGHTS
from vizcore.models.weight_files import WEIGHTS_FOLDER

DIGIT_CARDS: Final = WEIGHTS_FOLDER / "digits"
DIGIT_SEEDS: Final = (0, 1)
DIGIT_CARDS_OF: Final = {
    "digits_separate": ("digits_separate",),
    "digits_fpn": ("digits_fpn",),
    "digits_top": ("digits_top", "digits_pyramid"),
}
"""Recipe to the cards that it makes; the names of those of other seeds than 0 end with it."""
SCALE_CARDS: Final = WEIGHTS_FOLDER / "scale"
SCALE_TRAININGS: Final = ("scale_one", "scale_multi", "scale_snip")


@dataclass(frozen=True)
class Card:
    """What is known about a shipped detector.

    Attributes:
        name: of the card, without its ending.
        weights: name of the file with the weights, without its ending.
        pyramid: whether it is shown the picture at ``PYRAMID_SCALES`` (design (a) of Lin et al.).
        title: for people.
        config: the arguments of its ``FCOSConfig``.
        seed: of weights and batches.
        data: what it was trained on, in words and numbers.
        steps: made.
        batch_size: scenes a step.
        hours: of training.
        command: that makes it.
        num_scenes: of the validation split that it was judged on.
        quality: the shipped (half precision) weights' figures there, from scenes to boxes.
        parameters: of neck and head; the backbone has its own.
        multiply_adds: of a scene of 512 pixels, backbone included.
        milliseconds: median for such a scene on the machine it was judged on, one thread, from pixels to boxes.
        bytes: of the file.
    """

    name: str
    weights: str
    pyramid: bool
    title: str
    config: dict[str, Any]
    seed: int
    data: dict[str, Any]
    steps: int
    batch_size: int
    hours: float
    command: str
    num_scenes: int
    quality: dict[str, float]
    parameters: int
    multiply_adds: int
    milliseconds: float
    bytes: int


def load_card(name: str) -> Card:
    """The card of a shipped detector."""
    return Card(**json.loads((WEIGHTS_FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def list_cards() -> tuple[Card, ...]:
    """The cards of all shipped detectors, by name."""
    return tuple(load_card(path.stem) for path in sorted(WEIGHTS_FOLDER.glob("*.json")))


def write_card(card: Card) -> None:
    """Writes a card beside its weights."""
    _write(WEIGHTS_FOLDER / f"{card.name}.json", card)


def load_point_card(name: str) -> dict[str, Any] | None:
    """The card of CenterNet, of a VarifocalNet or of one that it is compared with; None if it was not shipped.

    Args:
        name: of the card, without its ending.
    """
    path = POINT_WEIGHTS / f"{name}.json"
    if not path.is_file():
        return None
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return card


@dataclass(frozen=True)
class ScaleCard:
    """What one training reached.

    Attributes:
        name: of the recipe.
        title: for people.
        seed: of weights and batches.
        scenes: learned from.
        size: of a scene, pixels.
        sides: at which it was shown.
        ranges: of each side the valid √(area), pixels of the scene; the last end of None is infinite.
        steps: made.
        batch_size: pictures a step.
        hours: of training.
        command: that makes it.
        num_scenes: of the validation split that it was judged on.
        qualities: by test, ``"one"`` or ``"three"`` scales: COCO's figures in pixels of the scene.
    """

    name: str
    title: str
    seed: int
    scenes: int
    size: int
    sides: list[int]
    ranges: list[list[float | None]]
    steps: int
    batch_size: int
    hours: float
    command: str
    num_scenes: int
    qualities: dict[str, dict[str, float]]


def list_scale_cards() -> tuple[ScaleCard, ...]:
    """The cards of the trainings that were made, in the order of ``SCALE_TRAININGS``."""
    paths = [SCALE_CARDS / f"{name}.json" for name in SCALE_TRAININGS]
    return tuple(ScaleCard(**json.loads(path.read_text(encoding="utf-8"))) for path in paths if path.is_file())


def write_scale_card(card: ScaleCard, folder: Path = SCALE_CARDS) -> None:
    """Writes a card where :func:`list_scale_cards` looks."""
    _write(folder / f"{card.name}.json", card)


@dataclass(frozen=True)
class DigitCard:
    """What is known about one of the four designs, trained on scenes of digits.

    Attributes:
        name: of the recipe and, but for the first, the seed; ``digits_pyramid`` is ``digits_top`` on an image pyramid.
        title: for people.
        neck: of its ``FCOSConfig``.
        pyramid: whether it is shown the picture at ``PYRAMID_SCALES`` (design (a) of Lin et al.).
        seed: of weights and batches.
        data: what it was trained on, in words and numbers.
        steps: made.
        batch_size: scenes a step.
        hours: of training.
        command: that makes it.
        num_scenes: of the validation split that it was judged on.
        quality: the half precision weights' figures there, from scenes to boxes.
        parameters: of neck and head.
        multiply_adds: of a scene of 512 pixels, backbone included.
    """

    name: str
    title: str
    neck: str
    pyramid: bool
    seed: int
    data: dict[str, Any]
    steps: int
    batch_size: int
    hours: float
    command: str
    num_scenes: int
    quality: dict[str, float]
    parameters: int
    multiply_adds: int


def list_digit_cards(folder: Path = DIGIT_CARDS) -> tuple[DigitCard, ...]:
    """The cards of the designs on digits, by name; none where they were not trained."""
    paths = sorted(folder.glob("digits_*.json"))
    return tuple(DigitCard(**json.loads(path.read_text(encoding="utf-8"))) for path in paths)


def list_missing_digits(found: Iterable[DigitCard]) -> tuple[str, ...]:
    """The commands that make the cards of digits that are not among those ``found``."""
    names = {card.name for card in found}
    return tuple(
        f"python -m vizcore.training {recipe} --seed {seed} --ship"
        for seed in DIGIT_SEEDS
        for recipe, cards in DIGIT_CARDS_OF.items()
        if not {f"{card}_seed{seed}" if seed else card for card in cards} <= names
    )


def write_digit_card(card: DigitCard, folder: Path = DIGIT_CARDS) -> None:
    """Writes a card where :func:`list_digit_cards` looks."""
    _write(folder / f"{card.name}.json", card)


def _write(path: Path, card: Card | ScaleCard | DigitCard) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")
    os.replace(part, path)
