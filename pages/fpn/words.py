"""What the pieces of the feature pyramid page say in the browser, and names and colors that several parts share."""

from __future__ import annotations

from pages.kit.language import Translate, translator
from vizcore.data import scenes
from vizcore.figures import theme

COLORS = dict(zip(("P2", "P3", "P4", "P5", "P6"), theme.CATEGORICAL, strict=False))
"""Of the levels."""
SHAPE = "{channels}×{rows}×{cols}"
PAPER_FORMULA = "k = ⌊k₀ + log₂(√(w · h) / {size})⌋"


def class_names() -> tuple[str, ...]:
    """The classes of the drawn objects, by label."""
    say = translator("classes")
    return tuple(say(name) for name in scenes.CLASSES)


def size_words(_: Translate) -> dict[str, str]:
    """COCO's size classes."""
    return {"small": _("small"), "medium": _("medium"), "large": _("large")}


def view_words(_: Translate) -> dict[str, str]:
    """What a cell can show."""
    return {
        "mean": _("Mean of the channels"),
        "max": _("Maximum of the channels"),
        "norm": _("Norm of the channels"),
        "pca": _("PCA as colors"),
        "channel": _("One channel"),
    }


def design_words(_: Translate) -> dict[str, str]:
    """The paper's four designs, each in a sentence."""
    return {
        "image_pyramid": _(
            "The picture at several sizes, each through the whole network: every size costs a full pass."
        ),
        "top": _("One pass, and only the last, coarsest map is asked: one cell for 32 × 32 pixels."),
        "separate": _("One pass, every stage asked as it is: what the coarse ones know never reaches the fine ones."),
        "fpn": _("One pass, and what the coarse stages know is handed down to the fine ones."),
    }


def maps_words(_: Translate, note: str, *, with_strides: bool = True) -> dict[str, str]:
    """What the pyramid says; braces are filled in the browser.

    Args:
        _: says a label.
        note: the result in a sentence.
        with_strides: whether the maps say their strides; not while a lesson asks for one.
    """
    return {
        "opacity": _("Map over the picture"),
        "over": _("{name} over the picture"),
        "boxes": _("Boxes"),
        "cut_all": _("Cut the whole top-down path"),
        "mend": _("Mend all arrows"),
        "pyramid": _("Stages on the left, levels on the right"),
        "help": _(
            "Left the backbone’s stages, right the pyramid’s levels, finest at the bottom. Press an arrow to cut it; "
            "press a map to lay it over the picture; arrow keys on a map move the cell."
        ),
        "shape": SHAPE,
        "shape_stride": _("{channels}×{rows}×{cols}\nstride {stride}") if with_strides else SHAPE,
        "tile": _(
            "{name}: {channels} channels, {rows} rows, {cols} columns, stride {stride}; row {row}, column {col} is "
            "{value}"
        ),
        "value": _("{name}, row {row}, column {col}: {value}"),
        "lateral": _("Lateral connection {from} to {to}"),
        "top_down": _("Top-down arrow {from} to {to}"),
        "is_cut": _("cut"),
        "is_whole": _("connected"),
        "merge": _("How {level} is made"),
        "convolution": _("3×3 convolution"),
        "not_additive": _("Means and single channels add up cell by cell; this view does not."),
        "channel_of": _("channel {channel} of {count}"),
        "summary": note,
    }


def designs_words(_: Translate) -> dict[str, str]:
    """What the diagrams of the designs say."""
    return {
        "predict": _("predict"),
        "open": _("Open the map {name}: {channels} channels, {rows} × {cols} cells"),
    }


def owner_words(_: Translate, size: float) -> dict[str, str]:
    """What the two rules say of a box.

    Args:
        _: says a label.
        size: the canonical one, pixels.
    """
    return {
        "panel": _("What the two rules say"),
        "paper": _("By area: the FPN paper"),
        "paper_formula": PAPER_FORMULA.format(size=f"{size:g}"),
        "paper_axis": _("√(w · h), pixels of the network’s input"),
        "fcos": _("By the farthest side: FCOS, this detector"),
        "fcos_formula": _("max(l, t, r, b) of a cell; in the middle of the box max(w, h) / 2"),
        "fcos_axis": _("distance to the farthest side, pixels of the network’s input"),
        "limited": _("Kept within P2 … P5, the levels that the paper pools from."),
        "cells": _("Cells that training gives this box: {list}."),
        "no_cells": _("No cell’s middle lies in the box, near its center and in range: training skips it."),
        "agree": _("Both rules choose {level}."),
        "differ": _("They differ: by area {paper}, by the farthest side {fcos}."),
        "overlap": _("By area {paper}; by the farthest side {fcos} share it, cell by cell."),
        "nobody": _("By area {paper}; in this detector nobody learns to find it."),
        "count": _("{count} cells"),
        "badge_paper": _("area"),
        "badge_fcos": "FCOS",
        "examples": _("Put the box on:"),
        "more": _("{count} more"),
    }


def cell_words(_: Translate) -> dict[str, str]:
    """What a cell's field says."""
    return {
        "help": _(
            "The thin frame follows the pointer: what that cell could see. Press to ask for its gradient; or use the "
            "arrow keys."
        ),
        "where": _("Row {row}, column {col}: could see {width} × {height} pixels of the picture."),
        "at": _("row {row}, column {col}"),
    }


def cell_key(_: Translate, *, anchors: bool, asks: bool = False) -> list[dict[str, str]]:
    """The legend of a cell's field.

    Args:
        _: says a label.
        anchors: whether there are any.
        asks: whether a lesson asks where the gradient lies, which is not drawn then.
    """
    gradient = [
        {"name": "heat", "words": _("gradient (its square root)")},
        {"name": "held", "words": _("95 % of the gradient")},
    ]
    return [
        {"name": "theoretical", "words": _("theoretical field")},
        *([] if asks else gradient),
        *([{"name": "anchors", "words": _("anchors")}] if anchors else []),
    ]
