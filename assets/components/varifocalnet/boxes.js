// A box under the learner's hand: the nine points of its star over the map that they look at, or the cells that two rules make
// positives. All of it is torch's answer to the box as it was last let go; while it moves, the old answer is faded.

import { unpack } from "../shared/bytes.js";
import { colorTable } from "../shared/colors.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { Stage } from "../shared/stage.js";

const own = await stylesheet(import.meta.url, "./boxes.css");

/**
 * @typedef {object} Data what pages/varifocalnet sends
 * @property {Uint8Array} [payload] `map` of the level, 0 … 255
 * @property {import("../shared/stage.js").StageSpec} stage
 * @property {number[]} box that the answer is about
 * @property {{level: string, stride: number, cell: number[], grid: number[][], points: number[][], offsets: number[][], distances: number[]} | null} star
 * @property {any} assignment
 * @property {boolean} asks whether a lesson asks for what the panel and the marks would say
 * @property {string[]} scale
 * @property {Record<string, string>} colors
 * @property {boolean} presenter
 * @property {any} text
 */

class View {
  /** @type {import("../shared/colors.js").Rgb[] | undefined} */ table;

  constructor(channel) {
    this.stage = new Stage(channel);
    const style = html("style");
    style.textContent = own;
    this.canvas = html("canvas", { class: "level-map", "aria-hidden": "true" });
    this.stage.photo.after(this.canvas);
    this.layer = this.stage.layer("answer");
    this.title = html("h3");
    this.rows = html("dl");
    this.grid = html("table");
    this.note = html("p", { class: "note" });
    this.panel = html("section", { class: "panel", "data-mark": "panel" }, this.title, this.rows, this.grid, this.note);
    this.element = html(
      "div",
      { class: "g2b varifocal-boxes" },
      style,
      html("div", { class: "columns" }, html("div", {}, this.stage.element), this.panel),
    );
    this.stage.onFrame = () => this.draw();
    this.stage.onResize = () => this.draw();
    this.stage.summary = () => this.title.textContent;
  }

  destroy() {
    this.stage.destroy();
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.text = data.text;
    this.table ??= colorTable(data.scale);
    for (const [name, color] of Object.entries(data.colors)) this.element.style.setProperty(`--${name}`, color);
    this.element.classList.toggle("asks", data.asks);
    put(this.panel, "aria-label", this.text.panel);
    this.paintMap();
    this.stage.update({ ...data.stage, presenter: data.presenter });
    this.write();
    this.element.dataset.ready = "true";
    this.draw();
  }

  paintMap() {
    const { payload } = this.data;
    this.canvas.hidden = !payload;
    if (!payload || payload === this.bytes) return;
    this.bytes = payload;
    const { arrays, shapes } = unpack(payload);
    const [rows, columns] = shapes.map;
    this.canvas.width = columns;
    this.canvas.height = rows;
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(columns, rows);
    arrays.map.forEach((value, place) => image.data.set([...this.table[value], 150], 4 * place));
    context.putImageData(image, 0, 0);
  }

  draw() {
    if (!this.data) return;
    const now = this.stage.boxes[0]?.xyxy ?? [];
    const stale = now.some((side, place) => Math.abs(side - this.data.box[place]) > 1e-6);
    this.layer.classList.toggle("stale", stale);
    this.panel.classList.toggle("stale", stale);
    this.note.textContent = stale ? this.text.moving : this.told;
    if (this.data.star) this.layer.replaceChildren(...this.starMarks(this.data.star));
    else if (this.data.assignment) this.layer.replaceChildren(...this.ruleMarks(this.data.assignment));
    else this.layer.replaceChildren();
  }

  starMarks({ stride, cell, grid, points }) {
    const { unit } = this.stage;
    const [row, column] = cell;
    const marks = [svg("rect", { class: "cell", x: column * stride, y: row * stride, width: stride, height: stride })];
    grid.forEach(([x, y], place) => marks.push(svg("path", { class: "move", d: `M${x} ${y}L${points[place][0]} ${points[place][1]}` })));
    const half = 5 * unit;
    for (const [x, y] of grid) marks.push(svg("rect", { class: "plain", x: x - half, y: y - half, width: 2 * half, height: 2 * half }));
    for (const [x, y] of points) marks.push(svg("circle", { class: "star", cx: x, cy: y, r: 6 * unit }));
    return marks;
  }

  ruleMarks({ candidates, fcos }) {
    const { unit } = this.stage;
    const marks = [];
    for (const { x, y, stride, positive } of candidates) {
      if (positive) marks.push(svg("rect", { class: "atss", x: x - stride / 2, y: y - stride / 2, width: stride, height: stride }));
      marks.push(svg("circle", { class: positive ? "candidate chosen" : "candidate", cx: x, cy: y, r: (positive ? 4.5 : 2.5) * unit }));
    }
    for (const { x, y } of fcos) {
      const half = 7 * unit;
      marks.push(svg("path", { class: "fcos", d: `M${x} ${y - half}L${x + half} ${y}L${x} ${y + half}L${x - half} ${y}Z` }));
    }
    return marks;
  }

  write() {
    const { star, assignment } = this.data;
    const { text } = this;
    const row = (name, value, color) =>
      html("div", color ? { style: `--c: var(--${color})`, class: "keyed" } : {}, html("dt", {}, name), html("dd", {}, value));
    this.rows.replaceChildren();
    this.grid.replaceChildren();
    this.told = "";
    if (star) {
      this.title.textContent = say(text.owner, { level: star.level, stride: star.stride });
      this.rows.append(row(text.distances, star.distances.map((side) => side.toFixed(1)).join(", ")));
      this.grid.append(html("caption", {}, text.offsets));
      for (let line = 0; line < 3; line++) {
        const cells = star.offsets.slice(3 * line, 3 * line + 3).map(([x, y]) => html("td", {}, `${x.toFixed(1)}, ${y.toFixed(1)}`));
        this.grid.append(html("tr", {}, ...cells));
      }
      this.rows.append(row(text.legend_star, "●", "star"), row(text.legend_plain, "□", "plain"));
    } else if (assignment) {
      this.title.textContent = "";
      this.rows.append(
        row(text.atss, this.count(assignment.candidates.filter(({ positive }) => positive)), "atss"),
        row(text.fcos, this.count(assignment.fcos), "fcos"),
      );
      const [mean, deviation, threshold] = [assignment.mean, assignment.deviation, assignment.threshold].map((value) => value.toFixed(2));
      this.told = say(text.threshold, { mean, deviation, threshold });
    } else {
      this.title.textContent = text.nothing;
    }
  }

  count(cells) {
    if (!cells.length) return this.text.none;
    const strides = new Map();
    for (const { stride } of cells) strides.set(stride, (strides.get(stride) ?? 0) + 1);
    const list = [...strides].map(([stride, count]) => say(this.text.each, { count, stride })).join(", ");
    return say(this.text.count, { count: cells.length, list });
  }
}

export default (component) => live(component, (channel) => new View(channel));
