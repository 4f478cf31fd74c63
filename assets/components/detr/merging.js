// The masks of all queries (vizcore/detr/packing.py) and what is made of them, without a page: who is sure, the argmax at every
// pixel, who owns it in the end. Whole numbers all the way, so every tie falls as in vizcore/detr/panoptic.py.

import { unpack } from "../shared/bytes.js";

const STRIDE = 4; // canvas pixels a cell; a bilinear mean then is a whole number of 64ths
const PARTS = 2 * STRIDE;

/**
 * @typedef {object} Merged
 * @property {Int16Array} argmax the sure query with the greatest mask at each canvas pixel, -1 where no query is sure
 * @property {Int32Array} greatest its mask logit there, in steps / 64
 * @property {Int16Array} owner who owns the pixel in the end, -1 for nobody
 * @property {number[]} queries that own any, increasing
 * @property {number[]} areas pixels that they own
 * @property {number[]} dropped sure queries that were left with too few pixels
 */

export class Masks {
  /** @type {[number, number]} height and width in canvas pixels */ size;
  /** @type {number} what one step of a mask logit is worth */ step;
  /** @type {number} a query must own more pixels than these */ min_area;
  /** @type {number} queries */ count;
  /** @type {number} cells down a mask */ rows;
  /** @type {number} cells across */ columns;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    const { header, arrays, shapes } = unpack(bytes);
    Object.assign(this, header);
    this.arrays = arrays;
    [this.count, this.rows, this.columns] = shapes.masks;
    this.knowsTruth = shapes.truth[0] > 0;
    this.xs = Array.from({ length: this.size[1] }, (_, x) => place(x, this.columns));
    this.ys = Array.from({ length: this.size[0] }, (_, y) => place(y, this.rows));
    this.bySureness = Array.from({ length: this.count }, (_, query) => query);
    this.bySureness.sort((a, b) => arrays.scores[b] - arrays.scores[a] || a - b);
  }

  /** The queries that are surer, increasing. @param {number} threshold */
  sure(threshold) {
    const least = Math.fround(threshold); // scores are single numbers, and are compared as such
    return this.bySureness.filter((query) => this.arrays.scores[query] > least).sort((a, b) => a - b);
  }

  /** The mask of a query at a canvas pixel, in steps / 64. */
  at(query, x, y) {
    const [left, right, part] = this.xs[x];
    const [top, bottom, share] = this.ys[y];
    const { masks } = this.arrays;
    const start = query * this.rows * this.columns;
    const column = (cell) =>
      masks[start + top * this.columns + cell] * (PARTS - share) + masks[start + bottom * this.columns + cell] * share;
    return column(left) * (PARTS - part) + column(right) * part;
  }

  /** A mask value in [0, 1] of a logit in steps / 64. */
  value(logit) {
    return 1 / (1 + Math.exp((-logit * this.step) / (PARTS * PARTS)));
  }

  /**
   * Gives every pixel to the query whose mask is greatest there.
   *
   * @param {number[]} queries that take part, increasing
   * @returns {Merged}
   */
  merge(queries) {
    const [height, width] = this.size;
    const argmax = new Int16Array(height * width).fill(-1);
    const greatest = new Int32Array(height * width).fill(-(2 ** 31));
    const line = new Int32Array(this.columns);
    const { masks } = this.arrays;
    for (let y = 0; y < height; y++) {
      const [top, bottom, share] = this.ys[y];
      for (const query of queries) {
        const start = query * this.rows * this.columns;
        const [above, below] = [start + top * this.columns, start + bottom * this.columns];
        for (let cell = 0; cell < this.columns; cell++) line[cell] = masks[above + cell] * (PARTS - share) + masks[below + cell] * share;
        for (let x = 0, pixel = y * width; x < width; x++, pixel++) {
          const [left, right, part] = this.xs[x];
          const logit = line[left] * (PARTS - part) + line[right] * part;
          if (logit > greatest[pixel]) {
            greatest[pixel] = logit;
            argmax[pixel] = query;
          }
        }
      }
    }
    const owner = argmax.map((query, pixel) => (greatest[pixel] < 0 ? -1 : query));
    return { argmax, greatest, ...this.settle(owner, queries) };
  }

  /** Takes the pixels of those that own too few, and gives them away again. */
  settle(owner, queries) {
    const areas = new Map(queries.map((query) => [query, 0]));
    for (const query of owner) if (query >= 0) areas.set(query, areas.get(query) + 1);
    const dropped = queries.filter((query) => areas.get(query) <= this.min_area);
    const left = queries.filter((query) => !dropped.includes(query));
    if (dropped.some((query) => areas.get(query) > 0)) {
      const width = this.size[1];
      for (let pixel = 0; pixel < owner.length; pixel++) {
        if (owner[pixel] < 0 || !dropped.includes(owner[pixel])) continue;
        let [next, most] = [-1, -1]; // a negative mask denies the pixel
        for (const query of left) {
          const logit = this.at(query, pixel % width, Math.floor(pixel / width));
          if (logit > most) [next, most] = [query, logit];
        }
        owner[pixel] = next;
        if (next >= 0) areas.set(next, areas.get(next) + 1);
      }
    }
    return { owner, queries: left, areas: left.map((query) => areas.get(query)), dropped };
  }

  /** What is known of a picture with so many of the surest queries; null where nobody knows the truth. @param {number} sure */
  quality(sure) {
    const { arrays } = this;
    if (!arrays.pq.length) return null;
    const part = (name, start) => Array.from(arrays[name].subarray(arrays[start][sure], arrays[start][sure + 1]));
    return {
      pq: arrays.pq[sure],
      sq: arrays.sq[sure],
      rq: arrays.rq[sure],
      queries: part("pair_query", "pairs_from"),
      targets: part("pair_target", "pairs_from"),
      iou: part("pair_iou", "pairs_from"),
      missed: part("missed", "missed_from"),
      invented: part("invented", "invented_from"),
    };
  }
}

/** Between which cells a pixel lies, and how many eighths behind the first. @returns {[number, number, number]} */
function place(pixel, cells) {
  const eighths = Math.max(0, 2 * pixel + 1 - STRIDE);
  const first = Math.min(cells - 1, Math.floor(eighths / PARTS));
  return [first, Math.min(cells - 1, first + 1), eighths % PARTS];
}
