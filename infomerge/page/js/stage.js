/**
 * One frame in large: its kept tokens with rims, salient ones orange, context ones blue with a dot.
 *
 * @import { Clip } from "./clip.js"
 * @import { Result } from "./method.js"
 * @import { Look } from "./look.js"
 * @import { Picture } from "./pictures.js"
 */

import { positionAt } from "../../widgets/lens/geometry.js";
import { LIT, SHADE } from "./look.js";
import { faded, penOf } from "./pictures.js";

/** The frame that is looked at. */
export class Stage {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {Map<Picture, HTMLCanvasElement>} */
    this.grays = new Map();
    this.drawnFor = "";
    this.box = { x: 0, y: 0, width: 1, height: 1 };
  }

  /** @param {Clip} clip @param {number} width @param {boolean} dark */
  prepare(clip, width, dark) {
    const scale = Math.min(2, window.devicePixelRatio || 1);
    const shown = Math.min(width, 460 * clip.data.aspect);
    this.box = { x: 0, y: 0, width: shown, height: shown / clip.data.aspect };
    const key = [clip.data.name, shown, dark, scale].join();
    if (key === this.drawnFor) return;
    this.drawnFor = key;
    this.grays.clear();
    this.canvas.width = Math.round(shown * scale);
    this.canvas.height = Math.round((shown * scale) / clip.data.aspect);
    this.canvas.style.width = `${shown}px`;
    this.dark = dark;
  }

  /**
   * @param {Clip} clip @param {Picture} picture @param {Result} result @param {Look} look @param {number} frame
   * @param {{cursor: number | null, own: number | null, dots: boolean, ink: Record<string, string>}} marks flat indices
   */
  draw(clip, picture, result, look, frame, { cursor, own, dots, ink }) {
    const { width, height } = this.canvas;
    const { rows, columns } = clip.data;
    const pen = penOf(this.canvas);
    const gray = this.grays.get(picture) ?? faded(picture, width, height, Boolean(this.dark));
    this.grays.set(picture, gray);
    pen.drawImage(gray, 0, 0);
    const [w, h] = [width / columns, height / rows];
    const first = frame * clip.positions;
    const patch = (/** @type {number} */ p) => /** @type {[number, number, number, number]} */ ([
      (p % columns) * w, Math.floor(p / columns) * h, w, h,
    ]);
    if (look.isWindow) {
      if (look.lit.length) {
        pen.fillStyle = SHADE;
        pen.fillRect(0, 0, width, height);
      }
      pen.save();
      pen.beginPath();
      for (let p = 0; p < clip.positions; p++) {
        const i = first + p;
        if (look.lit.length ? look.lit[i] : result.isSalient[i] || result.isContext[i]) pen.rect(...patch(p));
      }
      pen.clip();
      pen.drawImage(picture, 0, 0, width, height);
      if (look.lit.length) {
        pen.fillStyle = LIT;
        pen.fillRect(0, 0, width, height);
      }
      pen.restore();
    } else {
      pen.imageSmoothingEnabled = false;
      pen.drawImage(look.mask, 0, frame * rows, columns, rows, 0, 0, width, height);
      pen.imageSmoothingEnabled = true;
    }
    const rim = Math.max(1.5, w / 14);
    for (let p = 0; p < clip.positions; p++) {
      const i = first + p;
      if (dots && result.statics[segmentOf(result, frame)][p]) this.dot(pen, patch(p), "#ffffff", 0.14);
      // No rims where nothing stands between them: all are kept, or the eye is on what is lit.
      if (result.kept === result.owner.length || dots || look.lit.length) continue;
      if (!(result.isSalient[i] || result.isContext[i])) continue;
      const [x, y, pw, ph] = patch(p);
      pen.lineWidth = rim;
      pen.strokeStyle = result.isSalient[i] ? ink.salient : ink.context;
      pen.strokeRect(x + rim / 2, y + rim / 2, pw - rim, ph - rim);
      if (result.isContext[i]) this.dot(pen, patch(p), ink.context, 0.16);
    }
    for (const [mark, color] of /** @type {[number | null, string][]} */ ([[cursor, ink.ink], [own, ink.highlight]])) {
      if (mark === null || Math.floor(mark / clip.positions) !== frame) continue;
      const [x, y, pw, ph] = patch(mark % clip.positions);
      pen.lineWidth = 2 * rim;
      pen.strokeStyle = color;
      pen.strokeRect(x, y, pw, ph);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} pen @param {[number, number, number, number]} patch
   * @param {string} color @param {number} size
   */
  dot(pen, [x, y, w, h], color, size) {
    pen.fillStyle = color;
    pen.beginPath();
    pen.arc(x + w / 2, y + h / 2, Math.max(2, size * Math.min(w, h)), 0, 7);
    pen.fill();
  }

  /** The position under a point, or null. @param {Clip} clip @param {number} x @param {number} y */
  positionAt(clip, x, y) {
    return positionAt(clip.data, this.box, x, y);
  }
}

/** The number of the segment that a frame lies in. @param {Result} result @param {number} frame */
export function segmentOf(result, frame) {
  return result.segments.findIndex(([, end]) => frame < end);
}
