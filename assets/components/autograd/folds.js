// Where a moment lies in folded loops and in calls, and where a debugger's steps lead from there. Pure functions of a trace.

/**
 * @typedef {{number: number, first_step: number, end_step: number}} Iteration one that was recorded whole
 * @typedef {{name: string, line: number, iterations: number, values: number}} Series numbers over a loop's iterations, in `arrays`
 * @typedef {{line: number, end_line: number, kind: string, parent: number | null, depth: number, first_step: number, end_step: number,
 *   num_iterations: number, iterations: Iteration[], series: Series[]}} Fold
 * @typedef {{kind: string, depth: number, call: number | null, fold: number | null, iteration: number | null, iterations: number[] | null}} Step
 * @typedef {{steps: Step[], folds: Fold[], calls: any[], arrays: any[]}} Folded
 * @typedef {{step?: number, open?: number}} Way the position that a step leads to, or the iteration that has to be opened first
 */

const LOSSES = /loss|cost|error/i;

/** The folds around a position, outermost first. @param {Folded} trace @param {number} position @returns {number[]} */
export function foldsAround({ steps, folds }, position) {
  const found = [];
  for (let at = steps[position]?.fold ?? null; at !== null; at = folds[at].parent) found.unshift(at);
  return found;
}

/**
 * The fold that a position is about: the innermost around it, else the next to come, else the last that was.
 *
 * @param {Folded} trace @param {number} position @returns {number | null}
 */
export function foldOf(trace, position) {
  const around = foldsAround(trace, position);
  if (around.length) return around[around.length - 1];
  const outer = trace.folds.flatMap((fold, index) => (fold.parent === null ? [index] : []));
  return outer.find((index) => trace.folds[index].end_step > position) ?? outer.at(-1) ?? null;
}

/**
 * Which iterations of a fold a position stands for: one that was recorded, or a gap of them; before the loop the first, behind it the last.
 *
 * @param {Folded} trace @param {number} index of the fold @param {number} position
 * @returns {{first: number, last: number, isWhole: boolean}}
 */
export function iterationsAt({ steps, folds }, index, position) {
  const fold = folds[index];
  const whole = fold.iterations.find((part) => position >= part.first_step && position < part.end_step);
  if (whole) return { first: whole.number, last: whole.number, isWhole: true };
  const step = steps[position];
  if (step?.kind === "fold" && step.fold === index && step.iterations)
    return { first: step.iterations[0], last: step.iterations[1], isWhole: false };
  const end = position < fold.first_step ? Math.min(1, fold.num_iterations) : fold.num_iterations;
  return { first: end, last: end, isWhole: fold.iterations.some((part) => part.number === end) };
}

/**
 * Where an iteration begins: its own first step, or the step that stands for the gap it lies in.
 *
 * @param {Folded} trace @param {number} index of the fold @param {number} number from 1
 * @returns {{step: number, isWhole: boolean}}
 */
export function stepOfIteration({ steps, folds }, index, number) {
  const fold = folds[index];
  const whole = fold.iterations.find((part) => part.number === number);
  if (whole) return { step: whole.first_step, isWhole: true };
  for (let at = fold.first_step; at < fold.end_step; at++) {
    const { kind, fold: of, iterations } = steps[at];
    if (kind === "fold" && of === index && iterations && number >= iterations[0] && number <= iterations[1])
      return { step: at, isWhole: false };
  }
  return { step: fold.first_step, isWhole: false };
}

/** One step, into whatever comes: a call, a loop, the backward pass; from a gap into the iteration in hand. @returns {Way | null} */
export function into(/** @type {Folded} */ { steps }, /** @type {number} */ position, /** @type {number | null} */ inHand = null) {
  const step = steps[position];
  if (step?.kind === "fold" && step.iterations) return { open: inHand ?? step.iterations[0] };
  return position < steps.length - 1 ? { step: position + 1 } : null;
}

/** Over the calls, the backward pass and the folded loop that come next. @returns {Way | null} */
export function over(/** @type {Folded} */ { steps, folds }, /** @type {number} */ position) {
  const here = steps[position];
  const last = steps.length - 1;
  if (!here || position >= last) return null;
  const begins = folds.find(({ first_step: first }) => first === position || (first === position + 1 && steps[first].fold !== here.fold));
  if (begins) return { step: Math.min(begins.end_step, last) };
  const next = steps.findIndex((step, index) => index > position && step.kind !== "visit" && step.depth <= here.depth);
  return { step: next < 0 ? last : next };
}

/** Out of the innermost of backward pass, loop and function; null where there is none. @returns {Way | null} */
export function out(/** @type {Folded} */ { steps, folds }, /** @type {number} */ position) {
  const here = steps[position];
  const last = steps.length - 1;
  if (!here || position >= last) return null;
  const first = (/** @type {(step: Step) => boolean} */ fits) => {
    const found = steps.findIndex((step, index) => index > position && fits(step));
    return { step: found < 0 ? last : found };
  };
  if (here.kind === "visit") return first((step) => step.kind !== "visit");
  const fold = here.fold === null ? null : folds[here.fold];
  if (fold && fold.depth >= here.depth) return { step: Math.min(fold.end_step, last) };
  if (here.depth > 0) return first((step) => step.kind !== "visit" && step.depth < here.depth);
  return fold ? { step: Math.min(fold.end_step, last) } : null;
}

/**
 * The series to show first: a loss, else what is not a mere count.
 *
 * @param {Folded} trace @param {Fold} fold @returns {number} -1 where nothing was noted
 */
export function favourite({ arrays }, { series }) {
  const loss = series.findIndex(({ name }) => LOSSES.test(name));
  if (loss >= 0) return loss;
  const counts = ({ iterations, values }) => {
    const [places, numbers] = [arrays[iterations].data, arrays[values].data];
    return numbers.every((value, index) => typeof value === "number" && value - numbers[0] === places[index] - places[0]);
  };
  const found = series.findIndex((one) => !counts(one));
  return found >= 0 ? found : series.length - 1;
}

/**
 * The value of a series at an iteration, or beside it: long series come thinned.
 *
 * @param {number[]} iterations ascending @param {any[]} values @param {number} number
 * @returns {{value: any, isExact: boolean} | null}
 */
export function valueAt(iterations, values, number) {
  let best = -1;
  iterations.forEach((iteration, index) => {
    if (best < 0 || Math.abs(iteration - number) < Math.abs(iterations[best] - number)) best = index;
  });
  return best < 0 ? null : { value: values[best], isExact: iterations[best] === number };
}

/**
 * A curve over the iterations as one path, broken where a value is not finite.
 *
 * @param {number[]} iterations @param {any[]} values @param {number} count of all iterations @param {number} width @param {number} height
 */
export function sparkline(iterations, values, count, width, height) {
  const known = values.filter((value) => typeof value === "number");
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const x = (number) => (count > 1 ? ((number - 1) / (count - 1)) * width : width / 2);
  const y = (value) => (high > low ? height - ((value - low) / (high - low)) * height : height / 2);
  let pen = "M";
  let path = "";
  values.forEach((value, index) => {
    if (typeof value !== "number") pen = "M";
    else {
      path += `${pen}${x(iterations[index]).toFixed(2)} ${y(value).toFixed(2)}`;
      pen = "L";
    }
  });
  return { path, x, y, low, high };
}
