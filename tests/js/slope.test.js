import assert from "node:assert/strict";
import { test } from "node:test";
import { curve, scales } from "../../assets/components/autograd/slope.js";

test("the picture holds the curve, larger losses above", () => {
  const at = scales([0, 1, 2], [4, 0, 4]);
  assert.equal(at.x(1), (at.x(0) + at.x(2)) / 2);
  assert.ok(at.y(4) < at.y(0));
});

test("the curve is broken where the program fails", () => {
  const at = scales([0, 1, 2, 3], [1, null, 2, 3]);
  assert.equal(curve([0, 1, 2, 3], [1, null, 2, 3], at).match(/M/g)?.length, 2);
});

test("a flat loss lies in the middle", () => {
  const at = scales([0, 1], [5, 5]);
  assert.equal(at.y(5), 75);
});
