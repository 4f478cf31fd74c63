import assert from "node:assert/strict";
import { test } from "node:test";
import { ProgramPane } from "../../assets/components/autograd/program.js";
import { ShortWay } from "../../assets/components/autograd/shortway.js";

const question = (source) => ({ source, seed: 0, opened: 0, language: "en" });

/** A way whose socket is in the test's hands. */
function opened() {
  const sockets = [];
  const heard = [];
  let lost = 0;
  const connect = (address) => {
    const socket = { address, readyState: 0, sent: [], close: () => socket.onclose?.() };
    socket.send = (text) => socket.sent.push(JSON.parse(text));
    socket.begin = () => {
      socket.readyState = 1;
      socket.onopen();
    };
    socket.answer = (number, ...bytes) => {
      const data = new ArrayBuffer(4 + bytes.length);
      new DataView(data).setUint32(0, number, true);
      new Uint8Array(data).set(bytes, 4);
      socket.onmessage({ data });
    };
    sockets.push(socket);
    return socket;
  };
  const way = new ShortWay(
    ({ source }, packed) => heard.push([source, [...packed]]),
    () => lost++,
    connect,
  );
  return { way, sockets, heard, lost: () => lost };
}

test("one question is on its way, and of those that wait the newest wins", () => {
  const { way, sockets, heard } = opened();
  way.ask(question("a"));
  way.ask(question("b"));
  const [socket] = sockets;
  assert.match(socket.address, /\/api\/program$/);
  socket.begin();
  way.ask(question("c"));
  way.ask(question("d"));
  assert.deepEqual(
    socket.sent.map(({ source, number }) => [source, number]),
    [["b", 1]],
  );
  assert.equal(way.newest?.source, "d");
  socket.answer(1, 7);
  socket.answer(2, 8, 9);
  assert.deepEqual(
    socket.sent.map(({ source }) => source),
    ["b", "d"],
  );
  assert.deepEqual(heard, [
    ["b", [7]],
    ["d", [8, 9]],
  ]);
  assert.equal(way.newest, null);
  way.close();
});

test("the last question does not wait, and what it overtakes is not heard", () => {
  const { way, sockets, heard } = opened();
  way.open();
  sockets[0].begin();
  way.ask(question("a"));
  way.ask(question("b"), true);
  way.ask(question("c"), true);
  assert.equal(sockets[0].sent.length, 2);
  sockets[0].answer(2, 1);
  sockets[0].answer(1, 1);
  sockets[0].answer(3, 1);
  assert.deepEqual(
    heard.map(([source]) => source),
    ["b", "c"],
  );
  way.close();
});

test("a question that waits already goes at once when it proves to be the last", () => {
  const { way, sockets, heard } = opened();
  way.open();
  const [socket] = sockets;
  socket.begin();
  way.ask(question("a"));
  way.ask(question("b")); // the hand is still on it
  assert.equal(socket.sent.length, 1);
  way.hurry();
  assert.deepEqual(
    socket.sent.map(({ source }) => source),
    ["a", "b"],
  );
  way.hurry();
  assert.equal(socket.sent.length, 2, "once is enough");
  way.ask(question("c")); // the next drag keeps to its turn
  assert.equal(socket.sent.length, 2);
  socket.answer(2, 1);
  assert.equal(socket.sent.length, 2);
  socket.answer(1, 1);
  assert.equal(socket.sent.length, 3);
  assert.deepEqual(heard, [["b", [1]]]);
  way.close();
});

test("a number that is let go where it has waited already is asked for at once", () => {
  const { way, sockets } = opened();
  way.open();
  sockets[0].begin();
  const told = [];
  const pane = Object.create(ProgramPane.prototype, { isStale: { value: true } });
  Object.assign(pane, { short: way, runsWith: { seed: 0, opened: 0, language: "en" }, released: false, tell: () => told.push(1) });
  for (const value of ["w = 1.1", "w = 1.2"]) {
    pane.editor = { value };
    pane.follow();
  }
  assert.equal(sockets[0].sent.length, 1);
  pane.numberMoved(true);
  assert.deepEqual(
    sockets[0].sent.map(({ source }) => source),
    ["w = 1.1", "w = 1.2"],
  );
  pane.numberMoved(true);
  assert.equal(sockets[0].sent.length, 2);
  assert.deepEqual(told, []);
  way.close();
});

test("a number that is moved again before the page is told keeps its own answer", async () => {
  const frames = [];
  const told = [];
  const asked = [];
  globalThis.requestAnimationFrame = (work) => frames.push(work);
  const pane = Object.create(ProgramPane.prototype, {
    isStale: {
      get() {
        return this.editor.value !== this.shows;
      },
    },
  });
  Object.assign(pane, { moves: 0, runsWith: {}, version: 1, channel: { state: {} }, shows: "w = 1" });
  Object.assign(pane, {
    short: { isThere: true, newest: null, ask: ({ source }) => asked.push(source) },
    events: { onAnswer: () => (pane.shows = pane.editor.value) },
    tell: (source) => told.push(source),
  });
  for (const value of ["w = 2", "w = 3"]) {
    pane.editor = { value, dragging: false };
    pane.numberMoved(true);
    if (value === "w = 2") pane.answered({ source: value }, new Uint8Array()); // it is drawn, and the page is to be told next
  }
  for (const work of frames.splice(0)) work();
  await new Promise((after) => setTimeout(after, 5));
  assert.deepEqual([asked, told], [["w = 2", "w = 3"], []]);
  pane.answered({ source: "w = 3" }, new Uint8Array());
  for (const work of frames.splice(0)) work();
  await new Promise((after) => setTimeout(after, 5));
  assert.deepEqual(told, ["w = 3"]);
  delete globalThis.requestAnimationFrame;
});

test("what was forgotten is not heard", () => {
  const { way, sockets, heard } = opened();
  way.open();
  sockets[0].begin();
  way.ask(question("a"));
  way.ask(question("b"));
  way.forget();
  assert.equal(way.newest, null);
  sockets[0].answer(1, 1);
  assert.deepEqual(heard, []);
  assert.equal(sockets[0].sent.length, 1);
  way.close();
});

test("where there is no place the question is lost at once, and none is asked for a while", () => {
  const { way, sockets, lost } = opened();
  way.ask(question("a"));
  sockets[0].begin();
  sockets[0].onmessage({ data: '{"type": "later", "number": 1}' });
  assert.equal(lost(), 1);
  assert.equal(way.isThere, false);
  way.open();
  assert.equal(sockets.length, 1);
});

test("a socket that was let go while nothing was asked is opened again", () => {
  const { way, sockets, lost } = opened();
  way.open();
  sockets[0].begin();
  sockets[0].onclose();
  assert.equal(lost(), 0);
  way.ask(question("a"));
  sockets[1].begin();
  assert.equal(sockets[1].sent.length, 1);
  sockets[1].onclose(); // and now something was
  assert.equal(lost(), 1);
});
