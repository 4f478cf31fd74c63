"""The challenges of the upsampling page: each is marked from the view, and says what is still missing."""

from __future__ import annotations

from collections.abc import Callable

from pages.kit.challenges import Challenge
from pages.kit.language import Translate
from pages.kit.page import Page
from pages.upsampling.state import View
from vizcore import upsampling

Rule = Callable[[View, Translate], str | None]
"""None where the view solves the challenge, else a hint that fits it."""

DOUBLED = {4: 8, 7: 14}
NUM_ONES = 3
"""Off the border bicubic gets above 1 with three ones in an L only; no preset has exactly these."""


def even(view: View, _: Translate) -> str | None:
    """Every pixel gets as many stamps, by the kernel alone."""
    if view.stride != 2:
        return _("Leave the stride at 2 and change only the kernel.")
    ratio = upsampling.overlap_counts(view.kernel_size, view.stride, dims=2).ratio
    if ratio == 1:
        return None
    return _("The ratio is {ratio} now. Which kernels does 2 divide?", ratio=f"{ratio:.3g}")


def doubles(view: View, _: Translate) -> str | None:
    """A kernel of 5 must double an even and an odd size."""
    if view.kernel_size != 5:
        return _("Set the kernel to 5 first.")
    layer = {
        "kernel_size": view.kernel_size,
        "stride": view.stride,
        "padding": view.padding,
        "output_padding": view.output_padding,
        "dilation": view.dilation,
    }
    try:
        first, second = (upsampling.transposed_size(size, **layer).size for size in DOUBLED)
    except upsampling.UpsamplingError as error:
        return _(error.template, **error.values)
    if (first, second) == tuple(DOUBLED.values()):
        return None
    return _("4 becomes {first} and 7 becomes {second}; 8 and 14 are wanted.", first=first, second=second)


def overshoots(view: View, _: Translate) -> str | None:
    """Bicubic must make more than there is, of zeros and ones."""
    trace = upsampling.trace_upsampling("bicubic", view.grid, scale_factor=2)
    if not trace.is_binary:
        return _("Use only zeros and ones in the grid.")
    ones = sum(value == 1 for row in view.grid for value in row)
    inner = sum(value == 1 for row in view.grid[1:-1] for value in row[1:-1])
    if ones != NUM_ONES or inner != NUM_ONES:
        return _(
            "{inner} of {ones} ones are off the border; {wanted} are asked for.",
            inner=inner,
            ones=ones,
            wanted=NUM_ONES,
        )
    if trace.overshoots:
        return None
    return _(
        "Bicubic stays at {highest} here. Negative weights need something to subtract.",
        highest=f"{trace.output.max():.3g}",
    )


def of(page: Page, view: View) -> list[Challenge]:
    """The challenges in the order shown."""
    _ = page.translate
    listed: tuple[tuple[str, Rule, str, str], ...] = (
        (
            "even",
            even,
            _("An even carpet"),
            _("On “Checkerboard”, make the 2D ratio 1 by changing only the kernel (stride 2)."),
        ),
        (
            "doubles",
            doubles,
            _("Exactly twice"),
            _("On “Shapes”, find padding and output_padding with which a kernel of 5 doubles every size."),
        ),
        (
            "overshoots",
            overshoots,
            _("More than there is"),
            _(
                "On “Operators”, place three ones among zeros, none of them on the border, so that "
                "bicubic (scale factor 2) makes a number above 1."
            ),
        ),
    )
    return [
        Challenge(name, title, task, lambda rule=rule: rule(view, _))  # type: ignore[misc]
        for name, rule, title, task in listed
    ]
