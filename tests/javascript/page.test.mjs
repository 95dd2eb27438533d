import assert from "node:assert/strict";
import test from "node:test";

import { allocate } from "../../infomerge/page/js/budget.js";
import { prefillFlops, prefillTime } from "../../infomerge/page/js/costs.js";
import { fromHash, toHash } from "../../infomerge/page/js/link.js";
import { findAnchorFrames, Owners } from "../../infomerge/page/js/merging.js";
import { ascending, descending, dot, millionths, unitRows } from "../../infomerge/page/js/numbers.js";
import { transfers } from "../../infomerge/page/js/river.js";
import { findSegments } from "../../infomerge/page/js/segments.js";
import { allowed, DEFAULTS, differences, knobNamed } from "../../infomerge/page/js/settings.js";
import { percent, whole } from "../../infomerge/page/js/words.js";
import { mostTelling, nearestRatio } from "../../infomerge/page/js/answers.js";

const CLIPS = [{ frames: 32, positions: 196 }, { frames: 4, positions: 6 }];
const STATE = {
  clip: 1, step: 4, a: { ...DEFAULTS, retentionRatio: 0.05, staticPrior: "none" }, b: { ...DEFAULTS, temperature: 0 },
  frame: 3, segment: 2, token: 23, view: "merged",
};

test("values are compared as whole millionths, halves to the even one", () => {
  assert.deepEqual([0.5e-6, 1.5e-6, 2.5e-6, 0.1234564, -0.0000016].map(millionths), [0, 2, 2, 123456, -2]);
});

test("indices are ordered by value, equal ones in order, whole numbers or not", () => {
  const whole = [3, -7, 0, 3, -0, 2 ** 35, -(2 ** 35), 3];
  for (const values of [whole, [...whole, 2 ** 40], [...whole, 0.5], [0.25, -Infinity, 0.25, Infinity], []]) {
    const indices = [...values.keys()];
    assert.deepEqual(ascending(values), indices.toSorted((a, b) => values[a] - values[b] || a - b));
    assert.deepEqual(descending(values), indices.toSorted((a, b) => values[b] - values[a] || a - b));
  }
});

test("the question is asked first whose answer changes at most ratios", () => {
  const asking = (...probabilities) => ({ grids: [{ probabilities }] });
  const [steady, late] = [asking([0.6, 0.4], [0.9, 0.1]), asking([0.6, 0.4], [0.7, 0.3], [0, 1])];
  assert.equal(mostTelling([steady, late, late]), 1);
  assert.equal(mostTelling([steady]), 0);
});

test("segments are cut at the least similar transitions and below the threshold, the earlier of equal ones first", () => {
  assert.deepEqual(findSegments([0.5, 0.95, 0.95, 0.99], 3, 0.9), [[0, 1], [1, 2], [2, 5]]);
  assert.deepEqual(findSegments([0.8999999, 0.9000001], 1, 0.9), [[0, 3]]);
  assert.deepEqual(findSegments([], 8, 0.9), [[0, 1]]);
});

test("budgets add up, give one token each while there are enough, and stay below what a segment holds", () => {
  assert.deepEqual(allocate([1, 1, 1], 4, [9, 9, 9], "exact"), [2, 1, 1]);
  assert.deepEqual(allocate([100, 1, 1], 6, [3, 9, 9], "exact"), [3, 2, 1]);
  assert.deepEqual(allocate([5, 1, 1], 2, [9, 9, 9], "exact"), [1, 0, 1]);
  assert.deepEqual(allocate([1, 1], 3, [9, 9], "paper"), [2, 2]);
});

test("anchor frames are counted back from the last, and others join where the budget is more than they hold", () => {
  assert.deepEqual(findAnchorFrames([0, 6], 5, 4, 10), [{ frame: 1, quota: 3 }, { frame: 5, quota: 2 }]);
  assert.deepEqual(findAnchorFrames([0, 3], 5, 4, 2).map(({ frame }) => frame), [0, 1, 2]);
});

test("owners that are found step by step are those that a comparison with all gives", () => {
  let seed = 7;
  const draw = () => (seed = (seed * 16807) % 2147483647) / 2147483647 - 0.5;
  const [tokens, directions] = [60, 24];
  const unit = unitRows(Float64Array.from({ length: tokens * directions }, draw), directions);
  for (let c = 0; c < directions; c++) unit[3 * directions + c] = unit[7 * directions + c]; // a tie
  const owners = new Owners(tokens, 12, directions);
  for (let round = 0; round < 40; round++) {
    const isTarget = Uint8Array.from({ length: tokens }, (_, i) => Number(draw() > 0.3 || (round % 3 === 0 && i === 3)));
    if (!isTarget.includes(1)) isTarget[round] = 1;
    const isKept = isTarget.map((mark) => mark | Number(draw() > 0.45));
    const changed = new Uint8Array(tokens);
    if (round % 5 === 4) {
      for (let c = 0; c < directions; c++) unit[9 * directions + c] = unit[round * directions + c];
      changed[9] = 1;
    }
    const found = owners.update(unit, isTarget, isKept, changed);
    for (let i = 0; i < tokens; i++) {
      let [best, value] = [-1, -Infinity];
      for (let j = 0; j < tokens; j++) {
        const cosine = millionths(dot(unit, i * directions, unit, j * directions, directions));
        if (isTarget[j] && cosine > value) [best, value] = [j, cosine];
      }
      assert.equal(found[i], isKept[i] ? -1 : best, `round ${round}, token ${i}`);
    }
  }
});

test("what flows between segments is what they lose and gain", () => {
  assert.deepEqual(transfers([5, 5, 5], [2, 7, 6]), [{ from: 0, to: 1, tokens: 2 }, { from: 0, to: 2, tokens: 1 }]);
  assert.deepEqual(transfers([5, 5], [6, 7]), []);
  assert.deepEqual(transfers([5, 5], [1, 7]), [{ from: 0, to: 1, tokens: 2 }]);
});

test("a link holds the whole state", () => {
  assert.deepEqual(fromHash(toHash(STATE), CLIPS), STATE);
  const alone = { ...STATE, b: null, token: null, clip: 0, step: 9 };
  assert.deepEqual(fromHash(toHash(alone), CLIPS), alone);
});

test("what no page could have written is taken for the default", () => {
  for (const hash of ["", "#", "#%", "#step=0", "#step=10", "#step=1e0", "#<script>", "#__proto__=1", `#step=1&${"a".repeat(3000)}`]) {
    assert.equal(fromHash(hash, CLIPS), null, hash);
  }
  const hostile = "#step=4&clip=99&r=-1&tau=1e9&rho=NaN&c=2.5&by=__proto__&still=<b>&frame=0x10&segment=-3&token=9999999&view=javascript:";
  assert.deepEqual(fromHash(hostile, CLIPS), {
    clip: 0, step: 4, a: { ...DEFAULTS, minSegments: 3 }, b: null, frame: 0, segment: 0, token: null, view: "kept",
  });
});

test("a knob has values of its own steps only", () => {
  const knob = knobNamed("retentionRatio");
  assert.equal(allowed(knob, 0.1549), 0.15);
  for (const wrong of [Number.NaN, Infinity, -1, 2, "0.5", null]) assert.equal(allowed(knob, wrong), DEFAULTS.retentionRatio);
});

test("two settings are told apart in words", () => {
  assert.equal(differences(DEFAULTS, DEFAULTS), "");
  const other = { ...DEFAULTS, retentionRatio: 0.05, allocation: "length" };
  assert.equal(differences(DEFAULTS, other), "tokens kept 5 %, budgets by length");
});

test("costs: a polynomial, and times on the lines between measurements", () => {
  const costs = { flops: { linear: 3, quadratic: 2 }, prefill: { points: [[10, 4], [20, 8]] } };
  assert.equal(prefillFlops(costs, 5), 65);
  assert.deepEqual(prefillTime(costs, 20), { milliseconds: 8, isMeasured: true });
  assert.deepEqual(prefillTime(costs, 15), { milliseconds: 6, isMeasured: false });
  for (const tokens of [9, 21]) assert.equal(prefillTime(costs, tokens), null);
});

test("numbers as they are read", () => {
  assert.deepEqual([999, 1000, 6272, 1234567].map(whole), ["999", "1,000", "6,272", "1,234,567"]);
  assert.deepEqual([0.129, 0.15, 1, 0.3].map(percent), ["12.9 %", "15 %", "100 %", "30 %"]);
});

test("the answers of the nearest ratio are shown, of two the lower one's", () => {
  assert.deepEqual([0.01, 0.1, 0.15, 1].map((ratio) => nearestRatio([0.05, 0.15, 1], ratio)), [0, 0, 1, 2]);
});
