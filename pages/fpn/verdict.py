"""Whether the top-down path pays: (d) against (c), told from their cards, and held against what another seed moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pages.fpn import trainings
from pages.fpn.trainings import Trained
from pages.kit.language import Translate
from pages.kit.numbers import written

LIKE = 0.01
"""Average precisions that differ by no more are alike, even where two seeds happen to come closer."""
SIZES = ("small", "medium", "large")


@dataclass(frozen=True)
class Verdict:
    """(d) against (c) over the seeds that both were trained with.

    Attributes:
        outcome: where (d) stands.
        fpn: mean AP of (d).
        separate: mean AP of (c).
        seeds: how many.
        spread: the farthest that two seeds of one of the designs lie apart, in AP; 0 for a single seed.
        margin: a difference counts only where it is greater.
        gains: of (d) over (c) by size of objects; None where there was no such object.
    """

    outcome: Literal["ahead", "alike", "behind"]
    fpn: float
    separate: float
    seeds: int
    spread: float
    margin: float
    gains: Mapping[str, float | None]


def judge(found: Sequence[Trained]) -> Verdict | None:
    """Compares (d) with (c); None where no seed was trained of both."""
    runs = {
        design: {card.seed: card.quality for card in found if trainings.design_of(card) == design}
        for design in ("fpn", "separate")
    }
    seeds = sorted(runs["fpn"].keys() & runs["separate"].keys())
    if not seeds:
        return None
    paired = {design: [by_seed[seed] for seed in seeds] for design, by_seed in runs.items()}
    means = {design: trainings.mean(each) for design, each in paired.items()}
    gains = {
        size: means["fpn"][f"ap_{size}"] - means["separate"][f"ap_{size}"]
        if min(each[f"ap_{size}"] for each in means.values()) >= 0
        else None
        for size in SIZES
    }
    spread = max(max(run["ap"] for run in each) - min(run["ap"] for run in each) for each in paired.values())
    margin = max(spread, LIKE)
    # A card has four digits: what is equal there is equal.
    gain = round(means["fpn"]["ap"] - means["separate"]["ap"] - margin, 6)
    loss = round(means["separate"]["ap"] - means["fpn"]["ap"] - margin, 6)
    outcome: Literal["ahead", "alike", "behind"] = "ahead" if gain > 0 else "behind" if loss > 0 else "alike"
    return Verdict(outcome, means["fpn"]["ap"], means["separate"]["ap"], len(seeds), spread, margin, gains)


def say(verdict: Verdict, kind: str, _: Translate) -> str:
    """The result, how sure it is, and the reason, as Markdown."""
    values = {"fpn": f"{verdict.fpn:.3f}", "separate": f"{verdict.separate:.3f}"}
    first = {
        "ahead": _("**Here the top-down path pays:** (d) has AP {fpn}, (c) without the path {separate}.", **values),
        "alike": _(
            "**Here the top-down path does not pay:** (d) has AP {fpn}, (c) without it {separate}; they are alike.",
            **values,
        ),
        "behind": _(
            "**Here the top-down path costs something:** (d) has AP {fpn}, (c) without the path {separate}.", **values
        ),
    }
    gains = {size: "–" if gain is None else written(gain, "+.3f") for size, gain in verdict.gains.items()}
    sizes = _("Of (d) over (c): small {small}, medium {medium}, large {large}.", **gains)
    facts = "\n".join(f"- {line}" for line in (first[verdict.outcome], sizes, _certainty(verdict, _)))
    return f"{facts}\n\n{_reason(verdict.outcome, kind, _)}"


def _certainty(verdict: Verdict, _: Translate) -> str:
    margin = f"{verdict.margin:.3f}"
    if verdict.seeds == 1:
        return _(
            "Each was trained with one seed, so how far another would move it is not known; up to {margin} is called "
            "alike.",
            margin=margin,
        )
    return _(
        "With {count} seeds each, one design’s own AP moves by up to {spread}; up to {margin} is called alike.",
        count=verdict.seeds,
        spread=f"{verdict.spread:.3f}",
        margin=margin,
    )


def _reason(outcome: str, kind: str, _: Translate) -> str:
    if kind == trainings.DIGITS:
        reasons = {
            "ahead": _(
                "A digit is told from all its strokes together; a fine stage sees each of them and has not yet put "
                "them together. What the deep stages know of the whole comes down the path."
            ),
            "alike": _(
                "A digit is told from all its strokes together, so what deep stages know should help a small one. "
                "It does not show here: with this backbone and budget the fine levels do as well, or as badly, "
                "without it."
            ),
            "behind": _(
                "A digit is told from all its strokes together, so what deep stages know should help a small one. "
                "Here it costs a little instead. Why was not measured; the backbone is frozen and the training "
                "short, so perhaps the network has not learned to use it."
            ),
        }
    else:
        reasons = {
            "ahead": _(
                "A shape can be told from its outline, which every stage sees. Still, what the deep stages know helps "
                "on these scenes."
            ),
            "alike": _(
                "A shape can be told from its outline, which every stage sees. So the fine stages hardly miss what the "
                "deep ones know."
            ),
            "behind": _(
                "A shape can be told from its outline, which every stage sees. What the deep stages know adds nothing "
                "to it and has to be learned as well."
            ),
        }
    return reasons[outcome]
