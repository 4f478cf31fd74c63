import assert from "node:assert/strict";
import { test } from "node:test";
import { figureAt, restarts, stepWithin } from "../../assets/components/shared/steps.js";

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

const FIGURE = {
  data: [{ y: [0], line: { color: "red", width: 2 } }, { y: [9] }],
  layout: { title: { text: "start" }, height: 100 },
  frames: [{}, { data: [{ y: [1], line: { width: 5 } }], layout: { title: { text: "one" } } }, { data: [{ y: [2] }], traces: [1] }],
};

test("a frame lies over the figure, and nothing remains of others", () => {
  const before = structuredClone(FIGURE);
  const one = figureAt(FIGURE, 1);
  assert.deepEqual(one.data, [{ y: [1], line: { color: "red", width: 5 } }, { y: [9] }]);
  assert.deepEqual(one.layout, { title: { text: "one" }, height: 100 });
  const two = figureAt(FIGURE, 2);
  assert.deepEqual(two.data, [FIGURE.data[0], { y: [2] }]);
  assert.deepEqual(two.layout, FIGURE.layout);
  assert.deepEqual(figureAt(FIGURE, 0).data, FIGURE.data);
  assert.deepEqual(FIGURE, before);
});

test("a typed array is one value", () => {
  const figure = { data: [{ y: { dtype: "f8", bdata: "AA==", shape: "1" } }], frames: [{ data: [{ y: { dtype: "f4", bdata: "BB==" } }] }] };
  assert.deepEqual(figureAt(figure, 0).data[0].y, { dtype: "f4", bdata: "BB==" });
});

test("a figure without frames, or beyond its last, is itself", () => {
  assert.equal(figureAt({ data: [] }, 3).data.length, 0);
  assert.equal(figureAt(FIGURE, 7), FIGURE);
});
