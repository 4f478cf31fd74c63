// How the answers of a class are drawn: a bar for each, the right one marked. Answers never carry a name.

import { html, put, say } from "../shared/dom.js";

const MOST_BARS = 8;

/**
 * Rows of a histogram: choices in the order of the question, numbers in classes of equal width.
 *
 * @param {Record<string, number>} counts how many gave each answer
 * @param {Record<string, string>} labels words of the choices; empty for a number
 * @param {string} right the right answer
 * @returns {{words: string, count: number, right: boolean}[]}
 */
export function rowsOf(counts, labels, right) {
  if (Object.keys(labels).length)
    return Object.entries(labels).map(([value, words]) => ({ words, count: counts[value] ?? 0, right: value === right }));
  const given = Object.entries(counts)
    .map(([value, count]) => ({ value: Number(value), count }))
    .filter((each) => Number.isFinite(each.value))
    .sort((a, b) => a.value - b.value);
  if (!given.length) return [];
  const [low, high, truth] = [given[0].value, given.at(-1).value, Number(right)];
  if (given.length <= MOST_BARS) return given.map(({ value, count }) => ({ words: String(value), count, right: near(value, truth) }));
  const width = (high - low) / MOST_BARS;
  return Array.from({ length: MOST_BARS }, (_, index) => {
    const [from, to] = [low + index * width, low + (index + 1) * width];
    const last = index === MOST_BARS - 1;
    const inside = (value) => value >= from && (value < to || (last && value <= to));
    const count = given.filter((each) => inside(each.value)).reduce((sum, each) => sum + each.count, 0);
    return { words: `${short(from)} – ${short(to)}`, count, right: inside(truth) };
  });
}

/** What stands above the rows; the right number is told there, since hardly anybody gives all of its digits. */
export function headOf(labels, right, text) {
  const known = right !== "" && !Object.keys(labels).length && Number.isFinite(Number(right));
  return known ? `${text.answers} · ${say(text.right_number, { number: short(Number(right)) })}` : text.answers;
}

function near(value, truth) {
  return Math.abs(value - truth) <= 1e-6 * Math.max(1, Math.abs(truth));
}

function short(value) {
  return String(Number(value.toPrecision(3)));
}

/** Draws the rows. @param {HTMLElement} place @param {ReturnType<typeof rowsOf>} rows @param {{right: string}} text */
export function drawRows(place, rows, text) {
  const most = Math.max(1, ...rows.map((row) => row.count));
  const drawn = rows.map((row) => {
    const bar = html("span", { class: "bar" });
    bar.style.width = `${(100 * row.count) / most}%`;
    const item = html(
      "li",
      { class: row.right ? "answer right" : "answer" },
      html("span", { class: "words" }, row.words, row.right ? html("strong", {}, ` ✓ ${text.right}`) : ""),
      html("span", { class: "track" }, bar),
      html("span", { class: "count" }, String(row.count)),
    );
    put(item, "data-count", row.count);
    return item;
  });
  place.replaceChildren(...drawn);
}
