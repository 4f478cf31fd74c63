"""What the pieces of the upsampling page say in the browser, and the names of operators; braces are filled there."""

from __future__ import annotations

from pages.kit.language import Translate
from vizcore.figures import upsampling as figures


def name_of(_: Translate, operator: str) -> str:
    """An operator's name in the reader's language."""
    return _(figures.NAMES[operator])


def operator_notes(_: Translate) -> dict[str, str]:
    """One sentence under each operator."""
    return {
        "nearest": _("Copies the pixel at ⌊d·I/O⌋: one contributor, weight 1."),
        "nearest_exact": _("Copies the pixel at ⌊(d + ½)·I/O⌋, as Pillow and scikit-image do."),
        "bilinear": _("Up to four neighbors; the weights are positive and sum to 1."),
        "bicubic": _("Up to sixteen neighbors; some weights are negative, so it can overshoot."),
        "area": _("Averages what an output pixel covers; when enlarging by a whole number it equals nearest."),
        "conv_transpose": _("Every input cell stamps the kernel; where stamps overlap they add up."),
        "pixel_shuffle": _("Reads the grid as r×r tiles, one a channel, and weaves them together. No number changes."),
        "pixel_unshuffle": _(
            "The way back: each of the r² places in a block becomes a channel, laid out as tiles here."
        ),
        "subpixel_conv": _(
            "A 3×3 convolution makes r² channels, PixelShuffle weaves them: one kernel for each place in an r×r block."
        ),
        "max_unpool": _(
            "MaxPool2d, then each maximum back to where it was; zeros elsewhere. The map holds for this input."
        ),
        "resize_conv": _("Nearest, then a 3×3 mean: every output pixel is made by the same rule."),
        "dilated_conv": _("The way not to downsample: the same size, a wider view, gaps between the taps."),
    }


def channels_of(_: Translate, operator: str, size: int, factor: int) -> str:
    """What PixelShuffle and its way back make of the grid, whose tiles are channels."""
    tile = f"{size // factor}×{size // factor}"
    many, one = _("{count} channels of {size}", count=factor**2, size=tile), _("1 of {size}", size=f"{size}×{size}")
    return f"{many} → {one}" if operator == "pixel_shuffle" else f"{one} → {many}"


def grids_words(_: Translate) -> dict[str, str]:
    """What the grid and the operators' cards say."""
    return {
        "input": _("Input, {rows}×{cols}"),
        "input_label": _("Editable input grid"),
        "help": _("Enter or a second tap edits a cell; arrow keys move. Point at a cell to see who feeds whom."),
        "bad_number": _("That is no number between −{largest} and {largest}; the old one stays."),
        "spread": _("Output cells that it reaches: {count}. Its weights sum to {total}."),
        "waiting": _("Waiting for torch: where the maxima are has to be found again."),
        "more_terms": _("{count} more ({total})"),
        "cell": _("{operator}, output row {row}, column {col}: {value}; contributing input cells: {count}."),
        "place": _("row {row}, column {col}"),
    }


def scatter_words(_: Translate) -> dict[str, str]:
    """What the stepper over stamps and windows says."""
    return {
        "input": _("Input"),
        "kernel": _("Kernel"),
        "stamp": _("This stamp: kernel times the cell"),
        "so_far": _("Output so far"),
        "inserted": _("The input with zeros put in"),
        "flipped": _("Kernel, turned by 180°"),
        "start_stamps": _("Nothing is stamped yet. Press play or →."),
        "start_window": _("The window has not started. Press play or →."),
        "covering": _("Stamps on this cell: {count}."),
        "stamped": _("in[{row}, {col}] = {value}. Output cells under its stamp: {count}."),
    }


def loupe_words(_: Translate) -> dict[str, str]:
    """What the pictures under one loupe say."""
    return {"help": _("Point at a picture: every picture is magnified at the same place.")}
