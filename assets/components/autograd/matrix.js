// Tensors as small coloured matrices: as a grid with numbers where they fit, as pixels where they do not, as a miniature in a node.

import { html, put, svg } from "../shared/dom.js";

const NUMBERS_UP_TO = 40; // elements; beyond, colour alone is legible
const COLUMNS_UP_TO = 8;

/** A number as short as it can be read: four significant digits, signs and infinities as the mathematician writes them. */
export function format(value) {
  if (value === "nan") return "NaN";
  if (value === "inf") return "∞";
  if (value === "-inf") return "−∞";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value).replace("-", "−");
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-3 ? value.toExponential(2).replace("e+", "e") : String(Number(value.toPrecision(4)));
  return text.replaceAll("-", "−");
}

/** A shape as torch's users say it: 2×3, or the word for a scalar. */
export function shapeOf(shape, scalar = "") {
  return shape?.length ? shape.join("×") : scalar;
}

/** One line of text for screen readers and edge labels: the number itself, or the shape with its range. */
export function brief(array) {
  if (!array) return "";
  if (array.data.length === 1 && !array.truncated) return format(array.data[0]);
  if (array.data.length <= 4 && !array.truncated) return nested(array.data.map(format), array.shape);
  return `[${shapeOf(array.shape)}]`;
}

/** @param {string[]} words @param {number[]} shape @returns {string} */
function nested(words, shape) {
  if (shape.length < 2) return `[${words.join(", ")}]`;
  const size = words.length / shape[0];
  const rows = Array.from({ length: shape[0] }, (_, row) => nested(words.slice(row * size, (row + 1) * size), shape.slice(1)));
  return `[${rows.join(", ")}]`;
}

/** All values of an array in words. */
export function spoken(array) {
  if (!array) return "";
  const values = array.data.slice(0, 24).map(format).join(", ");
  return array.data.length > 24 || array.truncated ? `${values}, …` : values;
}

/** The tint of a value: sign gives the colour, size gives the strength; what is not finite is striped by its class. */
function tint(value, largest) {
  const number = typeof value === "boolean" ? Number(value) : value;
  if (typeof number !== "number") return { part: 0, kind: "odd" };
  const part = largest > 0 ? Math.min(1, Math.abs(number) / largest) : 0;
  return { part, kind: number < 0 ? "negative" : "positive" };
}

/** The largest magnitude of an array, for its colour scale. */
export function largest(array) {
  return Math.max(Math.abs(Number(array?.max ?? 0)), Math.abs(Number(array?.min ?? 0)));
}

/**
 * A tensor as an element.
 *
 * @param {any} array an entry of the trace's table of arrays
 * @param {object} [options]
 * @param {string} [options.label] what a screen reader says before the values
 * @param {number} [options.scale] largest magnitude of the colour scale; the array's own if left out
 */
export function matrix(array, { label = "", scale = largest(array) } = {}) {
  const { data, shape } = array;
  const columns = shape.length ? shape[shape.length - 1] : 1;
  const rows = shape.length > 1 ? shape[shape.length - 2] : 1;
  const numbers = columns <= COLUMNS_UP_TO && data.length <= NUMBERS_UP_TO && columns > 0;
  const element = html("div", {
    class: `matrix ${numbers ? "with-numbers" : "pixels"}`,
    role: "img",
    "aria-label": `${label} ${shape.length ? `[${shapeOf(shape)}]` : ""}: ${spoken(array)}`.trim(),
  });
  const size = Math.max(1, rows * columns);
  // What is cut off ends with a whole matrix, where there is one.
  const end = array.truncated && data.length >= size ? data.length - (data.length % size) : data.length;
  for (let start = 0; start < Math.max(1, end); start += size) {
    const block = html("div", { class: "block" });
    block.style.gridTemplateColumns = `repeat(${Math.max(1, columns)}, auto)`;
    for (const value of data.slice(start, Math.min(end, start + size))) {
      const { part, kind } = tint(value, scale);
      const cell = html("span", { class: `cell ${kind}`, title: format(value) }, numbers ? format(value) : "");
      cell.style.setProperty("--part", `${Math.round(part * (data.length === 1 ? 25 : 70))}%`);
      block.append(cell);
    }
    element.append(block);
  }
  if (array.truncated) element.append(html("span", { class: "more" }, "…"));
  return element;
}

/**
 * A tensor inside a node: its numbers, where there are at most two by two of them, else coloured squares.
 *
 * @param {any} array
 * @param {number} width
 * @param {number} height
 * @param {string} className value or gradient
 */
export function field(array, width, height, className) {
  const columns = array.shape.length ? array.shape[array.shape.length - 1] : 1;
  const rows = columns ? array.data.length / columns : 0;
  if (array.truncated || columns > 2 || rows > 2 || !array.data.length) {
    const squares = miniature(array, height, className);
    const group = svg("g", { class: `miniature ${className}`, "aria-hidden": "true" }, squares);
    put(squares, "transform", `translate(${(width - height) / 2} 0)`);
    return group;
  }
  const group = svg("g", { class: `miniature ${className}`, "aria-hidden": "true" });
  const [cellWidth, cellHeight] = [width / columns, height / Math.max(rows, 1)];
  const scale = largest(array);
  array.data.forEach((value, index) => {
    const { part, kind } = tint(value, scale);
    const [x, y] = [(index % columns) * cellWidth, Math.floor(index / columns) * cellHeight];
    const square = svg("rect", { class: kind, x, y, width: cellWidth, height: cellHeight });
    square.style.setProperty("--part", `${Math.round(part * 24)}%`);
    const words = format(value);
    const digits = svg("text", { class: "digits", x: x + cellWidth / 2, y: y + cellHeight / 2 + (rows > 1 ? 5 : 6) }, words);
    const widest = (cellWidth - 4) / Math.max(1, words.length) / 0.57;
    digits.style.fontSize = atLeast(Math.min(rows > 1 ? 14 : 17, widest), Math.min(cellHeight, widest));
    group.append(square, digits);
  });
  group.append(svg("rect", { class: "rim", x: 0, y: 0, width, height, rx: 3 }));
  return group;
}

/** A font size that grows as the picture shrinks, to stay legible, as far as there is room. @param {number} size @param {number} most */
export function atLeast(size, most) {
  return `max(${size.toFixed(1)}px, min(var(--least, 0px), ${most.toFixed(1)}px))`;
}

/** A tensor as a few coloured squares inside a node of the graph, at most 6 × 6 of them. */
export function miniature(array, size, className) {
  const group = svg("g", { class: `miniature ${className}`, "aria-hidden": "true" });
  const columns = Math.max(1, array.shape.length ? array.shape[array.shape.length - 1] : 1);
  const rows = Math.max(1, Math.ceil(array.data.length / columns));
  const shownColumns = Math.min(6, columns);
  const shownRows = Math.min(6, rows);
  const cell = size / Math.max(shownColumns, shownRows);
  const top = (size - cell * shownRows) / 2;
  const scale = largest(array);
  for (let row = 0; row < shownRows; row++) {
    for (let column = 0; column < shownColumns; column++) {
      const value = array.data[row * columns + column];
      if (value === undefined) continue;
      const { part, kind } = tint(value, scale);
      const square = svg("rect", { class: kind, x: column * cell, y: top + row * cell, width: cell, height: cell });
      square.style.setProperty("--part", `${Math.round(part * 80)}%`);
      group.append(square);
    }
  }
  group.append(svg("rect", { class: "rim", x: 0, y: top, width: cell * shownColumns, height: cell * shownRows }));
  return group;
}
