"""The challenges: their rules on plain views, and the page that marks them."""

from __future__ import annotations

from typing import Any

import pytest

from pages.upsampling import challenges
from tests.pages.opening import open_page
from tests.pages.pieces import link
from tests.pages.upsampling.reading import make_view


def say(message: str, **values: Any) -> str:
    """English."""
    return message.format(**values)


CHECKER = tuple(tuple(float((row + column) % 2) for column in range(4)) for row in range(4))
# Only an L: at [1, 1] both neighbours add their largest weights.
L_SHAPE = ((0.0,) * 4, (0.0, 1.0, 1.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0,) * 4)
LINE = ((0.0,) * 5, (0.0,) * 5, (0.0, 1.0, 1.0, 1.0, 0.0), (0.0,) * 5, (0.0,) * 5)
EDGE = tuple((0.0, 0.0, 1.0, 1.0) for _ in range(4))


@pytest.mark.parametrize(
    ("rule", "changed", "hint"),
    [
        (challenges.even, {"kernel_size": 4}, None),
        (challenges.even, {"kernel_size": 2}, None),
        (challenges.even, {}, "The ratio is 4 now"),  # 3 over 2: 4, 2, 2 and 1 stamps
        (challenges.even, {"kernel_size": 4, "stride": 4}, "Leave the stride at 2"),
        (challenges.doubles, {"kernel_size": 5, "padding": 2, "output_padding": 1}, None),
        (challenges.doubles, {}, "Set the kernel to 5 first."),
        (challenges.doubles, {"kernel_size": 5, "padding": 2}, "4 becomes 7 and 7 becomes 13"),
        # 4 becomes 8 here too, but 7 becomes 17: a stride of 3 multiplies by 3.
        (challenges.doubles, {"kernel_size": 5, "stride": 3, "padding": 3}, "4 becomes 8 and 7 becomes 17"),
        (challenges.doubles, {"kernel_size": 5, "padding": 6}, "less padding"),
        (challenges.overshoots, {"grid": L_SHAPE}, None),
        (challenges.overshoots, {"grid": EDGE}, "8 ones are off the border"),
        # The preset “Checker”: one click must not solve it.
        (challenges.overshoots, {"grid": CHECKER}, "8 ones are off the border"),
        (challenges.overshoots, {"grid": LINE}, "Bicubic stays at"),
        (challenges.overshoots, {}, "Use only zeros and ones"),
        (challenges.overshoots, {"grid": ((1.0,) * 4,) * 4}, "4 of 16 ones"),
        (challenges.overshoots, {"grid": ((0.0,) * 4,) * 4}, "0 of 0 ones"),
        (challenges.overshoots, {"grid": tuple((0.0, 0.0, 2.0, 2.0) for _ in range(4))}, "Use only zeros and ones"),
    ],
)
def test_a_rule_knows_its_solution_and_says_what_is_missing(
    rule: challenges.Rule, changed: dict[str, Any], hint: str | None
) -> None:
    answer = rule(make_view(**changed), say)
    if hint is None:
        assert answer is None
    else:
        assert answer is not None
        assert hint in answer


def test_challenges_are_marked_from_the_state() -> None:
    assert link(open_page("upsampling", part="checkerboard"))["solved"] == ""
    assert link(open_page("upsampling", part="checkerboard", kernel_size="4"))["solved"] == "even"
    assert link(open_page("upsampling", part="checkerboard", kernel_size="4", stride="4"))["solved"] == ""
    solved = open_page("upsampling", part="shapes", kernel_size="5", padding="2", output_padding="1")
    assert link(solved)["solved"] == "doubles"
