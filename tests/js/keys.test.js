import assert from "node:assert/strict";
import { test } from "node:test";
import { isShortcut, step, stepInList, stop } from "../../assets/components/shared/keys.js";

test("arrows walk a grid and stop at its edges", () => {
  // 0 1 2
  // 3 4 5
  const from = (index) => ["ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft", "Home", "End"].map((key) => step(key, index, 2, 3));
  assert.deepEqual(from(4), [1, 5, 4, 3, 3, 5]);
  assert.deepEqual(from(0), [0, 1, 3, 0, 0, 2]);
});

test("other keys lead nowhere, whatever objects call their methods", () => {
  for (const key of ["a", "Enter", "toString", "constructor", "__proto__"]) {
    assert.equal(step(key, 0, 2, 2), -1);
    assert.equal(stepInList({ key }, 0, 9), null);
  }
});

test("arrows walk a list, Shift in tens", () => {
  assert.equal(stepInList({ key: "ArrowDown" }, 3, 30), 4);
  assert.equal(stepInList({ key: "ArrowRight", shiftKey: true }, 3, 30), 13);
  assert.equal(stepInList({ key: "ArrowUp", shiftKey: true }, 3, 30), 0);
  assert.equal(stepInList({ key: "ArrowDown", shiftKey: true }, 25, 30), 29);
  assert.equal(stepInList({ key: "ArrowLeft" }, -1, 30), 0);
  assert.equal(stepInList({ key: "Home" }, 7, 30), 0);
  assert.equal(stepInList({ key: "End" }, 7, 30), 29);
});

test("a key with a modifier is the browser's", () => {
  const none = { altKey: false, ctrlKey: false, metaKey: false };
  assert.equal(isShortcut(none), false);
  for (const name of Object.keys(none)) assert.equal(isShortcut({ ...none, [name]: true }), true);
});

test("a key that was ours goes no further", () => {
  const outer = new EventTarget();
  const event = new Event("keydown", { cancelable: true, bubbles: true });
  outer.addEventListener("keydown", stop);
  outer.dispatchEvent(event);
  assert.equal(event.defaultPrevented, true);
  assert.equal(event.cancelBubble, true);
});
