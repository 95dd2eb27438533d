import assert from "node:assert/strict";
import test from "node:test";

import { claimKeys } from "../../infomerge/widgets/keys.js";

const ATTRIBUTE = "data-lm-suppress-shortcuts";

/** What of a page `claimKeys` knows: a window that is told of keys, and elements in a view or beside it. */
function page() {
  const listeners = new Set();
  globalThis.window = {
    addEventListener: (type, listener, { capture }) => type === "keydown" && capture && listeners.add(listener),
    removeEventListener: (type, listener) => listeners.delete(listener),
  };
  const element = () => ({
    marked: false,
    toggleAttribute(name, on) {
      assert.equal(name, ATTRIBUTE);
      this.marked = on;
    },
  });
  const [slider, stage, outside] = [element(), element(), element()];
  const view = { contains: (target) => target === slider || target === stage };
  const press = (target, key, modifiers = {}) => {
    const event = { target, key, prevented: false, stopped: false, ...modifiers };
    event.preventDefault = () => (event.prevented = true);
    event.stopPropagation = () => (event.stopped = true);
    for (const listener of listeners) listener(event);
    return event;
  };
  return { view, slider, stage, outside, press, listeners };
}

test("keys of controls are the focused control's, and kept from shortcuts", () => {
  const { view, slider, press } = page();
  claimKeys(view);
  const event = press(slider, "ArrowRight");
  assert.ok(slider.marked);
  assert.ok(!event.prevented && !event.stopped);
});

test("other keys, and all with a modifier, stay the notebook's", () => {
  const { view, slider, press } = page();
  let called = 0;
  claimKeys(view, { n: () => (called += 1) });
  press(slider, "b");
  assert.ok(!slider.marked);
  for (const modifier of ["ctrlKey", "metaKey", "altKey", "shiftKey"]) {
    press(slider, "ArrowRight", { [modifier]: true });
    assert.ok(!slider.marked);
    press(slider, "n", { [modifier]: true });
    assert.ok(!slider.marked);
  }
  assert.equal(called, 0);
});

test("a key that was claimed is given up when the next one is not", () => {
  const { view, slider, press } = page();
  claimKeys(view);
  press(slider, "Enter");
  assert.ok(slider.marked);
  press(slider, "b");
  assert.ok(!slider.marked);
});

test("a handler acts, and nothing else does then", () => {
  const { view, stage, press } = page();
  const seen = [];
  claimKeys(view, { n: (event) => seen.push(event.target) });
  const event = press(stage, "n");
  assert.deepEqual(seen, [stage]);
  assert.ok(event.prevented && event.stopped && stage.marked);
});

test("a handler that returns false leaves the key to the focused control", () => {
  const { view, slider, press } = page();
  claimKeys(view, { ArrowLeft: () => false });
  const event = press(slider, "ArrowLeft");
  assert.ok(slider.marked && !event.prevented && !event.stopped);
});

test("names that every object has are no handlers", () => {
  const { view, slider, press } = page();
  claimKeys(view, {});
  assert.ok(!press(slider, "toString").prevented);
});

test("elements outside are left alone, and a view may be found late", () => {
  const { view, slider, outside, press } = page();
  let found = null;
  claimKeys(() => found);
  press(slider, "ArrowLeft");
  assert.ok(!slider.marked);
  found = view;
  press(slider, "ArrowLeft");
  assert.ok(slider.marked);
  press(outside, "ArrowLeft");
  assert.ok(!outside.marked);
});

test("keys can be given back", () => {
  const { view, listeners } = page();
  const giveBack = claimKeys(view);
  assert.equal(listeners.size, 1);
  giveBack();
  assert.equal(listeners.size, 0);
});
