// The short way to what a program computes: a socket beside the page (pages/live/programs.py), for a number in the hand.
//
// One question is on its way at a time, and of those that wait the newest wins; only the number that was let go does not wait. Where
// there is no socket, or no place in it, the page itself is asked instead, as it is about everything else.

const LOST_AFTER = 2000; // ms without an answer
const MOST_ON_THEIR_WAY = 2; // as the server has it
const OPEN = 1; // WebSocket.OPEN
const AGAIN_AFTER = 20_000; // ms before a way that was lost is tried once more

/**
 * @typedef {{source: string, seed: number, opened: number, language: string}} Question
 */

export class ShortWay {
  /**
   * @param {(question: Question, packed: Uint8Array) => void} onAnswer
   * @param {() => void} onLost what was asked and not answered will not be
   * @param {(address: string) => any} connect opens a socket
   */
  constructor(onAnswer, onLost, connect = (address) => new WebSocket(address)) {
    this.onAnswer = onAnswer;
    this.onLost = onLost;
    this.connect = connect;
    /** @type {any} */
    this.socket = null;
    /** @type {Map<number, Question>} what is on its way, the newest last */
    this.asked = new Map();
    /** @type {Question | null} */
    this.next = null;
    this.most = 1;
    this.isMoot = false;
    this.number = this.heard = 0;
    /** @type {any} */
    this.timer = undefined;
    this.lostAt = -Infinity;
  }

  /** Whether a question would be answered, as far as one can know. */
  get isThere() {
    return performance.now() - this.lostAt > AGAIN_AFTER;
  }

  /** The newest question whose answer is still of use. */
  get newest() {
    return this.next ?? (this.isMoot ? null : ([...this.asked.values()].at(-1) ?? null));
  }

  /** Gets ready ahead of the first question. */
  open() {
    if (this.socket || !this.isThere) return;
    const base = import.meta.url.split("/_stcore/")[0] || location.origin;
    const socket = (this.socket = this.connect(`${base.replace(/^http/, "ws")}/api/program`));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.send();
    socket.onmessage = ({ data }) => this.socket === socket && this.hear(data);
    socket.onclose = () => this.socket === socket && this.closed();
  }

  /** @param {Question} question takes the place of one that still waits @param {boolean} isLast does not wait for what is on its way */
  ask(question, isLast = false) {
    this.next = question;
    this.most = isLast ? MOST_ON_THEIR_WAY : 1;
    this.open();
    this.send();
  }

  /** The newest question is the last one: it does not wait for what is on its way. */
  hurry() {
    this.most = MOST_ON_THEIR_WAY;
    this.send();
  }

  /** Whatever is asked does not matter any more. */
  forget() {
    this.next = null;
    this.isMoot = true;
  }

  close() {
    this.settle();
    const { socket } = this;
    this.socket = this.next = null;
    this.asked.clear();
    socket?.close();
  }

  // ---- inside -----------------------------------------------------------------------------------------------------------

  send() {
    if (!this.next || this.asked.size >= this.most) return;
    if (this.socket?.readyState !== OPEN) {
      this.timer ??= setTimeout(() => this.lose(), LOST_AFTER);
      return;
    }
    this.settle();
    this.timer = setTimeout(() => this.lose(), LOST_AFTER);
    this.isMoot = false;
    this.number += 1;
    this.asked.set(this.number, this.next);
    this.socket.send(JSON.stringify({ ...this.next, number: this.number }));
    this.next = null;
  }

  hear(data) {
    if (typeof data === "string") {
      if (JSON.parse(data).type === "later") this.lose(); // what closes the socket is heard of by its closing
      return;
    }
    const number = new DataView(data).getUint32(0, true);
    const question = this.asked.get(number);
    this.asked.delete(number);
    if (!this.asked.size) this.settle();
    // An answer that was overtaken by a newer one is of no use.
    if (question && !this.isMoot && number > this.heard) {
      this.heard = number;
      this.onAnswer(question, new Uint8Array(data, 4));
    }
    this.send();
  }

  /** The server lets a socket go that was silent for long: nothing is lost by that. */
  closed() {
    const { newest } = this;
    this.close();
    if (newest) this.lose();
  }

  lose() {
    this.lostAt = performance.now();
    this.close();
    this.onLost();
  }

  settle() {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
