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

/** The figure at a step: the base with what that frame says laid over it. Nothing remains of other frames. */
export function figureAt(figure, step) {
  const frame = figure.frames?.[step];
  if (!frame) return figure;
  const data = figure.data.map((trace) => trace);
  (frame.data ?? []).forEach((change, index) => {
    const at = frame.traces?.[index] ?? index;
    data[at] = over(data[at] ?? {}, change);
  });
  return { data, layout: over(figure.layout ?? {}, frame.layout ?? {}) };
}

function over(under, upper) {
  const merged = { ...under };
  for (const [name, value] of Object.entries(upper)) {
    // A typed array travels as {dtype, bdata, shape}: one value, not three settings.
    const nested = plain(value) && plain(under[name]) && !("bdata" in value);
    merged[name] = nested ? over(under[name], value) : value;
  }
  return merged;
}

function plain(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
