"""The page of pixel models: what is shown is what vizcore computed, links hold it, and what is wrong is explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from pages.autoregressive import state, training
from pages.kit.loaders import Job
from tests.pages.opening import open_page
from tests.pages.pieces import component, components, link
from vizcore import autoregressive as ar
from vizcore.data import mnist

CONCEPT = "autoregressive"
VIEW = {
    "part": "train",
    "data": "digits",
    "model": "nade",
    "order": "raster",
    "label": None,
    "temperature": 1.0,
    "seed": 4,
    "given": "",
    "step": 0,
    "digit": 4,
    "picture": "0" * 64,
    "network": "pixelcnn",
    "layers": 3,
    "kernel": 3,
    "output": 35,
    "learner": "made",
    "binarisation": "fixed",
}


def solved(app) -> set[str]:
    return set(filter(None, link(app)["solved"].split(".")))


def test_the_laboratory_opens_with_the_picture_of_its_seed() -> None:
    app = open_page(CONCEPT)
    data = component(app, "reference")
    assert data["reference"] == ar.write_pixels(ar.draw_picture("nade", seed=4).free.tolist())
    assert data["stepper"]["numSteps"] == 65
    assert not data["hidden"]


def test_a_flipped_pixel_is_prescribed_and_the_rest_is_drawn_anew() -> None:
    app = open_page(CONCEPT, step=64)
    version = component(app, "reference")["stepper"]["version"]
    for pixel in ("9", -1, 64, True):
        app.session_state["autoregressive_view"] = {"value": {"seq": 1, "touch": {"pixel": pixel, "count": str(pixel)}}}
        app.run()
        assert not app.exception
        assert link(app)["given"] == ""
    app.session_state["autoregressive_view"] = {"value": {"seq": 2, "touch": {"pixel": 9, "count": 1}}}
    app.run()
    trace = ar.draw_picture("nade", seed=4).trace
    again = open_page(CONCEPT, **link(app))
    for shown in (app, again):
        assert link(shown)["step"] == "10"
        data = component(shown, "reference")
        assert data["stepper"]["step"] == 10
        assert data["stepper"]["version"] != version
    assert link(again)["given"] == link(app)["given"]
    # pixel 9 is the challenge's size already counted in the tour: 14 later pixels differ
    assert ar.draw_picture("nade", seed=4, given=ar.flipped(trace, 9)).followers == 14
    app.button(key="autoregressive_free").click().run()
    assert link(app)["given"] == ""


def test_half_a_picture_is_completed_and_the_wrong_order_is_named() -> None:
    app = open_page(CONCEPT)
    app.button(key="autoregressive_real_half").click().run()
    real, _label = ar.unseen_picture(4)
    assert not app.info
    shown = open_page(CONCEPT, **{**link(app), "order": "reverse"})
    assert "come after free ones" in shown.info[0].value
    trace = ar.draw_picture("nade", order="reverse", seed=4, given=real[:32] + "." * 32).trace
    assert not trace.exact


def test_a_label_offers_raster_alone() -> None:
    app = open_page(CONCEPT, label="7", order="columns")
    assert link(app)["order"] == "raster"
    assert app.selectbox(key="autoregressive_order").options == ["row by row (raster)"]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "query",
    [
        {"model": "gated_pixelcnn", "temperature": 0, "order": "random"},
        {"model": "independent", "temperature": 2, "seed": 9999},
        {"part": "leak", "network": "gated_pixelcnn", "layers": 8},
        {"part": "leak", "network": "made_leak"},
        {"part": "leak", "network": "pixelcnn", "layers": 1, "kernel": 7, "output": 0},
    ],
)
def test_extremes_open_in_both_languages(query: dict[str, object], language: str) -> None:
    leaks = query.get("network") == "made_leak"
    app = open_page(CONCEPT, lang=language, broken=leaks, **query)
    assert not app.exception
    assert bool(app.error) == leaks
    for name, value in query.items():
        assert link(app)[name] == str(value)


def test_what_is_painted_is_judged_and_only_pictures_are_taken() -> None:
    app = open_page(CONCEPT, part="write")
    data = component(app, "costs")
    real, label = ar.unseen_picture(4)
    assert data["picture"] == real
    assert [row["nats"] for row in data["models"]] == pytest.approx(
        [ar.explain_picture(kind, real).log_likelihood for kind in ar.KINDS], abs=1e-4
    )
    assert sum(data["costs"]) == pytest.approx(-data["models"][2]["nats"], abs=0.01)
    assert [max(one["values"]) == one["values"][label] for one in data["labels"]] == [True, True]
    painted = "1" + real[1:]
    for pixels, version, taken in (
        ("2" * 64, data["version"], False),
        ("1" * 63, data["version"], False),
        (7, data["version"], False),
        (painted, "another", False),
        (painted, data["version"], True),
    ):
        said = {"pixels": pixels, "count": 1, "version": version}
        app.session_state["autoregressive_paint"] = {"value": {"seq": 1, "paint": said}}
        app.run()
        assert not app.exception
        assert component(app, "costs")["picture"] == (painted if taken else real)
    assert component(open_page(CONCEPT, **link(app)), "costs")["picture"] == painted
    app.button(key="autoregressive_clear").click().run()
    assert component(app, "costs")["picture"] == "0" * 64


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"given": "01"}, "The model knows pictures of 64 pixels, and this one has 2."),
        ({"given": "2" * 64}, "Pixels are 0 or 1 here, and 2 is neither; binarize the picture first."),
        ({"part": "write", "picture": "0" * 63}, "The model knows pictures of 64 pixels, and this one has 63."),
    ],
)
def test_pixels_that_are_none_are_explained(query: dict[str, str], said: str) -> None:
    app = open_page(CONCEPT, broken=True, **query)
    assert not app.exception
    assert [error.value for error in app.error] == [said]


@pytest.mark.parametrize(
    ("query", "name", "done"),
    [
        ({"seed": 10, "pixel": 7}, "butterfly", True),
        ({"seed": 4, "pixel": 9}, "butterfly", False),  # 14 pixels follow, 15 are asked for
        (
            {"part": "write", "picture": "0001100000011000001100000011000000111100001101100011011000011100"},
            "simple",
            True,
        ),
        ({"part": "write", "digit": 4}, "simple", False),
        ({"part": "write", "digit": 239}, "disagree", True),
        ({"part": "write", "digit": 7}, "disagree", False),
        ({"part": "leak", "network": "gated_pixelcnn", "kernel": 5, "layers": 4}, "see_all", True),
        ({"part": "leak", "network": "gated_pixelcnn", "kernel": 5, "layers": 5}, "see_all", False),
        ({"part": "leak", "network": "gated_pixelcnn", "kernel": 5, "layers": 3}, "see_all", False),
        ({"part": "leak", "network": "gated_pixelcnn", "kernel": 7, "layers": 3}, "see_all", False),
    ],
)
def test_challenges_have_solutions_and_near_misses_are_none(query: dict, name: str, done: bool) -> None:
    asked = dict(query)
    if "pixel" in asked:
        trace = ar.draw_picture("nade", seed=asked["seed"]).trace
        asked["given"] = ar.flipped(trace, asked.pop("pixel"))
    names = solved(open_page(CONCEPT, **asked))
    assert (name in names) == done


def test_the_leak_test_follows_the_browser() -> None:
    app = open_page(CONCEPT, part="leak", network="pixelcnn")
    data = component(app, "pixel")
    assert data["pixel"] == 35
    app.session_state["autoregressive_leak"] = {
        "value": {"seq": 1, "output": {"pixel": 20, "version": data["version"]}}
    }
    app.run()
    assert link(app)["output"] == "20"
    for pixel in (64, -1, "x", None):
        said = {"pixel": pixel, "version": data["version"]}
        app.session_state["autoregressive_leak"] = {"value": {"seq": 2, "output": said}}
        app.run()
        assert not app.exception
        assert link(app)["output"] == "20"


def test_no_answer_is_computed_for_the_screen_before_it_is_given() -> None:
    app = open_page(CONCEPT, tour=2)
    data = component(app, "reference")
    assert data["hidden"]
    assert data["locked"]
    assert data["stepper"]["most"] == data["stepper"]["step"] == 4
    assert components(open_page(CONCEPT, tour=9), "pixel")[0]["hidden"]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("part", ["compare", "train", "data"])
def test_the_other_parts_open_in_both_languages(part: str, language: str) -> None:
    app = open_page(CONCEPT, part=part, lang=language)
    assert link(app)["part"] == part
    if part == "compare":
        rows = app.dataframe[0].value
        assert len(rows) == len(ar.KINDS)
        parameters = {kind: ar.card_of(kind).parameters for kind in ar.KINDS}
        assert rows.iloc[:, 3].tolist() == list(parameters.values())
        assert rows.iloc[:, 5].tolist() == [64 * number for number in rows.iloc[:, 4]]
        totals = app.dataframe[1].value
        assert totals.iloc[:, 1].tolist() == ["1.000000", "1.000000"]
        assert totals.iloc[:, 2].tolist() == [5, 1]
    if part == "data":
        both = ar.evaluate_both("nade")
        shown = [float(text.split(" ± ")[0]) for text in app.dataframe[0].value.iloc[:, 1]]
        assert shown == pytest.approx([both["fixed"].nats, both["dynamic"].nats], abs=0.01)


def test_a_training_is_told_shown_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page(CONCEPT, part="train", learner="fvsbn")
    assert app.info
    job = Job()
    seen: list[ar.TrainingView] = []
    report = job.report

    def stop_at_three(fraction: float, words: str = "", snapshot: object = None) -> None:
        report(fraction, words, snapshot)
        seen.append(snapshot)
        if len(seen) == 3:
            job.cancel.set()

    monkeypatch.setattr(job, "report", stop_at_three)
    job.result = training.train(job, state.View(**{**VIEW, "learner": "fvsbn"}), lambda text, **values: text)
    job.done.set()
    assert len(seen) == 3
    assert job.result.cancelled
    assert len(job.result.reports) == 3
    assert job.result.reports[-1].validation_nats < job.result.reports[0].validation_nats
    app.session_state["jobs"] = {"autoregressive_training": job}
    app.run()
    assert not app.exception
    assert [warning.value.split(":")[0] for warning in app.warning] == ["Canceled"]
    assert any("unseen digits after" in text.value for text in app.markdown)


def test_mnist_that_cannot_be_had_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path))
    app = open_page(CONCEPT, part="data")
    assert app.button(key="autoregressive_download_mnist")
    job = Job(error=mnist.MNISTError(mnist.CANCELLED))
    job.done.set()
    app.session_state["jobs"] = {"autoregressive_mnist": job}
    app.run()
    assert [error.value for error in app.error] == [mnist.CANCELLED]


def test_milliseconds_are_measured_in_the_background() -> None:
    app = open_page(CONCEPT, part="compare")
    before = app.dataframe[0].value.shape
    job = Job()
    job.result = tuple(ar.compare_model(kind, num=4, timed=kind == "fvsbn") for kind in ("fvsbn",))
    job.done.set()
    app.session_state["jobs"] = {"autoregressive_measured": job}
    app.run()
    assert not app.exception
    assert app.dataframe[0].value.shape == (1, before[1] + 3)
