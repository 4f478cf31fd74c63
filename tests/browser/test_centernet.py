"""The CenterNet page in Chromium: maps that follow a hand in silence, a painted loss, stepped boxes."""

from __future__ import annotations

import random

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from pages.centernet import network, state
from tests.browser.conftest import TWO_FRAMES, Traffic, idle, settled
from vizcore import centernet
from vizcore.centernet import decode_run, paint_loss, run_centernet
from vizcore.data.scenes import draw_scene

ROOT = """const root = [...document.querySelectorAll("*")].map((element) => element.shadowRoot)
    .find((found) => found?.querySelector(".centernet-splat"));"""
READ = f"""() => {{
    {ROOT}
    const canvas = root.querySelector("canvas.heat");
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const boxes = [...root.querySelectorAll(".stage .boxes > .box .body")].map((body) => {{
        const [x, y, w, h] = ["x", "y", "width", "height"].map((name) => Number(body.getAttribute(name)));
        return [x, y, x + w, y + h];
    }});
    const radii = Object.fromEntries([...root.querySelectorAll(".row")].map((row) =>
        [row.classList[1], [Number(row.dataset.radius), Number(row.dataset.iou)]]));
    const alpha = [...Array(canvas.width * canvas.height).keys()].map((place) => pixels[4 * place + 3]);
    return {{ boxes, radii, alpha }};
}}"""


def open_part(page: Page, app_url: str, piece: str, query: str) -> None:
    page.goto(f"{app_url}/centernet?lang=en&tour=0&{query}")
    settled(page)
    page.wait_for_selector(f".{piece}[data-ready]", timeout=90_000)
    idle(page)


def test_a_drag_shows_torchs_heatmap_radii_and_worst_boxes_in_silence(app_url, page) -> None:
    traffic = Traffic()
    traffic.watch(page)
    open_part(page, app_url, "centernet-splat", "boxes=40,40,168,140_220,60,330,200&labels=AB&min_overlap=0.5")
    world = page.locator(".centernet-splat svg.world").bounding_box()
    assert world is not None
    scale = world["width"] / state.SIZE[1]
    sent, at_random = len(traffic.sent), random.Random(1)
    page.mouse.move(world["x"] + 104 * scale, world["y"] + 120 * scale)
    page.mouse.down()
    places = set()
    for _ in range(6):
        x, y = at_random.uniform(70, 300), at_random.uniform(60, 200)
        page.mouse.move(world["x"] + x * scale, world["y"] + y * scale)
        page.evaluate(TWO_FRAMES)
        seen = page.evaluate(READ)
        places.add(tuple(seen["boxes"][0]))
        trace = centernet.trace_splat(
            [[side / 4 for side in box] for box in seen["boxes"]], [0, 1], state.MAP_SIZE, 2, min_overlap=0.5
        )
        alpha = np.rint(255 * trace.heatmap.max(0) ** 0.7).ravel()
        np.testing.assert_allclose(seen["alpha"], alpha, atol=1)
        for name, (radius, iou) in seen["radii"].items():
            assert radius == pytest.approx(trace.radii[name][0], rel=1e-9)
            assert iou == pytest.approx(trace.worst[name][0].iou, abs=1e-9)
    assert len(places) > 3
    assert len(traffic.sent) == sent
    page.mouse.up()
    page.wait_for_function("() => !location.search.includes('boxes=40,40,168,140')")


def test_a_painted_cell_changes_the_loss_as_torch_says(app_url, page) -> None:
    open_part(page, app_url, "centernet-loss", "view=loss&min_overlap=0.3&probability=0.1&brush=0.9")
    canvas = page.locator(".centernet-loss .prediction canvas")
    box = canvas.bounding_box()
    assert box is not None
    rows, columns = state.LOSS_MAP
    canvas.click(position={"x": 12.5 / columns * box["width"], "y": 8.5 / rows * box["height"]})
    page.wait_for_function("() => location.search.includes('painted=12,8,0.9')")
    wanted = paint_loss([state.LOSS_BOX], state.LOSS_MAP, [(12, 8, 0.9)], probability=0.1, min_overlap=0.3).maps
    piece = page.locator(".centernet-loss")
    assert float(str(piece.get_attribute("data-loss"))) == pytest.approx(wanted.loss, rel=1e-5)
    assert float(str(piece.get_attribute("data-slope"))) == pytest.approx(wanted.gradient[0, 8, 12], rel=1e-5)


def test_a_step_shows_the_box_that_torch_decoded(app_url, page) -> None:
    open_part(page, app_url, "centernet-decode", "view=decode&scene=7&step=3")
    run = run_centernet(network.load_centernet(), draw_scene("validation", 7).pixels)
    trace = decode_run(run)
    piece = page.locator(".centernet-decode")
    shown = [float(word) for word in str(piece.get_attribute("data-box")).split(", ")]
    assert shown == pytest.approx((trace.boxes[0] * 4).tolist(), abs=0.06)
    page.keyboard.press("ArrowRight")
    expect(piece.locator("h3")).to_contain_text("Rank 2")
