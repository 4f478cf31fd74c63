import assert from "node:assert/strict";
import { test } from "node:test";
import { nudged, numberAt, numbersIn } from "../../assets/components/shared/numbers.js";

const texts = (line) => numbersIn(line).map(({ text }) => text);

test("numbers with their own signs, and no others", () => {
  assert.deepEqual(texts("x = torch.tensor([1., -2.5], dtype=torch.float32)"), ["1.", "-2.5"]);
  assert.deepEqual(texts("y = x - 2"), ["2"]); // this minus subtracts
  assert.deepEqual(texts("y = x*-3 + .5"), ["-3", ".5"]);
  assert.deepEqual(texts("lr = 1e-3"), ["1e-3"]);
  assert.deepEqual(texts("a1 = w.x2"), []);
});

test("texts and comments hold no numbers", () => {
  assert.deepEqual(texts("print('4', 5)  # 6"), ["5"]);
  assert.deepEqual(texts("s = '# 1'; y = 2"), ["2"]);
});

test("the number at a column", () => {
  const line = "w = torch.tensor(-1.5)";
  assert.deepEqual(numberAt(line, 18), { start: 17, end: 21, text: "-1.5" });
  assert.equal(numberAt(line, 3), null);
});

test("a step is the last digit, at least a tenth; whole numbers stay whole", () => {
  assert.equal(nudged("-1.5", 20), "0.5");
  assert.equal(nudged("2.", -3), "1.7");
  assert.equal(nudged("0.25", 1), "0.26");
  assert.equal(nudged("7", -9), "-2");
  assert.equal(nudged("1e-3", 1), "1.1e-3");
  assert.equal(nudged("0.1", -1), "0.0");
});
