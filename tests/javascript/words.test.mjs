import assert from "node:assert/strict";
import test from "node:test";

import { decode } from "../../infomerge/widgets/lens/data.js";
import * as words from "../../infomerge/widgets/lens/words.js";
import { lensData } from "./lens.mjs";

const lens = decode(lensData());
const timeless = decode(lensData({ timestamps: null }));

test("a token is told by its place, its kind and its reach", () => {
  assert.equal(
    words.describeToken(lens, 0),
    "frame 0 (0.0 s), row 0, column 0: context token, stands for 7 patches on 2 frames",
  );
  assert.equal(
    words.describeToken(timeless, 2),
    "frame 2, row 0, column 1: salient token, stands for 3 patches on 1 frame",
  );
});

test("a token that stands for its own patch alone says so", () => {
  const alone = decode(lensData({
    kept: 18,
    assignment: { dtype: "uint16", bytes: new DataView(Uint16Array.from({ length: 18 }, (_, i) => i).buffer) },
  }));
  assert.equal(words.reachInWords(alone, 3), "stands for this patch alone");
});

test("a frame is told with its segment, counted from 1 for readers, and its tokens", () => {
  assert.equal(words.describeFrame(lens, 2), "frame 2 (1.3 s), segment 2: 1 salient, 1 context tokens kept");
  assert.equal(words.clockInWords(lens, 1), "frame 1 · 0.5 s · segment 1");
  assert.equal(words.clockInWords(timeless, 1), "frame 1 · segment 1");
});

test("a clip is told with what was asked for beside what was kept", () => {
  assert.equal(
    words.describeClip(lens),
    "infomerge: 4 of 18 tokens kept (22.2 %), 5 requested. 3 frames of 2 × 3 patches, 2 segments.",
  );
});

test("a saved picture says what it shows and what is highlighted", () => {
  assert.match(words.describePicture(lens, 1, null), /^Shown: frame 1 .* kept\.$/);
  assert.match(words.describePicture(lens, 1, 3), /^Shown: frame 1 .* Highlighted: frame 2 .* on 1 frame\.$/);
});

test("numbers are short, and their minus is one", () => {
  const told = [0, 0.123456, -12.3456, 1234.5, 99999, 123456, 0.000123, NaN].map(words.shortNumber);
  assert.deepEqual(told, ["0", "0.123", "−12.3", "1230", "100000", "1.2e+5", "1.2e−4", "undefined"]);
});

test("one is singular, and thousands are set off", () => {
  assert.equal(words.counted(1, "patch", "patches"), "1 patch");
  assert.equal(words.counted(1200, "frame"), "1,200 frames");
  assert.equal(words.capitalized("salient token"), "Salient token");
});

test("the value under the pointer has its place", () => {
  assert.equal(words.heatInWords(lens, "tfd", 9), "TFD at row 1, column 0: 0.75");
  assert.equal(words.heatInWords(lens, "saliency", 9), "saliency at row 1, column 0: 1.13");
  assert.equal(words.heatInWords(lens, "ownership", 9), "");
});

test("a mode without anything to show says why", () => {
  assert.equal(words.nothingToShow(lens, "tfd", 2), "TFD is undefined: segment 2 has one frame");
  assert.equal(words.nothingToShow(lens, "tfd", 1), null);
  const first = { dtype: "uint32", bytes: new DataView(Uint32Array.of(0, 1, 2, 3).buffer) };
  assert.equal(words.nothingToShow(decode(lensData({ index: first })), "overlay", 2), "No token of this frame is kept");
});

test("each mode has a legend of its own, and all say what is highlighted", () => {
  const legends = words.MODES.map(([mode]) => words.legendOf(lens, mode, 0));
  assert.deepEqual(legends.map(({ bar }) => bar?.range ?? null), [null, null, [0, 2], [0, 2]]);
  for (const { marks } of legends) {
    assert.deepEqual(marks.at(-1), ["lit", "Highlighted: patches merged into this token (its own patch in red)"]);
  }
  assert.equal(new Set(legends.map(({ note }) => note)).size, 4);
  assert.equal(words.legendOf(lens, "tfd", 2).bar, null);
});

test("the keys are told in the words that their actions use", () => {
  assert.match(words.KEY_HELP, /click pins, Esc unpins$/);
});
