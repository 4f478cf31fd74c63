"""The detection page in Chromium: from the path to boxes, thresholds, a shared link, Chinese, files good and bad."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, WebSocket, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.benchmarks.load import Session
from tests.browser.conftest import ROOT, settled, start_server, stop_server
from tests.browser.controls import rest
from tests.chromium import run_coroutine
from vizcore import detection
from vizcore.data.photos import load_sample

FOUND = re.compile(r"Found (\d+)")


def caption(page: Page, words: str | re.Pattern[str]):
    return page.locator("[data-testid=stCaptionContainer]").filter(has_text=words)


def found(page: Page) -> int:
    """How many boxes the page says it found."""
    words = caption(page, FOUND).first
    expect(words).to_be_visible(timeout=90_000)
    return int(FOUND.search(words.inner_text())[1])


def opened(page: Page, url: str) -> None:
    page.goto(url)
    settled(page)
    ready = page.get_by_role("button", name=re.compile("Step through this NMS|逐步看这次 NMS"))
    expect(ready).to_be_visible(timeout=120_000)
    settled(page)


def test_back_after_a_slider_stays_on_the_page(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/detection?tour=0&detector=mtcnn&photo=astronaut&score_threshold=0.8")
    assert found(page) == 1
    slider = page.get_by_role("slider", name="Score threshold")
    slider.focus()
    slider.press("End")
    expect(caption(page, "No box is above the score threshold")).to_be_visible()
    page.wait_for_url(re.compile(r"score_threshold=1\b"))
    settled(page)
    page.go_back()
    page.wait_for_url(re.compile(r"/detection\?.*score_threshold=0\.8\b"))
    expect(page.get_by_role("heading", name="Detection")).to_be_visible()
    rest(page)  # while it is drawn anew, what it was stands there too
    expect(slider).to_have_value("0.8")  # what the link says, the control shows and the page computes with
    expect(caption(page, FOUND)).to_be_visible()
    page.go_forward()
    page.wait_for_url(re.compile(r"score_threshold=1\b"))
    rest(page)
    expect(slider).to_have_value("1")
    expect(caption(page, "No box is above the score threshold")).to_be_visible()


def test_from_the_path_to_a_shared_link_in_chinese(
    page: Page, new_context: Callable[..., BrowserContext], app_url: str
) -> None:
    page.goto(app_url)
    settled(page)
    page.locator("[data-testid=stMain] [data-testid=stPageLink] a[href*=detection]").first.click()
    expect(page.get_by_role("heading", name="Detection")).to_be_visible()
    expect(page.locator(".st-key-lesson_words h4")).to_be_visible()  # the first visit is a lesson
    settled(page)
    page.get_by_role("button", name="Laboratory").click()
    assert found(page) == 2
    expect(caption(page, "Egyptian cat 0.85, Egyptian cat 0.64")).to_be_visible(timeout=90_000)
    settled(page)

    # A threshold moved by keys acts without another forward pass.
    slider = page.get_by_role("slider", name="Score threshold")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowRight")
    expect(caption(page, re.compile(r"Found 1: Egyptian cat 0\.85\."))).to_be_visible()
    expect(page.get_by_text("Challenges: 1 of 5 solved")).to_be_visible()
    page.wait_for_url(re.compile(r"score_threshold=0\.7\b"))
    address = page.url

    reader = new_context().new_page()
    opened(reader, address)
    expect(caption(reader, re.compile(r"Found 1: Egyptian cat 0\.85\."))).to_be_visible()

    reader.get_by_text("中文", exact=True).click()
    expect(caption(reader, "找到 1 个：埃及猫 0.85。")).to_be_visible(timeout=60_000)
    expect(reader.get_by_role("heading", name="目标检测")).to_be_visible()
    reader.wait_for_url(re.compile("lang=zh"))
    assert "score_threshold=0.7" in reader.url


def test_a_box_tells_where_it_came_from(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/detection?photo=chelsea")
    stage = page.get_by_role("listbox").first
    expect(stage).to_have_attribute("aria-label", re.compile("Found 2"))
    expect(page.get_by_role("heading", name="Egyptian cat · 0.846")).to_be_visible()
    # The other box, by keys: through the boxes to the last, and Enter.
    stage.focus()
    stage.press("Home")
    for _ in range(4):
        words = page.locator("[role=option]").first.get_attribute("aria-label") or ""
        if "0.64" in words:
            break
        stage.press("ArrowRight")
    assert "window of" in words
    assert "suppressed" in words
    stage.press("Enter")
    expect(page.get_by_role("heading", name=re.compile(r"Egyptian cat · 0\.64"))).to_be_visible()
    page.wait_for_url(re.compile(r"candidate=\d+"))


def test_a_threshold_runs_what_it_changes_and_nothing_else(page: Page, app_url: str) -> None:
    sent: list[BackMsg] = []
    received: list[ForwardMsg] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda data: sent.append(BackMsg.FromString(data)))
        socket.on("framereceived", lambda data: received.append(ForwardMsg.FromString(data)))

    page.on("websocket", listen)
    opened(page, f"{app_url}/detection?tour=0")
    page.wait_for_url(re.compile("score_threshold=0.6&"))
    stage = page.get_by_role("listbox").element_handle()
    sent.clear()
    received.clear()
    slider = page.get_by_role("slider", name="Score threshold")
    slider.press("ArrowRight")
    page.wait_for_url(re.compile("score_threshold=0.61&"))
    settled(page)
    assert len(sent) == 1
    asked = sent[0].rerun_script
    assert asked.fragment_id
    kinds = [message.WhichOneof("type") for message in received]
    assert kinds[-2:] == ["script_finished", "session_status_changed"]
    assert len(kinds) <= 24  # the whole page takes 84
    assert sum(message.ByteSize() for message in received) < 40_000
    elements = [
        message.delta.new_element.WhichOneof("type") for message in received if message.WhichOneof("type") == "delta"
    ]
    assert "heading" not in elements
    assert "selectbox" not in elements
    assert elements.count("slider") == 2

    # The load driver sends what the browser sends.
    driver = Session(app_url)

    async def move() -> None:
        await driver.open()
        await driver.move(0.61)
        await driver.close()

    run_coroutine(move())
    like = driver.message(driver.fragments[driver.control]).rerun_script
    assert like.fragment_id == asked.fragment_id
    assert like.page_script_hash == asked.page_script_hash

    def states(message) -> dict[str, bytes]:
        return {
            state.id.split("-", 2)[2]: state.SerializeToString().replace(state.id.encode(), b"")
            for state in message.widget_states.widgets
        }

    assert states(like) == states(asked)
    assert like.query_string == page.url.partition("?")[2]
    assert {name for name, _ in like.context_info.ListFields()} == {name for name, _ in asked.context_info.ListFields()}
    # It stops listening at script_finished, and begins with the status that came after the run before.
    assert driver.received[1] == len(received)

    # Faster than it can answer: nothing is taken out of the page, and the last word counts.
    for _ in range(12):
        slider.press("ArrowRight")
    page.wait_for_url(re.compile("score_threshold=0.73&"))
    settled(page)
    assert stage.evaluate("element => element.isConnected")
    expect(page.get_by_text("score_threshold=0.73, iou_threshold=0.3")).to_be_attached()


def test_a_hint_goes_when_the_thresholds_move_on(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/detection?photo=chelsea")
    page.get_by_role("button", name="Check my answer").first.click()
    hint = page.get_by_text("There are 2 boxes now.")
    expect(hint).to_be_visible()
    settled(page)
    slider = page.get_by_role("slider", name="IoU threshold of the NMS")
    slider.press("ArrowLeft")
    expect(hint).to_have_count(0)
    page.wait_for_url(re.compile("iou_threshold=0.29&"))
    settled(page)
    for _ in range(8):
        page.get_by_role("slider", name="Score threshold").press("ArrowRight")
    expect(page.get_by_text("Challenges: 1 of 5 solved")).to_be_visible()
    page.wait_for_url(re.compile("solved=one_cat"))


def test_two_detectors_and_files_to_take_away(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/detection?photo=coffee&beside=sliding_windows_unfused")
    expect(page.get_by_role("listbox")).to_have_count(2)
    expect(caption(page, FOUND)).to_have_count(2)
    # What is pointed at in one picture is pointed at in the other.
    here, there = page.get_by_role("listbox").all()
    here.focus()
    here.press("Home")
    expect(there.locator("g.box.hovered[data-id^=c]")).to_have_count(1)
    here.blur()
    expect(there.locator("g.box.hovered")).to_have_count(0)
    page.get_by_text("Take it away").click()
    with page.expect_download() as picture:
        page.get_by_role("button", name="Photo with boxes (PNG)").click()
    drawn = np.asarray(Image.open(picture.value.path()))
    photo = load_sample("coffee").pixels
    assert drawn.shape == photo.shape
    assert 0.005 < (drawn != photo).any(2).mean() < 0.2
    with page.expect_download() as coco:
        page.get_by_role("button", name="Boxes as a COCO file (JSON)").click()
    exported = json.loads(Path(coco.value.path()).read_text())
    assert [category["name"] for category in exported["categories"]] == ["espresso"]
    assert len(exported["annotations"]) == 1


def encoded(image: Image.Image, file_format: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format)
    return buffer.getvalue()


def test_own_photos_good_and_bad(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/detection?tour=0&photo=coffee")
    page.get_by_role("button", name="Own photo").click()
    chooser = page.locator("input[type=file]")
    good = encoded(Image.fromarray(load_sample("chelsea").pixels), "PNG")
    chooser.set_input_files({"name": "my cat.png", "mimeType": "image/png", "buffer": good})
    expect(caption(page, "Egyptian cat 0.85")).to_be_visible(timeout=90_000)
    settled(page)

    sheet = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100
    frames = [Image.new("L", (2, 2), color % 256) for color in range(1200)]
    bomb = io.BytesIO()
    frames[0].save(bomb, "GIF", save_all=True, append_images=frames[1:])
    bad = {
        "cut.png": good[: len(good) // 2],
        "renamed.png": b"%PDF-1.4 nothing to see",
        "broken.png": sheet,
        "huge.png": encoded(Image.new("1", (9000, 9000)), "PNG"),
        "bomb.gif": bomb.getvalue(),
    }
    for name, content in bad.items():
        page.keyboard.press("Escape")
        expect(page.locator("input[type=file]")).to_have_count(0)
        settled(page)
        page.get_by_role("button", name="Own photo").click()
        page.locator("input[type=file]").set_input_files(
            {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        )
        alert = page.get_by_test_id("stAlert")
        expect(alert).to_be_visible(timeout=60_000)
        settled(page)
        assert "Traceback" not in alert.inner_text()
        # The page keeps what it had.
        expect(caption(page, "Egyptian cat 0.85")).to_be_visible()


def test_without_a_network_the_offline_detector_stays(
    new_context: Callable[..., BrowserContext], tmp_path: Path
) -> None:
    # A proxy on a closed port is what a machine without a network looks like from inside.
    nowhere = "http://127.0.0.1:9"
    process, url = start_server(
        ROOT / "app.py",
        environment={"GRAD2BOX_WEIGHTS": str(tmp_path), "https_proxy": nowhere, "HTTPS_PROXY": nowhere},
    )
    try:
        page = new_context().new_page()
        opened(page, f"{url}/detection?photo=coffee&detector=ssdlite320_mobilenet_v3_large")
        expect(caption(page, "espresso 1.00")).to_be_visible(timeout=90_000)
        expect(page.get_by_text("Its weights are not on this computer")).to_be_visible()
        page.get_by_role("button", name="Download", exact=True).click()
        alert = page.get_by_test_id("stAlert")
        expect(alert).to_be_visible(timeout=60_000)
        assert "download.pytorch.org" in alert.inner_text()
        expect(caption(page, "espresso 1.00")).to_be_visible()
    finally:
        stop_server(process)


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_window(new_context: Callable[..., BrowserContext], app_url: str, width: int) -> None:
    page = new_context(width=width, height=844, touch=width < 500).new_page()
    opened(page, f"{app_url}/detection?show_suppressed=1&show_truth=1&lang=zh")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def drawn(page: Page) -> int:
    """How many final boxes stand on the photo."""
    return page.locator(".stage .boxes > g.box[data-id^=c]").count()


def test_boxes_follow_a_threshold_under_the_hand_and_the_server_hears_of_the_release(page: Page, app_url: str) -> None:
    sent: list[bytes] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(data)))
    opened(page, f"{app_url}/detection?tour=0&photo=chelsea&show_truth=1")
    page.wait_for_url(re.compile("score_threshold=0.6&"))
    cat = detection.run_detector(
        "sliding_windows", load_sample("chelsea").pixels, score_threshold=0.6, iou_threshold=0.3
    )
    expect(page.locator(".stage .boxes > g.box[data-id^=c]")).to_have_count(2)
    slider = page.get_by_role("slider", name="Score threshold")
    thumb = slider.locator("xpath=..").bounding_box()
    assert thumb is not None
    rest(page)
    sent.clear()
    x, y = thumb["x"] + thumb["width"] / 2, thumb["y"] + thumb["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    seen: dict[float, int] = {}
    for step in range(1, 9):
        page.mouse.move(x - 12 * step, y)
        value = float(slider.input_value())
        page.wait_for_function(
            "([at]) => [...document.querySelectorAll('*')].some((e) => e.shadowRoot?.querySelector('.tally')"
            "?.dataset.at === at)",
            arg=[f"{value:g},0.3"],
        )
        seen[value] = drawn(page)
    assert not sent  # the hand has not let go
    assert len(seen) > 3
    assert seen == {value: len(detection.refilter(cat, score_threshold=value, iou_threshold=0.3)) for value in seen}
    assert len(set(seen.values())) > 2
    expect(page.locator(".stage .boxes > g.box[data-id^=t]")).to_have_count(1)
    page.mouse.up()
    value, count = seen.popitem()
    page.wait_for_url(re.compile(f"score_threshold={value:g}&"))
    expect(caption(page, re.compile(rf"Found {count}:"))).to_be_visible()
    expect(page.locator(".tally").first).to_be_empty()
    assert drawn(page) == count
    assert len(sent) == 1


def truth_boxes(page: Page):
    """The true boxes on the photo."""
    return page.locator(".truth .boxes > g.box")


def test_boxes_are_drawn_named_moved_and_deleted_and_the_table_leads_back_to_them(
    new_context: Callable[..., BrowserContext], app_url: str
) -> None:
    page = new_context().new_page()
    page.goto(f"{app_url}/detection?tour=0&part=truth&photo=astronaut&judged=mtcnn.haar_face&match_threshold=0.6")
    expect(truth_boxes(page)).to_have_count(1, timeout=120_000)
    rest(page)
    found = page.get_by_role("button", name=re.compile("^MTCNN.* finds the face with an IoU of 0.76"))
    expect(found).to_be_visible()

    # drawn with the mouse on empty ground
    frame = page.locator(".truth .frame")
    frame.scroll_into_view_if_needed()
    seen = frame.bounding_box()
    assert seen is not None

    def at(x: float, y: float) -> tuple[float, float]:
        return seen["x"] + x * seen["width"], seen["y"] + y * seen["height"]

    page.mouse.move(*at(0.75, 0.1))
    page.mouse.down()
    page.mouse.move(*at(0.8, 0.2))
    page.mouse.move(*at(0.9, 0.3))
    page.mouse.up()
    expect(truth_boxes(page)).to_have_count(2)
    expect(page.get_by_role("button", name="2 · object")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^MTCNN.* misses object"))).to_have_text("missed")
    page.wait_for_url(re.compile(r"truths=176,72,272,182_\d+,\d+,\d+,\d+&"))
    rest(page)

    # named; then moved by keys, told when the keys rest
    field = page.locator(".truth input")
    expect(field).to_have_value("object")
    field.fill("the patch")
    field.press("Enter")
    expect(page.get_by_role("button", name="2 · the patch")).to_be_visible()
    rest(page)
    before = re.search(r"_(\d+),", page.url)
    assert before is not None
    truth_boxes(page).nth(1).focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.wait_for_url(re.compile(f"_{int(before[1]) - 10},"))
    rest(page)

    # the table leads to the boxes of the detector that is pressed
    hits = page.locator('.truth [data-layer="detector"] .hit')
    expect(hits).to_have_count(1)
    first = float(hits.get_attribute("height") or 0)
    page.get_by_role("button", name=re.compile("^Viola–Jones.* finds the face")).click()
    page.wait_for_url(re.compile("looked_at=haar_face"))
    expect(hits).not_to_have_attribute("height", f"{first:g}")
    expect(hits).to_have_class(re.compile("strong"))
    expect(page.locator('.truth .box[data-id="1"]')).to_have_attribute("data-state", "missed")
    rest(page)

    truth_boxes(page).nth(1).focus()
    page.keyboard.press("Delete")
    expect(truth_boxes(page)).to_have_count(1)
    page.wait_for_url(re.compile(r"truths=176,72,272,182&truth_names=the\+face&drawn_on=sample.astronaut"))


def test_a_finger_draws_once_it_is_told_to(new_context: Callable[..., BrowserContext], app_url: str) -> None:
    page = new_context(width=390, height=844, touch=True).new_page()
    page.goto(f"{app_url}/detection?tour=0&part=truth&photo=rocket&judged=mtcnn&lang=zh")
    expect(page.locator(".truth .frame")).to_be_visible(timeout=120_000)
    rest(page)
    page.get_by_role("button", name="画一个框").tap()
    expect(page.locator(".truth .frame")).to_have_class(re.compile("drawing"))
    page.locator(".truth .frame").scroll_into_view_if_needed()
    seen = page.locator(".truth .frame").bounding_box()
    assert seen is not None
    touch = page.context.new_cdp_session(page)
    for kind, share in (("touchStart", 0.2), ("touchMove", 0.4), ("touchMove", 0.6), ("touchEnd", None)):
        places = (
            [] if share is None else [{"x": seen["x"] + share * seen["width"], "y": seen["y"] + share * seen["height"]}]
        )
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
    expect(truth_boxes(page)).to_have_count(1)
    page.wait_for_url(re.compile(r"truths=128,85,384,2\d\d&"))
    expect(page.locator(".truth .frame")).not_to_have_class(re.compile("drawing"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
