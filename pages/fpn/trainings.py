"""The designs that were trained alike, on drawn shapes and on digits: what their cards tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pages.kit.loaders import compute
from vizcore import fpn
from vizcore.data.scenes import KINDS as SCENE_KINDS
from vizcore.figures.fpn import QUALITY_NAMES
from vizcore.training import cards
from vizcore.training.cards import Card, DigitCard

SHAPES, DIGITS = KINDS = tuple(SCENE_KINDS)
FOLDER: Final = cards.DIGIT_CARDS
"""Holds the cards of digits, where they were made."""

Trained = Card | DigitCard


def offered() -> tuple[str, ...]:
    """The kinds of scenes of which there are cards."""
    return KINDS if any(FOLDER.glob("digits_*.json")) else (SHAPES,)


def found(kind: str) -> tuple[Trained, ...]:
    """The cards of a kind of scenes, in the paper's order of the designs, then by seed."""
    # Digits are read each time: whoever has just made a card sees it.
    all_: tuple[Trained, ...] = cards.list_digit_cards(FOLDER) if kind == DIGITS else compute(cards.list_cards)
    compared = [card for card in all_ if kind == DIGITS or card.name.startswith("compare_")]
    return tuple(sorted(compared, key=lambda card: (fpn.DESIGNS.index(design_of(card)), card.seed)))


def missing(kind: str) -> tuple[str, ...]:
    """The commands that make the cards that are not there; those of shapes are part of the project."""
    return cards.list_missing_digits(cards.list_digit_cards(FOLDER)) if kind == DIGITS else ()


def design_of(card: Trained) -> str:
    """Which of the four designs a card speaks of."""
    return "image_pyramid" if card.pyramid else card.neck if isinstance(card, DigitCard) else str(card.config["neck"])


def by_design(found: Sequence[Trained]) -> dict[str, tuple[Mapping[str, float], ...]]:
    """What each design reached, a seed after the other."""
    designs = dict.fromkeys(map(design_of, found))
    return {name: tuple(card.quality for card in found if design_of(card) == name) for name in designs}


def mean(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The figures of a design over its seeds; negative where there was no such object."""
    reached = {name: [run[name] for run in runs if run[name] >= 0] for name in QUALITY_NAMES}
    return {name: sum(values) / len(values) if values else -1.0 for name, values in reached.items()}
