// One editable grid and every operator's answer to it. Hovering never asks the server: the exact linear maps are here.

import { unpack } from "../shared/bytes.js";
import { inkOn, parse, shade } from "../shared/colors.js";
import { html, put, say, stylesheet } from "../shared/dom.js";
import { step } from "../shared/keys.js";
import { live } from "../shared/live.js";
import { brief, Cells, written } from "./cells.js";

const LARGEST = 1e6;
const MOST_TERMS = 9;

const base = await stylesheet(import.meta.url, "../shared/base.css");

export default (component) => live(component, (channel) => new Grids(channel));

/**
 * @typedef {object} Data what pages/upsampling sends
 * @property {Uint8Array} payload `pack_traces`
 * @property {{name: string, title: string, note: string, error?: string, size?: string}[]} cards one an operator, in their order
 * @property {boolean} hidden a question stands that weights and outputs would answer
 * @property {boolean} alone in a lesson, without what only the laboratory needs
 * @property {string} version another one brings Python's grid back
 * @property {string[]} scale of the cells' colours
 * @property {Record<string, string>} colors
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

class Grids {
  constructor(channel) {
    this.channel = channel;
    this.cards = new Map();
    this.focus = null; // {kind: "output", name, index} or {kind: "input", index}
    this.editing = false;
    this.table = html("div", { class: "input", role: "grid" });
    this.inputTitle = html("h3");
    this.help = html("p", { class: "quiet help" });
    this.heard = html("p", { class: "heard", role: "status", "aria-live": "polite" });
    this.list = html("div", { class: "cards" });
    this.legend = html("p", { class: "legend" }, html("span"), html("i", { "aria-hidden": "true" }), html("span"));
    this.ruler = html("span", { class: "ruler", "aria-hidden": "true" });
    const left = html("section", { class: "left" }, this.inputTitle, this.table, this.legend, this.help);
    this.element = html("div", { class: "g2b grids" }, html("style", {}, base), this.ruler, left, this.list, this.heard);
    this.table.addEventListener("keydown", (event) => this.onInputKey(event));
    this.table.addEventListener("click", (event) => this.onInputClick(event));
    this.table.addEventListener("focusin", (event) => {
      const index = this.cellOf(event);
      if (this.editing || index < 0 || index === this.current) return;
      this.inputs[this.current].tabIndex = -1;
      this.inputs[index].tabIndex = 0;
      this.current = index;
    });
    this.table.addEventListener("dblclick", (event) => this.edit(this.cellOf(event)));
    this.table.addEventListener("pointerover", (event) => {
      const index = this.cellOf(event);
      if (index >= 0 && event.pointerType === "mouse" && !this.editing) this.look({ kind: "input", index });
    });
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.list);
    this.onPlay = (event) => {
      event.preventDefault();
      this.sweep();
    };
    document.addEventListener("grad2box:play", this.onPlay);
    this.element.addEventListener("pointerdown", () => clearTimeout(this.timer));
    this.element.addEventListener("keydown", () => clearTimeout(this.timer));
  }

  destroy() {
    clearTimeout(this.timer);
    document.removeEventListener("grad2box:play", this.onPlay);
    this.observer.disconnect();
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.element.classList.toggle("alone", Boolean(data.alone));
    this.element.classList.toggle("veiled", Boolean(data.hidden));
    this.scale = data.scale.map(parse);
    const fresh = data.payload !== this.payload;
    if (fresh) this.read(data.payload);
    const given = this.input; // what the server computed with
    const outside = this.version !== data.version || !this.grid || this.grid.length !== given.length;
    if (outside) {
      this.version = data.version;
      this.rows = this.given.length;
      this.cols = this.given[0].length;
      this.grid = Float64Array.from(given);
      this.focus = null;
      this.current = 0;
      this.buildInput();
    }
    this.inputTitle.textContent = say(data.text.input, { rows: this.rows, cols: this.cols });
    this.help.textContent = data.text.help;
    this.legend.children[1].style.background = `linear-gradient(90deg, ${data.scale.join(", ")})`;
    put(this.table, "aria-label", data.text.input_label);
    this.buildCards();
    this.recompute();
    if (!this.focus || (this.focus.kind === "output" && !this.operators.has(this.focus.name))) this.focus = this.first();
    this.layout();
  }

  read(bytes) {
    clearTimeout(this.timer); // a walk over operators that are no longer here
    this.payload = bytes;
    const { header, arrays } = unpack(bytes);
    this.given = header.input;
    this.input = Float64Array.from(header.input.flat());
    this.operators = new Map();
    for (const operator of header.operators) {
      operator.torch = arrays[`${operator.name}.output`];
      for (const part of ["offset", "values", "starts", "cells"]) operator[part] = arrays[`${operator.name}.${part}`];
      this.operators.set(operator.name, operator);
    }
  }

  /** Torch's numbers where they are for this grid; until they come, the same linear map applied here. */
  recompute() {
    const same = this.grid.length === this.input.length && this.grid.every((value, k) => value === this.input[k]);
    this.element.classList.toggle("ahead", !same);
    for (const operator of this.operators.values()) {
      operator.waits = !same && !operator.linear;
      operator.output = same || !operator.linear ? operator.torch : this.apply(operator);
    }
    this.low = Infinity;
    this.high = -Infinity;
    // One scale for the input and every card: the same number has the same colour everywhere.
    const outputs = this.data.hidden ? [] : [...this.operators.values()].map((operator) => operator.output);
    for (const values of [this.grid, ...outputs]) {
      for (const value of values) [this.low, this.high] = [Math.min(this.low, value), Math.max(this.high, value)];
    }
    [this.legend.firstChild.textContent, this.legend.lastChild.textContent] = [written(this.low), written(this.high)];
  }

  /** Walks once over the first operator's output, every other operator answering for the same place. */
  sweep() {
    clearTimeout(this.timer);
    const operator = [...this.operators.values()][0];
    if (!operator || operator.output.length > 400) return;
    let index = 0;
    const advance = () => {
      this.look({ kind: "output", name: operator.name, index });
      this.element.dataset.swept = String(index);
      index += 1;
      if (index < operator.output.length) this.timer = setTimeout(advance, 350);
    };
    advance();
  }

  apply(operator) {
    const output = Float64Array.from(operator.offset);
    for (let cell = 0; cell < output.length; cell++) {
      for (let k = operator.starts[cell]; k < operator.starts[cell + 1]; k++) {
        output[cell] += operator.values[k] * this.grid[operator.cells[k]];
      }
    }
    return output;
  }

  first() {
    const operator = [...this.operators.values()][0];
    if (!operator) return { kind: "input", index: 0 };
    return { kind: "output", name: operator.name, index: Math.floor(operator.rows / 2) * operator.cols + Math.floor(operator.cols / 2) };
  }

  // The input

  buildInput() {
    this.table.replaceChildren();
    put(this.table, "aria-rowcount", this.rows);
    put(this.table, "aria-colcount", this.cols);
    this.table.style.setProperty("--cols", this.cols);
    this.inputs = [];
    for (let row = 0; row < this.rows; row++) {
      const line = html("div", { role: "row", class: "row" });
      for (let col = 0; col < this.cols; col++) {
        const cell = html("div", { role: "gridcell", class: "cell", tabindex: -1, "data-index": row * this.cols + col });
        this.inputs.push(cell);
        line.append(cell);
      }
      this.table.append(line);
    }
    this.inputs[0].tabIndex = 0;
    this.editing = false;
  }

  cellOf(event) {
    const cell = event.target.closest?.("[data-index]");
    return cell ? Number(cell.dataset.index) : -1;
  }

  onInputClick(event) {
    const index = this.cellOf(event);
    if (index < 0 || this.editing) return;
    // A second tap on the same cell opens it: a touch screen has no Enter key at hand.
    if (this.current === index && this.inputs[index] === this.tapped) this.edit(index);
    else this.goTo(index);
    this.tapped = this.inputs[index];
  }

  goTo(index) {
    this.inputs[this.current].tabIndex = -1;
    this.current = index;
    this.inputs[index].tabIndex = 0;
    this.inputs[index].focus({ preventScroll: true });
    this.look({ kind: "input", index });
    this.tapped = null;
  }

  onInputKey(event) {
    if (this.editing) return;
    const next = step(event.key, this.current, this.rows, this.cols);
    if (next >= 0) {
      event.preventDefault();
      event.stopPropagation();
      this.goTo(next);
    } else if (event.key === "Enter" || event.key === "F2") {
      event.preventDefault();
      this.edit(this.current);
    } else if (/^[0-9.-]$/.test(event.key) && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.edit(this.current, event.key);
    }
  }

  edit(index, start = null) {
    if (index < 0 || this.editing) return;
    this.goTo(index);
    this.editing = true;
    const field = html("input", { type: "text", inputmode: "decimal", "aria-label": this.place(index), maxlength: 12 });
    field.value = start ?? String(this.grid[index]);
    const cell = this.inputs[index];
    cell.replaceChildren(field);
    field.focus();
    if (start === null) field.select();
    let done = false;
    const close = (keep, move) => {
      if (done) return;
      done = true;
      const value = Number(field.value.trim().replace("−", "-").replace(",", "."));
      const fine = field.value.trim() !== "" && Number.isFinite(value) && Math.abs(value) <= LARGEST;
      this.editing = false;
      cell.replaceChildren();
      if (keep && !fine) this.announce(say(this.data.text.bad_number, { largest: LARGEST }));
      else if (keep && value !== this.grid[index]) this.commit(index, value);
      this.paintInput();
      if (move >= 0) this.goTo(move);
      else if (keep !== null) cell.focus({ preventScroll: true });
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") close(true, -1);
      else if (event.key === "Escape") close(false, -1);
      else if (event.key === "Tab") {
        const next = index + (event.shiftKey ? -1 : 1);
        if (next < 0 || next >= this.grid.length) return;
        event.preventDefault();
        close(true, next);
      }
    });
    field.addEventListener("blur", () => close(true, null));
  }

  commit(index, value) {
    this.grid[index] = value;
    this.recompute();
    this.focus = { kind: "input", index, changed: true };
    this.draw();
    const grid = [];
    for (let row = 0; row < this.rows; row++) grid.push([...this.grid.slice(row * this.cols, (row + 1) * this.cols)]);
    this.channel.set({ grid, version: this.version });
  }

  // The operators

  buildCards() {
    const wanted = this.data.cards;
    for (const [name, card] of this.cards) {
      if (!wanted.some((card_) => card_.name === name)) {
        card.element.remove();
        this.cards.delete(name);
      }
    }
    wanted.forEach((spec, place) => {
      let card = this.cards.get(spec.name);
      if (!card) {
        card = this.newCard(spec.name);
        this.cards.set(spec.name, card);
      }
      card.title.textContent = spec.title;
      card.note.textContent = spec.note ?? "";
      card.error.textContent = spec.error ?? "";
      card.element.classList.toggle("refused", Boolean(spec.error));
      const operator = this.operators.get(spec.name);
      card.size.textContent = operator && !spec.error ? (spec.size ?? `${this.rows}×${this.cols} → ${operator.rows}×${operator.cols}`) : "";
      // Moved only when it has to be: an element that is put back loses the focus.
      if (this.list.children[place] !== card.element) this.list.insertBefore(card.element, this.list.children[place] ?? null);
    });
  }

  newCard(name) {
    const map = new Cells({ class: "map", "aria-hidden": "true" });
    const out = new Cells({ class: "output", tabindex: "0", role: "img", "data-operator": name });
    const card = {
      map,
      out,
      title: html("h3"),
      size: html("span", { class: "size" }),
      note: html("p", { class: "quiet note" }),
      error: html("p", { class: "error", role: "alert" }),
      sum: html("p", { class: "sum" }),
      wait: html("span", { class: "quiet" }),
    };
    card.element = html(
      "section",
      { class: "card", "data-mark": name },
      html("header", {}, card.title, card.size),
      card.error,
      html("div", { class: "pair" }, map.element, html("span", { class: "arrow", "aria-hidden": "true" }, "→"), out.element),
      html("div", { class: "told" }, card.sum, card.note),
    );
    const point = (event) => {
      const index = out.at(event);
      if (index >= 0) this.look({ kind: "output", name, index });
    };
    out.element.addEventListener("pointermove", point);
    out.element.addEventListener("pointerdown", point);
    map.element.addEventListener("pointermove", (event) => {
      const index = map.at(event);
      if (index >= 0) this.look({ kind: "input", index });
    });
    out.element.addEventListener("focus", () => {
      if (this.focus?.name !== name) this.look({ kind: "output", name, index: this.indexIn(this.operators.get(name)) });
    });
    out.element.addEventListener("keydown", (event) => {
      const operator = this.operators.get(name);
      const from = this.focus?.name === name ? this.focus.index : 0;
      const next = operator ? step(event.key, from, operator.rows, operator.cols) : -1;
      if (next < 0) return;
      event.preventDefault();
      event.stopPropagation();
      this.look({ kind: "output", name, index: next });
      if (!this.data.hidden) this.announce(this.sentence(operator, next));
    });
    return card;
  }

  /** The output cell of this operator that lies where the focused one lies. */
  indexIn(operator) {
    if (!operator) return -1;
    const { focus } = this;
    if (focus.kind === "output" && focus.name === operator.name) return Math.min(focus.index, operator.output.length - 1);
    const from = focus.kind === "output" ? this.operators.get(focus.name) : { rows: this.rows, cols: this.cols };
    const row = Math.floor(((Math.floor(focus.index / from.cols) + 0.5) * operator.rows) / from.rows);
    const col = Math.floor((((focus.index % from.cols) + 0.5) * operator.cols) / from.cols);
    return Math.min(operator.rows - 1, row) * operator.cols + Math.min(operator.cols - 1, col);
  }

  look(focus) {
    const { focus: old } = this;
    if (old && old.kind === focus.kind && old.name === focus.name && old.index === focus.index) return;
    if (!this.operators) return;
    this.focus = focus;
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  layout() {
    if (!this.operators) return;
    const width = this.list.clientWidth;
    if (!width) return;
    for (const [name, card] of this.cards) {
      const operator = this.operators.get(name);
      if (!operator) continue;
      const inner = card.element.clientWidth - 24;
      if (this.data.alone) {
        this.fitAlone(card, operator, inner);
        continue;
      }
      const small = Math.min(130, Math.floor(inner * 0.28));
      card.map.fit(this.rows, this.cols, small, { most: 26, height: 140 });
      card.out.fit(operator.rows, operator.cols, inner - small - 30, { most: 34, height: 300 });
    }
    this.draw();
  }

  /** In a lesson the cards lie below each other, as large as the screen allows: their numbers are to be read. */
  fitAlone({ map, out }, operator, inner) {
    const each = (this.ruler.offsetHeight || window.innerHeight) / Math.max(1, this.cards.size) - 70;
    const words = inner > 400 ? 160 : 0; // beside the pictures, else below them
    const small = Math.min(130, Math.floor(inner * 0.18));
    map.fit(this.rows, this.cols, small, { most: 32, height: 140 });
    out.fit(operator.rows, operator.cols, inner - small - 46 - words, { most: 46, height: Math.max(200, each) });
  }

  draw() {
    if (!this.operators || !this.focus) return;
    if (this.data.hidden) {
      this.veil();
      return;
    }
    const style = getComputedStyle(this.element);
    const ink = style.color;
    const edge = "rgba(128,128,128,0.45)";
    const mark = this.data.colors.current;
    const lit = new Map(); // input cell -> weight in the focused operator
    for (const [name, card] of this.cards) {
      const operator = this.operators.get(name);
      if (!operator) continue;
      card.element.classList.toggle("waits", operator.waits);
      if (this.focus.kind === "input") this.drawSpread(card, operator, ink, edge, mark);
      else this.drawSources(card, operator, ink, edge, mark, name === this.focus.name ? lit : null);
    }
    this.lit = this.focus.kind === "output" ? lit : new Map([[this.focus.index, null]]);
    this.paintInput();
  }

  /** While a question stands, neither weights nor outputs are shown. */
  veil() {
    const looks = { fill: () => null, text: null, ink: "", edge: "rgba(128,128,128,0.45)" };
    for (const card of this.cards.values()) {
      card.map.draw(looks);
      card.out.draw(looks);
      card.sum.textContent = "";
      put(card.out.element, "aria-label", card.title.textContent);
    }
    this.lit = new Map();
    this.paintInput();
  }

  drawSources(card, operator, ink, edge, mark, lit) {
    const index = this.indexIn(operator);
    const weights = new Float64Array(this.grid.length);
    const terms = [];
    for (let k = operator.starts[index]; k < operator.starts[index + 1]; k++) {
      weights[operator.cells[k]] = operator.values[k];
      terms.push([operator.values[k], this.grid[operator.cells[k]]]);
      lit?.set(operator.cells[k], operator.values[k]);
    }
    this.drawWeights(card.map, weights, ink, edge);
    this.drawOutput(card.out, operator, [{ index, color: mark }], ink, edge);
    card.sum.textContent = this.sum(operator, index, terms);
    put(card.out.element, "aria-label", this.sentence(operator, index));
  }

  drawSpread(card, operator, ink, edge, mark) {
    const cell = this.focus.index;
    const weights = new Float64Array(this.grid.length);
    weights[cell] = 1;
    const spread = new Map();
    for (let out = 0; out < operator.output.length; out++) {
      for (let k = operator.starts[out]; k < operator.starts[out + 1]; k++) {
        if (operator.cells[k] === cell) spread.set(out, operator.values[k]);
      }
    }
    card.map.draw({ fill: () => null, text: null, marks: [{ index: cell, color: mark }], ink, edge });
    // After an edit: the numbers that it made, the cells that it reaches outlined.
    const reached = [...spread.keys()].map((index) => ({ index, color: mark, width: 2 }));
    if (this.focus.changed) this.drawOutput(card.out, operator, reached, ink, edge);
    else
      card.out.draw({
        fill: (index) => (spread.has(index) ? this.signed(spread.get(index)) : null),
        text: (index) => (spread.has(index) ? brief(spread.get(index)) : ""),
        ink,
        edge,
      });
    const total = [...spread.values()].reduce((sum, value) => sum + value, 0);
    card.sum.textContent = say(this.data.text.spread, { count: spread.size, total: written(total) });
    put(card.out.element, "aria-label", card.sum.textContent);
  }

  drawWeights(cells, weights, ink, edge) {
    cells.draw({
      fill: (index) => (weights[index] ? this.signed(weights[index]) : null),
      text: (index) => (weights[index] ? brief(weights[index]) : ""),
      ink,
      edge,
    });
  }

  drawOutput(cells, operator, marks, ink, edge) {
    cells.draw({
      fill: (index) => shade(this.scale, operator.output[index], this.low, this.high),
      text: (index) => brief(operator.output[index]),
      marks,
      ink,
      edge,
    });
  }

  /** Positive weights towards one colour, negative towards the other; the page's ground is zero. */
  signed(weight) {
    const far = parse(weight < 0 ? this.data.colors.negative : this.data.colors.positive);
    const near = this.element.classList.contains("dark") ? [38, 42, 50] : [246, 246, 248];
    const share = 0.25 + 0.75 * Math.min(1, Math.abs(weight));
    return near.map((from, k) => Math.round(from + (far[k] - from) * share));
  }

  sum(operator, index, terms) {
    if (operator.waits) return this.data.text.waiting;
    const [row, col] = [Math.floor(index / operator.cols), index % operator.cols];
    const left = `out[${row}, ${col}] = `;
    const right = ` = ${written(operator.output[index])}`;
    const offset = operator.offset[index];
    if (!terms.length) return left + written(operator.output[index]);
    const shown = [...terms].sort((a, b) => Math.abs(b[0]) - Math.abs(a[0]));
    const kept = terms.length > MOST_TERMS ? shown.slice(0, MOST_TERMS) : terms;
    let text = kept.map(([weight, value]) => `${written(weight)}·${value < 0 ? `(${written(value)})` : written(value)}`).join(" + ");
    text = text.replaceAll("+ −", "− ");
    if (kept.length < terms.length) {
      const rest = shown.slice(MOST_TERMS).reduce((sum, [weight, value]) => sum + weight * value, 0);
      text += ` + ${say(this.data.text.more_terms, { count: terms.length - kept.length, total: written(rest) })}`;
    }
    return left + text + (offset ? ` + ${written(offset)}` : "") + right;
  }

  sentence(operator, index) {
    const card = this.data.cards.find(({ name }) => name === operator.name);
    const count = operator.starts[index + 1] - operator.starts[index];
    return say(this.data.text.cell, {
      operator: card?.title ?? operator.name,
      row: Math.floor(index / operator.cols),
      col: index % operator.cols,
      value: written(operator.output[index]),
      count,
    });
  }

  place(index) {
    return say(this.data.text.place, { row: Math.floor(index / this.cols), col: index % this.cols });
  }

  paintInput() {
    this.inputs.forEach((cell, index) => {
      if (cell.firstElementChild?.tagName === "INPUT") return;
      const color = shade(this.scale, this.grid[index], this.low, this.high);
      const text = brief(this.grid[index], 6);
      if (cell.textContent !== text) cell.textContent = text;
      cell.style.background = `rgb(${color.join(",")})`;
      cell.style.color = inkOn(color);
      cell.classList.toggle("lit", Boolean(this.lit?.has(index)));
      put(cell, "aria-label", `${this.place(index)}: ${written(this.grid[index])}`);
    });
  }

  announce(text) {
    this.heard.textContent = text;
  }
}
