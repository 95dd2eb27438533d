/**
 * What stands around the large frame: the film strip, the tiles of a token, the legend's signs; and all in one picture.
 *
 * @import { Lens } from "./data.js"
 * @import { Painter, Shown, Theme } from "./drawing.js"
 * @import { Box, StripLayout } from "./geometry.js"
 * @import { MarkKind } from "./words.js"
 */

import { membersOf, membersPerFrame, placeOf } from "./data.js";
import {
  cividis, drawDot, drawFrame, drawHatch, drawMark, drawMessage, drawStage, fillBox, rectOf, ROLES, SEGMENT_COLORS,
  snapped, stroke,
} from "./drawing.js";
import { fit, flow, mosaicLayout, spread, STRIP, stripLayout } from "./geometry.js";
import { describeClip, describePicture, legendOf, nothingToShow, shortNumber, timeInWords } from "./words.js";

/**
 * The band of a frame's segment, which goes on to the next frame of it, and the segment's name where it begins.
 * @param {Painter} ctx @param {Lens} lens @param {StripLayout} layout @param {number} frame @param {Theme} theme
 */
function drawBand(ctx, lens, layout, frame, theme) {
  const box = layout.boxes[frame];
  const segment = lens.segmentOfFrame[frame];
  const starts = frame === 0 || segment !== lens.segmentOfFrame[frame - 1];
  const goesOn = frame + 1 < lens.frames && segment === lens.segmentOfFrame[frame + 1];
  const endsLine = (frame + 1) % layout.columns === 0;
  const end = box.x + box.width + (goesOn && !endsLine ? STRIP.gap : 0);
  fillBox(ctx, snapped(ctx, box.x, box.y - 9, end, box.y - 6), SEGMENT_COLORS[segment % SEGMENT_COLORS.length]);
  if (!starts) return;
  ctx.font = `10px ${theme.font}`;
  ctx.fillStyle = theme.muted;
  ctx.fillText(box.width > 60 ? `segment ${segment + 1}` : `seg. ${segment + 1}`, box.x, box.y - 13);
}

/**
 * All frames, small, under a band in the color of their segment.
 * @param {Painter} ctx @param {Lens} lens @param {ImageBitmap[]} images @param {Shown} shown
 * @param {StripLayout} layout @param {Theme} theme
 */
export function drawStrip(ctx, lens, images, shown, layout, theme) {
  const counts = membersPerFrame(lens, shown.token);
  layout.boxes.forEach((box, frame) => {
    drawBand(ctx, lens, layout, frame, theme);
    drawFrame(ctx, lens, images[frame], { ...shown, frame }, box);
    const undefinedHere = shown.mode === "tfd" && nothingToShow(lens, "tfd", frame);
    if (undefinedHere && !counts[frame]) drawMessage(ctx, box, "undefined", theme);
    const current = frame === shown.frame;
    if (current) {
      stroke(ctx, theme.paper, 1, () => rectOf(ctx, box, -0.5));
      stroke(ctx, theme.ink, 2, () => rectOf(ctx, box, -2));
    }
    const foot = box.y + box.height + 13;
    ctx.font = `${current ? "700 " : ""}10px ${theme.font}`;
    ctx.fillStyle = current ? theme.ink : theme.muted;
    ctx.fillText(timeInWords(lens, frame) || String(frame), box.x, foot);
    if (counts[frame]) {
      const count = String(counts[frame]);
      ctx.font = `700 10px ${theme.font}`;
      ctx.fillStyle = theme.ink;
      const x = box.x + box.width - ctx.measureText(count).width;
      ctx.fillText(count, x, foot);
      fillBox(ctx, { x: x - 9, y: foot - 7, width: 6, height: 6 }, ROLES.highlight);
    }
  });
}

/**
 * The patches of a token cut out of their frames, its own first. On a canvas only: it cuts pictures.
 * @param {CanvasRenderingContext2D} ctx @param {Lens} lens @param {ImageBitmap[]} images @param {number} token
 * @param {{width: number, height: number}} room @param {Theme} theme
 */
export function drawMosaic(ctx, lens, images, token, room, theme) {
  const own = lens.index[token];
  const patches = [own, ...Array.from(membersOf(lens, token)).filter((patch) => patch !== own)];
  const aspect = (lens.aspect * lens.rows) / lens.columns;
  const { boxes, shown } = mosaicLayout(aspect, room.width, room.height, patches.length);
  spread(patches, shown).forEach((patch, i) => {
    const { frame, row, column } = placeOf(lens, patch);
    const image = images[frame];
    const box = boxes[i];
    const [w, h] = [image.width / lens.columns, image.height / lens.rows];
    ctx.drawImage(image, column * w, row * h, w, h, box.x, box.y, box.width, box.height);
    if (patch === own) stroke(ctx, ROLES.highlight, 2, () => rectOf(ctx, box, 1));
  });
  if (shown < patches.length) {
    const last = boxes[boxes.length - 1];
    ctx.font = `11px ${theme.font}`;
    ctx.fillStyle = theme.muted;
    ctx.textBaseline = "middle";
    ctx.fillText(`+${patches.length - shown}`, last.x + 3, last.y + last.height / 2);
    ctx.textBaseline = "alphabetic";
  }
}

/** The ground of the legend's signs: a patch of any color, or a heat map's. */
const GROUNDS = { owned: "#7d8f69", static: cividis(0.12, 0, 1), salientDot: cividis(0.8, 0, 1) };

/** The sign of a legend's entry. @param {Painter} ctx @param {MarkKind} kind @param {Box} cell */
export function drawLegendMark(ctx, kind, cell) {
  fillBox(ctx, cell, /** @type {Record<string, string>} */ (GROUNDS)[kind] ?? "#84888d");
  if (kind === "owned") {
    stroke(ctx, "#000", 2.5, () => rectOf(ctx, cell));
    stroke(ctx, "#fff", 1, () => rectOf(ctx, cell));
  } else if (kind === "lit") {
    stroke(ctx, "#000", 4, () => rectOf(ctx, cell, 2));
    stroke(ctx, "#fff", 2, () => rectOf(ctx, cell, 2));
    stroke(ctx, ROLES.highlight, 2, () => ctx.rect(cell.x + 6, cell.y + 6, 7, cell.height - 12));
  } else if (kind === "static") drawHatch(ctx, cell);
  else if (kind === "salientDot") drawDot(ctx, "salient", cell);
  else drawMark(ctx, kind, cell);
}

/** A color bar. @param {Painter} ctx @param {Box} box @param {Theme} theme */
export function drawBar(ctx, box, theme) {
  const steps = 64;
  for (let i = 0; i < steps; i++) {
    // Half a pixel over the next step, so that no seam shows between them.
    const step = { ...box, x: box.x + (box.width * i) / steps, width: box.width / steps + (i + 1 < steps ? 0.5 : 0) };
    fillBox(ctx, step, cividis(i, 0, steps - 1));
  }
  stroke(ctx, theme.line, 1, () => rectOf(ctx, box));
}

const MARGIN = 24;
/** Of a saved picture, in pixels: the baseline of its title, the top of its large frame. */
const TOPS = { title: MARGIN + 14, stage: MARGIN + 66 };
const LEGEND = { line: 24, gap: 24, bar: 140, space: 8 };

/** @typedef {Pick<Painter, "font" | "measureText">} Ruler */
/** @typedef {{width: number, draw: (ctx: Painter, x: number, y: number) => void}} Entry of the legend */

/**
 * The legend's entries, of which each draws itself around a baseline.
 * @param {Ruler} ruler @param {Lens} lens @param {Shown} shown @param {Theme} theme @returns {Entry[]}
 */
function legendEntries(ruler, lens, shown, theme) {
  const legend = legendOf(lens, shown.mode, shown.frame);
  const font = `12px ${theme.font}`;
  ruler.font = font;
  const wide = (/** @type {string} */ text) => ruler.measureText(text).width;
  /** @type {(ctx: Painter, text: string, x: number, y: number) => void} */
  const write = (ctx, text, x, y) => {
    ctx.font = font;
    ctx.fillStyle = theme.ink;
    ctx.fillText(text, x, y);
  };
  /** @type {Entry[]} */
  const entries = legend.marks.map(([kind, text]) => ({
    width: 26 + LEGEND.space + wide(text),
    draw: (ctx, x, y) => {
      drawLegendMark(ctx, kind, { x, y: y - 13, width: 26, height: 18 });
      write(ctx, text, x + 26 + LEGEND.space, y);
    },
  }));
  if (legend.bar) {
    const [low, high] = legend.bar.range.map(shortNumber);
    const name = `${legend.bar.label}  ${low}`;
    const start = wide(name) + LEGEND.space;
    entries.unshift({
      width: start + LEGEND.bar + LEGEND.space + wide(high),
      draw: (ctx, x, y) => {
        write(ctx, name, x, y);
        drawBar(ctx, { x: x + start, y: y - 10, width: LEGEND.bar, height: 12 }, theme);
        write(ctx, high, x + start + LEGEND.bar + LEGEND.space, y);
      },
    });
  }
  return entries;
}

/**
 * How a saved picture is laid out.
 * @param {Ruler} ruler @param {Lens} lens @param {Shown} shown @param {Theme} theme
 */
export function pictureLayout(ruler, lens, shown, theme) {
  const stage = fit(lens.aspect, 920, 520);
  const inner = Math.max(760, stage.width);
  const strip = stripLayout(lens.frames, lens.aspect, inner);
  const entries = legendEntries(ruler, lens, shown, theme);
  const { places, lines } = flow(entries.map(({ width }) => width), LEGEND.gap, inner);
  const legendTop = TOPS.stage + stage.height + 12;
  const stripTop = legendTop + LEGEND.line * lines + 6;
  const size = { width: inner + 2 * MARGIN, height: stripTop + strip.height + MARGIN };
  return { ...size, inner, stage, strip, entries, places, legendTop, stripTop };
}

/**
 * A picture of the view for a page or a slide: caption, frame, legend and film strip.
 * @param {Painter} ctx @param {Lens} lens @param {ImageBitmap[]} images @param {Shown} shown
 * @param {ReturnType<typeof pictureLayout>} layout @param {Theme} theme
 */
export function drawPicture(ctx, lens, images, shown, layout, theme) {
  const { width, height, inner, stage, entries, places } = layout;
  fillBox(ctx, { x: 0, y: 0, width, height }, theme.paper);
  ctx.fillStyle = theme.ink;
  ctx.font = `600 16px ${theme.font}`;
  ctx.fillText(lens.title, MARGIN, TOPS.title);
  ctx.font = `12px ${theme.font}`;
  ctx.fillStyle = theme.muted;
  ctx.fillText(describeClip(lens), MARGIN, TOPS.title + 20, inner);
  ctx.fillText(describePicture(lens, shown.frame, shown.token), MARGIN, TOPS.title + 37, inner);
  drawStage(ctx, lens, images, shown, { x: MARGIN + (inner - stage.width) / 2, y: TOPS.stage, ...stage }, theme);
  entries.forEach((entry, i) => {
    entry.draw(ctx, MARGIN + places[i].x, layout.legendTop + 12 + LEGEND.line * places[i].line);
  });
  ctx.translate(MARGIN, layout.stripTop);
  drawStrip(ctx, lens, images, shown, layout.strip, theme);
}
