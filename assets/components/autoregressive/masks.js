// MADE's two masks as matrices, and the paths between one pixel and one output, lit by pointing at either.

import { unpack } from "../shared/bytes.js";
import { parse } from "../shared/colors.js";
import { html, say, stylesheet } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { Pixels, room } from "./pixels.js";

const own = await stylesheet(import.meta.url, "./masks.css");

/**
 * @typedef {object} Data what pages/autoregressive sends
 * @property {Uint8Array} payload `first` `[H, D]`, `last` `[D, H]`, `order` `[D]`
 * @property {number[]} size rows and columns of the picture
 * @property {Record<string, string>} colors
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

class View {
  constructor(_channel) {
    this.input = 10;
    this.output = 35;
    const wheel = (name) => ({ onLook: (index) => this.look(name, index), onAct: (index) => this.look(name, index) });
    this.grids = Object.fromEntries(["input", "first", "last", "output"].map((name) => [name, new Pixels(wheel(name))]));
    const style = html("style");
    style.textContent = own;
    this.titles = Object.fromEntries(Object.keys(this.grids).map((name) => [name, html("h3")]));
    this.words = html("p", { class: "words", "aria-live": "polite" });
    this.legend = html("ul", { class: "legend" });
    this.element = html(
      "div",
      { class: "g2b masks" },
      style,
      html(
        "div",
        { class: "layout" },
        ...Object.entries(this.grids).map(([name, grid]) =>
          html("section", { class: name, "data-mark": name }, this.titles[name], grid.element),
        ),
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
      if (this.order && this.order.length !== arrays.order.length) {
        const grown = arrays.order.length / this.order.length; // the same two places, about, in another picture
        [this.input, this.output] = [Math.floor(this.input * grown), Math.floor(this.output * grown)];
      }
      this.first = arrays.first;
      this.last = arrays.last;
      this.order = arrays.order;
      this.hidden = shapes.first[0];
    }
    for (const [name, color] of Object.entries(data.colors)) this.element.style.setProperty(`--${name}`, color);
    for (const [name, title] of Object.entries(this.titles)) title.textContent = data.text[name];
    this.legend.replaceChildren(
      ...["allowed", "lit", "chosen"].map((name) => html("li", {}, html("i", { class: `key ${name}` }), data.text[`key_${name}`])),
    );
    this.layout();
  }

  layout() {
    if (!this.order || !this.element.isConnected) return;
    const { width } = this.element.getBoundingClientRect();
    if (!width) return;
    this.element.classList.toggle("narrow", width < 760);
    const narrow = width < 760;
    const height = Math.min(340, Math.max(200, room(this.element) - 120));
    const [rows, cols] = this.data.size;
    const count = this.order.length;
    const small = narrow ? width / 2 - 12 : (width - 60) * 0.17;
    const large = narrow ? width - 6 : (width - 60) * 0.32;
    this.grids.input.fit(rows, cols, small, height);
    this.grids.output.fit(rows, cols, small, height);
    this.grids.first.fit(this.hidden, count, large, height);
    this.grids.last.fit(count, this.hidden, large, height);
    this.draw();
  }

  /** Whether a hidden unit lies on a path from the chosen pixel to the chosen output. */
  carries(unit) {
    const count = this.order.length;
    return this.first[unit * count + this.input] && this.last[this.output * this.hidden + unit];
  }

  draw() {
    const { colors, size, text } = this.data;
    const [count, hidden] = [this.order.length, this.hidden];
    const [allowed, lit] = [parse(colors.allowed), parse(colors.lit)];
    const edge = "rgba(128,128,128,0.35)";
    const units = [...Array(hidden).keys()].filter((unit) => this.carries(unit));
    const on = new Set(units);
    const reach = new Set([...Array(count).keys()].filter((pixel) => this.paths(pixel, this.output)));
    this.grids.input.draw({
      fill: (pixel) => (reach.has(pixel) ? allowed : null),
      marks: [{ index: this.input, color: colors.lit, width: 4 }],
      edge,
    });
    this.grids.output.draw({
      fill: (pixel) => (this.paths(this.input, pixel) ? allowed : null),
      marks: [{ index: this.output, color: colors.chosen, width: 4 }],
      edge,
    });
    this.grids.first.draw({
      fill: (index) => {
        const [unit, pixel] = [Math.floor(index / count), index % count];
        return pixel === this.input && on.has(unit) ? lit : this.first[index] ? allowed : null;
      },
      marks: [{ index: this.input, color: colors.lit, width: 1, rows: hidden }],
      edge,
    });
    this.grids.last.draw({
      fill: (index) => {
        const [output, unit] = [Math.floor(index / hidden), index % hidden];
        return output === this.output && on.has(unit) ? lit : this.last[index] ? allowed : null;
      },
      marks: [{ index: this.output * hidden, color: colors.chosen, width: 1, cols: hidden }],
      edge,
    });
    const place = (pixel) => `(${Math.floor(pixel / size[1])}, ${pixel % size[1]})`;
    const values = { pixel: place(this.input), output: place(this.output), count: units.length };
    const ranks = [this.input, this.output].map((pixel) => this.order.indexOf(pixel));
    const words = say(units.length ? text.paths : ranks[0] < ranks[1] ? text.lacking : text.forbidden, values);
    if (this.words.textContent !== words) this.words.textContent = words;
    for (const [name, grid] of Object.entries(this.grids)) grid.say(`${text[name]}. ${words}`);
    this.element.dataset.paths = String(units.length);
    this.element.dataset.pair = `${this.input},${this.output}`;
  }

  /** How many paths lead from a pixel to an output. */
  paths(pixel, output) {
    let found = 0;
    for (let unit = 0; unit < this.hidden; unit++)
      found += this.first[unit * this.order.length + pixel] & this.last[output * this.hidden + unit];
    return found;
  }

  look(name, index) {
    if (index < 0 || !this.order) return;
    if (name === "input") this.input = index;
    else if (name === "output") this.output = index;
    else if (name === "first") this.input = index % this.order.length;
    else this.output = Math.floor(index / this.hidden);
    this.draw();
  }

  destroy() {
    this.observer.disconnect();
  }
}

export default (component) => live(component, (channel) => new View(channel));
