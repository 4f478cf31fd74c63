// A suppression, stepped: boxes on the stage, the queue as cards, the decision in words, the overlap matrix and the decay curve,
// all showing one position of one trace that was computed in torch and sent once. Nothing is computed here but which of its
// numbers stand at a position.

import { parse } from "../shared/colors.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { Stage } from "../shared/stage.js";
import { Transport } from "../shared/stepper.js";
import { KEPT, LOW, OUT, Trace, WAITING } from "./trace.js";

const own = await stylesheet(import.meta.url, "./suppression.css");

const MOST_CARDS = 30;
const MOST_SHADED = 200; // up to this many boxes, the score sets how strong a waiting box is drawn
const FEW = 12; // up to this many boxes, every box is named on the stage
const ANSWERS = { UNTOUCHED: "keep", SUPPRESSED: "suppress", DECAYED: "decay", MERGED: "merge" };
/** Strokes of a sketch, from shares of its box. */
const placed =
  ([x1, y1, x2, y2]) =>
  (strokes) =>
    strokes
      .map((stroke) =>
        typeof stroke === "string" ? stroke : `${(x1 + stroke[0] * (x2 - x1)).toFixed(1)} ${(y1 + stroke[1] * (y2 - y1)).toFixed(1)}`,
      )
      .join(" ");

/** Who is sketched in a box; a horse and its rider look to the left. */
const SKETCHES = {
  person(box) {
    const [x1, y1, x2, y2] = box;
    // biome-ignore format: one part of the body a line
    const body = [
      "M", [0.4, 0.19], "C", [0.05, 0.2], [0, 0.25], [0, 0.34], "L", [0, 0.57], [0.14, 0.57], [0.14, 0.4], [0.2, 0.4],
      "L", [0.2, 1], [0.46, 1], [0.46, 0.64], [0.54, 0.64], [0.54, 1], [0.8, 1], [0.8, 0.4], [0.86, 0.4], [0.86, 0.57], [1, 0.57],
      "L", [1, 0.34], "C", [1, 0.25], [0.95, 0.2], [0.6, 0.19], "Z",
    ];
    const head = { cx: (x1 + x2) / 2, cy: y1 + 0.095 * (y2 - y1), rx: Math.min(0.2 * (x2 - x1), 0.1 * (y2 - y1)), ry: 0.095 * (y2 - y1) };
    return [svg("path", { d: placed(box)(body) }), svg("ellipse", head)];
  },
  rider(box) {
    const [x1, y1, x2, y2] = box;
    // biome-ignore format: one part of the body a line
    const body = [
      "M", [0.48, 0.19], "C", [0.6, 0.17], [0.78, 0.2], [0.84, 0.3], "L", [0.92, 0.5], "C", [1, 0.55], [1, 0.64], [0.9, 0.66],
      "L", [0.62, 0.66], [0.6, 0.92], [0.58, 1], [0.3, 1], [0.3, 0.95], [0.42, 0.91], [0.4, 0.6], "C", [0.4, 0.54], [0.46, 0.52], [0.54, 0.5],
      "L", [0.54, 0.36], [0.4, 0.44], [0.04, 0.44], "C", [0, 0.43], [0, 0.39], [0.04, 0.38], "L", [0.34, 0.37], "C", [0.4, 0.3], [0.4, 0.21], [0.48, 0.19], "Z",
    ];
    const head = { cx: x1 + 0.5 * (x2 - x1), cy: y1 + 0.09 * (y2 - y1), rx: 0.12 * (x2 - x1), ry: 0.09 * (y2 - y1) };
    return [svg("path", { d: placed(box)(body) }), svg("ellipse", head)];
  },
  horse(box) {
    // biome-ignore format: one part of the body a line
    const body = [
      "M", [0.2, 0], "L", [0.25, 0.07], "C", [0.36, 0.12], [0.4, 0.3], [0.5, 0.4], "C", [0.62, 0.44], [0.74, 0.38], [0.86, 0.42],
      "C", [0.98, 0.45], [1, 0.6], [1, 0.78], "L", [0.95, 0.78], "C", [0.96, 0.68], [0.95, 0.6], [0.92, 0.56],
      "L", [0.92, 0.7], [0.88, 0.8], [0.9, 1], [0.8, 1], [0.79, 0.8], [0.74, 0.68], "C", [0.6, 0.72], [0.5, 0.71], [0.42, 0.68],
      "L", [0.4, 0.82], [0.4, 1], [0.3, 1], [0.3, 0.8], [0.26, 0.62], "C", [0.2, 0.52], [0.2, 0.4], [0.2, 0.28],
      "L", [0.1, 0.33], "C", [0.04, 0.35], [0, 0.32], [0, 0.28], "L", [0.12, 0.1], [0.17, 0.07], "Z",
    ];
    return [svg("path", { d: placed(box)(body) })];
  },
};
const VERDICTS = [ANSWERS.UNTOUCHED, ANSWERS.SUPPRESSED, ANSWERS.DECAYED, ANSWERS.MERGED];

/**
 * @typedef {object} Data what pages/nms sends
 * @property {Uint8Array} payload `pack_trace`
 * @property {import("../shared/stage.js").StageSpec} stage the candidates, where they can be edited
 * @property {import("../shared/stepper.js").StepSpec} stepper
 * @property {"pick" | "comparison"} pace what one step is
 * @property {boolean} predict whether each comparison is asked before it is shown
 * @property {number[][]} targets true boxes
 * @property {[string, number[]][]} sketches who is drawn, a person, a rider or a horse, and in which box; the one in front first
 * @property {number[]} named boxes that the words beside the picture speak of: their numbers stand on them
 * @property {number[]} lost those of them that no kept box finds
 * @property {Record<string, string>} labels names by number
 * @property {any} colors by state, and the matrix's `scale`
 * @property {boolean} presenter
 * @property {any} text
 */

/** Of a list of cards one is on the way of the Tab key; up and down go to the others. */
function rove(list, card) {
  for (const each of list.querySelectorAll("button[data-box]")) each.tabIndex = each === card ? 0 : -1;
}

class View {
  constructor(channel) {
    this.channel = channel;
    this.stage = new Stage(channel);
    for (const name of ["targets", "overlap"]) this.stage.layer(name); // from below to above
    this.transport = new Transport(channel);
    this.answers = new Map();
    this.build();
    this.stage.onSelect = (id) => this.data?.stage.mode === "select" && id !== null && this.jump(Number(id));
    this.stage.onFrame = () => this.drawOverlay();
    this.stage.onResize = () => this.drawOverlay();
    this.transport.onStep = (step, { playing }) => this.show(step, playing);
  }

  build() {
    const style = html("style");
    style.textContent = own;
    this.decision = html("p", { class: "decision" });
    this.question = html("p", { class: "question" });
    this.buttons = Object.fromEntries(
      Object.values(ANSWERS).map((name) => [name, html("button", { type: "button", class: "answer", "data-answer": name })]),
    );
    this.tally = html("output", { class: "tally" });
    this.verdictLine = html("p", { class: "verdict", "aria-live": "assertive" });
    this.predict = html(
      "div",
      { class: "predict" },
      this.question,
      html("div", { class: "answers" }, ...Object.values(this.buttons)),
      this.verdictLine,
      this.tally,
    );
    this.queueTitle = html("h3");
    this.queue = html("ol", { class: "cards" });
    this.doneTitle = html("h3");
    this.kept = html("ol", { class: "cards kept" });
    this.matrixTitle = html("h3");
    this.canvas = html("canvas", { class: "cells" });
    this.cursor = svg("svg", { class: "cursor", "aria-hidden": "true", preserveAspectRatio: "none" });
    this.matrixBox = html("div", { class: "matrix", role: "img", tabindex: "0" }, this.canvas, this.cursor);
    this.matrixNote = html("output", { class: "note" });
    this.curveTitle = html("h3");
    this.curve = svg("svg", { class: "curve", viewBox: "-34 -12 260 158", role: "img" });
    this.element = html(
      "div",
      { class: "g2b nms" },
      style,
      html(
        "div",
        { class: "layout" },
        html("div", { class: "picture" }, this.stage.element, this.transport.element),
        html(
          "div",
          { class: "side" },
          html("section", { class: "now", "data-mark": "decision" }, this.decision, this.predict),
          html("section", { class: "waiting", "data-mark": "queue" }, this.queueTitle, this.queue),
          html("section", { class: "keeping" }, this.doneTitle, this.kept),
          html("section", { class: "pairs" }, this.matrixTitle, this.matrixBox, this.matrixNote),
          html("section", { class: "decay" }, this.curveTitle, this.curve),
        ),
      ),
    );
    for (const [name, button] of Object.entries(this.buttons)) button.addEventListener("click", () => this.answer(name));
    this.element.addEventListener("keydown", (event) => this.key(event));
    for (const list of [this.queue, this.kept]) {
      list.addEventListener("click", (event) => {
        const card = event.target.closest("button[data-box]");
        if (card) this.jump(Number(card.dataset.box));
      });
      list.addEventListener("focusin", (event) => rove(list, event.target));
      list.addEventListener("keydown", (event) => {
        const cards = [...list.querySelectorAll("button[data-box]")];
        const to = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        const next = to && cards[cards.indexOf(event.target) + to];
        if (!to) return;
        event.preventDefault(); // Left, right, Home and End go on stepping
        next?.focus();
      });
    }
    this.matrixBox.addEventListener("pointermove", (event) => this.readCell(event));
    this.matrixBox.addEventListener("pointerleave", () => (this.matrixNote.textContent = ""));
  }

  // ---- what Python sends ------------------------------------------------------------------------------------------------

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.text = data.text;
    const fresh = data.payload !== this.bytes;
    if (fresh) {
      this.bytes = data.payload;
      this.trace = new Trace(data.payload);
      this.now = null; // a position of the old trace may not exist in this one
      this.answers = new Map();
      // Hundreds of waiting boxes must not hide the picture, nor the two in question.
      this.dim = Math.max(0.1, Math.min(0.5, 100 / this.trace.numBoxes));
      this.element.style.setProperty("--dim", String(this.dim));
      this.marks = new Map();
    }
    const spec = JSON.stringify([data.stage, data.targets, data.sketches, data.labels, data.colors, data.text.tip]);
    if (fresh || spec !== this.spec) {
      this.spec = spec;
      const boxes = data.stage.mode === "select" ? this.makeBoxes() : data.stage.boxes;
      this.stage.update({ ...data.stage, boxes });
      this.drawSketches();
      this.drawTargets();
      this.drawMatrix();
      this.drawCurve();
    }
    this.writeText();
    for (const name of ["kept", "out", "current", "waiting", "compared", "error"])
      this.element.style.setProperty(`--${name}`, data.colors[name]);
    this.redraw = true;
    this.transport.update({ ...data.stepper, presenter: data.presenter });
    if (this.redraw) this.show(this.transport.step, false);
  }

  makeBoxes() {
    const { trace, data } = this;
    return [...trace.scores].map((score, index) => ({
      id: String(index),
      xyxy: trace.box(index),
      label: trace.numBoxes <= FEW ? String(index) : "",
      color: data.colors.waiting,
      fill: false,
      detail: this.tip(index, score),
    }));
  }

  tip(index, score) {
    const { trace, text } = this;
    const values = {
      id: index,
      score: score.toFixed(3),
      label: this.data.labels[trace.labels[index]] ?? "",
      by: trace.by[index],
      after: trace.after[index].toFixed(3),
    };
    const fate = trace.rank[index] === trace.numBoxes ? text.tip.low : trace.by[index] >= 0 ? text.tip.removed : text.tip.kept;
    return say(`${text.tip.box}\n${fate}`, values);
  }

  writeText() {
    const { text } = this;
    const answers = this.trace.method === "fusion" ? ["keep", "merge"] : ["keep", "suppress", "decay"];
    for (const [name, button] of Object.entries(this.buttons)) {
      button.textContent = text.answers[name];
      button.hidden = !answers.includes(name);
      put(button, "aria-keyshortcuts", text.keys[name]);
      put(button, "title", `${text.answers[name]} (${text.keys[name]})`);
    }
    this.predict.hidden = !this.data.predict;
    this.matrixTitle.textContent = say(this.trace.matrix_complete ? text.matrix : text.matrix_part, {
      count: Math.sqrt(this.trace.matrix.length),
    });
    this.curveTitle.textContent = text.curve;
  }

  // ---- one position -------------------------------------------------------------------------------------------------------

  /** What a position of the transport means: how many operations are done, and which one it is about. */
  position(at) {
    const now = this.trace.position(at, this.data.pace);
    // A comparison that is still to be predicted is not done yet.
    const open = this.data.predict && now.phase === "compare" && !this.answers.has(at - 1);
    return open ? { ...now, open, count: at - 1 } : { ...now, open: false };
  }

  show(at, playing) {
    if (!this.trace || !this.data) return;
    this.redraw = false;
    const now = this.position(at);
    this.now = now;
    this.trace.seek(now.count);
    const words = this.sentence(now);
    this.decision.textContent = words;
    this.transport.caption(words);
    this.drawMarks();
    this.drawOverlay();
    this.drawLost();
    this.drawCards();
    this.drawCursor();
    this.drawPoint();
    this.showQuestion();
    this.element.dataset.position = String(at);
    this.element.dataset.phase = now.phase;
    if (now.open && playing) this.transport.pause();
  }

  /** Goes to the operation that decided a box. */
  jump(box) {
    const op = this.trace.decidedOp[box];
    if (op < 0) return;
    this.transport.pause();
    this.transport.go(this.data.pace === "pick" ? this.trace.stepOf(op) + 1 : op + 1);
  }

  sentence(now) {
    const { trace, text } = this;
    const words = text.say;
    const digits = (value) => value.toFixed(3);
    if (now.phase === "start") {
      const low = trace.numBoxes - trace.order.length;
      const cut = trace.complete ? "" : words.incomplete;
      return [say(words.start, { count: trace.order.length }), low ? say(words.low, { count: low, floor: trace.score_threshold }) : "", cut]
        .filter(Boolean)
        .join(" ");
    }
    if (now.phase === "end") {
      const { targets, lost } = this.data;
      const counts = { kept: trace.keep.length, removed: trace.order.length - trace.keep.length };
      const objects = targets.length ? say(lost.length ? words.lost : words.all_found, { lost: lost.length, count: targets.length }) : "";
      return `${say(words.end, counts)} ${objects}`.trim();
    }
    const { step, pick } = now;
    const touching = trace.start[step + 1] - trace.start[step];
    const values = { step: step + 1, pick, score: digits(trace.scores[pick]), compared: trace.compared[step], touching };
    if (now.phase === "pick" || now.phase === "step") {
      values.score = digits(trace.scoreWhenPicked(step));
      const first = say(words.pick, values);
      if (now.phase === "pick") return first;
      const counts = { untouched: 0, suppressed: 0, decayed: 0, merged: 0 };
      for (let event = trace.start[step]; event < trace.start[step + 1]; event++)
        counts[["untouched", "suppressed", "decayed", "merged"][trace.verdict[event]]]++;
      if (trace.method === "matrix" || trace.method === "fusion") {
        const last = trace.decider(step);
        return last < 0 ? `${first} ${words.alone}` : `${first} ${this.verdictWords(trace.op(last))}`;
      }
      return `${first} ${say(words.effect, counts)}`;
    }
    return now.open ? say(words.question, { pick, other: now.other }) : this.verdictWords(now);
  }

  verdictWords({ event, pick, other, target }) {
    const { trace, text } = this;
    const before = trace.before[event];
    const after = trace.changed[event];
    const values = {
      pick,
      other,
      target,
      iou: trace.iou[event].toFixed(3),
      overlap: trace.overlap[event].toFixed(3),
      threshold: trace.iou_threshold,
      floor: trace.score_threshold,
      before: before.toFixed(3),
      after: after.toFixed(3),
      factor: (before ? after / before : 1).toFixed(3),
    };
    return say(text.say[VERDICTS[trace.verdict[event]]], values);
  }

  // ---- predict, then reveal -----------------------------------------------------------------------------------------------

  key(event) {
    if (!this.now?.open || event.ctrlKey || event.metaKey || event.altKey) return;
    const name = Object.keys(this.buttons).find(
      (answer) => this.text.keys[answer] === event.key.toLowerCase() && !this.buttons[answer].hidden,
    );
    if (!name) return;
    event.preventDefault();
    this.answer(name);
  }

  answer(name) {
    if (!this.now?.open) return;
    const op = this.transport.step - 1;
    const truth = VERDICTS[this.trace.verdict[this.now.event]];
    this.answers.set(op, name);
    const right = name === truth;
    this.show(this.transport.step, false);
    const words = this.verdictWords(this.trace.op(op));
    this.verdictLine.textContent = say(right ? this.text.say.right : this.text.say.wrong, { truth: this.text.answers[truth], why: words });
    this.verdictLine.dataset.right = String(right);
    this.channel.set({ predicted: { version: this.data.stepper.version, ...this.count() } });
  }

  count() {
    const foreseen = new Map(); // who always says the same foresees one outcome only
    for (const [op, name] of this.answers)
      if (name === VERDICTS[this.trace.verdict[this.trace.op(op).event]]) foreseen.set(name, (foreseen.get(name) ?? 0) + 1);
    const times = [...foreseen.values()];
    return {
      right: times.reduce((sum, count) => sum + count, 0),
      asked: this.answers.size,
      outcomes: times.filter((count) => count > 1).length,
    };
  }

  showQuestion() {
    if (!this.data.predict) return;
    const { open } = this.now;
    const { right, asked } = this.count();
    this.tally.textContent = say(this.text.say.tally, { right, asked });
    this.question.textContent = open ? this.text.say.choose : this.text.say.go_on;
    for (const button of Object.values(this.buttons)) button.disabled = !open;
    if (open) {
      this.verdictLine.textContent = "";
      delete this.verdictLine.dataset.right;
    }
  }

  // ---- the stage ----------------------------------------------------------------------------------------------------------

  ids() {
    return this.data.stage.mode === "select" ? null : this.data.stage.boxes.map((box) => box.id);
  }

  drawMarks() {
    const { trace, now } = this;
    const few = trace.numBoxes <= FEW;
    const ids = this.ids();
    const marks = {};
    for (let box = 0; box < trace.numBoxes; box++) {
      const status = trace.status[box];
      const current = box === now.pick;
      const compared = box === now.other;
      let look;
      if (current) look = "current";
      else if (compared && now.phase === "compare") look = "compared";
      else if (status === KEPT) look = "kept";
      else if (status === OUT || status === LOW) look = "out";
      else if (!few && trace.numBoxes > MOST_SHADED) continue;
      else look = "";
      // The two boxes in question are named by drawNames, at opposite corners: they overlap, and their names must not.
      const named =
        (few && look !== "current" && look !== "compared") || (look === "kept" && trace.numBoxes <= 60 && trace.score[box] >= 0.5);
      const label = !named ? "" : status === OUT ? String(box) : `${box} · ${trace.score[box].toFixed(2)}`;
      marks[ids ? ids[box] : box] = this.look(look, label, status, trace.score[box]);
    }
    this.stage.mark(marks);
  }

  /** One object per look, shared and kept, so that the stage touches only boxes whose look is another. */
  look(state, label, status, score) {
    const faint = state === "" && this.trace.numBoxes > FEW; // the surer, the stronger
    const key = `${state}/${label}/${status}/${faint ? Math.round(10 * score) : ""}`;
    let mark = this.marks.get(key);
    if (!mark) {
      const { colors } = this.data;
      const color = { current: colors.current, compared: colors.compared, kept: colors.kept, out: colors.out }[state] ?? colors.waiting;
      mark = { color, state };
      if (label || state) mark.label = label;
      if (faint) mark.opacity = 0.2 + 0.08 * Math.round(10 * score);
      if (state === "out") mark.opacity = this.trace.numBoxes > 200 ? this.dim / 2 : status === LOW ? 0.25 : 0.5;
      this.marks.set(key, mark);
    }
    return mark;
  }

  corners(box) {
    const ids = this.ids();
    if (!ids) return this.trace.box(box);
    return this.stage.boxes.find(({ id }) => id === ids[box])?.xyxy ?? this.trace.box(box);
  }

  /** Sketches who is in a generated picture; who is behind is drawn first, and lighter. */
  drawSketches() {
    const layer = this.stage.layer("sketches", { under: true });
    const { sketches } = this.data;
    const meets = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
    const drawn = sketches.map(([kind, box], place) => {
      const behind = sketches.slice(0, place).some(([, other]) => meets(box, other));
      return svg("g", { class: behind ? "sketch behind" : "sketch" }, ...SKETCHES[kind](box));
    });
    layer.replaceChildren(...drawn.reverse());
  }

  drawTargets() {
    const layer = this.stage.layer("targets"); // over the candidates, which would hide them
    layer.replaceChildren();
    for (const [x1, y1, x2, y2] of this.data.targets) {
      const at = { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
      layer.append(svg("g", { class: "target" }, svg("rect", { ...at, class: "halo" }), svg("rect", { ...at, class: "dots" })));
    }
  }

  /** At the end the objects that nothing found are red. */
  drawLost() {
    const over = this.now.phase === "end";
    [...this.stage.layer("targets").children].forEach((target, index) =>
      target.classList.toggle("lost", over && this.data.lost.includes(index)),
    );
  }

  /** What two boxes share, and the fused boxes where boxes are fused. */
  drawOverlay() {
    const layer = this.stage.layer("overlap");
    layer.replaceChildren();
    const { now, trace } = this;
    if (!now || !trace) return;
    if (trace.method === "fusion") this.drawFused(layer);
    this.drawNames(layer);
    if (now.phase !== "compare") return;
    const other = trace.method === "fusion" ? this.fused.get(now.other) : this.corners(now.other);
    const [a, b] = [this.corners(now.pick), other ?? this.corners(now.other)];
    const [x1, y1, x2, y2] = [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
    if (x2 <= x1 || y2 <= y1) return;
    layer.append(svg("rect", { x: x1, y: y1, width: x2 - x1, height: y2 - y1, class: "shared" }));
    if (now.open) return;
    const words = svg("text", { x: (x1 + x2) / 2, y: (y1 + y2) / 2, class: "iou" });
    words.textContent = `IoU ${trace.iou[now.event].toFixed(3)}`;
    layer.append(words);
  }

  drawNames(layer) {
    const { now } = this;
    const { unit, width, height } = this.stage;
    const name = (box, x, y, side) => {
      const inside = (value, limit) => Math.max(4 * unit, Math.min(value, limit));
      const text = svg("text", { x: inside(x, width - 4 * unit), y: inside(y, height - 5 * unit), class: `name ${side}` });
      text.textContent = String(box);
      layer.append(text);
    };
    const outline = ([x1, y1, x2, y2], side) =>
      layer.append(svg("rect", { x: x1, y: y1, width: x2 - x1, height: y2 - y1, class: `outline ${side}` }));
    if (now.pick !== undefined) {
      const [, y1, x2] = this.corners(now.pick); // kept boxes carry their label at the left
      outline(this.corners(now.pick), "current"); // above all other boxes, however many there are
      name(now.pick, x2, Math.max(y1 - 6 * unit, 14 * unit), "current");
    }
    for (const box of this.data.named) {
      if (box === now.pick || box === now.other || !(box < this.trace.numBoxes)) continue;
      const [, , x2, y2] = this.corners(box);
      if (now.phase !== "end") outline(this.corners(box), "named");
      name(box, x2, y2 + 16 * unit, "named");
    }
    if (now.phase === "compare") {
      const [, , x2, y2] = this.corners(now.other);
      outline(this.corners(now.other), "compared");
      name(now.other, x2, y2 + 16 * unit, "compared");
    }
  }

  drawFused(layer) {
    const { trace, now } = this;
    const until = now.phase === "start" ? 0 : now.phase === "end" ? trace.numSteps : now.step + (now.phase === "step" ? 1 : 0);
    this.fused = new Map();
    for (let step = 0; step < until; step++) {
      const box = trace.picks[step];
      this.fused.set(trace.by[box] >= 0 ? trace.by[box] : box, [...trace.fused.subarray(4 * step, 4 * step + 4)]);
    }
    for (const [x1, y1, x2, y2] of this.fused.values())
      layer.append(svg("rect", { x: x1, y: y1, width: x2 - x1, height: y2 - y1, class: "fused" }));
  }

  // ---- cards --------------------------------------------------------------------------------------------------------------

  drawCards() {
    const { trace, now, text } = this;
    const waiting = [];
    const kept = [];
    for (const box of trace.order) {
      if (trace.status[box] === WAITING) waiting.push(box);
      else if (trace.status[box] === KEPT && box !== now.pick) kept.push(box);
    }
    const byScore = (a, b) => trace.score[b] - trace.score[a] || trace.rank[a] - trace.rank[b];
    waiting.sort(byScore);
    kept.sort(byScore);
    // The box just compared stays in sight at the head of what follows, also when it was removed a moment ago.
    const focus = now.phase === "compare" ? now.other : -1;
    const first = waiting.slice(0, MOST_CARDS);
    if (focus >= 0 && !first.includes(focus)) first.unshift(focus);
    if (now.pick !== undefined) first.unshift(now.pick);
    const out = trace.order.length - waiting.length - kept.length - (now.pick !== undefined && trace.status[now.pick] === KEPT ? 1 : 0);
    this.queueTitle.textContent = say(text.queue, { count: waiting.length });
    this.doneTitle.textContent = say(text.kept, {
      kept: kept.length + (now.pick !== undefined && trace.status[now.pick] === KEPT ? 1 : 0),
      removed: out,
    });
    this.fillCards(this.queue, first, waiting.length - MOST_CARDS);
    this.fillCards(this.kept, kept.slice(0, MOST_CARDS), kept.length - MOST_CARDS);
    const active = this.queue.querySelector(".card.compared") ?? this.queue.firstElementChild;
    if (active) this.queue.scrollTop = Math.max(0, active.offsetTop - this.queue.offsetTop - 60);
  }

  fillCards(list, boxes, more) {
    const { trace, now, text } = this;
    while (list.children.length > boxes.length + (more > 0 ? 1 : 0)) list.lastElementChild.remove();
    boxes.forEach((box, place) => {
      let item = list.children[place];
      if (!item?.card) {
        const bar = html("span", { class: "bar" });
        const name = html("span", { class: "name" });
        const score = html("span", { class: "score" });
        const fate = html("span", { class: "fate" });
        const fresh = html("li", {}, html("button", { type: "button", class: "card" }, bar, name, score, fate));
        fresh.card = { bar, name, score, fate, button: fresh.firstChild };
        if (item) item.replaceWith(fresh);
        else list.append(fresh);
        item = fresh;
      }
      const { bar, name, score, fate, button } = item.card;
      const role =
        box === now.pick ? "current" : now.phase === "compare" && box === now.other ? "compared" : trace.status[box] === KEPT ? "kept" : "";
      const gone = trace.status[box] === OUT;
      put(button, "class", `card ${role} ${gone ? "gone" : ""}`);
      put(button, "data-box", box);
      bar.style.width = `${100 * trace.score[box]}%`;
      const label = Object.keys(this.data.labels).length > 1 ? ` ${this.data.labels[trace.labels[box]]}` : "";
      name.textContent = `${box}${label}`;
      const changed = Math.abs(trace.score[box] - trace.scores[box]) > 5e-4 && !gone;
      score.textContent = changed ? `${trace.scores[box].toFixed(2)} → ${trace.score[box].toFixed(2)}` : trace.scores[box].toFixed(2);
      fate.textContent = role === "current" ? text.in_hand : gone ? text.gone : role === "compared" ? text.compared : "";
    });
    const cards = [...list.querySelectorAll("button[data-box]")];
    rove(list, cards.find((card) => card.tabIndex === 0) ?? cards[0]);
    if (more > 0) {
      const last = list.children[boxes.length];
      const words = say(text.more, { count: more });
      if (last && !last.card) last.textContent = words;
      else if (last) last.replaceWith(html("li", { class: "more" }, words));
      else list.append(html("li", { class: "more" }, words));
    }
  }

  // ---- the matrix and the curve ------------------------------------------------------------------------------------------

  drawMatrix() {
    const { matrix, order } = this.trace;
    const size = Math.round(Math.sqrt(matrix.length));
    this.size = size;
    this.place = new Map([...order.subarray(0, size)].map((box, place) => [box, place]));
    this.matrixBox.parentElement.hidden = size === 0;
    if (!size) return;
    const scale = this.data.colors.scale.map(parse);
    const cell = Math.max(1, Math.floor(480 / size)); // whole pixels a cell, so that the edges of cells stay sharp
    put(this.canvas, "width", size * cell);
    put(this.canvas, "height", size * cell);
    const context = this.canvas.getContext("2d");
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const value = Math.max(0, matrix[row * size + column]);
        const [red, green, blue] = scale[Math.round(value * (scale.length - 1))];
        context.fillStyle = `rgb(${red} ${green} ${blue})`;
        context.fillRect(column * cell, row * cell, cell, cell);
      }
    }
    put(this.cursor, "viewBox", `0 0 ${size} ${size}`);
  }

  drawCursor() {
    const { now, size } = this;
    this.cursor.replaceChildren();
    if (!size) return;
    const row = this.place.get(now.pick);
    if (row !== undefined) this.cursor.append(svg("rect", { x: 0, y: row, width: size, height: 1, class: "row" }));
    const column = now.phase === "compare" ? this.place.get(now.other) : undefined;
    if (column !== undefined) {
      this.cursor.append(svg("rect", { x: column, y: 0, width: 1, height: size, class: "column" }));
      if (row !== undefined) this.cursor.append(svg("rect", { x: column, y: row, width: 1, height: 1, class: "cell" }));
    }
    put(this.matrixBox, "aria-label", `${this.matrixTitle.textContent}. ${this.decision.textContent}`);
  }

  readCell(event) {
    const seen = this.matrixBox.getBoundingClientRect();
    const column = Math.floor(((event.clientX - seen.left) / seen.width) * this.size);
    const row = Math.floor(((event.clientY - seen.top) / seen.height) * this.size);
    if (row < 0 || column < 0 || row >= this.size || column >= this.size) return;
    const [a, b] = [this.trace.order[row], this.trace.order[column]];
    this.matrixNote.textContent = say(this.text.cell, { a, b, value: this.trace.matrix[row * this.size + column].toFixed(3) });
  }

  drawCurve() {
    const { curve_x: x, curve_y: y, iou_threshold: threshold, method } = this.trace;
    const at = (u, v) => `${(u * 210).toFixed(1)} ${((1 - v) * 110).toFixed(1)}`;
    let path = "";
    for (let index = 0; index < x.length; index++) path += `${index ? "L" : "M"}${at(x[index], y[index])}`;
    const label = (u, v, words, anchor) => {
      const text = svg("text", { x: u, y: v, "text-anchor": anchor });
      text.textContent = words;
      return text;
    };
    this.point = svg("circle", { r: 5, class: "point" });
    this.drop = svg("path", { class: "drop" });
    const usesThreshold = method !== "soft_gaussian" && method !== "matrix";
    const axis = method === "diou" ? "IoU − ρ²/c²" : "IoU";
    this.curve.replaceChildren(
      svg("path", { d: "M0 0V110H210", class: "axis" }),
      ...(usesThreshold ? [svg("path", { d: `M${threshold * 210} 0V110`, class: "threshold" })] : []),
      svg("path", { d: path, class: "line" }),
      this.drop,
      this.point,
      label(-5, 4, "1", "end"),
      label(-5, 114, "0", "end"),
      label(0, 126, "0", "middle"),
      label(210, 126, "1", "middle"),
      label(105, 140, axis, "middle"),
      label(-5, 59, "×", "end"),
    );
  }

  drawPoint() {
    const { now, trace } = this;
    const shown = now.phase === "compare" && !now.open;
    this.point.style.display = this.drop.style.display = shown ? "" : "none";
    if (shown) {
      const overlap = Math.max(0, Math.min(1, trace.overlap[now.event]));
      // The curve was sampled in torch; the point stands on its nearest sample.
      const value = trace.curve_y[Math.round(overlap * (trace.curve_y.length - 1))];
      const height =
        trace.method === "fusion" || trace.method === "matrix" || !trace.before[now.event]
          ? value
          : trace.changed[now.event] / trace.before[now.event];
      put(this.point, "cx", overlap * 210);
      put(this.point, "cy", (1 - height) * 110);
      put(this.drop, "d", `M${overlap * 210} 110V${(1 - height) * 110}H0`);
    }
    put(this.curve, "aria-label", `${this.curveTitle.textContent}. ${shown ? this.decision.textContent : ""}`);
  }

  destroy() {
    this.transport.destroy();
    this.stage.destroy();
  }
}

export default (component) => live(component, (channel) => new View(channel));
