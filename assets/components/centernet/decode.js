// From maps to boxes, stepped: the heatmap, its peaks, then one peak after another with what its cell says. Every number comes from
// one trace that was computed in torch and sent once. The same picture shows how far the decoded objects are turned.

import { unpack } from "../shared/bytes.js";
import { colorTable, inkOn } from "../shared/colors.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { Stage } from "../shared/stage.js";
import { Transport } from "../shared/stepper.js";
import { paint } from "./maps.js";

const own = await stylesheet(import.meta.url, "./decode.css");
const LOUPE = 5; // cells on a side
const FIRST_PEAK = 3; // position of the first peak: the picture, its heatmap and all peaks come before

/**
 * @typedef {object} Data what pages/centernet sends
 * @property {Uint8Array} payload `pack_decode`
 * @property {import("../shared/stage.js").StageSpec} stage the scene
 * @property {import("../shared/stepper.js").StepSpec} stepper
 * @property {"decode" | "turn"} mode
 * @property {number} shown peaks whose score reaches the threshold
 * @property {number} stride pixels a cell
 * @property {string[]} classes
 * @property {{target: number, center: number[], reach: number, true: number, rank: number, said: number | null, error: number | null, name: string}[]} angles
 * @property {string[]} scale
 * @property {Record<string, string>} colors
 * @property {boolean} presenter
 * @property {any} text
 */

class View {
  /** @type {import("../shared/colors.js").Rgb[] | undefined} */ table;
  /** @type {Record<string, any>} */ arrays;
  /** @type {number} */ numClasses;
  /** @type {number} */ rows;
  /** @type {number} */ columns;

  constructor(channel) {
    this.stage = new Stage(channel);
    this.transport = new Transport(channel);
    const style = html("style");
    style.textContent = own;
    this.canvas = html("canvas", { class: "heat", "aria-hidden": "true" });
    this.stage.photo.after(this.canvas);
    this.layer = this.stage.layer("decoded");
    this.title = html("h3");
    this.loupe = svg("svg", { class: "loupe", viewBox: `0 0 ${LOUPE} ${LOUPE}`, "aria-hidden": "true" });
    this.facts = html("dl", { class: "facts" });
    this.list = html("ol", { class: "angles", tabindex: "0" }); // it scrolls: keys must reach it
    this.note = html("p", { class: "note" });
    this.panel = html("section", { class: "panel", "data-mark": "decision" }, this.title, this.note, this.loupe, this.facts, this.list);
    this.element = html(
      "div",
      { class: "g2b centernet-decode" },
      style,
      html("div", { class: "columns" }, html("div", {}, this.stage.element, this.transport.element), this.panel),
    );
    this.stage.onFrame = () => this.draw();
    this.stage.onResize = () => this.draw();
    this.transport.onStep = () => this.draw();
  }

  destroy() {
    this.transport.destroy();
    this.stage.destroy();
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.text = data.text;
    this.table ??= colorTable(data.scale);
    if (data.payload && data.payload !== this.bytes) {
      this.bytes = data.payload;
      const { header, arrays, shapes } = unpack(data.payload);
      this.arrays = arrays;
      this.header = header;
      [this.numClasses, this.rows, this.columns] = shapes.heatmap;
      this.best = new Uint8Array(this.rows * this.columns);
      for (let label = 0; label < this.numClasses; label++) {
        const map = this.mapOf(label);
        for (let place = 0; place < map.length; place++) if (map[place] > this.best[place]) this.best[place] = map[place];
      }
    }
    for (const [name, color] of Object.entries(data.colors)) this.element.style.setProperty(`--${name}`, color);
    put(this.panel, "aria-label", this.text.panel);
    this.transport.element.hidden = data.mode !== "decode";
    this.facts.hidden = data.mode !== "decode";
    this.note.hidden = data.mode !== "decode";
    if (data.mode !== "decode") this.loupe.setAttribute("hidden", "");
    this.list.hidden = data.mode !== "turn";
    this.transport.update({ ...data.stepper, presenter: data.presenter });
    this.stage.update({ ...data.stage, presenter: data.presenter });
    this.element.dataset.ready = "true";
    this.draw();
  }

  mapOf(label) {
    const cells = this.rows * this.columns;
    return this.arrays.heatmap.subarray(label * cells, (label + 1) * cells);
  }

  draw() {
    if (!this.arrays || !this.data || !this.stage.width) return;
    if (this.data.mode === "turn") this.drawTurns();
    else this.drawStep(this.transport.step);
  }

  // ---- decoding -----------------------------------------------------------------------------------------------------------

  drawStep(step) {
    const { stride, shown, classes } = this.data;
    const current = step >= FIRST_PEAK ? step - FIRST_PEAK : -1;
    const map = current >= 0 ? this.mapOf(this.arrays.labels[current]) : this.best;
    paint(this.canvas, [this.rows, this.columns], (place) =>
      step === 0 ? [0, 0, 0, 0] : [...this.table[map[place]], 70 + 185 * Math.min(1, map[place] / 90)],
    );
    const marks = [];
    const at = (rank) => [this.arrays.cells[2 * rank], this.arrays.cells[2 * rank + 1]];
    if (step >= 2) {
      for (let rank = 0; rank < shown; rank++) {
        if (rank <= current) continue;
        const [x, y] = at(rank);
        marks.push(svg("circle", { class: "peak", cx: (x + 0.5) * stride, cy: (y + 0.5) * stride, r: 6 * this.stage.unit }));
      }
    }
    for (let rank = 0; rank <= current; rank++) marks.push(this.rect(rank, rank === current ? "box current" : "box"));
    if (current >= 0) marks.push(...this.drawCell(current));
    this.layer.replaceChildren(...marks);
    this.writeStep(step, current, classes);
  }

  rect(rank, name) {
    const { stride } = this.data;
    const [x1, y1, x2, y2] = this.arrays.boxes.subarray(4 * rank, 4 * rank + 4);
    return svg("rect", { class: name, x: x1 * stride, y: y1 * stride, width: (x2 - x1) * stride, height: (y2 - y1) * stride });
  }

  /** The peak's cell, and the centre that its offset makes of it. */
  drawCell(rank) {
    const { stride } = this.data;
    const [x, y] = [this.arrays.cells[2 * rank], this.arrays.cells[2 * rank + 1]];
    const [dx, dy] = [this.arrays.offsets[2 * rank], this.arrays.offsets[2 * rank + 1]];
    return [
      svg("rect", { class: "cell", x: x * stride, y: y * stride, width: stride, height: stride }),
      svg("circle", { class: "centre", cx: (x + dx) * stride, cy: (y + dy) * stride, r: 4 * this.stage.unit }),
    ];
  }

  writeStep(step, rank, classes) {
    const { text, arrays, header, data } = this;
    this.loupe.toggleAttribute("hidden", rank < 0);
    this.note.textContent = rank < 0 ? text.wait : "";
    if (rank < 0) {
      const words = [
        text.picture,
        text.heatmap,
        say(text.peaks, { all: header.num_peaks.toLocaleString(document.documentElement.lang), shown: data.shown, kernel: header.kernel }),
      ][step];
      this.title.textContent = text.steps[step];
      this.transport.caption(words);
      this.loupe.replaceChildren();
      this.facts.replaceChildren();
      return;
    }
    const label = classes[arrays.labels[rank]];
    const [x, y] = [arrays.cells[2 * rank], arrays.cells[2 * rank + 1]];
    const score = arrays.scores[rank];
    const rival = arrays.rivals[rank];
    const pair = (values) => [0, 1].map((axis) => values[2 * rank + axis].toFixed(2)).join(", ");
    const box = [0, 1, 2, 3].map((side) => (arrays.boxes[4 * rank + side] * data.stride).toFixed(1)).join(", ");
    this.title.textContent = say(text.rank, { rank: rank + 1, label, score: score.toFixed(2) });
    const verdict = !Number.isFinite(rival) ? text.alone : arrays.ties[rank] ? text.tie : text.greatest;
    this.transport.caption(say(verdict, { score: score.toFixed(3), rival: Number.isFinite(rival) ? rival.toFixed(3) : "", x, y, label }));
    const rows = [
      [text.cell, `(${x}, ${y})`],
      [text.rival, Number.isFinite(rival) ? rival.toFixed(3) : "–"],
      [text.offset, pair(arrays.offsets)],
      [text.size, pair(arrays.sizes)],
      [text.box, box],
    ];
    this.facts.replaceChildren(...rows.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, value))));
    this.element.dataset.box = box;
    this.drawLoupe(this.mapOf(arrays.labels[rank]), x, y);
  }

  /** Values around the peak, in hundredths. */
  drawLoupe(map, x, y) {
    const half = (LOUPE - 1) / 2;
    const reach = (this.header.kernel - 1) / 2;
    const marks = [];
    for (let row = 0; row < LOUPE; row++) {
      for (let column = 0; column < LOUPE; column++) {
        const [cx, cy] = [x - half + column, y - half + row];
        if (cx < 0 || cy < 0 || cx >= this.columns || cy >= this.rows) continue;
        const value = map[cy * this.columns + cx];
        const color = this.table[value];
        const inside = Math.abs(column - half) <= reach && Math.abs(row - half) <= reach;
        marks.push(svg("rect", { x: column, y: row, width: 1, height: 1, fill: `rgb(${color.join()})`, class: inside ? "" : "outside" }));
        const number = svg("text", { x: column + 0.5, y: row + 0.62, fill: inkOn(color), class: inside ? "" : "outside" });
        number.textContent = (value / 255).toFixed(2);
        marks.push(number);
      }
    }
    const side = 2 * reach + 1;
    marks.push(svg("rect", { class: "kernel", x: half - reach, y: half - reach, width: side, height: side }));
    this.loupe.replaceChildren(...marks);
  }

  // ---- rotation -----------------------------------------------------------------------------------------------------------

  drawTurns() {
    const { angles, text, stride } = this.data;
    paint(this.canvas, [this.rows, this.columns], () => [0, 0, 0, 0]);
    const marks = [];
    const hand = (x, y, length, angle, name) =>
      svg("path", { class: `hand ${name}`, d: `M${x} ${y}L${x + length * Math.sin(angle)} ${y - length * Math.cos(angle)}` });
    for (const { center, reach, true: wanted, rank, said } of angles) {
      marks.push(hand(center[0], center[1], reach, wanted, "halo"), hand(center[0], center[1], reach, wanted, "true"));
      if (said === null) continue;
      const [x1, y1, x2, y2] = [0, 1, 2, 3].map((side) => this.arrays.boxes[4 * rank + side] * stride);
      marks.push(this.rect(rank, "box"));
      const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
      marks.push(hand(x, y, 0.8 * reach, said, "halo"), hand(x, y, 0.8 * reach, said, "said"));
    }
    this.layer.replaceChildren(...marks);
    this.title.textContent = text.turns;
    put(this.list, "aria-label", text.turns);
    const degrees = (value) => `${((value * 180) / Math.PI).toFixed(0)}°`;
    this.list.replaceChildren(
      ...angles.map(({ name, true: wanted, said, error }) =>
        html(
          "li",
          {},
          html("span", {}, name),
          html("output", {}, said === null ? text.missed : say(text.turn, { said: degrees(said), true: degrees(wanted) })),
          html("output", { class: "error" }, error === null ? "" : `${error.toFixed(1)}°`),
        ),
      ),
    );
  }
}

export default (component) => live(component, (channel) => new View(channel));
