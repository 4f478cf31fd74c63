// How large the levels of a pyramid are drawn so that all of them fit, in numbers only. Sizes are (height, width).

const GAP = 14; // px between levels
const NARROWEST = 118; // px that a level's caption needs
const CAPTION = 48; // px kept free under a level

/**
 * The largest scale at which all levels fit: in rows from the left, or with the largest at the left and the others beside it.
 *
 * @param {[number, number][]} sizes height and width of each level, largest first
 * @param {number} width of the shelf
 * @param {number} most its greatest height
 */
export function fitLevels(sizes, width, most) {
  const rows = largest((scale) => flow(sizes, scale, width) <= most);
  const beside = largest((scale) => {
    const first = across(sizes[0], scale, width);
    const rest = sizes.length > 1 ? flow(sizes.slice(1), scale, width - first - GAP) : 0;
    return Math.max(sizes[0][0] * scale + CAPTION, rest) <= most && first <= width;
  });
  // Beside one another they need less height, which is worth some of their size.
  const sideways = beside >= 0.8 * rows;
  return { scale: sideways ? beside : rows, sideways };
}

/** The width that a level takes: its picture's, but not less than its caption needs. */
export function across([, wide], scale, width) {
  return Math.max(Math.floor(wide * scale), Math.min(NARROWEST, width));
}

/** The height of levels that stand in rows from the left; endless if one is wider than the row. */
export function flow(sizes, scale, width) {
  let [x, top, row] = [0, 0, 0];
  for (const size of sizes) {
    const wide = across(size, scale, width);
    if (wide > width || width < NARROWEST) return Infinity;
    if (x && x + wide > width) {
      top += row + GAP;
      [x, row] = [0, 0];
    }
    x += wide + GAP;
    row = Math.max(row, size[0] * scale + CAPTION);
  }
  return top + row;
}

/** The largest scale up to 1 that fits, where smaller ones fit too. */
function largest(fits) {
  let [low, high] = [0.02, 1];
  for (let turn = 0; turn < 20; turn++) {
    const scale = (low + high) / 2;
    if (fits(scale)) low = scale;
    else high = scale;
  }
  return low;
}
