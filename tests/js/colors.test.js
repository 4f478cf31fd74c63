import assert from "node:assert/strict";
import { test } from "node:test";
import { colorTable, contrast, inkOn, isDarkColor, luminance, parse, shade } from "../../assets/components/shared/colors.js";

test("CSS colours in every spelling that pages send", () => {
  assert.deepEqual(parse("#0b6fb8"), [11, 111, 184]);
  assert.deepEqual(parse("#FA0"), [255, 170, 0]);
  assert.deepEqual(parse("rgb(68, 1, 84)"), [68, 1, 84]);
  assert.deepEqual(parse("rgba(1 2 3 / 0.5)"), [1, 2, 3]);
  assert.deepEqual(parse(""), [255, 255, 255]);
});

test("a scale is linear between its colours and ends at its ends", () => {
  const scale = [
    [0, 0, 0],
    [100, 200, 50],
    [255, 255, 255],
  ];
  assert.deepEqual(shade(scale, 1, 0, 2), [100, 200, 50]);
  assert.deepEqual(shade(scale, 0.5, 0, 2), [50, 100, 25]);
  assert.deepEqual(shade(scale, -9, 0, 2), [0, 0, 0]);
  assert.deepEqual(shade(scale, 9, 0, 2), [255, 255, 255]);
  assert.deepEqual(shade(scale, 5, 3, 3), [0, 0, 0]); // nothing to tell apart
});

test("a table has the ends and every step between", () => {
  const table = colorTable(["#000000", "#ffffff"]);
  assert.equal(table.length, 256);
  table.forEach((color, place) => assert.deepEqual(color, [place, place, place]));
});

test("contrast as WCAG defines it", () => {
  assert.equal(contrast([0, 0, 0], [255, 255, 255]), 21);
  assert.equal(contrast([9, 9, 9], [9, 9, 9]), 1);
  // WCAG's often quoted border: #767676 is the lightest grey that white text can stand on.
  assert.ok(contrast([118, 118, 118], [255, 255, 255]) >= 4.5);
  assert.ok(contrast([119, 119, 119], [255, 255, 255]) < 4.5);
  assert.equal(luminance([255, 255, 255]), 1);
});

test("ink can be read on every colour", () => {
  for (let red = 0; red < 256; red += 15) {
    for (let green = 0; green < 256; green += 15) {
      for (let blue = 0; blue < 256; blue += 15) {
        const ground = [red, green, blue];
        assert.ok(contrast(parse(inkOn(ground)), ground) >= 4.5, String(ground));
      }
    }
  }
});

test("a dark ground is known by the weights of the eye", () => {
  assert.ok(isDarkColor("#0e1117"));
  assert.ok(!isDarkColor("#ffffff"));
  assert.ok(isDarkColor("#0000ff")); // blue is dark
  assert.ok(!isDarkColor("#00ff00"));
});
