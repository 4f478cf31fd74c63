// A recorded suppression and the state of every box after any number of its operations, without a page.

import { unpack } from "../shared/bytes.js";

export const [UNTOUCHED, SUPPRESSED, DECAYED, MERGED] = [0, 1, 2, 3];
export const [WAITING, KEPT, OUT, LOW] = [0, 1, 2, 3];

/**
 * @typedef {object} Position
 * @property {"start" | "end" | "step" | "pick" | "compare"} phase
 * @property {number} count operations that are done
 * @property {number} [step]
 * @property {number} [pick] the box in hand
 * @property {number} [event] the comparison, -1 for a pick
 * @property {number} [other] the box it is compared with
 * @property {number} [target] the box that is decided
 */

/** A packed trace (vizcore/nms/packing.py) and the state of every box after any number of its operations. */
export class Trace {
  // What Python packed.
  /** @type {Float32Array} */ boxes;
  /** @type {Float32Array} */ scores;
  /** @type {Float32Array} */ after;
  /** @type {Float32Array} */ kept_boxes;
  /** @type {Float32Array} */ iou;
  /** @type {Float32Array} */ overlap;
  /** @type {Float32Array} */ changed;
  /** @type {Float32Array} */ matrix;
  /** @type {Float32Array} */ curve_x;
  /** @type {Float32Array} */ curve_y;
  /** @type {Float32Array} */ fused;
  /** @type {Int32Array} */ by;
  /** @type {Int32Array} */ labels;
  /** @type {Uint32Array} */ left;
  /** @type {Uint32Array} */ order;
  /** @type {Uint32Array} */ keep;
  /** @type {Uint32Array} */ picks;
  /** @type {Uint32Array} */ compared;
  /** @type {Uint32Array} */ start;
  /** @type {Uint32Array} */ other;
  /** @type {Uint8Array} */ verdict;
  /** @type {string} */ method;
  /** @type {number} */ iou_threshold;
  /** @type {number} */ score_threshold;
  /** @type {boolean} */ suppress_equal;
  /** @type {boolean} */ complete;
  /** @type {boolean} */ matrix_complete;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    const { header, arrays } = unpack(bytes);
    Object.assign(this, arrays, header);
    this.numBoxes = this.scores.length;
    this.numSteps = this.picks.length;
    this.numEvents = this.other.length;
    this.numOps = this.numSteps + this.numEvents;
    // Matrix NMS and fusion decide the box in hand; the others decide the boxes it meets.
    this.decidesPick = this.method === "matrix" || this.method === "fusion";
    this.rank = new Uint32Array(this.numBoxes).fill(this.numBoxes);
    this.order.forEach((box, place) => (this.rank[box] = place));
    this.reset();
    this.before = new Float32Array(this.numEvents);
    this.decidedOp = new Int32Array(this.numBoxes).fill(-1); // the operation that removed a box, else the one that picked it
    for (let op = 0; op < this.numOps; op++) {
      const { pick, event, target } = this.op(op);
      if (event < 0) this.decidedOp[pick] = Math.max(op, this.decidedOp[pick]);
      else {
        this.before[event] = this.score[target];
        if (this.verdict[event] === SUPPRESSED || this.verdict[event] === MERGED) this.decidedOp[target] = op;
      }
      this.apply(op);
    }
    this.reset();
  }

  reset() {
    this.done = 0;
    this.score = Float32Array.from(this.scores);
    this.status = new Uint8Array(this.numBoxes).fill(LOW);
    for (const box of this.order) this.status[box] = WAITING;
  }

  /** The step an operation belongs to: picks and comparisons stand in one row, step after step. */
  stepOf(op) {
    let [low, high] = [0, this.numSteps - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (middle + this.start[middle] <= op) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  op(op) {
    const step = this.stepOf(op);
    const event = op - step - 1;
    const pick = this.picks[step];
    if (op === step + this.start[step]) return { step, pick, event: -1, target: pick, other: -1 };
    const other = this.other[event];
    return { step, pick, event, other, target: this.decidesPick ? pick : other };
  }

  apply(op) {
    const { pick, event, target } = this.op(op);
    if (event < 0) this.status[pick] = KEPT;
    else if (this.verdict[event] !== UNTOUCHED) {
      this.score[target] = this.changed[event];
      if (this.verdict[event] !== DECAYED) this.status[target] = OUT;
    }
  }

  undo(op) {
    const { pick, event, target } = this.op(op);
    if (event < 0) this.status[pick] = WAITING;
    else if (this.verdict[event] !== UNTOUCHED) {
      this.score[target] = this.before[event];
      this.status[target] = this.decidesPick ? KEPT : WAITING;
    }
  }

  /** Brings scores and states to what they are after `count` operations. */
  seek(count) {
    while (this.done < count) this.apply(this.done++);
    while (this.done > count) this.undo(--this.done);
  }

  /** @returns {import("../shared/geometry.js").Box} */
  box(index) {
    return /** @type {any} */ ([...this.boxes.subarray(4 * index, 4 * index + 4)]);
  }

  /**
   * What a position of a stepper means: how many operations are done, and which one it is about.
   *
   * @returns {Position}
   * @param {number} at 0 is the start, one more than the last operation or step the end
   * @param {string} pace "pick" for a position a step, else one an operation
   */
  position(at, pace) {
    if (at <= 0) return { phase: "start", count: 0 };
    if (at > (pace === "pick" ? this.numSteps : this.numOps)) return { phase: "end", count: this.numOps };
    if (pace === "pick") return { phase: "step", step: at - 1, pick: this.picks[at - 1], count: at + this.start[at] };
    const now = this.op(at - 1);
    return { phase: now.event < 0 ? "pick" : "compare", ...now, count: at };
  }

  /** The operation of a step that changed something, for methods that decide the box in hand; -1 for none. @param {number} step */
  decider(step) {
    for (let event = this.start[step]; event < this.start[step + 1]; event++)
      if (this.verdict[event] !== UNTOUCHED) return step + 1 + event;
    return -1;
  }

  /** @param {number} step */
  scoreWhenPicked(step) {
    // A soft method picks a box by what is left of its score, and nothing changes it afterwards.
    return this.method.startsWith("soft") ? this.after[this.picks[step]] : this.scores[this.picks[step]];
  }
}
