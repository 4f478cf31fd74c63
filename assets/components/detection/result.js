// A detector's boxes on the photo, that follow the thresholds while a slider moves: the recorded candidates lie here, and are
// filtered at the screen's rate. The sliders are the page's own; what they say is sent by them, once, on release.

import { html, put, say } from "../shared/dom.js";
import { live, mediaUrl } from "../shared/live.js";
import { StageView } from "../shared/stage.js";
import { Candidates } from "./candidates.js";
import { boxesAt, closest } from "./preview.js";

const LOOKS = 500; // ms of looking at the sliders after a hand or a key was at one

/**
 * @typedef {object} Live what pages/detection/moving.py sends
 * @property {string} url of `pack_candidates`
 * @property {[string, string]} controls classes of the two sliders, score and IoU
 * @property {[number, number]} at the thresholds that the boxes sent were made with
 * @property {string} apart a selector: what shows another state while a slider moves
 * @property {import("./preview.js").Looks} looks
 * @property {string} words of the line that counts
 */

class View extends StageView {
  constructor(channel) {
    super(channel);
    this.tally = html("output", { class: "tally", "aria-hidden": "true", "data-volatile": "" });
    this.tally.style.cssText = "display: block; min-height: 1.5em; font-size: 0.875rem; font-variant-numeric: tabular-nums";
    this.element.append(this.tally);
    this.stage.onHover = (id) => this.share(id);
    this.onPointed = (event) => this.follow(event.detail);
    document.addEventListener("grad2box:pointed", this.onPointed);
    this.onHand = (event) => this.hand(event);
    for (const kind of ["pointerdown", "keydown", "input"]) document.addEventListener(kind, this.onHand, true);
    this.onRelease = () => (this.held = false);
    for (const kind of ["pointerup", "pointercancel"]) window.addEventListener(kind, this.onRelease, true);
  }

  /** @param {import("../shared/stage.js").Data & {live: Live | null}} data */
  update(data) {
    this.data = data;
    this.rest(); // what Python says is the truth until a slider says otherwise
    if (data.live && data.live.url !== this.url) this.load(data.live.url);
    this.look();
  }

  async load(url) {
    this.url = url;
    this.candidates = null;
    try {
      const response = await fetch(mediaUrl(url));
      if (!response.ok) throw new Error(String(response.status));
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (this.url === url) this.candidates = new Candidates(bytes);
    } catch {
      if (this.url === url) this.url = null; // the next run sends it again; until then the server filters
    }
  }

  /** A hand or a key at one of the sliders: from now on they are looked at in every frame. */
  hand(event) {
    const controls = this.data?.live?.controls;
    if (!controls || !event.composedPath().some((element) => controls.some((name) => element.classList?.contains(name)))) return;
    if (event.type === "pointerdown") this.held = true;
    this.until = performance.now() + LOOKS;
    if (!this.frame) this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  tick(now) {
    this.frame = 0;
    if (this.held) this.until = now + LOOKS;
    this.look();
    if (now < this.until) this.frame = requestAnimationFrame((next) => this.tick(next));
  }

  /** What the sliders say; what is not drawn is as Python has it. @returns {[number, number]} */
  asked() {
    const { controls, at } = this.data.live;
    const read = (index) => {
      const input = /** @type {HTMLInputElement | null} */ (document.querySelector(`.${controls[index]} input[type=range]`));
      return input ? Number(input.value) : at[index];
    };
    return [read(0), read(1)];
  }

  /** Shows what Python sent. */
  rest() {
    super.update(this.data);
    if (this.shown) fade(this.data.live?.apart, "");
    this.shown = null;
    this.tally.textContent = "";
    this.byHand = this.stage.boxes.filter((box) => box.id.startsWith("t"));
  }

  look() {
    if (!this.data?.live || !this.candidates) return;
    const asked = this.asked();
    const { at, words, looks, apart } = this.data.live;
    const key = asked.join();
    if (key === (this.shown ?? at.join())) return;
    if (key === at.join()) {
      this.rest();
      return;
    }
    this.shown = key;
    fade(apart, "0.3");
    const { boxes, filtered } = boxesAt(this.candidates, asked, looks);
    this.stage.update({ ...this.data.stage, boxes: [...this.byHand, ...boxes], presenter: this.data.presenter });
    this.tally.textContent = say(words, {
      score: asked[0].toFixed(2),
      iou: asked[1].toFixed(2),
      passed: filtered.passed.length,
      kept: filtered.kept.length,
      suppressed: filtered.suppressedBy.size,
    });
    put(this.tally, "data-kept", filtered.kept.length);
    put(this.tally, "data-at", key);
  }

  // ---- two detectors side by side: what is pointed at in one picture is pointed at in the other ---------------------------

  share(id) {
    if (this.following) return;
    const box = this.stage.boxes.find((each) => each.id === id);
    document.dispatchEvent(new CustomEvent("grad2box:pointed", { detail: { by: this, xyxy: box?.xyxy ?? null } }));
  }

  follow({ by, xyxy }) {
    if (by === this || !this.element.isConnected) return;
    this.following = true;
    this.stage.pointAt(
      closest(
        xyxy,
        this.stage.boxes.filter((box) => box.id.startsWith("c")),
      ),
    );
    this.following = false;
  }

  destroy() {
    document.removeEventListener("grad2box:pointed", this.onPointed);
    cancelAnimationFrame(this.frame);
    for (const kind of ["pointerdown", "keydown", "input"]) document.removeEventListener(kind, this.onHand, true);
    for (const kind of ["pointerup", "pointercancel"]) window.removeEventListener(kind, this.onRelease, true);
    super.destroy();
  }
}

function fade(selector, opacity) {
  if (selector) for (const element of document.querySelectorAll(selector)) element.style.opacity = opacity;
}

export default (component) => live(component, (channel) => new View(channel));
