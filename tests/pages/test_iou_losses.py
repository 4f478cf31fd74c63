"""The IoU playground without a browser: defaults, every view, links, bad input, challenges, the reproduced script."""

from __future__ import annotations

import math
from urllib.parse import urlencode

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.opening import open_page
from tests.pages.pieces import component, link
from tests.scripts import run_script
from vizcore.iou_losses import KINDS, compare_losses

VIEWS = ("landscape", "race", "simulation", "metric")
NESTED = "140,100,190,140_80,50,260,200"


def open_playground(**query: str) -> AppTest:
    return open_page("iou_losses", **query)


def healthy(app: AppTest) -> None:
    assert not app.exception
    assert not app.error


def boxes_of(app: AppTest) -> list[list[float]]:
    return [box["xyxy"] for box in component(app, "stage")["stage"]["boxes"]]


def place(app: AppTest, *boxes: list[float]) -> None:
    for side, box in zip(("prediction", "target"), boxes, strict=True):
        app.text_input(key=f"iou_losses_typed_{side}").set_value(",".join(map(str, box)))
    app.button(key="iou_losses_typed_place").click().run()
    healthy(app)


def hints(app: AppTest, name: str) -> str:
    app.button(key=f"iou_losses_check_{name}").click().run()
    healthy(app)
    return " ".join(info.value for info in app.info)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_in_both_languages(view, language):
    app = open_playground(view=view, lang=language)
    healthy(app)
    assert link(app)["view"] == view
    assert ("IoU 游乐场" if language == "zh" else "IoU playground") in [title.value for title in app.title]


@pytest.mark.parametrize(
    "query",
    [
        {"view": "race", "learning_rate": "0.01", "num_steps": "20", "step_rule": "adam", "schedule": "cosine"},
        {"view": "race", "learning_rate": "1", "num_steps": "400", "quantity": "loss", "kinds": ".".join(KINDS)},
        {"power": "0.5", "beta": "0.5", "eps": "0", "alpha_gradient": "1", "alpha_gate": "1"},
        {"power": "6", "beta": "20", "eps": "1e-3", "over": "size", "landscape_kind": "l1"},
        {"kinds": "", "show": "", "view": "race"},
        {"show": "intersection.union.enclosing.distance.aspect.edges.corners", "snap": "0"},
        {"background": "photo"},
        {"view": "simulation", "gradient": "official", "num_centers": "300"},
    ],
)
def test_both_ends_of_every_control(query):
    healthy(open_playground(**query))


def test_the_link_carries_the_whole_view():
    app = open_playground(boxes=NESTED, kinds="iou.siou", show="aspect", view="race", schedule="cosine", power="2")
    wanted = link(app)
    assert wanted["boxes"] == NESTED
    again = open_playground(**{name: value for name, value in wanted.items() if name not in ("v",)})
    assert link(again) == wanted
    assert boxes_of(again) == [[140, 100, 190, 140], [80, 50, 260, 200]]


@pytest.mark.parametrize(
    ("boxes", "shown", "words"),
    [
        ("170,130,60,50_130,90,220,190", [[60, 50, 170, 130], [130, 90, 220, 190]], "inverted"),
        ("-90,10,-20,60_130,90,220,190", [[0, 10, 70, 60], [130, 90, 220, 190]], "outside the canvas"),
        ("0,0,1e30,60_130,90,220,190", [[0, 0, 1e5, 60], [130, 90, 220, 190]], "pulled back"),
        ("nan,50,170,130_130,90,220,190", [[60, 50, 170, 130], [130, 90, 220, 190]], "cannot be used"),
        ("1,2,3_4,5", [[60, 50, 170, 130], [130, 90, 220, 190]], "cannot be used"),
    ],
)
def test_bad_boxes_in_a_link_are_mended_or_refused_with_a_sentence(boxes, shown, words):
    app = open_playground(boxes=boxes)
    healthy(app)
    assert boxes_of(app) == shown
    assert any(words in warning.value for warning in app.warning)


def test_typed_coordinates_are_placed_or_explained():
    app = open_playground()
    app.text_input(key="iou_losses_typed_prediction").set_value("20, 20, 50, 60")
    app.button(key="iou_losses_typed_place").click().run()
    healthy(app)
    assert boxes_of(app)[0] == [20, 20, 50, 60]
    app.text_input(key="iou_losses_typed_prediction").set_value("20, nan, 50, 60")
    app.button(key="iou_losses_typed_place").click().run()
    assert not app.exception
    assert any("y1" in error.value for error in app.error)
    assert boxes_of(app)[0] == [20, 20, 50, 60]


@pytest.mark.parametrize("preset", ["disjoint", "nested", "same_center", "tiny", "degenerate"])
def test_presets_show_what_their_names_say(preset):
    app = open_playground()
    app.button(key=f"iou_losses_preset_{preset}").click().run()
    healthy(app)
    comparison = compare_losses(KINDS, *boxes_of(app))
    value = {kind: comparison.of(kind)[0] for kind in KINDS}
    gradient = {kind: comparison.of(kind)[1] for kind in KINDS}
    expected = {
        "disjoint": value["iou"] == 1 and not gradient["iou"].any() and gradient["giou"].any(),
        "nested": abs(value["giou"] - value["iou"]) < 1e-6,
        "same_center": abs(value["diou"] - value["iou"]) < 1e-9 and value["ciou"] > value["diou"] + 0.04,
        "tiny": abs(1 - value["iou"] - 49 / 79) < 1e-6,
        "degenerate": math.isfinite(value["ciou"]) and all(map(math.isnan, gradient["ciou"])),
    }
    assert expected[preset]


def test_the_stage_gets_the_compiled_program_and_no_number_of_ours():
    data = component(open_playground(), "stage", "losses")
    assert [loss["kind"] for loss in data["losses"] if loss["on"]] == ["iou", "giou", "diou", "ciou"]
    assert "payload" in data


def test_what_the_browser_reports_moves_into_link_and_script():
    app = open_playground()
    token = component(app, "stage")["stage"]["token"]
    moved = {"prediction": [10, 10, 60, 70], "target": [130, 90, 220, 190]}
    said = {"value": {"seq": 1, "stage": {"token": token, "selected": None, "boxes": moved}}}
    app.session_state["iou_losses_stage"] = said
    app.run()
    healthy(app)
    assert link(app)["boxes"] == "10,10,60,70_130,90,220,190"
    source = next(code.value for code in app.code if code.language == "python")
    printed = [line.split() for line in run_script(source).splitlines()]
    comparison = compare_losses(KINDS, moved["prediction"], moved["target"])
    for kind, *numbers in printed:
        loss, gradient = comparison.of(kind)
        assert [float(number) for number in numbers] == pytest.approx([loss, *gradient], rel=1e-6, abs=1e-9)
    assert [words[0] for words in printed] == ["iou", "giou", "diou", "ciou"]


@pytest.mark.parametrize("evil", [{"boxes": "x"}, {"token": 1}, {"boxes": {"prediction": [math.nan] * 4}}, None, 7])
def test_nonsense_from_the_browser_changes_nothing(evil):
    app = open_playground()
    app.session_state["iou_losses_stage"] = {"value": {"seq": 1, "stage": evil}}
    app.run()
    healthy(app)
    assert boxes_of(app) == [[60, 50, 170, 130], [130, 90, 220, 190]]


def test_challenges_are_marked_from_the_boxes():
    app = open_playground(boxes=NESTED)
    assert "giou_agrees" in link(app)["solved"]
    place(app, [100, 110, 220, 130], [150, 60, 170, 180])
    assert "blind_diou" in link(app)["solved"]
    app.button(key="iou_losses_preset_degenerate").click().run()
    assert set(link(app)["solved"].split(".")) >= {"giou_agrees", "blind_diou", "nan_gradient"}
    assert "two_placements" not in link(app)["solved"]
    # Two far corners, then two near neighbours: IoU is 0 both times, GIoU's losses are near 2 and near 1.
    place(app, [0, 0, 10, 10], [300, 220, 320, 240])
    place(app, [100, 100, 150, 150], [152, 100, 200, 150])
    place(app, [100, 40, 100, 200], [100, 80, 100, 160])
    assert len(link(app)["solved"].split(".")) == 5


@pytest.mark.parametrize(
    ("boxes", "name", "words"),
    [
        ("60,50,170,130_130,90,220,190", "two_placements", "overlap"),
        ("60,50,170,130_130,90,220,190", "giou_agrees", "C − U"),
        ("60,50,170,130_130,90,220,190", "blind_diou", "apart"),
        ("60,50,170,130_130,90,220,190", "nan_gradient", "finite"),
        ("10,10,50,50_10,10,50,50", "giou_agrees", "Identical"),
        ("10,10,50,50_10,10,50,50", "blind_diou", "shapes differ more"),
        ("10,10,50,50_110,110,150,150", "two_placements", "IoU is 0"),
        ("10,10,50,50_110,110,150,150", "giou_agrees", "empty room"),
        ("10,10,10,10_110,110,150,150", "nan_gradient", "no number"),
        ("10,10,50,50_10,10,50,50", "blind_ciou", "should differ"),
        ("10,30,90,30_10,10,50,50", "blind_ciou", "NaN is not zero"),
        ("60,50,170,130_130,90,220,190", "blind_ciou", "px apart"),
        ("100,40,140,200_90,80,150,160", "blind_ciou", "overlap still pulls"),
        ("100,40,100,200_80,80,120,160", "blind_ciou", "Only the ratio"),
    ],
)
def test_hints_fit_the_wrong_answer(boxes, name, words):
    assert words in hints(open_playground(boxes=boxes), name)


def test_a_solved_challenge_comes_back_with_the_link():
    assert link(open_playground(solved="nan_gradient"))["solved"] == "nan_gradient"


def test_a_click_on_the_landscape_places_the_box():
    app = open_playground(landscape_kind="giou")
    app.session_state["iou_losses_landscape_chart"] = {
        "click": {"x": 100.0, "y": 60.0, "curve": 0, "index": 0, "count": 1}
    }
    app.run()
    healthy(app)
    assert boxes_of(app)[0] == [45, 20, 155, 100]  # 110 × 80 round (100, 60)


def test_the_worst_case_of_a_property_goes_onto_the_stage():
    app = open_playground(view="metric", metric_kind="diou", property="triangle")
    app.button(key="iou_losses_worst").click().run()
    healthy(app)
    a, c, b = boxes_of(app)
    direct, first, second = (compare_losses(["diou"], *pair).loss[0] for pair in ((a, c), (a, b), (b, c)))
    assert direct > first + second + 0.05
    assert "via" in link(app)


def test_a_click_on_a_cell_chooses_it_and_shows_its_worst_case_once():
    app = open_playground(view="metric", metric_kind="iou", property="scale")
    chart = component(app, "figure", "clickable")["figure"]["data"][0]
    column = next(words for words in chart["x"] if "riangle" in words)
    app.session_state["iou_losses_metric_chart"] = {
        "click": {"x": column, "y": "DIoU", "curve": 0, "index": 0, "count": 1}
    }
    app.run()
    healthy(app)
    assert (link(app)["metric_kind"], link(app)["property"]) == ("diou", "triangle")
    assert len(boxes_of(app)) == 3
    place(app, [1, 2, 30, 40], [5, 6, 70, 80])  # the click of before is no news
    assert boxes_of(app) == [[1, 2, 30, 40], [5, 6, 70, 80]]


def test_a_simulation_runs_in_the_background_and_replaces_the_stored_one():
    app = open_playground(view="simulation", num_centers="10", gradient="exact")
    app.button(key="iou_losses_run").click().run()
    healthy(app)
    job = app.session_state["jobs"]["iou_losses_simulation"]
    assert job.done.wait(timeout=120)
    app.run()
    healthy(app)
    assert job.result.num_boxes == 3430
    assert any("3,430" in caption.value for caption in app.caption)


IDENTICAL_POINTS = "5,5,5,5_5,5,5,5"  # with ε = 0 every quotient is 0/0


@pytest.mark.parametrize("view", VIEWS)
def test_two_points_without_eps_are_explained_and_the_page_stays(view):
    app = open_playground(boxes=IDENTICAL_POINTS, eps="0", view=view)
    assert link(app)["boxes"] == IDENTICAL_POINTS
    assert "two_placements" not in link(app)["solved"]
    said = hints(app, "two_placements")
    assert "GIoU’s loss is no number here" in said
    assert "Neither box has an area and ε is 0" in said
    assert ("This landscape is empty" in said) == (view == "landscape")


def test_points_without_eps_do_not_count_as_a_placement_but_those_before_do():
    app = open_playground(boxes="0,0,10,10_300,220,320,240", eps="0")
    place(app, [5, 5, 5, 5], [5, 5, 5, 5])
    assert "no number" in hints(app, "two_placements")
    assert "two_placements" not in link(app)["solved"]
    place(app, [100, 100, 150, 150], [152, 100, 200, 150])
    assert "two_placements" in link(app)["solved"]


def test_a_landscape_round_a_target_that_is_a_point_says_why_ciou_is_none():
    app = open_playground(boxes="10,10,50,50_80,80,80,80", landscape_kind="ciou")
    assert any("The target is a point" in info.value for info in app.info)
    chart = component(app, "alt", "clickable")
    assert chart["alt"] == "CIoU loss over the position of the prediction: it is no number anywhere."


def test_the_typed_error_goes_with_the_next_boxes_that_can_be_placed():
    app = open_playground()
    app.text_input(key="iou_losses_typed_target").set_value("1，2，x，4")
    app.button(key="iou_losses_typed_place").click().run()
    assert any("x2" in error.value for error in app.error)
    place(app, [1, 2, 3, 4], [5, 6, 7, 8])
    assert link(app)["boxes"] == "1,2,3,4_5,6,7,8"


def test_query_survives_urlencoding():
    app = open_playground(boxes=NESTED)
    assert urlencode({"boxes": link(app)["boxes"]}, safe=",_").endswith(NESTED)
