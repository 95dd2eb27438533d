import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { decode } from "../../infomerge/widgets/lens/data.js";
import { cividis, drawFrame, ROLES, SEGMENT_COLORS } from "../../infomerge/widgets/lens/drawing.js";
import { lensData } from "./lens.mjs";

const palette = JSON.parse(readFileSync(new URL("../../infomerge/palette.json", import.meta.url)));
const lens = decode(lensData());

/** A painter that keeps what is filled, stroked and laid down, with the boxes of each. */
function recorder(scale = 1) {
  const calls = [];
  let boxes = [];
  const ctx = {
    globalAlpha: 1,
    calls,
    getTransform: () => ({ a: scale, e: 0, f: 0 }),
    beginPath: () => { boxes = []; },
    rect: (...box) => boxes.push(box),
    arc: (...circle) => boxes.push(circle),
    moveTo: (...from) => boxes.push(from),
    lineTo: (...to) => boxes[boxes.length - 1].push(...to),
    fill: () => calls.push({ what: "fill", color: ctx.fillStyle, alpha: ctx.globalAlpha, boxes }),
    stroke: () => calls.push({ what: "stroke", color: ctx.strokeStyle, alpha: ctx.globalAlpha, boxes }),
    fillRect: (...box) => calls.push({ what: "fill", color: ctx.fillStyle, alpha: ctx.globalAlpha, boxes: [box] }),
    drawImage: (image, ...box) => calls.push({ what: "image", image, boxes: [box] }),
    save: () => {},
    restore: () => {},
    clip: () => {},
  };
  return ctx;
}
const BOX = { x: 0, y: 0, width: 90, height: 60 }; // patches of 30 x 30

function drawnFrame(shown) {
  const ctx = recorder();
  drawFrame(ctx, lens, { name: `frame ${shown.frame}` }, { token: null, mode: "overlay", ...shown }, BOX);
  return ctx.calls;
}
/** Boxes of the outlines in a color, as [x, y] of the patch. */
const outlined = (calls, color) =>
  calls.filter((call) => call.what === "stroke" && call.color === color)
    .flatMap(({ boxes }) => boxes.map(([x, y]) => [Math.floor(x / 30), Math.floor(y / 30)]));

test("roles and segments have the palette's colors", () => {
  assert.equal(ROLES.context, palette.hues[palette.roles.context]);
  assert.equal(ROLES.salient, palette.hues[palette.roles.salient]);
  assert.deepEqual(SEGMENT_COLORS, palette.segments.map((name) => palette.hues[name]));
});

test("cividis runs from blue to yellow, and holds at its ends", () => {
  assert.equal(cividis(0, 0, 1), "rgb(0, 34, 78)");
  assert.equal(cividis(-5, 0, 1), cividis(0, 0, 1));
  assert.equal(cividis(1, 0, 1), "rgb(254, 232, 56)");
  assert.equal(cividis(9, 0, 1), cividis(1, 0, 1));
  assert.equal(cividis(0.5, 0, 1), "rgb(125, 124, 120)");
  assert.equal(cividis(3, 3, 3), cividis(0.5, 0, 1)); // one value only
});

test("kept tokens are marked in the color of their kind, where they lie", () => {
  const calls = drawnFrame({ frame: 2 });
  assert.equal(calls[0].image.name, "frame 2");
  assert.deepEqual(outlined(calls, ROLES.salient), [[1, 0]]); // token 2 at position 1
  assert.deepEqual(outlined(calls, ROLES.context), [[2, 1]]); // token 3 at position 5
});

test("a veil lies over all but the kept", () => {
  const [veil] = drawnFrame({ frame: 2 }).filter(({ what, color }) => what === "fill" && color.startsWith("rgba(10"));
  assert.deepEqual(veil.boxes, [[0, 0, 90, 60], [30, 0, 30, 30], [60, 30, 30, 30]]);
});

test("a lit token's patches are free of the veil, rimmed, and its own is red", () => {
  const calls = drawnFrame({ frame: 0, token: 0 }); // positions 0, 1 and 3
  const [veil] = calls.filter(({ what, color }) => what === "fill" && color.startsWith("rgba(10"));
  assert.deepEqual(veil.boxes.slice(1), [[0, 0, 30, 30], [30, 0, 30, 30], [0, 30, 30, 30]]);
  assert.deepEqual(outlined(calls, ROLES.highlight), [[0, 0]]);
  const [rim] = calls.filter(({ what, color }) => what === "stroke" && color === "#fff");
  assert.equal(rim.boxes.length, 8); // the outline of an L of three patches
});

test("on a frame where a lit token has no patch nothing is rimmed, and other marks are faint", () => {
  const calls = drawnFrame({ frame: 2, token: 0 });
  assert.deepEqual(outlined(calls, ROLES.highlight), []);
  const marks = calls.filter(({ what, color }) => what === "stroke" && [ROLES.salient, ROLES.context].includes(color));
  assert.deepEqual(marks.map(({ alpha }) => alpha), [0.35, 0.22]);
});

test("ownership fills each patch with the color of its owner's group", () => {
  const fills = drawnFrame({ frame: 1, mode: "ownership" }).filter(({ what }) => what === "fill").slice(0, 6);
  const group = ["rgb(0, 10, 20)", "rgb(30, 40, 50)"];
  assert.deepEqual(fills.map(({ color }) => color), [0, 0, 1, 0, 0, 1].map((owner) => group[owner]));
});

test("TFD is drawn in its segment's own scale, with candidates hatched, and not where it is undefined", () => {
  const calls = drawnFrame({ frame: 1, mode: "tfd" });
  const heat = calls.filter(({ what, alpha }) => what === "fill" && alpha === 0.88);
  assert.deepEqual(heat.map(({ color }) => color), [0, 0.25, 0.5, 0.75, 1, 2].map((value) => cividis(value, 0, 2)));
  const hatches = calls.filter(({ what, color }) => what === "stroke" && color === "#fff");
  assert.deepEqual(hatches.map(({ boxes }) => [Math.floor(boxes[0][0] / 30), Math.floor(boxes[0][1] / 30)]), [[0, 0], [2, 1]]);
  assert.deepEqual(drawnFrame({ frame: 2, mode: "tfd" }).map(({ what }) => what), ["image"]);
});

test("neighboring patches meet on whole pixels, whatever the frame's size", () => {
  const ctx = recorder(1.5);
  drawFrame(ctx, lens, {}, { frame: 0, mode: "saliency", token: null }, { x: 3.3, y: 1.7, width: 70.1, height: 41.3 });
  const cells = ctx.calls.filter(({ what, alpha }) => what === "fill" && alpha === 0.88).map(({ boxes }) => boxes[0]);
  assert.equal(cells.length, 6);
  for (const [x, y, width, height] of cells) {
    for (const edge of [x, y, x + width, y + height]) assert.ok(Math.abs(edge * 1.5 - Math.round(edge * 1.5)) < 1e-9);
  }
  assert.ok(Math.abs(cells[0][0] + cells[0][2] - cells[1][0]) < 1e-9);
  assert.ok(Math.abs(cells[0][1] + cells[0][3] - cells[3][1]) < 1e-9);
});
