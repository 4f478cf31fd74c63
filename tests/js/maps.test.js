import assert from "node:assert/strict";
import { test } from "node:test";
import { maxima, peakKey, splatAll, worstBox } from "../../assets/components/centernet/maps.js";

// A stand-in for what Python compiles: a radius of 2 cells for all, and a blob that falls by a quarter a cell.
const program = {
  radius_exact: () => ({ value: 2.9 }),
  splat: (x, y) => ({ value: Math.max(0, 1 - (Math.abs(x) + Math.abs(y)) / 4) }),
  moved_iou: (_height, _width, _radius, dx1, dy1, dx2, dy2) => ({ value: 1 - (dx1 + dy1 - dx2 - dy2) / 8 }),
};
const rule = { formula: "exact", overlap: 0.7 };

test("each class has its map, the greater counts, and what is off the map or flat leaves nothing", () => {
  const objects = [
    { id: "0", label: "A", box: [0, 0, 5, 5] }, // centre in cell (2, 2)
    { id: "1", label: "A", box: [1, 0, 6, 5] }, // beside it: (3, 2)
    { id: "2", label: "B", box: [0, 0, 5, 5] },
    { id: "3", label: "A", box: [-9, 0, -3, 5] },
    { id: "4", label: "A", box: [4, 4, 4, 6] },
  ];
  const [a, b] = splatAll(program, objects, [6, 8], ["A", "B"], rule);
  assert.equal(a[2 * 8 + 2], 1);
  assert.equal(a[2 * 8 + 3], 1);
  assert.equal(a[2 * 8 + 4], 0.75);
  assert.equal(b[2 * 8 + 3], 0.75);
  assert.equal(b[2 * 8 + 5], 0); // beyond the radius it is cut off
  assert.equal(a[5 * 8 + 4], 0);
  assert.deepEqual(objects[0].offset, [0.5, 0.5]);
  assert.equal(maxima(a, [6, 8]), 2); // a plateau of two
  assert.equal(maxima(b, [6, 8]), 1);
  assert.equal(peakKey(objects[0]) === peakKey(objects[2]), false);
  assert.equal(peakKey({ id: "5", label: "A", box: [], cell: [2, 2] }), peakKey(objects[0]));
});

test("the worst box is the one with the least IoU", () => {
  assert.deepEqual(worstBox(program, 10, 10, 2), { iou: 0.5, offsets: [2, 2, -2, -2] });
});
