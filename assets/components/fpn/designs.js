// The four designs of the FPN paper as diagrams: every plane carries the picture's own map, every plane can be opened.

import { unpack } from "../shared/bytes.js";
import { colorTable } from "../shared/colors.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { live, mediaUrl } from "../shared/live.js";

const [base, own] = await Promise.all([stylesheet(import.meta.url, "../shared/base.css"), stylesheet(import.meta.url, "./designs.css")]);
const WIDTH = 520;
const COLUMNS = { image: 86, stage: 86, level: 300, prediction: 486 };
const LEAN = 0.45; // how far a plane leans to the right, as a share of its height
const STEP = { 1: 78, 2: 62, 3: 54, 4: 48, 5: 44, 6: 40 }; // height that a plane takes in the stack, by level

/**
 * @typedef {object} Data what pages/fpn sends
 * @property {Uint8Array} payload `pack_thumbnails`
 * @property {any[]} designs nodes, edges and costs of each
 * @property {string} photo its URL
 * @property {string} opened map of the atlas
 * @property {string[]} scale
 * @property {any} atlas
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

class View {
  constructor(channel) {
    this.channel = channel;
    const style = html("style");
    style.textContent = base + own;
    this.cards = html("div", { class: "cards" });
    this.atlasTitle = html("h3");
    this.atlas = html("img", { class: "atlas", alt: "" });
    this.atlasNote = html("p", { class: "quiet" });
    this.element = html("div", { class: "g2b fpn-designs" }, style, this.cards, this.atlasTitle, this.atlas, this.atlasNote);
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.text = data.text;
    if (data.payload !== this.payload) {
      this.payload = data.payload;
      this.read(data.payload, data.scale);
      this.shape = null;
    }
    const shape = JSON.stringify([data.designs.map(({ nodes, edges, title }) => [nodes, edges, title]), data.opened]);
    if (this.shape !== shape) {
      const focused = this.cards.getRootNode().activeElement?.dataset?.node;
      this.shape = shape;
      this.cards.replaceChildren(...data.designs.map((design) => this.card(design)));
      if (focused) this.cards.querySelector(`[data-node="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
    data.designs.forEach((design, index) => this.writeCosts(this.cards.children[index], design));
    const { atlas } = data;
    this.atlasTitle.textContent = atlas.title;
    this.atlasNote.textContent = atlas.note;
    put(this.atlas, "src", mediaUrl(atlas.url));
    put(this.atlas, "alt", `${atlas.title}. ${atlas.note}`);
    this.atlas.style.aspectRatio = `${atlas.width} / ${atlas.height}`;
    this.atlas.style.maxWidth = `${Math.max(480, Math.min(1280, atlas.columns * 72))}px`;
  }

  destroy() {}

  /** Thumbnails become small pictures once; a plane shows one through an SVG image. */
  read(bytes, scale) {
    const { arrays, shapes } = unpack(bytes);
    const table = colorTable(scale);
    this.pictures = new Map();
    for (const [name, shades] of Object.entries(arrays)) {
      const [rows, cols] = shapes[name];
      const canvas = html("canvas", { width: cols, height: rows });
      const context = canvas.getContext("2d");
      const picture = context.createImageData(cols, rows);
      for (let cell = 0; cell < rows * cols; cell++) {
        picture.data.set(table[shades[cell]], 4 * cell);
        picture.data[4 * cell + 3] = 255;
      }
      context.putImageData(picture, 0, 0);
      this.pictures.set(name, canvas.toDataURL());
    }
  }

  card(design) {
    const { places, height } = design.name === "image_pyramid" ? this.placePyramid(design) : this.placeStack(design);
    const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "diagram", role: "group", "aria-label": design.title });
    const arrows = svg("g", { class: "arrows", "aria-hidden": "true" });
    picture.append(
      svg(
        "defs",
        {},
        svg(
          "marker",
          {
            id: `tip-${design.name}`,
            viewBox: "0 0 8 8",
            refX: 6.5,
            refY: 4,
            markerWidth: 7,
            markerHeight: 7,
            orient: "auto-start-reverse",
            markerUnits: "userSpaceOnUse",
          },
          svg("path", { d: "M0 0L8 4L0 8z", class: "tip" }),
        ),
      ),
    );
    picture.append(arrows);
    for (const edge of design.edges) {
      const [from, to] = [places.get(edge.start), places.get(edge.end)];
      if (from && to)
        arrows.append(svg("path", { d: route(from, to, edge.kind), class: edge.kind, "marker-end": `url(#tip-${design.name})` }));
    }
    for (const node of design.nodes) if (places.has(node.name)) picture.append(this.node(design, node, places.get(node.name)));
    const bars = html("dl", { class: "costs" });
    return html(
      "section",
      { "data-figure": true, class: "card", "data-design": design.name },
      html("h3", {}, design.title),
      html("p", { class: "quiet" }, design.words),
      picture,
      bars,
    );
  }

  placeStack(design) {
    const places = new Map();
    const numbers = design.nodes.filter((node) => node.kind === "stage" || node.kind === "level").map((node) => Number(node.map_name[1]));
    const highest = Math.max(...numbers);
    let y = 20;
    const rows = new Map();
    for (let number = highest; number >= 1; number--) {
      rows.set(number, y);
      y += STEP[number];
    }
    for (const node of design.nodes) {
      const number = node.kind === "image" ? 1 : Number(node.map_name[1]);
      places.set(node.name, this.plane(node, COLUMNS[node.kind], rows.get(number) + STEP[number] / 2, number));
    }
    return { places, height: y + 8 };
  }

  placePyramid(design) {
    const places = new Map();
    const scales = [...new Set(design.nodes.map((node) => node.scale))].sort((a, b) => a - b);
    let y = 20;
    for (const scale of scales) {
      const number = 3 - Math.log2(scale); // ×4 as wide as the widest plane, ×0.5 as a small one
      const high = 34 + 12 * (5 - Math.max(1, Math.min(5, number)));
      for (const node of design.nodes) {
        if (node.scale !== scale) continue;
        const size = Math.max(1, Math.min(5, number)) + (node.kind === "level" ? 1.2 : 0);
        places.set(node.name, this.plane(node, COLUMNS[node.kind] + (node.kind === "level" ? 22 : 0), y + high / 2, size));
      }
      y += high + 8;
    }
    return { places, height: y + 8 };
  }

  plane(node, x, y, number) {
    if (node.kind === "prediction") return { x, y, width: 58, height: 18, kind: node.kind };
    const [rows, cols] = node.size;
    const across = 112 * 0.76 ** (number - 1);
    const fit = Math.min(across, (across * cols) / rows, 2.2 * across);
    const width = Math.max(9, cols >= rows ? across : fit);
    const height = Math.max(5, Math.min(STEP[Math.min(6, Math.round(number))] - 12, ((width * rows) / cols) * 0.42));
    return { x, y, width, height, kind: node.kind };
  }

  node(design, node, place) {
    const { x, y, width, height, kind } = place;
    if (kind === "prediction") {
      const group = svg("g", { class: "prediction", "aria-hidden": "true" });
      const text = svg("text", { x: x + 2, y: y + 4, "text-anchor": "middle" });
      text.textContent = this.text.predict;
      group.append(svg("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: 5 }), text);
      return group;
    }
    const lean = LEAN * height;
    const corners = `${x - width / 2 - lean},${y + height / 2} ${x + width / 2 - lean},${y + height / 2} ${x + width / 2 + lean},${y - height / 2} ${x - width / 2 + lean},${y - height / 2}`;
    const key = node.picture;
    const parts = [];
    const source = kind === "image" ? mediaUrl(this.data.photo) : this.pictures.get(key);
    if (source) {
      // From a unit square to the leaning plane.
      const matrix = `matrix(${width} 0 ${-2 * lean} ${height} ${x - width / 2 + lean} ${y - height / 2})`;
      parts.push(
        svg("image", {
          href: source,
          x: 0,
          y: 0,
          width: 1,
          height: 1,
          preserveAspectRatio: "none",
          transform: matrix,
          class: kind === "image" ? "photo" : "map",
        }),
      );
    }
    parts.push(svg("polygon", { points: corners, class: source ? "edge" : "edge empty" }));
    const label = svg("text", { x: x + width / 2 + lean + 5, y: y - 2, class: "name" });
    const size = svg("tspan", { class: "size", dx: 5 });
    label.textContent = kind === "image" ? node.title : node.map_name;
    size.textContent = kind === "image" ? `${node.size[1]}×${node.size[0]}` : `${node.channels}×${node.size[0]}×${node.size[1]}`;
    label.append(size);
    const open = source && kind !== "image";
    const chosen = open && this.data.opened === key;
    const attributes = open
      ? {
          role: "button",
          tabindex: "0",
          "aria-pressed": String(chosen),
          "data-node": `${design.name} ${node.name}`,
          "aria-label": say(this.text.open, { name: node.title, channels: node.channels, rows: node.size[0], cols: node.size[1] }),
        }
      : {};
    const group = svg("g", { class: `node ${kind}${open ? " open" : ""}${chosen ? " chosen" : ""}`, ...attributes }, ...parts, label);
    if (open) {
      const press = () => this.channel.set({ open: { key, count: (this.channel.state.open?.count ?? 0) + 1 } });
      group.addEventListener("click", press);
      group.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        press();
      });
    }
    return group;
  }

  writeCosts(card, design) {
    const list = card.querySelector(".costs");
    list.replaceChildren(
      ...design.costs.map(({ name, words, share }) => {
        const bar = html("span", { class: "bar", "aria-hidden": "true" });
        if (share !== null) bar.style.setProperty("--share", String(share));
        return html("div", {}, html("dt", {}, name), html("dd", {}, words, share === null ? "" : bar));
      }),
    );
  }
}

/** From the rim of one plane to the rim of another. */
function route(from, to, kind) {
  const lean = (place) => (place.kind === "prediction" ? 0 : LEAN * place.height);
  if (kind === "backbone" || kind === "top_down" || kind === "subsample" || kind === "resize") {
    const up = to.y < from.y;
    if (kind === "resize") {
      const [x1, x2] = [from.x - from.width / 2 - lean(from) + 4, to.x - to.width / 2 - lean(to) - 4];
      const out = Math.min(x1, x2) - 16;
      return `M${x1} ${from.y}C${out} ${from.y} ${out} ${to.y} ${x2} ${to.y}`;
    }
    const start = from.y + (up ? -1 : 1) * (from.height / 2 + 1);
    const end = to.y + (up ? 1 : -1) * (to.height / 2 + 3);
    return `M${from.x} ${start}L${to.x} ${end}`;
  }
  // Below the words beside the plane.
  const start = from.x + from.width / 2 + 4;
  return `M${start} ${from.y + 5}L${to.x - to.width / 2 - 5} ${to.y + (to.kind === "prediction" ? 0 : 5)}`;
}

export default (component) => live(component, (channel) => new View(channel));
