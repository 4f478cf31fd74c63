"""The miniatures say what vizcore computed, and are well-formed pictures."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from vizcore import home
from vizcore.figures import home as figures


def words(svg: str) -> list[str]:
    """All text in a picture; a picture that is no XML fails here."""
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


def test_the_little_program_has_the_gradients_of_the_chain_rule() -> None:
    trace = home.gradient_stop()
    # y = (wx - 1)²: dy/dx = 2(wx - 1)w = 2 · 5 · 3, dy/dw = 2(wx - 1)x = 2 · 5 · 2.
    assert {name: float(value) for name, value in trace.grads.items()} == {"x": 30.0, "w": 20.0}
    shown = words(figures.draw_graph(trace))
    assert "∂y/∂x = 30" in shown
    assert "∂y/∂w = 20" in shown


def test_every_operator_is_drawn_pixel_by_pixel() -> None:
    traces = home.layer_stop()
    svg = figures.draw_layers(traces)
    assert len(words(svg)) == len(traces) == 3
    assert svg.count("<rect") == sum(trace.output.size for trace in traces)


def test_the_pyramid_shrinks_and_fits_its_card() -> None:
    stop = home.pyramid_stop()
    widths = [level.shape[1] for level in stop.levels]
    assert widths == sorted(widths, reverse=True)
    images = list(ElementTree.fromstring(figures.draw_pyramid(stop)).iter("image"))
    assert len(images) == len(widths)
    assert max(float(image.get("x", 0)) + float(image.get("width", 0)) for image in images) <= figures.WIDTH


def test_the_box_says_what_torchvision_says() -> None:
    import torch
    from torchvision.ops import box_iou, generalized_box_iou

    stop = home.box_stop()
    box, target = torch.from_numpy(stop.box)[None], torch.from_numpy(stop.target)[None]
    assert stop.iou == pytest.approx(box_iou(box, target).item(), abs=1e-6)
    assert stop.giou == pytest.approx(generalized_box_iou(box, target).item(), abs=1e-6)
    assert f"{stop.iou:.3f}" in words(figures.draw_box(stop))[0]


def test_suppressed_boxes_are_dashed() -> None:
    trace = home.suppression_stop()
    svg = figures.draw_suppression(trace)
    assert svg.count('stroke-dasharray="4 3"') == len(trace.boxes) - len(trace.keep) == 3
    assert len(words(svg)) == len(trace.keep)


def test_the_detector_names_the_espresso() -> None:
    stop = home.detector_stop()
    assert any("espresso" in text for text in words(figures.draw_detector(stop)))
