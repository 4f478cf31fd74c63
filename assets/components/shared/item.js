// One box on the stage: its group, its rectangles, its handles and its label.

import { put, svg } from "./dom.js";
import { freePlace, handleAt, PARTS, wideLetters } from "./geometry.js";

export class Item {
  /** @type {import("./geometry.js").Box} */ xyxy;

  constructor(spec, mode, outlined) {
    this.id = spec.id;
    this.spec = spec;
    this.xyxy = /** @type {any} */ ([...spec.xyxy]);
    this.editable = mode === "edit"; // a box that stands fast is still read out and chosen by keys
    this.handles = new Map();
    this.marked = null;
    this.state = "";
    this.dirty = true;
    this.element = svg("g", { class: "box" });
    this.element.dataset.id = spec.id;
    this.body = svg("rect", { class: "body" });
    // A line of the ground's colour beside the box's own: a box stays visible on any photo.
    this.outline = outlined ? svg("rect", { class: "outline" }) : null;
    if (this.outline) this.element.append(this.outline);
    this.element.append(this.body);
    if (this.editable) this.makeHandles();
    this.restyle(spec);
  }

  get movable() {
    return this.editable && this.spec.movable;
  }

  get resizable() {
    return this.editable && this.spec.resizable;
  }

  makeHandles() {
    this.ring = svg("rect", { class: "ring" });
    this.element.append(this.ring);
    put(this.element, "tabindex", "0");
    put(this.element, "role", "group");
    if (!this.spec.resizable) return;
    for (const part of PARTS) {
      const handle = svg("rect", { class: "handle", role: part.length === 1 ? "slider" : "button", tabindex: "-1" });
      handle.dataset.part = part;
      this.handles.set(part, handle);
      this.element.append(handle);
    }
  }

  restyle(spec) {
    const { xyxy: before, ...looks } = this.spec;
    const { xyxy, ...wanted } = spec;
    const alike = this.looked && JSON.stringify(looks) === JSON.stringify(wanted);
    this.spec = spec;
    if (alike) return;
    this.looked = true;
    this.look();
    this.labelDirty = true;
  }

  mark(marked) {
    if (marked === this.marked) return; // the same object again: nothing to do for most of thousands
    this.marked = marked;
    this.look();
    this.labelDirty = true;
  }

  look() {
    const { style } = this.element;
    const { color = this.spec.color, dash = this.spec.dash, opacity = "", state = "" } = this.marked ?? {};
    const [light, dark] = Array.isArray(color) ? color : [color, color];
    property(style, "--light", light || "");
    property(style, "--dark", dark || "");
    property(
      style,
      "--dash",
      dash
        ? dash
            .split(/[\s,]+/)
            .map((part) => `calc(var(--u) * ${Number(part) || 0})`)
            .join(" ")
        : "",
    );
    property(style, "--strength", opacity === "" ? "" : String(opacity));
    if (this.state !== state || this.element.dataset.state === undefined) this.element.dataset.state = state;
    this.state = state;
    this.hidden = state === "hidden";
    this.element.classList.toggle("hollow", this.spec.fill === false);
  }

  toggle(name, on) {
    this.element.classList.toggle(name, on);
    this.labelDirty = true;
  }

  activate(on) {
    this.element.classList.toggle("active", on);
    for (const handle of this.handles.values()) put(handle, "tabindex", on ? "0" : "-1");
  }

  draw(unit, scale) {
    this.dirty = false;
    this.labelDirty = true;
    const [x1, y1, x2, y2] = this.xyxy;
    lay(this.body, x1, y1, x2, y2, 0);
    if (this.outline) lay(this.outline, x1, y1, x2, y2, 0);
    if (!this.editable) return;
    lay(this.ring, x1, y1, x2, y2, 5 * unit);
    for (const [part, handle] of this.handles) {
      const [x, y] = handleAt(this.xyxy, part);
      lay(handle, x, y, x, y, (part.length === 1 ? 4 : 5.5) * unit * scale);
    }
  }

  caption() {
    const name = this.marked?.label ?? this.spec.label ?? "";
    const score = this.spec.score;
    return score === null || score === undefined || this.marked?.label !== undefined ? name : `${name} ${Number(score).toFixed(2)}`.trim();
  }

  drawLabel(layer, wanted, view) {
    this.labelDirty = false;
    const words = wanted && !this.hidden ? this.caption() : "";
    if (!words) {
      this.text?.remove();
      this.text = null;
      return;
    }
    if (!this.text) layer.append((this.text = svg("text", { class: "label" })));
    if (this.text.textContent !== words) this.text.textContent = words;
    if (this.element.classList.contains("selected") && layer.lastChild !== this.text) layer.append(this.text);
    this.text.style.cssText = this.element.style.cssText;
    put(this.text, "class", `label ${this.element.classList.contains("selected") ? "selected" : ""} ${this.state}`);
    const { x, y, anchor } = freePlace(this.xyxy, wideLetters(words), view);
    put(this.text, "x", x);
    put(this.text, "text-anchor", anchor);
    put(this.text, "y", y);
  }
}

/** Lays a rectangle over a box, larger by a margin. */
export function lay(rect, x1, y1, x2, y2, margin) {
  rect.setAttribute("x", x1 - margin);
  rect.setAttribute("y", y1 - margin);
  rect.setAttribute("width", Math.max(0, x2 - x1 + 2 * margin));
  rect.setAttribute("height", Math.max(0, y2 - y1 + 2 * margin));
}

function property(style, name, value) {
  if (style.getPropertyValue(name) === value) return;
  if (value) style.setProperty(name, value);
  else style.removeProperty(name);
}
