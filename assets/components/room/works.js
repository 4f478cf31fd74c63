// What students made of a step that is answered beside a stage: values, a choice, a painted picture. One as a miniature, a class as
// dots, bars, or the mean picture.

import { html, put, svg } from "../shared/dom.js";
import { median } from "./stages.js";

const PICTURE = /^(\d{1,3})x(\d{1,3}):(.+)$/su;
const [WIDTH, HEIGHT, EDGE] = [320, 74, 12]; // of a dot plot, CSS pixels
const MOST_BARS = 6;

/** @typedef {{place: string, values: Record<string, string>, value: number | null}} Work */

/** The cells of a painted picture, row by row: 1 painted, 0 not, one half where neither is said; null for another text. @param {string} text */
export function cellsOf(text) {
  const found = PICTURE.exec(text);
  if (!found) return null;
  const [rows, columns] = [Number(found[1]), Number(found[2])];
  const cells = [...found[3]].map((letter) => (letter === "1" ? 1 : letter === "0" ? 0 : 0.5));
  return cells.length === rows * columns ? { rows, columns, cells } : null;
}

/** Rows of numbers, such as boxes (xyxy) or painted cells (x, y, value); null for another text. @param {string} text */
export function rowsIn(text) {
  const whole = text.endsWith("…") ? text.slice(0, Math.max(0, text.lastIndexOf("_"))) : text; // a row that was cut is none
  const rows = whole.split("_").map((row) => row.split(",").map(Number));
  const columns = rows[0].length;
  return columns > 1 && rows.every((row) => row.length === columns && row.every(Number.isFinite)) ? rows : null;
}

/** A parameter's name as words. @param {string} name */
export function wordsOf(name) {
  return name.replaceAll("_", " ");
}

/**
 * What a class made of each value, in the order in which the values come.
 *
 * @param {Work[]} works of one place
 */
export function summariesOf(works) {
  const names = [...new Set(works.flatMap((work) => Object.keys(work.values)))];
  return names.map((name) => {
    const given = works.filter((work) => name in work.values).map((work) => ({ text: work.values[name], value: work.value }));
    const judged = given.filter((each) => each.value !== null).sort((a, b) => a.value - b.value);
    const ends = judged.length > 1 && judged[0].value < judged.at(-1).value ? { best: judged[0].text, worst: judged.at(-1).text } : null;
    const pictures = given.map((each) => cellsOf(each.text));
    if (pictures.every((each) => each && each.rows === pictures[0].rows && each.columns === pictures[0].columns)) {
      const cells = pictures[0].cells.map((_, index) => pictures.reduce((sum, each) => sum + each.cells[index], 0) / pictures.length);
      return { name, kind: "picture", count: given.length, ends, picture: { ...pictures[0], cells } };
    }
    const rowed = given.map((each) => rowsIn(each.text)).filter(Boolean);
    if (rowed.length && given.every((each) => each.text === "" || rowsIn(each.text)))
      return { name, kind: "rows", count: given.length, ends: null, rows: rowed.flat() };
    const numbers = given.map((each) => (each.text.trim() === "" ? Number.NaN : Number(each.text)));
    if (numbers.every(Number.isFinite)) return { name, kind: "numbers", count: given.length, ends, numbers, median: median(numbers) };
    const counts = new Map();
    for (const { text } of given) counts.set(text, (counts.get(text) ?? 0) + 1);
    const texts = [...counts].map(([words, count]) => ({ words, count })).sort((a, b) => b.count - a.count);
    return { name, kind: "texts", count: given.length, ends, texts };
  });
}

/**
 * Draws what a class made of a step.
 *
 * @param {HTMLElement} place
 * @param {Work[]} works of one place
 * @param {Record<string, string>} text
 * @param {boolean} staged whether the boxes lie over a stage already
 */
export function drawWorks(place, works, text, staged = false) {
  const summaries = summariesOf(works).filter((summary) => !staged || summary.kind !== "rows");
  put(place, "data-works", works.length);
  place.hidden = !summaries.length;
  const parts = summaries.map((summary) => {
    const { ends } = summary;
    const notes = [summary.kind === "numbers" && summary.count > 1 && `${text.median} ${short(summary.median)}`];
    if (ends && summary.kind !== "picture") notes.push(`${text.best} ${ends.best}`, `${text.worst} ${ends.worst}`);
    const figure = html("figure", { "data-value": summary.name, "data-kind": summary.kind });
    figure.append(html("figcaption", {}, html("strong", {}, wordsOf(summary.name)), ` ${notes.filter(Boolean).join(" · ")}`));
    if (summary.kind === "numbers") figure.append(dots(summary));
    else if (summary.kind === "rows") figure.append(points(summary.rows));
    else if (summary.kind === "picture") {
      figure.append(pixels(summary.picture));
      for (const name of ends ? ["best", "worst"] : []) {
        const picture = cellsOf(ends[name]);
        if (picture) figure.append(html("span", {}, text[name], pixels(picture)));
      }
    } else
      figure.append(
        html(
          "ul",
          {},
          ...summary.texts.slice(0, MOST_BARS).map((row) => {
            const bar = html("span", { class: "bar" });
            bar.style.width = `${(100 * row.count) / summary.texts[0].count}%`;
            return html("li", {}, html("span", {}, row.words), html("span", { class: "track" }, bar), html("span", {}, String(row.count)));
          }),
        ),
      );
    return figure;
  });
  place.replaceChildren(...parts);
}

/** Every number as a dot on a line, equal ones above one another; a stroke at the median. @param {any} summary */
function dots({ numbers, median: middle }) {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const at = (value) => (high > low ? EDGE + ((value - low) / (high - low)) * (WIDTH - 2 * EDGE) : WIDTH / 2);
  const foot = HEIGHT - 18;
  const stacks = new Map();
  for (const value of numbers) stacks.set(Math.round(at(value) / 8), (stacks.get(Math.round(at(value) / 8)) ?? 0) + 1);
  const rise = Math.min(8, (foot - 8) / Math.max(1, ...stacks.values()));
  const seen = new Map();
  const marks = numbers.map((value) => {
    const column = Math.round(at(value) / 8);
    const level = seen.get(column) ?? 0;
    seen.set(column, level + 1);
    return svg("circle", { cx: at(value), cy: foot - 5 - level * rise, r: 3.5, class: "dot" });
  });
  const line = svg("path", { d: `M${EDGE} ${foot}H${WIDTH - EDGE}M${at(middle)} 2V${foot}`, class: "axis" });
  const ends = [...new Set([low, high])].map((value, index) => {
    const label = svg("text", { x: at(value), y: HEIGHT - 4, "text-anchor": high > low ? (index ? "end" : "start") : "middle" });
    label.textContent = short(value);
    return label;
  });
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "dots", "aria-hidden": "true" }, line, ...marks, ...ends);
}

/** A picture of cells; between 0 and 1 for a mean. One path for each tone: sixty pictures of 784 squares would stop a page. @param {any} picture */
function pixels({ rows, columns, cells }) {
  const tones = new Map();
  cells.forEach((cell, index) => {
    if (cell > 0) tones.set(cell, `${tones.get(cell) ?? ""}M${index % columns} ${Math.floor(index / columns)}h1v1h-1z`);
  });
  const paths = [...tones].map(([tone, d]) => svg("path", { d, style: `fill-opacity: ${tone.toFixed(3)}` }));
  return svg("svg", { viewBox: `0 0 ${columns} ${rows}`, class: "pixels", "aria-hidden": "true" }, ...paths);
}

/** Rows of numbers in one picture: boxes as boxes, all others as points. @param {number[][]} rows */
function points(rows) {
  const xs = rows.flatMap((row) => (row.length > 3 ? [row[0], row[2]] : [row[0]]));
  const ys = rows.flatMap((row) => (row.length > 3 ? [row[1], row[3]] : [row[1]]));
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const size = Math.max(Math.max(...xs) - left, Math.max(...ys) - top, 1);
  const edge = size / 12;
  const marks = rows.map(([x1, y1, x2, y2]) =>
    y2 === undefined
      ? svg("circle", { cx: x1, cy: y1, r: edge / 2, class: "dot" })
      : svg("rect", { x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1), class: "box" }),
  );
  const box = `${left - edge} ${top - edge} ${size + 2 * edge} ${size + 2 * edge}`;
  return svg("svg", { viewBox: box, class: "points", "aria-hidden": "true" }, ...marks);
}

/** One student's work in a few lines, pictures as pictures. @param {Work | undefined} work @param {boolean} beside a stage's picture */
export function workMiniature(work, beside = false) {
  const all = Object.entries(work?.values ?? {}).filter(([, text]) => !beside || !rowsIn(text)); // they stand on the stage
  const entries = all.slice(0, 4);
  if (!entries.length) return null;
  const lines = entries.map(([name, text]) => {
    const [picture, rows] = [cellsOf(text), rowsIn(text)];
    if (rows) return points(rows);
    return picture
      ? pixels(picture)
      : html("span", { class: "value" }, `${wordsOf(name)}: ${text.length > 40 ? `${text.slice(0, 39)}…` : text}`);
  });
  return html("div", { class: "values" }, ...lines);
}

function short(value) {
  return String(Number(value.toPrecision(4)));
}
