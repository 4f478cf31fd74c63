// The stage's geometry, without a page: boxes are [x1, y1, x2, y2] in pixels of the picture.

/** @typedef {[number, number, number, number]} Box x1, y1, x2, y2 */
/** @typedef {[number, number]} Point x, y */

/** @type {string[]} the handles of a box, clockwise, as the Tab key walks them */
export const PARTS = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];

/**
 * Where a part of a box stands after a step; kept in bounds, never turned inside out.
 *
 * @param {Box} box
 * @param {string} part "body" or one of PARTS
 * @param {number} dx
 * @param {number} dy
 * @param {{least: number, snap: number, size: [number, number] | null}} limits least side; multiples that coordinates are rounded
 *     to, 0 for hundredths; width and height of the picture that holds the box, null for none
 * @returns {Box}
 */
export function moved([x1, y1, x2, y2], part, dx, dy, { least, snap, size }) {
  const round = (value) => (snap ? Math.round(value / snap) * snap : Math.round(value * 100) / 100);
  const [right, bottom] = size ?? [Infinity, Infinity];
  const [left, top] = size ? [0, 0] : [-Infinity, -Infinity];
  if (part === "body") {
    const [width, height] = [x2 - x1, y2 - y1];
    const x = within(left, round(x1 + dx), right - width);
    const y = within(top, round(y1 + dy), bottom - height);
    return [x, y, x + width, y + height];
  }
  if (part.includes("w")) x1 = within(left, round(x1 + dx), x2 - least);
  if (part.includes("e")) x2 = within(x1 + least, round(x2 + dx), right);
  if (part.includes("n")) y1 = within(top, round(y1 + dy), y2 - least);
  if (part.includes("s")) y2 = within(y1 + least, round(y2 + dy), bottom);
  return [x1, y1, x2, y2];
}

/** A value between two, the lower one winning where they cross. @param {number} low @param {number} value @param {number} high */
export function within(low, value, high) {
  return Math.max(low, Math.min(value, high));
}

/**
 * Where a handle stands on a box.
 *
 * @param {Box} box
 * @param {string} part
 * @returns {Point}
 */
export function handleAt([x1, y1, x2, y2], part) {
  const x = part.includes("w") ? x1 : part.includes("e") ? x2 : (x1 + x2) / 2;
  const y = part.includes("n") ? y1 : part.includes("s") ? y2 : (y1 + y2) / 2;
  return [x, y];
}

/**
 * The handle that a pointer at a place would take hold of, if it is near enough.
 *
 * @param {Box} box
 * @param {Point} place
 * @param {number} reach how far a handle is felt
 * @param {number} least to which that shrinks inside a small box, so that there is always a middle to take it by
 * @param {number} weight of a distance; less than 1 for the box in hand, which wins over its neighbours
 * @returns {{part: string, distance: number} | null}
 */
export function nearestHandle(box, [x, y], reach, least, weight = 1) {
  const [x1, y1, x2, y2] = box;
  const inside = x > x1 && x < x2 && y > y1 && y < y2;
  const near = inside ? Math.min(reach, Math.max(least, Math.min(x2 - x1, y2 - y1) / 3)) : reach;
  let best = null;
  for (const part of PARTS) {
    const [hx, hy] = handleAt(box, part);
    const distance = Math.hypot(x - hx, y - hy) * weight;
    if (distance <= near && distance < (best?.distance ?? Infinity)) best = { part, distance };
  }
  return best;
}

/** @param {Box} box */
export function area([x1, y1, x2, y2]) {
  return (x2 - x1) * (y2 - y1);
}

/**
 * Whether a box, made larger by some slack, holds a place.
 *
 * @param {Box} box
 * @param {Point} place
 * @param {number} slack
 */
export function holds([x1, y1, x2, y2], [x, y], slack) {
  return x >= x1 - slack && x <= x2 + slack && y >= y1 - slack && y <= y2 + slack;
}

/**
 * What two boxes share, or null.
 *
 * @param {Box} one
 * @param {Box} other
 * @returns {Box | null}
 */
export function intersection(one, other) {
  const [x1, y1, x2, y2] = [Math.max(one[0], other[0]), Math.max(one[1], other[1]), Math.min(one[2], other[2]), Math.min(one[3], other[3])];
  return x2 > x1 && y2 > y1 ? [x1, y1, x2, y2] : null;
}

/** @param {Box} one @param {Box} other */
export function same(one, other) {
  return one.every((value, axis) => value === other[axis]);
}

/** A coordinate for the eye: two decimals at most. @param {number} value */
export function shown(value) {
  return String(Math.round(value * 100) / 100);
}

/**
 * Grid lines as an SVG path.
 *
 * @param {number} width
 * @param {number} height
 * @param {number} spacing
 */
export function gridPath(width, height, spacing) {
  let path = "";
  for (let x = spacing; x < width; x += spacing) path += `M${x} 0V${height}`;
  for (let y = spacing; y < height; y += spacing) path += `M0 ${y}H${width}`;
  return path;
}

/**
 * Where a label stands: above its box, inside at the picture's upper edge, flush right where it would leave the picture.
 *
 * @param {Box} box
 * @param {number} letters how many
 * @param {{unit: number, width: number, scale: number}} view picture pixels in a CSS pixel, the picture's width, the type's scale
 */
export function labelPlace([x1, y1, x2], letters, { unit, width, scale }) {
  const line = 17 * unit * scale;
  const right = x1 + letters * 7.5 * unit * scale > width;
  return {
    x: right ? Math.min(x2, width) - 2 * unit : Math.max(x1, 0) + 2 * unit,
    y: y1 > line ? y1 - 5 * unit : Math.max(y1, 0) + line - 3 * unit,
    anchor: right ? "end" : "start",
  };
}

/**
 * Where a box's label stands beside other labels: as `labelPlace` says, or below the box where another is in its way.
 * @param {Box} xyxy
 * @param {number} letters
 * @param {{unit: number, width: number, height: number, scale: number, taken: number[][] | null}} view as for `labelPlace`; the
 *   picture's height; left, baseline and right of the labels placed before, to which this one is added, or null: no making way
 */
export function freePlace(xyxy, letters, { height, taken, ...view }) {
  const place = labelPlace(xyxy, letters, view);
  if (!taken) return place;
  const line = 17 * view.unit * view.scale;
  const wide = letters * 7.5 * view.unit * view.scale;
  const left = place.anchor === "end" ? place.x - wide : place.x;
  const hidden = taken.some(([from, y, to]) => left < to && from < left + wide && Math.abs(y - place.y) < line);
  if (hidden) place.y = xyxy[3] + line < height ? xyxy[3] + line - 3 * view.unit : Math.min(xyxy[3], height) - 5 * view.unit;
  taken.push([left, place.y, left + wide]);
  return place;
}

/** Letters of a label's width: a Chinese character is as wide as two. */
export function wideLetters(words) {
  return [...words].reduce((sum, letter) => sum + (letter > "\u2e80" ? 1.8 : 1), 0);
}

/**
 * The lines of label at which as many labels as possible stay apart: those that come first keep their place; another one steps down within its
 * box, a line at a time, and is left out where there is no room.
 *
 * @param {{place: {x: number, y: number, anchor: string}, letters: number, bottom: number}[]} labels bottom: lower side of the box
 * @param {{unit: number, scale: number}} view
 * @returns {(number | null)[]} the y of each
 */
export function spreadLabels(labels, { unit, scale }) {
  const line = 17 * unit * scale;
  const taken = [];
  return labels.map(({ place, letters, bottom }) => {
    const wide = letters * 7.5 * unit * scale;
    const left = place.anchor === "end" ? place.x - wide : place.x;
    for (let y = place.y; y === place.y || y <= bottom; y += line) {
      if (taken.some((other) => left < other.right && other.left < left + wide && Math.abs(other.y - y) < line - 1e-6)) continue;
      taken.push({ left, right: left + wide, y });
      return y;
    }
    return null;
  });
}
