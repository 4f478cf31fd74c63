// Colours as numbers: read from CSS, taken along a scale, and what can be read on them. The palette is not here: a page sends the
// colours it uses (vizcore/figures/theme.py), so that they are written once.

/** @typedef {number[]} Rgb red, green and blue, 0 … 255 */

/**
 * A CSS colour as numbers: "#rgb", "#rrggbb" or "rgb(r g b)"; alpha is left out, what is unreadable is white.
 *
 * @param {string} color
 * @returns {Rgb}
 */
export function parse(color) {
  const hex = /^#([0-9a-f]{6}|[0-9a-f]{3})/i.exec(color)?.[1];
  if (hex?.length === 3) return [...hex].map((digit) => parseInt(digit + digit, 16));
  if (hex) return [0, 2, 4].map((start) => parseInt(hex.slice(start, start + 2), 16));
  return (
    color
      .match(/[\d.]+/g)
      ?.slice(0, 3)
      .map(Number) ?? [255, 255, 255]
  );
}

/**
 * A colour along a scale for a number between low and high; beyond them the ends.
 *
 * @param {Rgb[]} scale at least two colours at equal distances
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @returns {Rgb}
 */
export function shade(scale, value, low, high) {
  const place = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) * (scale.length - 1) : 0;
  const at = Math.min(scale.length - 2, Math.floor(place));
  return scale[at].map((from, k) => Math.round(from + (scale[at + 1][k] - from) * (place - at)));
}

/**
 * 256 colours along a scale of CSS colours.
 *
 * @param {string[]} scale
 * @returns {Rgb[]}
 */
export function colorTable(scale) {
  const colors = scale.map(parse);
  return Array.from({ length: 256 }, (_, place) => shade(colors, place, 0, 255));
}

/**
 * WCAG's relative luminance.
 *
 * @param {Rgb} color
 * @returns {number} 0 (black) to 1 (white)
 */
export function luminance(color) {
  const [r, g, b] = color.map((value) => (value <= 10.31 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/**
 * WCAG's contrast of two colours, 1 to 21.
 *
 * @param {Rgb} one
 * @param {Rgb} other
 */
export function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/**
 * Black or white, whichever stands out more from a colour: the contrast is at least 4.5 that way.
 *
 * @param {Rgb} color
 */
export function inkOn(color) {
  return luminance(color) > 0.179 ? "#000" : "#fff";
}

/**
 * Whether a ground asks for light text, by the weights of the eye.
 *
 * @param {string} color
 */
export function isDarkColor(color) {
  const [red, green, blue] = parse(color);
  return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
}
