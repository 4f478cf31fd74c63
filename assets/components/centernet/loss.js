// The focal loss pixel by pixel: a target, a prediction that is painted by hand, and what every cell then adds or pulls.
//
// The loss is not written here: Python compiles the torch function and its gradient (vizcore/browser.py) and sends the source.

import { unpack } from "../shared/bytes.js";
import { colorTable, parse } from "../shared/colors.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { load } from "../shared/program.js";
import { paint } from "./maps.js";

const [base, own] = await Promise.all([stylesheet(import.meta.url, "../shared/base.css"), stylesheet(import.meta.url, "./loss.css")]);
const REPORT_AFTER = 150; // ms without a stroke
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** A number for the eye. */
function shown(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size < 1e-3 || size >= 1e4 ? value.toExponential(1) : value.toPrecision(3);
  return text.replace("-", "−").replace("e−", "e−");
}

/**
 * @typedef {object} Data what pages/centernet sends
 * @property {Uint8Array} payload target, weights and the untouched prediction as arrays, the compiled loss as `source`
 * @property {string} token another one begins the painting anew
 * @property {number[][]} painted x, y and probability of painted cells
 * @property {number[]} cell that is read
 * @property {number} brush probability that is painted
 * @property {number} most cells that can be painted
 * @property {"loss" | "gradient"} quantity
 * @property {boolean} asks whether a lesson asks for what the third map and the numbers would say
 * @property {string[]} scale
 * @property {Record<string, string>} colors
 * @property {boolean} presenter
 * @property {any} text
 */

class View {
  /** @type {number} */ rows;
  /** @type {number} */ columns;
  /** @type {[number, number]} */ cell;
  /** @type {import("../shared/colors.js").Rgb[] | undefined} */ table;

  constructor(channel) {
    this.channel = channel;
    const style = html("style");
    style.textContent = base + own;
    this.maps = Object.fromEntries(["target", "prediction", "effect"].map((name) => [name, new GridMap(name)]));
    this.total = html("p", { class: "total", "data-mark": "total" });
    this.reading = html("dl", { class: "reading", "data-mark": "reading" });
    this.sum = html("p", { class: "sum" });
    this.element = html(
      "div",
      { class: "g2b centernet-loss" },
      style,
      html("div", { class: "maps" }, ...Object.values(this.maps).map((map) => map.element)),
      html("div", { class: "told" }, this.total, this.reading, this.sum),
    );
    for (const map of Object.values(this.maps)) {
      map.onPress = (cell) => this.press(map, cell);
      map.onMove = (cell, pressed) => this.follow(map, cell, pressed);
      map.onKey = (event) => this.key(map, event);
    }
  }

  destroy() {
    clearTimeout(this.report);
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.text = data.text;
    this.table ??= colorTable(data.scale);
    if (data.payload !== this.bytes) {
      this.bytes = data.payload;
      const { header, arrays, shapes } = unpack(data.payload);
      this.target = arrays.target;
      this.weights = arrays.weights;
      this.start = arrays.start;
      [this.rows, this.columns] = shapes.target;
      this.positives = this.target.reduce((count, value) => count + (value === 1 ? 1 : 0), 0);
      if (header.source !== this.source) {
        this.source = header.source;
        load(header.source).then((program) => {
          this.program = program;
          this.element.dataset.ready = "true";
          this.draw();
        });
      }
    }
    if (data.token !== this.token) {
      this.token = data.token;
      this.painted = new Map(data.painted.map(([x, y, value]) => [y * this.columns + x, value]));
      this.cell = [data.cell[0], data.cell[1]];
    }
    this.element.classList.toggle("asks", data.asks);
    for (const name of ["rise", "fall"]) this.element.style.setProperty(`--${name}`, data.colors[name]);
    for (const [name, map] of Object.entries(this.maps))
      map.restyle(this.text[name === "effect" ? data.quantity : name], this.text.help[name]);
    this.draw();
  }

  // ---- the hand -----------------------------------------------------------------------------------------------------------

  press(map, cell) {
    this.cell = cell;
    if (map === this.maps.prediction) this.stroke(cell);
    this.draw();
    this.tell();
  }

  follow(map, cell, pressed) {
    if (!pressed) return;
    this.cell = cell;
    if (map === this.maps.prediction) this.stroke(cell);
    this.draw();
    this.tell();
  }

  key(map, event) {
    const step = STEPS[event.key];
    if (step) this.cell = [clamp(this.cell[0] + step[0], this.columns), clamp(this.cell[1] + step[1], this.rows)];
    else if ((event.key === "Enter" || event.key === " ") && map === this.maps.prediction) this.stroke(this.cell);
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.draw();
    this.tell();
  }

  stroke([x, y]) {
    const place = y * this.columns + x;
    if (this.painted.size >= this.data.most && !this.painted.has(place)) return;
    this.painted.set(place, this.data.brush);
  }

  tell() {
    clearTimeout(this.report);
    this.report = setTimeout(() => {
      const painted = [...this.painted].map(([place, value]) => [place % this.columns, Math.floor(place / this.columns), value]);
      this.channel.set({ loss: { token: this.token, painted, cell: this.cell } });
    }, REPORT_AFTER);
  }

  // ---- drawing ------------------------------------------------------------------------------------------------------------

  draw() {
    if (!this.program || !this.data) return;
    const number = this.rows * this.columns;
    const prediction = Float32Array.from(this.start);
    for (const [place, value] of this.painted) prediction[place] = value;
    const divisor = Math.max(1, this.positives);
    const [terms, slopes] = [new Float64Array(number), new Float64Array(number)];
    let sum = 0;
    for (let place = 0; place < number; place++) {
      const { value, gradient } = this.program.pixel_loss(prediction[place], this.target[place]);
      terms[place] = value;
      slopes[place] = gradient[0] / divisor;
      sum += value;
    }
    /** @type {[number, number]} */
    const size = [this.rows, this.columns];
    const scaled = (values) => (place) => [...this.table[Math.round(255 * values[place])], 255];
    this.maps.target.draw(size, scaled(this.target), this.cell, this.target);
    this.maps.prediction.draw(size, scaled(prediction), this.cell, this.target);
    const values = this.data.quantity === "gradient" ? slopes : terms;
    const most = values.reduce((high, value) => Math.max(high, Math.abs(value)), 0);
    const share = (value) => (most ? Math.sqrt(Math.abs(value) / most) : 0);
    const [rise, fall] = [parse(this.data.colors.rise), parse(this.data.colors.fall)];
    const color =
      this.data.quantity === "gradient"
        ? (place) => [...(slopes[place] > 0 ? fall : rise), 255 * share(slopes[place])]
        : (place) => [...this.table[Math.round(255 * share(terms[place]))], 255];
    this.maps.effect.draw(size, color, this.cell, this.target);
    this.maps.effect.note(say(this.text.scale, { most: shown(most) }));
    this.write(prediction, terms, slopes, sum / divisor);
  }

  write(prediction, terms, slopes, loss) {
    const [x, y] = this.cell;
    const place = y * this.columns + x;
    const target = this.target[place];
    this.element.dataset.loss = String(loss);
    this.element.dataset.term = String(terms[place]);
    this.element.dataset.slope = String(slopes[place]);
    this.total.textContent = say(this.text.total, { loss: shown(loss), count: this.positives });
    const rows = [
      [this.text.cell, `(${x}, ${y})`],
      ["Y", shown(target)],
      ["p", shown(prediction[place])],
      [this.text.weight, target === 1 ? "–" : shown(this.weights[place])],
      [this.text.term, shown(terms[place])],
      [this.text.slope, shown(slopes[place])],
    ];
    this.reading.replaceChildren(...rows.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, value))));
    this.sum.textContent = target === 1 ? this.text.positive : this.text.negative;
  }
}

/** One map of cells, with the cell that is read and those where the target is exactly 1. */
class GridMap {
  /** @type {number} */ rows;
  /** @type {number} */ columns;
  /** @type {((cell: [number, number]) => void) | null} */ onPress = null;
  /** @type {((cell: [number, number], pressed: boolean) => void) | null} */ onMove = null;
  /** @type {((event: KeyboardEvent) => void) | null} */ onKey = null;

  constructor(name) {
    this.name = html("figcaption");
    this.canvas = html("canvas", { tabindex: "0" });
    this.marks = svg("svg", { "aria-hidden": "true", preserveAspectRatio: "none" });
    this.foot = html("p", { class: "foot" });
    this.element = html(
      "figure",
      { class: `map ${name}`, "data-mark": name },
      this.name,
      html("div", { class: "cells" }, this.canvas, this.marks),
      this.foot,
    );
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.canvas.focus({ preventScroll: true });
      this.onPress?.(this.at(event));
      event.preventDefault();
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const cell = this.at(event);
      if (event.buttons === 1) this.onMove?.(cell, true);
    });
    this.canvas.addEventListener("keydown", (event) => this.onKey?.(event));
  }

  /** @returns {[number, number]} */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      clamp(Math.floor(((event.clientX - box.left) / box.width) * this.columns), this.columns),
      clamp(Math.floor(((event.clientY - box.top) / box.height) * this.rows), this.rows),
    ];
  }

  restyle(name, help) {
    this.name.textContent = name;
    put(this.canvas, "aria-label", `${name}. ${help}`);
    put(this.canvas, "role", "application");
    put(this.canvas, "title", help);
    this.foot.textContent = help;
  }

  note(words) {
    this.foot.textContent = words;
  }

  draw([rows, columns], color, [x, y], target) {
    [this.rows, this.columns] = [rows, columns];
    paint(this.canvas, [rows, columns], color);
    this.canvas.style.aspectRatio = `${columns} / ${rows}`;
    put(this.marks, "viewBox", `0 0 ${columns} ${rows}`);
    const marks = [];
    target.forEach((value, place) => {
      if (value === 1)
        marks.push(svg("circle", { cx: (place % columns) + 0.5, cy: Math.floor(place / columns) + 0.5, r: 0.42, class: "one" }));
    });
    marks.push(svg("rect", { x, y, width: 1, height: 1, class: "halo" }), svg("rect", { x, y, width: 1, height: 1, class: "cursor" }));
    this.marks.replaceChildren(...marks);
  }
}

function clamp(value, count) {
  return Math.max(0, Math.min(count - 1, value));
}

export default (component) => live(component, (channel) => new View(channel));
