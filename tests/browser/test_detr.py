"""The matching in Chromium: dragged in silence with torch's costs, stepped, and asked by keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from pages.detr import state
from tests.browser.conftest import TWO_FRAMES, Traffic, settled
from vizcore import detr
from vizcore.data.scenes import draw_scene
from vizcore.detr import masks
from vizcore.models.detr import load_detr
from vizcore.models.detr_masks import load_mask_head

ROOT = """const root = [...document.querySelectorAll("*")].map((element) => element.shadowRoot)
    .find((found) => found?.querySelector(".detr"));"""
READ = f"""() => {{
    {ROOT}
    const boxes = [...root.querySelectorAll(".stage .boxes > .box")].map((box) => {{
        const body = box.querySelector(".body");
        const [x, y, w, h] = ["x", "y", "width", "height"].map((name) => Number(body.getAttribute(name)));
        return [box.dataset.id, [x, y, x + w, y + h]];
    }});
    const total = (name) => Number(root.querySelector(`[data-total=${{name}}]`).dataset.value);
    return {{
        boxes: Object.fromEntries(boxes), pairs: root.querySelector(".detr").dataset.pairs,
        cells: [...root.querySelectorAll("[data-cell]")].map((cell) => cell.textContent),
        optimal: total("optimal"), greedy: total("greedy"),
    }};
}}"""


@pytest.fixture
def open_detr(app_url, page):
    def go(query: str) -> Page:
        page.goto(f"{app_url}/detr?lang=en&{query}")
        settled(page)
        page.wait_for_selector(".detr[data-ready]", timeout=90_000)
        return page

    return go


def rows_of(preset: str) -> tuple[list, list]:
    return detr.preset_rows(preset, side=state.SIDE)


def written(rows: list) -> str:
    return "_".join(",".join(f"{value:g}" for value in row) for row in rows)


def same_as_torch(page: Page, preset: str) -> dict:
    """Compares what is on the screen with the matching of the boxes that are on the screen."""
    seen = page.evaluate(READ)
    queries, objects = rows_of(preset)
    queries = [[*seen["boxes"][f"q{index}"], *row[4:]] for index, row in enumerate(queries)]
    objects = [[*seen["boxes"][f"t{index}"], row[4]] for index, row in enumerate(objects)]
    summary = detr.summarise_rows(queries, objects, side=state.SIDE)
    pairs = zip(summary.trace.queries, summary.trace.targets, strict=True)
    assert seen["pairs"] == " ".join(f"{query}{state.letter(target)}" for query, target in pairs)
    assert seen["optimal"] == pytest.approx(summary.trace.total, abs=1e-6)
    assert seen["greedy"] == pytest.approx(summary.greedy.total, abs=1e-6)
    assert seen["cells"] == [f"{value:.2f}".replace("-", "−") for value in summary.trace.cost.ravel()]
    return seen


def test_a_drag_flips_the_pairs_in_silence_with_torchs_costs(open_detr, page) -> None:
    traffic = Traffic()
    traffic.watch(page)
    queries, objects = rows_of("flip")
    open_detr(f"tour=0&beside=greedy&queries={written(queries)}&objects={written(objects)}")
    assert same_as_torch(page, "flip")["pairs"] == "0A 1B"
    world = page.locator(".detr svg.world").bounding_box()
    assert world is not None
    unit = world["width"] / state.SIDE
    at = lambda x, y: (world["x"] + x * unit, world["y"] + y * unit)  # noqa: E731
    page.mouse.move(*at(203, 214))  # within query 0 alone, at its left edge
    page.mouse.down()
    sent = len(traffic.sent)
    found = []
    for x in (207, 215, 239, 275):
        page.mouse.move(*at(x, 214))
        page.evaluate(TWO_FRAMES)
        found.append(same_as_torch(page, "flip")["pairs"])
    assert found[0] == "0A 1B"
    assert found[-1] == "0B 1A"
    assert len(traffic.sent) == sent  # a drag tells nobody
    page.mouse.up()
    page.wait_for_function("() => location.search.includes('queries=272,')")
    same_as_torch(page, "flip")


def test_a_matching_is_stepped_and_a_cell_says_its_parts(open_detr, page) -> None:
    queries, objects = rows_of("greedy")
    open_detr(f"tour=0&stepped=1&step=2&queries={written(queries)}&objects={written(objects)}")
    step = page.locator(".detr .step")
    expect(step).to_contain_text("Query 1 wants object A, but query 0 has it.")
    assert page.evaluate(READ)["pairs"] == "0A"
    page.keyboard.press("ArrowRight")
    expect(step).to_contain_text("1 → A, 0 → B")
    assert page.evaluate(READ)["pairs"] == "0B 1A"
    page.locator('[data-cell="0/0"]').focus()
    page.keyboard.press("ArrowDown")
    summary = detr.summarise_rows(queries, objects, side=state.SIDE)
    expect(page.locator(".detr .cell-line")).to_contain_text(f"GIoU {summary.giou_part[1, 0]:.2f}".replace("-", "−"))


def test_what_nms_would_remove_is_crossed_out(open_detr, page) -> None:
    """Two circles nearly on one another: query 1 is less sure and goes; its box is crossed out corner to corner."""
    queries, _objects = rows_of("overlapping")
    link = "&".join(
        f"{name}={written(rows)}" for name, rows in zip(("queries", "objects"), rows_of("overlapping"), strict=True)
    )
    open_detr(f"{link}&beside=nms&tour=0")
    x1, y1, x2, y2 = (f"{value:g}" for value in queries[1][:4])
    marks = page.locator(".detr .layer .removed")
    expect(marks).to_have_count(1)
    assert marks.get_attribute("d") == f"M{x1} {y1}L{x2} {y2}M{x2} {y1}L{x1} {y2}"
    open_detr(f"{link}&tour=0")
    expect(page.locator(".detr .layer .removed")).to_have_count(0)


def test_what_a_query_says_is_changed_by_hand(open_detr, page) -> None:
    queries, objects = rows_of("duplicates")
    open_detr(f"tour=0&queries={written(queries)}&objects={written(objects)}")
    assert page.evaluate(READ)["pairs"] == "0A 2B"
    page.locator('.detr .box[data-id="q0"]').focus()
    page.keyboard.press("Enter")
    page.locator('.detr .box[data-id="q0"]').click(position={"x": 3, "y": 3}, force=True)
    slider = page.locator('.detr input[data-class="0"]')
    slider.focus()
    page.keyboard.press("Home")  # query 0 is no circle any more: query 1 gets the object
    expect(page.locator('.detr[data-pairs="1A 2B"]')).to_be_attached()
    page.wait_for_function("() => location.search.includes('queries=112,192,272,320,0,2,4_')")


ASKED = ".detr-attention[data-ready]"


def click_place(page: Page, x: float, y: float) -> None:
    """Clicks a place of the picture, pixels of the photo."""
    world = page.locator(".detr-attention svg.world").bounding_box()
    assert world is not None
    unit = world["width"] / state.SIDE
    page.mouse.click(world["x"] + x * unit, world["y"] + y * unit)


def test_a_place_is_asked_by_a_click_and_by_hovering_in_silence(app_url, page) -> None:
    traffic = Traffic()
    traffic.watch(page)
    trace = detr.trace_detr(load_detr(), draw_scene("validation", 2).pixels)
    side = trace.cell * detr.pack_trace(trace).looking  # of the tokens that share a row

    def asked(x: float, y: float) -> Locator:
        looker = int(y // side) * -(-state.SIDE // int(side)) + int(x // side)
        return page.locator(f'{ASKED}[data-asked="{looker}"]')

    at = "tour=0&part=attention&source=scene&scene=2"
    page.goto(f"{app_url}/detr?lang=en&{at}&look=encoder&point=400,400")
    settled(page)
    expect(asked(400, 400)).to_be_attached(timeout=90_000)
    click_place(page, 290, 80)
    page.wait_for_function("() => /point=(289|290|291),(79|80|81)/.test(decodeURIComponent(location.search))")
    settled(page)
    sent = len(traffic.sent)
    world = page.locator(".detr-attention svg.world").bounding_box()
    assert world is not None
    page.mouse.move(world["x"] + world["width"] * 0.2, world["y"] + world["height"] * 0.3)
    expect(asked(0.2 * state.SIDE, 0.3 * state.SIDE)).to_be_attached()
    assert len(traffic.sent) == sent  # hovering tells nobody
    page.locator('.detr-attention [data-layer="0"][data-head="2"]').click()
    page.wait_for_function("() => location.search.includes('head=2') && location.search.includes('layer=0')")


def test_a_box_is_asked_and_its_link_opens_the_same(app_url, page) -> None:
    trace = detr.trace_detr(load_detr(), draw_scene("validation", 2).pixels)
    first, query = trace.found(0.5).tolist()[:2]
    at = f"lang=zh&tour=0&part=attention&source=scene&scene=2&look=decoder&query={first}&layer=3"
    page.goto(f"{app_url}/detr?{at}")
    settled(page)
    expect(page.locator(f'{ASKED}[data-asked="{first}"]')).to_be_attached(timeout=90_000)
    page.locator(".detr-attention svg.world").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => /[?&]query={query}(&|$)/.test(location.search)")
    page.goto(page.url)
    expect(page.locator(f'{ASKED}[data-asked="{query}"]')).to_be_attached(timeout=90_000)


def test_the_keep_threshold_moves_in_silence_and_a_segment_is_a_link(app_url, page) -> None:
    traffic = Traffic()
    traffic.watch(page)
    pixels, network = draw_scene("validation", 2).pixels, load_detr()
    output = detr.run_masks(load_mask_head(), network, detr.trace_detr(network, pixels, attention=False), pixels)

    def merged_at(threshold: float) -> Locator:
        queries = detr.merge_output(output, keep_threshold=threshold).queries.tolist()
        return page.locator(f'.detr-panoptic[data-segments="{" ".join(map(str, queries))}"]')

    page.goto(f"{app_url}/detr?lang=en&tour=0&part=panoptic&source=scene&scene=2")
    settled(page)
    expect(merged_at(0.85)).to_be_attached(timeout=90_000)
    keep = page.locator(".detr-panoptic .keep input")
    keep.scroll_into_view_if_needed()
    settled(page)
    box = keep.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.85 * box["width"], middle)
    page.mouse.down()
    sent = len(traffic.sent)
    for share in (0.6, 0.1, 0.3):
        page.mouse.move(box["x"] + share * box["width"], middle)
        page.wait_for_function(
            "(share) => { const root = [...document.querySelectorAll('*')].map((each) => each.shadowRoot)"
            ".find((found) => found?.querySelector('.detr-panoptic'));"
            " return Math.abs(root.querySelector('.keep input').value - share) < 0.06; }",
            arg=share,
        )
        expect(merged_at(float(keep.input_value()))).to_be_attached()
    assert len(traffic.sent) == sent  # a threshold that moves tells nobody
    threshold = float(keep.input_value())
    page.mouse.up()
    page.wait_for_function(f"() => location.search.includes('keep_threshold={threshold:g}')")
    settled(page)
    merged = detr.merge_output(output, keep_threshold=threshold)
    query = int(merged.queries[merged.areas.argmax()])
    rows, columns = (merged.owner == query).nonzero()
    y, x = int(rows[len(rows) // 2]), int(columns[len(rows) // 2])
    world = page.locator(".detr-panoptic svg.world").bounding_box()
    assert world is not None
    unit = world["width"] / state.SIDE
    sent = len(traffic.sent)
    page.mouse.move(world["x"] + (x + 0.5) * unit, world["y"] + (y + 0.5) * unit)
    expect(page.locator(f'.detr-panoptic[data-probe="{query}"]')).to_be_attached()
    expect(page.locator(".detr-panoptic .said")).to_contain_text(f"query {query},")
    value = masks.enlarge_masks(output)[query, y, x].sigmoid().item()
    expect(page.locator(f'.detr-panoptic [data-query="{query}"] .how')).to_have_text(f"mask {value:.2f}")
    assert len(traffic.sent) == sent  # neither does pointing
    page.mouse.down()
    page.mouse.up()
    page.wait_for_function(f"() => /[?&]query={query}(&|$)/.test(location.search)")
    page.goto(page.url.replace("lang=en", "lang=zh"))
    settled(page)
    expect(merged_at(threshold)).to_be_attached(timeout=90_000)
    expect(page.locator(f'.detr-panoptic [data-query="{query}"][aria-checked="true"]')).to_be_visible()
    expect(page.locator(".detr-panoptic .keep .name")).to_have_text("保留阈值")
    page.locator(f'.detr-panoptic [data-query="{query}"]').focus()
    expect(page.locator('.detr-panoptic[data-mode="mask"]')).to_be_attached()
    keep.press("End")
    page.wait_for_function("() => /keep_threshold=1(&|$)/.test(location.search)")
    page.reload()
    expect(page.locator(".detr-panoptic .said")).to_have_text(
        "没有查询的分数高于 1.00：没有像素属于任何查询。", timeout=90_000
    )
