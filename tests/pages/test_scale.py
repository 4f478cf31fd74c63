"""The scale page: its parts, its rules on plain views, the programs it hands out, and what a link may say."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from pages.kit.pictures import sample
from pages.scale import challenges, snip, state, tour
from pages.scale.challenges import Outcome
from pages.scale.state import View
from tests.pages.opening import open_page
from tests.pages.pieces import link
from tests.scripts import printed_numbers, run_script
from vizcore import scale
from vizcore.figures import scale as figures
from vizcore.scale import script
from vizcore.training import cards
from vizcore.training import snip as training

PAPER = tuple(resolution.valid for resolution in scale.RESOLUTIONS)


def view_of(**changed: Any) -> View:
    """The page as it opens, with something changed."""
    plain = View(
        part="object",
        scene=1,
        box=(150.0, 150.0, 250.0, 250.0),
        ranges=PAPER,
        bounds="closed",
        level="high",
        step=0,
        picture=sample("coffee"),
        factor=1,
    )
    return replace(plain, **changed)


def hint(rule: challenges.Rule, **changed: Any) -> str | None:
    """What a rule says of a view, in English."""
    return rule(Outcome(view_of(**changed)), lambda message, **values: message.format(**values))


# -- parts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "more", "says"),
    [
        ("object", {"box": "10,10,70,70"}, "high (1400 px)"),
        ("sizes", {"high_to": 512, "low_from": 0}, "264 objects"),
        ("chips", {"step": 30, "level": "middle", "lang": "zh"}, "像素的小块"),
        ("photo", {"factor": "8", "lang": "zh"}, "1/8"),
        ("train", {}, ""),
        ("snip", {"lang": "zh"}, ""),
        ("answers", {"lang": "zh"}, ""),
    ],
)
def test_every_part_opens_from_its_link(part: str, more: dict[str, object], says: str) -> None:
    app = open_page("scale", part=part, **more)
    assert {**link(app), **{name: str(value) for name, value in more.items()}} == link(app)
    assert any(says in caption.value for caption in app.caption) or not says


def test_gaps_and_inverted_ranges_are_said_not_forbidden() -> None:
    app = open_page("scale", part="object", middle_from=200, middle_to=100, low_from=120)
    said = [warning.value for warning in app.warning]
    assert any("from 200 to 100 px is inverted" in words for words in said)
    assert any("between 80 and 120 px teach at no resolution" in words for words in said)


def test_a_link_cannot_ask_for_what_there_is_not() -> None:
    app = open_page("scale", part="answers", scene=500, box="1,2,3", bounds="open", broken=True)
    assert not app.exception
    assert len(app.warning) == 3


@pytest.mark.parametrize(
    ("corners", "inside"),
    [([30.0, 40.0, 10.0, 20.0], (10, 20, 30, 40)), ([512.0, 0.0, 512.0, 600.0], (511, 0, 512, 512))],
)
def test_any_four_numbers_become_a_box(corners: list[float], inside: tuple[float, ...]) -> None:
    assert state.inside(corners) == inside


# -- rules -------------------------------------------------------------------------------------------------------------


def test_everywhere() -> None:
    assert "1 of 3" in str(hint(challenges.everywhere))
    assert hint(challenges.everywhere, ranges=((60, math.inf), (40, 160), (0, 120))) is None


def test_long_and_small() -> None:
    assert "longer side has 100" in str(hint(challenges.long_and_small))
    assert "above 80" in str(hint(challenges.long_and_small, box=(0.0, 0.0, 300.0, 40.0)))
    assert hint(challenges.long_and_small, box=(0.0, 0.0, 200.0, 30.0)) is None
    assert "Leave" in str(hint(challenges.long_and_small, ranges=(PAPER[0], PAPER[1], (0.0, 90.0))))


def test_no_gap() -> None:
    assert "overlaps: 2" in str(hint(challenges.no_gap))
    assert hint(challenges.no_gap, ranges=((120, math.inf), (80, 120), (0, 80))) is None
    assert "Gaps: 1" in str(hint(challenges.no_gap, ranges=((130, math.inf), (80, 120), (0, 80))))


def test_cheap_cover() -> None:
    assert "Open" in str(hint(challenges.cheap_cover))
    assert "67 %" in str(hint(challenges.cheap_cover, part="chips"))
    nothing = (PAPER[0], PAPER[1], (0.0, 1.0))
    assert "No object" in str(hint(challenges.cheap_cover, part="chips", ranges=nothing))
    some = next(
        index for index in range(40) if hint(challenges.cheap_cover, part="chips", scene=index) is None
    )  # it can be solved
    assert len(view_of(scene=some).chips.chips) == 1


def test_answers_worked_out_by_hand() -> None:
    original, thin = (view_of(box=step.state["box"][0]) for step in tour.STEPS[1:3])
    assert tour._teaches(Outcome(original)) == "middle_high"  # 60 lies in 40 … 160 and in 0 … 80
    assert tour._box(Outcome(original))["high"] == "164"  # 60 · 1400 / 512
    assert tour._box(Outcome(thin))["side"] == "44.7"  # √2000
    assert tour._teaches(Outcome(thin)) == "middle_high"
    gap = replace(view_of(), ranges=((120.0, math.inf), (104.0, 160.0), (0.0, 80.0)))
    assert Outcome(gap).taught_at == ()


# -- programs ----------------------------------------------------------------------------------------------------------


def test_programs_print_what_the_page_shows() -> None:
    view = view_of(box=(10.0, 10.0, 70.0, 70.0))
    printed = printed_numbers(
        run_script(
            script.write_object_script(view.box, (512, 512), view.ranges, "closed")
            + script.write_sizes_script(2)
            + script.write_chips_script(1, view.ranges, 2)
        )
    )
    levels = [(round(level.side, 3), int(level.valid)) for level in view.levels]
    assert printed[:6] == [number for level in levels for number in level]
    shares = scale.scene_sample("validation", 2)
    assert printed[6:12] == [
        number for share in (0.1, 0.5, 0.9) for number in (share, pytest.approx(shares.quantile(share), abs=1e-6))
    ]
    trace = view.chips
    assert printed[12:] == [*trace.chips.ravel().tolist(), trace.pixels, trace.whole_pixels]


# -- SNIP, measured ----------------------------------------------------------------------------------------------------


def qualities(snip: float, multi: float, one: float) -> dict[str, dict[str, dict[str, float]]]:
    """Cards' figures with these average precisions in the tests that are compared; 0.25 elsewhere."""

    def tests(value: float, test: str) -> dict[str, dict[str, float]]:
        names = ("ap", "ap50", "ap_small", "ap_medium", "ap_large")
        return {each: dict.fromkeys(names, value if each == test else 0.25) for each in ("one", "three")}

    return {
        "scale_one": tests(one, "one"),
        "scale_multi": tests(multi, "three"),
        "scale_snip": tests(snip, "three"),
    }


@pytest.mark.parametrize(
    ("snip_ap", "says"),
    [
        (0.5, ("better", "+0.125", "better")),
        (0.38, ("alike", "+0.005", "better")),
        (0.25, ("worse", "−0.125", "alike")),
    ],
)
def test_the_verdict_on_snip_is_what_the_cards_say(snip_ap: float, says: tuple[str, str, str]) -> None:
    page = SimpleNamespace(translate=lambda message, **values: message.format(**values))
    first, second = snip.verdict(page, qualities(snip_ap, 0.375, 0.25)).splitlines()  # type: ignore[arg-type]
    assert says[0] in first
    assert says[1] in first
    assert says[2] in second


def test_the_words_about_the_training_are_its_ranges() -> None:
    assert ((60, math.inf), (20, 80), (0, 40)) == training.RANGES
    assert training.SIDES == (128, 256, 512)
    for card in cards.list_scale_cards():
        assert card.ranges == [[60, None], [20, 80], [0, 40]]
        assert set(card.qualities) == {"one", "three"}
    assert [card.name for card in cards.list_scale_cards()] == list(cards.SCALE_TRAININGS)
    assert len({(card.seed, card.steps, card.batch_size, card.scenes) for card in cards.list_scale_cards()}) == 1


def test_the_bars_are_the_figures_of_the_cards() -> None:
    figure = figures.plot_trainings(qualities(0.5, 0.375, 0.125))
    assert [bar.y[0] for bar in figure.data] == [0.125, 0.25, 0.25, 0.375, 0.25, 0.5]
    assert figure.data[5].name == "three sizes, valid objects (SNIP), tested at three"


def test_the_lesson_says_of_snip_what_the_cards_say() -> None:
    """Its sentences hold for figures like these; other cards want other words."""
    found = {card.name.removeprefix("scale_"): card.qualities for card in cards.list_scale_cards()}
    assert tour._pays(Outcome(view_of())) == "alike"
    assert found["snip"]["three"]["ap_small"] > found["multi"]["three"]["ap_small"] + snip.LIKE
    assert found["snip"]["three"]["ap_large"] > found["multi"]["three"]["ap_large"] + snip.LIKE
    assert found["snip"]["one"]["ap"] == min(tests[test]["ap"] for tests in found.values() for test in tests)
    gained = [tests["three"]["ap"] - tests["one"]["ap"] for tests in found.values()]
    assert min(gained) > 10 * snip.LIKE
