// Which pixels an output sees: the picture of one output, and the matrix of all. Both show what a gradient found in torch.

import { unpack } from "../shared/bytes.js";
import { parse } from "../shared/colors.js";
import { html, say, stylesheet } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { Pixels, room } from "./pixels.js";

const own = await stylesheet(import.meta.url, "./leak.css");
const BELOW = 170; // CSS pixels that words and legend take under the pictures

/**
 * @typedef {object} Data what pages/autoregressive sends
 * @property {Uint8Array} payload `sees`, `allowed` `[D, D]`, or `[1, D]` of `pixel` alone, and `order` `[D]`
 * @property {number[]} size rows and columns of the picture
 * @property {number} pixel whose output is shown at first
 * @property {string} version another one brings `pixel` here
 * @property {number} reach of the kernels, in pixels up and to either side; 0 where there are none
 * @property {boolean} hidden whether it is a question what is seen
 * @property {Record<string, string>} colors
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

class View {
  constructor(channel) {
    this.channel = channel;
    this.pixel = 0;
    this.picture = new Pixels({ onAct: (index) => this.choose(index), onLook: () => this.draw() });
    this.matrix = new Pixels({
      onAct: (index) => this.choose(this.order[Math.floor(index / this.matrix.cols)]),
      onLook: (index) => this.lookAtMatrix(index),
    });
    const style = html("style");
    style.textContent = own;
    this.titles = [html("h3"), html("h3")];
    this.words = html("p", { class: "words", "aria-live": "polite", "data-mark": "words" });
    this.note = html("output", { class: "note" });
    this.legend = html("ul", { class: "legend" });
    this.element = html(
      "div",
      { class: "g2b leak" },
      style,
      html(
        "div",
        { class: "layout" },
        html("section", { "data-mark": "picture" }, this.titles[0], this.picture.element),
        html("section", { class: "all", "data-mark": "matrix" }, this.titles[1], this.matrix.element, this.note),
      ),
      this.words,
      this.legend,
    );
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.element);
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    if (data.payload && data.payload !== this.bytes) {
      this.bytes = data.payload;
      const { arrays, shapes } = unpack(data.payload);
      this.alone = shapes.sees[0] === 1 && arrays.order.length > 1;
      this.order = arrays.order;
      this.sees = arrays.sees;
      this.allowed = arrays.allowed;
    }
    if (data.version !== this.version) {
      this.version = data.version;
      this.pixel = data.pixel;
    }
    const { text } = data;
    for (const [name, color] of Object.entries(data.colors)) this.element.style.setProperty(`--${name}`, color);
    this.titles[0].textContent = text.picture;
    this.titles[1].textContent = text.matrix;
    this.titles[1].parentElement.hidden = this.alone;
    this.legend.hidden = data.hidden; // its words would name what is asked for
    this.legend.replaceChildren(
      ...["output", "seen", "missing", "leak", "later", ...(data.reach ? ["window"] : [])].map((name) =>
        html("li", {}, html("i", { class: `key ${name}` }), text[name]),
      ),
    );
    this.layout();
  }

  layout() {
    if (!this.order || !this.element.isConnected) return;
    const { width } = this.element.getBoundingClientRect();
    if (!width) return;
    const narrow = width < 460;
    this.element.classList.toggle("narrow", narrow);
    this.element.classList.toggle("alone", this.alone && !narrow);
    const [rows, cols] = this.data.size;
    const height = Math.min(460, room(this.element) - BELOW);
    this.picture.fit(rows, cols, narrow ? width - 4 : width / 2 - 16, height);
    if (!this.alone) this.matrix.fit(this.order.length, this.order.length, narrow ? width - 4 : width / 2 - 16, height);
    this.draw();
  }

  /** @returns {"seen" | "missing" | "leak" | "later"} what a pixel is to an output */
  kind(output, pixel) {
    const at = (this.alone ? 0 : output * this.order.length) + pixel;
    if (this.sees[at]) return this.allowed[at] ? "seen" : "leak";
    return this.allowed[at] ? "missing" : "later";
  }

  draw() {
    if (!this.order) return;
    const { colors, text, size } = this.data;
    const waits = this.alone && this.pixel !== this.data.pixel; // the server has not told this output's gradient yet
    const hidden = this.data.hidden || waits;
    const fills = { seen: parse(colors.seen), leak: parse(colors.leak), missing: null, later: null };
    const edge = "rgba(128,128,128,0.45)";
    const count = this.order.length;
    const kinds = [...Array(count).keys()].map((pixel) => this.kind(this.pixel, pixel));
    /** @type {import("./pixels.js").Mark[]} */
    const marks = [];
    for (const [index, kind] of hidden ? [] : kinds.entries()) {
      if (kind === "missing") marks.push({ index, color: colors.missing, width: 2.5, shape: "cross" });
      else if (kind === "leak") marks.push({ index, color: colors.light, shape: "diamond" });
    }
    marks.push({ index: this.pixel, color: colors.output, width: 4 });
    if (this.data.reach && !this.data.hidden) marks.push(this.window());
    if (this.picture.keyboard()) marks.push({ index: this.picture.cursor, color: colors.missing, width: 2, dash: [4, 3] });
    this.picture.draw({ fill: (index) => (hidden ? null : fills[kinds[index]]), marks, edge });
    const row = [...this.order].indexOf(this.pixel);
    if (!this.alone)
      this.matrix.draw({
        fill: (index) => {
          const [output, pixel] = [this.order[Math.floor(index / count)], this.order[index % count]];
          return hidden ? null : fills[this.kind(output, pixel)];
        },
        marks: [{ index: row * count, color: colors.output, width: 1.5, cols: count }],
        edge,
      });
    const tally = { seen: 0, missing: 0, leak: 0, later: 0 };
    for (const kind of kinds) tally[kind] += 1;
    const values = { row: Math.floor(this.pixel / size[1]), column: this.pixel % size[1], ...tally, before: tally.seen + tally.missing };
    const words = waits
      ? text.waits
      : hidden
        ? text.asked
        : say(tally.leak ? text.leaks : tally.missing ? text.sees_some : text.sees_all, values);
    if (this.words.textContent !== words) this.words.textContent = words;
    this.picture.say(words);
    this.matrix.say(text.matrix);
    this.element.dataset.pixel = String(this.pixel);
    const letters = { seen: "s", missing: "m", leak: "x", later: "." };
    this.element.dataset.kinds = hidden ? "" : kinds.map((kind) => letters[kind]).join("");
  }

  /** The rows above and columns to either side that the kernels can get to, as a frame. @returns {import("./pixels.js").Mark} */
  window() {
    const { reach, size, colors } = this.data;
    const [row, column] = [Math.floor(this.pixel / size[1]), this.pixel % size[1]];
    const [top, left] = [Math.max(0, row - reach), Math.max(0, column - reach)];
    const right = Math.min(size[1] - 1, column + reach);
    const index = top * size[1] + left;
    return { index, color: colors.missing, width: 3, dash: [8, 5], rows: row - top + 1, cols: right - left + 1 };
  }

  lookAtMatrix(index) {
    if (index < 0 || this.data.hidden) {
      this.note.textContent = "";
      return;
    }
    const count = this.order.length;
    const cols = this.data.size[1];
    const place = (pixel) => `(${Math.floor(pixel / cols)}, ${pixel % cols})`;
    const [output, pixel] = [this.order[Math.floor(index / count)], this.order[index % count]];
    this.note.textContent = say(this.data.text.cell, {
      output: place(output),
      pixel: place(pixel),
      kind: this.data.text[this.kind(output, pixel)],
    });
  }

  choose(pixel) {
    this.pixel = pixel;
    this.draw();
    this.channel.set({ output: { pixel, version: this.version } });
  }

  destroy() {
    this.observer.disconnect();
  }
}

export default (component) => live(component, (channel) => new View(channel));
