import assert from "node:assert/strict";
import { test } from "node:test";
import { restarts, stepWithin } from "../../assets/components/shared/steps.js";

test("a step that was asked for becomes one that exists", () => {
  assert.deepEqual(
    [-1, 0, 2, 2.6, 9, "3", Number.NaN, undefined, Infinity].map((step) => stepWithin(step, 5)),
    [0, 0, 2, 3, 4, 3, 0, 0, 4],
  );
  assert.equal(stepWithin(7, 1), 0);
});

test("another run restarts, the same one leaves the learner where they are", () => {
  const spec = { numSteps: 5, version: 1, step: 2 };
  assert.equal(restarts({}, spec), true);
  assert.equal(restarts(spec, { ...spec, step: 4 }), false);
  assert.equal(restarts(spec, { ...spec, version: 2 }), true);
  assert.equal(restarts(spec, { ...spec, numSteps: 6 }), true);
});
