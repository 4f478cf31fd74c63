import assert from "node:assert/strict";
import { test } from "node:test";
import { closest } from "../../assets/components/detection/preview.js";

test("the box of another detector is the one that overlaps most, if it overlaps enough", () => {
  /** @type {{id: string, xyxy: [number, number, number, number]}[]} */
  const boxes = [
    { id: "c1", xyxy: [0, 0, 10, 10] },
    { id: "c2", xyxy: [0, 0, 10, 8] },
    { id: "c3", xyxy: [20, 20, 40, 40] },
  ];
  assert.equal(closest([0, 0, 10, 9.5], boxes), "c1"); // 0.95 against 0.84
  assert.equal(closest([0, 0, 10, 8.5], boxes), "c2"); // 0.85 against 0.94
  assert.equal(closest([20, 20, 40, 26], boxes), null); // 0.3 is not above 0.3
  assert.equal(closest([20, 20, 40, 27], boxes), "c3");
  assert.equal(closest(null, boxes), null);
});
