// A recorded matching (vizcore/detr/packing.py) and what stands at each of its steps, without a page.

import { unpack } from "../shared/bytes.js";

/**
 * @typedef {object} Position
 * @property {"start" | "search" | "augment" | "end"} phase
 * @property {number} step of the trace, -1 at the start
 * @property {number[]} columnOf the column of each row after the step, -1 for none
 * @property {[number, number][]} path rows and columns from the incoming row to the column that was taken
 */

export class MatchingSteps {
  /** @type {Int32Array} */ row;
  /** @type {Int32Array} */ from_row;
  /** @type {Int32Array} */ column;
  /** @type {Float32Array} */ distance;
  /** @type {Float32Array} */ distances;
  /** @type {Int32Array} */ previous;
  /** @type {Uint8Array} */ tree;
  /** @type {Uint8Array} */ augments;
  /** @type {Int32Array} */ column_of;
  /** @type {Float32Array} */ u;
  /** @type {Float32Array} */ v;
  /** @type {boolean} */ rows_are_targets;
  /** @type {number} */ total;
  /** @type {number} */ numRows;
  /** @type {number} */ numColumns;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    const { header, arrays, shapes } = unpack(bytes);
    Object.assign(this, arrays, header);
    this.numSteps = this.row.length;
    const [queries, objects] = shapes.cost;
    [this.numRows, this.numColumns] = this.rows_are_targets ? [objects, queries] : [queries, objects];
  }

  /** Who stands where after a step; nobody before the first. @param {number} step */
  columnOf(step) {
    if (step < 0) return new Array(this.numRows).fill(-1);
    return [...this.column_of.subarray(step * this.numRows, (step + 1) * this.numRows)];
  }

  /** The potentials after a step: those of the rows, and those of the columns. @param {number} step */
  potentials(step) {
    if (step < 0) return { u: new Array(this.numRows).fill(0), v: new Array(this.numColumns).fill(0) };
    return {
      u: [...this.u.subarray(step * this.numRows, (step + 1) * this.numRows)],
      v: [...this.v.subarray(step * this.numColumns, (step + 1) * this.numColumns)],
    };
  }

  /** The columns that are in the tree after a step. @param {number} step */
  inTree(step) {
    const taken = [];
    for (let column = 0; column < this.numColumns; column++) if (this.tree[step * this.numColumns + column]) taken.push(column);
    return taken;
  }

  /**
   * The shortest path to the column of a step, from the incoming row on.
   *
   * @param {number} step
   * @returns {[number, number][]}
   */
  path(step) {
    const before = this.columnOf(step - 1);
    const pairs = /** @type {[number, number][]} */ ([]);
    let column = this.column[step];
    for (;;) {
      const row = this.previous[step * this.numColumns + column];
      pairs.push([row, column]);
      if (row === this.row[step]) return pairs.reverse();
      column = before[row];
    }
  }

  /**
   * What a position of a stepper means: 0 is the start, each one after it a step.
   *
   * @param {number} at
   * @returns {Position}
   */
  position(at) {
    const step = Math.min(at, this.numSteps) - 1;
    if (step < 0) return { phase: "start", step: -1, columnOf: this.columnOf(-1), path: [] };
    return {
      phase: this.augments[step] ? "augment" : "search",
      step,
      columnOf: this.columnOf(step),
      path: this.path(step),
    };
  }

  /** A row and a column as query and object. @param {number} row @param {number} column @returns {[number, number]} */
  pair(row, column) {
    return this.rows_are_targets ? [column, row] : [row, column];
  }
}
