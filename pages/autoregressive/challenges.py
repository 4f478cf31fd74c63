"""The challenges of the page of pixel models: each is marked from what the page shows, and says what is missing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pages.autoregressive import leak, write
from pages.autoregressive.tour import Outcome
from pages.kit.challenges import Challenge
from pages.kit.language import Translate
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore import autoregressive

BUTTERFLY = 15
SURE = 0.5
SHARE = 0.9
KERNEL = 5

Rule = Callable[[Outcome, Translate], str | None]
"""None where the outcome solves the challenge, else a hint that fits it."""


def butterfly(outcome: Outcome, _: Translate) -> str | None:
    """One flip that changes many later pixels."""
    if outcome.view.part != "pixels":
        return _("Open “Pixel by pixel”, let a picture be drawn, and click one of its pixels.")
    drawing = outcome.drawing
    flips = int((drawing.changed & drawing.trace.forced).sum())
    if flips != 1 or not drawing.trace.exact:
        return _("Exactly one flipped pixel counts: press “Prescribe nothing”, then click a pixel.")
    if drawing.followers < BUTTERFLY:
        return _(
            "{changed} later pixels came out otherwise; {wanted} are needed. Other seeds give other pictures.",
            changed=drawing.followers,
            wanted=BUTTERFLY,
        )
    return None


def simple(outcome: Outcome, _: Translate) -> str | None:
    """A painted picture that is likelier than nearly every real digit."""
    if outcome.view.part != "write" or outcome.view.model != "nade":
        return _("Open “Write your own” and choose NADE.")
    real = compute(autoregressive.unseen_likelihoods, "nade")
    share = float((real < outcome.nats).mean())
    if share < SHARE:
        return _(
            "It is likelier than {share} of the test digits. Bright cells of the surprise map are what costs most.",
            share=f"{share:.0%}",
        )
    return None


def disagree(outcome: Outcome, _: Translate) -> str | None:
    """A picture that two classifiers name differently, both rather sure."""
    if outcome.view.part != "write":
        return _("Open “Write your own”: both classifiers answer there.")
    if outcome.view.model == "independent":
        return _("Independent pixels do not count: choose a model that looks at earlier pixels.")
    both = write.classify(outcome.view)
    labels, sure = [int(np.argmax(one)) for one in both], min(max(one) for one in both)
    if labels[0] == labels[1]:
        return _("Both say {label}. Try a digit between two: a 3 that is nearly a 9.", label=labels[0])
    if sure < SURE:
        return _("They disagree, but the less sure of them gives its label only {sure}.", sure=f"{sure:.0%}")
    return None


def see_all(outcome: Outcome, _: Translate) -> str | None:
    """The smallest gated stack in which every output sees everything before it."""
    view = outcome.view
    if view.part != "leak" or view.network != "gated_pixelcnn" or view.kernel != KERNEL:
        return _("Open the leak test, choose the Gated PixelCNN and a kernel of 5×5.")
    if leak.find(view).missing.any():
        return _("{missing} allowed pairs are still missing.", missing=int(leak.find(view).missing.sum()))
    if view.layers > 1 and not leak.find(view, layers=view.layers - 1).missing.any():
        return _("Nothing is missing, but one convolution fewer would do as well.")
    return None


def on_small(rule: Rule) -> Rule:
    """The rule, for the 8×8 digits that all challenges are about."""

    def judged(outcome: Outcome, _: Translate) -> str | None:
        if outcome.view.data != "digits":
            return _("The challenges are about the 8×8 digits: choose them first.")
        return rule(outcome, _)

    return judged


def of(page: Page, outcome: Outcome) -> list[Challenge]:
    """The challenges in the order shown."""
    _ = page.translate
    listed: tuple[tuple[str, Rule, str, str], ...] = (
        (
            "butterfly",
            butterfly,
            _("Butterfly"),
            _("Flip one single pixel so that at least {wanted} later pixels come out otherwise.", wanted=BUTTERFLY),
        ),
        (
            "simple",
            simple,
            _("Likelier than real"),
            _("Paint a picture to which NADE gives more probability than to nine of ten real test digits."),
        ),
        (
            "disagree",
            disagree,
            _("Two opinions"),
            _(
                "Paint a digit that the generative classifier and the logistic regression name differently, each with "
                "at least {sure}.",
                sure=f"{SURE:.0%}",
            ),
        ),
        (
            "see_all",
            see_all,
            _("No spot left blind"),
            _(
                "Find the least number of masked convolutions with which, at a kernel of 5×5, every output of the "
                "Gated PixelCNN sees all pixels before it."
            ),
        ),
    )
    return [
        Challenge(name, title, task, lambda rule=rule: on_small(rule)(outcome, _))  # type: ignore[misc]
        for name, rule, title, task in listed
    ]
