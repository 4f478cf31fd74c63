import assert from "node:assert/strict";
import { test } from "node:test";
import { assign, assignGreedily } from "../../assets/components/detr/assignment.js";

test("no objects, or no queries, are matched to nothing", () => {
  for (const [rows, cols] of [
    [3, 0],
    [0, 3],
    [0, 0],
  ]) {
    assert.deepEqual(assign([], rows, cols), { queries: [], objects: [], total: 0 });
    assert.deepEqual(assignGreedily([], rows, cols), { queries: [], objects: [], total: 0 });
  }
});

test("greedy takes the cheapest pair and pays for it", () => {
  // Query 0 is the cheaper one for both; who gives it to the first object pays 1 + 10, the other way costs 2 + 3.
  const cost = [1, 2, 3, 10];
  assert.deepEqual(assignGreedily(cost, 2, 2), { queries: [0, 1], objects: [0, 1], total: 11 });
  assert.deepEqual(assign(cost, 2, 2), { queries: [0, 1], objects: [1, 0], total: 5 });
});

test("fewer queries than objects: each query has one, the dear object none", () => {
  assert.deepEqual(assign([5, 1, 9, 2, 9, 9], 2, 3), { queries: [0, 1], objects: [1, 0], total: 3 });
});

test("fewer objects than queries: answered by increasing query", () => {
  assert.deepEqual(assign([9, 0, 9, 9, 0, 9], 3, 2), { queries: [0, 2], objects: [1, 0], total: 0 });
});
