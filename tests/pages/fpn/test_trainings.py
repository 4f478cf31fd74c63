"""The four designs on digits: what their cards say, whichever of them there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from pages.fpn import trainings, verdict
from pages.kit import language
from tests.pages.fpn.opened import open_fpn, script_of
from tests.pages.fpn.trained import card, leave
from tests.pages.pieces import component, components, link
from vizcore.data.scenes import DIGITS, draw_scene
from vizcore.training import cards

BELOW = {"image_pyramid": (0.125, 0.125), "top": (0.0625, 0.0625)}
OUTCOMES = {
    "ahead": {"separate": (0.25, 0.3125), "fpn": (0.375, 0.375)},
    "alike": {"separate": (0.25, 0.3125), "fpn": (0.3125, 0.3125)},
    "behind": {"separate": (0.375, 0.375), "fpn": (0.25, 0.3125)},
}
HEADLINES = {
    "ahead": {"en": "Here the top-down path pays:", "zh": "有好处："},
    "alike": {"en": "does not pay:", "zh": "没有带来好处："},
    "behind": {"en": "costs something:", "zh": "反而有所损失："},
}


def judged(**reached: tuple[float, ...]) -> verdict.Verdict | None:
    """(d) against (c) from the AP of their seeds."""
    found = [card(design, seed, ap) for design, values in reached.items() for seed, ap in enumerate(values)]
    return verdict.judge(found)


def says(said: verdict.Verdict, kind: str, lang: str) -> str:
    """The verdict in words."""
    known = language.catalogue("zh", "fpn") if lang == "zh" else {}
    return verdict.say(said, kind, lambda text, **values: known.get(text, text).format(**values))


# -- the verdict -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_difference_counts_where_the_seeds_do_not_move_as_far(outcome: str) -> None:
    found = judged(**OUTCOMES[outcome])
    assert found is not None
    assert (found.outcome, found.seeds, found.spread, found.margin) == (outcome, 2, 0.0625, 0.0625)


@pytest.mark.parametrize("kind", trainings.KINDS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_each_outcome_has_its_words_and_numbers(kind: str, lang: str) -> None:
    reasons = set()
    for outcome, reached in OUTCOMES.items():
        found = judged(**reached)
        assert found is not None
        words = says(found, kind, lang)
        assert HEADLINES[outcome][lang] in words.splitlines()[0]
        assert f"{found.fpn:.3f}" in words
        assert f"{found.separate:.3f}" in words
        assert f"{found.spread:.3f}" in words
        reasons.add(words.splitlines()[-1])
    assert len(reasons) == 3


def test_digits_and_shapes_have_reasons_of_their_own() -> None:
    found = judged(**OUTCOMES["ahead"])
    assert found is not None
    shapes, digits = (says(found, kind, "en").splitlines()[-1] for kind in trainings.KINDS)
    assert "outline" in shapes
    assert "strokes" in digits


@pytest.mark.parametrize(("ap", "outcome"), [(0.26, "alike"), (0.2601, "ahead"), (0.24, "alike"), (0.2399, "behind")])
def test_with_one_seed_a_hundredth_is_alike(ap: float, outcome: str) -> None:
    found = judged(separate=(0.25,), fpn=(ap,))
    assert found is not None
    assert (found.outcome, found.seeds, found.margin) == (outcome, 1, 0.01)
    assert "one seed" in says(found, "digits", "en")
    assert "seeds each" not in says(found, "digits", "en")


def test_seeds_that_happen_to_agree_leave_a_hundredth() -> None:
    found = judged(separate=(0.25, 0.25), fpn=(0.255, 0.255))
    assert found is not None
    assert (found.outcome, found.spread, found.margin) == ("alike", 0.0, 0.01)


def test_only_seeds_that_both_were_trained_with_are_compared() -> None:
    found = judged(separate=(0.25, 0.75), fpn=(0.375,))
    assert found is not None
    assert (found.outcome, found.separate, found.seeds, found.spread) == ("ahead", 0.25, 1, 0.0)


def test_without_one_of_them_nothing_is_said() -> None:
    assert judged() is None
    assert judged(fpn=(0.5, 0.5)) is None
    assert judged(separate=(0.5, 0.5), top=(0.25,)) is None
    assert verdict.judge([card("separate", 0, 0.5), card("fpn", 1, 0.5)]) is None  # no seed in common


def test_gains_are_told_by_size_unless_there_was_none() -> None:
    found = verdict.judge([card("separate", 0, 0.5, small=0.25), card("fpn", 0, 0.5, small=0.125)])
    assert found is not None
    assert found.gains == {"small": -0.125, "medium": 0.0, "large": 0.0}
    assert "small −0.125, medium +0.000" in says(found, "digits", "en")
    found = verdict.judge([card("separate", 0, 0.5, small=-1.0), card("fpn", 0, 0.5, small=-1.0)])
    assert found is not None
    assert found.gains["small"] is None
    assert "small –," in says(found, "digits", "en")


def test_a_mean_is_over_seeds_that_had_such_objects() -> None:
    runs = [card("fpn", seed, ap, small=small).quality for seed, ap, small in ((0, 0.25, 0.5), (1, 0.75, -1.0))]
    assert trainings.mean(runs)["ap"] == 0.5
    assert trainings.mean(runs)["ap_small"] == 0.5
    assert trainings.mean(runs[1:])["ap_small"] == -1


# -- the cards ---------------------------------------------------------------------------------------------------------


def test_cards_stand_in_the_papers_order_and_the_missing_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(tmp_path, monkeypatch, {"fpn": (0.5, 0.5), "image_pyramid": (0.25,), "separate": (0.5,)})
    order = [(trainings.design_of(each), each.seed) for each in trainings.found("digits")]
    assert order == [("image_pyramid", 0), ("separate", 0), ("fpn", 0), ("fpn", 1)]
    top, *rest = trainings.missing("digits")  # its weights make the image pyramid's card too
    assert top == "python -m vizcore.training digits_top --seed 0 --ship"
    assert [command.split()[3:6] for command in rest] == [
        ["digits_separate", "--seed", "1"],
        ["digits_top", "--seed", "1"],
    ]
    assert trainings.missing("shapes") == ()
    assert {trainings.design_of(each) for each in trainings.found("shapes")} == set(trainings.fpn.DESIGNS)


def test_on_drawn_shapes_the_path_does_not_pay() -> None:
    """The lesson's words and the teacher's hold for these cards; other cards want other words."""
    found = verdict.judge(trainings.found("shapes"))
    assert found is not None
    assert found.outcome == "alike"
    top = trainings.by_design(trainings.found("shapes"))["top"]
    assert top[0]["ap_large"] == pytest.approx(0.5, abs=verdict.LIKE)
    assert top[0]["ap_small"] < verdict.LIKE


def test_the_shipped_cards_of_digits_are_whole() -> None:
    """Where there are any, all designs have the first seed, and one budget."""
    found = cards.list_digit_cards()
    for each in found:
        assert each.data["classes"] == list(DIGITS)
        assert all(0 <= value <= 1 for value in each.quality.values())
    made = {(trainings.design_of(each), each.seed) for each in found}
    assert len(made) == len(found)
    assert {design for design, seed in made if seed == 0} in (set(), set(trainings.fpn.DESIGNS))
    assert {seed for _design, seed in made} <= set(cards.DIGIT_SEEDS)
    assert len({(each.steps, each.batch_size) for each in found}) <= 1


# -- on the page -------------------------------------------------------------------------------------------------------


def test_without_cards_of_digits_there_is_no_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(tmp_path, monkeypatch, {})
    app = open_fpn(part="designs", kind="digits")
    assert not app.warning
    assert not [radio for radio in app.radio if radio.key.startswith("fpn_kind")]
    assert link(app)["kind"] == "shapes"
    assert any(HEADLINES["alike"]["en"] in each.value for each in app.markdown)
    assert "list_cards()" in script_of(app)


@pytest.mark.parametrize(("outcome", "lang"), [("ahead", "zh"), ("alike", "en"), ("behind", "en")])
def test_the_page_says_what_the_cards_say(
    outcome: str, lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(tmp_path, monkeypatch, {**BELOW, **OUTCOMES[outcome]})
    app = open_fpn(part="designs", kind="digits", lang=lang, scene="3")
    assert not app.warning
    query = link(app)
    assert query["kind"] == "digits"
    (control,) = [radio for radio in app.radio if radio.key.startswith("fpn_kind")]
    assert control.value == "digits"
    assert any(HEADLINES[outcome][lang] in each.value for each in app.markdown)
    assert not [code for code in app.code if "--ship" in code.value]
    traces = next(data["figure"]["data"] for data in components(app, "figure") if len(data["figure"]["data"]) == 8)
    assert [trace["type"] for trace in traces] == ["bar"] * 4 + ["scatter"] * 4
    assert traces[3]["y"][0] == sum(OUTCOMES[outcome]["fpn"]) / 2
    assert traces[7]["y"][:2] == list(OUTCOMES[outcome]["fpn"])
    scene = draw_scene("validation", 3, kind="digits")
    asked = component(app, "stage")["stage"]
    assert str(len(scene.boxes)) in asked["text"]["title"]
    assert [row["label"] for row in asked["boxes"]] == [DIGITS[label] for label in scene.labels]
    assert "list_digit_cards()" in script_of(app)


def test_the_choice_turns_everything_and_its_link_is_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(tmp_path, monkeypatch, {"fpn": (0.5,)})
    app = open_fpn(part="designs")
    assert link(app)["kind"] == "shapes"
    (control,) = [radio for radio in app.radio if radio.key.startswith("fpn_kind")]
    control.set_value("digits").run()
    assert not app.exception
    assert link(app)["kind"] == "digits"
    assert any("not known yet" in each.value for each in app.markdown)  # (c) has no card
    commands = next(code.value for code in app.code if "--ship" in code.value).splitlines()
    assert len(commands) == 5
    assert "digits_fpn --seed 1" in commands[3]
