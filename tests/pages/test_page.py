"""Controls that are also the link: read with suspicion, kept, hidden, locked, written back."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

SCRIPT = Path(__file__).parent / "apps" / "kit_app.py"
DEFAULTS = [0.5, 3, "hard", ["iou"], True, "x = 1", [[0, 0, 1, 1]], 0]


def opened(**parameters: str) -> AppTest:
    """The demo page, opened with a link."""
    at = AppTest.from_file(str(SCRIPT), default_timeout=30)
    for name, value in parameters.items():
        at.query_params[name] = value
    return at.run()


def values(at: AppTest) -> list[object]:
    """What the page computed with."""
    assert not at.exception
    return ast.literal_eval(at.text[0].value)


def written(at: AppTest) -> dict[str, str]:
    """The link that the page wrote."""
    query = next(
        json.loads(piece.proto.json)["query"] for piece in at.get("bidi_component") if "query" in piece.proto.json
    )
    return {name: value[0] for name, value in parse_qs(query, keep_blank_values=True).items()}


def test_without_a_link_every_control_has_its_default_and_is_written() -> None:
    at = opened()
    assert values(at) == DEFAULTS
    link = written(at)
    assert set(link) == {"threshold", "count", "method", "losses", "shown", "program", "boxes", "solved", "lang", "v"}
    assert link["threshold"] == "0.5"


def test_a_link_sets_every_control_and_survives_the_round_trip() -> None:
    link = {
        "threshold": "0.25",
        "count": "7",
        "method": "soft",
        "losses": "iou.diou",
        "shown": "0",
        "boxes": "1,2,3,4_5,6,7,8",
    }
    first = opened(**link)
    assert values(first)[:5] == [0.25, 7, "soft", ["iou", "diou"], False]
    again = opened(**written(first))
    assert values(again)[:7] == values(first)[:7]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", "1.5"),
        ("threshold", "nan"),
        ("count", "2.5"),
        ("count", "99999999999999999999"),
        ("method", "../../etc"),
        ("losses", "iou.iou"),
        ("shown", "yes"),
        ("boxes", "1,2,3"),
        ("boxes", "_".join(["1,2,3,4"] * 6)),
        ("program", "~AAAA"),
        ("solved", "everything"),
    ],
)
def test_a_value_out_of_bounds_falls_back_with_a_notice(name: str, value: str) -> None:
    at = opened(**{name: value})
    assert values(at) == DEFAULTS
    assert [name in warning.value for warning in at.warning] == [True]


def test_an_unknown_parameter_is_told() -> None:
    at = opened(colour="red")
    assert "colour" in at.warning[0].value
    assert "colour" not in written(at)


def test_a_late_address_does_not_undo_what_the_hand_just_did() -> None:
    at = opened(threshold="0.25")
    at.slider[0].set_value(0.75).run()  # the browser still sends the address of before
    assert values(at)[0] == 0.75


def test_teachers_hide_and_lock() -> None:
    at = opened(threshold="0.25", hide="threshold,losses", lock="count")
    assert len(at.slider) == 0
    assert at.number_input[0].disabled
    assert values(at)[0] == 0.25
    assert written(at)["hide"] == "losses,threshold"
    at.toggle[0].set_value(False).run()
    assert len(at.slider) == 0


def test_a_preset_raises_the_version_of_what_it_sets() -> None:
    at = opened()
    at.button[0].click().run()
    after = values(at)
    assert after[0] == 0.25
    assert after[6:] == [[[1.0, 2.0, 3.0, 4.0]], 1]


def test_challenges_are_marked_from_the_state_and_stay_solved() -> None:
    at = opened()
    assert written(at)["solved"] == ""
    next(button for button in at.button if button.label == "Check my answer").click().run()
    assert at.info[0].value == "Lower."
    at.slider[0].set_value(0.2).run()
    assert "Solved" in at.success[0].value
    at.slider[0].set_value(0.9).run()
    assert written(at)["solved"] == "low"
    assert written(opened(solved="low"))["solved"] == "low"


def test_a_callback_that_fails_is_the_pages_own_failure() -> None:
    at = opened(threshold="0.25")
    at.button(key="demo_broken").click().run()
    assert not at.exception
    assert "KeyError" in at.error[0].value
    next(button for button in at.button if button.label == "Reset this page").click().run()
    assert not at.error
    assert values(at) == DEFAULTS


def test_a_number_is_one_that_its_slider_can_show() -> None:
    at = opened(threshold="0.333")
    assert values(at)[0] == at.slider[0].value == 0.33
    assert written(at)["threshold"] == "0.33"


@pytest.mark.parametrize("digits", [41, 310, 5000])
@pytest.mark.parametrize("name", ["threshold", "count", "boxes"])
def test_a_number_of_too_many_digits_is_refused(name: str, digits: int) -> None:
    at = opened(**{name: "9" * digits})
    assert values(at) == DEFAULTS
    assert any(name in warning.value for warning in at.warning)


def test_all_unknown_parameters_are_told_in_one_notice() -> None:
    at = opened(one="1", two="2", three="3")
    assert len(at.warning) == 1
    assert all(name in at.warning[0].value for name in ("one", "two", "three"))


def test_what_a_widget_is_drawn_with_is_its_value_in_every_run() -> None:
    """A widget that mounts later than the run that set it has nothing else to go by."""
    at = opened(threshold="0.25", count="7", method="soft", losses="giou.diou", shown="0")
    for _ in range(2):
        drawn = {element.key: element.proto for element in (*at.slider, *at.number_input, *at.selectbox, *at.toggle)}
        assert drawn["demo_threshold"].default[0] == 0.25
        assert drawn["demo_count"].default == 7
        assert drawn["demo_method"].default == 1
        assert drawn["demo_shown"].default is False
        at.run()


def test_a_value_set_from_outside_gives_its_widget_another_identity() -> None:
    at = opened()
    before = at.slider[0].proto.id
    at.slider[0].set_value(0.75).run()
    assert at.slider[0].proto.id == before  # moved by hand: the browser knows
    at.button(key="demo_preset").click().run()
    assert at.slider[0].proto.id != before
    assert at.slider[0].value == at.slider[0].proto.default[0] == 0.25


def test_another_language_gives_options_another_identity_and_keeps_the_choice() -> None:
    at = opened(method="soft")
    before = at.selectbox[0].proto.id
    at.session_state["shell"] = {"lang": "zh", "present": False}
    at.run()
    assert at.selectbox[0].proto.id != before
    assert values(at)[2] == at.selectbox[0].value == "soft"
