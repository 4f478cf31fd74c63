// Who owns this box? A box under the learner's hand, two rules that answer at once, and the cells that light up.
//
// The rules are not written here: Python compiles torch functions (vizcore/browser.py) and sends their source.

import { colorTable } from "../shared/colors.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { load } from "../shared/program.js";
import { Stage } from "../shared/stage.js";
import { ownedCells } from "./lookups.js";
import { paint, readMaps } from "./packed.js";

const own = await stylesheet(import.meta.url, "./owner.css");
const LOW = 4; // pixels at the left end of a ruler
const ROWS = 3; // of examples, before the rest is asked for
const REACH = 2; // cells around the center that are asked; those that are farther away cannot be owned
function short(value, digits = 1) {
  if (value === -Infinity) return "−∞";
  return String(Number(value.toFixed(digits))).replace("-", "−");
}

/**
 * @typedef {object} Data what pages/fpn sends
 * @property {Uint8Array} payload `pack_maps`
 * @property {string} source `paper_rule` and `cell_rule` as JavaScript
 * @property {import("../shared/stage.js").StageSpec} stage the photo and the box
 * @property {{name: string, stride: number, low: number, high: number | null}[]} levels the farthest sides that each owns
 * @property {{size: number, level: number, bands: {name: string, low: number, high: number | null}[]}} paper
 * @property {{words: string, xyxy: number[], level: string}[]} examples
 * @property {string[]} scale
 * @property {Record<string, string>} colors by level
 * @property {boolean} plain a lesson: what the rules say, beside the picture, and no more
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

class View {
  /** @type {ReturnType<typeof readMaps>["header"]} */ header;
  /** @type {ReturnType<typeof readMaps>["maps"]} */ maps;
  /** @type {import("../shared/colors.js").Rgb[] | undefined} */ table;

  constructor(channel) {
    this.stage = new Stage(channel);
    const style = html("style");
    style.textContent = own;
    this.under = this.stage.layer("cells", { under: true });
    this.examples = html("div", { class: "examples", role: "group" });
    this.more = html("button", { type: "button", class: "chip more", hidden: "" });
    this.more.addEventListener("click", () => {
      const [first] = this.chips.filter((chip) => chip.hidden);
      this.unfolded = true;
      this.fold();
      first?.focus({ preventScroll: true });
    });
    this.paper = new Rule("paper");
    this.fcos = new Rule("fcos");
    this.verdict = html("p", { class: "verdict" });
    this.strip = html("div", { class: "strip" });
    this.panel = html("section", { class: "panel" }, this.paper.element, this.fcos.element, this.verdict, this.strip);
    this.element = html(
      "div",
      { class: "g2b fpn-owner" },
      style,
      html("div", { class: "columns" }, html("div", {}, this.stage.element, this.examples), this.panel),
    );
    this.stage.onFrame = (boxes) => this.draw(boxes);
    this.stage.onResize = () => this.draw(this.stage.boxes);
    this.stage.summary = () => this.verdict.textContent;
    this.observer = new ResizeObserver(() => {
      this.layout();
      this.fold();
    });
    this.observer.observe(this.strip);
  }

  destroy() {
    this.observer.disconnect();
    this.stage.destroy();
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.text = data.text;
    if (data.source !== this.source) {
      this.source = data.source;
      load(data.source).then((program) => {
        if (this.source !== data.source) return;
        this.program = program;
        this.element.dataset.ready = "true";
        this.draw(this.stage.boxes);
      });
    }
    if (data.payload !== this.payload) {
      this.payload = data.payload;
      ({ header: this.header, maps: this.maps } = readMaps(data.payload));
    }
    this.element.classList.toggle("plain", data.plain);
    this.table ??= colorTable(data.scale);
    put(this.panel, "aria-label", this.text.panel);
    this.paper.restyle(this.text.paper, this.text.paper_formula, this.text.paper_axis, data.paper.bands, data.colors);
    this.fcos.restyle(this.text.fcos, this.text.fcos_formula, this.text.fcos_axis, data.levels, data.colors);
    this.buildStrip();
    this.writeExamples();
    this.stage.update({ ...data.stage, presenter: data.presenter });
    this.draw(this.stage.boxes);
  }

  buildStrip() {
    const names = this.data.levels.map((level) => level.name).join();
    if (this.names !== names) {
      this.names = names;
      this.tiles = new Map();
      this.strip.replaceChildren();
      for (const { name } of this.data.levels) {
        const tile = {
          canvas: html("canvas", { "aria-hidden": "true" }),
          marks: svg("svg", { "aria-hidden": "true", preserveAspectRatio: "none" }),
          title: html("strong", {}, name),
          count: html("output"),
          badges: html("span", { class: "badges" }),
        };
        tile.frame = html("span", { class: "frame-of-map" }, tile.canvas, tile.marks);
        tile.element = html(
          "div",
          { class: "level", "data-level": name },
          tile.frame,
          html("span", { class: "line" }, tile.title, tile.badges),
          tile.count,
        );
        this.strip.append(tile.element);
        this.tiles.set(name, tile);
      }
    }
    for (const { name } of this.data.levels) {
      const tile = this.tiles.get(name);
      tile.element.style.setProperty("--c", this.data.colors[name]);
      paint(tile.canvas, this.maps.get(name), this.table);
    }
    this.layout();
  }

  layout() {
    if (!this.tiles || !this.strip.clientWidth) return;
    const [height, width] = this.header.image;
    for (const [name, tile] of this.tiles) {
      const map = this.maps.get(name);
      const scale = Math.min((tile.element.clientWidth - 10) / width, 130 / height);
      tile.frame.style.width = `${Math.max(2, width * scale)}px`;
      tile.frame.style.height = `${Math.max(2, height * scale)}px`;
      const [across, down] = this.header.scales.map((each) => map.stride / each);
      tile.canvas.style.width = `${(100 * map.cols * across) / width}%`;
      tile.canvas.style.height = `${(100 * map.rows * down) / height}%`;
      put(tile.marks, "viewBox", `0 0 ${width} ${height}`);
    }
  }

  writeExamples() {
    const shape = JSON.stringify(this.data.examples);
    if (this.listed === shape) return;
    this.listed = shape;
    this.unfolded = false;
    this.examples.replaceChildren(html("span", { class: "quiet" }, this.data.examples.length ? this.text.examples : ""));
    this.chips = this.data.examples.map((example) => {
      const button = html(
        "button",
        { type: "button", class: "chip", style: `--c: ${this.data.colors[example.level] ?? "var(--edge)"}` },
        html("span", { class: "dot", "aria-hidden": "true" }),
        example.words,
      );
      button.addEventListener("click", () => this.stage.set({ box: example.xyxy }));
      return button;
    });
    this.examples.append(...this.chips, this.more);
    this.fold();
  }

  /** Whole rows only: what does not fit into the first ones waits behind a button that says how many there are. */
  fold() {
    if (!this.chips || !this.examples.clientWidth) return;
    for (const chip of this.chips) chip.hidden = false;
    this.more.hidden = true;
    const tops = [...new Set(this.chips.map((chip) => chip.offsetTop))];
    if (this.unfolded || tops.length <= ROWS) return;
    const last = tops[ROWS - 1];
    let kept = this.chips.filter((chip) => chip.offsetTop <= last).length;
    this.chips.forEach((chip, place) => {
      chip.hidden = place >= kept;
    });
    this.more.hidden = false;
    const name = () => {
      this.more.textContent = say(this.text.more, { count: this.chips.length - kept });
    };
    for (name(); kept > 1 && this.more.offsetTop > last; name()) this.chips[--kept].hidden = true;
  }

  // ---- on every frame -----------------------------------------------------------------------------------------------------

  draw(boxes) {
    const box = boxes.find((each) => each.id === "box");
    if (!this.program || !this.maps || !box) return;
    const [sx, sy] = this.header.scales;
    const [x1, y1, x2, y2] = [box.xyxy[0] * sx, box.xyxy[1] * sy, box.xyxy[2] * sx, box.xyxy[3] * sy];
    const [width, height] = [x2 - x1, y2 - y1];
    const { terms: paper } = this.program.paper(width, height);
    const { size, level: k0 } = this.data.paper;
    const rounded = Math.floor(paper.value + 1e-6); // shown only where the limits changed it
    const numbers = `k = ⌊${k0} + log₂(√(${short(width)} · ${short(height)}) / ${size})⌋ = ⌊${short(paper.value, 2)}⌋`;
    const limited = Number.isFinite(rounded) && rounded !== paper.level;
    this.paper.write(
      numbers + (limited || !Number.isFinite(rounded) ? ` → ${paper.level}` : ` = ${paper.level}`),
      Math.sqrt(width * height),
      [`P${paper.level}`],
      limited ? this.text.limited : "",
    );

    const center = [(x1 + x2) / 2, (y1 + y2) / 2];
    const found = this.cells([x1, y1, x2, y2]);
    const farthest = Math.max(width, height) / 2;
    const atCenter = this.data.levels.find(
      (level) => this.program.cell(...center, x1, y1, x2, y2, level.stride, level.low, level.high ?? Infinity).terms.in_range,
    );
    const range = atCenter
      ? `${short(atCenter.low)} < ${short(farthest)} ≤ ${atCenter.high === null ? "∞" : short(atCenter.high)}`
      : short(farthest);
    const total = [...found.values()].reduce((sum, cells) => sum + cells.length, 0);
    const winners = [...found].filter(([, cells]) => cells.length).map(([name]) => name);
    this.fcos.write(
      `max(${short(width)}, ${short(height)}) / 2 = ${short(farthest)},  ${range}`,
      farthest,
      winners,
      total ? say(this.text.cells, { list: winners.map((name) => `${name}: ${found.get(name).length}`).join(", ") }) : this.text.no_cells,
    );
    this.answer = { paper: paper.level, fcos: Object.fromEntries([...found].map(([name, cells]) => [name, cells.length])) };
    this.element.dataset.paper = `P${paper.level}`;
    this.element.dataset.fcos = winners.join(",");
    this.element.dataset.cells = String(total);
    const same = winners.length === 1 && winners[0] === `P${paper.level}`;
    this.verdict.textContent = !total
      ? say(this.text.nobody, { paper: `P${paper.level}` })
      : same
        ? say(this.text.agree, { level: winners[0] })
        : say(winners.includes(`P${paper.level}`) ? this.text.overlap : this.text.differ, {
            paper: `P${paper.level}`,
            fcos: winners.join(" + "),
          });
    this.drawCells(box.xyxy, found, `P${paper.level}`);
    this.drawTiles(box.xyxy, found, `P${paper.level}`);
  }

  /** By level, the cells that training would give this box: [row, column]. */
  cells(box) {
    const found = new Map();
    for (const { name, stride, low, high } of this.data.levels) {
      const map = this.maps.get(name);
      const cells = ownedCells(this.program.cell, box, { stride, low, high }, [map.all_rows, map.all_cols], REACH);
      found.set(name, cells);
    }
    return found;
  }

  drawCells(box, found, paper) {
    const [sx, sy] = this.header.scales;
    const parts = [];
    // The grid of the paper's level inside the box, where its lines are far enough apart to be seen.
    const level = this.data.levels.find((each) => each.name === paper);
    if (level && level.stride / sx / this.stage.unit >= 5) {
      let path = "";
      const [across, down] = [level.stride / sx, level.stride / sy];
      for (let x = Math.ceil(box[0] / across) * across; x < box[2]; x += across) path += `M${x} ${box[1]}V${box[3]}`;
      for (let y = Math.ceil(box[1] / down) * down; y < box[3]; y += down) path += `M${box[0]} ${y}H${box[2]}`;
      parts.push(svg("path", { d: path, class: "lines", style: `--c: ${this.data.colors[paper]}` }));
    }
    for (const [name, cells] of found) {
      const stride = this.data.levels.find((each) => each.name === name).stride;
      const [across, down] = [stride / sx, stride / sy];
      for (const [row, col] of cells) {
        const style = `--c: ${this.data.colors[name]}`;
        parts.push(svg("rect", { x: col * across, y: row * down, width: across, height: down, class: "owned", style }));
        parts.push(svg("circle", { cx: (col + 0.5) * across, cy: (row + 0.5) * down, r: 3.5 * this.stage.unit, class: "point", style }));
      }
    }
    this.under.replaceChildren(...parts);
  }

  drawTiles(box, found, paper) {
    const [sx, sy] = this.header.scales;
    for (const { name, stride } of this.data.levels) {
      const tile = this.tiles.get(name);
      const cells = found.get(name);
      const marks = cells.map(([row, col]) =>
        svg("rect", { x: (col * stride) / sx, y: (row * stride) / sy, width: stride / sx, height: stride / sy, class: "owned" }),
      );
      marks.push(svg("rect", { x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1], class: "box-halo" }));
      marks.push(svg("rect", { x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1], class: "box-line" }));
      tile.marks.replaceChildren(...marks);
      tile.count.textContent = say(this.text.count, { count: cells.length });
      const badges = [name === paper && this.text.badge_paper, cells.length && this.text.badge_fcos].filter(Boolean);
      tile.badges.textContent = badges.join(" · ");
      tile.element.classList.toggle("lit", badges.length > 0);
    }
  }
}

/** One rule: its name, its formula in letters and in numbers, and a ruler with the borders between the levels. */
class Rule {
  constructor(kind) {
    this.name = html("span", { class: "name" });
    this.value = html("output", { class: "value" });
    this.letters = html("div", { class: "letters" });
    this.numbers = html("div", { class: "numbers" });
    this.note = html("div", { class: "note quiet" });
    this.ruler = html("div", { class: "ruler", "aria-hidden": "true" });
    this.needle = html("span", { class: "needle" });
    this.axis = html("div", { class: "axis quiet" });
    this.element = html(
      "div",
      { class: `rule ${kind}` },
      html("div", { class: "head" }, this.name, this.value),
      this.letters,
      this.numbers,
      this.ruler,
      this.axis,
      this.note,
    );
  }

  restyle(name, letters, axis, bands, colors) {
    this.colors = colors;
    this.name.textContent = name;
    this.letters.textContent = letters;
    this.axis.textContent = axis;
    this.high = 1.35 * Math.max(...bands.map((band) => band.high ?? 2 * band.low));
    const shape = JSON.stringify(bands);
    if (this.shape === shape) return;
    this.shape = shape;
    this.ruler.replaceChildren(
      ...bands.flatMap((band) => {
        const [from, to] = [this.place(Math.max(LOW, band.low)), this.place(band.high ?? this.high)];
        const part = html(
          "span",
          { class: "band", "data-level": band.name, style: `left:${from}%;width:${to - from}%;--c:${colors[band.name]}` },
          band.name,
        );
        return band.low > 0 ? [part, html("span", { class: "border", style: `left:${from}%` }, String(band.low))] : [part];
      }),
      this.needle,
    );
  }

  place(value) {
    return (100 * Math.log(Math.min(this.high, Math.max(LOW, value)) / LOW)) / Math.log(this.high / LOW);
  }

  /** `levels`: every level that the rule gives the box to; none, one or several. */
  write(numbers, value, levels, note) {
    if (this.numbers.textContent !== numbers) this.numbers.textContent = numbers;
    const shown = JSON.stringify(levels.map((level) => [level, this.colors[level]]));
    if (this.shown !== shown) {
      this.shown = shown;
      const names = levels.length ? levels : ["–"];
      this.value.replaceChildren(
        ...names.flatMap((level, place) => [
          ...(place ? [" + "] : []),
          html("span", { class: "owning", style: `--c: ${this.colors[level] ?? "var(--edge)"}` }, level),
        ]),
      );
    }
    this.needle.style.left = `${this.place(value)}%`;
    if (this.note.textContent !== note) this.note.textContent = note;
    for (const band of this.ruler.querySelectorAll(".band")) band.classList.toggle("on", levels.includes(band.dataset.level));
  }
}

export default (component) => live(component, (channel) => new View(channel));
