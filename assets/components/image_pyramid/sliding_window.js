// A window slid over the levels of an image pyramid, stepped: the levels at their true relative sizes with the window and its score
// map, what the window sees and says, and the photo on which windows become candidates and candidates become boxes. All of it shows
// one position of one trace that torch computed and that was sent once.

import { parse } from "../shared/colors.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { live, mediaUrl } from "../shared/live.js";
import { Stage } from "../shared/stage.js";
import { Transport } from "../shared/stepper.js";
import { across, fitLevels } from "./shelf.js";
import { Trace } from "./trace.js";

const own = await stylesheet(import.meta.url, "./sliding_window.css");

const MOST_HEIGHT = 0.56; // of the window's height, for all levels together

/**
 * @typedef {object} Data what pages/image_pyramid sends
 * @property {Uint8Array} payload `pack_sliding_window`
 * @property {import("../shared/stage.js").StageSpec} stage the photo
 * @property {import("../shared/stepper.js").StepSpec} stepper
 * @property {"window" | "row" | "level"} pace what one step is
 * @property {boolean} fusion whether windows are averaged instead of suppressed
 * @property {boolean} show_map
 * @property {boolean} show_best whether the levels say how sure their best windows are; not while a lesson asks for it
 * @property {string[]} pictures URL of each level
 * @property {Record<string, string>} names of classes by number
 * @property {any} colors by state, and the maps' `scale`
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

class View {
  /** @type {Map<string, number[]> | undefined} colours of the scale, read once */ rgb;

  constructor(channel) {
    this.channel = channel;
    this.stage = new Stage(channel);
    this.transport = new Transport(channel);
    this.levels = [];
    this.build();
    this.stage.onSelect = (id) => id !== null && this.jumpToBox(Number(id));
    this.transport.onStep = (step) => this.show(step);
    this.observer = new ResizeObserver(() => this.arrange());
    this.observer.observe(this.shelf);
  }

  destroy() {
    this.observer.disconnect();
    this.transport.destroy();
    this.stage.destroy();
  }

  build() {
    const style = html("style");
    style.textContent = own;
    this.rest = html("div", { class: "rest" });
    this.shelf = html("div", { class: "levels" }, this.rest);
    this.note = html("p", { class: "note", "aria-hidden": "true" });
    this.scaleBar = html("span", { class: "scale", "aria-hidden": "true" });
    this.scaleWords = html("span", { class: "quiet" });
    this.decision = html("p", { class: "decision" });
    this.cropTitle = html("h3");
    this.crop = html("canvas", { class: "crop", width: "224", height: "224", role: "img" });
    this.saysTitle = html("h3");
    this.says = html("ol", { class: "says" });
    this.photoTitle = html("h3");
    this.ruler = html("span", { class: "ruler", "aria-hidden": "true" });
    this.element = html(
      "div",
      { class: "g2b image_pyramid" },
      style,
      this.ruler,
      html(
        "div",
        { class: "layout" },
        this.transport.element,
        this.decision,
        html(
          "div",
          { class: "main", "data-figure": true },
          this.shelf,
          html("div", { class: "legend" }, this.scaleWords, this.scaleBar, this.note),
        ),
        html(
          "div",
          { class: "side" },
          html(
            "section",
            { class: "window-part" },
            html("div", {}, this.cropTitle, this.crop),
            html("div", { class: "answers" }, this.saysTitle, this.says),
          ),
          html("section", { class: "photo-part" }, this.photoTitle, this.stage.element),
        ),
      ),
    );
  }

  // ---- what Python sends ------------------------------------------------------------------------------------------------

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.text = data.text;
    this.element.classList.toggle("asks", !data.show_best);
    for (const name of ["current", "waiting", "kept", "out"]) this.element.style.setProperty(`--${name}`, data.colors[name]);
    const fresh = data.payload !== this.bytes;
    if (fresh) {
      this.bytes = data.payload;
      this.trace = new Trace(data.payload);
    }
    if (fresh || data.pace !== this.pace) {
      this.pace = data.pace;
      this.groups = this.trace.groups(data.pace);
    }
    const spec = JSON.stringify([data.pictures, data.colors, data.text, data.names]);
    if (fresh || spec !== this.spec) {
      this.spec = spec;
      this.makeLevels();
      this.writeText();
    }
    this.stage.update({ ...data.stage, boxes: this.makeBoxes() });
    this.redraw = true;
    this.transport.update({ ...data.stepper, presenter: data.presenter });
    if (this.redraw) this.show(this.transport.step);
  }

  makeBoxes() {
    const { trace, data, text } = this;
    return [...trace.candidates].map((window, index) => {
      const by = trace.suppressed_by[index];
      const score = trace.scores[window].toFixed(3);
      return {
        id: String(index),
        xyxy: trace.box(trace.candidate_boxes, index),
        label: data.names[trace.label],
        color: data.colors.waiting,
        fill: false,
        score: trace.scores[window],
        detail: by < 0 ? say(text.kept, { score }) : say(text.suppressed, { score, other: trace.scores[trace.candidates[by]].toFixed(3) }),
      };
    });
  }

  makeLevels() {
    const { trace, data } = this;
    while (this.levels.length > trace.numLevels) this.levels.pop().element.remove();
    for (let level = 0; level < trace.numLevels; level++) {
      this.levels[level] ??= this.newLevel(level);
      const { picture, map, overlay, image } = this.levels[level];
      const [height, width] = trace.level_sizes[level];
      const [rows, columns] = trace.grids[level];
      const url = mediaUrl(data.pictures[level]);
      if (image.dataset.url !== url) {
        image.dataset.url = url;
        image.src = url;
      }
      put(overlay, "viewBox", `0 0 ${width} ${height}`);
      // A window's score is painted around its centre, as wide as the stride.
      const step = trace.cell * trace.window_stride;
      const first = (trace.cell * trace.window_cells - step) / 2;
      map.width = columns;
      map.height = rows;
      map.style.left = `${(100 * first) / width}%`;
      map.style.top = `${(100 * first) / height}%`;
      map.style.width = `${(100 * columns * step) / width}%`;
      map.style.height = `${(100 * rows * step) / height}%`;
      picture.dataset.grid = `${rows}×${columns}`;
    }
    this.painted = null;
    this.arrange();
  }

  newLevel(level) {
    const image = html("img", { alt: "", draggable: "false" });
    const map = html("canvas", { class: "map", "aria-hidden": "true" });
    const overlay = svg("svg", { "aria-hidden": "true", preserveAspectRatio: "none" });
    const picture = html("div", { class: "picture", role: "img" }, image, map, overlay);
    const best = html("button", { type: "button", class: "best" });
    const element = html("figure", { "data-level": level }, picture, html("figcaption", {}, best));
    picture.addEventListener("pointermove", (event) => this.point(level, event));
    picture.addEventListener("pointerleave", () => this.writeNote(""));
    picture.addEventListener("click", (event) => this.press(level, event));
    best.addEventListener("click", () =>
      this.jumpToWindow(this.trace.group(level, this.trace.firstOf[level], this.trace.firstOf[level + 1]).best),
    );
    image.addEventListener("load", () => this.drawCrop());
    if (level) this.rest.append(element);
    else this.shelf.prepend(element);
    return { element, picture, image, map, overlay, best };
  }

  writeText() {
    const { trace, text, data } = this;
    const name = data.names[trace.label];
    this.cropTitle.textContent = text.crop;
    this.saysTitle.textContent = text.says;
    this.photoTitle.textContent = text.photo;
    this.scaleWords.textContent = say(text.scale, { name });
    this.scaleBar.style.background = `linear-gradient(to right, ${data.colors.scale.join(", ")})`;
    for (let level = 0; level < trace.numLevels; level++) {
      const [height, width] = trace.level_sizes[level];
      const group = trace.group(level, trace.firstOf[level], trace.firstOf[level + 1]);
      const values = {
        level: level + 1,
        levels: trace.numLevels,
        width,
        height,
        windows: group.to - group.from,
        name,
        score: trace.scores[group.best].toFixed(3),
        passed: group.passed,
      };
      const { picture, best } = this.levels[level];
      best.replaceChildren(html("span", {}, say(text.level_size, values)), html("span", { class: "quiet" }, say(text.level_best, values)));
      put(best, "aria-label", say(text.level_jump, values));
      put(picture, "aria-label", say(text.level_alt, values));
    }
  }

  /**
   * The largest scale at which all levels fit the width and a share of the window's height: in rows from the left, or with the
   * largest at the left and the others beside it.
   */
  arrange() {
    if (!this.trace || !this.levels.length) return;
    const width = Math.floor(this.shelf.clientWidth);
    if (!width) return;
    const most = Math.max(220, Math.min(window.innerHeight * MOST_HEIGHT, (this.ruler.offsetHeight || Infinity) - 110));
    const sizes = this.trace.level_sizes;
    const { scale, sideways } = fitLevels(sizes, width, most);
    this.shelf.classList.toggle("beside", sideways);
    this.levels.forEach(({ element, picture }, level) => {
      const [tall, wide] = sizes[level];
      picture.style.width = `${Math.floor(wide * scale)}px`;
      picture.style.height = `${Math.floor(tall * scale)}px`;
      element.style.width = `${across(sizes[level], scale, width)}px`;
    });
    this.element.style.setProperty("--level-scale", String(scale));
  }

  // ---- one position -------------------------------------------------------------------------------------------------------

  /** What a position means: the start, the windows, all candidates gathered, each box that is kept, and the end. */
  position(at) {
    const { trace, groups } = this;
    if (at <= 0) return { phase: "start", looked: 0 };
    if (at <= groups.length) return { phase: "slide", group: groups[at - 1], looked: groups[at - 1].to };
    const kept = at - groups.length - 2;
    const phase = kept < 0 ? "gather" : kept < trace.keep.length ? "suppress" : "end";
    return { phase, kept, looked: trace.numWindows };
  }

  show(at) {
    if (!this.trace || !this.data) return;
    this.redraw = false;
    const now = (this.now = this.position(at));
    this.window = this.windowOf(now);
    const words = this.sentence(now);
    this.decision.textContent = words;
    this.transport.caption(words);
    this.paintMaps(now.looked);
    this.drawOverlays();
    this.drawCrop();
    this.drawAnswers();
    this.drawPhoto();
    this.element.dataset.position = String(at);
    this.element.dataset.phase = now.phase;
    this.element.dataset.window = String(this.window);
  }

  /** The window in view: the one just looked at, then the one that made the box in question, at last the surest. */
  windowOf(now) {
    if (now.phase === "start") return 0;
    if (now.phase === "slide") return now.group.best;
    return now.phase === "suppress" ? this.trace.candidates[this.trace.keep[now.kept]] : this.bestWindow();
  }

  bestWindow() {
    return this.trace.group(0, 0, this.trace.numWindows).best;
  }

  sentence(now) {
    const { trace, text, data } = this;
    const name = data.names[trace.label];
    const threshold = trace.score_threshold;
    if (now.phase === "start") return say(text.start, { windows: trace.numWindows, levels: trace.numLevels });
    if (now.phase === "slide") {
      const { level, from, to, best, passed } = now.group;
      const [height, width] = trace.level_sizes[level];
      const place = trace.place(best);
      const values = {
        level: level + 1,
        levels: trace.numLevels,
        width,
        height,
        row: place.row + 1,
        column: place.column + 1,
        name,
        score: trace.scores[best].toFixed(3),
        threshold,
        count: to - from,
        passed,
      };
      if (to - from > 1) return say(text.group, values);
      const first = say(text.window, values);
      const gap = first.endsWith("。") ? "" : " "; // Chinese sentences stand without one
      return `${first}${gap}${say(passed ? text.above : text.below, values)}`;
    }
    const candidates = trace.candidates.length;
    if (!candidates) return say(text.nothing, { threshold, name, best: trace.scores[this.bestWindow()].toFixed(3) });
    if (now.phase === "gather") return say(data.fusion ? text.fused : text.gathered, { candidates, windows: trace.numWindows, threshold });
    if (now.phase === "end") return say(text.end, { kept: trace.keep.length, windows: trace.numWindows, levels: trace.numLevels, name });
    const index = trace.keep[now.kept];
    const removed = [...trace.suppressed_by].filter((by) => by === index).length;
    return say(text.keep, { score: trace.scores[trace.candidates[index]].toFixed(3), removed, number: now.kept + 1 });
  }

  // ---- pictures -----------------------------------------------------------------------------------------------------------

  /** The map of each level, as far as the window has come. */
  paintMaps(looked) {
    const visible = this.data.show_map;
    const state = `${looked}/${visible}`;
    if (this.painted === state) return;
    this.painted = state;
    const { trace } = this;
    const { scale } = this.data.colors;
    this.rgb ??= new Map();
    for (let level = 0; level < trace.numLevels; level++) {
      const { map } = this.levels[level];
      map.hidden = !visible;
      if (!visible) continue;
      const context = map.getContext("2d");
      const [first, last] = [trace.firstOf[level], trace.firstOf[level + 1]];
      const pixels = context.createImageData(map.width, map.height);
      for (let window = first; window < Math.min(last, looked); window++) {
        const [red, green, blue] = this.color(scale[Math.round(trace.scores[window] * (scale.length - 1))]);
        // A sure window covers the picture, an unsure one lets it through.
        pixels.data.set([red, green, blue, 90 + 130 * Math.sqrt(trace.scores[window])], 4 * (window - first));
      }
      context.putImageData(pixels, 0, 0);
    }
  }

  color(words) {
    if (!this.rgb.has(words)) this.rgb.set(words, parse(words));
    return this.rgb.get(words);
  }

  rect(window) {
    const { trace } = this;
    const side = trace.cell * trace.window_cells;
    return { x: trace.cells[2 * window + 1] * trace.cell, y: trace.cells[2 * window] * trace.cell, width: side, height: side };
  }

  drawOverlays() {
    const { trace, now } = this;
    const level = trace.level_of[this.window];
    this.levels.forEach(({ element, overlay }, index) => {
      overlay.replaceChildren();
      element.classList.toggle("current", index === level && now.phase === "slide");
      if (now.phase === "start") {
        if (index === 0) this.addWindow(overlay, 0, "now"); // where it will begin
        return;
      }
      for (const window of trace.candidates) {
        if (trace.level_of[window] !== index || window >= now.looked) continue;
        const { x, y, width, height } = this.rect(window);
        overlay.append(svg("circle", { cx: x + width / 2, cy: y + height / 2, class: "hit" }));
      }
      if (index !== level) return;
      this.addWindow(overlay, this.window, "now");
    });
  }

  addWindow(overlay, window, kind) {
    const place = this.rect(window);
    overlay.append(svg("rect", { ...place, class: "halo" }), svg("rect", { ...place, class: kind }));
  }

  drawCrop() {
    if (!this.trace || this.window === undefined) return;
    const context = this.crop.getContext("2d");
    const { image } = this.levels[this.trace.level_of[this.window]] ?? {};
    context.clearRect(0, 0, 224, 224);
    if (image?.complete && image.naturalWidth) {
      const { x, y, width, height } = this.rect(this.window);
      context.drawImage(image, x, y, width, height, 0, 0, 224, 224);
    }
    const [height, width] = this.trace.level_sizes[this.trace.level_of[this.window]];
    put(this.crop, "aria-label", say(this.text.crop_alt, { width, height }));
  }

  drawAnswers() {
    const { trace, data } = this;
    const count = this.now.phase === "start" ? 0 : trace.num_top;
    const rows = [];
    for (let index = 0; index < count; index++) {
      rows.push([trace.top_labels[count * this.window + index], trace.top_scores[count * this.window + index]]);
    }
    if (count && !rows.some(([label]) => label === trace.label)) rows.push([trace.label, trace.scores[this.window]]);
    this.says.replaceChildren(
      ...rows.map(([label, score]) => {
        const bar = html("span", { class: "bar" });
        bar.style.width = `${100 * score}%`;
        return html(
          "li",
          { class: label === trace.label ? "chosen" : "" },
          bar,
          html("span", { class: "name" }, data.names[label] ?? String(label)),
          html("span", { class: "score" }, score.toFixed(3)),
        );
      }),
    );
  }

  drawPhoto() {
    const { trace, now } = this;
    const layer = this.stage.layer("windows");
    layer.replaceChildren();
    const marks = {};
    const done = now.phase === "suppress" || now.phase === "end";
    for (let index = 0; index < trace.candidates.length; index++) {
      if (now.phase === "start" || now.phase === "slide") marks[index] = { state: "hidden" };
      else if (!done) marks[index] = { state: "", label: "" };
      else marks[index] = this.look(index, now.kept);
    }
    this.stage.mark(marks);
    const add = (window, kind) => {
      const [x1, y1, x2, y2] = trace.box(trace.boxes, window);
      layer.append(svg("rect", { x: x1, y: y1, width: x2 - x1, height: y2 - y1, class: kind }));
    };
    if (now.phase === "slide") {
      for (const window of trace.candidates) if (window < now.looked) add(window, "candidate");
    }
    if (now.phase === "slide") add(this.window, "now");
  }

  /** A candidate while the suppression is at the box that was kept as number `kept`. */
  look(index, kept) {
    const { trace, data } = this;
    const order = trace.keep.indexOf(index);
    if (order >= 0) {
      if (order > kept) return { state: "", label: "" };
      return { state: order === kept ? "current" : "kept", color: data.colors.kept };
    }
    const gone = trace.keep.indexOf(trace.suppressed_by[index]);
    if (gone > kept) return { state: "", label: "" };
    // A box that fell long ago would only hide those in question.
    return gone === kept ? { state: "out", color: data.colors.out, label: "" } : { state: "hidden" };
  }

  // ---- pointing -----------------------------------------------------------------------------------------------------------

  /** The window whose centre is nearest to the pointer. */
  windowAt(level, event) {
    const { trace } = this;
    const box = this.levels[level].picture.getBoundingClientRect();
    const [height, width] = trace.level_sizes[level];
    const [rows, columns] = trace.grids[level];
    const [x, y] = [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
    const half = (trace.cell * trace.window_cells) / 2;
    const step = trace.cell * trace.window_stride;
    const near = (value, count) => Math.max(0, Math.min(count - 1, Math.round((value - half) / step)));
    return trace.firstOf[level] + near(y, rows) * columns + near(x, columns);
  }

  point(level, event) {
    if (!this.trace) return;
    const window = this.windowAt(level, event);
    const place = this.trace.place(window);
    const values = {
      level: level + 1,
      row: place.row + 1,
      column: place.column + 1,
      name: this.data.names[this.trace.label],
      score: this.trace.scores[window].toFixed(3),
    };
    this.writeNote(say(this.text.read, values));
  }

  writeNote(words) {
    this.note.textContent = words;
  }

  press(level, event) {
    this.jumpToWindow(this.windowAt(level, event));
  }

  jumpToWindow(window) {
    this.transport.pause();
    this.transport.go(this.groups.findIndex(({ from, to }) => window >= from && window < to) + 1);
  }

  /** Goes to the step that decided a box. */
  jumpToBox(index) {
    const { trace } = this;
    const leader = trace.suppressed_by[index] < 0 ? index : trace.suppressed_by[index];
    this.transport.pause();
    this.transport.go(this.groups.length + 2 + trace.keep.indexOf(leader));
  }
}

export default (component) => live(component, (channel) => new View(channel));
