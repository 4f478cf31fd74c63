// A digit painted by hand, and what every model says of it, pixel by pixel.
//
// The stroke is drawn here at once; Python hears the picture when the stroke ends and answers with likelihoods computed in torch.

import { colorTable, inkOn } from "../shared/colors.js";
import { html, say, stylesheet } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { Pixels, room } from "./pixels.js";

const own = await stylesheet(import.meta.url, "./paint.css");
const BELOW = 230; // CSS pixels that captions and bars take under the pictures

/**
 * @typedef {object} Data what pages/autoregressive sends
 * @property {string} picture pixels as text
 * @property {string} version another one brings `picture` here
 * @property {number[]} size rows and columns
 * @property {number} brush pixels of a stroke's width
 * @property {{name: string, title: string, nats: number, chosen: boolean}[]} models log-likelihoods of the picture
 * @property {number[]} costs nats of each pixel under the chosen model
 * @property {number} most nats at the end of the colour scale
 * @property {{title: string, values: number[]}[]} labels p(label) by classifier; empty where none is asked
 * @property {string[]} scale
 * @property {string[]} halo
 * @property {Record<string, string>} colors
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

class View {
  constructor(channel) {
    this.channel = channel;
    this.strokes = channel.state.paint?.count ?? 0;
    this.canvas = new Pixels({
      onLook: (index) => this.look(index),
      onPaint: (index, first) => this.paint(index, first),
      onPainted: () => this.tell(),
    });
    this.map = new Pixels({ onLook: (index) => this.look(index) });
    this.build();
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.element);
  }

  build() {
    const style = html("style");
    style.textContent = own;
    this.titles = [html("h3"), html("h3")];
    this.note = html("output", { class: "note" });
    this.change = html("p", { class: "change", "aria-live": "polite" });
    this.models = html("table", { class: "models", "data-mark": "models" });
    this.labels = html("table", { class: "labels", "data-mark": "labels" });
    this.legend = html("p", { class: "legend", "aria-hidden": "true" }, html("span"), html("i"), html("span"));
    this.heard = html("span", { class: "heard", "aria-live": "polite" });
    this.element = html(
      "div",
      { class: "g2b paint" },
      style,
      html(
        "div",
        { class: "layout" },
        html("section", { "data-mark": "canvas" }, this.titles[0], this.canvas.element, this.note),
        html("section", { "data-mark": "map" }, this.titles[1], this.map.element, this.legend),
        html("div", { class: "tables" }, this.change, this.models, this.labels),
      ),
      this.heard,
    );
  }

  /** @param {Data} data */
  update(data) {
    const before = this.data;
    this.data = data;
    this.table = colorTable(data.scale);
    if (data.version !== this.version) {
      this.version = data.version;
      this.picture = [...data.picture].map(Number);
    }
    const { text } = data;
    this.titles[0].textContent = text.canvas;
    this.titles[1].textContent = text.map;
    this.legend.firstChild.textContent = text.least;
    this.legend.lastChild.textContent = text.most;
    for (const [name, color] of Object.entries(data.colors)) this.element.style.setProperty(`--${name}`, color);
    this.element.style.setProperty("--scale", `linear-gradient(to right, ${data.scale.join(", ")})`);
    this.writeChange(before);
    this.writeModels();
    this.writeLabels();
    this.element.dataset.heard = data.picture;
    this.layout();
  }

  /** What the last stroke did to the log-likelihood. */
  writeChange(before) {
    const now = this.data.models.find(({ chosen }) => chosen);
    const then = before?.models.find(({ name }) => name === now?.name);
    if (!now || !then || before.picture === this.data.picture) {
      if (!then || before?.picture !== this.data.picture) this.change.textContent = "";
      return;
    }
    const by = now.nats - then.nats;
    this.change.textContent = say(this.data.text.change, { model: now.title, by: signed(by, true), nats: signed(now.nats) });
  }

  writeModels() {
    const { models, text } = this.data;
    const most = Math.max(1, ...models.map(({ nats }) => -nats));
    this.models.replaceChildren(
      html("caption", {}, text.models),
      ...models.map(({ name, title, nats, chosen }) => {
        const bar = html("i", { class: "bar", style: `width:${(-100 * nats) / most}%` });
        return html(
          "tr",
          { "data-model": name, "aria-current": chosen },
          html("th", { scope: "row" }, title),
          html("td", { class: "track" }, bar),
          html("td", { class: "number" }, signed(nats)),
        );
      }),
    );
  }

  writeLabels() {
    const { labels, text } = this.data;
    this.labels.hidden = !labels.length;
    if (!labels.length) return;
    const best = labels.map(({ values }) => values.indexOf(Math.max(...values)));
    const head = html(
      "tr",
      {},
      html("th", { scope: "col" }, text.label),
      ...labels.map(({ title }) => html("th", { scope: "col" }, title)),
    );
    const rows = labels[0].values.map((_, label) =>
      html(
        "tr",
        { "data-label": label },
        html("th", { scope: "row" }, label),
        ...labels.map(({ values }, column) =>
          html(
            "td",
            { class: `track ${best[column] === label ? "best" : ""}` },
            html("i", { class: "bar", style: `width:${100 * values[label]}%` }),
            html("span", {}, `${(100 * values[label]).toFixed(values[label] >= 0.0995 ? 0 : 1)} %`),
          ),
        ),
      ),
    );
    this.labels.replaceChildren(html("caption", {}, text.labels), html("thead", {}, head), html("tbody", {}, ...rows));
  }

  layout() {
    if (!this.picture || !this.element.isConnected) return;
    const { width } = this.element.getBoundingClientRect();
    if (!width) return;
    const narrow = width < 460;
    const wide = width > 960;
    this.element.classList.toggle("narrow", narrow);
    this.element.classList.toggle("wide", wide);
    const [rows, cols] = this.data.size;
    const height = Math.max(190, Math.min(room(this.element) - (wide ? 90 : BELOW), 420));
    const share = wide ? width * 0.31 : width / 2 - 16;
    this.canvas.fit(rows, cols, narrow ? width - 4 : share, height);
    this.map.fit(rows, cols, narrow ? width / 2 : share, height);
    this.draw();
  }

  draw() {
    const { costs, most, halo } = this.data;
    const ground = this.table;
    const cursor = this.canvas.keyboard() ? [{ index: this.canvas.cursor, color: halo[1], width: 3, dash: [4, 3] }] : [];
    const edge = "rgba(128,128,128,0.35)";
    this.canvas.draw({ fill: (index) => ground[this.picture[index] ? 255 : 0], marks: cursor, edge });
    this.map.draw({
      fill: (index) => ground[Math.round(255 * Math.min(1, costs[index] / most))],
      marks: [...costs.keys()]
        .filter((index) => this.picture[index])
        .map((index) => {
          const color = inkOn(ground[Math.round(255 * Math.min(1, costs[index] / most))]);
          return { index, color, shape: /** @type {const} */ ("dot") };
        }),
      edge,
    });
    const ink = this.picture.filter(Boolean).length;
    this.canvas.say(say(this.data.text.canvas_words, { ink, count: this.picture.length }));
    this.map.say(this.data.text.map);
    this.element.dataset.picture = this.picture.join("");
  }

  look(index) {
    if (!this.data) return;
    const cols = this.data.size[1];
    const values = { row: Math.floor(index / cols), column: index % cols };
    const words = this.picture[index] ? this.data.text.ink : this.data.text.paper;
    this.note.textContent = index < 0 ? "" : say(words, { ...values, nats: this.data.costs[index]?.toFixed(2) ?? "" });
    if (this.canvas.keyboard()) {
      this.heard.textContent = this.note.textContent;
      this.draw();
    }
  }

  /** The first pixel of a stroke decides whether it inks or clears. */
  paint(index, first) {
    if (!this.picture) return;
    if (first) this.value = this.picture[index] ? 0 : 1;
    const [rows, cols] = this.data.size;
    const [row, column] = [Math.floor(index / cols), index % cols];
    for (let r = row; r < Math.min(rows, row + this.data.brush); r++)
      for (let c = column; c < Math.min(cols, column + this.data.brush); c++) {
        this.touched ||= this.picture[r * cols + c] !== this.value;
        this.picture[r * cols + c] = this.value;
      }
    this.draw();
  }

  tell() {
    if (!this.touched) return;
    this.touched = false;
    this.strokes += 1;
    this.channel.set({ paint: { pixels: this.picture.join(""), count: this.strokes, version: this.version } });
  }

  destroy() {
    this.observer.disconnect();
  }
}

/** @param {number} nats @param {boolean} [plus] */
function signed(nats, plus = false) {
  return `${plus && nats >= 0 ? "+" : ""}${nats.toFixed(2).replace("-", "−")}`;
}

export default (component) => live(component, (channel) => new View(channel));
