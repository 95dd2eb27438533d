/**
 * Where things lie in a picture: patches in a frame, frames in the film strip, edges between patches, tiles.
 *
 * Plain numbers in, plain numbers out.
 *
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {[number, number, number, number]} Edge x0, y0, x1, y1 in patches
 * @typedef {{boxes: Box[], columns: number, height: number}} StripLayout
 */

/** Pixels; the margin leaves room for the outline of the current frame. */
export const STRIP = { gap: 7, rowGap: 8, head: 22, foot: 16, margin: 3 };

const TILE = 27;
const TILE_GAP = 2;

/**
 * The position under a point of a picture, or null outside of it.
 * @param {{rows: number, columns: number}} grid @param {Box} box @param {number} x @param {number} y
 */
export function positionAt({ rows, columns }, box, x, y) {
  const column = Math.floor(((x - box.x) / box.width) * columns);
  const row = Math.floor(((y - box.y) / box.height) * rows);
  if (column < 0 || row < 0 || column >= columns || row >= rows) return null;
  return row * columns + column;
}

/**
 * Edges between patches with different labels.
 * @param {(position: number) => number | boolean} label
 * @param {number} rows @param {number} columns
 * @param {boolean} withBorder whether a patch labelled true has an edge at the picture's border, too
 * @returns {Edge[]}
 */
export function edges(label, rows, columns, withBorder = false) {
  /** @type {Edge[]} */
  const between = [];
  const at = (/** @type {number} */ row, /** @type {number} */ column) =>
    row < 0 || column < 0 || row >= rows || column >= columns ? false : label(row * columns + column);
  const border = withBorder ? 0 : 1;
  for (let row = 0; row < rows; row++) {
    for (let x = border; x <= columns - border; x++) {
      if (at(row, x - 1) !== at(row, x)) between.push([x, row, x, row + 1]);
    }
  }
  for (let column = 0; column < columns; column++) {
    for (let y = border; y <= rows - border; y++) {
      if (at(y - 1, column) !== at(y, column)) between.push([column, y, column + 1, y]);
    }
  }
  return between;
}

/**
 * The largest box of a frame's shape in a width and height.
 * @param {number} aspect @param {number} width @param {number} height
 */
export function fit(aspect, width, height) {
  const fitted = Math.min(width, height * aspect);
  return { width: Math.round(fitted), height: Math.max(1, Math.round(fitted / aspect)) };
}

/**
 * Boxes of all frames in a film strip that wraps, in rows of equal length.
 * @param {number} frames @param {number} aspect @param {number} width @returns {StripLayout}
 */
export function stripLayout(frames, aspect, width) {
  const wish = Math.min(width, Math.max(52, 60 * Math.sqrt(aspect)));
  const most = Math.max(1, Math.floor((width + STRIP.gap) / (wish + STRIP.gap)));
  const lines = Math.ceil(frames / most);
  const columns = Math.ceil(frames / lines);
  const step = Math.min((width + STRIP.gap) / columns, 1.5 * wish + STRIP.gap);
  const thumb = { width: step - STRIP.gap, height: (step - STRIP.gap) / aspect };
  const line = STRIP.head + thumb.height + STRIP.foot;
  const boxes = Array.from({ length: frames }, (_, frame) => ({
    x: (frame % columns) * step,
    y: Math.floor(frame / columns) * (line + STRIP.rowGap) + STRIP.head,
    ...thumb,
  }));
  return { boxes, columns, height: Math.ceil(lines * line + (lines - 1) * STRIP.rowGap) };
}

/**
 * The frame of a film strip under a point, its band and its foot included; null between frames.
 * @param {StripLayout} layout @param {number} x @param {number} y
 */
export function frameAt(layout, x, y) {
  const frame = layout.boxes.findIndex(
    (box) => x >= box.x && x < box.x + box.width && y >= box.y - STRIP.head && y < box.y + box.height + STRIP.foot,
  );
  return frame === -1 ? null : frame;
}

/**
 * Tiles of a patch's shape that fill a width and height row by row, and how many of `count` patches they show: where
 * there are too few tiles, the last one is left for the number of those that are not shown.
 * @param {number} aspect width over height of a patch
 * @param {number} width @param {number} height @param {number} count
 */
export function mosaicLayout(aspect, width, height, count) {
  const tile = { width: TILE * Math.sqrt(aspect), height: TILE / Math.sqrt(aspect) };
  const columns = Math.max(1, Math.floor((width + TILE_GAP) / (tile.width + TILE_GAP)));
  const room = columns * Math.max(1, Math.floor((height + TILE_GAP) / (tile.height + TILE_GAP)));
  const boxes = Array.from({ length: Math.min(count, room) }, (_, i) => ({
    x: (i % columns) * (tile.width + TILE_GAP),
    y: Math.floor(i / columns) * (tile.height + TILE_GAP),
    ...tile,
  }));
  return { boxes, shown: count <= room ? count : room - 1 };
}

/**
 * `count` of the items, the first and others evenly over the rest.
 * @template T @param {T[]} items @param {number} count
 */
export function spread(items, count) {
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]);
}

/**
 * Where things of these widths begin that are set like words in lines.
 * @param {number[]} widths @param {number} gap between two of a line @param {number} room a line's length
 */
export function flow(widths, gap, room) {
  let [x, line] = [0, 0];
  const places = widths.map((width) => {
    if (x > 0 && x + width > room) [x, line] = [0, line + 1];
    const place = { x, line };
    x += width + gap;
    return place;
  });
  return { places, lines: line + 1 };
}
