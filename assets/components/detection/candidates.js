// A detector's candidates, filtered and suppressed at any thresholds: the arithmetic of torchvision's batched_nms, rounded to
// single precision where torch rounds, so that the browser keeps the boxes that Python keeps.

import { unpack } from "../shared/bytes.js";

const f = Math.fround;
const MOST_SHIFTED = 1000; // up to so many boxes torchvision tells classes apart by shifting their boxes, beyond that one by one

/**
 * @typedef {object} Filtered what two thresholds leave; places in the arrays, not the detector's own numbers
 * @property {number[]} passed above the score threshold, best first
 * @property {number[]} kept the final boxes, best first
 * @property {Map<number, number>} suppressedBy the place of the box that suppressed another
 */

export class Candidates {
  /** @param {Uint8Array} bytes `pack_candidates` */
  constructor(bytes) {
    const { header, arrays, shapes } = unpack(bytes);
    this.most = header.max_detections < 0 ? Infinity : header.max_detections;
    /** @type {Int32Array} the detector's own numbers */
    this.index = arrays.index;
    /** @type {Float32Array} */
    this.scores = arrays.scores;
    /** @type {Int32Array} */
    this.labels = arrays.labels;
    this.boxes = arrays.boxes;
    this.priors = arrays.priors ?? null;
    this.points = arrays.points ?? null;
    this.numPoints = shapes.points?.[1] ?? 0;
    this.compared = arrays.nms_boxes;
    this.order = [...this.scores.keys()].sort((a, b) => this.scores[b] - this.scores[a]); // of equals the first comes first
  }

  get count() {
    return this.scores.length;
  }

  /** @returns {[number, number, number, number]} */
  box(place) {
    return four(this.boxes, place);
  }

  /** The window or anchor that a box was made from. */
  prior(place) {
    return this.priors && four(this.priors, place);
  }

  /** What was marked on a box. @returns {[number, number][]} */
  marks(place) {
    const start = 2 * this.numPoints * place;
    return Array.from({ length: this.numPoints }, (_, at) => [this.points[start + 2 * at], this.points[start + 2 * at + 1]]);
  }

  /**
   * @param {number} scoreThreshold a greater score passes
   * @param {number} iouThreshold a greater overlap with a better box of its class suppresses
   * @returns {Filtered}
   */
  refilter(scoreThreshold, iouThreshold) {
    const least = f(scoreThreshold);
    const passed = this.order.filter((place) => this.scores[place] > least);
    const { boxes, areas } = this.shifted(passed);
    const apart = passed.length > MOST_SHIFTED;
    const gone = new Uint8Array(passed.length);
    const suppressedBy = new Map();
    const kept = [];
    for (let i = 0; i < passed.length; i++) {
      if (gone[i]) continue;
      kept.push(passed[i]);
      const [x1, y1, x2, y2] = [boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]];
      for (let j = i + 1; j < passed.length; j++) {
        if (gone[j] || (apart && this.labels[passed[i]] !== this.labels[passed[j]])) continue;
        const width = Math.max(0, f(Math.min(x2, boxes[4 * j + 2]) - Math.max(x1, boxes[4 * j])));
        const height = Math.max(0, f(Math.min(y2, boxes[4 * j + 3]) - Math.max(y1, boxes[4 * j + 1])));
        const shared = f(width * height);
        if (f(shared / f(f(areas[i] + areas[j]) - shared)) > iouThreshold) {
          gone[j] = 1;
          suppressedBy.set(passed[j], passed[i]);
        }
      }
    }
    return { passed, kept: kept.slice(0, this.most), suppressedBy };
  }

  /** The boxes as they are compared: each class in a place of its own, unless there are many. */
  shifted(passed) {
    const boxes = new Float32Array(4 * passed.length);
    const areas = new Float32Array(passed.length);
    let [least, most] = [Infinity, -Infinity];
    for (const place of passed) {
      for (let side = 0; side < 4; side++) least = Math.min(least, this.compared[4 * place + side]);
    }
    const lift = Math.min(least, 0);
    passed.forEach((place, at) => {
      for (let side = 0; side < 4; side++) {
        boxes[4 * at + side] = this.compared[4 * place + side] - lift;
        most = Math.max(most, boxes[4 * at + side]);
      }
    });
    const stride = passed.length > MOST_SHIFTED ? 0 : f(most + 1);
    passed.forEach((place, at) => {
      const offset = f(this.labels[place] * stride);
      for (let side = 0; side < 4; side++) boxes[4 * at + side] += offset;
      areas[at] = f(f(boxes[4 * at + 2] - boxes[4 * at]) * f(boxes[4 * at + 3] - boxes[4 * at + 1]));
    });
    return { boxes, areas };
  }
}

/** @returns {[number, number, number, number]} */
function four(array, place) {
  return [array[4 * place], array[4 * place + 1], array[4 * place + 2], array[4 * place + 3]];
}
