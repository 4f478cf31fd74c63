import assert from "node:assert/strict";
import { test } from "node:test";
import {
  favourite,
  foldOf,
  into,
  iterationsAt,
  out,
  over,
  sparkline,
  stepOfIteration,
  valueAt,
} from "../../assets/components/autograd/folds.js";

const step = (kind, fields = {}) => ({ kind, depth: 0, call: null, fold: null, iteration: null, iterations: null, ...fields });

/** A line, then 50 epochs of a header, a call of one line with the line that called it, and a visit; then a last line. */
function epochs() {
  const whole = (number) => {
    const at = { fold: 0, iteration: number };
    return [
      step("line", at),
      step("call", { ...at, depth: 1, call: 0 }),
      step("line", { ...at, depth: 1, call: 0 }),
      step("line", at),
      step("visit", at),
      step("line", at),
    ];
  };
  const gap = step("fold", { fold: 0, iterations: [3, 49] });
  const steps = [step("line"), ...whole(1), ...whole(2), gap, ...whole(50), step("line")];
  const iterations = [1, 2, 50].map((number, index) => {
    const first = 1 + index * 6 + Number(index > 1);
    return { number, first_step: first, end_step: first + 6 };
  });
  const fold = {
    line: 2,
    end_line: 6,
    kind: "for",
    parent: null,
    depth: 0,
    first_step: 1,
    end_step: 20,
    num_iterations: 50,
    iterations,
    series: [],
  };
  return { steps, folds: [fold], calls: [{ name: "f" }], arrays: [] };
}

test("before a loop one is at its first iteration, behind it at its last, in a gap at all of it", () => {
  const trace = epochs();
  assert.deepEqual(
    [0, 1, 8, 13, 14, 20].map((position) => {
      const { first, last } = iterationsAt(trace, foldOf(trace, position), position);
      return [first, last];
    }),
    [
      [1, 1],
      [1, 1],
      [2, 2],
      [3, 49],
      [50, 50],
      [50, 50],
    ],
  );
});

test("every iteration has its step: its own where it was recorded, else that of its gap", () => {
  const trace = epochs();
  assert.deepEqual(
    [1, 2, 3, 49, 50].map((number) => stepOfIteration(trace, 0, number).step),
    [1, 7, 13, 13, 14],
  );
  assert.deepEqual(
    [2, 17].map((number) => stepOfIteration(trace, 0, number).isWhole),
    [true, false],
  );
});

test("over a loop, a call, a backward pass; out of each; into a gap opens an iteration", () => {
  const trace = epochs();
  assert.deepEqual(over(trace, 0), { step: 20 }); // the whole loop
  assert.deepEqual(over(trace, 7), { step: 10 }); // the call
  assert.deepEqual(over(trace, 10), { step: 12 }); // the visits
  assert.deepEqual(over(trace, 13), { step: 14 }); // a gap
  assert.deepEqual(out(trace, 2), { step: 4 }); // the function, not the loop around its call
  assert.deepEqual(out(trace, 5), { step: 6 }); // the backward pass
  assert.deepEqual(out(trace, 7), { step: 20 }); // the loop
  assert.equal(out(trace, 0), null);
  assert.deepEqual(into(trace, 13), { open: 3 });
  assert.deepEqual(into(trace, 13, 31), { open: 31 });
  assert.deepEqual(into(trace, 0), { step: 1 });
  assert.deepEqual(
    [into, over, out].map((way) => way(trace, 20)),
    [null, null, null],
  );
});

test("a loop in a loop: out leads to what follows the inner one", () => {
  const trace = epochs();
  const outer = {
    ...trace.folds[0],
    first_step: 0,
    end_step: 21,
    line: 1,
    iterations: [{ number: 1, first_step: 0, end_step: 21 }],
    num_iterations: 9,
  };
  trace.folds = [outer, { ...trace.folds[0], parent: 0 }];
  trace.steps = trace.steps.map((one) => ({ ...one, fold: one.fold === null ? 0 : 1 }));
  assert.equal(foldOf(trace, 8), 1);
  assert.deepEqual(out(trace, 7), { step: 20 });
  assert.deepEqual(over(trace, 0), { step: 20 });
});

test("the loss is drawn first, else what is no mere count", () => {
  const arrays = [
    [1, 2, 3],
    [0, 1, 2],
    [9, 4, 1],
  ].map((data) => ({ data }));
  const series = (...names) => ({ series: names.map((name, index) => ({ name, iterations: 0, values: index + 1 })) });
  assert.equal(favourite({ arrays }, series("epoch", "w")), 1);
  assert.equal(favourite({ arrays }, series("loss.item()", "w")), 0);
  assert.equal(favourite({ arrays }, series()), -1);
});

test("a value is exact where its iteration was kept, else the nearest", () => {
  assert.deepEqual(valueAt([1, 4, 9], [7, 5, 3], 4), { value: 5, isExact: true });
  assert.deepEqual(valueAt([1, 4, 9], [7, 5, 3], 8), { value: 3, isExact: false });
  assert.equal(valueAt([], [], 1), null);
});

test("the curve spans all iterations and breaks where a value is not finite", () => {
  const { path, x, y } = sparkline([1, 2, 3], [4, "nan", 0], 5, 100, 10);
  assert.equal(path.match(/M/g)?.length, 2);
  assert.deepEqual([x(1), x(5), y(4), y(0)], [0, 100, 0, 10]);
});
