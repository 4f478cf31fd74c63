import assert from "node:assert/strict";
import { test } from "node:test";
import { panAt, Rate } from "../../assets/components/detection/frames.js";

test("a rate is told from the last twenty answers, and none from one", () => {
  const rate = new Rate();
  assert.deepEqual(rate.add(1000, 80), { fps: 0, latency: 80 });
  for (let at = 1; at <= 19; at++) rate.add(1000 + 1000 * at, 80); // one a second
  let last = null;
  for (let at = 1; at <= 20; at++) last = rate.add(20_000 + 50 * at, 40); // twenty a second
  assert.deepEqual(last, { fps: 20, latency: 40 });
  assert.equal(rate.count, 40);
});

test("a pan goes from one side of the photo to the other, and never beyond", () => {
  for (const size of [
    [512, 512],
    [900, 300],
    [300, 900],
  ]) {
    const ratio = 4 / 3;
    const seen = Array.from({ length: 41 }, (_, at) => panAt(at / 40, /** @type {[number, number]} */ (size), ratio));
    for (const { x, y, wide, high } of seen) {
      assert.ok(x >= 0 && y >= 0 && x + wide <= size[0] + 1e-9 && y + high <= size[1] + 1e-9);
      assert.ok(Math.abs(wide / high - ratio) < 1e-9);
    }
    assert.equal(seen[0].x, 0);
    assert.ok(Math.abs(seen[20].x + seen[20].wide - size[0]) < 1e-9);
    assert.ok(Math.abs(seen[40].x) < 1e-9);
  }
});
