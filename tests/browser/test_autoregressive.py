"""The page of pixel models in Chromium: step, flip, complete, paint by mouse, finger, keys; leaks, masks, training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import settled, start_server, stop_server
from tests.browser.controls import rest
from tests.vizcore.test_binary_digits import NAMES, generated, publish
from tests.weights_server import serve_weights
from vizcore import autoregressive as ar


def open_part(page: Page, url: str, piece: str, query: str = "") -> Locator:
    page.goto(f"{url}/autoregressive?lang=en&tour=0&{query}")
    view = page.locator(f".g2b.{piece}")
    expect(view.locator("canvas").first).to_be_visible(timeout=60_000)
    settled(page)
    return view


def link(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query, keep_blank_values=True).items()}


def middle(canvas: Locator, pixel: int, *, rows: int = 8, cols: int = 8) -> dict[str, float]:
    box = canvas.bounding_box()
    assert box is not None
    row, column = divmod(pixel, cols)
    return {"x": (column + 0.5) * box["width"] / cols, "y": (row + 0.5) * box["height"] / rows}


def test_step_flip_and_share(app_url: str, page: Page, new_context: Callable[..., BrowserContext]) -> None:
    view = open_part(page, app_url, "sampling", "step=63")
    trace = ar.draw_picture("nade", seed=4).trace
    known = ar.write_pixels(trace.picture_at(63).tolist())
    expect(view).to_have_attribute("data-picture", known)
    page.keyboard.press("ArrowRight")
    expect(view).to_have_attribute("data-picture", ar.write_pixels(trace.picture.tolist()))
    canvas = view.locator("canvas")
    canvas.click(position=middle(canvas, 9))
    after = ar.draw_picture("nade", seed=4, given=ar.flipped(trace, 9)).trace
    # It plays from the flipped pixel on; the end is one press away.
    page.wait_for_function("() => new URL(location).searchParams.get('given')?.length > 0")
    page.keyboard.press("End")
    expect(view).to_have_attribute("data-picture", ar.write_pixels(after.picture.tolist()))
    page.wait_for_function("() => new URL(location).searchParams.get('step') === '64'")
    other = new_context().new_page()
    other.goto(page.url.replace("lang=en", "lang=zh"))
    again = other.locator(".sampling")
    expect(again).to_have_attribute("data-picture", ar.write_pixels(after.picture.tolist()))
    expect(again).to_contain_text("图画完了")


def test_complete_the_lower_half(app_url: str, page: Page) -> None:
    view = open_part(page, app_url, "sampling", "step=64")
    picture = view.get_attribute("data-picture")
    page.locator(".st-key-autoregressive_keep_half button").click()
    page.locator(".st-key-autoregressive_completions_chart").wait_for()
    page.locator(".st-key-autoregressive_again button").click()
    page.wait_for_function("() => new URL(location).searchParams.get('seed') === '5'")
    rest(page)
    page.keyboard.press("End")
    given = ar.keep_upper_half(picture, (8, 8))
    expected = ar.draw_picture("nade", seed=5, given=given).trace.picture
    expect(view).to_have_attribute("data-picture", ar.write_pixels(expected.tolist()))
    assert expected[:32].tolist() == [int(mark) for mark in picture[:32]]


def test_paint_by_mouse_and_keys(app_url: str, page: Page) -> None:
    view = open_part(page, app_url, "paint", "part=write&digit=7")
    real, _label = ar.unseen_picture(7)
    canvas = view.locator("canvas").first
    box = canvas.bounding_box()
    row = real[56:]
    start, end = (middle(canvas, pixel) for pixel in (56, 63))
    page.mouse.move(box["x"] + start["x"], box["y"] + start["y"])
    page.mouse.down()
    page.mouse.move(box["x"] + end["x"], box["y"] + end["y"], steps=30)
    page.mouse.up()
    value = "1" if row[0] == "0" else "0"
    painted = real[:56] + value * 8
    expect(view).to_have_attribute("data-heard", painted)
    nats = f"{ar.explain_picture('nade', painted).log_likelihood:.2f}".replace("-", "−")
    expect(view.locator("tr[data-model=nade] .number")).to_have_text(nats)
    canvas.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    turned = painted[:56] + ("0" if value == "1" else "1") + painted[57:]
    expect(view).to_have_attribute("data-heard", turned)
    assert link(page)["tour"] == "0"


def test_paint_by_finger_on_a_phone(app_url: str, new_context: Callable[..., BrowserContext]) -> None:
    page = new_context(width=390, height=844, touch=True, dark=True).new_page()
    view = open_part(page, app_url, "paint", "part=write&digit=7")
    real, _label = ar.unseen_picture(7)
    canvas = view.locator("canvas").first
    canvas.tap(position=middle(canvas, 0))
    expect(view).to_have_attribute("data-heard", ("0" if real[0] == "1" else "1") + real[1:])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_leak_is_red_and_the_masks_light_up(app_url: str, page: Page) -> None:
    view = open_part(page, app_url, "leak", "part=leak&network=made_leak")
    canvas = view.locator("canvas").first
    canvas.click(position=middle(canvas, 20))
    found = ar.leak_test("made_leak", layers=3)
    expect(view).to_have_attribute("data-pixel", "20")
    expect(view).to_have_attribute("data-kinds", kinds(found, 20))
    assert kinds(found, 20)[20] == "x"
    expect(view.locator(".words")).to_contain_text("must not see")
    view = open_part(page, app_url, "masks", "part=compare")
    first, last = ar.made_masks(hidden=48)
    canvas = view.locator(".output canvas")
    for output, pixel in ((50, 3), (3, 50)):
        canvas.hover(position=middle(canvas, output))
        source = view.locator(".input canvas")
        source.hover(position=middle(source, pixel))
        expect(view).to_have_attribute("data-pair", f"{pixel},{output}")
        expect(view).to_have_attribute("data-paths", str(int((first[:, pixel] & last[output]).sum())))


def kinds(found: ar.Dependencies, output: int) -> str:
    """One letter a pixel: seen, missing, a leak (x), later (.)."""
    letters = {(True, True): "s", (True, False): "x", (False, True): "m", (False, False): "."}
    pairs = zip(found.sees[output].tolist(), found.allowed[output].tolist(), strict=True)
    return "".join(letters[pair] for pair in pairs)


@pytest.mark.timeout(300)
def test_train_and_cancel(app_url: str, page: Page) -> None:
    page.goto(f"{app_url}/autoregressive?lang=en&part=train&learner=gated_pixelcnn")
    page.locator(".st-key-autoregressive_train button").click(timeout=60_000)
    page.locator(".st-key-autoregressive_curve_chart").wait_for(timeout=120_000)
    page.locator(".st-key-autoregressive_training_cancel button").click(timeout=120_000)
    expect(page.get_by_text("Canceled: this is the best that was learned until then.")).to_be_visible(timeout=120_000)


@pytest.mark.timeout(300)
def test_mnist_is_fetched_by_the_offer(page: Page, tmp_path: Path) -> None:
    with serve_weights() as server:
        md5s = publish(server, generated())
        files = [(f"{name}.gz", md5) for name, md5 in zip(NAMES, md5s, strict=True)]
        process, url = start_server(
            Path(__file__).parent / "apps" / "mnist_app.py",
            environment={
                "GRAD2BOX_WEIGHTS": str(tmp_path),
                "MNIST_MIRROR": f"{server.url}/mnist/",
                "MNIST_FILES": json.dumps(files),
            },
        )
        try:
            server.stall_after = 1000
            page.goto(f"{url}/autoregressive?lang=en&tour=0&part=data")
            figures = page.locator(".st-key-autoregressive_binarisations_chart")
            figures.wait_for(timeout=60_000)
            page.locator(".st-key-autoregressive_data input").click()
            page.get_by_role("option", name="28×28").click()
            offer = page.locator(".st-key-autoregressive_download_mnist button")
            expect(figures).to_have_count(0)
            offer.click()
            cancel = page.locator(".st-key-autoregressive_mnist_cancel button")
            cancel.click()
            expect(page.get_by_text("Canceling…")).to_be_visible()
            expect(cancel).to_be_disabled()
            server.go_on.set()
            expect(page.get_by_text("The download of MNIST was canceled")).to_be_visible()
            offer.click()
            expect(figures).to_be_visible()  # of 28×28 digits now
            expect(offer).to_have_count(0)
            expect(page.get_by_text("python -m vizcore.training nade --data mnist")).to_be_visible()
            assert link(page)["data"] == "mnist"
        finally:
            stop_server(process)
