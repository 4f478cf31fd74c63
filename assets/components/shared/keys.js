// What keys mean, the same in every piece.

/** @type {Record<string, [number, number]>} where each arrow points, as x and y; y grows downwards */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Where a key leads from a cell of a grid; -1 for a key that leads nowhere.
 *
 * @param {string} key
 * @param {number} index in reading order
 * @param {number} rows
 * @param {number} cols
 */
export function step(key, index, rows, cols) {
  const [row, col] = [Math.floor(index / cols), index % cols];
  if (key === "Home") return row * cols;
  if (key === "End") return row * cols + cols - 1;
  if (!Object.hasOwn(ARROWS, key)) return -1;
  const [x, y] = ARROWS[key];
  return Math.min(rows - 1, Math.max(0, row + y)) * cols + Math.min(cols - 1, Math.max(0, col + x));
}

/**
 * Where a key leads in a list; null for a key that leads nowhere. From outside the list (-1) an arrow leads to its first.
 *
 * @param {{key: string, shiftKey?: boolean}} event Shift goes ten at a time
 * @param {number} at
 * @param {number} count
 * @returns {number | null}
 */
export function stepInList({ key, shiftKey = false }, at, count) {
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (!Object.hasOwn(ARROWS, key)) return null;
  const [x, y] = ARROWS[key];
  return at < 0 ? 0 : Math.max(0, Math.min(count - 1, at + (x || y) * (shiftKey ? 10 : 1)));
}

/** Whether a key comes with a modifier that belongs to the browser. @param {{altKey: boolean, ctrlKey: boolean, metaKey: boolean}} event */
export function isShortcut(event) {
  return event.altKey || event.ctrlKey || event.metaKey;
}

/** The key was for us alone. @param {Event} event */
export function stop(event) {
  event.preventDefault();
  event.stopPropagation();
}
