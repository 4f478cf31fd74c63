// Boxes that the reader draws on the photo, and what each detector makes of them: one table, whose cells lead to the boxes.
//
// Boxes are moved and resized on the stage. Drawing one, deleting one and naming one change what stands there: Python hears of it
// with the whole list, and answers with a stage that begins anew. Every number in the table is Python's.

import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { within } from "../shared/geometry.js";
import { lay } from "../shared/item.js";
import { stop } from "../shared/keys.js";
import { live } from "../shared/live.js";
import { StageView } from "../shared/stage.js";

const own = await stylesheet(import.meta.url, "./truth.css");
const LEAST = 4; // pixels of the picture: less is a press, not a box
const FEW = 12; // up to this many boxes each missed one says so, and each box of a detector its score

/**
 * @typedef {object} Detector
 * @property {string} name
 * @property {string} title
 * @property {import("../shared/geometry.js").Box[]} boxes its final boxes
 * @property {number[]} scores
 * @property {number[]} matched the object that each counts for, -1 for none
 * @property {number[]} ious of each with that object, else with the nearest
 * @property {number[]} found_by the box that counts for each object, -1 for none
 * @property {number[]} best largest IoU with each object
 * @property {[string, string][]} facts words and number
 *
 * @typedef {object} Judged what pages/detection/truth.py sends
 * @property {string} version another one: Python has taken an edit over
 * @property {string} look_version another one: Python says which detector is looked at
 * @property {string[]} names of the boxes
 * @property {number} most boxes
 * @property {Detector[]} detectors
 * @property {string | null} looked_at
 * @property {Record<"found" | "missed" | "hit" | "false", string>} colors
 * @property {Record<string, string>} text
 */

class View extends StageView {
  /** @type {Judged} */ data;

  constructor(channel) {
    super(channel);
    this.channel = channel;
    const { stage } = this;
    const style = html("style");
    style.textContent = own;
    this.drawButton = html("button", { type: "button", class: "tool draw", "aria-pressed": "false" });
    this.addButton = html("button", { type: "button", class: "tool add" });
    this.deleteButton = html("button", { type: "button", class: "tool delete" });
    this.name = html("input", { type: "text", maxlength: "40", autocomplete: "off", enterkeyhint: "done" });
    this.nameWords = html("span");
    const tools = html(
      "div",
      { class: "tools" },
      this.drawButton,
      this.addButton,
      this.deleteButton,
      html("label", {}, this.nameWords, this.name),
    );
    this.table = html("div", { class: "table", tabindex: "0", role: "region" });
    this.element.replaceChildren(
      html("div", { class: "g2b truth" }, style, html("div", { class: "columns" }, html("div", {}, stage.element, tools), this.table)),
    );
    this.root = this.element.firstElementChild;
    this.under = stage.layer("detector", { under: true });
    this.band = svg("rect", { class: "band", hidden: "" });
    stage.layer("band").append(this.band);
    this.at = { object: null, box: null }; // what the table points at
    stage.onSelect = () => this.follow();
    stage.onFrame = () => this.fade();
    stage.onResize = () => this.draw();
    stage.summary = () => this.sentence();
    stage.frame.addEventListener("pointerdown", (event) => this.press(event), { capture: true });
    stage.svg.addEventListener("touchstart", (event) => this.drawing && event.cancelable && event.preventDefault(), { passive: false });
    stage.svg.addEventListener("keydown", (event) => {
      if (event.key !== "Delete" && event.key !== "Backspace") return;
      stop(event);
      this.remove(/** @type {Element} */ (event.target).closest?.("[data-id]")?.getAttribute("data-id") ?? stage.selected);
    });
    this.drawButton.addEventListener("click", () => this.arm(!this.drawing));
    this.addButton.addEventListener("click", () => this.addInTheMiddle());
    this.deleteButton.addEventListener("click", () => this.remove(stage.selected ?? stage.active));
    this.name.addEventListener("change", () => this.rename());
  }

  /** @param {Judged & import("../shared/stage.js").Data} data */
  update(data) {
    const anew = data.version !== this.data?.version;
    this.data = data;
    if (anew) {
      this.at = { object: null, box: null };
      this.band.toggleAttribute("hidden", true);
    }
    const known = data.detectors.some((each) => each.name === this.looked);
    if (data.looked_at !== this.told || !known) this.looked = data.looked_at;
    this.told = data.looked_at;
    super.update(data);
    if (anew && this.next) {
      const id = String(this.next.index);
      this.stage.select(id, { quiet: true });
      if (this.next.focus) this.stage.items.get(id)?.element.focus({ preventScroll: true });
      this.next = null;
    }
    const { text, colors } = data;
    this.root.style.setProperty("--found", colors.found);
    this.root.style.setProperty("--missed", colors.missed);
    this.drawButton.textContent = text.draw;
    this.addButton.textContent = text.add;
    this.deleteButton.textContent = text.delete;
    this.nameWords.textContent = text.name;
    put(this.table, "aria-label", text.table);
    this.root.classList.remove("stale");
    this.geometry = JSON.stringify(this.stage.snapshot());
    this.fill();
    this.follow();
  }

  // ---- what the reader changes ------------------------------------------------------------------------------------------

  get full() {
    return this.stage.items.size >= this.data.most;
  }

  arm(on) {
    this.drawing = on && !this.full;
    put(this.drawButton, "aria-pressed", String(Boolean(this.drawing)));
    this.stage.frame.classList.toggle("drawing", Boolean(this.drawing));
  }

  /** A press on empty ground draws; with the button pressed, any press does, and a finger's too. */
  press(event) {
    const { stage } = this;
    if (event.button !== 0 || stage.drag || this.full) return;
    const from = stage.point(event);
    if (!this.drawing && (event.pointerType !== "mouse" || stage.hit(from, false))) return;
    event.preventDefault();
    event.stopPropagation();
    const hands = new AbortController();
    const box = (move) => {
      const [x, y] = stage.point(move);
      const [x1, x2] = [from[0], x].map((side) => Math.round(within(0, side, stage.width))).sort((a, b) => a - b);
      const [y1, y2] = [from[1], y].map((side) => Math.round(within(0, side, stage.height))).sort((a, b) => a - b);
      return [x1, y1, x2, y2];
    };
    const end = (keep, last) => {
      hands.abort();
      const [x1, y1, x2, y2] = box(last);
      if (keep && x2 - x1 >= LEAST && y2 - y1 >= LEAST) {
        this.arm(false);
        this.add([x1, y1, x2, y2]);
      } else {
        this.band.toggleAttribute("hidden", true);
        stage.select(null);
      }
    };
    const mine = (act) => (move) => move.pointerId === event.pointerId && act(move);
    const listen = { signal: hands.signal };
    const follow = mine((move) => {
      this.band.toggleAttribute("hidden", false);
      lay(this.band, ...box(move), 0);
    });
    window.addEventListener("pointermove", follow, listen);
    window.addEventListener(
      "pointerup",
      mine((up) => end(true, up)),
      listen,
    );
    window.addEventListener(
      "pointercancel",
      mine((gone) => end(false, gone)),
      listen,
    );
    window.addEventListener("keydown", (key) => key.key === "Escape" && end(false, event), listen);
  }

  addInTheMiddle() {
    if (this.full) return;
    const { width, height } = this.stage;
    this.add([0.375 * width, 0.375 * height, 0.625 * width, 0.625 * height].map(Math.round));
  }

  add(xyxy) {
    this.next = { index: this.stage.items.size, focus: true };
    this.edit([...this.stage.boxes.map((box) => box.xyxy), xyxy], [...this.data.names, this.data.text.object]);
  }

  remove(id) {
    const at = [...this.stage.items.keys()].indexOf(id);
    if (at < 0) return;
    const left = (_, index) => index !== at;
    this.edit(this.stage.boxes.map((box) => box.xyxy).filter(left), this.data.names.filter(left));
  }

  rename() {
    const at = [...this.stage.items.keys()].indexOf(this.stage.selected);
    if (at < 0 || this.name.value === this.data.names[at]) return;
    this.next = { index: at, focus: false };
    this.edit(
      this.stage.boxes.map((box) => box.xyxy),
      this.data.names.map((name, index) => (index === at ? this.name.value : name)),
    );
  }

  edit(boxes, names) {
    this.root.classList.add("stale");
    this.channel.set({ edit: { version: this.data.version, boxes, names } });
  }

  /** While a box is moved, the numbers are those of before. */
  fade() {
    this.root.classList.toggle("stale", JSON.stringify(this.stage.snapshot()) !== this.geometry);
  }

  // ---- what the detectors make of it -------------------------------------------------------------------------------------

  get detector() {
    return this.data.detectors.find((each) => each.name === this.looked) ?? null;
  }

  look(name, at = { object: null, box: null }) {
    this.at = at;
    if (name !== this.looked) {
      this.looked = name;
      this.channel.set({ looked_at: { version: this.data.look_version, name } });
    }
    if (at.object !== null) this.stage.select(String(at.object), { quiet: true });
    this.fill();
    this.follow();
  }

  /** What is selected: its name in the field, and its row. */
  follow() {
    const { stage, data } = this;
    const at = [...stage.items.keys()].indexOf(stage.selected);
    this.name.disabled = at < 0;
    if (this.root.getRootNode().activeElement !== this.name) this.name.value = data.names[at] ?? "";
    this.deleteButton.toggleAttribute("disabled", at < 0);
    for (const button of [this.drawButton, this.addButton]) button.toggleAttribute("disabled", this.full);
    if (this.at.object !== null && this.at.object !== at) this.at = { object: null, box: null };
    for (const cell of this.table.querySelectorAll(".cell")) {
      const { object, of } = /** @type {HTMLElement} */ (cell).dataset;
      const on = object !== undefined && Number(object) === at && (of === undefined || of === this.looked);
      put(cell, "aria-pressed", String(on));
    }
    this.draw();
  }

  /** The boxes of the detector that is looked at, and what it misses. */
  draw() {
    if (!this.data) return;
    const { detector, at, stage } = this;
    const { colors, names, text } = this.data;
    this.under.replaceChildren();
    const few = stage.items.size <= FEW;
    const marks = {};
    for (const [object, id] of [...stage.items.keys()].entries()) {
      const missed = detector && detector.found_by[object] < 0;
      marks[id] = missed
        ? { color: colors.missed, dash: "7 4", state: "missed", ...(few && { label: say(text.missed_box, { name: names[object] }) }) }
        : { color: colors.found };
    }
    stage.mark(marks);
    if (!detector) return;
    for (const [index, box] of detector.boxes.entries()) {
      const hit = detector.matched[index] >= 0;
      const pointed = at.box === index || (at.box === "false" && !hit);
      const state = at.box === null ? "" : pointed ? "strong" : "dim";
      const rect = svg("rect", { class: `${hit ? "hit" : "false"} ${state}`, style: `--c: ${hit ? colors.hit : colors.false}` });
      const outline = svg("rect", { class: `under ${state === "dim" ? "dim" : ""}` });
      for (const each of [outline, rect]) lay(each, ...box, 0);
      this.under.append(outline, rect);
      if (detector.boxes.length > FEW && !pointed) continue;
      const score = svg("text", { x: box[2] - 4 * stage.unit, y: box[3] - 5 * stage.unit, class: state === "dim" ? "dim" : "" });
      score.textContent = detector.scores[index].toFixed(2);
      this.under.append(score);
    }
  }

  fill() {
    const { detectors, names, text } = this.data;
    const focused = this.root.getRootNode().activeElement?.getAttribute?.("data-place");
    let place = 0;
    const button = (kind, words, act, more = {}) => {
      const made = html("button", { type: "button", class: kind, "data-place": String(place++), ...more }, words);
      if (act) made.addEventListener("click", act);
      else made.toggleAttribute("disabled", true);
      return made;
    };
    const heads = detectors.map((each) =>
      html(
        "th",
        { scope: "col" },
        button("head", each.title, () => this.look(each.name), { "aria-pressed": String(each.name === this.looked) }),
      ),
    );
    const missed = (iou) => (iou < 0.005 ? text.missed : say(text.missed_near, { iou: iou.toFixed(2) }));
    const rows = names.map((name, object) =>
      html(
        "tr",
        {},
        html(
          "th",
          { scope: "row" },
          button("cell", say(text.row, { number: object + 1, name }), () => this.look(this.looked, { object, box: null }), {
            "data-object": object,
          }),
        ),
        ...detectors.map((each) => {
          const box = each.found_by[object];
          const words = box < 0 ? missed(each.best[object]) : each.ious[box].toFixed(2);
          const told = say(box < 0 ? text.missed_told : text.found_told, {
            name,
            detector: each.title,
            iou: (box < 0 ? each.best[object] : each.ious[box]).toFixed(2),
          });
          const act = () => this.look(each.name, { object, box: box < 0 ? null : box });
          const looks = { "data-object": object, "data-of": each.name, "aria-label": told, title: told };
          return html("td", {}, button(`cell ${box < 0 ? "missed" : "found"}`, words, act, looks));
        }),
      ),
    );
    const wrong = html(
      "tr",
      { class: "wrong" },
      html("th", { scope: "row" }, text.false_row),
      ...detectors.map((each) => {
        const count = each.matched.filter((object) => object < 0).length;
        const act = count ? () => this.look(each.name, { object: null, box: "false" }) : null;
        return html("td", {}, button("cell false", String(count), act, { "data-of": each.name }));
      }),
    );
    const sums = (detectors[0]?.facts ?? []).map(([words], index) =>
      html("tr", { class: "sum" }, html("th", { scope: "row" }, words), ...detectors.map((each) => html("td", {}, each.facts[index][1]))),
    );
    const head = html("tr", {}, html("th", { scope: "col" }, text.object), ...heads);
    const scrolled = this.table.scrollTop;
    this.table.replaceChildren(
      html(
        "table",
        {},
        html("caption", {}, text.caption),
        html("thead", {}, head),
        html("tbody", {}, ...sums, ...(detectors.length ? [wrong] : []), ...rows),
      ),
    );
    this.table.scrollTop = scrolled;
    if (focused) /** @type {HTMLElement | null} */ (this.table.querySelector(`[data-place="${focused}"]`))?.focus({ preventScroll: true });
  }

  /** What a screen reader hears after a change. */
  sentence() {
    return (this.data?.detectors ?? []).map((each) => `${each.title}: ${each.facts[0].join(" ")}.`).join(" ");
  }
}

export default (component) => live(component, (channel) => new View(channel));
