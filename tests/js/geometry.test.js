import assert from "node:assert/strict";
import { test } from "node:test";
import {
  freePlace,
  gridPath,
  handleAt,
  holds,
  intersection,
  labelPlace,
  moved,
  nearestHandle,
  PARTS,
  same,
  shown,
  spreadLabels,
  wideLetters,
} from "../../assets/components/shared/geometry.js";

const FREE = { least: 1, snap: 0, size: null };
const IN = { least: 1, snap: 0, size: [100, 80] };

test("a body keeps its size and stays in the picture", () => {
  assert.deepEqual(moved([10, 20, 30, 50], "body", 5, -5, IN), [15, 15, 35, 45]);
  assert.deepEqual(moved([10, 20, 30, 50], "body", -50, 500, IN), [0, 50, 20, 80]);
  assert.deepEqual(moved([10, 20, 30, 50], "body", -50, 500, FREE), [-40, 520, -20, 550]);
});

test("each handle moves its own edges and no other", () => {
  const box = [10, 20, 30, 50];
  const edges = { w: 0, n: 1, e: 2, s: 3 };
  for (const part of PARTS) {
    const after = moved(box, part, 3, 4, IN);
    box.forEach((value, axis) => {
      const mine = [...part].some((letter) => edges[letter] === axis);
      assert.equal(after[axis] - value, mine ? (axis % 2 ? 4 : 3) : 0, `${part} ${axis}`);
    });
  }
});

test("a box is never turned inside out", () => {
  for (const part of PARTS) {
    for (const way of [-1000, 1000]) {
      const [x1, y1, x2, y2] = moved([10, 20, 30, 50], part, way, way, { least: 7, snap: 1, size: [100, 80] });
      assert.ok(x2 - x1 >= 7 && y2 - y1 >= 7, part);
      assert.ok(x1 >= 0 && y1 >= 0 && x2 <= 100 && y2 <= 80, part);
    }
  }
});

test("snap rounds where a part lands, not how far it moved", () => {
  assert.deepEqual(moved([3, 3, 13, 13], "body", 2, 2, { least: 1, snap: 4, size: null }), [4, 4, 14, 14]);
  assert.deepEqual(moved([3, 3, 13, 13], "se", 2, 4, { least: 1, snap: 4, size: null }), [3, 3, 16, 16]);
  assert.deepEqual(moved([0, 0, 1, 1], "e", 0.123456, 0, FREE), [0, 0, 1.12, 1]); // hundredths
});

test("handles stand on corners and in the middle of edges", () => {
  const wanted = { nw: [0, 0], n: [2, 0], ne: [4, 0], e: [4, 3], se: [4, 6], s: [2, 6], sw: [0, 6], w: [0, 3] };
  for (const part of PARTS) assert.deepEqual(handleAt([0, 0, 4, 6], part), wanted[part]);
  assert.deepEqual(Object.keys(wanted), PARTS); // clockwise
});

test("the nearest handle is felt within reach, and a small box keeps a middle", () => {
  assert.deepEqual(nearestHandle([0, 0, 100, 100], [-3, -4], 6, 1), { part: "nw", distance: 5 });
  assert.equal(nearestHandle([0, 0, 100, 100], [-3, -4], 4, 1), null);
  assert.equal(nearestHandle([0, 0, 12, 12], [6, 6], 50, 4), null); // inside, handles reach 4 of the 6 to the middle
  assert.equal(nearestHandle([0, 0, 12, 12], [6, 13], 50, 4).part, "s");
  assert.equal(nearestHandle([0, 0, 100, 100], [-3, -4], 4, 1, 0.8).part, "nw"); // the box in hand is felt from farther away
});

test("a place is held by a box and by its slack", () => {
  assert.ok(holds([0, 0, 4, 4], [4, 4], 0));
  assert.ok(!holds([0, 0, 4, 4], [4.5, 4], 0));
  assert.ok(holds([0, 0, 4, 4], [4.5, 4], 1));
});

test("boxes share an area, not an edge", () => {
  assert.deepEqual(intersection([0, 0, 4, 4], [1, 2, 9, 9]), [1, 2, 4, 4]);
  assert.equal(intersection([0, 0, 4, 4], [4, 0, 9, 9]), null);
});

test("equal boxes are the same", () => {
  assert.ok(same([1, 2, 3, 4], [1, 2, 3, 4]));
  assert.ok(!same([1, 2, 3, 4], [1, 2, 3, 5]));
});

test("a coordinate has two decimals at most", () => {
  assert.deepEqual([1, 1.005, 2.5, -0.004].map(shown), ["1", "1", "2.5", "0"]);
});

test("grid lines lie within the picture", () => {
  assert.equal(gridPath(9, 5, 4), "M4 0V5M8 0V5M0 4H9");
  assert.equal(gridPath(4, 4, 4), "");
});

test("a label stays in the picture", () => {
  const view = { unit: 1, width: 100, scale: 1 };
  assert.deepEqual(labelPlace([10, 40, 30, 60], 2, view), { x: 12, y: 35, anchor: "start" });
  assert.deepEqual(labelPlace([-5, 2, 30, 60], 2, view), { x: 2, y: 16, anchor: "start" }); // no room above: inside
  assert.deepEqual(labelPlace([90, 40, 120, 60], 4, view), { x: 98, y: 35, anchor: "end" });
});

test("labels make way for one another", () => {
  const view = { unit: 1, width: 400, height: 200, scale: 1, taken: [] };
  assert.deepEqual(freePlace([60, 60, 140, 140], 10, view), { x: 62, y: 55, anchor: "start" });
  assert.deepEqual(freePlace([100, 60, 180, 140], 6, view), { x: 102, y: 154, anchor: "start" }); // below its box
  assert.deepEqual(freePlace([100, 62, 180, 195], 6, view), { x: 102, y: 190, anchor: "start" }); // no room below: inside
  assert.deepEqual(freePlace([200, 60, 280, 140], 6, view), { x: 202, y: 55, anchor: "start" }); // nobody is near
  assert.equal(freePlace([60, 60, 140, 140], 10, { ...view, taken: null }).y, 55);
});

test("labels stay apart: the first keeps its place, the others step down in their boxes or are left out", () => {
  const view = { unit: 1, scale: 1 };
  const at = (x, y, bottom, anchor = "start") => ({ place: { x, y, anchor }, letters: 4, bottom });
  assert.deepEqual(spreadLabels([at(10, 30, 90), at(20, 35, 90), at(20, 35, 90), at(20, 35, 40)], view), [30, 52, 69, null]);
  assert.deepEqual(spreadLabels([at(10, 30, 90), at(40, 30, 90), at(10, 47, 90)], view), [30, 30, 47]); // side by side, one below another
  assert.deepEqual(spreadLabels([at(10, 30, 90), at(50, 30, 90, "end")], view), [30, 47]); // flush right, it reaches to the left
  assert.deepEqual(spreadLabels([at(10, 95, 90)], view), [95]); // alone, it stands wherever it is
});

test("a Chinese letter is nearly two wide", () => {
  assert.equal(wideLetters("cat"), 3);
  assert.equal(wideLetters("猫"), 1.8);
});
