// A picture of few pixels on a canvas: one keyboard cursor, cells at full size for what is drawn and smaller for what is expected.

import { html, put } from "../shared/dom.js";
import { isShortcut, step, stop } from "../shared/keys.js";

const LEAST = 4; // CSS pixels a cell

/**
 * @typedef {object} Mark
 * @property {number} index
 * @property {string} color
 * @property {number} [width]
 * @property {number[]} [dash]
 * @property {"outline" | "dot" | "cross" | "diamond"} [shape]
 * @property {number} [rows] that an outline goes round, from `index` on
 * @property {number} [cols]
 */

export class Pixels {
  /**
   * @param {object} options
   * @param {(index: number) => void} [options.onLook] the pointer or the cursor is on this pixel, -1 on none
   * @param {(index: number) => void} [options.onAct] it was pressed
   * @param {(index: number, first: boolean) => void} [options.onPaint] the pressed pointer passes it
   * @param {() => void} [options.onPainted] the pointer was let go
   */
  constructor({ onLook, onAct, onPaint, onPainted } = {}) {
    this.onLook = onLook;
    this.onAct = onAct;
    this.onPaint = onPaint;
    this.onPainted = onPainted;
    this.rows = this.cols = 1;
    this.cell = this.wide = this.high = 20; // CSS pixels
    this.cursor = 0;
    this.element = html("canvas", { class: "pixels", role: "application", tabindex: "0" });
    this.listen();
  }

  listen() {
    const { element } = this;
    let painting = false;
    element.addEventListener("pointerdown", (event) => {
      const index = this.at(event);
      if (index < 0 || event.button > 0) return;
      this.cursor = index;
      this.onAct?.(index);
      if (!this.onPaint) return;
      painting = true;
      element.setPointerCapture(event.pointerId);
      this.onPaint(index, true);
      event.preventDefault();
      element.focus({ preventScroll: true });
    });
    // A click with the mouse leaves the focus where it was, so that the arrows go on stepping; the cursor is for those who tab here.
    element.addEventListener("mousedown", (event) => !this.onPaint && event.preventDefault());
    element.addEventListener("pointermove", (event) => {
      const index = this.at(event);
      if (painting && index >= 0) this.onPaint?.(index, false);
      if (index !== this.over) {
        this.over = index;
        this.onLook?.(index);
      }
    });
    const end = () => {
      if (!painting) return;
      painting = false;
      this.onPainted?.();
    };
    element.addEventListener("pointerup", end);
    element.addEventListener("pointercancel", end);
    element.addEventListener("pointerleave", () => {
      this.over = -1;
      this.onLook?.(-1);
    });
    element.addEventListener("focus", () => this.keyboard() && this.onLook?.(this.cursor));
    element.addEventListener("blur", () => this.onLook?.(-1));
    element.addEventListener("keydown", (event) => {
      if (isShortcut(event)) return;
      if (event.key === "Enter" || event.key === " ") {
        stop(event);
        this.onAct?.(this.cursor);
        if (this.onPaint) {
          this.onPaint(this.cursor, true);
          this.onPainted?.();
        }
        return;
      }
      const next = step(event.key, this.cursor, this.rows, this.cols);
      if (next < 0) return;
      stop(event);
      this.cursor = next;
      this.onLook?.(next);
    });
  }

  /** Whether the focus came by a key, so that the cursor is to be seen. */
  keyboard() {
    return this.element.matches(":focus-visible");
  }

  /** Fits rows × cols into a box of CSS pixels; more cells than that has pixels fill it, and are then not square. */
  fit(rows, cols, width, height) {
    this.rows = rows;
    this.cols = cols;
    this.cursor = Math.min(this.cursor, rows * cols - 1);
    const side = Math.min(width / cols, height / rows);
    this.dense = side < 1;
    this.cell = Math.max(LEAST, Math.floor(side));
    [this.wide, this.high] = this.dense ? [width / cols, height / rows] : [this.cell, this.cell];
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [cols * this.wide, rows * this.high];
    if (this.element.width !== Math.round(w * ratio) || this.element.height !== Math.round(h * ratio)) {
      this.element.width = Math.round(w * ratio);
      this.element.height = Math.round(h * ratio);
      this.element.style.width = `${w}px`;
      this.element.style.height = `${h}px`;
    }
    this.ratio = ratio;
  }

  /**
   * @param {object} looks
   * @param {(index: number) => (number[] | null)} looks.fill
   * @param {(index: number) => boolean} [looks.small] whether the cell is drawn smaller: expected, not yet there
   * @param {Mark[]} [looks.marks]
   * @param {string} looks.edge
   */
  draw({ fill, small, marks = [], edge }) {
    const c = this.element.getContext("2d");
    const { cell, cols, rows, ratio } = this;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, cols * this.wide, rows * this.high);
    if (this.dense) {
      this.drawDense(c, fill);
      for (const mark of marks) this.mark(c, mark);
      return;
    }
    for (let index = 0; index < rows * cols; index++) {
      const [x, y] = this.corner(index);
      const color = fill(index);
      const inset = small?.(index) ? Math.round(cell * 0.22) : 0;
      if (color) {
        c.fillStyle = `rgb(${color.join(",")})`;
        c.fillRect(x + inset, y + inset, cell - 2 * inset, cell - 2 * inset);
      }
      if (cell >= 9) {
        c.strokeStyle = edge;
        c.lineWidth = 1;
        c.strokeRect(x + 0.5, y + 0.5, cell - 1, cell - 1);
      }
    }
    for (const mark of marks) this.mark(c, mark);
  }

  /** One pixel a cell, stretched. @param {CanvasRenderingContext2D} c @param {(index: number) => (number[] | null)} fill */
  drawDense(c, fill) {
    const { cols, rows } = this;
    const small = new OffscreenCanvas(cols, rows);
    const picture = new ImageData(cols, rows);
    for (let index = 0; index < rows * cols; index++) {
      const color = fill(index);
      if (color) picture.data.set([...color.slice(0, 3), 255], 4 * index);
    }
    small.getContext("2d").putImageData(picture, 0, 0);
    c.imageSmoothingEnabled = false;
    c.drawImage(small, 0, 0, cols * this.wide, rows * this.high);
  }

  /** @param {CanvasRenderingContext2D} c @param {Mark} mark */
  mark(c, { index, color, width = 3, dash = [], shape = "outline", rows = 1, cols = 1 }) {
    const [x, y] = this.corner(index);
    const { cell, wide, high } = this;
    const [mx, my, r] = [x + cell / 2, y + cell / 2, cell * 0.16];
    c.strokeStyle = c.fillStyle = color;
    c.lineWidth = width;
    c.setLineDash(dash);
    c.beginPath();
    if (shape === "outline") c.rect(x + width / 2, y + width / 2, Math.max(cols * wide - width, 1), Math.max(rows * high - width, 1));
    else if (shape === "dot") c.arc(mx, my, r, 0, 2 * Math.PI);
    else if (shape === "cross") {
      c.moveTo(mx - r, my - r);
      c.lineTo(mx + r, my + r);
      c.moveTo(mx + r, my - r);
      c.lineTo(mx - r, my + r);
    } else {
      c.moveTo(mx, my - 1.4 * r);
      c.lineTo(mx + 1.4 * r, my);
      c.lineTo(mx, my + 1.4 * r);
      c.lineTo(mx - 1.4 * r, my);
      c.closePath();
    }
    if (shape === "dot" || shape === "diamond") c.fill();
    else c.stroke();
    c.setLineDash([]);
  }

  corner(index) {
    return [(index % this.cols) * this.wide, Math.floor(index / this.cols) * this.high];
  }

  /** The cell under a pointer event, or -1. */
  at(event) {
    const box = this.element.getBoundingClientRect();
    const col = Math.floor(((event.clientX - box.left) / box.width) * this.cols);
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.rows);
    return col >= 0 && row >= 0 && col < this.cols && row < this.rows ? row * this.cols + col : -1;
  }

  /** The picture in words, for those who do not see it. */
  say(words) {
    put(this.element, "aria-label", words);
  }
}

/** How many CSS pixels are left for the height of a picture: the page says it in `--g2b-room`. */
export function room(element, least = 160) {
  const probe = html("div", { style: "position:absolute;visibility:hidden;height:var(--g2b-room, 60vh);width:0" });
  element.append(probe);
  const height = probe.offsetHeight;
  probe.remove();
  return Math.max(least, height);
}
