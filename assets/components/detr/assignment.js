// One-to-one matching of queries and objects, small enough to run on every frame of a drag. The optimal one follows the same
// shortest augmenting paths, and looks at columns in the same order, as vizcore/detr/matching.py (and as scipy), so ties fall alike.

/** @typedef {{queries: number[], objects: number[], total: number}} Pairs */

/**
 * The matching of least total cost.
 *
 * @param {ArrayLike<number>} cost row by row, finite
 * @param {number} rows queries
 * @param {number} cols objects
 * @returns {Pairs} by increasing query
 */
export function assign(cost, rows, cols) {
  const turned = cols < rows;
  const [numRows, numColumns] = turned ? [cols, rows] : [rows, cols];
  const at = (row, column) => (turned ? cost[column * cols + row] : cost[row * cols + column]);
  const u = new Float64Array(numRows);
  const v = new Float64Array(numColumns);
  const columnOf = new Int32Array(numRows).fill(-1);
  const rowOf = new Int32Array(numColumns).fill(-1);
  const distances = new Float64Array(numColumns);
  const previous = new Int32Array(numColumns);
  for (let incoming = 0; incoming < numRows; incoming++) {
    distances.fill(Infinity);
    previous.fill(-1);
    const tree = [];
    const visited = [];
    const remaining = Array.from({ length: numColumns }, (_, place) => numColumns - 1 - place);
    let [row, shortest, free] = [incoming, 0, -1];
    while (free < 0) {
      visited.push(row);
      let [lowest, place] = [Infinity, -1];
      for (let index = 0; index < remaining.length; index++) {
        const column = remaining[index];
        const length = shortest + at(row, column) - u[row] - v[column];
        if (length < distances[column]) {
          previous[column] = row;
          distances[column] = length;
        }
        if (distances[column] < lowest || (distances[column] === lowest && rowOf[column] === -1)) {
          lowest = distances[column];
          place = index;
        }
      }
      const column = remaining[place];
      shortest = lowest;
      tree.push(column);
      remaining[place] = remaining[remaining.length - 1];
      remaining.pop();
      if (rowOf[column] === -1) free = column;
      else row = rowOf[column];
    }
    for (const each of visited) u[each] += each === incoming ? shortest : shortest - distances[columnOf[each]];
    for (const column of tree) v[column] -= shortest - distances[column];
    for (let [column, owner] = [free, -1]; owner !== incoming; ) {
      owner = previous[column];
      rowOf[column] = owner;
      [column, columnOf[owner]] = [columnOf[owner], column];
    }
  }
  const pairs = [...columnOf].map((column, row) => (turned ? [column, row] : [row, column])).sort((a, b) => a[0] - b[0]);
  return summed(pairs, cost, cols);
}

/**
 * The cheapest pair of all, then the cheapest of what is left; of equal ones the first in the row.
 *
 * @param {ArrayLike<number>} cost row by row
 * @param {number} rows
 * @param {number} cols
 * @returns {Pairs} in the order in which they were taken
 */
export function assignGreedily(cost, rows, cols) {
  const rest = Float64Array.from(cost);
  const pairs = [];
  for (let taken = Math.min(rows, cols); taken > 0; taken--) {
    let best = 0;
    for (let place = 1; place < rest.length; place++) if (rest[place] < rest[best]) best = place;
    const [query, object] = [Math.floor(best / cols), best % cols];
    pairs.push([query, object]);
    for (let column = 0; column < cols; column++) rest[query * cols + column] = Infinity;
    for (let row = 0; row < rows; row++) rest[row * cols + object] = Infinity;
  }
  return summed(pairs, cost, cols);
}

function summed(pairs, cost, cols) {
  return {
    queries: pairs.map(([query]) => query),
    objects: pairs.map(([, object]) => object),
    total: pairs.reduce((sum, [query, object]) => sum + cost[query * cols + object], 0),
  };
}
