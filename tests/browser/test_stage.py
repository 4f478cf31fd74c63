"""The stage in Chromium: mouse, touch, keys, undo, reruns under the hand, and what Python hears of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import TWO_FRAMES, Traffic

APP = Path(__file__).parent / "apps" / "stage_app.py"
ROOT = (
    'const root = [...document.querySelectorAll("*")].map((e) => e.shadowRoot).find((r) => r?.querySelector(".stage"));'
)
START = [[10, 20, 70, 70], [130, 20, 190, 70]]
HEIGHT, WIDTH = 240, 320


@pytest.fixture(scope="module")
def url(serve: Callable[[Path], str]) -> str:
    return serve(APP)


def open_stage(page: Page, url: str, query: str = "") -> Traffic:
    traffic = Traffic()
    traffic.watch(page)
    page.goto(f"{url}/?{query}")
    expect(page.locator(".stage .box").first).to_be_attached()
    expect(page.locator(".stage")).to_be_visible()
    expect(page.get_by_role("button", name="Restart")).to_be_visible()
    page.wait_for_function("() => !document.querySelector('[data-testid=stApp][data-test-script-state=running]')")
    return traffic


def place(page: Page, x: float, y: float) -> tuple[float, float]:
    """Picture coordinates on the screen."""
    world = page.locator(".stage svg.world").bounding_box()
    assert world is not None
    return world["x"] + x * world["width"] / WIDTH, world["y"] + y * world["height"] / HEIGHT


def drag(
    page: Page, start: tuple[float, float], end: tuple[float, float], *, steps: int = 6, release: bool = True
) -> None:
    page.mouse.move(*place(page, *start))
    page.mouse.down()
    page.mouse.move(*place(page, *end), steps=steps)
    if release:
        page.mouse.up()


def drawn(page: Page) -> list[list[float]]:
    """The boxes as they are drawn."""
    return page.evaluate(
        f"""() => {{
            {ROOT}
            return [...root.querySelectorAll(".stage .boxes > .box > .body")].map((rect) => {{
                const [x, y, w, h] = ["x", "y", "width", "height"].map((name) => Number(rect.getAttribute(name)));
                return [x, y, x + w, y + h];
            }});
        }}"""
    )


def expect_heard(page: Page, boxes: list[list[float]]) -> None:
    """Waits until Python shows these boxes."""
    expect(
        page.get_by_text("xyxy " + ";".join(",".join(f"{value:g}" for value in box) for box in boxes))
    ).to_be_visible()


def homes(page: Page) -> str | None:
    return page.locator("[data-uid=stage]").get_attribute("data-homes")


def test_a_drag_is_silent_and_its_release_is_one_message(page: Page, url: str) -> None:
    traffic = open_stage(page, url)
    before = len(traffic.sent)
    drag(page, (40, 45), (90, 120), steps=25, release=False)
    page.evaluate(TWO_FRAMES)
    assert drawn(page)[0] == [60, 95, 120, 145]
    assert len(traffic.sent) == before
    page.mouse.up()
    expect_heard(page, [[60, 95, 120, 145], START[1]])
    expect(page.get_by_text("selected b0")).to_be_visible()
    assert len(traffic.sent) == before + 1  # geometry and selection together
    assert homes(page) == "1"


def test_each_handle_moves_its_edges_and_no_other(page: Page, url: str) -> None:
    open_stage(page, url)
    x1, y1, x2, y2 = 130, 100, 190, 150
    drag(page, (160, 45), (160, 125))
    expect_heard(page, [START[0], [x1, y1, x2, y2]])
    across, down = {"w": x1, "": 160, "e": x2}, {"n": y1, "": 125, "s": y2}
    for part in ("nw", "n", "ne", "e", "se", "s", "sw", "w"):
        hx, hy = across[part.strip("ns")], down[part.strip("we")]
        drag(page, (hx, hy), (hx + 12, hy + 9))
        wanted = [x1 + 12 * ("w" in part), y1 + 9 * ("n" in part), x2 + 12 * ("e" in part), y2 + 9 * ("s" in part)]
        expect_heard(page, [START[0], wanted])
        page.keyboard.press("Control+z")
        expect_heard(page, [START[0], [x1, y1, x2, y2]])


def test_boxes_stay_in_the_picture_and_never_turn_inside_out(page: Page, url: str) -> None:
    open_stage(page, url)
    drag(page, (40, 45), (-500, 900))
    expect_heard(page, [[0, 190, 60, 240], START[1]])
    drag(page, (60, 190), (-100, 400))  # the top right corner, far past the bottom left one
    expect_heard(page, [[0, 239, 1, 240], START[1]])


def test_a_box_may_have_no_height_where_the_page_allows_it(page: Page, url: str) -> None:
    open_stage(page, url, "least=0")
    drag(page, (40, 70), (40, 10))
    expect_heard(page, [[10, 20, 70, 20], START[1]])


def test_escape_gives_up_a_drag(page: Page, url: str) -> None:
    open_stage(page, url)
    drag(page, (40, 45), (100, 100), release=False)
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.get_by_text("selected b0")).to_be_visible()
    assert drawn(page) == START


def test_keys_move_boxes_and_edges_and_tell_it_once(page: Page, url: str) -> None:
    traffic = open_stage(page, url)
    page.locator(".stage .box").first.focus()
    before = len(traffic.sent)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect_heard(page, [[11, 40, 71, 90], START[1]])
    assert len(traffic.sent) == before + 1
    spoken = page.locator(".stage [role=status]")
    expect(spoken).to_contain_text("Box 0: left 11, top 40, right 71, bottom 90; 60 × 50.")
    for _ in range(4):  # corner, edge, corner, right edge
        page.keyboard.press("Tab")
    edge = page.get_by_role("slider", name="Box 0, right edge")
    expect(edge).to_be_focused()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("ArrowUp")  # an edge that stands upright does not follow
    expect_heard(page, [[11, 40, 61, 90], START[1]])
    expect(edge).to_have_attribute("aria-valuenow", "61")
    page.keyboard.press("Escape")
    expect(page.locator(".stage .box").first).to_be_focused()


def test_undo_and_redo_by_keys_and_buttons(page: Page, url: str) -> None:
    open_stage(page, url)
    undo, redo = page.get_by_role("button", name="Undo"), page.get_by_role("button", name="Redo")
    expect(undo).to_have_attribute("aria-disabled", "true")
    first, second = [20, 30, 80, 80], [40, 50, 100, 100]
    drag(page, (40, 45), (50, 55))
    drag(page, (50, 55), (70, 75))
    expect_heard(page, [second, START[1]])
    undo.click()
    expect_heard(page, [first, START[1]])
    page.locator(".stage .box").first.focus()
    page.keyboard.press("Control+z")
    expect_heard(page, START)
    expect(undo).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Control+Shift+Z")
    expect_heard(page, [first, START[1]])
    redo.click()
    expect_heard(page, [second, START[1]])
    expect(redo).to_have_attribute("aria-disabled", "true")


def test_a_finger_drags_without_scrolling_the_page(new_context: Callable[..., BrowserContext], url: str) -> None:
    page = new_context(width=360, height=640, touch=True).new_page()
    open_stage(page, url)
    cdp = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    def swipe(start: tuple[float, float], end: tuple[float, float]) -> None:
        touch("touchStart", start)
        for part in range(1, 9):
            touch("touchMove", *[tuple(a + (b - a) * part / 8 for a, b in zip(start, end, strict=True))])
        touch("touchEnd")

    scrolled = "() => document.querySelector('[data-testid=stMain]').scrollTop"
    page.set_viewport_size({"width": 360, "height": 480})  # low enough that the page could scroll
    top = page.evaluate(scrolled)
    swipe(place(page, 40, 45), place(page, 40, 115))
    expect_heard(page, [[10, 90, 70, 140], START[1]])
    # A finger 12 CSS pixels beside a corner still takes the corner.
    beside = 12 * WIDTH / 328
    swipe(place(page, 70 + beside, 140 + beside), place(page, 90 + beside, 150 + beside))
    expect_heard(page, [[10, 90, 90, 150], START[1]])
    assert page.evaluate(scrolled) == top
    # On empty ground the same finger scrolls the page.
    swipe(place(page, 250, 200), place(page, 250, 60))
    page.wait_for_function(f"() => ({scrolled})() > {top}")
    assert drawn(page) == [[10, 90, 90, 150], START[1]]


def test_a_rerun_leaves_a_drag_alone(page: Page, url: str) -> None:
    open_stage(page, url)
    drag(page, (40, 45), (80, 85), release=False)
    for name in ("Another widget", "Restart"):
        page.get_by_role("button", name=name, exact=True).evaluate("(button) => button.click()")
        page.mouse.move(*place(page, 90, 95), steps=5)
    page.wait_for_function(
        f"""() => {{
            {ROOT}
            return root.querySelector(".box.dragging .body")?.getAttribute("x") === "60";
        }}"""
    )
    assert homes(page) == "1"


def test_what_python_forces_during_a_drag_stands_after_it(page: Page, url: str) -> None:
    open_stage(page, url)
    drag(page, (160, 45), (160, 125))
    expect_heard(page, [START[0], [130, 100, 190, 150]])
    drag(page, (40, 45), (80, 85), release=False)
    page.get_by_role("button", name="Restart").evaluate("(button) => button.click()")
    expect_heard(page, START)
    assert drawn(page)[0] == [50, 60, 110, 110]
    page.mouse.up()
    page.evaluate(TWO_FRAMES)
    assert drawn(page) == START
    expect(page.get_by_role("button", name="Undo")).to_have_attribute("aria-disabled", "true")


def test_many_drags_with_releases_never_remount(page: Page, url: str) -> None:
    traffic = open_stage(page, url, "n=12")
    before, x, y = len(traffic.sent), 40.0, 45.0
    for index in range(24):
        to = (60 + 7 * index, 60 + 5 * (index % 20))
        drag(page, (x, y), to, steps=3)
        x, y = to
    expect_heard(page, [[*(round(v) for v in (x - 30, y - 25, x + 30, y + 25))], *drawn(page)[1:3]])
    assert homes(page) == "1"
    assert len(traffic.sent) - before <= 24


def test_select_mode_shows_picks_and_cycles(page: Page, url: str) -> None:
    open_stage(page, url, "mode=select&n=2000")
    x, y = place(page, *[v + 25 for v in drawn(page)[777][:2]])
    page.mouse.move(x, y)
    expect(page.locator(".stage .tip")).to_contain_text("Detail of")
    seen = set()
    for _ in range(3):  # boxes lie in piles: each click takes the next one
        page.mouse.click(x, y)
        chosen = page.locator(".stage .box.selected")
        expect(chosen).to_have_count(1)
        seen.add(chosen.get_attribute("data-id"))
        expect(page.get_by_text(f"selected {chosen.get_attribute('data-id')}", exact=True)).to_be_visible()
    assert len(seen) == 3


def test_select_mode_by_keys_is_a_list(page: Page, url: str) -> None:
    open_stage(page, url, "mode=select&n=300")
    world = page.locator(".stage svg.world")
    world.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    option = page.locator(".stage [role=option]")
    expect(option).to_have_attribute("aria-posinset", "299")
    expect(option).to_have_attribute("aria-label", re.compile("^Box 298: "))
    page.keyboard.press("Enter")
    expect(page.get_by_text("selected b298")).to_be_visible()
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_text("selected None")).to_be_visible()


def test_the_photo_is_served_once_and_not_in_the_messages(page: Page, url: str) -> None:
    received: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda payload: received.append(len(payload))))
    photos: list[str] = []
    page.on("request", lambda request: photos.append(request.url) if ".jpg" in request.url else None)
    open_stage(page, url, "photo=1")
    page.wait_for_function(
        f"""() => {{
            {ROOT}
            return root.querySelector(".photo").naturalWidth === 320;
        }}"""
    )
    start = len(received)
    drag(page, (40, 45), (60, 65))
    expect_heard(page, [[30, 40, 90, 90], START[1]])
    assert sum(received[start:]) < 20_000
    assert len(photos) == 1


@pytest.mark.parametrize("query", ["n=3", "mode=select&n=70&photo=1"])
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(
    new_context: Callable[..., BrowserContext], url: str, query: str, dark: bool
) -> None:
    page = new_context(width=390, height=844, dark=dark).new_page()
    open_stage(page, url, query)
    if "select" not in query:
        page.locator(".stage .box").first.focus()
    found = (
        Axe()
        .run(page, context="[data-testid=stBidiComponentRegular], [data-uid=stage]" if False else None)
        .response["violations"]
    )
    found = Axe().run(page, context="[data-testid^=stBidiComponent]").response
    assert found["passes"]
    ours = [
        (rule["id"], rule["nodes"][0]["target"])
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert not ours


def test_presenter_mode_has_larger_handles_and_type(page: Page, url: str) -> None:
    def sizes(query: str) -> tuple[float, float, float]:
        open_stage(page, url, query)
        label = page.locator(".stage .label").first.bounding_box()
        button = page.get_by_role("button", name="Undo").bounding_box()
        assert label is not None
        assert button is not None
        handle = page.locator(".stage .handle").first.bounding_box()
        assert handle is not None
        return label["height"], button["height"], handle["height"]

    plain, large = sizes("n=2"), sizes("n=2&present=1")
    assert all(more > 1.3 * less for more, less in zip(large, plain, strict=True))


MODULE = """
async (run) => {
    const { live } = await import(`${location.origin}/_stcore/bidi-components/grad2box.shared-stage/shared/live.js`);
    const log = [];
    const views = [];
    const create = (channel) => {
        const view = { channel, element: document.createElement("i") };
        view.update = (data) => log.push(data.n);
        view.destroy = () => log.push("gone");
        views.push(view);
        return view;
    };
    const sent = [];
    const call = (parent, n, seq) => live({
        parentElement: parent,
        setStateValue: (name, value) => sent.push(value),
        data: { uid: "probe", n, said: seq ? { seq } : {} },
    }, create);
    const homes = [document.createElement("div"), document.createElement("div")];
    homes.forEach((home) => document.body.append(home));
    return await new Function("tools", `return (async () => { ${run} })()`)({ call, homes, log, sent, views });
}
"""


def test_a_remounted_view_keeps_its_element_and_says_one_thing_at_a_time(page: Page, url: str) -> None:
    open_stage(page, url)
    result = page.evaluate(
        MODULE,
        """
        const { call, homes, log, sent, views } = tools;
        const leave = call(homes[0], 1);
        views[0].channel.set({ a: 1 });
        views[0].channel.set({ a: 2 });
        views[0].channel.set({ b: 3 });
        const inFlight = sent.length;
        call(homes[1], 2, 1);              // mounted elsewhere with the answer to the first message
        leave();                           // and only then taken off the old place
        const rehomed = homes[1].firstChild === views[0].element;
        const follow = { ...sent.at(-1) };
        call(homes[1], 3, 2);
        const quiet = sent.length;
        call(homes[1], 4, 0);              // Python forgot: a new view
        return { inFlight, rehomed, follow, quiet, made: views.length, log };
        """,
    )
    assert result == {
        "inFlight": 1,
        "rehomed": True,
        "follow": {"a": 2, "b": 3, "seq": 2},
        "quiet": 2,
        "made": 2,
        "log": [1, 2, 3, "gone", 4],
    }
