// Keeps the address bar equal to what the page shows, and copies it.
//
// Back and Forward go through the states that the reader made: the first change that comes of a movement of the hand adds an entry to
// the history, and what else comes of it (the ticks of a slider, a step on the way) replaces that, however late the server answers.
// Python takes no address over that it wrote itself, since the address lags behind while a slider moves; so what Back or Forward brings
// is told to it as a `visit`.

const SETTLED_AFTER = 800; // ms in which the hand does nothing: what it does then is another movement
const HAND = ["keydown", "pointerdown", "pointermove", "click", "input"];
const PHONE = 768; // px, below which Streamlit's sidebar lies over the page
const MOUNTED_WITHIN = 3000; // ms after which a popover counts as empty
const awaited = new WeakSet(); // buttons of popovers whose contents were waited for
const PATIENCE = 10_000; // ms after which a visit counts as lost

// One for the document, whatever component address this module was loaded under.
window[Symbol.for("grad2box.popovers")] ??= document.addEventListener("keydown", intoPopover, true) ?? true;
const past = (window[Symbol.for("grad2box.history")] ??= listen());

/**
 * Tab leads from a popover's button into what it opened, and from its end back to the button: Streamlit draws it at the end of the
 * document, behind everything else.
 *
 * @param {KeyboardEvent} event
 */
function intoPopover(event) {
  if (event.key !== "Tab") return;
  const button = /** @type {HTMLElement | null} */ (document.querySelector("[data-testid=stPopoverButton][aria-expanded=true]"));
  const body = document.querySelector("[data-testid=stPopoverBody]");
  const at = document.activeElement;
  if (!button || (at !== button && !body?.contains(at))) return;
  const stops = stopsIn(body);
  if (at === button && !event.shiftKey && !stops.length && !awaited.has(button)) {
    event.preventDefault();
    awaited.add(button); // one without anything to stop at lets the next Tab pass
    enter(button, performance.now() + MOUNTED_WITHIN);
    return;
  }
  const edge = stops.at(event.shiftKey ? 0 : -1);
  const to = at === button ? (event.shiftKey ? null : stops[0]) : at === edge ? button : null;
  if (!to) return;
  event.preventDefault();
  to.focus();
}

/** Goes into a popover as soon as there is something in it: what it opens comes a moment later. */
function enter(button, until) {
  if (document.activeElement !== button || performance.now() > until) return;
  const [first] = stopsIn(document.querySelector("[data-testid=stPopoverBody]"));
  if (!first) {
    requestAnimationFrame(() => enter(button, until));
    return;
  }
  awaited.delete(button);
  first.focus();
}

/** @param {Element | null} body @returns {HTMLElement[]} what the keyboard stops at */
function stopsIn(body) {
  const found = /** @type {HTMLElement[]} */ ([...(body?.querySelectorAll("a[href], button, input, textarea, select, [tabindex]") ?? [])]);
  return found.filter((each) => each.tabIndex >= 0 && !each.matches(":disabled") && each.checkVisibility());
}

function listen() {
  const state = { path: null, search: null, movement: 0, written: 0, handAt: -Infinity, visit: null, offered: null, component: null };
  state.patience = PATIENCE;
  window.addEventListener("popstate", () => {
    if (location.pathname !== state.path || location.search === state.search) return; // another page, or an anchor on this one
    if (!state.component?.parentElement.isConnected) return; // the page that comes reads its address itself
    const visit = { id: `${Date.now()}.${Math.random()}`, query: location.search };
    state.visit = visit;
    state.component.setStateValue("visit", visit);
    setTimeout(() => giveUp(state, visit), state.patience);
  });
  for (const name of HAND) window.addEventListener(name, (event) => moved(state, event), { capture: true, passive: true });
  return state;
}

/** A visit that was never answered must not keep the address from saying what the page shows. */
function giveUp(state, visit) {
  if (state.visit !== visit) return;
  state.visit = null;
  if (state.component.parentElement.isConnected && location.pathname === state.path) write(state.offered, null);
}

/** Counts the movements of the hand. */
function moved(state, event) {
  if (event.type === "pointermove" && !event.buttons) return;
  const now = performance.now();
  const goesOn = event.type === "pointermove" || event.repeat; // a drag, or a key that is held
  if (!goesOn && now - state.handAt > SETTLED_AFTER) state.movement += 1;
  state.handAt = now;
}

/** Writes the page's link into the address bar: as a new entry, or in place of the present one. */
function write(query, visit) {
  const search = `?${query}`;
  past.offered = query;
  if (past.visit && past.visit.id !== visit) return; // a run from before the visit: its link belongs to another entry
  const samePage = past.path === location.pathname;
  const changed = past.search !== search;
  if (location.search !== search) {
    const isNews = samePage && changed && !past.visit && past.movement !== past.written;
    if (isNews) history.pushState(history.state, "", location.pathname + search);
    else history.replaceState(history.state, "", location.pathname + search);
  }
  if (!samePage || past.visit) past.handAt = -Infinity; // what brought the reader here is over
  if (!samePage || past.visit || changed) past.written = past.movement;
  if (!samePage && past.path !== null) closeSidebarOnPhones();
  past.visit = null;
  past.path = location.pathname;
  past.search = search;
  document.dispatchEvent(new CustomEvent("grad2box:address"));
}

function closeSidebarOnPhones() {
  if (window.innerWidth >= PHONE) return;
  const open = "[data-testid=stSidebar][data-collapsed=false] [data-testid=stSidebarCollapseButton] button";
  /** @type {HTMLElement | null} */ (document.querySelector(open))?.click();
}

export default function (component) {
  const { parentElement: root, data } = component;
  let button = root.querySelector("button");
  if (!button) {
    const box = document.createElement("div");
    box.className = "share";
    box.innerHTML = `<button type="button"><svg aria-hidden="true" viewBox="0 0 24 24" width="18" height="18"><path d="M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"/></svg><span class="word" aria-live="polite"></span></button>
      <span class="status" role="status"></span><input class="manual" type="text" readonly hidden>`;
    root.append(box);
    button = root.querySelector("button");
    button.addEventListener("click", () => copy(root));
  }
  root.text = data.text;
  root.querySelector(".word").textContent = data.text.copy;
  root.querySelector(".manual").setAttribute("aria-label", data.text.manual);
  // What the page's controls are and may be: for tests and for tools that drive a page.
  root.querySelector(".share").dataset.controls = JSON.stringify(data.controls);
  root.querySelector(".share").dataset.query = data.query;
  past.component = component;
  write(data.query, data.visit);
  document.documentElement.lang = data.language;
  return () => {};
}

async function copy(root) {
  const word = root.querySelector(".word");
  const status = root.querySelector(".status");
  const manual = root.querySelector(".manual");
  const link = location.href;
  try {
    await navigator.clipboard.writeText(link);
    word.textContent = root.text.copied; // in the button, so that nothing on the page moves
    manual.hidden = true;
    setTimeout(() => (word.textContent = root.text.copy), 2500);
  } catch {
    // Clipboards need a secure origin; a class on http://laptop:8501 gets the text to copy by hand.
    status.textContent = root.text.manual;
    manual.hidden = false;
    manual.value = link;
    manual.focus();
    manual.select();
  }
}
