"""Seeded random walks over every page; many more of them in ``make bench``."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser import controls
from tests.browser.conftest import ROOT, idle
from tests.browser.walking import shrink, walk

CONCEPTS = sorted(path.parent.name for path in (ROOT / "pages").glob("*/page.py"))
NUM_ACTIONS = int(os.environ.get("WALK_ACTIONS", "8"))
SEEDS = range(int(os.environ.get("WALK_SEEDS", "1")))


def test_a_page_rests_only_when_what_comes_late_is_drawn(page: Page, app_url: str) -> None:
    held: list[Route] = []
    page.route("**/static/js/Metric*.js", lambda route: held.append(route))
    page.goto(f"{app_url}/iou_losses?tour=0&view=landscape&lang=en")
    idle(page)
    expect(page.locator("[data-testid=stSkeleton]")).to_have_count(1)
    assert not page.evaluate(controls.AT_REST)
    held.pop().continue_()
    controls.rest(page)
    assert page.locator("[data-testid=stMetricValue]").count() == 1


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("concept", [concept for concept in CONCEPTS if concept not in ("class_room", "home", "kit")])
def test_controls_link_and_numbers_stay_one(
    new_context: Callable[..., BrowserContext], app_url: str, concept: str, seed: int
) -> None:
    done = walk(new_context, app_url, concept, seed=seed, num_actions=NUM_ACTIONS)
    if done.fault:
        shortest = shrink(new_context, app_url, done)
        pytest.fail(f"{concept}, seed {seed}, after {shortest.actions}: {shortest.fault or done.fault}")
