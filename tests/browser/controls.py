"""Reads and moves the controls of a page in Chromium, whatever the page: it tells itself which there are.

The piece that writes the address carries the page's controls, as they are drawn, and its link. A control's value is
read from what stands on the screen, never from what the server meant.
"""

from __future__ import annotations

import base64
import json
import math
import re
import zlib
from typing import Any
from urllib.parse import parse_qsl

from playwright.sync_api import Locator, Page, TimeoutError

from tests.browser.conftest import SETTLED, settled

# The page has drawn the answer to the last interaction, and its address says the same as its link.
AT_REST = f"""() => {{
  if (!({SETTLED})()) return false;
  const find = (root) => {{
    for (const element of root.querySelectorAll('*')) {{
      if (element.classList?.contains('share')) return element;
      const inside = element.shadowRoot && find(element.shadowRoot);
      if (inside) return inside;
    }}
    return null;
  }};
  const share = find(document);
  return share ? share.dataset.query === location.search.slice(1) : !!document.querySelector('.st-key-failure');
}}"""

# What a page that does not come to rest is about.
_STATE = """() => ({
  script: document.querySelector('[data-testid=stApp]')?.dataset.testScriptState,
  connection: document.querySelector('[data-testid=stApp]')?.dataset.testConnectionState,
  offers: document.querySelector('.share')?.dataset.query,
  skeletons: document.querySelectorAll('[data-testid=stSkeleton]').length,
  title: document.querySelector('h1')?.textContent,
  text: document.body.innerText.slice(-300),
})"""

# All visible text of the page's main part, also inside our own pieces; but a hint or notice is of what was just done.
_TEXT = """() => {
  const out = [];
  const apart = 'style, script, template, .share, [data-volatile], [data-testid=stFileUploader], [data-testid=stAlert]';
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) { out.push(node.textContent); return; }
    if (node.nodeType !== Node.ELEMENT_NODE && node.nodeType !== Node.DOCUMENT_FRAGMENT_NODE) return;
    if (node.matches?.(apart)) return;
    if (node.checkVisibility && !node.checkVisibility()) return;
    if (node.shadowRoot) walk(node.shadowRoot);
    for (const child of node.childNodes) walk(child);
    out.push(' ');
  };
  walk(document.querySelector('[data-testid=stMain]'));
  return out.join('');
}"""
_NUMBER = re.compile(r"(?<![\w.])[-−+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?(?!\s*(?:ms|µs|s\b|秒|毫秒|微秒))(?![\w])")
_PATIENCE = 20  # looks, a quarter of a second apart
_MARKUP = re.compile(r"[*`]|(?<!\w)_|_(?!\w)|:\w+\[|\]")


def rest(page: Page) -> None:
    """Waits until the page stands still: drawn, and its link in the address."""
    try:
        settled(page)
        page.wait_for_function(AT_REST, timeout=90_000)
        page.wait_for_timeout(150)  # a message that is under way starts another run
        page.wait_for_function(AT_REST, timeout=90_000)
    except TimeoutError as error:
        raise TimeoutError(f"no rest at {page.url}: {page.evaluate(_STATE)}") from error


def listed(page: Page) -> dict[str, dict[str, Any]]:
    """The controls that the page says it has drawn, by session key."""
    return json.loads(page.locator(".share").get_attribute("data-controls") or "{}")  # type: ignore[no-any-return]


def link_of(page: Page) -> dict[str, str]:
    """The link that the page offers, by parameter."""
    query = page.locator(".share").get_attribute("data-query") or ""
    return dict(parse_qsl(query, keep_blank_values=True))


def place(page: Page, key: str) -> Locator:
    """Where a control is drawn; a closed popover's is not there."""
    return page.locator(f".st-key-{key}").first


def is_mounted(page: Page, key: str) -> bool:
    """Whether a control is on the screen."""
    return place(page, key).count() > 0 and place(page, key).is_visible()


def shown(page: Page, key: str, control: dict[str, Any]) -> Any:
    """The value that stands on the screen, as the link would say it."""
    spot, kind = place(page, key), control["kind"]
    options = {plain(words): value for value, words in control.get("options", {}).items()}
    if kind == "slider":
        return float(spot.locator("input[type=range]").input_value())
    if kind == "number":
        return float(spot.locator("input").input_value())
    if kind == "toggle":
        return spot.locator("input[type=checkbox]").is_checked()
    if kind == "text":
        return spot.locator("textarea, input").first.input_value()
    if kind == "radio":
        words = spot.locator("label[data-selected=true]").all_inner_texts()
        return [options.get(plain(each), each) for each in words]
    if kind == "select":
        words = plain(spot.locator("input").first.input_value())
        return options.get(words, words) if options else None
    if kind == "pills":
        words = spot.locator("button[aria-pressed=true]").all_inner_texts()
        return [options.get(plain(each), each) for each in words]
    raise AssertionError(kind)


def differs(seen: Any, written: str, control: dict[str, Any]) -> bool:
    """Whether what stands on the screen is another value than the link's."""
    kind = control["kind"]
    if kind in ("slider", "number"):
        return not math.isclose(seen, float(written), rel_tol=1e-9, abs_tol=1e-12)
    if kind == "toggle":
        return bool(seen != (written == "1"))
    if kind == "radio":
        return bool(seen != [written])
    if kind == "select":
        return bool(seen is not None and seen != written)
    if kind == "pills":
        return bool(seen != (written.split(".") if written else []))
    return bool(seen != unpacked(written))


def disagreements(page: Page) -> list[str]:
    """Every visible control that shows another value than the link carries, and goes on showing it.

    Between a click and its answer the two differ: the browser moves first. What is still apart after that is a lie.
    """
    found: list[str] = []
    for _ in range(_PATIENCE):
        found = _apart(page)
        if not found:
            break
        page.wait_for_timeout(250)
        rest(page)
    return found


def _apart(page: Page) -> list[str]:
    written, found = link_of(page), []
    for key, control in listed(page).items():
        name = next((name for name in written if key.endswith(f"_{name}")), None)
        name = max((name for name in written if key.endswith(f"_{name}")), key=len, default=name)
        if name is None:
            found.append(f"{key} is not in the link")
        elif is_mounted(page, key):
            seen = shown(page, key, control)
            if differs(seen, written[name], control):
                found.append(f"{key} shows {seen!r}, the link says {written[name]!r}")
    return found


def failures(page: Page) -> list[str]:
    """Error banners: Streamlit's own, and ours for a page that failed."""
    texts = page.locator("[data-testid=stException], .st-key-failure").all_inner_texts()
    return [text for text in texts if text.strip()]


def numbers(page: Page) -> list[str]:
    """The numbers on the screen, in order, without timings."""
    return _NUMBER.findall(page.evaluate(_TEXT))


def plain(words: str) -> str:
    """Words without Markdown's marks and without double spaces."""
    return " ".join(_MARKUP.sub("", words).split())


def unpacked(written: str) -> str:
    """A text parameter as the reader typed it."""
    if not written.startswith("~"):
        return written
    packed = written[1:]
    return zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))).decode()
