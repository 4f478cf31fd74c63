// Where a DETR looks: from a place of the picture in the encoder, from a query in the decoder, for every layer and head at once.
// All weights are here already; hovering asks nobody.

import { colorTable } from "../shared/colors.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { ARROWS, isShortcut, step as stepOn, stop } from "../shared/keys.js";
import { live } from "../shared/live.js";
import { Stage } from "../shared/stage.js";
import { Attended } from "./attended.js";

const own = await stylesheet(import.meta.url, "./attention.css");

/**
 * @typedef {object} Data what pages/detr sends
 * @property {Uint8Array} payload `pack_trace`
 * @property {import("../shared/stage.js").StageSpec} stage the found boxes, by query; none where places are asked
 * @property {"encoder" | "decoder"} look
 * @property {number} layer
 * @property {number} head -1 for the mean
 * @property {number[]} point x and y in pixels of the photo
 * @property {number} query
 * @property {boolean} hidden whether the weights are asked for, and not to be seen yet
 * @property {string} version of point, layer and head as Python set them
 * @property {string[]} scale of colours
 * @property {boolean} presenter
 * @property {any} text
 */

class View {
  constructor(channel) {
    this.channel = channel;
    this.stage = new Stage(channel);
    this.onPlay = (event) => this.sweep(event);
    document.addEventListener("grad2box:play", this.onPlay);
    this.build();
    this.stage.onSelect = (id) => id !== null && this.choose(Number(id));
    this.stage.onHover = (id) => this.preview(id === null ? null : { query: Number(id) });
    this.stage.onResize = () => this.draw();
  }

  build() {
    const style = html("style");
    style.textContent = own;
    this.canvas = html("canvas");
    this.image = svg("image", { preserveAspectRatio: "none", x: 0, y: 0 });
    this.stage.layer("map", { under: true }).append(this.image);
    this.mark = svg("g", { class: "mark" });
    this.stage.layer("mark").append(this.mark);
    this.said = html("p", { class: "said", "aria-live": "polite" });
    this.title = html("h3");
    this.thumbs = html("div", { class: "thumbs", role: "radiogroup", "data-mark": "heads" });
    this.picture = html("div", { class: "picture" }, this.stage.element, this.said);
    this.side = html("section", { class: "side" }, this.title, this.thumbs);
    this.element = html("div", { class: "g2b detr-attention" }, style, html("div", { class: "columns" }, this.picture, this.side));
    const { svg: world } = this.stage;
    world.addEventListener("pointermove", (event) => this.movesPlace && this.preview({ point: this.stage.point(event) }));
    world.addEventListener("pointerleave", () => this.preview(null));
    world.addEventListener("click", (event) => this.movesPlace && this.pin(this.stage.point(event)));
    this.picture.addEventListener("keydown", (event) => this.key(event));
    this.thumbs.addEventListener("click", (event) => this.pick(event.target.closest("[data-head]")));
    this.thumbs.addEventListener("keydown", (event) => this.walk(event));
  }

  get asksPlaces() {
    return this.data?.look === "encoder";
  }

  get movesPlace() {
    return this.asksPlaces && !this.data.hidden;
  }

  get kind() {
    return this.asksPlaces ? "encoder" : "decoder_cross";
  }

  /** @param {Data} data */
  update(data) {
    const before = this.data;
    this.data = data;
    this.text = data.text;
    if (data.payload !== this.bytes) {
      this.bytes = data.payload;
      this.attended = new Attended(data.payload);
      this.hovered = null;
    }
    if (data.version !== before?.version) Object.assign(this, { point: data.point, query: data.query, layer: data.layer, head: data.head });
    if (data.look !== before?.look) this.hovered = null;
    this.colors = colorTable(data.scale);
    const [height, width] = this.attended.grid.map((count) => count * this.attended.cell);
    put(this.image, "width", width);
    put(this.image, "height", height);
    put(this.picture, "tabindex", this.movesPlace ? "0" : "-1");
    this.side.hidden = data.hidden;
    put(this.picture, "aria-label", this.movesPlace ? this.text.places : "");
    this.title.textContent = this.asksPlaces ? this.text.encoder : this.text.decoder;
    this.buildThumbs(); // before the stage, which may ask for a drawing
    this.stage.update({ ...data.stage, presenter: data.presenter });
    this.draw();
    this.element.dataset.ready = "true";
  }

  buildThumbs() {
    const { layers, heads } = this.attended.extent(this.kind);
    this.layer = Math.max(0, Math.min(layers - 1, this.layer));
    this.head = Math.min(heads - 1, this.head);
    const key = `${this.kind}/${layers}/${heads}/${this.text.layer}`;
    if (key === this.built) return;
    this.built = key;
    this.thumbs.style.setProperty("--heads", String(heads + 1));
    const names = [this.text.mean, ...Array.from({ length: heads }, (_, head) => say(this.text.head, { head: head + 1 }))];
    const head = [html("span"), ...names.map((name) => html("span", { class: "name" }, name))];
    this.canvases = [];
    const rows = Array.from({ length: layers }, (_, layer) => [
      html("span", { class: "name" }, say(this.text.layer, { layer: layer + 1 })),
      ...names.map((name, place) => {
        const canvas = html("canvas");
        this.canvases.push({ canvas, layer, head: place - 1 });
        const label = `${say(this.text.layer, { layer: layer + 1 })}, ${name}`;
        return html("button", { type: "button", role: "radio", "aria-label": label, "data-layer": layer, "data-head": place - 1 }, canvas);
      }),
    ]);
    this.thumbs.replaceChildren(...head, ...rows.flat());
  }

  // ---- what is asked ----------------------------------------------------------------------------------------------------

  preview(asked) {
    if (JSON.stringify(asked) === JSON.stringify(this.hovered ?? null)) return;
    this.hovered = asked;
    this.draw();
  }

  pin(point) {
    this.point = point.map((value) => Math.round(value));
    this.tell();
  }

  choose(query) {
    this.query = query;
    this.tell();
  }

  pick(button) {
    if (!button) return;
    this.layer = Number(button.dataset.layer);
    this.head = Number(button.dataset.head);
    this.tell();
  }

  /** Arrows walk among the small maps, which are one stop of Tab, as every group of radio buttons is. */
  walk(event) {
    const at = this.canvases.findIndex(({ canvas }) => canvas.parentElement === event.target);
    const { heads } = this.attended.extent(this.kind);
    const next = at < 0 || isShortcut(event) ? -1 : stepOn(event.key, at, this.canvases.length / (heads + 1), heads + 1);
    if (next < 0) return;
    stop(event);
    const button = this.canvases[next].canvas.parentElement;
    button.focus();
    this.pick(button);
  }

  key(event) {
    if (!this.movesPlace || !Object.hasOwn(ARROWS, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const step = this.attended.cell * this.attended.looking;
    const [height, width] = this.data.stage.size;
    const [x, y] = ARROWS[event.key].map((way, axis) => this.point[axis] + way * step);
    this.pin([Math.min(width - 1, Math.max(0, x)), Math.min(height - 1, Math.max(0, y))]);
  }

  tell() {
    this.draw();
    const { point, query, layer, head } = this;
    this.channel.set({ asked: { version: this.data.version, point, query, layer, head } });
  }

  // ---- drawing ----------------------------------------------------------------------------------------------------------

  row(layer, head) {
    const index = this.asksPlaces ? this.attended.lookerAt(this.hovered?.point ?? this.point) : (this.hovered?.query ?? this.query);
    return this.attended.row(this.kind, layer, head, index);
  }

  /** Paints weights, the greatest brightest; over a photo what is looked at less is seen through more. */
  paint(canvas, weights, { least = 255 } = {}) {
    const [height, width] = this.attended.seenGrid;
    put(canvas, "width", width);
    put(canvas, "height", height);
    let top = 1e-9;
    for (const weight of weights) top = Math.max(top, weight);
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(width, height);
    weights.forEach((weight, place) => {
      // The root: half of the greatest weight is still clearly seen.
      const share = Math.sqrt(weight / top);
      const [red, green, blue] = this.colors[Math.round(255 * share)];
      pixels.data.set([red, green, blue, least + (235 - least) * share], 4 * place);
    });
    context.putImageData(pixels, 0, 0);
    return top;
  }

  draw() {
    if (!this.attended || !this.data) return;
    const weights = this.row(this.layer, this.head);
    const top = this.paint(this.canvas, weights, { least: 50 });
    put(this.image, "href", this.data.hidden ? "data:," : this.canvas.toDataURL());
    put(this.element, "data-hidden", this.data.hidden);
    for (const { canvas, layer, head } of this.canvases) {
      this.paint(canvas, this.row(layer, head));
      const on = layer === this.layer && head === this.head;
      put(canvas.parentElement, "aria-checked", on);
      put(canvas.parentElement, "tabindex", on ? "0" : "-1");
    }
    const { cell, seen, seenGrid } = this.attended;
    const place = weights.indexOf(Math.max(...weights));
    const [column, line] = [place % seenGrid[1], Math.floor(place / seenGrid[1])];
    const side = cell * seen;
    const peak = svg("rect", { class: "peak", x: column * side, y: line * side, width: side, height: side });
    const marks = this.data.hidden ? [] : [peak];
    if (this.asksPlaces) {
      const [x, y] = this.hovered?.point ?? this.point;
      const { unit } = this.stage;
      marks.push(
        svg("circle", { class: "from halo", cx: x, cy: y, r: 7 * unit }),
        svg("circle", { class: "from", cx: x, cy: y, r: 7 * unit }),
      );
    }
    this.mark.replaceChildren(...marks);
    const order = [...weights].sort((a, b) => b - a);
    let [sum, count] = [0, 0];
    while (sum < 0.5 && count < order.length) sum += order[count++];
    this.said.textContent = this.data.hidden
      ? ""
      : say(this.asksPlaces ? this.text.said_place : this.text.said_query, {
          query: this.hovered?.query ?? this.query,
          percent: (100 * top).toFixed(1),
          count: count * seen * seen,
          tokens: order.length * seen * seen,
        });
    put(this.element, "data-asked", this.asksPlaces ? this.attended.lookerAt(this.hovered?.point ?? this.point) : this.query);
  }

  /** A lesson begins: the place that looks goes across the picture once. */
  sweep(event) {
    if (!this.element.isConnected || !this.asksPlaces) return;
    event.preventDefault();
    const [height, width] = this.data.stage.size;
    const start = performance.now();
    const move = (now) => {
      const share = Math.min(1, (now - start) / 6000);
      this.preview({ point: [width * (0.1 + 0.8 * share), height * (0.5 - 0.3 * Math.sin(2 * Math.PI * share))] });
      put(this.element, "data-moved", share.toFixed(2));
      if (share < 1 && this.element.isConnected) requestAnimationFrame(move);
      else this.preview(null);
    };
    requestAnimationFrame(move);
  }

  destroy() {
    document.removeEventListener("grad2box:play", this.onPlay);
    this.stage.destroy();
  }
}

export default (component) => live(component, (channel) => new View(channel));
