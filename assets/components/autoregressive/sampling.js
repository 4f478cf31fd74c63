// A picture that is drawn pixel by pixel: what is drawn, what the model expects of the rest, and the number that decides.
//
// The whole run was computed in torch and sent once; here it is only indexed. A pixel that is flipped is told to Python, which
// draws everything after it anew.

import { unpack } from "../shared/bytes.js";
import { colorTable } from "../shared/colors.js";
import { html, put, say, stylesheet } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { Transport } from "../shared/stepper.js";
import { Pixels, room } from "./pixels.js";

const own = await stylesheet(import.meta.url, "./sampling.css");
const BELOW = 110; // CSS pixels that transport and note take under the picture

/**
 * @typedef {object} Data what pages/autoregressive sends
 * @property {Uint8Array} payload `pack_sampling`
 * @property {import("../shared/stepper.js").StepSpec} stepper
 * @property {string} reference the picture without prescribed pixels
 * @property {boolean} hidden whether the next pixel's fate is a question
 * @property {number} replay another number lets the picture play from where it stands
 * @property {string[]} scale
 * @property {Record<string, string>} colors
 * @property {boolean} locked whether nothing can be flipped
 * @property {string[]} halo a dark and a light colour
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

class View {
  constructor(channel) {
    this.channel = channel;
    this.presses = channel.state.touch?.count ?? 0;
    this.transport = new Transport(channel);
    this.transport.onStep = (at) => this.show(at);
    this.pixels = new Pixels({ onLook: (index) => this.look(index), onAct: (index) => this.act(index) });
    this.build();
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.element);
  }

  build() {
    const style = html("style");
    style.textContent = own;
    this.note = html("output", { class: "note" });
    this.next = html("p", { class: "next", "data-mark": "next" });
    this.known = html("i", { class: "known" });
    this.needle = html("i", { class: "needle" });
    this.bar = html("div", { class: "bar", role: "img", "data-mark": "bar" }, this.known, this.needle);
    this.ends = html("div", { class: "ends", "aria-hidden": "true" }, html("span"), html("span"));
    this.sum = html("p", { class: "sum", "data-mark": "sum" });
    this.legend = html("ul", { class: "legend" });
    this.hint = html("p", { class: "quiet" });
    this.heard = html("span", { class: "heard", "aria-live": "polite" });
    this.element = html(
      "div",
      { class: "g2b sampling" },
      style,
      html(
        "div",
        { class: "layout" },
        html("div", { class: "picture", "data-mark": "picture" }, this.pixels.element, this.transport.element, this.note),
        html("div", { class: "side" }, this.next, this.bar, this.ends, this.sum, this.legend, this.hint, this.heard),
      ),
    );
  }

  /** @param {Data} data */
  update(data) {
    const first = !this.data;
    this.data = data;
    if (data.payload && data.payload !== this.bytes) {
      this.bytes = data.payload;
      const { header, arrays } = unpack(data.payload);
      this.header = header;
      this.order = arrays.order;
      this.probabilities = arrays.probabilities;
      this.log_probabilities = arrays.log_probabilities;
      this.noise = arrays.noise;
      this.picture = arrays.picture;
      this.forced = arrays.forced;
      this.futures = arrays.futures;
      this.rank = new Uint32Array(this.order.length);
      this.order.forEach((pixel, at) => {
        this.rank[pixel] = at;
      });
      this.sums = new Float64Array(this.order.length + 1);
      this.order.forEach((pixel, at) => {
        this.sums[at + 1] = this.sums[at] + this.log_probabilities[pixel];
      });
      this.layout();
    }
    this.table = colorTable(data.scale);
    for (const [name, color] of Object.entries(data.colors)) this.element.style.setProperty(`--${name}`, color);
    this.element.style.setProperty("--scale", `linear-gradient(to right, ${data.scale.join(", ")})`);
    this.writeText();
    this.redraw = true;
    this.transport.update({ ...data.stepper, presenter: data.presenter });
    if (this.redraw) this.show(this.transport.step);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!first && data.replay !== this.replay && !calm) this.transport.play();
    this.replay = data.replay;
  }

  writeText() {
    const { text } = this.data;
    [...this.ends.children].forEach((end, index) => {
      end.textContent = index ? "1" : "0";
    });
    const items = [
      ["scale", text.expected],
      ["drawn", text.drawn],
      ...(this.forced?.some(Boolean) ? [["forced", text.forced]] : []),
      ...(this.changes().length ? [["changed", text.changed]] : []),
    ];
    const key = JSON.stringify(items);
    if (key !== this.items) {
      this.items = key;
      this.legend.replaceChildren(...items.map(([name, words]) => html("li", {}, html("i", { class: `key ${name}` }), words)));
    }
    this.hint.textContent = text.hint;
  }

  /** Pixels that came out otherwise than without prescribed ones. */
  changes() {
    const { reference } = this.data;
    if (!reference || !this.picture) return [];
    return [...this.picture.keys()].filter((pixel) => String(this.picture[pixel]) !== reference[pixel]);
  }

  layout() {
    if (!this.header || !this.element.isConnected) return;
    const [rows, cols] = this.header.size;
    const { width } = this.element.getBoundingClientRect();
    if (!width) return;
    this.element.classList.toggle("narrow", width < 560);
    const share = width < 560 ? width : width * 0.64;
    this.pixels.fit(rows, cols, share - 4, room(this.element) - BELOW);
    this.show(this.transport.step);
  }

  /** What a pixel is after so many steps: its value, whether it is drawn, what it is expected to be. */
  state(pixel, at) {
    const drawn = this.rank[pixel] < at;
    if (drawn) return { drawn, value: this.picture[pixel] };
    const { futures } = this;
    if (futures && at < this.order.length) return { drawn, value: futures[at * this.order.length + pixel] };
    return { drawn, value: pixel === this.order[at] ? this.probabilities[pixel] : null };
  }

  show(at) {
    if (!this.order || !this.table) return;
    this.redraw = false;
    const count = this.order.length;
    const pixel = at < count ? this.order[at] : -1;
    const marks = [];
    const halo = this.data.halo;
    for (const index of this.changes())
      if (this.rank[index] < at && !this.forced[index])
        marks.push({ index, color: halo[0], width: 5 }, { index, color: halo[1], width: 2 });
    for (let index = 0; index < count; index++)
      if (this.forced[index] && this.rank[index] < at)
        marks.push({ index, color: this.picture[index] ? halo[0] : halo[1], shape: /** @type {const} */ ("dot") });
    if (pixel >= 0) marks.push({ index: pixel, color: this.data.colors.current, width: 4 });
    if (this.pixels.keyboard()) marks.push({ index: this.pixels.cursor, color: halo[1], width: 2, dash: [4, 3] });
    this.pixels.draw({
      fill: (index) => {
        const { value } = this.state(index, at);
        return value === null ? null : this.table[Math.round(255 * value)];
      },
      small: (index) => this.rank[index] >= at,
      marks,
      edge: "rgba(128,128,128,0.35)",
    });
    this.element.dataset.at = String(at);
    this.element.dataset.picture = [...this.picture].map((value, index) => (this.rank[index] < at ? value : ".")).join("");
    this.decide(at, pixel);
    const words = at < count ? say(this.data.text.summary, { at, count }) : say(this.data.text.finished, { count });
    this.pixels.say(words);
    this.transport.caption(words);
  }

  /** The probability, the number drawn, and the sum so far, in words and as a bar. */
  decide(at, pixel) {
    const { text } = this.data;
    const done = pixel < 0;
    this.bar.hidden = this.ends.hidden = done;
    if (done) this.next.textContent = text.done;
    else {
      const [row, column] = this.place(pixel);
      const p = this.probabilities[pixel];
      const values = { row, column, p: p.toFixed(3), u: this.noise[pixel].toFixed(3) };
      const fate = this.forced[pixel] ? text.prescribed : this.noise[pixel] < p ? text.ink : text.paper;
      this.next.textContent = `${say(text.next, values)} ${this.data.hidden ? say(text.number, values) : say(fate, values)}`;
      this.known.style.width = `${100 * p}%`;
      this.needle.style.left = `${100 * this.noise[pixel]}%`;
      this.needle.hidden = Boolean(this.forced[pixel]);
      put(this.bar, "aria-label", this.next.textContent);
    }
    const nats = this.sums[at];
    this.sum.textContent = say(text.sum, { at, nats: signed(nats), bits: (-nats / Math.LN2 / Math.max(at, 1)).toFixed(2) });
  }

  place(pixel) {
    const cols = this.header.size[1];
    return [Math.floor(pixel / cols), pixel % cols];
  }

  look(index) {
    if (!this.order) return;
    const at = this.transport.step;
    if (index < 0) this.note.textContent = "";
    else {
      const [row, column] = this.place(index);
      const { drawn, value } = this.state(index, at);
      const { text } = this.data;
      const words = drawn ? (value ? text.is_ink : text.is_paper) : value === null ? text.is_open : text.is_expected;
      const p = drawn ? this.probabilities[index] : (value ?? 0);
      this.note.textContent = say(words, { row, column, p: p.toFixed(3), nats: signed(this.log_probabilities[index]) });
    }
    if (this.pixels.keyboard()) {
      this.heard.textContent = this.note.textContent;
      this.show(at);
    }
  }

  /** A drawn pixel is flipped; one still to be drawn is stepped to. */
  act(index) {
    if (!this.order || this.data.locked) return;
    if (this.rank[index] >= this.transport.step) {
      this.transport.leap(this.rank[index]);
      return;
    }
    this.transport.pause();
    this.presses += 1;
    this.channel.set({ touch: { pixel: index, count: this.presses } });
  }

  destroy() {
    this.observer.disconnect();
    this.transport.destroy();
  }
}

/** @param {number} nats */
function signed(nats) {
  return nats.toFixed(2).replace("-", "−");
}

export default (component) => live(component, (channel) => new View(channel));
