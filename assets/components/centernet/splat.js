// Objects under the learner's hand, and the heatmap that follows: one Gaussian an object, the greater where two overlap.
//
// No formula is written here. Python compiles the torch functions (vizcore/browser.py) and sends the source once; each animation
// frame calls them. What this file does is place and draw.

import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { load } from "../shared/program.js";
import { Stage } from "../shared/stage.js";
import { maxima, peakKey, splatAll, tint, worstBox } from "./maps.js";

const own = await stylesheet(import.meta.url, "./splat.css");
const LOUPE = 9; // cells on a side
const SWEEP = 2600; // ms of the movement that opens the lesson
const REACH = 0.16; // of the stage's width, how far it goes
const FORMULAS = ["exact", "released"];

/**
 * @typedef {object} Data what pages/centernet sends
 * @property {Uint8Array} payload the compiled functions, JavaScript
 * @property {import("../shared/stage.js").StageSpec} stage the objects
 * @property {number} stride pixels a cell
 * @property {string[]} labels class of each object
 * @property {number} min_overlap
 * @property {"exact" | "released"} formula that is drawn
 * @property {boolean} show_worst
 * @property {string[]} formulas whose radii may be shown
 * @property {boolean} asks whether a lesson asks for what panel and worst boxes would say
 * @property {Record<string, any>} colors
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

class View {
  constructor(channel) {
    this.stage = new Stage(channel);
    const style = html("style");
    style.textContent = own;
    this.canvas = html("canvas", { class: "heat", "aria-hidden": "true" });
    this.stage.photo.after(this.canvas);
    this.over = this.stage.layer("peaks");
    this.worst = { exact: svg("rect", { class: "worst exact" }), released: svg("rect", { class: "worst released" }) };
    this.peaks = svg("g");
    this.over.append(this.worst.released, this.worst.exact, this.peaks);
    this.title = html("h3");
    this.facts = html("p", { class: "facts" });
    this.rows = Object.fromEntries(FORMULAS.map((name) => [name, new Row(name)]));
    this.counts = html("p", { class: "counts", "data-mark": "counts" });
    this.lost = html("p", { class: "lost" });
    this.loupe = svg("svg", { class: "loupe", viewBox: `0 0 ${LOUPE} ${LOUPE}`, "aria-hidden": "true" });
    this.loupeName = html("figcaption");
    this.panel = html(
      "section",
      { class: "panel" },
      html(
        "div",
        { class: "numbers", "data-mark": "radii" },
        this.title,
        this.facts,
        html("div", { class: "radii" }, ...FORMULAS.map((name) => this.rows[name].element)),
      ),
      html("figure", { class: "zoom", "data-mark": "loupe" }, this.loupe, this.loupeName),
      html("div", { class: "told" }, this.counts, this.lost),
    );
    this.element = html("div", { class: "g2b centernet-splat" }, style, html("div", { class: "columns" }, this.stage.element, this.panel));
    this.stage.onFrame = (boxes, { id }) => this.draw(boxes, id);
    this.stage.onResize = () => this.draw(this.stage.boxes, null);
    this.stage.onSelect = (id) => this.draw(this.stage.boxes, id);
    this.stage.summary = () => [this.counts.textContent, this.lost.textContent].join(" ");
    this.onPlay = (event) => this.play(event);
    document.addEventListener("grad2box:play", this.onPlay);
  }

  destroy() {
    cancelAnimationFrame(this.moving);
    document.removeEventListener("grad2box:play", this.onPlay);
    this.stage.destroy();
  }

  /** A lesson begins: the first object goes to and fro, and its blob with it. */
  play(event) {
    const box = this.stage.boxes[0];
    if (!this.element.isConnected || !this.program || !box || this.moving) return;
    event.preventDefault();
    const began = performance.now();
    const far = REACH * this.stage.width;
    const go = (now) => {
      const share = Math.min(1, (now - began) / SWEEP);
      put(this.element, "data-moved", share.toFixed(2));
      const [dx, dy] = [far * Math.sin(2 * Math.PI * share), (far / 4) * Math.sin(4 * Math.PI * share)];
      const [x1, y1, x2, y2] = box.xyxy;
      if (share === 1 || this.stage.drag) {
        this.moving = 0;
        this.stage.settle();
        return;
      }
      this.stage.set({ [box.id]: [x1 + dx, y1 + dy, x2 + dx, y2 + dy] }, { commit: false });
      this.moving = requestAnimationFrame(go);
    };
    this.moving = requestAnimationFrame(go);
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.text = data.text;
    if (data.payload && data.payload !== this.bytes) {
      this.bytes = data.payload;
      const source = new TextDecoder().decode(data.payload);
      load(source).then((program) => {
        this.program = program;
        this.element.dataset.ready = "true";
        this.draw(this.stage.boxes, null);
      });
    }
    for (const name of ["exact", "released", "A", "B"]) this.element.style.setProperty(`--${name}`, data.colors[name]);
    this.element.classList.toggle("asks", data.asks);
    put(this.panel, "aria-label", this.text.panel);
    this.loupeName.textContent = this.text.loupe;
    for (const name of FORMULAS) {
      this.rows[name].restyle(this.text[name]);
      this.rows[name].element.hidden = !data.formulas.includes(name);
    }
    this.stage.update({ ...data.stage, presenter: data.presenter });
    this.draw(this.stage.boxes, null);
  }

  /** What stands on the stage, in cells. */
  objects(boxes) {
    const { stride, labels } = this.data;
    return boxes.map(({ id, xyxy }) => ({ id, label: labels[Number(id)] ?? "A", box: xyxy.map((side) => side / stride) }));
  }

  draw(boxes, id) {
    if (!this.program || !this.data || !this.stage.width) return;
    const began = performance.now();
    if (id !== null && id !== undefined) this.focus = id;
    if (!boxes.some((box) => box.id === this.focus)) this.focus = boxes[0]?.id ?? null;
    const { stride, min_overlap: overlap, formula, colors } = this.data;
    const size = [Math.round(this.stage.height / stride), Math.round(this.stage.width / stride)];
    const objects = this.objects(boxes);
    this.maps = splatAll(this.program, objects, size, ["A", "B"], { formula, overlap });
    tint(this.canvas, this.maps, size, [colors.A, colors.B]);
    this.drawPeaks(objects);
    this.drawFocus(objects.find((each) => each.id === this.focus));
    this.write(objects, size);
    this.drawLoupe(objects, size);
    this.element.dataset.frame = (performance.now() - began).toFixed(2);
  }

  drawPeaks(objects) {
    const { stride } = this.data;
    const seen = new Set();
    const marks = [];
    this.gone = [];
    objects.forEach((object) => {
      const key = peakKey(object);
      const lost = seen.has(key);
      seen.add(key);
      if (lost) this.gone.push(object);
      const [x, y] = object.cell;
      const style = `--c: var(--${object.label})`;
      marks.push(svg("rect", { class: "cell", x: x * stride, y: y * stride, width: stride, height: stride, style }));
      marks.push(
        svg("circle", {
          class: lost ? "peak lost" : "peak",
          cx: (x + 0.5) * stride,
          cy: (y + 0.5) * stride,
          r: (lost ? 11 : 7) * this.stage.unit,
          style,
        }),
      );
    });
    this.peaks.replaceChildren(...marks);
  }

  /** The box in hand: its cell, its radii, and the worst box within each. */
  drawFocus(object) {
    const { stride, min_overlap: overlap, show_worst: shows, formulas } = this.data;
    for (const name of FORMULAS) this.worst[name].toggleAttribute("hidden", !object || !shows || !formulas.includes(name));
    if (!object) {
      this.title.textContent = this.text.nothing;
      this.facts.textContent = "";
      for (const name of FORMULAS) this.rows[name].write(null, this.text);
      return;
    }
    const [x1, y1, x2, y2] = object.box;
    const [width, height] = [x2 - x1, y2 - y1];
    const one = (value) => value.toFixed(2);
    this.title.textContent = say(this.text.object, { number: Number(object.id) + 1, label: object.label });
    this.facts.textContent = say(this.text.facts, {
      width: one(width),
      height: one(height),
      x: object.cell[0],
      y: object.cell[1],
      dx: one(object.offset[0]),
      dy: one(object.offset[1]),
    });
    for (const name of FORMULAS) {
      const radius = this.program[`radius_${name}`](height, width, overlap).value;
      const worst = worstBox(this.program, height, width, radius);
      this.rows[name].write({ radius, iou: worst.iou, on: name === this.data.formula }, this.text);
      const [dx1, dy1, dx2, dy2] = worst.offsets;
      const rect = this.worst[name];
      put(rect, "x", (x1 + dx1) * stride);
      put(rect, "y", (y1 + dy1) * stride);
      put(rect, "width", Math.max(0, width + dx2 - dx1) * stride);
      put(rect, "height", Math.max(0, height + dy2 - dy1) * stride);
    }
  }

  write(objects, size) {
    const parts = ["A", "B"].map((label, place) => {
      const count = objects.filter((each) => each.label === label).length;
      return count ? say(this.text.count, { label, count, peaks: maxima(this.maps[place], size) }) : "";
    });
    const words = parts.filter(Boolean).join(" ");
    if (this.counts.textContent !== words) this.counts.textContent = words;
    const lost = this.gone.length ? say(this.text.lost, { count: this.gone.length }) : "";
    if (this.lost.textContent !== lost) this.lost.textContent = lost;
  }

  drawLoupe(objects, size) {
    const [rows, columns] = size;
    const focus = objects.find((each) => each.id === this.focus);
    if (!focus) {
      this.loupe.replaceChildren();
      return;
    }
    const half = (LOUPE - 1) / 2;
    const [left, top] = [focus.cell[0] - half, focus.cell[1] - half];
    const map = this.maps[focus.label === "A" ? 0 : 1];
    const marks = [];
    for (let row = 0; row < LOUPE; row++) {
      for (let column = 0; column < LOUPE; column++) {
        const [x, y] = [left + column, top + row];
        if (x < 0 || y < 0 || x >= columns || y >= rows) continue;
        const value = map[y * columns + x];
        const style = `--c: var(--${focus.label}); --v: ${Math.round(100 * value)}%`;
        marks.push(svg("rect", { class: value === 1 ? "one" : "", x: column, y: row, width: 1, height: 1, style }));
      }
    }
    for (const { box, label } of objects) {
      const [x, y] = [(box[0] + box[2]) / 2 - left, (box[1] + box[3]) / 2 - top];
      if (x < 0 || y < 0 || x > LOUPE || y > LOUPE) continue;
      marks.push(svg("circle", { cx: x, cy: y, r: 0.16, style: `--c: var(--${label})` }));
    }
    this.loupe.replaceChildren(...marks);
  }
}

/** One formula: its radius, what is drawn of it, and the IoU of the worst box within. */
class Row {
  constructor(name) {
    this.name = html("span", { class: "name" });
    this.radius = html("output");
    this.iou = html("output", { class: "iou" });
    this.element = html("div", { class: `row ${name}` }, this.name, this.radius, this.iou);
  }

  /** @param {string} name */
  restyle(name) {
    this.name.textContent = name;
  }

  write(found, text) {
    this.element.classList.toggle("on", Boolean(found?.on));
    this.radius.textContent = found ? say(text.radius, { radius: found.radius.toFixed(2), drawn: Math.floor(found.radius) }) : "–";
    this.iou.textContent = found ? say(text.worst, { iou: found.iou.toFixed(2) }) : "";
    this.element.dataset.radius = found ? String(found.radius) : "";
    this.element.dataset.iou = found ? String(found.iou) : "";
  }
}

export default (component) => live(component, (channel) => new View(channel));
