"""The VarifocalNet page: what its parts compute, what a link may bring, its challenges, and what is not said yet."""

from __future__ import annotations

import dataclasses

import pytest

from pages.kit.language import translator
from pages.kit.link import Parameter
from pages.varifocalnet import challenges, network, state
from pages.varifocalnet.challenges import Outcome
from pages.varifocalnet.state import View
from tests.pages.opening import open_page
from tests.pages.pieces import component, link

say = translator("varifocalnet")
VIEW = View(
    part="losses",
    p=0.3,
    q=0.7,
    alpha=0.75,
    gamma=2.0,
    curve="loss",
    kind="varifocal",
    scene=7,
    box=(32.0, 350.0, 96.0, 414.0),
    show_map=True,
    top_k=9,
    tile=4.0,
    ranking="cls",
)


def seen(**changed: object) -> Outcome:
    return challenges.observe(dataclasses.replace(VIEW, **changed))


def test_every_setting_is_in_the_link_whatever_part_is_open() -> None:
    declared = {value.name for value in vars(state).values() if isinstance(value, Parameter)}
    assert declared == set(link(open_page("varifocalnet"))) - {"lang", "v", "solved", "tour"}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("end", [0, 1])
def test_the_losses_open_in_both_languages_at_the_ends_of_their_sliders(end: int, lang: str) -> None:
    app = open_page("varifocalnet", alpha=end, gamma=5 * end, q=end, lang=lang)
    assert not app.warning
    assert component(app, "losses", "least_p")["q"] == end


@pytest.mark.parametrize("part", ["star", "assign"])
def test_boxes_open_and_bad_ones_are_told(part: str) -> None:
    assert not open_page("varifocalnet", view=part, lang="zh").warning
    inverted = open_page("varifocalnet", view=part, box="96,414,32,350")
    assert any("inverted" in warning.value for warning in inverted.warning)
    assert link(inverted)["box"] == "32,350,96,414"
    flat = open_page("varifocalnet", view=part, box="32,350,32,414", broken=True)
    assert [error.value for error in flat.error] == ["Box 0 has no width or no height."]
    assert component(flat, "stage", "levels")["mode"] == part
    assert link(flat)["box"] == "32,350,32,414"  # the page still closes


def test_the_ranking_says_what_it_computed() -> None:
    app = open_page("varifocalnet", view="ranking", ranking="gt_cls_iou")
    shown = app.dataframe[0].value
    found = network.rankings()
    assert shown["AP"].tolist() == pytest.approx([each.ap for each in found.values()], abs=5e-4)
    assert len(shown) == len(state.SHOWN_RANKINGS)
    # The same boxes in a better order, and true boxes, are worth something; the myth says the figures.
    assert found["gt_ctr_iou"].ap > found["cls_ctr"].ap
    assert found["cls_ctr"].ap < found["gt_bbox"].ap < 1
    assert any(f"to {found['gt_bbox'].ap:.2f}, not to 1" in element.value for element in app.markdown)


def test_without_trained_detectors_their_part_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "trained_cards", dict)
    app = open_page("varifocalnet", view="measured")
    assert link(app)["view"] == "losses"
    (choice,) = (radio for radio in app.radio if radio.key == "varifocalnet_view")
    assert choice.options == ["Three losses", "Nine points", "Who is positive?", "Ranking"]


def test_with_the_decisive_pair_their_figures_are_the_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    def card(seed: int, ap: float) -> dict:
        quality = {"ap": ap, "ap75": ap / 2}
        return {
            "title": "T",
            "seed": seed,
            "steps": 2000,
            "quality": quality,
            "rank_correlation": 0.5,
            "rankings": {"cls": quality, "gt_bbox": {"ap": 0.9, "ap75": 0.9}},
        }

    cards = {"vfnet_focal": card(0, 0.4), "vfnet_varifocal": card(0, 0.5), "vfnet_focal_seed1": card(1, 0.41)}
    monkeypatch.setattr(network, "trained_cards", lambda: cards)
    app = open_page("varifocalnet", view="measured")
    assert app.dataframe[0].value["AP"].tolist() == [0.4, 0.5, 0.41]
    assert not open_page("varifocalnet", view="measured", lang="zh").warning


def test_content_at_q() -> None:
    assert challenges.vanish(seen(p=0.4, q=0.4), say) is None
    assert "Varifocal pulls with" in str(challenges.vanish(seen(p=0.3, q=0.7), say))
    assert "Varifocal pulls with 0.00" in str(challenges.vanish(seen(p=0.9, q=0.9), say))  # focal has let go too
    assert "q is 0" in str(challenges.vanish(seen(q=0.0), say))
    assert "Three losses" in str(challenges.vanish(seen(part="star"), say))


def test_two_levels() -> None:
    # 96 pixels lie between squares of 64 and of 128 pixels (4 strides of 16 and of 32).
    assert challenges.two_levels(seen(part="assign", box=(32.0, 350.0, 128.0, 446.0)), say) is None
    assert "stride 16" in str(challenges.two_levels(seen(part="assign"), say))
    assert "positive?" in str(challenges.two_levels(seen(), say))


def test_two_opinions() -> None:
    flat = seen(part="assign", box=(32.0, 360.0, 200.0, 380.0))
    assert flat.assignment is not None
    assert challenges.apart(flat, say) is None
    assert "ATSS has 8" in str(challenges.apart(seen(part="assign"), say))
    none = seen(part="assign", box=(32.0, 360.0, 300.0, 385.0))  # the centre rule has no cell at all
    assert "the center rule 0" in str(challenges.apart(none, say))
