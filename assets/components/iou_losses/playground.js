// Two boxes, and everything the losses say of them, while they are dragged.
//
// No formula is written here. Python compiles the torch functions and their gradients (vizcore/browser.py) and sends the source
// once; each animation frame calls them with the eight coordinates. What this file does is draw.

import { parseJson } from "../shared/bytes.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { load } from "../shared/program.js";
import { Stage } from "../shared/stage.js";
import { Transport } from "../shared/stepper.js";

const own = await stylesheet(import.meta.url, "./playground.css");

const LONGEST = 46; // CSS pixels that an arrow approaches as its gradient grows
const HALF = 0.5; // gradient, per target size, of an arrow of half that length
const AXES = ["x₁", "y₁", "x₂", "y₂"];
/** A number for the eye; the exact one stands in data-value. */
function shown(value, digits = 4) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  let text = value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : digits);
  if (size !== 0 && (size < 10 ** -digits || size >= 1e7)) text = value.toExponential(1);
  else if (size < 0.01) text = String(Number(value.toPrecision(2)));
  return text
    .replace("-", "−")
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
}

/**
 * @typedef {object} Data what pages/iou_losses sends
 * @property {Uint8Array} payload the losses as JavaScript and the race, as JSON
 * @property {import("../shared/stage.js").StageSpec} stage prediction and target
 * @property {import("../shared/stepper.js").StepSpec} stepper of the race
 * @property {any[]} losses kind, title, color, formula, whether it is on
 * @property {string[]} show what is drawn
 * @property {Record<string, string>} colors
 * @property {boolean} panel whether what the losses say stands beside the stage
 * @property {string[]} parts names of the numbers above the losses
 * @property {boolean} asks whether a lesson asks for what panel and arrows would say
 * @property {boolean} presenter
 * @property {any} text
 */

class View {
  constructor(channel) {
    this.stage = new Stage(channel);
    this.transport = new Transport(channel);
    this.cards = new Map(); // kind -> its card
    this.arrows = new Map(); // kind -> its arrows
    this.runners = new Map(); // kind -> its box in the race
    const style = html("style");
    style.textContent = own;
    this.parts = html("dl", { class: "parts" });
    this.numbers = new Map();
    this.list = html("ol", { class: "losses" });
    this.scale = html("p", { class: "scale" });
    this.panel = html("section", { class: "panel" }, this.parts, this.list, this.scale);
    this.legend = html("ul", { class: "legend" });
    this.left = html("div", { class: "left" }, this.stage.element, this.legend, this.transport.element);
    this.element = html("div", { class: "g2b iou-losses" }, style, html("div", { class: "columns" }, this.left, this.panel));
    this.under = this.stage.layer("parts", { under: true });
    this.measures = this.stage.layer("measures"); // what a formula is about may be seen before its number is asked for
    this.over = this.stage.layer("arrows");
    this.racing = this.stage.layer("race");
    this.stage.onFrame = (boxes, { active }) => this.draw(boxes, active);
    this.stage.onResize = () => this.draw(this.stage.boxes, false);
    this.stage.summary = () => this.summary();
    this.stage.judge = () => this.answers?.values().next().value?.value ?? Number.NaN;
    this.transport.onStep = (step) => this.drawRace(step);
    this.buildMarks();
  }

  buildMarks() {
    const line = (name) => svg("path", { class: name });
    this.marks = {
      union: line("union"),
      intersection: line("intersection"),
      enclosing: line("enclosing"),
      diagonal: line("diagonal"),
      distance: line("distance"),
      centers: line("centers"),
      aspect: line("aspect"),
    };
    this.notes = { angle: svg("text", { class: "note" }), target_angle: svg("text", { class: "note target" }) };
    this.letters = Object.fromEntries(["C", "ρ", "c"].map((letter) => [letter, svg("text", { class: "letter" }, letter)]));
    this.under.append(this.marks.union, this.marks.intersection, this.marks.enclosing);
    this.measures.append(this.marks.diagonal, this.marks.distance, this.marks.centers, ...Object.values(this.letters));
    this.over.append(this.marks.aspect, ...Object.values(this.notes));
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.text = data.text;
    const payload = data.payload ? parseJson(data.payload) : null;
    this.race = payload?.race ?? null;
    if (payload && payload.source !== this.source) {
      this.source = payload.source;
      load(payload.source).then((program) => {
        if (this.source !== payload.source) return;
        this.program = program;
        this.element.dataset.ready = "true";
        this.draw(this.stage.boxes, false);
      });
    }
    for (const [name, color] of Object.entries(data.colors)) this.element.style.setProperty(`--${name}`, color);
    this.element.classList.toggle("asks", data.asks);
    this.element.classList.toggle("alone", !data.panel);
    this.writeLegend();
    this.writeCards();
    put(this.panel, "aria-label", this.text.panel);
    this.scale.textContent = data.show.includes("edges") || data.show.includes("corners") ? this.text.scale : "";
    this.transport.element.hidden = !this.race;
    this.over.classList.toggle("faded", false);
    this.writeRunners();
    if (this.race) this.transport.update({ ...data.stepper, presenter: data.presenter });
    this.stage.update({ ...data.stage, presenter: data.presenter });
    this.draw(this.stage.boxes, false);
  }

  // ---- the panel --------------------------------------------------------------------------------------------------------

  writeCards() {
    const wanted = this.data.losses.filter((loss) => loss.on);
    for (const [kind, card] of this.cards) {
      if (wanted.some((loss) => loss.kind === kind)) continue;
      card.element.remove();
      this.cards.delete(kind);
      this.arrows.get(kind).element.remove();
      this.arrows.delete(kind);
    }
    for (const loss of wanted) {
      if (!this.cards.has(loss.kind)) {
        const arrows = { halo: svg("path", { class: "halo" }), line: svg("path", { class: "arrow" }) };
        arrows.element = svg("g", {}, arrows.halo, arrows.line);
        this.over.append(arrows.element);
        this.arrows.set(loss.kind, arrows);
        this.cards.set(loss.kind, new Card(loss));
      }
      const card = this.cards.get(loss.kind);
      card.restyle(loss, this.text);
      put(this.arrows.get(loss.kind).element, "style", `--c: ${loss.color}`);
    }
    const order = wanted.map((loss) => this.cards.get(loss.kind).element);
    order.forEach((element, index) => {
      if (this.list.children[index] !== element) this.list.insertBefore(element, this.list.children[index] ?? null);
    });
    for (const [name, words] of Object.entries(this.text.parts)) {
      if (!this.numbers.has(name)) {
        const term = html("dt");
        const value = html("dd", { "data-part": name });
        this.parts.append(html("div", {}, term, value));
        this.numbers.set(name, { term, value });
      }
      this.numbers.get(name).term.textContent = words;
      this.numbers.get(name).term.parentElement.hidden = !this.data.parts.includes(name);
    }
  }

  /** What each look on the stage means; only what is drawn. */
  writeLegend() {
    const { show } = this.data;
    const drawn = {
      prediction: true,
      target: true,
      ...Object.fromEntries(["intersection", "union", "enclosing"].map((name) => [name, show.includes(name)])),
      distance: show.includes("distance"),
      diagonal: show.includes("distance"),
      arrows: (show.includes("edges") || show.includes("corners")) && !this.data.asks,
    };
    this.legend.replaceChildren(
      ...Object.keys(drawn)
        .filter((name) => drawn[name])
        .map((name) => html("li", {}, html("span", { class: `swatch ${name}`, "aria-hidden": "true" }), this.text.legend[name])),
    );
  }

  coordinates(boxes) {
    const find = (id) => boxes.find((box) => box.id === id)?.xyxy;
    const [prediction, target] = [find("prediction"), find("target")];
    return prediction && target ? [...prediction, ...target] : null;
  }

  draw(boxes, active) {
    if (!this.program || !this.data) return;
    const at = this.coordinates(boxes);
    if (!at) return;
    const { terms: parts } = this.program.box_parts(...at);
    const { terms: special } = this.program.degeneracies(...at);
    for (const [name, { value }] of this.numbers) write(value, parts[name], name === "iou" ? 4 : 2);
    this.answers = new Map();
    for (const [kind, card] of this.cards) {
      const answer = this.program[kind](...at);
      this.answers.set(kind, answer);
      card.write(answer, special, this.text);
    }
    this.drawParts(at, parts);
    this.drawArrows(at);
    this.racing.classList.toggle("stale", active);
  }

  summary() {
    return [...this.cards.values()].map((card) => `${card.title} ${shown(this.answers?.get(card.kind)?.value ?? NaN)}`).join(", ");
  }

  // ---- on the stage -----------------------------------------------------------------------------------------------------

  drawParts(at, parts) {
    const show = new Set(this.data.show);
    const [x1, y1, x2, y2, tx1, ty1, tx2, ty2] = at;
    const box = (left, top, right, bottom) => `M${left} ${top}H${right}V${bottom}H${left}Z`;
    const overlap = parts.intersection_x2 > parts.intersection_x1 && parts.intersection_y2 > parts.intersection_y1;
    const shapes = {
      union: show.has("union") && box(x1, y1, x2, y2) + box(tx1, ty1, tx2, ty2),
      intersection:
        show.has("intersection") &&
        overlap &&
        box(parts.intersection_x1, parts.intersection_y1, parts.intersection_x2, parts.intersection_y2),
      enclosing: show.has("enclosing") && box(parts.enclosing_x1, parts.enclosing_y1, parts.enclosing_x2, parts.enclosing_y2),
      diagonal: show.has("distance") && `M${parts.enclosing_x1} ${parts.enclosing_y1}L${parts.enclosing_x2} ${parts.enclosing_y2}`,
      distance: show.has("distance") && `M${parts.center_x} ${parts.center_y}L${parts.target_center_x} ${parts.target_center_y}`,
      centers:
        show.has("distance") &&
        [
          [parts.center_x, parts.center_y],
          [parts.target_center_x, parts.target_center_y],
        ]
          .map(([x, y]) => `M${x} ${y}h0`)
          .join(""),
      aspect: show.has("aspect") && this.angle(x1, y1, x2, y2, parts.angle) + this.angle(tx1, ty1, tx2, ty2, parts.target_angle),
    };
    for (const [name, path] of Object.entries(shapes)) put(this.marks[name], "d", path || "");
    const { unit } = this.stage;
    const middle = (a, b, share = 0.5) => a + share * (b - a);
    for (const [letter, shown, x, y] of [
      ["C", shapes.enclosing, parts.enclosing_x2 - 12 * unit, parts.enclosing_y1 + 16 * unit],
      // Beside the lines, a quarter of the way along the diagonal: there it stays clear of the centers.
      [
        "c",
        shapes.diagonal,
        middle(parts.enclosing_x1, parts.enclosing_x2, 0.2) + 10 * unit,
        middle(parts.enclosing_y1, parts.enclosing_y2, 0.2) - 4 * unit,
      ],
      [
        "ρ",
        shapes.distance && parts.distance > 1,
        middle(parts.center_x, parts.target_center_x) + 8 * unit,
        middle(parts.center_y, parts.target_center_y) - 8 * unit,
      ],
    ]) {
      const text = this.letters[letter];
      text.style.display = shown ? "" : "none";
      put(text, "x", x);
      put(text, "y", y);
    }
    for (const [name, x, y] of [
      ["angle", x1, y1],
      ["target_angle", tx1, ty1],
    ]) {
      const words = show.has("aspect") ? `${shown(parts[name], 1)}°` : "";
      if (this.notes[name].textContent !== words) this.notes[name].textContent = words;
      put(this.notes[name], "x", x + 8 * unit);
      put(this.notes[name], "y", y + 44 * unit);
    }
  }

  /** The diagonal of a box, and the arc from its left edge to it: that angle is atan(w / h). */
  angle(x1, y1, x2, y2, degrees) {
    const radius = Math.min(30 * this.stage.unit, Math.hypot(x2 - x1, y2 - y1) / 2);
    const turn = (degrees * Math.PI) / 180;
    if (!Number.isFinite(turn)) return "";
    const end = `${x1 + radius * Math.sin(turn)} ${y1 + radius * Math.cos(turn)}`;
    return `M${x1} ${y1}L${x2} ${y2}M${x1} ${y1 + radius}A${radius} ${radius} 0 0 0 ${end}`;
  }

  /** Arrows along the descent: where a step against the gradient would take each edge, and each corner. */
  drawArrows(at) {
    const { unit } = this.stage;
    const [x1, y1, x2, y2, tx1, ty1, tx2, ty2] = at;
    const size = Math.sqrt(Math.max(0, (tx2 - tx1) * (ty2 - ty1))) || 1;
    const show = new Set(this.data.show);
    const kinds = [...this.arrows.keys()];
    // IoU losses do not know pixels: their gradient is measured per target size. The L1 losses are distances already.
    const length = (kind, gradient) => {
      const strength = Math.abs(gradient) * (kind.endsWith("l1") ? 1 : size);
      return ((LONGEST * strength) / (strength + HALF)) * unit;
    };
    kinds.forEach((kind, index) => {
      const { gradient } = this.answers.get(kind);
      const finite = gradient.every(Number.isFinite);
      let path = "";
      if (finite && show.has("edges")) {
        // Side by side along the edge, so that any number of losses can be told apart.
        const share = (index + 1) / (kinds.length + 1);
        const [x, y] = [x1 + share * (x2 - x1), y1 + share * (y2 - y1)];
        path += arrow(x1, y, -Math.sign(gradient[0]) * length(kind, gradient[0]), 0, unit);
        path += arrow(x, y1, 0, -Math.sign(gradient[1]) * length(kind, gradient[1]), unit);
        path += arrow(x2, y, -Math.sign(gradient[2]) * length(kind, gradient[2]), 0, unit);
        path += arrow(x, y2, 0, -Math.sign(gradient[3]) * length(kind, gradient[3]), unit);
      }
      if (finite && show.has("corners")) {
        for (const [x, y, gx, gy] of [
          [x1, y1, gradient[0], gradient[1]],
          [x2, y1, gradient[2], gradient[1]],
          [x2, y2, gradient[2], gradient[3]],
          [x1, y2, gradient[0], gradient[3]],
        ]) {
          const norm = Math.hypot(gx, gy);
          if (norm > 0) path += arrow(x, y, (-gx / norm) * length(kind, norm), (-gy / norm) * length(kind, norm), unit);
        }
      }
      const { halo, line } = this.arrows.get(kind);
      put(halo, "d", path);
      put(line, "d", path);
    });
  }

  // ---- the race ---------------------------------------------------------------------------------------------------------

  writeRunners() {
    const kinds = new Set(this.race?.kinds ?? []);
    for (const [kind, runner] of this.runners) {
      if (kinds.has(kind)) continue;
      runner.element.remove();
      this.runners.delete(kind);
    }
    for (const kind of kinds) {
      if (!this.runners.has(kind)) {
        const runner = {
          trail: svg("path", { class: "trail" }),
          box: svg("rect", { class: "runner" }),
          name: svg("text", { class: "runner-name" }),
        };
        runner.element = svg("g", { "data-kind": kind }, runner.trail, runner.box, runner.name);
        this.racing.append(runner.element);
        this.runners.set(kind, runner);
      }
      const loss = this.data.losses.find((each) => each.kind === kind);
      const runner = this.runners.get(kind);
      put(runner.element, "style", `--c: ${loss.color}; --dash: ${loss.dash}`);
      runner.name.textContent = loss.title;
    }
    if (this.race) this.drawRace(this.transport.step);
  }

  drawRace(index) {
    if (!this.race) return;
    const { unit } = this.stage;
    const words = [];
    this.race.kinds.forEach((kind, number) => {
      const { trail, box, name } = this.runners.get(kind);
      const path = this.race.boxes[number].slice(0, index + 1).filter((each) => each !== null);
      const [x1, y1, x2, y2] = path.at(-1) ?? [0, 0, 0, 0];
      for (const [attribute, value] of [
        ["x", Math.min(x1, x2)],
        ["y", Math.min(y1, y2)],
        ["width", Math.abs(x2 - x1)],
        ["height", Math.abs(y2 - y1)],
      ]) {
        put(box, attribute, value);
      }
      put(trail, "d", path.map(([a, b, c, d], i) => `${i ? "L" : "M"}${(a + c) / 2} ${(b + d) / 2}`).join(""));
      put(name, "x", Math.max(x1, x2) - 2 * unit);
      put(name, "y", Math.min(y1, y2) + (14 + 14 * number) * unit);
      words.push(`${name.textContent} ${shown(this.race.iou[number][index] ?? NaN, 2)}`);
    });
    this.over.classList.toggle("faded", index > 0); // arrows speak of the start, not of the boxes under way
    this.transport.caption(say(this.text.race, { step: this.race.steps[index], ious: words.join(" · ") }));
  }

  destroy() {
    this.stage.destroy();
    this.transport.destroy();
  }
}

/** One loss: its value, its formula in letters and in numbers, its gradient, and why a number is none. */
class Card {
  constructor({ kind }) {
    this.kind = kind;
    this.name = html("span", { class: "name" });
    this.source = html("span", { class: "source" });
    this.value = html("output", { class: "value" });
    this.symbols = html("span", { class: "symbols" });
    this.sum = html("span", { class: "sum" });
    this.slopes = AXES.map((axis) => html("output", { title: `∂/∂${axis}` }));
    this.gradientName = html("span", { class: "gradient-name" });
    this.gradient = html(
      "div",
      { class: "gradient" },
      this.gradientName,
      ...AXES.map((axis, index) => html("span", {}, html("i", {}, `∂${axis} `), this.slopes[index])),
    );
    this.why = html("p", { class: "why" });
    this.why.hidden = true;
    this.element = html(
      "li",
      { "data-kind": kind },
      html("div", { class: "head" }, html("span", { class: "swatch", "aria-hidden": "true" }), this.name, this.source, this.value),
      html("div", { class: "formula" }, this.symbols, this.sum),
      this.gradient,
      this.why,
    );
  }

  restyle(loss, text) {
    this.title = loss.title;
    this.formula = loss.formula;
    this.reasons = loss.reasons;
    this.name.textContent = loss.title;
    this.source.textContent = loss.source;
    this.symbols.textContent = loss.symbols;
    this.gradientName.textContent = text.gradient;
    put(this.element, "style", `--c: ${loss.color}; --dash: ${loss.dash}`);
  }

  write({ value, gradient, terms }, special, text) {
    write(this.value, value, 4);
    const numbers = Object.fromEntries(Object.entries(terms).map(([name, term]) => [name, shown(term, 3)]));
    const sum = `= ${say(this.formula, numbers)}`;
    if (this.sum.textContent !== sum) this.sum.textContent = sum;
    gradient.forEach((slope, axis) => write(this.slopes[axis], slope, 4));
    const broken = ![value, ...gradient].every(Number.isFinite);
    this.element.classList.toggle("broken", broken);
    const words = broken
      ? this.reasons
          .filter((name) => special[name])
          .map((name) => text.reasons[name])
          .join(" ")
      : "";
    this.why.hidden = !words;
    if (this.why.textContent !== words) this.why.textContent = words;
  }
}

function write(output, value, digits) {
  const text = shown(value, digits);
  if (output.textContent !== text) output.textContent = text;
  output.dataset.value = String(value);
}

function arrow(x, y, dx, dy, unit) {
  const length = Math.hypot(dx, dy);
  if (!(length > 1.5 * unit)) return "";
  const [endX, endY] = [x + dx, y + dy];
  const head = Math.min(7 * unit, length * 0.6) / length;
  const [backX, backY] = [dx * head, dy * head];
  return `M${x} ${y}L${endX} ${endY}M${endX - backX - backY * 0.55} ${endY - backY + backX * 0.55}L${endX} ${endY}L${endX - backX + backY * 0.55} ${endY - backY - backX * 0.55}`;
}

export default (component) => live(component, (channel) => new View(channel));
