// The program's pane: the editor, its Run button, the arrow of the present line, and each line's values beside it.

import { html, put, say } from "../shared/dom.js";
import { CodeEditor } from "../shared/editor.js";
import { ChartsPane } from "./charts.js";
import { brief, shapeOf } from "./matrix.js";
import { ShortWay } from "./shortway.js";

const LIVE_AFTER = 30; // ms without another change while a number is dragged
const LIVE_AT_LATEST = 120; // ms that it moves on without being followed
const MOST_BESIDE = 48; // characters behind a line

/** What fits behind a line: one or two numbers, else the shape. */
const short = (array) => (array.data.length > 2 || array.truncated ? shapeOf(array.shape) : brief(array));

export class ProgramPane {
  /**
   * @param {import("../shared/live.js").Channel} channel
   * @param {{onLine: (line: number) => void, onAnswer: (packed: Uint8Array) => void, alongside: () => any}} events
   *     `onAnswer` takes a trace that came by the short way; `alongside` gives what else the page is to be told with a program
   */
  constructor(channel, events) {
    this.channel = channel;
    this.events = events;
    /** @type {(() => void) | null} */
    this.onRun = null;
    this.runs = channel.state.program?.run ?? 0;
    this.editor = new CodeEditor({
      onRun: () => this.run(),
      onEdit: () => this.edited(),
      onHand: () => this.runsWith && this.short.open(),
      onNumber: (done) => this.numberMoved(done),
    });
    this.short = new ShortWay(
      (question, packed) => this.answered(question, packed),
      () => this.unsaid && this.tell(),
    );
    this.unsaid = false; // whether a number was moved and the page has not been told
    this.released = true;
    this.moves = 0;
    this.editor.soon(() => this.editor.editor.on("guttermousedown", (event) => events.onLine(event.getDocumentPosition().row + 1)));
    this.button = html("button", { type: "button", class: "run" });
    this.button.addEventListener("click", () => this.run());
    this.status = html("span", { class: "status", role: "status" });
    this.head = html("div", { class: "program-head" }, this.button, this.status);
    this.help = html("p", { class: "help" });
    this.printed = html("pre", { class: "printed", hidden: true });
    this.charts = new ChartsPane();
    this.output = html("div", { class: "output" }, this.printed, this.charts.list);
    this.fault = html("div", { class: "fault", role: "alert", hidden: true });
    this.parts = [this.head, this.editor.element, this.fault, this.output, this.help, this.charts.dialog];
  }

  destroy() {
    clearTimeout(this.timer);
    this.short.close();
    this.charts.destroy();
    this.editor.destroy();
  }

  /** @param {any} data what traced_graph sends: `program` {source, version, readOnly}, `text`, `presenter`, `look` of charts, `runs` */
  update({ program, text, presenter, look, laboratory, runs }) {
    this.runsWith = runs ?? null;
    this.text = text;
    this.look = look;
    this.editor.wraps = laboratory === false;
    this.editor.attached();
    const spec = program ?? { source: null, version: null, readOnly: true };
    this.button.hidden = this.help.hidden = spec.readOnly;
    this.button.textContent = text.run;
    put(this.button, "title", text.run_title);
    this.help.textContent = text.editor_help;
    this.editor.configure({ label: text.editor, readOnly: spec.readOnly, big: presenter });
    if (spec.source !== null && (spec.version !== this.version || this.shown === undefined)) {
      this.version = spec.version;
      this.editor.value = spec.source;
    }
    this.shown = spec;
    this.paintStatus();
  }

  /** A trace has come. @param {any} trace */
  take(trace) {
    this.trace = trace;
    this.charts.take(trace, this.look, this.text);
    if (this.shown === undefined || this.shown.source === null) this.editor.value = trace.source;
    this.paintStatus();
  }

  get isStale() {
    return Boolean(this.trace) && this.editor.value !== this.trace.source;
  }

  run() {
    if (this.shown?.readOnly) return;
    this.runs += 1;
    this.tell();
    this.onRun?.();
  }

  /** A number was moved, or let go: the picture follows by the short way, the page once the hand is off and the picture stands. */
  numberMoved(done) {
    clearTimeout(this.timer);
    this.moves += 1;
    this.unsaid = true;
    this.released = done;
    if (done) return this.follow();
    const now = performance.now();
    this.movedAt ??= now;
    this.timer = setTimeout(() => this.follow(), Math.max(0, Math.min(LIVE_AFTER, this.movedAt + LIVE_AT_LATEST - now)));
  }

  follow() {
    this.movedAt = undefined;
    const source = this.editor.value;
    if (!this.isStale) this.followed(source);
    else if (!this.runsWith || !this.short.isThere) this.tell();
    else if (this.short.newest?.source !== source) this.short.ask({ ...this.runsWith, source }, this.released);
    else if (this.released) this.short.hurry(); // it was asked while the hand was still on it
  }

  answered({ source }, packed) {
    const isLast = source === this.editor.value;
    if (!this.unsaid || (!isLast && !this.editor.dragging)) return;
    this.events.onAnswer(packed);
    if (isLast) this.followed(source);
  }

  /** The page is told what the picture shows once that was painted, so that its own work comes after. */
  followed(source) {
    if (!this.released) return;
    const { program } = this.channel.state;
    if (program?.source === source && program.version === this.version) {
      this.unsaid = false; // it was told before
      return;
    }
    const { moves } = this; // what is moved meanwhile is answered and told by itself
    requestAnimationFrame(() => {
      if (this.moves !== moves) return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.unsaid && this.moves === moves && this.tell(source));
    });
  }

  tell(source = this.editor.value) {
    clearTimeout(this.timer);
    this.unsaid = false;
    this.short.forget();
    this.channel.set({ ...this.events.alongside(), program: { source, version: this.version, run: this.runs } });
    this.paintStatus();
  }

  /** Whether what the page says is older than what the editor holds. @param {any} said what the page had heard by then @param {any} trace */
  isAheadOf(said, trace) {
    if (!this.runsWith || trace.source === this.editor.value) return false;
    return this.unsaid || said?.program?.source !== this.channel.state.program?.source;
  }

  edited() {
    this.editor.mark([]);
    this.editor.say(new Map());
    this.paintStatus();
  }

  paintStatus() {
    const stale = this.isStale;
    this.button.classList.toggle("primary", stale);
    this.status.textContent = stale ? this.text?.edited : "";
  }

  /**
   * Shows a moment: arrow, values, output and the error.
   *
   * @param {any} state of Trace.at
   * @param {Set<number>} selected lines
   */
  paint(state, selected) {
    this.printed.hidden = !state.printed;
    if (this.printed.textContent !== state.printed) this.printed.textContent = state.printed;
    const hasCharts = this.charts.paint(state.position);
    this.output.classList.toggle("charted", hasCharts);
    this.output.hidden = !state.printed && !hasCharts;
    this.paintFault(state.error);
    if (this.isStale) return;
    const { trace } = this;
    const visited = state.visit === null ? null : trace.nodes[trace.visits[state.visit].node].line;
    const marks = [];
    if (state.line) {
      const className = state.error ? "failed" : state.visit === null ? "now" : "calling";
      marks.push({
        row: state.line - 1,
        endRow: state.error ? state.line - 1 : (state.step?.end_line ?? state.line) - 1,
        className,
        arrow: true,
      });
    }
    if (visited && visited !== state.line) marks.push({ row: visited - 1, className: "visited" });
    for (const line of selected) marks.push({ row: line - 1, className: "selected" });
    if (state.error) {
      const { line, column, end_column: end } = state.error;
      marks.push({ row: line - 1, from: column - 1, to: Math.max(column, end - 1), className: "fault-place" });
    }
    this.editor.mark(marks);
    this.editor.say(this.valuesBeside(state));
    if (state.line) this.editor.reveal((visited ?? state.line) - 1);
  }

  /** What each line left behind so far: the newest value, and the gradient that has reached it. */
  valuesBeside(state) {
    const { trace } = this;
    const words = new Map(); // row -> name -> value
    const before = new Map(); // name -> its last value: a line that only brought a gradient says nothing of it
    for (let index = 0; index <= Math.min(state.position, trace.steps.length - 1); index++) {
      const step = trace.steps[index];
      if (step.kind === "visit") continue;
      const named = new Map();
      for (const id of step.changed) {
        const tensor = trace.tensors[id];
        if (before.get(tensor.name) !== tensor.value) named.set(tensor.name, tensor);
        before.set(tensor.name, tensor.value);
      }
      words.set(step.line - 1, { named, note: step.note });
    }
    const rows = new Map();
    for (const [row, { named, note }] of words) {
      const parts = [];
      let length = 0;
      for (const [name, tensor] of named) {
        const array = trace.array(tensor.value);
        const words = short(array);
        const value = named.size > 1 ? `${name} = ${words}` : words;
        length += value.length;
        if (length > MOST_BESIDE && parts.length) break;
        parts.push(html("span", { class: "value", title: name }, value));
      }
      if (!parts.length && note) parts.push(html("span", { class: "note" }, note.slice(0, MOST_BESIDE)));
      if (parts.length) rows.set(row, parts);
    }
    for (const visit of state.lastVisit.values()) {
      const { node, upstream, accumulation } = trace.visits[visit];
      const gradient = accumulation ? accumulation.after : upstream.find((value) => value !== null);
      const { variable, line } = trace.nodes[node];
      const parts = rows.get(line - 1);
      if (variable && parts && gradient !== null && gradient !== undefined)
        parts.push(html("span", { class: "gradient" }, `∇ ${short(trace.array(gradient))}`));
    }
    return rows;
  }

  paintFault(error) {
    if (this.faultOf === error) return;
    this.faultOf = error;
    this.fault.hidden = !error;
    if (!error) return this.fault.replaceChildren();
    const parts = [html("strong", {}, say(this.text.line_title, { line: error.line })), ` ${error.text ?? error.message?.template ?? ""}`];
    const body = [html("p", { class: "message" }, ...parts)];
    // Our own sentences name the nearest word themselves.
    if (error.suggestion && !(error.text ?? "").includes(error.suggestion))
      body.push(html("p", {}, say(this.text.suggestion, { word: error.suggestion })));
    if (error.explanation_text) body.push(html("p", {}, error.explanation_text));
    this.fault.replaceChildren(...body);
  }
}
