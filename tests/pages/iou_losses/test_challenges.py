"""The rules of the IoU playground's challenges, without a page: a solution of each, and what nearly is one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pages.iou_losses import challenges
from pages.iou_losses.challenges import Outcome, Span
from pages.kit.language import translator
from vizcore.iou_losses import KINDS, LossComparison, LossSettings, compare_losses

NO_EPS = LossSettings(eps=0.0)
POINT = (5.0, 5.0, 5.0, 5.0)
APART = ((10.0, 10, 50, 50), (110.0, 110, 150, 150))
say = translator("iou_losses")


def compared(box: tuple[float, ...], target: tuple[float, ...], settings: LossSettings | None = None) -> LossComparison:
    return compare_losses(KINDS, box, target, settings=settings or LossSettings())


def outcome(
    box: tuple[float, ...], target: tuple[float, ...], settings: LossSettings | None = None, apart: Span | None = None
) -> Outcome:
    """What the page hands to the rules: of its view they read the two boxes only."""
    comparison = compared(box, target, settings)
    view = SimpleNamespace(box=tuple(box), target=tuple(target))
    return Outcome(view, comparison, challenges.widen(apart, comparison))  # type: ignore[arg-type]


def test_placements_widen_the_span_only_without_an_overlap():
    first = challenges.widen(None, compared(*APART))
    # C = 140², U = 2 · 40², so GIoU's loss is 1 + 1 − 3200/19600.
    assert first == pytest.approx((1.8367, 1.8367), abs=1e-4)
    assert challenges.widen(first, compared((0, 0, 10, 10), (5, 5, 10, 10))) == first
    near = challenges.widen(first, compared((0, 0, 10, 10), (10, 0, 20, 10)))
    assert near == pytest.approx((1.0, 1.8367), abs=1e-4)  # side by side they fill the enclosing box
    assert challenges.widen(near, compared(POINT, POINT, NO_EPS)) == near
    assert challenges.widen(None, compared(POINT, POINT, NO_EPS)) is None


def test_two_placements():
    assert challenges.two_placements(outcome((0, 0, 10, 10), (10, 0, 20, 10), apart=(1.6, 1.6)), say) is None
    near_miss = challenges.two_placements(outcome((0, 0, 10, 10), (10, 0, 20, 10), apart=(1.49, 1.49)), say)
    assert near_miss == (
        "IoU is 0. So far GIoU’s loss went from 1.00 to 1.49 over such placements; go nearer, and further away."
    )
    assert "IoU is 0.250" in str(challenges.two_placements(outcome((0, 0, 10, 10), (5, 5, 10, 10)), say))
    # Once solved it stays so, whatever stands there now.
    assert challenges.two_placements(outcome((0, 0, 10, 10), (0, 0, 10, 10), apart=(1.0, 1.6)), say) is None


@pytest.mark.parametrize("apart", [None, (1.0, 1.4)])
def test_two_placements_where_giou_is_no_number(apart):
    said = challenges.two_placements(outcome(POINT, POINT, NO_EPS, apart=apart), say)
    assert said == (
        "GIoU’s loss is no number here, so it cannot be compared. "
        "Neither box has an area and ε is 0: a quotient is 0/0, which is NaN."
    )


def test_giou_agrees():
    assert challenges.giou_agrees(outcome((140, 100, 190, 140), (80, 50, 260, 200)), say) is None
    # One pixel over the edge: beside the 40 px of the inner box, 110 of the column’s 150 px are covered by neither.
    assert "C − U is 110 px²" in str(challenges.giou_agrees(outcome((79, 100, 190, 140), (80, 50, 260, 200)), say))
    assert "Identical" in str(challenges.giou_agrees(outcome((1, 2, 3, 4), (1, 2, 3, 4)), say))
    assert "empty room" in str(challenges.giou_agrees(outcome(*APART), say))


def test_blind_diou():
    assert challenges.blind_diou(outcome((100, 110, 220, 130), (150, 60, 170, 180)), say) is None
    assert "0.5 px apart" in str(challenges.blind_diou(outcome((100, 110, 221, 130), (150, 60, 170, 180)), say))
    assert "shapes differ more" in str(challenges.blind_diou(outcome((100, 100, 220, 140), (130, 70, 190, 170)), say))
    assert "IoU’s loss is no number" in str(challenges.blind_diou(outcome(POINT, POINT, NO_EPS), say))
    # With ε only CIoU is lost on a point: its atan(w/h) is.
    said = str(challenges.blind_diou(outcome(POINT, (0, 0, 10, 10)), say))
    assert said.startswith("CIoU’s loss is no number")
    assert "The predicted box is a point" in said


def test_nan_gradient():
    assert challenges.nan_gradient(outcome((60, 120, 180, 120), (120, 80, 220, 170)), say) is None
    assert "finite slope" in str(challenges.nan_gradient(outcome((60, 120, 180, 121), (120, 80, 220, 170)), say))
    assert "no number" in str(challenges.nan_gradient(outcome(POINT, (120, 80, 220, 170)), say))


def test_blind_ciou():
    assert challenges.blind_ciou(outcome((100, 40, 100, 200), (100, 80, 100, 160)), say) is None
    assert "1.0 px apart" in str(challenges.blind_ciou(outcome((100, 40, 100, 200), (101, 80, 101, 160)), say))
    assert "should differ" in str(challenges.blind_ciou(outcome((100, 40, 100, 200), (100, 40, 100, 200)), say))
    assert "NaN is not zero" in str(challenges.blind_ciou(outcome((10, 30, 90, 30), (10, 10, 50, 50)), say))
    assert "overlap still pulls" in str(challenges.blind_ciou(outcome((100, 40, 140, 200), (90, 80, 150, 160)), say))
    assert "Only the ratio" in str(challenges.blind_ciou(outcome((100, 40, 100, 200), (80, 80, 120, 160)), say))
