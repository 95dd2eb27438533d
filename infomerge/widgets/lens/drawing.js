/**
 * How a frame is drawn: its picture, a mode's colors on it, the marks of kept tokens, and the patches that are lit.
 *
 * Every function draws with a `Painter`: a canvas's context, or the writer of SVG in svg.js.
 *
 * @import { Lens, Mode, Range } from "./data.js"
 * @import { Box, Edge } from "./geometry.js"
 *
 * @typedef {"save" | "restore" | "beginPath" | "rect" | "clip" | "moveTo" | "lineTo" | "arc" | "stroke" | "fillRect" |
 *   "fillText" | "translate" | "fillStyle" | "strokeStyle" | "lineWidth" | "lineCap" | "globalAlpha" | "font" |
 *   "textAlign" | "textBaseline" | "imageSmoothingQuality"} Used what both kinds of painter share with a canvas
 * @typedef {Pick<CanvasRenderingContext2D, Used> & {
 *   fill: (rule?: CanvasFillRule) => void,
 *   measureText: (text: string) => {width: number},
 *   getTransform: () => {a: number, e: number, f: number},
 *   drawImage: (image: ImageBitmap, x: number, y: number, width: number, height: number) => void,
 * }} Painter
 *
 * @typedef {{frame: number, mode: Mode, token: number | null}} Shown what a picture shows; `token` is the lit one
 * @typedef {{ink: string, muted: string, line: string, paper: string, font: string}} Theme
 */

import palette from "../../palette.json" with { type: "json" };
import { membersOf } from "./data.js";
import { edges } from "./geometry.js";
import { nothingToShow } from "./words.js";

/** @param {string} name */
const hue = (name) => /** @type {Record<string, string>} */ (palette.hues)[name];

export const ROLES = {
  salient: hue(palette.roles.salient),
  context: hue(palette.roles.context),
  highlight: hue(palette.roles.highlight),
};
export const SEGMENT_COLORS = palette.segments.map(hue);

/** Around a mark, so that it stands out from whatever it lies on: dark around a light color, light around a dark. */
const RIMS = { salient: "rgba(0, 0, 0, 0.75)", context: "rgba(255, 255, 255, 0.9)" };
/** Opacity of marks beside a lit token; a light rim would else outshine a dark one. */
const FAINT = { salient: 0.35, context: 0.22 };
const VEIL = "10, 12, 16";
const HEAT_OPACITY = 0.88;

const CIVIDIS = palette.cividis.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));

/** The color of a value between `low` and `high`. @param {number} value @param {number} low @param {number} high */
export function cividis(value, low, high) {
  const share = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5;
  const at = share * (CIVIDIS.length - 1);
  const below = Math.min(CIVIDIS.length - 2, Math.floor(at));
  const mixed = CIVIDIS[below].map((part, i) => Math.round(part + (CIVIDIS[below + 1][i] - part) * (at - below)));
  return `rgb(${mixed.join(", ")})`;
}

/**
 * The nearest box whose edges lie on whole device pixels, so that neighbors meet without a seam.
 * @param {Painter} ctx @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 @returns {Box}
 */
export function snapped(ctx, x0, y0, x1, y1) {
  const { a, e, f } = ctx.getTransform();
  const [left, right] = [x0, x1].map((x) => (Math.round(x * a + e) - e) / a);
  const [top, bottom] = [y0, y1].map((y) => (Math.round(y * a + f) - f) / a);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** @param {Painter} ctx @param {Lens} lens @param {Box} box the picture's @param {number} column @param {number} row */
function cellBox(ctx, lens, box, column, row) {
  const [width, height] = [box.width / lens.columns, box.height / lens.rows];
  const [x, y] = [box.x + column * width, box.y + row * height];
  return snapped(ctx, x, y, x + width, y + height);
}

/** @param {Painter} ctx @param {Lens} lens @param {Box} box @param {number} position */
function boxOf(ctx, lens, box, position) {
  return cellBox(ctx, lens, box, position % lens.columns, Math.floor(position / lens.columns));
}

/** @param {Painter} ctx @param {Box} box @param {number} [inset] */
export function rectOf(ctx, { x, y, width, height }, inset = 0) {
  ctx.rect(x + inset, y + inset, width - 2 * inset, height - 2 * inset);
}

/** @param {Painter} ctx @param {Box} box @param {string} style */
export function fillBox(ctx, { x, y, width, height }, style) {
  ctx.fillStyle = style;
  ctx.fillRect(x, y, width, height);
}

/** @param {Painter} ctx @param {string} style @param {number} width @param {() => void} path */
export function stroke(ctx, style, width, path) {
  ctx.beginPath();
  path();
  ctx.strokeStyle = style;
  ctx.lineWidth = width;
  ctx.stroke();
}

/**
 * Darken a picture except for the cells that `bright` names.
 * @param {Painter} ctx @param {Lens} lens @param {Box} box
 * @param {(position: number) => boolean} bright @param {number} opacity
 */
function veil(ctx, lens, box, bright, opacity) {
  ctx.beginPath();
  rectOf(ctx, box);
  for (let position = 0; position < lens.positions; position++) {
    if (bright(position)) rectOf(ctx, boxOf(ctx, lens, box, position));
  }
  ctx.fillStyle = `rgba(${VEIL}, ${opacity})`;
  ctx.fill("evenodd");
}

/**
 * The mark of a kept token: a rim around a square (salient) or around a dot (context).
 * @param {Painter} ctx @param {"salient" | "context"} kind @param {Box} cell
 */
export function drawMark(ctx, kind, cell) {
  const size = Math.min(cell.width, cell.height);
  if (size < 11) {
    drawSmallMark(ctx, kind, cell, Math.min(1, size / 6));
    return;
  }
  stroke(ctx, RIMS[kind], 3.5, () => rectOf(ctx, cell, 1.5));
  stroke(ctx, ROLES[kind], 2, () => rectOf(ctx, cell, 1.5));
  drawDot(ctx, kind, cell);
}

/**
 * In the film strip: a full cell (salient) or one with a light heart (context).
 * @param {Painter} ctx @param {"salient" | "context"} kind @param {Box} cell @param {number} inset
 */
function drawSmallMark(ctx, kind, cell, inset) {
  const [width, height] = [cell.width - 2 * inset, cell.height - 2 * inset];
  const box = { x: cell.x + inset, y: cell.y + inset, width, height };
  fillBox(ctx, box, ROLES[kind]);
  if (kind === "context") {
    const heart = { x: box.x + 0.3 * width, y: box.y + 0.3 * height, width: 0.4 * width, height: 0.4 * height };
    fillBox(ctx, heart, "#fff");
  }
}

/**
 * The middle of a kept token's mark: a square (salient) or a dot (context).
 * @param {Painter} ctx @param {"salient" | "context"} kind @param {Box} cell
 */
export function drawDot(ctx, kind, cell) {
  const size = Math.min(9, 0.42 * Math.min(cell.width, cell.height));
  const [x, y] = [cell.x + cell.width / 2, cell.y + cell.height / 2];
  ctx.beginPath();
  if (kind === "salient") ctx.rect(x - size / 2, y - size / 2, size, size);
  else ctx.arc(x, y, size / 2, 0, 2 * Math.PI);
  ctx.strokeStyle = RIMS[kind];
  ctx.lineWidth = 2;
  ctx.stroke();
  ctx.fillStyle = ROLES[kind];
  ctx.fill();
}

/** A diagonal through a cell: it marks a static candidate. @param {Painter} ctx @param {Box} cell */
export function drawHatch(ctx, cell) {
  const line = () => {
    ctx.moveTo(cell.x + 0.25 * cell.width, cell.y + 0.75 * cell.height);
    ctx.lineTo(cell.x + 0.75 * cell.width, cell.y + 0.25 * cell.height);
  };
  const wide = Math.min(cell.width, cell.height) >= 11;
  if (wide) stroke(ctx, "rgba(0, 0, 0, 0.75)", 3.5, line);
  stroke(ctx, "#fff", wide ? 1.5 : 1, line);
}

/**
 * Lines along edges between cells, the last of `layers` on top.
 * @param {Painter} ctx @param {Lens} lens @param {Box} box @param {Edge[]} lines
 * @param {[style: string, width: number][]} layers
 */
function drawEdges(ctx, lens, box, lines, layers) {
  ctx.lineCap = "square";
  for (const [style, width] of layers) {
    stroke(ctx, style, width, () => {
      for (const [x0, y0, x1, y1] of lines) {
        const from = cellBox(ctx, lens, box, x0, y0);
        const to = cellBox(ctx, lens, box, x1, y1);
        ctx.moveTo(from.x, from.y);
        ctx.lineTo(to.x, to.y);
      }
    });
  }
}

/** @param {Painter} ctx @param {Lens} lens @param {Box} box @param {(position: number) => string} color */
function fillCells(ctx, lens, box, color) {
  for (let position = 0; position < lens.positions; position++) {
    fillBox(ctx, boxOf(ctx, lens, box, position), color(position));
  }
}

/**
 * @param {Painter} ctx @param {Lens} lens @param {Box} box
 * @param {(position: number) => number} value @param {Range} range
 */
function drawHeat(ctx, lens, box, value, range) {
  ctx.globalAlpha = HEAT_OPACITY;
  fillCells(ctx, lens, box, (position) => cividis(value(position), ...range));
  ctx.globalAlpha = 1;
}

/**
 * What a mode lays over a frame: owners in the mean color of their group, a heat map, or a veil over what is dropped.
 * @param {Painter} ctx @param {Lens} lens @param {Shown} shown @param {Box} box @param {boolean} fine
 */
function drawMode(ctx, lens, { frame, mode, token }, box, fine) {
  const base = frame * lens.positions;
  const owner = (/** @type {number} */ position) => lens.assignment[base + position];
  if (mode === "ownership") {
    fillCells(ctx, lens, box, (position) => {
      const at = 3 * owner(position);
      return `rgb(${lens.colors[at]}, ${lens.colors[at + 1]}, ${lens.colors[at + 2]})`;
    });
    if (fine) {
      const rims = edges(owner, lens.rows, lens.columns);
      drawEdges(ctx, lens, box, rims, [["rgba(0, 0, 0, 0.4)", 2], ["rgba(255, 255, 255, 0.8)", 1]]);
    }
  } else if (mode === "tfd") {
    const row = lens.segmentOfFrame[frame] * lens.positions;
    const range = lens.tfdRanges[lens.segmentOfFrame[frame]];
    if (!range) return;
    drawHeat(ctx, lens, box, (position) => lens.tfd[row + position], range);
    for (let position = 0; fine && position < lens.positions; position++) {
      if (lens.isStatic[row + position]) drawHatch(ctx, boxOf(ctx, lens, box, position));
    }
  } else if (mode === "saliency") {
    drawHeat(ctx, lens, box, (position) => lens.saliency[base + position], lens.saliencyRange);
  } else if (token === null) {
    veil(ctx, lens, box, (position) => lens.index[owner(position)] === base + position, fine ? 0.42 : 0.3);
  }
}

/**
 * The marks of a frame's kept tokens, those of others than the lit token faint.
 * @param {Painter} ctx @param {Lens} lens @param {Shown} shown @param {Box} box @param {boolean} fine
 */
function drawKept(ctx, lens, { frame, mode, token }, box, fine) {
  if (mode === "tfd") return;
  const base = frame * lens.positions;
  for (let position = 0; position < lens.positions; position++) {
    const owner = lens.assignment[base + position];
    if (lens.index[owner] !== base + position) continue;
    const kind = lens.isContext[owner] ? "context" : "salient";
    const faint = token !== null && owner !== token;
    if ((!fine && (faint || mode !== "overlay")) || (mode === "saliency" && kind === "context")) continue;
    ctx.globalAlpha = faint ? FAINT[kind] : 1;
    (mode === "overlay" ? drawMark : drawDot)(ctx, kind, boxOf(ctx, lens, box, position));
    ctx.globalAlpha = 1;
  }
}

/**
 * A rim around the patches that a token stands for on a frame, and a red one around its own.
 * @param {Painter} ctx @param {Lens} lens @param {Box} box @param {Set<number>} lit positions @param {number} home
 * @param {boolean} fine
 */
function drawLit(ctx, lens, box, lit, home, fine) {
  const rim = edges((position) => lit.has(position), lens.rows, lens.columns, true);
  drawEdges(ctx, lens, box, rim, fine ? [["#000", 5], ["#fff", 2.5]] : [["#000", 2.5], ["#fff", 1.25]]);
  if (!lit.has(home)) return;
  stroke(ctx, ROLES.highlight, fine ? 3 : 1.5, () => rectOf(ctx, boxOf(ctx, lens, box, home)));
}

/**
 * One frame in one mode, with a token's patches lit.
 * @param {Painter} ctx @param {Lens} lens @param {ImageBitmap} image @param {Shown} shown @param {Box} box
 */
export function drawFrame(ctx, lens, image, shown, box) {
  const { frame, mode, token } = shown;
  const base = frame * lens.positions;
  const fine = box.height / lens.rows >= 9;
  ctx.save();
  ctx.beginPath();
  rectOf(ctx, box);
  ctx.clip();
  ctx.imageSmoothingQuality = "high";
  ctx.drawImage(image, box.x, box.y, box.width, box.height);
  drawMode(ctx, lens, shown, box, fine);

  const lit = new Set();
  for (const patch of token === null ? [] : membersOf(lens, token)) {
    if (patch >= base && patch < base + lens.positions) lit.add(patch - base);
  }
  if (token !== null) {
    const opacity = mode === "overlay" || mode === "ownership" ? 0.6 : 0.4;
    veil(ctx, lens, box, (position) => lit.has(position), opacity);
  }
  drawKept(ctx, lens, shown, box, fine);
  if (token !== null && lit.size) drawLit(ctx, lens, box, lit, lens.index[token] - base, fine);
  ctx.restore();
}

/**
 * Words across a picture that has nothing else to show.
 * @param {Painter} ctx @param {Box} box @param {string} text @param {Theme} theme
 */
export function drawMessage(ctx, box, text, theme) {
  const size = Math.max(10, Math.min(15, box.width / 26));
  ctx.font = `600 ${size}px ${theme.font}`;
  const width = ctx.measureText(text).width + 1.6 * size;
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  fillBox(ctx, { x: x - width / 2, y: y - size, width, height: 2 * size }, `rgba(${VEIL}, 0.82)`);
  ctx.fillStyle = "#fff";
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(text, x, y);
  ctx.textAlign = "start";
  ctx.textBaseline = "alphabetic";
}

/**
 * The large frame, or why there is nothing to see on it.
 * @param {Painter} ctx @param {Lens} lens @param {ImageBitmap[]} images @param {Shown} shown @param {Box} box
 * @param {Theme} theme
 */
export function drawStage(ctx, lens, images, shown, box, theme) {
  drawFrame(ctx, lens, images[shown.frame], shown, box);
  const message = shown.token === null ? nothingToShow(lens, shown.mode, shown.frame) : null;
  if (message) drawMessage(ctx, box, message, theme);
}
