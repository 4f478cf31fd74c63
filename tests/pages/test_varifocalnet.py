"""The VarifocalNet page: what its parts compute, what a link may bring, its challenges, and what is not said yet."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from pages.kit.language import translator
from pages.kit.link import Parameter
from pages.varifocalnet import challenges, network, state, tour
from pages.varifocalnet.challenges import Outcome
from pages.varifocalnet.state import View
from tests.pages.opening import open_page
from tests.pages.pieces import component, link
from vizcore import varifocalnet
from vizcore.data.scenes import draw_scene
from vizcore.models.vfnet import VFNet, VFNetConfig, VFNetDetector
from vizcore.training.cards import load_point_card

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
    card = load_point_card("vfnet_focal")
    assert card is not None
    for column, key in (("AP", "ap"), ("AP75", "ap75")):
        judged = [card["rankings"][name][key] for name in state.SHOWN_RANKINGS]
        assert shown[column].tolist() == pytest.approx(judged, abs=5.1e-4)
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
    cards = network.trained_cards()
    app = open_page("varifocalnet", view="measured")
    shown = app.dataframe[0].value
    told = [network.budget_mate(), *cards.values()]
    for column, key in {"AP": "ap", "AP50": "ap50", "AP75": "ap75", "AP small": "ap_small"}.items():
        assert shown[column].tolist() == pytest.approx([card["quality"][key] for card in told], abs=5.1e-4)
    assert shown["rank correlation"][0] == "–"  # not measured: a gap never reads “None”
    assert [float(cell) for cell in shown["rank correlation"][1:]] == pytest.approx(
        [card["rank_correlation"] for card in cards.values()], abs=5.1e-4
    )
    assert not open_page("varifocalnet", view="measured", lang="zh").warning
    # What is finished is told, what is not is named: here only the repeated run with focal loss is missing.
    again = {
        **cards,
        "vfnet": {**cards["vfnet_varifocal"], "quality": {**cards["vfnet_varifocal"]["quality"], "ap": 0.5}},
    }
    again = {name: card for name, card in again.items() if name != "vfnet_focal_seed1"}
    again["vfnet_varifocal_seed1"] = cards["vfnet_varifocal"]
    monkeypatch.setattr(network, "trained_cards", lambda: again)
    app = open_page("varifocalnet", view="measured")
    assert [caption.value for caption in app.caption][:1] == ["Not trained yet: FCOS, ATSS, focal loss (seed 1)."]
    mate = network.budget_mate()["quality"]["ap"]
    assert any(
        f"AP 0.500; FCOS on the same levels, with the same budget: {mate:.3f}" in md.value for md in app.markdown
    )


def test_a_question_about_the_runs_hides_what_it_asks() -> None:
    step = next(number for number, each in enumerate(tour.STEPS, 1) if each.name == "measured")
    asked = open_page("varifocalnet", tour=step)
    assert not asked.dataframe
    drawn = component(asked, "figure", "alt")
    assert len(drawn["figure"]["data"][0]["x"]) == 2 + ("vfnet_focal_seed1" in network.trained_cards())
    assert "varifocal" not in drawn["alt"]


def test_boxes_before_and_after_the_star(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    untrained = VFNetDetector(VFNet(VFNetConfig(channels=8)))
    drawn = draw_scene("validation", 7)
    found = varifocalnet.trace_refinement(untrained, drawn.pixels, drawn.boxes, drawn.labels)
    assert not len(found.targets)  # it finds nothing, and the page says so in both languages
    monkeypatch.setattr(network, "refines", lambda: True)
    monkeypatch.setattr(network, "refinement", lambda _scene: found)
    for lang, words in (("en", "0 of 0 boxes"), ("zh", "0 个框")):
        app = open_page("varifocalnet", view="star", lang=lang)
        assert words in component(app, "figure", "alt")["alt"]
    box = np.array([[10, 10, 50, 50]], np.float32)
    one = varifocalnet.RefinementTrace(
        targets=np.array([1]),
        truth=box,
        first=box * 0.5,
        final=box,
        scores=np.array([0.75], np.float32),
        first_ious=np.array([0.25], np.float32),
        final_ious=np.array([1.0], np.float32),
        factors=np.ones((1, 4), np.float32),
    )
    monkeypatch.setattr(network, "refinement", lambda _scene: one)
    app = open_page("varifocalnet", view="star")
    assert app.dataframe[0].value["IoU of the refined box"].tolist() == [1.0]
    assert component(app, "figure", "alt")["alt"].startswith("1 of 1 boxes fit better")


def test_a_target_that_is_no_iou_is_mended() -> None:
    for given in ("1.5", "nan"):
        app = open_page("varifocalnet", q=given)
        assert ["value for “q”" in warning.value for warning in app.warning] == [True]
        assert link(app)["q"] == "0.7"


def test_a_box_off_the_picture_is_told() -> None:
    off = open_page("varifocalnet", view="star", box="900,900,950,950")
    assert ["outside the canvas" in warning.value for warning in off.warning] == [True]
    assert link(off)["box"] == "462,462,512,512"


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
