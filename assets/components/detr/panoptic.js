// A panoptic picture in the making: the mask of every sure query, the argmax at every pixel, the merged picture, and how good it
// is. All masks are here already; moving the threshold and pointing at a pixel ask nobody.

import { parse } from "../shared/colors.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { wideLetters } from "../shared/geometry.js";
import { ARROWS, stepInList, stop } from "../shared/keys.js";
import { live } from "../shared/live.js";
import { Stage } from "../shared/stage.js";
import { Masks } from "./merging.js";

const own = await stylesheet(import.meta.url, "./panoptic.css");
const VEIL = 0.5; // of a segment over the photo
const CURVE = { left: 30, right: 296, top: 8, bottom: 92 };

/**
 * @typedef {object} Data what pages/detr sends
 * @property {Uint8Array} payload `pack_masks`
 * @property {import("../shared/stage.js").StageSpec} stage without boxes
 * @property {number} keep_threshold
 * @property {number} paper the paper's threshold
 * @property {number} query that is chosen
 * @property {boolean} quality whether the truth and the quality may be seen
 * @property {string[]} names of the queries' classes, in the reader's language
 * @property {string[]} objects what the true objects are called
 * @property {string[]} colors of segments
 * @property {string} value colour of a mask's value
 * @property {string} version of threshold and query as Python set them
 * @property {boolean} presenter
 * @property {any} text
 */

class View {
  constructor(channel) {
    this.channel = channel;
    this.stage = new Stage(channel);
    this.onPlay = (event) => this.sweep(event);
    document.addEventListener("grad2box:play", this.onPlay);
    this.probe = null; // canvas pixel that is pointed at
    this.shown = null; // query whose mask is looked at
    this.build();
    this.stage.onResize = () => this.draw();
  }

  build() {
    const style = html("style");
    style.textContent = own;
    this.canvas = html("canvas");
    this.image = svg("image", { preserveAspectRatio: "none", x: 0, y: 0 });
    this.stage.layer("segments", { under: true }).append(this.image);
    this.marks = svg("g", { class: "marks" });
    this.stage.layer("marks").append(this.marks);
    this.range = html("input", { type: "range", min: 0, max: 1, step: 0.01, list: "paper", "data-mark": "keep_threshold" });
    this.paper = html("option");
    this.output = html("output");
    this.name = html("span", { class: "name" });
    this.keep = html("label", { class: "keep" }, this.name, this.range, html("datalist", { id: "paper" }, this.paper), this.output);
    this.said = html("p", { class: "said", "aria-live": "polite" });
    this.picture = html("div", { class: "picture", tabindex: "0" }, this.stage.element, this.keep, this.said);
    this.title = html("h3");
    this.thumbs = html("div", { class: "thumbs", role: "radiogroup", "data-mark": "masks" });
    this.small = ["argmax", "truth"].map((kind) => {
      const canvas = html("canvas", { "aria-hidden": "true" });
      const caption = html("figcaption");
      return { kind, canvas, caption, element: html("figure", { "data-picture": kind }, canvas, caption) };
    });
    this.pair = html("div", { class: "pair" }, ...this.small.map(({ element }) => element));
    this.sum = html("p", { class: "sum", "aria-live": "polite" });
    this.pairs = html("ul", { class: "pairs" });
    this.curve = svg("svg", { viewBox: "0 0 304 118", class: "curve", role: "img" });
    this.curveTitle = html("h3");
    this.quality = html("section", { class: "quality", "data-mark": "quality" }, this.sum, this.pairs, this.curveTitle, this.curve);
    this.side = html("section", { class: "side" }, this.title, this.thumbs, this.pair, this.quality);
    this.element = html("div", { class: "g2b detr-panoptic" }, style, html("div", { class: "columns" }, this.picture, this.side));
    this.range.addEventListener("input", () => this.move(Number(this.range.value)));
    this.range.addEventListener("change", () => this.tell());
    const { svg: world } = this.stage;
    world.addEventListener("pointermove", (event) => this.point(this.pixel(this.stage.point(event))));
    world.addEventListener("pointerleave", () => this.point(null));
    world.addEventListener("click", (event) => this.choose(this.ownerAt(this.pixel(this.stage.point(event)))));
    this.picture.addEventListener("keydown", (event) => this.key(event));
    this.thumbs.addEventListener("pointerover", (event) => this.look(queryOf(event.target)));
    this.thumbs.addEventListener("pointerleave", () => this.look(null));
    this.thumbs.addEventListener("focusin", (event) => this.look(queryOf(event.target)));
    this.thumbs.addEventListener("focusout", () => this.look(null));
    this.thumbs.addEventListener("click", (event) => this.choose(queryOf(event.target)));
    this.thumbs.addEventListener("keydown", (event) => this.step(event));
  }

  /** @param {Data} data */
  update(data) {
    const before = this.data;
    this.data = data;
    this.text = data.text;
    if (data.payload !== this.bytes) {
      this.bytes = data.payload;
      this.masks = new Masks(data.payload);
      this.built = null;
      this.probe = this.shown = this.painted = null;
      this.colors = this.masks.bySureness.reduce((found, query, rank) => {
        found[query] = parse(data.colors[rank % data.colors.length]);
        return found;
      }, []);
      this.ink = parse(data.value);
    }
    if (data.version !== before?.version) Object.assign(this, { threshold: data.keep_threshold, query: data.query });
    put(this.image, "width", data.stage.size[1]);
    put(this.image, "height", data.stage.size[0]);
    put(this.picture, "aria-label", this.text.places);
    this.name.textContent = this.text.keep;
    put(this.paper, "value", data.paper); // a tick below the slider
    for (const { kind, caption } of this.small) caption.textContent = this.text[kind];
    this.curveTitle.textContent = this.text.curve;
    this.stage.update({ ...data.stage, presenter: data.presenter });
    this.move(this.threshold);
    this.element.dataset.ready = "true";
  }

  // ---- what is asked ----------------------------------------------------------------------------------------------------

  /** The threshold is another; only another set of sure queries has to be merged. */
  move(threshold) {
    this.threshold = threshold;
    this.range.value = String(threshold);
    this.output.textContent = threshold.toFixed(2);
    this.sure = this.masks.sure(threshold);
    const key = `${this.sure.join(" ")} ${this.data.names.join(" ")}`;
    if (key !== this.built) {
      this.built = key;
      this.merged = this.masks.merge(this.sure);
      this.buildThumbs();
      this.paintSmall();
    }
    this.draw();
  }

  point(pixel) {
    if (String(pixel) === String(this.probe)) return;
    this.probe = pixel;
    this.draw();
  }

  look(query) {
    if (query === this.shown) return;
    this.shown = query;
    this.draw();
  }

  choose(query) {
    if (query === null || query < 0) return;
    this.query = query;
    this.tell();
  }

  tell() {
    this.draw();
    this.channel.set({ asked: { version: this.data.version, keep_threshold: this.threshold, query: this.query } });
  }

  /** Arrows move the pixel that is asked, Enter chooses its owner. */
  key(event) {
    if (event.target === this.range) return;
    const [height, width] = this.masks.size;
    const [x, y] = this.probe ?? [Math.floor(width / 2), Math.floor(height / 2)];
    if (event.key === "Enter") {
      stop(event);
      return this.choose(this.ownerAt([x, y]));
    }
    if (event.key === "Escape") return this.point(null);
    if (!Object.hasOwn(ARROWS, event.key)) return;
    stop(event);
    const side = event.shiftKey ? 40 : 8;
    const [right, down] = ARROWS[event.key];
    this.point([Math.min(width - 1, Math.max(0, x + right * side)), Math.min(height - 1, Math.max(0, y + down * side))]);
  }

  /** Arrows go through the masks. */
  step(event) {
    const buttons = [...this.thumbs.children];
    const next = stepInList(event, buttons.indexOf(event.target.closest("button")), buttons.length);
    if (next === null) return;
    stop(event);
    buttons[next]?.focus();
  }

  /**
   * The canvas pixel at a place of the photo.
   *
   * @param {number[]} place x and y in pixels
   */
  pixel([x, y]) {
    const [height, width] = this.masks.size;
    const at = (value, side, pixels) => Math.min(pixels - 1, Math.max(0, Math.floor((value / side) * pixels)));
    return [at(x, this.data.stage.size[1], width), at(y, this.data.stage.size[0], height)];
  }

  /**
   * Who owns a canvas pixel.
   *
   * @param {number[]} pixel
   */
  ownerAt([x, y]) {
    return this.merged.owner[y * this.masks.size[1] + x];
  }

  // ---- drawing ----------------------------------------------------------------------------------------------------------

  caption(query) {
    return `${query} ${this.data.names[query]}`;
  }

  buildThumbs() {
    const { rows, columns } = this.masks;
    this.title.textContent = say(this.text.masks, { count: this.sure.length, all: this.masks.count });
    const order = this.masks.bySureness.filter((query) => this.sure.includes(query));
    const focused = queryOf(this.thumbs.getRootNode().activeElement);
    this.thumbs.replaceChildren(
      ...order.map((query) => {
        const canvas = html("canvas", { width: columns, height: rows });
        this.paintMask(canvas, query, true);
        const label = say(this.text.mask, { query, name: this.data.names[query], score: this.masks.arrays.scores[query].toFixed(2) });
        return html(
          "button",
          { type: "button", role: "radio", "data-query": query, "aria-label": label },
          html("span", { class: "mask" }, canvas, html("i", { class: "at" })),
          html("span", { class: "who" }, this.caption(query)),
          html("span", { class: "how" }),
        );
      }),
    );
    if (focused !== null) this.thumbs.querySelector(`[data-query="${focused}"]`)?.focus();
  }

  /** A mask's values in blue, over the picture in grey or over nothing. */
  paintMask(canvas, query, overGrey) {
    const { rows, columns, arrays, step } = this.masks;
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(columns, rows);
    const start = query * rows * columns;
    for (let cell = 0; cell < rows * columns; cell++) {
      const value = 1 / (1 + Math.exp(-arrays.masks[start + cell] * step));
      const grey = 40 + 0.5 * arrays.grey[cell];
      const place = 4 * cell;
      for (let k = 0; k < 3; k++) pixels.data[place + k] = overGrey ? grey + (this.ink[k] - grey) * value : this.ink[k];
      pixels.data[place + 3] = overGrey ? 255 : 235 * value;
    }
    context.putImageData(pixels, 0, 0);
  }

  /** The merged picture: a tint a segment, full colour along its border, the chosen one's border white. */
  paintSegments(chosen) {
    const [height, width] = this.masks.size;
    const { owner } = this.merged;
    const context = this.canvas.getContext("2d");
    const pixels = context.createImageData(width, height);
    for (let y = 0, pixel = 0; y < height; y++) {
      for (let x = 0; x < width; x++, pixel++) {
        const query = owner[pixel];
        if (query < 0) continue;
        const thick = query === chosen ? 3 : 1;
        const border =
          x < thick ||
          y < thick ||
          x >= width - thick ||
          y >= height - thick ||
          owner[pixel - thick] !== query ||
          owner[pixel + thick] !== query ||
          owner[pixel - thick * width] !== query ||
          owner[pixel + thick * width] !== query;
        const color = border && query === chosen ? [255, 255, 255] : this.colors[query];
        pixels.data.set([...color, border ? 255 : 255 * VEIL], 4 * pixel);
      }
    }
    context.putImageData(pixels, 0, 0);
  }

  /** The argmax, fainter where even the greatest mask is small; and what is really there. */
  paintSmall() {
    const [height, width] = this.masks.size;
    const { argmax, greatest } = this.merged;
    const { truth } = this.masks.arrays;
    const paint = (canvas, colorOf) => {
      put(canvas, "width", width);
      put(canvas, "height", height);
      const context = canvas.getContext("2d");
      const pixels = context.createImageData(width, height);
      for (let pixel = 0; pixel < height * width; pixel++) {
        const color = colorOf(pixel);
        if (color) pixels.data.set(color, 4 * pixel);
      }
      context.putImageData(pixels, 0, 0);
    };
    paint(this.small[0].canvas, (pixel) => {
      const query = argmax[pixel];
      return query < 0 ? null : [...this.colors[query], 40 + 215 * this.masks.value(greatest[pixel])];
    });
    if (this.masks.knowsTruth) {
      const partner = this.partners();
      paint(this.small[1].canvas, (pixel) => {
        const object = truth[pixel];
        if (object < 0) return null;
        return object in partner ? [...this.colors[partner[object]], 255] : [128, 128, 128, 255];
      });
      this.nameObjects(this.small[1].canvas.getContext("2d"));
    }
  }

  /** Writes each object's letter on it. */
  nameObjects(context) {
    const { truth } = this.masks.arrays;
    const width = this.masks.size[1];
    const sums = this.data.objects.map(() => [0, 0, 0]);
    truth.forEach((object, pixel) => {
      if (object < 0) return;
      sums[object][0] += pixel % width;
      sums[object][1] += Math.floor(pixel / width);
      sums[object][2] += 1;
    });
    Object.assign(context, { font: "600 40px system-ui, sans-serif", textAlign: "center", textBaseline: "middle" });
    Object.assign(context, { fillStyle: "#fff", strokeStyle: "#000", lineWidth: 8, lineJoin: "round" });
    sums.forEach(([x, y, area], object) => {
      if (!area) return;
      context.strokeText(this.data.objects[object], x / area, y / area);
      context.fillText(this.data.objects[object], x / area, y / area);
    });
  }

  /** Which query each object is paired with. */
  partners() {
    const quality = this.masks.quality(this.sure.length);
    return Object.fromEntries(quality.targets.map((target, place) => [target, quality.queries[place]]));
  }

  draw() {
    if (!this.merged || !this.data) return;
    const [height, width] = this.masks.size;
    const chosen = this.probe ? this.ownerAt(this.probe) : this.query;
    const painted = this.shown === null ? `${chosen}/${this.built}` : `mask ${this.shown}`;
    if (painted !== this.painted) {
      this.painted = painted;
      const [rows, columns] = this.shown === null ? [height, width] : [this.masks.rows, this.masks.columns];
      put(this.canvas, "width", columns);
      put(this.canvas, "height", rows);
      if (this.shown === null) this.paintSegments(chosen);
      else this.paintMask(this.canvas, this.shown, false);
      put(this.image, "href", this.canvas.toDataURL());
    }
    put(this.element, "data-mode", this.shown === null ? "merged" : "mask");
    put(this.element, "data-segments", this.merged.queries.join(" "));
    put(this.element, "data-probe", this.probe ? this.ownerAt(this.probe) : "");
    this.drawMarks();
    this.writeThumbs();
    this.writeSaid();
    this.writeQuality();
  }

  /** Labels of segments, and a ring around the pixel that is asked. */
  drawMarks() {
    const [height, width] = this.masks.size;
    const [photoHeight, photoWidth] = this.data.stage.size;
    const { unit } = this.stage;
    const toPhoto = ([x, y]) => [((x + 0.5) / width) * photoWidth, ((y + 0.5) / height) * photoHeight];
    const marks = this.shown === null ? this.labels(toPhoto) : [];
    if (this.probe) {
      const [cx, cy] = toPhoto(this.probe);
      marks.push(svg("circle", { class: "from halo", cx, cy, r: 6 * unit }), svg("circle", { class: "from", cx, cy, r: 6 * unit }));
    }
    this.marks.replaceChildren(...marks);
  }

  /** The names of the segments, as far as they find room; the largest first. */
  labels(toPhoto) {
    const { unit } = this.stage;
    const letter = (this.data.presenter ? 18 : 13) * unit;
    const areas = new Map(this.merged.queries.map((query, place) => [query, this.merged.areas[place]]));
    const placed = [];
    for (const [query, place] of [...this.centres()].sort((one, other) => areas.get(other[0]) - areas.get(one[0]))) {
      const words = this.caption(query);
      const half = 0.29 * letter * wideLetters(words);
      const [x, y] = toPhoto(place);
      const at = { x: Math.max(half, Math.min(this.data.stage.size[1] - half, x)), y, half };
      const meets = placed.some((other) => Math.abs(other.x - at.x) < other.half + half && Math.abs(other.y - y) < 1.1 * letter);
      if (!meets) placed.push({ ...at, words });
    }
    return placed.map(({ x, y, words }) => {
      const text = svg("text", { class: "segment", x, y });
      text.textContent = words;
      return text;
    });
  }

  /** For each segment its pixel nearest to its centre: a ring's own centre is not its. */
  centres() {
    if (this.centred === this.merged) return this.found;
    const { owner, queries } = this.merged;
    const width = this.masks.size[1];
    const sums = new Map(queries.map((query) => [query, [0, 0, 0]]));
    owner.forEach((query, pixel) => {
      const sum = sums.get(query);
      if (sum) sum.forEach((_, k) => (sum[k] += [pixel % width, Math.floor(pixel / width), 1][k]));
    });
    const nearest = new Map();
    owner.forEach((query, pixel) => {
      const sum = sums.get(query);
      if (!sum) return;
      const [x, y] = [pixel % width, Math.floor(pixel / width)];
      const away = (x - sum[0] / sum[2]) ** 2 + (y - sum[1] / sum[2]) ** 2;
      if (!(nearest.get(query)?.away <= away)) nearest.set(query, { away, place: [x, y] });
    });
    this.centred = this.merged;
    this.found = queries.map((query) => [query, nearest.get(query).place]);
    return this.found;
  }

  writeThumbs() {
    const [height, width] = this.masks.size;
    const { scores } = this.masks.arrays;
    const buttons = [...this.thumbs.children];
    const reached = buttons.find((button) => Number(button.dataset.query) === this.query) ?? buttons[0];
    for (const button of buttons) {
      const query = Number(button.dataset.query);
      put(button, "aria-checked", query === this.query);
      put(button, "tabindex", button === reached ? "0" : "-1");
      button.style.setProperty("--c", `rgb(${this.colors[query].join(" ")})`);
      const lost = this.merged.dropped.includes(query);
      button.toggleAttribute("data-lost", lost);
      const owns = this.probe !== null && this.ownerAt(this.probe) === query;
      button.toggleAttribute("data-owns", owns);
      const mask = this.probe ? this.masks.value(this.masks.at(query, ...this.probe)).toFixed(2) : null;
      button.querySelector(".how").textContent =
        mask === null
          ? say(lost ? this.text.lost : this.text.score, { score: scores[query].toFixed(2) })
          : say(this.text.value, { value: mask });
      const at = button.querySelector(".at");
      at.hidden = !this.probe;
      if (this.probe) {
        at.style.left = `${(100 * (this.probe[0] + 0.5)) / width}%`;
        at.style.top = `${(100 * (this.probe[1] + 0.5)) / height}%`;
      }
    }
  }

  writeSaid() {
    const { text, merged } = this;
    let words;
    if (!this.sure.length) words = say(text.nobody, { threshold: this.threshold.toFixed(2) });
    else if (this.shown !== null) {
      words = say(text.looked, { query: this.shown, name: this.data.names[this.shown] });
    } else if (this.probe) {
      const [x, y] = this.probe;
      const query = this.ownerAt(this.probe);
      const pixel = y * this.masks.size[1] + x;
      const values = { x, y, query: query < 0 ? merged.argmax[pixel] : query };
      const value = this.masks.value(this.masks.at(values.query, x, y)).toFixed(2);
      words = say(query < 0 ? text.denied : text.owned, { ...values, value, name: this.data.names[values.query] });
    } else {
      const owned = merged.areas.reduce((sum, area) => sum + area, 0);
      words = say(text.merged, {
        count: merged.queries.length,
        percent: Math.round((100 * owned) / merged.owner.length),
        dropped: merged.dropped.length,
      });
    }
    if (this.said.textContent !== words) this.said.textContent = words;
  }

  writeQuality() {
    const quality = this.data.quality ? this.masks.quality(this.sure.length) : null;
    this.quality.hidden = quality === null;
    this.small[1].element.hidden = quality === null;
    if (quality === null) return;
    const two = (value) => value.toFixed(2);
    put(this.element, "data-pq", quality.pq.toFixed(4));
    this.sum.textContent = say(this.text.sum, {
      pq: two(quality.pq),
      sq: two(quality.sq),
      rq: two(quality.rq),
      pairs: quality.iou.length,
      invented: quality.invented.length,
      missed: quality.missed.length,
    });
    const chips = quality.iou.map((iou, place) => {
      const words = `${quality.queries[place]} ↔ ${this.data.objects[quality.targets[place]]} ${two(iou)}`;
      const chip = html("li", {}, words);
      chip.style.setProperty("--c", `rgb(${this.colors[quality.queries[place]].join(" ")})`);
      return chip;
    });
    const missed = quality.missed.map((object) => this.data.objects[object]);
    const alone = [];
    if (quality.invented.length) alone.push(`${quality.invented.join(" ")} ↔ –`);
    if (missed.length) alone.push(`– ↔ ${missed.join(" ")}`);
    const others = alone.map((words) => html("li", { class: "alone" }, words));
    this.pairs.replaceChildren(...chips, ...others);
    this.drawCurve();
  }

  /** PQ, SQ and RQ of this picture at every threshold. */
  drawCurve() {
    const { left, right, top, bottom } = CURVE;
    const { arrays, bySureness, count } = this.masks;
    const x = (threshold) => left + threshold * (right - left);
    const y = (value) => bottom - value * (bottom - top);
    if (this.drawn !== this.bytes) {
      this.drawn = this.bytes;
      const line = (name) => {
        let path = `M${x(1)} ${y(arrays[name][0])}`;
        for (let sure = 1; sure <= count; sure++) {
          path += `H${x(arrays.scores[bySureness[sure - 1]]).toFixed(2)}V${y(arrays[name][sure]).toFixed(2)}`;
        }
        return svg("path", { class: name, d: `${path}H${x(0)}` });
      };
      const word = (place, words, anchor) => {
        const text = svg("text", { ...place, "text-anchor": anchor });
        text.textContent = words;
        return text;
      };
      const levels = [0, 0.5, 1].flatMap((value) => [
        svg("path", { class: "level", d: `M${left} ${y(value)}H${right}` }),
        word({ x: left - 5, y: y(value) + 3.5 }, String(value), "end"),
        word({ x: x(value), y: bottom + 13 }, String(value), "middle"),
      ]);
      this.mark = svg("path", { class: "now" });
      this.dot = svg("circle", { class: "dot", r: 4 });
      const keys = ["pq", "sq", "rq"].flatMap((name, place) => [
        svg("path", { class: name, d: `M${left + 6 + 56 * place} ${bottom + 21}h16` }),
        word({ x: left + 26 + 56 * place, y: bottom + 24.5 }, name.toUpperCase(), "start"),
      ]);
      this.curve.replaceChildren(...levels, ...["sq", "rq", "pq"].map(line), this.mark, this.dot, ...keys);
    }
    put(this.mark, "d", `M${x(this.threshold)} ${top}V${bottom}`);
    put(this.dot, "cx", x(this.threshold));
    put(this.dot, "cy", y(arrays.pq[this.sure.length]));
    put(this.curve, "aria-label", `${this.text.curve}: ${this.threshold.toFixed(2)}, PQ ${arrays.pq[this.sure.length].toFixed(2)}`);
  }

  /** A lesson begins: the threshold falls once, and comes back. */
  sweep(event) {
    if (!this.element.isConnected) return;
    event.preventDefault();
    const [start, home] = [performance.now(), this.threshold];
    const frame = (now) => {
      const share = Math.min(1, (now - start) / 4000);
      put(this.element, "data-moved", share.toFixed(2));
      if (share < 1 && this.element.isConnected) {
        this.move(Math.round(100 * home * Math.abs(1 - 2 * share)) / 100);
        requestAnimationFrame(frame);
      } else this.move(home);
    };
    requestAnimationFrame(frame);
  }

  destroy() {
    document.removeEventListener("grad2box:play", this.onPlay);
    this.stage.destroy();
  }
}

/** The query of the mask that an element belongs to. @returns {number | null} */
function queryOf(element) {
  const button = element?.closest?.("[data-query]");
  return button ? Number(button.dataset.query) : null;
}

export default (component) => live(component, (channel) => new View(channel));
