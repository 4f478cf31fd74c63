// What Python wrote is read in tests/vizcore/test_packing.py; here are bytes written by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJson, unpack } from "../../assets/components/shared/bytes.js";

function written(header, ...body) {
  const text = new TextEncoder().encode(JSON.stringify(header).padEnd(Math.ceil((JSON.stringify(header).length + 4) / 8) * 8 - 4));
  return new Uint8Array([text.length, 0, 0, 0, ...text, ...body]);
}

const ONE = written({ arrays: { x: { dtype: "uint16", shape: [1, 2], offset: 2 } }, name: "a" }, 9, 9, 1, 0, 0, 1);

test("arrays lie over the bytes, little-endian, and the header keeps its own fields", () => {
  const { header, arrays, shapes } = unpack(ONE);
  assert.deepEqual(header, { name: "a" });
  assert.deepEqual([...arrays.x], [1, 256]);
  assert.deepEqual(shapes.x, [1, 2]);
  assert.equal(arrays.x.buffer, ONE.buffer);
});

test("bytes that begin anywhere are read", () => {
  for (const shift of [1, 3, 8]) {
    const within = new Uint8Array([...new Uint8Array(shift), ...ONE]).subarray(shift);
    assert.deepEqual([...unpack(within).arrays.x], [1, 256]);
  }
});

test("an unknown type is an error that names its array", () => {
  assert.throws(() => unpack(written({ arrays: { y: { dtype: "int64", shape: [0], offset: 0 } } })), /y: no typed array holds int64/);
});

test("plain JSON", () => {
  assert.deepEqual(parseJson(new TextEncoder().encode('{"ρ": [1]}')), { ρ: [1] });
});
