// Pictures of one scene side by side under one loupe: where one is looked at, all are.

import { unpack } from "./bytes.js";
import { html, put, say, stylesheet } from "./dom.js";
import { ARROWS } from "./keys.js";
import { live } from "./live.js";

const SPAN = 40; // picture pixels under the loupe

const base = await stylesheet(import.meta.url, "./base.css");

export default (component) => live(component, () => new Loupe());

/**
 * @typedef {object} Data what pages/upsampling sends
 * @property {Uint8Array} payload `pack_pictures`
 * @property {{title: string, note?: string}[]} tiles the words of each picture
 * @property {Record<string, string>} colors
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

class Loupe {
  constructor() {
    this.element = html("div", { class: "g2b loupe" }, html("style", {}, base));
    this.list = html("div", { class: "tiles" });
    this.help = html("p", { class: "quiet" });
    this.element.append(this.help, this.list);
    this.tiles = [];
    this.at = [0.5, 0.5];
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.list);
  }

  destroy() {
    this.observer.disconnect();
    for (const tile of this.tiles) tile.bitmap?.close?.();
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.help.textContent = data.text.help;
    if (data.payload !== this.payload) {
      this.payload = data.payload;
      this.read(data.payload);
    }
    this.tiles.forEach((tile, index) => {
      const words = data.tiles[index] ?? { title: "" };
      tile.title.textContent = words.title ?? "";
      tile.note.textContent = words.note ?? "";
    });
    this.label();
    this.draw();
  }

  async read(bytes) {
    const files = Object.values(unpack(bytes).arrays); // whole numbers as names come in their order
    const blobs = files.map((file) => new Blob([file], { type: "image/png" }));
    while (this.tiles.length < blobs.length) this.tiles.push(this.newTile(this.tiles.length));
    for (const tile of this.tiles.splice(blobs.length)) tile.element.remove();
    const wanted = this.payload;
    const bitmaps = await Promise.all(blobs.map((blob) => createImageBitmap(blob)));
    if (wanted !== this.payload) return;
    this.tiles.forEach((tile, index) => {
      tile.bitmap?.close?.();
      tile.bitmap = bitmaps[index];
    });
    this.draw();
  }

  newTile(index) {
    const canvas = html("canvas", { tabindex: index === 0 ? 0 : -1, role: "img" });
    const tile = { canvas, title: html("h3"), note: html("p", { class: "quiet" }) };
    tile.element = html("figure", {}, tile.title, canvas, tile.note);
    const point = (event) => {
      const box = canvas.getBoundingClientRect();
      // The lower part of a tile is its magnified view; only the picture itself is pointed at.
      const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / (box.height * tile.share)];
      if (y <= 1) this.move(x, y);
    };
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerdown", point);
    canvas.addEventListener("keydown", (event) => {
      const way = ARROWS[event.key];
      if (!way) return;
      event.preventDefault();
      event.stopPropagation();
      this.move(this.at[0] + way[0] * 0.02, this.at[1] + way[1] * 0.02);
    });
    this.list.append(tile.element);
    return tile;
  }

  move(x, y) {
    this.at = [Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y))];
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  label() {
    this.tiles.forEach((tile) =>
      put(tile.canvas, "aria-label", say("{title}. {note}", { title: tile.title.textContent, note: tile.note.textContent })),
    );
  }

  draw() {
    const ratio = window.devicePixelRatio || 1;
    for (const tile of this.tiles) {
      const { bitmap, canvas } = tile;
      if (!bitmap || !this.tiles[0].bitmap) continue;
      const width = Math.floor(tile.element.clientWidth);
      if (!width) continue;
      const high = Math.round((width * bitmap.height) / bitmap.width);
      const loupe = Math.round(width * 0.62);
      tile.share = high / (high + 4 + loupe);
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round((high + 4 + loupe) * ratio);
      canvas.style.height = `${high + 4 + loupe}px`;
      const c = canvas.getContext("2d");
      c.scale(ratio, ratio);
      c.imageSmoothingEnabled = bitmap.width > width;
      c.drawImage(bitmap, 0, 0, width, high);
      // The same part of the scene in every picture, also in a smaller one.
      const side = Math.min(bitmap.width, (SPAN * bitmap.width) / this.tiles[0].bitmap.width);
      const tall = Math.min(bitmap.height, side * 0.62);
      const x = Math.min(bitmap.width - side, Math.max(0, this.at[0] * bitmap.width - side / 2));
      const y = Math.min(bitmap.height - tall, Math.max(0, this.at[1] * bitmap.height - tall / 2));
      c.imageSmoothingEnabled = false;
      c.drawImage(bitmap, x, y, side, tall, 0, high + 4, width, loupe);
      const scale = width / bitmap.width;
      c.lineWidth = 3;
      c.strokeStyle = "#fff";
      c.strokeRect(x * scale, y * scale, side * scale, tall * scale);
      c.lineWidth = 1.5;
      c.strokeStyle = this.data.colors.current;
      c.strokeRect(x * scale, y * scale, side * scale, tall * scale);
    }
  }
}
