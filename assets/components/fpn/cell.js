// What one cell sees: its theoretical receptive field follows the pointer, a click asks torch for the gradient.

import { unpack } from "../shared/bytes.js";
import { colorTable } from "../shared/colors.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { ARROWS } from "../shared/keys.js";
import { live } from "../shared/live.js";
import { Stage } from "../shared/stage.js";
import { cellAt, cellSides, receptiveBox, square } from "./lookups.js";

const own = await stylesheet(import.meta.url, "./cell.css");
const SETTLE = 350; // ms after the last arrow key until the cell is asked about

/**
 * @typedef {object} Data what pages/fpn sends
 * @property {Uint8Array} payload `pack_field`
 * @property {import("../shared/stage.js").StageSpec} stage the photo
 * @property {unknown} version another one brings Python's cell back
 * @property {[number, number]} cell row, column
 * @property {string} color of the level
 * @property {string[]} heat_scale
 * @property {boolean} asks whether a lesson asks where the gradient lies
 * @property {boolean} show_points
 * @property {{name: string, words: string}[]} key
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

class View {
  /** @type {import("../shared/colors.js").Rgb[] | undefined} */ table;

  constructor(channel) {
    this.channel = channel;
    this.stage = new Stage(null);
    const style = html("style");
    style.textContent = own;
    this.dim = html("div", { class: "dim", "aria-hidden": "true" });
    this.heat = html("canvas", { class: "heat-map", "aria-hidden": "true" });
    this.dots = html("canvas", { class: "dots", "aria-hidden": "true" });
    this.stage.photo.after(this.dim, this.heat, this.dots);
    this.layer = this.stage.layer("fields");
    this.marks = {};
    for (const name of ["anchors", "theoretical", "held", "hover", "cell"]) {
      this.marks[name] = svg("g", { class: name }, svg("path", { class: "halo" }), svg("path", { class: "line" }));
      this.layer.append(this.marks[name]);
    }
    this.board = html("div", { class: "board", tabindex: "0", role: "application" }, this.stage.element);
    this.where = html("p", { class: "where" });
    this.key = html("ul", { class: "key" });
    this.help = html("p", { class: "quiet" });
    this.heard = html("p", { class: "heard", role: "status", "aria-live": "polite" });
    this.element = html("div", { class: "g2b fpn-cell" }, style, this.board, this.key, this.where, this.help, this.heard);
    const { svg: world } = this.stage;
    world.addEventListener("pointermove", (event) => event.pointerType !== "touch" && this.hover(this.cellAt(this.stage.point(event))));
    world.addEventListener("pointerleave", () => this.hover(null));
    world.addEventListener("click", (event) => this.ask(this.cellAt(this.stage.point(event))));
    this.board.addEventListener("keydown", (event) => this.keyed(event));
    this.stage.onResize = () => this.draw();
  }

  destroy() {
    clearTimeout(this.settling);
    this.stage.destroy();
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.text = data.text;
    if (this.version !== data.version) {
      this.version = data.version;
      this.asked = null;
    }
    this.cell = this.asked ?? data.cell;
    this.element.classList.toggle("waits", String(this.cell) !== String(data.cell));
    if (data.payload !== this.payload) {
      this.payload = data.payload;
      this.read(data.payload);
    }
    this.element.classList.toggle("asks", data.asks);
    this.element.style.setProperty("--level", data.color);
    this.help.textContent = this.text.help;
    put(this.board, "aria-label", data.stage.text.title);
    this.key.replaceChildren(
      ...data.key.map(({ name, words }) => html("li", { class: name }, html("span", { class: "swatch", "aria-hidden": "true" }), words)),
    );
    this.table ??= colorTable(data.heat_scale);
    this.stage.update({ ...data.stage, presenter: data.presenter });
    this.drawHeat();
    this.draw();
  }

  read(bytes) {
    const { header, arrays, shapes } = unpack(bytes);
    this.header = header;
    this.sides = cellSides(header.stride, header.scales);
    this.field = arrays.heat;
    this.fieldSize = shapes.heat;
    this.points = arrays.points;
    this.pointGrid = shapes.points;
  }

  // ---- geometry -----------------------------------------------------------------------------------------------------------

  cellAt(place) {
    return cellAt(place, this.sides, this.pointGrid);
  }

  square(cell) {
    return square(cell, this.sides);
  }

  sees(cell) {
    return receptiveBox(cell, this.header);
  }

  // ---- what the learner does ----------------------------------------------------------------------------------------------

  hover(cell) {
    if (String(cell) === String(this.hovered)) return;
    this.hovered = cell;
    this.draw();
  }

  ask(cell) {
    this.asked = this.cell = cell;
    this.element.classList.add("waits");
    this.draw();
    clearTimeout(this.settling);
    this.channel.set({ cell: { version: this.version, row: cell[0], col: cell[1] } });
  }

  keyed(event) {
    const step = ARROWS[event.key]?.slice().reverse(); // row, column
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const far = event.shiftKey ? 5 : 1;
    const next = this.cell.map((place, axis) => Math.max(0, Math.min(this.pointGrid[axis] - 1, place + far * step[axis])));
    this.asked = this.cell = next;
    this.element.classList.add("waits");
    this.draw();
    this.heard.textContent = say(this.text.at, { row: next[0] + 1, col: next[1] + 1 });
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.ask(next), SETTLE);
  }

  // ---- drawing ------------------------------------------------------------------------------------------------------------

  drawHeat() {
    const [rows, cols] = this.fieldSize;
    this.heat.width = cols;
    this.heat.height = rows;
    const context = this.heat.getContext("2d");
    const picture = context.createImageData(cols, rows);
    for (let at = 0; at < rows * cols; at++) {
      picture.data.set(this.table[this.field[at]], 4 * at);
      picture.data[4 * at + 3] = this.field[at];
    }
    context.putImageData(picture, 0, 0);
    this.heat.style.height = `${100 * this.header.reach[0]}%`;
    this.heat.style.width = `${100 * this.header.reach[1]}%`;
  }

  draw() {
    if (!this.header) return;
    const stale = this.element.classList.contains("waits");
    const outline = ([x1, y1, x2, y2]) => `M${x1} ${y1}H${x2}V${y2}H${x1}Z`;
    const paths = {
      anchors: stale ? "" : this.header.anchors.map(outline).join(""),
      theoretical: outline(stale ? this.sees(this.cell) : this.header.theoretical),
      held: stale ? "" : outline(this.header.held),
      hover: this.hovered ? outline(this.square(this.hovered)) + outline(this.sees(this.hovered)) : "",
      cell: outline(this.square(this.cell)),
    };
    for (const [name, path] of Object.entries(paths)) for (const line of this.marks[name].children) put(line, "d", path);
    const box = this.hovered ? this.sees(this.hovered) : this.sees(this.cell);
    const [row, col] = this.hovered ?? this.cell;
    this.where.textContent = say(this.text.where, {
      row: row + 1,
      col: col + 1,
      width: Math.round(box[2] - box[0]),
      height: Math.round(box[3] - box[1]),
    });
    this.drawDots();
  }

  drawDots() {
    const canvas = this.dots;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    canvas.hidden = !this.data.show_points;
    if (!this.data.show_points) return;
    const [down, across] = [height / this.header.image[0], width / this.header.image[1]];
    const spacing = (this.header.stride / this.header.scales[0]) * across;
    const radius = Math.max(0.7, Math.min(3, spacing / 5));
    context.fillStyle = "#fff";
    context.strokeStyle = "#14181f";
    for (let at = 0; at < this.points.length; at += 2) {
      context.beginPath();
      context.arc(this.points[at] * across, this.points[at + 1] * down, radius, 0, 7);
      context.fill();
      if (radius > 1.4) context.stroke();
    }
  }
}

export default (component) => live(component, (channel) => new View(channel));
