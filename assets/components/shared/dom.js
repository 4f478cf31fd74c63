// Small makers of elements, so that no component builds markup from strings.

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element: svg("rect", {x: 1}, child, …). */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** An HTML element: html("button", {class: "x", "aria-label": "…"}, child, …). */
export function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Sets an attribute only if it differs: an untouched attribute costs no layout. */
export function put(element, name, value) {
  const text = String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** The text of a stylesheet beside a module; awaited at the top of the module, so nothing is ever drawn without it. */
export async function stylesheet(base, path) {
  try {
    const response = await fetch(new URL(path, base));
    return response.ok ? await response.text() : "";
  } catch {
    return "";
  }
}

/** Fills the {names} of a translated sentence. */
export function say(template = "", values = {}) {
  return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

const ICONS = {
  undo: "M7 5 3 9l4 4M3 9h9a5 5 0 0 1 0 10h-3",
  redo: "M17 5l4 4-4 4M21 9h-9a5 5 0 0 0 0 10h3",
  first: "M6 5v14M19 5l-9 7 9 7z",
  back: "M16 5l-9 7 9 7z",
  play: "M7 4l13 8-13 8z",
  pause: "M7 5v14M17 5v14",
  forward: "M8 5l9 7-9 7z",
  last: "M18 5v14M5 5l9 7-9 7z",
  into: "M12 3v11M7.5 10l4.5 4.5 4.5-4.5M6 20h12",
  over: "M4 13a8 7 0 0 1 15.5-2M20 5v6h-6M9 20h6",
  out: "M12 15V4M7.5 8 12 3.5 16.5 8M6 20h12",
};

/** A 24 px line icon in the colour of the text. */
export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" }, svg("path", { d: ICONS[name] }));
}

/** An icon button with a name for those who do not see it. */
export function iconButton(name, label) {
  return html("button", { type: "button", class: "icon-button", "aria-label": label, title: label, "data-icon": name }, icon(name));
}
