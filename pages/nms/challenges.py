"""The challenges of the NMS stepper: each is marked from what the page shows, and says what is still missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pages.kit.challenges import Challenge
from pages.kit.language import Translate
from pages.kit.page import Page
from pages.nms.candidates import Candidates, suppress
from pages.nms.state import View
from vizcore import nms


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a challenge is marked from.

    Attributes:
        view: the controls.
        found: the candidates.
        trace: the suppression that is stepped.
        evaluations: how each method did.
        rankings: how each ranking did.
        said: what the browser said last, unchecked.
    """

    view: View
    found: Candidates
    trace: nms.NMSTrace
    evaluations: Mapping[str, nms.Evaluation]
    rankings: Mapping[str, nms.RankingResult]
    said: Mapping[str, Any]


Rule = Callable[[Outcome, Translate], str | None]
"""None where the outcome solves the challenge, else a hint that fits it."""


def chain(outcome: Outcome, _: Translate) -> str | None:
    """A suppressed box that would have suppressed a survivor."""
    view, trace = outcome.view, outcome.trace
    if view.source != "own" or view.method != "hard":
        return _("Choose “My own boxes” and the greedy method.")
    lost = [index for index, by in enumerate(trace.suppressed_by.tolist()) if by >= 0]
    if not lost:
        return _("No box is suppressed yet: let two of them overlap more.")
    matrix = nms.measure_matrix(trace)
    overlaps = {
        int(box): dict(zip(matrix.ids.tolist(), row.tolist(), strict=True))
        for box, row in zip(matrix.ids, matrix.overlaps, strict=True)
    }
    for index in lost:
        for other in trace.keep.tolist():
            beyond = other != trace.suppressed_by[index] and overlaps[index][other] > view.iou_threshold
            if beyond and trace.scores[other] < trace.scores[index]:
                return None
    return _(
        "A box is suppressed, but no survivor with a lower score overlaps it beyond the threshold: it could not "
        "have suppressed anything."
    )


def fewer(outcome: Outcome, _: Translate) -> str | None:
    """A higher IoU threshold must keep fewer boxes."""
    view, trace = outcome.view, outcome.trace
    if view.source != "own" or view.method != "hard":
        return _("Choose “My own boxes” and the greedy method.")
    raised = min(round(view.iou_threshold + 0.1, 2), 1.0)
    higher = suppress(view, outcome.found, iou_threshold=raised)
    if len(higher.keep) < len(trace.keep):
        return None
    return _(
        "At IoU threshold {low} {few} boxes are kept, at {high} {many}. A box that is spared can suppress others.",
        low=view.iou_threshold,
        few=len(trace.keep),
        high=raised,
        many=len(higher.keep),
    )


def rescue(outcome: Outcome, _: Translate) -> str | None:
    """Every true object kept, and few boxes."""
    view, kept = outcome.view, len(outcome.trace.keep)
    if view.source != "crowd" or view.iou_threshold != 0.5:
        return _("Choose the crowd, and leave the IoU threshold at 0.5.")
    lost = len(outcome.evaluations[view.method].lost)
    if lost:
        return _("{count} true objects are lost with these rules.", count=lost)
    if kept > 5:
        return _("Nobody is lost, but {count} boxes are kept; at most 5 are allowed.", count=kept)
    return None


def convention(outcome: Outcome, _: Translate) -> str | None:
    """Exact halves must suppress."""
    view, kept = outcome.view, len(outcome.trace.keep)
    if view.source != "ties" or view.method != "hard" or view.iou_threshold != 0.5:
        return _("Choose “Ties and exact halves”, the greedy method and an IoU threshold of 0.5.")
    if kept != 3:
        return _("{count} boxes are kept, not 3. What happens to an overlap of exactly one half?", count=kept)
    return None


def predict(outcome: Outcome, _: Translate) -> str | None:
    """The browser counts; this only reads it."""
    predicted = outcome.said.get("predicted")
    counts: Mapping[str, Any] = predicted if isinstance(predicted, Mapping) else {}
    asked, right, outcomes = (counts.get(name, 0) for name in ("asked", "right", "outcomes"))
    if not isinstance(asked, int) or not isinstance(right, int) or asked < 8:
        return _("Switch on “Predict first” and answer at least 8 times.")
    if right * 8 < asked * 7:
        return _("{right} of {asked} are right; seven of eight would do.", right=right, asked=asked)
    if not isinstance(outcomes, int) or outcomes < 2:
        return _("You foresaw one outcome only. Foresee two different ones, each at least twice.")
    return None


def crossover(outcome: Outcome, _: Translate) -> str | None:
    """Centerness must cost AP."""
    score = outcome.rankings["score"].evaluation.ap
    centerness = outcome.rankings["score_centerness"].evaluation.ap
    if centerness >= score:
        return _(
            "Score × centerness still gains: AP {centerness} against {score}.",
            centerness=f"{centerness:.3f}",
            score=f"{score:.3f}",
        )
    return None


def of(page: Page, outcome: Outcome) -> list[Challenge]:
    """The challenges in the order shown."""
    _ = page.translate
    listed: tuple[tuple[str, Rule, str, str], ...] = (
        (
            "chain",
            chain,
            _("Build a chain"),
            _("With your own boxes, let A suppress B although B would have suppressed C, so that C survives."),
        ),
        (
            "fewer",
            fewer,
            _("More lenient, fewer boxes"),
            _("With your own boxes, find a case in which an IoU threshold higher by 0.1 keeps fewer boxes."),
        ),
        (
            "rescue",
            rescue,
            _("Save everybody"),
            _("In the crowd, at IoU threshold 0.5, find rules that lose no true object and keep at most 5 boxes."),
        ),
        (
            "convention",
            convention,
            _("Three are enough"),
            _("Among the ties, keep exactly 3 boxes with the greedy method at IoU threshold 0.5."),
        ),
        (
            "predict",
            predict,
            _("See it coming"),
            _(
                "Predict at least 8 decisions, seven of eight right, and among them two different outcomes at least "
                "twice each."
            ),
        ),
        (
            "crossover",
            crossover,
            _("When centerness hurts"),
            _("Find a misalignment at which ranking by score × centerness is worse than by the score alone."),
        ),
    )
    return [
        Challenge(name, title, task, lambda rule=rule: rule(outcome, _))  # type: ignore[misc]
        for name, rule, title, task in listed
    ]
