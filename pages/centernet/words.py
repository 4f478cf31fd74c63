"""What the page says in the browser; names in braces are filled there."""

from __future__ import annotations

from typing import Any

from pages.kit.language import Translate, translator
from vizcore.data.scenes import CLASSES
from vizcore.figures.centernet import FORMULA_NAMES


def class_names() -> dict[str, str]:
    """The classes of the drawn objects, in the reader's language."""
    say = translator("classes")
    return {name: say(name) for name in CLASSES}


def splat_words(_: Translate) -> dict[str, str]:
    """What the stage with the heatmap says."""
    return {
        "panel": _("What the objects put on the map"),
        "object": _("Object {number}, class {label}"),
        "nothing": _("No object"),
        "facts": _("{width} × {height} cells; center in cell ({x}, {y}), offset ({dx}, {dy})"),
        "radius": _("r = {radius}, drawn {drawn}"),
        "worst": _("worst box: IoU {iou}"),
        "count": _("Class {label}: objects {count}, peaks {peaks}."),
        "lost": _("Lost: {count}. Its cell was taken by an object of the same class."),
        "loupe": _("cells around the center"),
        **{name: _(label) for name, label in FORMULA_NAMES.items()},
    }


def loss_words(_: Translate) -> dict[str, Any]:
    """What the three maps say."""
    return {
        "target": _("Target Y"),
        "prediction": _("Prediction p"),
        "loss": _("Loss of each cell"),
        "gradient": _("Gradient ∂L/∂p"),
        "help": {
            "target": _("Dark is 0, yellow is 1. Ring: Y is exactly 1."),
            "prediction": _("Paint here; arrow keys and Enter paint too."),
            "effect": _("Press a cell to read it."),
        },
        "scale": _("Largest: ±{most}. Colors follow the square root."),
        "total": _("Loss {loss}: the sum over all cells, divided by {count} peak"),
        "cell": _("cell"),
        "weight": "(1 − Y)⁴",
        "term": _("loss"),
        "slope": _("gradient"),
        "positive": _("Y is exactly 1: the loss is −(1 − p)² ln p."),
        "negative": _("Y is below 1: the loss is −(1 − Y)⁴ p² ln(1 − p)."),
    }


def decode_words(_: Translate) -> dict[str, Any]:
    """What the steps from map to box say."""
    return {
        "panel": _("The decision"),
        "steps": [_("The picture"), _("The heatmap"), _("All peaks")],
        "picture": _("The network sees this picture. Press → to see its heatmap."),
        "heatmap": _("Bright: the network expects the center of an object here; the greatest of all classes is shown."),
        "peaks": _(
            "{all} cells of all classes are the greatest of their {kernel} × {kernel} neighborhood; {shown} of them "
            "reach the score threshold."
        ),
        "wait": _("Step on with →: here stands what each peak’s cell says."),
        "rank": _("Rank {rank}: {label}, score {score}"),
        "greatest": _("{score} beats its greatest neighbor, {rival}: a peak. Its cell tells offset and size."),
        "tie": _("{score} equals a neighbor: both are peaks, and both become boxes."),
        "alone": _("With a kernel of 1 × 1 every cell is a peak: nothing is compared."),
        "cell": _("cell (x, y)"),
        "rival": _("greatest neighbor"),
        "offset": _("offset (cells)"),
        "size": _("width, height (cells)"),
        "box": _("box (px)"),
        "turns": _("Predicted (blue) and true (white) angle"),
        "turn": _("predicted {said}, true {true}"),
        "missed": _("not found"),
    }
