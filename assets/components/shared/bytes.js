// The one wire format from Python (vizcore/packing.py): named arrays behind a JSON header.

const KINDS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
};

/**
 * Reads the header's own fields and the arrays, which lie over the bytes without a copy.
 *
 * @param {Uint8Array} bytes
 * @returns {{header: any, arrays: Record<string, any>, shapes: Record<string, number[]>}} typed arrays, flat, in C order
 */
export function unpack(bytes) {
  const whole = bytes.byteOffset % 8 ? bytes.slice() : bytes; // offsets are aligned counted from the first byte
  const start = 4 + new DataView(whole.buffer, whole.byteOffset).getUint32(0, true);
  const { arrays: entries, ...header } = JSON.parse(new TextDecoder().decode(whole.subarray(4, start)));
  /** @type {Record<string, any>} */
  const arrays = {};
  /** @type {Record<string, number[]>} */
  const shapes = {};
  for (const [name, { dtype, shape, offset }] of Object.entries(entries)) {
    const Kind = KINDS[dtype];
    if (!Kind) throw new TypeError(`${name}: no typed array holds ${dtype}`);
    const count = shape.reduce((product, side) => product * side, 1);
    arrays[name] = new Kind(whole.buffer, whole.byteOffset + start + offset, count);
    shapes[name] = shape;
  }
  return { header, arrays, shapes };
}

/** What was sent as plain JSON. @param {Uint8Array} bytes */
export function parseJson(bytes) {
  return JSON.parse(new TextDecoder().decode(bytes));
}
