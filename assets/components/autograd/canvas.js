// A layered graph to look at: pan, zoom, walk with the keys. Positions come from outside; what a node means, too.

import { html, put, svg } from "../shared/dom.js";
import { ARROWS } from "../shared/keys.js";
import { brief, miniature } from "./matrix.js";

export const WIDTH = 152; // of a node, in graph units
export const HEIGHT = 44;
const ACROSS = 200; // graph units between neighbours in a layer
const DOWN = 96; // between layers
const MINI = 30;
const EDGE_MINI = 20;
const NEAREST = 3;
const FARTHEST = 0.04;
const TEXT_FROM = 0.42; // below this zoom names are not legible and are not drawn
const WHOLE_DOWN_TO = 0.5; // a graph that would have to be smaller than this starts at its beginning instead
const MINIATURES_UP_TO = 150; // nodes

export class GraphCanvas {
  constructor() {
    this.onSelect = this.onKey = null;
    this.nodes = [];
    this.edges = [];
    this.scale = 1;
    this.left = this.top = 0;
    this.moved = false; // whether the learner has set the view
    this.cursor = 0; // the node that Tab reaches
    this.pointers = new Map();
    this.revealed = null; // the node shown last
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

  makeNode(node, id, drawMiniatures) {
    const x = node.x * ACROSS;
    const y = node.y * DOWN;
    const round = node.kind.includes("leaf") ? 6 : 0; // a leaf's round ends leave less room
    const hasMiniature = node.value && drawMiniatures;
    const room = (hasMiniature ? WIDTH - MINI - 14 : WIDTH - 10) - 2 * round;
    const middle = hasMiniature ? -MINI / 2 - 2 : 0;
    const title = svg("text", { class: "title", x: middle, y: node.subtitle ? -3 : 4 }, node.title);
    const size = Math.min(13, room / Math.max(1, node.title.length) / 0.6);
    title.style.fontSize = `${size.toFixed(1)}px`;
    const group = svg(
      "g",
      { class: "node", transform: `translate(${x} ${y})`, role: "button", tabindex: "-1", "data-node": id, visibility: "hidden" },
      svg("rect", { class: "body", x: -WIDTH / 2, y: -HEIGHT / 2, width: WIDTH, height: HEIGHT, rx: round ? HEIGHT / 2 : 7 }),
      title,
    );
    if (node.subtitle) {
      const subtitle = svg("text", { class: "subtitle", x: middle, y: 13 }, node.subtitle);
      subtitle.style.fontSize = `${Math.min(11, room / node.subtitle.length / 0.54).toFixed(1)}px`;
      group.append(subtitle);
    }
    const value = hasMiniature ? { array: node.value, group: miniature(node.value, MINI, "value") } : null;
    if (value) {
      value.place = `translate(${WIDTH / 2 - MINI - 7 - round} ${-MINI / 2})`;
      put(value.group, "transform", value.place);
      group.append(value.group);
    }
    const badge = svg("text", { class: "badge", x: -WIDTH / 2 + 4, y: -HEIGHT / 2 - 4 });
    group.append(badge);
    group.addEventListener("click", () => this.suppressClick || this.onSelect?.(id));
    this.nodeLayer.append(group);
    return { x, y, kind: node.kind, group, badge, value, gradient: null, drawn: "", visible: false };
  }

  makeEdge(edge, place, places) {
    const from = this.nodes[edge.source];
    const to = this.nodes[edge.target];
    const spread = (slot, slots) => (slots > 1 ? ((slot + 0.5) / slots - 0.5) * WIDTH * 0.7 : 0);
    const x1 = from.x + spread(place, places);
    const y1 = from.y + HEIGHT / 2;
    const x2 = to.x + spread(edge.slot ?? 0, edge.slots ?? 1);
    const y2 = to.y - HEIGHT / 2;
    const bend = Math.max(24, Math.abs(y2 - y1) * 0.42);
    const forward = `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2 - 2}`;
    const backward = `M${x2} ${y2}C${x2} ${y2 - bend} ${x1} ${y1 + bend} ${x1} ${y1 + 2}`;
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
    const group = miniature(array, MINI, "value");
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
    node.miniature = miniature(array, MINI, "gradient");
    node.miniature.setAttribute("transform", `translate(${WIDTH / 2 + 5} ${-MINI / 2})`);
    node.group.append(node.miniature);
  }

  paintFlow(edge, flow) {
    if (!flow) {
      if (edge.flow) put(edge.flow, "visibility", "hidden");
      if (edge.label) put(edge.label, "visibility", "hidden");
      return;
    }
    if (!edge.flow) {
      edge.flow = svg("path", { d: edge.backward, "marker-end": "url(#flow)" });
      this.edgeLayer.append(edge.flow);
    }
    put(edge.flow, "visibility", "visible");
    put(edge.flow, "class", `flow ${flow.class}`);
    this.paintLabel(edge, flow);
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
    if (array.data.length <= 2 && !array.truncated) {
      const words = brief(array);
      const width = words.length * 6.4 + 10;
      label.append(svg("rect", { rx: 4, x: -width / 2, y: -9, width, height: 18 }), svg("text", { y: 4 }, words));
    } else {
      const mini = miniature(array, EDGE_MINI, "gradient");
      put(mini, "transform", `translate(${-EDGE_MINI / 2} ${-EDGE_MINI / 2})`);
      label.append(mini);
    }
    this.labelLayer.append(label);
    return label;
  }

  // ---- the view ---------------------------------------------------------------------------------------------------------

  get size() {
    return [this.svg.clientWidth || 600, this.svg.clientHeight || 400];
  }

  bounds() {
    const xs = this.nodes.map((node) => node.x);
    const ys = this.nodes.map((node) => node.y);
    const pad = MINI + 24;
    return [Math.min(...xs) - WIDTH / 2 - pad, Math.min(...ys) - HEIGHT, Math.max(...xs) + WIDTH / 2 + pad, Math.max(...ys) + HEIGHT];
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

  /** All of a small graph; the beginning of a large one. */
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
    const margin = 16;
    const x = node.x * this.scale + this.left;
    const y = node.y * this.scale + this.top;
    const halfX = Math.min(width / 2, (WIDTH / 2 + MINI) * this.scale + margin);
    const halfY = Math.min(height / 2, (HEIGHT / 2) * this.scale + margin * 2);
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
  }

  resized() {
    if (this.moved) return;
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
    if (dy) options = (dy < 0 ? this.above : this.below)[this.cursor];
    else
      options = this.nodes
        .map((_, id) => id)
        .filter((id) => Math.abs(this.nodes[id].y - here.y) < DOWN / 2 && (this.nodes[id].x - here.x) * dx > 1);
    options = options.filter((id) => this.nodes[id].visible);
    if (!options.length) return;
    const next = options.reduce((a, b) => (Math.abs(this.nodes[b].x - here.x) < Math.abs(this.nodes[a].x - here.x) ? b : a));
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
