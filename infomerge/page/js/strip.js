/**
 * The whole clip as a film strip on a canvas: gray frames, and over them what the view shows in color.
 *
 * @import { Box } from "../../widgets/lens/geometry.js"
 * @import { Clip } from "./clip.js"
 * @import { Result } from "./method.js"
 * @import { Look } from "./look.js"
 * @import { Picture } from "./pictures.js"
 */

import { positionAt } from "../../widgets/lens/geometry.js";
import { LIT, SHADE } from "./look.js";
import { canvasOf, faded, penOf } from "./pictures.js";

const BAND = 15;
const GAP = 5;
const ROW_GAP = 7;

/**
 * Boxes of all frames in rows of equal length.
 * @param {number} frames @param {number} aspect @param {number} width
 */
export function placeFrames(frames, aspect, width) {
  const least = (width < 500 ? 66 : 76) * Math.min(1.15, Math.sqrt(aspect / 1.78));
  const most = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
  const lines = Math.max(Math.min(3, frames), Math.ceil(frames / most));
  const columns = Math.ceil(frames / lines);
  const step = Math.min((width + GAP) / columns, 2.8 * least);
  const [thumb, height] = [Math.floor(step - GAP), Math.round((step - GAP) / aspect)];
  const boxes = Array.from({ length: frames }, (_, frame) => ({
    x: Math.round((frame % columns) * step),
    y: Math.floor(frame / columns) * (BAND + height + ROW_GAP) + BAND,
    width: thumb,
    height,
  }));
  return { boxes, step, height: lines * (BAND + height + ROW_GAP) - ROW_GAP + 3 };
}

/** A film strip on a canvas of the page. */
export class Strip {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {Box[]} */
    this.boxes = [];
    this.step = 0;
    this.drawnFor = "";
    this.scale = 1;
    this.color = canvasOf(1, 1);
    this.gray = canvasOf(1, 1);
    this.window = canvasOf(1, 1);
  }

  /**
   * Fit the strip into a width, and draw the frames that everything else is laid over; nothing where all is as it was.
   * @param {Clip} clip @param {Picture[]} pictures @param {number} width @param {boolean} dark
   */
  prepare(clip, pictures, width, dark) {
    const scale = Math.min(2, window.devicePixelRatio || 1);
    const key = [clip.data.name, clip.frames, width, dark, scale, pictures.length].join();
    if (key === this.drawnFor && pictures === this.pictures) return;
    this.drawnFor = key;
    this.pictures = pictures;
    this.scale = scale;
    const { boxes, height, step } = placeFrames(clip.frames, clip.data.aspect, width);
    Object.assign(this, { boxes, step });
    for (const canvas of [this.canvas, this.color, this.gray, this.window]) {
      canvas.width = width * scale;
      canvas.height = height * scale;
    }
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    const [color, gray] = [penOf(this.color), penOf(this.gray)];
    pictures.forEach((picture, frame) => {
      const [x, y, w, h] = this.scaled(this.boxes[frame]);
      color.imageSmoothingQuality = "high";
      color.drawImage(picture, x, y, w, h);
      gray.drawImage(faded(picture, w, h, dark), x, y, w, h);
    });
  }

  /** @param {Box} box @returns {[number, number, number, number]} in device pixels */
  scaled({ x, y, width, height }) {
    const s = this.scale;
    return [Math.round(x * s), Math.round(y * s), Math.round(width * s), Math.round(height * s)];
  }

  /**
   * @param {Clip} clip @param {Result} result @param {Look} look
   * @param {{frame: number, segment: number, dots: boolean, own: number | null, ink: Record<string, string>}} marks
   */
  draw(clip, result, look, marks) {
    const { canvas, boxes } = this;
    const { rows, columns, cuts } = clip.data;
    const pen = penOf(canvas);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(this.gray, 0, 0);
    const over = look.isWindow ? penOf(this.window) : pen;
    if (look.isWindow) {
      over.globalCompositeOperation = "source-over";
      over.clearRect(0, 0, canvas.width, canvas.height);
    }
    over.imageSmoothingEnabled = false;
    boxes.forEach((box, frame) => over.drawImage(look.mask, 0, frame * rows, columns, rows, ...this.scaled(box)));
    if (look.isWindow) {
      over.globalCompositeOperation = "source-in";
      over.drawImage(this.color, 0, 0);
      if (look.lit.length) this.shade(pen);
      pen.drawImage(this.window, 0, 0);
      if (look.lit.length) {
        over.fillStyle = LIT;
        over.fillRect(0, 0, canvas.width, canvas.height);
        pen.drawImage(this.window, 0, 0);
      }
    }
    pen.save();
    pen.scale(this.scale, this.scale);
    if (marks.dots) this.dots(pen, clip, result);
    this.bands(pen, result, marks, cuts);
    this.outline(pen, boxes[marks.frame], marks.ink.ink, 2);
    if (marks.own !== null) {
      const box = boxes[Math.floor(marks.own / clip.positions)];
      const position = marks.own % clip.positions;
      const [w, h] = [box.width / columns, box.height / rows];
      const patch = { x: box.x + (position % columns) * w, y: box.y + Math.floor(position / columns) * h, width: w, height: h };
      this.outline(pen, patch, marks.ink.highlight, 2);
    }
    pen.restore();
  }

  /** Darken all frames, so that what is lit stands out. @param {CanvasRenderingContext2D} pen */
  shade(pen) {
    pen.fillStyle = SHADE;
    for (const box of this.boxes) pen.fillRect(...this.scaled(box));
  }

  /** @param {CanvasRenderingContext2D} pen @param {Box} box @param {string} color @param {number} width */
  outline(pen, box, color, width) {
    pen.strokeStyle = color;
    pen.lineWidth = width;
    pen.strokeRect(box.x - width / 2, box.y - width / 2, box.width + width, box.height + width);
  }

  /** Static candidates. @param {CanvasRenderingContext2D} pen @param {Clip} clip @param {Result} result */
  dots(pen, { data: { rows, columns } }, { segments, statics }) {
    pen.fillStyle = "#ffffff";
    const size = Math.max(2, Math.min(4, this.boxes[0].width / columns / 2.5));
    segments.forEach(([start, end], k) => {
      for (let frame = start; frame < end; frame++) {
        const box = this.boxes[frame];
        statics[k].forEach((mark, position) => {
          if (!mark) return;
          const x = box.x + ((position % columns) + 0.5) * (box.width / columns);
          const y = box.y + (Math.floor(position / columns) + 0.5) * (box.height / rows);
          pen.fillRect(x - size / 2, y - size / 2, size, size);
        });
      }
    });
  }

  /**
   * A bar with its number above the frames of each segment, and a wedge where the film really cuts.
   * @param {CanvasRenderingContext2D} pen @param {Result} result
   * @param {{segment: number, ink: Record<string, string>}} marks @param {number[]} cuts
   */
  bands(pen, { segments }, { segment, ink }, cuts) {
    pen.font = "600 11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    segments.forEach(([start, end], k) => {
      for (let frame = start; frame < end; frame++) {
        const { x, y, width } = this.boxes[frame];
        const joins = frame + 1 < end && this.boxes[frame + 1].y === y;
        pen.fillStyle = k === segment ? ink.ink : ink.band;
        pen.fillRect(x, y - BAND + 1, joins ? this.step + 1 : width, BAND - 4);
      }
      const { x, y } = this.boxes[start];
      pen.fillStyle = k === segment ? ink.paper : ink.ink;
      pen.fillText(String(k + 1), x + 4, y - BAND / 2 - 0.5);
    });
    pen.fillStyle = ink.highlight;
    for (const frame of cuts) {
      const { y } = this.boxes[frame + 1];
      const x = Math.max(GAP / 2 + 5, this.boxes[frame + 1].x);
      pen.beginPath();
      pen.moveTo(x - GAP / 2 - 5, y - BAND);
      pen.lineTo(x - GAP / 2 + 5, y - BAND);
      pen.lineTo(x - GAP / 2, y - 1);
      pen.fill();
    }
  }

  /**
   * The patch under a point of the canvas, as a flat index; null beside the frames.
   * @param {Clip} clip @param {number} x @param {number} y
   */
  patchAt(clip, x, y) {
    const frame = this.boxes.findIndex((b) => x >= b.x && x < b.x + b.width && y >= b.y && y < b.y + b.height);
    if (frame < 0) return null;
    const position = positionAt(clip.data, this.boxes[frame], x, y);
    return position === null ? null : frame * clip.positions + position;
  }
}
