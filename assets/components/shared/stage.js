// The stage: boxes over a photo or a grid, in the picture's own pixel coordinates.
//
// In "edit" mode boxes are moved and resized by mouse, touch, pen and keys; the geometry here is the truth, and Python hears of
// it on release. In "select" mode boxes are looked at (hover, focus, click), thousands of them.
// A page component builds on it: layers to draw into, onFrame for live numbers, marks for temporary looks.

import { parseJson } from "./bytes.js";
import { html, iconButton, put, say, stylesheet, svg } from "./dom.js";
import { area, gridPath, holds, labelPlace, moved, nearestHandle, PARTS, same, shown, spreadLabels, wideLetters } from "./geometry.js";
import { Item, lay } from "./item.js";
import { ARROWS, stepInList, stop } from "./keys.js";
import { live, mediaUrl } from "./live.js";

const MOST_TOLD = 6; // boxes that a lesson points at when it begins
const TOLD_EACH = 900; // ms
const [base, own] = await Promise.all([stylesheet(import.meta.url, "./base.css"), stylesheet(import.meta.url, "./stage.css")]);

const SETTLE = 150; // ms of silence after which a series of key presses counts as one move
const MAX_HISTORY = 200;
const FEW = 8; // up to this many boxes every box shows its handles, Tab visits them, and labels make way
const MANY = 60; // from here on only marked, hovered and selected boxes carry their label

/**
 * @typedef {object} StageBox a box as `StageBox` in pages/kit/stage.py has it
 * @property {string} id
 * @property {import("./geometry.js").Box} xyxy
 * @property {string} [label]
 * @property {number | null} [score]
 * @property {string | [string, string]} [color] one, or one for light and one for dark
 * @property {string | null} [dash]
 * @property {boolean} [fill]
 * @property {boolean} [movable]
 * @property {boolean} [resizable]
 * @property {string} [detail]
 */

/**
 * @typedef {object} StageSpec what `stage` in pages/kit/stage.py sends
 * @property {string} token another one restarts the stage from its boxes
 * @property {StageBox[]} boxes
 * @property {[number, number]} size height, width
 * @property {"edit" | "select"} mode
 * @property {number | null} grid
 * @property {number} snap
 * @property {number} min_size
 * @property {boolean} bounds
 * @property {string | null} selected
 * @property {boolean} presenter
 * @property {string | null} photo
 * @property {Record<string, string>} text
 */

let made = 0; // how many stages there were: ids must differ when two share a page component

/** All stages of the document, for whoever looks at them from outside, such as a class room. @returns {Set<Stage>} */
function everyStage() {
  return (window[Symbol.for("grad2box.stages")] ??= new Set());
}

export class Stage {
  /** @type {number} of the picture, in its pixels */ width;
  /** @type {number} */ height;

  /** @param {import("./live.js").Channel | null} channel what sends state to Python; null for a stage that tells nobody */
  constructor(channel = null) {
    this.channel = channel;
    this.number = ++made;
    this.items = new Map(); // id -> Item, in drawing order
    this.layers = new Map();
    this.past = [];
    this.future = [];
    this.unit = 1;
    this.scale = 1; // of handles and labels, larger for a room
    this.selected = null;
    this.hovered = null;
    this.active = null; // the box that keys and the read-out speak about
    this.drag = null;
    this.onFrame = this.onCommit = this.onSelect = this.onHover = this.onResize = this.summary = null;
    this.judge = null; // what a page component says of the boxes in one number, less is better
    this.build();
    everyStage().add(this);
  }

  // ---- what page components use ----------------------------------------------------------------------------------------

  /** The boxes as they stand now; `xyxy` is a copy. */
  get boxes() {
    return [...this.items.values()].map((item) => ({ ...item.spec, xyxy: [...item.xyxy] }));
  }

  /** A group to draw into, in picture coordinates; above the boxes, or under them. */
  layer(name, { under = false } = {}) {
    if (!this.layers.has(name)) {
      const group = svg("g", { class: "layer", "data-layer": name, "aria-hidden": "true" });
      (under ? this.underlays : this.overlays).append(group);
      this.layers.set(name, group);
    }
    return this.layers.get(name);
  }

  /** Moves boxes from code. Without commit it is a preview: nothing is sent, and settle() brings the boxes back. */
  set(geometry, { commit = true } = {}) {
    if (this.drag) return;
    if (!commit) this.resting ??= this.snapshot();
    else if (this.resting) this.settle();
    for (const [id, xyxy] of Object.entries(geometry)) if (this.items.has(id)) this.place(this.items.get(id), [...xyxy]);
    if (commit) this.commit();
  }

  /** Ends a preview. */
  settle() {
    if (!this.resting) return;
    const resting = this.resting;
    this.resting = null;
    this.restore(resting);
  }

  /** Temporary looks by id: {color, dash, opacity, label, state}; a second call replaces the first, null ends them. */
  mark(marks) {
    for (const [id, item] of this.items) item.mark(marks?.[id] ?? null);
    this.lift("selected", this.selected);
    this.lift("hovered", this.hovered);
    this.drawLabels();
  }

  /** Selects a box, or nothing. */
  select(id, { quiet = false } = {}) {
    const next = this.items.has(id) ? id : null;
    if (next === this.selected) return;
    this.items.get(this.selected)?.toggle("selected", false);
    this.selected = next;
    this.items.get(next)?.toggle("selected", true);
    this.lift("selected", next);
    if (this.mode === "select") this.attend(next);
    this.drawLabels();
    if (!quiet) this.tell();
    this.onSelect?.(next);
  }

  /** Takes a specification from Python. @param {StageSpec} spec */
  update(spec) {
    if (this.drag) {
      this.waiting = spec; // never under the learner's hand
      return;
    }
    this.waiting = null;
    const restart = spec.token !== this.spec?.token;
    this.spec = spec;
    this.text = spec.text ?? {};
    this.mode = spec.mode;
    [this.height, this.width] = spec.size;
    this.frame.classList.toggle("editable", this.mode === "edit");
    this.frame.style.setProperty("--aspect", `${this.width} / ${this.height}`);
    this.frame.style.setProperty("--ratio", String(this.width / this.height));
    put(this.svg, "viewBox", `0 0 ${this.width} ${this.height}`);
    this.element.classList.toggle("presenter", Boolean(spec.presenter));
    const scale = spec.presenter ? 1.6 : 1;
    if (scale !== this.scale) for (const item of this.items.values()) item.dirty = true;
    this.scale = scale;
    this.showPhoto(spec.photo);
    this.drawGrid();
    if (restart || this.mode === "select") this.rebuild(spec, restart);
    else for (const box of spec.boxes) this.items.get(box.id)?.restyle(box);
    if (restart) {
      clearTimeout(this.keys);
      this.keys = 0;
      this.past = [];
      this.future = [];
      this.resting = null;
      this.committed = this.snapshot();
      this.told = spec.selected;
    }
    this.writeText();
    this.select(restart || !this.items.has(this.selected) ? spec.selected : this.selected, { quiet: true });
    this.lift("selected", this.selected);
    this.lift("hovered", this.hovered);
    this.measure();
    this.refresh();
    this.changed(null, null, false);
  }

  destroy() {
    everyStage().delete(this);
    this.observer.disconnect();
    cancelAnimationFrame(this.raf);
    clearTimeout(this.keys);
    this.endDrag(false);
  }

  // ---- building ---------------------------------------------------------------------------------------------------------

  build() {
    const style = html("style");
    style.textContent = base + own;
    this.photo = html("img", { class: "photo", alt: "", draggable: "false", decoding: "async" });
    this.photo.hidden = true;
    this.grid = svg("g", { class: "grid", "aria-hidden": "true" });
    this.underlays = svg("g");
    this.boxLayer = svg("g", { class: "boxes" });
    // The selected and the hovered box of a crowd are drawn once more, above it.
    this.spots = { hovered: spot("hovered"), selected: spot("selected") };
    this.overlays = svg("g");
    this.labels = svg("g", { class: "labels", "aria-hidden": "true" });
    this.option = svg("g", { role: "option", id: `attended-${this.number}` });
    this.svg = svg(
      "svg",
      { class: "world" },
      this.grid,
      this.underlays,
      this.boxLayer,
      ...Object.values(this.spots),
      this.overlays,
      this.labels,
    );
    this.tip = html("div", { class: "tip", "aria-hidden": "true" });
    this.tip.hidden = true;
    this.frame = html("div", { class: "frame" }, this.photo, this.svg, this.tip);
    this.undoButton = iconButton("undo", "");
    this.redoButton = iconButton("redo", "");
    this.readout = html("output", { class: "readout", "aria-hidden": "true" });
    this.bar = html("div", { class: "bar", hidden: "" }, this.undoButton, this.redoButton, this.readout);
    this.help = html("p", { class: "heard", id: `help-${this.number}` });
    this.spoken = html("div", { class: "heard", "aria-live": "polite", role: "status" });
    this.element = html("div", { class: "g2b stage" }, style, this.frame, this.bar, this.help, this.spoken);

    this.undoButton.addEventListener("click", () => this.undo());
    this.redoButton.addEventListener("click", () => this.redo());
    this.svg.addEventListener("pointerdown", (event) => this.press(event));
    // A finger on a box drags it, a finger elsewhere scrolls the page; touch-action cannot tell the two apart within an SVG.
    this.svg.addEventListener("touchstart", (event) => this.drag && event.cancelable && event.preventDefault(), { passive: false });
    // A click on a read-only stage leaves the keys to whoever has them, such as a stepper.
    this.svg.addEventListener("mousedown", (event) => this.mode === "select" && event.preventDefault());
    this.svg.addEventListener("pointermove", (event) => this.hover(event));
    this.svg.addEventListener("pointerleave", () => this.unhover());
    this.svg.addEventListener("keydown", (event) => this.key(event));
    // :focus-visible also matches what a pointer press focuses from code, so the stage keeps count itself.
    this.element.addEventListener("keyup", () => this.element.classList.add("by-keys"), { capture: true });
    this.element.addEventListener("keydown", () => this.element.classList.add("by-keys"), { capture: true });
    this.element.addEventListener("pointerdown", () => this.element.classList.remove("by-keys"), { capture: true });
    this.svg.addEventListener("focusin", (event) => this.focused(event));
    this.svg.addEventListener("focusout", () => this.blurred());
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(this.frame);
  }

  rebuild(spec, restart) {
    const keep = this.svg.getRootNode().activeElement?.closest?.("[data-id]")?.dataset?.id;
    const before = this.items;
    this.items = new Map();
    this.few = spec.boxes.length <= FEW;
    const order = [];
    for (const box of spec.boxes) {
      let item = before.get(box.id);
      if (item && item.editable === (this.mode === "edit") && item.handles.size > 0 === Boolean(item.editable && box.resizable)) {
        before.delete(box.id);
        item.restyle(box);
      } else item = new Item(box, this.mode, Boolean(spec.photo) && spec.boxes.length <= MANY);
      if ((restart || this.mode === "select") && !same(item.xyxy, box.xyxy)) {
        item.xyxy = [...box.xyxy];
        item.dirty = true;
      }
      this.items.set(box.id, item);
      order.push(item.element);
    }
    for (const item of before.values()) {
      item.element.remove();
      item.text?.remove(); // a label is drawn above all boxes, not within its own
    }
    const present = this.boxLayer.children;
    order.forEach((element, index) => {
      if (present[index] !== element) this.boxLayer.insertBefore(element, present[index] ?? null);
    });
    if (!this.items.has(this.active)) this.active = null;
    if (!this.items.has(this.hovered)) this.hovered = null;
    if (!this.items.has(this.attended)) this.attended = null;
    for (const item of this.items.values()) if (item.dirty) item.draw(this.unit, this.scale);
    this.element.classList.toggle("many", this.items.size > MANY);
    this.element.classList.toggle("few", this.few);
    this.svg.toggleAttribute("tabindex", false);
    if (this.mode === "select" && this.items.size) this.svg.setAttribute("tabindex", "0");
    if (keep && this.items.has(keep)) this.items.get(keep).element.focus?.({ preventScroll: true });
  }

  writeText() {
    const { text } = this;
    const edit = this.mode === "edit";
    put(this.svg, "role", edit ? "application" : this.items.size ? "listbox" : "img");
    put(this.svg, "aria-label", text.title || text.stage || "");
    put(this.svg, "aria-describedby", this.help.id);
    this.help.textContent = edit ? text.help_edit : text.help_select;
    this.bar.hidden = !edit;
    for (const [button, name] of [
      [this.undoButton, text.undo],
      [this.redoButton, text.redo],
    ]) {
      put(button, "aria-label", name ?? "");
      put(button, "title", name ?? "");
    }
    if (edit) this.attend(null);
    else this.attend(this.attended ?? this.selected ?? this.items.keys().next().value);
    this.drawLabels();
    for (const item of this.items.values()) this.describe(item);
  }

  showPhoto(url) {
    const source = url ? mediaUrl(url) : "";
    this.photo.hidden = !source;
    this.frame.classList.toggle("on-photo", Boolean(source));
    if (source) put(this.photo, "src", source);
    else this.photo.removeAttribute("src");
  }

  drawGrid() {
    const spacing = this.spec.grid;
    const drawn = spacing ? `${spacing}/${this.width}/${this.height}` : "";
    if (this.drawn === drawn) return;
    this.drawn = drawn;
    this.grid.replaceChildren();
    if (!spacing) return;
    this.grid.append(svg("path", { d: gridPath(this.width, this.height, spacing) }));
    // A number on every second line: enough to read a position, few enough for a phone.
    for (let x = 2 * spacing; x < this.width; x += 2 * spacing) this.grid.append(tick(x, 0, "x"));
    for (let y = 2 * spacing; y < this.height; y += 2 * spacing) this.grid.append(tick(0, y, "y"));
  }

  measure() {
    const shown = this.svg.clientWidth || this.svg.getBoundingClientRect().width;
    if (!shown || !this.width) return;
    const unit = this.width / shown;
    if (Math.abs(unit - this.unit) < 1e-9 && this.measured) return;
    this.measured = true;
    this.unit = unit;
    this.svg.style.setProperty("--u", `${unit}px`);
    for (const item of this.items.values()) item.draw(unit, this.scale);
    this.drawLabels();
    this.onResize?.();
  }

  // ---- geometry ---------------------------------------------------------------------------------------------------------

  snapshot() {
    return Object.fromEntries([...this.items].map(([id, item]) => [id, [...item.xyxy]]));
  }

  restore(geometry) {
    for (const [id, xyxy] of Object.entries(geometry)) if (this.items.has(id)) this.place(this.items.get(id), xyxy);
    this.changed(null, null, false);
  }

  place(item, xyxy) {
    item.xyxy = [...xyxy];
    item.dirty = true;
    this.changed(item.id, null, false);
  }

  moved(xyxy, part, dx, dy) {
    const { min_size: least, snap, bounds } = this.spec;
    return moved(xyxy, part, dx, dy, { least, snap, size: bounds ? [this.width, this.height] : null });
  }

  /** Something moved: draw it on the next animation frame, once. */
  changed(id, part, active) {
    this.news = { id: id ?? this.news?.id ?? null, part: part ?? this.news?.part ?? null, active };
    this.raf ||= requestAnimationFrame(() => this.paint());
  }

  paint() {
    this.raf = 0;
    if (this.drag?.latest) this.followPointer();
    for (const item of this.items.values()) if (item.dirty) item.draw(this.unit, this.scale);
    this.drawLabels(true);
    this.writeReadout();
    const news = this.news ?? { id: null, part: null, active: false };
    this.news = null;
    this.onFrame?.(this.boxes, { ...news, active: Boolean(this.drag) || news.active });
    const hand = Boolean(this.drag || this.keys);
    if (!this.resting) document.dispatchEvent(new CustomEvent("grad2box:moved", { detail: { stage: this, hand } }));
  }

  commit() {
    clearTimeout(this.keys);
    this.keys = 0;
    const now = this.snapshot();
    const before = this.committed;
    if (Object.entries(now).every(([id, xyxy]) => before[id] && same(before[id], xyxy))) return;
    this.past.push(before);
    if (this.past.length > MAX_HISTORY) this.past.shift();
    this.future = [];
    this.settled(now);
  }

  undo() {
    this.travel(this.past, this.future, this.text.undone);
  }

  redo() {
    this.travel(this.future, this.past, this.text.redone);
  }

  travel(from, to, spoken) {
    if (this.drag) return;
    this.settle();
    if (this.keys) this.commit();
    if (!from.length) return;
    to.push(this.committed);
    const then = from.pop();
    this.restore(then);
    this.settled(then, spoken);
  }

  settled(geometry, spoken = "") {
    this.committed = geometry;
    this.tell();
    for (const item of this.items.values()) this.describe(item);
    this.refresh();
    this.announce(spoken);
    this.onCommit?.(this.boxes);
  }

  /** Tells Python what stands on the stage. */
  tell() {
    this.told = this.selected;
    const geometry = this.mode === "edit" ? { boxes: this.committed } : {};
    this.channel?.set({ stage: { token: this.spec.token, selected: this.selected, ...geometry } });
  }

  refresh() {
    put(this.undoButton, "aria-disabled", this.past.length ? "false" : "true");
    put(this.redoButton, "aria-disabled", this.future.length ? "false" : "true");
    this.writeReadout();
  }

  // ---- pointer ----------------------------------------------------------------------------------------------------------

  /**
   * A pointer's place in the picture.
   *
   * @param {{clientX: number, clientY: number}} event
   * @returns {import("./geometry.js").Point}
   */
  point(event) {
    const seen = this.svg.getBoundingClientRect();
    return [((event.clientX - seen.left) * this.width) / seen.width, ((event.clientY - seen.top) * this.height) / seen.height];
  }

  /** What a pointer at a place would take hold of. Handles win over bodies, small boxes over large ones. */
  hit([x, y], coarse) {
    if (this.mode !== "edit") return null;
    const reach = (coarse || this.spec.presenter ? 22 : 13) * this.unit;
    let best = null;
    for (const item of this.items.values()) {
      if (!item.resizable || !(this.few || item.id === this.active)) continue;
      const near = nearestHandle(item.xyxy, [x, y], reach, 4 * this.unit, item.id === this.active ? 0.8 : 1);
      if (near && near.distance < (best?.distance ?? Infinity)) best = { item, ...near };
    }
    if (best) return best;
    const item = this.boxesAt([x, y], 3 * this.unit).find((candidate) => candidate.movable);
    return item ? { item, part: "body" } : null;
  }

  /** The boxes under a place, smallest first. */
  boxesAt(place, slack) {
    const found = [];
    for (const item of this.items.values()) {
      if (!item.hidden && holds(item.xyxy, place, slack)) found.push(item);
    }
    const rank = (item) => area(item.xyxy) - (item.id === this.active ? 1e-6 : 0);
    return found.sort((a, b) => rank(a) - rank(b));
  }

  press(event) {
    if (event.button !== 0 || this.drag) return;
    const place = this.point(event);
    if (this.mode === "select") {
      this.pick(place);
      return;
    }
    const taken = this.hit(place, event.pointerType !== "mouse");
    if (!taken) {
      this.select(this.boxesAt(place, 3 * this.unit)[0]?.id ?? null); // a box that stands fast can still be chosen
      return;
    }
    event.preventDefault();
    this.settle();
    if (this.keys) this.commit();
    const { item, part } = taken;
    this.drag = { item, part, pointer: event.pointerId, from: place, start: [...item.xyxy], latest: null };
    this.drag.listeners = new AbortController();
    const { signal } = this.drag.listeners;
    // On the window as well as captured: a remount takes the capture away, the window keeps hearing the pointer.
    window.addEventListener("pointermove", (move) => this.follow(move), { signal });
    window.addEventListener("pointerup", (up) => up.pointerId === this.drag?.pointer && this.release(up), { signal });
    window.addEventListener("pointercancel", (stop) => stop.pointerId === this.drag?.pointer && this.endDrag(false), { signal });
    window.addEventListener("keydown", (key) => key.key === "Escape" && this.endDrag(false), { signal });
    try {
      this.svg.setPointerCapture(event.pointerId);
    } catch {
      // A synthetic pointer cannot be captured; the window listeners are enough.
    }
    this.activate(item.id);
    (part === "body" ? item.element : item.handles.get(part)).focus({ preventScroll: true });
    this.select(item.id, { quiet: true }); // told on release: a drag is silent
    item.toggle("dragging", true);
    this.frame.dataset.cursor = part;
  }

  follow(event) {
    if (!this.drag || event.pointerId !== this.drag.pointer) return;
    if (event.pointerType === "mouse" && event.buttons === 0) return this.release(event); // the release was lost outside the window
    this.drag.latest = [event.clientX, event.clientY];
    this.changed(this.drag.item.id, this.drag.part, true);
  }

  followPointer() {
    const { item, part, from, start, latest } = this.drag;
    const [x, y] = this.point({ clientX: latest[0], clientY: latest[1] });
    item.xyxy = this.moved(start, part, x - from[0], y - from[1]);
    item.dirty = true;
  }

  release(event) {
    this.drag.latest = [event.clientX, event.clientY];
    this.followPointer();
    this.endDrag(true);
  }

  endDrag(keep) {
    if (!this.drag) return;
    const { item, start, listeners, pointer } = this.drag;
    listeners.abort();
    if (this.svg.hasPointerCapture?.(pointer)) this.svg.releasePointerCapture(pointer);
    if (!keep) item.xyxy = start;
    item.dirty = true;
    item.toggle("dragging", false);
    this.drag = null;
    delete this.frame.dataset.cursor;
    this.changed(item.id, null, false);
    const waiting = this.waiting;
    // What Python forced meanwhile wins over this drag: it belongs to boxes that are no more.
    if (waiting && waiting.token !== this.spec.token) this.update(waiting);
    else {
      if (waiting) this.update(waiting);
      if (keep) this.commit();
      if (this.selected !== this.told) this.tell();
    }
  }

  hover(event) {
    if (this.drag || event.pointerType === "touch") return;
    const place = this.point(event);
    if (this.mode === "edit") {
      const over = this.hit(place, event.pointerType !== "mouse");
      this.frame.dataset.cursor = over?.part ?? "";
      this.pointAt(over?.item.id ?? null);
      return;
    }
    const [over] = this.boxesAt(place, 2 * this.unit);
    this.frame.dataset.cursor = over ? "pick" : "";
    this.pointAt(over?.id ?? null, place);
  }

  unhover() {
    if (this.drag) return;
    delete this.frame.dataset.cursor;
    this.pointAt(null);
  }

  pointAt(id, place) {
    this.showTip(id, place);
    if (id === this.hovered) return;
    this.items.get(this.hovered)?.toggle("hovered", false);
    this.hovered = id;
    this.items.get(id)?.toggle("hovered", true);
    this.lift("hovered", id);
    this.drawLabels();
    this.onHover?.(id);
  }

  lift(kind, id) {
    const item = this.mode === "select" ? this.items.get(id) : null;
    const group = this.spots[kind];
    group.style.cssText = item?.element.style.cssText ?? "";
    put(group, "data-state", item && !item.hidden ? item.state : "hidden");
    if (item) for (const rect of group.children) lay(rect, ...item.xyxy, 0);
  }

  /** Takes the smallest box under the pointer; another click on the same place takes the next larger one. */
  pick(place) {
    const stack = this.boxesAt(place, 4 * this.unit).map((item) => item.id);
    const same = this.picked && Math.hypot(place[0] - this.picked[0], place[1] - this.picked[1]) < 6 * this.unit;
    const next = same ? stack[(stack.indexOf(this.selected) + 1) % stack.length] : stack[0];
    this.picked = place;
    this.select(next ?? null);
    this.showTip(next ?? null, place);
    if (next) this.announce();
  }

  showTip(id, place) {
    const item = this.items.get(id);
    const words = item && this.mode === "select" ? [item.caption(), item.spec.detail].filter(Boolean) : [];
    this.tip.hidden = !words.length;
    if (!words.length) return;
    if (this.tip.dataset.of !== id) {
      this.tip.dataset.of = id;
      this.tip.replaceChildren(
        ...words
          .join("\n")
          .split("\n")
          .map((line) => html("div", {}, line)),
      );
    }
    const [x, y] = place ?? [item.xyxy[0], item.xyxy[3]];
    this.tip.classList.toggle("left", x > this.width / 2);
    this.tip.classList.toggle("up", y > this.height / 2);
    this.tip.style.setProperty("--x", `${(100 * x) / this.width}%`);
    this.tip.style.setProperty("--y", `${(100 * y) / this.height}%`);
  }

  // ---- keys -------------------------------------------------------------------------------------------------------------

  key(event) {
    const step = ARROWS[event.key];
    if (this.mode === "select") return this.keySelect(event);
    if ((event.ctrlKey || event.metaKey) && !event.altKey) {
      const letter = event.key.toLowerCase();
      if (letter === "z") (event.shiftKey ? this.redo : this.undo).call(this);
      else if (letter === "y") this.redo();
      else return;
      return stop(event);
    }
    if (event.altKey) return;
    const holder = event.target.closest?.("[data-id]");
    const item = this.items.get(holder?.dataset.id);
    if (!item) return;
    const part = event.target.dataset.part ?? "body";
    if (event.key === "Enter" && part === "body" && item.resizable) {
      this.activate(item.id);
      item.handles.get(PARTS[0]).focus({ preventScroll: true });
      return stop(event);
    }
    if (event.key === "Escape" && part !== "body") {
      item.element.focus({ preventScroll: true });
      return stop(event);
    }
    if (event.key === " " || event.key === "Enter") {
      this.select(item.id);
      return stop(event);
    }
    if (!step || this.drag || (part === "body" ? !item.movable : !item.resizable)) return;
    stop(event);
    this.settle();
    const size = (event.shiftKey ? 10 : 1) * (this.spec.snap || 1);
    item.xyxy = this.moved(item.xyxy, part, step[0] * size, step[1] * size);
    item.dirty = true;
    clearTimeout(this.keys);
    this.keys = setTimeout(() => this.commit(), SETTLE);
    this.changed(item.id, part, true);
  }

  keySelect(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const ids = [...this.items.keys()];
    const at = ids.indexOf(this.attended);
    const to = stepInList(event, at, ids.length);
    if (to === null && (event.key === "Enter" || event.key === " ") && this.attended) {
      this.select(this.selected === this.attended ? null : this.attended);
      return stop(event);
    }
    if (to === null && event.key === "Escape" && this.selected) {
      this.select(null);
      return stop(event);
    }
    if (to === null) return;
    stop(event);
    this.attend(ids[to]);
    this.pointAt(this.attended);
  }

  /** Which box of a read-only stage the keys stand on: one option is enough for a list of thousands. */
  attend(id) {
    this.attended = id;
    const item = this.items.get(id);
    if (!item) {
      this.option.remove();
      this.svg.removeAttribute("aria-activedescendant");
      return;
    }
    const ids = [...this.items.keys()];
    put(this.option, "aria-label", this.sentence(item));
    put(this.option, "aria-selected", String(id === this.selected));
    put(this.option, "aria-setsize", ids.length);
    put(this.option, "aria-posinset", ids.indexOf(id) + 1);
    if (!this.option.parentNode) this.boxLayer.parentNode.append(this.option);
    put(this.svg, "aria-activedescendant", this.option.id);
  }

  focused(event) {
    const holder = event.target.closest?.("[data-id]");
    if (holder) this.activate(holder.dataset.id);
    else if (this.mode === "select" && this.element.classList.contains("by-keys")) this.pointAt(this.attended);
  }

  blurred() {
    if (this.mode === "select") this.pointAt(null);
    else if (this.keys) this.commit();
  }

  activate(id) {
    if (id === this.active) return;
    this.items.get(this.active)?.activate(false);
    this.active = id;
    this.items.get(id)?.activate(true);
    this.writeReadout();
  }

  // ---- words ------------------------------------------------------------------------------------------------------------

  values(item) {
    const [x1, y1, x2, y2] = item.xyxy;
    const numbers = { x1, y1, x2, y2, width: x2 - x1, height: y2 - y1 };
    for (const [name, value] of Object.entries(numbers)) numbers[name] = shown(value);
    return { label: item.caption() || item.id, ...numbers };
  }

  sentence(item) {
    return [say(this.text.box, this.values(item)), item.spec.detail].filter(Boolean).join(" ");
  }

  describe(item) {
    if (!item.editable) return;
    put(item.element, "aria-label", this.sentence(item));
    if (item.movable) put(item.element, "aria-roledescription", this.text.role_box ?? "");
    const [x1, y1, x2, y2] = item.xyxy;
    const now = { n: y1, s: y2, w: x1, e: x2 };
    for (const [part, handle] of item.handles) {
      put(handle, "aria-label", say(this.text.handle, { part: this.text[`part_${part}`] ?? part, label: item.caption() || item.id }));
      if (!(part in now)) continue;
      put(handle, "aria-valuenow", shown(now[part]));
      put(handle, "aria-valuemin", 0);
      put(handle, "aria-valuemax", "ns".includes(part) ? this.height : this.width);
      put(handle, "aria-orientation", "ns".includes(part) ? "vertical" : "horizontal");
    }
  }

  announce(prefix = "") {
    const item = this.items.get(this.mode === "select" ? this.selected : this.active);
    const words = [prefix, item && this.sentence(item), this.summary?.(this.boxes)].filter(Boolean).join(" ");
    if (this.spoken.textContent !== words) this.spoken.textContent = words;
  }

  writeReadout() {
    if (this.mode !== "edit") return;
    const item = this.items.get(this.active) ?? this.items.get(this.selected);
    const words = item ? say(this.text.readout, this.values(item)) : (this.text.hint ?? "");
    if (this.readout.textContent !== words) this.readout.textContent = words;
    this.readout.classList.toggle("hint", !item);
  }

  drawLabels(onlyDirty = false) {
    const many = this.items.size > MANY;
    const taken = this.items.size <= FEW ? [] : null;
    for (const item of this.items.values()) {
      if (onlyDirty && !taken && !item.labelDirty) continue;
      const wanted =
        !many || item.id === this.selected || item.id === this.hovered || item.state === "current" || Boolean(item.marked?.label);
      item.drawLabel(this.labels, wanted, { unit: this.unit, width: this.width, height: this.height, scale: this.scale, taken });
    }
    if (this.mode === "select") this.spreadLabels();
  }

  /** Keeps the labels of boxes that are looked at apart: hovered and selected first, then the topmost. */
  spreadLabels() {
    const first = (item) => (item.id === this.hovered ? 2 : item.id === this.selected ? 1 : 0);
    const drawn = [...this.items.values()].reverse().filter((item) => item.text);
    drawn.sort((a, b) => first(b) - first(a));
    const view = { unit: this.unit, width: this.width, scale: this.scale };
    const asked = drawn.map((item) => {
      const letters = wideLetters(item.text.textContent);
      return { place: labelPlace(item.xyxy, letters, view), letters, bottom: item.xyxy[3] };
    });
    for (const [index, y] of spreadLabels(asked, view).entries()) {
      drawn[index].text.toggleAttribute("hidden", y === null);
      put(drawn[index].text, "y", y ?? asked[index].place.y);
    }
  }
}

function spot(kind) {
  return svg(
    "g",
    { class: "spot", "data-kind": kind, "data-state": "hidden", "aria-hidden": "true" },
    svg("rect", { class: "outline" }),
    svg("rect", { class: "body" }),
  );
}

function tick(x, y, axis) {
  const text = svg("text", { x, y, class: `tick ${axis}` });
  text.textContent = shown(axis === "x" ? x : y);
  return text;
}

/**
 * @typedef {object} Data what pages/kit/stage.py sends
 * @property {StageSpec} stage
 * @property {Uint8Array} [payload] its boxes as JSON, where they are many
 * @property {boolean} presenter
 */

/** The plain stage, for pages that need nothing on top. */
export class StageView {
  constructor(channel) {
    this.stage = new Stage(channel);
    this.element = html("div", {}, this.stage.element);
    this.onPlay = (event) => this.tell(event);
    document.addEventListener("grad2box:play", this.onPlay);
  }

  /** A lesson begins: one box after another is pointed at. */
  tell(event) {
    const ids = [...this.stage.items.keys()].slice(-MOST_TOLD);
    if (!this.element.isConnected || !ids.length) return;
    event.preventDefault();
    clearInterval(this.telling);
    let at = 0;
    const next = () => {
      this.stage.pointAt(ids[at] ?? null);
      put(this.element, "data-moved", at);
      if (at++ === ids.length) clearInterval(this.telling);
    };
    this.telling = setInterval(next, TOLD_EACH);
    next();
  }

  /** @param {Data} data */
  update(data) {
    const boxes = data.payload ? parseJson(data.payload) : data.stage.boxes;
    this.stage.update({ ...data.stage, boxes, presenter: data.presenter });
  }

  destroy() {
    clearInterval(this.telling);
    document.removeEventListener("grad2box:play", this.onPlay);
    this.stage.destroy();
  }
}

export default (component) => live(component, (channel) => new StageView(channel));
