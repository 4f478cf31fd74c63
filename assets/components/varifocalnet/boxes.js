// A box under the learner's hand: the nine points of its star over the map that they look at, or the cells that two rules make
// positives, on every animation frame.

import { unpack } from "../shared/bytes.js";
import { colorTable } from "../shared/colors.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { load } from "../shared/program.js";
import { Stage } from "../shared/stage.js";
import { assignAtss, ownedCells, starOf } from "./rules.js";

const own = await stylesheet(import.meta.url, "./boxes.css");

/** A number with one digit, without a minus before zero. */
function signed(value) {
  const text = value.toFixed(1);
  return text === "-0.0" ? "0.0" : text.replace("-", "−");
}

/**
 * @typedef {object} Data what pages/varifocalnet sends
 * @property {Uint8Array} payload maps of the levels by name, 0 … 255, and the compiled rules as `source`
 * @property {import("../shared/stage.js").StageSpec} stage
 * @property {"star" | "assign"} mode
 * @property {import("./rules.js").Level[]} levels
 * @property {number} top_k
 * @property {number} tile
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
    if (data.payload && data.payload !== this.bytes) {
      this.bytes = data.payload;
      const { header, arrays, shapes } = unpack(data.payload);
      this.maps = { arrays, shapes };
      this.painted = null;
      load(header.source).then((program) => {
        this.program = program;
        this.element.dataset.ready = "true";
        this.draw();
      });
    }
    this.stage.update({ ...data.stage, presenter: data.presenter });
    this.draw();
  }

  /** Lays a level's map over the picture; none where there is none. */
  paintMap(name) {
    const values = this.maps.arrays[name];
    this.canvas.hidden = !values;
    if (!values || this.painted === name) return;
    this.painted = name;
    const [rows, columns] = this.maps.shapes[name];
    this.canvas.width = columns;
    this.canvas.height = rows;
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(columns, rows);
    values.forEach((value, place) => image.data.set([...this.table[value], 150], 4 * place));
    context.putImageData(image, 0, 0);
  }

  draw() {
    const box = this.stage.boxes[0]?.xyxy;
    if (!this.program || !this.data || !box) return;
    const { mode, levels, top_k: topK, tile } = this.data;
    const size = [this.stage.height, this.stage.width];
    const flat = box[0] === box[2] || box[1] === box[3];
    if (mode === "star") {
      const star = flat ? null : starOf(this.program, box, levels, size);
      this.paintMap(star ? star.cell.level.name : "");
      this.layer.replaceChildren(...(star ? this.starMarks(star) : []));
      this.writeStar(star);
    } else {
      this.paintMap("");
      const atss = flat ? null : assignAtss(this.program, box, levels, size, { topK, tile });
      const fcos = flat ? [] : ownedCells(this.program, box, levels, size);
      this.layer.replaceChildren(...(atss ? this.ruleMarks(atss.candidates, fcos) : []));
      this.writeRules(atss, fcos);
    }
  }

  starMarks({ cell, grid, points }) {
    const { unit } = this.stage;
    const { row, column } = cell;
    const { stride } = cell.level;
    const marks = [svg("rect", { class: "cell", x: column * stride, y: row * stride, width: stride, height: stride })];
    grid.forEach(([x, y], place) => marks.push(svg("path", { class: "move", d: `M${x} ${y}L${points[place][0]} ${points[place][1]}` })));
    const half = 5 * unit;
    for (const [x, y] of grid) marks.push(svg("rect", { class: "plain", x: x - half, y: y - half, width: 2 * half, height: 2 * half }));
    for (const [x, y] of points) marks.push(svg("circle", { class: "star", cx: x, cy: y, r: 6 * unit }));
    return marks;
  }

  ruleMarks(candidates, fcos) {
    const { unit } = this.stage;
    const marks = [];
    for (const { x, y, level, positive } of candidates) {
      const { stride } = level;
      if (positive) marks.push(svg("rect", { class: "atss", x: x - stride / 2, y: y - stride / 2, width: stride, height: stride }));
      marks.push(svg("circle", { class: positive ? "candidate chosen" : "candidate", cx: x, cy: y, r: (positive ? 4.5 : 2.5) * unit }));
    }
    for (const { x, y } of fcos) {
      const half = 7 * unit;
      marks.push(svg("path", { class: "fcos", d: `M${x} ${y - half}L${x + half} ${y}L${x} ${y + half}L${x - half} ${y}Z` }));
    }
    return marks;
  }

  row(name, value, color = "") {
    const key = color ? { style: `--c: var(--${color})`, class: "keyed" } : {};
    return html("div", key, html("dt", {}, name), html("dd", {}, value));
  }

  writeStar(star) {
    const { text } = this;
    this.note.textContent = "";
    this.title.textContent = star ? say(text.owner, { level: star.cell.level.name, stride: star.cell.level.stride }) : text.nothing;
    this.element.dataset.points = star ? star.points.flat().join() : "";
    if (!star) {
      this.rows.replaceChildren();
      this.grid.replaceChildren();
      return;
    }
    this.rows.replaceChildren(
      this.row(text.distances, star.distances.map((side) => side.toFixed(1)).join(", ")),
      this.row(text.legend_star, "●", "star"),
      this.row(text.legend_plain, "□", "plain"),
    );
    const lines = [0, 1, 2].map((line) =>
      html("tr", {}, ...star.offsets.slice(3 * line, 3 * line + 3).map(([x, y]) => html("td", {}, `${signed(x)}, ${signed(y)}`))),
    );
    this.grid.replaceChildren(html("caption", {}, text.offsets), ...lines);
  }

  writeRules(atss, fcos) {
    const { text } = this;
    this.grid.replaceChildren();
    this.title.textContent = atss ? "" : text.nothing;
    if (!atss) {
      this.rows.replaceChildren();
      this.note.textContent = "";
      return;
    }
    const positives = atss.candidates.filter(({ positive }) => positive);
    this.rows.replaceChildren(this.row(text.atss, this.count(positives), "atss"), this.row(text.fcos, this.count(fcos), "fcos"));
    const [mean, deviation, threshold] = [atss.mean, atss.deviation, atss.threshold].map((value) => value.toFixed(2));
    this.note.textContent = say(text.threshold, { mean, deviation, threshold });
  }

  count(cells) {
    if (!cells.length) return this.text.none;
    const strides = new Map();
    for (const { level } of cells) strides.set(level.stride, (strides.get(level.stride) ?? 0) + 1);
    const list = [...strides].map(([stride, count]) => say(this.text.each, { count, stride })).join(this.text.separator);
    return say(this.text.count, { count: cells.length, list });
  }
}

export default (component) => live(component, (channel) => new View(channel));
