// Queries and objects under the hand: the cost of every pair, the matching of least cost and the greedy one, on every frame.
//
// The cost is not written here: Python compiles vizcore's torch function and sends its source. The assignment is assignment.js,
// which the tests hold to scipy. What needs more (NMS, the recorded steps) comes from Python once a box has come to rest.

import { inkOn, parse, shade } from "../shared/colors.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { load } from "../shared/program.js";
import { Stage } from "../shared/stage.js";
import { Transport } from "../shared/stepper.js";
import { assign, assignGreedily } from "./assignment.js";
import { MatchingSteps } from "./steps.js";

const own = await stylesheet(import.meta.url, "./matching.css");

const PARTS = ["class_part", "bbox_part", "giou_part"];
const SWEEP = 6000; // ms that the first step of the lesson moves by itself
const FEW = 6; // up to this many columns, a cell says its number in full
const MOST_PERCENT = 99.97;

/** A number for the eye. */
const shown = (value, digits = 2) => value.toFixed(digits).replace("-", "−");

/**
 * @typedef {object} Data what pages/detr sends
 * @property {Uint8Array} [payload] `pack_matching`, where the matching is stepped
 * @property {import("../shared/stage.js").StageSpec} stage boxes "q0" … and "t0" …
 * @property {import("../shared/stepper.js").StepSpec | null} stepper
 * @property {string} program `compile_cost`
 * @property {number} side of the picture
 * @property {string} version of the boxes: what is said of percents refers to it
 * @property {number[][]} percents of the classes, by query
 * @property {number[]} labels of the objects
 * @property {string[]} letters what the objects are called
 * @property {string[]} symbols of the classes, and of "no object"
 * @property {[number, number, number]} weights of class, L1 and GIoU
 * @property {string} shown the part that the matrix shows
 * @property {string[]} beside "greedy", "nms"
 * @property {{keep: number[], suppressed: number[], unsure: number[]}} nms
 * @property {string[]} panels what is drawn beside the picture
 * @property {boolean} asks whether a lesson asks for what pairs and totals would say
 * @property {Record<string, number[]> | null} swept where boxes go by themselves when a lesson begins
 * @property {any} colors
 * @property {boolean} presenter
 * @property {any} text
 */

class View {
  constructor(channel) {
    this.channel = channel;
    this.onPlay = (event) => this.sweep(event);
    document.addEventListener("grad2box:play", this.onPlay);
    this.stage = new Stage(channel);
    this.transport = new Transport(channel);
    this.percents = [];
    this.cells = [];
    this.pointed = null; // the cell whose parts are told
    this.build();
    this.stage.onFrame = (boxes, { active }) => this.draw(boxes, active);
    this.stage.onResize = () => this.draw(this.stage.boxes, false);
    this.stage.onSelect = () => this.drawQuery();
    this.stage.summary = () => this.summary();
    this.transport.onStep = () => this.draw(this.stage.boxes, false);
  }

  build() {
    const style = html("style");
    style.textContent = own;
    this.title = html("h3");
    this.table = html("div", { class: "matrix", role: "grid", "data-mark": "matrix" });
    this.cellLine = html("output", { class: "cell-line" });
    this.totals = html("dl", { class: "totals", "data-mark": "totals" });
    this.lines = Object.fromEntries(
      ["optimal", "greedy", "nms"].map((name) => {
        const line = { term: html("dt"), value: html("dd", { "data-total": name }) };
        line.element = html("div", { class: name }, line.term, line.value);
        this.totals.append(line.element);
        return [name, line];
      }),
    );
    this.left = html("p", { class: "left", "aria-live": "polite" });
    this.queryTitle = html("h3");
    this.sliders = [0, 1, 2].map((place) => {
      const range = html("input", { type: "range", min: 0, max: 100, step: 1, "data-class": place });
      const name = html("span", { class: "name" });
      const value = html("output");
      range.addEventListener("input", () => this.say(place, Number(range.value)));
      range.addEventListener("change", () => this.tell());
      return { range, name, value, element: html("label", {}, name, range, value) };
    });
    this.rest = html("p", { class: "rest" });
    this.query = html("section", { class: "query" }, this.queryTitle, ...this.sliders.map(({ element }) => element), this.rest);
    this.step = html("p", { class: "step" });
    this.panel = html(
      "section",
      { class: "panel" },
      html("section", { class: "costs" }, this.title, this.table, this.cellLine),
      html("section", { class: "stepping" }, this.step, this.transport.element),
      html("section", { class: "answers" }, this.totals, this.left),
      this.query,
    );
    this.picture = html("div", { class: "picture" }, this.stage.element);
    this.element = html("div", { class: "g2b detr" }, style, html("div", { class: "columns" }, this.picture, this.panel));
    this.shapes = this.stage.layer("shapes", { under: true });
    this.links = this.stage.layer("links");
    this.letters = this.stage.layer("letters");
    this.table.addEventListener("pointerover", (event) => this.point(event.target.closest("[data-cell]")));
    this.table.addEventListener("focusin", (event) => this.point(event.target.closest("[data-cell]")));
    this.table.addEventListener("keydown", (event) => this.key(event));
    this.table.addEventListener("pointerleave", () => this.point(null));
  }

  // ---- what Python sends ------------------------------------------------------------------------------------------------

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.text = data.text;
    if (data.payload !== this.bytes) {
      this.bytes = data.payload;
      this.steps = data.payload ? new MatchingSteps(data.payload) : null;
    }
    if (data.version !== this.version || !this.saying) {
      this.version = data.version;
      this.percents = data.percents.map((row) => [...row]);
    }
    for (const name of ["kept", "greedy", "query", "target", "path", "out"]) this.element.style.setProperty(`--${name}`, data.colors[name]);
    const scale = data.colors.scale.map(parse);
    this.scale = scale.slice(Math.floor(scale.length / 4)).reverse(); // the cheapest pair is the brightest
    for (const [name, element] of Object.entries({
      matrix: this.title.parentElement,
      totals: this.totals.parentElement,
      query: this.query,
    }))
      element.hidden = !data.panels.includes(name);
    const bare = !data.panels.length && !data.stepper;
    this.panel.hidden = bare;
    this.element.classList.toggle("asks", data.asks);
    this.element.classList.toggle("bare", bare);
    if (data.program !== this.source) {
      this.source = data.program;
      load(data.program).then((program) => {
        if (this.source !== data.program) return;
        this.program = program;
        this.element.dataset.ready = "true";
        this.draw(this.stage.boxes, false);
      });
    }
    this.buildTable();
    this.step.parentElement.hidden = !data.stepper;
    if (data.stepper) this.transport.update({ ...data.stepper, presenter: data.presenter });
    this.stage.update({ ...data.stage, presenter: data.presenter });
    this.drawShapes();
    this.drawQuery();
    this.draw(this.stage.boxes, false);
  }

  /** Cells for every query and every object; kept where their number has not changed. */
  buildTable() {
    const [rows, cols] = [this.data.percents.length, this.data.labels.length];
    this.title.textContent = `${this.text.matrix} (${this.text.parts[this.data.shown]})`;
    const size = `${rows}/${cols}`;
    if (size !== this.size) {
      this.size = size;
      this.pointed = null;
      this.heads = { rows: [], cols: [] };
      const head = html("div", { class: "row", role: "row" }, html("span", { class: "corner", role: "columnheader" }));
      for (let col = 0; col < cols; col++) {
        const cell = html("span", { class: "head", role: "columnheader" });
        this.heads.cols.push(cell);
        head.append(cell);
      }
      this.cells = [];
      const lines = Array.from({ length: rows }, (_, row) => {
        const name = html("span", { class: "head", role: "rowheader" });
        this.heads.rows.push(name);
        const line = html("div", { class: "row", role: "row" }, name);
        for (let col = 0; col < cols; col++) {
          const cell = html("span", { class: "cell", role: "gridcell", tabindex: row || col ? "-1" : "0", "data-cell": `${row}/${col}` });
          this.cells.push(cell);
          line.append(cell);
        }
        return line;
      });
      this.table.replaceChildren(head, ...lines);
      this.table.style.setProperty("--cols", String(cols));
      this.table.classList.toggle("dense", cols > FEW || rows > 2 * FEW);
      put(this.table, "aria-label", this.text.matrix);
    }
    this.heads.cols.forEach((cell, col) => {
      const letter = this.data.letters[col];
      cell.textContent = this.table.classList.contains("dense") ? letter : `${letter} ${this.data.symbols[this.data.labels[col]]}`;
    });
    this.heads.rows.forEach((cell, row) => (cell.textContent = this.nameOf(row)));
  }

  /** A query as the matrix calls it: its number and what it says most likely. */
  nameOf(row) {
    const percents = this.shares(row);
    const best = percents.indexOf(Math.max(...percents));
    return `${row} ${this.data.symbols[best]} ${shown(percents[best])}`;
  }

  /** What a query says: a probability for each class, and last for "no object". */
  shares(row) {
    const classes = this.percents[row].map((value) => value / 100);
    return [...classes, 1 - classes.reduce((sum, value) => sum + value, 0)];
  }

  // ---- every frame ------------------------------------------------------------------------------------------------------

  /** The boxes as centre and size in sides of the picture. */
  boxesOf(kind, boxes) {
    const { side } = this.data;
    return boxes
      .filter(({ id }) => id[0] === kind)
      .map(({ xyxy: [x1, y1, x2, y2] }) => [(x1 + x2) / 2 / side, (y1 + y2) / 2 / side, (x2 - x1) / side, (y2 - y1) / side]);
  }

  draw(boxes, active) {
    if (!this.program || !this.data || this.data.stage.boxes.length !== boxes.length) return;
    const [queries, objects] = [this.boxesOf("q", boxes), this.boxesOf("t", boxes)];
    const [rows, cols] = [queries.length, objects.length];
    this.costs = { total: new Float64Array(rows * cols) };
    for (const part of PARTS) this.costs[part] = new Float64Array(rows * cols);
    for (let row = 0; row < rows; row++) {
      const shares = this.shares(row);
      for (let col = 0; col < cols; col++) {
        const { terms } = this.program.pair_cost(...queries[row], ...objects[col], shares[this.data.labels[col]], ...this.data.weights);
        for (const name in this.costs) this.costs[name][row * cols + col] = terms[name];
      }
    }
    this.cols = cols;
    this.optimal = assign(this.costs.total, rows, cols);
    this.greedy = this.data.beside.includes("greedy") ? assignGreedily(this.costs.total, rows, cols) : null;
    // While a box is under the hand, the recorded steps are those of another matrix.
    const now = this.steps && this.data.stepper && !active ? this.steps.position(this.transport.step) : null;
    this.now = now;
    const pairs = now ? this.pairsAt(now) : this.optimal;
    this.drawMatrix(pairs, rows, cols);
    this.drawLinks(boxes, pairs, active);
    this.drawTotals(active, rows, cols);
    this.drawStep(now);
    this.element.dataset.pairs = pairs.queries.map((query, place) => `${query}${this.data.letters[pairs.objects[place]]}`).join(" ");
  }

  pairsAt(now) {
    const pairs = now.columnOf.flatMap((column, row) => (column < 0 ? [] : [this.steps.pair(row, column)]));
    pairs.sort((a, b) => a[0] - b[0]);
    const total = pairs.reduce((sum, [query, object]) => sum + this.costs.total[query * this.cols + object], 0);
    return { queries: pairs.map(([query]) => query), objects: pairs.map(([, object]) => object), total };
  }

  drawMatrix(pairs, rows, cols) {
    const values = this.costs[this.data.shown];
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    const matched = new Set(pairs.queries.map((query, place) => query * cols + pairs.objects[place]));
    const greedy = new Set(this.greedy?.queries.map((query, place) => query * cols + this.greedy.objects[place]));
    const path = new Set(
      this.now?.path.map(([row, column]) => this.steps.pair(row, column)).map(([query, object]) => query * cols + object),
    );
    const dense = cols > FEW || rows > 2 * FEW;
    this.cells.forEach((cell, place) => {
      const value = values[place];
      const color = shade(this.scale, value, low, high);
      const words = dense ? "" : shown(value);
      if (cell.textContent !== words) cell.textContent = words;
      cell.style.background = `rgb(${color.join(" ")})`;
      cell.style.color = inkOn(color);
      const ask = this.data.asks;
      cell.classList.toggle("matched", matched.has(place) && (!ask || Boolean(this.now)));
      cell.classList.toggle("greedy", greedy.has(place) && !ask);
      cell.classList.toggle("path", path.has(place));
      const object = this.data.letters[place % cols];
      put(cell, "aria-label", `${Math.floor(place / cols)}, ${object}: ${shown(value)}`);
    });
    this.writeCell();
  }

  drawLinks(boxes, pairs, active) {
    const center = new Map(boxes.map(({ id, xyxy: [x1, y1, x2, y2] }) => [id, [(x1 + x2) / 2, (y1 + y2) / 2]]));
    const lines = [];
    const line = (query, object, kind) => {
      const [from, to] = [center.get(`q${query}`), center.get(`t${object}`)];
      if (!from || !to) return;
      const d = `M${from.join(" ")}L${to.join(" ")}`;
      lines.push(svg("path", { class: "halo", d }), svg("path", { class: kind, d }));
      if (kind === "pair")
        lines.push(
          svg("circle", { cx: from[0], cy: from[1], r: 4.5 * this.stage.unit }),
          svg("circle", { cx: to[0], cy: to[1], r: 4.5 * this.stage.unit }),
        );
    };
    if (this.greedy && !this.data.asks) this.greedy.queries.forEach((query, place) => line(query, this.greedy.objects[place], "greedy"));
    if (!this.data.asks || this.now) pairs.queries.forEach((query, place) => line(query, pairs.objects[place], "pair"));
    const removed = this.data.beside.includes("nms") && !this.data.asks && !active ? this.data.nms.suppressed : [];
    for (const { id, xyxy } of boxes)
      if (removed.some((query) => id === `q${query}`)) {
        const [x1, y1, x2, y2] = xyxy;
        const d = `M${x1} ${y1}L${x2} ${y2}M${x2} ${y1}L${x1} ${y2}`; // crossed out: NMS would remove it
        lines.push(svg("path", { class: "halo", d }), svg("path", { class: "removed", d }));
      }
    this.links.replaceChildren(...lines);
    // A query without an object steps back; what NMS would remove is crossed out in words below.
    const free = new Set(boxes.filter(({ id }) => id[0] === "q").map(({ id }) => Number(id.slice(1))));
    for (const query of pairs.queries) free.delete(query);
    /** @type {Record<string, {label?: string, opacity?: number, dash?: string}>} */
    const marks = Object.fromEntries(this.data.letters.map((_, place) => [`t${place}`, { label: "" }]));
    if (!this.data.asks && !this.now) for (const query of free) marks[`q${query}`] = { opacity: 0.45, dash: "3 4" };
    const key = Object.keys(marks).join();
    if (key !== this.marked) {
      this.marked = key;
      this.stage.mark(marks);
    }
  }

  drawShapes() {
    const marks = this.data.stage.boxes.filter(({ id }) => id[0] === "t").map((_, place) => this.data.labels[place]);
    this.kinds = marks;
    this.placeShapes(this.stage.boxes);
  }

  /** The objects themselves, as drawn in the picture: a shape within each target. */
  placeShapes(boxes) {
    const shapes = boxes
      .filter(({ id }) => id[0] === "t")
      .map(({ xyxy: [x1, y1, x2, y2] }, place) => {
        const [cx, cy, w, h] = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1];
        const kind = this.kinds[place];
        if (kind === 0) return svg("ellipse", { class: "shape", cx, cy, rx: w / 2, ry: h / 2 });
        if (kind === 1) return svg("rect", { class: "shape", x: x1, y: y1, width: w, height: h });
        return svg("path", { class: "shape", d: `M${cx} ${y1}L${x2} ${y2}H${x1}Z` });
      });
    // The letter stands within its object: above it, the queries' labels already make way for one another.
    const letters = boxes
      .filter(({ id }) => id[0] === "t")
      .map(({ xyxy: [x1, , , y2] }, place) => {
        const text = svg("text", { class: "letter", x: x1 + 7 * this.stage.unit, y: y2 - 8 * this.stage.unit });
        text.textContent = this.data.letters[place];
        return text;
      });
    this.shapes.replaceChildren(...shapes);
    this.letters.replaceChildren(...letters);
  }

  drawTotals(active, rows, cols) {
    this.placeShapes(this.stage.boxes);
    const { text, data, lines } = this;
    const list = (numbers) => (numbers.length ? numbers.join(", ") : text.nobody);
    lines.optimal.term.textContent = text.optimal;
    lines.optimal.value.textContent = shown(this.optimal.total);
    lines.optimal.value.dataset.value = String(this.optimal.total);
    lines.greedy.element.hidden = !this.greedy;
    if (this.greedy) {
      const more = this.greedy.total - this.optimal.total;
      lines.greedy.term.textContent = text.greedy;
      const note = more > 5e-7 ? say(text.more, { amount: shown(more) }) : text.same;
      lines.greedy.value.textContent = `${shown(this.greedy.total)} (${note})`;
      lines.greedy.value.dataset.value = String(this.greedy.total);
    }
    lines.nms.element.hidden = !data.beside.includes("nms");
    lines.nms.element.classList.toggle("stale", active);
    lines.nms.term.textContent = text.nms;
    lines.nms.value.textContent = [
      say(text.kept, { kept: list(data.nms.keep) }),
      say(text.removed, { removed: list(data.nms.suppressed) }),
      ...(data.nms.unsure.length ? [say(text.unsure, { unsure: list(data.nms.unsure) })] : []),
    ].join(" · ");
    const queries = Array.from({ length: rows }, (_, row) => row).filter((row) => !this.optimal.queries.includes(row));
    const objects = data.letters.filter((_, col) => !this.optimal.objects.includes(col));
    this.left.textContent =
      !rows || !cols
        ? text.empty
        : [
            queries.length ? say(text.unmatched, { queries: list(queries) }) : "",
            objects.length ? say(text.left, { objects: list(objects) }) : "",
          ]
            .filter(Boolean)
            .join(" ");
  }

  drawStep(now) {
    if (!this.data.stepper || !this.steps) return;
    const words = now ? this.sentence(now) : "";
    if (this.step.textContent !== words) this.step.textContent = words;
    this.transport.caption(words);
  }

  sentence(now) {
    const { steps, text, data } = this;
    if (now.step < 0) return text.start;
    const side = steps.rows_are_targets ? "object" : "query";
    const row = (index) => (steps.rows_are_targets ? data.letters[index] : index);
    const column = (index) => (steps.rows_are_targets ? index : data.letters[index]);
    const at = now.step;
    const taken = steps.column[at];
    if (now.phase === "search") {
      const owner = now.columnOf.indexOf(taken);
      return say(text[`search_${side}`], { row: row(steps.from_row[at]), column: column(taken), owner: row(owner) });
    }
    if (now.path.length === 1) return say(text[`take_${side}`], { row: row(steps.row[at]), column: column(taken) });
    const pairs = now.path.map(([each, to]) => `${row(each)} → ${column(to)}`).join(", ");
    return `${say(text.change, { pairs })} ${say(text.extra, { distance: shown(steps.distance[at]) })}`;
  }

  summary() {
    const pairs = this.optimal?.queries.map((query, place) => `${query}–${this.data.letters[this.optimal.objects[place]]}`).join(", ");
    return this.optimal && !this.data.asks ? say(this.text.summary, { pairs, total: shown(this.optimal.total) }) : "";
  }

  // ---- one cell, one query ----------------------------------------------------------------------------------------------

  point(cell) {
    this.pointed = cell ? cell.dataset.cell.split("/").map(Number) : null;
    this.writeCell();
  }

  writeCell() {
    const at = this.pointed;
    if (!at || !this.costs) {
      this.cellLine.textContent = this.text.hint;
      return;
    }
    const [query, col] = at;
    const values = Object.fromEntries(Object.entries(this.costs).map(([name, each]) => [name, shown(each[query * this.cols + col])]));
    this.cellLine.textContent = say(this.text.cell, { query, object: this.data.letters[col], ...values });
  }

  key(event) {
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const cell = event.target.closest("[data-cell]");
    if (!steps || !cell) return;
    event.preventDefault();
    const [row, col] = cell.dataset.cell.split("/").map(Number);
    const next = this.table.querySelector(`[data-cell="${row + steps[0]}/${col + steps[1]}"]`);
    if (!next) return;
    put(cell, "tabindex", "-1");
    put(next, "tabindex", "0");
    next.focus();
  }

  get chosen() {
    const { selected } = this.stage;
    return selected?.[0] === "q" ? Number(selected.slice(1)) : -1;
  }

  drawQuery() {
    if (!this.data) return;
    const row = this.chosen;
    const known = row >= 0 && row < this.percents.length;
    this.queryTitle.textContent = known ? say(this.text.query, { query: row }) : this.text.choose;
    this.rest.hidden = !known;
    this.sliders.forEach(({ range, name, value, element }, place) => {
      element.hidden = !known;
      if (!known) return;
      name.textContent = `${this.data.symbols[place]} ${this.text.classes[place]}`;
      range.value = String(this.percents[row][place]);
      value.textContent = shown(this.percents[row][place] / 100);
    });
    if (known) this.rest.textContent = `${this.data.symbols[3]} ${this.text.classes[3]} ${shown(this.shares(row)[3])}`;
  }

  /** A class gets another probability; the other classes give way where there is not enough left. */
  say(place, percent) {
    const row = this.percents[this.chosen];
    if (!row) return;
    this.saying = true;
    row[place] = Math.min(percent, MOST_PERCENT - 0.02);
    const others = row.reduce((sum, value, each) => (each === place ? sum : sum + value), 0);
    const room = MOST_PERCENT - row[place];
    if (others > room) for (const each of [0, 1, 2]) if (each !== place) row[each] *= room / others;
    this.heads.rows[this.chosen].textContent = this.nameOf(this.chosen);
    this.drawQuery();
    this.draw(this.stage.boxes, false);
  }

  tell() {
    this.saying = false;
    this.channel.set({ percents: { version: this.version, rows: this.percents.map((row) => [...row]) } });
  }

  // ---- a lesson begins --------------------------------------------------------------------------------------------------

  /** A box goes to another object and back by itself, and the matching answers. */
  sweep(event) {
    if (!this.element.isConnected || !this.data?.swept || !this.program) return;
    event.preventDefault();
    const start = performance.now();
    const from = Object.fromEntries(this.stage.boxes.map(({ id, xyxy }) => [id, xyxy]));
    const move = (now) => {
      const share = Math.min(1, (now - start) / SWEEP);
      const way = Math.sin(Math.PI * share) ** 2;
      const places = Object.entries(this.data.swept ?? {}).map(([id, to]) => [
        id,
        to.map((value, k) => from[id][k] + way * (value - from[id][k])),
      ]);
      this.stage.set(Object.fromEntries(places), { commit: false });
      put(this.element, "data-moved", share.toFixed(2));
      if (share < 1 && this.element.isConnected && this.data.swept) requestAnimationFrame(move);
      else this.stage.settle();
    };
    requestAnimationFrame(move);
  }

  destroy() {
    document.removeEventListener("grad2box:play", this.onPlay);
    this.stage.destroy();
    this.transport.destroy();
  }
}

export default (component) => live(component, (channel) => new View(channel));
