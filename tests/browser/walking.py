"""A seeded walker: does what a reader might do on a page, and holds after each step that the page tells the truth.

What it holds: no error; every control on the screen shows what the link carries; and, from time to time, that a fresh
session opened from the link shows the same numbers. Actions are plain tuples, so that a walk can be replayed; a
failing one is shrunk to its shortest prefix.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, Page, TimeoutError

from tests.browser import controls

Action = tuple[str, ...]

# Buttons that begin long work, leave the page or ask for a file; what they make belongs to the session alone.
LEFT_ALONE = (
    "train",
    "train_decoder",
    "train_hog",
    "run",
    "measure",
    "count",
    "time",
    "to_nms",
    "face_photo",
    "start_",
    "upload",
    "_csv",
    "_json",
)
KEYS = {"slider": ("Home", "End", "ArrowRight", "ArrowLeft", "PageUp"), "number": ("ArrowUp", "ArrowDown")}


@dataclass
class Walk:
    """One walk on one page.

    Attributes:
        concept: the page.
        seed: what the walk is drawn from.
        actions: what was done, in order.
        fault: what went wrong after the last action; empty if nothing did.
    """

    concept: str
    seed: int
    actions: list[Action] = field(default_factory=list)
    fault: str = ""


def walk(
    new_context: Callable[..., BrowserContext], url: str, concept: str, *, seed: int, num_actions: int, every: int = 8
) -> Walk:
    """Walks, and returns what was done and what went wrong.

    Args:
        new_context: makes browser contexts.
        url: of the app.
        concept: the page's name.
        seed: of the walk.
        num_actions: how many actions.
        every: a fresh session is compared after so many actions, and at the end.
    """
    chance = random.Random(f"{concept}/{seed}")
    done = Walk(concept, seed)
    context = new_context()
    page = opened(context, f"{url}/{concept}?lang=en&tour=0")
    for number in range(num_actions):
        action = propose(page, chance)
        done.actions.append(action)
        done.fault = attempt(page, action) or (
            compare(new_context, page) if (number + 1) % every == 0 or number + 1 == num_actions else ""
        )
        if done.fault:
            break
    context.close()
    return done


def shrink(new_context: Callable[..., BrowserContext], url: str, failed: Walk) -> Walk:
    """The shortest prefix of a failed walk that still fails, by replaying."""
    low, high = 1, len(failed.actions)
    best = failed
    while low < high:
        middle = (low + high) // 2
        again = replay(new_context, url, failed.concept, failed.seed, failed.actions[:middle])
        if again.fault:
            best, high = again, middle
        else:
            low = middle + 1
    return best


def replay(
    new_context: Callable[..., BrowserContext], url: str, concept: str, seed: int, actions: list[Action]
) -> Walk:
    """Does the same again."""
    done = Walk(concept, seed)
    context = new_context()
    page = opened(context, f"{url}/{concept}?lang=en&tour=0")
    for action in actions:
        done.actions.append(action)
        done.fault = attempt(page, action)
        if done.fault:
            break
    done.fault = done.fault or compare(new_context, page)
    context.close()
    return done


def opened(context: BrowserContext, address: str) -> Page:
    """A page at rest."""
    page = context.new_page()
    page.goto(address)
    controls.rest(page)
    return page


def propose(page: Page, chance: random.Random) -> Action:
    """Something that a reader could do now."""
    here = [key for key in controls.listed(page) if controls.is_mounted(page, key)]
    buttons = visible_buttons(page)
    popovers = page.locator("[data-testid=stMain] [data-testid=stPopover]").count()
    kinds: list[str] = ["language", "history", "history", "elsewhere", "reload", "key"]
    kinds += ["control"] * 8 if here else []
    kinds += ["button"] * 2 if buttons else []
    kinds += ["popover"] * 3 if popovers else []
    kind = chance.choice(kinds)
    if kind == "control":
        key = chance.choice(here)
        control = controls.listed(page)[key]
        if control["kind"] in KEYS:
            return ("press", key, chance.choice(KEYS[control["kind"]]))
        if control["kind"] in ("radio", "select", "pills") and control.get("options"):
            return ("choose", key, chance.choice(list(control["options"])))
        return ("toggle", key) if control["kind"] == "toggle" else ("leave", key)
    if kind == "button":
        return ("button", chance.choice(buttons))
    if kind == "popover":
        return ("popover", str(chance.randrange(popovers)))
    if kind == "language":
        return ("language", chance.choice(["English", "中文"]))
    if kind == "history":
        return ("history", chance.choice(["back", "forward"]))
    if kind == "key":
        return ("key", chance.choice(["ArrowRight", "ArrowLeft", "Control+z"]))
    return (kind,)


def visible_buttons(page: Page) -> list[str]:
    """Session keys of buttons that change the page's own state."""
    classes = page.locator("[data-testid=stMain] [class*=st-key-]:has(> .stButton)").evaluate_all(
        "all => all.filter(each => each.checkVisibility()).map(each => each.className)"
    )
    keys = [name.removeprefix("st-key-") for each in classes for name in each.split() if name.startswith("st-key-")]
    return [key for key in keys if not any(part in key for part in LEFT_ALONE)]


def attempt(page: Page, action: Action) -> str:
    """Does something, waits until the page rests, and says what is wrong then."""
    try:
        act(page, action)
        controls.rest(page)
    except TimeoutError as error:
        return f"{action}: {str(error)[:300]} {controls.failures(page)}"
    wrong = controls.failures(page) or controls.disagreements(page)
    return f"{action}: {wrong}" if wrong else ""


def act(page: Page, action: Action) -> None:
    """One thing that a reader does."""
    kind = action[0]
    if kind in ("press", "choose", "toggle"):
        key = action[1]
        spot = controls.place(page, key)
        if not controls.is_mounted(page, key):
            return
        if kind == "press":
            spot.locator("input").first.focus()
            page.keyboard.press(action[2])
            if action[2] in KEYS["number"]:
                page.keyboard.press("Enter")
        elif kind == "toggle":
            spot.locator("label").first.click()
        else:
            choose(page, key, action[2])
    elif kind == "button":
        button = page.locator(f".st-key-{action[1]} button").first
        if button.count() and button.is_enabled():
            button.click()
            controls.rest(page)
            if page.get_by_role("dialog").count():  # it lies over everything until it is closed
                page.keyboard.press("Escape")
                page.get_by_role("dialog").wait_for(state="detached")
    elif kind == "popover":
        page.locator("[data-testid=stMain] [data-testid=stPopover] button").nth(int(action[1])).click()
    elif kind == "language":
        sidebar = page.locator(".st-key-lang").get_by_text(action[1], exact=True)
        if sidebar.is_visible():
            sidebar.click()
    elif kind == "history":
        go = {"back": page.go_back, "forward": page.go_forward}[action[1]]
        if page.evaluate(f"navigation.canGo{action[1].title()}"):  # beyond where the walk began is another site
            go(wait_until="commit")
    elif kind == "elsewhere":
        elsewhere(page)
    elif kind == "reload":
        page.reload()
    elif kind == "key":
        page.evaluate("document.activeElement?.blur()")
        page.keyboard.press(action[1])


def choose(page: Page, key: str, value: str) -> None:
    """Takes one of a control's options, by its value."""
    control = controls.listed(page)[key]
    words = controls.plain(control["options"].get(value, ""))
    spot = controls.place(page, key)
    if control["kind"] == "select":
        spot.locator("input").first.click()
        option = page.get_by_role("option", name=words, exact=True).first
        if option.count():
            option.click()
        else:
            page.keyboard.press("Escape")
        return
    offered = spot.locator("label[data-testid=stRadioOption]" if control["kind"] == "radio" else "button")
    for index, text in enumerate(offered.all_inner_texts()):
        if controls.plain(text) == words and offered.nth(index).is_enabled():
            offered.nth(index).click()
            return


def elsewhere(page: Page) -> None:
    """To another page of the sidebar, and back by its link there."""
    here = page.url.split("?")[0].rsplit("/", 1)[1]
    links = page.locator("[data-testid=stSidebarNav] a")
    other = links.filter(has_not=page.locator(f"[href$='/{here}']")).first
    if not other.is_visible():
        return
    other.click()
    controls.rest(page)
    page.locator(f"[data-testid=stSidebarNav] a[href*='/{here}']").first.click()


def compare(new_context: Callable[..., BrowserContext], page: Page) -> str:
    """Whether a fresh session opened from the link shows the same numbers."""
    link = controls.link_of(page)
    if link.get("photo") in ("own", "session"):
        return ""  # a photo of this session stays in it
    context = new_context()
    fresh = opened(context, page.url)
    here, there = controls.numbers(page), controls.numbers(fresh)
    wrong = controls.failures(fresh) or controls.disagreements(fresh)
    context.close()
    if wrong:
        return f"a fresh session at {page.url}: {wrong}"
    if here != there:
        apart = next((i for i, pair in enumerate(zip(here, there, strict=False)) if pair[0] != pair[1]), -1)
        near = slice(max(0, apart - 3), apart + 4)
        return f"a fresh session shows other numbers at {page.url}: {here[near]} {there[near]}"
    return ""
