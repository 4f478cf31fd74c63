// Which modules are folded, what is then drawn, and where: pure functions of the network; no elements.

/** The graph of a network, indexed by module. */
export class Network {
  /** @type {any[]} by id: name, module, call, shape, parameter, grad_norm */ nodes;
  /** @type {{source: number, target: number}[]} */ edges;
  /** @type {any[]} path, parent, type, grad_norm */ modules;

  /** @param {{nodes: any[], edges: any[], modules: any[]}} json what vizcore.autograd.network_to_json gives */
  constructor(json) {
    Object.assign(this, json);
    this.moduleOf = new Map(this.modules.map((module) => [module.path, module]));
    this.children = new Map();
    for (const module of this.modules) {
      if (!this.children.has(module.parent)) this.children.set(module.parent, []);
      if (module.path !== module.parent) this.children.get(module.parent).push(module.path);
    }
  }

  /** A module's ancestors, outermost first, itself last; "" is the network. */
  line(path) {
    const found = [];
    for (let at = this.moduleOf.get(path); at; at = at.path === "" ? null : this.moduleOf.get(at.parent)) found.unshift(at.path);
    return found;
  }

  /**
   * What is drawn when some modules are open: a node of its own, or the outermost closed module around it.
   *
   * @param {Set<string>} open paths; a module counts as open only if all around it are
   * @returns {{items: {module?: string, node?: number, nodes: number[]}[], edges: {source: number, target: number}[]}} items in the order of
   *     their first node
   */
  view(open) {
    const itemOf = [];
    const items = [];
    const known = new Map();
    this.nodes.forEach((node, id) => {
      const closed = this.line(node.module).find((path) => !open.has(path));
      // A module that is called twice stands in two places.
      const key = closed === undefined ? id : `m${closed}#${closed === node.module ? node.call : 0}`;
      if (!known.has(key)) {
        known.set(key, items.length);
        items.push(closed === undefined ? { node: id, nodes: [] } : { module: closed, nodes: [] });
      }
      const item = known.get(key);
      items[item].nodes.push(id);
      itemOf.push(item);
    });
    const edges = new Map();
    for (const { source, target } of this.edges) {
      const [from, to] = [itemOf[source], itemOf[target]];
      if (from !== to) edges.set(`${from},${to}`, { source: from, target: to });
    }
    return { items, edges: [...edges.values()] };
  }
}

/** In a circle nothing is ready: the item goes next that waits for the fewest and has been reached. */
function nextInCircle(done, sources) {
  const missing = (item) =>
    sources[item].filter((source) => !done[source]).length - (sources[item].some((source) => done[source]) ? 1000 : 0);
  const left = done.flatMap((is, item) => (is ? [] : [item]));
  return left.reduce((a, b) => (missing(b) < missing(a) ? b : a));
}

/**
 * Layers by longest path, order within a layer by the mean place of the neighbours.
 *
 * Folding can make a circle of modules; an edge that would close one is left out of the layering.
 *
 * @param {number} count of items
 * @param {{source: number, target: number}[]} edges
 * @returns {[number, number][]} x and y in units of one column and one layer
 */
export function layered(count, edges) {
  const targets = Array.from({ length: count }, () => []);
  const sources = Array.from({ length: count }, () => []);
  const waiting = new Array(count).fill(0);
  for (const { source, target } of edges) {
    targets[source].push(target);
    sources[target].push(source);
    waiting[target]++;
  }
  const layer = new Array(count).fill(0);
  const done = new Array(count).fill(false);
  const ready = waiting.flatMap((number, item) => (number ? [] : [item]));
  for (let left = count; left > 0; left--) {
    const item = ready.length ? ready.shift() : nextInCircle(done, sources);
    done[item] = true;
    for (const target of targets[item]) {
      if (done[target]) continue;
      layer[target] = Math.max(layer[target], layer[item] + 1);
      if (--waiting[target] === 0) ready.push(target);
    }
  }
  // An input sinks to just above its first user, so that a parameter stands beside its layer.
  for (let item = 0; item < count; item++) {
    if (!sources[item].length && targets[item].length)
      layer[item] = Math.max(0, Math.min(...targets[item].map((target) => layer[target])) - 1);
  }
  const rows = [];
  layer.forEach((row, item) => (rows[row] ??= []).push(item));
  const x = new Array(count).fill(0);
  const spread = (row) => row.forEach((item, place) => (x[item] = place - (row.length - 1) / 2));
  const present = rows.filter(Boolean);
  present.forEach(spread);
  for (let sweep = 0; sweep < 6; sweep++) {
    const around = sweep % 2 ? targets : sources;
    for (const row of sweep % 2 ? [...present].reverse() : present) {
      const pull = new Map(
        row.map((item) => [
          item,
          around[item].length ? around[item].reduce((sum, other) => sum + x[other], 0) / around[item].length : x[item],
        ]),
      );
      row.sort((a, b) => pull.get(a) - pull.get(b));
      spread(row);
    }
  }
  return layer.map((row, item) => [x[item], row]);
}
