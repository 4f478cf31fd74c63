// The bar of a class room at the foot of every page, for its teacher or one of its students, and what keeps the page in the room.
//
// It lives beside Streamlit's page, which is taken off and drawn anew when another page is opened: a lesson must not blink for that.

import { html, put, say, stylesheet } from "../shared/dom.js";
import { drawRows, headOf, rowsOf } from "./answers.js";
import { client } from "./client.js";
import { isLesson } from "./links.js";
import { Seat } from "./seat.js";
import { drawOverlay } from "./stages.js";
import { drawWorks } from "./works.js";

const [base, own] = await Promise.all([stylesheet(import.meta.url, "../shared/base.css"), stylesheet(import.meta.url, "./bar.css")]);
const THEME = [
  "--st-primary-color",
  "--st-background-color",
  "--st-secondary-background-color",
  "--st-text-color",
  "--st-font",
  "--st-button-radius",
];
const GONE_AFTER = 4000; // ms without the piece, and without a run that may bring it back, before the room is left
const HELD = ".st-key-lesson_picture, .st-key-lesson_controls, [class*='_tour_piece']"; // what a locked class cannot move in a lesson

/**
 * @typedef {object} Data what pages/kit/room.py sends
 * @property {string} token another for another room
 * @property {string} code
 * @property {Record<string, any> | null} hello what is asked for: to open a room, or to join one
 * @property {any} page
 * @property {{question: string, value: string} | null} answer of this reader
 * @property {number} taken the view that this run shows
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 */

class Bar {
  constructor() {
    this.client = client();
    this.host = html("div", { id: "grad2box-room" });
    this.root = this.host.attachShadow({ mode: "open" });
    const style = html("style");
    style.textContent = base + own;
    this.main = html("div", { class: "row" });
    this.panel = html("div", { class: "panel" });
    this.panel.hidden = true;
    this.works = html("div", { class: "panel works" });
    this.works.hidden = true;
    this.heard = html("p", { class: "heard", role: "status" });
    this.curtain = html("div", { class: "curtain", role: "alert" });
    this.curtain.hidden = true;
    this.element = html("section", { class: "g2b room" }, this.works, this.panel, this.main, this.heard);
    this.root.append(style, this.curtain, this.element);
    document.body.append(this.host);
    this.buttons = new Map();
    this.told = "";
    this.count = 0;
    this.seat = new Seat(this.client, { random: Math.random, changed: () => this.refresh() });
    this.unlisten = [
      this.client.listen((kind) => kind === "overlay" && this.overlay()),
      this.on("grad2box:address", () => this.seat.moved()),
      this.on("grad2box:moved", (event) => this.seat.stageMoved(event.detail.stage, event.detail.hand)),
      this.on("pointerdown", (event) => this.touched(event), true),
      this.on("keydown", (event) => this.touched(event), true),
      this.onHistory(),
    ];
    this.holding = setInterval(() => this.hold(), 500);
  }

  on(name, act, capture = false) {
    document.addEventListener(name, act, capture);
    return () => document.removeEventListener(name, act, capture);
  }

  /** Who goes back or forward in the browser's history has left what the teacher shows, as by a touch. */
  onHistory() {
    const act = () => this.seat.takeOver("touch");
    window.addEventListener("popstate", act);
    return () => window.removeEventListener("popstate", act);
  }

  /** @param {Data} data */
  update(data, parent, send) {
    clearTimeout(this.goodbye);
    this.home = parent;
    this.send = send;
    const first = this.data?.token !== data.token;
    this.data = data;
    const root = /** @type {any} */ (parent).host ?? parent;
    const seen = getComputedStyle(root);
    for (const name of THEME) this.host.style.setProperty(name, seen.getPropertyValue(name));
    this.element.classList.toggle("presenter", data.presenter);
    put(this.element, "aria-label", data.text.room);
    if (first) this.enter();
    if (data.answer && this.client.answers[data.answer.question] !== data.answer.value && this.client.role === "student")
      this.client.say({ type: "answer", ...data.answer });
    this.seat.drawn(data.page, data.taken);
    this.overlay();
    this.refresh();
  }

  enter() {
    const { hello, code } = this.data;
    const key = /[#&]key=([\w-]{10,64})/.exec(location.hash)?.[1];
    if (hello) this.client.enter(hello);
    else if (code && code === this.client.code && this.client.role) return;
    else {
      if (key && code) this.client.remember(code, key);
      if (key) history.replaceState(history.state, "", location.pathname + location.search); // a screen that is shared must not show it
      if (!code || !this.client.return(code)) Object.assign(this.client, { role: "", reason: "stranger", code });
    }
  }

  leave(parent) {
    if (parent !== this.home) return;
    clearTimeout(this.goodbye);
    const running = () => document.querySelector("[data-testid=stApp]")?.getAttribute("data-test-script-state") === "running";
    this.goodbye = setTimeout(() => (running() ? this.leave(parent) : this.destroy()), GONE_AFTER);
  }

  destroy() {
    this.client.leave();
    for (const stop of this.unlisten) stop();
    clearInterval(this.holding);
    this.release();
    this.host.remove();
    document.documentElement.style.removeProperty("--g2b-class");
    if (window[Symbol.for("grad2box.bar")] === this) delete window[Symbol.for("grad2box.bar")];
  }

  // ---- Python ------------------------------------------------------------------------------------------------------------

  /** Tells Python what it must know, if that is news. */
  tell(go = "") {
    const { role, reason, code, name, state, answers } = this.client;
    const { wanted } = this.seat;
    const ready = role ? Boolean(state) : Boolean(reason);
    if (!this.send || !ready) return;
    const key = this.data.page?.question?.key;
    const told = {
      token: this.data.token,
      role,
      reason,
      code,
      name,
      view: wanted.view,
      link: wanted.link,
      again: wanted.again ?? 0,
      revealed: key && state?.revealed.includes(key) ? [key] : [],
      answers: key && answers[key] !== undefined ? { [key]: answers[key] } : {},
      title: state?.title ?? "",
      go: go ? `${go}.${++this.count}` : (this.gone ?? ""),
    };
    this.gone = told.go;
    const text = JSON.stringify(told);
    if (text === this.told) return;
    this.told = text;
    this.send("told", told);
  }

  // ---- what is drawn -----------------------------------------------------------------------------------------------------

  refresh() {
    if (!this.data) return;
    this.tell();
    const { client: person, data } = this;
    const { text } = data;
    const { state, role } = person;
    const parts = [];
    const code = html("strong", { class: "code" }, person.code);
    if (!role) {
      parts.push(code, html("span", {}, text[`gone_${person.reason}`] ?? text.connecting));
      if (person.reason === "stranger" && data.page?.concept !== "class_room")
        parts.push(this.button("join", text.join, () => this.tell("class_room")));
    } else if (state && role === "teacher") parts.push(...this.teacher(code, state, text));
    else if (state) parts.push(...this.student(code, state, text));
    if (role && !person.connected) parts.push(html("span", { class: "lost" }, text.reconnecting));
    this.place(parts);
    this.element.hidden = !role && data.page?.concept === "class_room"; // that page itself says why nobody is let in
    this.drawAnswers(role ? state : null, text);
    this.curtain.hidden = !(role === "student" && state?.paused);
    this.curtain.textContent = text.paused;
    this.hold();
    this.measure();
    put(this.host, "data-role", role);
    put(this.host, "data-view", state?.view ?? 0);
    put(this.host, "data-own", this.seat.own);
    put(this.host, "data-connected", person.connected);
    put(this.host, "data-waiting", person.kept.size);
  }

  /** Puts the parts into the bar without taking the focus from a button that stays. */
  place(parts) {
    const wanted = parts.filter(Boolean);
    const present = [...this.main.children];
    if (wanted.length === present.length && wanted.every((part, index) => part === present[index])) return;
    for (const child of present) if (!wanted.includes(child)) child.remove();
    wanted.forEach((part, index) => {
      if (this.main.children[index] !== part) this.main.insertBefore(part, this.main.children[index] ?? null);
    });
  }

  button(name, words, act, { on = null, disabled = false, primary = false } = {}) {
    if (!this.buttons.has(name)) this.buttons.set(name, html("button", { type: "button", "data-name": name }));
    const button = this.buttons.get(name);
    button.onclick = act;
    if (button.textContent !== words) button.textContent = words;
    if (on === null) button.removeAttribute("aria-pressed");
    else put(button, "aria-pressed", on);
    button.disabled = disabled;
    button.classList.toggle("primary", primary);
    return button;
  }

  teacher(code, state, text) {
    const { client: person, seat, data } = this;
    const say_ = (message) => person.say(message);
    const at = state.step;
    const inside = isLesson(location.pathname);
    const go = (step) => seat.show(state.links[step], step);
    const asked = state.question;
    const open = asked && !state.revealed.includes(asked);
    const right = data.page?.question?.key === asked ? data.page.question.right : "";
    return [
      code,
      inside
        ? this.button("back", "◀", () => go(at - 1), { disabled: at < 1 })
        : this.button("enter", text.enter, () => seat.enterLesson(), { primary: true }),
      (inside || at >= 0) && html("span", { class: "where" }, at < 0 ? "–" : `${at + 1} / ${state.links.length}`),
      inside && this.button("next", "▶", () => go(at + 1), { disabled: at + 1 >= state.links.length, primary: !open }),
      html("span", { class: "present" }, say(text.present, { count: state.present })),
      asked &&
        html(
          "span",
          { class: "answered", "data-answered": state.answered },
          say(text.answered, { count: state.answered, of: state.present }),
        ),
      asked && // what is right is known where the question stands: the board leads back there
        right !== "" &&
        this.button("reveal", text.reveal, () => say_({ type: "reveal", question: asked, right }), {
          disabled: !open,
          primary: open,
        }),
      html("span", { class: "gap" }),
      this.button("gather", text.gather, () => say_({ type: "gather" })),
      this.button("pause", text.pause, () => say_({ type: "pause", on: !state.paused }), { on: state.paused }),
      this.button("lock", text.lock, () => say_({ type: "lock", on: !state.locked }), { on: state.locked }),
      this.button("door", text.door, () => say_({ type: "door", on: !state.door }), { on: state.door }),
      this.button("overlay", text.overlay, () => say_({ type: "overlay", to: state.overlay === "nobody" ? "teacher" : "nobody" }), {
        on: state.overlay !== "nobody",
      }),
      state.overlay !== "nobody" &&
        this.button("overlay_all", text.overlay_all, () => say_({ type: "overlay", to: state.overlay === "all" ? "teacher" : "all" }), {
          on: state.overlay === "all",
        }),
      state.projecting && this.button("unproject", text.unproject, () => say_({ type: "project", student: "" }), { on: true }),
      inside && this.button("board", text.board, () => this.tell("class_room")),
    ];
  }

  student(code, state, text) {
    const { client: person, seat } = this;
    const asked = state.question;
    const given = asked && person.answers[asked] !== undefined;
    const words = state.link ? (seat.follows ? text.following : text.alone) : text.waiting;
    return [
      code,
      html("span", { class: "name" }, person.name || text.nameless),
      html("span", { class: "where" }, words),
      state.link &&
        (seat.follows
          ? this.button("alone", text.look_around, () => seat.takeOver("choice"))
          : this.button("come", text.come_back, () => seat.comeBack(), { primary: true })),
      given && !state.revealed.includes(asked) && html("span", { class: "given" }, text.given),
      asked &&
        html(
          "span",
          { class: "answered", "data-answered": state.answered },
          say(text.answered, { count: state.answered, of: state.present }),
        ),
      state.locked && html("span", { class: "locked" }, text.locked),
    ];
  }

  drawAnswers(state, text) {
    const question = this.data.page?.question;
    const shown = state && question && question.key === state.question && state.revealed.includes(question.key);
    this.panel.hidden = !shown;
    if (!shown) {
      this.drawn = this.heard.textContent = "";
      return;
    }
    const rows = rowsOf(state.counts, question.labels, state.right);
    const text_ = JSON.stringify(rows);
    if (text_ === this.drawn) return;
    this.drawn = text_;
    const list = html("ol", { class: "answers" });
    drawRows(list, rows, { right: text.right });
    this.panel.replaceChildren(html("p", { class: "head" }, headOf(question.labels, state.right, text)), list);
    this.heard.textContent = rows.map((row) => `${row.words}: ${row.count}`).join(", ");
  }

  overlay() {
    if (!this.data) return;
    const { overlay } = this.client;
    drawOverlay(overlay, this.data.text);
    const works = overlay.works.filter((work) => work.place === this.data.page?.work?.place && Object.keys(work.values).length);
    const text = JSON.stringify([works, overlay.hands.length > 0]);
    if (text === this.worksDrawn) return;
    this.worksDrawn = text;
    drawWorks(this.works, works, this.data.text, overlay.hands.length > 0);
    this.measure();
  }

  measure() {
    const height = this.element.getBoundingClientRect().height;
    document.documentElement.style.setProperty("--g2b-class", `${Math.ceil(height)}px`);
  }

  // ---- the page ----------------------------------------------------------------------------------------------------------

  /** A reader who touches the page has taken over; the question, the bar and bare text are no such touch. */
  touched(event) {
    if (!event.isTrusted || this.client.role !== "student" || event.key === "Tab") return;
    const path = event.composedPath().filter((part) => part instanceof Element);
    if (path.includes(this.host) || path.some((part) => part.matches(".st-key-lesson_question"))) return;
    const main = path.some((part) => part.matches("[data-testid=stMain], [data-testid=stSidebar]"));
    const acts = path.some((part) =>
      part.matches("button, input, select, textarea, a, [role=slider], [role=application], [data-id], [contenteditable]"),
    );
    if (main && acts && this.data?.page?.concept !== "class_room") this.seat.takeOver("touch");
  }

  /** Keeps still what the teacher holds. Streamlit may draw it anew at any time. */
  hold() {
    const { state, role } = this.client;
    const held = role === "student" && state && (state.locked || state.paused) && this.data?.page?.concept !== "class_room";
    if (!held) return this.release();
    const lesson = document.querySelector(".st-key-lesson");
    const wanted = new Set(document.querySelectorAll(lesson && !state.paused ? HELD : "[data-testid=stMainBlockContainer]"));
    for (const element of this.held ?? []) if (!wanted.has(element)) element.removeAttribute("inert");
    for (const element of wanted) element.setAttribute("inert", "");
    this.held = wanted;
  }

  release() {
    for (const element of this.held ?? []) element.removeAttribute("inert");
    this.held = null;
  }
}

/** @param {import("../shared/live.js").Component} component */
export default function (component) {
  const { parentElement: parent, data, setStateValue } = component;
  /** @type {Bar} */
  const bar = (window[Symbol.for("grad2box.bar")] ??= new Bar());
  bar.update(data, parent, setStateValue);
  return () => bar.leave(parent);
}
