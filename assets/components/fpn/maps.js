// A feature pyramid laid open: the photo with a map over it, every map of the pyramid, the arrows between them as switches.
//
// The maps come once, as compact numbers; pointing, overlaying and reading values never ask the server. An arrow that is cut
// does: what the network makes of it is torch's to say, and comes back as other maps and other boxes.

import { colorTable } from "../shared/colors.js";
import { html, put, say, stylesheet, svg } from "../shared/dom.js";
import { ARROWS } from "../shared/keys.js";
import { live, mediaUrl } from "../shared/live.js";
import { Stage } from "../shared/stage.js";
import { cellAt, cellSides } from "./lookups.js";
import { paint, readMaps, written } from "./packed.js";

const own = await stylesheet(import.meta.url, "./maps.css");

const SETTLE = 200; // ms after the last move of a slider until Python hears of it
const HIGHEST = 124; // CSS pixels of a tile's map
const SWEEP = 2500; // ms that the pointer needs across the picture when a lesson begins
const BESIDE = 88; // that the words beside it need

const STRAIGHT = { right: "M2 12H41M35 6l6 6-6 6", down: "M12 2V27M6 21l6 6 6-6", up: "M12 28V4M6 10l6-6 6 6" };
const CUT = { right: "M2 12H11M15 8l8 8M23 8l-8 8M27 12H41M35 6l6 6-6 6", down: "M12 1V7M8 10l8 8M16 10l-8 8M12 21V28M6 23l6 6 6-6" };
const BOXES = { right: "0 0 43 24", down: "0 0 24 30", up: "0 0 24 30" };
const CROWD = 12; // from here on only the box in hand carries its label

/**
 * @typedef {object} Data what pages/fpn sends
 * @property {Uint8Array} payload `pack_maps`
 * @property {import("../shared/stage.js").StageSpec} stage the photo and its boxes
 * @property {unknown} version another one brings Python's state back
 * @property {string} selected map over the photo
 * @property {number} opacity
 * @property {boolean} boxes_shown
 * @property {string[]} cuts arrows that are cut
 * @property {boolean} plain the picture and the pyramid alone
 * @property {boolean} named whether the maps carry their names alone
 * @property {boolean} locked no arrow can be cut yet
 * @property {any[]} rows the pyramid's tiles
 * @property {any[]} arrows
 * @property {any[]} merges
 * @property {any[]} detections before and after the cuts
 * @property {string} view
 * @property {number} channel
 * @property {boolean} additive whether lateral and upsampled add up in this view
 * @property {any} atlas all channels of a map on one picture
 * @property {string[]} scale
 * @property {Record<string, string>} colors
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

class View {
  /** @type {ReturnType<typeof readMaps>["header"]} */ header;
  /** @type {ReturnType<typeof readMaps>["maps"]} */ maps;
  /** @type {import("../shared/colors.js").Rgb[] | undefined} */ table;
  /** @type {string} */ scale;

  constructor(channel) {
    this.channel = channel;
    this.stage = new Stage(channel);
    this.tiles = new Map(); // map name -> its tiles (one in the pyramid, maybe one in the merge)
    this.at = null; // where the learner points, in pixels of the photo
    const style = html("style");
    style.textContent = own;

    this.overlay = html("canvas", { class: "overlay", "aria-hidden": "true" });
    this.stage.photo.after(this.overlay);
    this.mark = this.stage.layer("cell");
    this.cell = { halo: svg("rect", { class: "halo" }), line: svg("rect", { class: "line" }) };
    this.mark.append(this.cell.halo, this.cell.line);

    this.opacity = html("input", { type: "range", min: 0, max: 1, step: 0.05 });
    this.opacityName = html("span");
    this.showBoxes = html("input", { type: "checkbox" });
    this.boxesName = html("span");
    this.tools = html(
      "div",
      { class: "tools" },
      html("label", { class: "grow" }, this.opacityName, this.opacity),
      html("label", {}, this.showBoxes, this.boxesName),
    );
    this.found = html("p", { class: "found" });
    this.list = html("ul", { class: "detections" });
    this.left = html("div", { class: "left" }, this.stage.element, this.tools, this.found, this.list);

    this.whole = html("button", { type: "button", class: "text-button" });
    this.mend = html("button", { type: "button", class: "text-button" });
    this.heads = html("div", { class: "heads" });
    this.pyramid = html("div", { class: "pyramid", role: "group" });
    this.help = html("p", { class: "quiet help" });
    this.ruler = html("span", { class: "ruler", "aria-hidden": "true" });
    put(this.whole, "data-mark", "cut_all");
    this.right = html("div", { class: "right" }, html("div", { class: "buttons" }, this.whole, this.mend), this.pyramid, this.help);

    this.mergeTitle = html("h3");
    this.mergeRow = html("div", { class: "merge-row" });
    this.mergeNote = html("p", { class: "quiet" });
    this.merge = html("section", { class: "merge" }, this.mergeTitle, this.mergeRow, this.mergeNote);

    this.atlasTitle = html("h3");
    this.atlasPicture = html("img", { alt: "", draggable: "false" });
    this.atlasFocus = html("div", { class: "atlas-focus" });
    this.atlasChosen = html("div", { class: "atlas-chosen" });
    this.atlasGrid = html(
      "div",
      { class: "atlas-grid", role: "slider", tabindex: "0" },
      this.atlasPicture,
      this.atlasChosen,
      this.atlasFocus,
    );
    this.atlasNote = html("p", { class: "quiet" });
    this.atlas = html("section", { class: "atlas" }, this.atlasTitle, this.atlasGrid, this.atlasNote);

    this.heard = html("p", { class: "heard", role: "status", "aria-live": "polite" });
    this.element = html(
      "div",
      { class: "g2b fpn" },
      style,
      html("div", { class: "columns" }, this.left, this.right),
      this.merge,
      this.atlas,
      this.heard,
      this.ruler,
    );
    this.listen();
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.right);
    this.observer.observe(this.mergeRow);
  }

  listen() {
    this.stage.svg.addEventListener("pointermove", (event) => event.pointerType !== "touch" && this.look(this.stage.point(event)));
    this.stage.svg.addEventListener("pointerdown", (event) => this.look(this.stage.point(event)));
    this.stage.onHover = (id) => this.attend(id);
    this.stage.onSelect = (id) => this.attend(id ?? this.stage.hovered);
    this.stage.onResize = () => this.drawMark();
    this.opacity.addEventListener("input", () => {
      this.state.opacity = Number(this.opacity.value);
      this.drawOverlay();
      clearTimeout(this.settling);
      this.settling = setTimeout(() => this.tell(), SETTLE);
    });
    this.showBoxes.addEventListener("change", () => {
      this.element.classList.toggle("no-boxes", !this.showBoxes.checked);
      this.tell({ boxes: this.showBoxes.checked });
    });
    this.whole.addEventListener("click", () => this.setCuts([...new Set([...this.state.cuts, ...this.topDown])]));
    this.mend.addEventListener("click", () => this.setCuts([]));
    this.atlasGrid.addEventListener("pointermove", (event) => this.lookAtlas(this.atlasAt(event)));
    this.atlasGrid.addEventListener("pointerleave", () => this.lookAtlas(this.chosenChannel()));
    this.atlasGrid.addEventListener("click", (event) => this.pick(this.atlasAt(event)));
    this.atlasGrid.addEventListener("keydown", (event) => this.atlasKey(event));
    this.onPlay = (event) => this.sweep(event);
    document.addEventListener("grad2box:play", this.onPlay);
  }

  /** A lesson begins: the pointer goes across the picture once, and every map answers. */
  sweep(event) {
    if (!this.element.isConnected || !this.header) return;
    event.preventDefault();
    const [height, width] = this.data.stage.size;
    const start = performance.now();
    const move = (now) => {
      const share = Math.min(1, (now - start) / SWEEP);
      this.look([width * (0.05 + 0.9 * share), height * (0.5 - 0.35 * Math.sin(2 * Math.PI * share))], true);
      put(this.element, "data-swept", share.toFixed(2));
      if (share < 1 && this.element.isConnected) requestAnimationFrame(move);
    };
    requestAnimationFrame(move);
  }

  destroy() {
    this.observer.disconnect();
    document.removeEventListener("grad2box:play", this.onPlay);
    clearTimeout(this.settling);
    this.stage.destroy();
  }

  // ---- what comes from Python ---------------------------------------------------------------------------------------------

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.text = data.text;
    if (this.version !== data.version) {
      this.version = data.version;
      this.state = { selected: data.selected, opacity: data.opacity, cuts: [...data.cuts], boxes: data.boxes_shown };
    }
    this.waiting = this.state.cuts.join() !== data.cuts.join();
    this.element.classList.toggle("waits", this.waiting);
    this.element.classList.toggle("plain", data.plain);
    this.element.classList.toggle("named", data.named);
    if (data.payload !== this.payload) {
      this.payload = data.payload;
      ({ header: this.header, maps: this.maps } = readMaps(data.payload));
    }
    const scale = data.scale.join();
    if (this.scale !== scale) [this.scale, this.table] = [scale, colorTable(data.scale)];
    this.topDown = data.arrows.filter((arrow) => arrow.kind === "top_down").map((arrow) => arrow.cut);
    this.element.style.setProperty("--current", data.colors.current);
    put(this.opacity, "aria-label", this.text.opacity);
    this.opacity.value = String(this.state.opacity);
    this.boxesName.textContent = this.text.boxes;
    this.showBoxes.checked = this.state.boxes;
    this.element.classList.toggle("no-boxes", !this.state.boxes);
    this.whole.textContent = this.text.cut_all;
    this.mend.textContent = this.text.mend;
    this.help.textContent = this.text.help;
    put(this.pyramid, "aria-label", this.text.pyramid);
    this.stage.update({ ...data.stage, presenter: data.presenter });
    this.element.classList.toggle("crowded", data.stage.boxes.length > CROWD);
    this.buildPyramid();
    this.writeList();
    this.writeMerge();
    this.writeAtlas();
    this.drawArrows();
    this.drawSelection();
    this.layout();
    this.look(this.at ?? [data.stage.size[1] / 2, data.stage.size[0] / 2], true);
  }

  tell(patch = {}) {
    clearTimeout(this.settling);
    Object.assign(this.state, patch);
    const { selected, opacity, cuts, boxes } = this.state;
    this.channel.set({ maps: { version: this.version, selected, opacity, cuts, boxes } });
  }

  setCuts(cuts) {
    const order = this.data.arrows.map((arrow) => arrow.cut);
    this.tell({ cuts: order.filter((cut) => cuts.includes(cut)) });
    this.element.classList.add("waits");
    this.drawArrows();
  }

  // ---- the pyramid --------------------------------------------------------------------------------------------------------

  buildPyramid() {
    const shape = JSON.stringify([this.data.rows, this.data.arrows]);
    if (this.shape === shape) {
      for (const tiles of this.tiles.values()) for (const tile of tiles) this.writeTile(tile);
      return;
    }
    this.shape = shape;
    this.tiles.clear();
    this.switches = new Map();
    this.pyramid.replaceChildren();
    const { rows, arrows } = this.data;
    const place = (element, column, row) => {
      element.style.gridColumn = String(column);
      element.style.gridRow = String(row);
      this.pyramid.append(element);
    };
    rows.forEach(({ stage, level }, index) => {
      const row = 2 * index + 1;
      if (stage) place(this.newTile(stage).element, 1, row);
      if (level) place(this.newTile(level).element, 3, row);
      const lateral = arrows.find((arrow) => arrow.kind === "lateral" && arrow.to === level);
      if (lateral) place(this.newSwitch(lateral, "right"), 2, row);
      const below = rows[index + 1];
      if (!below) return;
      if (stage && below.stage) place(plainArrow("up"), 1, row + 1);
      const down = arrows.find((arrow) => arrow.kind === "top_down" && arrow.to === below.level);
      if (down) place(this.newSwitch(down, "down"), 3, row + 1);
      else if (level && below.level && !stage) place(plainArrow("up"), 3, row + 1); // P6 is made from P5
    });
  }

  newTile(name, { sum = false } = {}) {
    const canvas = html("canvas");
    const here = html("span", { class: "here" });
    const frame = html("span", { class: "frame-of-map" }, canvas, here);
    const caption = { name: html("strong"), shape: html("span", { class: "quiet" }), value: html("output", { "aria-hidden": "true" }) };
    const tile = { name, canvas, here, frame, caption, sum };
    tile.element = html(
      sum ? "div" : "button",
      { class: "tile", "data-map": name, "data-mark": sum ? null : name },
      frame,
      html("span", { class: "caption" }, html("span", { class: "line" }, caption.name, caption.value), caption.shape),
    );
    if (!sum) {
      tile.element.type = "button";
      tile.element.addEventListener("click", () => this.choose(name));
      tile.element.addEventListener("keydown", (event) => this.tileKey(event, tile));
    }
    const point = (event) => {
      const box = frame.getBoundingClientRect();
      const [height, width] = this.data.stage.size;
      this.look([((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height]);
    };
    frame.addEventListener("pointermove", (event) => event.pointerType !== "touch" && point(event));
    frame.addEventListener("pointerdown", point);
    if (!this.tiles.has(name)) this.tiles.set(name, []);
    this.tiles.get(name).push(tile);
    this.writeTile(tile);
    return tile;
  }

  writeTile(tile) {
    const map = this.maps.get(tile.name);
    if (!map) return;
    tile.caption.name.textContent = tile.title ?? tile.name;
    tile.caption.shape.textContent = say(tile.sum ? this.text.shape : this.text.shape_stride, {
      channels: map.channels,
      rows: map.all_rows,
      cols: map.all_cols,
      stride: map.stride,
    });
    paint(tile.canvas, map, this.table, tile.range);
    tile.element.classList.toggle("empty", !map.filled);
    if (!tile.sum) tile.element.style.setProperty("--c", this.data.colors[tile.name] ?? "var(--edge)");
  }

  newSwitch(arrow, direction) {
    const path = svg("path", {});
    const button = html(
      "button",
      { type: "button", class: `arrow ${direction}`, role: "switch", "data-cut": arrow.cut },
      svg("svg", { viewBox: BOXES[direction], "aria-hidden": "true", focusable: "false" }, path),
    );
    button.addEventListener("click", () => {
      const { cuts } = this.state;
      this.setCuts(cuts.includes(arrow.cut) ? cuts.filter((cut) => cut !== arrow.cut) : [...cuts, arrow.cut]);
    });
    this.switches.set(arrow.cut, { button, path, direction, arrow });
    return button;
  }

  drawArrows() {
    for (const { button, path, direction, arrow } of this.switches.values()) {
      const cut = this.state.cuts.includes(arrow.cut);
      put(path, "d", (cut ? CUT : STRAIGHT)[direction]);
      put(button, "aria-checked", String(!cut));
      button.disabled = this.data.locked;
      const name = say(this.text[arrow.kind], arrow);
      put(button, "aria-label", name);
      put(button, "title", `${name}: ${cut ? this.text.is_cut : this.text.is_whole}`);
    }
    const all = this.topDown.every((cut) => this.state.cuts.includes(cut));
    this.whole.disabled = all || this.data.locked;
    this.mend.disabled = !this.state.cuts.length || this.data.locked;
  }

  choose(name) {
    if (name === this.state.selected) return;
    this.tell({ selected: name });
    this.drawSelection();
    this.writeMerge();
    this.layout();
    this.look(this.at, true);
  }

  drawSelection() {
    const { selected } = this.state;
    for (const [name, tiles] of this.tiles) {
      for (const tile of tiles) if (!tile.sum) put(tile.element, "aria-pressed", String(name === selected));
    }
    this.opacityName.textContent = say(this.text.over, { name: selected });
    this.drawOverlay();
  }

  drawOverlay() {
    const map = this.maps.get(this.state.selected);
    if (!map) return;
    paint(this.overlay, map, this.table);
    const [height, width] = this.reach(map);
    this.overlay.style.width = `${100 * width}%`;
    this.overlay.style.height = `${100 * height}%`;
    this.overlay.style.opacity = String(this.state.opacity);
    this.overlay.hidden = this.state.opacity === 0;
  }

  /** How far a map reaches, as a share of the photo: its last row and column may stand over. */
  reach(map) {
    const [height, width] = this.header.image;
    const [across, down] = this.sides(map);
    return [(map.rows * down) / height, (map.cols * across) / width];
  }

  /** Width and height of a cell in pixels of the photo. */
  sides(map) {
    return cellSides(map.stride, this.header.scales);
  }

  layout() {
    if (!this.maps || !this.pyramid.clientWidth) return;
    const [height, width] = this.header.image;
    for (const tiles of this.tiles.values()) {
      for (const tile of tiles) {
        const large = this.element.classList.contains("presenter") ? 1.4 : 1;
        const beside = getComputedStyle(tile.element).flexDirection === "row" ? BESIDE * large : 0; // on a phone the words stand below
        const room = Math.max(40, tile.element.clientWidth - 10 - beside);
        // All rows of the pyramid, with the arrows between them, fit beside the picture.
        const fits = tile.sum ? HIGHEST : Math.max(56, (this.ruler.offsetHeight - 70) / this.data.rows.length - 46);
        const highest = Math.min((beside || tile.sum ? HIGHEST : 0.8 * HIGHEST) * large, fits);
        const scale = Math.min(room / width, highest / height);
        const [w, h] = [Math.max(2, Math.round(width * scale)), Math.max(2, Math.round(height * scale))];
        tile.frame.style.width = `${w}px`;
        tile.frame.style.height = `${h}px`;
        const map = this.maps.get(tile.name);
        if (!map) continue;
        const [down, along] = this.reach(map);
        tile.canvas.style.width = `${100 * along}%`;
        tile.canvas.style.height = `${100 * down}%`;
      }
    }
    this.drawMark();
  }

  // ---- pointing -----------------------------------------------------------------------------------------------------------

  cellAt(map, place) {
    return cellAt(place, this.sides(map), [map.rows, map.cols]);
  }

  look(at, force = false) {
    const [height, width] = this.header.image;
    const inside = [Math.max(0, Math.min(width - 1e-3, at[0])), Math.max(0, Math.min(height - 1e-3, at[1]))];
    if (!force && this.at && inside[0] === this.at[0] && inside[1] === this.at[1]) return;
    this.at = inside;
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.drawMark();
    });
  }

  valueAt(map) {
    if (!map?.values || !this.at) return null;
    const [row, col] = this.cellAt(map, this.at);
    return map.values[row * map.cols + col];
  }

  drawMark() {
    if (!this.maps || !this.at) return;
    const [height, width] = this.header.image;
    for (const [name, tiles] of this.tiles) {
      const map = this.maps.get(name);
      if (!map) continue;
      const [row, col] = this.cellAt(map, this.at);
      const [cellWidth, cellHeight] = this.sides(map);
      const words = written(this.valueAt(map));
      for (const tile of tiles) {
        const [w, h] = [tile.frame.clientWidth, tile.frame.clientHeight];
        const [across, down] = [Math.max(5, (cellWidth / width) * w), Math.max(5, (cellHeight / height) * h)];
        const [x, y] = [((col + 0.5) * cellWidth * w) / width, ((row + 0.5) * cellHeight * h) / height];
        tile.here.style.cssText = `left:${x - across / 2}px;top:${y - down / 2}px;width:${across}px;height:${down}px`;
        if (tile.caption.value.textContent !== words) tile.caption.value.textContent = words;
        tile.caption.value.dataset.value = String(this.valueAt(map));
        if (!tile.sum) put(tile.element, "aria-label", this.sentence(map, row, col, words));
      }
    }
    const map = this.maps.get(this.state.selected);
    if (!map) return;
    const [row, col] = this.cellAt(map, this.at);
    const [across, down] = this.sides(map);
    for (const rect of Object.values(this.cell)) {
      for (const [name, value] of [
        ["x", col * across],
        ["y", row * down],
        ["width", across],
        ["height", down],
      ])
        put(rect, name, value);
    }
    this.writeSum();
  }

  sentence(map, row, col, value) {
    return say(this.text.tile, {
      name: map.name,
      channels: map.channels,
      rows: map.all_rows,
      cols: map.all_cols,
      stride: map.stride,
      row: row + 1,
      col: col + 1,
      value,
    });
  }

  tileKey(event, tile) {
    const step = ARROWS[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const map = this.maps.get(tile.name);
    const [across, down] = this.sides(map);
    const [row, col] = this.cellAt(map, this.at);
    const far = event.shiftKey ? 5 : 1;
    const within = (value, most) => Math.max(0, Math.min(most - 1, value));
    const [newRow, newCol] = [within(row + far * step[1], map.rows), within(col + far * step[0], map.cols)];
    this.look([(newCol + 0.5) * across, (newRow + 0.5) * down]);
    cancelAnimationFrame(this.frame);
    this.frame = null;
    this.drawMark();
    this.heard.textContent = say(this.text.value, { name: map.name, row: newRow + 1, col: newCol + 1, value: written(this.valueAt(map)) });
  }

  // ---- detections ---------------------------------------------------------------------------------------------------------

  writeList() {
    this.found.textContent = this.text.summary;
    const wanted = this.data.detections;
    const shape = JSON.stringify(wanted);
    if (this.listed === shape) return;
    this.listed = shape;
    const focused = this.list.getRootNode().activeElement?.dataset?.id;
    this.list.replaceChildren(
      ...wanted.map((found) => {
        const button = html(
          "button",
          { type: "button", class: `chip ${found.fate}`, "data-id": found.id, style: `--c: ${found.color}` },
          html("span", { class: "dot", "aria-hidden": "true" }),
          html("span", { class: "words" }, found.words),
          html("span", { class: "quiet" }, found.place),
        );
        button.addEventListener("pointerenter", () => this.point(found.id));
        button.addEventListener("focus", () => this.point(found.id));
        button.addEventListener("pointerleave", () => this.point(null));
        button.addEventListener("blur", () => this.point(null));
        button.addEventListener("click", () => this.stage.select(found.id));
        return html("li", {}, button);
      }),
    );
    if (focused) this.list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  point(id) {
    this.stage.pointAt(id);
  }

  /** A box is attended to: the tile of its level lights up, and every tile shows the place of its cell. */
  attend(id) {
    const found = this.data?.detections.find((each) => each.id === id);
    for (const [name, tiles] of this.tiles)
      for (const tile of tiles) tile.element.classList.toggle("won", !tile.sum && name === found?.level);
    for (const item of this.stage.items.values()) item.text?.toggleAttribute("data-on", item.id === id);
    for (const chip of this.list.querySelectorAll(".chip")) chip.classList.toggle("attended", chip.dataset.id === id);
    if (found) this.look(found.at, true);
  }

  // ---- the merge at one level ---------------------------------------------------------------------------------------------

  writeMerge() {
    const number = this.state.selected.slice(1);
    const merge = this.data.merges.find((each) => each.number === number);
    this.merge.hidden = !merge;
    if (!merge) return;
    this.mergeTitle.textContent = say(this.text.merge, { level: merge.level });
    for (const [name, tiles] of this.tiles)
      this.tiles.set(
        name,
        tiles.filter((tile) => !tile.sum),
      );
    const parts = merge.parts.map(({ name, title, sign, cut }) => ({ name, title, sign, cut, map: this.maps.get(name) }));
    const filled = parts.filter((part) => part.map?.values && !part.cut);
    // One range for all that is added: a sum can be read only on one scale.
    const range = [Math.min(...filled.map((part) => part.map.shades[0])), Math.max(...filled.map((part) => part.map.shades[1]))];
    this.terms = [];
    this.mergeRow.replaceChildren(
      ...parts.flatMap(({ name, title, sign, cut }) => {
        const tile = this.newTile(name, { sum: true });
        tile.title = title;
        tile.range = range;
        this.writeTile(tile);
        tile.element.classList.toggle("is-cut", cut);
        if (cut) tile.frame.append(html("span", { class: "cut-note" }, this.text.is_cut));
        this.terms.push({ name, sign, cut });
        return [html("span", { class: "sign", "aria-hidden": "true" }, sign), tile.element];
      }),
    );
    this.mergeRow.firstElementChild.hidden = true;
    this.layout();
  }

  writeSum() {
    const number = this.state.selected.slice(1);
    const merge = this.data.merges.find((each) => each.number === number);
    if (!merge) return;
    const value = (index) => written(this.valueAt(this.maps.get(merge.parts[index].name)));
    const count = merge.parts.length;
    const words = merge.parts
      .slice(0, count - 2)
      .map((part, index) => (part.cut ? "0" : value(index).replace(/^−(.*)/, "(−$1)")))
      .join(" + ");
    const text = this.data.additive
      ? `${words} = ${value(count - 2)}  →  ${this.text.convolution}  →  ${value(count - 1)}`
      : this.text.not_additive;
    if (this.mergeNote.textContent !== text) this.mergeNote.textContent = text;
  }

  // ---- all channels of a map ----------------------------------------------------------------------------------------------

  writeAtlas() {
    const { atlas } = this.data;
    this.atlas.hidden = !atlas;
    if (!atlas) return;
    this.atlasTitle.textContent = atlas.title;
    this.atlasNote.textContent = atlas.note;
    put(this.atlasPicture, "src", mediaUrl(atlas.url));
    this.atlasGrid.style.aspectRatio = `${atlas.width} / ${atlas.height}`;
    // Cells as large as they come, up to four screen pixels each; a coarse map fills no more room than a fine one.
    this.atlasGrid.style.maxWidth = `${Math.min(1400, Math.max(480, atlas.columns * 88))}px`;
    put(this.atlasGrid, "aria-label", atlas.title);
    put(this.atlasGrid, "aria-valuemin", 0);
    put(this.atlasGrid, "aria-valuemax", atlas.count - 1);
    this.atlasOn = Math.min(this.atlasOn ?? this.chosenChannel(), atlas.count - 1);
    this.lookAtlas(this.chosenChannel());
    const chosen = this.data.view === "channel" && this.data.channel < atlas.count;
    this.atlasChosen.hidden = !chosen;
    if (chosen) this.atlasChosen.style.cssText = this.atlasPlace(this.data.channel);
  }

  chosenChannel() {
    return Math.min(this.data.channel, (this.data.atlas?.count ?? 1) - 1);
  }

  atlasPlace(channel) {
    const { columns, rows } = this.data.atlas;
    const [row, col] = [Math.floor(channel / columns), channel % columns];
    return `left:${(100 * col) / columns}%;top:${(100 * row) / rows}%;width:${100 / columns}%;height:${100 / rows}%`;
  }

  atlasAt(event) {
    const box = this.atlasGrid.getBoundingClientRect();
    const { columns, rows, count } = this.data.atlas;
    const col = Math.max(0, Math.min(columns - 1, Math.floor(((event.clientX - box.left) / box.width) * columns)));
    const row = Math.max(0, Math.min(rows - 1, Math.floor(((event.clientY - box.top) / box.height) * rows)));
    return Math.min(count - 1, row * columns + col);
  }

  lookAtlas(channel) {
    this.atlasOn = channel;
    this.atlasFocus.style.cssText = this.atlasPlace(channel);
    this.atlasFocus.dataset.name = String(channel);
    put(this.atlasGrid, "aria-valuenow", channel);
    put(this.atlasGrid, "aria-valuetext", say(this.text.channel_of, { channel, count: this.data.atlas.count }));
  }

  atlasKey(event) {
    const { columns, count } = this.data.atlas;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (event.key === "Enter" || event.key === " ") this.pick(this.atlasOn);
    else if (event.key === "Home") this.lookAtlas(0);
    else if (event.key === "End") this.lookAtlas(count - 1);
    else if (step) this.lookAtlas(Math.max(0, Math.min(count - 1, this.atlasOn + step)));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  pick(channel) {
    this.picks = (this.channel.state.pick?.count ?? 0) + 1;
    this.channel.set({ pick: { channel, count: this.picks } });
  }
}

function plainArrow(direction) {
  return html(
    "span",
    { class: `arrow plain ${direction}`, "aria-hidden": "true" },
    svg("svg", { viewBox: BOXES[direction] }, svg("path", { d: STRAIGHT[direction] })),
  );
}

export default (component) => live(component, (channel) => new View(channel));
