// A layered graph to look at: pan, zoom, walk with the keys. Positions come from outside; what a node means, too.

import { html, put, svg } from "../shared/dom.js";
import { ARROWS } from "../shared/keys.js";
import { atLeast, brief, field, miniature } from "./matrix.js";

export const WIDTH = 176; // of a node, in graph units
export const HEIGHT = 62;
const HEAD = 22; // of it for its name; below, the value on the left and the gradient on the right
const ACROSS = 204; // graph units between neighbours in a layer
const DOWN = 96; // between layers
const ALONG = 232; // between layers that lie sideways
const BESIDE = 96; // between neighbours of such a layer
const PAIR = WIDTH / 2 - 8; // width of the field for a value or a gradient
const EDGE_MINI = 20;
const TRAVELS = 420; // ms that a gradient moves along its edge
const NEAREST = 3;
const FARTHEST = 0.04;
const TEXT_FROM = 0.42; // below this zoom a node holds nothing but its name in short
const WHOLE_DOWN_TO = 0.24; // a graph that would have to be smaller than this starts at its beginning instead
const LEAST_TEXT = 12; // px on the screen; where the graph is small, what does not fit then is left out
const FULL_FROM = 0.8; // zoom
const MINIATURES_UP_TO = 150; // nodes

export class GraphCanvas {
  constructor() {
    this.onSelect = this.onKey = null;
    this.nodes = [];
    this.edges = [];
    /** @type {[any[], any[]] | null} */
    this.given = null;
    this.scale = 1;
    this.left = this.top = 0;
    this.sideways = false; // whether values flow to the right instead of down
    this.moved = false; // whether the learner has set the view
    this.cursor = 0; // the node that Tab reaches
    this.pointers = new Map();
    this.revealed = null; // the node shown last
    /** @type {[number, number] | null} */
    this.seen = null; // width and height
    this.build();
  }

  build() {
    this.edgeLayer = svg("g", { "aria-hidden": "true" });
    this.nodeLayer = svg("g");
    this.labelLayer = svg("g", { "aria-hidden": "true" });
    this.world = svg("g", {}, this.edgeLayer, this.nodeLayer, this.labelLayer);
    const head = (id, className) =>
      svg(
        "marker",
        {
          id,
          class: className,
          viewBox: "0 0 8 8",
          refX: 7,
          refY: 4,
          markerWidth: 9,
          markerHeight: 9,
          markerUnits: "userSpaceOnUse",
          orient: "auto",
        },
        svg("path", { d: "M0 0 8 4 0 8z" }),
      );
    this.svg = svg(
      "svg",
      { class: "canvas", role: "group" },
      svg("defs", {}, head("forward", "head"), head("flow", "head flow")),
      this.world,
    );
    this.zoomIn = this.button("+", () => this.zoom(1.3));
    this.zoomOut = this.button("−", () => this.zoom(1 / 1.3));
    this.fitButton = this.button("⤢", () => this.fit());
    this.hint = html("p", { class: "hint" });
    this.tools = html("div", { class: "tools" }, this.zoomIn, this.zoomOut, this.fitButton);
    this.element = html("div", { class: "graph-canvas" }, this.tools, this.svg, this.hint);
    this.svg.addEventListener("pointerdown", (event) => this.press(event));
    this.svg.addEventListener("pointermove", (event) => this.drag(event));
    for (const name of ["pointerup", "pointercancel"]) this.svg.addEventListener(name, (event) => this.release(event));
    this.svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.svg.addEventListener("focusin", (event) => this.focused(event));
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(this.svg);
  }

  button(sign, act) {
    const button = html("button", { type: "button", class: "icon-button" }, sign);
    button.addEventListener("click", act);
    return button;
  }

  destroy() {
    this.observer.disconnect();
  }

  /** Words: {graph, zoom_in, zoom_out, fit, graph_hint}. */
  say(text) {
    put(this.svg, "aria-label", text.graph ?? "");
    for (const [button, word] of [
      [this.zoomIn, text.zoom_in],
      [this.zoomOut, text.zoom_out],
      [this.fitButton, text.fit],
    ]) {
      put(button, "aria-label", word ?? "");
      put(button, "title", word ?? "");
    }
    this.hint.textContent = text.graph_hint ?? "";
  }

  /**
   * Takes a graph.
   *
   * @param {any[]} nodes x, y, title, subtitle, kind, value, full; in layer units; `kind` is a class, `value` an array entry or null
   * @param {{source: number, target: number, slot: number, slots: number}[]} edges `slot` of `slots` says where on the target's upper rim the edge ends
   */
  setGraph(nodes, edges, { keepView = false } = {}) {
    if (!keepView) this.sideways = this.liesBetter(nodes);
    this.given = [nodes, edges];
    this.edgeLayer.replaceChildren();
    this.nodeLayer.replaceChildren();
    this.labelLayer.replaceChildren();
    const drawMiniatures = (this.drawsMiniatures = nodes.length <= MINIATURES_UP_TO);
    const leaving = nodes.map(() => 0);
    for (const edge of edges) leaving[edge.source]++;
    const left = nodes.map(() => 0);
    this.nodes = nodes.map((node, id) => this.makeNode(node, id, drawMiniatures));
    this.edges = edges.map((edge) => this.makeEdge(edge, left[edge.source]++, leaving[edge.source]));
    this.above = nodes.map(() => []); // neighbours nearer to the leaves
    this.below = nodes.map(() => []);
    for (const { source, target } of edges) {
      this.above[target].push(source);
      this.below[source].push(target);
    }
    this.cursor = Math.min(this.cursor, Math.max(0, nodes.length - 1));
    if (!keepView) {
      this.revealed = null;
      this.moved = false;
      this.home();
    }
  }

  /** Whether the graph would be shown larger with its layers side by side: a chain in a wide pane. */
  liesBetter(nodes) {
    if (!nodes.length) return false;
    const [width, height] = this.size;
    const rows = Math.max(...nodes.map((node) => node.y)) + 1;
    const columns = Math.max(...nodes.map((node) => node.x)) - Math.min(...nodes.map((node) => node.x)) + 1;
    const upright = Math.min(width / (columns * ACROSS), height / (rows * DOWN), 1.25);
    const lying = Math.min(width / (rows * ALONG), height / (columns * BESIDE), 1.25);
    return lying > upright * 1.15;
  }

  makeNode(node, id, drawMiniatures) {
    const x = this.sideways ? node.y * ALONG : node.x * ACROSS;
    const y = this.sideways ? node.x * BESIDE : node.y * DOWN;
    const round = node.kind.includes("leaf") ? 12 : 0; // a leaf's round ends leave less room
    const room = WIDTH - 12 - round;
    const hasValue = Boolean(node.value) && drawMiniatures;
    const title = svg("text", { class: "title", x: 0, y: -HEIGHT / 2 + (hasValue ? 16 : HEIGHT / 2 - (node.subtitle ? 4 : -5)) });
    title.append(node.title);
    const beside = hasValue ? node.subtitle : "";
    const letters = node.title.length + (beside ? beside.length * 0.88 + 1 : 0);
    const size = Math.min(15, room / Math.max(1, letters) / 0.56);
    title.style.fontSize = atLeast(size, Math.min(hasValue ? HEAD : 30, room / node.title.length / 0.56));
    if (beside) title.style.setProperty("--aside", `${(-(beside.length * 0.88 + 1) * size * 0.28).toFixed(1)}px`);
    const group = svg(
      "g",
      { class: "node", transform: `translate(${x} ${y})`, role: "button", tabindex: "-1", "data-node": id, visibility: "hidden" },
      svg("rect", { class: "body", x: -WIDTH / 2, y: -HEIGHT / 2, width: WIDTH, height: HEIGHT, rx: round ? 16 : 6 }),
      title,
      this.makeShort(node.title, room),
    );
    if (beside) {
      const words = svg(
        "text",
        { class: "subtitle", x: ((node.title.length + 1) * size * 0.28).toFixed(1), y: title.getAttribute("y") },
        beside,
      );
      words.style.fontSize = `${(size * 0.88).toFixed(1)}px`;
      group.append(words);
    } else if (node.subtitle) {
      const subtitle = svg("text", { class: "subtitle", x: 0, y: 17 }, node.subtitle);
      subtitle.style.fontSize = `${Math.min(13, room / node.subtitle.length / 0.54).toFixed(1)}px`;
      group.append(subtitle);
    }
    const value = hasValue ? { array: null, group: svg("g"), place: this.fieldPlace(-1) } : null;
    if (value) {
      group.append(value.group);
      this.paintValue(value, node.value);
    }
    const badge = svg("text", { class: "badge", x: -WIDTH / 2 + 4, y: -HEIGHT / 2 - 4 });
    group.append(badge);
    group.addEventListener("click", () => this.suppressClick || this.onSelect?.(id));
    this.nodeLayer.append(group);
    return { x, y, kind: node.kind, group, title, badge, value, gradient: null, drawn: "", visible: false };
  }

  /** A node's name as it stands where the graph is small: SubBackward0 is Sub. */
  makeShort(title, room) {
    const words = title.replace(/^torch::autograd::|Backward\d*$/g, "");
    const short = svg("text", { class: "short", "dominant-baseline": "central" }, words);
    short.style.fontSize = atLeast(20, Math.min(44, room / words.length / 0.58));
    return short;
  }

  /** Where the value (-1) or the gradient (1) stands in a node. */
  fieldPlace(side) {
    return `translate(${(side * WIDTH) / 4 - PAIR / 2} ${-HEIGHT / 2 + HEAD})`;
  }

  makeEdge(edge, place, places) {
    const from = this.nodes[edge.source];
    const to = this.nodes[edge.target];
    const long = this.sideways ? HEIGHT : WIDTH;
    const spread = (slot, slots) => (slots > 1 ? ((slot + 0.5) / slots - 0.5) * long * 0.7 : 0);
    const [out, into] = [spread(place, places), spread(edge.slot ?? 0, edge.slots ?? 1)];
    const curve = (x1, y1, x2, y2, sign) => {
      const bend = sign * Math.max(24, Math.abs(this.sideways ? x2 - x1 : y2 - y1) * 0.42);
      return this.sideways
        ? `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 2 * sign} ${y2}`
        : `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2 - 2 * sign}`;
    };
    const [x1, y1] = this.sideways ? [from.x + WIDTH / 2, from.y + out] : [from.x + out, from.y + HEIGHT / 2];
    const [x2, y2] = this.sideways ? [to.x - WIDTH / 2, to.y + into] : [to.x + into, to.y - HEIGHT / 2];
    const forward = curve(x1, y1, x2, y2, 1);
    const backward = curve(x2, y2, x1, y1, -1);
    const path = svg("path", { class: "edge", d: forward, "marker-end": "url(#forward)", visibility: "hidden" });
    this.edgeLayer.append(path);
    const middle = [(x1 + x2) / 2, (y1 + y2) / 2];
    return { path, backward, middle, flow: null, label: null, labelled: null, source: edge.source, target: edge.target };
  }

  /**
   * Paints a moment.
   *
   * @param {Record<string, (id: number) => any>} moment visible, nodeClass, nodeLabel, badge, tint, value, gradient, edgeClass, flow:
   *               `flow` gives null or {class, array}; `value` and `gradient` an array entry or null; `tint` a number from 0 to 1
   */
  paint(moment) {
    this.moment = moment;
    for (let id = 0; id < this.nodes.length; id++) {
      const node = this.nodes[id];
      node.visible = moment.visible(id);
      put(node.group, "visibility", node.visible ? "visible" : "hidden");
      if (!node.visible) continue;
      const wanted = `node ${node.kind} ${moment.nodeClass(id)}`;
      if (wanted !== node.drawn) put(node.group, "class", (node.drawn = wanted));
      put(node.group, "aria-label", moment.nodeLabel(id));
      const badge = moment.badge?.(id) ?? "";
      if (node.badge.textContent !== badge) node.badge.textContent = badge;
      if (moment.tint) node.group.style.setProperty("--tint", moment.tint(id).toFixed(3));
      if (node.value && moment.value) this.paintValue(node.value, moment.value(id));
      this.paintGradient(node, moment.gradient?.(id) ?? null);
    }
    for (let id = 0; id < this.edges.length; id++) {
      const edge = this.edges[id];
      const visible = this.nodes[edge.source].visible && this.nodes[edge.target].visible;
      put(edge.path, "visibility", visible ? "visible" : "hidden");
      if (visible) put(edge.path, "class", `edge ${moment.edgeClass?.(id) ?? ""}`);
      this.paintFlow(edge, visible ? (moment.flow?.(id) ?? null) : null);
    }
    const focusable = this.nodes[this.cursor]?.visible ? this.cursor : this.nodes.findIndex((node) => node.visible);
    if (focusable >= 0) this.setCursor(focusable);
  }

  /** A leaf's value changes when the program updates it in place. */
  paintValue(value, array) {
    if (!array || value.array === array) return;
    const group = field(array, PAIR, HEIGHT - HEAD - 6, "value");
    put(group, "transform", value.place);
    value.group.replaceWith(group);
    value.array = array;
    value.group = group;
  }

  paintGradient(node, array) {
    if (node.gradient === array || !this.drawsMiniatures) return;
    node.gradient = array;
    node.miniature?.remove();
    node.miniature = null;
    if (!array) return;
    node.miniature = field(array, PAIR, HEIGHT - HEAD - 6, "gradient");
    put(node.miniature, "transform", this.fieldPlace(1));
    if (!node.value) put(node.title, "y", -HEIGHT / 2 + 16); // the gradient stands below it
    node.group.append(node.miniature);
  }

  paintFlow(edge, flow) {
    if (!flow) {
      edge.flowing = "";
      if (edge.flow) put(edge.flow, "visibility", "hidden");
      if (edge.label) put(edge.label, "visibility", "hidden");
      return;
    }
    if (!edge.flow) {
      edge.flow = svg("path", { d: edge.backward, "marker-end": "url(#flow)" });
      this.edgeLayer.append(edge.flow);
    }
    const starts = flow.class === "fresh" && edge.flowing !== "fresh";
    edge.flowing = flow.class;
    put(edge.flow, "visibility", "visible");
    put(edge.flow, "class", `flow ${flow.class}`);
    this.paintLabel(edge, flow);
    if (starts && edge.label) this.travel(edge);
  }

  /** What went along an edge: a number in digits, a larger tensor as a miniature. Large graphs say it at the present node only. */
  paintLabel(edge, flow) {
    const wanted = flow.array && (flow.class !== "past" || this.drawsMiniatures) ? flow.array : null;
    if (edge.labelled !== wanted) {
      edge.label?.remove();
      edge.label = wanted && this.makeLabel(edge, wanted);
      edge.labelled = wanted;
    }
    if (!edge.label) return;
    put(edge.label, "class", `edge-label ${flow.class}`);
    put(edge.label, "visibility", "visible");
  }

  makeLabel(edge, array) {
    const label = svg("g", { transform: `translate(${edge.middle.join(" ")})` });
    if (array.data.length > 1 && array.data.length <= 4 && array.shape.at(-1) <= 2 && !array.truncated) {
      const [width, height] = [array.shape.at(-1) * 38, array.shape.length > 1 ? array.shape.at(-2) * 17 : 20];
      const numbers = field(array, width, height, "gradient");
      put(numbers, "transform", `translate(${-width / 2} ${-height / 2})`);
      label.append(numbers);
    } else if (array.data.length <= 3 && !array.truncated) {
      const words = brief(array);
      const width = words.length * 7.6 + 10;
      label.append(svg("rect", { rx: 4, x: -width / 2, y: -11, width, height: 22 }), svg("text", { y: 5 }, words));
    } else {
      const mini = miniature(array, EDGE_MINI, "gradient");
      put(mini, "transform", `translate(${-EDGE_MINI / 2} ${-EDGE_MINI / 2})`);
      label.append(mini);
    }
    this.labelLayer.append(label);
    return label;
  }

  /** The gradient moves along its edge, from the node that sends it to where it then stands written. */
  travel(edge) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const { label, flow } = edge;
    const whole = flow.getTotalLength();
    const began = performance.now();
    const move = (now) => {
      if (edge.label !== label || edge.flowing !== "fresh") return put(label, "transform", `translate(${edge.middle.join(" ")})`);
      const part = Math.min(1, (now - began) / TRAVELS);
      const { x, y } = flow.getPointAtLength((whole / 2) * part);
      put(label, "transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
      if (part < 1) requestAnimationFrame(move);
      else put(label, "transform", `translate(${edge.middle.join(" ")})`);
    };
    move(began);
  }

  // ---- the view ---------------------------------------------------------------------------------------------------------

  /** Of the picture, as it was last seen: to ask the browser again amid changes would make it lay out the page at once. */
  get size() {
    this.seen ??= [this.svg.clientWidth, this.svg.clientHeight];
    return [this.seen[0] || 600, this.seen[1] || 400];
  }

  bounds() {
    const xs = this.nodes.map((node) => node.x);
    const ys = this.nodes.map((node) => node.y);
    const [pad, badge] = [12, 20];
    const [x, y] = [WIDTH / 2 + pad, HEIGHT / 2 + pad];
    return [Math.min(...xs) - x, Math.min(...ys) - HEIGHT / 2 - badge, Math.max(...xs) + x, Math.max(...ys) + y];
  }

  fitting() {
    const [x1, y1, x2, y2] = this.bounds();
    const [width, height] = this.size;
    return Math.min(width / (x2 - x1), height / (y2 - y1), 1.25);
  }

  /** All of the graph at once. */
  fit() {
    if (!this.nodes.length) return;
    this.moved = false;
    this.centre(this.fitting());
  }

  /** All of a graph, unless its names could not be read then: the beginning of such a one. */
  home() {
    if (!this.nodes.length) return;
    const scale = this.fitting();
    if (scale >= WHOLE_DOWN_TO) return this.centre(scale);
    const [, y1] = this.bounds();
    const first = this.nodes[0];
    const [width] = this.size;
    this.scale = 0.8;
    this.left = width / 2 - first.x * this.scale;
    this.top = -y1 * this.scale;
    this.place();
  }

  centre(scale) {
    const [x1, y1, x2, y2] = this.bounds();
    const [width, height] = this.size;
    this.scale = scale;
    this.left = width / 2 - ((x1 + x2) / 2) * scale;
    this.top = height / 2 - ((y1 + y2) / 2) * scale;
    this.place();
  }

  /** Moves as little as shows a node. */
  reveal(id) {
    const node = this.nodes[id];
    this.revealed = node ? id : null;
    if (!node) return;
    const [width, height] = this.size;
    const margin = 10 * this.scale;
    const x = node.x * this.scale + this.left;
    const y = node.y * this.scale + this.top;
    const halfX = Math.min(width / 2, (WIDTH / 2) * this.scale + margin);
    const halfY = Math.min(height / 2, (HEIGHT / 2) * this.scale + margin);
    const dx = Math.max(0, halfX - x) - Math.max(0, x + halfX - width);
    const dy = Math.max(0, halfY - y) - Math.max(0, y + halfY - height);
    if (!dx && !dy) return;
    this.left += dx;
    this.top += dy;
    this.place();
  }

  zoom(factor, x = this.size[0] / 2, y = this.size[1] / 2) {
    const scale = Math.min(NEAREST, Math.max(Math.min(FARTHEST, this.fitting()), this.scale * factor));
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale;
    this.moved = true;
    this.place();
  }

  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.moved = true;
    this.place();
  }

  place() {
    put(this.world, "transform", `translate(${this.left.toFixed(2)} ${this.top.toFixed(2)}) scale(${this.scale.toFixed(4)})`);
    this.svg.classList.toggle("far", this.scale < TEXT_FROM);
    this.svg.classList.toggle("near", this.scale >= FULL_FROM);
    this.svg.style.setProperty("--least", `${(LEAST_TEXT / this.scale).toFixed(1)}px`);
  }

  resized() {
    this.seen = null;
    if (this.moved) return;
    if (this.given && this.liesBetter(this.given[0]) !== this.sideways) {
      const [nodes, edges] = this.given;
      this.setGraph(nodes, edges);
      if (this.moment) this.paint(this.moment);
    }
    this.home();
    if (this.revealed !== null) this.reveal(this.revealed);
  }

  // ---- hands and keys ---------------------------------------------------------------------------------------------------

  press(event) {
    if (event.button) return;
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    this.travelled = 0;
    this.suppressClick = false;
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    if (this.pointers.size === 2) {
      const other = [...this.pointers.entries()].find(([id]) => id !== event.pointerId)[1];
      const apart = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]);
      const box = this.svg.getBoundingClientRect();
      this.zoom(apart(now) / Math.max(1, apart(before)), (now[0] + other[0]) / 2 - box.left, (now[1] + other[1]) / 2 - box.top);
    } else {
      this.travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
      // The pointer is captured only once it moves: captured at once, a click would miss the node under it.
      if (this.travelled > 4 && !this.suppressClick) {
        this.suppressClick = true;
        this.svg.setPointerCapture(event.pointerId);
      }
      if (this.suppressClick) this.pan(now[0] - before[0], now[1] - before[1]);
    }
    this.pointers.set(event.pointerId, now);
  }

  release(event) {
    this.pointers.delete(event.pointerId);
    if (this.suppressClick) setTimeout(() => (this.suppressClick = false));
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // the page scrolls; a pinch on a touchpad arrives as Ctrl + wheel
    event.preventDefault();
    const box = this.svg.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.003)), event.clientX - box.left, event.clientY - box.top);
  }

  key(event) {
    const move = ARROWS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (move && event.shiftKey) this.pan(-move[0] * 40, -move[1] * 40);
    else if (move) this.walk(...move);
    else if (event.key === "+" || event.key === "=") this.zoom(1.3);
    else if (event.key === "-") this.zoom(1 / 1.3);
    else if (event.key === "0") this.fit();
    else if (event.key === "Enter" || event.key === " ") this.onSelect?.(this.cursor);
    else if (!this.onKey?.(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Up to an input, down to a user, sideways within the layer; sideways also chooses among several inputs or users. */
  walk(dx, dy) {
    const here = this.nodes[this.cursor];
    if (!here) return;
    let options;
    const [along, across] = this.sideways ? [dx, dy] : [dy, dx];
    const place = (/** @type {any} */ node) => (this.sideways ? [node.x, node.y] : [node.y, node.x]);
    if (along) options = (along < 0 ? this.above : this.below)[this.cursor];
    else
      options = this.nodes
        .map((_, id) => id)
        .filter(
          (id) =>
            Math.abs(place(this.nodes[id])[0] - place(here)[0]) < DOWN / 2 && (place(this.nodes[id])[1] - place(here)[1]) * across > 1,
        );
    options = options.filter((id) => this.nodes[id].visible);
    if (!options.length) return;
    const off = (id) => Math.abs(place(this.nodes[id])[1] - place(here)[1]);
    const next = options.reduce((a, b) => (off(b) < off(a) ? b : a));
    this.setCursor(next);
    this.nodes[next].group.focus({ preventScroll: true });
    this.reveal(next);
  }

  setCursor(id) {
    if (this.cursor !== id) put(this.nodes[this.cursor].group, "tabindex", "-1");
    this.cursor = id;
    put(this.nodes[id].group, "tabindex", "0");
  }

  focused(event) {
    const id = event.target.closest?.("[data-node]")?.dataset.node;
    if (id === undefined) return;
    this.setCursor(Number(id));
    this.reveal(Number(id));
  }
}
