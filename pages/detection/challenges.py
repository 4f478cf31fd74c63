"""The challenges of the detection page: each is marked from what it shows, and says what is still missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pages.kit.challenges import Challenge
from pages.kit.language import Translate
from pages.kit.page import Page
from vizcore import detection
from vizcore.data.annotations import Annotation
from vizcore.detection.evaluation import match_annotations, shared_spots
from vizcore.detection.truth import Verdict


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a challenge is marked from.

    Attributes:
        sample: name of the sample photo; None for someone's own.
        outputs: what the detectors shown found, the first of which counts; none where another part is open.
        truths: the objects that a person boxed.
        own: whether the reader drew boxes.
        verdicts: of the detectors that are judged against them.
    """

    sample: str | None
    outputs: Sequence[detection.DetectorOutput]
    truths: Sequence[Annotation]
    own: bool = False
    verdicts: Sequence[Verdict] = ()

    @property
    def output(self) -> detection.DetectorOutput:
        """What the first detector found."""
        return self.outputs[0]


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


def between(outcome: Outcome, _: Translate) -> str | None:
    """A box of the reader's that one detector finds and another misses."""
    if not outcome.verdicts:
        return _("Open the part “What does each miss?” first.")
    if not outcome.own:
        return _("Draw or move a box first: what a photo comes with does not count.")
    found = np.array([verdict.found_by >= 0 for verdict in outcome.verdicts])
    if len(found) < 2:
        return _("Choose at least two detectors.")
    if (found.any(0) & ~found.all(0)).any():
        return None
    return _("So far all detectors agree about each of your boxes.")


def of(page: Page, outcome: Outcome) -> list[Challenge]:
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
        (
            "between",
            between,
            _("Found by one, missed by another"),
            _("Draw a box of your own that one detector finds and another misses."),
        ),
    )
    return [
        Challenge(
            name,
            title,
            task,
            lambda rule=rule: _marked(rule, outcome, _),  # type: ignore[misc]
        )
        for name, rule, title, task in listed
    ]


def _marked(rule: Rule, outcome: Outcome, _: Translate) -> str | None:
    """What a rule says, where the part is open that it is about."""
    if rule is not between and not outcome.outputs:
        return _("Open the part “Boxes and thresholds” first.")
    return rule(outcome, _)
