// One person's connection to a class room: opened again whenever it is lost, with nothing lost that was to arrive.
//
// What must arrive (an answer, a step) is kept under a number until the server acknowledges it, and is said again after every
// reconnection; hearing it twice does the server no harm. What a hand moves is said newest only, and at most so often.

const FIRST_WAIT = 250; // ms before the first try to connect again
const QUICK_WAIT = 500; // ms between tries while a server may be starting: to wait longer than it takes would add to the time away
const QUICK_TRIES = 30; // afterwards each waits twice as long
const LONGEST_WAIT = 4000;
const ALIVE_EVERY = 20_000; // ms between two signs of life
const AGAIN_AFTER = 2500; // ms after which what was not acknowledged is said again
const HINT_EVERY = 60; // ms between two positions of a hand
/** Endings after which coming back is of no use. */
const FINAL = new Set(["closed", "kicked", "unknown", "locked", "full", "flood", "unreadable", "forbidden"]);

/**
 * @typedef {object} World what the client needs of a browser; tests give it their own
 * @property {(url: string) => WebSocket} open
 * @property {Pick<Storage, "getItem" | "setItem" | "removeItem">} storage
 * @property {(act: () => void, ms: number) => any} later
 * @property {(timer: any) => void} never
 * @property {() => number} now
 * @property {() => number} random
 *
 * @typedef {Record<string, any>} Message
 */

export class Client {
  /**
   * @param {string} url of the socket
   * @param {World} world
   */
  constructor(url, world) {
    this.url = url;
    this.world = world;
    this.role = ""; // teacher, student, or nothing while not let in
    this.code = "";
    this.name = "";
    this.reason = ""; // why it ended, or was not let in
    this.connected = false;
    this.state = null; // what everybody in the room knows
    this.board = null; // what the teacher knows beside
    this.hands = new Map(); // student -> what stands on their stage
    this.works = new Map(); // student -> what they made of their step
    this.overlay = /** @type {any} */ ({ one: false, hands: [], works: [] });
    this.answers = {}; // own, by question
    this.listeners = new Set();
    this.kept = new Map(); // number -> {text, saidAt}
    this.hints = new Map(); // kind -> message that waits
    this.tries = 0;
    this.count = 0;
    this.stamp = Math.floor(world.random() * 1e9).toString(36);
  }

  /** Tells a listener what comes in: kind, and the message. Returns how to stop it. */
  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Enters a room: `open`, `teach`, `join`; one connection at a time. @param {Message} hello */
  enter(hello) {
    this.stop();
    Object.assign(this, { role: "", reason: "", code: hello.code ?? "", state: null, board: null, answers: {}, name: "" });
    this.hands.clear();
    this.works.clear();
    this.kept.clear();
    this.hello = hello;
    this.tries = 0;
    this.connect();
  }

  /** Enters a room again with what this browser remembers of it; false if it remembers nothing. */
  return(code) {
    const known = this.remembered()[code];
    if (!known) return false;
    this.enter(known.key ? { type: "teach", code, key: known.key } : { type: "resume", code, student: known.student, token: known.token });
    return true;
  }

  /** Remembers the teacher's key that came with the teacher's own link. */
  remember(code, key) {
    this.store({ ...this.remembered(), [code]: { key } });
  }

  /** Leaves for good. */
  leave() {
    this.stop();
    this.hello = null;
    Object.assign(this, { role: "", code: "", reason: "", state: null, board: null });
    this.kept.clear();
    this.hands.clear();
    this.works.clear();
    this.tell("left", {});
  }

  /** Says something that must arrive. @param {Message} message */
  say(message) {
    if (message.type === "answer") this.answers = { ...this.answers, [message.question]: message.value };
    const id = `${this.stamp}.${++this.count}`;
    const text = JSON.stringify({ ...message, id });
    this.kept.set(id, { text, saidAt: this.world.now() });
    this.send(text);
  }

  /** Says where a hand is; the newest of each kind, and not too often. @param {Message} message */
  hint(message) {
    if (!this.connected) return;
    this.hints.set(message.type, message);
    if (this.hinting) return;
    this.flush();
    this.hinting = this.world.later(() => {
      this.hinting = null;
      if (this.hints.size) this.hint([...this.hints.values()].at(-1));
    }, HINT_EVERY);
  }

  flush() {
    for (const message of this.hints.values()) this.send(JSON.stringify(message));
    this.hints.clear();
  }

  // ---- the connection ---------------------------------------------------------------------------------------------------

  connect() {
    const socket = this.world.open(this.url);
    this.socket = socket;
    socket.onopen = () => this.socket === socket && socket.send(JSON.stringify(this.hello));
    socket.onmessage = (event) => this.socket === socket && this.hear(JSON.parse(event.data));
    socket.onclose = () => this.socket === socket && this.lost();
  }

  send(text) {
    if (this.connected) this.socket.send(text);
  }

  lost() {
    this.connected = false;
    this.world.never(this.beat);
    this.tell("connection", {});
    if (!this.hello || FINAL.has(this.reason)) return;
    this.again = this.world.later(() => this.connect(), this.wait() * (0.5 + this.world.random() / 2));
  }

  /** Milliseconds until the next try. Who was told to slow down does. */
  wait() {
    const tries = this.tries++;
    if (this.reason === "slow") return LONGEST_WAIT;
    if (!tries) return FIRST_WAIT;
    return Math.min(LONGEST_WAIT, QUICK_WAIT * 2 ** Math.max(0, tries - QUICK_TRIES));
  }

  stop() {
    this.world.never(this.again);
    this.world.never(this.beat);
    this.world.never(this.hinting);
    this.hinting = null;
    this.connected = false;
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  /** @param {Message} heard */
  hear(heard) {
    if (heard.type === "welcome") this.welcomed(heard);
    else if (heard.type === "ack") this.kept.delete(heard.id);
    else if (heard.type === "refused") {
      if (heard.reason !== "later") this.kept.delete(heard.id); // what cannot be kept at present is said again
    } else if (heard.type === "gone") this.ended(heard.reason);
    else if (heard.type === "state") this.state = heard;
    else if (heard.type === "board") this.board = heard;
    else if (heard.type === "overlay") this.overlay = heard;
    else if (heard.type === "hands") {
      for (const [who, hand] of Object.entries(heard.hands)) this.hands.set(who, hand);
      for (const [who, work] of Object.entries(heard.works)) this.works.set(who, work);
    }
    this.tell(heard.type, heard);
  }

  welcomed(heard) {
    const { code, role, key, student, token } = heard;
    Object.assign(this, { role, code, reason: "", name: heard.name ?? "", connected: true });
    this.tries = 0;
    // What was said while the network was away stands above what the server knows.
    this.answers = { ...(heard.answers ?? {}), ...this.answers };
    this.hello = key ? { type: "teach", code, key } : { type: "resume", code, student, token };
    this.store({ ...this.remembered(), [code]: key ? { key } : { student, token } });
    for (const each of this.kept.values()) this.send(each.text);
    this.live();
  }

  ended(reason) {
    this.reason = reason;
    if (!FINAL.has(reason)) return;
    if (["closed", "kicked", "unknown"].includes(reason)) {
      const known = this.remembered();
      delete known[this.code];
      this.store(known);
    }
    this.role = "";
    this.kept.clear();
  }

  /** A sign of life from time to time, and once more what was not acknowledged. */
  live() {
    this.world.never(this.beat);
    let since = 0;
    const beat = () => {
      const now = this.world.now();
      for (const each of this.kept.values())
        if (now - each.saidAt >= AGAIN_AFTER) {
          each.saidAt = now;
          this.send(each.text);
        }
      since += AGAIN_AFTER;
      if (since >= ALIVE_EVERY) {
        since = 0;
        this.send('{"type":"alive"}');
      }
      this.beat = this.world.later(beat, AGAIN_AFTER);
    };
    this.beat = this.world.later(beat, AGAIN_AFTER);
  }

  // ---- what this browser remembers --------------------------------------------------------------------------------------

  remembered() {
    try {
      return JSON.parse(this.world.storage.getItem("grad2box.rooms") ?? "{}") ?? {};
    } catch {
      return {};
    }
  }

  store(known) {
    try {
      this.world.storage.setItem("grad2box.rooms", JSON.stringify(known));
    } catch {
      // A private window: the room lasts as long as the page.
    }
  }

  tell(kind, message) {
    for (const listener of [...this.listeners]) listener(kind, message);
  }
}

/** The document's one client, whatever component address this module was loaded under. @returns {Client} */
export function client() {
  const name = Symbol.for("grad2box.room");
  return (window[name] ??= new Client(address(), {
    open: (url) => new WebSocket(url),
    storage: sessionStorage,
    later: (act, ms) => setTimeout(act, ms),
    never: (timer) => clearTimeout(timer),
    now: () => performance.now(),
    random: () => Math.random(),
  }));
}

/** Where the socket is: beside the app, also below a base path that a proxy took away. */
function address() {
  const base = import.meta.url.split("/_stcore/")[0] || location.origin;
  return `${base.replace(/^http/, "ws")}/api/room`;
}
