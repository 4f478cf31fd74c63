import assert from "node:assert/strict";
import { test } from "node:test";
import { cellAt, cellSides, ownedCells, receptiveBox, square } from "../../assets/components/fpn/lookups.js";

// The photo is half as wide and a quarter as high as what the network saw, so that x and y cannot be exchanged unnoticed.
const SCALES = [2, 4];

test("a cell's sides in the photo", () => {
  assert.deepEqual(cellSides(16, SCALES), [8, 4]);
});

test("a place lies in its cell, and beyond the map in the nearest", () => {
  const sides = [8, 4];
  assert.deepEqual(cellAt([8, 3.9], sides, [5, 3]), [0, 1]);
  assert.deepEqual(cellAt([7.9, 4], sides, [5, 3]), [1, 0]);
  assert.deepEqual(cellAt([-1, 1000], sides, [5, 3]), [4, 0]);
});

test("every cell finds itself from its own middle", () => {
  for (let row = 0; row < 5; row++) {
    for (let col = 0; col < 3; col++) {
      const [x1, y1, x2, y2] = square([row, col], [8, 4]);
      assert.deepEqual(cellAt([(x1 + x2) / 2, (y1 + y2) / 2], [8, 4], [5, 3]), [row, col]);
    }
  }
});

test("receptive fields repeat and are clipped to the photo", () => {
  // Two kinds of cells: one sees 4 to either side of its 16 pixels, the next 8 to the left only.
  const field = {
    intervals: [
      [-4, 20],
      [8, 32],
    ],
    stride: 16,
    scales: SCALES,
    image: [40, 50],
  };
  assert.deepEqual(receptiveBox([0, 0], field), [0, 0, 10, 5]);
  assert.deepEqual(receptiveBox([2, 3], field), [(8 + 32) / 2, (-4 + 32) / 4, (32 + 32) / 2, (20 + 32) / 4]);
  assert.deepEqual(receptiveBox([2, 6], field), [46, 7, 50, 13]); // 58 is beyond the photo
});

test("cells are asked around the centre, within the map, with the level's own bounds", () => {
  const asked = [];
  const rule = (...numbers) => {
    asked.push(numbers);
    return { value: numbers[0] === 24 ? 1 : 0 };
  };
  const cells = ownedCells(rule, [8, 0, 24, 16], { stride: 16, low: 4, high: null }, [3, 2], 1);
  // The centre (16, 8) lies in column 1, row 0; row -1 and column 2 are not there.
  assert.deepEqual(
    asked.map(([x, y]) => [x, y]),
    [
      [8, 8],
      [24, 8],
      [8, 24],
      [24, 24],
    ],
  );
  assert.deepEqual(asked[0].slice(2), [8, 0, 24, 16, 16, 4, Infinity]);
  assert.deepEqual(cells, [
    [0, 1],
    [1, 1],
  ]);
});
