"""The challenges of the matching: each is marked from the boxes, and says what is still missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pages.detr import network, state
from pages.detr.looked import Looked
from pages.detr.masked import Masked
from pages.detr.state import View
from pages.kit.challenges import Challenge
from pages.kit.language import Translate
from pages.kit.page import Page
from vizcore import detr

DEARER = 0.5
"""By how much greedy has to be dearer."""
WELL = 0.8
"""IoU from which on a query sits on an object."""
AT_FIRST = (1.0, 5.0, 2.0)
BETTER = 0.05
"""By how much PQ has to be higher."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a challenge and the lesson are marked from.

    Attributes:
        view: the controls and the boxes.
        summary: what is said of them.
        looked: where the network looks, in the lesson's steps about that; None in all others.
        masked: how good the merged picture of a drawn scene is; None in all other parts.
    """

    view: View
    summary: detr.MatchingSummary
    looked: Looked | None = None
    masked: Masked | None = None

    @property
    def dearer(self) -> float:
        """By how much greedy is dearer than the optimal matching."""
        return self.summary.greedy.total - self.summary.trace.total


Rule = Callable[[Outcome, Translate], str | None]
"""None where the outcome solves the challenge, else a hint that fits it."""


def is_prepared(view: View) -> bool:
    """Whether queries and objects are those of a button, not moved by anyone."""
    side = state.SIDE
    shown = ([list(row) for row in view.queries], [list(row) for row in view.objects])
    return any(shown == tuple(detr.preset_rows(name, side=side)) for name in detr.PRESETS)


def of_ones_own(rule: Rule) -> Rule:
    """A rule that no prepared set solves as it is: something has to be moved."""

    def judged(outcome: Outcome, _: Translate) -> str | None:
        hint = rule(outcome, _)
        if hint is None and is_prepared(outcome.view):
            return _("This set was prepared. Move something, and keep what the task asks for.")
        return hint

    return judged


def dearer(outcome: Outcome, _: Translate) -> str | None:
    """Greedy pays clearly more, with the paper's weights."""
    if outcome.view.weights != AT_FIRST:
        return _("Set the weights back to 1, 5 and 2.")
    if outcome.dearer >= DEARER:
        return None
    if outcome.dearer > 1e-9:
        return _("Greedy costs {more} more; {wanted} are asked for.", more=f"{outcome.dearer:.2f}", wanted=DEARER)
    return _("Greedy finds the same total. One query must be the cheapest for two objects.")


def stranger(outcome: Outcome, _: Translate) -> str | None:
    """An object that goes to a query which overlaps it less than an unmatched query does."""
    if outcome.view.weights != AT_FIRST:
        return _("Set the weights back to 1, 5 and 2.")
    summary = outcome.summary
    free = sorted(set(range(len(outcome.view.queries))) - set(summary.trace.queries.tolist()))
    if not free:
        return _("Every query has an object. Have more queries than objects.")
    best = -1.0
    for column, owner in enumerate(summary.owner.tolist()):
        if owner >= 0:
            best = max(best, float(summary.iou[free, column].max() - summary.iou[owner, column]))
    if best >= 0.1:
        return None
    return _("An unmatched query must overlap an object by at least 0.1 IoU more than the one that got it.")


def alone(outcome: Outcome, _: Translate) -> str | None:
    """An object without a query although a query sits on it."""
    summary = outcome.summary
    lonely = [column for column, owner in enumerate(summary.owner.tolist()) if owner < 0]
    if not lonely:
        return _("Every object has a query. Have more objects than queries.")
    best = float(summary.iou[:, lonely].max()) if len(outcome.view.queries) else 0.0
    if best >= WELL:
        return None
    return _(
        "The best query on an object that is left alone has IoU {iou}; it must be {wanted}.",
        iou=f"{best:.2f}",
        wanted=WELL,
    )


def lost(outcome: Outcome, _: Translate) -> str | None:
    """NMS removes a query that the matching gave a class and an object of its own."""
    summary, view = outcome.summary, outcome.view
    if view.iou_threshold != 0.7:
        return _("Leave the IoU threshold of NMS at 0.7.")
    right = {
        int(query)
        for query, target in zip(summary.trace.queries, summary.trace.targets, strict=True)
        if summary.iou[query, target] >= WELL and summary.suppression.labels[query] == summary.wanted[query]
    }
    if right & set(summary.suppression.suppressed.tolist()):
        return None
    if not len(summary.suppression.suppressed):
        return _("NMS removes nobody yet: two sure queries of one class must overlap more.")
    return _("NMS removes a query, but not one that lies on an object of its own (IoU {wanted}).", wanted=WELL)


def better(outcome: Outcome, _: Translate) -> str | None:
    """A keep threshold at which a picture is clearly better than at the paper's."""
    masked = outcome.masked
    if masked is None:
        return _("Open the part *Masks* with a drawn scene.")
    gain = masked.now.pq - masked.paper.pq
    if gain >= BETTER:
        return None
    return _(
        "At {threshold} PQ is {now}, at {paper} it is {then}: {wanted} more are asked for. Another threshold, or "
        "another scene.",
        threshold=f"{masked.keep_threshold:.2f}",
        now=f"{masked.now.pq:.2f}",
        paper=detr.KEEP_THRESHOLD,
        then=f"{masked.paper.pq:.2f}",
        wanted=BETTER,
    )


def of(page: Page, outcome: Outcome) -> list[Challenge]:
    """The challenges in the order shown."""
    _ = page.translate
    listed: tuple[tuple[str, Rule, str, str], ...] = (
        (
            "dearer",
            of_ones_own(dearer),
            _("Greed does not pay"),
            _(
                "With the weights 1, 5 and 2, arrange boxes so that greedy costs at least 0.5 more than "
                "the optimal matching."
            ),
        ),
        (
            "stranger",
            of_ones_own(stranger),
            _("Class beats place"),
            _(
                "With the weights 1, 5 and 2, let an object go to one query although another, unmatched "
                "one overlaps it more (by 0.1 IoU)."
            ),
        ),
        (
            "alone",
            of_ones_own(alone),
            _("So near and yet alone"),
            _("Leave an object without a query although a query lies on it with IoU 0.8 or more."),
        ),
        (
            "lost",
            of_ones_own(lost),
            _("What NMS would lose"),
            _("Let NMS at 0.7 remove a query that lies on an object of its own (IoU 0.8 or more) and names its class."),
        ),
    )
    if network.has_masks():
        task = _(
            "In the part *Masks*, find a drawn scene and a keep threshold at which PQ is at least 0.05 higher than at "
            "the paper’s 0.85."
        )
        listed = (*listed, ("better", better, _("A better threshold"), task))
    return [
        Challenge(name, title, task, lambda rule=rule: rule(outcome, _))  # type: ignore[misc]
        for name, rule, title, task in listed
    ]
