"""The VarifocalNet page in Chromium: curves and positives that follow a hand in silence, with torch's numbers."""

from __future__ import annotations

import pytest
import torch
from playwright.sync_api import Page, expect

from tests.browser.conftest import TWO_FRAMES, Traffic, idle, settled
from vizcore.varifocalnet import LOSSES
from vizcore.varifocalnet.curves import loss_of_score


def open_part(page: Page, app_url: str, piece: str, query: str) -> None:
    page.goto(f"{app_url}/varifocalnet?lang=en&tour=0&{query}")
    settled(page)
    page.wait_for_selector(f".{piece}[data-ready]", timeout=90_000)
    idle(page)


def test_a_drag_along_the_curves_shows_torchs_losses_in_silence(app_url, page) -> None:
    traffic = Traffic()
    traffic.watch(page)
    open_part(page, app_url, "varifocal-losses", "p=0.3&q=0.7")
    plot = page.locator(".varifocal-losses .plot").bounding_box()
    assert plot is not None
    sent = len(traffic.sent)
    page.mouse.move(plot["x"] + 0.4 * plot["width"], plot["y"] + 0.5 * plot["height"])
    page.mouse.down()
    scores = set()
    for share in (0.45, 0.6, 0.8):
        page.mouse.move(plot["x"] + share * plot["width"], plot["y"] + 0.4 * plot["height"])
        page.evaluate(TWO_FRAMES)
        value = float(page.locator(".varifocal-losses .field.p output").inner_text())
        scores.add(value)
        p = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for kind in LOSSES:
            loss = loss_of_score(kind, p, torch.tensor(0.7, dtype=torch.float64), alpha=0.75, gamma=2.0)
            (slope,) = torch.autograd.grad(loss, p)
            row = page.locator(f".varifocal-losses li[data-kind={kind}]")
            assert float(str(row.get_attribute("data-loss"))) == pytest.approx(loss.item(), rel=1e-9)
            assert float(str(row.get_attribute("data-gradient"))) == pytest.approx(slope.item(), rel=1e-9)
    assert len(scores) == 3
    page.mouse.up()
    page.wait_for_function(f"() => location.search.includes('p={value:g}&')")
    assert len(traffic.sent) > sent  # it is told once the hand rests


def test_the_positives_follow_the_hand_and_the_link_follows_its_release(app_url, page) -> None:
    traffic = Traffic()
    traffic.watch(page)
    open_part(page, app_url, "varifocal-boxes", "view=assign&box=32,350,96,414")
    panel = page.locator(".varifocal-boxes .panel")
    expect(panel).to_contain_text("8 positives: 8 of stride 16")
    world = page.locator(".varifocal-boxes svg.world").bounding_box()
    assert world is not None
    scale, sent = world["width"] / 512, len(traffic.sent)
    page.mouse.move(world["x"] + 96 * scale, world["y"] + 414 * scale)  # its lower right corner
    page.mouse.down()
    page.mouse.move(world["x"] + 128 * scale, world["y"] + 446 * scale, steps=4)
    page.evaluate(TWO_FRAMES)
    expect(panel).to_contain_text("11 positives: 6 of stride 16, 5 of stride 32")
    assert len(traffic.sent) == sent
    page.mouse.up()
    page.wait_for_function("() => location.search.includes('box=32,350,128,446')")
