// Where a recorded DETR looked (vizcore/detr/packing.py), without a page: rows of weights over tokens, by layer and head.

import { unpack } from "../shared/bytes.js";

export class Attended {
  /** @type {[number, number]} tokens down and across */ grid;
  /** @type {number} a token's side in pixels of the photo */ cell;
  /** @type {number} tokens along a side that share one row */ looking;
  /** @type {number} tokens along a side that are looked at as one */ seen;
  /** @type {[number, number]} height and width of the photo */ size;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    const { header, arrays, shapes } = unpack(bytes);
    Object.assign(this, header);
    this.arrays = arrays;
    this.shapes = shapes;
    const joined = (side) => /** @type {[number, number]} */ (this.grid.map((count) => Math.ceil(count / side)));
    this.lookers = joined(this.looking);
    this.seenGrid = joined(this.seen);
  }

  /** Layers and heads of the encoder, or of the decoder's look at the picture. @param {"encoder" | "decoder_cross"} kind */
  extent(kind) {
    const [layers, heads] = this.shapes[kind];
    return { layers, heads };
  }

  /**
   * The row of a token over a place in the photo; beside the photo the nearest.
   *
   * @param {number[]} place x and y in pixels
   */
  lookerAt([x, y]) {
    const at = (value, axis) => Math.min(this.lookers[axis] - 1, Math.max(0, Math.floor(value / this.cell / this.looking)));
    return at(y, 0) * this.lookers[1] + at(x, 1);
  }

  /**
   * Where one row looks.
   *
   * @param {"encoder" | "decoder_cross"} kind
   * @param {number} layer
   * @param {number} head -1 for the mean of all heads
   * @param {number} row of a token, or a query
   * @returns {Float32Array} a share for each joined token, row by row; together 1
   */
  row(kind, layer, head, row) {
    const [, heads, rows, columns] = this.shapes[kind];
    const found = new Float32Array(columns);
    const asked = head < 0 ? Array.from({ length: heads }, (_, each) => each) : [head];
    for (const each of asked) {
      const line = (layer * heads + each) * rows + row;
      const scale = this.arrays[`${kind}_top`][line] / 255 / asked.length;
      for (let column = 0; column < columns; column++) found[column] += this.arrays[kind][line * columns + column] * scale;
    }
    return found;
  }
}
