// Which cell lies where, and what it sees, in numbers only. Photos are (height, width), cells (row, column), places (x, y).

/** @typedef {[number, number]} Cell row, column */
/** @typedef {[number, number]} Point x, y, in pixels of the photo */
/** @typedef {[number, number, number, number]} Box x1, y1, x2, y2, in pixels of the photo */

/**
 * Width and height of a cell in pixels of the photo.
 *
 * @param {number} stride in pixels of the resized photo
 * @param {number[]} scales of the resized photo to the photo, along x and y
 */
export function cellSides(stride, scales) {
  return scales.map((scale) => stride / scale);
}

/**
 * The cell of a map that a place lies in; beyond the map its nearest.
 *
 * @param {Point} place
 * @param {number[]} sides width and height of a cell
 * @param {number[]} size rows and columns of the map
 * @returns {Cell}
 */
export function cellAt([x, y], [across, down], [rows, cols]) {
  const clamp = (place, most) => Math.max(0, Math.min(most - 1, Math.floor(place)));
  return [clamp(y / down, rows), clamp(x / across, cols)];
}

/**
 * The square of a cell.
 *
 * @param {Cell} cell
 * @param {number[]} sides
 * @returns {Box}
 */
export function square([row, col], [across, down]) {
  return [col * across, row * down, (col + 1) * across, (row + 1) * down];
}

/**
 * The theoretical receptive field of a cell, clipped to the photo: it repeats every so many cells.
 *
 * @param {Cell} cell
 * @param {{intervals: number[][], stride: number, scales: number[], image: number[]}} field from `pack_field` in Python
 * @returns {Box}
 */
export function receptiveBox([row, col], { intervals, stride, scales, image }) {
  const along = (index) => intervals[index % intervals.length].map((edge) => edge + (index - (index % intervals.length)) * stride);
  const [[left, right], [top, bottom]] = [along(col), along(row)];
  return [
    Math.max(0, left / scales[0]),
    Math.max(0, top / scales[1]),
    Math.min(image[1], right / scales[0]),
    Math.min(image[0], bottom / scales[1]),
  ];
}

/**
 * The cells of a level that training would give a box.
 *
 * @param {(...numbers: number[]) => {value: number}} rule `cell_rule` in Python, compiled
 * @param {Box} box in pixels of the resized photo
 * @param {{stride: number, low: number, high: number | null}} level
 * @param {number[]} size rows and columns of the level, padding included
 * @param {number} reach cells around the center that are asked; those that are farther away cannot be owned
 * @returns {Cell[]}
 */
export function ownedCells(rule, [x1, y1, x2, y2], { stride, low, high }, [rows, cols], reach) {
  const [midCol, midRow] = [(x1 + x2) / 2, (y1 + y2) / 2].map((value) => Math.floor(value / stride));
  /** @type {Cell[]} */
  const cells = [];
  for (let row = Math.max(0, midRow - reach); row <= Math.min(rows - 1, midRow + reach); row++) {
    for (let col = Math.max(0, midCol - reach); col <= Math.min(cols - 1, midCol + reach); col++) {
      if (rule((col + 0.5) * stride, (row + 0.5) * stride, x1, y1, x2, y2, stride, low, high ?? Infinity).value) cells.push([row, col]);
    }
  }
  return cells;
}
