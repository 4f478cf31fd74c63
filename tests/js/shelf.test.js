import assert from "node:assert/strict";
import { test } from "node:test";
import { across, fitLevels, flow } from "../../assets/components/image_pyramid/shelf.js";

test("a level is as wide as its picture, but its caption has room", () => {
  assert.equal(across([100, 300], 1, 500), 300);
  assert.equal(across([100, 300], 0.1, 500), 118);
  assert.equal(across([100, 300], 0.1, 90), 90);
});

test("rows begin anew where a level does not fit", () => {
  const sizes = [
    [100, 200],
    [80, 160],
    [60, 120],
  ];
  assert.equal(flow(sizes, 1, 1000), 148); // one row, as high as the first and its caption
  assert.equal(flow(sizes, 1, 380), 148 + 14 + 108); // the third below the first two
  assert.equal(flow(sizes, 1, 150), Infinity); // the first is too wide
});

test("all levels fit at the scale that was found, and hardly at a larger one", () => {
  const sizes = [
    [900, 1200],
    [640, 850],
    [450, 600],
    [224, 300],
  ];
  for (const [width, most] of [
    [1200, 500],
    [700, 500],
    [400, 300],
  ]) {
    const { scale, sideways } = fitLevels(sizes, width, most);
    assert.ok(scale > 0.02 && scale <= 1);
    if (!sideways) {
      assert.ok(flow(sizes, scale, width) <= most);
      assert.ok(flow(sizes, scale * 1.01, width) > most);
    }
  }
  assert.ok(fitLevels([[10, 10]], 1000, 1000).scale > 0.999); // never magnified
});
