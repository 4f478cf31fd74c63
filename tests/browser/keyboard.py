"""A reader without a mouse: where the keyboard is, whether that can be seen, and how to get elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page

MOST_STOPS = 200  # of one round over a page, its menu included
MOST_COLUMNS = 30  # of a table

# The element that has the keyboard, inside our pieces too; what stands above it; and whether something shows that it is
# there: an outline, the shadow of Streamlit's fields, or the looks that a stage gives its handles. "moved" is since the
# last look.
_FOCUS = """() => {
  let element = document.activeElement;
  while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  const above = (node) => node.parentElement ?? node.getRootNode().host ?? null;
  const drawn = (node) => {
    const style = getComputedStyle(node);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  };
  const path = [];
  for (let node = element; node; node = above(node)) path.push(node);
  // A table is a canvas: its cells have the keyboard, and where they are drawn nobody can ask. The table shows it.
  const table = element.closest('[data-testid="stDataFrame"]');
  const box = (table ?? element).getBoundingClientRect();
  const within = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const looks = element.matches(".handle") || [...path.slice(0, 4), ...element.children, table ?? element].some(drawn);
  const moved = window.grad2boxStop !== element;
  window.grad2boxStop = element;
  const name = element.getAttribute("aria-label") ?? element.textContent.trim().slice(0, 40);
  return {
    lost: element === document.body || element === document.documentElement,
    seen: within && looks && element.matches(":focus-visible"),
    moved,
    classes: path.flatMap((node) => [...node.classList]),
    said: `${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""} “${name}”`,
  };
}"""


@dataclass(frozen=True)
class Stop:
    """Where the keyboard is.

    Attributes:
        lost: nowhere: on the document itself.
        seen: whether it can be seen.
        moved: whether it was elsewhere when it was last looked for.
        classes: of the element and of all that it stands in.
        said: what it is, for whoever reads why a test failed.
    """

    lost: bool
    seen: bool
    moved: bool
    classes: list[str]
    said: str


def stop_of(page: Page) -> Stop:
    """Where the keyboard is now."""
    return Stop(**page.evaluate(_FOCUS))


def press(page: Page, key: str, at: Stop | None = None) -> Stop:
    """Presses a key that moves the keyboard on, and sees that it moved to where it can be seen.

    Args:
        page: the page.
        key: ``Tab``, or ``Shift+Tab``.
        at: where the keyboard was, if that is known: an editor writes a Tab until Escape has freed it.
    """
    if at is not None and "ace_text-input" in at.classes:
        assert "Esc" in at.said, f"nothing says how to leave {at.said}"
        page.keyboard.press("Escape")
    page.keyboard.press(key)
    stop = stop_of(page)
    for _ in range(MOST_COLUMNS):
        if stop.moved or "stDataFrameGlideDataEditor" not in stop.classes:
            break
        page.keyboard.press(key)  # within a table the keyboard goes from cell to cell, and out at the end of a row
        stop = stop_of(page)
    assert stop.moved or stop.lost, f"{key} leads nowhere from {stop.said}"
    assert stop.seen or stop.lost, f"nothing shows that the keyboard is on {stop.said}"
    return stop


def go_to(page: Page, place: str, *, key: str = "Tab", inside: str = "") -> Stop:
    """Presses Tab until the keyboard is on a place.

    Args:
        page: the page.
        place: a class of the element, or of something that it stands in.
        key: ``Tab``, or ``Shift+Tab`` for the way back.
        inside: a further such class, if one does not tell.
    """
    seen, stop = [], stop_of(page)
    for _ in range(MOST_STOPS):
        stop = press(page, key, stop)
        if place in stop.classes and (not inside or inside in stop.classes):
            return stop
        seen.append(stop.said)
    raise AssertionError(f"{key} does not lead to {place}: {seen[:60]}")


def go_round(page: Page, place: str) -> None:
    """Presses Tab to the end of the page; on the way it comes by a place, and nothing holds it."""
    met, stop = False, stop_of(page)
    for _ in range(MOST_STOPS):
        stop = press(page, "Tab", stop)
        met |= place in stop.classes
        if stop.lost or (met and "stMain" not in stop.classes):
            break
    else:
        raise AssertionError("Tab does not come to the end of the page")
    assert met, f"Tab does not come by {place}"


def await_stop(page: Page, place: str) -> None:
    """Waits until the page itself has led the keyboard to a place, or to something in it, and sees that it shows."""
    page.wait_for_function(f"place => ({_FOCUS})().classes.includes(place)", arg=place)
    stop = stop_of(page)
    assert stop.seen, f"nothing shows that the keyboard is on {stop.said}"
