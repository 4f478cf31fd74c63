// A code editor: Ace, as the django-ace wheel carries it, with numbers that can be dragged and words beside the lines.

import { html, put } from "./dom.js";
import { nudged, numberAt } from "./numbers.js";

const FILES = ["ace.js", "mode-python.js", "ext-language_tools.js"];
const PIXELS_A_STEP = 8;

let loading = null;

/** Loads the editor of the wheel once. @returns {Promise<any>} */
export function loadAce() {
  loading ??= FILES.reduce((before, file) => before.then(() => loadScript(file)), Promise.resolve())
    .then(() => {
      const { ace } = /** @type {any} */ (window);
      ace.config.set("basePath", new URL("../../grad2box.ace", import.meta.url).href);
      return ace;
    })
    .catch((error) => {
      loading = null;
      throw error;
    });
  return loading;
}

function loadScript(file) {
  return new Promise((resolve, reject) => {
    const script = html("script", { src: new URL(`../../grad2box.ace/${file}`, import.meta.url).href });
    script.onload = () => resolve(undefined);
    script.onerror = () => reject(new Error(`${file} did not load`));
    document.head.append(script);
  });
}

/** The page's colours; what a word is stands in base colours, never in red. */
const THEME = `
.ace-g2b { background: var(--st-background-color); color: var(--st-text-color); }
.ace-g2b .ace_gutter { background: color-mix(in srgb, var(--st-text-color) 4%, var(--st-background-color)); color: var(--quiet); }
.ace-g2b .ace_cursor { color: var(--st-text-color); }
.ace-g2b .ace_marker-layer .ace_selection { background: color-mix(in srgb, var(--st-primary-color) 26%, transparent); }
.ace-g2b .ace_marker-layer .ace_bracket { border: 1px solid var(--quiet); margin: -1px 0 0 -1px; }
.ace-g2b .ace_marker-layer .ace_active-line { background: color-mix(in srgb, var(--st-text-color) 4%, transparent); }
.ace-g2b .ace_gutter-active-line { background: color-mix(in srgb, var(--st-text-color) 7%, transparent); }
.ace-g2b .ace_marker-layer .ace_selected-word { border: 1px solid var(--edge); }
.ace-g2b .ace_comment { color: var(--quiet); font-style: italic; }
.ace-g2b :is(.ace_keyword, .ace_storage) { color: var(--code-keyword); font-weight: 600; }
.ace-g2b .ace_keyword.ace_operator { color: inherit; font-weight: 400; }
.ace-g2b :is(.ace_string, .ace_support.ace_function) { color: var(--code-string); }
.ace-g2b :is(.ace_constant, .ace_numeric) { color: var(--code-number); }
`;

export class CodeEditor {
  /**
   * @param {{label?: string, onRun?: () => void, onEdit?: () => void, onHand?: () => void, onNumber?: (done: boolean, row: number) => void, onLine?: (row: number) => void}} events
   */
  constructor(events = {}) {
    this.events = events;
    this.wraps = false; // whether lines are broken to make room for what stands beside them
    this.words = [];
    this.marks = [];
    this.rows = [];
    /** @type {any} */
    this.beside = null;
    this.pending = null;
    this.host = html("div", { class: "ace-host" });
    this.element = html("div", { class: "code-editor" }, this.host);
    this.ready = loadAce().then((ace) => this.build(ace));
  }

  build(ace) {
    if (this.destroyed) return;
    const editor = (this.editor = ace.edit(this.host, {
      mode: "ace/mode/python",
      useWorker: false,
      showPrintMargin: false,
      tabSize: 4,
      useSoftTabs: true,
      fontSize: 13,
      fontFamily: "var(--st-code-font, ui-monospace, monospace)",
      scrollPastEnd: 0,
      highlightActiveLine: true,
      fixedWidthGutter: true,
      enableBasicAutocompletion: true,
      enableLiveAutocompletion: true,
      dragEnabled: false,
    }));
    editor.renderer.setTheme({ cssClass: "ace-g2b", cssText: THEME, isDark: false, $id: "grad2box" });
    editor.$blockScrolling = Number.POSITIVE_INFINITY;
    editor.completers = [
      { getCompletions: (editor, session, place, prefix, answer) => this.complete(editor, session, place, prefix, answer) },
    ];
    editor.commands.addCommand({ name: "run", bindKey: "Ctrl-Enter|Command-Enter", exec: () => this.events.onRun?.() });
    for (const [keys, steps] of /** @type {[string, number][]} */ ([
      ["Alt-Up|Alt-Right", 1],
      ["Alt-Down|Alt-Left", -1],
      ["Alt-Shift-Up|Alt-Shift-Right", 10],
      ["Alt-Shift-Down|Alt-Shift-Left", -10],
    ]))
      editor.commands.addCommand({ name: `number${steps}`, bindKey: keys, exec: () => this.nudgeAtCursor(steps) });
    editor.session.on("change", () => {
      if (!this.setting) this.events.onEdit?.();
    });
    editor.renderer.on("afterRender", () => this.placeSoon());
    editor.selection.on("changeCursor", () => this.touched && this.offerHandle(editor.getCursorPosition()));
    // Escape gives the next Tab back to the page; any other key takes it again.
    this.host.addEventListener("keydown", (event) => this.mayLeave(event), true);
    this.beside = html("div", { class: "beside", "aria-hidden": "true" });
    this.handle = html("div", { class: "number-handle", role: "presentation", hidden: true });
    editor.renderer.scroller.append(this.beside, this.handle);
    this.host.addEventListener("pointermove", (event) => this.hover(event));
    this.host.addEventListener("pointerdown", (event) => (this.touched = event.pointerType !== "mouse"), true);
    this.host.addEventListener("pointerleave", () => this.dragging || this.touched || this.dropHandle());
    this.listen();
    this.observer = new ResizeObserver(() => editor.resize());
    this.observer.observe(this.host);
    for (const late of this.late ?? []) late();
    this.late = null;
  }

  /** Does something now, or once the editor is there. */
  soon(act) {
    if (this.editor) act();
    else (this.late ??= []).push(act);
  }

  /** To be called whenever the view may have moved into another shadow root. */
  attached() {
    this.soon(() => {
      const root = this.host.getRootNode();
      if (root === this.root || !(root instanceof ShadowRoot)) return;
      this.root = root;
      this.editor.renderer.attachToShadowRoot();
      this.editor.resize(true);
    });
  }

  destroy() {
    this.destroyed = true;
    this.observer?.disconnect();
    this.editor?.destroy();
  }

  get value() {
    return this.editor ? this.editor.getValue() : (this.pending ?? "");
  }

  set value(text) {
    this.pending = text;
    this.soon(() => {
      if (this.editor.getValue() === text) return;
      this.setting = true;
      this.editor.session.setValue(text); // with a fresh history: undo must not bring back another program
      this.setting = false;
    });
  }

  /** @param {{label: string, readOnly: boolean, big: boolean}} options */
  configure({ label, readOnly, big }) {
    this.soon(() => {
      put(this.editor.textInput.getElement(), "aria-label", label);
      this.editor.setReadOnly(readOnly);
      this.editor.setFontSize(big ? 18 : 13);
      this.readOnly = readOnly;
    });
  }

  // ---- marks and words --------------------------------------------------------------------------------------------------

  /**
   * Marks lines and places.
   *
   * @param {{row: number, endRow?: number, className: string, arrow?: boolean, from?: number, to?: number}[]} marks rows from 0
   */
  mark(marks) {
    const key = JSON.stringify(marks);
    if (key === this.markKey) return;
    this.markKey = key;
    this.soon(() => {
      const { session } = this.editor;
      for (const id of this.marks) session.removeMarker(id);
      for (const [row, name] of this.rows) session.removeGutterDecoration(row, name);
      this.marks = [];
      this.rows = [];
      const { Range } = /** @type {any} */ (window).ace.require("ace/range");
      for (const { row, endRow = row, className, from, to, arrow } of marks) {
        const range = from === undefined ? new Range(row, 0, endRow, 1) : new Range(row, from, endRow, to);
        this.marks.push(session.addMarker(range, className, from === undefined ? "fullLine" : "text", false));
        if (from !== undefined) continue;
        for (let at = row; at <= endRow; at++) {
          const name = `${className}${arrow && at === row ? " arrow" : ""}`;
          for (const part of name.split(" ")) {
            session.addGutterDecoration(at, part);
            this.rows.push([at, part]);
          }
        }
      }
    });
  }

  /** Scrolls a line into view. @param {number} row from 0 */
  reveal(row) {
    this.soon(() => {
      if (!this.editor.isRowFullyVisible(row)) this.editor.scrollToLine(row, true, false);
    });
  }

  /** Puts elements behind the ends of lines. @param {Map<number, Node[]>} rows from 0 */
  say(rows) {
    this.soon(() => {
      this.beside.replaceChildren(
        ...[...rows].map(([row, parts]) => {
          const words = html("span", { class: "words", "data-row": row }, ...parts);
          return words;
        }),
      );
      this.placeSoon();
    });
  }

  /** Once all that is being changed is changed: to measure is to lay out. */
  placeSoon() {
    if (this.isDue || (!this.beside.childElementCount && !this.inHand)) return;
    this.isDue = true;
    queueMicrotask(() => {
      this.isDue = false;
      if (!this.destroyed) this.place();
    });
  }

  place() {
    const { renderer, session } = this.editor;
    const box = renderer.scroller.getBoundingClientRect();
    for (const words of this.beside.children) {
      const row = Number(words.dataset.row);
      if (row >= session.getLength()) {
        words.style.display = "none";
        continue;
      }
      const place = renderer.textToScreenCoordinates(row, session.getLine(row).length);
      words.style.display = "";
      if (this.wraps)
        this.makeRoom(place.pageX - box.left - window.scrollX + 18 + words.offsetWidth - box.width, session.getLine(row).length);
      const left = Math.min(place.pageX - box.left - window.scrollX + 14, Math.max(40, box.width - words.offsetWidth));
      words.style.transform = `translate(${Math.round(left)}px, ${Math.round(place.pageY - box.top - window.scrollY)}px)`;
      words.style.lineHeight = `${renderer.lineHeight}px`;
    }
    if (this.inHand && !this.dragging) this.placeHandle();
  }

  /** Breaks the lines of the program so that what stands beside one covers none of it. */
  makeRoom(excess, length) {
    const { renderer, session } = this.editor;
    if (excess <= 0 || session.getUseWrapMode()) return;
    session.setWrapLimitRange(16, Math.max(16, length - Math.ceil(excess / renderer.characterWidth)));
    session.setOption("wrapMethod", "text"); // between words
    session.setUseWrapMode(true);
  }

  // ---- numbers ----------------------------------------------------------------------------------------------------------

  hover(event) {
    if (this.dragging || this.readOnly || event.buttons || event.pointerType !== "mouse") return;
    const { row, column } = this.editor.renderer.screenToTextCoordinates(event.clientX, event.clientY);
    this.offerHandle({ row, column });
  }

  offerHandle({ row, column }) {
    if (this.readOnly) return;
    const found = numberAt(this.editor.session.getLine(row) ?? "", column);
    if (!found) return this.dropHandle();
    if (!this.inHand) this.events.onHand?.();
    this.inHand = { row, ...found };
    this.handle.hidden = false;
    this.placeHandle();
  }

  placeHandle() {
    const { renderer } = this.editor;
    const box = renderer.scroller.getBoundingClientRect();
    const { row, start, end } = this.inHand;
    const from = renderer.textToScreenCoordinates(row, start);
    const to = renderer.textToScreenCoordinates(row, end);
    const { style } = this.handle;
    style.left = `${from.pageX - box.left - window.scrollX - 2}px`;
    style.top = `${from.pageY - box.top - window.scrollY}px`;
    style.width = `${to.pageX - from.pageX + 4}px`;
    style.height = `${renderer.lineHeight}px`;
  }

  dropHandle() {
    this.inHand = null;
    this.handle.hidden = true;
  }

  listen() {
    const { handle } = this;
    // Ace listens to the mouse on its own: a press on the handle is not for it.
    for (const kind of ["mousedown", "touchstart", "dblclick", "click"]) handle.addEventListener(kind, (event) => event.stopPropagation());
    handle.addEventListener("pointerdown", (event) => {
      if (event.button || !this.inHand) return;
      event.preventDefault();
      event.stopPropagation();
      handle.setPointerCapture(event.pointerId);
      this.dragging = { x: event.clientX, at: event.clientX, text: this.inHand.text, steps: 0, moved: false };
      handle.classList.add("held");
    });
    handle.addEventListener("pointermove", (event) => {
      if (!this.dragging) return;
      const steps = Math.round((event.clientX - this.dragging.x) / PIXELS_A_STEP) * (event.shiftKey ? 10 : 1);
      if (steps === this.dragging.steps) return;
      this.dragging.steps = steps;
      this.dragging.moved = true;
      this.replace(nudged(this.dragging.text, steps), false);
    });
    const done = (event) => {
      if (!this.dragging) return;
      const { moved } = this.dragging;
      this.dragging = null;
      handle.classList.remove("held");
      if (moved) this.events.onNumber?.(true, this.inHand.row);
      else {
        const place = this.editor.renderer.screenToTextCoordinates(event.clientX, event.clientY);
        this.editor.focus();
        this.editor.moveCursorToPosition(place);
        this.editor.clearSelection();
      }
    };
    handle.addEventListener("pointerup", done);
    handle.addEventListener("pointercancel", done);
    handle.addEventListener("wheel", (event) => this.editor.renderer.scrollBy(event.deltaX, event.deltaY), { passive: true });
  }

  replace(text, done) {
    const { row, start, end } = this.inHand;
    const { Range } = /** @type {any} */ (window).ace.require("ace/range");
    this.editor.session.replace(new Range(row, start, row, end), text);
    this.inHand = { row, start, end: start + text.length, text };
    this.placeHandle();
    this.events.onNumber?.(done, row);
  }

  nudgeAtCursor(steps) {
    const { row, column } = this.editor.getCursorPosition();
    const found = numberAt(this.editor.session.getLine(row), column);
    if (!found || this.readOnly) return;
    this.inHand = { row, ...found };
    this.handle.hidden = false;
    this.replace(nudged(found.text, steps), true);
  }

  // ---- keys and words ---------------------------------------------------------------------------------------------------

  mayLeave(event) {
    if (event.key === "Escape" && !this.editor.completer?.popup?.isOpen) this.leaving = true;
    else if (event.key === "Tab" && this.leaving) event.stopPropagation();
    else if (event.key !== "Shift") this.leaving = false;
    if (event.key === "Tab" && this.leaving) this.leaving = false;
  }

  /** @param {any} _editor @param {any} session @param {{row: number, column: number}} place @param {string} prefix @param {(error: any, found: any[]) => void} answer */
  complete(_editor, session, place, prefix, answer) {
    const before = session.getLine(place.row).slice(0, place.column - prefix.length);
    answer(null, completions(this.words, before, prefix, this.value));
  }
}

/**
 * What may follow: behind a module its words, behind any other dot a tensor's methods, else names.
 *
 * @param {{modules?: Record<string, string[]>, methods?: string[], functions?: string[]} | any} words
 * @param {string} before the line up to the word
 * @param {string} prefix what there is of the word
 * @param {string} program for its own names
 */
export function completions(words, before, prefix, program) {
  const dotted = /([\w.]+)\.$/.exec(before)?.[1];
  const list = (names, meta) => (names ?? []).map((value) => ({ caption: value, value, meta }));
  if (/\.$/.test(before)) return dotted && words.modules?.[dotted] ? list(words.modules[dotted], dotted) : list(words.methods, "tensor");
  if (!prefix) return [];
  const own = [...new Set(program.match(/\b[A-Za-z_]\w*\b/g) ?? [])].filter((name) => name !== prefix);
  const top = Object.keys(words.modules ?? {}).filter((name) => !name.includes("."));
  const known = new Set([...(words.functions ?? []), ...top]);
  return [
    ...list([...known], "torch"),
    ...list(
      own.filter((name) => !known.has(name)),
      "name",
    ),
  ];
}
