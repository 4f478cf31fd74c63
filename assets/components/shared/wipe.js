// Two pictures of one scene, one over the other: a bar that is dragged says where one ends and the other begins.

import { unpack } from "./bytes.js";
import { html, put, stylesheet } from "./dom.js";
import { live } from "./live.js";

const base = await stylesheet(import.meta.url, "./base.css");

export default (component) => live(component, () => new Wipe());

/**
 * @typedef {object} Data what pages/upsampling sends
 * @property {Uint8Array} payload `pack_pictures`: before, after
 * @property {{before: string, after: string, label: string}} text
 * @property {boolean} presenter
 */

class Wipe {
  constructor() {
    this.share = 0.5;
    this.canvas = html("canvas", { "aria-hidden": "true" });
    this.before = html("span");
    this.after = html("span");
    this.range = html("input", { type: "range", min: 0, max: 100, value: 50, "data-mark": "bar" });
    this.range.addEventListener("input", () => this.move(Number(this.range.value) / 100));
    const point = (event) => {
      const box = this.canvas.getBoundingClientRect();
      this.move((event.clientX - box.left) / box.width);
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse") this.canvas.setPointerCapture(event.pointerId);
      point(event);
    });
    this.canvas.addEventListener("pointermove", (event) => event.buttons && point(event));
    const words = html("p", { class: "words" }, this.before, this.after);
    this.element = html("div", { class: "g2b wipe" }, html("style", {}, base), words, this.canvas, this.range);
    this.bitmaps = [];
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(words);
  }

  destroy() {
    this.observer.disconnect();
    for (const bitmap of this.bitmaps) bitmap.close();
  }

  /** @param {Data} data */
  update(data) {
    this.before.textContent = data.text.before;
    this.after.textContent = data.text.after;
    put(this.range, "aria-label", data.text.label);
    if (data.payload === this.payload) return;
    this.payload = data.payload;
    this.read(data.payload);
  }

  async read(bytes) {
    const files = Object.values(unpack(bytes).arrays);
    const bitmaps = await Promise.all(files.map((file) => createImageBitmap(new Blob([file], { type: "image/png" }))));
    if (bytes !== this.payload) return;
    for (const bitmap of this.bitmaps) bitmap.close();
    this.bitmaps = bitmaps;
    this.draw();
  }

  move(share) {
    this.share = Math.min(1, Math.max(0, share));
    this.range.value = String(Math.round(100 * this.share));
    this.draw();
  }

  draw() {
    const [before, after] = this.bitmaps;
    if (!after) return;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (!width) return;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const c = this.canvas.getContext("2d");
    c.imageSmoothingEnabled = false;
    const x = Math.round(this.share * this.canvas.width);
    c.drawImage(after, 0, 0, this.canvas.width, this.canvas.height);
    c.save();
    c.beginPath();
    c.rect(0, 0, x, this.canvas.height);
    c.clip();
    c.drawImage(before, 0, 0, this.canvas.width, this.canvas.height);
    c.restore();
    c.fillStyle = "#fff";
    c.fillRect(x - 2 * ratio, 0, 4 * ratio, this.canvas.height);
    c.fillStyle = "#222";
    c.fillRect(x - 0.5 * ratio, 0, ratio, this.canvas.height);
  }
}
