import assert from "node:assert/strict";
import test from "node:test";

import { Asking } from "../../infomerge/widgets/asking.js";
import { stepFor } from "../../infomerge/widgets/explorer/controls.js";
import {
  differenceIn,
  framesOf,
  keptTokens,
  perFrame,
  priorMap,
  segmentEdges,
  segmentOf,
  tokensAreOf,
} from "../../infomerge/widgets/explorer/data.js";
import { framesRow, mapPicture } from "../../infomerge/widgets/explorer/frames.js";
import { answerPicture, reasonsPicture, roomFor } from "../../infomerge/widgets/explorer/panels.js";
import { roundUp, scale, spread, ticks } from "../../infomerge/widgets/explorer/scale.js";
import { findAll } from "../../infomerge/widgets/explorer/tree.js";
import { keptInWords, mapInWords, numbersInWords, weightInNumbers } from "../../infomerge/widgets/explorer/words.js";
import { clip, maps, plan, shown, tokens } from "./explorer.mjs";

const withClass = (tree, name) =>
  findAll(tree, (node) =>
    String(node.attributes.class ?? "")
      .split(" ")
      .includes(name),
  );
const textOf = (tree, name) => withClass(tree, name).map((node) => node.children.join(""));

test("a frame lies in the last segment that has begun", () => {
  assert.deepEqual(
    [0, 2, 3, 4, 5].map((frame) => segmentOf(plan, frame)),
    [0, 0, 1, 2, 2],
  );
  assert.deepEqual(segmentEdges(clip, plan), [-0.5, 2.5, 3.5, 5.5]);
  assert.deepEqual(perFrame(plan, plan.budget), [2, 4, 2.5]);
});

test("frames of a segment are spread from its first to its last", () => {
  assert.deepEqual(framesOf([10, 20], 4), [10, 13, 16, 19]);
  assert.deepEqual(framesOf([10, 12], 8), [10, 11]);
  assert.deepEqual(framesOf([10, 13], 1), [11]);
});

test("a map has its own segment's range, and none where it is undefined", () => {
  const first = priorMap(maps.b, 0);
  assert.deepEqual([...first.scores], [0, 0.25, 0.5, 1]);
  assert.deepEqual([...first.isStatic], [1, 0, 0, 0]);
  assert.deepEqual(first.range, [0, 1]);
  assert.deepEqual(priorMap(maps.b, 2).range, [1, 2]);
  const none = priorMap(maps.b, 1);
  assert.equal(none.range, null);
  assert.match(mapInWords(maps.b, none).why, /undefined: one frame/);
  assert.match(mapInWords({ ...maps.b, prior: "none" }, first).why, /nothing counts as static/);
  assert.match(mapInWords(maps.b, first).title, /TFD: 1 static position /);
  const drawn = mapPicture(clip, undefined, first, 100);
  assert.equal(withClass(drawn, "cell").length, 4);
  assert.deepEqual(
    withClass(drawn, "cell")
      .map((node) => node.attributes.fill)
      .slice(0, 1),
    ["rgb(0,34,78)"],
  );
});

test("tokens are shown only where they are of what the panels show", () => {
  assert.ok(tokensAreOf(tokens, shown));
  assert.ok(!tokensAreOf({}, shown));
  assert.ok(!tokensAreOf(tokens, { ...shown, compared: [{ temperature: 1.3, static_prior: "tfd" }, null] }));
  assert.equal(keptTokens({}), null);
});

test("A and B are compared token by token", () => {
  const kept = keptTokens(tokens);
  assert.deepEqual(differenceIn(kept, 0, 4), { onlyA: [0], onlyB: [2], both: [1], moved: [3] });
  const row = framesRow(clip, [], [0], kept, "difference", 300, 100);
  const count = (name) => withClass(row, name).map((node) => node.attributes["data-count"]);
  assert.deepEqual(
    ["only-a", "only-b", "both", "moved"].map((name) => count(name)[0]),
    [1, 1, 1, 1],
  );
  const plain = framesRow(clip, [], [0], kept, "tokens", 300, 100);
  assert.deepEqual(
    ["salient", "context"].map((name) => withClass(plain, name)[0].attributes["data-count"]),
    [1, 1],
  );
});

test("axes round up to what rests, and tick round values", () => {
  assert.deepEqual(
    [0, 0.011, 0.3, 7, 19, 1.01].map((value) => Number(roundUp(value).toPrecision(6))),
    [1, 0.015, 0.3, 8, 20, 1.5],
  );
  assert.deepEqual(ticks(-0.5, 5.5, 6), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(ticks(0, 0.3, 3), [0, 0.1, 0.2, 0.3]);
  assert.equal(scale([0, 2], [10, 0])(0.5), 7.5);
});

test("labels never touch, keep their order, and stay where they want to be where they can", () => {
  assert.deepEqual(spread([10, 50], [8, 8], [0, 100]), [10, 50]);
  const placed = spread([50, 51, 52, 90], [10, 10, 10, 10], [0, 100]);
  placed.slice(1).forEach((at, i) => assert.ok(at - placed[i] >= 10 - 1e-9));
  assert.ok(Math.abs(placed[1] - 51) < 1e-9, "a crowd lies around what it is for");
  assert.equal(placed[3], 90);
  const tight = spread([95, 96, 97], [10, 10, 10], [0, 100]);
  assert.deepEqual(tight, [75, 85, 95]);
  assert.equal(spread([5, 6], [60, 60], [0, 100]), null);
});

test("the answer has every segment's band and number, and its budget in the plan's proportions", () => {
  const room = roomFor(clip, shown, 1, 640);
  const drawn = answerPicture(room, []);
  const bands = withClass(drawn, "band");
  assert.equal(bands.length, 3);
  const widths = bands.map((node) => node.attributes.width);
  assert.ok(Math.abs(widths[0] / widths[1] - 3) < 0.01);
  assert.deepEqual(textOf(drawn, "band-number"), ["1", "2", "3"]);
  assert.deepEqual(textOf(drawn, "number"), ["6", "4", "5"]);
  const [low, high, middle] = withClass(drawn, "fill").map((node) => node.attributes.height);
  assert.ok(Math.abs(high / low - 2) < 0.01 && Math.abs(middle / low - 1.25) < 0.01);
  assert.equal(withClass(drawn, "given-up").length + withClass(drawn, "gained").length, 3);
  assert.equal(withClass(drawn, "chosen")[0].attributes.x, bands[1].attributes.x);
  assert.equal(withClass(drawn, "true-cut").length, 1);
  assert.match(textOf(drawn, "note").join(), /there is no film strip/);
});

test("numbers of narrow segments are not lost: they stand below, with a line to their place", () => {
  const count = 30;
  const bounds = Array.from({ length: count }, (_, k) => [k, k + 1]);
  const many = { ...plan, bounds };
  for (const name of ["uniqueness", "richness", "weight", "budget", "length_budget", "z_uniqueness", "z_richness"])
    many[name] = bounds.map((_, k) => 100 + k);
  many.transition = bounds.slice(1).map(() => 0.5);
  const long = { ...clip, count, edges: Array.from({ length: count + 1 }, (_, i) => i) };
  // The first twenty segments share the first second of thirty.
  long.edges = long.edges.map((edge) => (edge <= 20 ? edge / 20 : edge));
  const drawn = answerPicture(roomFor(long, { ...shown, plan: many }, 0, 900), []);
  const numbers = new Set([...textOf(drawn, "band-number"), ...textOf(drawn, "number")]);
  bounds.forEach((_, k) => assert.ok(numbers.has(String(k + 1)) && numbers.has(String(100 + k)), `segment ${k + 1}`));
  assert.ok(withClass(drawn, "leader").length > 20);
});

test("what the budget comes from is drawn on the same time, with A where it is pinned", () => {
  const drawn = reasonsPicture(
    roomFor(
      clip,
      {
        ...shown,
        pinned: {
          ...plan,
          bounds: [
            [0, 2],
            [2, 6],
          ],
          weight: [1, 2],
          uniqueness: [0.1, 0.2],
          richness: [0.1, 0.2],
          budget: [1, 2],
        },
      },
      0,
      640,
    ),
  );
  assert.equal(withClass(drawn, "cut").length, 2);
  assert.equal(withClass(drawn, "pinned-mark").length, 1);
  assert.equal(withClass(drawn, "pinned").length, 3);
  assert.match(textOf(drawn, "note").join(), /cut below 0\.9/);
});

test("the formula has the segment's own numbers in it", () => {
  const [law, numbers, share] = weightInNumbers(plan, 1);
  assert.equal(law, "w = |V| · σ(τ (α z(u) + β z(e)))");
  assert.equal(numbers, "   = 1 · σ(1.2 (0.9 · 1.3 + 0.1 · 1.2)) = 0.8");
  assert.equal(share, "B = 15 · 0.8 / 3 → 4");
  assert.match(weightInNumbers(plan, 0)[1], /0\.9 · \(−1\)/);
  assert.match(weightInNumbers({ ...plan, allocation: "length" }, 0)[0], /w = \|V\| = 3 \(budgets are by length\)/);
});

test("words tell of a segment, and of what is kept beyond what was asked for", () => {
  assert.deepEqual(numbersInWords(clip, plan, 0), [
    "Segment 1: frames 0 to 2, 0.0 to 2.5 s",
    "u = 0.100, e = 0.500, w / |V| = 0.400",
    "B = 6 context tokens (2 per frame); by length 8",
  ]);
  assert.equal(keptInWords(plan, "kept"), "kept 21 (+1)");
});

test("a slider is made finer where its step would move a value", () => {
  const control = { option: "x", label: "x", low: 0, high: 1, step: 0.005, choices: [], tooltip: "" };
  assert.deepEqual(
    [0.1, 1 / 3, 0.995].map((value) => stepFor(control, 0, value)),
    ["0.005", "any", "0.005"],
  );
});

test("one ask at a time, and of many turns of a knob only the newest waits", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const sent = [];
  const asking = new Asking(
    (content) => sent.push(content),
    () => {},
  );
  for (const value of [1, 2, 3]) asking.ask({ ask: "turn", option: "tau", value });
  asking.ask({ ask: "turn", option: "alpha", value: 9 });
  assert.deepEqual(
    sent.map(({ value }) => value),
    [1],
  );
  assert.ok(asking.behind && !asking.idle);
  assert.equal(asking.answer(["another view", 1]), false);
  asking.answer([asking.view, 1]);
  asking.answer([asking.view, 2]);
  assert.deepEqual(
    sent.map(({ option, value }) => [option, value]),
    [
      ["tau", 1],
      ["tau", 3],
      ["alpha", 9],
    ],
  );
  context.mock.timers.tick(3000);
  assert.ok(asking.late, "nobody answers");
  asking.answer([asking.view, 3]);
  assert.ok(asking.idle && !asking.late && !asking.behind);
});
