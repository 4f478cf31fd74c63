// Numbers in cells on a canvas: one drawing for outputs, contributors, stamps and zeros put in.

/** A colour along the scale for a number between low and high. */
export function shade(scale, value, low, high) {
  const place = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) * (scale.length - 1) : 0;
  const at = Math.min(scale.length - 2, Math.floor(place));
  const mix = scale[at].map((from, k) => Math.round(from + (scale[at + 1][k] - from) * (place - at)));
  return mix;
}

/** "#rrggbb" as [r, g, b]. */
export function parse(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

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
   * @param fill  (index) => [r, g, b] or null for an empty cell
   * @param text  (index) => string, written when the cell has room
   * @param marks [{index, color, width, dash}], outlines
   */
  draw({ fill, text, marks = [], edge, ink }) {
    const c = this.element.getContext("2d");
    const { rows, cols, cell, ratio } = this;
    c.setTransform(ratio, 0, 0, ratio, ratio, ratio);
    c.clearRect(-1, -1, cols * cell + 2, rows * cell + 2);
    const size = Math.min(16, Math.floor(cell * 0.4));
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

/** Where an arrow key leads from a cell; -1 for any other key. */
export function step(key, index, rows, cols) {
  const [row, col] = [Math.floor(index / cols), index % cols];
  const to = {
    ArrowUp: [row - 1, col], ArrowDown: [row + 1, col], ArrowLeft: [row, col - 1], ArrowRight: [row, col + 1],
    Home: [row, 0], End: [row, cols - 1],
  }[key];
  if (!to) return -1;
  return Math.min(rows - 1, Math.max(0, to[0])) * cols + Math.min(cols - 1, Math.max(0, to[1]));
}

/** Reads the header and a cursor over the arrays behind it (vizcore/upsampling/browser_data.py). */
export function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let at = 4 + length;
  const take = (Kind, count) => {
    const size = count * Kind.BYTES_PER_ELEMENT;
    const block = bytes.slice(at, at + size); // a copy is aligned, whatever the offset of the bytes is
    at += size;
    return new Kind(block.buffer);
  };
  const align = () => { at += (8 - ((at - 4 - length) % 8)) % 8; };
  return { header, floats: (count) => take(Float64Array, count), wholes: (count) => take(Uint32Array, count), align };
}

/** Black or white, whichever stands out more from a colour: WCAG's contrast is at least 4.5 that way. */
export function inkOn(color) {
  const [r, g, b] = color.map((value) => (value <= 10.31 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}
