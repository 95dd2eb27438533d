import assert from "node:assert/strict";
import test from "node:test";

import {
  edges, fit, flow, frameAt, mosaicLayout, positionAt, spread, STRIP, stripLayout,
} from "../../infomerge/widgets/lens/geometry.js";

const GRID = { rows: 2, columns: 3 };

test("a point belongs to the patch that it lies in, up to the picture's border", () => {
  const box = { x: 10, y: 20, width: 30, height: 20 };
  assert.equal(positionAt(GRID, box, 10, 20), 0);
  assert.equal(positionAt(GRID, box, 29.9, 30), 4);
  assert.equal(positionAt(GRID, box, 39.9, 39.9), 5);
  for (const [x, y] of [[9.9, 25], [40, 25], [15, 19.9], [15, 40]]) assert.equal(positionAt(GRID, box, x, y), null);
});

test("edges run where labels differ, and around what is marked if asked", () => {
  const labels = [1, 1, 2, 1, 3, 2];
  assert.deepEqual(new Set(edges((i) => labels[i], 2, 3).map(String)), new Set(["2,0,2,1", "1,1,1,2", "2,1,2,2", "1,1,2,1"]));
  const corner = edges((i) => i === 0, 2, 3, true).map(String);
  assert.deepEqual(new Set(corner), new Set(["0,0,0,1", "1,0,1,1", "0,0,1,0", "0,1,1,1"]));
});

test("as many edges as a count of unequal neighbors finds", () => {
  const [rows, columns] = [7, 9];
  const label = (i) => (i * i * 31 + 7 * i) % 4;
  let unequal = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const here = label(row * columns + column);
      if (column + 1 < columns && here !== label(row * columns + column + 1)) unequal += 1;
      if (row + 1 < rows && here !== label((row + 1) * columns + column)) unequal += 1;
    }
  }
  assert.equal(edges(label, rows, columns).length, unequal);
});

test("a frame keeps its shape in the room there is", () => {
  assert.deepEqual(fit(2, 500, 100), { width: 200, height: 100 });
  assert.deepEqual(fit(2, 100, 500), { width: 100, height: 50 });
  assert.deepEqual(fit(1000, 100, 500), { width: 100, height: 1 });
});

test("every frame has its place in the strip, none over another or beyond the border", () => {
  for (const [frames, aspect, width] of [[32, 16 / 9, 1000], [32, 0.56, 340], [1, 1, 600], [96, 1.8, 480], [5, 1, 40]]) {
    const { boxes, columns, height } = stripLayout(frames, aspect, width);
    assert.equal(boxes.length, frames);
    boxes.forEach((box, i) => {
      assert.ok(box.x >= 0 && box.x + box.width <= width + 1e-9, `${frames} frames of ${aspect} in ${width}`);
      assert.ok(box.y >= STRIP.head && box.y + box.height + STRIP.foot <= height + 1e-9);
      assert.ok(Math.abs(box.width / box.height - aspect) < 1e-9);
      const next = boxes[i + 1];
      if (next) assert.ok(next.x >= box.x + box.width || next.y >= box.y + box.height + STRIP.foot + STRIP.head);
    });
    // The rows are full but for the last one.
    assert.equal(new Set(boxes.map(({ y }) => y)).size, Math.ceil(frames / columns));
  }
});

test("a point of the strip leads to its frame, by band and foot too, and to none between frames", () => {
  const layout = stripLayout(8, 2, 300);
  layout.boxes.forEach((box, i) => {
    assert.equal(frameAt(layout, box.x + 1, box.y + 1), i);
    assert.equal(frameAt(layout, box.x + box.width / 2, box.y - STRIP.head), i);
    assert.equal(frameAt(layout, box.x + box.width / 2, box.y + box.height + STRIP.foot - 1), i);
  });
  assert.equal(frameAt(layout, layout.boxes[0].width + STRIP.gap / 2, layout.boxes[0].y), null);
  assert.equal(frameAt(layout, 1, layout.height + 1), null);
});

test("tiles fill their room; where patches are too many, the last tile is left for their number", () => {
  const few = mosaicLayout(1, 85, 56, 4); // tiles of 27 with gaps of 2: three in a row, two rows
  assert.deepEqual([few.boxes.length, few.shown], [4, 4]);
  assert.deepEqual(few.boxes[3], { x: 0, y: 29, width: 27, height: 27 });
  const many = mosaicLayout(1, 85, 56, 40);
  assert.deepEqual([many.boxes.length, many.shown], [6, 5]);
  assert.equal(mosaicLayout(1, 5, 5, 9).boxes.length, 1);
});

test("a choice of some begins with the first and is spread over all", () => {
  assert.deepEqual(spread([0, 1, 2, 3, 4, 5, 6, 7], 4), [0, 2, 4, 6]);
  assert.deepEqual(spread(["a", "b"], 2), ["a", "b"]);
  assert.deepEqual(spread([1, 2, 3], 0), []);
});

test("what does not fit into a line begins the next one", () => {
  assert.deepEqual(flow([40, 40, 40], 10, 95), {
    places: [{ x: 0, line: 0 }, { x: 50, line: 0 }, { x: 0, line: 1 }], lines: 2,
  });
  assert.equal(flow([500, 500], 10, 95).lines, 2); // wider than a line: one each, none left empty
  assert.equal(flow([], 10, 95).lines, 1);
});
