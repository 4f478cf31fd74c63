// The teacher's board: a small picture of every student's stage, with their names and how far they are.

import { html, put, say, stylesheet } from "../shared/dom.js";
import { client } from "./client.js";
import { miniature } from "./stages.js";
import { workMiniature } from "./works.js";

const [base, own] = await Promise.all([stylesheet(import.meta.url, "../shared/base.css"), stylesheet(import.meta.url, "./board.css")]);

/** Orders students. @param {any[]} students @param {string} by @param {Map<string, any>} hands @param {Map<string, any>} works */
export function sorted(students, by, hands, works = new Map()) {
  const value = (student) => hands.get(student.id)?.value ?? works.get(student.id)?.value ?? Number.POSITIVE_INFINITY;
  const orders = {
    coming: () => 0,
    name: (a, b) => a.name.localeCompare(b.name),
    progress: (a, b) => b.step / Math.max(1, b.of) - a.step / Math.max(1, a.of) || b.solved - a.solved,
    value: (a, b) => value(a) - value(b),
  };
  return students.map((student, index) => ({ ...student, number: index + 1 })).sort(orders[by] ?? orders.coming);
}

class Board {
  constructor(root) {
    const style = html("style");
    style.textContent = base + own;
    this.order = html("select");
    this.names = html("input", { type: "checkbox" });
    this.csv = html("button", { type: "button", "data-name": "csv" });
    this.close = html("button", { type: "button", "data-name": "close" });
    this.link = html("button", { type: "button", "data-name": "link" });
    this.orderWords = html("span");
    this.nameWords = html("span");
    this.bar = html(
      "div",
      { class: "tools" },
      html("label", {}, this.orderWords, " ", this.order),
      html("label", {}, this.names, " ", this.nameWords),
      this.csv,
      this.link,
      this.close,
    );
    this.nobody = html("p", { class: "nobody" });
    this.grid = html("ul", { class: "grid" });
    this.element = html("div", { class: "g2b board" }, style, this.bar, this.nobody, this.grid);
    this.cards = new Map();
    this.order.addEventListener("change", () => this.draw());
    this.names.addEventListener("change", () => this.draw());
    this.csv.addEventListener("click", () => client().say({ type: "results" }));
    this.close.addEventListener("click", () => confirm(this.text.close_question) && client().say({ type: "close" }));
    this.link.addEventListener("click", () => this.copyLink());
    root.append(this.element);
    this.stop = client().listen((kind, message) => {
      if (kind === "results") save(message.csv, this.text.file);
      if (["board", "hands", "welcome", "left"].includes(kind)) this.draw();
    });
  }

  update({ text }) {
    this.text = text;
    this.orderWords.textContent = text.order;
    this.nameWords.textContent = text.hide_names;
    this.csv.textContent = text.csv;
    this.close.textContent = text.close;
    this.close.title = text.close_help;
    this.link.textContent = text.own_link;
    this.nobody.textContent = text.nobody;
    const chosen = this.order.value || "coming";
    this.order.replaceChildren(
      ...["coming", "name", "progress", "value"].map((name) =>
        html("option", { value: name, selected: name === chosen }, text[`order_${name}`]),
      ),
    );
    for (const card of this.cards.values()) card.element.remove();
    this.cards.clear();
    this.draw();
  }

  /** The teacher's own way back, on another machine too: the key stands behind the #, which no server sees. */
  async copyLink() {
    const { code } = client();
    const key = client().remembered()[code]?.key ?? "";
    const link = `${location.origin}${location.pathname}?room=${code}#key=${key}`;
    try {
      await navigator.clipboard.writeText(link);
      this.link.textContent = this.text.own_link_done;
    } catch {
      prompt(this.text.own_link, link); // clipboards need a secure origin
    }
  }

  draw() {
    const { board, hands, works } = client();
    const students = sorted(board?.students ?? [], this.order.value, hands, works);
    this.nobody.hidden = students.length > 0;
    const ids = new Set(students.map((student) => student.id));
    for (const [id, card] of this.cards)
      if (!ids.has(id)) {
        card.element.remove();
        this.cards.delete(id);
      }
    students.forEach((student, index) => {
      if (!this.cards.has(student.id)) this.cards.set(student.id, new Card(student.id, this.text));
      const card = this.cards.get(student.id);
      card.draw(student, handNow(hands, works, student.id), works.get(student.id), this.names.checked, board.projected === student.id);
      if (this.grid.children[index] !== card.element) this.grid.insertBefore(card.element, this.grid.children[index] ?? null);
    });
  }
}

/** What stands on a student's stage, unless the student has gone on to another page. */
function handNow(hands, works, id) {
  const [hand, work] = [hands.get(id), works.get(id)];
  return hand && (!work || hand.place.startsWith(`${work.place.split(".")[0]}_`)) ? hand : undefined;
}

class Card {
  constructor(id, text) {
    this.text = text;
    this.name = html("strong");
    this.where = html("span", { class: "where" });
    this.marks = html("span", { class: "marks" });
    this.picture = html("div", { class: "picture" });
    this.project = html("button", { type: "button", "data-name": "project" });
    this.kick = html("button", { type: "button", "data-name": "kick" });
    this.kick.textContent = text.kick;
    this.project.addEventListener("click", () => client().say({ type: "project", student: this.projected ? "" : id }));
    this.kick.addEventListener("click", () => confirm(text.kick_question) && client().say({ type: "kick", student: id }));
    this.element = html(
      "li",
      { class: "card" },
      this.picture,
      this.name,
      this.where,
      this.marks,
      html("span", { class: "acts" }, this.project, this.kick),
    );
  }

  draw(student, hand, work, nameless, projected) {
    const { text } = this;
    this.projected = projected;
    const unnamed = nameless ? text.student : text.nameless;
    this.name.textContent = nameless || !student.name ? say(unnamed, { number: student.number }) : student.name;
    this.where.textContent = student.concept
      ? (text[`page_${student.concept}`] ?? student.concept) + (student.of ? ` · ${student.step || "–"}/${student.of}` : "")
      : "–";
    const marks = [
      student.solved > 0 && say(text.solved, { count: student.solved }),
      student.answer !== null && text.has_answered,
      !student.follows && text.is_alone,
      student.stuck && text.stuck,
      !student.here && text.away,
    ];
    this.marks.textContent = marks.filter(Boolean).join(" · ");
    for (const name of ["stuck", "here"]) put(this.element, `data-${name}`, student[name]);
    put(this.project, "aria-pressed", projected);
    this.project.textContent = text.project;
    this.project.disabled = !hand && !work;
    if (this.hand === hand && this.work === work) return;
    this.hand = hand;
    this.work = work;
    const values = workMiniature(work, Boolean(hand));
    this.picture.replaceChildren(...(hand || !values ? [miniature(hand)] : []), ...(values ? [values] : []));
  }
}

/** Saves a text as a file of the browser. The mark at its beginning tells spreadsheets that it is UTF-8. */
function save(text, name) {
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  html("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** @param {import("../shared/live.js").Component} component */
export default function (component) {
  const root = /** @type {any} */ (component.parentElement);
  root.board ??= new Board(root);
  root.board.update(component.data);
  return () => root.board.stop();
}
