"""The CenterNet page: what its parts compute, what a link may bring, and its challenges."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from pages.centernet import challenges, network, state, tour
from pages.centernet.challenges import Outcome
from pages.centernet.state import View
from pages.kit.language import ASSETS, translator
from pages.kit.link import Parameter
from tests.pages.opening import open_page
from tests.pages.pieces import component, link
from vizcore import centernet
from vizcore.models.centernet import STRIDE

say = translator("centernet")
VIEW = View(
    part="splat",
    boxes=((20.0, 20.0, 60.0, 60.0),),
    labels="A",
    min_overlap=0.7,
    formula="exact",
    show_worst=True,
    start="constant",
    probability=0.1,
    brush=0.9,
    painted=(),
    quantity="loss",
    cell=(12, 8),
    scene=7,
    k=100,
    kernel=3,
    use_offsets=True,
    score_threshold=0.3,
    step=0,
)


def seen(**changed: object) -> Outcome:
    return challenges.observe(dataclasses.replace(VIEW, **changed), None)


def test_every_setting_is_in_the_link_whatever_part_is_open() -> None:
    declared = {value.name for value in vars(state).values() if isinstance(value, Parameter)}
    assert declared == set(link(open_page("centernet", view="loss"))) - {"lang", "v", "solved", "tour"}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("part", ["splat", "loss"])
def test_a_part_opens_in_both_languages_at_the_ends_of_its_sliders(part: str, lang: str) -> None:
    for overlap in (0.1, 0.95):
        app = open_page("centernet", view=part, min_overlap=overlap, probability=0, brush=1, lang=lang)
        assert not app.warning
        assert component(app, "text", "presenter")


def test_what_a_link_brings_and_cannot_be_used_is_mended_or_told() -> None:
    inverted = open_page("centernet", boxes="60,60,20,20", labels="A")
    assert any("inverted" in warning.value for warning in inverted.warning)
    assert link(inverted)["boxes"] == "20,20,60,60"
    off = open_page("centernet", boxes="900,900,950,950", labels="A", k=201)
    told = [warning.value for warning in off.warning]
    assert [sum(words in each for each in told) for words in ("outside the canvas", "value for “k”")] == [1, 1]
    assert (link(off)["boxes"], link(off)["k"]) == ("334,206,384,256", "100")
    classes = open_page("centernet", boxes="20,20,60,60_80,80,120,120", labels="X")
    assert link(classes)["labels"] == "AA"
    flat = open_page("centernet", boxes="20,20,20,60", labels="A", broken=True)
    assert [error.value for error in flat.error] == ["Box 0 has no width or no height, so it has no Gaussian."]
    assert link(flat)["boxes"] == "20,20,20,60"  # the page still closes
    cell = open_page("centernet", view="loss", cell="99,99", painted="3,3,0.5_99,99,0.5")
    assert link(cell)["cell"] == "12,8"
    assert component(cell, "painted")["painted"] == [[3.0, 3.0, 0.5]]


def test_the_myth_says_what_torch_finds() -> None:
    app = open_page("centernet")
    said = " ".join(element.value for element in app.markdown)
    # 32 × 32 cells: 8.746 against 2.614 cells, and the worst boxes (32 − 2 r)² / 32².
    assert "r = 8.75" in said
    assert "IoU 0.21" in said
    assert "r = 2.61" in said
    assert "3.35 to 3.92 times" in said


def test_lose_one() -> None:
    # Centres (10.0, 10.0) and (10.75, 10.25) in cells: one cell; a pixel farther and they are two.
    together = ((20.0, 20.0, 60.0, 60.0), (23.0, 21.0, 63.0, 61.0))
    apart = ((20.0, 20.0, 60.0, 60.0), (24.0, 21.0, 64.0, 61.0))
    assert challenges.lose_one(seen(boxes=together, labels="AA"), say) is None
    assert "cell of its own" in str(challenges.lose_one(seen(boxes=apart, labels="AA"), say))
    assert "cell of its own" in str(challenges.lose_one(seen(boxes=together, labels="AB"), say))
    assert "Objects to heatmap" in str(challenges.lose_one(seen(part="loss"), say))


def test_plateau() -> None:
    neighbours = ((20.0, 20.0, 60.0, 60.0), (24.0, 20.0, 64.0, 60.0))
    assert challenges.plateau(seen(boxes=neighbours, labels="AA"), say) is None
    assert "touch" in str(challenges.plateau(seen(boxes=neighbours, labels="AB"), say))
    assert "touch" in str(challenges.plateau(seen(boxes=(neighbours[0], neighbours[0]), labels="AA"), say))


def test_a_mistake_that_costs_nothing() -> None:
    def hint(*painted: tuple[float, ...]) -> str:
        return str(challenges.cheap_mistake(seen(part="loss", min_overlap=0.1, painted=painted), say))

    near, far = (13.0, 8.0, 0.9), (22.0, 3.0, 0.95)
    assert "paint" in hint()
    assert "paint" in hint((12.0, 8.0, 0.99))  # the centre itself is no mistake
    assert "None of them" in hint(near)
    assert "beside the peak" in hint(far)
    assert hint(near, far) == "None"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("part", ["decode", "turn", "measured"])
def test_parts_of_the_trained_detector_open(part: str, lang: str) -> None:
    app = open_page("centernet", view=part, lang=lang)
    assert not app.warning


def test_flood() -> None:
    def found(**changed: object) -> Outcome:
        view = dataclasses.replace(VIEW, part="decode", **changed)
        return challenges.observe(view, network.decode(view))

    assert challenges.flood(found(kernel=1), say) is None
    assert "with 3 × 3" in str(challenges.flood(found(), say))


def test_the_steps_are_those_of_torch() -> None:
    app = open_page("centernet", view="decode", scene=7)
    piece = component(app, "classes", "shown")
    view = dataclasses.replace(VIEW, part="decode")
    decoded = network.decode(view)
    assert piece["shown"] == decoded.shown == int((decoded.trace.scores >= 0.3).sum())
    assert piece["stepper"]["numSteps"] == 3 + decoded.shown
    scene = decoded.scene
    # The classes whose angle is told, and nothing of the others.
    told = [int(label) for label in scene.labels if network.SYMMETRY_OF[label]]
    assert len(decoded.matches) == len(told)


def test_the_table_is_the_card() -> None:
    card = network.card()
    assert card is not None
    app = open_page("centernet", view="measured")
    shown = app.dataframe[0].value
    assert shown.iloc[0]["AP"] == pytest.approx(card["quality"]["ap"], abs=5e-4)
    assert len(shown) == len(card["ablation"]) + 1
    times = shown["processor time (FCOS = 1)"].tolist()
    assert [time for time in times if time != "–"] == [str(card["times_fcos"]), "1.0"]
    assert set(times[1:-1]) == {"–"}  # one network, measured once: a gap never reads “None”


def test_without_the_trained_detector_nothing_false_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "is_shipped", lambda: False)
    monkeypatch.setattr(network, "is_measured", lambda: False)
    app = open_page("centernet", view="decode")
    assert link(app)["view"] == "splat"
    (choice,) = (radio for radio in app.radio if radio.key == "centernet_view")
    assert choice.options == ["Objects to heatmap", "The loss"]
    assert not any("flood" in json.dumps(element.value) for element in app.markdown)


def test_a_dragged_stage_and_torch_draw_one_map() -> None:
    view = dataclasses.replace(VIEW, boxes=((25.0, 42.0, 153.0, 169.0),), labels="A")
    found = challenges.observe(view, None).splat
    assert found is not None
    assert found.cells.tolist() == [[22, 26]]
    np.testing.assert_allclose(found.offsets, [[0.25, 0.375]])
    assert found.heatmap[0, 26, 22] == 1
    assert found.radii["exact"][0] == pytest.approx(centernet.gaussian_radius(31.75, 32))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_radii_that_the_lesson_names_are_those_of_its_box(language: str) -> None:
    words = (ASSETS / "lessons" / language / "centernet.md").read_text(encoding="utf-8")
    (x1, y1, x2, y2) = tour.SQUARE[0]
    for formula in ("exact", "released"):
        radius = centernet.gaussian_radius((y2 - y1) / STRIDE, (x2 - x1) / STRIDE, min_overlap=0.7, formula=formula)
        assert f"{radius:.2f}" in words
