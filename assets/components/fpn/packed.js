// Maps of a network as the browser gets them (vizcore/fpn/packing.py), and how they are painted and read.

import { unpack } from "../shared/bytes.js";

const STEPS = 65535; // values travel as whole numbers between a map's least and greatest

/**
 * @typedef {object} FeatureMap
 * @property {string} name
 * @property {number} channels
 * @property {number} rows on the photo
 * @property {number} cols
 * @property {number} all_rows padding included
 * @property {number} all_cols
 * @property {number} stride
 * @property {boolean} filled
 * @property {boolean} colored
 * @property {[number, number]} [shades] the ends of the color scale
 * @property {Float32Array | null} values
 * @property {Uint8Array | null} rgb
 */

/**
 * @param {Uint8Array} bytes
 * @returns {{header: {image: [number, number], scales: [number, number]}, maps: Map<string, FeatureMap>}}
 */
export function readMaps(bytes) {
  const { header, arrays } = unpack(bytes);
  const maps = new Map();
  for (const spec of header.maps) {
    const steps = arrays[spec.name];
    const values = steps ? Float32Array.from(steps, (step) => spec.low + ((spec.high - spec.low) * step) / STEPS) : null;
    maps.set(spec.name, { ...spec, values, rgb: arrays[`${spec.name}.rgb`] ?? null });
  }
  return { header, maps };
}

/** Paints one pixel a cell; what lies beyond the ends of the scale has the end's color. */
export function paint(canvas, map, table, [low, high] = map.shades ?? [0, 1]) {
  const { rows, cols } = map;
  if (canvas.width !== cols || canvas.height !== rows) [canvas.width, canvas.height] = [cols, rows];
  const context = canvas.getContext("2d");
  if (!map.values && !map.rgb) {
    context.clearRect(0, 0, cols, rows);
    return;
  }
  const picture = context.createImageData(cols, rows);
  const span = high > low ? 255 / (high - low) : 0;
  for (let cell = 0; cell < rows * cols; cell++) {
    const color = map.rgb
      ? map.rgb.subarray(3 * cell, 3 * cell + 3)
      : table[Math.max(0, Math.min(255, Math.round((map.values[cell] - low) * span)))];
    picture.data.set(color, 4 * cell);
    picture.data[4 * cell + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}

/** A number for the eye. */
export function written(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  const text = size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : size >= 1 ? value.toFixed(2) : value.toFixed(3);
  return (Number(text) === 0 ? "0" : text).replace("-", "−");
}
