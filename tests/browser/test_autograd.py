"""The autograd lab in Chromium: type, step, err, click, share, reproduce."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import settled
from tests.scripts import run_script

DOUBLED = "x = torch.tensor(3., requires_grad=True)\ny = x * x\ny.backward()\nprint(x.grad)"


@pytest.fixture
def open_lab(app_url, page):
    def go(query: str = "lang=en&tour=0", on: Page | None = None) -> Page:
        shown = on or page
        shown.goto(f"{app_url}/autograd?{query}")
        settled(shown)
        shown.wait_for_selector(".trace .ace_line", timeout=60_000)
        return shown

    return go


def editor(page: Page) -> Locator:
    return page.locator(".ace-host")


def source_in(page: Page) -> str:
    return editor(page).evaluate("host => host.env.editor.getValue()")


def type_text(page: Page, source: str) -> None:
    """Replaces the program in the editor, by the keyboard's own way."""
    editor(page).evaluate("host => host.env.editor.focus()")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(source)
    page.keyboard.press("Escape")  # closes what completion offers


def run_typed(page: Page, source: str) -> None:
    """Types a program and waits until the traced one is it."""
    type_text(page, source)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".program .status")).to_be_empty(timeout=30_000)
    assert source_in(page) == source


def line_is(page: Page, name: str, number: str) -> None:
    """Waits until the line of this number is marked so: the editor draws its gutter a frame later."""
    expect(page.locator(f".ace_gutter-cell.{name}").first).to_have_text(number)


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


FAULTS = [
    ("x = torch.tesnor(1.)", 1, "Did you mean torch.tensor|Did you mean tensor"),
    ("x = (1,\ny = 2", 1, "never closed"),
    ("x = torch.ones(1000, 1000)", 1, "at most 131,072 elements"),
    ("i = 0\nwhile True:\n    i += 1", 2, "ran for more than 1 s"),
    ("x = torch.ones(2, requires_grad=True)\ny = x.exp()\ny += 1\ny.sum().backward()", 4, "modified by an inplace"),
    ("x = torch.tensor(2., requires_grad=True)\ny = x ** 2\ny.backward()\ny.backward()", 4, "a second time"),
    ("w = torch.ones(2, requires_grad=True)\nw -= 1", 2, "leaf Variable"),
]


def test_each_kind_of_error_stands_at_its_line(open_lab) -> None:
    page = open_lab()
    for source, line, said in FAULTS:
        run_typed(page, source)  # the run begins where it fails
        expect(page.locator(".fault .message")).to_contain_text(re.compile(said))
        expect(page.locator(".transport [data-icon=last]")).to_have_attribute("aria-disabled", "true")
        if "while" not in source:  # the limit strikes wherever the loop stands
            line_is(page, "failed", str(line))
        assert page.get_by_text(re.compile(said)).filter(visible=True).count() == 1  # once, at its step


def test_a_preset_a_prediction_and_its_answer(open_lab) -> None:
    page = open_lab("lang=en&tour=0&preset=detach")
    assert "y.detach() * x" in source_in(page)
    page.get_by_role("button", name="Predict").click()
    page.get_by_text("4, as if x² were a constant").click()
    expect(page.get_by_text("Right, as torch shows.")).to_be_visible()


def test_a_clicked_node_lights_up_line_and_tensor(open_lab) -> None:
    page = open_lab("lang=en&tour=0&preset=chain&step=3")
    page.locator('.canvas .node[visibility=visible]:has(.title:text-is("AddBackward0"))').click()
    line_is(page, "selected", "2")
    expect(page.locator(".tensor.selected")).to_have_attribute("data-name", "y")


def test_a_link_reopens_program_and_step(open_lab, new_context) -> None:
    page = open_lab()
    run_typed(page, DOUBLED)
    press(page, "forward", 3)
    page.wait_for_function("() => location.search.includes('step=3')")
    again = open_lab(page.evaluate("() => location.search.slice(1)"), on=new_context().new_page())
    assert source_in(again) == DOUBLED
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
    page.wait_for_selector(".trace .ace_line", timeout=60_000)
    assert source_in(page).splitlines()[1] == "first = nn.Linear(4, 8)"
    press(page, "last")
    assert page.locator(".canvas .node .title", has_text="TBackward0").count() == 4


def test_a_real_network_unfolds(open_lab) -> None:
    page = open_lab("lang=en&tour=0&real=1")
    page.locator(".tree [data-path='fc']").click(timeout=60_000)
    expect(page.locator(".network .canvas .title", has_text=re.compile("^fc.weight$"))).to_be_attached()


@pytest.mark.parametrize(("width", "language", "dark"), [(1440, "zh", True), (390, "en", False)])
def test_nothing_overflows_and_axe_finds_nothing_serious(open_lab, new_context, width, language, dark) -> None:
    page = open_lab(f"lang={language}&tour=0&step=7", on=new_context(width=width, dark=dark).new_page())
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page, context="[data-testid^=stBidiComponent]").response["violations"]
    serious = [(rule["id"], rule["nodes"][0]["html"]) for rule in found if rule["impact"] in ("serious", "critical")]
    assert not serious


RUNAWAY = "x = torch.ones(64, 64)\nwhile True: x = torch.matrix_exp(x * 0)"


def test_a_runaway_program_is_stopped_while_another_session_steps(open_lab, new_context) -> None:
    other = open_lab(on=new_context().new_page())
    run_typed(other, DOUBLED)
    page = open_lab()
    type_text(page, RUNAWAY)
    page.keyboard.press("Control+Enter")
    for step in range(1, 4):  # the other one is not disturbed
        press(other, "forward")
        expect(other.locator(".transport")).to_have_attribute("data-step", str(step))
    run_typed(other, DOUBLED.replace("3.", "4."))
    press(other, "last")
    expect(other.locator(".printed")).to_have_text("tensor(8.)\n", timeout=30_000)
    expect(page.locator(".program .status")).to_be_empty(timeout=60_000)
    expect(page.locator(".fault .message")).to_contain_text("The program ran", timeout=60_000)
    run_typed(page, DOUBLED)  # and its own session goes on
    press(page, "last")
    expect(page.locator(".printed")).to_have_text("tensor(6.)\n")


def place_of(page: Page, row: int, text: str) -> tuple[float, float]:
    """Where a text of the program stands on the screen."""
    x, y = editor(page).evaluate(
        """(host, [row, text]) => {
            const { session, renderer } = host.env.editor;
            const place = renderer.textToScreenCoordinates(row, session.getLine(row).indexOf(text) + 1);
            return [place.pageX, place.pageY + renderer.lineHeight / 2];
        }""",
        [row, text],
    )
    return x, y


def test_a_number_is_dragged_and_values_graph_and_gradients_follow(open_lab) -> None:
    page = open_lab("lang=en&tour=0&step=9")
    gradient = page.locator(".canvas .node.leaf .gradient .digits").nth(1)
    expect(gradient).to_have_text("−16")
    x, y = place_of(page, 1, "-1.5")
    page.mouse.move(x, y)
    expect(page.locator(".number-handle")).to_be_visible()
    page.mouse.down()
    page.mouse.move(x + 8 * 20, y, steps=10)  # twenty steps of a tenth
    page.mouse.up()
    assert "w = torch.tensor(0.5, requires_grad=True)" in source_in(page)
    expect(gradient).to_have_text("0")  # 2 (w x − 1) x with w = 0.5 and x = 2
    expect(page.locator(".transport")).to_have_attribute("data-step", "9")
    expect(page.locator(".code-editor .words[data-row='1'] .value")).to_have_text("0.5")
    page.wait_for_function("() => decodeURIComponent(location.search).includes('solved=scalar')")


def test_the_picture_follows_a_number_in_the_hand_and_the_page_once_it_is_let_go(open_lab, page) -> None:
    said: list[object] = []

    def listen(socket) -> None:
        if "/_stcore/" in socket.url:
            socket.on("framesent", lambda frame: said.append(frame))

    page.on("websocket", listen)
    open_lab("lang=en&tour=0&step=9")
    expect(page.locator(".slope")).to_be_visible()  # the last that the page is asked for
    gradient = page.locator(".canvas .node.leaf .gradient .digits").nth(1)
    node = page.locator(".canvas .node.leaf").first.element_handle()
    x, y = place_of(page, 1, "-1.5")
    page.mouse.move(x, y)
    expect(page.locator(".number-handle")).to_be_visible()
    settled(page)
    before, link = len(said), page.url
    page.mouse.down()
    page.mouse.move(x + 8 * 20, y, steps=10)
    expect(gradient).to_have_text("0")
    expect(page.locator(".code-editor .words[data-row='1'] .value")).to_have_text("0.5")
    assert len(said) == before
    assert page.url == link
    page.mouse.up()
    page.wait_for_function("() => location.search.includes('solved=scalar')")
    expect(page.locator(".slope .says")).to_contain_text("slope 0;")
    expect(gradient).to_have_text("0")
    assert node.evaluate("node => node.isConnected")  # the same graph is not drawn anew


def test_without_the_short_way_the_page_itself_follows(open_lab, page) -> None:
    page.add_init_script("""
        const { WebSocket } = window;
        window.WebSocket = class extends WebSocket {
            constructor(address, ...rest) {
                super(String(address).replace("/api/program", "/api/nowhere"), ...rest);
            }
        };
    """)
    open_lab("lang=en&tour=0&step=9")
    x, y = place_of(page, 1, "-1.5")
    page.mouse.move(x, y)
    expect(page.locator(".number-handle")).to_be_visible()
    page.mouse.down()
    page.mouse.move(x + 8 * 20, y, steps=10)
    page.mouse.up()
    expect(page.locator(".canvas .node.leaf .gradient .digits").nth(1)).to_have_text("0")
    page.wait_for_function("() => location.search.includes('solved=scalar')")


def test_the_keys_move_a_number_and_leave_the_editor(open_lab) -> None:
    page = open_lab("lang=en&tour=0&step=9")
    editor(page).evaluate("host => { host.env.editor.focus(); host.env.editor.gotoLine(2, 18) }")
    page.keyboard.press("Alt+ArrowUp")
    assert "w = torch.tensor(-1.4" in source_in(page)
    expect(page.locator(".canvas .node.leaf .gradient .digits").nth(1)).to_have_text("−15.2")
    inside = """() => {
        let element = document.activeElement;
        while (element.shadowRoot) element = element.shadowRoot.activeElement;
        return Boolean(element.closest('.ace-host'));
    }"""
    page.keyboard.press("Tab")
    assert page.evaluate(inside)
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert not page.evaluate(inside)


def test_the_arrow_follows_the_stepper_and_values_stand_beside_their_lines(open_lab) -> None:
    page = open_lab()
    for line in ("1", "2", "3", "4"):
        line_is(page, "now", line)
        press(page, "forward")
    line_is(page, "calling", "5")
    expect(page.locator(".code-editor .words[data-row='2'] .value")).to_have_text("-3".replace("-", "−"))
    press(page, "forward", 2)
    line_is(page, "visited", "3")
    expect(page.locator(".code-editor .words[data-row='2'] .gradient")).to_have_text("∇ −8")


def test_completion_knows_the_labs_words(open_lab) -> None:
    page = open_lab()
    type_text(page, "x = torch.")
    page.keyboard.type("zeros_l")
    expect(page.locator(".ace_autocomplete .ace_line", has_text="zeros_like").first).to_be_visible()


def test_a_phone_keeps_the_stepper_and_scrolls_past_the_graph(open_lab, new_context) -> None:
    page = open_lab("lang=zh&tour=0", on=new_context(width=390, height=844, touch=True, dark=True).new_page())
    graph = page.locator("svg.canvas")
    graph.scroll_into_view_if_needed()
    assert graph.evaluate("element => getComputedStyle(element).touchAction") == "pan-y"
    page.locator(".tensors").scroll_into_view_if_needed()
    box = page.locator(".transport").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 200
    press(page, "forward")
    expect(page.locator(".transport")).to_have_attribute("data-step", "1")


def test_a_run_with_an_open_question_begins_at_its_first_line(open_lab) -> None:
    page = open_lab("lang=en&tour=0&preset=retain_graph&step=2")
    page.locator(".program .run").click()
    expect(page.locator(".transport")).to_have_attribute("data-step", "0")
    expect(page.locator(".fault")).to_be_hidden()


ADAM = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(1, 1)

    def forward(self, x):
        return self.fc(x)

net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
x = torch.linspace(-1, 1, 8).reshape(8, 1)
losses = []
for epoch in range(1000):
    optimizer.zero_grad()
    loss = F.mse_loss(net(x), 2 * x)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
plt.plot(losses, label='training')
plt.xlabel('epoch')
plt.show()
"""


@pytest.mark.parametrize(("width", "language"), [(1280, "en"), (390, "zh")])
def test_a_thousand_epochs_fold_into_a_curve_that_leads_to_each(open_lab, new_context, width, language) -> None:
    page = open_lab(f"lang={language}&tour=0", on=new_context(width=width, height=720).new_page())
    run_typed(page, ADAM)
    says = page.locator(".loopbar .says")
    shown = page.locator(".transport")

    def said(number: int) -> re.Pattern[str]:
        words = f"iteration {number} of 1000" if language == "en" else f"第 {number} 次迭代，共 1000 次"
        return re.compile(f"^{words} · loss = ")

    expect(says).to_have_text(said(1))
    track = page.locator(".loopbar .track")
    track.focus()
    page.keyboard.press("End")  # an iteration that was recorded is shown at once
    expect(says).to_have_text(said(1000))
    page.keyboard.press("PageDown")
    page.keyboard.press("Enter")  # another one is run for
    expect(page.locator(".loopbar .open")).to_be_hidden()
    expect(says).to_have_text(said(900))
    box = track.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 8, steps=4)
    page.mouse.up()
    page.wait_for_function("() => !location.search.includes('opened=900') && !location.search.includes('opened=0')")
    expect(page.locator(".loopbar .open")).to_be_hidden()
    line_is(page, "now", "13")
    track.focus()
    before = int(shown.get_attribute("data-step") or 0)
    page.keyboard.press("Shift+ArrowRight")  # over one line
    expect(shown).to_have_attribute("data-step", str(before + 1))
    page.keyboard.press("Shift+ArrowRight")  # over a call
    line_is(page, "now", "15")
    page.keyboard.press("Shift+ArrowUp")  # out of the loop
    line_is(page, "now", "19")
    expect(page.locator(".charts")).to_be_hidden()
    press(page, "last")
    expect(page.locator(".charts .chart")).to_have_attribute("aria-label", re.compile("training: .* … .* \\(256\\)"))
    assert page.locator(".charts .chart text", has_text="epoch").count() == 1
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("preset", ["scalar", "network"])
def test_the_graph_is_whole_in_the_laboratory(open_lab, new_context, preset) -> None:
    page = open_lab(f"lang=en&tour=0&preset={preset}", on=new_context(width=1280, height=720).new_page())
    canvas = page.locator("svg.canvas")
    expect(canvas.locator(".node").first).to_be_attached()
    outside = """canvas => {
        const box = canvas.getBoundingClientRect();
        const nodes = [...canvas.querySelectorAll(".node .body")].map((node) => node.getBoundingClientRect());
        const within = ({ left, right, top, bottom }) =>
            left >= box.left && right <= box.right && top >= box.top && bottom <= box.bottom;
        return nodes.filter((node) => !within(node)).length + Number(box.bottom > window.innerHeight);
    }"""
    # It is laid out and fitted a moment after its nodes are there.
    page.wait_for_function(f"canvas => ({outside})(canvas) === 0", arg=canvas.element_handle())
