// One network written twice: twenty passes of one input as dots that arrive one by one, and what was measured on both.

import { html, stylesheet } from "../shared/dom.js";
import { live } from "../shared/live.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDE, TALL, LEFT] = [720, 96, 12];
const PACE = 180; // ms between two dots that arrive

const base = await stylesheet(import.meta.url, "../shared/base.css");

export default (component) => live(component, () => new Passes());

/**
 * @typedef {object} Row one network
 * @property {string} title
 * @property {string} code its lines that the lesson speaks of; empty in the laboratory
 * @property {number[]} passes first output of each pass
 * @property {string} words how many different results
 *
 * @typedef {object} Data what pages/modules sends
 * @property {Row[]} rows
 * @property {{label: string, values: string[]}[]} facts measured on each network
 * @property {string[]} colors of the networks
 * @property {{label: string, axis: string, hidden: string}} text
 * @property {boolean} hidden whether the passes are not shown yet
 * @property {boolean} presenter
 */

class Passes {
  constructor() {
    this.list = html("div", { class: "strips", "data-mark": "dots" });
    this.axis = html("p", { class: "quiet axis" });
    this.facts = html("dl", { class: "facts", "data-mark": "facts" });
    this.element = html("div", { class: "g2b passes" }, html("style", {}, base), this.list, this.axis, this.facts);
    this.shown = Infinity;
    this.onPlay = (event) => {
      event.preventDefault();
      this.play();
    };
    document.addEventListener("grad2box:play", this.onPlay);
  }

  destroy() {
    clearTimeout(this.timer);
    document.removeEventListener("grad2box:play", this.onPlay);
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.axis.textContent = data.hidden ? data.text.hidden : data.text.axis;
    this.facts.replaceChildren(
      ...data.facts.map(({ label, values }) =>
        html("div", {}, html("dt", {}, label), ...values.map((value, k) => this.tinted(html("dd", {}, value), k))),
      ),
    );
    this.draw();
  }

  tinted(element, k) {
    element.style.borderColor = this.data.colors[k];
    return element;
  }

  play() {
    clearTimeout(this.timer);
    this.shown = 0;
    const arrive = () => {
      this.shown += 1;
      this.element.dataset.moved = String(this.shown);
      this.draw();
      if (this.shown < this.data.rows[0].passes.length) this.timer = setTimeout(arrive, PACE);
      else this.shown = Infinity;
    };
    arrive();
  }

  draw() {
    const { rows, hidden, colors } = this.data;
    const all = rows.flatMap((row) => row.passes);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const at = (value) => LEFT + ((WIDE - 2 * LEFT) * (high > low ? (value - low) / (high - low) : 0.5) || 0);
    this.list.replaceChildren(
      ...rows.map((row, k) => {
        const svg = document.createElementNS(SVG, "svg");
        svg.setAttribute("viewBox", `0 0 ${WIDE} ${TALL}`);
        svg.setAttribute("role", "img");
        svg.setAttribute("aria-label", this.data.text.label || row.title);
        const piled = new Map();
        for (const value of hidden ? [] : row.passes.slice(0, this.shown)) {
          const level = piled.get(value) ?? 0;
          piled.set(value, level + 1);
          const dot = document.createElementNS(SVG, "circle");
          const fits = { cx: at(value), cy: TALL - 9 - level * 4, r: 6, fill: colors[k], "fill-opacity": 0.75 };
          for (const [name, what] of Object.entries(fits)) dot.setAttribute(name, String(what));
          dot.dataset.value = String(value);
          svg.append(dot);
        }
        const line = document.createElementNS(SVG, "path");
        line.setAttribute("d", `M0 ${TALL - 1}H${WIDE}`);
        svg.append(line);
        const words = hidden ? "" : row.words;
        return html(
          "section",
          {},
          html("h3", {}, row.title, html("small", {}, words)),
          row.code ? html("pre", {}, html("code", {}, row.code)) : "",
          svg,
        );
      }),
    );
  }
}
