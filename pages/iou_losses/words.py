"""What the playground says in the browser; names in braces are filled there."""

from __future__ import annotations

from typing import Any

from pages.kit.language import Translate
from vizcore import iou_losses


def component_words(_: Translate) -> dict[str, Any]:
    """Everything that the playground says."""
    return {
        "panel": _("What the losses say"),
        "gradient": _("gradient"),
        "scale": _("Arrows point where a descent step moves the edge; longer means a steeper loss, up to a limit."),
        "race": _("Step {step}, IoU so far: {ious}"),
        "parts": {
            "iou": "IoU",
            "intersection": _("I (px²)"),
            "union": _("U (px²)"),
            "enclosing_area": _("C (px²)"),
            "distance": _("ρ (px)"),
            "diagonal": _("c (px)"),
        },
        "legend": {
            "prediction": _("prediction"),
            "target": _("target"),
            "intersection": _("intersection I"),
            "union": _("union U"),
            "enclosing": _("enclosing box C"),
            "distance": _("ρ, distance of the centers"),
            "diagonal": _("c, diagonal of C"),
            "arrows": _("where a step moves an edge"),
        },
        "reasons": {name: _(sentence) for name, sentence in iou_losses.REASONS.items()},
    }
