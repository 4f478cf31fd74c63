"""The challenges of the image pyramid: each is marked from what the page shows, and says what is still missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pages.image_pyramid.state import CLASSES, View
from pages.kit.challenges import Challenge
from pages.kit.language import Translate, translator
from pages.kit.page import Page
from vizcore import image_pyramid


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a challenge is marked from.

    Attributes:
        view: the controls.
        trace: the window slid.
        cost_ratio: multiply-adds of all levels over those of the largest.
        step: position of the stepper; step s stands on window s - 1 while one step is one window.
        cascade: ``[N, 4]`` faces by the cascade, xyxy in pixels of the photo.
        hog: the same by HOG + SVM; None before it was trained.
    """

    view: View
    trace: image_pyramid.SlidingWindowTrace
    cost_ratio: float
    step: int
    cascade: np.ndarray
    hog: np.ndarray | None


Rule = Callable[[Outcome, Translate, Translate], str | None]
"""None where the outcome solves the challenge, else a hint that fits it. The second translator says classes."""


def surest(outcome: Outcome, _: Translate, say_class: Translate) -> str | None:
    """The stepper stands on the surest window of all."""
    view, trace, step = outcome.view, outcome.trace, outcome.step
    if not view.shows_sample("chelsea"):
        return _("Choose the photo of Chelsea the cat first.")
    if CLASSES[trace.label] != "Egyptian cat":
        return _("Look for the class “{name}”.", name=say_class("Egyptian cat"))
    if view.pace != "window":
        return _("Let one step be one window.")
    if not 1 <= step <= trace.num_windows:
        return _("Stop the stepper on a window. The curve below the pyramid says on which level to look.")
    if step - 1 != trace.best_window:
        return _(
            "This window says {score}; the surest one of all says more. Point at the levels to read their maps.",
            score=f"{trace.scores[step - 1]:.3f}",
        )
    return None


def cheap(outcome: Outcome, _: Translate, say_class: Translate) -> str | None:
    """Few multiply-adds, and the espresso still found."""
    trace = outcome.trace
    if not outcome.view.shows_sample("coffee"):
        return _("Choose the photo of the cup of coffee first.")
    if CLASSES[trace.label] != "espresso" or not len(trace.keep):
        return _("No box says “{name}” now.", name=say_class("espresso"))
    if len(trace.level_sizes) < 2:
        return _("One level is no pyramid: use two at least.")
    if outcome.cost_ratio > 1.5:
        return _(
            "All levels cost {sum} × the largest now. Which control sets that sum?", sum=f"{outcome.cost_ratio:.2f}"
        )
    return None


def lost(outcome: Outcome, _: Translate, say_class: Translate) -> str | None:
    """The motorcycle is missed, because the pyramid is too short."""
    view, trace = outcome.view, outcome.trace
    if not view.shows_sample("motorcycle"):
        return _("Choose the photo of the motorcycle first.")
    if CLASSES[trace.label] != "moped" or not np.isclose(view.score_threshold, 0.3) or view.window_stride != 1:
        return _("Look for “{name}”, with threshold 0.3 and stride 1.", name=say_class("moped"))
    if len(trace.keep):
        return _(
            "It is still found: on level {level}, with {score}.",
            level=trace.best_level + 1,
            score=f"{max(trace.peaks):.2f}",
        )
    return None


def face(outcome: Outcome, _: Translate, say_class: Translate) -> str | None:
    """A face that the cascade finds and ImageNet has no name for."""
    if len(outcome.cascade) != 1:
        return _("The cascade finds {count} faces on this photo.", count=len(outcome.cascade))
    if outcome.hog is None:
        return _("The cascade finds one. Now train HOG + SVM and let it search too.")
    overlap = image_pyramid.overlaps(outcome.cascade, outcome.hog)
    return None if (overlap > 0.4).any() else _("The two do not agree on any face.")


def of(page: Page, outcome: Outcome) -> list[Challenge]:
    """The challenges in the order shown."""
    _ = page.translate
    say_class = translator("classes", page.language)
    listed: tuple[tuple[str, Rule, str, str], ...] = (
        (
            "surest",
            surest,
            _("The surest window"),
            _("On the photo of Chelsea, stop the stepper on the window that is surest of “Egyptian cat”."),
        ),
        (
            "cheap",
            cheap,
            _("At most one and a half"),
            _("Find the espresso with two levels or more that together cost at most 1.5 × the largest."),
        ),
        (
            "lost",
            lost,
            _("Lose the motorcycle"),
            _(
                "The motorcycle is found as a moped. Lose it with the threshold left at 0.3 and the stride at 1, "
                "by the levels alone."
            ),
        ),
        (
            "face",
            face,
            _("A face without a name"),
            _("Find a photo on which the cascade finds exactly one face, and make HOG + SVM find it too."),
        ),
    )
    return [
        Challenge(name, title, task, lambda rule=rule: rule(outcome, _, say_class))  # type: ignore[misc]
        for name, rule, title, task in listed
    ]
