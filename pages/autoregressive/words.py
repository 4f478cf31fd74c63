"""What the pieces say in the browser; names in braces are filled there."""

from __future__ import annotations

from pages.kit.language import Translate
from vizcore.figures.autoregressive import NAMES


def name_of(_: Translate, kind: str) -> str:
    """A model's name."""
    return _(NAMES[kind])


def data_words(_: Translate) -> dict[str, str]:
    """The two sets of digits."""
    return {"digits": "8×8", "mnist": "28×28 (MNIST)"}


def order_words(_: Translate) -> dict[str, str]:
    """The orders of the pixels."""
    return {
        "raster": _("row by row (raster)"),
        "reverse": _("from the lower right"),
        "columns": _("column by column"),
        "random": _("a fixed random order"),
    }


def sampling_words(_: Translate) -> dict[str, str]:
    """What the growing picture says."""
    return {
        "summary": _("{at} of {count} pixels are drawn."),
        "finished": _("All {count} pixels are drawn."),
        "done": _("The picture is complete. Click a pixel to flip it: everything after it is drawn anew."),
        "next": _("Next pixel ({row}, {column}): the model gives ink the probability p = {p}."),
        "number": _("The random number is u = {u}."),
        "ink": _("The random number u = {u} is below p: ink."),
        "paper": _("The random number u = {u} is not below p: paper."),
        "prescribed": _("It is prescribed, so nothing is drawn."),
        "sum": _("Sum of log-probabilities so far: {nats} nats ({bits} bits a pixel)"),
        "expected": _("small square: expected, from paper (dark) to ink (bright)"),
        "drawn": _("full square: drawn, paper or ink"),
        "forced": _("dot: prescribed"),
        "changed": _("double frame: other than without the prescribed pixels"),
        "hint": _("Click a drawn pixel to flip it, an open one to go there. Keys: arrows, Enter."),
        "is_ink": _("({row}, {column}): ink, at p = {p}; it cost {nats} nats"),
        "is_paper": _("({row}, {column}): paper, at p = {p}; it cost {nats} nats"),
        "is_expected": _("({row}, {column}): not drawn yet; ink is expected with {p}"),
        "is_open": _("({row}, {column}): not drawn yet"),
    }


def paint_words(_: Translate, model: str, *, alone: bool) -> dict[str, str]:
    """What the painted picture and its judges say."""
    return {
        "canvas": _("Your picture: paint here"),
        "map": _("Surprise of each pixel, {model}", model=model),
        "least": _("0 nats"),
        "most": _("5 nats or more"),
        "models": _("log p(picture), nats (nearer to 0: more likely)")
        if alone
        else _("log p(picture) under every model, nats (nearer to 0: more likely)"),
        "labels": _("Which digit is it? p(label | picture)"),
        "label": _("label"),
        "change": _("This stroke changed log p by {by} nats, to {nats} ({model})."),
        "canvas_words": _("Picture of {count} pixels, {ink} of them ink. Arrows move, Enter paints."),
        "ink": _("({row}, {column}): ink, costs {nats} nats"),
        "paper": _("({row}, {column}): paper, costs {nats} nats"),
    }


def leak_words(_: Translate) -> dict[str, str]:
    """What the leak test says."""
    return {
        "picture": _("What one output sees: click another"),
        "matrix": _("All outputs (rows) and pixels (columns), in drawing order"),
        "output": _("this output’s own pixel"),
        "seen": _("seen"),
        "missing": _("allowed, not seen"),
        "leak": _("seen, not allowed: a leak"),
        "later": _("later, not seen"),
        "window": _("within reach of the kernels"),
        "asked": _("Answer first, then the picture shows it."),
        "waits": _("The gradient of this output is being taken."),
        "sees_all": _("Output ({row}, {column}) sees all {before} pixels before it, and nothing else."),
        "sees_some": _("Output ({row}, {column}) sees {seen} of the {before} pixels before it; {missing} are missing."),
        "leaks": _(
            "Output ({row}, {column}) sees {leak} pixel that it must not see: its own or a later one. What it "
            "computes is no likelihood."
        ),
        "cell": _("output {output}, pixel {pixel}: {kind}"),
    }


def mask_words(_: Translate) -> dict[str, str]:
    """What MADE's masks say."""
    return {
        "input": _("Pixels (in)"),
        "first": _("First mask: a row for each hidden unit, a column for each pixel"),
        "last": _("Last mask: a row for each output, a column for each hidden unit"),
        "output": _("Outputs"),
        "key_allowed": _("weight that exists; pixel that has a path"),
        "key_lit": _("on a path from the chosen pixel to the chosen output"),
        "key_chosen": _("chosen output"),
        "paths": _("{count} paths lead from pixel {pixel} to output {output}, each through one hidden unit."),
        "lacking": _(
            "Pixel {pixel} comes before output {output}, but no hidden unit here leads from one to the other."
        ),
        "forbidden": _("No path leads from pixel {pixel} to output {output}: the pixel does not come before it."),
    }


def binarisation_words(_: Translate) -> dict[str, str]:
    """The two ways from ink to black and white."""
    return {"fixed": _("fixed: 1 from half the ink on"), "dynamic": _("dynamic: drawn anew from the ink")}
