"""The page of pixel models with 28×28 digits: what each part says where they lack, and shows where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.autoregressive import pixels, source, state, training
from pages.kit.loaders import Job
from tests.pages.opening import open_page
from tests.pages.pieces import component, components, link
from tests.pages.test_autoregressive import VIEW
from tests.vizcore.test_binary_digits import generated
from vizcore import autoregressive as ar
from vizcore.autoregressive import watched
from vizcore.autoregressive.training import Recipe
from vizcore.data.mnist import mnist_available
from vizcore.training import autoregressive as command
from vizcore.training.__main__ import main

CONCEPT = "autoregressive"
MNIST = state.View(**{**VIEW, "data": "mnist", "model": "pixelcnn", "picture": "0" * 784})
NEEDS_MODEL, NEEDS_DIGITS = ("pixels", "write", "compare"), ("train", "data")


def said(text: str, **values: object) -> str:
    """No translation."""
    return text.format(**values)


def pieces(app: AppTest) -> list[Any]:
    """All that a part shows beside its controls and sentences."""
    shown = [piece for name in ("reference", "costs", "pixel", "figure") for piece in components(app, name)]
    return [*shown, *app.dataframe, *app.success]


def finished(app: AppTest, name: str) -> AppTest:
    """The page after its long work."""
    assert app.session_state["jobs"][f"autoregressive_{name}"].done.wait(120)
    app.run()
    assert not app.exception
    return app


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder without digits and models."""
    return tmp_path_factory.mktemp("empty")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with generated digits and models trained on them by the command; the first was stopped and went on."""
    folder = tmp_path_factory.mktemp("trained")
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in generated().items():
        (raw / name).write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAD2BOX_WEIGHTS", str(folder))
        small = Recipe(1, 1e-3, 1e-4, batch_size=9, hidden=4, layers=2, kernel=3)
        for kind in ("pixelcnn", "fvsbn"):
            patch.setitem(command.MNIST_RECIPES, kind, small)
        arguments = ["--data", "mnist", "--threads", "1", "--steps", "4", "--folder", str(folder / "runs")]
        real, calls = command.mean_nats, []

        def pulled(*given: Any) -> Any:
            calls.append(1)
            if len(calls) > 3:
                raise KeyboardInterrupt
            return real(*given)

        patch.setattr(command, "mean_nats", pulled)
        with pytest.raises(KeyboardInterrupt):
            main(["pixelcnn", *arguments])
        assert ar.find_trained("pixelcnn", data="mnist") is None
        patch.setattr(command, "mean_nats", real)
        main(["pixelcnn", *arguments])
        main(["fvsbn", *arguments])
    return folder


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer that has the digits and two models."""
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(trained))


@pytest.mark.parametrize("part", [*NEEDS_MODEL, *NEEDS_DIGITS])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_the_digits_each_part_offers_them_and_shows_nothing_half(
    part: str, language: str, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(empty))
    app = open_page(CONCEPT, part=part, data="mnist", lang=language)
    assert app.button(key="autoregressive_download_mnist")
    assert app.selectbox(key="autoregressive_data").value == link(app)["data"] == "mnist"
    sentences = [text.value for text in app.markdown if "11.6 MB" in text.value]
    assert len(sentences) == 1
    assert ("vizcore.training" in sentences[0]) == (part in NEEDS_MODEL)
    assert not pieces(app)


@pytest.mark.parametrize("part", NEEDS_MODEL)
def test_without_a_model_each_part_says_the_command(part: str, here: None) -> None:
    app = open_page(CONCEPT, part=part, data="mnist", model="nade", order="columns")
    order = " --order columns" if part == "pixels" else ""
    kind = "gated_pixelcnn" if part == "compare" else "nade"
    assert f"`python -m vizcore.training {kind} --data mnist{order}`" in app.info[0].value
    assert len(app.info) == 1
    if part != "compare":  # there the two models that are here are compared
        assert not pieces(app)


def test_the_command_leaves_what_the_page_samples_from(here: None) -> None:
    app = finished(open_page(CONCEPT, data="mnist", model="pixelcnn", seed=7), "drawn")
    drawing = ar.draw_picture("pixelcnn", data="mnist", seed=7)
    data = component(app, "reference")
    assert data["reference"] == ar.write_pixels(drawing.free.tolist())
    assert data["stepper"]["numSteps"] == 785
    app.session_state["autoregressive_view"] = {"value": {"seq": 1, "touch": {"pixel": 30, "count": 1}}}
    app.run()
    finished(app, "drawn")
    given = ar.flipped(drawing.trace, 30)
    assert link(app)["step"] == "31"
    assert app.session_state["kept"][CONCEPT]["given"] == given
    expected = ar.draw_picture("pixelcnn", data="mnist", seed=7, given=given)
    found, many = app.session_state["jobs"]["autoregressive_drawn"].result
    assert (found.trace.picture == expected.trace.picture).all()
    assert component(app, "reference")["reference"] == ar.write_pixels(expected.free.tolist())
    assert many.pictures.shape == (16, 784)


def test_a_drawing_tells_how_far_it_is_and_can_be_stopped(here: None) -> None:
    job, seen = Job(), []
    report = job.report

    def stop_at_forty(fraction: float, words: str = "", snapshot: object = None) -> None:
        seen.append(words)
        report(fraction, words, snapshot)
        if len(seen) == 40:
            job.cancel.set()

    job.report = stop_at_forty  # type: ignore[method-assign]
    with pytest.raises(ar.SamplingCancelledError) as stopped:
        pixels.draw_large(job, MNIST, said)
    assert seen[-1] == "40 of 784 pixels are drawn."
    app = finished(open_page(CONCEPT, data="mnist", model="pixelcnn"), "drawn")
    ended = Job(error=stopped.value)
    ended.done.set()
    app.session_state["jobs"] = {"autoregressive_drawn": ended}
    app.run()
    assert [error.value for error in app.error] == ["The sampling was canceled after 40 of 784 pixels."]
    assert not pieces(app)
    app.button(key="autoregressive_drawn_again").click().run()
    assert component(finished(app, "drawn"), "reference")


def test_painted_and_compared_are_the_models_that_are_here(here: None) -> None:
    app = open_page(CONCEPT, part="write", data="mnist", model="pixelcnn")
    data = component(app, "costs")
    real, _label = ar.unseen_picture(4, data="mnist")
    assert (data["picture"], data["size"], data["brush"]) == (real, [28, 28], 2)
    assert [row["name"] for row in data["models"]] == ["fvsbn", "pixelcnn"]
    assert [row["nats"] for row in data["models"]] == pytest.approx(
        [ar.explain_picture(kind, real, data="mnist").log_likelihood for kind in ("fvsbn", "pixelcnn")], abs=1e-3
    )
    assert not data["labels"]
    assert "pixelcnn --data mnist --labels`" in app.info[0].value
    said_ = {"pixels": "1" * 784, "count": 1, "version": data["version"]}
    app.session_state["autoregressive_paint"] = {"value": {"seq": 1, "paint": said_}}
    app.run()
    assert component(app, "costs")["picture"] == "1" * 784
    app = finished(open_page(CONCEPT, part="compare", data="mnist"), "counted")
    rows = app.dataframe[0].value
    assert rows.iloc[:, 3].tolist() == [ar.card_of(kind, data="mnist").parameters for kind in ("fvsbn", "pixelcnn")]
    assert rows.iloc[:, 5].tolist() == [784 * number for number in rows.iloc[:, 4]]
    assert component(app, "size")["size"] == [28, 28]


def test_one_output_is_tested_for_leaks(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(empty))  # masks need no digits
    app = open_page(CONCEPT, part="leak", data="mnist", network="pixelcnn", output=400)
    assert component(app, "pixel")["pixel"] == 400
    found = ar.leak_test("pixelcnn", size=(28, 28), layers=3, output=400)
    blind = ar.blind_spot(3, 3, pixel=divmod(400, 28), size=(28, 28))
    assert f"blind spot of {int(blind.sum())} pixels" in app.success[0].value
    assert found.sees[400].sum() == ar.receptive_field(3, 3, pixel=divmod(400, 28), size=(28, 28)).sum()
    assert [row["output"] for row in ar.dependency_rows(found)] == [400]
    leaks = open_page(CONCEPT, part="leak", data="mnist", network="made_leak", output=400, broken=True)
    assert "sees its own pixel" in leaks.error[0].value


def test_training_from_the_page_takes_a_few_of_the_pictures(here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("fvsbn", "pixelcnn"):
        recipe = replace(watched.SHORT_RECIPES[kind], epochs=2, batch_size=9)
        monkeypatch.setitem(watched.SHORT_RECIPES, kind, recipe)
        monkeypatch.setitem(watched.SHORT_NUM_TRAIN, kind, 40)
        job = Job()
        job.result = training.train(job, replace(MNIST, learner=kind), said)
        job.done.set()
        assert job.result.size == (28, 28)
        assert job.result.num_train == 40
        assert job.result.samples.pictures.shape == (16, 784)
        first, last = job.result.reports
        assert last.train_nats < first.train_nats
    app = open_page(CONCEPT, part="train", data="mnist", learner="pixelcnn")
    app.session_state["jobs"] = {"autoregressive_training_mnist": job}
    app.run()
    assert not app.exception
    (ended,) = [text.value for text in app.markdown if "unseen digits after" in text.value]
    assert "learned from 40 of 60,000 digits; `python -m vizcore.training pixelcnn --data mnist`" in ended


def test_both_binarisations_of_large_digits(here: None) -> None:
    assert mnist_available()
    app = finished(open_page(CONCEPT, part="data", data="mnist", model="fvsbn"), "judged")
    both = ar.evaluate_both("fvsbn", data="mnist")
    shown = [float(text.split(" ± ")[0]) for text in app.dataframe[0].value.iloc[:, 1]]
    assert shown == pytest.approx([both["fixed"].nats, both["dynamic"].nats], abs=0.01)
    assert both["fixed"].num_pictures == 20


def test_the_switch_leaves_nothing_of_the_other_digits(here: None) -> None:
    given = ar.flipped(ar.draw_picture("nade", seed=4).trace, 9)
    app = open_page(CONCEPT, part="leak", given=given, picture="01" * 32, step=64, output=60)
    app.selectbox(key="autoregressive_data").set_value("mnist").run()
    assert (link(app)["data"], link(app)["given"], link(app)["picture"]) == ("mnist", "", "")
    assert component(app, "pixel")["pixel"] == 60
    app = open_page(CONCEPT, part="leak", data="mnist", output=700, step=500, picture="0" * 784)
    assert link(app)["output"] == "700"
    app.selectbox(key="autoregressive_data").set_value("digits").run()
    assert not app.exception
    assert (link(app)["output"], link(app)["step"], link(app)["picture"]) == ("35", "0", "")
    assert component(app, "pixel")["pixel"] == 35
    assert source.stamp(MNIST, "pixelcnn") > 0 == source.stamp(MNIST, "nade")
