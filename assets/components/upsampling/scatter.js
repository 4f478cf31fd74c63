// A transposed convolution read in two ways: stamping, and a convolution over the grid with zeros put in.

import { unpack } from "../shared/bytes.js";
import { parse, shade } from "../shared/colors.js";
import { html, put, say, stylesheet } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { Transport } from "../shared/stepper.js";
import { brief, Cells, written } from "./cells.js";

/** @type {(index: number) => boolean} */
const NONE = () => false;

const base = await stylesheet(import.meta.url, "../shared/base.css");

export default (component) => live(component, (channel) => new Scatter(channel));

/**
 * @typedef {object} Data what pages/upsampling sends
 * @property {Uint8Array} payload `pack_scatter`
 * @property {boolean} hidden a question stands that stamps and output would answer
 * @property {"scatter" | "convolution"} reading
 * @property {import("../shared/stepper.js").StepSpec} stepper
 * @property {string[]} scale
 * @property {Record<string, string>} colors
 * @property {Record<string, number>} layer sizes of the transposed convolution, as torch names them
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

class Scatter {
  constructor(channel) {
    this.element = html("div", { class: "g2b scatter" }, html("style", {}, base));
    this.panels = {};
    const row = html("div", { class: "panels" });
    for (const name of ["source", "kernel", "stamp", "output"]) {
      const title = html("h3");
      const cells = new Cells({ role: "img" });
      this.panels[name] = { title, cells };
      row.append(html("figure", { class: name, "data-mark": name }, title, cells.element));
    }
    this.sum = html("p", { class: "sum" });
    this.transport = new Transport(channel, { name: "step" });
    const output = this.panels.output.cells;
    output.element.addEventListener("pointermove", (event) => this.point(output.at(event)));
    output.element.addEventListener("pointerdown", (event) => this.point(output.at(event)));
    output.element.addEventListener("pointerleave", () => this.point(-1));
    this.pointed = -1;
    this.transport.onStep = (step) => {
      this.step = step;
      this.pointed = -1;
      this.draw();
    };
    this.element.append(this.transport.element, row, this.sum);
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(row);
    this.row = row;
  }

  destroy() {
    this.observer.disconnect();
    this.transport.destroy();
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.scale = data.scale.map(parse);
    if (data.payload !== this.payload) {
      this.payload = data.payload;
      const { arrays, shapes } = unpack(data.payload);
      this.shape = shapes;
      this.arrays = arrays;
      this.low = Math.min(0, ...this.arrays.output);
      this.high = Math.max(0, ...this.arrays.output);
    }
    this.element.classList.toggle("veiled", Boolean(data.hidden));
    this.stamping = data.reading === "scatter";
    this.transport.update({ ...data.stepper, text: data.stepper.text ?? data.text, presenter: data.presenter });
    this.layout();
  }

  /** Looks at one output cell: which input cells' stamps cover it. */
  point(index) {
    if (index === this.pointed) return;
    this.pointed = index;
    this.draw();
  }

  layout() {
    if (!this.arrays) return;
    const wide = this.row.clientWidth;
    if (!wide) return;
    const narrow = wide < 620;
    const space = narrow ? wide - 8 : wide - 60;
    const { source, kernel, stamp, output } = this.panels;
    const [rows, cols] = this.stamping ? this.shape.input : this.shape.inserted;
    const [k, l] = this.stamping ? this.shape.kernel : this.shape.flipped_kernel;
    const [h, w] = this.shape.output;
    const share = this.stamping ? [0.2, 0.14, 0.33, 0.33] : [0.42, 0.18, 0, 0.4];
    const fit = (part, height, width, portion) =>
      part.cells.fit(height, width, narrow ? space : space * portion, { most: 40, height: 320 });
    fit(source, rows, cols, share[0]);
    fit(kernel, k, l, share[1]);
    fit(stamp, h, w, share[2] || 0.3);
    fit(output, h, w, share[3]);
    stamp.cells.element.parentElement.hidden = !this.stamping;
    this.draw();
  }

  draw() {
    if (!this.arrays || this.step === undefined) return;
    if (this.stamping) this.drawStamps();
    else this.drawWindow();
  }

  cellsOf(panel, title, values, { marks = [], blank = NONE, quietZero = false } = {}) {
    const { cells } = this.panels[panel];
    this.panels[panel].title.textContent = title;
    const low = panel === "output" || panel === "stamp" ? this.low : Math.min(0, ...values);
    const high = panel === "output" || panel === "stamp" ? this.high : Math.max(0, ...values);
    cells.draw({
      fill: (index) => (blank(index) || (quietZero && values[index] === 0) ? null : shade(this.scale, values[index], low, high)),
      text: (index) => (blank(index) ? "" : brief(values[index])),
      marks,
      ink: getComputedStyle(this.element).color,
      edge: "rgba(128,128,128,0.45)",
    });
    put(cells.element, "aria-label", title);
  }

  drawStamps() {
    const { input, kernel, stamps } = this.arrays;
    const { text, colors } = this.data;
    const [rows, cols] = this.shape.output;
    const size = rows * cols;
    if (this.pointed >= size) this.pointed = -1;
    const done = Math.min(this.step, input.length);
    const now = done - 1;
    const total = new Float64Array(size);
    const touched = new Uint8Array(size);
    for (let cell = 0; cell < done; cell++) {
      for (let k = 0; k < size; k++) total[k] += stamps[cell * size + k];
    }
    const last = now >= 0 ? stamps.subarray(now * size, (now + 1) * size) : new Float64Array(size);
    const places = now >= 0 ? this.stampCells(now) : [];
    for (const k of places) touched[k] = 1;
    const marks = places.map((index) => ({ index, color: colors.current, width: 2 }));
    this.cellsOf("source", text.input, input, { marks: now >= 0 ? [{ index: now, color: colors.current }] : [] });
    this.cellsOf("kernel", text.kernel, kernel);
    this.cellsOf("stamp", text.stamp, last, { blank: (k) => !touched[k] });
    this.cellsOf("output", text.so_far, total, { marks });
    if (this.pointed >= 0) {
      this.drawContributors(done, input, stamps, total, size);
      return;
    }
    if (now < 0) this.sum.textContent = text.start_stamps;
    else {
      const [row, col] = [Math.floor(now / this.shape.input[1]), now % this.shape.input[1]];
      this.sum.textContent = say(text.stamped, { row, col, value: written(input[now]), count: places.length });
    }
  }

  /** The stamps on the output cell that is pointed at, and their sum. */
  drawContributors(done, input, stamps, total, size) {
    const { colors, text } = this.data;
    const cols = this.shape.output[1];
    const covering = [...Array(done).keys()].filter((cell) => this.stampCells(cell).includes(this.pointed));
    const marks = covering.map((index) => ({ index, color: colors.current }));
    this.cellsOf("source", text.input, input, { marks });
    this.cellsOf("output", text.so_far, total, { marks: [{ index: this.pointed, color: colors.current }] });
    const terms = covering.map((cell) => written(stamps[cell * size + this.pointed])).join(" + ");
    const place = `out[${Math.floor(this.pointed / cols)}, ${this.pointed % cols}] = `;
    const sum = covering.length > 1 ? `${terms.replaceAll("+ −", "− ")} = ` : "";
    this.sum.textContent = `${say(text.covering, { count: covering.length })} ${place}${sum}${written(total[this.pointed])}`;
  }

  /** The output cells that one input cell's stamp covers, also where the kernel is zero. */
  stampCells(cell) {
    const { stride, padding, dilation } = this.data.layer;
    const [rows, cols] = this.shape.output;
    const [k, l] = this.shape.kernel;
    const [top, left] = [Math.floor(cell / this.shape.input[1]) * stride - padding, (cell % this.shape.input[1]) * stride - padding];
    const found = [];
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < l; j++) {
        const [row, col] = [top + i * dilation, left + j * dilation];
        if (row >= 0 && col >= 0 && row < rows && col < cols) found.push(row * cols + col);
      }
    }
    return found;
  }

  drawWindow() {
    const { inserted, flipped_kernel: kernel, convolved } = this.arrays;
    const { text, colors } = this.data;
    const [rows, cols] = this.shape.output;
    const [k, l] = this.shape.flipped_kernel;
    const wide = this.shape.inserted[1];
    const done = Math.min(this.step, rows * cols);
    const now = done - 1;
    const [row, col] = [Math.floor(now / cols), now % cols];
    const window = now >= 0 ? [{ index: row * wide + col, rows: k, cols: l, color: colors.current }] : [];
    this.cellsOf("source", text.inserted, inserted, { marks: window, quietZero: true });
    this.cellsOf("kernel", text.flipped, kernel, { quietZero: true });
    this.cellsOf("output", text.so_far, convolved, {
      blank: (index) => index >= done,
      marks: now >= 0 ? [{ index: now, color: colors.current }] : [],
    });
    if (now < 0) {
      this.sum.textContent = text.start_window;
      return;
    }
    const terms = [];
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < l; j++) {
        const value = inserted[(row + i) * wide + col + j];
        if (kernel[i * l + j] && value) terms.push(`${written(kernel[i * l + j])}·${value < 0 ? `(${written(value)})` : written(value)}`);
      }
    }
    this.sum.textContent = `out[${row}, ${col}] = ${terms.length ? `${terms.join(" + ").replaceAll("+ −", "− ")} = ` : ""}${written(convolved[now])}`;
  }
}
