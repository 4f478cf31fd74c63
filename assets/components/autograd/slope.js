// The loss over one number of one leaf: curve, tangent, and where a step of gradient descent leads.

import { html, put, say, svg } from "../shared/dom.js";
import { format } from "./matrix.js";

const [WIDTH, HEIGHT, PAD] = [300, 150, 14];

/**
 * Where numbers lie in the picture.
 *
 * @param {number[]} xs @param {(number | null)[]} ys
 * @returns {{x: (value: number) => number, y: (value: number) => number}}
 */
export function scales(xs, ys) {
  const known = ys.filter((value) => value !== null);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const along = (value, from, to) => (to > from ? (value - from) / (to - from) : 0.5);
  return {
    x: (value) => PAD + along(value, left, right) * (WIDTH - 2 * PAD),
    y: (value) => HEIGHT - PAD - along(value, low, high) * (HEIGHT - 2 * PAD),
  };
}

/** The curve as a path, broken where there is no number. */
export function curve(xs, ys, { x, y }) {
  let pen = "M";
  let path = "";
  xs.forEach((value, index) => {
    if (ys[index] === null) pen = "M";
    else {
      path += `${pen}${x(value).toFixed(1)} ${y(ys[index]).toFixed(1)}`;
      pen = "L";
    }
  });
  return path;
}

export class SlopePane {
  constructor() {
    this.title = html("h3");
    this.caption = html("p", { class: "quiet" });
    this.words = html("p", { class: "says" });
    this.picture = svg("svg", { class: "slope-picture", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    this.element = html("section", { class: "slope", hidden: true }, this.title, this.picture, this.words, this.caption);
  }

  /** Whether the picture that was asked for is there. @param {{source: string, name: string, index: number}} asked */
  shows(asked) {
    return Boolean(this.found) && this.found.name === asked.name && this.source === asked.source;
  }

  /** @param {string | undefined} sent JSON or "null" @param {{source: string} | undefined} asked what it answers @param {Record<string, string>} text */
  take(sent, asked, text) {
    if (sent === this.sent && text === this.text) return;
    this.sent = sent;
    this.text = text;
    this.found = sent ? JSON.parse(sent) : null;
    this.source = asked?.source;
    if (this.found) this.draw();
  }

  draw() {
    const { name, index, x, y, gradient, rate, next, xs, ys } = this.found;
    const at = scales(xs, ys);
    const half = (Math.max(...xs) - Math.min(...xs)) / 5;
    const line = (x1, y1, x2, y2, className) => svg("path", { class: className, d: `M${at.x(x1)} ${at.y(y1)}L${at.x(x2)} ${at.y(y2)}` });
    const landing = y + gradient * (next - x); // on the tangent, which is all that the step knows
    const label = index ? `${name}[${index}]` : name;
    this.title.textContent = this.text.slope;
    this.picture.replaceChildren(
      svg("path", { class: "curve", d: curve(xs, ys, at) }),
      line(x - half, y - half * gradient, x + half, y + half * gradient, "tangent"),
      svg("path", { class: "drop", d: `M${at.x(next)} ${at.y(landing)}V${HEIGHT - PAD}` }),
      svg("circle", { class: "here", cx: at.x(x), cy: at.y(y), r: 5 }),
      svg("circle", { class: "next", cx: at.x(next), cy: HEIGHT - PAD, r: 4 }),
    );
    const said = { name: label, gradient: format(gradient), rate, next: format(Number(next.toPrecision(4))) };
    this.words.textContent = `${label} = ${format(x)}: ${say(this.text.slope_says, said)}`;
    this.caption.textContent = say(this.text.slope_title, said);
    put(this.picture, "aria-label", `${this.caption.textContent}. ${this.words.textContent}`);
  }
}
