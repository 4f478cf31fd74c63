// The transport: first, back, play, forward, last, a scrubber and a speed over a recorded run.
//
// A step is an index into a trace that is all here already: stepping back shows exactly the earlier state, and no press waits for
// the server or gets lost. Python hears the step once it has come to rest.

import { parseJson } from "./bytes.js";
import { html, icon, iconButton, put, say, stylesheet } from "./dom.js";
import { live } from "./live.js";
import { restarts, stepWithin } from "./steps.js";

const [base, own] = await Promise.all([stylesheet(import.meta.url, "./base.css"), stylesheet(import.meta.url, "./stepper.css")]);

const REPORT_AFTER = 120; // ms without a change
const SPEEDS = [0.5, 1, 2, 5, 10]; // steps a second
const LONG = 60; // offered as well where a run is so long that the page asks for it
const CALM = 1; // steps a second at most for those who asked for less motion
const BUTTONS = ["first", "back", "play", "forward", "last"];

// Pieces are served under one address per component, so this module may be loaded more than once; who answers the keys is one
// question per document.
const conductor = (window[Symbol.for("grad2box.transports")] ??= { all: new Set(), last: null });

/**
 * @typedef {object} StepSpec what `step_spec` in pages/kit/stepper.py sends
 * @property {number} numSteps
 * @property {number} [step]
 * @property {unknown} [version]
 * @property {number} [speed]
 * @property {Record<string, string>} [text]
 * @property {string[]} [captions]
 * @property {number[]} [counts] the number by which each position is called, where it is not its own
 * @property {boolean} [presenter]
 * @property {number} [most] the last step that can be gone to while a question about what follows stands
 */

export class Transport {
  /**
   * @param {import("./live.js").Channel | null} channel what sends state to Python
   * @param {{name?: string}} options the state's name
   */
  constructor(channel = null, { name = "step" } = {}) {
    this.channel = channel;
    this.name = name;
    this.step = 0;
    this.numSteps = 1;
    this.playing = false;
    this.speed = 2;
    this.onStep = null;
    /** @type {Record<string, () => void>} what keys with Shift do, where a piece gives them a meaning */
    this.shifted = {};
    this.spec = {};
    this.build();
    conductor.all.add(this);
  }

  /** Takes {numSteps, step, version, text, captions, presenter, speed}; the step only at first and when version changes. */
  update(spec) {
    const restart = restarts(this.spec, spec);
    if (spec.speed === LONG) this.offerSpeed(LONG);
    if (spec.speed !== this.spec.speed && [...SPEEDS, LONG].includes(spec.speed)) this.speed = spec.speed;
    this.spec = spec;
    this.numSteps = Math.max(1, spec.numSteps);
    this.element.classList.toggle("presenter", Boolean(spec.presenter));
    this.writeText();
    if (restart) {
      this.pause();
      clearTimeout(this.report);
      this.step = this.within(spec.step ?? 0);
    }
    this.show();
  }

  /** Goes to a step; tells Python once it rests there. */
  go(step) {
    const next = this.within(step);
    if (next === this.step) return;
    this.step = next;
    this.show();
    clearTimeout(this.report);
    if (!this.playing) this.report = setTimeout(() => this.tell(), REPORT_AFTER);
  }

  play() {
    if (this.playing || this.numSteps < 2 || this.held) return;
    if (this.step === this.last) this.go(0);
    clearTimeout(this.report);
    this.playing = true;
    this.due = performance.now() + 1000 / this.pace;
    this.frame = requestAnimationFrame((now) => this.tick(now));
    this.show();
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    cancelAnimationFrame(this.frame);
    this.show();
    this.tell();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Says the present step in words, where the words are made by the page component. */
  caption(words) {
    if (this.words.textContent === words) return;
    this.words.textContent = words;
    put(this.words, "aria-live", this.playing ? "off" : "polite");
    this.describe(words);
  }

  destroy() {
    this.playing = false;
    cancelAnimationFrame(this.frame);
    clearTimeout(this.report);
    conductor.all.delete(this);
    if (conductor.last === this) conductor.last = null;
  }

  // ---- inside -----------------------------------------------------------------------------------------------------------

  offerSpeed(speed) {
    if ([...this.pick.options].some((option) => option.value === String(speed))) return;
    this.pick.append(html("option", { value: speed }, `${speed}×`));
  }

  get pace() {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    return calm ? Math.min(this.speed, CALM) : this.speed;
  }

  within(step) {
    const within = stepWithin(step, this.numSteps);
    return this.spec.most === undefined || this.spec.most === null ? within : Math.min(within, this.spec.most);
  }

  /** Whether nothing can be played because what follows is asked for. */
  get held() {
    return this.last < this.numSteps - 1 && this.step === this.last;
  }

  get last() {
    return this.within(this.numSteps - 1);
  }

  tick(now) {
    if (!this.playing) return;
    if (now >= this.due) {
      this.due = Math.max(this.due + 1000 / this.pace, now);
      this.go(this.step + 1);
      if (this.step === this.last) {
        this.pause();
        return;
      }
    }
    this.frame = requestAnimationFrame((next) => this.tick(next));
  }

  tell() {
    clearTimeout(this.report);
    this.channel?.set({ [this.name]: { step: this.step, version: this.spec.version ?? null } });
  }

  build() {
    const style = html("style");
    style.textContent = base + own;
    this.buttons = Object.fromEntries(BUTTONS.map((name) => [name, iconButton(name, "")]));
    this.icons = { play: icon("play"), pause: icon("pause") };
    this.range = html("input", { type: "range", min: "0", step: "1", value: "0", class: "scrubber" });
    this.count = html("output", { class: "count", "aria-hidden": "true" });
    this.pick = html("select", { class: "speed" });
    for (const speed of SPEEDS) this.offerSpeed(speed);
    this.words = html("p", { class: "caption", "aria-live": "polite" });
    this.element = html(
      "div",
      { class: "g2b transport", role: "group" },
      style,
      html("div", { class: "controls" }, ...Object.values(this.buttons), this.range, this.count, this.pick),
      this.words,
    );
    const actions = {
      first: () => this.leap(0),
      back: () => this.leap(this.step - 1),
      play: () => this.toggle(),
      forward: () => this.leap(this.step + 1),
      last: () => this.leap(this.numSteps - 1),
    };
    for (const name of BUTTONS) this.buttons[name].addEventListener("click", actions[name]);
    this.range.addEventListener("input", () => this.leap(this.range.value));
    this.pick.addEventListener("change", () => {
      this.speed = Number(this.pick.value);
      this.due = performance.now() + 1000 / this.pace;
    });
    for (const kind of ["pointerdown", "focusin"]) this.element.addEventListener(kind, () => (conductor.last = this));
  }

  /** A step asked for by hand ends the playing. */
  leap(step) {
    this.pause();
    this.go(step);
  }

  writeText() {
    const { text = {} } = this.spec;
    put(this.element, "aria-label", text.stepper ?? "");
    for (const name of BUTTONS) {
      const label = text[name === "play" && this.playing ? "pause" : name] ?? "";
      put(this.buttons[name], "aria-label", label);
      put(this.buttons[name], "title", label);
    }
    put(this.range, "aria-label", text.position ?? "");
    put(this.pick, "aria-label", text.speed ?? "");
    put(this.pick, "title", text.speed ?? "");
    put(this.range, "max", this.numSteps - 1);
    this.pick.value = String(this.speed);
  }

  show() {
    const { text = {}, captions } = this.spec;
    const [atStart, atEnd] = [this.step === 0, this.step === this.last];
    for (const name of ["first", "back"]) put(this.buttons[name], "aria-disabled", atStart);
    for (const name of ["forward", "last"]) put(this.buttons[name], "aria-disabled", atEnd);
    put(this.buttons.play, "aria-disabled", this.numSteps < 2 || this.held);
    const playing = this.playing ? "pause" : "play";
    if (this.buttons.play.dataset.icon !== playing || !this.buttons.play.firstChild) {
      this.buttons.play.dataset.icon = playing;
      this.buttons.play.replaceChildren(this.icons[playing]);
    }
    put(this.buttons.play, "aria-label", text[playing] ?? "");
    put(this.buttons.play, "title", text[playing] ?? "");
    this.range.value = String(this.step);
    this.range.style.setProperty("--done", `${(100 * this.step) / Math.max(1, this.numSteps - 1)}%`);
    this.count.textContent = `${this.called(this.step)} / ${this.called(this.numSteps - 1)}`;
    this.element.dataset.step = String(this.step);
    this.describe(this.words.textContent);
    if (captions) this.caption(captions[this.step] ?? "");
    this.onStep?.(this.step, { playing: this.playing });
  }

  /** The number by which a position is called. */
  called(position) {
    return this.spec.counts?.[position] ?? position;
  }

  describe(words) {
    const position = say(this.spec.text?.step_of, { step: this.called(this.step), last: this.called(this.numSteps - 1) });
    put(this.range, "aria-valuetext", [position, words].filter(Boolean).join(" "));
  }
}

// ---- keys -----------------------------------------------------------------------------------------------------------------

const KEYS = {
  ArrowLeft: (transport) => transport.leap(transport.step - 1),
  ArrowRight: (transport) => transport.leap(transport.step + 1),
  Home: (transport) => transport.leap(0),
  End: (transport) => transport.leap(transport.numSteps - 1),
  " ": (transport) => transport.toggle(),
};
const KEYABLE_ROLES = new Set(
  "application combobox grid gridcell listbox menu menuitem option radio radiogroup scrollbar searchbox slider spinbutton tab tablist textbox tree treeitem".split(
    " ",
  ),
);
const KEYABLE_TAGS = new Set(["INPUT", "TEXTAREA", "SELECT", "IFRAME", "VIDEO", "AUDIO", "CANVAS"]);

function focused() {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element;
}

/** Whether the focused element has its own use for a key. */
function wants(element, key) {
  if (!element || element === document.body) return false;
  if (key === " " && (element.matches("button, a, summary, [role=button], [role=checkbox], [role=switch]") || element.isContentEditable))
    return true;
  if (element.isContentEditable || KEYABLE_TAGS.has(element.tagName)) return true;
  return (
    KEYABLE_ROLES.has(element.getAttribute("role")) ||
    Boolean(element.closest?.("[role=application], [role=radiogroup], [role=tablist], [role=menu]"))
  );
}

/** The transport that keys without a focus go to: the one touched last, else the one highest on the page. */
function answering() {
  const present = [...conductor.all].filter(
    (transport) => transport.element.isConnected && (transport.element.checkVisibility?.() ?? true),
  );
  if (present.includes(conductor.last)) return conductor.last;
  const top = (transport) => transport.element.getBoundingClientRect().top;
  return present.sort((a, b) => top(a) - top(b))[0];
}

function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS || event.shiftKey)) return;
  const element = focused();
  const owner = [...conductor.all].find((transport) => transport.element.contains(element));
  if (owner) {
    // Inside the transport only the speed list and a focused button's space keep their own meaning.
    if (element === owner.pick || (event.key === " " && element.tagName === "BUTTON")) return;
  } else if (wants(element, event.key)) return;
  const transport = owner ?? answering();
  const act = event.shiftKey ? transport?.shifted[event.key] : () => KEYS[event.key](transport);
  if (!transport || !act) return;
  event.preventDefault();
  act();
}

/** A lesson's first step moves by itself: see lesson.js. */
function onPlay(event) {
  const transport = answering();
  if (!transport || transport.numSteps < 2) return;
  event.preventDefault();
  if (transport.step === 0) transport.play();
}

if (!conductor.listening) {
  conductor.listening = true;
  document.addEventListener("keydown", onKey);
  document.addEventListener("grad2box:play", onPlay);
}

/**
 * @typedef {object} Data what pages/kit/stepper.py sends
 * @property {StepSpec} stepper
 * @property {Uint8Array} [payload] `captions`, as JSON
 * @property {boolean} presenter
 */

class StepperView {
  constructor(channel) {
    this.transport = new Transport(channel);
    this.element = html("div", { class: "stepper" }, this.transport.element);
  }

  /** @param {Data} data */
  update(data) {
    if (data.payload !== this.bytes) {
      this.bytes = data.payload;
      this.captions = data.payload ? parseJson(data.payload).captions : undefined;
    }
    this.transport.update({ ...data.stepper, captions: this.captions, presenter: data.presenter });
  }

  destroy() {
    this.transport.destroy();
  }
}

export default (component) => live(component, (channel) => new StepperView(channel));
