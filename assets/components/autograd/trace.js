// A trace, indexed: what stands at one step. Pure functions of the trace; no elements.

export class Trace {
  /** @type {any[]} */ nodes;
  /** @type {any[]} */ edges;
  /** @type {any[]} */ steps;
  /** @type {any[]} */ tensors;
  /** @type {any[]} */ visits;
  /** @type {any[]} */ arrays;
  /** @type {string[]} */ lines;
  /** @type {any} */ error;

  /** @param {any} json what vizcore.autograd.to_json gives */
  constructor(json) {
    Object.assign(this, json);
    this.incoming = this.nodes.map(() => []); // edges by target
    this.outgoing = this.nodes.map(() => []); // edges by source
    this.edges.forEach((edge, id) => {
      this.incoming[edge.target].push(id);
      this.outgoing[edge.source].push(id);
    });
    for (const list of this.incoming) list.sort((a, b) => this.edges[a].input_index - this.edges[b].input_index);
    this.stepOfVisit = new Map();
    this.stepOfTensor = new Map();
    this.steps.forEach((step, index) => {
      if (step.visit !== null) this.stepOfVisit.set(step.visit, index);
      for (const tensor of step.changed) this.stepOfTensor.set(tensor, index);
    });
  }

  /** How many positions the stepper has. The line that failed is the last step; a program that cannot be read has none. */
  get length() {
    return Math.max(1, this.steps.length);
  }

  /** Takes over the arrays of another trace that hold the same: what has not changed need not be drawn again. @param {Trace} other */
  share(other) {
    this.arrays = this.arrays.map((array, index) => {
      const known = other.arrays[index];
      return known && JSON.stringify(known) === JSON.stringify(array) ? known : array;
    });
  }

  array(index) {
    return index === null || index === undefined ? null : this.arrays[index];
  }

  /** Everything that stands at a position. */
  at(position) {
    const failed = Boolean(this.error) && position >= this.steps.length - 1;
    const last = Math.min(position, this.steps.length - 1);
    const step = this.steps[last] ?? null;
    const state = {
      position,
      step,
      error: failed ? this.error : null,
      line: failed ? this.error.line : (step?.line ?? 0),
      numNodes: step?.num_nodes ?? 0,
      variables: new Map(), // name -> id of its tensor state
      changed: new Set(step?.changed ?? []),
      freed: new Set(),
      visit: failed ? null : (step?.visit ?? null),
      run: -1,
      visits: [], // of the newest run so far
      lastVisit: new Map(), // node -> its newest visit in that run
      sent: new Map(), // edge -> array index of the gradient that went along it, in that run
      fresh: new Set(), // edges along which the present visit sends
      arrived: new Set(), // edges along which the present visit received
      printed: "",
    };
    for (let index = 0; index <= last; index++) {
      const now = this.steps[index];
      for (const name of now.removed) state.variables.delete(name);
      for (const tensor of now.changed) state.variables.set(this.tensors[tensor].name, tensor);
      for (const node of now.freed) state.freed.add(node);
      state.printed += now.printed;
      if (now.visit === null) continue;
      const visit = this.visits[now.visit];
      if (visit.run !== state.run) {
        state.run = visit.run;
        state.visits = [];
        state.lastVisit.clear();
        state.sent.clear();
      }
      state.visits.push(now.visit);
      state.lastVisit.set(visit.node, now.visit);
      for (const edge of this.incoming[visit.node] ?? []) {
        const value = visit.downstream[this.edges[edge].input_index];
        if (value === null || value === undefined) continue;
        state.sent.set(edge, value);
        if (now.visit === state.visit) state.fresh.add(edge);
      }
      if (now.visit === state.visit) for (const part of visit.contributions) if (part.edge >= 0) state.arrived.add(part.edge);
    }
    return state;
  }

  /** Saved tensors whose variable was changed in place since: backward through them fails. */
  isStale(saved, state) {
    if (!saved.variable) return false;
    const now = this.tensors[state.variables.get(saved.variable)];
    return Boolean(now) && now.version > saved.version;
  }

  /** The state of a tensor that a node computed or accumulates for, as it stands. */
  tensorOfNode(node, state) {
    for (const id of state.variables.values()) if (this.tensors[id].node === node) return id;
    return null;
  }
}
