// A camera looked at live: small frames go over a socket, one at a time and always the newest, and what each stage of the
// detector left comes back. What is drawn is the frame that was looked at, with its own boxes: a late box never lies beside a face.

import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { live, mediaUrl } from "../shared/live.js";
import { panAt, Rate } from "./frames.js";

const [base, own] = await Promise.all([stylesheet(import.meta.url, "../shared/base.css"), stylesheet(import.meta.url, "./camera.css")]);

const LONGEST = 320; // px of a frame's longer side, as pages/live/frames.py
const QUALITY = 0.75;
const TURN = 8; // s in which the photo pans to and fro
const UNANSWERED = 10_000; // ms after which a frame counts as lost

/**
 * @typedef {object} Data what pages/detection/camera.py sends
 * @property {string} detector
 * @property {string} photo URL of the photo that pans
 * @property {string[]} colors of the stages
 * @property {string} mark colour of landmarks
 * @property {Record<string, string>} text
 * @property {Record<string, string>} stages words by name
 */

class View {
  constructor() {
    this.hidden = new Set(); // stages whose boxes are not drawn
    this.build();
    this.onHide = () => document.hidden && this.stop(this.text.hidden);
    document.addEventListener("visibilitychange", this.onHide);
  }

  build() {
    const style = html("style");
    style.textContent = base + own;
    this.startButton = html("button", { type: "button", class: "start" });
    this.panButton = html("button", { type: "button" });
    this.stopButton = html("button", { type: "button" });
    this.stopButton.hidden = true;
    this.words = html("p", { class: "words", "aria-live": "polite" });
    this.canvas = html("canvas", { width: "320", height: "240" });
    this.overlay = svg("svg", { viewBox: "0 0 320 240", "aria-hidden": "true" });
    this.picture = html("div", { class: "picture", role: "img" }, this.canvas, this.overlay);
    this.stages = html("ol", { class: "stages" });
    this.speed = html("dl", { class: "speed" });
    this.element = html(
      "div",
      { class: "g2b camera" },
      style,
      html("div", { class: "row" }, this.startButton, this.panButton, this.stopButton),
      this.words,
      html("div", { class: "layout" }, this.picture, html("div", { class: "side", "data-volatile": "" }, this.stages, this.speed)),
    );
    this.video = html("video", { playsinline: true, muted: true });
    this.video.muted = true;
    this.startButton.addEventListener("click", () => this.startCamera());
    this.panButton.addEventListener("click", () => this.startPan());
    this.stopButton.addEventListener("click", () => this.stop(this.text.stopped));
  }

  /** @param {Data} data */
  update(data) {
    const other = this.data && this.data.detector !== data.detector;
    this.data = data;
    this.text = data.text;
    for (const [button, name] of [
      [this.startButton, "start"],
      [this.panButton, "pan"],
      [this.stopButton, "stop"],
    ])
      button.textContent = this.text[name];
    put(this.picture, "aria-label", this.text.picture);
    if (!this.source && !this.words.textContent) {
      this.words.textContent = this.text.leave;
      this.showPoster();
    }
    if (other && this.source) this.connect();
  }

  async startCamera() {
    this.stop("");
    if (!navigator.mediaDevices?.getUserMedia) {
      this.words.textContent = this.text.insecure;
      return;
    }
    const turn = (this.turn = {});
    this.words.textContent = this.text.asking;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, facingMode: "user" }, audio: false });
      if (this.turn !== turn) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      this.stream = stream;
      this.video.srcObject = stream;
      await this.video.play();
    } catch (error) {
      if (this.turn === turn) this.stop(error.name === "NotFoundError" ? this.text.none : this.text.refused);
      return;
    }
    this.begin({
      size: () => [this.video.videoWidth, this.video.videoHeight],
      draw: (context, width, height) => context.drawImage(this.video, 0, 0, width, height),
    });
  }

  /** Until something runs, the photo that would pan stands there, faint. */
  async showPoster() {
    const photo = new Image();
    photo.src = mediaUrl(this.data.photo);
    try {
      await photo.decode();
    } catch {
      return; // nothing is lost without it
    }
    if (this.source) return;
    const { width, height } = this.canvas;
    const { x, y, wide, high } = panAt(0, [photo.naturalWidth, photo.naturalHeight], width / height);
    const context = this.canvas.getContext("2d");
    context.globalAlpha = 0.35;
    context.drawImage(photo, x, y, wide, high, 0, 0, width, height);
    context.globalAlpha = 1;
  }

  async startPan() {
    this.stop("");
    const turn = (this.turn = {});
    const photo = new Image();
    photo.src = mediaUrl(this.data.photo);
    try {
      await photo.decode();
    } catch {
      if (this.turn === turn) this.stop(this.text.lost);
      return;
    }
    if (this.turn !== turn) return;
    const began = performance.now();
    this.begin({
      size: () => [320, 240],
      draw: (context, width, height) => {
        const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
        const phase = calm ? 0 : ((performance.now() - began) / 1000 / TURN) % 1;
        const { x, y, wide, high } = panAt(phase, [photo.naturalWidth, photo.naturalHeight], width / height);
        context.drawImage(photo, x, y, wide, high, 0, 0, width, height);
      },
    });
  }

  begin(source) {
    this.source = source;
    this.stopButton.hidden = false;
    this.startButton.hidden = this.panButton.hidden = true;
    this.words.textContent = this.text.loading;
    this.connect();
  }

  connect() {
    this.socket?.close();
    const address = import.meta.url.split("/_stcore/")[0] || location.origin;
    const socket = (this.socket = new WebSocket(`${address.replace(/^http/, "ws")}/api/live`));
    this.rate = new Rate();
    this.waiting = null;
    socket.onopen = () => socket.send(JSON.stringify({ detector: this.data.detector }));
    socket.onmessage = (event) => this.socket === socket && this.hear(JSON.parse(event.data));
    socket.onclose = () => this.socket === socket && this.stop(this.text.lost);
  }

  hear(message) {
    if (message.type === "ready") {
      this.words.textContent = this.text.running;
      this.next();
    } else if (message.type === "gone") this.stop(say(this.text[message.reason] ?? this.text.lost, message));
    else if (message.type === "found" && this.waiting) {
      const { frame, at } = this.waiting;
      this.waiting = null;
      const now = performance.now();
      this.show(frame, message, this.rate.add(now, now - at));
      this.next();
    }
  }

  /** The newest frame, once the one before is answered. */
  next() {
    cancelAnimationFrame(this.raf);
    this.raf = requestAnimationFrame(() => this.sendFrame());
  }

  sendFrame() {
    const { source, socket } = this;
    if (!source || socket?.readyState !== WebSocket.OPEN) return;
    const [wide, high] = source.size();
    if (!wide || !high) {
      this.next();
      return;
    }
    const scale = Math.min(1, LONGEST / Math.max(wide, high));
    const frame = html("canvas", { width: Math.round(wide * scale), height: Math.round(high * scale) });
    source.draw(frame.getContext("2d"), frame.width, frame.height);
    const at = performance.now();
    frame.toBlob(
      (blob) => {
        if (!blob || this.source !== source || this.socket !== socket || socket.readyState !== WebSocket.OPEN) return;
        this.waiting = { frame, at };
        socket.send(blob);
        clearTimeout(this.patience);
        this.patience = setTimeout(() => this.waiting?.frame === frame && this.stop(this.text.lost), UNANSWERED);
      },
      "image/jpeg",
      QUALITY,
    );
  }

  // ---- drawing ----------------------------------------------------------------------------------------------------------

  show(frame, found, { fps, latency }) {
    const { canvas } = this;
    if (canvas.width !== frame.width || canvas.height !== frame.height) {
      [canvas.width, canvas.height] = [frame.width, frame.height];
      put(this.overlay, "viewBox", `0 0 ${frame.width} ${frame.height}`);
    }
    canvas.getContext("2d").drawImage(frame, 0, 0);
    const marks = [];
    found.stages.forEach((stage, place) => {
      if (this.hidden.has(stage.name)) return;
      const last = place === found.stages.length - 1;
      for (const [x1, y1, x2, y2] of stage.boxes)
        marks.push(
          svg("rect", {
            x: x1,
            y: y1,
            width: Math.max(0, x2 - x1),
            height: Math.max(0, y2 - y1),
            class: last ? "face" : "stage",
            stroke: this.color(place, found.stages.length),
            "stroke-dasharray": last ? null : place ? "6 3" : "2 3",
          }),
        );
    });
    for (const face of found.landmarks) for (const [cx, cy] of face) marks.push(svg("circle", { cx, cy, r: 2.2, fill: this.data.mark }));
    this.overlay.replaceChildren(...marks);
    this.showStages(found);
    const numbers = { fps: fps.toFixed(1), latency: latency.toFixed(0), server: found.ms.toFixed(0) };
    this.speed.replaceChildren(
      ...Object.entries(numbers).flatMap(([name, value]) => [
        html("dt", {}, this.text[name]),
        html("dd", { "data-number": name }, name === "fps" ? value : `${value} ms`),
      ]),
    );
    put(this.element, "data-faces", found.scores.length);
    put(this.element, "data-frames", this.rate.count);
  }

  color(place, count) {
    return this.data.colors[place + this.data.colors.length - count];
  }

  showStages(found) {
    const { text } = this;
    /** @type {any[][]} */
    const rows = found.levels.length
      ? [[text.pyramid, say(text.levels, { levels: found.levels.length, windows: found.windows.toLocaleString("en") }), null, ""]]
      : [];
    found.stages.forEach((stage, place) => {
      rows.push([this.data.stages[stage.name] ?? stage.name, String(stage.count), stage, this.color(place, found.stages.length)]);
    });
    while (this.stages.children.length > rows.length) this.stages.lastChild.remove();
    rows.forEach(([title, count, stage, color], place) => {
      let row = this.stages.children[place];
      if (!row) {
        const toggle = html("button", { type: "button" }, html("span", { class: "swatch" }), html("span", { class: "title" }));
        row = html("li", {}, toggle, html("output"));
        toggle.addEventListener("click", () => this.toggle(row.dataset.stage));
        this.stages.append(row);
      }
      const toggle = row.firstChild;
      put(row, "data-stage", stage?.name ?? "");
      toggle.disabled = !stage;
      put(toggle, "aria-pressed", stage ? !this.hidden.has(stage.name) : "false");
      toggle.firstChild.style.background = color;
      if (toggle.lastChild.textContent !== title) toggle.lastChild.textContent = title;
      row.lastChild.textContent = count;
    });
  }

  toggle(name) {
    if (!name) return;
    if (!this.hidden.delete(name)) this.hidden.add(name);
  }

  stop(words) {
    this.turn = null;
    this.source = this.waiting = null;
    cancelAnimationFrame(this.raf);
    clearTimeout(this.patience);
    const { socket } = this;
    this.socket = null;
    socket?.close();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.stopButton.hidden = true;
    this.startButton.hidden = this.panButton.hidden = false;
    this.words.textContent = words;
  }

  destroy() {
    document.removeEventListener("visibilitychange", this.onHide);
    this.stop("");
  }
}

export default (component) => live(component, () => new View());
