"""The ThunderNet page: its parts, its rules on plain views, the programs it hands out, and what a piece may say."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pages.kit.pictures import sample
from pages.thundernet import challenges, network, state, tour, trained
from pages.thundernet.challenges import Outcome
from pages.thundernet.state import View
from tests.pages.opening import open_page
from tests.pages.pieces import component, link
from tests.scripts import printed_numbers, run_script
from vizcore import thundernet
from vizcore.data.script import write_photo
from vizcore.figures import thundernet as figures
from vizcore.thundernet import Design, script
from vizcore.training.thundernet_shipping import list_thundernet_cards


def view_of(**changed: Any) -> View:
    """The page as it opens, with something changed."""
    plain = View(
        part="budget",
        design=Design(),
        level="C5",
        source="photo",
        picture=sample("coffee"),
        look="context",
        channel=0,
        cell=(9, 9),
        box=(60.0, 80.0, 260.0, 250.0),
        output=0,
        convention="average",
        centers=True,
    )
    return replace(plain, **changed)


def hint(rule: challenges.Rule, **changed: Any) -> str | None:
    """What a rule says of a view, in English."""
    return rule(Outcome(view_of(**changed)), lambda message, **values: message.format(**values))


# -- parts -------------------------------------------------------------------------------------------------------------


def test_the_board_shows_what_is_counted_and_measures_the_paper_beside() -> None:
    app = open_page("thundernet", rpn="plain", head="256", kernel="3")
    board = component(app, "kinds")
    mine, paper = Design(kernel=3, compressed=False, head_channels=256), Design()
    kinds = {kind["name"]: kind["rows"] for kind in board["kinds"]}
    for kind in ("parameters", "multiply_adds"):
        for row, design in zip(kinds[kind], (mine, paper), strict=True):
            budget = thundernet.count_budget(design)
            assert sum(part["value"] for part in row["parts"]) == pytest.approx(getattr(budget.total, kind) / 1e6)
            assert [part["block"] for part in row["parts"]] == list(thundernet.BLOCKS)
    assert [row["mark"] is None for row in kinds["multiply_adds"]] == [True, False]
    assert all(part["value"] > 0 for row in kinds["seconds"] for part in row["parts"])
    (table,) = app.dataframe
    assert table.value.iloc[1].tolist() == ["SNet146", 503, 473, 23.6, 75.1]
    assert link(app)["rpn"] == "plain"


@pytest.mark.parametrize(
    ("part", "more"),
    [
        ("budget", {"backbone": "snet49", "input_size": 192, "sam": 0, "cem": 0, "lang": "zh"}),
        ("fields", {"level": "C3", "backbone": "snet49"}),
        ("maps", {"look": "attention", "source": "scene", "channel": 244, "lang": "zh"}),
        ("region", {"output": 4, "convention": "max"}),
        ("anchors", {"cell": "19,0", "centers": 0, "lang": "zh"}),
        ("trade", {}),
    ],
)
def test_every_part_opens_from_its_link(part: str, more: dict[str, object]) -> None:
    app = open_page("thundernet", part=part, **more)
    assert not app.warning
    assert {**link(app), **{name: str(value) for name, value in more.items()}} == link(app)


def test_a_link_cannot_ask_for_what_there_is_not() -> None:
    app = open_page("thundernet", part="maps", channel=245, cell="40,3", box="1,2,3", backbone="snet1", broken=True)
    assert not app.exception
    assert len(app.warning) == 4
    assert link(app)["channel"] == "0"


@pytest.mark.parametrize(
    ("corners", "inside"),
    [
        ([10.0, 20.0, 30.0, 40.0], (10, 20, 30, 40)),
        ([30.0, 40.0, 10.0, 20.0], (10, 20, 30, 40)),
        ([-50.0, 5.0, 5.0, 5.0], (0, 5, 5, 6)),
        ([320.0, 320.0, 320.0, 320.0], (319, 319, 320, 320)),
    ],
)
def test_any_four_numbers_become_a_region(corners: list[float], inside: tuple[float, ...]) -> None:
    assert state._inside(corners) == inside


def test_middles_lie_in_the_middle_of_their_cells() -> None:
    assert len(state.MIDDLES) == 400
    box = next(box for box in state.MIDDLES if box.id == "cell.3.5")
    assert box.xyxy == (86, 54, 90, 58)  # 5.5 and 3.5 cells of 16 pixels


# -- rules -------------------------------------------------------------------------------------------------------------


def test_diet() -> None:
    assert "503 million" in str(hint(challenges.diet))
    assert "261 million" in str(hint(challenges.diet, design=Design("snet49")))
    assert hint(challenges.diet, design=Design("snet49", head_channels=512)) is None
    assert "320" in str(hint(challenges.diet, design=Design(input_size=192)))
    assert "must stay" in str(hint(challenges.diet, design=Design("snet49", head_channels=512, sam=False)))


def test_heavy_head() -> None:
    assert "largest" in str(hint(challenges.heavy_head))
    assert "5 %" in str(hint(challenges.heavy_head, design=Design("snet535")))
    assert hint(challenges.heavy_head, design=Design("snet535", position_sensitive=False)) is None


def test_overruled() -> None:
    assert "Open" in str(hint(challenges.overruled))
    maps = network.trace_of(sample("coffee")).term_maps(0)
    turned = maps["local"] * maps["context"] < 0
    assert 10 < turned.sum() < 300
    cell, other = (tuple(int(place) for place in np.argwhere(mask)[0]) for mask in (turned, ~turned))
    assert hint(challenges.overruled, part="maps", cell=cell) is None
    assert "the same sign" in str(hint(challenges.overruled, part="maps", cell=other))
    assert "Open" in str(hint(challenges.overruled, part="maps", look="attention", cell=cell))


def test_same_bin() -> None:
    assert "Open" in str(hint(challenges.same_bin))
    assert hint(challenges.same_bin, part="region", box=(33.0, 49.0, 47.0, 63.0)) is None
    assert "2 cells" in str(hint(challenges.same_bin, part="region", box=(33.0, 49.0, 60.0, 63.0)))


# -- the lesson's answers ----------------------------------------------------------------------------------------------


def test_answers_worked_out_by_hand() -> None:
    outcome = Outcome(view_of())
    # 12,005 instead of 245 numbers into 1,024 outputs for 200 regions: 503 + 2,408 = 2,911 million.
    assert tour._pooling_factor(outcome) == "x6"
    assert tour._pooling(outcome)["heavy"] == "2,911"
    assert tour._rpn_share(outcome) == pytest.approx(100 * 281 / 2304)
    assert tour._kernel(outcome) == {"more": "5", "small": 527, "large": 1047}
    assert tour._grown(outcome) == 0
    assert tour._channel(outcome) == 122
    # An answer is of the paper's design, whatever the step has switched meanwhile.
    assert tour._pooling_factor(Outcome(view_of(design=Design(position_sensitive=False)))) == "x6"


# -- programs ----------------------------------------------------------------------------------------------------------


def test_programs_print_what_the_page_shows() -> None:
    picture = write_photo("coffee", variable="picture")
    box = (60.0, 80.0, 260.0, 250.0)
    printed = printed_numbers(
        run_script(
            script.write_budget_script(Design(sam=False))
            + script.write_cell_script(picture, cell=(3, 4), channel=7, seed=0)
            + script.write_region_script(picture, box=box, output=2, seed=0)
            + script.write_fields_script("snet49", "C3")
        )
    )
    budget = thundernet.count_budget(Design(sam=False))
    counts = [number for cost in budget.blocks.values() for number in (cost.parameters, cost.multiply_adds)]
    counts += [budget.total.parameters, budget.total.multiply_adds]
    assert printed[: len(counts)] == counts
    trace = network.trace_of(sample("coffee"))
    maps = {**trace.term_maps(7), **trace.attention_maps(7)}
    cell = [float(values[3, 4]) for values in maps.values()]
    rest = printed[len(counts) :]
    np.testing.assert_allclose(rest[: len(cell)], cell, atol=6e-5)
    pooled = thundernet.pool_region(trace.attended, box).values[2]
    np.testing.assert_allclose(rest[len(cell) : -6], pooled.ravel(), atol=2e-4)
    fields = [thundernet.effective_field("snet49", "C3", kernel=kernel) for kernel in (3, 5)]
    assert rest[-6:] == [number for field in fields for number in (field.kernel, field.theoretical, field.side)]


# -- trained here ------------------------------------------------------------------------------------------------------


def said(base: float, cem: float, sam: float, both: float) -> list[str]:
    """The verdict on four average precisions, in English."""
    page = SimpleNamespace(translate=lambda message, **values: message.format(**values))
    names = ("thundernet_base", "thundernet_cem", "thundernet_sam", "thundernet")
    found = {name: {"ap": ap} for name, ap in zip(names, (base, cem, sam, both), strict=True)}
    return trained.verdict(page, found)  # type: ignore[arg-type]


def test_the_verdict_on_each_addition_is_what_the_cards_say() -> None:
    context, attention = said(0.25, 0.5, 0.255, 0.5)
    assert context == "**CEM pays:** AP +0.250 alone, +0.245 beside the other one."
    assert attention == "**SAM changes next to nothing:** AP +0.005 alone, +0.000 beside the other one."
    context, attention = said(0.5, 0.25, 0.75, 0.625)
    assert context == "**CEM does not pay here:** AP −0.250 alone, −0.125 beside the other one."
    assert attention == "**SAM pays:** AP +0.250 alone, +0.375 beside the other one."
    context, attention = said(0.5, 0.25, 0.75, 0.75)
    assert context == "**CEM:** AP −0.250 alone, +0.000 beside the other one."
    assert attention == "**SAM pays:** AP +0.250 alone, +0.500 beside the other one."


def test_the_trained_parts_have_one_budget_and_are_shown() -> None:
    cards = list_thundernet_cards()
    assert [card["name"] for card in cards] == list(figures.TRAINED_NAMES)
    assert len({(card["steps"], card["seed"], card["num_scenes"]) for card in cards}) == 1
    app = open_page("thundernet", part="trained", lang="zh")
    assert link(app)["part"] == "trained"
    assert any("**CEM" in each.value and "**SAM" in each.value for each in app.markdown)


def test_the_bars_are_the_figures_of_the_cards() -> None:
    qualities = {
        name: dict.fromkeys(figures.QUALITY_NAMES, 0.125 * place)
        for place, name in enumerate(figures.TRAINED_NAMES, start=1)
    }
    figure = figures.plot_trained(qualities)
    assert [bar.y[0] for bar in figure.data] == [0.125, 0.25, 0.375, 0.5]
    assert figure.data[3].name == "with both: ThunderNet"
