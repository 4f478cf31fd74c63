"""The traced program in Chromium: lines, graph, ledger and tensors move together, by mouse, touch and keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

APP = Path(__file__).parent / "apps" / "graph_app.py"


@pytest.fixture
def open_graph(serve, page):
    def go(program: str = "chain", step: int = 0, on: Page | None = None) -> Page:
        shown = on or page
        shown.goto(f"{serve(APP)}/?program={program}&step={step}")
        shown.wait_for_selector(".trace .ace_line", timeout=60_000)
        return shown

    return go


def press(page: Page, name: str, times: int = 1) -> None:
    for _ in range(times):
        page.locator(f".transport [data-icon={name}]").click()


def visible_nodes(page: Page) -> list[str]:
    return page.locator(".canvas .node[visibility=visible] .title").all_text_contents()


def test_the_graph_grows_line_by_line_and_shrinks_back(open_graph) -> None:
    page = open_graph()
    expect(page.locator(".ace_gutter-cell.now")).to_have_text("1")
    before = visible_nodes(page)
    press(page, "forward")
    assert "AddBackward0" in visible_nodes(page)
    press(page, "forward")
    assert visible_nodes(page).count("MulBackward0") == 2
    press(page, "back", 2)
    assert visible_nodes(page) == before


def test_gradients_flow_back_edge_by_edge(open_graph) -> None:
    page = open_graph(step=3)
    assert page.locator(".canvas path.flow[visibility=visible]").count() == 0
    press(page, "forward")  # the engine visits MeanBackward0
    expect(page.locator(".canvas .node.now .title")).to_have_text("MeanBackward0")
    expect(page.locator(".ace_gutter-cell.calling")).to_have_text("5")
    expect(page.locator(".ace_gutter-cell.visited")).to_have_text("4")
    assert page.locator(".canvas path.flow.fresh[visibility=visible]").count() == 1
    press(page, "forward")
    expect(page.locator(".canvas .node.now .title")).to_have_text("MulBackward0")
    assert page.locator(".canvas path.flow.arrived[visibility=visible]").count() == 1
    press(page, "back", 2)
    assert page.locator(".canvas path.flow[visibility=visible]").count() == 0


def test_the_ledger_shows_the_sum_over_both_paths(open_graph) -> None:
    page = open_graph(step=7)  # AddBackward0: y is used twice in y * y
    expect(page.locator(".ledger .what")).to_contain_text("AddBackward0")
    # d mean(3 y²) / dy = 6 y / 4 with y = [[3, 0], [5, 6]]; each of the two factors sends half of it.
    summands = page.locator(".ledger .summand .cell").all_text_contents()
    assert summands == ["2.25", "0", "3.75", "4.5"] * 2
    assert page.locator(".ledger .upstream .cell").all_text_contents() == ["4.5", "0", "7.5", "9"]
    assert page.locator(".ledger .downstream .cell").all_text_contents() == ["4.5", "0", "7.5", "9"]
    press(page, "forward")  # the leaf
    expect(page.locator(".ledger .target")).to_have_text("x.grad")
    expect(page.locator(".ledger .none")).to_have_text("None")


def test_node_line_and_tensor_select_each_other(open_graph) -> None:
    page = open_graph(step=3)
    node = page.locator('.canvas .node[visibility=visible]:has(.title:text-is("AddBackward0"))')
    node.click()
    expect(node).to_have_class(re.compile("selected"))
    expect(page.locator(".ace_gutter-cell.selected")).to_have_text("2")
    expect(page.locator(".tensor.selected")).to_have_attribute("data-name", "y")
    page.locator('.tensor[data-name="z"]').click()
    expect(page.locator(".ace_gutter-cell.selected")).to_have_text("3")
    assert page.locator(".canvas .node.selected .title").all_text_contents() == ["MulBackward0"]
    page.locator(".ace_gutter-cell").nth(2).click()  # line 3 made two nodes and the tensor z
    assert page.locator(".canvas .node.selected .title").all_text_contents() == ["MulBackward0"] * 2
    page.locator(".ace_gutter-cell").nth(2).click()  # the same again lets go
    assert page.locator(".canvas .node.selected").count() == 0


def test_a_leaf_shows_its_value_after_an_update_in_place(open_graph) -> None:
    page = open_graph("update")
    leaf = page.locator(".canvas .node.leaf .value .digits")
    press(page, "forward")
    expect(leaf).to_have_text("0")
    press(page, "last")
    expect(leaf).to_have_text("1")  # 0 − 0.5 · 2 (0 − 1)
    press(page, "first")
    press(page, "forward")
    expect(leaf).to_have_text("0")


def test_history_leads_to_its_moment_and_python_hears_of_it(open_graph) -> None:
    page = open_graph(step=9)
    rows = page.locator(".history .who")
    assert rows.all_text_contents() == [
        "MeanBackward0",
        "MulBackward0",
        "MulBackward0",
        "AddBackward0",
        "AccumulateGrad",
    ]
    page.locator(".history button").nth(2).click()
    expect(page.locator(".transport")).to_have_attribute("data-step", "6")
    expect(page.get_by_text("position 6")).to_be_visible()


def test_torchs_own_error_stands_at_its_line(open_graph) -> None:
    page = open_graph("fails", step=99)
    expect(page.locator(".ace_gutter-cell.failed")).to_have_text("6")
    expect(page.locator(".fault .message")).to_contain_text("backward through the graph a second time")
    press(page, "back")
    assert page.locator(".ace_gutter-cell.failed").count() == 0


def test_a_program_that_cannot_be_read_shows_where(open_graph) -> None:
    page = open_graph("unread")
    expect(page.locator(".ace_gutter-cell.failed")).to_have_text("1")
    assert page.locator(".canvas .node").count() == 0


def test_the_keys_walk_the_graph_and_step(open_graph) -> None:
    page = open_graph(step=3)
    page.locator(".canvas .node[tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    focused = """() => {
        let element = document.activeElement;
        while (element.shadowRoot) element = element.shadowRoot.activeElement;
        return element.getAttribute("aria-label");
    }"""
    assert page.evaluate(focused).startswith("MulBackward0")
    page.keyboard.press("ArrowUp")
    assert page.evaluate(focused).startswith("AddBackward0")
    page.keyboard.press("Enter")
    expect(page.locator(".ace_gutter-cell.selected")).to_have_text("2")
    page.keyboard.press(".")
    expect(page.locator(".transport")).to_have_attribute("data-step", "4")
    page.keyboard.press(",")
    expect(page.locator(".transport")).to_have_attribute("data-step", "3")


def view(page: Page) -> list[float]:
    """Translation and scale of the graph."""
    text = page.locator(".canvas > g").get_attribute("transform")
    return [float(number) for number in re.findall(r"-?[\d.]+", text)]


def test_pan_and_zoom_by_mouse_wheel_keys_and_buttons(open_graph) -> None:
    page = open_graph(step=3)
    box = page.locator("svg.canvas").bounding_box()
    x, y = box["x"] + 40, box["y"] + box["height"] - 30
    start = view(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y - 20, steps=4)
    page.mouse.up()
    moved = view(page)
    assert moved[0] - start[0] == pytest.approx(60, abs=1)
    assert moved[1] - start[1] == pytest.approx(-20, abs=1)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    assert view(page)[2] > moved[2]
    page.locator(".tools button").nth(2).click()
    fitted = view(page)
    page.locator(".canvas .node[tabindex='0']").focus()
    page.keyboard.press("+")
    assert view(page)[2] > fitted[2]
    page.keyboard.press("0")
    assert view(page) == pytest.approx(fitted)
    page.keyboard.press("Shift+ArrowRight")
    assert view(page)[0] == pytest.approx(fitted[0] - 40, abs=0.1)


def test_two_fingers_zoom_and_one_drags(open_graph, new_context) -> None:
    context = new_context(width=390, height=844, touch=True)
    page = open_graph(step=3, on=context.new_page())
    canvas = page.locator("svg.canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = box["x"] + 60, box["y"] + 60
    start = view(page)
    session = context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        session.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]},
        )

    touch("touchStart", (x, y))
    touch("touchMove", (x + 20, y + 10))
    touch("touchMove", (x + 40, y + 20))
    touch("touchEnd")
    dragged = view(page)
    assert dragged[0] > start[0] + 20
    touch("touchStart", (x, y), (x + 60, y))
    touch("touchMove", (x - 20, y), (x + 90, y))
    touch("touchMove", (x - 30, y), (x + 120, y))
    touch("touchEnd")
    assert view(page)[2] > dragged[2] * 1.3


def test_five_hundred_nodes_stay_usable(open_graph) -> None:
    page = open_graph("loop", step=500)
    expect(page.get_by_text(re.compile(r"50\d nodes|49\d nodes"))).to_be_visible()
    press(page, "forward", 3)
    shown = page.locator(".canvas .node.now")
    expect(shown).to_have_count(1)
    box, frame = shown.locator(".body").bounding_box(), page.locator("svg.canvas").bounding_box()
    assert frame["x"] - 2 <= box["x"]
    assert box["y"] + box["height"] <= frame["y"] + frame["height"] + 2
    page.locator(".tools button").nth(2).click()
    assert page.locator("svg.canvas.far").count() == 1  # no illegible names
    press(page, "last")
    expect(page.locator(".tensor[data-name=x] .grad")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing_serious_and_nothing_overflows(open_graph, new_context, dark: bool, width: int) -> None:
    page = open_graph(step=7, on=new_context(width=width, dark=dark).new_page())
    page.wait_for_selector(".history li")
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page).response["violations"]
    serious = [(rule["id"], rule["nodes"][0]["html"]) for rule in found if rule["impact"] in ("serious", "critical")]
    assert not serious
