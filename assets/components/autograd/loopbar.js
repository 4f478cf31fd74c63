// The bar of a program with loops and functions: step into, over and out; and the loop in hand as a curve of its numbers over the
// iterations, along which the position is dragged.

import { html, icon, put, say, svg } from "../shared/dom.js";
import { stop } from "../shared/keys.js";
import { favourite, foldOf, foldsAround, into, iterationsAt, out, over, sparkline, stepOfIteration, valueAt } from "./folds.js";
import { format } from "./matrix.js";

const [WIDTH, HEIGHT] = [1000, 100]; // of the curve, in its own units
const WAYS = { into, over, out };
const KEYS = { ArrowDown: "into", ArrowRight: "over", ArrowUp: "out" };

export class LoopBar {
  /**
   * @param {import("../shared/stepper.js").Transport} transport
   * @param {(line: number, number: number) => void} onOpen asks for an iteration that was not recorded
   */
  constructor(transport, onOpen) {
    this.transport = transport;
    this.onOpen = onOpen;
    this.canOpen = false;
    /** @type {{fold: number, number: number} | null} an iteration inside a gap that is pointed at */
    this.inHand = null;
    /** @type {number | undefined} a loop around the innermost whose curve was asked for */
    this.outer = undefined;
    this.chosen = new Map(); // line of a loop -> name of the series that was chosen
    this.buttons = Object.fromEntries(Object.keys(WAYS).map((name) => [name, this.button(name)]));
    this.crumbs = html("span", { class: "crumbs" });
    this.pick = html("select", { class: "series" });
    this.pick.addEventListener("change", () => this.choose());
    this.says = html("output", { class: "says" });
    this.opener = html("button", { type: "button", class: "open", hidden: true });
    this.opener.addEventListener("click", () => this.open());
    this.curve = svg("path", { class: "curve" });
    this.wholes = svg("path", { class: "wholes" });
    this.bad = svg("path", { class: "bad" });
    this.line = svg("path", { class: "hand" });
    const at = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" };
    this.dot = html("i", { class: "dot" });
    this.track = html(
      "div",
      { class: "track", role: "slider", tabindex: "0", "aria-valuemin": 1 },
      svg("svg", at, this.wholes, this.bad, this.curve, this.line),
      this.dot,
    );
    this.loop = html(
      "div",
      { class: "loop" },
      html("div", { class: "loop-words" }, this.crumbs, this.says, this.opener, this.pick),
      this.track,
    );
    this.element = html(
      "div",
      { class: "loopbar", hidden: true },
      html("div", { class: "ways" }, ...Object.values(this.buttons)),
      this.loop,
    );
    this.listen();
  }

  button(name) {
    const button = html("button", { type: "button", class: "icon-button", "data-icon": name }, icon(name));
    button.addEventListener("click", () => this.go(name));
    return button;
  }

  listen() {
    const { track } = this;
    let held = false;
    const follow = (event) => {
      const { left, width } = track.getBoundingClientRect();
      this.point(1 + ((event.clientX - left) / Math.max(1, width)) * (this.count - 1));
    };
    track.addEventListener("pointerdown", (event) => {
      if (event.button || this.fold === null) return;
      held = true;
      track.setPointerCapture(event.pointerId);
      follow(event);
    });
    track.addEventListener("pointermove", (event) => held && follow(event));
    const letGo = (event) => {
      if (!held) return;
      held = false;
      if (event.type === "pointerup") this.open();
    };
    track.addEventListener("pointerup", letGo);
    track.addEventListener("pointercancel", letGo);
    track.addEventListener("keydown", (event) => this.key(event));
    this.transport.shifted = Object.fromEntries(Object.entries(KEYS).map(([key, name]) => [key, () => this.go(name)]));
  }

  /** Keys on the curve: an iteration, a tenth, an end; Enter opens what was not recorded. */
  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || this.fold === null) return;
    if (event.shiftKey) {
      if (!(event.key in KEYS)) return;
      stop(event);
      return this.go(KEYS[event.key]);
    }
    const here = this.number;
    const far = Math.max(2, Math.round(this.count / 10));
    const goals = { ArrowLeft: here - 1, ArrowDown: here - 1, ArrowRight: here + 1, ArrowUp: here + 1, Home: 1, End: this.count };
    const goal = { ...goals, PageDown: here - far, PageUp: here + far }[event.key];
    if (goal !== undefined) this.point(goal);
    else if (event.key === "Enter" || event.key === " ") this.open();
    else return;
    stop(event);
  }

  /** @param {any} trace @param {Record<string, string>} text @param {boolean} canOpen whether a run with another iteration can be asked for */
  take(trace, text, canOpen) {
    if (trace !== this.trace) {
      this.inHand = null;
      this.outer = undefined;
    }
    this.trace = trace;
    this.text = text;
    this.canOpen = canOpen;
    this.drawn = null;
    for (const name of Object.keys(WAYS)) {
      put(this.buttons[name], "aria-label", text[`step_${name}`] ?? "");
      put(this.buttons[name], "title", text[`step_${name}`] ?? "");
    }
    put(this.pick, "aria-label", text.series ?? "");
  }

  /** @param {number} position @param {boolean} isOpen whether what follows may be seen: no question is open */
  paint(position, isOpen) {
    const { trace } = this;
    this.position = position;
    this.element.hidden = !isOpen || !(trace.folds?.length || trace.calls?.length);
    if (this.element.hidden) return;
    for (const [name, way] of Object.entries(WAYS)) put(this.buttons[name], "aria-disabled", way(trace, position) === null);
    const around = foldsAround(trace, position);
    this.fold = this.outer !== undefined && around.includes(this.outer) ? this.outer : foldOf(trace, position);
    this.loop.classList.toggle("none", this.fold === null);
    this.paintCrumbs(around);
    if (this.fold === null) return;
    const at = iterationsAt(trace, this.fold, position);
    const isHeld = this.inHand?.fold === this.fold && !at.isWhole && this.inHand.number >= at.first && this.inHand.number <= at.last;
    if (!isHeld) this.inHand = null;
    this.number = this.inHand?.number ?? at.first;
    this.isInside = around.includes(this.fold);
    this.draw();
    this.paintPlace(at);
  }

  get count() {
    return this.fold === null ? 1 : Math.max(1, this.trace.folds[this.fold].num_iterations);
  }

  /** The functions that run, and the loops around the innermost. */
  paintCrumbs(around) {
    const { trace, text } = this;
    const parts = [];
    const calls = [];
    for (let at = trace.steps[this.position]?.call ?? null; at !== null; at = trace.calls[at].parent) calls.unshift(trace.calls[at].name);
    if (calls.length) parts.push(html("code", { class: "stack" }, calls.map((name) => `${name}()`).join(" › ")));
    if (around.length > 1) {
      for (const index of around) {
        const { first, last } = iterationsAt(trace, index, this.position);
        const words = say(text.crumb, { line: trace.folds[index].line, iteration: first === last ? first : `${first}–${last}` });
        const crumb = html("button", { type: "button", class: "crumb", "aria-pressed": index === this.fold }, words);
        crumb.addEventListener("click", () => {
          this.outer = index;
          this.paint(this.position, true);
        });
        parts.push(crumb);
      }
    }
    this.crumbs.replaceChildren(...parts);
  }

  /** The curve of the series in hand; drawn once for each. */
  draw() {
    const { trace } = this;
    const fold = trace.folds[this.fold];
    const known = this.chosen.get(fold.line);
    const chosen = fold.series.findIndex(({ name }) => name === known);
    const series = chosen >= 0 ? chosen : favourite(trace, fold);
    const key = `${this.fold}/${series}`;
    if (this.drawn === key) return;
    this.drawn = key;
    this.pick.replaceChildren(...fold.series.map(({ name }, index) => html("option", { value: index }, name)));
    this.pick.value = String(series);
    this.pick.hidden = fold.series.length < 2;
    const one = fold.series[series];
    this.shown = one ? { name: one.name, iterations: trace.arrays[one.iterations].data, values: trace.arrays[one.values].data } : null;
    const { iterations, values } = this.shown ?? { iterations: [], values: [] };
    const curve = sparkline(iterations, values, this.count, WIDTH, HEIGHT);
    this.place = curve.x;
    this.height = curve.y;
    put(this.curve, "d", curve.path);
    put(this.wholes, "d", fold.iterations.map(({ number }) => `M${curve.x(number).toFixed(2)} 0V${HEIGHT}`).join(""));
    const odd = iterations.filter((_, index) => typeof values[index] !== "number");
    put(this.bad, "d", odd.map((number) => `M${curve.x(number).toFixed(2)} 0V${HEIGHT}`).join(""));
    put(this.track, "aria-valuemax", this.count);
    put(this.track, "aria-label", say(this.text.curve, { name: this.shown?.name ?? this.text.iterations, line: fold.line }));
  }

  /** Where on the curve the moment lies, in words and as a dot. */
  paintPlace(at) {
    const { text, number } = this;
    const isGap = !at.isWhole && at.last > at.first && !this.inHand;
    const iteration = isGap ? `${at.first}–${at.last}` : number;
    const said = [say(text.iteration_of, { iteration, count: this.count })];
    const found = this.shown && valueAt(this.shown.iterations, this.shown.values, isGap ? at.last : number);
    const value = found?.value;
    if (found) said.push(`${this.shown.name} ${found.isExact ? "=" : "≈"} ${format(value)}`);
    this.says.textContent = said.join(" · ");
    put(this.track, "aria-valuenow", number);
    put(this.track, "aria-valuetext", said.join(", "));
    const x = this.place(number);
    put(this.line, "d", isGap ? `M${x} ${HEIGHT / 2}H${this.place(at.last)}` : `M${x} 0V${HEIGHT}`);
    this.line.classList.toggle("gap", isGap);
    this.loop.classList.toggle("outside", !this.isInside);
    this.dot.hidden = typeof value !== "number" || isGap;
    if (!this.dot.hidden) {
      this.dot.style.left = `${(100 * x) / WIDTH}%`;
      this.dot.style.top = `calc(4px + (100% - 8px) * ${(this.height(value) / HEIGHT).toFixed(4)})`;
    }
    this.opener.hidden = !this.canOpen || at.isWhole || !this.isInside;
    if (!this.opener.hidden) this.opener.textContent = say(text.open_iteration, { iteration: number });
  }

  choose() {
    const fold = this.trace.folds[this.fold];
    this.chosen.set(fold.line, fold.series[Number(this.pick.value)].name);
    this.drawn = null;
    this.paint(this.position, true);
  }

  /** Points at an iteration: what was recorded of it is shown at once. */
  point(number) {
    const { fold, trace } = this;
    const wanted = Math.max(1, Math.min(this.count, Math.round(number)));
    const { step, isWhole } = stepOfIteration(trace, fold, wanted);
    this.inHand = isWhole ? null : { fold, number: wanted };
    if (step === this.transport.step) this.paint(this.position, true);
    else this.transport.leap(step);
  }

  /** Asks for the whole of the iteration in hand, if it was not recorded. */
  open() {
    if (this.fold === null) return;
    const at = iterationsAt(this.trace, this.fold, this.position);
    if (at.isWhole || !this.canOpen || this.transport.step !== this.position || !this.isInside) return;
    this.onOpen(this.trace.folds[this.fold].line, this.number);
  }

  go(name) {
    if (this.element.hidden) return;
    const way = WAYS[name](this.trace, this.position, this.inHand?.number);
    if (way?.open !== undefined) {
      if (this.canOpen) this.open();
      else this.transport.leap(this.position + 1);
    } else if (way) this.transport.leap(way.step);
  }
}
