"""The challenges: each rule’s solution and near misses without Streamlit, then on the page."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pages.fpn import challenges, state
from tests.pages.fpn.opened import open_fpn
from tests.pages.pieces import link
from vizcore import fpn
from vizcore.data.scenes import draw_scene
from vizcore.models import fcos


def said(text: str, /, **values: object) -> str:
    """English."""
    return text.format(**values) if values else text


def looked_at(**view: object) -> challenges.Outcome:
    """A photo as large as the network's input, nothing found on it."""
    trace = SimpleNamespace(config=state.CONFIG, input_size=(512, 512), to_input=np.asarray)
    run = SimpleNamespace(drawn=None, whole=trace, after=trace)
    return challenges.Outcome(SimpleNamespace(**{"cuts": (), **view}), run, None)  # type: ignore[arg-type]


def counted(
    before: dict[str, tuple[int, int]], now: dict[str, tuple[int, int]], *cuts: str, drawn: bool = True
) -> challenges.Outcome:
    """So many objects found before and after some cuts."""
    run = SimpleNamespace(drawn=object() if drawn else None, whole=before, after=now, count=lambda trace: trace)
    return challenges.Outcome(SimpleNamespace(cuts=cuts), run, None)  # type: ignore[arg-type]


def found(small: int, large: int) -> dict[str, tuple[int, int]]:
    return {"small": (small, 5), "medium": (1, 1), "large": (large, 3)}


def test_a_cut_that_loses_small_objects_alone() -> None:
    assert challenges.small_lost(counted(found(3, 2), found(2, 2), "lateral:C2"), said) is None
    assert challenges.small_lost(counted(found(3, 2), found(0, 3), "lateral:C2"), said) is None


@pytest.mark.parametrize(
    ("outcome", "hint"),
    [
        (counted(found(3, 2), found(2, 2), "lateral:C2", drawn=False), "Choose a drawn scene"),
        (counted(found(3, 2), found(3, 2)), "0 arrows are cut"),
        (counted(found(3, 2), found(2, 2), "lateral:C2", "lateral:C3"), "2 arrows are cut"),
        (counted(found(3, 2), found(3, 2), "lateral:C5"), "Small objects found: 3 before the cut, 3 now"),
        (counted(found(3, 2), found(2, 1), "lateral:C2"), "Large objects found: 2 before the cut, 1 now"),
        (counted(found(3, 0), found(2, 0), "lateral:C2"), "Large objects found: 0 before the cut, 0 now"),
    ],
)
def test_cuts_that_are_near_misses(outcome: challenges.Outcome, hint: str) -> None:
    assert hint in str(challenges.small_lost(outcome, said))


def test_p4_by_area_and_another_level_by_the_farthest_side() -> None:
    # √(300 · 300) lies from 224 on; the farthest side, 150 pixels away, lies beyond P5's 96.
    assert challenges.apart(looked_at(box=(50.0, 50.0, 350.0, 350.0)), said) is None
    assert challenges.apart(looked_at(box=(50.0, 50.0, 274.0, 274.0)), said) is None
    assert "belongs to P3" in str(challenges.apart(looked_at(box=(50.0, 50.0, 273.0, 274.0)), said))
    assert "belongs to P5" in str(challenges.apart(looked_at(box=(0.0, 0.0, 448.0, 448.0)), said))


def test_a_box_between_the_middles_of_the_finest_cells() -> None:
    # P2's middles lie at 2, 6, 10, …
    assert challenges.nobody(looked_at(box=(3.0, 3.0, 6.0, 6.0)), said) is None
    assert "1 cells on P2" in str(challenges.nobody(looked_at(box=(3.0, 3.0, 7.0, 7.0)), said))
    assert "1.5 pixels thin" in str(challenges.nobody(looked_at(box=(3.0, 3.0, 6.0, 4.5)), said))


def test_a_canonical_size_at_which_both_rules_agree() -> None:
    # FCOS's P4 begins at a side of 48.
    assert challenges.one_rule(looked_at(rule={"canonical_size": 48, "canonical_level": 4}), said) is None
    assert challenges.one_rule(looked_at(rule={"canonical_size": 24, "canonical_level": 3}), said) is None
    hint = challenges.one_rule(looked_at(rule={"canonical_size": 52, "canonical_level": 4}), said)
    assert "P4 begins at a side of 48 pixels" in str(hint)
    assert challenges.one_rule(looked_at(rule={"canonical_size": 224, "canonical_level": 4}), said) is not None


@pytest.mark.parametrize(
    ("theoretical_share", "area_share", "hint"),
    [
        (0.99, 0.25, None),
        (1.0, 0.1, None),
        (0.98, 0.1, "does not cover the whole picture"),
        (1.0, 0.26, "lies on 26 % of the picture; at most 25 %"),
    ],
)
def test_a_field_that_could_see_all_and_looks_at_little(
    theoretical_share: float, area_share: float, hint: str | None
) -> None:
    field = SimpleNamespace(theoretical_share=theoretical_share, area_share=area_share)
    outcome = challenges.Outcome(SimpleNamespace(), SimpleNamespace(), field)  # type: ignore[arg-type]
    answer = challenges.narrow_field(outcome, said)
    assert answer is None if hint is None else hint in str(answer)
    assert "Open" in str(challenges.narrow_field(looked_at(), said))


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("apart", {"part": "owner", "box": "50,50,350,350"}),
        ("nobody", {"part": "owner", "box": "3,3,6,6"}),
        ("one_rule", {"part": "owner", "canonical_size": "48"}),
    ],
)
def test_a_challenge_is_marked_from_the_real_state(name: str, query: dict[str, str]) -> None:
    assert name not in link(open_fpn())["solved"].split(".")
    assert name in link(open_fpn(**query))["solved"].split(".")


def test_every_unsolved_challenge_has_a_hint() -> None:
    for name in ("small_lost", "apart", "nobody", "one_rule", "narrow_field"):
        app = open_fpn()
        app.button(key=f"fpn_check_{name}").click().run()
        assert len(app.info) == 1


def test_some_single_cut_loses_the_small_and_keeps_the_large() -> None:
    """The challenge can be solved on the first scenes."""
    detector = fcos.load_fcos("fcos_fpn")
    solved = []
    for index in range(6):
        scene = draw_scene("validation", index)
        whole = fpn.trace_fpn(detector, scene.pixels, score_threshold=0.4)
        before = fpn.count_found(whole, scene.boxes, scene.labels)
        for cut in fpn.possible_cuts(whole.config)[1:]:
            now = fpn.count_found(fpn.retrace(detector, whole, cuts=[cut]), scene.boxes, scene.labels)
            if now["small"][0] < before["small"][0] and now["large"][0] >= before["large"][0] > 0:
                solved.append((index, cut))
    assert solved
    index, cut = solved[0]
    assert "small_lost" in link(open_fpn(scene=str(index), cuts=cut))["solved"].split(".")
