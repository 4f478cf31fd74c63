// The way through a lesson: back, dots, next, by button, key or clicker; the ring round what to look at; the first movement; progress.

import { html, put, say, stylesheet } from "./dom.js";

const [base, own] = await Promise.all([stylesheet(import.meta.url, "./base.css"), stylesheet(import.meta.url, "./lesson.css")]);

const PLAYS_AFTER = 1200; // ms after the step stands
const TRIES = 40; // looks for a picture that can play, or for what is to be ringed, one each quarter of a second
const STORE = "grad2box.progress"; // concept → {at, of, done}
const FORWARD = new Set(["n", "N", "PageDown"]);
const BACK = new Set(["b", "B", "PageUp"]);

const lessons = (window[Symbol.for("grad2box.lessons")] ??= { current: null, lead: null });

/**
 * @typedef {object} Data what pages/kit/lesson.py sends
 * @property {string} concept
 * @property {number} number of the step, from 1
 * @property {number} count
 * @property {string} opened another whenever a step is opened
 * @property {boolean} plays
 * @property {boolean} answered
 * @property {boolean} tried whether a wrong answer waits for another one
 * @property {string} look_at control, or `piece:mark`
 * @property {string} key_prefix of the page's controls
 * @property {boolean} may_leave whether the laboratory can be opened
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

/** What the reader has done so far, by concept; empty where the browser keeps nothing. */
export function progress() {
  try {
    return JSON.parse(localStorage.getItem(STORE) ?? "{}") ?? {};
  } catch {
    return {};
  }
}

function note(concept, at, of, done) {
  try {
    const all = progress();
    const before = all[concept] ?? {};
    all[concept] = { at: Math.max(at, before.at ?? 0), of, done: Boolean(before.done) || done };
    localStorage.setItem(STORE, JSON.stringify(all));
  } catch {
    // A private window: the lesson works without.
  }
}

const LEADS_FOR = 30_000; // ms at most, while the page is still being drawn; until the reader does something
const HANDS = ["keydown", "pointerdown", "wheel", "touchstart"];

/**
 * Leads the keyboard on where what had the focus is gone, or lies behind what comes next. What is drawn anew meanwhile
 * loses the focus and gets it back, until the reader goes on. Who came by key sees where the keyboard is, a mouse sees no ring.
 *
 * @param {string} selector
 * @param {boolean} show whether it is scrolled to, since it stands below what was read
 */
function focusOn(selector, show = false) {
  lessons.lead?.abort();
  const lead = new AbortController();
  lessons.lead = lead;
  let height = -1;
  let first = true;
  const look = () => {
    const element = /** @type {HTMLElement | null} */ (document.querySelector(selector));
    if (!element) return;
    if (first || document.activeElement === document.body) {
      element.tabIndex = -1;
      element.focus({ preventScroll: true });
      first = false;
    }
    if (show && element.offsetHeight !== height) element.scrollIntoView({ block: "nearest" });
    height = element.offsetHeight;
  };
  look();
  const looking = setInterval(look, 100);
  const timer = setTimeout(() => lead.abort(), LEADS_FOR);
  lead.signal.addEventListener("abort", () => {
    clearInterval(looking);
    clearTimeout(timer);
  });
  for (const hand of HANDS) window.addEventListener(hand, () => lead.abort(), { capture: true, passive: true, signal: lead.signal });
}

class Lesson {
  constructor(root) {
    this.style = html("style");
    this.style.textContent = base + own;
    this.back = html("button", { type: "button", class: "back" });
    this.dots = html("div", { class: "dots", role: "group" });
    this.next = html("button", { type: "button", class: "next" });
    this.where = html("span", { class: "where" });
    this.again = html("button", { type: "button", class: "again" });
    this.said = html("p", { class: "said", role: "status" });
    this.element = html(
      "nav",
      { class: "g2b lesson" },
      this.style,
      html("div", { class: "row" }, this.back, this.dots, this.next),
      html("div", { class: "row low" }, this.where, this.again),
      this.said,
    );
    this.back.addEventListener("click", () => this.go(this.data.number - 1));
    this.next.addEventListener("click", () => this.go(this.data.number === this.data.count ? 0 : this.data.number + 1));
    this.again.addEventListener("click", () => this.go(this.data.number));
    root.append(this.element);
  }

  /** @param {Data} data */
  update(data, send) {
    const opens = this.data?.opened !== data.opened;
    const told = !opens && !this.data.answered && data.answered;
    const missed = !opens && !this.data.tried && data.tried;
    if (this.went && opens) {
      for (const each of [".stMain", ".st-key-lesson_words"]) document.querySelector(each)?.scrollTo({ top: 0 });
      focusOn(".st-key-lesson_words h4");
    }
    if (told || missed) focusOn(".st-key-lesson_verdict", true);
    if (!opens && this.data.tried && !data.tried && !told) focusOn(".st-key-lesson_question");
    if (opens) this.went = false;
    if (opens || told || missed) this.said.textContent = "";
    this.data = data;
    this.send = send;
    lessons.current = this;
    const { text, number, count } = data;
    const last = number === count;
    this.element.classList.toggle("presenter", data.presenter);
    put(this.element, "aria-label", text.tour);
    this.back.textContent = text.back;
    this.back.disabled = number <= 1;
    this.next.textContent = last ? text.end : text.next;
    this.next.classList.toggle("primary", data.answered);
    this.next.disabled = last && !data.may_leave;
    put(this.next, "title", text.keys);
    this.again.textContent = text.again;
    this.where.textContent = `${say(text.step, { step: number, count })} · ${text.left}`;
    if (this.dots.childElementCount !== count)
      this.dots.replaceChildren(
        ...Array.from({ length: count }, (_, index) => {
          const dot = html("button", { type: "button", class: "dot" });
          dot.addEventListener("click", () => this.go(index + 1));
          return dot;
        }),
      );
    for (const [index, dot] of [...this.dots.children].entries()) {
      put(dot, "aria-label", say(text.step, { step: index + 1, count }));
      put(dot, "aria-current", index + 1 === number ? "step" : "false");
    }
    if (opens || told) note(data.concept, number, count, last && data.answered);
    if (opens) {
      clearInterval(this.waiting);
      if (data.plays && !matchMedia("(prefers-reduced-motion: reduce)").matches) this.playSoon();
    }
    this.ring();
  }

  /** By key: a press too many at the end says that it is the end, and leads to the button that goes on. */
  forward() {
    const { number, count, answered, text } = this.data;
    if (number < count) {
      this.go(number + 1);
      return;
    }
    this.said.textContent = answered ? text.done : text.unanswered;
    if (answered) this.next.focus({ preventScroll: true });
    this.said.scrollIntoView({ block: "nearest" });
  }

  go(to) {
    if (to < 0 || to > this.data.count || (to === 0 && !this.data.may_leave)) return;
    this.went = true;
    this.send("go", { to, id: `${Date.now()}.${Math.random()}` });
  }

  /** Asks the pieces on the page to move by themselves, until one of them does. */
  playSoon() {
    let tries = TRIES;
    setTimeout(() => {
      this.waiting = setInterval(() => {
        const heard = !document.dispatchEvent(new CustomEvent("grad2box:play", { cancelable: true }));
        if (heard || --tries === 0) clearInterval(this.waiting);
      }, 250);
    }, PLAYS_AFTER);
  }

  /** Rings what the step's words speak of, as soon as it is there. */
  ring() {
    clearInterval(this.looking);
    const wanted = this.data.look_at;
    if (this.ringed && this.ringedFor !== wanted) this.release();
    if (!wanted) return;
    let tries = TRIES;
    const look = () => {
      const found = find(wanted, this.data.key_prefix);
      if (found && found !== this.ringed) {
        this.release();
        this.ringed = found;
        this.ringedFor = wanted;
        put(found, "data-ringed", "true");
        found.style.outline = "3px solid var(--st-primary-color, var(--g2b-primary))";
        found.style.outlineOffset = "4px";
        found.style.borderRadius ||= "6px";
      }
      if (found || --tries === 0) clearInterval(this.looking);
    };
    this.looking = setInterval(look, 250);
    look();
  }

  release() {
    if (!this.ringed) return;
    this.ringed.removeAttribute("data-ringed");
    this.ringed.style.outline = this.ringed.style.outlineOffset = "";
    this.ringed = null;
  }

  leave() {
    lessons.lead?.abort();
    clearInterval(this.waiting);
    clearInterval(this.looking);
    this.release();
    if (lessons.current === this) lessons.current = null;
  }
}

/**
 * The element of a control, or of a mark inside a piece (which lives in a shadow root).
 *
 * @param {string} wanted
 * @param {string} prefix
 * @returns {HTMLElement | null}
 */
function find(wanted, prefix) {
  const [name, mark] = wanted.split(":");
  const home = /** @type {HTMLElement | null} */ (document.querySelector(`.st-key-${CSS.escape(prefix + name)}`));
  if (!home || mark === undefined) return home;
  const hosts = [home, ...home.querySelectorAll("*")];
  for (const host of hosts) {
    const inside = host.shadowRoot?.querySelector(`[data-mark="${CSS.escape(mark)}"]`);
    if (inside) return /** @type {HTMLElement} */ (inside);
  }
  return null;
}

function isTyping() {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element?.matches?.("input:not([type=range], [type=radio], [type=checkbox]), textarea, select, [contenteditable]") ?? false;
}

if (!lessons.listening) {
  lessons.listening = true;
  document.addEventListener("keydown", (event) => {
    const lesson = lessons.current;
    if (!lesson?.element.isConnected || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping()) return;
    if (document.querySelector("[role=dialog]")) return;
    if (FORWARD.has(event.key)) lesson.forward();
    else if (BACK.has(event.key)) lesson.data.number > 1 && lesson.go(lesson.data.number - 1);
    else return;
    event.preventDefault();
  });
}

export default function (component) {
  const { parentElement: root } = component;
  root.lesson ??= new Lesson(root);
  root.lesson.update(component.data, component.setStateValue);
  return () => root.lesson.leave();
}
