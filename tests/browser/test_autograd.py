"""The autograd lab in Chromium: type, step, err, click, share, reproduce."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import settled
from tests.scripts import run_script

DOUBLED = "x = torch.tensor(3., requires_grad=True)\ny = x * x\ny.backward()\nprint(x.grad)"


@pytest.fixture
def open_lab(app_url, page):
    def go(query: str = "lang=en", on: Page | None = None) -> Page:
        shown = on or page
        shown.goto(f"{app_url}/autograd?{query}")
        settled(shown)
        shown.wait_for_selector(".trace .line", timeout=60_000)
        return shown

    return go


def run_typed(page: Page, source: str) -> None:
    """Types a program and waits until the traced one is it."""
    editor = page.locator(".st-key-autograd_program textarea")
    editor.fill(source)
    editor.press("Control+Enter")
    expect(page.locator(".lines .line code")).to_have_text(source.splitlines(), timeout=30_000)


def press(page: Page, name: str, times: int = 1) -> None:
    for _ in range(times):
        page.locator(f".transport [data-icon={name}]").click()


def test_a_typed_program_runs_and_steps_both_ways(open_lab) -> None:
    page = open_lab()
    run_typed(page, DOUBLED)
    expect(page.locator(".transport")).to_have_attribute("data-step", "0")
    press(page, "forward")
    expect(page.locator(".tensor.changed .name").first).to_have_text("y")
    press(page, "forward", 2)
    expect(page.locator(".ledger .target")).to_have_text("x.grad")
    assert page.locator(".ledger .downstream .cell").all_text_contents() == ["6"]  # d x²/dx at 3, over two paths
    press(page, "last")
    expect(page.locator(".printed")).to_have_text("tensor(6.)\n")
    press(page, "back", 3)
    assert page.locator(".canvas .node.now .title").text_content() == "MulBackward0"
    press(page, "first")
    expect(page.locator(".transport")).to_have_attribute("data-step", "0")
    assert page.locator(".canvas .node[visibility=visible]").count() == 1
    expect(page.locator(".printed")).to_be_hidden()


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("x = torch.tesnor(1.)", 1, "Did you mean torch.tensor|Did you mean tensor"),
        ("x = (1,\ny = 2", 1, "never closed"),
        ("x = torch.ones(1000, 1000)", 1, "at most 131,072 elements"),
        ("i = 0\nwhile True:\n    i += 1", 2, "statements"),
        ("x = torch.ones(2, requires_grad=True)\ny = x.exp()\ny += 1\ny.sum().backward()", 4, "modified by an inplace"),
        ("x = torch.tensor(2., requires_grad=True)\ny = x ** 2\ny.backward()\ny.backward()", 4, "a second time"),
        ("w = torch.ones(2, requires_grad=True)\nw -= 1", 2, "leaf Variable"),
    ],
)
def test_each_kind_of_error_stands_at_its_line(open_lab, source: str, line: int, said: str) -> None:
    page = open_lab()
    run_typed(page, source)
    expect(page.get_by_test_id("stAlert").filter(has_text=re.compile("column"))).to_contain_text(re.compile(said))
    if page.locator(".transport [data-icon=last]").get_attribute("aria-disabled") != "true":  # it ran at least a line
        press(page, "last")
    expect(page.locator(".lines .message")).to_contain_text(re.compile(said))
    if "while" not in source:  # the limit strikes wherever the loop stands
        expect(page.locator(".lines .failed .number")).to_have_text(str(line))


def test_a_preset_a_prediction_and_its_answer(open_lab) -> None:
    page = open_lab("lang=en&preset=detach")
    expect(page.locator(".lines .line").nth(2)).to_contain_text("y.detach() * x")
    page.get_by_text("4, as if x² were a constant").click()
    expect(page.get_by_text("Right, as torch shows.")).to_be_visible()


def test_a_clicked_node_lights_up_line_and_tensor(open_lab) -> None:
    page = open_lab("lang=en&step=3")
    page.locator('.canvas .node[visibility=visible]:has(.title:text-is("AddBackward0"))').click()
    expect(page.locator(".lines .selected .number")).to_have_text("2")
    expect(page.locator(".tensor.selected")).to_have_attribute("data-name", "y")


def test_a_link_reopens_program_and_step(open_lab, new_context) -> None:
    page = open_lab()
    run_typed(page, DOUBLED)
    press(page, "forward", 3)
    page.wait_for_function("() => location.search.includes('step=3')")
    again = open_lab(page.evaluate("() => location.search.slice(1)"), on=new_context().new_page())
    expect(again.locator(".lines .line code")).to_have_text(DOUBLED.splitlines())
    expect(again.locator(".transport")).to_have_attribute("data-step", "3")
    expect(again.locator(".canvas .node.now .title")).to_have_text("x")


def test_the_reproduced_script_prints_the_shown_gradient(open_lab) -> None:
    page = open_lab()
    run_typed(page, DOUBLED)
    page.get_by_text("Reproduce in PyTorch").click()
    script = page.locator("code", has_text="manual_seed").inner_text()
    assert run_script(script).splitlines()[-1] == "x.grad 6.0"


def test_a_network_of_the_modules_page_opens_here(app_url, page) -> None:
    page.goto(f"{app_url}/modules?lang=en&middle=shared")
    settled(page)
    page.get_by_text("Open in the autograd lab").first.click()
    page.wait_for_selector(".trace .line", timeout=60_000)
    expect(page.locator(".lines .line code").nth(1)).to_have_text("first = nn.Linear(4, 8)")
    press(page, "last")
    assert page.locator(".canvas .node .title", has_text="TBackward0").count() == 4


def test_a_real_network_unfolds(open_lab) -> None:
    page = open_lab("lang=en&real=1")
    page.locator(".tree [data-path='fc']").click(timeout=60_000)
    expect(page.locator(".network .canvas .title", has_text=re.compile("^fc.weight$"))).to_be_attached()


@pytest.mark.parametrize(("width", "language", "dark"), [(1440, "zh", True), (390, "en", False)])
def test_nothing_overflows_and_axe_finds_nothing_serious(open_lab, new_context, width, language, dark) -> None:
    page = open_lab(f"lang={language}&step=7", on=new_context(width=width, dark=dark).new_page())
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page, context="[data-testid^=stBidiComponent]").response["violations"]
    serious = [(rule["id"], rule["nodes"][0]["html"]) for rule in found if rule["impact"] in ("serious", "critical")]
    assert not serious


RUNAWAY = "x = torch.ones(64, 64)\nwhile True: x = torch.matrix_exp(x * 0)"


def test_a_runaway_program_is_stopped_while_another_session_steps(open_lab, new_context) -> None:
    other = open_lab(on=new_context().new_page())
    run_typed(other, DOUBLED)
    page = open_lab()
    editor = page.locator(".st-key-autograd_program textarea")
    editor.fill(RUNAWAY)
    editor.press("Control+Enter")
    for step in range(1, 4):  # the other one is not disturbed
        press(other, "forward")
        expect(other.locator(".transport")).to_have_attribute("data-step", str(step))
    run_typed(other, DOUBLED.replace("3.", "4."))
    press(other, "last")
    expect(other.locator(".printed")).to_have_text("tensor(8.)\n", timeout=30_000)
    expect(page.get_by_text("The program ran", exact=False).first).to_be_visible(timeout=60_000)
    run_typed(page, DOUBLED)  # and its own session goes on
    press(page, "last")
    expect(page.locator(".printed")).to_have_text("tensor(6.)\n")
