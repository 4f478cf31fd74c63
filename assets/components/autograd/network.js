// A real network's graph, folded by module: a click unfolds a module, its colour is the norm of its gradient.

import { parseJson } from "../shared/bytes.js";
import { html, put, say, stylesheet } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { GraphCanvas } from "./canvas.js";
import { layered, Network } from "./folding.js";
import { format } from "./matrix.js";

const [base, graph] = await Promise.all([stylesheet(import.meta.url, "../shared/base.css"), stylesheet(import.meta.url, "./graph.css")]);

export class NetworkView {
  /** @type {number} logarithm of the least norm */ low;
  /** @type {number} and of the largest */ high;

  constructor() {
    const style = html("style");
    style.textContent = base + graph;
    this.canvas = new GraphCanvas();
    this.canvas.onSelect = (id) => this.choose(id);
    this.tree = html("ul", { class: "tree" });
    this.details = html("div", { class: "details", "aria-live": "polite" });
    this.foldAll = html("button", { type: "button" });
    this.foldAll.addEventListener("click", () => this.setOpen(new Set([""])));
    this.titles = { network: html("h3"), modules: html("h3") };
    this.legend = html("p", { class: "legend" });
    this.element = html(
      "div",
      { class: "g2b network trace" },
      style,
      html(
        "div",
        { class: "parts" },
        html("section", { class: "modules" }, this.titles.modules, html("div", { class: "actions" }, this.foldAll), this.tree),
        html("section", { class: "picture" }, this.titles.network, this.canvas.element, this.legend, this.details),
      ),
    );
  }

  destroy() {
    this.canvas.destroy();
  }

  /**
   * @typedef {object} Data
   * @property {Uint8Array} payload the network as JSON, see vizcore/autograd
   * @property {Record<string, string>} colors
   * @property {Record<string, string>} text
   *
   * @param {Data} data
   */
  update(data) {
    this.text = data.text;
    for (const [name, color] of Object.entries(data.colors ?? {})) this.element.style.setProperty(`--${name}`, color);
    for (const [name, title] of Object.entries(this.titles)) title.textContent = data.text[name] ?? "";
    this.foldAll.textContent = data.text.fold_all ?? "";
    this.canvas.say({ ...data.text, graph: data.text.network_graph });
    if (data.payload && data.payload !== this.payload) {
      this.payload = data.payload;
      this.network = new Network(parseJson(data.payload));
      const norms = this.network.modules.map((module) => module.grad_norm).filter((norm) => norm > 0);
      [this.low, this.high] = [Math.log(Math.min(...norms)), Math.log(Math.max(...norms))];
      this.open = new Set([""]);
      this.chosen = null;
    }
    if (!this.network) return;
    this.draw(this.drawn !== this.network);
    this.drawn = this.network;
  }

  /** How strongly a norm is tinted: its place between the least and the largest on a logarithmic scale. */
  heat(norm) {
    if (!(norm > 0)) return 0;
    if (this.high <= this.low) return 1;
    return 0.08 + (0.92 * (Math.log(norm) - this.low)) / (this.high - this.low);
  }

  setOpen(open, focus = null) {
    this.open = open;
    this.chosen = null;
    this.draw(true, focus);
  }

  draw(relayout, focus = null) {
    const { network, text } = this;
    if (relayout) {
      this.view = network.view(this.open);
      const places = layered(this.view.items.length, this.view.edges);
      const around = this.view.items.map(() => 0);
      for (const { target } of this.view.edges) around[target]++;
      const slot = this.view.items.map(() => 0);
      this.canvas.setGraph(
        this.view.items.map((item, id) => this.looks(item, places[id])),
        this.view.edges.map(({ source, target }) => ({ source, target, slot: slot[target]++, slots: around[target] })),
      );
    }
    this.canvas.paint({
      visible: () => true,
      nodeClass: (id) => (this.chosen === id ? "selected" : ""),
      nodeLabel: (id) => this.inWords(this.view.items[id]),
      tint: (id) => this.heat(this.normOf(this.view.items[id])),
      badge: (id) => (this.view.items[id].module === undefined ? "" : "＋"),
    });
    if (focus !== null) {
      const first = this.view.items.findIndex((item) => item.nodes.includes(focus));
      if (first >= 0) this.canvas.reveal(first);
    }
    this.drawTree();
    this.drawDetails();
    this.legend.textContent = say(text.legend, { least: format(Math.exp(this.low)), largest: format(Math.exp(this.high)) });
  }

  normOf(item) {
    return item.module === undefined ? (this.network.nodes[item.node].grad_norm ?? 0) : this.network.moduleOf.get(item.module).grad_norm;
  }

  looks(item, [x, y]) {
    if (item.module !== undefined) {
      const module = this.network.moduleOf.get(item.module);
      const subtitle = say(this.text.module_facts, { type: module.type, nodes: item.nodes.length });
      return { x, y, title: module.path || module.type, subtitle, kind: "module", value: null };
    }
    const node = this.network.nodes[item.node];
    const isLeaf = node.name.endsWith("AccumulateGrad");
    return {
      x,
      y,
      title: isLeaf ? node.parameter.split(".").slice(-2).join(".") : node.name,
      subtitle: isLeaf ? `${node.name} [${node.shape.join("×")}]` : node.shape ? `[${node.shape.join("×")}]` : "",
      kind: isLeaf ? "leaf" : "operation",
      value: null,
    };
  }

  inWords(item) {
    const { network, text } = this;
    const norm = this.normOf(item);
    const gradient = norm > 0 ? `, ${say(text.norm, { norm: format(norm) })}` : "";
    if (item.module !== undefined) {
      const module = network.moduleOf.get(item.module);
      return `${module.path}, ${say(text.module_facts, { type: module.type, nodes: item.nodes.length })}${gradient}, ${text.click_unfolds}`;
    }
    const node = network.nodes[item.node];
    return `${node.parameter || node.name}${node.shape ? ` [${node.shape.join("×")}]` : ""}${gradient}`;
  }

  choose(id) {
    const item = this.view.items[id];
    if (item.module !== undefined) this.toggle(item.module);
    else {
      this.chosen = this.chosen === id ? null : id;
      this.draw(false);
    }
  }

  /** Unfolds a module with everything around it, or folds it. */
  toggle(path) {
    const open = new Set(this.open);
    const unfolded = this.network.line(path).every((at) => open.has(at));
    if (unfolded) for (const at of [...open]) if (at === path || at.startsWith(`${path}.`)) open.delete(at);
    if (!unfolded) for (const at of this.network.line(path)) open.add(at);
    const inside = this.network.nodes.findIndex((node) => this.network.line(node.module).includes(path));
    this.setOpen(open, inside);
  }

  drawTree() {
    const rows = [];
    const walk = (path, depth) => {
      for (const child of this.network.children.get(path) ?? []) {
        const module = this.network.moduleOf.get(child);
        const unfolded = this.open.has(child);
        const button = html(
          "button",
          { type: "button", class: "row", "aria-expanded": String(unfolded), "data-path": child },
          html("span", { class: "mark", "aria-hidden": "true" }, unfolded ? "−" : "＋"),
          html("span", { class: "name" }, child.slice(path ? path.length + 1 : 0)),
          html("span", { class: "type" }, module.type),
          html("span", { class: "norm" }, module.grad_norm > 0 ? format(module.grad_norm) : "·"),
        );
        button.style.setProperty("--tint", this.heat(module.grad_norm));
        button.style.setProperty("--depth", depth);
        button.addEventListener("click", () => {
          this.toggle(child);
          this.tree.querySelector(`[data-path="${CSS.escape(child)}"]`)?.focus();
        });
        rows.push(html("li", {}, button));
        if (unfolded) walk(child, depth + 1);
      }
    };
    walk("", 0);
    const top = this.tree.scrollTop;
    this.tree.replaceChildren(...rows);
    this.tree.scrollTop = top;
    put(this.tree, "aria-label", this.text.modules ?? "");
  }

  drawDetails() {
    const item = this.chosen === null ? null : this.view.items[this.chosen];
    if (!item) {
      this.details.replaceChildren();
      return;
    }
    const node = this.network.nodes[item.node];
    const around = this.network.line(node.module).at(-1);
    const fold = html("button", { type: "button" }, say(this.text.fold, { module: around }));
    fold.addEventListener("click", () => this.toggle(around));
    this.details.replaceChildren(html("p", {}, html("strong", {}, this.inWords(item))), ...(around ? [fold] : []));
  }
}

export default (component) => live(component, () => new NetworkView());
