// What a program plotted, drawn from the recorded numbers: lines, points and bars over axes with round ticks.

import { html, put, svg } from "../shared/dom.js";
import { format } from "./matrix.js";

const LARGE = { width: 720, height: 420 };
const [LOW, HIGH] = [130, 190]; // px a chart is high
const EDGES = { left: 52, right: 10, top: 10, bottom: 26 };
const LETTER = 6.6; // width of one at 12 units

/**
 * Round numbers between two others.
 *
 * @param {number} low @param {number} high @param {number} most how many
 * @returns {number[]}
 */
export function ticks(low, high, most = 6) {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, most - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** Powers of ten between two numbers, thinned. @param {number} low @param {number} high @param {number} most @returns {number[]} */
export function powers(low, high, most = 6) {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const every = Math.max(1, Math.ceil((last - first + 1) / most));
  const found = [];
  for (let power = first; power <= last; power += every) found.push(10 ** power);
  return found.length > 1 ? found : [low, high];
}

/**
 * One axis: from a number to a place.
 *
 * @param {any[]} values those that are no numbers are left out
 * @param {boolean} isLog @param {number} from @param {number} to @param {boolean} withZero bars stand on zero
 */
export function axis(values, isLog, from, to, withZero = false) {
  const known = values.filter((value) => typeof value === "number" && (!isLog || value > 0));
  if (withZero && !isLog) known.push(0);
  let [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : isLog ? [1, 10] : [0, 1];
  if (low === high) [low, high] = isLog ? [low / 2, high * 2] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  const scale = isLog ? Math.log10 : Number;
  const place = (value) => from + ((scale(value) - scale(low)) / (scale(high) - scale(low))) * (to - from);
  const has = (value) => typeof value === "number" && (!isLog || value > 0);
  return { place, has, low, high, marks: isLog ? powers(low, high) : ticks(low, high) };
}

/**
 * A chart as a picture.
 *
 * @param {any} chart of the trace @param {any[]} arrays @param {{palette: string[], dashes: string[]}} look
 * @param {Record<string, string>} text @param {{width: number, height: number}} size
 */
export function drawChart(chart, arrays, { palette, dashes }, text, size) {
  const { width, height } = size;
  const curves = chart.series.map(({ kind, label, x, y }) => ({ kind, label, xs: arrays[x].data, ys: arrays[y].data }));
  const labels = curves.some(({ label }) => label);
  const top = EDGES.top + (chart.title ? 18 : 0) + (labels ? 18 : 0);
  const bottom = height - EDGES.bottom - (chart.xlabel ? 16 : 0);
  const left = EDGES.left + (chart.ylabel ? 16 : 0);
  const bars = curves.some(({ kind }) => kind === "bar");
  const wide = bars ? 18 : 6;
  const x = axis(
    curves.flatMap(({ xs }) => xs),
    chart.xlog,
    left + wide,
    width - EDGES.right - wide,
  );
  const y = axis(
    curves.flatMap(({ ys }) => ys),
    chart.ylog,
    bottom - (bars ? 0 : 4),
    top + 4,
    bars,
  );
  const picture = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img" });
  const word = (words, at, className = "") => svg("text", { ...at, class: className }, words);
  for (const mark of y.marks)
    picture.append(
      svg("path", { class: "rule", d: `M${left} ${y.place(mark)}H${width - EDGES.right}` }),
      word(format(mark), { x: left - 5, y: y.place(mark) + 4, "text-anchor": "end" }),
    );
  let free = Number.NEGATIVE_INFINITY; // marks that would run into their neighbour stay away
  for (const mark of x.marks) {
    const words = format(mark);
    const half = (words.length * LETTER) / 2;
    const at = x.place(mark);
    picture.append(svg("path", { class: "rule", d: `M${at} ${bottom}v4` }));
    if (at - half < free) continue;
    free = at + half + 6;
    picture.append(word(words, { x: Math.min(at, width - half - 1), y: bottom + 16, "text-anchor": "middle" }));
  }
  picture.append(svg("path", { class: "axes", d: `M${left} ${top}V${bottom}H${width - EDGES.right}` }));
  curves.forEach((curve, index) => {
    const group = svg("g", { class: `curve ${curve.kind}` });
    group.style.setProperty("--hue", palette[index % palette.length]);
    drawCurve(group, curve, x, y, { bottom, width }, dashes[Math.floor(index / palette.length) % dashes.length] ?? dashes[0]);
    picture.append(group);
  });
  const middle = (left + width - EDGES.right) / 2;
  if (chart.title) picture.append(word(chart.title, { x: width / 2, y: 16, "text-anchor": "middle" }, "title"));
  if (chart.xlabel) picture.append(word(chart.xlabel, { x: middle, y: height - 5, "text-anchor": "middle" }));
  if (chart.ylabel)
    picture.append(word(chart.ylabel, { "text-anchor": "middle", transform: `translate(12 ${(top + bottom) / 2}) rotate(-90)` }));
  if (labels) picture.append(legend(curves, palette, width, left, (chart.title ? 18 : 0) + 16));
  put(picture, "aria-label", inWords(chart, curves, text));
  return picture;
}

function drawCurve(group, { kind, xs, ys }, x, y, { bottom, width: room }, dash) {
  const shown = (index) => x.has(xs[index]) && y.has(ys[index]);
  if (kind === "line") {
    let pen = "M";
    let path = "";
    xs.forEach((value, index) => {
      if (!shown(index)) pen = "M";
      else {
        path += `${pen}${x.place(value).toFixed(1)} ${y.place(ys[index]).toFixed(1)}`;
        pen = "L";
      }
    });
    group.append(svg("path", { d: path, "stroke-dasharray": dash }));
    if (xs.length === 1 && shown(0)) group.append(svg("circle", { cx: x.place(xs[0]), cy: y.place(ys[0]), r: 3 }));
    return;
  }
  const width = Math.min(30, ((room - EDGES.left) / Math.max(1, xs.length)) * 0.7);
  const zero = Math.min(bottom, y.has(0) ? y.place(0) : bottom);
  xs.forEach((value, index) => {
    if (!shown(index)) return;
    const [px, py] = [x.place(value), y.place(ys[index])];
    group.append(
      kind === "bar"
        ? svg("rect", { x: px - width / 2, y: Math.min(py, zero), width, height: Math.max(0.5, Math.abs(zero - py)) })
        : svg("circle", { cx: px, cy: py, r: 3 }),
    );
  });
}

function legend(curves, palette, width, left, y) {
  const group = svg("g", { class: "chart-legend" });
  let at = left;
  curves.forEach(({ label }, index) => {
    if (!label || at + 14 + label.length * LETTER > width) return;
    const dot = svg("rect", { x: at, y: y - 9, width: 10, height: 10, rx: 2 });
    dot.style.fill = palette[index % palette.length];
    group.append(dot, svg("text", { x: at + 14, y }, label));
    at += 14 + label.length * LETTER + 12;
  });
  return group;
}

/** The chart for those who do not see it: its names, and where each curve begins and ends. */
function inWords({ title, xlabel, ylabel }, curves, text) {
  const named = [title || text.chart, [ylabel, xlabel].filter(Boolean).join(" / ")];
  const said = curves.map(({ label, ys }) => {
    const ends = [ys[0], ys.at(-1)].filter((value) => value !== undefined).map(format);
    return `${label ? `${label}: ` : ""}${ends.join(" … ")} (${ys.length})`;
  });
  return [...named, ...said].filter(Boolean).join("; ");
}

/** The charts up to a moment, as large as there is room; a click makes one larger. */
export class ChartsPane {
  constructor() {
    this.list = html("div", { class: "charts", hidden: true });
    this.close = html("button", { type: "button", class: "icon-button" }, "×");
    this.large = html("div", { class: "large" });
    this.dialog = html("dialog", { class: "chart-dialog" }, this.close, this.large);
    this.close.addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.list);
    this.buttons = [];
    this.charts = [];
    this.shown = 0;
  }

  destroy() {
    this.observer.disconnect();
  }

  /** @param {any} trace @param {{palette: string[], dashes: string[]}} look @param {Record<string, string>} text */
  take(trace, look, text) {
    put(this.close, "aria-label", text.close ?? "");
    this.charts = look ? (trace.charts ?? []) : [];
    this.make = (chart, size) => drawChart(chart, trace.arrays, look, text, size);
    this.buttons = this.charts.map((chart) => {
      const button = html("button", { type: "button", title: text.enlarge ?? "" });
      button.addEventListener("click", () => {
        this.large.replaceChildren(this.make(chart, LARGE));
        this.dialog.showModal();
      });
      return button;
    });
    this.shown = -1;
  }

  /** @param {number} position @returns {boolean} whether there is any */
  paint(position) {
    const count = this.charts.filter(({ step }) => step <= position).length;
    if (count !== this.shown) {
      this.shown = count;
      this.drawn = "";
      this.list.hidden = !count;
      this.list.replaceChildren(...this.buttons.slice(0, count));
      this.draw();
    }
    return count > 0;
  }

  draw() {
    const size = { width: Math.max(180, this.list.clientWidth - 8), height: Math.max(LOW, Math.min(HIGH, this.list.clientHeight - 8)) };
    const key = `${size.width}×${size.height}`;
    if (!this.list.clientWidth || key === this.drawn) return;
    this.drawn = key;
    for (let index = 0; index < this.shown; index++) this.buttons[index].replaceChildren(this.make(this.charts[index], size));
  }
}
