"""What the stepper says in the browser; names in braces are filled there."""

from __future__ import annotations

from typing import Any

from pages.kit.language import Translate


def method_words(_: Translate, method: str, *, suppress_equal: bool) -> dict[str, str]:
    """What one decision of a method is said to be; braces are filled in the browser."""
    if method == "matrix":
        return {
            "pick": _(
                "Step {step}: box {pick} ({score}) is judged by the {compared} better boxes; {touching} of them "
                "intersect it."
            ),
            "alone": _("No better box touches it, so its score stays."),
            "keep": _(
                "Box {other}, IoU {iou}, alone would multiply the score of box {pick} by {factor}; another box "
                "weighs more."
            ),
            "decay": _(
                "Box {other}, IoU {iou}, weighs most: the score of box {pick} falls from {before} to {after} (× "
                "{factor})."
            ),
            "suppress": _(
                "Box {other}, IoU {iou}, weighs most: the score of box {pick} falls from {before} to {after}, below "
                "{floor}; it is removed."
            ),
        }
    if method == "fusion":
        return {
            "pick": _(
                "Step {step}: box {pick} ({score}) looks for a cluster to join; it touches {touching} of {compared}."
            ),
            "alone": _("None overlaps it enough, so it founds a cluster."),
            "keep": _("IoU {iou} with the fused box of cluster {other}: box {pick} does not join it."),
            "merge": _(
                "IoU {iou} with the fused box of cluster {other}, above {threshold} and the best: box {pick} joins, "
                "and the fused box moves."
            ),
        }
    picked = _(
        "Step {step}: box {pick} has the best score left ({score}) and is kept. It is compared with {compared} "
        "boxes; {touching} intersect it."
    )
    if method == "soft_linear":
        return {
            "pick": picked,
            "keep": _(
                "Boxes {pick} and {other}: IoU {iou} is not above {threshold}, so the score of box {other} stays "
                "{before}."
            ),
            "decay": _(
                "Boxes {pick} and {other}: IoU {iou} is above {threshold}; the score of box {other} falls from "
                "{before} to {after} (× {factor} = 1 − IoU)."
            ),
            "suppress": _(
                "Boxes {pick} and {other}: IoU {iou}; the score of box {other} falls from {before} to {after}, "
                "below {floor}; it is removed."
            ),
        }
    if method == "soft_gaussian":
        return {
            "pick": picked,
            "keep": _("Boxes {pick} and {other} do not overlap: the score of box {other} stays {before}."),
            "decay": _(
                "Boxes {pick} and {other}: IoU {iou}; the score of box {other} falls from {before} to {after} (× "
                "{factor}). There is no threshold here."
            ),
            "suppress": _(
                "Boxes {pick} and {other}: IoU {iou}; the score of box {other} falls from {before} to {after}, "
                "below {floor}; it is removed."
            ),
        }
    if method == "diou":
        return {
            "pick": picked,
            "keep": _(
                "Boxes {pick} and {other}: IoU {iou}, less the distance of their centers {overlap}, is not above "
                "{threshold}. Box {other} stays."
            ),
            "suppress": _(
                "Boxes {pick} and {other}: IoU {iou}, less the distance of their centers {overlap}, exceeds "
                "{threshold}. Box {other} is suppressed."
            ),
        }
    if suppress_equal:
        return {
            "pick": picked,
            "keep": _("Boxes {pick} and {other}: IoU {iou} is below {threshold}. Box {other} stays in the queue."),
            "suppress": _("Boxes {pick} and {other}: IoU {iou} is at least {threshold}. Box {other} is suppressed."),
        }
    return {
        "pick": picked,
        "keep": _("Boxes {pick} and {other}: IoU {iou} is not above {threshold}. Box {other} stays in the queue."),
        "suppress": _("Boxes {pick} and {other}: IoU {iou} is above {threshold}. Box {other} is suppressed."),
    }


def component_words(_: Translate, method: str, *, suppress_equal: bool) -> dict[str, Any]:
    """Everything the stepper says."""
    return {
        "say": {
            **method_words(_, method, suppress_equal=suppress_equal),
            "start": _("{count} candidates, best score first. Nothing is decided yet: press → to begin."),
            "low": _("{count} more lie below the score threshold {floor} and take no part."),
            "incomplete": _("There are so many overlaps that only those which changed something are listed."),
            "effect": _("Suppressed: {suppressed}, decayed: {decayed}, left alone: {untouched}."),
            "end": _("Done: {kept} boxes kept, {removed} removed."),
            "lost": _("Of {count} objects {lost} is lost (red)."),
            "all_found": _("All {count} objects are found."),
            "question": _("Box {pick} is in hand and meets box {other}. What happens?"),
            "choose": _("Decide before you see it:"),
            "go_on": _("Press → for the next decision."),
            "right": _("Right: {truth}. {why}"),
            "wrong": _("Not so: {truth}. {why}"),
            "tally": _("{right} of {asked} right"),
        },
        "answers": {"keep": _("keep"), "suppress": _("suppress"), "decay": _("decay"), "merge": _("merge")},
        "keys": {"keep": "k", "suppress": "s", "decay": "d", "merge": "m"},
        "queue": _("Queue: {count} waiting"),
        "kept": _("Kept: {kept} · removed: {removed}"),
        "more": _("and {count} more"),
        "matrix": _("Overlaps, best score first"),
        "matrix_part": _("Overlaps of the best {count}"),
        "cell": _("boxes {a} and {b}: {value}"),
        "curve": _("Overlap → factor on the score"),
        "in_hand": _("in hand"),
        "compared": _("compared"),
        "gone": _("removed"),
        "tip": {
            "box": _("Box {id}: {label} {score}"),
            "kept": _("final score {after}"),
            "removed": _("removed by box {by}"),
            "low": _("below the score threshold"),
        },
    }
