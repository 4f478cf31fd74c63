// The budget board: where parameters, multiply-adds and milliseconds go, as stacked bars, block by block. Played, a picture
// passes the blocks in slow motion, each for as long as was measured.

import { html, put, say, stylesheet } from "../shared/dom.js";
import { live } from "../shared/live.js";

const base = await stylesheet(import.meta.url, "../shared/base.css");
const own = await stylesheet(import.meta.url, "./board.css");
const PLAYED_FOR = 6000; // ms for the whole bar
const WORDY = 0.14; // a part is named inside the bar from this share of the widest bar on

/**
 * @typedef {object} Part of a bar
 * @property {string} block
 * @property {number} value in the kind's unit
 * @property {string} words value and share
 *
 * @typedef {object} Row one design
 * @property {string} label
 * @property {string} total
 * @property {Part[]} parts
 * @property {{value: number, words: string} | null} mark what the paper reports
 *
 * @typedef {object} Data what pages/thundernet sends
 * @property {{name: string, title: string, rows: Row[]}[]} kinds
 * @property {{name: string, words: string, color: string}[]} blocks
 * @property {string} played the kind whose first row is played
 * @property {boolean} presenter
 * @property {{label: string, hint: string, slow: string, mark: string}} text
 */

class Board {
  constructor() {
    this.legend = html("ul", { class: "legend" });
    this.kinds = html("div", { class: "kinds", role: "img", "data-mark": "bars", "data-figure": true });
    this.readout = html("p", { class: "readout", role: "status" });
    this.element = html("div", { class: "g2b board" }, html("style", {}, base, own), this.legend, this.kinds, this.readout);
    this.onPlay = (event) => {
      if (!this.element.isConnected || !this.data) return;
      event.preventDefault();
      this.play();
    };
    document.addEventListener("grad2box:play", this.onPlay);
    this.kinds.addEventListener("pointerover", (event) => this.point(event.target));
    this.kinds.addEventListener("pointerleave", () => this.point(null));
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    document.removeEventListener("grad2box:play", this.onPlay);
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.words = Object.fromEntries(data.blocks.map(({ name, words }) => [name, words]));
    this.colors = Object.fromEntries(data.blocks.map(({ name, color }) => [name, color]));
    this.element.classList.toggle("presenter", data.presenter);
    put(this.kinds, "aria-label", data.text.label);
    this.legend.replaceChildren(
      ...data.blocks.map(({ name, words }) =>
        html("li", { "data-block": name }, this.tinted(html("span", { class: "swatch" }), name), words),
      ),
      ...(data.kinds.some(({ rows }) => rows.some(({ mark }) => mark))
        ? [html("li", {}, html("i", { class: "mark" }), data.text.mark)]
        : []),
    );
    this.kinds.replaceChildren(...data.kinds.map((kind) => this.kind(kind)));
    if (!this.playing) this.readout.textContent = data.text.hint;
  }

  kind({ name, title, rows }) {
    const widest = Math.max(...rows.flatMap((row) => [row.parts.reduce((sum, part) => sum + part.value, 0), row.mark?.value ?? 0])) || 1;
    return html("section", { "data-kind": name }, html("h3", {}, title), ...rows.map((row) => this.row(row, widest)));
  }

  row({ label, total, parts, mark }, widest) {
    const bar = html("div", { class: "bar" });
    for (const { block, value, words } of parts) {
      const share = value / widest;
      const part = this.tinted(html("span", { class: "part", "data-block": block, "data-words": `${this.words[block]}: ${words}` }), block);
      part.style.width = `${100 * share}%`;
      if (share > WORDY) part.append(html("b", {}, this.words[block]));
      bar.append(part);
    }
    if (mark) {
      const diamond = html("i", { class: "mark", "data-words": mark.words });
      diamond.style.left = `${(100 * mark.value) / widest}%`;
      bar.append(diamond);
    }
    return html("div", { class: "row" }, html("span", { class: "label" }, label), bar, html("span", { class: "total" }, total));
  }

  tinted(element, block) {
    element.style.setProperty("--c", this.colors[block]);
    return element;
  }

  /** Says what lies under the pointer, and marks its block in every bar. */
  point(target) {
    if (this.playing) return;
    const found = target?.closest?.("[data-words]");
    this.mark(found?.dataset.block ?? null);
    this.readout.textContent = found ? found.dataset.words : this.data.text.hint;
  }

  mark(block) {
    for (const element of this.element.querySelectorAll("[data-block]")) {
      element.classList.toggle("quiet", block !== null && element.dataset.block !== block);
    }
  }

  play() {
    cancelAnimationFrame(this.frame);
    const section = this.kinds.querySelector(`[data-kind="${this.data.played}"]`);
    const row = this.data.kinds.find(({ name }) => name === this.data.played)?.rows[0];
    if (!section || !row) return;
    const whole = row.parts.reduce((sum, part) => sum + part.value, 0);
    const began = performance.now();
    this.playing = true;
    const step = (now) => {
      const share = Math.min(1, Math.max(0, (now - began) / PLAYED_FOR));
      let passed = share * whole;
      const part = row.parts.find(({ value }) => (passed -= value) <= 0) ?? row.parts.at(-1);
      this.mark(part.block);
      put(this.element, "data-moved", share.toFixed(2));
      this.readout.textContent = say(this.data.text.slow, {
        time: (share * whole).toFixed(1),
        whole: whole.toFixed(1),
        block: this.words[part.block],
        factor: Math.round(PLAYED_FOR / whole),
      });
      if (share < 1) this.frame = requestAnimationFrame(step);
      else this.stop();
    };
    this.frame = requestAnimationFrame(step);
  }

  stop() {
    this.playing = false;
    this.mark(null);
    this.readout.textContent = this.data.text.hint;
  }
}

export default (component) => live(component, () => new Board());
