// What a browser in a class room does by itself: it hands the page's views and hands on, and follows the teacher's.
//
// A teacher's page says what it shows; every other page of the room follows, until its own reader takes over: by a touch, until
// the next step of the lesson, or by choice, until the teacher gathers everyone. Following asks Python for a run; sixty pages that
// asked in one moment would hold up the server, so each waits a moment of its own.

import { isLesson, isView, stepOf, viewOf } from "./links.js";
import { follow, handOf, placeOf, stageAt } from "./stages.js";

const SETTLED_AFTER = 250; // ms after the address changed
const HAND_EVERY = 350; // ms between two pictures of a student's stage
export class Seat {
  /**
   * @param {import("./client.js").Client} client
   * @param {{random: () => number, changed: () => void}} world
   */
  constructor(client, { random, changed }) {
    this.client = client;
    this.random = random;
    this.changed = changed; // something that Python or the bar must know
    this.own = ""; // "" follows; "touch" until the next step; "choice" until everyone is gathered
    this.step = null;
    this.gathered = null;
    this.wanted = { view: 0, link: "" }; // what Python is to show
    this.taken = 0; // the view that Python opened last
    this.view = ""; // what the page shows
    this.page = null; // what Python says of the page
    this.sent = {};
    client.listen((kind, message) => this.hear(kind, message));
  }

  get teaches() {
    return this.client.role === "teacher";
  }

  get follows() {
    return !this.own;
  }

  hear(kind, message) {
    if (kind === "state") this.take(message);
    else if (kind === "drag" && this.follows && !this.teaches) follow(message.place, message.boxes);
    else if (kind === "welcome") {
      this.sent = {};
      this.report();
      this.showHand();
    } else if (kind === "gone" || kind === "left") {
      clearTimeout(this.waiting);
      this.own = "";
      this.step = this.gathered = null;
      this.wanted = { view: 0, link: "" };
    }
    this.changed();
  }

  take(state) {
    const first = this.gathered === null;
    const steps = this.step !== null && this.step !== state.step;
    const gathers = !first && this.gathered !== state.gathered;
    const strayed = this.own !== "" || (state.link && !isView(this.view, state.link));
    if (gathers) this.own = "";
    if (steps && this.own === "touch") this.own = "";
    this.gathered = state.gathered;
    this.step = state.step;
    if (gathers && strayed && !this.teaches) {
      // The view of the class may be the one that Python opened last: it is opened again.
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.comeBack(), this.random() * state.spread);
    } else this.ask();
  }

  /** Asks Python for the class's view, if this page is to show another. */
  ask() {
    const { state } = this.client;
    if (!state?.link || this.wanted.view >= state.view) return;
    if (this.teaches && (!isLesson(location.pathname) || isView(this.view, state.link))) {
      this.wanted = { view: state.view, link: "" };
      this.report(); // a new view begins without a question; the page that shows it already has told its own under the view before
      return;
    }
    if (!this.follows) return;
    clearTimeout(this.waiting);
    const { view, link } = state;
    const go = () => {
      this.wanted = { view, link };
      this.changed();
    };
    if (this.teaches) go();
    else this.waiting = setTimeout(go, this.random() * state.spread);
  }

  /** The reader goes on alone. @param {"touch" | "choice"} how */
  takeOver(how) {
    if (this.teaches || !this.client.state?.link || (this.own && how === "touch")) return;
    this.own = how;
    clearTimeout(this.waiting);
    for (const stage of window[Symbol.for("grad2box.stages")] ?? []) if (!stage.drag) stage.settle();
    this.report();
    this.changed();
  }

  /** Back to what the class sees. */
  comeBack() {
    this.own = "";
    this.wanted = { view: 0, link: "" };
    const { state } = this.client;
    if (state?.link) {
      this.wanted = { view: state.view, link: state.link, again: Math.floor(this.random() * 1e9) };
      this.changed();
    }
    this.report();
  }

  /** The teacher shows the class what a link opens: a step of the lesson. */
  show(link, step) {
    this.client.say({ type: "show", link, step });
  }

  /** Goes where the class is, from a page that is outside of the lesson. */
  enterLesson() {
    const { state } = this.client;
    const link = state.link || state.links[0];
    if (!state.link) this.show(link, 0);
    this.wanted = { view: Math.max(1, state.view), link, again: Math.floor(this.random() * 1e9) };
    this.changed();
  }

  // ---- what the page does -----------------------------------------------------------------------------------------------

  /** Python drew the page. */
  drawn(page, taken = 0) {
    this.taken = taken;
    this.page = page;
    this.moved();
    this.report();
    this.ask();
  }

  /** The address changed; what it becomes within a moment counts. */
  moved() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.settled(), SETTLED_AFTER);
  }

  settled() {
    // On the way to another step the page still lands where it was sent before: that is no wish of the teacher's.
    if (this.teaches && (this.client.kept?.size || (this.wanted.link && this.taken < this.wanted.view))) return this.moved();
    const view = viewOf(location.pathname, location.search);
    if (view === this.view) return;
    const before = this.view;
    this.view = view;
    const { state } = this.client;
    if (!isLesson(location.pathname) || !state) return;
    if (!this.teaches) {
      this.showHand();
      return;
    }
    if (!before && !state.link) return; // a teacher who comes by a link has not begun yet
    if (state.link && isView(view, state.link)) return; // the page that the class was sent to, with all that it says of itself
    const step = stepOf(view, state.links, state.step);
    this.show(view, step);
  }

  /** Tells how far this reader is, and what the teacher's page asks. */
  report() {
    const { client, page } = this;
    if (!page || !client.connected) return;
    if (this.teaches) {
      if (!isLesson(page.concept)) return;
      this.once("ask", { type: "ask", question: page.question?.key ?? "" }, client.state?.view);
      return;
    }
    const { concept, step, of, solved, work } = page;
    this.once("progress", { type: "progress", concept, step, of, solved, follows: this.follows });
    if (work && isLesson(concept)) this.once("work", { type: "work", ...work });
  }

  once(kind, message, about = null) {
    const text = JSON.stringify([message, about]);
    if (this.sent[kind] === text) return;
    this.sent[kind] = text;
    this.client.say(message);
  }

  /** Something on a stage moved, by a hand or from code. */
  stageMoved(stage, hand) {
    if (!this.client.connected || !placeOf(stage)) return;
    if (this.teaches) {
      if (!hand) return;
      const boxes = Object.fromEntries(stage.boxes.filter((box) => box.movable !== false).map((box) => [box.id, box.xyxy]));
      if (stage.mode === "edit") this.client.hint({ type: "drag", place: placeOf(stage), boxes });
      return;
    }
    this.place = placeOf(stage);
    this.handing ??= setTimeout(() => {
      this.handing = null;
      this.showHand();
    }, HAND_EVERY);
  }

  /** Tells the teacher what stands on this reader's stage. */
  showHand() {
    if (this.teaches || !this.place) return;
    const stage = stageAt(this.place);
    const hand = stage && handOf(stage);
    if (hand) this.client.hint({ type: "hand", ...hand });
  }
}
