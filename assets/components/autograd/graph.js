// A traced program: its lines, its graph as it grows, the gradients as they flow back, its tensors; one stepper moves all of them.
//
// The trace comes once; every step is looked up in it. Selecting a line, a node or a tensor selects what belongs to it in the
// other two.

import { parseJson } from "../shared/bytes.js";
import { html, put, say, stylesheet } from "../shared/dom.js";
import { live, mediaUrl } from "../shared/live.js";
import { Transport } from "../shared/stepper.js";
import { GraphCanvas } from "./canvas.js";
import { iterationsAt, stepOfIteration } from "./folds.js";
import { LoopBar } from "./loopbar.js";
import { brief, largest, matrix, shapeOf, spoken } from "./matrix.js";
import { ProgramPane } from "./program.js";
import { SlopePane } from "./slope.js";
import { Trace } from "./trace.js";

const base = await stylesheet(import.meta.url, "../shared/base.css");
/** Whether two messages are the same, byte for byte. @param {Uint8Array} one @param {Uint8Array | undefined} other */
const areEqual = (one, other) => one.length === other?.length && one.every((byte, index) => byte === other[index]);

const NO_SELECTION = { lines: new Set(), nodes: new Set(), names: new Set() };

export class TraceView {
  constructor(channel) {
    this.channel = channel;
    this.selection = NO_SELECTION;
    this.focusNode = null;
    /** @type {{source: string, name: string, index: number} | null} */
    this.slopeAsked = null;
    const style = html("style");
    style.textContent = base;
    this.transport = new Transport(channel, { name: "step" });
    this.transport.onStep = (step) => this.show(step);
    this.canvas = new GraphCanvas();
    this.canvas.onSelect = (id) => this.selectNode(id);
    this.canvas.onKey = (key) => {
      if (key !== "," && key !== ".") return false;
      this.transport.go(this.transport.step + (key === "." ? 1 : -1));
      return true;
    };
    this.program = new ProgramPane(channel, {
      onLine: (line) => this.trace && this.selectLine(line),
      onAnswer: (packed) => this.answer(packed),
      alongside: () => this.slopeWanted(),
    });
    this.program.onRun = () => {
      this.fromStart = true;
      if (!this.program.isStale) this.begin();
    };
    this.loops = new LoopBar(this.transport, (line, number) => this.openIteration(line, number));
    this.legend = html("p", { class: "legend" });
    this.ledger = html("div", { class: "ledger-body" });
    this.history = html("ol", { class: "history" });
    this.tensors = html("div", { class: "tensors-body" });
    this.titles = {};
    const part = (name, ...children) => html("section", { class: name }, (this.titles[name] = html("h3")), ...children);
    this.element = html(
      "div",
      { class: "g2b trace" },
      style,
      html("div", { class: "bar" }, this.transport.element, this.loops.element),
      html(
        "div",
        { class: "parts" },
        part("program", ...this.program.parts),
        part("picture", this.legend, this.canvas.element),
        html(
          "div",
          { class: "numbers" },
          part("ledger", this.ledger, this.history),
          (this.slope = new SlopePane()).element,
          part("tensors", this.tensors),
        ),
      ),
    );
  }

  destroy() {
    this.transport.destroy();
    this.canvas.destroy();
    this.program.destroy();
  }

  /**
   * @typedef {object} Data
   * @property {string} [slope] JSON, from vizcore.autograd.slope
   * @property {string} [words] URL of what the editor may complete
   * @property {boolean} [asks] whether a question about the program is open
   * @property {any} [look] colours and dashes of charts
   * @property {any} [said] what the page had heard
   * @property {{seed: number, opened: number, language: string}} [runs] with what the program runs beside its text
   * @property {boolean} [laboratory] whether it stands in the laboratory, with no lesson around it
   * @property {any} [program] what the editor holds; without it the program is only shown
   * @property {Uint8Array} payload the trace as JSON, see vizcore/autograd
   * @property {import("../shared/stepper.js").StepSpec} stepper
   * @property {Record<string, string>} colors
   * @property {Record<string, string>} text
   *
   * @param {Data} data
   */
  update(data) {
    if (this.isShown(data)) {
      this.program.editor.attached();
      this.slope.take(data.slope, this.channel.state.slope, this.text);
      return this.paintSlope();
    }
    this.text = data.text;
    for (const [name, color] of Object.entries(data.colors ?? {})) this.element.style.setProperty(`--${name}`, color);
    for (const [name, title] of Object.entries(this.titles)) title.textContent = data.text[name] ?? "";
    this.canvas.say(data.text);
    this.paintLegend();
    this.slope.take(data.slope, this.channel.state.slope, this.text);
    this.program.update(data);
    if (data.words && data.words !== this.wordsUrl) this.learnWords((this.wordsUrl = data.words));
    if (data.payload && data.payload !== this.payload) {
      this.payload = data.payload;
      if (!areEqual(data.payload, this.packed)) {
        const trace = new Trace(parseJson(data.payload));
        if (!this.program.isAheadOf(data.said, trace)) this.take(trace, data.payload);
      }
    } else if (this.language !== JSON.stringify(data.text) && this.trace) this.take(this.trace);
    this.language = JSON.stringify(data.text);
    if (!this.trace) return;
    this.loops.take(this.trace, data.text, Boolean(data.program));
    this.element.classList.toggle("laboratory", Boolean(data.laboratory));
    this.asks = Boolean(data.asks);
    this.transport.update({ ...data.stepper, numSteps: this.trace.length }); // which shows its step
    if (this.fromStart && !this.program.isStale) this.begin();
    if (this.wanted) this.goToWanted();
  }

  /** Whether the page says only what stands here already, its slope apart: it follows a number that came by the short way. */
  isShown(/** @type {any} */ { payload, said, slope, program, ...rest }) {
    const looks = JSON.stringify([rest, program?.version, program?.readOnly]);
    const isNews = looks !== this.told || !this.state || this.fromStart || this.wanted;
    this.told = looks;
    if (isNews || (payload !== this.payload && !areEqual(payload, this.packed))) return false;
    this.payload = payload;
    return true;
  }

  /** What a number in the hand makes of the program; the page is told when it rests. */
  answer(packed) {
    if (!this.trace) return;
    const trace = new Trace(parseJson(packed));
    this.take(trace, packed);
    this.loops.take(trace, this.text, true);
    const { spec, step } = this.transport;
    this.transport.update({ ...spec, numSteps: trace.length, step });
  }

  /** A program that was asked to run is shown from its first line, a faulty one at its fault, unless a question about it is open. */
  begin() {
    this.fromStart = false;
    this.transport.leap(this.trace.error && !this.asks ? this.trace.length - 1 : 0);
  }

  /** Runs the program once more with an iteration recorded whole, and goes there. */
  openIteration(line, number) {
    this.wanted = { line, number };
    this.channel.set({ opened: { iteration: number, version: this.program.version } });
  }

  /** An iteration that was asked for has come. */
  goToWanted() {
    const { line, number } = this.wanted;
    const isIt = (fold) => fold.line === line && fold.iterations.some((part) => part.number === number);
    const found = this.trace.folds.findIndex(isIt);
    if (found < 0) return;
    this.wanted = null;
    this.transport.leap(stepOfIteration(this.trace, found, number).step);
  }

  /** What the editor may complete; it can do without. */
  async learnWords(url) {
    try {
      this.program.editor.words = await (await fetch(mediaUrl(url))).json();
    } catch {
      this.wordsUrl = null;
    }
  }

  /** Takes a trace; where its graph is the one that is drawn, only its numbers are drawn anew. */
  take(trace, packed = this.packed) {
    if (this.trace && trace !== this.trace) trace.share(this.trace);
    this.packed = packed;
    this.trace = trace;
    this.spokenNodes = new Map();
    this.rows = [];
    this.history.replaceChildren();
    this.program.take(trace);
    this.state = null;
    const nodes = trace.nodes.map((node, id) => this.looks(node, id));
    const edges = trace.edges.map((edge, id) => {
      const around = trace.incoming[edge.target];
      return { source: edge.source, target: edge.target, slot: around.indexOf(id), slots: around.length };
    });
    const plan = JSON.stringify([nodes.map(({ value, ...look }) => [look, Boolean(value)]), edges]);
    if (plan === this.plan) return;
    this.plan = plan;
    this.selection = NO_SELECTION;
    this.focusNode = null;
    this.canvas.setGraph(nodes, edges);
  }

  looks(node, id) {
    const isLeaf = node.name.endsWith("AccumulateGrad");
    const shape = node.shape ? shapeOf(node.shape, this.text.scalar) : "";
    return {
      x: node.x ?? 0,
      y: node.y ?? id,
      title: isLeaf ? node.variable || this.text.leaf : node.name,
      subtitle: isLeaf ? `${node.name} ${shape}` : `${node.variable} ${shape}`.trim(),
      kind: `${isLeaf ? "leaf" : "operation"}${node.created_by_backward ? " second" : ""}`,
      value: this.trace.array(node.value),
    };
  }

  paintLegend() {
    const key = (name) => html("span", { class: `key ${name}` }, html("i", { "aria-hidden": "true" }), this.text[`legend_${name}`]);
    this.legend.replaceChildren(key("value"), key("gradient"), key("error"));
  }

  // ---- what belongs together --------------------------------------------------------------------------------------------

  selectNode(id) {
    const { trace, state } = this;
    const node = trace.nodes[id];
    const names = [...state.variables].filter(([, tensor]) => trace.tensors[tensor].node === id).map(([name]) => name);
    this.select({ lines: new Set([node.line]), nodes: new Set([id]), names: new Set(names) }, id);
  }

  selectLine(line) {
    const { trace, state } = this;
    const nodes = trace.nodes.map((_, id) => id).filter((id) => id < state.numNodes && trace.nodes[id].line === line);
    const made = (id) => trace.steps[trace.stepOfTensor.get(id)]?.line === line;
    const names = [...state.variables].filter(([, tensor]) => made(tensor)).map(([name]) => name);
    this.select({ lines: new Set([line]), nodes: new Set(nodes), names: new Set(names) }, nodes.at(-1) ?? null);
  }

  selectTensor(name) {
    const { trace, state } = this;
    const id = state.variables.get(name);
    const tensor = trace.tensors[id];
    const line = trace.steps[trace.stepOfTensor.get(id)]?.line;
    const nodes = tensor.node === null ? [] : [tensor.node];
    this.select({ lines: new Set(line ? [line] : []), nodes: new Set(nodes), names: new Set([name]) }, tensor.node);
  }

  /** Choosing the same again lets go. */
  select(selection, node) {
    const key = ({ lines, nodes, names }) => JSON.stringify([[...lines], [...nodes], [...names]]);
    const same = key(selection) === key(this.selection);
    this.selection = same ? NO_SELECTION : selection;
    this.focusNode = same ? null : node;
    if (this.focusNode !== null) this.canvas.reveal(this.focusNode);
    this.paint();
  }

  // ---- a moment ---------------------------------------------------------------------------------------------------------

  show(step) {
    if (!this.trace) return;
    const position = Math.min(step, this.trace.length - 1);
    if (this.state?.position === position && this.state.trace === this.trace) return this.paint();
    this.state = this.trace.at(position);
    this.state.trace = this.trace;
    if (this.focusNode !== null && this.focusNode >= this.state.numNodes) {
      this.selection = NO_SELECTION;
      this.focusNode = null;
    }
    this.paint();
    const { state, trace } = this;
    if (state.visit !== null) this.canvas.reveal(trace.visits[state.visit].node);
    else {
      const fresh = trace.nodes.findLastIndex((node, id) => id < state.numNodes && node.step === state.position);
      if (fresh >= 0) this.canvas.reveal(fresh);
    }
    this.announce();
  }

  paint() {
    this.program.paint(this.state, this.selection.lines);
    this.loops.paint(this.state.position, (this.transport.spec.most ?? null) === null);
    this.element.classList.toggle("looped", !this.loops.element.hidden);
    this.element.classList.toggle("charted", this.program.charts.shown > 0);
    this.paintGraph();
    this.paintLedger();
    this.paintTensors();
    this.paintSlope();
  }

  paintGraph() {
    const { trace, state, selection, text } = this;
    const visited = state.visit === null ? null : trace.visits[state.visit].node;
    const leaves = new Map(); // leaf node -> its value now
    for (const id of state.variables.values()) {
      const tensor = trace.tensors[id];
      if (tensor.is_leaf && tensor.node !== null) leaves.set(tensor.node, tensor.value);
    }
    this.canvas.paint({
      visible: (id) => id < state.numNodes,
      nodeClass: (id) => {
        const words = [];
        const node = trace.nodes[id];
        if (id === visited) words.push("now");
        else if (state.lastVisit.has(id)) words.push("reached");
        if (node.step === state.position && !state.error) words.push("fresh");
        if (state.freed.has(id)) words.push("freed");
        if (this.isStale(id)) words.push("stale");
        if (selection.nodes.has(id)) words.push("selected");
        return words.join(" ");
      },
      badge: (id) => {
        const { saved } = trace.nodes[id];
        if (this.isStale(id)) return `⚠ ${text.stale}`;
        const bytes = saved.reduce((sum, tensor) => sum + tensor.num_bytes, 0);
        if (!bytes) return "";
        return state.freed.has(id) ? text.freed : say(text.keeps, { bytes });
      },
      nodeLabel: (id) => this.nodeInWords(id),
      value: (id) => trace.array(leaves.get(id) ?? trace.nodes[id].value),
      gradient: (id) => {
        const visit = state.lastVisit.get(id);
        return visit === undefined ? null : trace.array(trace.visits[visit].upstream.find((value) => value !== null));
      },
      edgeClass: (id) => (state.sent.has(id) ? "carried" : ""),
      flow: (id) => {
        if (!state.sent.has(id)) return null;
        const name = state.fresh.has(id) ? "fresh" : state.arrived.has(id) ? "arrived" : "past";
        return { class: name, array: trace.array(state.sent.get(id)) };
      },
    });
  }

  /** Whether backward() through a node would fail because of an in-place change; what is freed fails for another reason. */
  isStale(id) {
    const { trace, state } = this;
    return !state.freed.has(id) && trace.nodes[id].saved.some((saved) => trace.isStale(saved, state));
  }

  /** Made anew only when a visit gave the node another gradient: a large graph has many names. */
  nodeInWords(id) {
    const visit = this.state.lastVisit.get(id) ?? -1;
    const known = this.spokenNodes.get(id);
    if (known?.visit === visit) return known.words;
    const words = this.describeNode(id);
    this.spokenNodes.set(id, { visit, words });
    return words;
  }

  describeNode(id) {
    const { trace, state, text } = this;
    const node = trace.nodes[id];
    const words = [
      node.name,
      node.variable,
      node.shape ? shapeOf(node.shape, text.scalar) : "",
      say(text.line_number, { line: node.line }),
    ];
    if (node.value !== null) words.push(`${text.value}: ${spoken(trace.array(node.value))}`);
    const visit = state.lastVisit.get(id);
    if (visit !== undefined) {
      const upstream = trace.visits[visit].upstream.find((value) => value !== null);
      words.push(`${text.upstream}: ${spoken(trace.array(upstream))}`);
    }
    return words.filter(Boolean).join(", ");
  }

  // ---- the ledger -------------------------------------------------------------------------------------------------------

  paintLedger() {
    const { state } = this;
    const chosen = this.focusNode;
    const visit = chosen === null ? state.visit : (state.lastVisit.get(chosen) ?? null);
    const body = [];
    if (visit !== null) body.push(...this.visitInNumbers(visit));
    else if (chosen !== null) body.push(...this.nodeCard(chosen));
    else body.push(...this.lineCard());
    this.ledger.replaceChildren(...body);
    this.paintHistory();
  }

  amount(array, caption, className = "") {
    const words = caption === this.text.upstream ? this.term(caption, "upstream") : caption;
    return html("figure", { class: `amount ${className}` }, matrix(array, { label: caption }), html("figcaption", {}, words));
  }

  /** A word of the field, explained to whoever points at it or comes to it with the keyboard. */
  term(words, name) {
    const about = this.text[`about_${name}`];
    return html("span", { "data-term": name, tabindex: "0", title: about, role: "note", "aria-label": `${words}: ${about}` }, words);
  }

  sign(words) {
    return html("span", { class: "sign" }, words);
  }

  nameOf(id) {
    const node = this.trace.nodes[id];
    return node.variable || node.name;
  }

  visitInNumbers(id) {
    const { trace, state, text } = this;
    const visit = trace.visits[id];
    const node = trace.nodes[visit.node];
    const title = say(text.visit_title, { number: state.visits.indexOf(id) + 1, node: node.name, line: visit.line });
    const parts = [html("p", { class: "what" }, html("strong", {}, title))];
    const row = html("div", { class: "equation" });
    visit.upstream.forEach((upstream, output) => {
      if (upstream === null) return;
      const summands = visit.contributions.filter((part) => part.output_index === output);
      if (summands.length > 1) {
        summands.forEach((part, index) => {
          if (index) row.append(this.sign("+"));
          const from = part.edge < 0 ? "backward()" : this.nameOf(trace.edges[part.edge].target);
          row.append(this.amount(trace.array(part.value), say(text.from_node, { node: from }), "summand"));
        });
        row.append(this.sign("="));
      }
      row.append(this.amount(trace.array(upstream), text.upstream, "upstream"));
    });
    if (visit.accumulation) {
      const { variable, before, added, after } = visit.accumulation;
      const sum = html("div", { class: "equation" });
      sum.append(html("code", { class: "target" }, `${variable}.grad`));
      if (before === null) sum.append(html("span", { class: "none" }, text.was_none));
      else sum.append(this.amount(trace.array(before), text.before));
      sum.append(
        this.sign("+"),
        this.amount(trace.array(added), text.added, "upstream"),
        this.sign("="),
        this.amount(trace.array(after), text.after, "downstream"),
      );
      if (visit.contributions.length > 1) parts.push(row);
      parts.push(sum);
    } else {
      row.append(this.sign("×"), this.ruleBox(node));
      row.append(this.sign("="));
      const sent = this.sentBy(id);
      if (!sent.length) row.append(html("span", { class: "none" }, text.no_downstream));
      for (const [edge, value] of sent)
        row.append(this.amount(value, say(text.to_node, { node: this.nameOf(trace.edges[edge].source) }), "downstream"));
      parts.push(row);
    }
    if (node.rule.explanation) parts.push(html("p", { class: "quiet" }, node.rule.explanation));
    return parts;
  }

  ruleBox(node) {
    const box = html("div", { class: "rule" }, html("code", {}, node.rule.formula || this.text.unknown_rule));
    for (const saved of node.saved) box.append(this.savedBox(saved));
    box.append(html("span", { class: "caption" }, this.term(this.text.local_rule, "local")));
    return box;
  }

  savedBox(saved) {
    const { trace, state, text } = this;
    const stale = trace.isStale(saved, state);
    const name = saved.variable && saved.variable !== saved.name ? `${saved.name} = ${saved.variable}` : saved.name;
    const words = say(text.saved_tensor, { name, shape: shapeOf(saved.shape, "·"), bytes: saved.num_bytes, version: saved.version });
    const array = trace.array(saved.value);
    const details = html("details", { class: `saved ${stale ? "stale" : ""}` }, html("summary", {}, words));
    if (stale) details.append(html("p", { class: "alarm" }, say(text.stale_long, { name: saved.variable, version: saved.version })));
    if (array) details.append(matrix(array, { label: name }));
    if (array && array.data.length <= 6) details.open = true;
    return details;
  }

  nodeCard(id) {
    const { trace, state, text } = this;
    const node = trace.nodes[id];
    const parts = [html("p", { class: "what" }, html("strong", {}, node.name), ` · ${say(text.line_number, { line: node.line })}`)];
    if (node.value !== null) parts.push(this.amount(trace.array(node.value), text.value));
    if (state.freed.has(id) && node.saved.length) parts.push(html("p", { class: "alarm" }, text.freed_long));
    parts.push(this.ruleBox(node));
    if (node.rule.explanation) parts.push(html("p", { class: "quiet" }, node.rule.explanation));
    return parts;
  }

  lineCard() {
    const { trace, state, text } = this;
    if (state.error) return [html("p", { class: "quiet" }, text.stopped_here)];
    if (!state.step) return [html("p", { class: "quiet" }, text.nothing_yet)];
    const { step } = state;
    const title = say(step.occurrence > 1 ? text.line_title_again : text.line_title, { line: step.line, times: step.occurrence });
    const parts = [html("p", { class: "what" }, html("strong", {}, title), step.note ? html("code", { class: "note" }, step.note) : "")];
    const born = trace.nodes.map((_node, id) => id).filter((id) => trace.nodes[id].step === state.position);
    const made = born.map((id) => trace.nodes[id].name).join(", ");
    parts.push(html("p", { class: "quiet" }, made ? say(text.new_nodes, { nodes: made }) : text.no_new_nodes));
    if (!this.element.classList.contains("laboratory")) parts.push(...this.termsOf(born));
    for (const warning of step.warnings) parts.push(html("p", { class: "alarm" }, warning));
    return parts;
  }

  /** What the kinds of nodes are that a line has just made, a line each. */
  termsOf(born) {
    const isLeaf = (id) => this.trace.nodes[id].name.endsWith("AccumulateGrad");
    const about = [];
    if (born.some(isLeaf)) about.push(this.text.about_accumulate);
    if (!born.every(isLeaf)) about.push(this.text.about_node);
    return about.map((words) => html("p", { class: "term" }, words));
  }

  /** The visits of the newest run so far; a row leads to its moment. */
  paintHistory() {
    const { trace, state, text } = this;
    const { visits } = state;
    const keep = this.rows.findIndex(({ id }, index) => visits[index] !== id);
    for (const { row } of this.rows.splice(keep < 0 ? this.rows.length : keep)) row.remove();
    for (let index = this.rows.length; index < visits.length; index++) {
      const id = visits[index];
      const visit = trace.visits[id];
      const node = trace.nodes[visit.node];
      const upstream = trace.array(visit.upstream.find((value) => value !== null));
      const down = visit.accumulation
        ? `${visit.accumulation.variable}.grad = ${brief(trace.array(visit.accumulation.after))}`
        : this.sentBy(id)
            .map(([edge, value]) => `${this.nameOf(trace.edges[edge].source)} ${brief(value)}`)
            .join(", ");
      const button = html(
        "button",
        { type: "button" },
        html("span", { class: "place" }, String(index + 1)),
        html("span", { class: "who", title: visit.accumulation ? text.about_accumulate : text.about_node }, node.name),
        html("span", { class: "up" }, brief(upstream)),
        html("span", { class: "arrow", "aria-hidden": "true" }, "→"),
        html("span", { class: "down" }, down),
      );
      button.addEventListener("click", () => this.transport.go(trace.stepOfVisit.get(id)));
      const row = html("li", {}, button);
      this.history.append(row);
      this.rows.push({ id, row, button });
    }
    this.history.hidden = !visits.length;
    put(this.history, "aria-label", text.history);
    for (const { id, button } of this.rows) put(button, "aria-current", id === state.visit ? "step" : "false");
    const last = this.rows.at(-1)?.row;
    if (last && state.visit !== null) this.history.scrollTop = last.offsetTop;
  }

  /** The leaf in hand: the one selected, else the one whose gradient came last. */
  paintSlope() {
    const { trace, state } = this;
    const reached = [...state.lastVisit.keys()].filter(
      (id) => trace.visits[state.lastVisit.get(id)].accumulation && trace.nodes[id].variable,
    );
    const node = reached.includes(this.focusNode) ? this.focusNode : (reached.at(-1) ?? null);
    this.slope.element.hidden = node === null || state.error || this.program.isStale;
    this.slopeAsked = null;
    if (this.slope.element.hidden) return;
    const asked = { source: trace.source, name: trace.nodes[node].variable, index: 0 };
    const isHere = this.slope.shows(asked);
    this.slope.element.hidden = !isHere;
    this.slopeAsked = isHere || this.transport.playing ? null : asked;
    const patch = this.program.unsaid ? null : this.slopeWanted();
    if (patch) this.channel.set(patch);
  }

  /** The slope picture that is missing, to be asked for once; while a number moves, with the program that comes of it. */
  slopeWanted() {
    const key = JSON.stringify(this.slopeAsked);
    if (!this.slopeAsked || key === this.slopeKey) return null;
    this.slopeKey = key;
    return { slope: this.slopeAsked };
  }

  // ---- the tensors ------------------------------------------------------------------------------------------------------

  paintTensors() {
    const { trace, state, selection, text } = this;
    const cards = [];
    for (const [name, id] of [...state.variables].reverse()) {
      const tensor = trace.tensors[id];
      const words = ["tensor"];
      if (state.changed.has(id)) words.push("changed");
      if (selection.names.has(name)) words.push("selected");
      const facts = [shapeOf(tensor.shape, text.scalar), tensor.dtype];
      if (tensor.requires_grad) facts.push(tensor.is_leaf ? text.leaf : trace.nodes[tensor.node]?.name || "grad_fn");
      else facts.push(text.not_recorded);
      if (tensor.version) facts.push(say(text.version, { version: tensor.version }));
      const value = trace.array(tensor.value);
      const grad = trace.array(tensor.grad);
      const button = html(
        "button",
        { type: "button", class: words.join(" "), "aria-pressed": String(selection.names.has(name)), "data-name": name },
        html("span", { class: "name" }, name),
        html("span", { class: "facts", title: this.aboutFacts(tensor) }, facts.join(" · ")),
        html("span", { class: "values" }, matrix(value, { label: name, scale: largest(value) })),
      );
      if (grad)
        button.append(html("span", { class: "grad" }, html("span", { class: "name" }, ".grad"), matrix(grad, { label: `${name}.grad` })));
      button.addEventListener("click", () => this.selectTensor(name));
      cards.push(button);
    }
    if (!cards.length) cards.push(html("p", { class: "quiet" }, text.no_tensors));
    this.tensors.replaceChildren(...cards);
  }

  aboutFacts({ requires_grad: recorded, is_leaf: leaf }) {
    const { text } = this;
    return recorded ? (leaf ? text.about_leaf : text.about_node) : text.about_not_recorded;
  }

  /** The moment in one sentence, below the stepper and for the ear. */
  announce() {
    const { trace, state, text } = this;
    let words;
    if (state.error) words = `${say(text.line_title, { line: state.line })}: ${text.stopped_here}`;
    else if (state.visit !== null) {
      const visit = trace.visits[state.visit];
      const down = this.sentBy(state.visit).map(
        ([edge, value]) => `${say(text.to_node, { node: this.nameOf(trace.edges[edge].source) })} ${brief(value)}`,
      );
      if (visit.accumulation) down.push(`${visit.accumulation.variable}.grad = ${brief(trace.array(visit.accumulation.after))}`);
      const upstream = brief(trace.array(visit.upstream.find((value) => value !== null)));
      words = `${trace.nodes[visit.node].name}: ${text.upstream} ${upstream} → ${down.join(", ") || text.no_downstream}`;
    } else if (state.step) {
      const changed = [...state.changed].map((id) => `${trace.tensors[id].name} = ${brief(trace.array(trace.tensors[id].value))}`);
      words = `${say(text.line_title, { line: state.line })}: ${[...new Set(changed)].slice(0, 4).join(", ") || (trace.lines[state.line - 1] ?? "").trim()}`;
    } else words = text.nothing_yet;
    const fold = trace.folds?.[state.step?.fold];
    if (fold) {
      const { first, last } = iterationsAt(trace, state.step.fold, state.position);
      const iteration = last > first ? `${first}–${last}` : first;
      words = `${say(text.iteration_of, { iteration, count: fold.num_iterations })} · ${words}`;
    }
    this.transport.caption(words);
  }

  /** [edge, array] of every gradient that a visit sent on. */
  sentBy(id) {
    const { trace } = this;
    const visit = trace.visits[id];
    return trace.incoming[visit.node]
      .map((edge) => [edge, trace.array(visit.downstream[trace.edges[edge].input_index])])
      .filter(([, value]) => value);
  }
}

export default (component) => live(component, (channel) => new TraceView(channel));
