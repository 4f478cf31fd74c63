// Which cells two rules make positives for a box, and the nine points of its star, while it moves. What is asked of a cell comes
// compiled from torch; here cells are only listed, sorted and counted. No elements are made.

/**
 * @typedef {object} Level
 * @property {string} name
 * @property {number} stride pixels a cell
 * @property {number} low farthest sides beyond this, pixels
 * @property {number | null} high and up to this
 *
 * @typedef {object} CellOf a cell of a level
 * @property {Level} level
 * @property {number} row
 * @property {number} column
 * @property {number} x of its middle, pixels
 * @property {number} y
 */

const REACH = 2; // cells around the centre that FCOS's rule may give a box

/** A cell and its middle. @returns {CellOf} */
function cellAt(level, row, column) {
  return { level, row, column, x: (column + 0.5) * level.stride, y: (row + 0.5) * level.stride };
}

/**
 * Cells of a level no farther than `reach` cells from the box's centre.
 *
 * @param {Level} level
 * @param {number[]} box
 * @param {number[]} size
 * @param {number} reach
 */
function around(level, [x1, y1, x2, y2], [height, width], reach) {
  const [rows, columns] = [height / level.stride, width / level.stride];
  const [row, column] = [(y1 + y2) / 2, (x1 + x2) / 2].map((middle) => Math.floor(middle / level.stride));
  const cells = [];
  for (let r = Math.max(0, row - reach); r <= Math.min(rows - 1, row + reach); r++)
    for (let c = Math.max(0, column - reach); c <= Math.min(columns - 1, column + reach); c++) cells.push(cellAt(level, r, c));
  return cells;
}

/**
 * The cells that FCOS's rule gives a box, level by level.
 *
 * @param {any} program `compile_rules` of vizcore
 * @param {number[]} box xyxy, pixels
 * @param {Level[]} levels
 * @param {number[]} size height and width of the picture, pixels
 */
export function ownedCells(program, box, levels, size) {
  return levels.flatMap((level) =>
    around(level, box, size, REACH).filter(
      ({ x, y }) => program.owned(x, y, ...box, level.stride, level.low, level.high ?? Infinity).value === 1,
    ),
  );
}

/**
 * ATSS for one box: the nearest cells of each level, the threshold that their IoUs make, and who reaches it.
 *
 * @param {any} program `compile_rules` of vizcore
 * @param {number[]} box xyxy, pixels
 * @param {Level[]} levels
 * @param {number[]} size height and width of the picture, pixels
 * @param {{topK: number, tile: number}} rule
 */
export function assignAtss(program, box, levels, size, { topK, tile }) {
  const candidates = levels.flatMap((level) => {
    const near = around(level, box, size, Math.ceil(Math.sqrt(topK)) + 1).length >= topK ? Math.ceil(Math.sqrt(topK)) + 1 : Infinity;
    return around(level, box, size, near)
      .map((cell) => ({ ...cell, ...program.candidate(cell.x, cell.y, tile * level.stride, ...box).terms }))
      .sort((a, b) => a.away - b.away || a.row - b.row || a.column - b.column)
      .slice(0, topK);
  });
  const mean = candidates.reduce((sum, { iou }) => sum + iou, 0) / candidates.length;
  const deviation = Math.sqrt(candidates.reduce((sum, { iou }) => sum + (iou - mean) ** 2, 0) / (candidates.length - 1));
  const threshold = mean + deviation;
  return {
    mean,
    deviation,
    threshold,
    candidates: candidates.map((cell) => ({ ...cell, positive: cell.inside === 1 && cell.iou >= threshold })),
  };
}

/**
 * Where a box's star looks: from the cell that owns it and lies nearest to its centre; null if none does.
 *
 * @param {any} program `compile_rules` of vizcore
 * @param {number[]} box xyxy, pixels
 * @param {Level[]} levels
 * @param {number[]} size height and width of the picture, pixels
 */
export function starOf(program, box, levels, size) {
  const [x1, y1, x2, y2] = box;
  const away = ({ x, y }) => (x - (x1 + x2) / 2) ** 2 + (y - (y1 + y2) / 2) ** 2;
  const cells = ownedCells(program, box, levels, size);
  if (!cells.length) return null;
  const cell = cells.reduce((best, each) => (away(each) < away(best) ? each : best));
  const { x, y, level } = cell;
  const grid = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => [x + dx * level.stride, y + dy * level.stride]));
  const points = [y1, y, y2].flatMap((py) => [x1, x, x2].map((px) => [px, py]));
  return {
    cell,
    grid,
    points,
    offsets: points.map(([px, py], place) => [(px - grid[place][0]) / level.stride, (py - grid[place][1]) / level.stride]),
    distances: [x - x1, y - y1, x2 - x, y2 - y],
  };
}
