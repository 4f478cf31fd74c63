import assert from "node:assert/strict";
import { test } from "node:test";
import { axis, powers, ticks } from "../../assets/components/autograd/charts.js";

test("marks are round and lie within", () => {
  assert.deepEqual(ticks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(-3, 97), [0, 20, 40, 60, 80]);
  assert.deepEqual(ticks(0.123, 0.124, 3), [0.123, 0.1235, 0.124]);
  assert.deepEqual(ticks(5, 5), [5]);
});

test("a logarithmic axis is marked at powers and leaves out what has no place on it", () => {
  assert.deepEqual(powers(0.001, 1000, 4), [0.001, 0.1, 10, 1000]);
  const { has, place } = axis([0, 1, 100], true, 0, 10);
  assert.deepEqual([has(0), has(1), place(10)], [false, true, 5]);
});

test("an axis spans its numbers; bars stand on zero; one number lies in the middle", () => {
  assert.equal(axis([2, 4], false, 0, 10).place(3), 5);
  assert.equal(axis([2, 4], false, 0, 10, true).place(0), 0);
  assert.equal(axis([7, "nan"], false, 0, 10).place(7), 5);
  assert.deepEqual(axis([], false, 0, 10).marks.length > 1, true);
});
