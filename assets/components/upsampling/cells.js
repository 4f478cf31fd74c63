// Numbers in cells on a canvas: one drawing for outputs, contributors, stamps and zeros put in.

import { inkOn } from "../shared/colors.js";

/** A number short enough for a cell of so many characters. */
export function brief(value, room = 5) {
  if (Object.is(value, -0)) value = 0;
  if (Number.isInteger(value) && Math.abs(value) < 1e5) return String(value).replace("-", "−");
  for (let digits = 3; digits >= 0; digits--) {
    const text = trim(value.toFixed(digits));
    if (text.length <= room && (Math.abs(value) >= 0.5 * 10 ** -digits || digits === 0)) return text.replace("-", "−");
  }
  return value.toExponential(0).replace("-", "−");
}

/** A number as written in a sum: four decimals at most, no needless zeros. */
export function written(value) {
  if (Object.is(value, -0)) value = 0;
  const text = Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 5e-5) ? value.toExponential(2) : trim(value.toFixed(4));
  return text.replace("-", "−");
}

function trim(text) {
  const short = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return short === "-0" ? "0" : short;
}

/** A canvas of cells. draw() is cheap enough to be called on every hover. */
export class Cells {
  constructor(attributes = {}) {
    this.element = document.createElement("canvas");
    for (const [name, value] of Object.entries(attributes)) this.element.setAttribute(name, value);
    this.rows = this.cols = 1;
    this.cell = 20;
  }

  /** Fits rows × cols into a width in CSS pixels. */
  fit(rows, cols, width, { most = 40, least = 2, height = Infinity } = {}) {
    this.rows = rows;
    this.cols = cols;
    this.cell = Math.max(least, Math.min(most, Math.floor(width / cols), Math.floor(height / rows)));
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [cols * this.cell + 2, rows * this.cell + 2];
    if (this.element.width !== Math.round(w * ratio) || this.element.height !== Math.round(h * ratio)) {
      this.element.width = Math.round(w * ratio);
      this.element.height = Math.round(h * ratio);
      this.element.style.width = `${w}px`;
      this.element.style.height = `${h}px`;
    }
    this.ratio = ratio;
  }

  /**
   * @typedef {{index: number, color: string, width?: number, dash?: number[], rows?: number, cols?: number}} Mark
   *
   * @param {object} looks
   * @param {(index: number) => number[] | null} looks.fill null for an empty cell
   * @param {(index: number) => string} [looks.text] written when the cell has room
   * @param {Mark[]} [looks.marks] outlines
   * @param {string} [looks.edge]
   * @param {string} [looks.ink] of the text on an empty cell
   */
  draw({ fill, text, marks = [], edge, ink }) {
    const c = this.element.getContext("2d");
    const { rows, cols, cell, ratio } = this;
    c.setTransform(ratio, 0, 0, ratio, ratio, ratio);
    c.clearRect(-1, -1, cols * cell + 2, rows * cell + 2);
    const size = Math.min(16, Math.floor(cell * 0.42));
    c.font = `${size}px ${getComputedStyle(this.element).fontFamily}`;
    c.textAlign = "center";
    c.textBaseline = "middle";
    for (let index = 0; index < rows * cols; index++) {
      const [x, y] = [(index % cols) * cell, Math.floor(index / cols) * cell];
      const color = fill(index);
      if (color) {
        c.fillStyle = `rgb(${color.join(",")})`;
        c.fillRect(x, y, cell, cell);
      }
      if (cell >= 9) {
        c.strokeStyle = edge;
        c.lineWidth = 1;
        c.strokeRect(x + 0.5, y + 0.5, cell - 1, cell - 1);
      }
      if (text && size >= 6) {
        c.fillStyle = color ? inkOn(color) : ink;
        const word = text(index);
        if (word) c.fillText(word, x + cell / 2, y + cell / 2 + 0.5, cell - 2);
      }
    }
    for (const { index, color, width = 3, dash = [], rows: tall = 1, cols: wide = 1 } of marks) {
      const [x, y] = [(index % cols) * cell, Math.floor(index / cols) * cell];
      c.strokeStyle = color;
      c.lineWidth = width;
      c.setLineDash(dash);
      c.strokeRect(x + width / 2 - 1, y + width / 2 - 1, wide * cell - width + 2, tall * cell - width + 2);
      c.setLineDash([]);
    }
  }

  /** The cell under a pointer event, or -1. */
  at(event) {
    const box = this.element.getBoundingClientRect();
    const col = Math.floor(((event.clientX - box.left - 1) / (box.width - 2)) * this.cols);
    const row = Math.floor(((event.clientY - box.top - 1) / (box.height - 2)) * this.rows);
    return col >= 0 && row >= 0 && col < this.cols && row < this.rows ? row * this.cols + col : -1;
  }
}
