// Keeps a view alive through Streamlit's reruns and remounts, and never has more than one message to the server in flight.
//
// Streamlit calls a component's function on mount and again on every change of data or theme. When two runs reach the browser
// in one tick, it may also take the component off the page and put it back. A view that is being dragged must not notice:
// the view owns its element, and the element is moved to wherever the component now lives.

import { isDarkColor } from "./colors.js";

const GONE_AFTER = 3000; // ms without a home before a view is destroyed
const UNANSWERED_AFTER = 2000; // ms after which a message counts as lost; a shorter wait would reopen the race it prevents
const MAX_RETRIES = 3;

const kept = new Map(); // uid -> Kept

/**
 * The body of every component's default function.
 *
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {(data: any) => void} update
 * @property {() => void} [destroy]
 *
 * @typedef {object} Component what Streamlit hands to a piece's default function
 * @property {any} data carries `uid` and `said` (see pages/kit/live.py)
 * @property {any} parentElement an element or a shadow root; pieces keep what is theirs on it
 * @property {(name: string, value: any) => void} setStateValue
 *
 * @param {Component} component
 * @param {(channel: Channel) => View} create called once per uid
 */
export function live(component, create) {
  const { uid, said } = component.data;
  const old = kept.get(uid);
  // Python has forgotten what this view told it (the learner left the page and came back): start from Python's state.
  if (old && (said?.seq ?? 0) < old.channel.acked) old.destroy();
  if (!kept.has(uid)) kept.set(uid, new Kept(uid, create, said));
  const view = kept.get(uid);
  view.receive(component);
  return () => view.leave(component.parentElement);
}

/** A URL that Streamlit's media store gave out, made absolute also where the app is served below a base path. */
export function mediaUrl(url) {
  if (!url?.startsWith("/")) return url;
  const [base, rest] = import.meta.url.split("/_stcore/");
  return rest === undefined ? url : base + url;
}

/** Whether the theme around an element is dark. */
export function isDark(element) {
  const background = getComputedStyle(element).getPropertyValue("--st-background-color").trim();
  return isDarkColor(background);
}

/** What a view says to Python: one merged state, sent one message at a time, the newest wins. */
export class Channel {
  constructor(said) {
    this.state = { ...said };
    this.seq = this.acked = said?.seq ?? 0;
    this.dirty = false;
    this.sentAt = -Infinity;
    this.send = null;
  }

  set(patch) {
    Object.assign(this.state, patch);
    this.dirty = true;
    this.flush();
  }

  acknowledge(seq) {
    this.acked = Math.max(this.acked, seq);
    this.flush();
  }

  flush() {
    if (!this.dirty || !this.send) return;
    const waited = performance.now() - this.sentAt;
    clearTimeout(this.timer);
    if (this.acked < this.seq && waited < UNANSWERED_AFTER) {
      this.timer = setTimeout(() => this.flush(), UNANSWERED_AFTER - waited);
      return;
    }
    this.dirty = false;
    this.sentAt = performance.now();
    this.state.seq = ++this.seq;
    this.send("value", { ...this.state });
  }

  close() {
    clearTimeout(this.timer);
    this.send = null;
  }
}

class Kept {
  constructor(uid, create, said) {
    this.uid = uid;
    this.channel = new Channel(said);
    this.view = create(this.channel);
    this.view.element.dataset.uid = uid;
    this.homes = 0; // how often the element was put on a page: a test reads it
    this.retries = 0;
  }

  receive(component) {
    clearTimeout(this.goodbye);
    this.home = component.parentElement;
    if (this.view.element.parentNode !== this.home) {
      this.home.append(this.view.element);
      this.view.element.dataset.homes = String(++this.homes);
    }
    this.channel.send = component.setStateValue;
    const { payload, said, ...data } = component.data;
    if (!payload) this.show({ ...data, said });
    else if (payload === this.payloadUrl) this.show({ ...data, said, payload: this.payload });
    else this.load(payload, { ...data, said });
    // After the view has seen the answer, so that what it now adds goes out in the next message.
    this.channel.acknowledge(said?.seq ?? 0);
  }

  show(data) {
    this.wanted = null;
    const { classList } = this.view.element;
    classList.toggle("dark", isDark(this.view.element));
    classList.toggle("presenter", Boolean(data.presenter));
    this.view.update(data);
  }

  async load(url, data) {
    const waits = this.wanted === url;
    this.wanted = url;
    this.latest = data;
    if (waits) return;
    this.view.element.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(mediaUrl(url));
      if (!response.ok) throw new Error(`${response.status}`);
      const payload = new Uint8Array(await response.arrayBuffer());
      if (this.wanted !== url) return; // a newer one was asked for meanwhile
      this.payloadUrl = url;
      this.payload = payload;
      this.retries = 0;
      this.show({ ...this.latest, payload });
    } catch {
      if (this.wanted !== url) return;
      this.wanted = null;
      // The store forgets files that no run has named lately; a new run names it again.
      if (this.retries++ < MAX_RETRIES) this.retry = setTimeout(() => this.channel.set({ retry: this.retries }), 1000);
    } finally {
      if (!this.wanted) this.view.element.removeAttribute("aria-busy");
    }
  }

  leave(home) {
    if (this.home !== home) return; // already living elsewhere
    clearTimeout(this.goodbye);
    this.goodbye = setTimeout(() => this.destroy(), GONE_AFTER);
  }

  destroy() {
    clearTimeout(this.goodbye);
    clearTimeout(this.retry);
    this.wanted = null;
    this.channel.close();
    this.view.destroy?.();
    this.view.element.remove();
    if (kept.get(this.uid) === this) kept.delete(this.uid);
  }
}
