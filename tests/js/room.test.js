// The class room's client, links and answers, without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";

import { headOf, rowsOf } from "../../assets/components/room/answers.js";
import { Client } from "../../assets/components/room/client.js";
import { isLesson, isView, stepOf, viewOf } from "../../assets/components/room/links.js";
import { Seat } from "../../assets/components/room/seat.js";
import { median, movedOf, summaryOf } from "../../assets/components/room/stages.js";
import { cellsOf, rowsIn, summariesOf } from "../../assets/components/room/works.js";

/** A browser whose time is moved by hand and whose sockets remember what was sent. */
function world() {
  const timers = [];
  const kept = new Map();
  const here = {
    time: 0,
    sockets: /** @type {any[]} */ ([]),
    open: (url) => {
      const socket = {
        url,
        sent: /** @type {any[]} */ ([]),
        send: (text) => socket.sent.push(JSON.parse(text)),
        close: () => {},
        says: (message) => socket.onmessage({ data: JSON.stringify(message) }),
        breaks: () => socket.onclose(),
      };
      here.sockets.push(socket);
      return socket;
    },
    storage: {
      getItem: (name) => kept.get(name) ?? null,
      setItem: (name, text) => kept.set(name, text),
      removeItem: (name) => kept.delete(name),
    },
    later: (act, ms) => {
      const timer = { act, at: here.time + ms };
      timers.push(timer);
      return timer;
    },
    never: (timer) => timers.includes(timer) && timers.splice(timers.indexOf(timer), 1),
    now: () => here.time,
    random: () => 0.5,
    pass: (ms) => {
      const end = here.time + ms;
      for (;;) {
        const next = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers.splice(timers.indexOf(next), 1);
        here.time = next.at;
        next.act();
      }
      here.time = end;
    },
  };
  return here;
}

function joined() {
  const here = world();
  const client = new Client("ws://x/api/room", /** @type {any} */ (here));
  client.enter({ type: "join", code: "BCDFGH", name: "Ann" });
  here.sockets[0].onopen();
  here.sockets[0].says({ type: "welcome", role: "student", code: "BCDFGH", student: "s1", token: "t1", name: "Ann", answers: {} });
  return { here, client, first: here.sockets[0] };
}

const ANSWER = { type: "answer", question: "nms.pair", value: "kept" };

test("what was said before the door opens is said when it does, once", () => {
  const here = world();
  const client = new Client("ws://x", /** @type {any} */ (here));
  client.enter({ type: "join", code: "BCDFGH", name: "" });
  client.say(ANSWER);
  const [socket] = here.sockets;
  socket.onopen();
  assert.deepEqual(
    socket.sent.map((message) => message.type),
    ["join"],
  );
  socket.says({ type: "welcome", role: "student", code: "BCDFGH", student: "s", token: "t" });
  assert.deepEqual(
    socket.sent.map((message) => message.type),
    ["join", "answer"],
  );
});

test("what was not acknowledged is said again after a reconnection, under the same number; what was is not", () => {
  const { here, client, first } = joined();
  client.say({ ...ANSWER, question: "nms.queue" });
  first.says({ type: "ack", id: first.sent.at(-1).id });
  client.say(ANSWER);
  const { id } = first.sent.at(-1);
  first.breaks();
  client.say({ type: "progress" });
  here.pass(300);
  const second = here.sockets[1];
  second.onopen();
  assert.deepEqual(second.sent, [{ type: "resume", code: "BCDFGH", student: "s1", token: "t1" }]);
  second.says({ type: "welcome", role: "student", code: "BCDFGH", student: "s1", token: "t1", answers: {} });
  assert.deepEqual(
    second.sent.slice(1).map((message) => message.type),
    ["answer", "progress"],
  );
  assert.equal(second.sent[1].id, id);
  assert.equal(client.answers["nms.pair"], "kept");
});

/** The waits before so many tries, of somebody whom no server answers, or one that says why not. */
function waitsOf(count, reason = "") {
  const { here, first } = joined();
  first.breaks();
  const waits = [];
  for (let tried = 1; tried <= count; tried++) {
    const before = here.time;
    while (here.sockets.length === tried) here.pass(10);
    waits.push(here.time - before);
    if (reason) here.sockets.at(-1).says({ type: "gone", reason });
    here.sockets.at(-1).breaks();
  }
  return waits;
}

test("a server that starts is found within half a second; one that stays away is asked less and less, but every five seconds", () => {
  const waits = waitsOf(40);
  assert.ok(Math.max(...waits.slice(0, 30)) <= 500, String(waits));
  assert.ok(waits[32] > 1.5 * waits[31], String(waits));
  assert.ok(waits.at(-1) > 2500 && Math.max(...waits) < 5000, String(waits));
});

test("who was told to slow down does not try quickly", () => {
  const waits = waitsOf(5, "slow");
  assert.ok(Math.min(...waits.slice(1)) > 1900, String(waits));
});

test("what a store could not keep is said again by itself, what was refused is not", () => {
  const { here, client, first } = joined();
  client.say(ANSWER);
  const { id } = first.sent.at(-1);
  first.says({ type: "refused", id, reason: "later" });
  here.pass(3000);
  assert.equal(first.sent.filter((message) => message.id === id).length, 2);
  first.says({ type: "refused", id, reason: "late" });
  here.pass(10_000);
  assert.equal(first.sent.filter((message) => message.id === id).length, 2);
});

test("a hand is said newest only, and not too often", () => {
  const { here, client, first } = joined();
  for (let x = 0; x < 30; x++) client.hint({ type: "hand", x });
  here.pass(1000);
  const hands = first.sent.filter((message) => message.type === "hand");
  assert.deepEqual(
    hands.map((hand) => hand.x),
    [0, 29],
  );
});

test("who was put out does not come back, and forgets the token", () => {
  const { here, client, first } = joined();
  first.says({ type: "gone", reason: "kicked" });
  first.breaks();
  here.pass(60_000);
  assert.equal(here.sockets.length, 1);
  assert.equal(client.return("BCDFGH"), false);
  assert.equal(client.role, "");
});

test("a page that is loaded again is who it was, and a teacher's key is a teacher's", () => {
  const { here } = joined();
  const again = new Client("ws://x", /** @type {any} */ (here));
  assert.ok(again.return("BCDFGH"));
  assert.deepEqual(again.hello, { type: "resume", code: "BCDFGH", student: "s1", token: "t1" });
  again.remember("CCCCCC", "k");
  again.return("CCCCCC");
  assert.deepEqual(again.hello, { type: "teach", code: "CCCCCC", key: "k" });
});

test("a view is a page and its own parameters, in one order", () => {
  assert.equal(viewOf("/base/nms", "?step=4&lang=zh&room=BCDFGH&tour=3&present=1&solved=a&v=1"), "nms?step=4&tour=3");
  assert.equal(viewOf("/nms/", ""), "nms");
  assert.ok(isLesson("/nms") && !isLesson("/class_room") && !isLesson("/"));
});

test("a view is found in the lesson by all that a link says", () => {
  const links = ["nms?tour=1", "nms?tour=2", "fpn", "nms?tour=2"];
  assert.ok(isView("nms?step=4&tour=2", "nms?tour=2"));
  assert.ok(!isView("nms?tour=22", "nms?tour=2"));
  assert.equal(stepOf("nms?step=4&tour=2", links, 0), 1);
  assert.equal(stepOf("nms?step=4&tour=2", links, 3), 3); // of two that fit the present one
  assert.equal(stepOf("fpn?part=cell", links, 0), 2);
  assert.equal(stepOf("nms?tour=0", links, 1), 1); // by hand, on the page that the lesson is at
  assert.equal(stepOf("detr?tour=1", links, 1), -1);
});

test("answers are counted in the order of the question, numbers in classes", () => {
  assert.deepEqual(rowsOf({ b: 2 }, { a: "A", b: "B" }, "b"), [
    { words: "A", count: 0, right: false },
    { words: "B", count: 2, right: true },
  ]);
  assert.deepEqual(
    rowsOf({ 3: 1, "-1": 2 }, {}, "3").map((row) => [row.words, row.count, row.right]),
    [
      ["-1", 2, false],
      ["3", 1, true],
    ],
  );
  const many = rowsOf(Object.fromEntries(Array.from({ length: 21 }, (_, value) => [value, 1])), {}, "20");
  assert.equal(many.length, 8);
  assert.equal(
    many.reduce((sum, row) => sum + row.count, 0),
    21,
  );
  assert.deepEqual(
    many.map((row) => row.right),
    [false, false, false, false, false, false, false, true],
  );
});

test("what is right stands above numbers, and is marked among choices", () => {
  const text = { answers: "Answers", right_number: "right: {number}" };
  assert.equal(headOf({}, "0.333333", text), "Answers · right: 0.333"); // 0.33 is right too, and no row equals it
  assert.equal(headOf({ a: "A" }, "a", text), "Answers");
  assert.equal(headOf({}, "", text), "Answers");
});

test("boxes that nobody moved are not laid over themselves", () => {
  const own = [
    { id: "a", xyxy: [0, 0, 4, 1] },
    { id: "b", xyxy: [1, 1, 2, 2] },
  ];
  const hands = [{ boxes: { a: [0, 0, 4, 1], b: [1, 1, 2, 2] } }, { boxes: { a: [0, 0, 4, 1], b: [1, 1, 3, 2], c: [5, 5, 6, 6] } }];
  assert.deepEqual(
    movedOf(own, hands).map(({ boxes }) => Object.keys(boxes)),
    [["b"], ["b", "c"]],
  );
});

test("an overlay knows its middle, its best and its worst", () => {
  const hands = [1, 2, 9].map((value) => ({ place: "s", boxes: { a: [value, 0, 10 * value, 1] }, value }));
  const { middle, best, worst } = summaryOf(hands);
  assert.deepEqual(middle.a, [2, 0, 20, 1]);
  assert.deepEqual([best?.value, worst?.value], [1, 9]);
  assert.equal(median([4, 1]), 2.5);
});

/** Timers of no time have run. */
const passed = () => new Promise((resolve) => setTimeout(resolve, 2));

/** A seat in a room that shows a link. */
function seated(role) {
  const said = [];
  const client = { role, connected: true, state: null, listen: () => () => {}, say: (message) => said.push(message), hint: () => {} };
  // @ts-expect-error: what a document has of stages
  globalThis.window ??= {};
  globalThis.location = /** @type {any} */ ({ pathname: "/nms", search: "" });
  const seat = new Seat(/** @type {any} */ (client), { random: () => 0, changed: () => {} });
  const state = (values) => {
    client.state = {
      view: 1,
      link: "nms?tour=1",
      step: 0,
      gathered: 0,
      spread: 0,
      links: ["nms?tour=1", "nms?tour=2"],
      revealed: [],
      ...values,
    };
    seat.hear("state", client.state);
  };
  return { seat, state, said, client };
}

test("a touch takes over until the next step, a choice until everyone is gathered", () => {
  const { seat, state } = seated("student");
  state({});
  seat.takeOver("touch");
  state({ view: 2, link: "nms?step=3&tour=1" });
  assert.equal(seat.own, "touch");
  state({ view: 3, step: 1, link: "nms?tour=2" });
  assert.equal(seat.own, "");
  seat.takeOver("choice");
  state({ view: 4, step: 0 });
  assert.equal(seat.own, "choice");
  state({ view: 4, step: 0, gathered: 1 });
  assert.equal(seat.own, "");
});

test("who is gathered comes back to the very view that Python opened last, and the board hears of it", async () => {
  const { seat, state, said } = seated("student");
  seat.page = { concept: "nms", step: 1, of: 2, solved: 0 };
  globalThis.location.search = "?tour=1";
  state({});
  await passed();
  assert.deepEqual([seat.wanted.view, seat.wanted.again], [1, undefined]);
  seat.takeOver("touch");
  state({ gathered: 1 });
  await passed();
  assert.deepEqual([seat.own, seat.wanted.view, seat.wanted.link, seat.wanted.again], ["", 1, "nms?tour=1", 0]);
  assert.equal(said.at(-1).follows, true);
});

test("a question is asked of the view that the page shows already, also after the class was sent there", () => {
  const { seat, state, said } = seated("teacher");
  seat.page = { concept: "nms", step: 2, of: 2, solved: 0, question: { key: "nms.pair" } };
  state({});
  seat.report();
  seat.view = "nms?source=crowd&tour=2"; // by the page's own button
  state({ view: 2, step: 1, link: "nms?source=crowd&tour=2", question: "" });
  const asked = { type: "ask", question: "nms.pair" };
  assert.deepEqual(said, [asked, asked]);
  state({ view: 2, step: 1, link: "nms?source=crowd&tour=2", question: "nms.pair" });
  assert.equal(said.length, 2);
  state({ view: 3, step: 0, link: "nms?tour=1", question: "" }); // by the bar: the page is still the one before
  assert.equal(said.length, 2);
});

test("a teacher's page says what it shows, and not again what it was sent to", () => {
  const { seat, state, said } = seated("teacher");
  state({});
  seat.taken = 1; // Python has opened what the class sees
  globalThis.location.search = "?tour=1&source=crowd";
  seat.settled();
  assert.deepEqual(said, []);
  globalThis.location.search = "?tour=2&source=crowd";
  seat.settled();
  assert.deepEqual(said, [{ type: "show", link: "nms?source=crowd&tour=2", step: 1 }]);
});

/** Works of one place: the values of each, and its measure. */
function works(...given) {
  return given.map(([values, value]) => ({ place: "nms.threshold", values, value }));
}

test("numbers of a class have a median, and the best and worst by the step's own measure", () => {
  const [summary] = summariesOf(works([{ iou_threshold: "0.9" }, 3], [{ iou_threshold: "0.5" }, 7], [{ iou_threshold: "0.7" }, null]));
  assert.equal(summary.kind, "numbers");
  assert.deepEqual([summary.numbers, summary.median], [[0.9, 0.5, 0.7], 0.7]);
  assert.deepEqual(summary.ends, { best: "0.9", worst: "0.5" });
});

test("nobody is best where all are alike, or one alone was measured", () => {
  assert.equal(summariesOf(works([{ a: "1" }, 2], [{ a: "5" }, 2]))[0].ends, null);
  assert.equal(summariesOf(works([{ a: "1" }, 2], [{ a: "5" }, null]))[0].ends, null);
});

test("choices are counted, the most frequent first; an empty one is no number", () => {
  const [method, label] = summariesOf(works([{ method: "soft", label: "" }], [{ method: "hard", label: "3" }], [{ method: "hard" }]));
  assert.deepEqual(method.texts, [
    { words: "hard", count: 2 },
    { words: "soft", count: 1 },
  ]);
  assert.equal(label.kind, "texts");
  assert.equal(label.count, 2);
});

test("painted pictures become the mean picture of the class", () => {
  const [summary] = summariesOf(works([{ picture: "2x2:0110" }], [{ picture: "2x2:0011" }]));
  assert.deepEqual(summary.picture.cells, [0, 0.5, 1, 0.5]);
  assert.deepEqual(cellsOf("1x3:0.1")?.cells, [0, 0.5, 1]);
  assert.equal(cellsOf("2x2:011"), null);
  assert.equal(cellsOf("0110"), null);
});

test("a student’s works stand beside their hands, and the newest counts", () => {
  const { client, first } = joined();
  first.says({ type: "hands", hands: {}, works: { s: works([{ a: "1" }, 1])[0] } });
  first.says({ type: "hands", hands: {}, works: { s: works([{ a: "2" }, 1])[0] } });
  assert.equal(client.works.get("s").values.a, "2");
});

test("what a student made of a step is told once, and again after the connection was lost", () => {
  const { seat, said } = seated("student");
  const page = { concept: "nms", step: 4, of: 8, solved: 0, work: works([{ iou_threshold: "0.7" }, 2])[0] };
  seat.drawn(page);
  seat.drawn(page);
  const told = () => said.filter((message) => message.type === "work");
  assert.deepEqual(told(), [{ type: "work", place: "nms.threshold", values: { iou_threshold: "0.7" }, value: 2 }]);
  seat.hear("welcome", {});
  assert.equal(told().length, 2);
  clearTimeout(seat.settling);
});

test("rows of numbers of all lie in one picture; a row that was cut is left out", () => {
  const [summary] = summariesOf(works([{ box: "1,2,3,4" }], [{ box: "" }], [{ box: "5,6,7,8_0,0,1,1" }]));
  assert.equal(summary.kind, "rows");
  assert.deepEqual(summary.rows, [
    [1, 2, 3, 4],
    [5, 6, 7, 8],
    [0, 0, 1, 1],
  ]);
  assert.deepEqual(rowsIn("1,2_3,4_5,…"), [
    [1, 2],
    [3, 4],
  ]);
  for (const text of ["0.7", "soft", "", "1,a", "1,2_3"]) assert.equal(rowsIn(text), null, text);
});
