// The stages on the page, as a room sees them: what stands there, what a hand moves there, and everybody's boxes laid over it.

import { html, put, svg } from "../shared/dom.js";

/** All stages of the document (shared/stage.js keeps the set). @returns {Set<any>} */
export function stages() {
  return (window[Symbol.for("grad2box.stages")] ??= new Set());
}

/** The key under which Python knows a stage. */
export function placeOf(stage) {
  return stage.element.closest("[data-uid]")?.dataset.uid ?? "";
}

/** The stage of a key that can be seen. */
export function stageAt(place) {
  return [...stages()].find((stage) => stage.element.isConnected && placeOf(stage) === place) ?? null;
}

/** What stands on a stage, as a room hands it on; null where there is nothing to move. */
export function handOf(stage) {
  const boxes = stage.boxes.filter((box) => box.movable !== false);
  if (stage.mode !== "edit" || !boxes.length || !placeOf(stage)) return null;
  const value = stage.judge?.();
  return {
    place: placeOf(stage),
    size: [stage.height, stage.width],
    boxes: Object.fromEntries(boxes.map((box) => [box.id, box.xyxy.map(rounded)])),
    value: Number.isFinite(value) ? rounded(value) : null,
  };
}

function rounded(value) {
  return Math.round(value * 1000) / 1000;
}

/** Follows another hand: a preview, never under one's own hand. */
export function follow(place, boxes) {
  stageAt(place)?.set(boxes, { commit: false });
}

/** The middle one of numbers. @param {number[]} numbers */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * What an overlay shows: all boxes, the median of each, and the hands with the least and the largest value.
 *
 * @param {{place: string, boxes: Record<string, number[]>, value: number | null}[]} hands
 */
export function summaryOf(hands) {
  const ids = [...new Set(hands.flatMap((hand) => Object.keys(hand.boxes)))];
  const middle = {};
  for (const id of ids) {
    const boxes = hands.map((hand) => hand.boxes[id]).filter((box) => box?.length === 4);
    if (boxes.length) middle[id] = [0, 1, 2, 3].map((index) => median(boxes.map((box) => box[index])));
  }
  const judged = hands.filter((hand) => hand.value !== null).sort((a, b) => a.value - b.value);
  return { middle, best: judged.length > 1 ? judged[0] : null, worst: judged.length > 1 ? judged.at(-1) : null };
}

/**
 * The boxes of hands that say something: those that nobody moved from where the stage itself has them are left out.
 *
 * @param {{id: string, xyxy: number[]}[]} own boxes of the stage
 * @param {any[]} hands
 * @returns {any[]}
 */
export function movedOf(own, hands) {
  const still = new Set(
    own
      .filter(({ id, xyxy }) => hands.every(({ boxes }) => !boxes[id] || boxes[id].every((edge, at) => Math.abs(edge - xyxy[at]) < 1e-2)))
      .map(({ id }) => id),
  );
  return hands.map((hand) => ({ ...hand, boxes: Object.fromEntries(Object.entries(hand.boxes).filter(([id]) => !still.has(id))) }));
}

/** Lays the class's boxes over the stages they belong to. */
export function drawOverlay({ one, hands }, text) {
  for (const stage of stages()) {
    const mine = movedOf(
      stage.boxes,
      hands.filter((hand) => hand.place === placeOf(stage)),
    );
    if (!mine.length && !stage.layers.has("class")) continue;
    const layer = stage.layer("class");
    put(layer, "data-hands", mine.length);
    const faint = one ? 1 : Math.max(0.15, Math.min(0.6, 4 / Math.max(1, mine.length)));
    const drawn = mine.flatMap((hand) =>
      Object.values(hand.boxes).map((box) => rect(box, one ? 3 : 1.5, { opacity: faint, tint: 0.5 * faint })),
    );
    if (one) {
      const [first] = mine.flatMap((hand) => Object.values(hand.boxes));
      if (first) drawn.push(label(first, text.one, stage.unit));
    } else if (mine.length > 1) {
      const { middle, best, worst } = summaryOf(mine);
      for (const [words, boxes, dash] of /** @type {[string, Record<string, number[]>, string][]} */ ([
        [text.worst, worst?.boxes ?? {}, "1 5"],
        [text.best, best?.boxes ?? {}, "9 4"],
        [text.median, middle, ""],
      ]))
        for (const box of Object.values(boxes)) drawn.push(rect(box, 3.5, { dash }), label(box, words, stage.unit));
    }
    layer.replaceChildren(...drawn);
  }
}

/** @param {number[]} box xyxy */
function rect([x1, y1, x2, y2], width, { opacity = 1, tint = 0, dash = "" }) {
  const style = `fill: var(--st-primary-color); fill-opacity: ${tint * 0.2}; stroke: var(--st-primary-color); stroke-opacity: ${opacity}; stroke-width: ${width}px; stroke-dasharray: ${dash || "none"}; vector-effect: non-scaling-stroke; pointer-events: none`;
  return svg("rect", { x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1), style });
}

/** @param {number[]} box xyxy */
function label([x1, y1], words, unit) {
  const style = `font-size: ${13 * unit}px; font-weight: 600; fill: var(--st-primary-color); stroke: var(--st-background-color); stroke-width: ${3 * unit}px; paint-order: stroke`;
  const element = svg("text", { x: x1, y: y1 - 4 * unit, style });
  element.textContent = words;
  return element;
}

/** A small picture of a stage. @param {{size: number[], boxes: Record<string, number[]>} | undefined} hand */
export function miniature(hand) {
  if (!hand) return html("span", { class: "nothing", "aria-hidden": "true" });
  const [height, width] = hand.size;
  const boxes = Object.values(hand.boxes).filter((box) => box.length === 4);
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: "miniature", "aria-hidden": "true" },
    ...boxes.map((box) => rect(box, 2, { tint: 0.6 })),
  );
}
