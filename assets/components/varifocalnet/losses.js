// Three losses of one score: curves over the score, a point that is dragged along them, and the surface over score and target.
//
// The losses are not written here: Python compiles the torch functions and their gradients (vizcore/browser.py).

import { colorTable } from "../shared/colors.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { live } from "../shared/live.js";
import { load } from "../shared/program.js";

const [base, own] = await Promise.all([stylesheet(import.meta.url, "../shared/base.css"), stylesheet(import.meta.url, "./losses.css")]);
const REPORT_AFTER = 150; // ms without a change
const [LEFT, RIGHT, TOP, BOTTOM] = [46, 12, 26, 40]; // room around the curves, of a picture of WIDTH × HEIGHT
const [WIDTH, HEIGHT] = [620, 340];
const POINTS = 198;
const LIMITS = { loss: [0, 2], gradient: [-4, 4] };
const SIDE = 60; // cells of the surface on a side
const DEEPEST = 2; // loss that has the last colour of the surface
const SWEEP = 2600; // ms of the movement that opens the lesson

function shown(value) {
  return (Math.abs(value) < 5e-4 ? 0 : value).toFixed(3).replace("-", "−");
}

/**
 * @typedef {object} Data what pages/varifocalnet sends
 * @property {Uint8Array} payload the compiled losses, JavaScript
 * @property {string} token another one begins from the page's p and q
 * @property {number} p
 * @property {number} q
 * @property {number} least_p
 * @property {"loss" | "gradient"} curve
 * @property {string} kind of the surface
 * @property {boolean} surface whether it is drawn
 * @property {{kind: string, name: string, color: string, dash: string}[]} losses
 * @property {boolean} asks whether a lesson asks for what curves and numbers would say
 * @property {string[]} scale
 * @property {Record<string, string>} colors
 * @property {boolean} presenter
 * @property {any} text
 */

class View {
  /** @type {import("../shared/colors.js").Rgb[] | undefined} */ table;
  /** @type {number} */ moving = 0;
  /** @type {number} */ q;
  /** @type {number} */ p;

  constructor(channel) {
    this.channel = channel;
    const style = html("style");
    style.textContent = base + own;
    this.curves = svg("g");
    this.axes = svg("g", { class: "axes" });
    this.target = svg("line", { class: "target" });
    this.hand = svg("line", { class: "hand" });
    this.dots = svg("g");
    this.plot = svg(
      "svg",
      { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, tabindex: "0", role: "slider" },
      this.axes,
      this.target,
      this.curves,
      this.hand,
      this.dots,
    );
    this.legend = html("ul", { class: "legend" });
    this.words = html("p", { class: "words" });
    this.fields = {};
    const field = (name, low, high) => {
      const label = html("span");
      const range = html("input", { type: "range", min: low, max: high, step: "0.01" });
      const output = html("output");
      range.addEventListener("input", () =>
        this.choose(name === "p" ? Number(range.value) : this.p, name === "q" ? Number(range.value) : this.q),
      );
      this.fields[name] = { label, range, output };
      return html("label", { class: `field ${name}` }, label, range, output);
    };
    this.canvas = html("canvas", { width: SIDE, height: SIDE });
    this.cross = svg("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
    this.surfaceName = html("figcaption");
    this.surface = html("figure", { class: "surface" }, this.surfaceName, html("div", { class: "field-of" }, this.canvas, this.cross));
    this.element = html(
      "div",
      { class: "g2b varifocal-losses" },
      style,
      html(
        "div",
        { class: "columns" },
        html(
          "div",
          { "data-mark": "curves", "data-figure": "curves" },
          this.plot,
          html("div", { class: "fields" }, field("p", "0.01", "0.99"), field("q", "0", "1")),
        ),
        html("div", { class: "side" }, this.legend, this.words, this.surface),
      ),
    );
    this.listen();
  }

  listen() {
    const along = (event) => {
      const box = this.plot.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * WIDTH;
      this.choose((x - LEFT) / (WIDTH - LEFT - RIGHT), this.q);
    };
    const over = (event) => {
      const box = this.canvas.getBoundingClientRect();
      this.choose((event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height);
    };
    for (const [element, move] of [
      [this.plot, along],
      [this.canvas, over],
    ]) {
      element.addEventListener("pointerdown", (event) => {
        element.setPointerCapture(event.pointerId);
        move(event);
      });
      element.addEventListener("pointermove", (event) => event.buttons === 1 && move(event));
    }
    this.plot.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.01, ArrowRight: 0.01 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      this.choose(this.p + step, this.q);
    });
    this.onPlay = (event) => this.play(event);
    document.addEventListener("grad2box:play", this.onPlay);
  }

  destroy() {
    clearTimeout(this.report);
    cancelAnimationFrame(this.moving);
    document.removeEventListener("grad2box:play", this.onPlay);
  }

  /** A lesson begins: the score goes through its range once, and comes back to where it was. */
  play(event) {
    if (!this.element.isConnected || !this.program || this.moving) return;
    event.preventDefault();
    const [began, home] = [performance.now(), this.p];
    const go = (now) => {
      const share = Math.min(1, (now - began) / SWEEP);
      put(this.element, "data-moved", share.toFixed(2));
      this.p = share === 1 ? home : this.kept(0.5 - 0.48 * Math.cos(2 * Math.PI * share));
      this.moving = share === 1 ? 0 : requestAnimationFrame(go);
      this.draw();
    };
    this.moving = requestAnimationFrame(go);
  }

  kept(p) {
    return Math.round(100 * Math.min(1 - this.data.least_p, Math.max(this.data.least_p, p))) / 100;
  }

  choose(p, q) {
    cancelAnimationFrame(this.moving);
    this.moving = 0;
    this.p = this.kept(p);
    this.q = Math.round(100 * Math.min(1, Math.max(0, q))) / 100;
    this.draw();
    clearTimeout(this.report);
    this.report = setTimeout(() => this.channel.set({ point: { token: this.token, p: this.p, q: this.q } }), REPORT_AFTER);
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.text = data.text;
    this.table ??= colorTable(data.scale);
    if (data.payload && data.payload !== this.bytes) {
      this.bytes = data.payload;
      const { payload } = data;
      load(new TextDecoder().decode(payload)).then((program) => {
        if (payload !== this.bytes) return;
        this.program = program;
        this.element.dataset.ready = "true";
        this.painted = "";
        this.draw();
      });
    }
    if (data.token !== this.token) {
      this.token = data.token;
      this.p = data.p;
      this.q = data.q;
    }
    this.element.classList.toggle("asks", data.asks);
    for (const [name, color] of Object.entries(data.colors)) this.element.style.setProperty(`--${name}`, color);
    for (const name of ["p", "q"]) this.fields[name].label.textContent = this.text[name];
    put(this.plot, "aria-label", this.text.plot);
    this.surface.hidden = !data.surface;
    this.surfaceName.textContent = say(this.text.surface, { name: data.losses.find(({ kind }) => kind === data.kind).name });
    put(this.canvas, "title", this.surfaceName.textContent);
    this.drawAxes();
    this.draw();
  }

  // ---- drawing ------------------------------------------------------------------------------------------------------------

  x(p) {
    return LEFT + p * (WIDTH - LEFT - RIGHT);
  }

  y(value) {
    const [low, high] = LIMITS[this.data.curve];
    return TOP + ((high - Math.min(high, Math.max(low, value))) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  }

  drawAxes() {
    const [low, high] = LIMITS[this.data.curve];
    const marks = [];
    const word = (x, y, text, name) => {
      const element = svg("text", { x, y, class: name });
      element.textContent = text;
      marks.push(element);
    };
    for (let place = 0; place <= 4; place++) {
      const [p, value] = [place / 4, low + ((high - low) * place) / 4];
      marks.push(svg("line", { x1: this.x(p), x2: this.x(p), y1: TOP, y2: HEIGHT - BOTTOM }));
      marks.push(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: this.y(value), y2: this.y(value), class: value === 0 ? "zero" : "" }));
      word(this.x(p), HEIGHT - BOTTOM + 16, String(p), "tick-x");
      word(LEFT - 6, this.y(value) + 4, String(value).replace("-", "−"), "tick-y");
    }
    word(this.x(0.625), HEIGHT - 6, this.text.p, "tick-x");
    word(LEFT + 6, TOP - 12, this.text[this.data.curve], "axis-y");
    this.axes.replaceChildren(...marks);
  }

  answer(kind, p, q) {
    const { value, gradient } = this.program[kind](p, q);
    return { loss: value, gradient: gradient[0] };
  }

  draw() {
    if (!this.program || !this.data) return;
    const { losses, curve } = this.data;
    this.curves.replaceChildren(
      ...losses.map(({ kind, color, dash }) => {
        const [low, high] = LIMITS[curve];
        let [path, drawn] = ["", false];
        for (let place = 1; place < POINTS; place++) {
          const p = place / POINTS;
          const value = this.answer(kind, p, this.q)[curve];
          const inside = value >= low && value <= high;
          if (inside) path += `${drawn ? "L" : "M"}${this.x(p).toFixed(1)} ${this.y(value).toFixed(1)}`;
          drawn = inside;
        }
        return svg("path", { d: path, style: `--c: ${color}`, "stroke-dasharray": dash, "data-kind": kind });
      }),
    );
    for (const [line, at] of [
      [this.target, this.q],
      [this.hand, this.p],
    ]) {
      put(line, "x1", this.x(at));
      put(line, "x2", this.x(at));
      put(line, "y1", TOP);
      put(line, "y2", HEIGHT - BOTTOM);
    }
    this.target.toggleAttribute("hidden", this.q === 0);
    this.dots.replaceChildren(
      ...losses.map(({ kind, color }) =>
        svg("circle", { cx: this.x(this.p), cy: this.y(this.answer(kind, this.p, this.q)[curve]), r: 5, style: `--c: ${color}` }),
      ),
    );
    for (const name of ["p", "q"]) {
      this.fields[name].range.value = String(this[name]);
      this.fields[name].output.textContent = this[name].toFixed(2);
    }
    put(this.plot, "aria-valuemin", this.data.least_p);
    put(this.plot, "aria-valuemax", 1 - this.data.least_p);
    put(this.plot, "aria-valuenow", this.p);
    this.write(losses);
    this.drawSurface();
  }

  write(losses) {
    const rows = losses.map(({ kind, name, color, dash }) => {
      const { loss, gradient } = this.answer(kind, this.p, this.q);
      const swatch = svg(
        "svg",
        { class: "swatch", viewBox: "0 0 28 4", "aria-hidden": "true" },
        svg("path", { d: "M0 2H28", "stroke-dasharray": dash }),
      );
      return html(
        "li",
        { style: `--c: ${color}`, "data-kind": kind, "data-loss": loss, "data-gradient": gradient },
        swatch,
        html("span", {}, name),
        html("output", {}, say(this.text.value, { loss: shown(loss), gradient: shown(gradient) })),
      );
    });
    this.legend.replaceChildren(...rows);
    const least = this.q > 0 && this.q < 1 ? this.answer("varifocal", this.q, this.q).loss : 0;
    this.words.textContent = this.q > 0 ? say(this.text.positive, { q: this.q.toFixed(2), least: shown(least) }) : this.text.negative;
  }

  drawSurface() {
    if (!this.data.surface) return;
    const { kind } = this.data;
    if (this.painted !== kind) {
      this.painted = kind;
      const context = this.canvas.getContext("2d");
      const image = context.createImageData(SIDE, SIDE);
      for (let row = 0; row < SIDE; row++) {
        for (let column = 0; column < SIDE; column++) {
          const { loss } = this.answer(kind, (column + 0.5) / SIDE, 1 - row / (SIDE - 1));
          image.data.set([...this.table[Math.round(255 * Math.min(1, Math.max(0, loss / DEEPEST)))], 255], 4 * (row * SIDE + column));
        }
      }
      context.putImageData(image, 0, 0);
    }
    this.cross.replaceChildren(
      svg("path", { d: "M0 1L1 0", class: "diagonal" }),
      svg("circle", { cx: this.p, cy: 1 - this.q, r: 0.025, class: "point" }),
    );
  }
}

export default (component) => live(component, (channel) => new View(channel));
