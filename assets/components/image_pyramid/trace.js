// A recorded search with a sliding window, without a page.

import { unpack } from "../shared/bytes.js";

/** A packed trace: see pack_sliding_window in vizcore/image_pyramid/sliding_window.py. */
export class Trace {
  // What Python packed.
  /** @type {Int32Array} */ level_of;
  /** @type {Int32Array} */ cells;
  /** @type {Int32Array} */ top_labels;
  /** @type {Int32Array} */ candidates;
  /** @type {Int32Array} */ keep;
  /** @type {Int32Array} */ suppressed_by;
  /** @type {Float32Array} */ boxes;
  /** @type {Float32Array} */ scores;
  /** @type {Float32Array} */ top_scores;
  /** @type {Float32Array} */ candidate_boxes;
  /** @type {number} */ label;
  /** @type {number} */ window_stride;
  /** @type {number} */ window_cells;
  /** @type {number} */ cell;
  /** @type {number} */ score_threshold;
  /** @type {number} */ iou_threshold;
  /** @type {number} */ num_top;
  /** @type {number[]} */ image_size;
  /** @type {[number, number][]} */ level_sizes;
  /** @type {[number, number][]} */ grids;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    const { header, arrays } = unpack(bytes);
    Object.assign(this, arrays, header);
    this.numWindows = this.scores.length;
    this.numLevels = this.level_sizes.length;
    this.firstOf = [0];
    for (const [rows, columns] of this.grids) this.firstOf.push(this.firstOf.at(-1) + rows * columns);
    this.candidateOf = new Map([...this.candidates].map((window, index) => [window, index]));
  }

  /** Windows looked at together at each position of the transport: one, a row of a level, or a whole level. */
  groups(pace) {
    const groups = [];
    for (let level = 0; level < this.numLevels; level++) {
      const [rows, columns] = this.grids[level];
      const size = pace === "window" ? 1 : pace === "row" ? columns : rows * columns;
      for (let from = this.firstOf[level]; from < this.firstOf[level + 1]; from += size) groups.push(this.group(level, from, from + size));
    }
    return groups;
  }

  group(level, from, to) {
    let best = from;
    let passed = 0;
    for (let window = from; window < to; window++) {
      if (this.scores[window] > this.scores[best]) best = window;
      if (this.candidateOf.has(window)) passed++;
    }
    return { level, from, to, best, passed };
  }

  /** @returns {import("../shared/geometry.js").Box} */
  box(boxes, index) {
    return /** @type {any} */ ([...boxes.subarray(4 * index, 4 * index + 4)]);
  }

  place(window) {
    const level = this.level_of[window];
    const at = window - this.firstOf[level];
    const columns = this.grids[level][1];
    return { level, at, row: Math.floor(at / columns), column: at % columns };
  }
}
