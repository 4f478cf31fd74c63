"""What the page says in the browser; names in braces are filled there."""

from __future__ import annotations

from typing import Any

from pages.kit.language import Translate


def losses_words(_: Translate) -> dict[str, Any]:
    """What the curves and the surface say."""
    return {
        "plot": _("Losses over the score p; drag to move p"),
        "surface": _("{name} over score p and target q; press to choose both"),
        "p": _("score p"),
        "q": _("target q (IoU of the box)"),
        "loss": _("loss"),
        "gradient": _("gradient by p"),
        "positive": _(
            "q > 0, a positive: the varifocal loss weighs the cross-entropy by q = {q}. At p = q it is {least}."
        ),
        "negative": _("q = 0, a negative: the varifocal loss weighs the cross-entropy by α p^γ."),
        "value": _("{loss} (gradient {gradient})"),
    }


def boxes_words(_: Translate) -> dict[str, Any]:
    """What the stage with star and positives says."""
    return {
        "panel": _("What becomes of this box"),
        "owner": _("Level {level}: one cell is {stride} px"),
        "distances": _("left, top, right, bottom (px)"),
        "offsets": _("Offsets added to the plain 3 × 3 grid (cells)"),
        "legend_star": _("star"),
        "legend_plain": _("plain 3 × 3"),
        "atss": _("ATSS"),
        "fcos": _("Center rule (FCOS)"),
        "count": _("{count} positives: {list}"),
        "separator": _(", "),
        "none": _("no positive"),
        "each": _("{count} of stride {stride}"),
        "threshold": _("ATSS’s threshold: mean {mean} + deviation {deviation} = {threshold}"),
        "nothing": _("Nothing can be said of this box."),
    }
