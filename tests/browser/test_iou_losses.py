"""The IoU playground in Chromium: by mouse, touch and keys, in silence, with torch's numbers on the screen."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import TWO_FRAMES, Traffic, idle, settled
from tests.scripts import run_script
from vizcore.iou_losses import KINDS, compare_losses

HEIGHT, WIDTH = 240, 320
ALL = ".".join(KINDS)
ROOT = """const root = [...document.querySelectorAll("*")].map((element) => element.shadowRoot)
    .find((found) => found?.querySelector(".iou-losses"));"""
READ = f"""() => {{
    {ROOT}
    const values = (card, css) => [...card.querySelectorAll(css)].map((output) => output.dataset.value);
    const boxes = Object.fromEntries([...root.querySelectorAll(".stage .boxes > .box")].map((box) => {{
        const body = box.querySelector(".body");
        const [x, y, w, h] = ["x", "y", "width", "height"].map((name) => Number(body.getAttribute(name)));
        return [box.dataset.id, [x, y, x + w, y + h]];
    }}));
    const cards = [...root.querySelectorAll(".losses > li")];
    const losses = Object.fromEntries(
        cards.map((card) => [card.dataset.kind, values(card, ".value, .gradient output")]));
    const parts = Object.fromEntries(
        [...root.querySelectorAll("dd[data-part]")].map((part) => [part.dataset.part, part.dataset.value]));
    return {{ boxes, losses, parts }};
}}"""
ARROWS = f"() => {{ {ROOT} return [...root.querySelectorAll('path.arrow')].map((path) => path.getAttribute('d')); }}"


@pytest.fixture
def open_playground(app_url, page):
    def go(query: str = "", on: Page | None = None) -> Page:
        shown = on or page
        shown.goto(f"{app_url}/iou_losses?lang=en&tour=0&{query}")
        settled(shown)
        shown.wait_for_selector(".iou-losses[data-ready]", timeout=90_000)
        idle(shown)
        return shown

    return go


def place(page: Page, x: float, y: float) -> tuple[float, float]:
    """Picture coordinates on the screen."""
    world = page.locator(".iou-losses svg.world").bounding_box()
    assert world is not None
    return world["x"] + x * world["width"] / WIDTH, world["y"] + y * world["height"] / HEIGHT


def same_as_torch(page: Page) -> dict:
    """Compares every number on the screen with torch, and returns what was read."""
    seen = page.evaluate(READ)
    kinds = list(seen["losses"])
    comparison = compare_losses(kinds, seen["boxes"]["prediction"], seen["boxes"]["target"])
    for kind in kinds:
        loss, gradient = comparison.of(kind)
        numbers = [float(text.replace("Infinity", "inf")) for text in seen["losses"][kind]]
        np.testing.assert_allclose(numbers, [loss, *gradient], rtol=1e-6, atol=1e-6, err_msg=f"{kind} {seen['boxes']}")
    for name, text in seen["parts"].items():
        assert float(text) == pytest.approx(comparison.parts[name], abs=1e-6), name
    return seen


def test_fifty_placements_in_one_silent_drag_show_torchs_numbers(open_playground, page) -> None:
    traffic = Traffic()
    traffic.watch(page)
    open_playground(f"kinds={ALL}")
    assert len(page.evaluate(READ)["losses"]) == len(KINDS)
    sent = len(traffic.sent)
    at_random = random.Random(0)
    # Half of them moves of the body, half of them moves of a corner, which makes every shape.
    for start in ((115, 70), None):
        left, top = page.evaluate(READ)["boxes"]["prediction"][:2]
        # A little inside the corner, for the corner may stand on the stage's very edge.
        page.mouse.move(*place(page, *(start or (left + 2, top + 2))))
        page.mouse.down()
        seen = set()
        for _ in range(25):
            page.mouse.move(*place(page, at_random.uniform(0, WIDTH), at_random.uniform(0, HEIGHT)))
            page.evaluate(TWO_FRAMES)
            seen.add(tuple(same_as_torch(page)["boxes"]["prediction"]))
        assert len(seen) > 15
        assert len(traffic.sent) == sent
        page.mouse.up()
        idle(page)
        sent = len(traffic.sent)
    assert page.locator("[data-uid=iou_losses_stage]").get_attribute("data-homes") == "1"


def test_a_release_reaches_link_chart_and_script(open_playground, page) -> None:
    open_playground("kinds=iou.giou")
    page.mouse.move(*place(page, 115, 80))
    page.mouse.down()
    page.mouse.move(*place(page, 75, 60), steps=5)
    page.mouse.up()
    page.wait_for_function("() => location.search.includes('boxes=20,30,130,110')")
    idle(page)
    again = page.context.new_page()
    seen = same_as_torch(open_playground(page.url.split("?", 1)[1].replace("lang=en&", ""), on=again))
    assert seen["boxes"]["prediction"] == [20, 30, 130, 110]
    again.get_by_text("Reproduce in PyTorch").click()
    script = again.locator("code", has_text="import torch").inner_text()
    printed = {
        words[0]: [float(word) for word in words[1:]] for words in map(str.split, run_script(script).splitlines())
    }
    for kind, numbers in seen["losses"].items():
        np.testing.assert_allclose(printed[kind], [float(number) for number in numbers], rtol=1e-6, atol=1e-9)


def test_keys_move_the_box_and_its_numbers(open_playground, page) -> None:
    open_playground()
    box = page.locator(".iou-losses .box[data-id=prediction]")
    box.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.evaluate(TWO_FRAMES)
    assert same_as_torch(page)["boxes"]["prediction"] == [61, 60, 171, 140]
    # The screen reader hears the result once the keys rest.
    expect(page.locator(".iou-losses [role=status]").first).to_contain_text(re.compile(r"GIoU 1\.\d+|GIoU 0\.\d+"))


def test_a_finger_moves_the_box(open_playground, new_context) -> None:
    page = open_playground(on=new_context(width=390, height=844, touch=True).new_page())
    page.locator(".iou-losses svg.world").scroll_into_view_if_needed()
    cdp = page.context.new_cdp_session(page)
    # Well away from the target's corner, which a finger would take first.
    (x, y), (end_x, end_y) = place(page, 85, 80), place(page, 125, 120)
    for part in range(9):
        kind = "touchStart" if part == 0 else "touchMove"
        point = {"x": x + (end_x - x) * part / 8, "y": y + (end_y - y) * part / 8}
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    page.evaluate(TWO_FRAMES)
    x1, y1, x2, y2 = same_as_torch(page)["boxes"]["prediction"]
    assert (x2 - x1, y2 - y1) == (110, 80)
    assert abs(x1 - 100) <= 1
    assert abs(y1 - 90) <= 1
    cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_nan_is_shown_and_explained(open_playground, page) -> None:
    open_playground()
    page.get_by_role("button", name="No height").click()
    card = page.locator(".iou-losses li[data-kind=ciou]")
    expect(card.locator(".gradient output").first).to_have_text("NaN")
    expect(card.locator(".why")).to_contain_text("zero height")
    assert float(card.locator(".value").get_attribute("data-value")) < 3
    assert same_as_torch(page)["boxes"]["prediction"] == [60, 120, 180, 120]
    expect(page.locator(".iou-losses li[data-kind=giou] .why")).to_be_hidden()


def test_arrows_point_downhill_and_vanish_with_the_gradient(open_playground, page) -> None:
    open_playground("kinds=iou.giou&show=edges")
    assert all(path.count("M") == 8 for path in page.evaluate(ARROWS))  # four edges, each a shaft and a head
    page.get_by_role("button", name="Disjoint").click()
    page.wait_for_function("() => location.search.includes('30,40,100,100')")
    page.wait_for_function(f"() => ({ARROWS})()[0] === ''")
    giou = page.evaluate(ARROWS)[1]
    # The right edge of the prediction at x = 100 is pulled right, toward the target: its arrow ends beyond 100.
    shafts = re.findall(r"M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)", giou)
    assert any(float(x) == 100 and float(end) > 100 for x, _, end, _ in shafts)


def test_a_click_on_the_landscape_places_the_box(open_playground, page) -> None:
    open_playground("landscape_kind=diou")
    chart = page.locator(".js-plotly-plot .nsewdrag").first
    chart.scroll_into_view_if_needed()
    area = chart.bounding_box()
    assert area is not None
    page.mouse.click(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)
    page.wait_for_function("() => !location.search.includes('boxes=60,50,170,130')")
    idle(page)
    x1, y1, x2, y2 = same_as_torch(page)["boxes"]["prediction"]
    assert (x2 - x1, y2 - y1) == (110, 80)
    assert abs((x1 + x2) / 2 - WIDTH / 2) < 8
    assert abs((y1 + y2) / 2 - HEIGHT / 2) < 8


def test_the_race_moves_one_box_per_loss(open_playground, page) -> None:
    open_playground("view=race&kinds=iou.giou&boxes=30,40,100,100_190,130,280,200")
    runners = page.locator(".iou-losses .runner")
    expect(runners).to_have_count(2)
    expect(runners.first).to_have_attribute("x", "30")
    page.get_by_role("button", name="Last step (End)").click()
    expect(page.locator(".iou-losses .caption")).to_contain_text(
        re.compile(r"Step 200, IoU so far: IoU 0 · GIoU (1|0\.9)")
    )
    expect(runners.first).to_have_attribute("x", "30")  # IoU alone never moves a disjoint box
    assert float(runners.nth(1).get_attribute("x")) > 100
    page.get_by_role("button", name="First step (Home)").click()
    expect(runners.nth(1)).to_have_attribute("x", "30")


@pytest.mark.parametrize(
    ("width", "query", "dark"),
    [(1440, "", False), (1440, "lang=zh&view=race", True), (390, "lang=zh&view=metric", False), (360, "", True)],
)
def test_nothing_overflows_and_axe_finds_nothing_serious(open_playground, new_context, width, query, dark) -> None:
    page = open_playground(query, on=new_context(width=width, dark=dark).new_page())
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page, context="[data-testid=stMain]").response["violations"]
    # st.code is Streamlit's own: its token colors, and a <pre> that Chromium lets the keyboard scroll by itself.
    serious = [
        (rule["id"], node["html"])
        for rule in found
        for node in rule["nodes"]
        if rule["impact"] in ("serious", "critical") and "<pre " not in node["html"] and "token" not in node["html"]
    ]
    assert not serious
