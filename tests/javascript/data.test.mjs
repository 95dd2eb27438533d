import assert from "node:assert/strict";
import test from "node:test";

import {
  decode, groupPatches, heatAt, membersOf, membersPerFrame, neighborToken, numberSegments, placeOf, tokensOfFrame,
} from "../../infomerge/widgets/lens/data.js";
import { lensData, OWNERS } from "./lens.mjs";

const lens = decode(lensData());

test("arrays are read from whatever place in a message they lie at", () => {
  const message = new Uint8Array([9, 9, 9, 1, 0, 0, 0, 0, 1, 0, 0, 7]); // 1 and 256, little-endian, from byte 3 on
  const bytes = new DataView(message.buffer, 3, 8);
  const { index } = decode(lensData({ index: { dtype: "uint32", bytes } }));
  assert.deepEqual([...index], [1, 256]);
});

test("an array of another type is refused, not misread", () => {
  const wrong = { dtype: "float32", bytes: new DataView(new ArrayBuffer(16)) };
  assert.throws(() => decode(lensData({ index: wrong })), /found an array of float32; accepted is uint32/);
});

test("a lens without data says what to do", () => {
  for (const nothing of [undefined, {}, { frames: 3 }]) assert.throws(() => decode(nothing), /Run the cell/);
});

test("decode keeps counts and shapes", () => {
  assert.equal(lens.positions, 6);
  assert.equal(lens.aspect, 2);
  assert.deepEqual([...lens.segmentOfFrame], [0, 0, 1]);
  assert.deepEqual(lens.images.map((image) => [...image]), [[1, 2], [3], []]);
});

test("owners may need more than 16 bits", () => {
  const assignment = { dtype: "uint32", bytes: new DataView(Uint32Array.from(OWNERS).buffer) };
  assert.deepEqual([...decode(lensData({ assignment })).assignment], OWNERS);
});

test("every patch is in the group of its owner, in order, and in no other", () => {
  const groups = [0, 1, 2, 3].map((token) => [...membersOf(lens, token)]);
  assert.deepEqual(groups, [[0, 1, 3, 6, 7, 9, 10], [2, 4, 5, 8, 11], [12, 13, 15], [14, 16, 17]]);
  const { start, patches } = groupPatches([2, 0, 2], 4);
  assert.deepEqual([[...start], [...patches]], [[0, 1, 1, 3, 3], [1, 0, 2]]);
});

test("members are counted by frame", () => {
  assert.deepEqual([...membersPerFrame(lens, 0)], [3, 4, 0]);
  assert.deepEqual([...membersPerFrame(lens, null)], [0, 0, 0]);
});

test("frames without an own segment cannot be: each has the number of the one that it lies in", () => {
  assert.deepEqual([...numberSegments(Uint32Array.of(0, 1, 1, 4, 4, 5), 5)], [0, 1, 1, 1, 2]);
});

test("tokens of a frame are those whose own patch lies on it", () => {
  assert.deepEqual([0, 1, 2].map((frame) => tokensOfFrame(lens, frame)), [[0], [1], [2, 3]]);
});

test("stepping through tokens goes round, and begins at either end", () => {
  assert.equal(neighborToken([4, 6, 9], 9, 1), 4);
  assert.equal(neighborToken([4, 6, 9], 4, -1), 9);
  assert.equal(neighborToken([4, 6, 9], null, 1), 4);
  assert.equal(neighborToken([4, 6, 9], 5, -1), 9);
  assert.equal(neighborToken([], null, 1), null);
});

test("a patch lies in frame, row and column", () => {
  assert.deepEqual(placeOf(lens, 6 + 3 + 2), { frame: 1, row: 1, column: 2 });
});

test("heat is TFD of the frame's segment, or the patch's saliency", () => {
  assert.equal(heatAt(lens, "tfd", 6 + 3), 0.75); // frame 1 is of segment 0, too
  assert.ok(Number.isNaN(heatAt(lens, "tfd", 12)));
  assert.equal(heatAt(lens, "saliency", 12), 1.5);
  assert.equal(heatAt(lens, "overlay", 12), null);
});
