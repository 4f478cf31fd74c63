// Maps of class centres as arrays: splatting, peaks, painting. Formulas come compiled from torch; no elements are made here.

import { parse } from "../shared/colors.js";

/**
 * @typedef {object} Placed an object in cells; `cell` and `offset` are filled in by `splatAll`
 * @property {string} id
 * @property {string} label
 * @property {number[]} box xyxy
 * @property {[number, number]} [cell]
 * @property {[number, number]} [offset]
 */

/** Where an object is expected: equal for two objects of one class in one cell. @param {Placed} object */
export function peakKey({ label, cell }) {
  return `${label}/${cell.join("/")}`;
}

/**
 * The heatmap of each class: a Gaussian an object, the greater where two overlap.
 *
 * @param {any} program `compile_splat` of vizcore
 * @param {Placed[]} objects
 * @param {number[]} size rows, columns
 * @param {string[]} labels a map each
 * @param {{formula: string, overlap: number}} rule
 * @returns {Float64Array[]}
 */
export function splatAll(program, objects, [rows, columns], labels, { formula, overlap }) {
  const maps = labels.map(() => new Float64Array(rows * columns));
  for (const object of objects) {
    const [x1, y1, x2, y2] = object.box;
    const [cx, cy] = [(x1 + x2) / 2, (y1 + y2) / 2];
    const [x, y] = [Math.floor(cx), Math.floor(cy)];
    object.cell = [x, y];
    object.offset = [cx - x, cy - y];
    const inside = x >= 0 && y >= 0 && x < columns && y < rows;
    if (!inside || !(x2 > x1) || !(y2 > y1)) continue;
    const reach = Math.floor(program[`radius_${formula}`](y2 - y1, x2 - x1, overlap).value);
    const map = maps[labels.indexOf(object.label)];
    // A Gaussian is the same in its four quarters: each value is asked for once.
    const quarter = new Float64Array((reach + 1) * (reach + 1));
    for (let dy = 0; dy <= reach; dy++)
      for (let dx = 0; dx <= reach; dx++) quarter[dy * (reach + 1) + dx] = program.splat(dx, dy, reach).value;
    for (let row = Math.max(0, y - reach); row <= Math.min(rows - 1, y + reach); row++) {
      for (let column = Math.max(0, x - reach); column <= Math.min(columns - 1, x + reach); column++) {
        const value = quarter[Math.abs(row - y) * (reach + 1) + Math.abs(column - x)];
        const place = row * columns + column;
        if (value > map[place]) map[place] = value;
      }
    }
  }
  return maps;
}

/**
 * How many cells are not 0 and no neighbour exceeds them: equal neighbours all count.
 *
 * @param {ArrayLike<number>} map
 * @param {number[]} size rows, columns
 */
export function maxima(map, [rows, columns]) {
  let count = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = map[row * columns + column];
      if (value > 0 && !exceeded(map, [rows, columns], row, column, value)) count++;
    }
  }
  return count;
}

function exceeded(map, [rows, columns], row, column, value) {
  for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++)
    for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x++) if (map[y * columns + x] > value) return true;
  return false;
}

/**
 * The box with the least IoU among those whose edges are moved by a whole radius, as `worst_box` of vizcore finds it.
 *
 * @param {any} program `compile_splat` of vizcore
 * @param {number} height
 * @param {number} width
 * @param {number} radius
 */
export function worstBox(program, height, width, radius) {
  let found = { iou: Infinity, offsets: [0, 0, 0, 0] };
  for (let code = 0; code < 16; code++) {
    const signs = [8, 4, 2, 1].map((bit) => (code & bit ? 1 : -1));
    const iou = program.moved_iou(height, width, radius, ...signs).value;
    if (iou < found.iou) found = { iou, offsets: signs.map((sign) => sign * radius) };
  }
  return found;
}

/**
 * Paints maps of 0 to 1 in their colours, clear where nothing is; the greater is seen.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>[]} maps
 * @param {number[]} size rows, columns
 * @param {string[]} colors
 */
export function tint(canvas, maps, [rows, columns], colors) {
  paint(canvas, [rows, columns], (place) => {
    let best = 0;
    for (let each = 1; each < maps.length; each++) if (maps[each][place] > maps[best][place]) best = each;
    return [...rgb(colors[best]), 255 * maps[best][place] ** 0.7];
  });
}

/**
 * Paints a canvas cell by cell.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} size rows, columns
 * @param {(place: number) => number[]} color red, green, blue and alpha, 0 … 255
 */
export function paint(canvas, [rows, columns], color) {
  if (canvas.width !== columns) canvas.width = columns;
  if (canvas.height !== rows) canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let place = 0; place < rows * columns; place++) image.data.set(color(place), 4 * place);
  context.putImageData(image, 0, 0);
}

const known = new Map(); // CSS colour -> its numbers

function rgb(color) {
  if (!known.has(color)) known.set(color, parse(color));
  return known.get(color);
}
