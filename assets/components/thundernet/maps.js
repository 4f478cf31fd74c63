// Maps that lie over one picture, joined by + and = or by × and =: one cell under the pointer in all of them, its numbers below.

import { unpack } from "../shared/bytes.js";
import { colorTable, inkOn, parse, shade } from "../shared/colors.js";
import { html, put, say, stylesheet } from "../shared/dom.js";
import { ARROWS } from "../shared/keys.js";
import { live, mediaUrl } from "../shared/live.js";

const base = await stylesheet(import.meta.url, "../shared/base.css");
const own = await stylesheet(import.meta.url, "./maps.css");
const PACE = 90; // ms for each cell of the way, when it moves by itself

/**
 * @typedef {object} Map
 * @property {string} name of its numbers in the payload
 * @property {string} title
 * @property {string} sign before it
 * @property {[number, number]} range of its colours
 * @property {boolean} hidden not shown yet
 *
 * @typedef {object} Data what pages/thundernet sends
 * @property {Uint8Array} payload `pack_maps`
 * @property {string} photo
 * @property {Map[]} maps
 * @property {[number, number]} cell row, column
 * @property {unknown} version another one brings Python's cell back
 * @property {string[]} scale
 * @property {boolean} presenter
 * @property {{label: string, picture: string, where: string, hidden: string, help: string}} text
 */

class Maps {
  constructor(channel) {
    this.channel = channel;
    this.tiles = html("div", { class: "tiles", tabindex: "0", role: "application", "data-mark": "maps", "data-figure": true });
    this.where = html("p", { class: "where" });
    this.numbers = html("p", { class: "numbers", role: "status", "data-mark": "numbers" });
    this.help = html("p", { class: "help" });
    this.element = html("div", { class: "g2b maps" }, html("style", {}, base, own), this.tiles, this.where, this.numbers, this.help);
    this.tiles.addEventListener("keydown", (event) => this.keyed(event));
    this.tiles.addEventListener("pointerleave", () => this.point(null));
    this.onPlay = (event) => {
      if (!this.element.isConnected || !this.arrays) return;
      event.preventDefault();
      this.play();
    };
    document.addEventListener("grad2box:play", this.onPlay);
  }

  destroy() {
    clearInterval(this.moving);
    document.removeEventListener("grad2box:play", this.onPlay);
  }

  /** @param {Data} data */
  update(data) {
    if (this.version !== data.version) this.asked = null;
    this.version = data.version;
    this.data = data;
    this.cell = this.asked ?? data.cell;
    this.element.classList.toggle("presenter", data.presenter);
    if (data.payload !== this.payload) {
      this.payload = data.payload;
      const { arrays, shapes } = unpack(data.payload);
      this.arrays = arrays;
      this.size = shapes[data.maps[0].name];
    }
    put(this.tiles, "aria-label", data.text.label);
    this.help.textContent = data.text.help;
    this.build();
    this.draw();
  }

  /** The picture and the maps, each with the frame of the cell; made again when what they show changes. */
  build() {
    const { maps, photo, scale, text } = this.data;
    const asked = JSON.stringify([maps, photo, scale]);
    if (asked === this.built && this.builtOf === this.payload) return;
    this.built = asked;
    this.builtOf = this.payload;
    const picture = html("img", { src: mediaUrl(photo), alt: "", draggable: "false" });
    this.frames = [];
    this.tiles.style.setProperty("--columns", String(Math.ceil((maps.length + 1) / 2))); // two rows
    this.tiles.replaceChildren(
      this.tile(text.picture, picture, ""),
      ...maps.map((map) =>
        this.tile(map.title, map.hidden ? html("div", { class: "veil" }, text.hidden) : this.painted(map), map.sign, map),
      ),
    );
  }

  tile(title, content, sign, map = null) {
    const frame = html("span", { class: "frame", "aria-hidden": "true" });
    this.frames.push(frame);
    const plane = html("div", { class: "plane" }, content, frame);
    plane.addEventListener("pointermove", (event) => this.point(this.under(event, plane)));
    plane.addEventListener("click", (event) => this.ask(this.under(event, plane)));
    const head = html("figcaption", {}, html("span", { class: "sign", "aria-hidden": "true" }, sign), title);
    return html("figure", { "data-mark": map?.name ?? "picture" }, head, plane);
  }

  painted({ name, range }) {
    const [rows, cols] = this.size;
    const canvas = html("canvas", { width: cols, height: rows, "aria-hidden": "true" });
    const context = canvas.getContext("2d");
    const image = context.createImageData(cols, rows);
    const table = colorTable(this.data.scale);
    const values = this.arrays[name];
    for (let at = 0; at < rows * cols; at++) {
      const share = (values[at] - range[0]) / (range[1] - range[0] || 1);
      image.data.set(table[Math.max(0, Math.min(255, Math.round(255 * share)))], 4 * at);
      image.data[4 * at + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }

  under(event, plane) {
    const box = plane.getBoundingClientRect();
    const place = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
    return place.map((share, axis) => Math.max(0, Math.min(this.size[axis] - 1, Math.floor(share * this.size[axis]))));
  }

  point(cell) {
    if (this.moving) return;
    this.hovered = cell;
    this.draw();
  }

  ask(cell) {
    this.still();
    this.asked = this.cell = cell;
    this.draw();
    this.channel.set({ cell: { version: this.version, row: cell[0], column: cell[1] } });
  }

  keyed(event) {
    const step = ARROWS[event.key]?.slice().reverse(); // row, column
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.hovered = null;
    this.ask(this.cell.map((place, axis) => Math.max(0, Math.min(this.size[axis] - 1, place + step[axis]))));
  }

  /** The cell goes once across the picture. */
  play() {
    this.still();
    let at = 0;
    const [rows, cols] = this.size;
    this.moving = setInterval(() => {
      this.hovered = [Math.min(rows - 1, Math.round((at * (rows - 1)) / (cols - 1))), at];
      put(this.element, "data-moved", at);
      this.draw();
      if (++at === cols) this.still();
    }, PACE);
  }

  still() {
    clearInterval(this.moving);
    this.moving = null;
    this.hovered = null;
  }

  draw() {
    const { maps, text, scale } = this.data;
    const [row, column] = this.hovered ?? this.cell;
    const [rows, cols] = this.size;
    for (const frame of this.frames) {
      Object.assign(frame.style, {
        left: `${(100 * column) / cols}%`,
        top: `${(100 * row) / rows}%`,
        width: `${100 / cols}%`,
        height: `${100 / rows}%`,
      });
    }
    this.where.textContent = say(text.where, { row, column });
    const colors = scale.map(parse);
    this.numbers.replaceChildren(
      ...maps.flatMap((map) => {
        const value = this.arrays[map.name][row * cols + column];
        const chip = html(
          "span",
          { class: "chip", "data-value": map.hidden ? "" : value },
          map.hidden ? "?" : value.toFixed(2).replace("-", "−"),
        );
        if (!map.hidden) {
          const color = shade(colors, value, ...map.range);
          chip.style.background = `rgb(${color.join(" ")})`;
          chip.style.color = inkOn(color);
        }
        return [html("span", { class: "sign" }, map.sign), html("span", { class: "term" }, chip, html("small", {}, map.title))];
      }),
    );
  }
}

export default (component) => live(component, (channel) => new Maps(channel));
