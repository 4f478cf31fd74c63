"""The challenges of the detection page: each is marked from what it shows, and says what is still missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pages.detection.detectors import Found
from pages.detection.state import View
from pages.kit.challenges import Challenge
from pages.kit.language import Translate
from pages.kit.page import Page
from vizcore import detection
from vizcore.data.annotations import Annotation
from vizcore.detection.evaluation import match_annotations, shared_spots


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a challenge is marked from.

    Attributes:
        sample: name of the sample photo; None for someone's own.
        output: what the detector found.
        truths: the objects that a person boxed.
    """

    sample: str | None
    output: detection.DetectorOutput
    truths: Sequence[Annotation]


Rule = Callable[[Outcome, Translate], str | None]
"""None where the outcome solves the challenge, else a hint that fits it."""


def one_cat(outcome: Outcome, _: Translate) -> str | None:
    """Exactly one box on the cat photo, and it is called a cat."""
    output = outcome.output
    if outcome.sample != "chelsea":
        return _("Choose the photo of Chelsea the cat first.")
    if len(output) != 1:
        return _(
            "There are {count} boxes now. An ear is a small box inside a large one: its IoU is too small for NMS.",
            count=len(output),
        )
    matches = match_annotations(output, outcome.truths)
    return None if matches[0].index == 0 else _("One box, but it is not called a cat.")


def flood(outcome: Outcome, _: Translate) -> str | None:
    """NMS switched off in effect: many boxes on one object."""
    count = len(outcome.output)
    if count >= 100:
        return None
    return _("{count} boxes now. Which of the two thresholds decides how much boxes may overlap?", count=count)


def same_spot(outcome: Outcome, _: Translate) -> str | None:
    """Two final boxes of different classes on one spot."""
    if shared_spots(outcome.output):
        return None
    return _("No two boxes of different classes overlap by more than the threshold. Another photo, or a lower score?")


def wrong_name(outcome: Outcome, _: Translate) -> str | None:
    """A confident box whose name cannot be right."""
    output = outcome.output
    if outcome.sample == "astronaut" and len(output) and output.scores[0] > 0.8:
        return None
    return _("Among the samples is a portrait whose subject is no class of ImageNet. What does the detector call it?")


def of(page: Page, view: View, found: Found) -> list[Challenge]:
    """The challenges in the order shown; each is marked from the outputs as they stand when it is asked."""
    _ = page.translate
    listed: tuple[tuple[str, Rule, str, str], ...] = (
        (
            "one_cat",
            one_cat,
            _("One cat, one box"),
            _("Make the detector say exactly one thing about Chelsea: that there is a cat."),
        ),
        (
            "flood",
            flood,
            _("Without suppression"),
            _("Bring at least 100 boxes onto one photo by moving a single threshold."),
        ),
        (
            "same_spot",
            same_spot,
            _("Two names for one spot"),
            _("Find two final boxes on the same spot that NMS let stand. Why did it?"),
        ),
        (
            "wrong_name",
            wrong_name,
            _("Sure and wrong"),
            _("Find a sample photo on which a box has a score above 0.8 and a wrong name."),
        ),
    )
    return [
        Challenge(
            name,
            title,
            task,
            lambda rule=rule: rule(Outcome(view.sample, found.outputs[0], found.truths), _),  # type: ignore[misc]
        )
        for name, rule, title, task in listed
    ]
