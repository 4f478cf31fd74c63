// The logic of stepping through a recorded run, without a page.

/** A step that exists, from whatever was asked for. @param {unknown} step @param {number} numSteps */
export function stepWithin(step, numSteps) {
  return Math.max(0, Math.min(numSteps - 1, Math.round(Number(step)) || 0));
}

/**
 * Whether a specification is of another run, so that its own step counts; else the learner stays on theirs.
 *
 * @param {{numSteps?: number, version?: unknown}} before
 * @param {{numSteps?: number, version?: unknown}} after
 */
export function restarts(before, after) {
  return !before.numSteps || after.version !== before.version || after.numSteps !== before.numSteps;
}
