import assert from "node:assert/strict";
import test from "node:test";

import {
  cellOf, curvePath, curvePlace, frameBoxes, inWords, needsInWords, percent, ratioAt, STEPS, stepOf,
} from "../../infomerge/widgets/answers/shapes.js";

const RESULT = {
  question: 0, method: "tome", ratio: 0.05, index: [1, 2, 3], context: [0, 0, 1], needed: null, said: "red",
  right: "red", probability: 0.9731, choices: [],
};

test("the slider is logarithmic, exact at its ends and at each of its steps", () => {
  assert.equal(ratioAt(0, 0.01, 1), 0.01);
  assert.equal(ratioAt(STEPS, 0.01, 1), 1);
  assert.ok(Math.abs(ratioAt(STEPS / 2, 0.01, 1) - 0.1) < 1e-12);
  for (let step = 0; step <= STEPS; step++) assert.equal(stepOf(ratioAt(step, 0.01, 1), 0.01, 1), step);
});

test("frames fill the width, keep their shape and do not overlap", () => {
  for (const width of [200, 333, 700, 1000]) {
    const { boxes, height } = frameBoxes(32, width, 1.5);
    assert.equal(boxes.length, 32);
    for (const box of boxes) {
      assert.ok(box.x >= 0 && box.x + box.width <= width + 1e-9);
      assert.ok(box.y + box.height <= height + 1e-9);
      assert.ok(Math.abs(box.width / box.height - 1.5) < 1e-9);
    }
    for (const a of boxes) {
      for (const b of boxes) {
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        assert.ok(a === b || apart);
      }
    }
  }
});

test("cells tile their frame in row-major order", () => {
  const box = { x: 10, y: 20, width: 30, height: 20 };
  assert.deepEqual(cellOf({ rows: 2, columns: 3 }, box, 4), { x: 20, y: 30, width: 10, height: 10 });
});

test("the curve goes from few tokens at the left to all at the right, certain above", () => {
  const box = { x: 5, y: 7, width: 100, height: 50 };
  assert.deepEqual(curvePlace(0.01, 0, box, 0.01, 1), [5, 57]);
  assert.deepEqual(curvePlace(1, 1, box, 0.01, 1), [105, 7]);
  assert.equal(curvePath([[0.01, 1], [0.1, 0.5]], box, 0.01, 1), "M5.0,7.0 L55.0,32.0");
});

test("the state is said in words, right or wrong", () => {
  assert.equal(
    inWords(RESULT, 1568),
    "3 of 1,568 tokens kept. The model says “red”: right. Probability of the right answer: 97.3 %.",
  );
  assert.match(inWords({ ...RESULT, said: "blue" }, 1568), /“blue”: wrong, it is “red”/);
  assert.equal(percent(0.05), "5 %");
});

test("needed tokens are counted where they were looked for", () => {
  assert.equal(needsInWords(RESULT, false, 0.05), "");
  assert.match(needsInWords(RESULT, true, 0.05), /in turn/);
  assert.match(needsInWords({ ...RESULT, ratio: 0.2 }, true, 0.05), /at 5 % and less/);
  assert.match(needsInWords({ ...RESULT, needed: [0.4, 0.01, 0] }, true, 0.05), /^One of the kept tokens is needed/);
  assert.match(needsInWords({ ...RESULT, needed: [0, 0, 0] }, true, 0.05), /^No token alone/);
});
