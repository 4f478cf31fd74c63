"""A real network's graph in Chromium: folded, unfolded, walked, coloured."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from vizcore.autograd.networks import trace_network

APP = Path(__file__).parent / "apps" / "network_app.py"


@pytest.fixture
def open_network(serve, page):
    def go(network: str = "resnet18", on: Page | None = None) -> Page:
        shown = on or page
        shown.goto(f"{serve(APP)}/?network={network}")
        shown.wait_for_selector(".network .row", timeout=90_000)
        return shown

    return go


def titles(page: Page) -> list[str]:
    return page.locator(".canvas .title").all_text_contents()


def places(page: Page) -> list[tuple[float, float]]:
    moves = page.locator(".canvas .node").evaluate_all("nodes => nodes.map((node) => node.getAttribute('transform'))")
    return [tuple(float(number) for number in re.findall(r"-?[\d.]+", move)) for move in moves]


def test_a_network_begins_folded_and_a_click_unfolds(open_network) -> None:
    page = open_network()
    whole = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc"]
    assert set(whole) == {title for title in titles(page) if not title.endswith("Backward0")}
    page.locator(".tools button").nth(2).click()
    page.locator(".canvas .node.module", has_text="layer2").click()
    assert {"layer2.0", "layer2.1"} <= set(titles(page))
    assert "layer2" not in titles(page)
    page.locator(".tree [data-path='layer2']").click()  # the list folds it again
    assert "layer2" in titles(page)


def test_a_layer_unfolds_to_torchs_own_nodes(open_network) -> None:
    page = open_network()
    page.locator(".tree [data-path='fc']").click()
    assert {"AddmmBackward0", "fc.weight", "fc.bias"} <= set(titles(page))
    graph = trace_network("resnet18")
    norm = next(node.grad_norm for node in graph.nodes if node.parameter == "fc.weight")
    leaf = page.locator(".canvas .node.leaf", has=page.locator(".title", has_text=re.compile("^fc.weight$")))
    said = float(leaf.get_attribute("aria-label").split("gradient norm ")[1])
    assert said == pytest.approx(norm, rel=1e-3)


@pytest.mark.parametrize("network", ["resnet18", "efficientnet_lite0"])
def test_all_of_it_unfolds_without_overlap_and_flows_down(open_network, network: str) -> None:
    page = open_network(network)
    page.evaluate(
        """() => {
            const roots = [...document.querySelectorAll("*")].map((element) => element.shadowRoot);
            const root = roots.find((candidate) => candidate?.querySelector(".network"));
            for (let left; (left = root.querySelector('.tree [aria-expanded="false"]')); ) left.click();
        }"""
    )
    graph = trace_network(network)
    assert page.locator(".canvas .node").count() == len(graph.nodes)
    at = places(page)
    for y in {y for _, y in at}:
        row = sorted(x for x, other in at if other == y)
        assert all(right - left >= 152 for left, right in pairwise(row))  # 152: a node's width
    page.get_by_role("button", name="Fold everything").click()
    assert page.locator(".canvas .node.module").count() < 20


def test_colour_follows_the_gradient_norm(open_network) -> None:
    page = open_network()
    rows = page.locator(".tree .row").evaluate_all(
        "rows => rows.map((row) => [row.dataset.path, Number(row.style.getPropertyValue('--tint'))])"
    )
    norms = {module.path: module.grad_norm for module in trace_network("resnet18").modules}
    coloured = [(norms[path], tint) for path, tint in rows if norms[path] > 0]
    assert [tint for _, tint in sorted(coloured)] == sorted(tint for _, tint in coloured)
    assert dict(rows)["relu"] == 0


def test_the_keys_walk_and_unfold(open_network) -> None:
    page = open_network()
    page.locator(".canvas .node.module", has_text="maxpool").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".tree [data-path='layer1']")).to_have_attribute("aria-expanded", "true")


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious_and_nothing_overflows(open_network, new_context, dark: bool) -> None:
    page = open_network(on=new_context(width=390, height=844, dark=dark).new_page())
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page, context="[data-testid^=stBidiComponent]").response["violations"]
    serious = [(rule["id"], rule["nodes"][0]["html"]) for rule in found if rule["impact"] in ("serious", "critical")]
    assert not serious
